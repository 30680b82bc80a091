"""What the course says about activation functions, shown with Keras, SciPy and numeric slopes."""

import keras
import numpy as np
import pytest
import tensorflow as tf
from scipy import signal, special

from convbook import mnist
from convbook.features import feature_maps
from convbook.network import load_trained

RECTIFIED = ("conv1", "conv2", "conv3", "conv5", "conv6", "conv7", "conv8")


@pytest.fixture(scope="module")
def network():
    return load_trained()


@pytest.fixture(scope="module")
def maps(network):
    return feature_maps(network, mnist.to_input(mnist.load().test_images[:1000]))


@pytest.fixture(autouse=True)
def _same_weights_every_time():
    keras.utils.set_random_seed(6)


def two_convolutions(activation):
    model = keras.Sequential(
        [
            keras.Input((12, 12, 1)),
            keras.layers.Conv2D(1, 3, activation=activation, bias_initializer="random_normal"),
            keras.layers.Conv2D(1, 3, bias_initializer="random_normal"),
        ]
    )
    kernels = [layer.get_weights()[0][:, :, 0, 0] for layer in model.layers]
    biases = [layer.get_weights()[1][0] for layer in model.layers]
    image = np.random.default_rng(6).normal(size=(12, 12)).astype("float32")
    # One 5 x 5 kernel and one bias, by SciPy: the first bias passes through the second kernel.
    one = signal.correlate2d(image, signal.convolve2d(*kernels), "valid") + kernels[1].sum() * biases[0] + biases[1]
    return np.asarray(model(image[None, :, :, None]))[0, :, :, 0], one


def test_two_convolutions_without_an_activation_function_are_one():
    stack, one = two_convolutions("linear")
    np.testing.assert_allclose(stack, one, atol=1e-5)


def test_a_relu_between_two_convolutions_keeps_them_two():
    stack, one = two_convolutions("relu")
    assert np.abs(stack - one).max() > 0.01


def test_two_channels_with_a_relu_answer_edges_of_both_kinds():
    image = mnist.load().test_images[0] / 255
    edges = np.array([[1, 0, -1], [2, 0, -2], [1, 0, -1]])
    answers = [np.asarray(keras.ops.relu(signal.correlate2d(image, sign * edges, "valid"))) for sign in (1, -1)]
    np.testing.assert_allclose(sum(answers), np.abs(signal.correlate2d(image, edges, "valid")), atol=1e-6)


def jacobian(function, z):
    variable = tf.Variable(z)
    with tf.GradientTape() as tape:
        values = function(variable)
    return tape.jacobian(values, variable).numpy()


@pytest.mark.parametrize("name", ["sigmoid", "tanh", "relu", "leaky_relu", "elu", "gelu", "silu"])
def test_an_activation_function_acts_on_each_number_by_itself(name):
    slopes = jacobian(keras.activations.get(name), np.random.default_rng(6).normal(size=6))
    assert np.count_nonzero(slopes - np.diag(np.diag(slopes))) == 0


def test_softmax_mixes_all_its_inputs():
    assert np.count_nonzero(jacobian(keras.activations.softmax, np.random.default_rng(6).normal(size=(1, 6)))) == 36


def test_softmax_depends_on_differences_of_logits_only(maps):
    logits = maps["logits"].astype(float)
    np.testing.assert_allclose(special.softmax(logits + 3, axis=1), maps["probabilities"], atol=1e-5)


def test_the_activation_function_acts_on_the_weighted_sum_plus_the_bias(network, maps):
    layer = network.get_layer("conv1")
    image = mnist.to_input(mnist.load().test_images[:1])[0, :, :, 0]
    kernels, biases = layer.get_weights()
    sums = np.stack([signal.correlate2d(image, kernel, "valid") for kernel in np.moveaxis(kernels[:, :, 0], -1, 0)], -1)
    np.testing.assert_allclose(maps["conv1"][0], np.maximum(sums + biases, 0), atol=1e-5)


def slopes(function, z, step=1e-6):
    return (function(z + step) - function(z - step)) / (2 * step)


Z = np.linspace(-8, 8, 1601)


def test_the_slope_of_the_sigmoid_is_at_most_a_quarter():
    assert slopes(special.expit, 0.0) == pytest.approx(0.25)
    assert slopes(special.expit, Z).max() == pytest.approx(0.25)
    assert slopes(special.expit, np.delete(Z, 800)).max() < 0.25


def test_the_slope_of_tanh_is_at_most_one():
    assert slopes(np.tanh, 0.0) == pytest.approx(1)
    assert slopes(np.tanh, np.delete(Z, 800)).max() < 1


def test_the_slope_of_relu_is_zero_or_one():
    z = tf.Variable(Z)
    with tf.GradientTape() as tape:
        total = tf.reduce_sum(keras.activations.relu(z * 1.0))
    np.testing.assert_array_equal(tape.gradient(total, z), np.where(Z > 0, 1, 0))  # 0 at the kink


def test_ten_sigmoid_slopes_multiply_to_less_than_a_millionth():
    product = slopes(special.expit, Z).max() ** 10
    assert product == pytest.approx(9.5e-7, rel=0.01)


def test_five_sigmoid_slopes_multiply_to_less_than_a_thousandth_and_four_do_not():
    steepest = slopes(special.expit, 0.0)
    assert steepest**5 < 1e-3 < steepest**4


def gradient_left(activation, initializer):
    """Length of a gradient at the input of ten random dense layers, of length 1 at their output."""
    layers = [keras.layers.Dense(128, activation, use_bias=False, kernel_initializer=initializer) for _ in range(10)]
    model = keras.Sequential([keras.Input((128,)), *layers])
    rng = np.random.default_rng(6)
    inputs = tf.constant(rng.normal(size=(32, 128)), "float32")
    start = rng.normal(size=(32, 128))
    start = tf.constant(start / np.linalg.norm(start, axis=1, keepdims=True), "float32")
    with tf.GradientTape() as tape:
        tape.watch(inputs)
        total = tf.reduce_sum(model(inputs) * start)
    matrices = [layer.get_weights()[0] for layer in layers]
    return np.linalg.norm(tape.gradient(total, inputs), axis=1).mean(), np.linalg.norm(matrices, 2, axis=(1, 2))


def test_a_gradient_vanishes_through_ten_sigmoids_and_not_through_ten_relus():
    sigmoid, stretches = gradient_left("sigmoid", "glorot_normal")
    assert sigmoid < 1e-5
    assert sigmoid < np.prod(stretches / 4)  # what slopes and weights together allow
    assert 0.1 < gradient_left("tanh", "glorot_normal")[0] < 0.5
    assert 0.3 < gradient_left("relu", "he_normal")[0] < 3


def test_the_bound_on_slopes_does_not_bound_the_gradient():
    large = keras.initializers.RandomNormal(stddev=20 / np.sqrt(128))
    assert gradient_left("sigmoid", large)[0] > 1


def test_a_dead_relu_gets_no_gradient_and_a_leaky_one_does():
    inputs = tf.constant(np.random.default_rng(6).random((100, 3)), "float32")
    moved = {}
    for name in ("relu", "leaky_relu"):
        unit = keras.layers.Dense(1, name, kernel_initializer="ones", bias_initializer=keras.initializers.Constant(-4))
        with tf.GradientTape() as tape:
            loss = tf.reduce_mean((unit(inputs) - 1) ** 2)
        moved[name] = [np.abs(gradient).max() for gradient in tape.gradient(loss, unit.trainable_variables)]
    assert moved["relu"] == [0, 0]
    assert min(moved["leaky_relu"]) > 0


def test_relu_comes_before_batch_normalisation_and_the_last_convolution_is_linear(network):
    convolutions = [layer for layer in network.layers if isinstance(layer, keras.layers.Conv2D)]
    assert [layer.activation.__name__ for layer in convolutions] == ["relu"] * 7 + ["linear"]
    for layer, behind in zip(network.layers, network.layers[1:], strict=False):
        if isinstance(layer, keras.layers.Conv2D) and layer.name != "conv3":
            assert isinstance(behind, keras.layers.BatchNormalization)


def test_the_second_convolution_reads_negative_numbers(maps):
    assert maps["conv1"].min() == 0
    assert (maps["norm1"] < 0).mean() > 0.5


def test_no_channel_of_the_trained_network_is_dead(maps):
    for layer in RECTIFIED:
        assert (maps[layer] > 0).any(axis=(0, 1, 2)).all()


def test_a_zero_for_one_digit_is_not_a_dead_unit(maps):
    for layer in RECTIFIED:
        zeros = maps[layer] == 0
        assert zeros[0].mean() > 0.2
        assert zeros.all(axis=0).mean() < 0.05


def test_fewer_units_stay_silent_as_more_digits_are_shown(maps):
    silent = [(maps["conv1"][:count] == 0).all(axis=0).sum() for count in (10, 100, 1000)]
    assert silent[0] > 1.5 * silent[1] > 2 * silent[2]


def test_silent_units_of_the_first_layer_belong_to_filters_with_a_negative_bias(network, maps):
    """Where all pixels are black the weighted sum is the bias, so there the reverse holds as well."""
    silent = (maps["conv1"] == 0).all(axis=0)
    negative = network.get_layer("conv1").get_weights()[1] < 0
    assert not silent[:, :, ~negative].any()
    ink = mnist.load().test_images[:1000].max(axis=0) > 0
    black = signal.correlate2d(ink, np.ones((3, 3)), "valid") == 0
    assert black.any()
    assert silent[black][:, negative].all()


def test_two_affine_layers_are_one_with_w2_w1_and_w2_b1_plus_b2():
    first, second = keras.layers.Dense(3), keras.layers.Dense(2)
    keras.Sequential([keras.Input((4,)), first, second])
    rng = np.random.default_rng(6)
    weights = [rng.normal(size=shape) for shape in ((4, 3), (3,), (3, 2), (2,))]
    first.set_weights(weights[:2])
    second.set_weights(weights[2:])
    inputs = rng.normal(size=(5, 4)).astype("float32")
    # Keras multiplies rows from the left, so its matrices are transposed against W x + b.
    w1, b1, w2, b2 = weights[0].T, weights[1], weights[2].T, weights[3]
    np.testing.assert_allclose(second(first(inputs)), (w2 @ w1 @ inputs.T).T + w2 @ b1 + b2, atol=1e-5)
