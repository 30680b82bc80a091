"""What chapter 7 says about what a unit sees and what it uses, each claim against another way to find it."""

from itertools import pairwise

import numpy as np
import pytest
from scipy.signal import convolve2d
from scipy.stats import norm

from convbook import mnist
from convbook.backend import keras
from convbook.features import effective_field, feature_maps
from convbook.network import load_trained, scheduled_cnn

DEPTHS = np.arange(1, 13)


@pytest.fixture(scope="module")
def network():
    return load_trained()


@pytest.fixture(scope="module")
def images():
    return mnist.to_input(mnist.load().test_images[:60])


def seen_widths(*layers: keras.Layer, size: int = 28) -> list[int]:
    """Rows that the middle unit behind each layer reacts to, found by changing one row at a time.

    The layers may hold any weights: four images of noise give every row its chance to come through a ReLU or a pool.
    """
    keras.utils.set_random_seed(0)
    inputs = keras.Input((size, size, 1))
    outputs = [inputs]
    for layer in layers:
        outputs.append(layer(outputs[-1]))
    model = keras.Model(inputs, outputs[1:])
    reacts = [np.zeros(size, bool) for _ in layers]
    rng = np.random.default_rng(0)
    for _ in range(4):
        image = rng.random((size, size, 1), dtype="float32")
        changed = np.repeat(image[None], size + 1, axis=0)  # the last one stays as it is
        changed[np.arange(size), np.arange(size)] = rng.random((size, size, 1), dtype="float32")
        for seen, maps in zip(reacts, model(changed, training=False), strict=True):
            middle = np.asarray(maps)[:, (maps.shape[1] - 1) // 2]
            seen |= (middle[:-1] != middle[-1]).any(axis=(1, 2))
    assert all((np.diff(np.flatnonzero(seen)) == 1).all() for seen in reacts)
    return [int(seen.sum()) for seen in reacts]


def conv(kernel: int = 3, **options) -> keras.Layer:
    return keras.layers.Conv2D(4, kernel, **options)


def test_a_pool_does_not_double_the_receptive_field():
    """The table of the class page: 11 → 22 and then + 2 each; what the layers do: 11 → 12 and then + 4 each."""
    layers = [conv() for _ in range(5)] + [keras.layers.MaxPooling2D(2)] + [conv() for _ in range(4)]
    assert seen_widths(*layers) == [3, 5, 7, 9, 11, 12, 16, 20, 24, 28]


@pytest.mark.parametrize("kernel", [3, 5])
def test_a_stride_acts_on_the_layers_after_its_own(kernel):
    unstrided = seen_widths(conv(), conv(kernel), conv())
    strided = seen_widths(conv(), conv(kernel, strides=2), conv())
    assert strided[:2] == unstrided[:2] == [3, 3 + kernel - 1]
    assert strided[2] - strided[1] == 2 * (unstrided[2] - unstrided[1])


@pytest.mark.parametrize(
    "layer",
    [
        lambda: conv(1),
        lambda: keras.layers.ReLU(),
        lambda: keras.layers.BatchNormalization(),
        lambda: keras.layers.Dropout(0.5),
    ],
    ids=["1x1", "relu", "batch normalisation", "dropout"],
)
def test_a_layer_that_reads_one_place_does_not_widen_the_field(layer):
    assert seen_widths(conv(), layer(), conv(), layer()) == [3, 3, 5, 5]


def test_a_max_pool_with_stride_1_widens_the_field():
    assert seen_widths(conv(), keras.layers.MaxPooling2D(2, strides=1)) == [3, 4]


def test_the_field_is_as_wide_as_the_kernel_in_layer_1_only():
    kernels = [3, 3, 1, 4]
    widths = seen_widths(*[conv(kernel) for kernel in kernels])
    assert [width == kernel for width, kernel in zip(widths, kernels, strict=True)] == [True, False, False, False]


def test_dilation_spreads_the_kernel():
    """From the first to the last row that is seen, k - 1 becomes d (k - 1), and rows between go unseen."""
    keras.utils.set_random_seed(0)
    layer = conv(3, dilation_rate=2)
    rows = np.eye(9, dtype="float32")[..., None, None] * np.ones((1, 1, 9, 1), "float32")
    middle = np.asarray(layer(rows))[:, 2]
    assert np.flatnonzero((middle != 0).any(axis=(1, 2))).tolist() == [2, 4, 6]


def test_unit_i_j_of_layer_5_sees_rows_2i_to_2i_plus_9(network):
    noise = np.random.default_rng(0).random((6, 28, 28, 1), dtype="float32")
    reacts = np.zeros((28, 10), bool)
    for image in noise:
        changed = np.repeat(image[None], 29, axis=0)
        changed[np.arange(28), np.arange(28)] = 1 - image
        maps = feature_maps(network, changed)["conv5"]
        reacts |= (maps[:-1] != maps[-1]).any(axis=(2, 3))
    assert [np.flatnonzero(rows).tolist() for rows in reacts.T] == [[*range(2 * i, 2 * i + 10)] for i in range(10)]


def position_std(influence: np.ndarray) -> float:
    """Standard deviation of the row, if row and column were drawn with chances in proportion to the influence."""
    share = influence.sum(axis=1) / influence.sum()
    rows = np.arange(len(share))
    return float(np.sqrt(share @ rows**2 - (share @ rows) ** 2))


def composed(kernels: list[np.ndarray]) -> np.ndarray:
    """What each pixel counts for one unit of a linear stack: all kernels convolved with each other."""
    result = np.ones((1, 1))
    for kernel in kernels:
        result = convolve2d(result, kernel)
    return result


@pytest.mark.parametrize("kernel", [2, 3, 5, 7])
def test_in_a_uniform_stack_the_spread_is_the_square_root_law(kernel):
    stds = [position_std(composed([np.ones((kernel, kernel))] * depth)) for depth in DEPTHS]
    np.testing.assert_allclose(stds, np.sqrt(DEPTHS * (kernel**2 - 1) / 12))


def test_the_share_of_the_field_falls_as_one_over_the_square_root_of_the_depth():
    depths = np.arange(1, 41)
    stds, fields, row = [], [], np.ones(1)
    for _ in depths:
        row = np.convolve(row, np.ones(3))
        stds.append(position_std(row[:, None]))
        fields.append(position_std(np.ones((len(row), 1))))  # every pixel of the field alike
    share = np.divide(stds, fields)
    np.testing.assert_allclose(share, np.sqrt(2 / (depths + 1)))
    slope = np.polyfit(np.log(depths[20:]), np.log(share[20:]), 1)[0]
    assert slope == pytest.approx(-1 / 2, abs=0.02)


def test_the_influence_in_a_uniform_stack_nears_a_gaussian():
    off, row = [], np.ones(1)
    for depth in DEPTHS:
        row = np.convolve(row, np.ones(3) / 3)
        bell = norm.pdf(np.arange(-depth, depth + 1), scale=np.sqrt(depth * 8 / 12))
        off.append(np.abs(row - bell).max() / bell.max())
    assert off[11] < 0.02 < 0.1 < off[0]
    assert (np.diff(off[1:]) < 0).all()


def test_behind_a_stride_the_variance_of_a_step_grows_with_the_square_of_the_jump():
    """The kernels of the scheduled CNN, all weights equal, as one kernel: zeros between the pixels behind the pool."""
    row, variance = np.ones(1), 0.0
    for kernel, jump in [(3, 1), (3, 1), (1, 1), (2, 1), (3, 2), (3, 2), (3, 2), (3, 2), (4, 2)]:
        spaced = np.zeros((kernel - 1) * jump + 1)
        spaced[::jump] = 1
        row = np.convolve(row, spaced)
        variance += jump**2 * (kernel**2 - 1) / 12
    assert len(row) == 28
    assert position_std(row[:, None]) == pytest.approx(np.sqrt(variance))


def test_for_random_weights_the_law_is_about_squared_gradients():
    """The gradients' sizes spread wider than the law, by more with every layer and by less than the root of 2."""
    rng = np.random.default_rng(0)
    depths = np.array([1, 3, 6, 12])
    law = np.sqrt(depths * 8 / 12)
    squares, sizes = [], []
    for depth in depths:
        # Sixteen channels between the layers; the product of all layers' weights, multiplied out in Fourier space.
        side = 2 * depth + 1
        total = np.zeros((2, side, side))
        for _ in range(60):
            channels = [1, *[16] * (depth - 1), 1]
            product = np.ones((side, side, 1, 1))
            for before, after in pairwise(channels):
                weights = rng.normal(size=(3, 3, before, after)) / np.sqrt(before)
                product = product @ np.fft.fft2(weights, (side, side), axes=(0, 1))
            gradient = np.fft.ifft2(product, axes=(0, 1)).real[:, :, 0, 0]
            total += gradient**2, np.abs(gradient)
        squares.append(position_std(total[0]))
        sizes.append(position_std(total[1]))
    np.testing.assert_allclose(squares, law, rtol=0.06)
    assert (np.diff(np.divide(sizes, law)) > 0).all()
    assert 1.25 < sizes[-1] / law[-1] < np.sqrt(2)


def test_pixels_of_a_field_do_not_matter_equally(network, images):
    """Change one pixel at a time: those in the middle of layer 6's field move the unit more than those at its rim."""
    field = np.ix_(range(6, 20), range(6, 20))
    moves = np.zeros((28, 28))
    for image in images[:3]:
        changed = np.repeat(image[None], 785, axis=0)
        changed.reshape(785, 784)[np.arange(784), np.arange(784)] += 0.01
        unit = feature_maps(network, changed)["conv6"][:, 3, 3]
        moves += np.abs(unit[:-1] - unit[-1]).mean(axis=1).reshape(28, 28)
    inside = moves[field].copy()
    moves[field] = 0
    assert not moves.any()
    rim = np.concatenate([inside[0], inside[-1], inside[1:-1, 0], inside[1:-1, -1]])
    assert inside[5:9, 5:9].mean() > 5 * rim.mean()


def test_the_share_of_the_field_falls_in_the_trained_network_too(network, images):
    shares = []
    for layer, width in (("conv1", 3), ("conv2", 5), ("conv6", 14), ("conv9", 28)):
        std = position_std(effective_field(network, layer, images))
        shares.append(std / np.sqrt((width**2 - 1) / 12))
    assert (np.diff(shares) < 0).all()
    assert shares[-1] < 0.8


def test_training_widens_what_the_last_layer_uses(network, images):
    keras.utils.set_random_seed(0)
    before = position_std(effective_field(scheduled_cnn(), "conv9", images))
    assert position_std(effective_field(network, "conv9", images)) > 1.1 * before
