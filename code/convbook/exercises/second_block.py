"""Checks of chapter 11: what a mean of a few runs is worth."""

from collections.abc import Callable, Sequence
from math import ceil, sqrt

import numpy as np
from numpy.typing import NDArray

from convbook.exercises.verdict import Wrong, call, check, expect

# Accuracies of a few runs each, in per cent.
RUNS = ([99.3, 99.4, 99.5], [99.41, 99.44, 99.45, 99.47, 99.51])
T = {2: 4.302653, 4: 2.776445}  # Student's t by degrees of freedom, 97.5 %
Z, Z_POWER = 1.959964, 0.841621  # the normal distribution's 97.5 % and 80 %

SPREAD, DIFFERENCES = 0.09, (0.05, 0.1, 0.2)  # in points of accuracy

LOGS = (
    np.array([[0.88, 0.95, 0.93], [0.91, 0.92, 0.94]]),
    np.array([[0.97, 0.96, 0.98, 0.97], [0.95, 0.99, 0.97, 0.96], [0.96, 0.97, 0.98, 0.99]]),
)


@check
def mean_interval(function: Callable[[Sequence[float]], Sequence[float]]) -> str:
    """Check a function from the results of some runs to the two ends of the 95 % t-interval of their mean."""
    for runs in RUNS:
        count, mean = len(runs), np.mean(runs)
        spread, t = np.std(runs, ddof=1), T[len(runs) - 1]
        case = f"the runs {runs}"
        answer = call(function, runs)
        if np.shape(answer) != (2,):
            raise Wrong(f"{case}: return two numbers, the lower end and the upper end")
        mistakes = {
            "the spread of a few runs is itself uncertain: take Student's t, not 1.96": Z * spread / sqrt(count),
            "a mean of n runs varies less than a run: divide by the root of n": t * spread,
            "a sample's variance divides by n - 1 (ddof=1)": t * np.std(runs) / sqrt(count),
            "that is one standard error to each side, which is no 95 %": spread / sqrt(count),
            "2.5 % stay out on each side: the t of 97.5 %, not of 95 %": {
                2: 2.919986,
                4: 2.131847,
            }[count - 1]
            * spread
            / sqrt(count),
        }
        expect(
            answer,
            [mean - t * spread / sqrt(count), mean + t * spread / sqrt(count)],
            case,
            mistakes={hint: [mean - half, mean + half] for hint, half in mistakes.items()},
            tolerance=2e-6,
        )
    return "the mean, give or take t standard errors"


@check
def seeds_needed(counts: Sequence[int]) -> str:
    """Check how many seeds each of two networks needs to tell differences of 0.05, 0.1 and 0.2 points."""

    def seeds(factor: float, power: int = 2) -> list[int]:
        return [ceil(factor * (SPREAD / difference) ** power) for difference in DIFFERENCES]

    expect(
        counts,
        seeds(2 * (Z + Z_POWER) ** 2),
        "the three numbers of seeds",
        mistakes={
            "both means are uncertain: the variance of a difference is twice that of one mean": seeds(
                (Z + Z_POWER) ** 2
            ),
            "with these, half of all such studies would miss the difference: add the 0.84": seeds(2 * Z**2),
            "the variance shrinks with n, so spread over difference enters squared": seeds(2 * (Z + Z_POWER) ** 2, 1),
            "square the sum of the two z values, too": seeds(2 * (Z + Z_POWER)),
        },
        tolerance=1e-9,
        reveal=False,
    )
    return "four times the seeds for half the difference"


@check
def flattery(function: Callable[[NDArray], float]) -> str:
    """Check a function from accuracies (runs, epochs) to how much reporting the best epoch flatters, on average."""
    for log in LOGS:
        last, best = log[:, -1], log.max(axis=1)
        right = (best - last).mean()
        mistakes = {
            "every run picks an epoch of its own: take the best before the mean": log.mean(axis=0).max() - last.mean(),
            "that is the luckiest run, and the question is the average one": (best - last).max(),
            "the best run is another kind of picking; compare each run with its own last epoch": best.max()
            - last.mean(),
            "the best epoch is never below the last one": -right,
            "that is the mean over all epochs, not over the last one": (best - log.mean(axis=1)).mean(),
        }
        expect(
            call(function, log),
            right,
            f"accuracies {log.tolist()}",
            mistakes=mistakes,
        )
    return "each run's best epoch against its own last one, averaged"
