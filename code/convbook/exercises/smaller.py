"""Checks of chapter 13, on smaller networks and shorter training."""

from collections.abc import Callable, Sequence
from math import ceil, log

import numpy as np

from convbook.arithmetic import Layer, trace
from convbook.exercises.verdict import Mistakes, Wrong, call, expect, gives_verdict, items, numbers

CLASSES = 10

Stages = list[list[int]]
DESIGNS: tuple[Stages, ...] = ([[4], [8]], [[8], [8, 8, 12], [12]], [[5]], [[6, 3], [10]])

RATES = (0.0, 0.05, 0.3, 0.1, 1.0)  # of label smoothing

# Momentum, and the share of the average that the last steps hold; the last two cases come out exactly.
SPANS = ((0.9, 0.5), (0.995, 0.99), (0.9, 0.7), (0.5, 0.5), (0.5, 0.75))

Networks = list[tuple[int, float]]
# Networks (parameters, accuracy) and the positions of those on the frontier: a list with every kind of tie, one where
# the smallest network is the most accurate, and a single network.
FRONTIERS: tuple[tuple[Networks, tuple[int, ...]], ...] = (
    (
        [
            *((4000, 0.994), (700, 0.990), (2000, 0.989), (3000, 0.9895)),
            *((7000, 0.994), (20_000, 0.995), (20_000, 0.996)),
        ],
        (1, 0, 6),
    ),
    ([(9000, 0.991), (500, 0.995), (800, 0.994)], (1,)),
    ([(100, 0.2)], (0,)),
)


def _parameters(stages: Stages, per_channel: int = 4, bias: int = 1, head: bool = True, pools: bool = False) -> int:
    """Count the parameters of a compact network, optionally with a typical mistake."""
    total, channels = 0, 1
    for number, stage in enumerate(stages):
        total += 4 * channels if pools and number else 0
        for filters in stage:
            total += 9 * channels * filters + (bias + per_channel) * filters
            channels = filters
    return total + (channels * CLASSES + bias * CLASSES if head else 0)


@gives_verdict
def compact_parameters(function: Callable[[Stages], int]) -> str:
    """Check a function that counts the parameters of a compact network, given its stages."""
    for stages in DESIGNS:
        layers = [Layer(3, filters, batch_norm=True) for stage in stages for filters in stage]
        right = sum(row.parameters for row in trace([*layers, Layer(1, CLASSES)]))
        expect(
            call(function, stages),
            right,
            f"stages {stages}",
            mistakes=(
                ("a batch normalisation has four numbers for each channel", _parameters(stages, per_channel=0)),
                (
                    "its running mean and variance are parameters as well, although they are not trained",
                    _parameters(stages, 2),
                ),
                ("every filter has a bias, including those of the 1 × 1 convolution", _parameters(stages, bias=0)),
                (
                    "the logits come from a 1 × 1 convolution, whose parameters count as well",
                    _parameters(stages, head=False),
                ),
                ("a max-pool has nothing to learn", _parameters(stages, pools=True)),
                ("the logits have no batch normalisation", right + 4 * CLASSES),
            ),
        )
    return "weights and biases of every convolution, and four numbers per channel of every batch normalisation"


@gives_verdict
def smoothing_floor(function: Callable[[float], float]) -> str:
    """Check a function that returns the lowest cross-entropy for a rate of label smoothing."""

    def term(p: float) -> float:
        return -p * log(p) if p else 0.0

    for rate in RATES:
        low, high = rate / CLASSES, 1 - rate + rate / CLASSES
        right = term(high) + (CLASSES - 1) * term(low)
        expect(
            call(function, rate),
            right,
            f"rate {rate}",
            mistakes=(
                ("a loss of 0 would need a target of 1, but the smoothed target is less", 0.0),
                ("weigh the logarithm of each class with the target of that class, and add up all ten", -log(high)),
                ("the nine other classes contribute to the loss as well", term(high)),
                ("add up all nine other classes, not only one", term(high) + term(low)),
                (
                    "the rate is spread over all ten classes, including the true one",
                    term(1 - rate) + (CLASSES - 1) * term(rate / (CLASSES - 1)),
                ),
                ("for nats, use the natural logarithm instead of base 2", right / log(2)),
            ),
        )
    return "the entropy of the target"


@gives_verdict
def average_span(function: Callable[[float, float], int]) -> str:
    """Check function(momentum, share): how many of the last steps hold this share of the average."""
    for momentum, share in SPANS:
        exact = log(1 - share) / log(momentum)
        right = ceil(exact)
        expect(
            call(function, momentum, share),
            right,
            f"momentum {momentum}, share {share}",
            mistakes=(
                (
                    "that is how many steps hold the rest; the steps before the last n hold momentum to the power n",
                    ceil(log(share) / log(momentum)),
                ),
                (
                    "that is the mean age of the averaged weights; find how many steps hold the share",
                    round(1 / (1 - momentum)),
                ),
                ("one step fewer holds less than the share: round up", right - 1),
                ("the number of steps is whole: round up", exact),
                ("the share is reached exactly here, so no extra step is needed", right + 1),
            ),
        )
    return "every step multiplies the weight of all earlier steps by the momentum"


@gives_verdict
def frontier(function: Callable[[Networks], Sequence[tuple[int, float]]]) -> str:
    """Check a function that keeps the networks (parameters, accuracy) that no smaller one matches or beats."""
    for networks, places in FRONTIERS:
        case = f"the networks {networks}"
        what = "a list of networks, each with its parameters and accuracy"
        found = []
        for network in items(call(function, networks), len(networks), case, what, fewer=True):
            size, accuracy = items(network, 2, case, what)
            found.append([float(_number(size, case)), float(_number(accuracy, case))])
        right = [list(networks[place]) for place in places]
        expect(sorted(found) or np.empty((0, 2)), right, case, mistakes=_frontier_mistakes(networks, right))
    return "each network on the frontier is more accurate than all smaller ones"


def _number(value: object, case: str) -> float:
    array = numbers(value, case)
    if array.shape != ():
        raise Wrong(f"{case}: give two numbers for each network, its parameters and its accuracy")
    return float(array)


def _frontier_mistakes(networks: Networks, right: list[list[float]]) -> Mistakes:
    """Return pairs of a hint and the sorted networks that the misconception keeps."""

    def adding(*others: tuple[int, float]) -> list[list[float]] | None:
        return sorted([*right, *map(list, others)]) if set(others) <= set(networks) else None

    tie, second, after_worse = (7000, 0.994), (20_000, 0.995), (3000, 0.9895)
    tied = "a network that is not more accurate than a smaller one is not on the frontier"
    next_smaller = "each network must beat all smaller ones, not only the next smaller one"
    return (
        ("return only the networks on the frontier", sorted(map(list, networks))),
        (tied, adding(tie)),
        (tied, adding(tie, second)),
        ("of two networks of the same size, keep only the more accurate one", adding(second)),
        (next_smaller, adding(after_worse)),
        (next_smaller, adding(after_worse, second)),
        (
            "the frontier is more than the most accurate network: it includes smaller ones that no other network beats",
            right[-1:],
        ),
    )
