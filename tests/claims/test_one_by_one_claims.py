"""What chapter 4 says of 1 × 1 convolutions."""

import numpy as np
import pytest

from convbook.arithmetic import Layer, trace
from convbook.backend import keras
from convbook.convolve import conv2d_matmul, conv2d_windows

RNG = np.random.default_rng(0)


@pytest.mark.parametrize("channels_out", [2, 5, 9])
def test_a_1x1_convolution_is_a_dense_layer_shared_over_pixels(channels_out):
    maps = RNG.normal(size=(2, 7, 6, 5)).astype("float32")
    dense = keras.layers.Dense(channels_out)
    dense.build(maps.shape)
    weights, bias = dense.get_weights()[0], RNG.normal(size=channels_out).astype("float32")
    dense.set_weights([weights, bias])
    by_keras = keras.ops.convert_to_numpy(dense(maps))  # Dense works on the last axis of any array
    ours = conv2d_windows(maps, weights[np.newaxis, np.newaxis], bias)
    np.testing.assert_allclose(ours, by_keras, atol=1e-5)
    assert ours.shape == (2, 7, 6, channels_out)  # channels shrink, stay or grow; height and width stay


def test_a_1x1_convolution_mixes_channels_and_scales_none_by_itself():
    """Changing one old channel changes every new one."""
    maps, filters = RNG.normal(size=(4, 4, 3)), RNG.normal(size=(1, 1, 3, 5))
    changed = maps.copy()
    changed[:, :, 1] += 1
    difference = conv2d_windows(changed, filters) - conv2d_windows(maps, filters)
    np.testing.assert_allclose(difference, np.broadcast_to(filters[0, 0, 1], difference.shape))


def test_shuffled_pixels_give_shuffled_results_for_a_1x1_and_not_for_a_3x3():
    maps = RNG.normal(size=(6, 6, 4))
    order = RNG.permutation(36)
    shuffled = maps.reshape(36, 4)[order].reshape(6, 6, 4)
    for kernel, equal in ((1, True), (3, False)):
        filters = RNG.normal(size=(kernel, kernel, 4, 2))
        result = conv2d_matmul(maps, filters, padding="same").reshape(36, 2)[order]
        assert np.allclose(conv2d_matmul(shuffled, filters, padding="same").reshape(36, 2), result) == equal


def macs_of(layers: list[Layer], size: int, channels: int) -> int:
    return sum(stage.macs for stage in trace(layers, size=size, channels=channels))


@pytest.mark.parametrize(
    ("channels", "layers", "macs"),
    [
        (16, [Layer(1, 10), Layer(2, stride=2), Layer(3, 16)], 92_160 + 144_000),
        (16, [Layer(2, stride=2), Layer(3, 16)], 230_400),
        (16, [Layer(2, stride=2), Layer(1, 10), Layer(3, 16)], 167_040),
        (32, [Layer(1, 10), Layer(2, stride=2), Layer(3, 16)], 328_320),
        (32, [Layer(2, stride=2), Layer(3, 16)], 460_800),
        (32, [Layer(2, stride=2), Layer(1, 10), Layer(3, 16)], 190_080),
    ],
)
def test_what_the_stage_with_the_1x1_costs(channels, layers, macs):
    assert macs_of(layers, 24, channels) == macs


@pytest.mark.parametrize(("channels", "side", "largest"), [(16, 24, 9), (16, 12, 13), (32, 24, 14)])
def test_the_largest_bottleneck_that_pays(channels, side, largest):
    """In this network 9, one below its 10; behind the pool 13; in the class network 14."""
    pool = [] if side == 12 else [Layer(2, stride=2)]
    alone = macs_of([*pool, Layer(3, 16)], side, channels)
    stages = [[Layer(1, middle), *pool, Layer(3, 16)] for middle in (largest, largest + 1)]
    below, above = (macs_of(stage, side, channels) for stage in stages)
    assert below < alone < above


def test_two_1x1_convolutions_with_a_relu_between_compute_a_minimum_and_one_cannot():
    """For maps that are not negative, as behind a ReLU."""
    maps = RNG.random((6, 6, 2))
    kept_and_difference = np.maximum(conv2d_windows(maps, np.array([[1, 1], [0, -1]])[np.newaxis, np.newaxis]), 0)
    both = conv2d_windows(kept_and_difference, np.array([[1], [-1]])[np.newaxis, np.newaxis])
    np.testing.assert_allclose(both[:, :, 0], maps.min(axis=-1))
    design = np.column_stack([maps.reshape(-1, 2), np.ones(36)])
    _, residual, *_ = np.linalg.lstsq(design, maps.min(axis=-1).ravel())
    assert residual[0] > 0.1  # the best that one 1 × 1 convolution can do
