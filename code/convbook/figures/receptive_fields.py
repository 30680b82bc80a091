"""Figures of chapter 7: the pixels that a unit can see, those that it uses, and how both grow with depth."""

from collections.abc import Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.collections import LineCollection
from matplotlib.figure import Figure
from numpy.typing import NDArray

from convbook.arithmetic import Stage
from convbook.figures.style import (
    DIGIT,
    EDGE,
    FIRST,
    INK,
    POINT,
    QUIET,
    SECOND,
    THIRD,
    WIDTH,
    color_scale,
    outline,
    settled,
    show,
)


def sees_and_uses(image: NDArray, influence: NDArray, rows: range, columns: range) -> Figure:
    """Show a digit with a unit's receptive field, the influence of each pixel, and the digit dimmed accordingly.

    Args:
        image: the digit (28, 28).
        influence: influence of each pixel on the unit (28, 28), on any scale.
        rows: image rows of the receptive field.
        columns: its columns.
    """
    share = influence / influence.max()
    figure = Figure(figsize=(WIDTH, 3.1))
    axes = figure.subplots(1, 3, sharey=True)
    pictures = (
        ("what it can see", image, image.max()),
        ("what it uses", share, 1),
        ("the product of both", image * share, image.max()),
    )
    for ax, (caption, picture, most) in zip(axes, pictures, strict=True):
        show(ax, picture, DIGIT, most)
        outline(ax, rows, columns)
        ax.set_title(caption, loc="center")
        _count_pixels(ax, rows, columns, image.shape)
    axes[0].set_ylabel("row")
    color_scale(figure, axes, DIGIT, 1, "share of the pixel that counts most, in the middle picture")
    return settled(figure)


def _count_pixels(ax: Axes, rows: range, columns: range, shape: tuple[int, ...]) -> None:
    """Number the first and last pixels of an image and of a region of it along its sides."""
    for axis, size, region in ((ax.xaxis, shape[1], columns), (ax.yaxis, shape[0], rows)):
        ends = {region.start, region.stop - 1}
        axis.set_ticks(sorted(ends | {end for end in (0, size - 1) if all(abs(end - own) > 4 for own in ends)}))
    ax.set_xlabel("column")
    ax.spines[:].set_visible(False)


def cone(rows: Sequence[Stage], unit: int) -> Figure:
    """Draw a stack of layers along one axis, with the image at the bottom and everything that one unit at the top sees.

    Every unit is drawn above the middle of its receptive field. The layers must not pad.

    Args:
        rows: the layers' rows from ``arithmetic.trace``.
        unit: index of the unit in the last layer.

    Raises:
        ValueError: a layer pads.
    """
    if any(row.start for row in rows):
        raise ValueError("the cone is drawn for layers without padding")
    size = rows[0].image_size
    places = [np.arange(size, dtype=float)]  # the image's pixels, then each layer's units, counted in pixels
    places += [np.arange(row.size) * row.jump + (row.receptive_field - 1) / 2 for row in rows]

    # From the top down: the units in the cone, and the lines to the units under their kernels.
    seen, inside, lines = {unit}, [{unit}], []
    for level in range(len(rows), 0, -1):
        stride = rows[level - 1].jump // (rows[level - 2].jump if level > 1 else 1)
        covered = set()
        for index in sorted(seen):
            for below in range(index * stride, index * stride + rows[level - 1].kernel):
                lines.append([(places[level][index], level), (places[level - 1][below], level - 1)])
                covered.add(below)
        seen = covered
        inside.insert(0, seen)

    figure = Figure(figsize=(WIDTH, 0.65 * len(rows) + 0.6))
    ax = figure.subplots()
    ax.set_axis_off()
    ax.add_collection(LineCollection(lines, colors=FIRST, linewidths=0.8, zorder=1))
    labels = [("image", f"{size} pixels")]
    labels += [(row.name, f"sees {row.receptive_field}, jump {row.jump}") for row in rows]
    for level, (at, chosen, (name, note)) in enumerate(zip(places, inside, labels, strict=True)):
        lit = np.isin(np.arange(len(at)), list(chosen))
        shape = "s" if level == 0 else "o"
        ax.plot(at[~lit], np.full((~lit).sum(), level), shape, ms=9, mfc="none", mec=EDGE, mew=0.8)
        ax.plot(at[lit], np.full(lit.sum(), level), shape, ms=9, color=FIRST)
        ax.text(-1, level, name, ha="right", va="center")
        ax.text(size, level, note, va="center", color=QUIET)
    ax.plot(places[-1][[unit]], [len(rows)], "o", ms=9, color=POINT, mec=INK)
    ax.set(xlim=(-0.3 * size, 1.55 * size), ylim=(-0.5, len(rows) + 0.5))
    return figure


def spread(
    depths: Sequence[int], equal: Sequence[float], law: Sequence[float], exact: Sequence[float], random: Sequence[float]
) -> Figure:
    """Plot standard deviations of the influence on a unit, in pixels, against the number of layers.

    Args:
        depths: numbers of layers.
        equal: if all pixels of the receptive field counted the same.
        law: the square-root law.
        exact: measured on equal weights.
        random: measured on random weights.
    """
    figure = Figure(figsize=(WIDTH, 4))
    ax = figure.subplots()
    ax.plot(depths, equal, "--", color=INK, label="if all pixels of the field counted the same")
    ax.plot(depths, random, "^", color=SECOND, label="random weights and ReLU, measured")
    ax.plot(depths, exact, "o", color=FIRST, label="equal weights, exact")
    ax.plot(depths, law, "-", color=THIRD, label="law √(n (k² − 1) / 12)", zorder=0)
    ax.set(xscale="log", yscale="log", xlabel="layers n of 3 × 3", ylabel="standard deviation in pixels")
    ax.minorticks_off()
    ax.set_xticks([1, 2, 4, 8, 12], ["1", "2", "4", "8", "12"])
    ax.set_yticks([1, 2, 4, 8], ["1", "2", "4", "8"])
    ax.set_ylim(top=1.8 * max(equal))  # room for the key
    ax.legend(loc="upper left")
    return figure


def effective_fields(influences: Sequence[NDArray], rows: Sequence[Stage], captions: Sequence[str]) -> Figure:
    """Show the influence of each pixel on the middle unit of several layers, with the receptive field outlined.

    There are three panels to a row. Each is scaled to its strongest pixel, so that all have one colour scale.

    Args:
        influences: one (height, width) for each layer.
        rows: the layers' rows from ``arithmetic.trace``.
        captions: one for each layer.
    """
    lines = -(-len(rows) // 3)
    figure = Figure(figsize=(WIDTH, 2.35 * lines + 0.6))
    axes = figure.subplots(lines, 3, squeeze=False)
    for ax in axes.flat[len(rows) :]:
        ax.set_axis_off()
    for ax, influence, row, caption in zip(axes.flat, influences, rows, captions, strict=False):
        show(ax, influence / influence.max(), DIGIT, 1)
        seen = row.sees((row.size - 1) // 2)
        outline(ax, seen, seen)
        ax.set_title(caption, loc="center")
        _count_pixels(ax, seen, seen, influence.shape)
        ax.set_xlabel("")
    color_scale(figure, axes, DIGIT, 1, "share of the strongest pixel")
    return settled(figure)
