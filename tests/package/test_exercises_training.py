import itertools

import numpy as np
import pytest

from convbook.backend import keras
from convbook.exercises import check
from convbook.network import NETWORKS


def simulated_ceiling(rate: float) -> float:
    rng = np.random.default_rng(0)
    labels = rng.integers(10, size=400_000)
    logits = np.where(np.arange(10) == labels[:, None], 20.0, -20.0)
    logits[rng.random(logits.shape) < rate] = 0
    return (logits.argmax(axis=1) == labels).mean()


def test_the_ceilings_of_the_check_are_those_of_a_simulation():
    answer = [0.99013, 0.93031, 0.88926]
    assert check.ceilings(answer).passed
    np.testing.assert_allclose(answer, [simulated_ceiling(p) for p in (0.05, 0.15, 0.2)], atol=2e-3)


@pytest.mark.parametrize(
    ("answer", "hint"),
    [
        (..., "replace the dots"),
        ([0.95, 0.85, 0.8], "can still win"),
        ([0.955, 0.865, 0.82], "not a random one"),
        ([(1 - p) + (1 - (1 - p) ** 9) / 9 for p in (0.05, 0.15, 0.2)], "ten logits, not nine"),
        ([0.9901, 0.9303], "shape"),
        ([0.9, 0.9, 0.9], "is not right"),
    ],
)
def test_wrong_ceilings_get_their_hint(answer, hint):
    verdict = check.ceilings(answer)
    assert not verdict.passed
    assert hint in verdict.message


class Network:
    """What the check reads of a Keras model."""

    def __init__(self, parameters, input_shape=(None, 28, 28, 1), output_shape=(None, 10)):
        self.parameters, self.input_shape, self.output_shape = parameters, input_shape, output_shape

    def count_params(self):
        return self.parameters


@pytest.mark.parametrize(
    "accuracies",
    [[0.9935, 0.9945, 0.9941], (0.994,) * 3, np.array([0.9945, 0.9941, 0.9952, 0.9939], np.float32)],
)
def test_the_parameters_of_a_small_network_are_verified_and_its_accuracies_are_not(accuracies):
    verdict = check.budget(Network(8_000), accuracies)
    assert verdict.kind == "unverified"
    assert not verdict.passed
    assert "8,000 parameters" in verdict.message
    assert f"{np.mean(accuracies):.4f}" in verdict.message
    assert "your word for that number" in verdict.message


def test_a_keras_model_is_read():
    verdict = check.budget(NETWORKS["compact_7k"](), [0.995, 0.994, 0.9945])
    assert verdict.kind == "unverified"
    layers = [keras.Input((28, 28, 1)), keras.layers.Flatten(), keras.layers.Dense(5)]
    assert "its output (5,)" in check.budget(keras.Sequential(layers), [0.995] * 3).message
    assert "with an Input" in check.budget(keras.Sequential(layers[1:]), [0.995] * 3).message


@pytest.mark.parametrize(
    ("network", "accuracies", "hint"),
    [
        (Network(7_000), ..., "the accuracies: no answer yet"),
        (None, [0.995] * 3, "no answer yet"),
        (7_000, [0.995] * 3, "give a Keras model"),
        (Network, [0.995] * 3, "give a Keras model"),
        (Network("few"), [0.995] * 3, "cannot be used: TypeError"),
        (Network(7_000, output_shape=(None, 1)), [0.995] * 3, "ten numbers, one for each digit"),
        (Network(8_001), [0.995] * 3, "8,001 parameters"),
        (Network(7_000), [0.9960], "may be luck"),
        (Network(7_000), [], "may be luck"),
        (Network(7_000), 0.995, "one for each seed"),
        (Network(7_000), "0.995", "one for each seed"),
        (Network(7_000), ["0.995"] * 3, "should be numbers"),
        (Network(7_000), [True] * 3, "True and False are not numbers"),
        (Network(7_000), [[0.995]] * 3, "one number for each seed"),
        (Network(7_000), {1: 0.995, 2: 0.995, 3: 0.995}, "one for each seed"),
        (Network(7_000), [float("nan")] * 3, "not a finite number"),
        (Network(7_000), [float("inf")] * 3, "not a finite number"),
        (Network(7_000), [99.4, 99.5, 99.6], "not percentages"),
        (Network(7_000), [0.995, 0.995, -1], "shares between 0 and 1"),
        (Network(7_000), [0.99512, 0.995, 0.995], "0.99512 is not a whole number of the 10,000 test digits"),
        (Network(7_000), [10**400] * 3, "this large"),
        (Network(7_000), itertools.repeat(0.995), "you gave more than"),
        (Network(7_000), [0.9960, 0.9930, 0.9925], "one good seed is not enough"),
    ],
)
def test_a_broken_budget_gets_its_hint(network, accuracies, hint):
    verdict = check.budget(network, accuracies)
    assert verdict.kind == "failed"
    assert hint in verdict.message
