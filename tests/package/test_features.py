import numpy as np
import pytest
from scipy.signal import convolve2d

from convbook import arithmetic, features, mnist
from convbook.backend import keras
from convbook.features import class_evidence, effective_field, feature_maps, predict, strongest_patches
from convbook.network import load_trained


@pytest.fixture(scope="module")
def network():
    return load_trained()


@pytest.fixture(scope="module")
def images():
    return mnist.to_input(mnist.load().test_images[:200])


def test_maps_equal_the_layers_applied_one_by_one(network, images):
    maps = feature_maps(network, images[:7])
    values = images[:7]
    for layer in network.layers:
        values = layer(values, training=False)
        if not isinstance(layer, keras.layers.Dropout):
            np.testing.assert_allclose(maps[layer.name], values, atol=1e-5)
    assert len(maps) == 7 * 2 + 2 + 2  # seven blocks, the 1 x 1 and the pool, flatten and softmax
    assert maps["conv1"].shape == (7, 26, 26, 16)


def test_batches_are_joined_in_order(network, images, monkeypatch):
    whole = feature_maps(network, images)
    monkeypatch.setattr(features, "BATCH", 64)  # 200 images then take four batches
    np.testing.assert_allclose(feature_maps(network, images)["conv9"], whole["conv9"], atol=1e-5)
    np.testing.assert_allclose(predict(network, images), whole["probabilities"], atol=1e-6)


def test_a_single_image_without_batch_axis_is_refused(network, images):
    with pytest.raises(ValueError, match=r"must have shape \(N, .*got \(28, 28, 1\)"):
        feature_maps(network, images[0])


@pytest.mark.parametrize(("layer", "row"), [("conv2", 1), ("conv6", 5), ("conv9", 8)])
def test_a_patch_alone_excites_its_channel_as_the_whole_image_did(network, images, layer, row):
    """Put a patch on an empty image at the place it was cut from: the unit there sees nothing else."""
    stage = arithmetic.trace(arithmetic.from_keras(network))[row]
    found = strongest_patches(network, layer, stage, images, count=3)
    maps = feature_maps(network, images)[layer]
    for channel in (0, stage.channels - 1):
        of_all = maps[..., channel].max(axis=(1, 2))
        np.testing.assert_allclose(found.values[channel], np.sort(of_all)[::-1][:3], rtol=1e-5)
        best = found.images[channel, 0]
        i, j = np.unravel_index(maps[best, ..., channel].argmax(), maps.shape[1:3])
        alone = np.zeros((1, 28, 28, 1), "float32")
        rows, columns = stage.sees(int(i)), stage.sees(int(j))
        alone[0, rows.start : rows.stop, columns.start : columns.stop, 0] = found.pixels[channel, 0]
        excited = feature_maps(network, alone)[layer][0, i, j, channel]
        assert excited == pytest.approx(found.values[channel, 0], rel=1e-5)


def test_patches_of_a_padded_layer_are_refused(images):
    model = keras.Sequential([keras.Input((28, 28, 1)), keras.layers.Conv2D(2, 3, padding="same", name="conv")])
    stage = arithmetic.trace(arithmetic.from_keras(model))[0]
    with pytest.raises(ValueError, match="see padding"):
        strongest_patches(model, "conv", stage, images)


def test_evidence_adds_up_to_the_logits(network, images):
    evidence = class_evidence(network, images[3])
    assert evidence.shape == (4, 4, 10)
    np.testing.assert_allclose(
        evidence.sum(axis=(0, 1)), feature_maps(network, images[3:4])["norm9"][0, 0, 0], atol=1e-4
    )


def test_field_of_a_linear_stack_is_the_convolution_of_its_kernels():
    """A unit (i, j) of two linear layers weighs pixel (i + a, j + b) with entry (a, b) of both kernels, convolved."""
    rng = np.random.default_rng(0)
    first, second = rng.normal(size=(3, 3, 1, 2)), rng.normal(size=(2, 2, 2, 3))
    stack = keras.Sequential(
        [keras.Input((9, 8, 1)), keras.layers.Conv2D(2, 3), keras.layers.Conv2D(3, 2, name="second")]
    )
    stack.set_weights([first, rng.normal(size=2), second, rng.normal(size=3)])
    field = effective_field(stack, "second", rng.random((5, 9, 8, 1), dtype="float32"), unit=(4, 1))
    weights = [
        sum(convolve2d(first[:, :, 0, middle], second[:, :, middle, channel]) for middle in range(2))
        for channel in range(3)
    ]
    expected = np.zeros((9, 8))
    expected[4:8, 1:5] = np.abs(weights).mean(axis=0)
    np.testing.assert_allclose(field, expected, atol=1e-6)


def test_field_is_the_mean_of_numeric_gradients(monkeypatch):
    """Move every pixel of every image a little up and down; smooth layers in double precision leave no excuse."""
    monkeypatch.setattr(features, "BATCH", 2)  # three images then take two batches
    keras.utils.set_random_seed(0)
    model = keras.Sequential(
        [
            keras.Input((8, 8, 2), dtype="float64"),
            keras.layers.Conv2D(4, 3, activation="tanh", dtype="float64"),
            keras.layers.AveragePooling2D(2, dtype="float64"),
            keras.layers.Conv2D(3, 2, activation="tanh", dtype="float64", name="last"),
            keras.layers.Dropout(0.5, dtype="float64"),
        ]
    )
    images = np.random.default_rng(0).random((3, 8, 8, 2))
    step = 1e-5
    slopes = []
    for image in images:
        moved = image + step * np.concatenate([np.eye(128), -np.eye(128)]).reshape(-1, 8, 8, 2)
        up, down = np.split(np.asarray(model(moved))[:, 0, 0], 2)  # the middle of 2 × 2 units is the first
        slopes.append(np.abs((up - down) / (2 * step)).mean(axis=1).reshape(8, 8, 2).sum(axis=2))
    np.testing.assert_allclose(effective_field(model, "last", images), np.mean(slopes, axis=0), atol=1e-8)


def test_field_of_the_network_ends_where_the_receptive_field_ends(network, images):
    row = arithmetic.trace(arithmetic.from_keras(network))[5]
    seen = np.zeros((28, 28), bool)
    seen[np.ix_(row.sees(2), row.sees(5))] = True
    np.testing.assert_array_equal(effective_field(network, "conv6", images[:20], unit=(2, 5)) > 0, seen)


@pytest.mark.parametrize(
    ("layer", "count", "unit", "error", "message"),
    [
        ("conv6", 1, (8, 0), IndexError, r"8 × 8 units, so there is no unit \(8, 0\)"),
        ("logits", 1, None, ValueError, "a unit needs a row and a column"),
        ("conv6", 0, None, ValueError, "at least one"),
    ],
)
def test_field_without_a_unit_or_an_image_is_refused(network, images, layer, count, unit, error, message):
    with pytest.raises(error, match=message):
        effective_field(network, layer, images[:count], unit)


def test_field_on_another_backend_is_refused(network, images, monkeypatch):
    monkeypatch.setattr(keras.backend, "backend", lambda: "jax")
    with pytest.raises(RuntimeError, match="Keras runs on jax: set KERAS_BACKEND=tensorflow"):
        effective_field(network, "conv6", images[:1])
