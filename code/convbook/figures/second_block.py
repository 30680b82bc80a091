"""Figures of chapter 12, which compares networks over many runs."""

from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib.figure import Figure
from matplotlib.ticker import PercentFormatter
from numpy.typing import ArrayLike

from convbook.figures.style import FIRST, INK, PAPER, SECOND, THIRD, WIDTH


def accuracy_by_parameters(
    parameters: Sequence[int],
    names: Sequence[str],
    accuracies: ArrayLike,
    intervals: ArrayLike,
) -> Figure:
    """Plot every run as a dot above its network's number of parameters, next to the mean and its interval.

    Args:
        parameters: number of parameters of each network.
        names: name of each network.
        accuracies: shares between 0 and 1, (networks, runs).
        intervals: lower and upper end of the interval of each mean, (networks, 2).
    """
    figure = Figure(figsize=(WIDTH, 4))
    ax = figure.subplots()
    percent, ends = 100 * np.asarray(accuracies), 100 * np.asarray(intervals)
    aside = 0.035 * (max(parameters) - min(parameters))
    for count, name, runs in zip(parameters, names, percent, strict=True):
        (dots,) = ax.plot([count] * len(runs), runs, "o", color=THIRD, markerfacecolor=PAPER)
        ax.annotate(
            name,
            (count, 1),
            (0, 4),
            xycoords=("data", "axes fraction"),
            textcoords="offset points",
            ha="center",
        )
    means, beside = percent.mean(axis=1), np.asarray(parameters) + aside
    spread = np.abs(ends.T - means)
    bars = ax.errorbar(beside, means, spread, fmt="s", color=INK, capsize=5)
    ax.xaxis.set_major_formatter("{x:,.0f}")
    ax.set(xlabel="parameters", ylabel="test accuracy (%)", xticks=parameters)
    dots.set_label("one run")
    bars.set_label("mean and its 95 % interval")
    figure.legend(handles=[dots, bars], loc="outside lower center", ncols=2)
    return figure


def savings(names: Sequence[str], costs: Mapping[str, Sequence[float]]) -> Figure:
    """Compare the costs of networks, each as a share of the first network's cost.

    Args:
        names: names of the networks, the reference first.
        costs: one number for each network, by the name of the cost.
    """
    figure = Figure(figsize=(WIDTH, 3.4))
    ax = figure.subplots()
    styles = zip((FIRST, SECOND, THIRD), "os^", ("-", "--", ":"), strict=True)
    for (what, numbers), (color, marker, line) in zip(costs.items(), styles, strict=False):
        ax.plot(
            np.asarray(numbers) / numbers[0],
            marker=marker,
            color=color,
            linestyle=line,
            label=what,
        )
    ax.set(
        ylabel=f"share of {names[0]}",
        xticks=range(len(names)),
        xticklabels=names,
        ylim=(0, 1.08),
    )
    ax.yaxis.set_major_formatter(PercentFormatter(1, decimals=0))
    ax.legend(loc="lower left")
    return figure


def dropout_runs(
    curve: tuple[Sequence[float], Sequence[float]],
    training: Mapping[float, Sequence[float]],
    validation: Mapping[float, Sequence[float]],
) -> Figure:
    """Plot training and validation accuracies against the dropout rate on the logits, with the ceiling.

    Args:
        curve: rates, and the highest possible training accuracy at each.
        training: training accuracies of the runs in the last epoch, by rate.
        validation: validation accuracies of the same runs after it, by rate.
    """
    figure = Figure(figsize=(WIDTH, 3.8))
    ax = figure.subplots()
    ax.plot(*curve, color=INK, linestyle=":", label="ceiling in training")
    for name, runs, marker, color in (
        ("validation, dropout off", validation, "^", SECOND),
        ("training, dropout on", training, "s", FIRST),
    ):
        points = [(rate, accuracy) for rate, accuracies in runs.items() for accuracy in accuracies]
        ax.plot(
            *zip(*points, strict=True),
            marker,
            color=color,
            fillstyle="none",
            linestyle="none",
            label=name,
        )
    ax.set(xlabel="dropout rate on the logits", ylabel="accuracy")
    ax.yaxis.set_major_formatter(PercentFormatter(1, decimals=0))
    ax.legend(loc="lower left")
    return figure
