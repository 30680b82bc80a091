"""What chapter 1 says of convolution."""

import numpy as np
from scipy.signal import convolve2d, correlate2d

from convbook.backend import keras
from convbook.convolve import conv2d_windows, corr2d, true_convolution

RNG = np.random.default_rng(0)


def test_the_tiny_example():
    image, kernel = np.arange(9).reshape(3, 3), np.arange(4).reshape(2, 2)
    assert corr2d(image, kernel).tolist() == [[19, 25], [37, 43]]
    assert true_convolution(image, kernel).tolist() == [[5, 11], [23, 29]]
    np.testing.assert_array_equal(corr2d(image, kernel), correlate2d(image, kernel, "valid"))
    np.testing.assert_array_equal(true_convolution(image, kernel), convolve2d(image, kernel, "valid"))


def test_frameworks_compute_cross_correlation():
    image, kernel = RNG.normal(size=(8, 8)), RNG.normal(size=(3, 3))
    by_keras = keras.ops.conv(image[np.newaxis, :, :, np.newaxis], kernel[:, :, np.newaxis, np.newaxis])[0, :, :, 0]
    np.testing.assert_allclose(by_keras, corr2d(image, kernel), atol=1e-5)
    assert not np.allclose(by_keras, true_convolution(image, kernel), atol=1e-2)


def test_a_convolution_is_equivariant_to_shifts_and_not_to_rotation():
    image, kernel = RNG.normal(size=(10, 12)), RNG.normal(size=(3, 3))
    plain, moved = (corr2d(np.roll(image, shift, axis=1), kernel) for shift in (0, 2))
    np.testing.assert_allclose(moved[:, 2:], plain[:, :-2])
    assert not np.allclose(moved, plain, atol=0.1)
    assert not np.allclose(corr2d(np.rot90(image), kernel), np.rot90(plain), atol=0.1)


def test_with_stride_2_only_every_second_shift_moves_the_map():
    image, filters = RNG.normal(size=(9, 15, 1)), RNG.normal(size=(3, 3, 1, 1))
    plain, by_one, by_two = (conv2d_windows(np.roll(image, by, axis=1), filters, stride=2) for by in (0, 1, 2))
    np.testing.assert_allclose(by_two[:, 1:], plain[:, :-1])
    assert not np.allclose(by_one[:, 1:], plain[:, :-1], atol=0.1)
    assert not np.allclose(by_one, plain, atol=0.1)
