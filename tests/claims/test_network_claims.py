"""What the course says about its network, each claim shown on the network itself."""

import csv
import json
from pathlib import Path

import numpy as np
import pytest

from convbook import mnist
from convbook.arithmetic import Layer, from_keras, trace
from convbook.backend import keras
from convbook.ceiling import training_accuracy_ceiling
from convbook.history import notes_log
from convbook.inference import forward, load, record
from convbook.network import load_trained, scheduled_cnn

RESULTS = Path(__file__).parents[2] / "results"
LAYERS = ["conv1", "conv2", "conv3", "pool4", "conv5", "conv6", "conv7", "conv8", "conv9"]


@pytest.fixture(scope="module")
def network():
    return load_trained()


@pytest.fixture(scope="module")
def digits():
    return mnist.load()


@pytest.fixture(scope="module")
def reactions(network):
    """Which pixels change each layer's middle unit: (28, 28) for every layer, over four images of noise.

    Noise rather than digits, so that no pixel is shut out by a ReLU or loses in the pool every time.
    """
    rng = np.random.default_rng(0)
    table = trace(from_keras(network))
    reacts = {layer: np.zeros(784, bool) for layer in LAYERS}
    for _ in range(4):
        image = rng.random((28, 28, 1), dtype="float32")
        changed = np.repeat(image[None], 784, axis=0)
        changed.reshape(784, 784)[np.diag_indices(784)] = 1 - image.ravel()
        # The unchanged image goes first, in the same call: bit-equality is asked of one computation.
        maps = forward(load(), np.concatenate([image[None], changed]))
        for layer, row in zip(LAYERS, table, strict=True):
            unit = maps[layer][:, (row.size - 1) // 2, row.size // 2]
            reacts[layer] |= (unit[1:] != unit[0]).any(axis=1)
    return {layer: seen.reshape(28, 28) for layer, seen in reacts.items()}


@pytest.mark.slow
@pytest.mark.parametrize("number", range(9))
def test_a_unit_reacts_to_the_pixels_of_its_receptive_field_and_to_no_other(network, reactions, number):
    row = trace(from_keras(network))[number]
    field = np.zeros((28, 28), bool)
    field[np.ix_(row.sees((row.size - 1) // 2), row.sees(row.size // 2))] = True
    np.testing.assert_array_equal(reactions[LAYERS[number]], field)


@pytest.mark.slow
def test_the_field_of_the_class_page_is_wrong(reactions):
    """The class page doubles the field at the pool and adds 2 a layer from there: 11, 22, 24, 26, 28 ..."""
    rows = np.flatnonzero(reactions["conv5"].any(axis=1))
    assert len(rows) == 10


@pytest.mark.slow
def test_the_last_receptive_field_is_the_whole_image(reactions):
    assert reactions["conv9"].all()


def test_layer_2_spends_two_thirds_of_the_macs(network):
    macs = [row.macs for row in trace(from_keras(network))]
    assert sum(macs) == 1_930_432
    assert round(100 * macs[1] / sum(macs), 1) == 68.7


@pytest.mark.parametrize(("second_block", "saved_macs", "saved_parameters"), [(16, -5_760, 694), (32, 132_480, 2_838)])
def test_the_1x1_saves_compute_in_the_class_network_only(second_block, saved_macs, saved_parameters):
    with_1x1 = from_keras(scheduled_cnn(second_block=second_block))
    without = [layer for layer in with_1x1 if layer.kernel != 1]

    def cost(layers: list[Layer]) -> tuple[int, int]:
        stages = trace(layers)
        return sum(stage.macs for stage in stages), sum(stage.parameters for stage in stages)

    assert np.subtract(cost(without), cost(with_1x1)).tolist() == [saved_macs, saved_parameters]


def test_16_kernels_instead_of_32_save_2544_parameters():
    assert scheduled_cnn(second_block=32).count_params() - scheduled_cnn().count_params() == 2_544


@pytest.mark.slow
def test_training_accuracy_is_low_because_of_dropout_on_the_logits(digits):
    """One network, the same training digits: with dropout on below the ceiling, with dropout off above it."""
    network = load_trained()  # its own: a call in training mode moves the running means
    keras.utils.set_random_seed(0)
    images, labels = mnist.to_input(digits.train_images[:4000]), digits.train_labels[:4000]

    def accuracy(**mode) -> float:
        parts = [keras.ops.convert_to_numpy(network(part, **mode)) for part in np.split(images, 8)]
        return float((np.concatenate(parts).argmax(axis=1) == labels).mean())

    # The logits without any dropout before them: the head's dropout alone makes the difference.
    before = keras.Model(network.inputs, network.get_layer("norm9").output)
    logits = before.predict(images, batch_size=500, verbose=0).reshape(-1, 10)
    dropped = keras.ops.convert_to_numpy(keras.layers.Dropout(0.1)(logits, training=True))
    head = float((dropped.argmax(axis=1) == labels).mean())

    ceiling = training_accuracy_ceiling(0.1)
    assert accuracy(training=False) > ceiling
    assert accuracy(training=True) < ceiling
    assert head == pytest.approx(ceiling, abs=0.01)


@pytest.mark.slow
def test_the_shipped_weights_reach_the_accuracy_of_their_record(network, digits):
    probabilities = network.predict(mnist.to_input(digits.test_images), batch_size=500, verbose=0)
    right = probabilities.argmax(axis=1) == digits.test_labels
    assert right.mean() == pytest.approx(record()["evaluate"][1], abs=2e-4)


def test_wrong_classes_have_negative_scores(digits):
    scores = forward(load(), mnist.to_input(digits.test_images[:2000]), ["logits"])["logits"]
    wrong = np.arange(10) != digits.test_labels[:2000, None]
    assert (scores[wrong] < 0).mean() > 0.99


def test_the_notes_rate_is_below_half_its_start_from_epoch_5_on():
    rates = [epoch.learning_rate for epoch in notes_log()]
    assert next(epoch for epoch, rate in enumerate(rates, start=1) if rate < rates[0] / 2) == 5
    assert rates[-1] / rates[0] == pytest.approx(0.1416, abs=5e-5)


def test_ten_runs_of_the_notes_recipe():
    rows = list(csv.DictReader((RESULTS / "replay.csv").read_text(encoding="utf-8").splitlines()))
    seeds = {int(row["seed"]) for row in rows}
    assert seeds == set(range(10)) and len(rows) == 10 * 20
    log = notes_log()
    for row in rows:
        errors = (1 - float(row["val_accuracy"])) * 10_000
        assert errors == pytest.approx(round(errors), abs=0.01)  # of the test set, so a whole number
        assert float(row["learning_rate"]) == log[int(row["epoch"]) - 1].learning_rate
        assert (row["parameters"], row["macs"]) == ("14060", "1930432")
    last = sorted(float(row["val_accuracy"]) for row in rows if row["epoch"] == "20")
    assert last[0] < log[-1].val_accuracy < last[-1]
    record = json.loads((RESULTS / "replay.json").read_text(encoding="utf-8"))
    assert (record["runs"], record["seeds"], record["epochs"]) == (10, [*range(10)], 20)
