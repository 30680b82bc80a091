"""Checks of chapter 3, on 3 × 3 convolutions."""

from collections.abc import Callable

import numpy as np
from numpy.typing import ArrayLike, NDArray

from convbook.arithmetic import Layer, trace
from convbook.convolve import corr2d, true_convolution
from convbook.exercises.verdict import Wrong, call, expect, gives_verdict, numbers


@gives_verdict
def compose(function: Callable[[NDArray, NDArray], NDArray]) -> str:
    """Check a function that makes one 5 × 5 kernel of two 3 × 3 kernels, applied one after the other."""
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
                    "slide one kernel over the other flipped along both axes; as it is, it gives their correlation",
                    corr2d(np.pad(first, 2), second),
                ),
                ("the result is rotated by 180°, because both kernels were flipped", composed[::-1, ::-1]),
                (
                    "multiply every weight of one by every weight of the other, not only those at the same position",
                    np.pad(first * second, 1),
                ),
                (
                    "the second layer multiplies what the first has added up, so weights are multiplied, not added",
                    np.pad(first + second, 1),
                ),
                (
                    "the result needs 5 × 5 weights: pad one kernel by two, not by one",
                    true_convolution(np.pad(first, 1), second),
                ),
            ),
        )
    return "the composed kernel does what the two do one after the other"


@gives_verdict
def not_composable(kernel: ArrayLike) -> str:
    """Check a 5 × 5 kernel that no two 3 × 3 kernels come near: at least a fifth of it must be left over."""
    target = numbers(kernel, "the kernel")
    if target.shape != (5, 5):
        raise Wrong(f"the kernel has shape {target.shape} and should have (5, 5)")
    if not target.any():
        raise Wrong("a kernel of zeros is easy: two kernels of zeros make it")
    target = target / np.abs(target).max()  # the share does not depend on the scale, and no square overflows
    if np.linalg.matrix_rank(target) == 1:
        raise Wrong("a column times a row is easy: in one axis five weights always split into three and three")
    rest = _left_over(target)
    if rest < 0.2:
        raise Wrong(f"there are two 3 × 3 kernels that come near: they leave only {rest:.0%} of it")
    return f"the best pair that a search finds leaves {rest:.0%} of it"


def _left_over(target: NDArray) -> float:
    """Share of a 5 × 5 kernel that the best composition of two 3 × 3 kernels leaves, by alternating least squares."""
    units = np.eye(9).reshape(9, 3, 3)
    products = np.array([[true_convolution(np.pad(a, 2), b).ravel() for b in units] for a in units]).transpose(2, 0, 1)
    rng, best = np.random.default_rng(0), np.inf
    for _ in range(40):  # starts, because the search may end in a local minimum
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
    """Check two 3 × 3 layers with a ReLU between, function(image, first, second), and images that show it.

    The images do if the layers, with a kernel for vertical edges and then one for horizontal edges, give another
    output for the sum of the images than the sum of their outputs.
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
                    "there is one ReLU, between the two; the output of the second layer stays as it is",
                    np.maximum(corr2d(np.maximum(middle, 0), second), 0),
                ),
                ("the first kernel comes first", corr2d(np.maximum(corr2d(image, second), 0), first)),
            ),
        )
    _expect_no_superposition(one_image, other_image)
    return "the layers are right, and superposition fails for your two images"


def _expect_no_superposition(one_image: ArrayLike, other_image: ArrayLike) -> None:
    for image in (one_image, other_image):
        if image is ... or image is None:
            raise Wrong("the layers are right; now replace the dots by two images")
    one, other = numbers(one_image, "the first image"), numbers(other_image, "the second image")
    if one.shape != other.shape or one.ndim != 2 or min(one.shape) < 5:
        raise Wrong(
            f"the images have shapes {one.shape} and {other.shape}: they need the same two axes, of 5 pixels or more"
        )
    brightest = max(np.abs(one).max(), np.abs(other).max()) or 1  # the layers keep a common factor, so none overflows
    one, other = one / brightest, other / brightest
    vertical = np.array([[1, 0, -1], [2, 0, -2], [1, 0, -1]]) / 4

    def layers(image: NDArray) -> NDArray:
        return corr2d(np.maximum(corr2d(image, vertical), 0), vertical.T)

    apart = layers(one) + layers(other)
    if not np.allclose(layers(one + other), apart):
        return
    if not apart.any():
        raise Wrong("the layers give 0 for both images: take images with vertical edges that begin or end")
    if np.allclose(one, other):
        raise Wrong("twice the same image gives twice the output, ReLU or not: take two different ones")
    raise Wrong("for these two images the output of the sum is the sum of the outputs: let them overlap")


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
                ("one too many: a map must have as many pixels as the kernel for the kernel to fit", right + 1),
                ("a layer takes k - 1 pixels away, not k", 28 // kernel),
                (f"a map of {28 - (right - 1) * (kernel - 1)} still holds a kernel of {kernel}", right - 1),
            ),
            reveal=False,
        )
        expect(
            side,
            28 - right * (kernel - 1),
            f"the side of the last map with {kernel} × {kernel} kernels",
            mistakes=(("that map can take another layer", 28 - (right - 1) * (kernel - 1)),),
            reveal=False,
        )
    return "small kernels leave room for more layers"


@gives_verdict
def stack_parameters(function: Callable[[int, int, int], int]) -> str:
    """Check a function of (kernel, layers, channels) for the parameters of a stack with equal channels."""
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
            ("that holds for equal channels everywhere; here the input has one", 16),
            (
                "the second layer reads m channels and has 16 filters: 9 · 16 · m weights",
                max(m for m in range(1, 60) if 9 * m + 9 * 16 < 25 * 16),
            ),
            ("the two layers should have fewer weights than the large one, not more", 3),
            ("a few more weights are allowed", 1),
        ),
        reveal=False,
    )
    return "two middle channels, hardly room for sixteen features"
