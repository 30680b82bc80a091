"""Checks of chapter 9, on training the network."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from convbook.exercises.verdict import (
    Verdict,
    Wrong,
    describe,
    expect,
    gives_verdict,
    items,
    numbers,
    require_answer,
)

if TYPE_CHECKING:  # the concept chapters check without TensorFlow
    import keras

MOST_PARAMETERS, FEWEST_SEEDS, MOST_SEEDS, LOWEST_MEAN = 8_000, 3, 1_000, 0.994
TEST_DIGITS = 10_000


@gives_verdict
def ceilings(answer: Sequence[float]) -> str:
    """Check the highest training accuracies for dropout rates of 0.05, 0.15 and 0.2 on the ten logits."""
    rates = (0.05, 0.15, 0.2)
    right = [(1 - p) + (1 - (1 - p) ** 10) / 10 for p in rates]
    expect(
        answer,
        right,
        "the three ceilings",
        mistakes=(
            (
                "a zeroed true class can still win, because it ties with the other zeroed classes",
                [1 - p for p in rates],
            ),
            ("the lowest zeroed class wins a tie, not a random one of ten", [1 - p + p / 10 for p in rates]),
            (
                "count the true class among the zeroed ones: ten logits, not nine",
                [(1 - p) + (1 - (1 - p) ** 9) / 9 for p in rates],
            ),
            ("give shares between 0 and 1, not percentages", [100 * ceiling for ceiling in right]),
        ),
        within=0.00005,  # four decimals
        reveal=False,
    )
    return "three ceilings, each above 1 − p"


@gives_verdict
def budget(network: keras.Model, accuracies: Sequence[float]) -> Verdict:
    """Check a small network: its parameters and shapes, and the test accuracies of its runs, one for each seed.

    The check cannot repeat the training to verify the accuracies. The best verdict is therefore ``"unverified"``, which
    says what was counted and what is taken on the reader's word.
    """
    require_answer(network, "the network")
    if not all(hasattr(network, name) for name in ("count_params", "input_shape", "output_shape")):
        raise Wrong(f"the network: give a Keras model with an Input, not {describe(network)}")
    if network.input_shape[1:] not in ((28, 28), (28, 28, 1), (784,)) or network.output_shape[1:] != (10,):
        raise Wrong(
            f"the network: its input has shape {network.input_shape[1:]} and its output {network.output_shape[1:]}; "
            "the input should be 28 × 28 pixels and the output ten numbers, one for each digit"
        )
    parameters = network.count_params()
    if parameters > MOST_PARAMETERS:
        raise Wrong(f"the network has {parameters:,} parameters, but at most {MOST_PARAMETERS:,} are allowed")
    case = "the accuracies"
    shares = numbers(items(accuracies, MOST_SEEDS, case, "one for each seed", fewer=True), case)
    if shares.ndim != 1:
        raise Wrong(f"{case}: give one number for each seed; the shape is {shares.shape}")
    if len(shares) < FEWEST_SEEDS:
        raise Wrong(f"{len(shares)} runs may be lucky: give one accuracy for each of at least {FEWEST_SEEDS} seeds")
    if shares.max() > 1 or shares.min() < 0:
        raise Wrong(f"{case}: give shares between 0 and 1, not percentages")
    for share in shares:
        if abs(share * TEST_DIGITS - round(share * TEST_DIGITS)) > 0.01:  # tolerates 32-bit rounding
            raise Wrong(
                f"{case}: {share:.7g} is not a whole number of the {TEST_DIGITS:,} test digits; was it measured on "
                "other digits, or is it already a mean?"
            )
    mean = shares.mean()
    if mean < LOWEST_MEAN:
        raise Wrong(
            f"the mean accuracy is {mean:.4f}, but at least {LOWEST_MEAN:.4f} is needed; one good seed is not enough"
        )
    return Verdict(
        "unverified",
        f"the network has {parameters:,} parameters, within the budget. A mean accuracy of {mean:.4f} over "
        f"{len(shares)} seeds would meet the challenge; this cell cannot repeat the training, so it takes "
        "your word for that number",
    )
