"""What chapter 2 says about kernels, each claim tested without the code that the chapter uses."""

import numpy as np
import pytest
from scipy import spatial, stats

from convbook.backend import keras
from convbook.convolve import corr2d
from convbook.kernels import kernel
from convbook.network import load_trained, scheduled_cnn

SOBEL, LAPLACIAN = kernel("sobel_vertical"), kernel("laplacian")


@pytest.fixture(scope="module")
def network():
    return load_trained()


def test_sobel_answers_vertical_edges_with_the_sign_of_the_step_and_horizontal_ones_not_at_all():
    rising = np.repeat([[0, 0, 9, 9, 9]], 5, axis=0)
    assert corr2d(rising, SOBEL).tolist() == [[36, 36, 0]] * 3
    assert corr2d(rising[:, ::-1], SOBEL).tolist() == [[0, -36, -36]] * 3
    assert not corr2d(rising.T, SOBEL).any()


def test_the_laplacian_answers_an_edge_with_both_signs_and_a_line_most():
    image = np.repeat([[0, 0, 9, 9, 9, 0, 0, 0, 9, 0, 0]], 3, axis=0)
    assert corr2d(image, LAPLACIAN).tolist() == [[9, -9, 0, -9, 9, 0, 9, -18, 9]]


def test_sobel_is_separable_and_the_laplacian_takes_two_pairs():
    assert np.linalg.matrix_rank(SOBEL) == 1
    assert np.linalg.matrix_rank(LAPLACIAN) == 2


def test_filters_of_layer_2_act_on_the_16_maps_of_layer_1(network):
    assert network.get_layer("conv1").kernel.shape == (3, 3, 1, 16)
    assert network.get_layer("conv2").kernel.shape == (3, 3, 16, 16)
    assert tuple(network.get_layer("conv2").input.shape[1:]) == (26, 26, 16)


def test_nobody_chooses_the_kernels_they_start_at_random():
    first, second = (
        (keras.utils.set_random_seed(seed), scheduled_cnn().get_layer("conv1").kernel.numpy())[1] for seed in (0, 1)
    )
    assert np.abs(first - second).min() > 0


def first_kernels(network):
    return network.get_layer("conv1").kernel.numpy()[:, :, 0].reshape(9, -1).T


def turned(handmade):
    """The kernel in eight directions, its outer cells moved along by hand."""
    (a, b, c), (h, middle, d), (g, f, e) = handmade
    ring = [a, b, c, d, e, f, g, h]
    for _ in range(8):
        ring = [ring[-1], *ring[:-1]]
        a, b, c, d, e, f, g, h = ring
        yield [a, b, c, h, middle, d, g, f, e]


def similarity(kernels, handmade):
    return np.abs(1 - spatial.distance.cdist(kernels, list(turned(handmade)), "cosine")).max(axis=1)


def beyond_chance(network, handmade):
    """How many of the 16 kernels are more similar than 95 % of kernels as Keras starts with."""
    start = keras.initializers.GlorotUniform(seed=0)((3, 3, 1, 30_000))
    random = np.asarray(start).reshape(9, -1).T
    return int((similarity(first_kernels(network), handmade) > np.percentile(similarity(random, handmade), 95)).sum())


def test_some_kernels_of_the_first_layer_are_edge_detectors_but_not_half_of_them(network):
    count = beyond_chance(network, SOBEL)
    assert stats.binomtest(count, 16, 0.05, alternative="greater").pvalue < 0.001
    assert count < 8
    assert similarity(first_kernels(network), SOBEL).min() < 0.2


@pytest.mark.parametrize("handmade", [np.ones((3, 3)), np.outer([1, 2, 1], [1, 2, 1]), LAPLACIAN])
def test_no_kernel_of_the_first_layer_resembles_a_blur_or_the_laplacian(network, handmade):
    assert beyond_chance(network, handmade) == 0


def test_no_kernel_of_the_first_layer_is_separable(network):
    for learned in first_kernels(network):
        _, second, _ = np.linalg.svd(learned.reshape(3, 3), compute_uv=False)
        assert second > 0.01
