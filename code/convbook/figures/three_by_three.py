"""Figures of chapter 3: paths through small kernels, the effect of padding, the limits of composed kernels."""

from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib.figure import Figure
from matplotlib.ticker import PercentFormatter
from numpy.typing import NDArray

from convbook.figures.style import DAY, DIGIT, FIRST, NIGHT, WIDTH, bare_axes, color_scale, settled, show


def paths(counts: Sequence[NDArray], names: Sequence[str]) -> Figure:
    """Show the number of paths from each pixel to one output, as grids (k, k) of numbers on one colour scale."""
    figure, axes = bare_axes(1, len(counts), 2.9)
    highest = max(grid.max() for grid in counts)
    for ax, grid, name in zip(axes.flat, counts, names, strict=True):
        show(ax, grid, DIGIT, highest)
        for (row, column), count in np.ndenumerate(grid):
            color = NIGHT if count > 0.5 * highest else DAY
            ax.text(column, row, str(count), ha="center", va="center", color=color)
        between = np.arange(1, len(grid)) - 0.5
        ax.hlines(between, -0.5, len(grid) - 0.5, color=NIGHT, linewidth=0.8)
        ax.vlines(between, -0.5, len(grid) - 0.5, color=NIGHT, linewidth=0.8)
        ax.set_title(name, loc="center")
    return settled(figure)


def border(image: NDArray, valid: NDArray, padded: NDArray) -> Figure:
    """Show an image and a kernel's maps without and with padding, all at one scale."""
    figure, axes = bare_axes(1, 3, 2.7)
    first, second, third = axes.flat
    show(first, image, DIGIT, 1)
    first.set_title("the digit\n", loc="center")
    for ax, values, name in ((second, valid, "no padding"), (third, padded, "a ring of zeros")):
        margin = (len(image) - len(values)) / 2 - 0.5
        show(ax, values, DIGIT, padded.max(), extent=(margin, margin + len(values), margin + len(values), margin))
        ax.set(xlim=(-0.5, len(image) - 0.5), ylim=(len(image) - 0.5, -0.5))
        ax.set_title(f"{name}\n{len(values)} × {len(values)}", loc="center")
    color_scale(figure, axes[:, 1:], DIGIT, padded.max(), "size of the output")
    return settled(figure)


def left_over(rests: Mapping[int, Sequence[float]]) -> Figure:
    """Plot the share of each kernel that two small layers cannot reproduce, by the number of middle channels."""
    figure = Figure(figsize=(WIDTH, 3))
    ax = figure.subplots()
    for position, shares in enumerate(rests.values()):
        places = position + np.linspace(-0.15, 0.15, len(shares))  # side by side, so that equal ones show
        ax.plot(places, shares, "o", color=FIRST, markersize=5, alpha=0.7)
    ax.set(xlabel="middle channels", ylabel="left over", ylim=(-0.02, None), xlim=(-0.5, len(rests) - 0.5))
    ax.set_xticks(range(len(rests)), [str(middle) for middle in rests])
    ax.yaxis.set_major_formatter(PercentFormatter(1, decimals=0))
    ax.grid(axis="y")
    return figure
