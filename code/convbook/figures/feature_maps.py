"""Figures of chapter 5: stacks of maps, before and after the ReLU, colour scales, channels switched off."""

from collections.abc import Mapping

import numpy as np
from matplotlib.colors import CenteredNorm
from matplotlib.figure import Figure
from numpy.typing import NDArray

from convbook.figures.style import BLUE, INK, MAP, SIGNED, VERMILLION, WIDTH, bare_axes


def map_stacks(stacks: Mapping[str, NDArray]) -> Figure:
    """Show all maps (H, W, 16) of some layers, two rows per layer, at one scale; each layer has one colour scale."""
    figure = Figure(figsize=(WIDTH, 1.75 * len(stacks)))
    largest = max(len(stack) for stack in stacks.values())
    parts = figure.subfigures(len(stacks), 1, squeeze=False)[:, 0]
    for part, (name, stack) in zip(parts, stacks.items(), strict=True):
        part.set_facecolor("none")
        part.suptitle(f"{name}: {len(stack)} × {len(stack)}", fontsize=9)
        margin = (largest - len(stack)) / 2
        for channel, ax in enumerate(part.subplots(2, 8).flat):
            ax.set_axis_off()
            ax.imshow(stack[:, :, channel], cmap=MAP, vmin=0, vmax=stack.max())
            low, high = -0.5 - margin, len(stack) - 0.5 + margin
            ax.set(xlim=(low, high), ylim=(high, low))
    return figure


def before_after(before: NDArray, after: NDArray) -> Figure:
    """Show a map (H, W) before and after its ReLU, with a histogram of its values."""
    figure = Figure(figsize=(WIDTH, 2.1))
    first, second, spread = figure.subplots(1, 3, width_ratios=[1, 1, 1.3])
    norm = CenteredNorm(halfrange=float(np.abs(before).max()))
    for ax, values, name in ((first, before, "before"), (second, after, "after")):
        ax.imshow(values, cmap=SIGNED, norm=norm)
        ax.set_title(name, loc="center", fontsize=9)
        ax.set_axis_off()
    width = float(np.ptp(before)) / 30
    edges = width * np.arange(np.floor(before.min() / width), np.ceil(before.max() / width) + 1)  # one edge is at 0
    spread.hist(before[before < 0], edges, color=VERMILLION, hatch="////", edgecolor=INK, linewidth=0.3)
    spread.hist(before[before >= 0], edges, color=BLUE)
    spread.set_yscale("log")  # the empty background fills one bar
    spread.axvline(0, color=INK, linewidth=1)
    spread.set_title("cut off | kept", loc="center", fontsize=9)
    spread.set(xlabel="value before", ylabel="pixels")
    return figure


def scales(maps: NDArray) -> Figure:
    """Show maps (H, W, N) with a colour scale each and, below, with one for all, and their largest values."""
    count = maps.shape[-1]
    figure, axes = bare_axes(2, count, 1.1)
    for channel, (own, shared) in enumerate(axes.T):
        own.imshow(maps[:, :, channel], cmap=MAP, vmin=0)
        shared.imshow(maps[:, :, channel], cmap=MAP, vmin=0, vmax=maps.max())
        shared.set_title(f"≤ {maps[:, :, channel].max():.1f}", loc="center", fontsize=8.5)
    axes[0, 0].set_title("a scale each")
    return figure


def ablation(layers: Mapping[str, tuple[NDArray, NDArray]]) -> Figure:
    """Plot, for every channel of some layers, its mean value and the points of probability lost without it.

    Only the brightest channel and the one with the largest loss are numbered.
    """
    figure = Figure(figsize=(WIDTH, 2.6))
    panels = figure.subplots(1, len(layers), squeeze=False)[0]
    for ax, (name, (brightness, lost)) in zip(panels, layers.items(), strict=True):
        ax.plot(brightness, lost, "o", color=BLUE, markersize=5)
        for channel in sorted({int(np.argmax(brightness)), int(np.argmax(lost))}):
            place = brightness[channel], lost[channel]
            ax.annotate(str(channel), place, (0, 5), textcoords="offset points", ha="center", fontsize=9)
        ax.set(title=name, xlabel="mean value of the map", xlim=(0, 1.08 * np.max(brightness)))
        ax.margins(y=0.12)
    panels[0].set_ylabel("points lost without it")
    return figure
