"""NumPy inference against Keras and TensorFlow, and what happens when a record is not what the package expects."""

import json
import shutil
from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf

from convbook import inference, mnist
from convbook.arithmetic import from_keras, trace
from convbook.backend import keras
from convbook.inference import (
    WEIGHTS,
    Network,
    forward,
    gradient,
    gradients,
    layers_after,
    load,
    network_of,
    record,
    stack,
    with_random_weights,
)
from convbook.network import layer_records, load_trained

NAMES = sorted(file.stem for file in WEIGHTS.glob("*.json"))


@pytest.fixture(scope="module", params=NAMES)
def both(request):
    """A shipped network, in NumPy and in Keras."""
    return load(request.param), load_trained(request.param)


def digits(count: int) -> np.ndarray:
    """Blurred noise: smooth as strokes are, so that few values are close to a kink of the network."""
    noise = np.random.default_rng(0).random((count, 28, 28, 1), "float32")
    for axis in (1, 2):
        noise = np.mean([np.roll(noise, by, axis) for by in range(-3, 4)], axis=0)
    return np.clip((noise - 0.5) * 5, 0, 1)


def in_keras(model: keras.Model, images: np.ndarray) -> dict[str, np.ndarray]:
    part = keras.Model(model.inputs[0], {layer.name: layer.output for layer in model.layers})
    return {name: keras.ops.convert_to_numpy(maps) for name, maps in part(images, training=False).items()}


def in_tensorflow(model: keras.Model, image: np.ndarray, layer: str, unit: tuple[int, ...]) -> np.ndarray:
    part = keras.Model(model.inputs[0], model.get_layer(layer).output)
    pixels = tf.convert_to_tensor(image[None])
    with tf.GradientTape() as tape:
        tape.watch(pixels)
        value = part(pixels, training=False)[(0, *unit)]
    return tape.gradient(value, pixels).numpy()[0]


def random_network(*layers: keras.Layer, side: int = 13) -> tuple[Network, keras.Sequential]:
    """Layers with random weights, in NumPy and in Keras."""
    rng = np.random.default_rng(1)
    model = keras.Sequential([keras.Input((side, side, 1)), *layers])
    model.set_weights([rng.uniform(-0.5 if array.ndim > 1 else 0.1, 1, array.shape) for array in model.get_weights()])
    return network_of(layer_records(model), model.get_weights()), model


def test_every_layer_of_a_batch_is_that_of_keras(both):
    images = np.concatenate([digits(20), mnist.to_input(mnist.load().test_images[:130])])  # takes two batches
    ours, theirs = forward(both[0], images), in_keras(both[1], images)
    assert [*ours] == [layer.name for layer in both[1].layers if not isinstance(layer, keras.layers.Dropout)]
    for name in ours:
        np.testing.assert_allclose(ours[name], theirs[name], atol=1e-4, err_msg=name)


def test_only_the_layers_that_are_asked_for_are_returned():
    network, images = load(), digits(3)
    some, everything = forward(network, images, ["pool4", "drop8"]), forward(network, images)
    assert [*some] == ["pool4", "drop8"]
    np.testing.assert_array_equal(some["pool4"], everything["pool4"])
    np.testing.assert_array_equal(some["drop8"], everything["norm8"])
    assert forward(network, digits(0), ["logits"])["logits"].shape == (0, 10)


def test_the_part_after_a_layer_goes_on_from_its_output(both):
    network, maps = both[0], forward(both[0], digits(3))
    for layer in ("conv1", "norm1"):
        rest = forward(layers_after(network, layer), maps[layer])
        np.testing.assert_array_equal(rest["probabilities"], maps["probabilities"])
        assert layer not in rest
    with pytest.raises(ValueError, match=r"shape \(height, width, \d+\) or .*, got \(3, 28, 28, 1\)"):
        forward(layers_after(network, "conv1"), digits(3))


def test_pixels_outside_the_field_change_no_bit_of_a_unit():
    """Chapter 7 compares with ==, so a unit may not depend on what is computed beside it."""
    inside = np.zeros((28, 28, 1), bool)
    inside[6:20, 6:20] = True  # the field of unit (3, 3) of conv6
    images = np.where(inside, digits(1), np.random.default_rng(4).random((150, 28, 28, 1), "float32"))
    values = forward(load(), images, ["conv6"])["conv6"][:, 3, 3]
    np.testing.assert_array_equal(values, values[:1].repeat(150, axis=0))


def test_untrained_weights_are_drawn_as_in_keras(both):
    ours, theirs = with_random_weights(both[0], seed=1), both[1]
    keras.utils.set_random_seed(1)
    fresh = keras.models.clone_model(theirs)  # with new weights
    for (name, array), expected in zip(ours.weights.items(), fresh.get_weights(), strict=True):
        assert array.dtype == expected.dtype and array.shape == expected.shape
        if array.ndim < 4:
            np.testing.assert_array_equal(array, expected, err_msg=name)
        elif array.size > 500:  # enough to compare two random samples
            for what in (np.abs(array).max(), array.std()), (np.abs(expected).max(), expected.std()):
                np.testing.assert_allclose(what[1], what[0] / np.sqrt(3), rtol=0.1, err_msg=name)  # uniform
            assert np.abs(array).max() == pytest.approx(np.abs(expected).max(), rel=0.02), name
    assert not np.array_equal(
        ours.weights["conv1_kernel"], with_random_weights(both[0], seed=2).weights["conv1_kernel"]
    )
    assert forward(ours, digits(1))["probabilities"].sum() == pytest.approx(1)


def test_one_image_gives_what_it_gives_in_a_batch(both):
    single, batch = forward(both[0], digits(3)[1]), forward(both[0], digits(3))
    for name in single:
        np.testing.assert_allclose(single[name], batch[name][1], atol=1e-5, err_msg=name)


@pytest.mark.slow
def test_the_gradient_of_a_unit_of_every_layer_is_that_of_tensorflow(both):
    network, model = both
    image, rng, reached = digits(1)[0], np.random.default_rng(2), 0
    for layer in model.layers:
        unit = tuple(int(rng.integers(end)) for end in layer.output.shape[1:])
        ours, theirs = (f(which, image, layer.name, unit) for f, which in ((gradient, network), (in_tensorflow, model)))
        np.testing.assert_allclose(ours, theirs, atol=1e-4, err_msg=f"{layer.name} {unit}")
        reached += bool(np.abs(theirs).max() > 1e-3)
    assert reached > len(model.layers) / 2


def test_gradients_are_those_of_every_channel_and_image():
    network, images = load(), mnist.to_input(mnist.load().test_images[:3])
    found = gradients(network, images, "conv6", (3, 4))
    assert found.shape == (16, 3, 28, 28, 1)
    for channel, n in np.ndindex(16, 3):
        alone = gradient(network, images[n], "conv6", (3, 4, channel))
        np.testing.assert_allclose(found[channel, n], alone, atol=1e-6)


@pytest.mark.slow
def test_gradients_on_real_digits_are_those_of_tensorflow():
    network, model = load(), load_trained()
    image = mnist.to_input(mnist.load().test_images[:1])[0]
    for layer, place in (("conv2", (11, 12)), ("pool4", (5, 6)), ("conv6", (3, 3)), ("conv9", (0, 0))):
        found = gradients(network, image[None], layer, place)[:, 0]
        for channel in range(0, len(found), 3):
            theirs = in_tensorflow(model, image, layer, (*place, channel))
            np.testing.assert_allclose(found[channel], theirs, atol=1e-4, err_msg=f"{layer} {channel}")


LAYERS = keras.layers


@pytest.mark.parametrize(
    "layers",
    [
        [LAYERS.Conv2D(3, 3, strides=2, padding="same", name="a"), LAYERS.Conv2D(2, 2, padding="same", name="b")],
        [LAYERS.Conv2D(3, 3, dilation_rate=2, use_bias=False, name="a"), LAYERS.Conv2D(2, 4, strides=3, name="b")],
        [LAYERS.Conv2D(3, 3, padding="same", name="a"), LAYERS.MaxPooling2D(3, strides=2, name="b")],
        [LAYERS.Conv2D(3, 2, name="a"), LAYERS.MaxPooling2D(3, 2, padding="same", name="b")],
        [LAYERS.BatchNormalization(epsilon=0.1, name="a"), LAYERS.ReLU(name="b"), LAYERS.Flatten(), LAYERS.Softmax()],
    ],
)
def test_strides_paddings_dilations_and_overlapping_pools_are_those_of_keras(layers):
    network, model = random_network(*layers)
    image = np.random.default_rng(3).normal(size=(13, 13, 1)).astype("float32")
    ours, theirs = forward(network, image), in_keras(model, image[None])
    for name in ours:
        np.testing.assert_allclose(ours[name], theirs[name][0], atol=1e-4, err_msg=name)
    for unit in ((0, 0, 0), (model.get_layer("b").output.shape[1] - 1, 1, 0)):
        np.testing.assert_allclose(
            gradient(network, image, "b", unit), in_tensorflow(model, image, "b", unit), atol=1e-4
        )


def test_of_equal_largest_values_the_first_gets_the_gradient():
    network, model = random_network(LAYERS.MaxPooling2D(3, 2, name="pool"))
    image = np.zeros((13, 13, 1), "float32")
    for unit in ((0, 0, 0), (2, 3, 0)):
        ours = gradient(network, image, "pool", unit)
        np.testing.assert_array_equal(ours, in_tensorflow(model, image, "pool", unit))
        assert ours.sum() == 1


@pytest.mark.parametrize("name", NAMES)
def test_the_stack_is_the_one_that_arithmetic_reads_from_keras(name):
    ours, theirs = trace(stack(name)), trace(from_keras(load_trained(name)))
    nameless = [[row.__class__(**{**vars(row), "name": ""}) for row in rows] for rows in (ours, theirs)]
    assert nameless[0] == nameless[1]


def test_the_layers_of_the_stack_have_the_names_of_keras():
    assert [layer.name for layer in stack()] == [
        *("conv1", "conv2", "conv3", "pool4"),
        *(f"conv{i}" for i in range(5, 10)),
    ]


def test_a_unit_that_does_not_exist_is_named():
    network = load()
    with pytest.raises(IndexError, match=r"output of conv9 has shape \(1, 1, 10\), so there is no unit \(0, 0, 10\)"):
        gradient(network, digits(1)[0], "conv9", (0, 0, 10))
    with pytest.raises(IndexError, match=r"no unit \(3,\)"):
        gradient(network, digits(1)[0], "conv9", (3,))
    with pytest.raises(ValueError, match="there is no layer 'conv4'; there are: conv1, norm1"):
        gradient(network, digits(1)[0], "conv4", (0, 0, 0))
    with pytest.raises(IndexError, match=r"conv6 has maps of 8 × 8 units, so there is no unit \(8, 0\)"):
        gradients(network, digits(1), "conv6", (8, 0))
    with pytest.raises(ValueError, match="a unit needs a row and a column"):
        gradients(network, digits(1), "logits", (0, 0))
    with pytest.raises(ValueError, match="there is no layer 'conv4'"):
        forward(network, digits(1), ["conv4"])


@pytest.mark.parametrize("shape", [(28, 28), (28, 28, 3), (1, 1, 28, 28, 1)])
def test_images_of_another_shape_are_refused(shape):
    with pytest.raises(ValueError, match="images must have shape"):
        forward(load(), np.zeros(shape))


# What follows changes one thing in a copy of what ships.


@pytest.fixture
def copy(tmp_path) -> Path:
    for file in WEIGHTS.iterdir():
        shutil.copy(file, tmp_path)
    return tmp_path


def change(folder: Path, layer: str, **settings: object) -> None:
    """Change settings of a layer in the record of the scheduled CNN."""
    path = folder / "scheduled_cnn.json"
    made = json.loads(path.read_text())
    next(one for one in made["layers"] if one["name"] == layer).update(settings)
    path.write_text(json.dumps(made))


def test_changed_weights_are_refused(copy):
    weights = copy / "scheduled_cnn.npz"
    content = bytearray(weights.read_bytes())
    content[-100] ^= 1
    weights.write_bytes(content)
    with pytest.raises(ValueError, match="does not match its record"):
        load(folder=copy)


@pytest.mark.parametrize(
    ("layer", "settings", "message"),
    [
        (
            "conv5",
            {"kernel_size": 5},
            r"conv5_kernel must have shape \(5, 5, 10, 16\), got \(3, 3, 10, 16\)",
        ),
        ("conv2", {"filters": 32}, r"conv2_kernel must have shape \(3, 3, 16, 32\)"),
        ("conv3", {"use_bias": False}, "the layers need 43 arrays of weights, got 44"),
    ],
)
def test_layers_that_do_not_fit_the_weights_are_refused(copy, layer, settings, message):
    change(copy, layer, **settings)
    with pytest.raises(ValueError, match=message):
        load(folder=copy)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"activation": "gelu"}, "layer 'conv5' has the activation gelu"),
        ({"padding": "full"}, "padding must be"),
        ({"kind": "DepthwiseConv2D"}, "."),
    ],
)
def test_what_inference_does_not_know_is_an_error(copy, settings, message):
    change(copy, "conv5", **settings)
    with pytest.raises(ValueError, match=message):
        forward(load(folder=copy), digits(1))


def test_an_unknown_kind_of_layer_is_named():
    layers = [{"name": "mix", "kind": "DepthwiseConv2D"}]
    for use in (inference.stack_of, lambda layers: forward(Network(layers, {}), digits(1))):
        with pytest.raises(ValueError, match="layer 'mix' is a DepthwiseConv2D"):
            use(layers)


def test_a_changed_record_changes_what_is_computed(copy):
    """Geometry, activation and normalisation each come from the record alone."""
    image = digits(1)[0]
    before = forward(load(), image)
    change(copy, "conv1", padding="same")
    change(copy, "norm2", epsilon=1.0)
    change(copy, "conv8", activation="linear")
    after = forward(load(folder=copy), image)
    assert after["conv1"].shape == (28, 28, 16) and after["conv2"].shape == (26, 26, 16)
    assert before["conv8"].min() == 0 > after["conv8"].min()
    assert [layer.padding for layer in stack(folder=copy)][:2] == ["same", "valid"]
    assert np.ptp(after["norm2"]) < np.ptp(before["norm2"])


def test_an_unknown_name_lists_the_known_ones():
    with pytest.raises(ValueError, match=r"no trained network named 'alexnet'.*scheduled_cnn"):
        record("alexnet")
