"""Figures of chapter 10: kernels, stages, receptive fields, strongest patches and evidence for a class."""

from collections.abc import Sequence

import numpy as np
from matplotlib.colors import CenteredNorm
from matplotlib.figure import Figure
from numpy.typing import NDArray

from convbook.arithmetic import Stage
from convbook.figures.style import (
    BLUE,
    DIGIT,
    GREEN,
    MAP,
    SIGNED,
    VERMILLION,
    WIDTH,
    bare_axes,
    color_scale,
    mosaic,
    outline,
)


def kernel_grid(weights: NDArray, columns: int = 8) -> Figure:
    """Show single-channel kernels (k, k, N) on one shared colour scale with white at zero."""
    count = weights.shape[-1]
    rows = -(-count // columns)
    figure, axes = bare_axes(rows, columns, 0.95)
    norm = CenteredNorm(halfrange=float(np.abs(weights).max()))
    for i, ax in enumerate(axes.flat[:count]):
        ax.imshow(weights[:, :, i], cmap=SIGNED, norm=norm)
        ax.set_title(str(i), loc="center", fontsize=9)
    color_scale(figure, axes, norm, "weight")
    return figure


def stages(image: NDArray, maps: Sequence[NDArray], rows: Sequence[Stage], channels: int = 5) -> Figure:
    """Show how maps shrink while receptive fields grow, with a row for each stage.

    On the left is the digit with the receptive field of the stage's middle unit, next to it the stage's first maps at
    the scale of the digit's pixels. A row has one colour scale.

    Args:
        image: the digit (28, 28).
        maps: the stages' maps, each (height, width, channels).
        rows: the stages' rows of the table.
        channels: number of maps per row.
    """
    size = len(image)
    figure, axes = bare_axes(len(rows), channels + 1, 0.98)
    for (first, *others), stage, stack in zip(axes, rows, maps, strict=True):
        first.imshow(image, cmap=DIGIT)
        seen = stage.sees((stage.size - 1) // 2)
        outline(first, seen, seen)
        first.set_title(f"{stage.name}: {stage.size} × {stage.size} × {stage.channels}, sees {stage.receptive_field}")
        margin = (size - stage.size) / 2 - 0.5
        extent = margin, margin + stage.size, margin + stage.size, margin
        for channel, ax in enumerate(others):
            ax.imshow(stack[:, :, channel], cmap=MAP, vmin=stack.min(), vmax=stack.max(), extent=extent)
            ax.set(xlim=(-0.5, size - 0.5), ylim=(size - 0.5, -0.5))
    return figure


def field(image: NDArray, fields: Sequence[tuple[str, range, range]]) -> Figure:
    """Show a digit (28, 28) once for every (caption, rows, columns), with this region outlined and the rest dimmed."""
    figure, axes = bare_axes(1, len(fields), 2.1)
    for ax, (caption, rows, columns) in zip(axes.flat, fields, strict=True):
        dimmed = 0.35 * image
        dimmed[rows.start : rows.stop, columns.start : columns.stop] *= 1 / 0.35
        ax.imshow(dimmed, cmap=DIGIT, vmin=0, vmax=image.max())
        outline(ax, rows, columns)
        ax.set_title(caption, loc="center", fontsize=9)
    return figure


def patches(pixels: NDArray, names: Sequence[str]) -> Figure:
    """Show image patches (channels, count, r, r), with a row for each channel and its name on the left."""
    channels, count, size, _ = pixels.shape
    blank = np.full((channels, 1, size, size), np.nan)  # nan is not drawn, which leaves room for the name
    tiles = np.concatenate([blank, pixels], axis=1).reshape(-1, size, size)
    figure, ax = mosaic(tiles, count + 1)
    pitch = (ax.get_ylim()[0] + 0.5) / channels
    for row, name in enumerate(names):
        ax.text(0, row * pitch + size / 2, name, va="center")
    return figure


def evidence(images: NDArray, evidence: NDArray, labels: NDArray, guesses: NDArray) -> Figure:
    """Show where misread digits have evidence for their label, and where for the guess.

    Args:
        images: (N, 28, 28).
        evidence: (N, 4, 4, 10), the contribution of each position to the ten logits.
        labels: the true classes (N,).
        guesses: the predicted classes (N,).
    """
    figure, axes = bare_axes(len(images), 3, 1.75)
    norm = CenteredNorm(halfrange=float(np.abs(evidence).max()))
    for row, image, parts, label, guess in zip(axes, images, evidence, labels, guesses, strict=True):
        row[0].imshow(image, cmap=DIGIT)
        row[0].set_title(f"a {label}", loc="center")
        for ax, digit, role in ((row[1], label, "label"), (row[2], guess, "guess")):
            ax.imshow(parts[:, :, digit], cmap=SIGNED, norm=norm)
            total = parts[:, :, digit].sum()
            ax.set_title(f"for {digit} ({role}): {total:+.1f}", loc="center")
    color_scale(figure, axes, norm, "share of the logit")
    return figure


def lines(names: Sequence[str], values: dict[str, Sequence[float]], ylabel: str) -> Figure:
    """Plot one line for each entry of ``values``, three at most, over named positions."""
    if len(values) > 3:
        raise ValueError(f"there are colours for three lines, got {len(values)}")
    figure = Figure(figsize=(WIDTH, 3))
    ax = figure.subplots()
    for (label, heights), color, marker in zip(values.items(), (BLUE, VERMILLION, GREEN), "os^", strict=False):
        ax.plot(names, heights, color=color, marker=marker, label=label)
    ax.set(ylabel=ylabel, ylim=(0, 1.02))
    ax.tick_params(axis="x", rotation=45)
    ax.legend(frameon=False)
    return figure
