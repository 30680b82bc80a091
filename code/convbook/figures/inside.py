"""Figures of chapter 10: kernels, stages, probes, receptive fields, strongest patches and evidence for a class."""

from collections.abc import Sequence

import numpy as np
from matplotlib.figure import Figure
from numpy.typing import NDArray

from convbook.arithmetic import Stage
from convbook.figures.style import (
    DIGIT,
    FIRST,
    INK,
    SECOND,
    SIGNED,
    WIDTH,
    WRONG,
    bare_axes,
    color_scale,
    mosaic,
    number,
    outline,
    settled,
    show,
    signed_most,
)


def kernel_grid(weights: NDArray, columns: int = 8) -> Figure:
    """Show single-channel kernels (k, k, N) with their numbers, on one signed colour scale."""
    count = weights.shape[-1]
    rows = -(-count // columns)
    figure, axes = bare_axes(rows, columns, 1.25)
    most = signed_most(weights)
    for i, ax in enumerate(axes.flat[:count]):
        show(ax, weights[:, :, i], SIGNED, most)
        ax.set_title(str(i), loc="center")
    color_scale(figure, axes, SIGNED, most, "weight")
    return settled(figure)


def stages(image: NDArray, maps: Sequence[NDArray], rows: Sequence[Stage], channels: int = 5) -> Figure:
    """Show how maps become coarser while receptive fields grow, with a row for each stage.

    On the left is the digit with the receptive field of the stage's middle unit, next to it the stage's first maps, all
    drawn as large as the digit. A row has one colour scale, which has signs if its maps do.

    Args:
        image: the digit (28, 28).
        maps: the stages' maps, each (height, width, channels).
        rows: the stages' rows of the table.
        channels: number of maps per row.
    """
    figure, axes = bare_axes(len(rows), channels + 1, 1.22)
    for (first, *others), stage, stack in zip(axes, rows, maps, strict=True):
        show(first, image, DIGIT, image.max())
        seen = stage.sees((stage.size - 1) // 2)
        outline(first, seen, seen)
        first.set_title(f"{stage.name}: {stage.size} × {stage.size} × {stage.channels}, sees {stage.receptive_field}")
        scale = SIGNED if stack.min() < 0 else DIGIT
        for channel, ax in enumerate(others):
            show(ax, stack[:, :, channel], scale, signed_most(stack))
            ax.set_title("", loc="center")
    return settled(figure)


def field(image: NDArray, fields: Sequence[tuple[str, range, range]]) -> Figure:
    """Show a digit (28, 28) once for every (caption, rows, columns), with this region outlined and the rest dimmed."""
    figure, axes = bare_axes(1, len(fields), 2.3)
    for ax, (caption, rows, columns) in zip(axes.flat, fields, strict=True):
        dimmed = 0.35 * image
        dimmed[rows.start : rows.stop, columns.start : columns.stop] *= 1 / 0.35
        show(ax, dimmed, DIGIT, image.max())
        outline(ax, rows, columns)
        ax.set_title(caption, loc="center")
    return settled(figure)


def patches(pixels: NDArray, names: Sequence[str]) -> Figure:
    """Show image patches (channels, count, r, r), with a row for each channel and its name on the left."""
    channels, count, size, _ = pixels.shape
    blank = np.full((channels, 1, size, size), np.nan)  # nan is not drawn, which leaves room for the name
    tiles = np.concatenate([blank, pixels], axis=1).reshape(-1, size, size)
    figure, ax = mosaic(tiles, count + 1)
    pitch = (ax.get_ylim()[0] + 0.5) / channels
    for row, name in enumerate(names):
        ax.text(size / 2, row * pitch + size / 2, name, va="center", ha="center")
    return figure


def evidence(images: NDArray, evidence: NDArray, winners: NDArray, others: NDArray) -> Figure:
    """Show where digits gathered the difference between two of their scores.

    Above the digits, below what each position adds to the score of the winner minus what it adds to that of the other
    class. Differences, because a number that is added to all scores changes no probability.

    Args:
        images: (N, 28, 28).
        evidence: (N, height, width, 10), what each position adds to the ten logits.
        winners: the predicted classes (N,).
        others: the classes that they are compared with (N,).
    """
    pairs = zip(evidence, winners, others, strict=True)
    differences = np.stack([parts[:, :, winner] - parts[:, :, other] for parts, winner, other in pairs])
    figure, axes = bare_axes(2, len(images), 2.4)
    most = signed_most(*differences)
    for (top, bottom), image, difference, winner, other in zip(
        axes.T, images, differences, winners, others, strict=True
    ):
        show(top, image, DIGIT, image.max())
        show(bottom, difference, SIGNED, most)
        sign = "+" if difference.sum() >= 0 else ""
        bottom.set_title(f"{winner} minus {other}: {sign}{number(difference.sum())}", loc="center")
    color_scale(figure, axes, SIGNED, most, "added to the difference of the scores")
    return settled(figure)


def probes(names: Sequence[str], trained: dict[str, Sequence[float]], untrained: dict[str, NDArray]) -> Figure:
    """Plot what a readout finds at each stage of a trained network and of untrained ones, one panel a question.

    Args:
        names: the stages.
        trained: by question, the shares found at the stages.
        untrained: by question, the shares for some untrained networks (networks, stages).
    """
    figure = Figure(figsize=(WIDTH, 3.9))
    axes = figure.subplots(1, len(trained), sharey=True, squeeze=False)[0]
    for ax, (question, shares) in zip(axes, trained.items(), strict=True):
        for i, control in enumerate(untrained[question]):
            ax.plot(names, control, color=SECOND, marker="s", markersize=3.5, linestyle="--", linewidth=1)
            if i == 0:
                ax.lines[-1].set_label("untrained")
        ax.plot(names, shares, color=FIRST, marker="o", markersize=5, label="trained")
        ax.set(ylim=(0, 1.02), title=question)
        ax.tick_params(axis="x", rotation=90)
    axes[0].set_ylabel("share found")
    axes[0].legend(loc="lower left")
    return figure


def leans(names: Sequence[str], runs: dict[str, tuple[NDArray, NDArray]]) -> Figure:
    """Compare single digits with many others, stage by stage, one panel a digit.

    Args:
        names: the stages.
        runs: by title, the lean of one digit (stages,) and the leans of the digits that it is compared with
            (digits, stages), of which the band from the 5th to the 95th percentile and the median are drawn.
    """
    figure = Figure(figsize=(WIDTH, 3.6))
    axes = figure.subplots(1, len(runs), sharey=True, squeeze=False)[0]
    for ax, (title, (one, many)) in zip(axes, runs.items(), strict=True):
        low, middle, high = np.percentile(many, [5, 50, 95], axis=0)
        ax.fill_between(names, low, high, color=FIRST, alpha=0.25, linewidth=0, label="read correctly, 5 to 95 %")
        ax.plot(names, middle, color=FIRST, linewidth=1, label="their median")
        ax.plot(names, one, color=WRONG, marker="o", markersize=4, label="misread")
        ax.axhline(0.5, color=INK, linewidth=0.5, linestyle=":")
        ax.set(ylim=(0, 1), title=title)
        ax.tick_params(axis="x", rotation=90)
    axes[0].set_ylabel("lean to the wrong class")
    figure.legend(*axes[0].get_legend_handles_labels(), loc="outside lower center", ncols=3)
    return figure
