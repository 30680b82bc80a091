"""Figures of chapter 4: mixed channels and the cost of a bottleneck."""

from collections.abc import Mapping, Sequence

from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator, PercentFormatter
from numpy.typing import NDArray

from convbook.figures.style import DIGIT, FIRST, INK, SECOND, THIRD, WIDTH, bare_axes, color_scale, settled, show


def mixing(maps: NDArray, names: Sequence[str], mixed: NDArray, mixed_names: Sequence[str]) -> Figure:
    """Show maps (H, W, C) in one row and their mixtures (H, W, M) in the next, all on one colour scale."""
    figure, axes = bare_axes(2, len(names), 2)
    highest = max(maps.max(), mixed.max())
    for row, stack, captions in zip(axes, (maps, mixed), (names, mixed_names), strict=True):
        for channel, (ax, caption) in enumerate(zip(row, captions, strict=False)):
            show(ax, stack[:, :, channel], DIGIT, highest)
            ax.set_title(caption, loc="center")
    color_scale(figure, axes, DIGIT, highest, "value")
    return settled(figure)


def side_by_side(images: Mapping[str, NDArray]) -> Figure:
    """Show maps (H, W) in a row, each under its caption, on one colour scale that starts at 0."""
    figure, axes = bare_axes(1, len(images), 2.7)
    highest = max(image.max() for image in images.values())
    for ax, (caption, image) in zip(axes.flat, images.items(), strict=True):
        show(ax, image, DIGIT, highest)
        ax.set_title(caption, loc="center")
    color_scale(figure, axes, DIGIT, highest, "value")
    return settled(figure)


def break_even(middles: Sequence[int], costs: Mapping[str, Sequence[float]], chosen: int) -> Figure:
    """Plot the cost of a bottleneck against its number of middle channels.

    Args:
        middles: numbers of middle channels.
        costs: by name, three at most, the cost for each number as a share of the cost without a bottleneck.
        chosen: number of middle channels to mark on every line.
    """
    figure = Figure(figsize=(WIDTH, 3.6))
    ax = figure.subplots()
    styles = ((FIRST, "-", "s"), (SECOND, "-.", "^"), (THIRD, "--", "o"))
    for (name, shares), (color, line, marker) in zip(costs.items(), styles, strict=False):
        mark = [list(middles).index(chosen)]
        ax.plot(middles, shares, line, color=color, label=name, marker=marker, markersize=8, markevery=mark)
    ax.axhline(1, color=INK, linestyle=":", linewidth=1)
    ax.set(xlabel="channels after the bottleneck", ylabel="MACs, as a share of those without it", ylim=(0, None))
    ax.xaxis.set_major_locator(MaxNLocator(integer=True))
    ax.yaxis.set_major_formatter(PercentFormatter(1, decimals=0))
    ax.legend()
    return figure
