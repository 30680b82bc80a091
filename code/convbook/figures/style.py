"""The style of the figures, and drawing functions that several of them share.

Figures are SVG, in the colours of the tokens. On the site each colour becomes its custom property, ink the colour of
the text, and paper transparent, so figures fit light and dark mode. Colours are never the only distinction.

Images have two colour scales. Pixels and maps without a sign go from dark (0) to light (much), in both modes, because
light is what the text calls bright. Signed values are painted over the page itself, which shows through at 0.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np
from matplotlib import style
from matplotlib.axes import Axes
from matplotlib.cm import ScalarMappable
from matplotlib.collections import PatchCollection
from matplotlib.colorbar import Colorbar
from matplotlib.colors import Colormap, LinearSegmentedColormap, Normalize, to_rgba
from matplotlib.figure import Figure
from matplotlib.image import AxesImage
from matplotlib.patches import Rectangle
from matplotlib.patheffects import withStroke
from matplotlib.ticker import FuncFormatter
from matplotlib_inline.backend_inline import set_matplotlib_formats
from numpy.typing import NDArray

from convbook.tokens import TOKENS, color

INK, PAPER, QUIET, LINE, EDGE = (color(name) for name in ("ink", "paper", "quiet", "line", "edge"))
POSITIVE, NEGATIVE, POINT, WRONG = (color(name) for name in ("positive", "negative", "point", "wrong"))
FIRST, SECOND, THIRD, FOURTH = (color(name) for name in ("first", "second", "third", "fourth"))

# On the dark and light ends of a scale that is the same in both modes, so not in the colours that change.
NIGHT, DAY = color("night"), color("day")

DIGIT = LinearSegmentedColormap.from_list("bright", [NIGHT, DAY])
SIGNED = LinearSegmentedColormap.from_list(
    "signed",
    [(0, to_rgba(NEGATIVE, 1)), (0.5, to_rgba(NEGATIVE, 0)), (0.5, to_rgba(POSITIVE, 0)), (1, to_rgba(POSITIVE, 1))],
)

WIDTH = 5.8  # inches, which fill the column; a point of type is 1.6 pixels on a desk, 1.07 on a phone
SMALL = 9.5  # points, for what stands close together

STYLE: dict[str, Any] = {
    "axes.axisbelow": True,
    "axes.edgecolor": EDGE,
    "axes.facecolor": "none",
    "axes.grid": False,
    "axes.labelcolor": QUIET,
    "axes.spines.right": False,
    "axes.spines.top": False,
    "axes.titlelocation": "left",
    "axes.titlesize": 10.5,
    "figure.constrained_layout.h_pad": 0.06,
    "figure.constrained_layout.use": True,
    "figure.facecolor": PAPER,
    "font.family": "sans-serif",
    "font.sans-serif": [name.strip(" '") for name in TOKENS["fonts"]["sans"].split(",")[:-1]] + ["DejaVu Sans"],
    "font.size": 10.5,
    "grid.color": LINE,
    "image.composite_image": False,
    "image.interpolation": "none",  # an SVG then keeps one pixel for each number
    "legend.fontsize": 10,
    "legend.edgecolor": "none",
    "legend.facecolor": PAPER,  # no line runs through its words
    "legend.fancybox": False,
    "legend.framealpha": 1,
    "savefig.facecolor": PAPER,
    "svg.fonttype": "none",
    "svg.hashsalt": "convbook",
    "text.color": INK,
    "xtick.color": EDGE,
    "xtick.labelcolor": QUIET,
    "xtick.labelsize": SMALL,
    "ytick.color": EDGE,
    "ytick.labelcolor": QUIET,
    "ytick.labelsize": SMALL,
}


def use_book_style() -> None:
    """Draw the figures of this notebook as SVG in the book's style, all of them exactly as wide as they say."""
    set_matplotlib_formats("svg", metadata={"Date": None}, bbox_inches=None)
    style.use(STYLE)


def bare_axes(rows: int, columns: int, cell_height: float) -> tuple[Figure, NDArray]:
    """Create a grid of axes without frames, for images; ``cell_height`` is in inches."""
    figure = Figure(figsize=(WIDTH, rows * cell_height))
    axes = figure.subplots(rows, columns, squeeze=False)
    for ax in axes.flat:
        ax.set_axis_off()
    return figure, axes


def show(
    ax: Axes,
    values: NDArray,
    scale: Colormap,
    most: float,
    extent: tuple[float, float, float, float] | None = None,
) -> AxesImage:
    """Draw pixels or a map (h, w) on ``DIGIT``, from 0 to ``most``, or on ``SIGNED``, from -``most`` to ``most``.

    A thin line goes around it, because 0 is the colour of the page: of the dark one or, if signed, of both.
    """
    most = float(most) or 1.0
    image = ax.imshow(values, cmap=scale, vmin=-most if scale == SIGNED else 0, vmax=most, extent=extent)
    if scale == SIGNED:
        image.set_gid("signed")  # the site finds it by this name to brighten it in the dark
    left, right, bottom, top = image.get_extent()
    ax.add_patch(Rectangle((left, top), right - left, bottom - top, fill=False, ec=EDGE, lw=0.6, clip_on=False))
    return image


def settled(figure: Figure) -> Figure:
    """Lay a figure of images out once before it is drawn: only the second time are their titles given room.

    Images are square and so smaller than their place at first, where titles seem to need none.
    """
    figure.draw_without_rendering()
    return figure


def signed_most(*maps: NDArray) -> float:
    """Return the largest size of a value in some maps, at which their signed colours end."""
    return max(float(np.abs(values).max()) for values in maps)


def outline(ax: Axes, rows: range, columns: range) -> None:
    """Frame a region of an image, given in pixels, in the colour of what is pointed at, with a dark rim."""
    frame = Rectangle(
        (columns.start - 0.5, rows.start - 0.5), len(columns), len(rows), fill=False, ec=POINT, lw=2, clip_on=False
    )
    frame.set_path_effects([withStroke(linewidth=4, foreground=NIGHT)])
    ax.add_patch(frame)


def number(value: float, digits: int = 1) -> str:
    """Write a number with a real minus sign."""
    return f"{value:.{digits}f}".replace("-", "−")


def color_scale(
    figure: Figure, axes: Any, scale: Colormap, most: float | None, label: str, *, shrink: float = 0.5
) -> Colorbar:
    """Add the key of a colour scale below the axes, with numbers up to ``most``, or none if every image has its own."""
    signed = scale == SIGNED
    high = most or 1.0
    low = -high if signed else 0.0
    colors = ScalarMappable(Normalize(low, high), scale)
    bar = figure.colorbar(colors, ax=axes, location="bottom", shrink=shrink, aspect=22, label=label)
    for patches in list(bar.ax.collections):
        patches.set_visible(False)  # they have seams where they are half transparent
    image = bar.ax.imshow(
        np.linspace(low, high, 128)[None], cmap=scale, vmin=low, vmax=high, extent=(low, high, 0, 1), aspect="auto"
    )
    if signed:
        image.set_gid("signed")
    bar.outline.set_edgecolor(EDGE)
    if most is None:
        bar.set_ticks([-high, 0, high] if signed else [0, high], labels=["−", "0", "+"] if signed else ["0", "most"])
    else:
        bar.ax.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}".replace("-", "−")))
    return bar


def mosaic(tiles: NDArray, columns: int, captions: Sequence[object] = ()) -> tuple[Figure, Axes]:
    """Draw images (N, h, w) as a single picture on the scale of pixels, each below its caption.

    Hundreds of separate axes or images would take minutes to lay out. The axes count pixels of the tiles.
    """
    count, height, width = tiles.shape
    rows = -(-count // columns)
    gap = 1 + width // 8
    lines = max((str(caption).count("\n") + 1 for caption in captions), default=0)
    pixels_an_inch = (width + gap) * columns / WIDTH
    line, room = 0.17 * pixels_an_inch, 0.1 * pixels_an_inch * (lines > 0)  # in pixels of the tiles
    head = round(lines * line + room)
    pitch = height + gap + head
    canvas = np.full((rows * pitch, columns * (width + gap)), np.nan)  # nan is not drawn
    figure = Figure(figsize=(WIDTH, WIDTH * canvas.shape[0] / canvas.shape[1]))
    figure.set_layout_engine("none")
    ax = figure.add_axes((0, 0, 1, 1))
    ax.set_axis_off()
    frames = []
    for i, tile in enumerate(tiles):
        top, left = i // columns * pitch + head, i % columns * (width + gap) + gap // 2
        canvas[top : top + height, left : left + width] = tile
        if not np.isnan(tile).all():
            frames.append(Rectangle((left - 0.5, top - 0.5), width, height))
        if lines:
            # One text for each line: a text of several lines is placed as wide as the font that drew it.
            for up, text in enumerate(reversed(str(captions[i]).split("\n"))):
                ax.text(left + (width - 1) / 2, top - 1 - up * line, text, ha="center", va="bottom", fontsize=SMALL)
    ax.imshow(canvas, cmap=DIGIT, vmin=min(0, np.nanmin(canvas)), vmax=np.nanmax(canvas), aspect="auto")
    ax.add_collection(PatchCollection(frames, facecolor="none", edgecolor=EDGE, linewidth=0.6))
    return figure, ax


def digits(images: NDArray, captions: Sequence[object], columns: int = 6) -> Figure:
    """Show digits (N, 28, 28) in a grid, each below its caption."""
    return mosaic(images, columns, captions)[0]
