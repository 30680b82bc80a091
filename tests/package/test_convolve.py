"""The NumPy convolutions against SciPy and Keras."""

import itertools
import re

import keras
import numpy as np
import pytest
from scipy.signal import convolve2d, correlate2d

from convbook.arithmetic import output_size
from convbook.convolve import conv2d_loops, conv2d_matmul, conv2d_windows, corr2d, true_convolution


def loops_over_batch(images, *arguments, **settings):
    """``conv2d_loops`` takes one image, the comparisons below also give it batches."""
    if images.ndim == 3:
        return conv2d_loops(images, *arguments, **settings)
    return np.stack([conv2d_loops(image, *arguments, **settings) for image in images])


CONVOLUTIONS = {"loops": loops_over_batch, "windows": conv2d_windows, "matmul": conv2d_matmul}


def spread(filters, dilation):
    """Filters with zeros between their pixels: what a dilation means."""
    height, width, *channels = filters.shape
    gaps = np.zeros((dilation * (height - 1) + 1, dilation * (width - 1) + 1, *channels), filters.dtype)
    gaps[::dilation, ::dilation] = filters
    return gaps


def with_scipy(images, filters, bias, stride, padding, dilation):
    """Channel by channel and image by image, ``padding`` a number."""
    edges = [(padding, padding)] * 2
    filters = spread(filters, dilation)
    batch = images if images.ndim == 4 else images[np.newaxis]
    maps = [
        [
            sum(
                correlate2d(np.pad(image[..., c_in], edges), filters[..., c_in, c_out], "valid")
                for c_in in range(filters.shape[2])
            )[::stride, ::stride]
            + bias[c_out]
            for c_out in range(filters.shape[3])
        ]
        for image in batch
    ]
    outputs = np.moveaxis(np.array(maps), 1, -1)
    return outputs if images.ndim == 4 else outputs[0]


def with_keras(images, filters, bias, stride, padding, dilation):
    """One call; Keras has no number for the padding, and no dilation together with a stride."""
    batch = images if images.ndim == 4 else images[np.newaxis]
    if isinstance(padding, int):
        batch = np.pad(batch, [(0, 0), (padding, padding), (padding, padding), (0, 0)])
        padding = "valid"
    if stride > 1:
        filters, dilation = spread(filters, dilation), 1
    maps = np.asarray(keras.ops.conv(batch, filters, stride, padding, dilation_rate=dilation)) + bias
    return maps if images.ndim == 4 else maps[0]


def assert_convolves(convolution, images, filters, bias, stride, padding, dilation):
    """Compare with Keras and, where the padding is symmetric, SciPy."""
    settings = {"stride": stride, "padding": padding, "dilation": dilation}
    ours = convolution(images, filters, bias, **settings)
    bias = np.zeros(filters.shape[-1], filters.dtype) if bias is None else bias
    oracles = [with_keras]
    if padding != "same":
        oracles.append(with_scipy)
        settings["padding"] = 0 if padding == "valid" else padding
    for oracle in oracles:
        expected = oracle(images, filters, bias, **settings)
        assert ours.shape == expected.shape
        assert ours.dtype == expected.dtype
        np.testing.assert_allclose(ours, expected, rtol=1e-4, atol=1e-5 if ours.dtype == np.float32 else 1e-12)


def draw(seed, stride=None, padding=None, dilation=None):
    """Random arguments; every size may differ from every other."""
    rng = np.random.default_rng(seed)
    stride = stride or int(rng.integers(1, 4))
    dilation = dilation or int(rng.integers(1, 4))
    padding = padding if padding is not None else [0, 1, 2, "valid", "same"][rng.integers(5)]
    kernel = rng.integers(1, 4, size=2)
    height, width = dilation * (kernel - 1) + 1 + rng.integers(0, 5, size=2)
    c_in, c_out = rng.integers(1, 5, size=2)
    batch = [(), (1,), (3,)][rng.integers(3)]
    dtype = rng.choice(["float32", "float64"])
    images = rng.normal(size=(*batch, height, width, c_in)).astype(dtype)
    filters = rng.normal(size=(*kernel, c_in, c_out)).astype(dtype)
    bias = rng.normal(size=c_out).astype(dtype) if rng.random() < 0.5 else None
    return images, filters, bias, stride, padding, dilation


@pytest.mark.parametrize("convolution", CONVOLUTIONS.values(), ids=CONVOLUTIONS)
def test_every_combination_of_settings(convolution):
    grid = itertools.product([1, 2, 3], [0, 1, 2, "valid", "same"], [1, 2, 3])
    for seed, (stride, padding, dilation) in enumerate(grid):
        assert_convolves(convolution, *draw(seed, stride, padding, dilation))


@pytest.mark.parametrize("seeds", [range(start, start + 50) for start in range(1000, 1150, 50)], ids=str)
def test_random_cases(seeds):
    for seed in seeds:
        arguments = draw(seed)
        for convolution in CONVOLUTIONS.values():
            assert_convolves(convolution, *arguments)


def test_larger_batches_and_images():
    rng = np.random.default_rng(0)
    filters, bias = rng.normal(size=(3, 3, 2, 4)), rng.normal(size=4)
    for shape in ((19, 6, 5, 2), (28, 28, 2)):
        assert_convolves(conv2d_matmul, rng.normal(size=shape), filters, bias, stride=1, padding="same", dilation=1)


def flips(images, filters, bias=None, **settings):
    return conv2d_windows(images, np.flip(filters, (0, 1)), bias, **settings)


def transposes(images, filters, bias=None, **settings):
    return conv2d_windows(images, filters.swapaxes(0, 1), bias, **settings)


def reads_one_channel(images, filters, bias=None, **settings):
    return conv2d_windows(images[..., :1], filters[..., :1, :], bias, **settings)


def averages_channels(images, filters, bias=None, **settings):
    return conv2d_windows(images, filters / filters.shape[2], bias, **settings)


def forgets_bias(images, filters, bias=None, **settings):
    return conv2d_windows(images, filters, **settings)


def forgets_dilation(images, filters, bias=None, *, stride, padding, dilation):
    return conv2d_windows(images, filters, bias, stride=stride, padding=padding)


def starts_one_late(images, filters, bias=None, **settings):
    return conv2d_windows(np.roll(images, -1, axis=-2), filters, bias, **settings)


def doubles_precision(images, filters, bias=None, **settings):
    return conv2d_windows(images.astype("float64"), filters, bias, **settings)


@pytest.mark.parametrize(
    "wrong",
    [
        flips,
        transposes,
        reads_one_channel,
        averages_channels,
        forgets_bias,
        forgets_dilation,
        starts_one_late,
        doubles_precision,
    ],
)
@pytest.mark.parametrize("padding", [1, "same"])
def test_the_comparison_rejects_wrong_convolutions(wrong, padding):
    rng = np.random.default_rng(0)
    images, filters, bias = (rng.normal(size=shape).astype("float32") for shape in ((9, 9, 3), (3, 3, 3, 2), (2,)))
    assert_convolves(conv2d_windows, images, filters, bias, 2, padding, 2)
    with pytest.raises(AssertionError):
        assert_convolves(wrong, images, filters, bias, 2, padding, 2)


def test_correlation_and_true_convolution_of_the_first_exercise():
    image, kernel = [[0, 1, 2], [3, 4, 5], [6, 7, 8]], [[0, 1], [2, 3]]
    assert corr2d(image, kernel).tolist() == [[19, 25], [37, 43]]
    assert true_convolution(image, kernel).tolist() == [[5, 11], [23, 29]]


@pytest.mark.parametrize("kernel_shape", [(1, 1), (2, 3), (5, 2), (7, 6)])
def test_one_channel_against_scipy(kernel_shape):
    rng = np.random.default_rng(0)
    image, kernel = rng.normal(size=(7, 6)), rng.normal(size=kernel_shape)
    np.testing.assert_allclose(corr2d(image, kernel), correlate2d(image, kernel, "valid"), rtol=1e-12, atol=1e-12)
    np.testing.assert_allclose(
        true_convolution(image, kernel), convolve2d(image, kernel, "valid"), rtol=1e-12, atol=1e-12
    )


@pytest.mark.parametrize("convolution", CONVOLUTIONS.values(), ids=CONVOLUTIONS)
def test_whole_numbers_stay_exact(convolution):
    image = np.arange(48).reshape(4, 4, 3)
    maps = convolution(image, np.ones((2, 2, 3, 1), int), np.array([1]))
    assert maps.dtype == np.arange(1).dtype
    assert maps[0, 0, 0] == 0 + 1 + 2 + 3 + 4 + 5 + 12 + 13 + 14 + 15 + 16 + 17 + 1


@pytest.mark.parametrize("convolution", [conv2d_loops, conv2d_windows, conv2d_matmul])
def test_arguments_are_left_as_they_were(convolution):
    image, filters, bias = np.ones((5, 5, 2)), np.ones((3, 3, 2, 4)), np.ones(4)
    convolution(image, filters, bias, padding=1)
    assert all((array == 1).all() for array in (image, filters, bias))
    assert image.shape == (5, 5, 2)


IMAGE, FILTERS = np.zeros((5, 6, 3)), np.zeros((3, 3, 3, 4))


@pytest.mark.parametrize("convolution", [conv2d_loops, conv2d_windows, conv2d_matmul])
@pytest.mark.parametrize(
    ("arguments", "settings", "message"),
    [
        ((np.zeros((28, 28)), FILTERS), {}, r"images have shape \(28, 28\): give .* adds the channel axis"),
        ((IMAGE, np.zeros((3, 3))), {}, r"filters have shape \(3, 3\): give"),
        (
            (IMAGE, np.zeros((3, 3, 1, 4))),
            {},
            r"\(5, 6, 3\) have 3 channels, but filters of shape \(3, 3, 1, 4\) take 1",
        ),
        ((IMAGE, FILTERS, np.zeros(3)), {}, r"bias has shape \(3,\).*give shape \(4,\)"),
        ((IMAGE, FILTERS), {"dilation": 3}, r"images of shape \(5, 6, 3\), .* along the height: .*spans 7 .*only 5"),
        ((IMAGE, np.zeros((3, 7, 3, 4))), {}, r"along the width: kernel 7 .*only 6"),
        ((IMAGE, FILTERS), {"stride": 0}, "^stride must be a whole number from 1 up, got 0"),
        *(
            (
                (IMAGE, FILTERS),
                {name: value},
                rf"{name} must be .*a whole number from [01] up, got {re.escape(repr(value))}$",
            )
            for name in ("stride", "padding", "dilation")
            for value in (True, 1.0, 1.5, float("nan"), "1", None, [1])
        ),
        ((IMAGE, FILTERS), {"padding": "full"}, "padding must be 'valid', 'same' or"),
    ],
)
def test_arguments_that_do_not_go_together_are_refused(convolution, arguments, settings, message):
    with pytest.raises(ValueError, match=message):
        convolution(*arguments, **settings)


@pytest.mark.parametrize("convolution", [conv2d_loops, conv2d_windows, conv2d_matmul])
def test_settings_can_be_numpy_integers_and_none_overflows(convolution):
    rng = np.random.default_rng(0)
    image, filters = rng.normal(size=(300, 300, 1)), rng.normal(size=(3, 3, 1, 1))
    for settings in ({"dilation": 100}, {"stride": 100, "padding": 100}):
        as_int8 = {name: np.int8(value) for name, value in settings.items()}
        np.testing.assert_array_equal(
            convolution(image, filters, **as_int8), convolution(image, filters, **settings), strict=True
        )


def test_what_the_simple_functions_refuse():
    with pytest.raises(ValueError, match=r"\(1, 5, 6, 3\): give one \(H, W, C_in\), or use conv2d_windows"):
        conv2d_loops(IMAGE[np.newaxis], FILTERS)
    for function in (corr2d, true_convolution):
        with pytest.raises(ValueError, match=r"image has shape \(5, 6, 3\) and kernel \(3, 3\)"):
            function(IMAGE, np.zeros((3, 3)))
        with pytest.raises(ValueError, match=r"kernel 3 .*only 2"):
            function(np.zeros((2, 2)), np.zeros((3, 3)))


def test_sizes_are_those_of_the_arithmetic():
    maps = conv2d_windows(np.zeros((28, 20, 1)), np.zeros((3, 3, 1, 2)), stride=2, padding="same", dilation=2)
    assert maps.shape == (output_size(28, 3, 2, "same", 2), output_size(20, 3, 2, "same", 2), 2) == (14, 10, 2)
