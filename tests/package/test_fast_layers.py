"""The faster layers do what Keras's own do."""

import numpy as np
import pytest
import tensorflow as tf

from convbook.arithmetic import from_keras
from convbook.backend import keras
from convbook.fast_layers import fast_layers
from convbook.network import scheduled_cnn

ONE_THREAD_OR_MANY = 1e-5  # sums of a few thousand float32 numbers near 1, in another order


@pytest.fixture
def images():
    return np.random.default_rng(5).normal(2, 3, (6, 7, 7, 4)).astype("float32")


def alone(layer):
    """A network of one layer."""
    return keras.Sequential([keras.Input((7, 7, 4)), layer])


def trained_norm(images, fast):
    """Output, gradients and moving statistics of a batch normalisation after two training passes."""
    layer = keras.layers.BatchNormalization(momentum=0.8)
    network = alone(layer)
    layer.set_weights([np.arange(1, 5) / 3, np.arange(4) / 5, np.ones(4), np.ones(4)])
    weighting = tf.random.stateless_normal(images.shape, (1, 2))
    x = tf.constant(images)
    return _passes(fast_layers(network) if fast else network, x, weighting)


def _passes(network, x, weighting):
    network(x, training=True)
    with tf.GradientTape() as tape:
        tape.watch(x)
        output = network(x, training=True)
        total = tf.reduce_sum(output * weighting)
    gradients = tape.gradient(total, [x, *(v.value for v in network.trainable_variables)])
    return [output, *gradients, *network.get_weights(), network(x, training=False)]


def test_batch_normalisation_agrees_with_keras(images):
    for fast, plain in zip(trained_norm(images, True), trained_norm(images, False), strict=True):
        np.testing.assert_allclose(fast, plain, rtol=ONE_THREAD_OR_MANY, atol=2 * ONE_THREAD_OR_MANY)


def test_the_moving_variance_divides_by_the_count_as_keras_does(images):
    """TensorFlow's own operation would divide by one less: with 294 numbers, 0.3 % off."""
    variance = trained_norm(images, True)[-2]
    measured = images.var(axis=(0, 1, 2), dtype="float64")
    np.testing.assert_allclose(variance, 0.64 + 0.36 * measured, rtol=1e-5)
    assert not np.allclose(variance, 0.64 + 0.36 * measured * 294 / 293, rtol=1e-4)


@pytest.mark.parametrize("rate", [0.1, 0.5])
def test_dropout_zeroes_the_rate_and_scales_the_rest(rate):
    network = fast_layers(keras.Sequential([keras.Input((100, 100, 3)), keras.layers.Dropout(rate, seed=1)]))
    ones = np.ones((50, 100, 100, 3), "float32")  # 1.5 million numbers
    dropped, again = (network(ones, training=True).numpy() for _ in range(2))
    assert (network(ones, training=False).numpy() == 1).all()
    assert np.unique(dropped).tolist() == pytest.approx([0, 1 / (1 - rate)])
    spread = np.sqrt(rate * (1 - rate) / dropped.size)
    assert abs((dropped == 0).mean() - rate) < 4 * spread
    both = ((dropped == 0) & (again == 0)).mean()  # a mask that came twice would make this the rate itself
    assert abs(both - rate**2) < 4 * np.sqrt(rate**2 / dropped.size)
    neighbours = ((dropped[..., 1:] == 0) & (dropped[..., :-1] == 0)).mean()  # two 16-bit halves of one 32-bit number
    assert abs(neighbours - rate**2) < 5 * np.sqrt(rate**2 / dropped.size)


def test_odd_sizes_and_gradients_of_dropout():
    network = fast_layers(keras.Sequential([keras.Input((3,)), keras.layers.Dropout(0.5, seed=1)]))
    x = tf.ones((5, 3))  # fifteen numbers from eight words
    with tf.GradientTape() as tape:
        tape.watch(x)
        output = network(x, training=True)
    np.testing.assert_array_equal(tape.gradient(output, x), output)  # kept: 2; dropped: 0


def test_the_copy_has_the_weights_the_names_and_the_random_states_and_the_original_stays():
    keras.utils.set_random_seed(1)
    network = scheduled_cnn()
    network.get_layer("drop1")(tf.ones((2, 3)), training=True)  # moves its random state on
    copy = fast_layers(network)
    kinds = {type(layer).__module__ for layer in copy.layers if "norm" in layer.name or "drop" in layer.name}
    assert kinds == {"convbook.fast_layers"}
    assert not any(type(layer).__module__ == "convbook.fast_layers" for layer in network.layers)
    assert [layer.name for layer in copy.layers] == [layer.name for layer in network.layers]
    for ours, theirs in zip(copy.variables, network.variables, strict=True):
        assert ours is not theirs
        np.testing.assert_array_equal(ours.numpy(), theirs.numpy())
    assert from_keras(copy) == from_keras(network)  # the arithmetic reads the copy as it reads the original


def test_a_network_with_fast_layers_can_be_saved_and_loaded(tmp_path, images):
    network = fast_layers(alone(keras.layers.BatchNormalization()))
    network.save(tmp_path / "network.keras")
    loaded = keras.models.load_model(tmp_path / "network.keras")
    assert type(loaded.layers[0]) is type(network.layers[0])
    np.testing.assert_array_equal(loaded(images), network(images))


@pytest.mark.parametrize(
    "layer",
    [
        keras.layers.BatchNormalization(center=False),
        keras.layers.BatchNormalization(dtype="float64"),
        keras.layers.Dropout(0.3, noise_shape=(None, 1, 1, 4), seed=1),
        keras.layers.Dropout(0.0),
    ],
    ids=["no beta", "double precision", "whole maps", "no dropout"],
)
def test_what_has_no_faster_way_goes_keras_own(layer, images):
    network = alone(layer)
    before = [v.numpy() for v in network.variables]
    plain = network(images, training=True).numpy()
    for variable, value in zip(network.variables, before, strict=True):
        variable.assign(value)
    np.testing.assert_array_equal(fast_layers(network)(images, training=True), plain)
