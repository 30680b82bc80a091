import numpy as np
import pytest
from matplotlib.colors import Normalize
from scipy.signal import correlate2d

from convbook.backend import keras
from convbook.exercises import check
from convbook.network import scheduled_cnn

CHANNELS = np.array([[[1, 2], [0, 1], [4, 0]], [[0, 1], [2, 0], [1, 3]]])
KERNELS = np.array([[[1, 0], [1, -1]], [[0, 2], [1, 0]]])
TURNED = [correlate2d(c, np.flip(k), "valid") for c, k in zip(CHANNELS, KERNELS, strict=True)]
PARTS = [correlate2d(channel, kernel, "valid") for channel, kernel in zip(CHANNELS, KERNELS, strict=True)]
RIGHT = PARTS[0] + PARTS[1] - 1


def stub(*arguments): ...


def test_scipy_passes_on_two_channels():
    assert check.two_channel_map(RIGHT).passed


@pytest.mark.parametrize(
    ("answer", "hint"),
    [
        (..., "replace the dots"),
        (RIGHT + 1, "the bias is missing"),
        (RIGHT - 1, "added once"),
        (PARTS[0] - 1, "only the first channel"),
        (PARTS[1] - 1, "only the second channel"),
        (np.stack(PARTS, axis=-1), "add the two partial results up"),
        (TURNED[0] + TURNED[1] - 1, "does not rotate"),
        (RIGHT.ravel(), "two rows of one number"),
        (np.full_like(RIGHT, RIGHT[0, 0]), "is not right"),
        ([[9], [9]], "is not right"),
    ],
)
def test_wrong_maps_get_their_hint(answer, hint):
    verdict = check.two_channel_map(answer)
    assert not verdict.passed
    assert hint in verdict.message


@pytest.fixture(scope="module")
def counts():
    """Counted by Keras."""
    network = scheduled_cnn()
    trainable = sum(int(np.prod(weight.shape)) for weight in network.trainable_weights)
    biases = sum(layer.bias.shape[0] for layer in network.layers if isinstance(layer, keras.layers.Conv2D))
    return {
        "convolution": network.get_layer("conv2").count_params(),
        "batch normalisation": network.get_layer("norm2").count_params(),
        "network": network.count_params(),
        "trainable": trainable,
        "without biases": network.count_params() - biases,
    }


def test_keras_passes_on_parameters(counts):
    assert counts["network"] == 14_060 and counts["trainable"] == 13_848
    assert counts["network"] - counts["without biases"] == 116
    assert check.parameters(counts).passed


@pytest.mark.parametrize(
    ("wrong", "hint"),
    [
        ({"convolution": ...}, "replace the dots"),
        ({"convolution": 2_304}, "each filter has a bias"),
        ({"convolution": 160}, "reads all 16 channels"),
        ({"batch normalisation": 32}, "count the measured mean and variance"),
        ({"network": 13_848}, "running means and variances are missing"),
        ({"network": 13_636}, "the batch normalisations have parameters"),
        ({"network": 14_924}, "10 channels, not 16"),
        ({"trainable": 14_060}, "measured, not trained"),
        ({"without biases": 116}, "these are the biases"),
        ({"without biases": 13_732}, "only the biases of the convolutions"),
    ],
)
def test_wrong_counts_get_their_hint(counts, wrong, hint):
    verdict = check.parameters(counts | wrong)
    assert not verdict.passed
    assert hint in verdict.message


def test_missing_counts_are_named():
    assert (
        "these numbers are missing: batch normalisation" in check.parameters({"convolution": 1, "network": 1}).message
    )


@pytest.mark.parametrize("answer", [None, 14_060, [2_320, 64, 14_060, 13_848, 13_944]])
def test_no_dictionary_is_a_hint_and_no_traceback(answer):
    assert "give a dictionary" in check.parameters(answer).message


def keras_moves() -> list[int | None]:
    pool = keras.layers.MaxPooling2D(2)
    image = np.random.default_rng(1).random((1, 4, 40, 1), dtype="float32")
    before, *after = (keras.ops.convert_to_numpy(pool(np.roll(image, shift, axis=2)))[0] for shift in range(5))
    return [next((m for m in range(20) if np.allclose(np.roll(before, m, axis=1), a)), None) for a in after]


def test_keras_passes_behind_a_pool():
    assert check.pooled_shift(keras_moves()).passed


@pytest.mark.parametrize(
    ("answer", "hint"),
    [
        ([...] * 4, "replace the dots"),
        (..., "replace the dots"),
        (None, "no answer yet"),
        ([None, 1, None], "give four of them"),
        ([1, 1, 2, 2], "a shift of 1: the pool's windows start at every second pixel"),
        ([None, 2, None, 4], "halves the shift"),
        ([None, None, None, None], "you will meet the same pairs"),
        ([0, 1, 1, 2], "the same pair of columns"),
    ],
)
def test_wrong_moves_get_their_hint(answer, hint):
    verdict = check.pooled_shift(answer)
    assert not verdict.passed
    assert hint in verdict.message


def fold(gamma, beta, mean, variance, epsilon, filters, bias):
    """Find the folded layer by asking Keras's normalisation what it makes of zeros and ones."""
    norm = keras.layers.BatchNormalization(epsilon=epsilon)
    norm.build((None, len(gamma)))
    norm.set_weights([gamma, beta, mean, variance])
    at_zero, at_one = (keras.ops.convert_to_numpy(norm(np.full((1, len(gamma)), x)))[0] for x in (0.0, 1.0))
    return filters * (at_one - at_zero)[:, np.newaxis], bias + np.tensordot(filters.sum(axis=(0, 1)).T, at_zero, 1)


def fold_with(scale, shift):
    def function(gamma, beta, mean, variance, epsilon, filters, bias):
        a = scale(gamma, variance, epsilon)
        return filters * a[:, np.newaxis], bias + np.einsum("ijco,c->o", filters, shift(beta, mean, a))

    return function


def root(gamma, variance, epsilon):
    return gamma / np.sqrt(variance + epsilon)


def without_the_weights(gamma, beta, mean, variance, epsilon, filters, bias):
    """Add the shifts to the bias as they are."""
    scale = root(gamma, variance, epsilon)
    return filters * scale[:, np.newaxis], bias + (beta - mean * scale).sum()


def into_the_convolution_before(gamma, beta, mean, variance, epsilon, filters, bias):
    a = root(gamma, variance, epsilon)
    return filters * a, bias * a + beta - mean * a


def along_the_wrong_axis(gamma, beta, mean, variance, epsilon, filters, bias):
    a = root(gamma, variance, epsilon)
    return filters * a, bias + np.einsum("ijco,c->o", filters, beta - mean * a)


def test_keras_passes_as_folding():
    # Keras computes in float32, so the comparison is made in that precision.
    def rounded(*arguments):
        filters, bias = fold_with(root, lambda beta, mean, a: beta - mean * a)(*arguments)
        by_keras = fold(*arguments)
        np.testing.assert_allclose(by_keras[0], filters, rtol=1e-4, atol=1e-5)
        np.testing.assert_allclose(by_keras[1], bias, rtol=1e-4, atol=1e-5)
        return filters, bias

    assert check.fold(rounded).passed


@pytest.mark.parametrize(
    ("answer", "hint"),
    [
        (stub, "replace the dots"),
        (lambda *arguments: arguments[5], "the shapes of the old ones"),
        (lambda *arguments: (arguments[5], arguments[6][:1]), "the shapes of the old ones"),
        (fold_with(root, lambda beta, mean, a: 0 * beta), "passes through the weights"),
        (without_the_weights, "multiply it by each weight"),
        (fold_with(lambda g, v, e: g / np.sqrt(v), lambda beta, mean, a: beta - mean * a), "epsilon is missing"),
        (
            fold_with(lambda g, v, e: g / (v + e), lambda beta, mean, a: beta - mean * a),
            "the square root of the variance",
        ),
        (fold_with(root, lambda beta, mean, a: beta), "the mean is not subtracted"),
        (fold_with(root, lambda beta, mean, a: beta - mean), "the mean is divided as well"),
        (into_the_convolution_before, "the convolution before"),
        (along_the_wrong_axis, "the slices that read it"),
    ],
)
def test_wrong_foldings_get_their_hint(answer, hint):
    verdict = check.fold(answer)
    assert not verdict.passed
    assert hint in verdict.message


def by_matplotlib(maps, shared):
    """What Matplotlib makes of a picture with vmin=0 and, on a shared scale, the vmax of all."""
    scales = [Normalize(0, maps.max() if shared else maps[:, :, n].max()) for n in range(maps.shape[2])]
    return np.dstack([scale(maps[:, :, n]).filled(0) for n, scale in enumerate(scales)])


def test_matplotlib_passes_on_colour_scales():
    assert check.shared_scale(by_matplotlib).passed


@pytest.mark.parametrize(
    ("answer", "hint"),
    [
        (stub, "replace the dots"),
        (lambda maps, shared: by_matplotlib(maps, False), "each map has its own"),
        (lambda maps, shared: by_matplotlib(maps, True), "all maps share one"),
        (lambda maps, shared: maps if shared else by_matplotlib(maps, False), "1 is the brightest"),
        (lambda maps, shared: (maps - maps.min()) / np.ptp(maps), "do not subtract"),
        (lambda maps, shared: by_matplotlib(maps, True) if shared else maps / maps.max(2, keepdims=True), "each pixel"),
        (lambda maps, shared: maps / np.inf if maps.shape[2] == 3 else by_matplotlib(maps, shared), "should be"),
        (lambda maps, shared: maps[0], "the shape is"),
        (lambda maps: maps, "raised TypeError"),
    ],
)
def test_wrong_colour_scales_get_their_hint(answer, hint):
    verdict = check.shared_scale(answer)
    assert not verdict.passed
    assert hint in verdict.message


def test_silent_map_is_a_hint():
    def divides(maps, shared):
        with np.errstate(invalid="ignore"):
            return maps / (maps.max() if shared else maps.max(axis=(0, 1)))

    assert "must stay 0" in check.shared_scale(divides).message
