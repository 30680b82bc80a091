import numpy as np
import pytest

from convbook.exercises import check


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
        ([0.955, 0.865, 0.82], "not to a random one"),
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
    def __init__(self, parameters: int) -> None:
        self.parameters = parameters

    def count_params(self) -> int:
        return self.parameters


def test_a_small_network_with_three_good_seeds_passes():
    assert check.budget(Network(8_000), [0.9935, 0.9945, 0.9941]).passed


@pytest.mark.parametrize(
    ("network", "accuracies", "hint"),
    [
        (..., ..., "replace the dots"),
        (Network(8_001), [0.995] * 3, "8,001 parameters"),
        (Network(7_000), [0.9960], "may be luck"),
        (Network(7_000), [99.4, 99.5, 99.6], "not in per cent"),
        (Network(7_000), [0.9960, 0.9930, 0.9925], "one good seed is no mean"),
    ],
)
def test_a_broken_budget_gets_its_hint(network, accuracies, hint):
    verdict = check.budget(network, accuracies)
    assert not verdict.passed
    assert hint in verdict.message
