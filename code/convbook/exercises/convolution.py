"""Checks of chapter 1, on convolution."""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from convbook.arithmetic import output_size
from convbook.convolve import conv2d_windows, corr2d, true_convolution
from convbook.exercises.verdict import Wrong, call, check, expect


@check
def corr2d_by_hand(correlation: ArrayLike, convolution: ArrayLike) -> str:
    """Check the cross-correlation and the true convolution of a 3 × 3 image with a 2 × 2 kernel."""
    image = np.array([[1, 0, 2], [0, 3, 1], [2, 1, 0]])
    kernel = np.array([[1, 2], [0, -1]])
    as_it_is, turned = corr2d(image, kernel), true_convolution(image, kernel)
    mirrored = corr2d(image, kernel[:, ::-1])
    matrix_product = [[image[i : i + 2, j : j + 2] @ kernel for j in (0, 1)] for i in (0, 1)]
    traces = [[float(np.sum(matrix_product[i][j])) for j in (0, 1)] for i in (0, 1)]
    expect(
        correlation,
        as_it_is,
        "the cross-correlation",
        mistakes={
            "that is the true convolution; here the kernel is laid on as it is": turned,
            "multiply each weight with the pixel under it; this is no matrix product": traces,
            "the kernel is laid on mirrored": mirrored,
        },
        reveal=False,
    )
    expect(
        convolution,
        turned,
        "the true convolution",
        mistakes={
            "turn the kernel by half a turn first": as_it_is,
            "turn the kernel along both axes, not along one": mirrored,
            "turn the kernel along both axes, not along one axis": corr2d(image, kernel[::-1]),
            "turn the kernel, not the result": as_it_is[::-1, ::-1],
        },
        reveal=False,
    )
    return "four inner products each way"


@check
def sizes(answers: Sequence[int]) -> str:
    """Check the sizes of six results along one axis."""
    cases = ((28, 3, 1, 1), (7, 3, 2, 1), (121, 4, 3, 1), (63, 7, 2, 1), (28, 3, 2, 1), (28, 3, 1, 2))
    if len(answers) != len(cases):
        raise Wrong(f"give six sizes, one for each case; these are {len(answers)}")
    for answer, (size, kernel, stride, dilation) in zip(answers, cases, strict=True):
        span = dilation * (kernel - 1) + 1
        expect(
            answer,
            output_size(size, kernel, stride, dilation=dilation),
            f"{size} pixels, kernel {kernel}, stride {stride}, dilation {dilation}",
            mistakes={
                "a position does not come in parts: round down": (size - span) / stride + 1,
                "the window must not hang over the edge: round down, not up": -(-(size - span) // stride) + 1,
                "count the first position, too: add 1": (size - span) // stride,
                "the stride divides the number of steps": size - span + 1,
                "a dilated kernel spans d (k - 1) + 1 pixels": (size - kernel) // stride + 1,
                "without padding the border costs k - 1 pixels": -(-size // stride),
            },
            reveal=False,
        )
    return "six sizes, three of them rounded down"


@check
def conv2d(function: Callable[[NDArray, NDArray, NDArray, int, int], NDArray]) -> str:
    """Check a convolution of an image (H, W, C_in): function(image, filters, bias, stride, padding)."""
    rng = np.random.default_rng(1)

    def whole(*shape: int) -> NDArray:
        return rng.integers(-3, 4, shape).astype(float)

    cases = {
        "one channel, one filter": (whole(4, 4, 1), whole(2, 2, 1, 1), np.zeros(1), 1, 0),
        "a bias": (whole(4, 4, 1), whole(2, 2, 1, 1), np.array([5.0]), 1, 0),
        "two channels": (whole(3, 4, 2), whole(2, 2, 2, 1), np.zeros(1), 1, 0),
        "two channels and three filters": (whole(3, 4, 2), whole(2, 2, 2, 3), np.array([1.0, -2, 0]), 1, 0),
        "stride 2": (whole(5, 7, 1), whole(3, 3, 1, 2), np.zeros(2), 2, 0),
        "stride 2 where it does not come out even": (whole(6, 5, 1), whole(3, 3, 1, 1), np.zeros(1), 2, 0),
        "padding 1": (whole(4, 3, 2), whole(3, 3, 2, 2), np.array([1.0, 2]), 1, 1),
        "a kernel that is not square, stride 2, padding 1": (whole(6, 5, 2), whole(3, 2, 2, 2), np.ones(2), 2, 1),
    }
    for case, (image, filters, bias, stride, padding) in cases.items():
        given: dict[str, Any] = {
            "images": image,
            "filters": filters,
            "bias": bias,
            "stride": stride,
            "padding": padding,
        }

        def result(**changed: Any) -> NDArray:
            return conv2d_windows(**(given | changed))  # noqa: B023 (called in this round only)

        mistakes = {
            "you turned the kernel; frameworks lay it on as it is": result(filters=filters[::-1, ::-1]),
            "the bias is missing": result(bias=np.zeros_like(bias)),
            "the stride is ignored": result(stride=1),
            "the padding is ignored": result(padding=0) if padding else ...,
            "padding p means p zeros on every side": (
                result(images=np.pad(image, [(0, padding), (0, padding), (0, 0)]), padding=0) if padding else ...
            ),
            "only the first channel is read; the inner product runs over all of them": (
                result(images=image[:, :, :1], filters=filters[:, :, :1])
            ),
            "each channel needs its own slice of the filter": (
                result(filters=np.repeat(filters[:, :, :1], filters.shape[2], axis=2))
            ),
            "add the channels up, do not average them": (result() - bias) / image.shape[2] + bias,
            "the bias belongs to the filter and is added once, not once for each channel": (
                result() + bias * (image.shape[2] - 1)
            ),
            "round down: a window must not hang over the edge": (
                result(images=np.pad(image, [(0, 1), (0, 1), (0, 0)]))[
                    : -(-(image.shape[0] + 2 * padding - filters.shape[0]) // stride) + 1,
                    : -(-(image.shape[1] + 2 * padding - filters.shape[1]) // stride) + 1,
                ]
            ),
            "every filter makes a map of its own; do not add them up": result().sum(axis=2, keepdims=True),
        }
        expect(
            call(function, image, filters, bias, stride, padding),
            result(),
            f"{case}, image {image.shape}, filters {filters.shape}, stride {stride}, padding {padding}",
            mistakes={hint: wrong for hint, wrong in mistakes.items() if wrong is not ...},
        )
    return "eight images, with channels, filters, bias, stride and padding"


@check
def kernel_gradient(function: Callable[[NDArray, NDArray, NDArray], NDArray]) -> str:
    """Check the gradient of sum(u * corr2d(image, kernel)) with respect to the kernel: function(image, kernel, u)."""
    rng = np.random.default_rng(2)
    for height, width, side in ((3, 3, 2), (5, 4, 2), (6, 6, 3)):
        image = rng.integers(-3, 4, (height, width)).astype(float)
        kernel = rng.integers(-3, 4, (side, side)).astype(float)
        u = rng.integers(-3, 4, (height - side + 1, width - side + 1)).astype(float)
        expect(
            call(function, image, kernel, u),
            corr2d(image, u),
            f"image {image.shape}, kernel {kernel.shape}",
            mistakes={
                "u is laid on as it is, not turned": true_convolution(image, u),
                "the result is turned by half a turn": corr2d(image, u)[::-1, ::-1],
                "each answer counts with its own u; here all count the same": corr2d(image, np.ones_like(u)),
                "this is the mean over the positions; the loss is a sum": corr2d(image, u) / u.size,
                "this is the gradient with respect to the image": true_convolution(np.pad(u, side - 1), kernel),
                "these are the answers; their derivative with respect to a weight is the pixel that it meets": (
                    corr2d(image, kernel)
                ),
            },
        )
    return "the gradient is a cross-correlation of the image with u, on three images"


@check
def predict_shifted(function: Callable[[NDArray, int], NDArray]) -> str:
    """Check a prediction of the map of a shifted image from the old map: function(old_map, shift)."""
    rng = np.random.default_rng(3)
    for shift in (1, 3):
        image = rng.integers(1, 9, (5, 9)).astype(float)
        kernel = rng.integers(-3, 4, (2, 2)).astype(float)
        old_map = corr2d(image, kernel)
        new_map = corr2d(np.pad(image, [(0, 0), (shift, 0)])[:, :-shift], kernel)
        got = call(function, old_map, shift)
        if np.shape(got) == new_map.shape:
            raise Wrong(
                f"a shift of {shift}: the first {shift} columns of the new map contain zeros that the old map "
                "knows nothing of; return the others only"
            )
        expect(
            got,
            new_map[:, shift:],
            f"a shift of {shift}",
            mistakes={
                "the image moves to the right, so the last columns leave the map, not the first": old_map[:, shift:],
                "the map moves along the columns, not the rows": old_map[:-shift],
                "the map moves as far as the image, not by one": old_map[:, :-1],
            },
        )
    return "the map moves with the image, by 1 and by 3"
