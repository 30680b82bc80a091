from itertools import accumulate

import numpy as np
import pytest

from convbook.exercises import check

DOTS = "dots"


def paths(layers, size):
    """Count the ways from each pixel to the first unit: the reference for fields, rows and spreads, from no formula."""
    counts = np.eye(size)
    for kernel, stride in layers:
        counts = np.array([counts[i : i + kernel].sum(axis=0) for i in range(0, len(counts) - kernel + 1, stride)])
    return counts


SCHEDULED = [(3, 1), (3, 1), (1, 1), (2, 2), (3, 1), (3, 1), (3, 1), (3, 1), (4, 1)]
CLASS = [*[(3, 1)] * 5, (2, 2), *[(3, 1)] * 4]


def counted_column(layers):
    return [np.count_nonzero(paths(layers[:depth], 40)[0]) for depth in range(1, len(layers) + 1)]


def column(layers, step):
    """The fields if each layer widened the last field by ``step(field, kernel, jump before, jump behind)``."""
    jumps = list(accumulate((stride for _, stride in layers), lambda a, b: a * b, initial=1))
    return list(
        accumulate(
            range(len(layers)),
            lambda field, i: field + step(field, layers[i][0], jumps[i], jumps[i + 1]),
            initial=1,
        )
    )[1:]


def grow(field, kernel, jump, after):
    return (kernel - 1) * jump


def double(field, kernel, jump, after):
    return field if after > jump else (kernel - 1) * jump


def double_then_single_steps(field, kernel, jump, after):
    return field if after > jump else kernel - 1


def single_steps(field, kernel, jump, after):
    return kernel - 1


def pool_adds_nothing(field, kernel, jump, after):
    return 0 if after > jump else (kernel - 1) * jump


def stride_at_once(field, kernel, jump, after):
    return (kernel - 1) * after


def failed_with(verdict, hint):
    return not verdict.passed and hint in verdict.message


def test_the_columns_pass():
    assert check.receptive_fields(counted_column(SCHEDULED)).passed
    assert check.class_page_mistake(counted_column(CLASS)).passed


@pytest.mark.parametrize(
    ("answer", "hint"),
    [
        (..., DOTS),
        (column(SCHEDULED, double), "does not double the field; like every layer"),
        (column(SCHEDULED, double_then_single_steps), "does not double the field, and after it"),
        (column(SCHEDULED, single_steps), "two pixels apart"),
        (column(SCHEDULED, stride_at_once), "acts on the layers after it"),
        ([3, 5, 6, 7, 11, 15, 19, 23, 29], "1 × 1 kernel adds"),
        (counted_column([(3, 1) if layer == (1, 1) else layer for layer in SCHEDULED]), "third layer is a 1 × 1"),
        (counted_column([*SCHEDULED[:-1], (3, 1)]), "last kernel is 4 pixels wide"),
        ([kernel for kernel, _ in SCHEDULED], "local fields"),
        (column(SCHEDULED, pool_adds_nothing), "adds one step"),
        (counted_column([*SCHEDULED[:-1], (5, 1)]), "three steps"),
        (
            counted_column(SCHEDULED)[:-1],
            "give 9 numbers, one for each layer, those that add nothing included; you gave 8",
        ),
        ([3, 5, 5, 6, 10, 14, 18, 23, 28], "the column: the field of layer 8 is 23, which is not right"),
    ],
)
def test_wrong_columns_get_their_hint(answer, hint):
    assert failed_with(check.receptive_fields(answer), hint)


@pytest.mark.parametrize(
    ("answer", "hint"),
    [
        (..., DOTS),
        (column(CLASS, double_then_single_steps), "before the correction"),
        (column(CLASS, single_steps), "after the pool, neighbouring units"),
        (column(CLASS, double), "the pool itself does not double the field"),
        (column(CLASS, stride_at_once), "not on its own steps"),
        (column(CLASS, pool_adds_nothing), "adds one step"),
        ([*counted_column(CLASS), 30], "you gave more than 10"),
    ],
)
def test_wrong_corrections_of_the_class_page_get_their_hint(answer, hint):
    assert failed_with(check.class_page_mistake(answer), hint)


def counted_rows(index):
    seen = np.flatnonzero(paths(SCHEDULED[:5], 28)[index])
    return range(int(seen[0]), int(seen[-1]) + 1)


def stub(argument): ...


def test_the_rows_of_layer_5_pass():
    assert check.seen_rows(counted_rows).passed


@pytest.mark.parametrize(
    ("answer", "hint"),
    [
        (stub, DOTS),
        (lambda i: range(i, i + 10), "the jump is missing"),
        (lambda i: range(2 * i, 2 * i + 9), "the last row is missing"),
        (lambda i: range(2 * i, 2 * i + 11), "one row too many"),
        (lambda i: range(2 * i - 5, 2 * i + 5), "not centred"),
        (lambda i: range(i, i + 3), "the local field"),
        (lambda i: (2 * i, 2 * i + 10), "give all of them in order"),
        (lambda i: range(6, 16), "the rows that the units in row 0 see: the first is 6, which is not right"),
        (range(6, 16), "give the function itself"),
    ],
)
def test_wrong_rows_get_their_hint(answer, hint):
    assert failed_with(check.seen_rows(answer), hint)


def counted_std(layers):
    counts = paths(layers, 60)[0]
    weights, places = counts / counts.sum(), np.arange(60)
    return np.sqrt(weights @ (places - weights @ places) ** 2)


def jumps_before(layers):
    return [int(np.prod([stride for _, stride in layers[:depth]])) for depth in range(len(layers))]


def summed(term):
    """A prediction that adds ``term(kernel, jump before the layer, stride)`` over the layers and takes the root."""
    return lambda layers: np.sqrt(
        sum(term(kernel, jump, stride) for (kernel, stride), jump in zip(layers, jumps_before(layers), strict=True))
    )


def test_the_spread_of_the_paths_passes():
    assert check.field_std(counted_std).passed


@pytest.mark.parametrize(
    ("answer", "hint"),
    [
        (stub, DOTS),
        (lambda layers: counted_std(layers) ** 2, "that is the variance"),
        (
            lambda layers: sum(
                jump * np.sqrt((kernel**2 - 1) / 12)
                for (kernel, _), jump in zip(layers, jumps_before(layers), strict=True)
            ),
            "standard deviations do not",
        ),
        (lambda layers: np.sqrt(len(layers) * 8 / 12), "layers with kernel 3"),
        (summed(lambda kernel, jump, stride: (kernel**2 - 1) / 12), "the jump is missing"),
        (summed(lambda kernel, jump, stride: (jump * stride) ** 2 * (kernel**2 - 1) / 12), "its own layer"),
        (summed(lambda kernel, jump, stride: jump * (kernel**2 - 1) / 12), "j² times the variance"),
        (lambda layers: np.sqrt(max(counted_std(layers) ** 2, 0.1)), "one layer of kernel 1"),
    ],
)
def test_wrong_spreads_get_their_hint(answer, hint):
    assert failed_with(check.field_std(answer), hint)
