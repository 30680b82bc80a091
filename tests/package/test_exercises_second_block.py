import re

import numpy as np
import pytest
from scipy import stats

from convbook.exercises import check
from convbook.exercises.second_block import EXACT_SEEDS


def hint(verdict) -> str:
    assert not verdict.passed
    return verdict.message


def from_scipy(runs):
    """SciPy's own interval of a mean."""
    return tuple(stats.ttest_1samp(runs, 0).confidence_interval(0.95))


def half(runs, factor, ddof=1):
    mean = np.mean(runs)
    return mean - factor * np.std(runs, ddof=ddof), mean + factor * np.std(runs, ddof=ddof)


def t(runs, level=0.975):
    return stats.t.ppf(level, len(runs) - 1)


def test_the_right_interval_passes():
    assert check.mean_interval(from_scipy).passed
    assert check.mean_interval(lambda runs: half(runs, t(runs) / len(runs) ** 0.5)).passed


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        (lambda runs: ..., "replace the dots"),
        (np.mean, "give two numbers"),
        (lambda runs: half(runs, 1.959964 / len(runs) ** 0.5), "instead of 1.96"),
        (lambda runs: half(runs, t(runs)), "root of n"),
        (lambda runs: half(runs, t(runs) / len(runs) ** 0.5, ddof=0), "ddof=1"),
        (lambda runs: half(runs, 1 / len(runs) ** 0.5), "one standard error"),
        (
            lambda runs: half(runs, t(runs, 0.95) / len(runs) ** 0.5),
            "97.5 %, not for 95 %",
        ),
    ],
)
def test_wrong_intervals_get_their_hint(answer, words):
    assert re.search(words, hint(check.mean_interval(answer)))


def test_the_right_numbers_of_seeds_pass_and_find_the_difference_four_times_of_five():
    """The answer of the formula, and a simulation of studies with that many seeds."""
    z = stats.norm.ppf(0.975) + stats.norm.ppf(0.8)
    counts = [int(np.ceil(2 * (z * 0.09 / difference) ** 2)) for difference in (0.05, 0.1, 0.2)]
    assert check.seeds_needed(counts).passed

    def power(seeds, difference):
        t, freedom = stats.t.ppf(0.975, 2 * seeds - 2), 2 * seeds - 2
        shift = difference / (0.09 * np.sqrt(2 / seeds))
        return stats.nct.sf(t, freedom, shift) + stats.nct.cdf(-t, freedom, shift)

    for seeds, difference in zip(EXACT_SEEDS, (0.05, 0.1, 0.2), strict=True):
        assert power(seeds - 1, difference) < 0.8 < power(seeds, difference)
    draws = np.random.default_rng(0).normal(0, 0.09, (4000, 2, counts[1]))
    found = stats.ttest_ind(draws[:, 0] + 0.1, draws[:, 1], axis=1).pvalue < 0.05
    assert 0.75 < found.mean() < 0.85


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        ([...] * 3, "should be numbers|replace the dots"),
        ([26, 7, 2], "both means are uncertain"),
        ([25, 7, 2], "half of all studies|wrong|not"),
        ([29, 15, 8], "square the ratio"),
        ([19, 5, 2], "square the sum"),
        ([50, 12, 3], "round up, not down"),
        ([52, 13, 4], "only at the end"),
        ([52, 14, 5], "the page's formula"),
    ],
)
def test_wrong_numbers_of_seeds_get_their_hint(answer, words):
    assert re.search(words, hint(check.seeds_needed(answer)))


def test_the_right_flattery_passes():
    assert check.flattery(lambda log: np.mean(np.max(log, axis=1) - log[:, -1])).passed


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        (lambda log: ..., "replace the dots"),
        (lambda log: log.mean(axis=0).max() - log[:, -1].mean(), "its own best epoch"),
        (lambda log: (log.max(axis=1) - log[:, -1]).max(), "luckiest run"),
        (lambda log: log.max() - log[:, -1].mean(), "its own last epoch|luckiest"),
        (lambda log: (log[:, -1] - log.max(axis=1)).mean(), "never below"),
        (
            lambda log: (log.max(axis=1) - log.mean(axis=1)).mean(),
            "mean over all epochs",
        ),
    ],
)
def test_wrong_flatteries_get_their_hint(answer, words):
    assert re.search(words, hint(check.flattery(answer)))
