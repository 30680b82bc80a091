"""What chapter 2 says about kernels, each claim tested without the code that the chapter uses."""

import numpy as np
import pytest
from scipy import ndimage, signal, spatial, stats

from convbook.backend import keras
from convbook.network import load_trained, scheduled_cnn

SOBEL = np.array([[-1, 0, 1], [-2, 0, 2], [-1, 0, 1]])
LAPLACIAN = np.array([[0, 1, 0], [1, -4, 1], [0, 1, 0]])
RNG = np.random.default_rng(0)
NOISE = RNG.random((8, 20, 20, 1), dtype="float32")
DIFFERENCE = np.array([[1.0, -1.0]])


@pytest.fixture(scope="module")
def network():
    return load_trained()


@pytest.mark.parametrize("brightness", [0, 0.3, 255])
def test_sobel_and_laplacian_ignore_flat_areas(brightness):
    flat = np.full((6, 6), brightness, dtype=float)
    for answer in (ndimage.sobel(flat, axis=1), ndimage.laplace(flat)):
        np.testing.assert_allclose(answer, 0, atol=1e-12)


def test_a_flat_area_answers_its_brightness_times_the_sum_of_the_weights():
    for kernel in RNG.normal(size=(20, 3, 3)):
        answer = signal.correlate2d(np.full((3, 3), 7.0), kernel, mode="valid")
        assert answer.item() == pytest.approx(7 * kernel.sum())


def test_sobel_answers_vertical_edges_with_the_sign_of_the_step_and_horizontal_ones_not_at_all():
    rising = np.repeat([[0, 0, 9, 9, 9]], 5, axis=0)
    assert signal.correlate2d(rising, SOBEL, mode="valid").tolist() == [[36, 36, 0]] * 3
    assert signal.correlate2d(rising[:, ::-1], SOBEL, mode="valid").tolist() == [[0, -36, -36]] * 3
    assert not signal.correlate2d(rising.T, SOBEL, mode="valid").any()


def test_the_laplacian_answers_an_edge_with_both_signs_and_a_line_most():
    image = np.repeat([[0, 0, 9, 9, 9, 0, 0, 0, 9, 0, 0]], 3, axis=0)
    (answer,) = signal.correlate2d(image, LAPLACIAN, mode="valid").tolist()
    assert answer == [9, -9, 0, -9, 9, 0, 9, -18, 9]


def test_two_passes_of_a_separable_kernel_give_what_one_pass_gives():
    image = RNG.random((20, 30))
    column, row = RNG.normal(size=(5, 1)), RNG.normal(size=(1, 5))
    two = signal.correlate2d(signal.correlate2d(image, row, mode="valid"), column, mode="valid")
    np.testing.assert_allclose(two, signal.correlate2d(image, column @ row, mode="valid"))


def test_sobel_is_separable_and_the_laplacian_takes_two_pairs():
    assert np.linalg.matrix_rank(SOBEL) == 1
    assert np.linalg.matrix_rank(LAPLACIAN) == 2
    best = min(
        np.linalg.norm(LAPLACIAN - np.outer(column, row))
        for column, row in zip(RNG.normal(size=(2000, 3)), RNG.normal(size=(2000, 3)), strict=True)
    )
    assert best > np.linalg.svd(LAPLACIAN, compute_uv=False)[1] - 1e-9 > 0.4


@pytest.mark.parametrize(("k", "saving"), [(3, 1.5), (15, 7.1)])
def test_two_passes_cost_about_2k_instead_of_k_squared(k, saving):
    """Multiplications on the photograph's 128 x 128 pixels, from the shapes that Keras gives."""

    def macs(*kernels):
        total, shape = 0, (None, 128, 128, 1)
        for kernel in kernels:
            shape = keras.layers.Conv2D(1, kernel).compute_output_shape(shape)
            total += np.prod(kernel) * np.prod(shape[1:])
        return total

    assert macs((k, k)) / macs((1, k), (k, 1)) == pytest.approx(saving, abs=0.05)


def fitted(images, targets):
    """The 1 x 2 kernel that Keras learns, starting from a blur."""
    layer = keras.layers.Conv2D(1, (1, 2), use_bias=False, kernel_initializer=keras.initializers.Constant(0.5))
    model = keras.Sequential([keras.Input(images.shape[1:]), layer])
    model.compile(keras.optimizers.SGD(0.8), "mse")
    for _ in range(120):
        loss = model.train_on_batch(images, targets)
    return layer.kernel.numpy()[:, :, 0, 0], loss


def answers(images, operation):
    return np.stack([operation(image[:, :, 0], DIFFERENCE, mode="valid") for image in images])[..., np.newaxis]


@pytest.mark.parametrize(
    ("operation", "learned"), [(signal.correlate2d, DIFFERENCE), (signal.convolve2d, DIFFERENCE[:, ::-1])]
)
def test_gradient_descent_finds_the_edge_kernel_and_the_flipped_one_for_true_convolution(operation, learned):
    kernel, _ = fitted(NOISE, answers(NOISE, operation))
    np.testing.assert_allclose(kernel, learned, atol=1e-3)


def test_flat_examples_teach_no_edge_kernel_although_the_loss_is_0():
    flat = np.ones_like(NOISE) * np.linspace(0.1, 0.9, len(NOISE), dtype="float32").reshape(-1, 1, 1, 1)
    kernel, loss = fitted(flat, answers(flat, signal.correlate2d))
    assert loss < 1e-6
    np.testing.assert_allclose(kernel, 0, atol=1e-3)


def test_the_gradient_of_a_kernel_is_the_image_correlated_with_the_errors():
    image, kernel, target = RNG.normal(size=(7, 8)), RNG.normal(size=(2, 3)), RNG.normal(size=(6, 6))

    def loss(weights):
        return ((signal.correlate2d(image, weights, mode="valid") - target) ** 2).mean()

    numeric = np.empty_like(kernel)
    for index in np.ndindex(*kernel.shape):
        step = np.zeros_like(kernel)
        step[index] = 1e-5
        numeric[index] = (loss(kernel + step) - loss(kernel - step)) / 2e-5
    errors = signal.correlate2d(image, kernel, mode="valid") - target
    np.testing.assert_allclose(signal.correlate2d(image, errors, mode="valid") * 2 / errors.size, numeric, atol=1e-6)


@pytest.mark.parametrize(("side", "channels"), [(3, 1), (3, 16), (1, 16), (4, 16), (3, 3)])
def test_a_filter_is_k_times_k_times_channels_in_plus_a_bias(side, channels):
    model = keras.Sequential([keras.Input((8, 8, channels)), keras.layers.Conv2D(1, side)])
    assert model.count_params() == side * side * channels + 1


def test_a_filter_adds_up_one_kernel_for_each_channel():
    image = RNG.normal(size=(1, 6, 6, 4)).astype("float32")
    layer = keras.layers.Conv2D(1, 3, bias_initializer="ones")
    got = layer(image)[0, :, :, 0]
    kernels = layer.kernel.numpy()
    slices = [signal.correlate2d(image[0, :, :, c], kernels[:, :, c, 0], mode="valid") for c in range(4)]
    np.testing.assert_allclose(got, np.sum(slices, axis=0) + 1, atol=1e-5)


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


def turned(kernel):
    """The kernel in eight directions, its outer cells moved along by hand."""
    (a, b, c), (h, middle, d), (g, f, e) = kernel
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
    for kernel in first_kernels(network):
        _, second, _ = np.linalg.svd(kernel.reshape(3, 3), compute_uv=False)
        assert second > 0.01
