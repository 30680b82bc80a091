"""Checks of chapter 7: which pixels a unit can see, and which ones it uses."""

from collections.abc import Callable, Sequence
from math import sqrt
from typing import Any

from convbook.arithmetic import Layer, Stage, trace
from convbook.exercises.verdict import Wrong, call, expect, gives_verdict, items, numbers, require_answer
from convbook.inference import stack

# The network of the class page's table. Receptive fields do not depend on the channels.
CLASS_NETWORK = [*[Layer(3, 16)] * 5, Layer(2, stride=2), *[Layer(3, 16)] * 4]


@gives_verdict
def receptive_fields(column: Sequence[int]) -> str:
    """Check the receptive fields of the nine layers of the scheduled CNN."""
    pool_doubles = [3, 5, 5, 10, 14, 18, 22, 26, 32]
    pool_doubles_without_jump = [3, 5, 5, 10, 12, 14, 16, 18, 21]
    without_jump = [3, 5, 5, 6, 8, 10, 12, 14, 17]
    stride_at_once = [3, 5, 5, 7, 11, 15, 19, 23, 29]
    one_for_the_1x1 = [3, 5, 6, 7, 11, 15, 19, 23, 29]
    like_3x3 = [3, 5, 7, 8, 12, 16, 20, 24, 30]
    last_kernel_3_wide = [3, 5, 5, 6, 10, 14, 18, 22, 26]
    pool_adds_nothing = [3, 5, 5, 5, 9, 13, 17, 21, 27]
    kernel_of_4_adds_4 = [3, 5, 5, 6, 10, 14, 18, 22, 30]
    kernels = [3, 3, 1, 2, 3, 3, 3, 3, 4]
    expect_fields(
        column,
        trace(stack()),
        "the column",
        mistakes=(
            ("a pool does not double the field; like every layer, it widens the field by k − 1 steps", pool_doubles),
            ("a pool does not double the field, and after it every step is two pixels long", pool_doubles_without_jump),
            (
                "after the pool, units are two pixels apart, so each further step of a kernel counts two pixels",
                without_jump,
            ),
            ("the pool's stride acts on the layers after it; its own steps are still one pixel long", stride_at_once),
            ("a 1 × 1 kernel adds k − 1 = 0", one_for_the_1x1),
            ("the third layer is a 1 × 1 convolution, which adds k − 1 = 0", like_3x3),
            ("the last kernel is 4 pixels wide, so it adds three steps", last_kernel_3_wide),
            ("a pool of 2 reads two neighbours, so it adds one step", pool_adds_nothing),
            ("a kernel of 4 takes three steps from its first pixel to its last", kernel_of_4_adds_4),
            ("these are the kernel sizes, the local fields; give the fields on the image", kernels),
        ),
    )
    return "nine fields, and the last one covers the whole image"


@gives_verdict
def class_page_mistake(column: Sequence[int]) -> str:
    """Check the corrected receptive fields of the class page's ten layers."""
    uncorrected = [3, 5, 7, 9, 11, 22, 24, 26, 28, 30]
    without_jump = [3, 5, 7, 9, 11, 12, 14, 16, 18, 20]
    pool_doubles = [3, 5, 7, 9, 11, 22, 26, 30, 34, 38]
    stride_at_once = [3, 5, 7, 9, 11, 13, 17, 21, 25, 29]
    pool_adds_nothing = [3, 5, 7, 9, 11, 11, 15, 19, 23, 27]
    expect_fields(
        column,
        trace(CLASS_NETWORK),
        "the corrected column",
        mistakes=(
            ("that is the table before the correction", uncorrected),
            ("one mistake is left: after the pool, neighbouring units are two pixels apart", without_jump),
            ("one mistake is left: the pool itself does not double the field", pool_doubles),
            ("the pool's stride acts on the layers after it, not on its own steps", stride_at_once),
            ("a pool of 2 reads two neighbours, so it adds one step", pool_adds_nothing),
        ),
    )
    return "two mistakes corrected, the width at the pool and the steps after it"


def expect_fields(
    column: Any, stages: Sequence[Stage], case: str, *, mistakes: Sequence[tuple[str, list[int]]]
) -> None:
    """Compare a list of receptive fields, one for each layer, with the right ones.

    Raises:
        Wrong: numbers are missing, or one is not right.
    """
    count = len(stages)
    what = f"{count} numbers, one for each layer, those that add nothing included"
    expect(
        items(column, count, case, what),
        [stage.receptive_field for stage in stages],
        case,
        mistakes=mistakes,
        reveal=False,
        names=[f"the field of layer {number}" for number in range(1, count + 1)],
    )


@gives_verdict
def seen_rows(function: Callable[[int], Sequence[int]]) -> str:
    """Check a function that returns the image rows that the units in row i of layer 5 see."""
    layer = next(stage for stage in trace(stack()) if stage.name == "conv5")
    for index in (3, 0, layer.size - 1, 1):
        right = layer.sees(index)
        first, end = right.start, right.stop
        expect_rows(
            call(function, index),
            right,
            f"the rows that the units in row {index} see",
            mistakes=(
                ("the jump is missing: neighbouring units see regions two pixels apart", range(index, index + 10)),
                ("the end of a range is not included, so the last row is missing", range(first, end - 1)),
                (
                    f"one row too many: a field of 10 rows that begins at row {first} ends with row {first + 9}",
                    range(first, end + 1),
                ),
                (
                    "without padding the field begins at that row; it is not centred on it",
                    range(first - 5, end - 5),
                ),
                (
                    "these are rows of the pool's maps, the local field; give rows of the image",
                    range(index, index + 3),
                ),
            ),
        )
    return "rows 2i to 2i + 9, for the first unit, the last one and two in between"


def expect_rows(answer: Any, right: range, case: str, *, mistakes: Sequence[tuple[str, range]]) -> None:
    """Compare consecutive rows or columns, given as a range, a list or an array, with the right ones.

    Raises:
        Wrong: they are missing, not consecutive, or not the right ones.
    """
    require_answer(answer, case)
    size = 28  # of the image; no unit sees more
    rows = numbers(items(answer, size, case, "all of them, as in range(5, 9) for 5 to 8", fewer=True), case)
    if rows.ndim != 1 or not rows.size or (rows[1:] - rows[:-1] != 1).any():
        raise Wrong(f"{case}: give all of them in order, as in range(5, 9) for 5 to 8; a range counts in steps of 1")
    # The rows are consecutive, so the first and the last are enough, and they make hints easy to read.
    expect(
        [rows[0], rows[-1]],
        [right[0], right[-1]],
        case,
        mistakes=[(hint, [wrong[0], wrong[-1]]) for hint, wrong in mistakes],
        reveal=False,
        names=["the first", "the last"],
    )


@gives_verdict
def field_std(function: Callable[[Sequence[tuple[int, int]]], float]) -> str:
    """Check a function that predicts how far influence spreads through layers (kernel, stride) of equal weights."""
    cases = (
        ("four layers of kernel 3", [(3, 1)] * 4),
        ("kernels 3, 3, a pool of 2 and kernel 3", [(3, 1), (3, 1), (2, 2), (3, 1)]),
        ("kernel 5, kernel 3 with stride 2, kernel 4", [(5, 1), (3, 2), (4, 1)]),
        ("kernel 3 with stride 3, kernel 1, a pool of 2, kernel 3", [(3, 3), (1, 1), (2, 2), (3, 1)]),
        ("one layer of kernel 1", [(1, 1)]),
    )
    for case, layers in cases:
        stages = trace(Layer(kernel, stride=stride) for kernel, stride in layers)
        before = [1, *(stage.jump for stage in stages)]
        expect(
            call(function, layers),
            sqrt(_variance(stages, before)),
            case,
            mistakes=(
                ("that is the variance; take its square root", _variance(stages, before)),
                (
                    "standard deviations do not add up: add the variances, then take the square root",
                    sum(jump * sqrt((stage.kernel**2 - 1) / 12) for stage, jump in zip(stages, before, strict=False)),
                ),
                (
                    "that is the formula for layers with kernel 3; use the kernel of each layer",
                    sqrt(len(layers) * (3**2 - 1) / 12),
                ),
                (
                    "the jump is missing: after a stride, the steps are longer",
                    sqrt(_variance(stages, [1] * len(stages))),
                ),
                (
                    "a stride lengthens the steps of the layers after it, not of its own layer",
                    sqrt(_variance(stages, before[1:])),
                ),
                (
                    "steps that are j times as long have j² times the variance; you multiplied by j",
                    sqrt(_variance(stages, [sqrt(jump) for jump in before])),
                ),
            ),
            reveal=False,
        )
    return "the variances of all layers, each times the square of the jump before it"


def _variance(stages: Sequence[Stage], jumps: Sequence[float]) -> float:
    """Variance of a sum of one step per layer, uniform over a kernel whose pixels are ``jump`` image pixels apart."""
    return sum(jump**2 * (stage.kernel**2 - 1) / 12 for stage, jump in zip(stages, jumps, strict=False))
