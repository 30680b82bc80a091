"""Figures of chapter 2: kernels and their responses, a kernel being learned, the kernels of a trained network."""

from collections.abc import Mapping, Sequence
from fractions import Fraction

import numpy as np
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle
from numpy.typing import NDArray

from convbook.figures.style import (
    DIGIT,
    EDGE,
    FIRST,
    FOURTH,
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


def kernel_responses(
    images: Sequence[NDArray], kernels: Mapping[str, NDArray], responses: Sequence[Sequence[NDArray]]
) -> Figure:
    """Show images in the first column and, in a column for each kernel, its numbers and its responses.

    A response without negative values is drawn in grey like its image. Any other has its own signed colour scale,
    limited at the 99th percentile so that a few strong pixels do not make the rest pale.

    Args:
        images: grey images.
        kernels: kernels (k, k) by the title of their column.
        responses: for each image, the response of each kernel.
    """
    figure, axes = bare_axes(1 + len(images), 1 + len(kernels), 1.75)
    for ax, (name, kernel) in zip(axes[0, 1:], kernels.items(), strict=True):
        size = len(kernel)
        ax.set_title(name, loc="center")
        ax.set(xlim=(-0.6, size - 0.4), ylim=(size - 0.4, -0.6), aspect="equal")
        ends = -0.5, size - 0.5
        ax.hlines(np.arange(size + 1) - 0.5, *ends, color=EDGE, linewidth=0.6)
        ax.vlines(np.arange(size + 1) - 0.5, *ends, color=EDGE, linewidth=0.6)
        for (row, column), weight in np.ndenumerate(kernel):
            text = str(Fraction(float(weight)).limit_denominator(100)).replace("-", "−")
            ax.text(column, row, text, ha="center", va="center", fontsize=SMALL)
    for row, image, shown in zip(axes[1:], images, responses, strict=True):
        show(row[0], image, DIGIT, image.max())
        for ax, response in zip(row[1:], shown, strict=True):
            if response.min() < 0:
                show(ax, response, SIGNED, float(np.percentile(np.abs(response), 99)))
            else:
                show(ax, response, DIGIT, image.max())
    color_scale(figure, axes, SIGNED, None, "signed output, each picture on its own scale")
    return settled(figure)


def profile(pixels: NDArray, responses: Mapping[str, NDArray]) -> Figure:
    """Draw one row of an image as bars, and below it the response of each kernel, all on one scale, with their numbers.

    Args:
        pixels: brightness along the row, (n,).
        responses: responses (n - 2,) by the name of the kernel; each is drawn under the middle of its window.
    """
    rows = {"pixels": (np.arange(len(pixels)), pixels)}
    rows |= {name: (np.arange(1, len(pixels) - 1), response) for name, response in responses.items()}
    reach = max(float(np.abs(values).max()) for _, values in rows.values())
    room = 0.24 * reach  # for numbers and names
    figure = Figure(figsize=(WIDTH, 5.6))
    ax = figure.subplots()
    ax.set_axis_off()
    base = 0.0
    for name, (places, values) in rows.items():
        base -= max(float(values.max()), 0) + 2 * room
        ax.text(-0.6, base + max(float(values.max()), 0) + 0.9 * room, name)
        ax.plot([-0.6, len(pixels) - 0.4], [base, base], color=EDGE, linewidth=0.8)
        ax.bar(places, values, bottom=base, color=np.where(values < 0, NEGATIVE, POSITIVE), width=0.7)
        for place, value in zip(places, values, strict=True):
            ax.annotate(
                number(value, 0),
                (place, base + value),
                (0, 1.5 if value >= 0 else -1.5),
                textcoords="offset points",
                ha="center",
                va="bottom" if value >= 0 else "top",
                fontsize=SMALL,
            )
        base += min(float(values.min()), 0) - (0.6 * room if values.min() < 0 else 0)
    ax.set(xlim=(-0.7, len(pixels) - 0.3), ylim=(base - 0.2 * room, 0))
    return figure


def learning(losses: NDArray, kernels: Mapping[str, NDArray]) -> Figure:
    """Plot the loss over the steps of training and, below it, kernels on one colour scale.

    Args:
        losses: the loss before each step, (steps,).
        kernels: kernels (rows, columns) by caption: after some of the steps, then the one to be learned.
    """
    figure = Figure(figsize=(WIDTH, 4.6))
    grid = figure.add_gridspec(2, len(kernels), height_ratios=(3, 1))
    curve = figure.add_subplot(grid[0, :])
    curve.plot(losses, color=FIRST)
    curve.set(yscale="log", xlabel="step", ylabel="loss (log scale)")
    most = signed_most(*kernels.values())
    axes = []
    for column, (caption, kernel) in enumerate(kernels.items()):
        ax = figure.add_subplot(grid[1, column])
        show(ax, kernel, SIGNED, most)
        ax.set_title(caption, loc="center")
        ax.set_axis_off()
        axes.append(ax)
    color_scale(figure, np.array(axes), SIGNED, most, "weight")
    return settled(figure)


def relatives(kernels: NDArray, nearest: NDArray, similarities: NDArray, chance: NDArray) -> Figure:
    """Show kernels above their nearest hand-made relatives, most similar first, and compare with random kernels.

    Every kernel has its own colour scale, because the similarity depends on the pattern, not on the size.

    Args:
        kernels: (N, 3, 3).
        nearest: the hand-made kernel that is nearest to each, (N, 3, 3).
        similarities: how similar the two are, (N,), 0 to 1.
        chance: the similarities of many random kernels with their nearest relatives.
    """
    order = np.argsort(-similarities)
    columns, block = 8, 10  # a block of cells: two for the number, three for each kernel and a gap below it
    blocks = -(-len(kernels) // columns)
    canvas = np.full((blocks * block, columns * 4 - 1), np.nan)  # nan is not drawn
    figure = Figure(figsize=(WIDTH, 1.95 * blocks + 2.9))
    top, bottom = figure.subplots(2, height_ratios=(1.95 * blocks, 2.1))
    top.set_axis_off()
    for place, index in enumerate(order):
        upper, left = place // columns * block, place % columns * 4
        top.text(left + 1, upper + 0.8, f"{similarities[index]:.3f}", ha="center", va="center")
        for row, shown in ((upper + 2, kernels[index]), (upper + 6, nearest[index])):
            canvas[row : row + 3, left : left + 3] = shown / np.abs(shown).max()
            corner = left - 0.5, row - 0.5
            top.add_patch(Rectangle(corner, 3, 3, fill=False, edgecolor=EDGE, linewidth=0.6, clip_on=False))
    top.imshow(canvas, cmap=SIGNED, vmin=-1, vmax=1).set_gid("signed")
    color_scale(figure, top, SIGNED, None, "weight, each kernel on its own scale")

    heights, _, _ = bottom.hist(chance, bins=np.linspace(0, 1, 41), color=FOURTH, alpha=0.5, label="random kernels")
    mark = float(np.percentile(chance, 95))
    bottom.axvline(mark, color=INK, linestyle=":", label="95 % of them are left of this line")
    heights_of_marks = np.full(len(similarities), 0.12 * heights.max())
    bottom.plot(similarities, heights_of_marks, "^", color=FIRST, label="trained kernels")
    bottom.set(xlim=(0, 1), ylim=(0, 1.9 * heights.max()), yticks=[], xlabel="similarity to the nearest rotation")
    bottom.spines["left"].set_visible(False)
    bottom.legend(loc="upper left")
    return settled(figure)
