import json
import shutil

import numpy as np
import pytest
from scipy import ndimage, special

from convbook.backend import keras
from convbook.network import (
    WEIGHTS,
    compact_cnn,
    load_trained,
    over_shifts,
    record,
    scheduled_cnn,
    training_accuracy_ceiling,
    training_loss_floor,
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


def test_a_block_is_convolution_with_relu_then_normalisation_then_dropout():
    kinds = [type(layer).__name__ for layer in scheduled_cnn().layers]
    block = ["Conv2D", "BatchNormalization", "Dropout"]
    assert kinds == [*block, *block, "Conv2D", "MaxPooling2D", *4 * block, *block, "Flatten", "Softmax"]
    activations = [layer.activation.__name__ for layer in scheduled_cnn().layers if hasattr(layer, "kernel")]
    assert activations == ["relu"] * 7 + ["linear"]


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


@pytest.mark.parametrize("reach", [1, 2])
def test_logits_are_averaged_over_all_shifts(reach):
    """Against digits moved by SciPy, read one by one."""
    keras.utils.set_random_seed(0)
    network = compact_cnn(((8,), (12,)), shift=0.07)
    network.layers[-3].kernel.assign(100 * network.layers[-3].kernel)  # so that the readings disagree
    images = np.random.default_rng(0).random((5, 28, 28, 1), "float32")
    logits = keras.Sequential(network.layers[:-1])
    moves = [(rows, columns) for rows in range(-reach, reach + 1) for columns in range(-reach, reach + 1)]
    moved = (ndimage.shift(images, (0, *move, 0), order=0, mode="constant") for move in moves)
    mean = np.mean([keras.ops.convert_to_numpy(logits(digits, training=False)) for digits in moved], axis=0)
    reader = over_shifts(network, reach)
    ours = keras.ops.convert_to_numpy(reader(images, training=False))
    np.testing.assert_allclose(ours, special.softmax(mean, axis=1), rtol=1e-4)
    assert np.abs(ours - keras.ops.convert_to_numpy(network(images, training=False))).max() > 1e-3
    assert reader.count_params() == network.count_params()


def test_digits_are_moved_in_training_only():
    keras.utils.set_random_seed(0)
    network = compact_cnn(((4,),), shift=0.1, turn=0.1)
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


def test_changed_weights_are_refused(tmp_path):
    for file in WEIGHTS.iterdir():
        shutil.copy(file, tmp_path)
    weights = tmp_path / "scheduled_cnn.weights.h5"
    content = bytearray(weights.read_bytes())
    content[-100] ^= 1
    weights.write_bytes(content)
    with pytest.raises(ValueError, match="not the file that its record describes"):
        load_trained(folder=tmp_path)


def test_an_unknown_name_lists_the_known_ones():
    with pytest.raises(ValueError, match=r"no trained network named 'alexnet'.*scheduled_cnn"):
        load_trained("alexnet")


@pytest.mark.parametrize("name", [file.stem for file in WEIGHTS.glob("*.json")])
def test_the_record_is_complete(name):
    known = {
        "command",
        "date",
        "seed",
        "epochs",
        "parameters",
        "evaluate",
        "device",
        "versions",
        "weights_sha256",
        "history",
    }
    assert set(json.loads((WEIGHTS / f"{name}.json").read_text())) == known
    assert load_trained(name).count_params() == record(name)["parameters"]
