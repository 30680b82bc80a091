import numpy as np
import pytest
from scipy.special import softmax

from convbook.backend import keras
from convbook.exercises import check


def keras_one_by_one(maps, weights, bias):
    layer = keras.layers.Conv2D(weights.shape[1], 1)
    layer.build((None, *maps.shape))
    layer.set_weights([weights[np.newaxis, np.newaxis], bias])
    return keras.ops.convert_to_numpy(layer(maps[np.newaxis]))[0]


def stub(*arguments): ...


def channels_torn_apart(maps, weights, bias):
    height, width, channels = maps.shape
    return (maps.reshape(channels, -1).T @ weights + bias).reshape(height, width, -1)


def test_keras_passes_as_one_by_one():
    assert check.pointwise(keras_one_by_one).passed


@pytest.mark.parametrize(
    ("answer", "hint"),
    [
        (stub, "replace the dots"),
        (lambda maps, weights, bias: maps @ weights, "the bias is missing"),
        (lambda maps, weights, bias: maps * weights[:, 0] + bias, "only scale"),
        (lambda maps, weights, bias: maps @ weights.T + bias, "the weights are transposed"),
        (lambda maps, weights, bias: maps[:, :, :1] * weights[0] + bias, "only the first channel"),
        (lambda maps, weights, bias: (maps @ weights + bias).mean(axis=(0, 1)), "the shape"),
        (lambda maps, weights, bias: softmax(maps @ weights + bias, axis=-1), "without a softmax"),
        (lambda maps, weights, bias: np.maximum(maps @ weights + bias, 0), "without a ReLU, which comes after"),
        (lambda maps, weights, bias: maps.reshape(-1, maps.shape[-1]) @ weights + bias, "rows and columns back"),
        (channels_torn_apart, "must stay together"),
    ],
)
def test_wrong_one_by_ones_get_their_hint(answer, hint):
    verdict = check.pointwise(answer)
    assert not verdict.passed
    assert hint in verdict.message


MACS = [97_344, 1_327_104, 92_160, 144_000, 147_456, 82_944, 36_864, 2_560]  # kernel, pixels, channels, multiplied


def test_the_bill_of_the_network():
    sides, kernels, channels = (
        (26, 24, 24, 10, 8, 6, 4, 1),
        (3, 3, 1, 3, 3, 3, 3, 4),
        (1, 16, 16, 10, 16, 16, 16, 16, 10),
    )
    filters = (16, 16, 10, 16, 16, 16, 16, 10)
    by_hand = [s**2 * k**2 * c * f for s, k, c, f in zip(sides, kernels, channels, filters, strict=False)]
    assert by_hand == MACS
    assert check.network_macs(1_930_432, 0.687).passed


@pytest.mark.parametrize(
    ("total", "share", "hint"),
    [
        (..., ..., "replace the dots"),
        (14_060, 0.687, "these are parameters"),
        (13_520, 0.687, "these are the weights"),
        (28**2 * 144 + 26**2 * 2304 + 24**2 * 160 + 12**2 * 1440 + (100 + 64 + 36) * 2304 + 16 * 2560, 0.687, "output"),
        (sum(MACS) - 92_160, 0.687, "needs MACs as well"),
        (sum(MACS) - 144_000 + 230_400, 0.687, "10 channels, not 16"),
        (sum(MACS) - MACS[0], 0.687, "first convolution is missing"),
        (sum(MACS) - MACS[1], 0.687, "second convolution is missing"),
        (sum(MACS) - MACS[5], 0.687, "you counted three"),
        (sum(MACS) - sum(MACS[4:7]) + 3 * 230_400, 0.687, "get smaller"),
        (sum(MACS[:-1]), 0.687, "last convolution is missing"),
        (sum(MACS[:-1]) + 9 * 160, 0.687, "4 × 4 kernels"),
        (sum(MACS), 0.69, "three decimals"),
        (sum(MACS), 68.7, "not a percentage"),
        (sum(MACS), 0.5, "is not right"),
    ],
)
def test_wrong_bills_get_their_hint(total, share, hint):
    verdict = check.network_macs(total, share)
    assert not verdict.passed
    assert hint in verdict.message


def search(size, channels_in, kernel, size_out, channels_out):
    """Try every number of middle channels."""
    alone = size_out**2 * kernel**2 * channels_in * channels_out
    pays = [
        m
        for m in range(1, channels_in + 1)
        if size**2 * channels_in * m + size_out**2 * kernel**2 * m * channels_out < alone
    ]
    return max(pays, default=0)


def ratio(size, channels_in, kernel, size_out, channels_out):
    next_layer = size_out**2 * kernel**2 * channels_out
    return next_layer * channels_in / (size**2 * channels_in + next_layer)


def test_trying_every_bottleneck_passes():
    assert check.break_even(search).passed


@pytest.mark.parametrize(
    ("answer", "hint"),
    [
        (stub, "replace the dots"),
        (lambda size, channels_in, kernel, size_out, channels_out: channels_in - 1, "needs MACs as well"),
        (lambda size, c, kernel, size_out, out: search(size_out, c, kernel, size_out, out), "the larger maps"),
        (lambda *stage: int(ratio(*stage)), "with equal costs nothing is saved"),
        (lambda *stage: ratio(*stage), "a number of channels is whole"),
    ],
)
def test_wrong_break_evens_get_their_hint(answer, hint):
    verdict = check.break_even(answer)
    assert not verdict.passed
    assert hint in verdict.message


def keras_order_matters(pool) -> bool:
    """Say whether Keras gives another result with a 1 × 1 convolution behind the pool than in front of it."""
    maps = np.random.default_rng(0).normal(size=(1, 8, 8, 3)).astype("float32")
    mix = keras.layers.Conv2D(4, 1)
    results = [keras.ops.convert_to_numpy(second(first(maps))) for first, second in ((mix, pool), (pool, mix))]
    return not np.allclose(*results, atol=1e-5)


def test_what_keras_does_passes():
    average, largest = keras.layers.AveragePooling2D(2), keras.layers.MaxPooling2D(2)
    assert check.commutes(not keras_order_matters(average), not keras_order_matters(largest)).passed


@pytest.mark.parametrize(
    ("average", "largest", "hint"),
    [
        (..., ..., "replace the dots"),
        (True, ..., "replace the dots"),
        (None, None, "replace the dots"),
        (np.ones((2, 2), bool), False, "a single True or False"),
        ("True", "False", "a single True or False"),
        (False, False, "the mean of weighted sums"),
        (True, True, "the maximum of their difference"),
        (False, True, "the mean of weighted sums"),
    ],
)
def test_wrong_orders_get_their_hint(average, largest, hint):
    verdict = check.commutes(average, largest)
    assert not verdict.passed
    assert hint in verdict.message
