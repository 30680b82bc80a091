"""Figures of chapter 6: curves of activation functions, activated maps, gradients, dead units."""

from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, MaxNLocator, NullLocator
from numpy.typing import NDArray

from convbook.figures.style import (
    DIGIT,
    EDGE,
    FIRST,
    FOURTH,
    INK,
    SECOND,
    SIGNED,
    THIRD,
    WIDTH,
    bare_axes,
    color_scale,
    settled,
    show,
    signed_most,
)


def activated_maps(image: NDArray, maps: Mapping[str, NDArray]) -> Figure:
    """Show a digit and its maps, three to a row, all maps on one signed colour scale.

    Args:
        image: the digit (28, 28).
        maps: maps (height, width) by caption.
    """
    figure, axes = bare_axes(-(-(len(maps) + 1) // 3), 3, 2.4)
    first, *others = axes.flat
    show(first, image, DIGIT, image.max())
    first.set_title("digit", loc="center")
    most = signed_most(*maps.values())
    for ax, (caption, values) in zip(others, maps.items(), strict=False):
        show(ax, values, SIGNED, most)
        ax.set_title(caption, loc="center")
    color_scale(figure, axes, SIGNED, most, "value, in all but the digit")
    return settled(figure)


def functions_and_slopes(z: NDArray, curves: Mapping[str, tuple[NDArray, NDArray]]) -> Figure:
    """Plot functions with their derivatives, two panels to a row on one scale.

    Args:
        z: inputs (N,).
        curves: values (N,) and slopes (N,) by the name of the function.
    """
    rows = -(-len(curves) // 2)
    figure = Figure(figsize=(WIDTH, 1.65 * rows + 0.6))
    axes = figure.subplots(rows, 2, sharex=True, sharey=True, squeeze=False)
    for ax in axes.flat[len(curves) :]:
        ax.set_axis_off()
    for ax, (name, (values, slopes)) in zip(axes.flat, curves.items(), strict=False):
        ax.axhline(0, color=EDGE, linewidth=0.6)
        ax.axvline(0, color=EDGE, linewidth=0.6)
        (function,) = ax.plot(z, values, color=FIRST, linewidth=2)
        (slope,) = ax.plot(z, slopes, "--", color=SECOND, linewidth=1.8)
        ax.set_title(name)
    axes[0, 0].set(xlim=(z[0], z[-1]), ylim=(-1.4, 2.6), yticks=[-1, 0, 1, 2])
    for ax in axes[-1]:
        ax.set_xlabel("input z")
    figure.legend([function, slope], ["function", "derivative"], loc="outside lower center", ncols=2)
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
    figure = Figure(figsize=(WIDTH, 4.2))
    ax = figure.subplots()
    layers = np.arange(len(bound))
    styles = zip((FOURTH, SECOND, FIRST, THIRD), ("d", "^", "s", "o"), ("-.", "-", "--", "-"), strict=True)
    for (name, runs), (color, marker, line) in zip(norms.items(), styles, strict=False):
        ax.fill_between(layers, runs.min(axis=0), runs.max(axis=0), color=color, alpha=0.25, linewidth=0)
        ax.plot(layers, np.exp(np.log(runs).mean(axis=0)), line, color=color, marker=marker, markersize=5, label=name)
    ax.plot(layers, bound, ":", color=INK, label="¼ for each layer")
    ax.set(yscale="log", xticks=layers)
    ax.set_xlabel("gradient at the output of layer … (0: at the input)")
    ax.set_ylabel(f"its length, 1 at layer {layers[-1]}")
    ax.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:,.6f}".rstrip("0").rstrip(".")))
    ax.yaxis.set_minor_locator(NullLocator())
    ax.legend(loc="lower right")
    return figure


def dead_units(counts: Mapping[str, NDArray]) -> Figure:
    """Show how many channels are always 0 at each position of a layer, as panels on one scale.

    Args:
        counts: counts (height, width) by caption.
    """
    figure = Figure(figsize=(WIDTH, 3.1))
    axes = figure.subplots(1, len(counts), squeeze=False, sharey=True)
    most = max(max(count.max() for count in counts.values()), 1)
    for ax, (caption, count) in zip(axes.flat, counts.items(), strict=True):
        show(ax, count, DIGIT, most)
        ends = [0, len(count) - 1]
        ax.set(xticks=ends, yticks=ends, xlabel="column")
        ax.spines[:].set_visible(False)
        ax.set_title(caption, loc="center")
    axes[0, 0].set_ylabel("row")
    bar = color_scale(figure, axes, DIGIT, most, "channels that are 0 for all digits")
    bar.ax.xaxis.set_major_locator(MaxNLocator(integer=True))
    return settled(figure)
