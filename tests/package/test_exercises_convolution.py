import numpy as np
import pytest
from scipy.signal import convolve2d, correlate2d

from convbook.backend import keras
from convbook.exercises import check

IMAGE, KERNEL = np.array([[1, 0, 2], [0, 3, 1], [2, 1, 0]]), np.array([[1, 2], [0, -1]])
CORRELATION, CONVOLUTION = correlate2d(IMAGE, KERNEL, "valid"), convolve2d(IMAGE, KERNEL, "valid")


def stub(*arguments): ...


def test_scipy_passes_by_hand():
    assert check.corr2d_by_hand(CORRELATION, CONVOLUTION).passed


@pytest.mark.parametrize(
    ("correlation", "convolution", "hint"),
    [
        (..., ..., "replace the dots"),
        (CONVOLUTION, CORRELATION, "that is the true convolution"),
        (correlate2d(IMAGE, KERNEL[:, ::-1], "valid"), CONVOLUTION, "mirrored"),
        (CORRELATION, CORRELATION, "rotate the kernel by 180° first"),
        (CORRELATION, correlate2d(IMAGE, KERNEL[:, ::-1], "valid"), "along both axes"),
        (CORRELATION, CORRELATION[::-1, ::-1], "not the result"),
        ([[1, 2], [3, 4]], CONVOLUTION, "is not right"),
    ],
)
def test_wrong_sums_get_their_hint(correlation, convolution, hint):
    verdict = check.corr2d_by_hand(correlation, convolution)
    assert not verdict.passed
    assert hint in verdict.message


CASES = [(28, 3, 1, 1), (7, 3, 2, 1), (121, 4, 3, 1), (63, 7, 2, 1), (28, 3, 2, 1), (28, 3, 1, 2)]


def test_keras_passes_on_sizes():
    def size(pixels: int, kernel: int, stride: int, dilation: int) -> int:
        layer = keras.layers.Conv1D(1, kernel, strides=stride, dilation_rate=dilation)
        return layer.compute_output_shape((None, pixels, 1))[1]

    assert check.sizes([size(*case) for case in CASES]).passed


@pytest.mark.parametrize(
    ("answers", "hint"),
    [
        ([...] * 6, "replace the dots"),
        ([26, 3, 40, 29, 13], "give six sizes"),
        ([26, 3, 40, 29, 13.5, 24], "round down"),
        ([26, 3, 40, 29, 14, 24], "not up"),
        ([25, 3, 40, 29, 13, 24], "add 1"),
        ([26, 5, 40, 29, 13, 24], "divide the number of steps"),
        ([26, 3, 40, 29, 13, 26], "spans d (k - 1) + 1 pixels"),
        ([28, 4, 41, 32, 14, 28], "the border costs"),
    ],
)
def test_wrong_sizes_get_their_hint(answers, hint):
    verdict = check.sizes(answers)
    assert not verdict.passed
    assert hint in verdict.message


def keras_conv2d(image, filters, bias, stride, padding):
    padded = np.pad(image, [(padding, padding), (padding, padding), (0, 0)]).astype("float32")
    maps = keras.ops.conv(padded[np.newaxis], filters.astype("float32"), strides=stride, padding="valid")
    return keras.ops.convert_to_numpy(maps)[0] + bias


def test_keras_passes_as_conv2d():
    assert check.conv2d(keras_conv2d).passed


def reads_one_channel(image, filters, *rest):
    return keras_conv2d(image[:, :, :1], filters[:, :, :1], *rest)


def one_slice_for_all(image, filters, *rest):
    return keras_conv2d(image, np.repeat(filters[:, :, :1], filters.shape[2], axis=2), *rest)


def averages_channels(image, filters, bias, *rest):
    return keras_conv2d(image, filters, bias * 0, *rest) / image.shape[2] + bias


def adds_filters(image, filters, bias, *rest):
    return keras_conv2d(image, filters, bias, *rest).sum(axis=2, keepdims=True)


def bias_for_each_channel(image, filters, bias, *rest):
    return keras_conv2d(image, filters, bias * image.shape[2], *rest)


def rounds_up(image, filters, bias, stride, padding):
    missing = [-(size + 2 * padding - k) % stride for size, k in zip(image.shape, filters.shape[:2], strict=False)]
    return keras_conv2d(np.pad(image, [(0, missing[0]), (0, missing[1]), (0, 0)]), filters, bias, stride, padding)


def pads_one_side(image, filters, bias, stride, padding):
    return keras_conv2d(np.pad(image, [(0, padding), (0, padding), (0, 0)]), filters, bias, stride, 0)


@pytest.mark.parametrize(
    ("answer", "hint"),
    [
        (stub, "replace the dots"),
        (lambda image, filters, *rest: keras_conv2d(image, filters[::-1, ::-1], *rest), "you rotated the kernel"),
        (lambda image, filters, bias, *rest: keras_conv2d(image, filters, 0 * bias, *rest), "the bias is missing"),
        (lambda image, filters, bias, stride, p: keras_conv2d(image, filters, bias, 1, p), "the stride is ignored"),
        (lambda image, filters, bias, stride, p: keras_conv2d(image, filters, bias, stride, 0), "padding is ignored"),
        (pads_one_side, "on every side"),
        (reads_one_channel, "only the first channel"),
        (one_slice_for_all, "its own slice"),
        (averages_channels, "instead of averaging"),
        (adds_filters, "makes its own map"),
        (bias_for_each_channel, "added once"),
        (rounds_up, "round down"),
        (lambda image, filters, bias, stride, padding: image[99], "raised IndexError"),
    ],
)
def test_wrong_convolutions_get_their_hint(answer, hint):
    verdict = check.conv2d(answer)
    assert not verdict.passed
    assert hint in verdict.message


def numeric_gradient(image, kernel, u):
    """Change one weight at a time, both ways; the loss is linear, so the difference is exact."""
    slopes = np.zeros_like(kernel)
    for place in np.ndindex(kernel.shape):
        nudge = np.zeros_like(kernel)
        nudge[place] = 0.5
        above, below = (np.sum(u * correlate2d(image, kernel + sign * nudge, "valid")) for sign in (1, -1))
        slopes[place] = above - below
    return slopes


def test_a_numeric_gradient_passes():
    assert check.kernel_gradient(numeric_gradient).passed


@pytest.mark.parametrize(
    ("answer", "hint"),
    [
        (stub, "replace the dots"),
        (lambda image, kernel, u: convolve2d(image, u, "valid"), "without rotating it"),
        (lambda image, kernel, u: correlate2d(image, u, "valid")[::-1, ::-1], "rotated by 180°"),
        (lambda image, kernel, u: correlate2d(image, np.ones_like(u), "valid"), "its own u"),
        (lambda image, kernel, u: correlate2d(image, u, "valid") / u.size, "the loss is a sum"),
        (lambda image, kernel, u: convolve2d(u, kernel), "with respect to the image"),
        (lambda image, kernel, u: correlate2d(image, kernel, "valid"), "these are the outputs"),
    ],
)
def test_wrong_gradients_get_their_hint(answer, hint):
    verdict = check.kernel_gradient(answer)
    assert not verdict.passed
    assert hint in verdict.message


def test_the_old_map_without_its_last_columns_passes():
    assert check.predict_shifted(lambda old_map, shift: np.delete(old_map, np.s_[-shift:], axis=1)).passed


@pytest.mark.parametrize(
    ("answer", "hint"),
    [
        (stub, "replace the dots"),
        (lambda old_map, shift: old_map, "come from windows with new zeros"),
        (lambda old_map, shift: np.roll(old_map, shift, axis=1), "come from windows with new zeros"),
        (lambda old_map, shift: old_map[:, shift:], "the last columns leave"),
        (lambda old_map, shift: old_map[:-shift], "not the rows"),
        (lambda old_map, shift: old_map[:, :-1], "not by one"),
    ],
)
def test_wrong_predictions_get_their_hint(answer, hint):
    verdict = check.predict_shifted(answer)
    assert not verdict.passed
    assert hint in verdict.message
