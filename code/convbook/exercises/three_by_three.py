"""Checks of chapter 3, on 3 × 3 convolutions."""

from collections.abc import Callable

import numpy as np
from numpy.typing import ArrayLike, NDArray

from convbook.arithmetic import Layer, trace
from convbook.convolve import corr2d, true_convolution
from convbook.exercises.verdict import Wrong, call, expect, gives_verdict, numbers


@gives_verdict
def compose(function: Callable[[NDArray, NDArray], NDArray]) -> str:
    """Check a function that combines two 3 × 3 kernels, applied one after the other, into one 5 × 5 kernel."""
    rng = np.random.default_rng(3)
    down = np.array([[0.0, 0, 0], [0, 0, 0], [0, 1, 0]])
    right = np.array([[0.0, 0, 0], [0, 0, 1], [0, 0, 0]])
    cases = (
        ("one kernel takes the pixel below, the other the pixel to the right", down, right),
        ("two kernels of random whole numbers", *rng.integers(-3, 4, (2, 3, 3)).astype(float)),
        ("two kernels of random quarters", *rng.integers(-12, 13, (2, 3, 3)) / 4),
    )
    for case, first, second in cases:
        composed = true_convolution(np.pad(first, 2), second)
        expect(
            call(function, first, second),
            composed,
            case,
            mistakes=(
                (
                    "flip one kernel along both axes, then slide it over the other; unflipped, you get a correlation",
                    corr2d(np.pad(first, 2), second),
                ),
                (
                    "the result is rotated by 180°: both kernels were flipped, or it is the map of an image with one "
                    "bright pixel",
                    composed[::-1, ::-1],
                ),
                (
                    "multiply every weight of one by every weight of the other, not only those at the same position",
                    np.pad(first * second, 1),
                ),
                (
                    "the second layer multiplies what the first has added up, so multiply weights, do not add them",
                    np.pad(first + second, 1),
                ),
                (
                    "the result needs 5 × 5 weights: pad one kernel by two, not by one",
                    true_convolution(np.pad(first, 1), second),
                ),
            ),
        )
    return "the composed kernel has the same output as the two, one after the other"


@gives_verdict
def not_composable(kernel: ArrayLike) -> str:
    """Check a 5 × 5 kernel that no two 3 × 3 kernels make.

    With two nonzero weights the answer is exact. With more it is measured: any pair must leave at least a fifth of the
    kernel.
    """
    target = numbers(kernel, "the kernel")
    if target.shape != (5, 5):
        raise Wrong(f"the kernel has shape {target.shape} and should have (5, 5)")
    if not target.any():
        raise Wrong("a kernel of zeros can be composed from two kernels of zeros")
    target = target / np.abs(target).max()  # the share does not depend on the scale, and no square overflows
    if np.linalg.matrix_rank(target) == 1:
        raise Wrong(
            "a column times a row can be composed: along one axis, five weights always split into three and three"
        )
    if np.count_nonzero(target) == 2:
        if way := _pair_for_two_weights(target):
            raise Wrong(way)
        return "no pair makes it, and with two nonzero weights that is certain"
    rest = _left_over(target)
    if rest < 0.2:
        raise Wrong(
            f"a search finds two 3 × 3 kernels that come within {rest:.1%} of it, so a pair may well make it; "
            "a kernel with two nonzero weights can be judged for certain"
        )
    return f"even with the best pair of 3 × 3 kernels that a search finds, {rest:.0%} of it is left over"


def _pair_for_two_weights(kernel: NDArray) -> str | None:
    """Say how two 3 × 3 kernels make a kernel with two nonzero weights; None if none do.

    Such a kernel is a polynomial with two terms, whose factors have all their terms on one line (Ostrowski 1975, on
    the Newton polygon of a product). So only steps into which the way between the two weights divides can help.
    """
    (top, bottom), (left, right) = np.nonzero(kernel)
    down, across = int(abs(top - bottom)), int(abs(left - right))
    if max(down, across) <= 2:
        return (
            "both weights fit into one 3 × 3 kernel, and the other kernel only has to shift it: "
            "move them further apart, but not along a row, a column or a diagonal"
        )
    if down == across:
        return "the weights are on a diagonal, and along one line five weights always split into three and three"
    if {down, across} == {2, 4} and kernel[kernel != 0].prod() < 0:
        return (
            "weights of opposite sign can be made here, because the same step, taken twice, leads from one to the "
            "other, as in (1 + x)(1 − x) = 1 − x²: try equal signs, or other places"
        )
    return None


def _left_over(target: NDArray) -> float:
    """Share of a 5 × 5 kernel that the best composition of two 3 × 3 kernels leaves, by alternating least squares."""
    units = np.eye(9).reshape(9, 3, 3)
    products = np.array([[true_convolution(np.pad(a, 2), b).ravel() for b in units] for a in units]).transpose(2, 0, 1)
    rng, best = np.random.default_rng(0), np.inf
    for _ in range(40):  # several starts, because the search may end in a local minimum
        weights = rng.normal(size=9)
        for _ in range(60):
            design = products @ weights
            weights = np.linalg.lstsq(design, target.ravel(), rcond=None)[0]
        best = min(best, float(np.linalg.norm(design @ weights - target.ravel())))
    return best / float(np.linalg.norm(target))


@gives_verdict
def relu_between(
    function: Callable[[NDArray, NDArray, NDArray], NDArray], one_image: ArrayLike, other_image: ArrayLike
) -> str:
    """Check two 3 × 3 layers with a ReLU in between, function(image, first, second), and two images.

    The images must show that superposition fails: with a kernel for vertical edges and then one for horizontal edges,
    the output for the sum of the images must differ from the sum of their outputs.
    """
    rng = np.random.default_rng(7)
    for height, width in ((7, 7), (9, 6), (5, 8)):
        image, first, second = (rng.integers(-12, 13, shape) / 4 for shape in ((height, width), (3, 3), (3, 3)))
        middle = corr2d(image, first)
        expect(
            call(function, image, first, second),
            corr2d(np.maximum(middle, 0), second),
            f"an image of {height} × {width}",
            mistakes=(
                ("the ReLU is missing", corr2d(middle, second)),
                ("the ReLU comes after the second layer, not between the two", np.maximum(corr2d(middle, second), 0)),
                (
                    "the ReLU acts on the image, not on the output of the first layer",
                    corr2d(corr2d(np.maximum(image, 0), first), second),
                ),
                (
                    "there is one ReLU, between the layers; none after the second layer",
                    np.maximum(corr2d(np.maximum(middle, 0), second), 0),
                ),
                (
                    "the kernels are in the wrong order: apply the first one first",
                    corr2d(np.maximum(corr2d(image, second), 0), first),
                ),
            ),
        )
    _expect_no_superposition(one_image, other_image)
    return "the layers are right, and superposition fails for your two images"


def _expect_no_superposition(one_image: ArrayLike, other_image: ArrayLike) -> None:
    for image in (one_image, other_image):
        if image is ... or image is None:
            raise Wrong("the layers are right; now replace the dots with two images")
    one, other = numbers(one_image, "the first image"), numbers(other_image, "the second image")
    if one.shape != other.shape or one.ndim != 2 or min(one.shape) < 5:
        raise Wrong(
            f"the images have shapes {one.shape} and {other.shape}: give two images of the same size, at least 5 × 5"
        )
    brightest = (
        max(np.abs(one).max(), np.abs(other).max()) or 1
    )  # a common factor changes nothing, and so nothing overflows
    one, other = one / brightest, other / brightest
    vertical = np.array([[1, 0, -1], [2, 0, -2], [1, 0, -1]]) / 4

    def layers(image: NDArray) -> NDArray:
        return corr2d(np.maximum(corr2d(image, vertical), 0), vertical.T)

    apart = layers(one) + layers(other)
    if not np.allclose(layers(one + other), apart):
        return
    if not layers(one).any() and not layers(other).any():
        raise Wrong("the output is 0 for both images: use images with vertical edges that begin or end inside")
    if np.allclose(one, other):
        raise Wrong("twice the same image gives twice the output, with or without a ReLU: use two different images")
    raise Wrong("for these images the output of the sum equals the sum of the outputs: let their edges overlap")


@gives_verdict
def layers_until_gone(layers_of_3: int, last_side_of_3: int, layers_of_5: int, last_side_of_5: int) -> str:
    """Check how many layers of 3 × 3 and of 5 × 5 fit on 28 × 28 pixels, and the side of the last map."""
    for kernel, layers, side in ((3, layers_of_3, last_side_of_3), (5, layers_of_5, last_side_of_5)):
        right = (28 - 1) // (kernel - 1)
        expect(
            layers,
            right,
            f"the number of {kernel} × {kernel} layers",
            mistakes=(
                ("one too many: the kernel fits only if the map has at least as many pixels as the kernel", right + 1),
                ("a layer removes k - 1 pixels, not k", 28 // kernel),
                (f"a kernel of {kernel} still fits into a map of {28 - (right - 1) * (kernel - 1)}", right - 1),
            ),
            reveal=False,
        )
        expect(
            side,
            28 - right * (kernel - 1),
            f"the side of the last map with {kernel} × {kernel} kernels",
            mistakes=(("one more layer fits into that map", 28 - (right - 1) * (kernel - 1)),),
            reveal=False,
        )
    return "with smaller kernels, more layers fit"


@gives_verdict
def stack_parameters(function: Callable[[int, int, int], int]) -> str:
    """Check function(kernel, layers, channels): the parameters of a stack with equal channels."""
    cases = ((3, 2, 16), (5, 1, 16), (3, 3, 2), (7, 1, 4), (1, 4, 6), (3, 2, 1))
    for kernel, layers, channels in cases:
        right = sum(stage.parameters for stage in trace([Layer(kernel, channels)] * layers, channels=channels))
        weights = layers * kernel**2 * channels**2
        expect(
            call(function, kernel, layers, channels),
            right,
            f"{layers} of {kernel} × {kernel} with {channels} channels",
            mistakes=(
                ("each filter has a bias as well", weights),
                ("a filter has a kernel for every channel that it reads", layers * (kernel**2 + 1) * channels),
                (
                    "there is one bias for each filter, not one for each kernel of a filter",
                    weights + layers * channels**2,
                ),
                ("there is one bias for each filter, not one for each layer", weights + layers),
                ("count the parameters of all layers", right // layers),
            ),
        )
    return f"{len(cases)} stacks, biases included"


@gives_verdict
def widest_middle(answer: int) -> str:
    """Check the largest number of middle channels for which two 3 × 3 layers from 1 to 16 channels save weights."""
    expect(
        answer,
        max(m for m in range(1, 17) if 9 * m + 9 * m * 16 < 25 * 16),
        "the number of middle channels",
        mistakes=(
            ("that is right for equal channels everywhere, but here the input has only one", 16),
            (
                "the second layer reads m channels and has 16 filters: 9 · 16 · m weights",
                max(m for m in range(1, 60) if 9 * m + 9 * 16 < 25 * 16),
            ),
            ("the two layers should have fewer weights than the large one, not more", 3),
            ("more middle channels still save weights", 1),
        ),
        reveal=False,
    )
    return "only two middle channels, hardly enough for sixteen features"
