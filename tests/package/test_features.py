import numpy as np
import pytest
import tensorflow as tf
from scipy.signal import convolve2d

from convbook import features, mnist
from convbook.arithmetic import trace
from convbook.backend import keras
from convbook.features import class_evidence, effective_field, strongest_patches
from convbook.inference import forward, load, network_of, stack, stack_of
from convbook.network import layer_records, load_trained


@pytest.fixture(scope="module")
def network():
    return load()


@pytest.fixture(scope="module")
def images():
    return mnist.to_input(mnist.load().test_images[:200])


@pytest.mark.parametrize(("layer", "row"), [("conv2", 1), ("conv6", 5), ("conv9", 8)])
def test_a_patch_alone_excites_its_channel_as_the_whole_image_did(network, images, layer, row):
    """Put a patch on an empty image at the place it was cut from: the unit there sees nothing else."""
    stage = trace(stack())[row]
    found = strongest_patches(network, layer, stage, images, count=3)
    maps = forward(network, images, [layer])[layer]
    for channel in (0, stage.channels - 1):
        of_all = maps[..., channel].max(axis=(1, 2))
        np.testing.assert_allclose(found.values[channel], np.sort(of_all)[::-1][:3], rtol=1e-5)
        best = found.images[channel, 0]
        i, j = np.unravel_index(maps[best, ..., channel].argmax(), maps.shape[1:3])
        alone = np.zeros((1, 28, 28, 1), "float32")
        rows, columns = stage.sees(int(i)), stage.sees(int(j))
        alone[0, rows.start : rows.stop, columns.start : columns.stop, 0] = found.pixels[channel, 0]
        excited = forward(network, alone)[layer][0, i, j, channel]
        assert excited == pytest.approx(found.values[channel, 0], rel=1e-5)


def test_a_layer_that_sees_padding_is_refused(images):
    model = keras.Sequential([keras.Input((28, 28, 1)), keras.layers.Conv2D(2, 3, padding="same", name="conv")])
    padded = network_of(layer_records(model), model.get_weights())
    with pytest.raises(ValueError, match="see padding"):
        strongest_patches(padded, "conv", trace(stack_of(padded.layers))[0], images)
    with pytest.raises(ValueError, match="see padding"):
        effective_field(padded, "conv", images)


def test_evidence_adds_up_to_the_logits(network, images):
    evidence = class_evidence(network, images[3])
    assert evidence.shape == (4, 4, 10)
    np.testing.assert_allclose(evidence.sum(axis=(0, 1)), forward(network, images[3:4])["norm9"][0, 0, 0], atol=1e-4)


def test_field_of_a_linear_stack_is_the_convolution_of_its_kernels():
    """A unit (i, j) of two linear layers weighs pixel (i + a, j + b) with entry (a, b) of both kernels, convolved."""
    rng = np.random.default_rng(0)
    first, second = rng.normal(size=(3, 3, 1, 2)), rng.normal(size=(2, 2, 2, 3))
    model = keras.Sequential(
        [keras.Input((9, 8, 1)), keras.layers.Conv2D(2, 3), keras.layers.Conv2D(3, 2, name="second")]
    )
    arrays = [first, rng.normal(size=2), second, rng.normal(size=3)]
    linear = network_of(layer_records(model), arrays)
    field = effective_field(linear, "second", rng.random((5, 9, 8, 1), dtype="float32"), unit=(4, 1))
    weights = [
        sum(convolve2d(first[:, :, 0, middle], second[:, :, middle, channel]) for middle in range(2))
        for channel in range(3)
    ]
    expected = np.zeros((9, 8))
    expected[4:8, 1:5] = np.abs(weights).mean(axis=0)
    np.testing.assert_allclose(field, expected, atol=1e-6)


@pytest.mark.slow
@pytest.mark.parametrize(("layer", "unit"), [("norm2", (4, 20)), ("conv6", None), ("conv9", None)])
def test_field_is_the_mean_of_the_gradients_of_tensorflow(network, images, monkeypatch, layer, unit):
    monkeypatch.setattr(features, "BATCH", 8)  # 20 images then take three batches
    model = load_trained()
    output = model.get_layer(layer).output
    row, column = unit or ((side - 1) // 2 for side in output.shape[1:3])
    part = keras.Model(model.inputs[0], output[:, row, column])
    pixels = tf.convert_to_tensor(images[:20])
    with tf.GradientTape(persistent=True) as tape:
        tape.watch(pixels)
        channels = tf.unstack(part(pixels, training=False), axis=-1)
    expected = np.mean([np.abs(tape.gradient(channel, pixels))[..., 0].mean(axis=0) for channel in channels], axis=0)
    assert expected.max() > 0.01
    np.testing.assert_allclose(effective_field(network, layer, images[:20], unit), expected, atol=1e-5)


def test_field_of_the_network_ends_where_the_receptive_field_ends(network, images):
    row = trace(stack())[5]
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
