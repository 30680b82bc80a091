"""What chapter 3 says of 3 × 3 convolutions."""

import numpy as np
import pytest
from scipy.signal import convolve2d, correlate2d

from convbook.backend import keras

RNG = np.random.default_rng(0)


@pytest.mark.parametrize(
    ("options", "shrinks_by"),
    [
        ({"kernel_size": 3}, 2),
        ({"kernel_size": 5}, 4),
        ({"kernel_size": 3, "padding": "same"}, 0),
        ({"kernel_size": 3, "strides": 2}, 15),
    ],
)
def test_a_convolution_shrinks_by_k_minus_1_only_without_padding_and_at_stride_1(options, shrinks_by):
    layer = keras.layers.Conv2D(2, **options)
    assert layer.compute_output_shape((None, 28, 28, 1))[1] == 28 - shrinks_by


def test_two_3x3_see_what_one_5x5_sees():
    def seen(*kernels: int) -> np.ndarray:
        """Pixels that change the middle unit of a stack on 9 × 9 pixels."""
        layers = [keras.layers.Conv2D(3, kernel) for kernel in kernels]
        network = keras.Sequential([keras.Input((9, 9, 1)), *layers])
        image = RNG.normal(size=(9, 9, 1)).astype("float32")
        changed = np.repeat(image[np.newaxis], 82, axis=0)
        changed[np.arange(81), np.arange(81) // 9, np.arange(81) % 9] += 1
        maps = keras.ops.convert_to_numpy(network(changed))
        middle = maps[:, maps.shape[1] // 2, maps.shape[2] // 2]
        return (middle[:81] != middle[81]).any(axis=1).reshape(9, 9)

    np.testing.assert_array_equal(seen(3, 3), seen(5))
    assert seen(5).sum() == 25
    np.testing.assert_array_equal(seen(3, 3, 3), seen(7))


def test_two_linear_3x3_are_one_5x5():
    image = RNG.normal(size=(12, 12))
    first, second = RNG.normal(size=(2, 3, 3))
    twice = correlate2d(correlate2d(image, first, "valid"), second, "valid")
    np.testing.assert_allclose(twice, correlate2d(image, convolve2d(first, second), "valid"))


def test_zero_padding_parts_two_linear_3x3_from_one_5x5_at_the_outermost_pixels_only():
    image = RNG.normal(size=(1, 9, 9, 1))
    first, second = RNG.normal(size=(2, 3, 3))

    def layer(images, kernel: np.ndarray):
        return keras.ops.conv(images, kernel[:, :, np.newaxis, np.newaxis], padding="same")

    twice, once = layer(layer(image, first), second), layer(image, convolve2d(first, second))
    agree = np.isclose(keras.ops.convert_to_numpy(twice), keras.ops.convert_to_numpy(once), atol=1e-5)[0, :, :, 0]
    border = np.pad(np.zeros((7, 7), bool), 1, constant_values=True)
    np.testing.assert_array_equal(agree, ~border)


def test_not_every_5x5_is_a_composition_of_two_3x3():
    """The compositions near a pair form a surface of 17 dimensions among 25: the two kernels' scales cancel."""
    first, second = RNG.normal(size=(2, 3, 3))
    units = np.eye(9).reshape(9, 3, 3)
    directions = [convolve2d(unit, second).ravel() for unit in units]
    directions += [convolve2d(first, unit).ravel() for unit in units]
    assert np.linalg.matrix_rank(np.array(directions)) == 17


def test_two_middle_channels_reach_every_direction():
    pairs = RNG.normal(size=(2, 2, 3, 3))
    units = np.eye(9).reshape(9, 3, 3)
    directions = [convolve2d(unit, second).ravel() for _, second in pairs for unit in units]
    directions += [convolve2d(first, unit).ravel() for first, _ in pairs for unit in units]
    assert np.linalg.matrix_rank(np.array(directions)) == 25


def test_with_a_relu_between_superposition_fails():
    first, second = RNG.normal(size=(2, 3, 3))

    def network(image: np.ndarray) -> np.ndarray:
        return correlate2d(np.maximum(correlate2d(image, first, "valid"), 0), second, "valid")

    a, b = RNG.normal(size=(2, 9, 9))
    assert not np.allclose(network(a + b), network(a) + network(b))
    assert not np.allclose(network(-a), -network(a))


def weights(*kernels: int, channels_in: int = 16, channels: int = 16) -> int:
    layers = [keras.layers.Conv2D(channels, kernel, use_bias=False) for kernel in kernels]
    return keras.Sequential([keras.Input((28, 28, channels_in)), *layers]).count_params()


@pytest.mark.parametrize("channels", [1, 16, 40])
def test_small_kernels_have_18_weights_for_25_and_27_for_49_at_equal_channels(channels):
    equal = {"channels_in": channels, "channels": channels}
    assert [weights(3, 3, **equal), weights(5, **equal)] == [18 * channels**2, 25 * channels**2]
    assert [weights(3, 3, 3, **equal), weights(7, **equal)] == [27 * channels**2, 49 * channels**2]


def test_small_kernels_have_more_weights_where_the_input_has_one_channel():
    assert weights(3, 3, channels_in=1) == 9 * 16 + 9 * 16 * 16
    assert weights(3, 3, channels_in=1) > 6 * weights(5, channels_in=1)
