"""Figures of chapter 9: the schedule, the curves and the mistakes of a training run."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle
from matplotlib.ticker import MaxNLocator, NullLocator, PercentFormatter, ScalarFormatter
from numpy.typing import NDArray

from convbook.figures.style import FIRST, INK, PAPER, SECOND, THIRD, WIDTH, WRONG, digits

if TYPE_CHECKING:  # the concept chapters draw without TensorFlow
    from convbook.history import Epoch


def learning_rates(rates: Sequence[float]) -> Figure:
    """Plot a schedule: the learning rate of every epoch."""
    figure = Figure(figsize=(WIDTH, 3))
    ax = figure.subplots()
    epochs = range(1, len(rates) + 1)
    ax.step(epochs, rates, where="mid", color=FIRST)
    ax.plot(epochs, rates, "o", color=FIRST, markersize=5)
    half = next((epoch for epoch, rate in zip(epochs, rates, strict=True) if rate < rates[0] / 2), None)
    if half is not None:
        ax.axhline(rates[0] / 2, color=INK, linestyle=":", linewidth=1)
        ax.annotate(f"below half from epoch {half} on", (half, rates[half - 1]), (half + 1, rates[0] * 0.62))
    ax.set(xlabel="epoch", ylabel="learning rate", ylim=(0, None))
    ax.xaxis.set_major_locator(MaxNLocator(integer=True))
    return figure


def curves(
    history: Sequence[Epoch],
    reference: Sequence[Epoch] = (),
    *,
    reference_name: str = "notes",
    ceiling: float | None = None,
    floor: float | None = None,
) -> Figure:
    """Plot accuracy and loss over the epochs, together with those of a reference run.

    The accuracy of the first epoch is so far below the others that it would crush their axis. The axis starts above it,
    and says so.

    Args:
        history: the run to show.
        reference: another run, drawn dashed.
        reference_name: its name in the legend.
        ceiling: highest possible training accuracy, drawn as a line.
        floor: lowest possible training loss, drawn as a line.
    """
    figure = Figure(figsize=(WIDTH, 7))
    top, bottom = figure.subplots(2, sharex=True)

    def draw(run: Sequence[Epoch], style: str, name: str) -> None:
        epochs = [epoch.epoch for epoch in run]
        for ax, validation, training in ((top, "val_accuracy", "accuracy"), (bottom, "val_loss", "loss")):
            for column, color, marker in ((training, FIRST, "s"), (validation, SECOND, "o")):
                kind = "validation" if column == validation else "training"
                values = [getattr(epoch, column) for epoch in run]
                ax.plot(epochs, values, style, marker=marker, markersize=4, color=color, label=f"{kind}, {name}")

    draw(history, "-", "this run")
    if reference:
        draw(reference, "--", reference_name)
    for ax, bound, name in ((top, ceiling, "ceiling"), (bottom, floor, "floor")):
        if bound is not None:
            ax.axhline(bound, color=INK, linestyle=":", linewidth=1.5, label=f"{name} for training, {bound:.4f}")
    runs = [[(epoch.accuracy, epoch.val_accuracy) for epoch in run] for run in (history, reference)]
    later = [share for run in runs for pair in run[1:] for share in pair]
    bottom_end = min(later) - 0.004 if later else None
    hidden = [share for run in runs for pair in run[:1] for share in pair if later and share < min(later) - 0.004]
    note = f", from {min(hidden):.3f} in epoch 1, which is below the axis" if hidden else ""
    top.set(title=f"Accuracy{note}", ylim=(bottom_end, 1.001))
    bottom.set(title="Loss (log scale)", xlabel="epoch", yscale="log", yticks=[0.02, 0.05, 0.1, 0.2, 0.5])
    bottom.yaxis.set_major_formatter(ScalarFormatter())
    bottom.yaxis.set_minor_locator(NullLocator())
    bottom.xaxis.set_major_locator(MaxNLocator(integer=True))
    entries = {str(line.get_label()): line for line in (*top.lines, *bottom.lines)}  # one for both panels
    figure.legend(entries.values(), entries.keys(), loc="outside lower center", ncols=2)
    return figure


def confusion(matrix: NDArray[np.integer]) -> Figure:
    """Draw a confusion matrix (classes, classes) of counts, rows true, columns predicted.

    Only the mistakes are coloured, because on a common scale the diagonal with its thousands would hide them.
    """
    figure = Figure(figsize=(WIDTH, 5.4))
    ax = figure.subplots()
    mistakes = np.where(np.eye(len(matrix), dtype=bool), 0, matrix)
    for (row, column), count in np.ndenumerate(matrix):
        if count:
            ax.text(column, row, f"{count:,}", ha="center", va="center")
    for row, column in np.argwhere(mistakes):
        strength = 0.1 + 0.5 * mistakes[row, column] / mistakes.max()  # pale enough for the counts on top
        ax.add_patch(Rectangle((column - 0.48, row - 0.48), 0.96, 0.96, color=WRONG, alpha=strength, linewidth=0))
    ends = -0.5, len(matrix) - 0.5
    ax.set(xlim=ends, ylim=ends[::-1], aspect="equal")
    ax.set(xlabel="predicted digit", ylabel="true digit", xticks=range(len(matrix)), yticks=range(len(matrix)))
    ax.spines[:].set_visible(False)
    ax.tick_params(length=0)
    return figure


def mistakes(images: NDArray, labels: NDArray, probabilities: NDArray) -> Figure:
    """Show misread digits (N, 28, 28), each with its label and the network's probabilities (N, 10)."""
    guesses = probabilities.argmax(axis=1)
    captions = [
        f"{label} read as {guess}\n{guess}: {p[guess]:.0%}, {label}: {p[label]:.0%}"
        for label, guess, p in zip(labels, guesses, probabilities, strict=True)
    ]
    return digits(images, captions, columns=5)


def last_and_best(last: Sequence[float], best: Sequence[float], reference: float) -> Figure:
    """Compare runs with different seeds: accuracy after the last epoch and after the best one, a row per run.

    Args:
        last: accuracy after the last epoch, one for each run.
        best: accuracy of the best epoch, in the same order.
        reference: accuracy of another run, drawn as a line.
    """
    figure = Figure(figsize=(WIDTH, 3.8))
    ax = figure.subplots()
    rows = np.arange(len(last))
    ax.axvline(100 * reference, color=INK, linestyle=":", label="the notes' run")
    ax.hlines(rows, 100 * np.asarray(last), 100 * np.asarray(best), color=THIRD, linewidth=1)
    ax.plot(100 * np.asarray(best), rows, "o", color=THIRD, markerfacecolor=PAPER, label="best epoch")
    ax.plot(100 * np.asarray(last), rows, "o", color=THIRD, label="last epoch")
    ax.set(xlabel="test accuracy (%)", ylabel="seed", yticks=rows)
    ax.invert_yaxis()
    figure.legend(loc="outside lower center", ncols=3)
    return figure


def accuracy_by_dropout(
    rates: Sequence[float], ceilings: Sequence[float], marks: Sequence[tuple[str, float, float]]
) -> Figure:
    """Plot the ceiling of the training accuracy against the dropout rate, and two measured (name, rate, accuracy)."""
    figure = Figure(figsize=(WIDTH, 3.2))
    ax = figure.subplots()
    ax.plot(rates, ceilings, color=INK, linestyle=":", label="ceiling")
    for (name, rate, accuracy), color, marker in zip(marks, (FIRST, SECOND), "s^", strict=True):
        ax.plot([rate], [accuracy], marker, color=color, markersize=8, label=name, linestyle="none")
    ax.set(xlabel="dropout rate on the logits", ylabel="training accuracy")
    ax.yaxis.set_major_formatter(PercentFormatter(1, decimals=0))
    ax.legend()
    return figure
