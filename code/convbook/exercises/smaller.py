"""Checks of chapter 12: what a smaller network and a shorter training rest on."""

from collections.abc import Callable, Iterable, Sequence
from math import ceil, log

from convbook.arithmetic import Layer, trace
from convbook.exercises.verdict import Wrong, call, check, expect

CLASSES = 10

Stages = Sequence[Sequence[int]]
DESIGNS: tuple[Stages, ...] = (((4,), (8,)), ((8,), (8, 8, 12), (12,)))

RATES = (0.0, 0.05, 0.3)  # of label smoothing

SPANS = ((0.9, 0.5), (0.995, 0.99))  # momentum, and the share of the average that the last steps hold

Networks = Sequence[tuple[int, float]]
# Parameters and accuracies: one network of everything that can go wrong.
NETWORKS: Networks = (
    *((4000, 0.994), (700, 0.990), (2000, 0.989), (3000, 0.9895)),
    *((7000, 0.994), (20_000, 0.995), (20_000, 0.996)),
)


def _parameters(stages: Stages, per_channel: int = 4, bias: int = 1, head: bool = True, pools: bool = False) -> int:
    """Count the parameters of a compact network, or what one gets who forgets a part of them."""
    total, channels = 0, 1
    for number, stage in enumerate(stages):
        total += 4 * channels if pools and number else 0
        for kernels in stage:
            total += 9 * channels * kernels + (bias + per_channel) * kernels
            channels = kernels
    return total + (channels * CLASSES + bias * CLASSES if head else 0)


@check
def compact_parameters(function: Callable[[Stages], int]) -> str:
    """Check a function from the stages of a compact network to the number of its parameters."""
    for stages in DESIGNS:
        layers = [Layer(3, kernels, batch_norm=True) for stage in stages for kernels in stage]
        right = sum(row.parameters for row in trace([*layers, Layer(1, CLASSES)]))
        mistakes = {
            "a batch normalisation has four numbers for each channel": _parameters(stages, per_channel=0),
            "its running mean and variance are parameters, too, though nothing learns them": _parameters(stages, 2),
            "every kernel has a bias, those of the 1 × 1 included": _parameters(stages, bias=0),
            "the logits come from a 1 × 1 convolution, whose kernels count": _parameters(stages, head=False),
            "a max-pool has nothing to learn": _parameters(stages, pools=True),
        }
        expect(
            call(function, stages),
            right,
            f"stages {stages}",
            mistakes=mistakes,
            tolerance=1e-9,
        )
    return "each convolution by the channels before it, its biases, and four for each batch normalisation"


@check
def smoothing_floor(function: Callable[[float], float]) -> str:
    """Check a function from a rate of label smoothing to the lowest cross-entropy that a network can reach."""

    def term(p: float) -> float:
        return -p * log(p) if p else 0.0

    for rate in RATES:
        low, high = rate / CLASSES, 1 - rate + rate / CLASSES
        right = term(high) + (CLASSES - 1) * term(low)
        mistakes = {
            "zero would need a probability of 1, but the target asks for less": 0.0,
            "the nine other classes have a part in the loss, too": term(high),
            "nine others, not one": term(high) + term(low),
            "the rate is spread over all ten classes, the right one included": term(1 - rate)
            + (CLASSES - 1) * term(rate / (CLASSES - 1)),
            "Keras takes the natural logarithm, not that of base 2": right / log(2),
        }
        expect(
            call(function, rate),
            right,
            f"rate {rate}",
            mistakes=mistakes,
        )
    return "the entropy of the target"


@check
def average_span(function: Callable[[float, float], int]) -> str:
    """Check a function from a momentum and a share to the number of last steps that hold the share of the average."""
    for momentum, share in SPANS:
        right = ceil(log(1 - share) / log(momentum))
        mistakes = {
            "that is how many steps hold the rest; the steps before the last n hold momentum to the power n": ceil(
                log(share) / log(momentum)
            ),
            "that is the mean age of what is averaged, not the span of a share": round(1 / (1 - momentum)),
            "one step fewer holds less than the share: round up": right - 1,
        }
        expect(
            call(function, momentum, share),
            right,
            f"momentum {momentum}, share {share}",
            mistakes=mistakes,
            tolerance=1e-9,
        )
    return "the older steps keep the momentum, once for every step since"


def _ascending(networks: Iterable[tuple[int, float]]) -> list[list[float]]:
    return [list(network) for network in sorted(networks)]


@check
def frontier(function: Callable[[Networks], Networks]) -> str:
    """Check a function from networks (parameters, accuracy) to those that no other one beats or equals for less."""
    case = f"the networks {list(NETWORKS)}"
    answer = call(function, NETWORKS)
    try:
        found = _ascending(tuple(network) for network in answer)
    except TypeError:
        raise Wrong(f"{case}: return a list of networks, each as it was given: parameters and accuracy") from None
    right = [(700, 0.990), (4000, 0.994), (20_000, 0.996)]
    tie, second = (7000, 0.994), (20_000, 0.995)
    tied = "a network that is only as accurate as a smaller one is not on the frontier"
    mistakes: dict[str, list[Networks]] = {
        "return only those on the frontier": [NETWORKS],
        tied: [[*right, tie], [*right, tie, second]],
        "of two networks of one size, only the more accurate one": [[*right, second]],
        "each one needs to beat all smaller networks, not only the next smaller one": [
            [*right, (3000, 0.9895)],
            [*right, (3000, 0.9895), second],
        ],
        "the frontier goes on below the most accurate network: smaller ones that no other beats": [right[-1:]],
    }
    for hint, answers in mistakes.items():
        if found in [_ascending(wrong) for wrong in answers]:
            raise Wrong(f"{case}: {hint}")
    expect(found, _ascending(right), case, tolerance=1e-9)
    return "sorted by size, each more accurate than all before it"
