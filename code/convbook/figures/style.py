"""The style of the figures, and drawing functions that several of them share.

Figures are SVG. Ink and paper have two colours that are used for nothing else, so the site can replace them: text takes
the colour of the page, and the paper becomes transparent, so that figures fit light and dark mode. In a notebook they
are black on white. Data colours come from the palette of Okabe & Ito (2008), which colour-blind readers can tell apart,
and are never the only distinction.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np
from matplotlib import style
from matplotlib.axes import Axes
from matplotlib.cm import ScalarMappable
from matplotlib.colors import CenteredNorm
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle
from matplotlib_inline.backend_inline import set_matplotlib_formats
from numpy.typing import NDArray

INK = "#1b1b1b"
PAPER = "#fefefe"
BLUE, VERMILLION, GREEN = "#0072b2", "#d55e00", "#009e73"
WIDTH = 5.2  # inches; on a phone a figure shrinks to about three quarters

DIGIT = "gray"  # pixel values, 0 black to 1 white
MAP = "viridis"  # activations, dark is low
SIGNED = "PuOr"  # weights and evidence, orange below zero, purple above

STYLE: dict[str, Any] = {
    "axes.axisbelow": True,
    "axes.edgecolor": INK,
    "axes.facecolor": "none",
    "axes.grid": False,
    "axes.labelcolor": INK,
    "axes.spines.right": False,
    "axes.spines.top": False,
    "axes.titlelocation": "left",
    "axes.titlesize": 10,
    "figure.constrained_layout.use": True,
    "figure.facecolor": PAPER,
    "font.size": 10,
    "image.interpolation": "nearest",
    "savefig.facecolor": PAPER,
    "svg.fonttype": "none",
    "svg.hashsalt": "convbook",
    "text.color": INK,
    "xtick.color": INK,
    "ytick.color": INK,
}


def use_book_style() -> None:
    """Draw the figures of this notebook as SVG in the book's style."""
    set_matplotlib_formats("svg", metadata={"Date": None})
    style.use(STYLE)


def bare_axes(rows: int, columns: int, cell_height: float) -> tuple[Figure, NDArray]:
    """Create a grid of axes without frames, for images; ``cell_height`` is in inches."""
    figure = Figure(figsize=(WIDTH, rows * cell_height))
    axes = figure.subplots(rows, columns, squeeze=False)
    for ax in axes.flat:
        ax.set_axis_off()
    return figure, axes


def outline(ax: Axes, rows: range, columns: range) -> None:
    """Outline a region of an image, given in pixels."""
    corner = columns.start - 0.5, rows.start - 0.5
    ax.add_patch(Rectangle(corner, len(columns), len(rows), fill=False, edgecolor=VERMILLION, linewidth=2))


def color_scale(figure: Figure, axes: NDArray, norm: CenteredNorm, label: str) -> None:
    """Add the scale of the signed colours below the axes."""
    mappable = ScalarMappable(norm, SIGNED)
    figure.colorbar(mappable, ax=axes, location="bottom", shrink=0.5, aspect=30, label=label)


def mosaic(tiles: NDArray, columns: int, captions: Sequence[object] = ()) -> tuple[Figure, Axes]:
    """Draw images (N, h, w) as a single picture on one grey scale, each below its caption.

    Hundreds of separate axes or images would take minutes to lay out. The axes count pixels of the tiles.
    """
    count, height, width = tiles.shape
    rows = -(-count // columns)
    gap = 1 + width // 10
    lines = max((str(caption).count("\n") + 1 for caption in captions), default=0)
    line = 0.16 * (width + gap) * columns / WIDTH  # a line of text is 0.16 inches high
    head = round(lines * line)
    canvas = np.full((rows * (height + gap + head), columns * (width + gap) - gap), np.nan)  # nan is not drawn
    figure = Figure(figsize=(WIDTH, WIDTH * canvas.shape[0] / canvas.shape[1]))
    figure.set_layout_engine("none")
    ax = figure.add_axes((0, 0, 1, 1))
    ax.set_axis_off()
    for i, tile in enumerate(tiles):
        top, left = i // columns * (height + gap + head) + head, i % columns * (width + gap)
        canvas[top : top + height, left : left + width] = tile
        if lines:
            center = left + (width - 1) / 2
            ax.text(center, top - 1, str(captions[i]), ha="center", va="bottom", fontsize=9, linespacing=1.1)
    ax.imshow(canvas, cmap=DIGIT, aspect="auto")
    return figure, ax


def digits(images: NDArray, captions: Sequence[object], columns: int = 6) -> Figure:
    """Show digits (N, 28, 28) in a grid, each below its caption."""
    return mosaic(images, columns, captions)[0]
