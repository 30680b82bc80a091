"""Figures of chapter 6: curves of activation functions, activated maps, gradients, dead units."""

from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib.cm import ScalarMappable
from matplotlib.colors import CenteredNorm, Normalize
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator
from numpy.typing import NDArray

from convbook.figures.style import (
    BLUE,
    DIGIT,
    GREEN,
    INK,
    MAP,
    SIGNED,
    VERMILLION,
    WIDTH,
    bare_axes,
    color_scale,
)


def activated_maps(image: NDArray, maps: Mapping[str, NDArray]) -> Figure:
    """Show a digit and its maps, three to a row, all maps on one signed colour scale.

    Args:
        image: the digit (28, 28).
        maps: maps (height, width) by caption.
    """
    figure, axes = bare_axes(-(-(len(maps) + 1) // 3), 3, 2.0)
    first, *others = axes.flat
    first.imshow(image, cmap=DIGIT)
    first.set_title("digit", loc="center")
    norm = CenteredNorm(halfrange=float(max(np.abs(values).max() for values in maps.values())))
    for ax, (caption, values) in zip(others, maps.items(), strict=False):
        ax.imshow(values, cmap=SIGNED, norm=norm)
        ax.set_title(caption, loc="center")
    color_scale(figure, axes, norm, "value")
    return figure


def functions_and_slopes(z: NDArray, curves: Mapping[str, tuple[NDArray, NDArray]]) -> Figure:
    """Plot functions with their derivatives, two panels to a row on one scale.

    Args:
        z: inputs (N,).
        curves: values (N,) and slopes (N,) by the name of the function.
    """
    rows = -(-len(curves) // 2)
    figure = Figure(figsize=(WIDTH, 1.5 * rows + 0.5))
    axes = figure.subplots(rows, 2, sharex=True, sharey=True, squeeze=False)
    for ax in axes.flat[len(curves) :]:
        ax.set_axis_off()
    for ax, (name, (values, slopes)) in zip(axes.flat, curves.items(), strict=False):
        ax.axhline(0, color=INK, linewidth=0.6)
        ax.axvline(0, color=INK, linewidth=0.6)
        (function,) = ax.plot(z, values, color=BLUE, linewidth=2)
        (slope,) = ax.plot(z, slopes, "--", color=VERMILLION, linewidth=1.6)
        ax.set_title(name)
    axes[0, 0].set(xlim=(z[0], z[-1]), ylim=(-1.4, 2.6), yticks=[-1, 0, 1, 2])
    for ax in axes[-1]:
        ax.set_xlabel("input z")
    figure.legend([function, slope], ["function", "derivative"], loc="outside lower center", ncols=2, frameon=False)
    return figure


def gradient_norms(norms: Mapping[str, NDArray], bound: Sequence[float]) -> Figure:
    """Plot the size of a gradient after each layer, from the last layer back to the input, on a logarithmic scale.

    Args:
        norms: norms (runs, layers + 1) by the name of the activation function, four at most: at the input, then at
            the output of each layer. A line joins the geometric means, a band spans the runs.
        bound: largest product of slopes (layers + 1,), drawn dotted.
    """
    if len(norms) > 4:
        raise ValueError(f"there are styles for four functions, got {len(norms)}")
    figure = Figure(figsize=(WIDTH, 3.8))
    ax = figure.subplots()
    layers = np.arange(len(bound))
    styles = zip((INK, GREEN, BLUE, VERMILLION), ("d", "^", "s", "o"), ("-.", "-", "--", "-"), strict=True)
    for (name, runs), (color, marker, line) in zip(norms.items(), styles, strict=False):
        ax.fill_between(layers, runs.min(axis=0), runs.max(axis=0), color=color, alpha=0.25, linewidth=0)
        ax.plot(layers, np.exp(np.log(runs).mean(axis=0)), line, color=color, marker=marker, markersize=5, label=name)
    ax.plot(layers, bound, ":", color=INK, label="0.25 for each layer after it")
    ax.set(yscale="log", xticks=layers, xlabel="after layer (0 is the input)", ylabel="gradient, last layer = 1")
    ax.legend(frameon=False, fontsize=9)
    return figure


def dead_units(counts: Mapping[str, NDArray]) -> Figure:
    """Show how many channels are always 0 at each position of a layer, as panels on one scale.

    Args:
        counts: counts (height, width) by caption.
    """
    figure, axes = bare_axes(1, len(counts), 2.4)
    scale = Normalize(0, max(max(count.max() for count in counts.values()), 1))
    for ax, (caption, count) in zip(axes.flat, counts.items(), strict=True):
        ax.imshow(count, cmap=MAP, norm=scale)
        ax.set_title(caption, loc="center")
    figure.colorbar(
        ScalarMappable(scale, MAP),
        ax=axes,
        location="bottom",
        shrink=0.5,
        aspect=30,
        ticks=MaxNLocator(integer=True),
        label="channels that are 0 for all digits",
    )
    return figure
