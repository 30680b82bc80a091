"""What chapter 6 says of the activations of the trained network."""

import keras
import numpy as np
import pytest
from scipy import signal, special

from convbook import mnist
from convbook.inference import forward, load
from convbook.network import load_trained

RECTIFIED = ("conv1", "conv2", "conv3", "conv5", "conv6", "conv7", "conv8")


@pytest.fixture(scope="module")
def network():
    return load_trained()


@pytest.fixture(scope="module")
def maps():
    return forward(load(), mnist.to_input(mnist.load().test_images[:1000]))


def test_softmax_depends_on_differences_of_logits_only(maps):
    logits = maps["logits"].astype(float)
    np.testing.assert_allclose(special.softmax(logits + 3, axis=1), maps["probabilities"], atol=1e-5)


def test_the_activation_function_acts_on_the_weighted_sum_plus_the_bias(network, maps):
    layer = network.get_layer("conv1")
    image = mnist.to_input(mnist.load().test_images[:1])[0, :, :, 0]
    kernels, biases = layer.get_weights()
    sums = np.stack([signal.correlate2d(image, kernel, "valid") for kernel in np.moveaxis(kernels[:, :, 0], -1, 0)], -1)
    np.testing.assert_allclose(maps["conv1"][0], np.maximum(sums + biases, 0), atol=1e-5)


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


def test_fewer_units_are_dead_as_more_digits_are_shown(maps):
    dead = [(maps["conv1"][:count] == 0).all(axis=0).sum() for count in (10, 100, 1000)]
    assert dead[0] > 1.5 * dead[1] > 2 * dead[2]


def test_dead_units_of_the_first_layer_belong_to_filters_with_a_negative_bias(network, maps):
    """Where all pixels are black the weighted sum is the bias, so there the reverse holds as well."""
    dead = (maps["conv1"] == 0).all(axis=0)
    negative = network.get_layer("conv1").get_weights()[1] < 0
    assert not dead[:, :, ~negative].any()
    ink = mnist.load().test_images[:1000].max(axis=0) > 0
    black = signal.correlate2d(ink, np.ones((3, 3)), "valid") == 0
    assert black.any()
    assert dead[black][:, negative].all()
