"""What chapter 5 says of feature maps, shown on the trained network."""

import numpy as np
import pytest
from scipy.ndimage import correlate
from scipy.stats import spearmanr

from convbook import mnist
from convbook.backend import keras
from convbook.inference import forward, load
from convbook.network import load_trained


@pytest.fixture(scope="module")
def network():
    return load_trained()


@pytest.fixture(scope="module")
def maps():
    return forward(load(), mnist.to_input(mnist.load().test_images[:20]))


def test_one_filter_over_the_whole_volume_makes_one_map(network, maps):
    weights, bias = network.get_layer("conv5").get_weights()
    volume = maps["pool4"][0]
    assert weights.shape == (3, 3, 10, 16)  # a slice for each of the ten maps, a filter for each new one
    for channel in (0, 7):
        through = correlate(volume, weights[..., channel], mode="constant", origin=0)
        # Ten channels have no middle one: SciPy lays the filter's slice 5 on the channel it is asked for.
        total = through[1:-1, 1:-1, 5] + bias[channel]
        np.testing.assert_allclose(np.maximum(total, 0), maps["conv5"][0, :, :, channel], atol=1e-4)


def test_a_map_belongs_to_an_image_and_a_filter_to_the_network(network, maps):
    before = network.get_layer("conv2").get_weights()[0]
    assert not np.allclose(maps["conv2"][0], maps["conv2"][1])
    np.testing.assert_array_equal(network.get_layer("conv2").get_weights()[0], before)


def test_a_map_before_its_activation_is_another_map(network, maps):
    weights, bias = network.get_layer("conv2").get_weights()
    before = keras.ops.convert_to_numpy(keras.ops.conv(maps["norm1"], weights) + bias)
    assert (before < 0).mean() > 0.25
    np.testing.assert_allclose(np.maximum(before, 0), maps["conv2"], atol=1e-4)


def test_maps_are_not_comparable_without_a_shared_colour_scale(maps):
    """A scale of its own makes every map as bright as the brightest, whatever its values."""
    highest = maps["conv1"][0].max(axis=(0, 1))
    own_scale = maps["conv1"][0] / highest
    np.testing.assert_allclose(own_scale.max(axis=(0, 1)), 1)
    assert highest.max() / highest.min() > 2


def test_the_mean_brightness_of_a_channel_changes_nothing_behind_batch_normalisation(network, maps):
    """Made twice as bright, with the normalisation's own statistics following, a channel says the same."""
    norm = network.get_layer("norm6")
    gamma, beta, mean, variance = norm.get_weights()
    twice = keras.layers.BatchNormalization(epsilon=norm.epsilon)
    twice.build(maps["conv6"].shape)
    twice.set_weights([gamma, beta, 2 * mean, 4 * variance])
    brighter = keras.ops.convert_to_numpy(twice(2 * maps["conv6"]))
    assert np.abs(brighter - maps["norm6"]).max() < 0.05 * np.abs(maps["norm6"]).max()  # epsilon is not doubled


def fold(norm, weights, bias):
    gamma, beta, mean, variance = norm.get_weights()
    scale = gamma / np.sqrt(variance + norm.epsilon)
    return weights * scale[:, np.newaxis], bias + np.einsum("ijco,c->o", weights, beta - mean * scale)


def test_batch_normalisation_folds_into_the_next_convolution(network, maps):
    weights, bias = network.get_layer("conv2").get_weights()
    new_weights, new_bias = fold(network.get_layer("norm1"), weights, bias)
    folded = keras.ops.convert_to_numpy(keras.ops.relu(keras.ops.conv(maps["conv1"], new_weights) + new_bias))
    np.testing.assert_allclose(folded, maps["conv2"], atol=1e-4)


def test_folding_is_not_exact_with_zeros_as_padding(network, maps):
    weights, bias = network.get_layer("conv2").get_weights()
    new_weights, new_bias = fold(network.get_layer("norm1"), weights, bias)
    old = keras.ops.conv(maps["norm1"], weights, padding="same") + bias
    new = keras.ops.conv(maps["conv1"], new_weights, padding="same") + new_bias
    difference = np.abs(keras.ops.convert_to_numpy(old) - keras.ops.convert_to_numpy(new))
    assert difference[:, 1:-1, 1:-1].max() < 1e-3
    assert difference[:, 0].max() > 0.1


def test_behind_a_pool_a_map_follows_even_shifts_only():
    digits = mnist.load().test_images[:5]
    plain, by_one, by_two = (
        forward(load(), mnist.to_input(np.roll(digits, shift, axis=2)))["pool4"] for shift in (0, 1, 2)
    )
    np.testing.assert_allclose(by_two[:, :, 2:], plain[:, :, 1:-1], atol=1e-4)
    assert not np.allclose(by_one[:, :, 2:], plain[:, :, 1:-1], atol=0.1)
    assert not np.allclose(by_one[:, :, 2:], plain[:, :, 2:], atol=0.1)


@pytest.mark.slow
def test_a_bright_channel_is_not_an_important_one(network):
    """Layer 5 alone would suggest that it is; layer 8 says the contrary. The page draws other digits."""
    digits = mnist.load()
    sample = np.random.default_rng(1).permutation(60_000)[:1000]
    labels = digits.train_labels[sample]
    maps = forward(load(), mnist.to_input(digits.train_images[sample]))
    probabilities = maps["probabilities"]

    def lost(name: str, constant: np.ndarray) -> np.ndarray:
        """Set a channel to a constant behind its normalisation, worked out from the normalisation's weights."""
        norm = network.get_layer(name.replace("conv", "norm"))
        behind = network.layers[network.layers.index(norm) + 1 :]
        rest = keras.Sequential([keras.Input(maps[norm.name].shape[1:]), *behind])
        gamma, beta, mean, variance = norm.get_weights()
        silent = (constant - mean) / np.sqrt(variance + norm.epsilon) * gamma + beta
        right = []
        for channel in range(16):
            stack = maps[norm.name].copy()
            stack[..., channel] = silent[channel]
            right.append(keras.ops.convert_to_numpy(rest(stack, training=False))[np.arange(1000), labels].mean())
        return probabilities[np.arange(1000), labels].mean() - np.array(right)

    bright = {name: maps[name].mean(axis=(0, 1, 2)) for name in ("conv5", "conv8")}
    early, late = lost("conv5", np.zeros(16)), lost("conv8", np.zeros(16))
    assert spearmanr(bright["conv5"], early).statistic > 0.4
    assert spearmanr(bright["conv8"], late).statistic < 0
    assert (bright["conv8"] > bright["conv8"][late.argmax()]).sum() > 7

    brightest = bright["conv5"].argmax()
    assert early.argmax() == brightest
    assert lost("conv5", bright["conv5"])[brightest] < early[brightest] / 3  # most of it was the strangeness of zeros
