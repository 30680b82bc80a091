"""Checks of chapter 9, which trains the network."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from convbook.exercises.verdict import Wrong, check, expect

if TYPE_CHECKING:  # the concept chapters check without TensorFlow
    import keras

MOST_PARAMETERS, FEWEST_SEEDS, LOWEST_MEAN = 8_000, 3, 0.994


@check
def ceilings(answer: Sequence[float]) -> str:
    """Check the highest training accuracies for dropout rates of 0.05, 0.15 and 0.2 on the ten logits."""
    rates = (0.05, 0.15, 0.2)
    expect(
        answer,
        [(1 - p) + (1 - (1 - p) ** 10) / 10 for p in rates],
        "the three ceilings",
        mistakes={
            "a zeroed true class can still win: it ties with the other zeroed ones": [1 - p for p in rates],
            "a tie goes to the lowest zeroed class, not to a random one of ten": [1 - p + p / 10 for p in rates],
            "count the true class among the zeroed ones: ten logits, not nine": [
                (1 - p) + (1 - (1 - p) ** 9) / 9 for p in rates
            ],
        },
        tolerance=1e-4,
        reveal=False,
    )
    return "three ceilings, each a little above 1 − p"


@check
def budget(network: keras.Model, accuracies: Sequence[float]) -> str:
    """Check a small network: its parameters, and the test accuracies of its runs, one for each seed."""
    if network is ... or accuracies is ...:
        raise Wrong("give the network and the test accuracies of its runs; replace the dots")
    parameters = network.count_params()
    if parameters > MOST_PARAMETERS:
        raise Wrong(f"the network has {parameters:,} parameters, and {MOST_PARAMETERS:,} are allowed")
    if len(accuracies) < FEWEST_SEEDS:
        raise Wrong(f"{len(accuracies)} runs may be luck: give one accuracy for each of {FEWEST_SEEDS} seeds or more")
    if max(accuracies) > 1:
        raise Wrong("give accuracies as shares between 0 and 1, not in per cent")
    mean = sum(accuracies) / len(accuracies)
    if mean < LOWEST_MEAN:
        raise Wrong(f"the mean accuracy is {mean:.4f}, and {LOWEST_MEAN:.4f} are asked for; one good seed is no mean")
    return f"{parameters:,} parameters, mean accuracy {mean:.4f} over {len(accuracies)} seeds"
