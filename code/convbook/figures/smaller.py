"""Figures of chapter 13, on smaller networks and shorter training."""

from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib.figure import Figure
from matplotlib.ticker import LogLocator, NullFormatter
from numpy.typing import ArrayLike, NDArray

from convbook.figures.style import BLUE, GREEN, INK, VERMILLION, WIDTH, mosaic


def variations(image: NDArray, varied: NDArray, columns: int = 6) -> Figure:
    """Show a digit (28, 28), then its random variations (N, 28, 28)."""
    captions = ["as it is", *[""] * len(varied)]
    return mosaic(np.stack([image, *varied]), columns, captions)[0]


def steps(errors: Mapping[str, Sequence[float]], tries: Mapping[str, Sequence[float]]) -> Figure:
    """Plot the errors of all runs, with a row for each step of a recipe, and join the means.

    Args:
        errors: errors of the runs by the name of the step, in the order of the recipe.
        tries: the same for changes that were tried on the final recipe and not adopted.
    """
    rows = [*errors.items(), *tries.items()]
    figure = Figure(figsize=(WIDTH, 0.6 + 0.34 * len(rows)))
    ax = figure.subplots()
    for row, (_, runs) in enumerate(rows):
        (dots,) = ax.plot(runs, [row] * len(runs), "o", color=BLUE, fillstyle="none")
    means = [np.mean(runs) for _, runs in rows]
    (line,) = ax.plot(means[: len(errors)], range(len(errors)), "s-", color=VERMILLION, markersize=5)
    ax.plot(means[len(errors) :], range(len(errors), len(rows)), "s", color=VERMILLION, markersize=5)
    ax.axhline(len(errors) - 0.5, color=INK, linewidth=0.8, linestyle=":")
    ax.set(yticks=range(len(rows)), yticklabels=[name for name, _ in rows], xlabel="errors on the held-out digits")
    ax.invert_yaxis()
    ax.grid(axis="x", alpha=0.3)
    dots.set_label("one run")
    line.set_label("mean")
    figure.legend(handles=[dots, line], loc="outside lower right", ncols=2, frameon=False, fontsize=9)
    return figure


def frontier(ours: Mapping[str, tuple[int, ArrayLike]], published: Sequence[tuple[int, float]]) -> Figure:
    """Plot error rates against the number of parameters, both on logarithmic axes.

    Args:
        ours: number of parameters and accuracies of all runs, by the name of the network.
        published: numbers of parameters and accuracies reported by others.
    """
    figure = Figure(figsize=(WIDTH, 4))
    ax = figure.subplots()
    ax.plot(
        [parameters for parameters, _ in published],
        [100 * (1 - accuracy) for _, accuracy in published],
        "D",
        color=INK,
        fillstyle="none",
        markersize=5,
        label="published, one run each",
    )
    for number, (name, (parameters, accuracies)) in enumerate(ours.items()):
        errors = 100 * (1 - np.asarray(accuracies))
        ax.plot([parameters] * len(errors), errors, "o", color=BLUE, fillstyle="none", markersize=4, label="our runs")
        ax.plot(parameters, errors.mean(), "s", color=VERMILLION, label="their mean")
        ax.annotate(
            name,
            (parameters, errors.min()),
            (0, -6),
            textcoords="offset points",
            ha="center",
            va="top",
            fontsize=8,
        )
        if number == 0:
            ax.legend(frameon=False, loc="upper right", fontsize=9)
    ax.set(xscale="log", yscale="log", xlabel="parameters", ylabel="errors on the test set (%)")
    ax.yaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
    ax.yaxis.set_minor_formatter(NullFormatter())
    ax.yaxis.set_major_formatter("{x:g}")
    ax.xaxis.set_major_formatter("{x:,.0f}")
    ax.grid(alpha=0.3)
    return figure


def race(runs: Mapping[str, tuple[Sequence[float], Sequence[float]]]) -> Figure:
    """Plot the error rate after every epoch against the MACs so far, both on logarithmic axes.

    Args:
        runs: MACs so far and accuracies after each epoch, by the name of the recipe.
    """
    figure = Figure(figsize=(WIDTH, 3.4))
    ax = figure.subplots()
    styles = zip((VERMILLION, BLUE, GREEN), "so^", ("-", "--", "-."), strict=True)
    for (name, (macs, accuracies)), (color, marker, line) in zip(runs.items(), styles, strict=False):
        errors = 100 * (1 - np.asarray(accuracies))
        ax.plot(np.asarray(macs) / 1e9, errors, marker=marker, color=color, linestyle=line, markersize=4, label=name)
    ax.set(xscale="log", yscale="log", xlabel="billions of MACs so far", ylabel="errors on the held-out digits (%)")
    for axis in (ax.xaxis, ax.yaxis):
        axis.set_major_locator(LogLocator(subs=(1, 2, 5)))
        axis.set_major_formatter("{x:g}")
        axis.set_minor_formatter(NullFormatter())
    ax.grid(alpha=0.3)
    ax.legend(frameon=False, loc="upper right", fontsize=9)
    return figure
