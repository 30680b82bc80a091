import hashlib
import json
import shutil
from functools import partial

import numpy as np
import pytest
from scipy import ndimage, special

from convbook import inference
from convbook.backend import keras
from convbook.ceiling import training_accuracy_ceiling, training_loss_floor
from convbook.inference import WEIGHTS, record
from convbook.network import (
    NETWORKS,
    compact_cnn,
    layer_records,
    load_trained,
    save_trained,
    scheduled_cnn,
    with_test_time_augmentation,
)


def trainable(model: keras.Model) -> int:
    return sum(int(np.prod(weight.shape)) for weight in model.trainable_weights)


@pytest.mark.parametrize(
    ("second_block", "parameters", "trainable_parameters"), [(16, 14_060, 13_848), (32, 16_604, 16_360)]
)
def test_the_network_has_the_published_number_of_parameters(second_block, parameters, trainable_parameters):
    network = scheduled_cnn(second_block=second_block)
    assert network.count_params() == parameters
    assert trainable(network) == trainable_parameters


def test_the_network_is_the_published_one_in_every_setting():
    """The published table: number, kernel, filters, dropout, and whether it has a ReLU and a normalisation."""
    convolutions = {
        1: (3, 16, "relu", 0.1),
        2: (3, 16, "relu", 0.1),
        3: (1, 10, "relu", None),
        5: (3, 16, "relu", 0.1),
        6: (3, 16, "relu", 0.1),
        7: (3, 16, "relu", 0.1),
        8: (3, 16, "relu", 0.1),
        9: (4, 10, "linear", 0.1),
    }
    expected = []
    for number, (kernel, filters, activation, dropout) in convolutions.items():
        expected.append(
            {
                "name": f"conv{number}",
                "kind": "Conv2D",
                "filters": filters,
                "kernel_size": kernel,
                "strides": 1,
                "padding": "valid",
                "dilation_rate": 1,
                "activation": activation,
                "use_bias": True,
            }
        )
        if dropout is not None:
            norm = {"name": f"norm{number}", "kind": "BatchNormalization", "epsilon": 0.001, "momentum": 0.99}
            expected += [norm, {"name": f"drop{number}", "kind": "Dropout", "rate": dropout}]
        if number == 3:
            pool = {"pool_size": 2, "strides": 2, "padding": "valid"}
            expected.append({"name": "pool4", "kind": "MaxPooling2D", **pool})
    expected += [{"name": "logits", "kind": "Flatten"}, {"name": "probabilities", "kind": "Softmax"}]
    assert layer_records(scheduled_cnn()) == expected


def test_the_dropout_rates_reach_their_layers():
    network = scheduled_cnn(dropout=0.25, logit_dropout=0.5)
    assert [layer.rate for layer in network.layers if isinstance(layer, keras.layers.Dropout)] == [0.25] * 6 + [0.5]


def kinds(network: keras.Model) -> list[str]:
    return [type(layer).__name__ for layer in network.layers]


def test_a_compact_network_is_its_stages_with_a_pool_between_and_averaged_logits():
    network = compact_cnn(((8,), (12, 16)))
    block = ["Conv2D", "BatchNormalization"]
    assert kinds(network) == [*block, "MaxPooling2D", *block, *block, "Conv2D", "GlobalAveragePooling2D", "Softmax"]
    convolutions = [layer for layer in network.layers if hasattr(layer, "kernel")]
    assert [layer.kernel.shape for layer in convolutions] == [
        (3, 3, 1, 8),
        (3, 3, 8, 12),
        (3, 3, 12, 16),
        (1, 1, 16, 10),
    ]
    assert [layer.activation.__name__ for layer in convolutions] == ["relu"] * 3 + ["linear"]


def test_without_the_average_one_kernel_for_each_digit_sees_all_of_the_last_maps():
    network = compact_cnn(((8,), (12, 16)), average=False)
    assert kinds(network)[-3:] == ["Conv2D", "Flatten", "Softmax"]
    assert network.layers[-3].kernel.shape == (9, 9, 16, 10)  # 28 - 2 = 26, halved 13, - 2 - 2 = 9


def test_normalisation_may_stand_before_the_relu_and_the_pool_before_both():
    network = compact_cnn(((8,), (8,), (12, 16)), norm_first=True)
    block = ["BatchNormalization", "ReLU"]
    assert kinds(network) == [
        *("Conv2D", "MaxPooling2D", *block, "Conv2D", "MaxPooling2D", *block),
        *("Conv2D", *block, "Conv2D", *block, "Conv2D", "GlobalAveragePooling2D", "Softmax"),
    ]
    *convolutions, logits = [layer for layer in network.layers if hasattr(layer, "kernel")]
    assert all(layer.activation.__name__ == "linear" and layer.bias is None for layer in convolutions)
    assert logits.bias is not None


@pytest.mark.slow
@pytest.mark.parametrize("shift", [1, 2])
def test_logits_are_averaged_over_all_shifts(shift):
    """Against digits moved by SciPy, read one by one."""
    keras.utils.set_random_seed(0)
    network = compact_cnn(((8,), (12,)), shift=0.07)
    network.layers[-3].kernel.assign(100 * network.layers[-3].kernel)  # so that the readings disagree
    images = np.random.default_rng(0).random((5, 28, 28, 1), "float32")
    logits = keras.Sequential(network.layers[:-1])
    moves = [(rows, columns) for rows in range(-shift, shift + 1) for columns in range(-shift, shift + 1)]
    moved = (ndimage.shift(images, (0, *move, 0), order=0, mode="constant") for move in moves)
    mean = np.mean([keras.ops.convert_to_numpy(logits(digits, training=False)) for digits in moved], axis=0)
    reader = with_test_time_augmentation(network, shift)
    ours = keras.ops.convert_to_numpy(reader(images, training=False))
    np.testing.assert_allclose(ours, special.softmax(mean, axis=1), rtol=1e-4)
    assert np.abs(ours - keras.ops.convert_to_numpy(network(images, training=False))).max() > 1e-3
    assert reader.count_params() == network.count_params()


def test_digits_are_moved_in_training_only():
    keras.utils.set_random_seed(0)
    network = compact_cnn(((4,),), shift=0.1, rotation=0.1)
    moving = keras.Sequential(network.layers[:2])
    images = np.zeros((50, 28, 28, 1), "float32")
    images[:, 9:19, 12:16] = 1
    np.testing.assert_array_equal(moving(images, training=False), images)
    moved = keras.ops.convert_to_numpy(moving(images, training=True))
    assert (np.abs(moved - images).max(axis=(1, 2, 3)) > 0.1).all()
    np.testing.assert_allclose(moved.sum(axis=(1, 2, 3)), 40, rtol=0.02)  # nothing leaves the picture
    rows, columns = ((moved * np.arange(28).reshape(shape)).sum(axis=(1, 2, 3)) / 40 for shape in ((28, 1, 1), (28, 1)))
    distances = np.hypot(rows - 13.5, columns - 13.5)
    assert 1 < distances.max() < np.hypot(3, 3) + 0.1  # 0.1 * 28 pixels along both axes, in whole pixels
    assert kinds(compact_cnn(((4,),)))[0] == "Conv2D"


# The published values, rounded to four digits.
@pytest.mark.parametrize(
    ("dropout", "ceiling", "floor"),
    [(0, 1, 0), (0.05, 0.9901, 0.0144), (0.1, 0.9651, 0.0533), (0.15, 0.9303, 0.1116), (0.2, 0.8893, 0.1854)],
)
def test_dropout_on_the_logits_bounds_accuracy_and_loss(dropout, ceiling, floor):
    assert training_accuracy_ceiling(dropout) == pytest.approx(ceiling, abs=5e-5)
    assert training_loss_floor(dropout) == pytest.approx(floor, abs=5e-5)


def test_the_bounds_agree_with_keras_dropout_on_a_perfect_network():
    keras.utils.set_random_seed(0)
    labels = np.random.default_rng(0).integers(10, size=200_000)
    logits = np.where(np.arange(10) == labels[:, None], 50.0, -50.0).astype("float32")
    dropped = keras.ops.convert_to_numpy(keras.layers.Dropout(0.1)(logits, training=True))
    accuracy = (dropped.argmax(axis=1) == labels).mean()
    loss = keras.losses.sparse_categorical_crossentropy(labels, dropped, from_logits=True)
    assert accuracy == pytest.approx(training_accuracy_ceiling(0.1), abs=0.002)
    assert float(keras.ops.mean(loss)) == pytest.approx(training_loss_floor(0.1), abs=0.002)


def test_the_shipped_weights_are_the_ones_of_the_record():
    made = record()
    assert made["epochs"] == len(made["history"]) == 20
    network = load_trained()
    assert network.count_params() == made["parameters"] == 14_060
    assert [made["history"][-1][key] for key in ("val_loss", "val_accuracy")] == made["evaluate"]


SHIPPED = sorted(file.stem for file in WEIGHTS.glob("*.json"))


@pytest.mark.parametrize("name", SHIPPED)
def test_the_record_is_complete(name):
    known = {
        *("command", "date", "seed", "epochs", "parameters", "evaluate", "device", "versions", "history"),
        *("layers", "weights_sha256"),
    }
    assert set(json.loads((WEIGHTS / f"{name}.json").read_text())) == known
    assert load_trained(name).count_params() == record(name)["parameters"]


def test_every_shipped_network_has_its_two_files():
    files = {file.name for file in WEIGHTS.iterdir()}
    assert files == {f"{name}.{ending}" for name in SHIPPED for ending in ("json", "npz")}


@pytest.mark.parametrize("name", NETWORKS)
def test_the_layers_of_a_network_can_be_written_and_read_as_json(name):
    layers = layer_records(NETWORKS[name]())
    assert json.loads(json.dumps(layers)) == layers
    if name in SHIPPED:
        assert record(name)["layers"] == layers


@pytest.mark.slow
@pytest.mark.parametrize("name", NETWORKS)
def test_a_saved_network_is_loaded_again(name, tmp_path):
    keras.utils.set_random_seed(3)
    network = NETWORKS[name]()
    save_trained(network, name, tmp_path / "new", {"command": "make"})
    again = load_trained(name, tmp_path / "new")
    in_one_line = NETWORKS[name]()
    in_one_line.set_weights(list(np.load(tmp_path / "new" / f"{name}.npz").values()))
    for wanted, *others in zip(network.get_weights(), again.get_weights(), in_one_line.get_weights(), strict=True):
        for array in others:
            assert array.dtype == wanted.dtype
            np.testing.assert_array_equal(array, wanted)
    assert sorted(file.name for file in (tmp_path / "new").iterdir()) == [f"{name}.json", f"{name}.npz"]


def test_the_files_of_equal_networks_are_equal_and_replace_older_ones(tmp_path):
    network, contents = load_trained(), []
    for folder in (tmp_path, tmp_path, tmp_path / "other"):
        save_trained(network, "mine", folder, {"seed": 0})
        contents.append([(folder / f"mine.{ending}").read_bytes() for ending in ("npz", "json")])
    assert contents[0] == contents[1] == contents[2]
    made = json.loads(contents[0][1])
    assert made == {
        "seed": 0,
        "layers": layer_records(network),
        "weights_sha256": hashlib.sha256(contents[0][0]).hexdigest(),
    }


@pytest.mark.parametrize("name", SHIPPED)
def test_the_arrays_are_named_as_inference_names_them(name):
    with np.load(WEIGHTS / f"{name}.npz") as arrays:
        assert arrays.files == [*inference.load(name).weights]


def changed(setting: str, value: object) -> keras.Sequential:
    """Return the scheduled CNN with another setting in one of its layers."""
    model = scheduled_cnn()
    layer, _, name = setting.partition(".")
    kept = [
        one.__class__.from_config({**one.get_config(), name: value}) if one.name == layer else one
        for one in model.layers
    ]
    return keras.Sequential([keras.Input((28, 28, 1)), *kept])


@pytest.mark.parametrize(
    ("setting", "value"),
    [
        ("conv5.activation", "linear"),
        ("conv1.padding", "same"),
        ("norm6.epsilon", 0.01),
        ("drop7.rate", 0.15),
        ("pool4.padding", "same"),
    ],
)
def test_a_builder_with_another_setting_refuses_the_trained_weights(monkeypatch, setting, value):
    """Settings with which the weights would still fit."""
    monkeypatch.setitem(NETWORKS, "scheduled_cnn", partial(changed, setting, value))
    layer, _, name = setting.partition(".")
    with pytest.raises(ValueError, match=rf"trained with the layer .*'{layer}'.*but now has .*'{name}': '?{value}"):
        load_trained()


def test_a_builder_with_other_filters_or_more_layers_refuses_the_trained_weights(monkeypatch):
    monkeypatch.setitem(NETWORKS, "scheduled_cnn", partial(scheduled_cnn, second_block=32))
    with pytest.raises(ValueError, match=r"was trained with the layer .*'filters': 16.*but now has .*'filters': 32"):
        load_trained()
    monkeypatch.setitem(NETWORKS, "scheduled_cnn", lambda: keras.Sequential(scheduled_cnn().layers[:-1]))
    with pytest.raises(ValueError, match=r"was trained with the layer .*Softmax.*but now has None"):
        load_trained()


def test_a_record_of_other_layers_refuses_the_builder(tmp_path):
    for file in WEIGHTS.iterdir():
        shutil.copy(file, tmp_path)
    made = record()
    made["layers"][0]["padding"] = "same"
    (tmp_path / "scheduled_cnn.json").write_text(json.dumps(made))
    with pytest.raises(ValueError, match=r"the network 'scheduled_cnn' was trained with .*'conv1'.*'same'.*'valid'"):
        load_trained(folder=tmp_path)


def test_a_name_without_a_builder_is_refused(tmp_path):
    save_trained(scheduled_cnn(), "mine", tmp_path, {"command": "make"})
    with pytest.raises(ValueError, match="no builder for the network 'mine'; there are: scheduled_cnn"):
        load_trained("mine", tmp_path)


def halved(z):
    return z / 2


@pytest.mark.parametrize(
    ("layer", "message"),
    [
        (keras.layers.Conv2D(4, (3, 1), name="a"), r"'a' has kernel_size \(3, 1\): both numbers must be the same"),
        (keras.layers.Conv2D(4, 3, strides=(1, 2), name="a"), r"'a' has strides \(1, 2\)"),
        (keras.layers.Conv2D(4, 3, groups=2, name="a"), "'a' has groups 2: a record can hold only 1"),
        (keras.layers.Conv2D(4, 3, data_format="channels_first", name="a"), "'a' has data_format channels_first"),
        (keras.layers.Conv2D(4, 3, activation=halved, name="a"), "'a' has activation .*halved"),
        (keras.layers.BatchNormalization(axis=1, name="a"), "'a' has axis 1: a record can hold only -1"),
        (keras.layers.BatchNormalization(scale=False, name="a"), "'a' has scale False"),
        (keras.layers.ReLU(max_value=6, name="a"), "'a' has max_value 6"),
        (keras.layers.MaxPooling2D((2, 1), name="a"), r"'a' has pool_size \(2, 1\)"),
        (keras.layers.GlobalAveragePooling2D(keepdims=True, name="a"), "'a' has keepdims True"),
        (keras.layers.Dropout(0.1, noise_shape=(None, 1, 1, 4), name="a"), "'a' has noise_shape"),
        (
            keras.layers.AveragePooling2D(2, name="a"),
            "'a' is a AveragePooling2D: a record can hold Conv2D, MaxPooling2D",
        ),
        (keras.layers.RandomRotation(0.1, name="a"), "'a' is a RandomRotation"),
    ],
)
def test_what_a_record_cannot_express_is_named(layer, message, tmp_path):
    model = keras.Sequential([layer])
    with pytest.raises(ValueError, match=message):
        layer_records(model)
    with pytest.raises(ValueError, match=message):
        save_trained(model, "mine", tmp_path, {})
    assert not [*tmp_path.iterdir()]
