"""Figures of chapter 5: stacks of maps, before and after the ReLU, colour scales, channels switched off."""

from collections.abc import Mapping

import numpy as np
from matplotlib.figure import Figure
from numpy.typing import NDArray

from convbook.figures.style import (
    DIGIT,
    FIRST,
    INK,
    NEGATIVE,
    POSITIVE,
    SIGNED,
    SMALL,
    WIDTH,
    bare_axes,
    color_scale,
    number,
    settled,
    show,
    signed_most,
)


def map_stacks(stacks: Mapping[str, NDArray]) -> Figure:
    """Show all maps (H, W, 16) of some layers, two rows per layer, each as large as there is room for.

    A layer has one colour scale, whose end is in its heading.
    """
    figure = Figure(figsize=(WIDTH, 1.85 * len(stacks)))
    parts = figure.subfigures(len(stacks), 1, squeeze=False)[:, 0]
    for part, (name, stack) in zip(parts, stacks.items(), strict=True):
        part.set_facecolor("none")
        most = stack.max()
        title = f"{name}: maps of {len(stack)} × {len(stack)}, from dark for 0 to light for {number(most)}"
        part.suptitle(title, fontsize=10.5, x=0.01, ha="left")
        for channel, ax in enumerate(part.subplots(2, 8).flat):
            ax.set_axis_off()
            show(ax, stack[:, :, channel], DIGIT, most)
    return figure


def before_after(before: NDArray, after: NDArray) -> Figure:
    """Show a map (H, W) before and after its ReLU, with a histogram of its values."""
    figure = Figure(figsize=(WIDTH, 2.7))
    axes = figure.subplots(1, 3, width_ratios=[1, 1, 1.3])
    first, second, spread = axes
    most = signed_most(before)
    for ax, values, name in ((first, before, "before"), (second, after, "after")):
        show(ax, values, SIGNED, most)
        ax.set_title(name, loc="center")
        ax.set_axis_off()
    color_scale(figure, axes[:2], SIGNED, most, "value")
    width = float(np.ptp(before)) / 30
    edges = width * np.arange(np.floor(before.min() / width), np.ceil(before.max() / width) + 1)  # one edge is at 0
    spread.hist(before[before < 0], edges, color=NEGATIVE, hatch="////", edgecolor=INK, linewidth=0.3)
    spread.hist(before[before >= 0], edges, color=POSITIVE)
    spread.set_yscale("log")  # the empty background fills one bar
    spread.set_yticks([1, 10, 100], ["1", "10", "100"])
    spread.axvline(0, color=INK, linewidth=1)
    spread.set_title("cut off | kept", loc="center")
    spread.set(xlabel="value before", ylabel="pixels")
    return settled(figure)


def scales(maps: NDArray) -> Figure:
    """Show maps (H, W, N) with a colour scale each and, below, with one for all, and their largest values."""
    count = maps.shape[-1]
    figure, axes = bare_axes(2, count, 1.35)
    for channel, (own, shared) in enumerate(axes.T):
        most = maps[:, :, channel].max()
        show(own, maps[:, :, channel], DIGIT, most)
        show(shared, maps[:, :, channel], DIGIT, maps.max())
        shared.set_title(number(most, 2), loc="center", fontsize=SMALL)
    axes[0, 0].set_title("a scale each")
    color_scale(figure, axes, DIGIT, maps.max(), "value, in the lower row")
    return settled(figure)


def ablation(layers: Mapping[str, tuple[NDArray, NDArray]]) -> Figure:
    """Plot, for every channel of some layers, its mean value and the points of probability lost without it.

    Only the brightest channel and the one with the largest loss are numbered.
    """
    figure = Figure(figsize=(WIDTH, 3))
    panels = figure.subplots(1, len(layers), squeeze=False)[0]
    for ax, (name, (brightness, lost)) in zip(panels, layers.items(), strict=True):
        ax.plot(brightness, lost, "o", color=FIRST, markersize=5)
        for channel in sorted({int(np.argmax(brightness)), int(np.argmax(lost))}):
            place = brightness[channel], lost[channel]
            ax.annotate(f"map {channel}", place, (0, 6), textcoords="offset points", ha="center")
        ax.set(title=name, xlabel="mean value of the map", xlim=(0, 1.12 * np.max(brightness)))
        ax.margins(y=0.15)
    panels[0].set_ylabel("points lost without it")
    return figure
