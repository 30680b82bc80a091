"""Checks of chapter 12: how precise the mean of a few runs is."""

from collections.abc import Callable, Sequence
from math import ceil, sqrt

import numpy as np
from numpy.typing import NDArray

from convbook.exercises.verdict import call, expect, gives_verdict, items

# Accuracies of a few runs each, in per cent.
RUNS = ([99.3, 99.4, 99.5], [99.41, 99.44, 99.45, 99.47, 99.51], [99.2, 99.5])
# Student's t by degrees of freedom, at 97.5 % and at 95 %.
T = {1: (12.706205, 6.313752), 2: (4.302653, 2.919986), 4: (2.776445, 2.131847)}
Z, Z_POWER = 1.959964, 0.841621  # the normal distribution's 97.5 % and 80 %

SPREAD, DIFFERENCES = 0.09, (0.05, 0.1, 0.2)  # in points of accuracy
EXACT_SEEDS = (52, 14, 5)  # by the noncentral t distribution instead of the formula

LOGS = (
    np.array([[0.88, 0.95, 0.93], [0.91, 0.92, 0.94]]),
    np.array([[0.97, 0.96, 0.98, 0.97], [0.95, 0.99, 0.97, 0.96], [0.96, 0.97, 0.98, 0.99]]),
    np.array([[0.91, 0.97], [0.99, 0.95], [0.98, 0.96]]),
)


@gives_verdict
def mean_interval(function: Callable[[NDArray], Sequence[float]]) -> str:
    """Check a function that returns the two ends of the 95 % t-interval for the mean of some runs."""
    for listed in RUNS:
        runs = np.array(listed)
        count, mean = len(runs), runs.mean()
        spread, (t, one_sided) = np.std(runs, ddof=1), T[count - 1]
        standard_error = spread / sqrt(count)
        case = f"the runs {listed}"
        ends = items(call(function, runs), 2, case, "two numbers, the lower end and the upper end")
        mistakes = (
            ("the spread of a few runs is itself uncertain: use Student's t instead of 1.96", Z * standard_error),
            ("a mean of n runs varies less than a single run: divide by the square root of n", t * spread),
            ("a sample's variance divides by n - 1 (ddof=1)", t * np.std(runs) / sqrt(count)),
            ("that is one standard error on each side, which covers less than 95 %", standard_error),
            ("2.5 % are left out on each side: use t for 97.5 %, not for 95 %", one_sided * standard_error),
            ("give the lower end first", -t * standard_error),
        )
        expect(
            ends,
            [mean - t * standard_error, mean + t * standard_error],
            case,
            mistakes=[(hint, [mean - half, mean + half]) for hint, half in mistakes],
            within=0.0005,  # so that a t with three decimals, from a table, passes
        )
    return "the mean plus and minus t standard errors"


@gives_verdict
def seeds_needed(counts: Sequence[int]) -> str:
    """Check how many seeds each of two networks needs to detect differences of 0.05, 0.1 and 0.2 points."""

    def seeds(factor: float, power: int = 2) -> list[int]:
        return [ceil(factor * (SPREAD / difference) ** power) for difference in DIFFERENCES]

    both = 2 * (Z + Z_POWER) ** 2
    expect(
        counts,
        seeds(both),
        "the three numbers of seeds",
        mistakes=(
            ("both means are uncertain: the variance of a difference is twice that of one mean", seeds(both / 2)),
            ("with this many seeds, half of all studies would miss the difference: add the 0.84", seeds(2 * Z**2)),
            ("the variance shrinks with n, so square the ratio of spread to difference", seeds(both, 1)),
            ("square the sum of the two z values as well", seeds(2 * (Z + Z_POWER))),
            (
                "the number of seeds is whole: round up",
                [both * (SPREAD / difference) ** 2 for difference in DIFFERENCES],
            ),
            (
                "round up, not to the nearest whole number",
                [round(both * (SPREAD / difference) ** 2) for difference in DIFFERENCES],
            ),
            (
                "round up, not down",
                [int(both * (SPREAD / difference) ** 2) for difference in DIFFERENCES],
            ),
            (
                "round up only at the end: four times a rounded number may be one seed too many",
                [4 * seeds(both)[1], *seeds(both)[1:]],
            ),
            (
                "that many seeds really find the differences in four of five studies with the t-test; give the numbers "
                "of the page's formula",
                list(EXACT_SEEDS),
            ),
        ),
        reveal=False,
    )
    return "to find half the difference, you need four times as many seeds"


@gives_verdict
def flattery(function: Callable[[NDArray], float]) -> str:
    """Check a function of accuracies (runs, epochs): by how much the best epoch flatters a run, on average."""
    for log in LOGS:
        last, best = log[:, -1], log.max(axis=1)
        right = (best - last).mean()
        expect(
            call(function, log),
            right,
            f"accuracies {log.tolist()}",
            mistakes=(
                (
                    "every run picks its own best epoch: take the maximum of each run before the mean",
                    log.mean(axis=0).max() - last.mean(),
                ),
                ("that is the luckiest run; take the average over the runs", (best - last).max()),
                (
                    "you picked the best run; compare each run with its own last epoch",
                    best.max() - last.mean(),
                ),
                ("the best epoch is never below the last one", -right),
                (
                    "you subtracted the mean over all epochs; subtract the last epoch",
                    (best - log.mean(axis=1)).mean(),
                ),
                ("there is one row for each run, so take the best along each row", (log.max(axis=0) - log[-1]).mean()),
            ),
        )
    return "each run's best epoch against its own last one, averaged"
