"""Checks of chapter 1, on convolution."""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from convbook.arithmetic import output_size
from convbook.convolve import conv2d_windows, corr2d, true_convolution
from convbook.exercises.verdict import Wrong, call, expect, gives_verdict, items, numbers


@gives_verdict
def corr2d_by_hand(correlation: ArrayLike, convolution: ArrayLike) -> str:
    """Check the cross-correlation and the true convolution of a 3 × 3 image with a 2 × 2 kernel."""
    image = np.array([[1, 0, 2], [0, 3, 1], [2, 1, 0]])
    kernel = np.array([[1, 2], [0, -1]])
    as_it_is, rotated = corr2d(image, kernel), true_convolution(image, kernel)
    mirrored = corr2d(image, kernel[:, ::-1])
    matrix_product = [[image[i : i + 2, j : j + 2] @ kernel for j in (0, 1)] for i in (0, 1)]
    sums = [[np.sum(matrix_product[i][j]) for j in (0, 1)] for i in (0, 1)]
    expect(
        correlation,
        as_it_is,
        "the cross-correlation",
        mistakes=(
            ("that is the true convolution; a cross-correlation does not flip the kernel", rotated),
            ("multiply each weight by the pixel under it; you computed a matrix product", sums),
            ("the kernel is mirrored; a cross-correlation does not flip it", mirrored),
        ),
        reveal=False,
    )
    expect(
        convolution,
        rotated,
        "the true convolution",
        mistakes=(
            ("rotate the kernel by 180° first", as_it_is),
            ("flip the kernel along both axes; you mirrored it only left to right", mirrored),
            ("flip the kernel along both axes; you flipped it only top to bottom", corr2d(image, kernel[::-1])),
            ("rotate the kernel, not the result", as_it_is[::-1, ::-1]),
        ),
        reveal=False,
    )
    return "four inner products each way"


@gives_verdict
def sizes(answers: Sequence[int]) -> str:
    """Check six output sizes along one axis."""
    cases = ((28, 3, 1, 1), (7, 3, 2, 1), (121, 4, 3, 1), (63, 7, 2, 1), (28, 3, 2, 1), (28, 3, 1, 2))
    given = items(answers, len(cases), "the sizes", "six sizes, one for each case")
    for answer, (size, kernel, stride, dilation) in zip(given, cases, strict=True):
        span = dilation * (kernel - 1) + 1
        expect(
            answer,
            output_size(size, kernel, stride, dilation=dilation),
            f"{size} pixels, kernel {kernel}, stride {stride}, dilation {dilation}",
            mistakes=(
                ("the number of positions is a whole number: round down", (size - span) / stride + 1),
                ("round down, not up: the last window must lie inside the image", -(-(size - span) // stride) + 1),
                ("count the first position as well: add 1", (size - span) // stride),
                ("divide the number of steps by the stride", size - span + 1),
                ("a dilated kernel spans d (k - 1) + 1 pixels", (size - kernel) // stride + 1),
                ("there is no padding, so the border costs k - 1 pixels", -(-size // stride)),
            ),
            reveal=False,
        )
    return "six sizes; in one case the division leaves a remainder and is rounded down"


@gives_verdict
def conv2d(function: Callable[[NDArray, NDArray, NDArray, int, int], NDArray]) -> str:
    """Check a convolution of an image (H, W, C_in): function(image, filters, bias, stride, padding)."""
    rng = np.random.default_rng(1)

    def whole(*shape: int) -> NDArray:
        return rng.integers(-3, 4, shape).astype(float)

    def quarters(*shape: int) -> NDArray:  # because an integer array cannot hold the result
        return rng.integers(-12, 13, shape) / 4

    # Easy cases first, one new difficulty at a time: name, image, filters, bias, stride, padding.
    cases: tuple[tuple[str, NDArray, NDArray, NDArray, int, int], ...] = (
        ("one channel, one filter", whole(4, 4, 1), whole(2, 2, 1, 1), np.zeros(1), 1, 0),
        ("a bias", whole(4, 4, 1), whole(2, 2, 1, 1), np.array([5.0]), 1, 0),
        ("an image that is not square", whole(3, 6, 1), whole(2, 2, 1, 1), np.zeros(1), 1, 0),
        ("two channels", whole(3, 4, 2), whole(2, 2, 2, 1), np.zeros(1), 1, 0),
        ("two channels and three filters", whole(3, 4, 2), whole(2, 2, 2, 3), np.array([1.0, -2, 0]), 1, 0),
        ("three channels and two filters", quarters(5, 4, 3), quarters(3, 3, 3, 2), quarters(2), 1, 0),
        ("as many filters as channels", quarters(4, 5, 3), quarters(2, 2, 3, 3), quarters(3), 1, 0),
        ("a 1 × 1 kernel", whole(3, 5, 2), whole(1, 1, 2, 3), whole(3), 1, 0),
        ("a wide kernel", quarters(5, 7, 2), quarters(2, 3, 2, 2), quarters(2), 1, 0),
        ("a tall kernel", quarters(7, 5, 2), quarters(3, 1, 2, 3), quarters(3), 1, 0),
        ("a 5 × 5 kernel", quarters(7, 8, 1), quarters(5, 5, 1, 2), quarters(2), 1, 0),
        ("stride 2", whole(5, 7, 1), whole(3, 3, 1, 2), np.zeros(2), 2, 0),
        ("stride 2 with a remainder", whole(6, 5, 1), whole(3, 3, 1, 1), np.zeros(1), 2, 0),
        ("stride 3", quarters(8, 10, 2), quarters(3, 3, 2, 1), quarters(1), 3, 0),
        ("a stride larger than the kernel", quarters(7, 6, 1), quarters(1, 2, 1, 2), quarters(2), 3, 0),
        ("padding 1", whole(4, 3, 2), whole(3, 3, 2, 2), np.array([1.0, 2]), 1, 1),
        ("padding 2", whole(3, 4, 1), whole(3, 3, 1, 1), np.zeros(1), 1, 2),
        ("padding 1 with a 5 × 5 kernel", quarters(5, 4, 1), quarters(5, 5, 1, 1), quarters(1), 1, 1),
        ("padding 1 with a 1 × 1 kernel", quarters(3, 2, 2), quarters(1, 1, 2, 1), quarters(1), 1, 1),
        ("a tall kernel, stride 2, padding 1", quarters(6, 5, 2), quarters(3, 2, 2, 2), np.ones(2), 2, 1),
        ("a wide kernel, stride 3, padding 2", quarters(5, 9, 4), quarters(2, 4, 4, 5), quarters(5), 3, 2),
    )
    for name, image, filters, bias, stride, padding in cases:
        given: dict[str, Any] = {"images": image, "filters": filters, "bias": bias, "stride": stride}
        (kh, kw, channels, count), case = filters.shape, f"{name}, image {image.shape}, filters {filters.shape}"

        def result(pad: int | Sequence[tuple[int, int]] = padding, **changed: Any) -> NDArray | None:
            """Convolve with some arguments changed; None if the kernel does not fit."""
            widths = [(pad, pad)] * 2 if isinstance(pad, int) else pad
            padded = np.pad(image, [*widths, (0, 0)])  # noqa: B023 (called in this round only)
            try:
                return conv2d_windows(**(given | {"images": padded} | changed))  # noqa: B023
            except ValueError:
                return None

        right = result()
        assert right is not None
        first_channel = result(
            images=np.pad(image, [(padding, padding)] * 2 + [(0, 0)])[:, :, :1], filters=filters[:, :, :1]
        )
        rounded_up = [  # extra pixels that make room for the last, partial window
            -(-(size + 2 * padding - k) // stride) * stride + k - size
            for size, k in zip(image.shape, (kh, kw), strict=False)
        ]
        expect(
            call(function, image, filters, bias, stride, padding),
            right,
            f"{case}, stride {stride}, padding {padding}",
            mistakes=(
                (
                    "you rotated the kernel by 180°; a convolutional layer does not rotate it",
                    result(filters=filters[::-1, ::-1]),
                ),
                ("you flipped the kernel top to bottom; do not flip it", result(filters=filters[::-1])),
                ("you flipped the kernel left to right; do not flip it", result(filters=filters[:, ::-1])),
                ("rows and columns of the kernel are swapped", result(filters=filters.swapaxes(0, 1))),
                ("the bias is missing", result(bias=np.zeros_like(bias))),
                ("the stride is ignored", result(stride=1)),
                ("a stride above 2 is treated as 2", result(stride=2)),
                (
                    "the stride acts only along the rows; apply it to both axes",
                    _one_stride(result(stride=1), stride, 0),
                ),
                (
                    "the stride acts only along the columns; apply it to both axes",
                    _one_stride(result(stride=1), stride, 1),
                ),
                ("the padding is ignored", result(0)),
                ("padding p means p zeros on every side, not on one side of each axis", result([(0, padding)] * 2)),
                ("padding p means p rings of zeros; you always add one ring", result(min(padding, 1))),
                (
                    "padding p means p rings of zeros; use p, not half the kernel",
                    result([(kh // 2, kh // 2), (kw // 2, kw // 2)]),
                ),
                ("only the first channel is read; the inner product runs over all of them", first_channel),
                (
                    "each channel needs its own slice of the filter",
                    result(filters=np.repeat(filters[:, :, :1], channels, axis=2)),
                ),
                (
                    "channels in and filters are swapped: filters have the shape (kh, kw, C_in, C_out)",
                    result(filters=filters.swapaxes(2, 3)) if channels == count else None,
                ),
                ("add the channels up instead of averaging them", (right - bias) / channels + bias),
                ("a filter's bias is added once, not once for each channel", right + bias * (channels - 1)),
                (
                    "round down: every window must lie inside the padded image",
                    result([(padding, n - padding) for n in rounded_up]),
                ),
                ("every filter makes its own map; do not add the maps up", right.sum(axis=2, keepdims=True)),
            ),
        )
    return f"{len(cases)} cases with several channels, filters, strides, paddings and shapes of kernels"


def _one_stride(steps_of_one: NDArray | None, stride: int, axis: int) -> NDArray | None:
    """Keep every ``stride``-th position along one axis only."""
    if steps_of_one is None:
        return None
    return steps_of_one[::stride] if axis == 0 else steps_of_one[:, ::stride]


@gives_verdict
def kernel_gradient(function: Callable[[NDArray, NDArray, NDArray], NDArray]) -> str:
    """Check the gradient of sum(u * corr2d(image, kernel)) with respect to the kernel: function(image, kernel, u)."""
    rng = np.random.default_rng(2)
    shapes = ((3, 3, 2, 2), (5, 4, 2, 2), (6, 6, 3, 3), (4, 6, 2, 3), (6, 5, 3, 1), (3, 4, 1, 1), (7, 8, 5, 5))
    for height, width, kh, kw in shapes:
        image = rng.integers(-12, 13, (height, width)) / 4
        kernel = rng.integers(-12, 13, (kh, kw)) / 4
        u = rng.integers(-3, 4, (height - kh + 1, width - kw + 1)).astype(float)
        right = corr2d(image, u)
        expect(
            call(function, image, kernel, u),
            right,
            f"image {image.shape}, kernel {kernel.shape}",
            mistakes=(
                ("slide u over the image without rotating it", true_convolution(image, u)),
                ("the result is rotated by 180°", right[::-1, ::-1]),
                ("rows and columns of the result are swapped", right.T),
                ("weight each output by its own u; you weight all of them equally", corr2d(image, np.ones_like(u))),
                ("this is the mean over the positions; the loss is a sum", right / u.size),
                (
                    "this is the gradient with respect to the image",
                    true_convolution(np.pad(u, [(kh - 1, kh - 1), (kw - 1, kw - 1)]), kernel),
                ),
                (
                    "these are the outputs; the derivative of an output with respect to a weight is the pixel under it",
                    corr2d(image, kernel),
                ),
            ),
        )
    return f"the gradient is a cross-correlation of the image with u, on {len(shapes)} images"


@gives_verdict
def predict_shifted(function: Callable[[NDArray, int], NDArray]) -> str:
    """Check a function that predicts the map of a shifted image: function(old_map, shift)."""
    rng = np.random.default_rng(3)
    for shift, size in ((1, (5, 9)), (3, (5, 9)), (2, (6, 6))):
        image = rng.integers(4, 37, size) / 4
        kernel = rng.integers(-3, 4, (2, 2)).astype(float)
        old_map = corr2d(image, kernel)
        new_map = corr2d(np.pad(image, [(0, 0), (shift, 0)])[:, :-shift], kernel)
        case = f"a map of shape {old_map.shape}, a shift of {shift}"
        got = numbers(call(function, old_map, shift), case)
        if got.shape == new_map.shape:
            raise Wrong(
                f"{case}: the first {shift} columns of the new map come from windows with new zeros, so the old map "
                "does not determine them; return only the other columns"
            )
        expect(
            got,
            new_map[:, shift:],
            case,
            mistakes=(
                (
                    "the image moves to the right, so the last columns leave the map, not the first ones",
                    old_map[:, shift:],
                ),
                ("the map moves along the columns, not the rows", old_map[:-shift]),
                ("the map moves as far as the image, not by one pixel", old_map[:, :-1]),
            ),
        )
    return "the map moves with the image, by 1, 2 and 3 pixels"
