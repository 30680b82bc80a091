"""Figures of chapter 1: one window and its sum, maps of different sizes, maps of a shifted and a rotated digit."""

from collections.abc import Sequence

import numpy as np
from matplotlib.colors import CenteredNorm
from matplotlib.figure import Figure
from numpy.typing import NDArray

from convbook.figures.style import DIGIT, SIGNED, WIDTH, bare_axes, outline


def window(image: NDArray, kernel: NDArray, output: NDArray, row: int, column: int) -> Figure:
    """Show how one number of a convolution is computed.

    Args:
        image: (H, W), values from 0 to 1.
        kernel: (k, k).
        output: the map of the kernel on the image.
        row: row of the number in the map, which is the top row of its window.
        column: its column, which is the left column of its window.
    """
    size = len(kernel)
    crop = image[row : row + size, column : column + size]
    figure = Figure(figsize=(WIDTH, 1.9))
    axes = figure.subplots(1, 4, width_ratios=[1.5, 1, 1, 1.5])
    for ax in axes:
        ax.set_axis_off()
    digit, pixels, weights, result = axes
    digit.imshow(image, cmap=DIGIT, vmin=0, vmax=1)
    outline(digit, range(row, row + size), range(column, column + size))
    digit.set_title("image", loc="center", fontsize=9)
    pixels.imshow(crop, cmap=DIGIT, vmin=0, vmax=1)
    for (i, j), value in np.ndenumerate(crop):
        pixels.text(j, i, f"{value:.1f}", ha="center", va="center", color="black" if value > 0.5 else "white")
    pixels.set_title("window", loc="center", fontsize=9)
    weights.imshow(kernel, cmap=SIGNED, norm=CenteredNorm(halfrange=2 * float(np.abs(kernel).max())))
    for (i, j), value in np.ndenumerate(kernel):
        weights.text(j, i, f"{value:g}", ha="center", va="center", color="black")
    weights.set_title("× kernel", loc="center", fontsize=9)
    result.imshow(output, cmap=SIGNED, norm=CenteredNorm(halfrange=float(np.abs(output).max())))
    outline(result, range(row, row + 1), range(column, column + 1))
    result.set_title(f"sum: {output[row, column]:.1f}", loc="center", fontsize=9)
    return figure


def geometry(maps: Sequence[NDArray], names: Sequence[str]) -> Figure:
    """Show maps of different sizes, at one scale and on one colour scale, each with its name and size."""
    figure, axes = bare_axes(1, len(maps), 1.8)
    norm = CenteredNorm(halfrange=max(float(np.abs(m).max()) for m in maps))
    largest = max(len(m) for m in maps)
    for ax, values, name in zip(axes.flat, maps, names, strict=True):
        ax.imshow(values, cmap=SIGNED, norm=norm)
        margin = (largest - len(values)) / 2
        ax.set(xlim=(-0.5 - margin, len(values) - 0.5 + margin), ylim=(len(values) - 0.5 + margin, -0.5 - margin))
        ax.set_title(f"{name}\n{len(values)} × {len(values)}", loc="center", fontsize=9)
    return figure


def moved(images: Sequence[NDArray], maps: Sequence[NDArray]) -> Figure:
    """Show a digit, the same digit shifted and rotated, and below each its map, on one colour scale."""
    figure, axes = bare_axes(2, len(images), 1.7)
    norm = CenteredNorm(halfrange=max(float(np.abs(m).max()) for m in maps))
    names = ("a digit", "shifted", "rotated")
    for image, values, name, above, below in zip(images, maps, names, *axes, strict=True):
        above.imshow(image, cmap=DIGIT, vmin=0, vmax=1)
        above.set_title(name, loc="center", fontsize=9)
        below.imshow(values, cmap=SIGNED, norm=norm)
    return figure
