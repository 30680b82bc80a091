"""Welch's test by his own formulas, beside SciPy's."""

import numpy as np
from scipy import stats


def welch(a: np.ndarray, b: np.ndarray) -> tuple[float, float, float]:
    """The 95 % interval of the difference of two means, and its p-value: Welch (1947), with his degrees of freedom."""
    parts = [np.var(x, ddof=1) / len(x) for x in (a, b)]
    error = sum(parts) ** 0.5
    freedom = sum(parts) ** 2 / sum(part**2 / (len(x) - 1) for part, x in zip(parts, (a, b), strict=True))
    difference, t = a.mean() - b.mean(), stats.t.ppf(0.975, freedom)
    return difference - t * error, difference + t * error, 2 * stats.t.sf(abs(difference) / error, freedom)
