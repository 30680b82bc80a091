"""What chapter 1 says of convolution."""

from math import ceil

import numpy as np
import pytest
from scipy.ndimage import correlate
from scipy.signal import convolve2d, correlate2d

from convbook.backend import keras
from convbook.convolve import corr2d, true_convolution

RNG = np.random.default_rng(0)


def keras_map(image: np.ndarray, filters: np.ndarray, **options) -> np.ndarray:
    maps = keras.ops.conv(image[np.newaxis].astype("float32"), filters.astype("float32"), **options)
    return keras.ops.convert_to_numpy(maps)[0]


def test_the_tiny_example():
    image, kernel = np.arange(9).reshape(3, 3), np.arange(4).reshape(2, 2)
    assert corr2d(image, kernel).tolist() == [[19, 25], [37, 43]]
    assert true_convolution(image, kernel).tolist() == [[5, 11], [23, 29]]
    np.testing.assert_array_equal(corr2d(image, kernel), correlate2d(image, kernel, "valid"))
    np.testing.assert_array_equal(true_convolution(image, kernel), convolve2d(image, kernel, "valid"))


def test_frameworks_compute_cross_correlation():
    image, kernel = RNG.normal(size=(8, 8)), RNG.normal(size=(3, 3))
    by_keras = keras_map(image[:, :, np.newaxis], kernel[:, :, np.newaxis, np.newaxis])[:, :, 0]
    np.testing.assert_allclose(by_keras, correlate2d(image, kernel, "valid"), atol=1e-5)
    assert not np.allclose(by_keras, convolve2d(image, kernel, "valid"), atol=1e-2)


def test_one_output_value_is_one_inner_product_over_all_channels_plus_bias():
    image, filters, bias = RNG.normal(size=(7, 6, 4)), RNG.normal(size=(3, 3, 4, 2)), RNG.normal(size=2)
    layer = keras.layers.Conv2D(2, 3)
    layer.build((None, *image.shape))
    layer.set_weights([filters, bias])
    value = keras.ops.convert_to_numpy(layer(image[np.newaxis]))[0, 2, 1, 1]
    assert value == pytest.approx(np.vdot(image[2:5, 1:4], filters[..., 1]) + bias[1], abs=1e-4)


def test_shrinking_is_an_effect_of_the_border():
    def size(**options) -> int:
        return keras.layers.Conv2D(1, 3, **options).compute_output_shape((None, 28, 28, 1))[1]

    assert size(padding="valid") == 26
    assert size(padding="same") == 28


@pytest.mark.parametrize("stride", [1, 2, 3])
@pytest.mark.parametrize("size", [7, 8, 28])
def test_same_padding_gives_ceil_of_size_over_stride(size, stride):
    layer = keras.layers.Conv2D(1, 3, strides=stride, padding="same")
    assert layer.compute_output_shape((None, size, size, 1))[1] == ceil(size / stride)


def test_same_padding_is_asymmetric_where_it_is_odd():
    """Kernel 3, stride 2 on 4 pixels needs one zero; Keras puts it behind, so the first window starts at pixel 0."""
    image = np.arange(1.0, 5.0)[np.newaxis, :, np.newaxis]
    row = keras_map(image, np.array([1.0, 10, 100]).reshape(1, 3, 1, 1), strides=2, padding="same")[0, :, 0]
    assert row.tolist() == [321, 43]  # 3 + 4·10 + 0·100 in the second window


@pytest.mark.parametrize(("size", "kernel", "stride", "positions"), [(28, 3, 2, 13), (63, 6, 2, 29), (6, 3, 2, 2)])
def test_a_size_that_does_not_come_out_even_is_rounded_down_and_no_error(size, kernel, stride, positions):
    assert (size - kernel) % stride
    maps = keras_map(np.ones((size, size, 1)), np.ones((kernel, kernel, 1, 1)), strides=stride)
    assert maps.shape == (positions, positions, 1)


def test_a_convolution_is_equivariant_to_shifts_and_not_invariant():
    image, filters = RNG.normal(size=(10, 12, 2)), RNG.normal(size=(3, 3, 2, 3))
    plain, moved = (keras_map(np.roll(image, shift, axis=1), filters) for shift in (0, 2))
    np.testing.assert_allclose(moved[:, 2:], plain[:, :-2], atol=1e-5)
    assert not np.allclose(moved, plain, atol=0.1)


def test_a_convolution_is_not_equivariant_to_rotation_and_scale():
    image, kernel = RNG.normal(size=(9, 9)), RNG.normal(size=(3, 3))
    plain = correlate2d(image, kernel, "valid")
    assert not np.allclose(correlate2d(np.rot90(image), kernel, "valid"), np.rot90(plain))
    doubled = correlate2d(np.kron(image, np.ones((2, 2))), kernel, "valid")
    assert not np.allclose(doubled[:14:2, :14:2], plain)


def test_with_stride_2_only_every_second_shift_moves_the_map():
    image, filters = RNG.normal(size=(9, 15, 1)), RNG.normal(size=(3, 3, 1, 1))
    plain, by_one, by_two = (keras_map(np.roll(image, shift, axis=1), filters, strides=2) for shift in (0, 1, 2))
    np.testing.assert_allclose(by_two[:, 1:], plain[:, :-1], atol=1e-5)
    assert not np.allclose(by_one[:, 1:], plain[:, :-1], atol=0.1)
    assert not np.allclose(by_one, plain, atol=0.1)


def test_one_filter_makes_one_map_and_its_weights_are_shared():
    layer = keras.layers.Conv2D(1, 3)
    network = keras.Sequential([keras.Input((20, 30, 5)), layer])
    assert network.output_shape == (None, 18, 28, 1)
    assert layer.count_params() == 3 * 3 * 5 + 1  # whatever the number of positions


def test_the_channels_are_added_up():
    volume, kernel = RNG.normal(size=(6, 6, 3)), RNG.normal(size=(3, 3, 3))
    by_channel = sum(correlate2d(volume[:, :, c], kernel[:, :, c], "valid") for c in range(3))
    np.testing.assert_allclose(keras_map(volume, kernel[..., np.newaxis])[:, :, 0], by_channel, atol=1e-5)
    np.testing.assert_allclose(correlate(volume, kernel, mode="constant")[1:-1, 1:-1, 1], by_channel)
