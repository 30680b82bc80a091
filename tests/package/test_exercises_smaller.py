import re

import numpy as np
import pytest
from scipy import special, stats

from convbook.backend import keras
from convbook.exercises import check
from convbook.network import compact_cnn


def hint(verdict) -> str:
    assert not verdict.passed
    return verdict.message


def count(stages, statistics=4, bias=1, head=True):
    channels, total = 1, 0
    for kernels in (k for stage in stages for k in stage):
        total += 9 * channels * kernels + (bias + statistics) * kernels
        channels = kernels
    return total + (10 * (channels + bias) if head else 0)


def test_what_keras_counts_passes():
    assert check.compact_parameters(lambda stages: compact_cnn(stages).count_params()).passed
    assert check.compact_parameters(count).passed


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        (lambda stages: ..., "replace the dots"),
        (lambda stages: count(stages, statistics=0), "four numbers for each channel"),
        (lambda stages: count(stages, statistics=2), "running mean and variance"),
        (lambda stages: count(stages, bias=0), "has a bias"),
        (lambda stages: count(stages, head=False), "1 × 1 convolution"),
        (lambda stages: count(stages) + 4 * stages[0][-1], "nothing to learn"),
        (lambda stages: count(stages) + 40, "no batch normalisation"),
    ],
)
def test_wrong_counts_get_their_hint(answer, words):
    assert re.search(words, hint(check.compact_parameters(answer)))


def target(rate):
    return np.full(10, rate / 10) + (1 - rate) * np.eye(10)[3]


def test_the_entropy_of_the_target_passes_and_is_what_keras_computes():
    assert check.smoothing_floor(lambda rate: stats.entropy(target(rate))).passed

    def best(rate):
        """The loss of a network that answers with the target itself."""
        truth, answer = np.eye(10)[[3]], target(rate)[None]
        return float(keras.losses.CategoricalCrossentropy(label_smoothing=rate)(truth, answer))

    assert check.smoothing_floor(lambda rate: best(rate) if rate else 0.0).passed


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        (lambda rate: ..., "replace the dots"),
        (lambda rate: 0.0, "less"),
        (lambda rate: -np.log(1 - 0.9 * rate), "weigh the logarithm"),
        (lambda rate: special.entr(1 - 0.9 * rate), "nine other classes"),
        (lambda rate: special.entr(1 - 0.9 * rate) + special.entr(rate / 10), "not only one"),
        (lambda rate: special.entr(1 - rate) + 9 * special.entr(rate / 9), "all ten classes"),
        (lambda rate: stats.entropy(target(rate), base=2), "natural logarithm"),
    ],
)
def test_wrong_floors_get_their_hint(answer, words):
    assert re.search(words, hint(check.smoothing_floor(answer)))


def span_by_adding(momentum, share):
    """Add up the weights of the last steps until they hold the share."""
    held, steps = 0.0, 0
    while held < share:
        held += (1 - momentum) * momentum**steps
        steps += 1
    return steps


def test_the_span_by_adding_up_passes():
    assert check.average_span(span_by_adding).passed


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        (lambda momentum, share: ..., "replace the dots"),
        (lambda momentum, share: np.ceil(np.log(share) / np.log(momentum)), "hold the rest"),
        (lambda momentum, share: round(1 / (1 - momentum)), "mean age"),
        (lambda momentum, share: span_by_adding(momentum, share) - 1, "round up"),
    ],
)
def test_wrong_spans_get_their_hint(answer, words):
    assert re.search(words, hint(check.average_span(answer)))


def undominated(networks):
    """By the definition: nobody else is at least as good in both and better in one."""
    return [a for a in networks if not any(b[0] <= a[0] and b[1] >= a[1] and b != a for b in networks)]


def running_best(networks):
    best, kept = 0.0, []
    for network in sorted(networks, key=lambda n: (n[0], -n[1])):
        if network[1] > best:
            kept.append(network)
            best = network[1]
    return kept


def better_than_before(networks, key):
    """What one gets who compares each network with the next smaller one alone."""
    ordered = sorted(networks, key=key)
    return [b for a, b in zip([(0, 0.0), *ordered], ordered, strict=False) if b[1] > a[1]]


@pytest.mark.parametrize("function", [undominated, running_best])
def test_the_right_frontier_passes(function):
    assert check.frontier(function).passed


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        (lambda networks: ..., "replace the dots"),
        (lambda networks: 3, "give a list"),
        (lambda networks: networks, "only the networks on the frontier"),
        (lambda networks: [max(networks, key=lambda n: n[1])], "is more than the most accurate"),
        (
            lambda networks: [a for a in networks if not any(b[0] < a[0] and b[1] > a[1] for b in networks)],
            "not more accurate",
        ),
        (lambda networks: [*undominated(networks), (20_000, 0.995)], "of the same size"),
        (lambda networks: better_than_before(networks, key=lambda n: (n[0], -n[1])), "not only the next smaller"),
        (lambda networks: better_than_before(networks, key=None), "not only the next smaller"),
        (lambda networks: [*undominated(networks), (7000, 0.994)], "not more accurate"),
    ],
)
def test_wrong_frontiers_get_their_hint(answer, words):
    assert re.search(words, hint(check.frontier(answer)))
