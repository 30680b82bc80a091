import numpy as np
import pytest

from convbook import arithmetic, mnist
from convbook.backend import keras
from convbook.features import class_evidence, feature_maps, predict, strongest_patches
from convbook.network import load_trained


@pytest.fixture(scope="module")
def network():
    return load_trained()


@pytest.fixture(scope="module")
def images():
    return mnist.to_input(mnist.load().test_images[:600])  # more than one batch


def test_maps_equal_the_layers_applied_one_by_one(network, images):
    maps = feature_maps(network, images[:7])
    values = images[:7]
    for layer in network.layers:
        values = layer(values, training=False)
        if not isinstance(layer, keras.layers.Dropout):
            np.testing.assert_allclose(maps[layer.name], values, atol=1e-5)
    assert len(maps) == 7 * 2 + 2 + 2  # seven blocks, the 1 x 1 and the pool, flatten and softmax
    assert maps["conv1"].shape == (7, 26, 26, 16)


def test_batches_are_joined_in_order(network, images):
    np.testing.assert_allclose(
        feature_maps(network, images)["conv9"][550:], feature_maps(network, images[550:])["conv9"], atol=1e-5
    )
    np.testing.assert_allclose(predict(network, images), feature_maps(network, images)["probabilities"], atol=1e-6)


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
