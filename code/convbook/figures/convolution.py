"""Figures of chapter 1: one window and its sum, maps of different sizes, maps of a shifted and a rotated digit."""

from collections.abc import Sequence

import numpy as np
from matplotlib.figure import Figure
from numpy.typing import NDArray

from convbook.figures.style import (
    DAY,
    DIGIT,
    NIGHT,
    SIGNED,
    WIDTH,
    bare_axes,
    color_scale,
    number,
    outline,
    settled,
    show,
    signed_most,
)


def window(image: NDArray, kernel: NDArray, output: NDArray, row: int, column: int) -> Figure:
    """Show how one number of a convolution is computed, from pixels rounded to one decimal.

    Args:
        image: (H, W), values from 0 to 1.
        kernel: (k, k).
        output: the map of the kernel on the image.
        row: row of the number in the map, which is the top row of its window.
        column: its column, which is the left column of its window.
    """
    size = len(kernel)
    crop = image[row : row + size, column : column + size].round(1)
    figure = Figure(figsize=(WIDTH, 2.6))
    axes = figure.subplots(1, 4, width_ratios=[1.4, 1.1, 1.1, 1.4])
    for ax in axes:
        ax.set_axis_off()
    digit, pixels, weights, result = axes
    show(digit, image, DIGIT, 1)
    outline(digit, range(row, row + size), range(column, column + size))
    digit.set_title("image", loc="center")
    show(pixels, crop, DIGIT, 1)
    for (i, j), value in np.ndenumerate(crop):
        pixels.text(j, i, number(value), ha="center", va="center", color=NIGHT if value > 0.5 else DAY)
    pixels.set_title("window", loc="center")
    show(weights, kernel, SIGNED, 2 * signed_most(kernel))  # pale enough for the numbers on top
    for (i, j), value in np.ndenumerate(kernel):
        weights.text(j, i, f"{value:g}".replace("-", "−"), ha="center", va="center")
    weights.set_title("× kernel", loc="center")
    most = signed_most(output)
    show(result, output, SIGNED, most)
    outline(result, range(row, row + 1), range(column, column + 1))
    result.set_title(f"sum: {number((crop * kernel).sum())}", loc="center")
    color_scale(figure, axes[:2], DIGIT, 1, "pixel", shrink=0.7)
    color_scale(figure, axes[2:], SIGNED, most, "sum", shrink=0.7)
    return settled(figure)


def geometry(maps: Sequence[NDArray], names: Sequence[str]) -> Figure:
    """Show maps of different sizes, at one scale and on one colour scale, each with its name and size."""
    figure, axes = bare_axes(1, len(maps), 2.5)
    most = signed_most(*maps)
    largest = max(len(m) for m in maps)
    for ax, values, name in zip(axes.flat, maps, names, strict=True):
        show(ax, values, SIGNED, most)
        margin = (largest - len(values)) / 2
        ax.set(xlim=(-0.5 - margin, len(values) - 0.5 + margin), ylim=(len(values) - 0.5 + margin, -0.5 - margin))
        ax.set_title(f"{name}\n{len(values)} × {len(values)}", loc="center")
    color_scale(figure, axes, SIGNED, most, "sum")
    return settled(figure)


def moved(images: Sequence[NDArray], maps: Sequence[NDArray]) -> Figure:
    """Show a digit, the same digit shifted and rotated, and below each its map, on one colour scale."""
    figure, axes = bare_axes(2, len(images), 2.2)
    most = signed_most(*maps)
    names = ("a digit", "shifted", "rotated")
    for image, values, name, above, below in zip(images, maps, names, *axes, strict=True):
        show(above, image, DIGIT, 1)
        above.set_title(name, loc="center")
        show(below, values, SIGNED, most)
    color_scale(figure, axes, SIGNED, most, "sum, in the lower row")
    return settled(figure)
