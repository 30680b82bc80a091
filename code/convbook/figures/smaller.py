"""Figures of chapter 13, on smaller networks and shorter training."""

from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib.figure import Figure
from matplotlib.ticker import LogLocator, NullFormatter
from numpy.typing import ArrayLike, NDArray

from convbook.figures.style import FIRST, FOURTH, INK, PAPER, SECOND, THIRD, WIDTH, mosaic


def variations(image: NDArray, varied: NDArray, columns: int = 6) -> Figure:
    """Show a digit (28, 28), then its random variations (N, 28, 28)."""
    captions = ["as it is", *[""] * len(varied)]
    return mosaic(np.stack([image, *varied]), columns, captions)[0]


def steps(errors: Mapping[str, Sequence[float]], tries: Mapping[str, Sequence[float]]) -> Figure:
    """Plot the errors of all runs, with a row for each step of a recipe, and how far the step moved the mean.

    A bar leads from the mean of the row that a step changes to its own mean; a line goes up from the first row's mean.

    Args:
        errors: errors of the runs by the name of the step, in the order of the recipe.
        tries: the same for changes that were tried on the final recipe and not adopted.
    """
    rows = [*errors.items(), *tries.items()]
    means = [float(np.mean(runs)) for _, runs in rows]
    changed = [means[0], *means[: len(errors) - 1], *[means[len(errors) - 1]] * len(tries)]
    figure = Figure(figsize=(WIDTH, 0.8 + 0.38 * len(rows)))
    ax = figure.subplots()
    ax.axvline(means[0], color=FOURTH, linewidth=1, linestyle="--")
    ax.hlines(range(len(rows)), changed, means, color=INK, linewidth=2.5)
    for row, (_, runs) in enumerate(rows):
        (dots,) = ax.plot(runs, [row] * len(runs), "o", color=SECOND, markerfacecolor="none", markersize=5)
    (mark,) = ax.plot(means, range(len(rows)), "s", color=INK, markersize=6)
    ax.axhline(len(errors) - 0.5, color=INK, linewidth=0.8, linestyle=":")
    ax.set(yticks=range(len(rows)), yticklabels=[name for name, _ in rows], xlabel="errors on the held-out digits")
    ax.invert_yaxis()
    ax.grid(axis="x")
    dots.set_label("one run")
    mark.set_label("mean, and how far the step moved it")
    figure.legend(handles=[dots, mark], loc="outside lower right", ncols=2)
    return figure


def frontier(ours: Mapping[str, tuple[int, ArrayLike]], published: Mapping[str, tuple[int, float]]) -> Figure:
    """Plot error rates against the number of parameters, both on logarithmic axes.

    Args:
        ours: number of parameters and accuracies of all runs, by the name of the network.
        published: number of parameters and accuracy reported by others, by their name, the smallest first.
    """
    figure = Figure(figsize=(WIDTH, 5.2))
    ax = figure.subplots()
    (diamonds,) = ax.plot(
        [parameters for parameters, _ in published.values()],
        [100 * (1 - accuracy) for _, accuracy in published.values()],
        "D",
        color=FOURTH,
        markersize=7,
    )
    smallest = min(parameters for parameters, _ in ours.values())
    for name, (parameters, accuracy) in published.items():
        place = parameters, 100 * (1 - accuracy)
        # A name stands on the side where we have no points.
        side, aligned = (-8, "right") if parameters < smallest else (8, "left")
        ax.annotate(name, place, (side, -4), textcoords="offset points", ha=aligned, color=FOURTH)
    for name, (parameters, accuracies) in ours.items():
        errors = 100 * (1 - np.asarray(accuracies))
        (dots,) = ax.plot([parameters] * len(errors), errors, "o", color=THIRD, markerfacecolor=PAPER, markersize=4.5)
        (mark,) = ax.plot(parameters, errors.mean(), "s", color=INK)
        place = parameters, errors.min()
        ax.annotate(name, place, (0, -7), textcoords="offset points", ha="center", va="top")
    ax.set(xscale="log", yscale="log", xlabel="parameters", ylabel="errors on the test set (%)")
    sizes = [parameters for parameters, _ in published.values()]
    ax.set_xlim(min(sizes) / 80, 60 * max(sizes))  # for the names of the first and the last
    ax.yaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
    ax.yaxis.set_minor_formatter(NullFormatter())
    ax.yaxis.set_major_formatter("{x:,g}")
    ax.xaxis.set_major_formatter("{x:,.0f}")
    ax.grid()
    keys = {diamonds: "published", dots: "one of our runs", mark: "their mean"}
    figure.legend(keys.keys(), keys.values(), loc="outside lower center", ncols=3)
    return figure


def race(runs: Mapping[str, tuple[Sequence[float], Sequence[float]]]) -> Figure:
    """Plot the error rate after every epoch against the MACs so far, both on logarithmic axes.

    Args:
        runs: MACs so far and accuracies after each epoch, by the name of the recipe.
    """
    figure = Figure(figsize=(WIDTH, 4))
    ax = figure.subplots()
    styles = zip((FIRST, SECOND, FOURTH), "so^", ("-", "--", "-."), strict=True)
    for (name, (macs, accuracies)), (color, marker, line) in zip(runs.items(), styles, strict=False):
        errors = 100 * (1 - np.asarray(accuracies))
        ax.plot(np.asarray(macs) / 1e9, errors, marker=marker, color=color, linestyle=line, markersize=5, label=name)
    ax.set(xscale="log", yscale="log", xlabel="billions of MACs so far", ylabel="errors on the held-out digits (%)")
    for axis in (ax.xaxis, ax.yaxis):
        axis.set_major_locator(LogLocator(subs=(1, 2, 5)))
        axis.set_major_formatter("{x:,g}")
        axis.set_minor_formatter(NullFormatter())
    ax.grid()
    ax.legend(loc="upper right")
    return figure
