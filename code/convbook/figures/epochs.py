"""Figures of chapter 8: learning-rate schedules, the steps of an epoch, runs compared."""

from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import FuncFormatter, NullLocator
from numpy.typing import NDArray

from convbook.figures.style import EDGE, FIRST, FOURTH, INK, PAPER, SECOND, SMALL, THIRD, WIDTH

# Colour, line and marker, so that lines differ in more than colour; one list, so that a schedule always looks the same.
LOOKS = ((FIRST, "-", "o"), (FOURTH, ":", "v"), (SECOND, "-", "s"), (THIRD, "--", "^"), (INK, "-.", "D"))


def schedule_lines(rates: Mapping[str, Sequence[float]]) -> Figure:
    """Plot the learning rate of every epoch, with a line for each named schedule, five at most.

    A rate that stays for a while and then changes is drawn as steps, any other as a curve.
    """
    figure = Figure(figsize=(WIDTH, 4))
    ax = figure.subplots()
    for (name, values), (color, line, marker) in zip(rates.items(), LOOKS, strict=False):
        epochs = range(1, len(values) + 1)
        stays = np.diff(values) == 0
        shape = "steps-post" if stays.any() and not stays.all() else "default"
        ax.plot(epochs, values, line, marker=marker, markersize=5, color=color, label=name, drawstyle=shape)
    ax.set(xlabel="epoch", ylabel="learning rate", ylim=(0, None))
    ax.set_xticks([1, *range(5, len(epochs) + 1, 5)])
    figure.legend(loc="outside lower center", ncols=3)
    return figure


def steps_and_epochs(
    batches: NDArray, sizes: Sequence[int], training: Sequence[float], validation: Sequence[float]
) -> Figure:
    """Show the loss of a run twice: step by step in its first epochs, and epoch by epoch in all of them.

    Args:
        batches: loss of each batch before its update, (epochs, steps).
        sizes: number of examples in each batch of an epoch, (steps,).
        training: loss on the training set after each epoch of the whole run.
        validation: the same on the validation set.
    """
    figure = Figure(figsize=(WIDTH, 6.4))
    top, bottom = figure.subplots(2)
    epochs, steps = batches.shape
    at = np.arange(1.0, batches.size + 1).reshape(epochs, steps)
    running = np.cumsum(batches * np.array(sizes), axis=1) / np.cumsum(sizes)
    breaks = np.full((epochs, 1), np.nan)  # nan is not drawn, so each epoch starts a new line
    top.plot(at.ravel(), batches.ravel(), "o", color=FOURTH, markersize=3, label="one batch")
    top.plot(
        np.hstack([at, breaks]).ravel(),
        np.hstack([running, breaks]).ravel(),
        color=INK,
        label="running mean, as the log shows it",
    )
    top.plot(at[:, -1], training[:epochs], "D", color=FIRST, label="all training digits, after the epoch")
    for end in at[:-1, -1]:
        top.axvline(end + 0.5, ymax=0.6, color=EDGE, linestyle=":", linewidth=1)
    top.set(xlabel="step", ylabel="loss", ylim=(0, None), title=f"{epochs} epochs of {steps} steps")
    top.legend()

    count = range(1, len(training) + 1)
    best = int(np.argmin(validation))
    bottom.plot(count, training, color=FIRST, label="training digits")
    bottom.plot(count, validation, "--", color=SECOND, label="validation digits")
    lowest = f"its lowest, epoch {count[best]}"
    bottom.plot(count[best], validation[best], "^", color=SECOND, markersize=8, label=lowest)
    # The first epochs would crush the turn of the validation loss, so they leave the panel at the top.
    ceiling = 1.3 * max(validation[best:])
    cut = sum(max(pair) > ceiling for pair in zip(training, validation, strict=True))
    title = f"{len(training)} epochs" + (f", the first {cut} partly above the panel" if cut else "")
    bottom.set(xlabel="epoch", ylabel="loss after it", ylim=(0, ceiling), title=title)
    bottom.legend(loc="upper center", bbox_to_anchor=(0.45, -0.2), ncols=3, columnspacing=1.2)
    return figure


def schedule_runs(accuracies: Mapping[str, NDArray]) -> Figure:
    """Compare schedules: the validation error of every epoch at the top, the end of every run at the bottom.

    Args:
        accuracies: validation accuracies (seeds, epochs) by the name of the schedule, five at most.
    """
    figure = Figure(figsize=(WIDTH, 6))
    grid = figure.add_gridspec(2, len(accuracies), height_ratios=[1, 1.3])
    panels = [figure.add_subplot(grid[0, 0])]
    panels += [figure.add_subplot(grid[0, i], sharey=panels[0]) for i in range(1, len(accuracies))]
    ends = figure.add_subplot(grid[1, :])
    shapes = zip(panels, accuracies.items(), LOOKS, strict=False)
    for row, (ax, (name, runs), (color, _, marker)) in enumerate(shapes):
        epochs = np.arange(1, runs.shape[1] + 1)
        ax.plot(epochs, 100 * (1 - runs.T), color=color, linewidth=1)
        ax.set_title(name, fontsize=SMALL)
        ax.set_xticks([1, len(epochs)])
        ax.tick_params(labelleft=row == 0)
        last, best = 100 * runs[:, -1], 100 * runs.max(axis=1)
        places = row + np.linspace(-0.22, 0.22, len(runs))  # a line for each run, so that none hides another
        ends.hlines(places, last, best, color=color, linewidth=1)
        ends.plot(best, places, marker, color=color, markerfacecolor=PAPER, markersize=5.5)
        ends.plot(last, places, marker, color=color, markersize=5.5)
        ends.plot([last.mean()] * 2, [row - 0.38, row + 0.38], color=INK, linewidth=1.5)
    panels[0].set(yscale="log", ylabel="error (%)", yticks=[2, 5, 20, 90])
    panels[0].yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
    panels[0].yaxis.set_minor_locator(NullLocator())
    panels[len(panels) // 2].set_xlabel("epoch")
    ends.set(yticks=range(len(accuracies)), yticklabels=list(accuracies), ylim=(len(accuracies) - 0.4, -0.6))
    ends.set_xlabel("validation accuracy (%)")
    ends.grid(axis="x")
    keys = [
        Line2D([], [], color=INK, marker="o", linestyle="none", label="last epoch"),
        Line2D([], [], color=INK, marker="|", markersize=10, markeredgewidth=1.5, linestyle="none", label="its mean"),
        Line2D([], [], color=INK, marker="o", linestyle="none", markerfacecolor=PAPER, label="best epoch"),
    ]
    figure.legend(handles=keys, loc="outside lower center", ncols=3)
    return figure
