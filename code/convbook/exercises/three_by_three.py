"""Checks of chapter 3, on 3 × 3 convolutions."""

from collections.abc import Callable

import numpy as np
from numpy.typing import ArrayLike, NDArray

from convbook.arithmetic import Layer, trace
from convbook.convolve import corr2d, true_convolution
from convbook.exercises.verdict import Wrong, call, check, expect


@check
def compose(function: Callable[[NDArray, NDArray], NDArray]) -> str:
    """Check a function that makes one 5 × 5 kernel of two 3 × 3 kernels, applied one after the other."""
    rng = np.random.default_rng(3)
    down = np.array([[0, 0, 0], [0, 0, 0], [0, 1, 0]])
    right = np.array([[0, 0, 0], [0, 0, 1], [0, 0, 0]])
    cases = {
        "one kernel looks a pixel down, the other a pixel to the right": (down, right),
        "two kernels of random whole numbers": tuple(rng.integers(-3, 4, (2, 3, 3))),
    }
    for case, (first, second) in cases.items():
        expect(
            call(function, first, second),
            true_convolution(np.pad(first, 2), second),
            case,
            mistakes={
                "slide one kernel over the other flipped along both axes; as it is, it gives their correlation": (
                    corr2d(np.pad(first, 2), second)
                ),
                "the kernels are flipped, both: the result looks into the opposite direction": (
                    true_convolution(np.pad(first, 2), second)[::-1, ::-1]
                ),
                "multiply every weight of one with every weight of the other, not only those at the same place": (
                    np.pad(first * second, 1)
                ),
                "the two layers come one after the other, so their weights are multiplied, not added": (
                    np.pad(first + second, 1)
                ),
                "the result needs 5 × 5 weights: pad one kernel by two, not by one": (
                    true_convolution(np.pad(first, 1), second)
                ),
            },
        )
    return "the composed kernel does what the two do one after the other"


@check
def not_composable(kernel: ArrayLike) -> str:
    """Check a 5 × 5 kernel that no two 3 × 3 kernels come near: at least a fifth of it must be left over."""
    if kernel is ...:
        raise Wrong("no kernel yet; replace the dots")
    try:
        target = np.array(kernel, dtype=float)
    except (TypeError, ValueError):
        raise Wrong("the kernel should be 5 × 5 numbers") from None
    if not np.isfinite(target).all():
        raise Wrong("the kernel holds values that are no finite numbers")
    if target.shape != (5, 5):
        raise Wrong(f"the kernel has shape {target.shape} and should have (5, 5)")
    if not target.any():
        raise Wrong("a kernel of zeros is easy: two kernels of zeros make it")
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
    for _ in range(40):  # starts, because the turns may end in a blind alley
        weights = rng.normal(size=9)
        for _ in range(60):
            design = products @ weights
            weights = np.linalg.lstsq(design, target.ravel())[0]
        best = min(best, float(np.linalg.norm(design @ weights - target.ravel())))
    return best / float(np.linalg.norm(target))


@check
def relu_between(
    function: Callable[[NDArray, NDArray, NDArray], NDArray], one_image: ArrayLike, other_image: ArrayLike
) -> str:
    """Check two 3 × 3 layers with a ReLU between, function(image, first, second), and images that show it.

    The images do if the layers, with a kernel for upright edges and one for level edges, do not answer their sum with
    the sum of the answers.
    """
    rng = np.random.default_rng(7)
    for size in (7, 9):
        image, first, second = (rng.integers(-3, 4, (side, side)).astype(float) for side in (size, 3, 3))
        middle = corr2d(image, first)
        expect(
            call(function, image, first, second),
            corr2d(np.maximum(middle, 0), second),
            f"an image of {size} × {size}",
            mistakes={
                "there is no ReLU in it": corr2d(middle, second),
                "the ReLU stands behind the second layer, not between the two": np.maximum(corr2d(middle, second), 0),
                "the ReLU acts on the image, not on the answers of the first layer": (
                    corr2d(corr2d(np.maximum(image, 0), first), second)
                ),
                "one ReLU, between the two; the answers of the second stay as they are": (
                    np.maximum(corr2d(np.maximum(middle, 0), second), 0)
                ),
                "the first kernel comes first": corr2d(np.maximum(corr2d(image, second), 0), first),
            },
        )
    _expect_no_superposition(one_image, other_image)
    return "the layers are right, and on your two images superposition fails"


def _expect_no_superposition(one_image: ArrayLike, other_image: ArrayLike) -> None:
    if one_image is ... or other_image is ...:
        raise Wrong("the layers are right; now replace the dots by two images")
    try:
        one, other = np.array(one_image, dtype=float), np.array(other_image, dtype=float)
    except (TypeError, ValueError):
        raise Wrong("the two images should be arrays of numbers") from None
    if one.shape != other.shape or one.ndim != 2 or min(one.shape) < 5:
        raise Wrong(
            f"the images have shapes {one.shape} and {other.shape}: they need the same two axes, of 5 pixels or more"
        )
    if not (np.isfinite(one).all() and np.isfinite(other).all()):
        raise Wrong("the images hold values that are no finite numbers")
    upright = np.array([[1, 0, -1], [2, 0, -2], [1, 0, -1]]) / 4

    def layers(image: NDArray) -> NDArray:
        return corr2d(np.maximum(corr2d(image, upright), 0), upright.T)

    apart = layers(one) + layers(other)
    if not np.allclose(layers(one + other), apart):
        return
    if not apart.any():
        raise Wrong("the layers answer 0 to both images: take images with upright edges that begin or end")
    if np.allclose(one, other):
        raise Wrong("twice the same image is answered with twice the answer, ReLU or not: take two different ones")
    raise Wrong("for these two images the sum is answered with the sum of the answers: let them overlap")


@check
def layers_until_gone(layers_of_3: int, last_side_of_3: int, layers_of_5: int, last_side_of_5: int) -> str:
    """Check how many layers of 3 × 3 and of 5 × 5 fit on 28 × 28 pixels, and the side of the last map."""
    for kernel, layers, side in ((3, layers_of_3, last_side_of_3), (5, layers_of_5, last_side_of_5)):
        right = (28 - 1) // (kernel - 1)
        expect(
            layers,
            right,
            f"the number of {kernel} × {kernel} layers",
            mistakes={
                "one too many: a map must have as many pixels as the kernel for the kernel to fit": right + 1,
                "a layer takes k - 1 pixels away, not k": 28 // kernel,
                f"a map of {28 - (right - 1) * (kernel - 1)} still holds a kernel of {kernel}": right - 1,
            },
            reveal=False,
        )
        expect(
            side,
            28 - right * (kernel - 1),
            f"the side of the last map with {kernel} × {kernel} kernels",
            mistakes={"that map can take another layer": 28 - (right - 1) * (kernel - 1)},
            reveal=False,
        )
    return "small kernels leave room for more layers"


@check
def stack_parameters(function: Callable[[int, int, int], int]) -> str:
    """Check a function of (kernel, layers, channels) for the parameters of a stack with equal channels."""
    for kernel, layers, channels in ((3, 2, 16), (5, 1, 16), (3, 3, 2), (7, 1, 4)):
        right = sum(stage.parameters for stage in trace([Layer(kernel, channels)] * layers, channels=channels))
        weights = layers * kernel**2 * channels**2
        expect(
            call(function, kernel, layers, channels),
            right,
            f"{layers} of {kernel} × {kernel} with {channels} channels",
            mistakes={
                "each filter has a bias, too": weights,
                "a filter has a kernel for every channel that it reads": layers * (kernel**2 + 1) * channels,
                "there is one bias for each filter, not one for each kernel of a filter": weights
                + layers * channels**2,
                "there is one bias for each filter, not one for each layer": weights + layers,
                "count the parameters of all layers": right // layers,
            },
        )
    return "four stacks, biases included"


@check
def widest_middle(answer: int) -> str:
    """Check the largest number of middle channels for which two 3 × 3 layers from 1 to 16 channels save weights."""
    expect(
        answer,
        max(m for m in range(1, 17) if 9 * m + 9 * m * 16 < 25 * 16),
        "the number of middle channels",
        mistakes={
            "that holds for equal channels everywhere; here the input has one": 16,
            "the second layer reads m channels and has 16 filters: 9 · 16 · m weights": max(
                m for m in range(1, 60) if 9 * m + 9 * 16 < 25 * 16
            ),
            "fewer weights, not more": 3,
            "a few more weights are allowed": 1,
        },
        reveal=False,
    )
    return "two middle channels, hardly room for sixteen features"
