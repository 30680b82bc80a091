"""The matplotlib figures of the chapters.

Every function takes plain arrays and returns a Figure. Figures are SVG. Their ink and paper are two colours that stand
for nothing else, so the site can replace them: text follows the page's colour and the paper turns transparent, which
makes figures native in light and dark mode. In a notebook they are plain black on white. Data colours come from the
palette of Okabe & Ito (2008), which colour-blind readers can tell apart, and never carry a meaning alone.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from IPython.display import HTML, display
from matplotlib import style
from matplotlib.axes import Axes
from matplotlib.cm import ScalarMappable
from matplotlib.colors import CenteredNorm
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle
from matplotlib.ticker import MaxNLocator, NullLocator, PercentFormatter, ScalarFormatter
from matplotlib_inline.backend_inline import set_matplotlib_formats
from numpy.typing import NDArray

from convbook.arithmetic import Stage, from_keras, trace

if TYPE_CHECKING:  # the concept chapters draw without TensorFlow
    from convbook.training import Epoch, History

INK = "#1b1b1b"
PAPER = "#fefefe"
BLUE, VERMILLION, GREEN = "#0072b2", "#d55e00", "#009e73"
WIDTH = 5.2  # inches, somewhat more than a phone's page: there a figure shrinks to three quarters

DIGIT = "gray"  # pixel values, 0 black to 1 white
MAP = "viridis"  # activations, dark is low
SIGNED = "PuOr"  # weights and evidence, brown below zero, purple above

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
    """Draw in the book's style, as SVG, in this notebook."""
    set_matplotlib_formats("svg", metadata={"Date": None})
    style.use(STYLE)


def _grid(rows: int, columns: int, cell_height: float) -> tuple[Figure, NDArray]:
    """Lay out bare axes for images; ``cell_height`` in inches."""
    figure = Figure(figsize=(WIDTH, rows * cell_height))
    axes = figure.subplots(rows, columns, squeeze=False)
    for ax in axes.flat:
        ax.set_axis_off()
    return figure, axes


def _outline(ax: Axes, rows: range, columns: range) -> None:
    corner = columns.start - 0.5, rows.start - 0.5
    ax.add_patch(Rectangle(corner, len(columns), len(rows), fill=False, edgecolor=VERMILLION, linewidth=2))


def _color_scale(figure: Figure, axes: NDArray, norm: CenteredNorm, label: str) -> None:
    mappable = ScalarMappable(norm, SIGNED)
    figure.colorbar(mappable, ax=axes, location="bottom", shrink=0.5, aspect=30, label=label)


def _mosaic(tiles: NDArray, columns: int, captions: Sequence[object] = ()) -> tuple[Figure, Axes]:
    """Draw images (N, h, w) as one picture on one grey scale, each under its caption.

    One picture, because hundreds of axes or images take minutes to lay out. The axes count in pixels of the tiles.
    """
    count, height, width = tiles.shape
    rows = -(-count // columns)
    gap = 1 + width // 10
    lines = max((str(caption).count("\n") + 1 for caption in captions), default=0)
    line = 0.16 * (width + gap) * columns / WIDTH  # a line of text is 0.16 inches high
    head = round(lines * line)
    canvas = np.full((rows * (height + gap + head), columns * (width + gap) - gap), np.nan)  # nan is drawn as nothing
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
    """Show digits (N, 28, 28) in a grid, each under its caption."""
    return _mosaic(images, columns, captions)[0]


def learning_rates(rates: Sequence[float]) -> Figure:
    """Plot a schedule: the learning rate of every epoch."""
    figure = Figure(figsize=(WIDTH, 2.6))
    ax = figure.subplots()
    epochs = range(1, len(rates) + 1)
    ax.step(epochs, rates, where="mid", color=BLUE)
    ax.plot(epochs, rates, "o", color=BLUE, markersize=4)
    half = next((epoch for epoch, rate in zip(epochs, rates, strict=True) if rate < rates[0] / 2), None)
    if half is not None:
        ax.axhline(rates[0] / 2, color=INK, linestyle=":", linewidth=1)
        ax.annotate(f"below half from epoch {half} on", (half, rates[half - 1]), (half + 1, rates[0] * 0.62))
    ax.set(xlabel="epoch", ylabel="learning rate", ylim=(0, None))
    ax.xaxis.set_major_locator(MaxNLocator(integer=True))
    return figure


def curves(
    history: Sequence[Epoch],
    reference: Sequence[Epoch] = (),
    *,
    reference_name: str = "notes",
    ceiling: float | None = None,
    floor: float | None = None,
) -> Figure:
    """Plot accuracy and loss over the epochs, beside those of a reference run.

    Args:
        history: the run to show.
        reference: another run, drawn dashed.
        reference_name: what the legend calls it.
        ceiling: highest training accuracy that is possible, drawn as a line.
        floor: lowest training loss that is possible, drawn as a line.
    """
    figure = Figure(figsize=(WIDTH, 6))
    top, bottom = figure.subplots(2, sharex=True)

    def draw(run: Sequence[Epoch], style: str, name: str) -> None:
        epochs = [epoch.epoch for epoch in run]
        for ax, validation, training in ((top, "val_accuracy", "accuracy"), (bottom, "val_loss", "loss")):
            for column, color, marker in ((validation, BLUE, "o"), (training, VERMILLION, "s")):
                kind = "validation" if column == validation else "training"
                values = [getattr(epoch, column) for epoch in run]
                ax.plot(epochs, values, style, marker=marker, markersize=3.5, color=color, label=f"{kind}, {name}")

    draw(history, "-", "this run")
    if reference:
        draw(reference, "--", reference_name)
    for ax, bound, name in ((top, ceiling, "ceiling"), (bottom, floor, "floor")):
        if bound is not None:
            ax.axhline(bound, color=INK, linestyle=":", linewidth=1.5, label=f"{name} for training, {bound:.4f}")
    top.set(title="Accuracy", ylim=(None, 1.001))
    bottom.set(title="Loss (log scale)", xlabel="epoch", yscale="log", yticks=[0.02, 0.05, 0.1, 0.2, 0.5])
    bottom.yaxis.set_major_formatter(ScalarFormatter())
    bottom.yaxis.set_minor_locator(NullLocator())
    bottom.xaxis.set_major_locator(MaxNLocator(integer=True))
    entries = {str(line.get_label()): line for line in (*top.lines, *bottom.lines)}  # one for both panels
    figure.legend(entries.values(), entries.keys(), loc="outside lower center", ncols=2, frameon=False, fontsize=9)
    return figure


class LiveCurve:
    """Progress in a notebook: a bar for the epoch and curves that grow. Both go when the run is done."""

    def __init__(self) -> None:
        """Take the place in the output of the running cell."""
        self._bar = display(HTML(""), display_id=True)
        self._curves = display(HTML(""), display_id=True)
        self._shown = 0.0

    def step(self, history: History, epochs: int, done: float) -> None:
        """Move the bar, at most twice a second."""
        if time.monotonic() - self._shown < 0.5:
            return
        self._shown = time.monotonic()
        left = f", about {(epochs - len(history) - done) * history[-1].seconds / 60:.0f} min left" if history else ""
        text = f"Epoch {len(history) + 1} of {epochs}, {done:.0%} done{left}"
        bar = f'<progress max="{epochs}" value="{len(history) + done:.2f}" aria-label="{text}"></progress>'
        self._bar.update(HTML(f"{bar} {text}"))

    def epoch(self, history: History, epochs: int) -> None:
        """Redraw the curves; clear the place after the last epoch."""
        finished = len(history) == epochs
        self._curves.update(HTML("") if finished else curves(history))
        if finished:
            self._bar.update(HTML(""))


def confusion(matrix: NDArray[np.integer]) -> Figure:
    """Draw a confusion matrix (classes, classes) of counts, rows true, columns predicted.

    Colour shows the mistakes only: a single scale would drown them in the thousands on the diagonal.
    """
    figure = Figure(figsize=(WIDTH, 5.2))
    ax = figure.subplots()
    mistakes = np.where(np.eye(len(matrix), dtype=bool), 0, matrix)
    shown = np.ma.masked_equal(mistakes, 0)
    ax.imshow(shown, cmap="YlOrBr", vmin=0, vmax=max(mistakes.max() * 1.6, 1))  # pale enough for the counts on top
    for (row, column), count in np.ndenumerate(matrix):
        if count:
            color = INK if row == column else "black"
            ax.text(column, row, f"{count:,}", ha="center", va="center", fontsize=8.5, color=color)
    ax.set(xlabel="predicted digit", ylabel="true digit", xticks=range(len(matrix)), yticks=range(len(matrix)))
    ax.spines[:].set_visible(False)
    ax.tick_params(length=0)
    return figure


def mistakes(images: NDArray, labels: NDArray, probabilities: NDArray) -> Figure:
    """Show misread digits (N, 28, 28), each with its label and what the network thought (N, 10)."""
    guesses = probabilities.argmax(axis=1)
    captions = [
        f"{label} read as {guess}\n{guess}: {p[guess]:.0%}, {label}: {p[label]:.0%}"
        for label, guess, p in zip(labels, guesses, probabilities, strict=True)
    ]
    return digits(images, captions, columns=5)


def kernels(weights: NDArray, columns: int = 8) -> Figure:
    """Show single-channel kernels (k, k, N) on one shared colour scale with white at zero."""
    count = weights.shape[-1]
    rows = -(-count // columns)
    figure, axes = _grid(rows, columns, 0.95)
    norm = CenteredNorm(halfrange=float(np.abs(weights).max()))
    for i, ax in enumerate(axes.flat[:count]):
        ax.imshow(weights[:, :, i], cmap=SIGNED, norm=norm)
        ax.set_title(str(i), loc="center", fontsize=9)
    _color_scale(figure, axes, norm, "weight")
    return figure


def stages(image: NDArray, maps: Sequence[NDArray], rows: Sequence[Stage], channels: int = 5) -> Figure:
    """Show how maps shrink while fields grow, one row a stage.

    Left the digit with what the stage's middle unit sees; beside it the stage's first maps, drawn to the scale of the
    digit's pixels. A row shares one colour scale.

    Args:
        image: the digit (28, 28).
        maps: the stages' maps, each (height, width, channels).
        rows: the stages' rows of the table.
        channels: how many maps a row shows.
    """
    size = len(image)
    figure, axes = _grid(len(rows), channels + 1, 0.98)
    for (first, *others), stage, stack in zip(axes, rows, maps, strict=True):
        first.imshow(image, cmap=DIGIT)
        seen = stage.sees((stage.size - 1) // 2)
        _outline(first, seen, seen)
        first.set_title(f"{stage.name}: {stage.size} × {stage.size} × {stage.channels}, sees {stage.receptive_field}")
        margin = (size - stage.size) / 2 - 0.5
        extent = margin, margin + stage.size, margin + stage.size, margin
        for channel, ax in enumerate(others):
            ax.imshow(stack[:, :, channel], cmap=MAP, vmin=stack.min(), vmax=stack.max(), extent=extent)
            ax.set(xlim=(-0.5, size - 0.5), ylim=(size - 0.5, -0.5))
    return figure


def field(image: NDArray, fields: Sequence[tuple[str, range, range]]) -> Figure:
    """Show a digit (28, 28) once for every (caption, rows, columns), outlining that region and dimming the rest."""
    figure, axes = _grid(1, len(fields), 2.1)
    for ax, (caption, rows, columns) in zip(axes.flat, fields, strict=True):
        dimmed = 0.35 * image
        dimmed[rows.start : rows.stop, columns.start : columns.stop] *= 1 / 0.35
        ax.imshow(dimmed, cmap=DIGIT, vmin=0, vmax=image.max())
        _outline(ax, rows, columns)
        ax.set_title(caption, loc="center", fontsize=9)
    return figure


def patches(pixels: NDArray, names: Sequence[str]) -> Figure:
    """Show image patches (channels, count, r, r), one row a channel, its name on the left."""
    channels, count, size, _ = pixels.shape
    blank = np.full((channels, 1, size, size), np.nan)  # nan is drawn as nothing: room for the name
    tiles = np.concatenate([blank, pixels], axis=1).reshape(-1, size, size)
    figure, ax = _mosaic(tiles, count + 1)
    pitch = (ax.get_ylim()[0] + 0.5) / channels
    for row, name in enumerate(names):
        ax.text(0, row * pitch + size / 2, name, va="center")
    return figure


def evidence(images: NDArray, evidence: NDArray, labels: NDArray, guesses: NDArray) -> Figure:
    """Show where misread digits spoke for their label and where for the guess.

    Args:
        images: (N, 28, 28).
        evidence: (N, 4, 4, 10), each position's share of the ten logits.
        labels: the true classes (N,).
        guesses: the predicted classes (N,).
    """
    figure, axes = _grid(len(images), 3, 1.75)
    norm = CenteredNorm(halfrange=float(np.abs(evidence).max()))
    for row, image, parts, label, guess in zip(axes, images, evidence, labels, guesses, strict=True):
        row[0].imshow(image, cmap=DIGIT)
        row[0].set_title(f"a {label}", loc="center")
        for ax, digit, role in ((row[1], label, "label"), (row[2], guess, "guess")):
            ax.imshow(parts[:, :, digit], cmap=SIGNED, norm=norm)
            total = parts[:, :, digit].sum()
            ax.set_title(f"for {digit} ({role}): {total:+.1f}", loc="center")
    _color_scale(figure, axes, norm, "share of the logit")
    return figure


def accuracy_by_dropout(
    rates: Sequence[float], ceilings: Sequence[float], marks: Sequence[tuple[str, float, float]]
) -> Figure:
    """Plot the ceiling of the training accuracy by dropout rate, with two measured (name, rate, accuracy) marks."""
    figure = Figure(figsize=(WIDTH, 2.8))
    ax = figure.subplots()
    ax.plot(rates, ceilings, color=INK, linestyle=":", label="ceiling")
    for (name, rate, accuracy), color, marker in zip(marks, (VERMILLION, BLUE), "s^", strict=True):
        ax.plot([rate], [accuracy], marker, color=color, label=name, linestyle="none")
    ax.set(xlabel="dropout rate on the logits", ylabel="training accuracy")
    ax.yaxis.set_major_formatter(PercentFormatter(1, decimals=0))
    ax.legend(frameon=False)
    return figure


def lines(names: Sequence[str], values: dict[str, Sequence[float]], ylabel: str) -> Figure:
    """Plot one line for each entry of ``values``, three at most, over named positions."""
    if len(values) > 3:
        raise ValueError(f"there are colours for three lines, got {len(values)}")
    figure = Figure(figsize=(WIDTH, 3))
    ax = figure.subplots()
    for (label, heights), color, marker in zip(values.items(), (BLUE, VERMILLION, GREEN), "os^", strict=False):
        ax.plot(names, heights, color=color, marker=marker, label=label)
    ax.set(ylabel=ylabel, ylim=(0, 1.02))
    ax.tick_params(axis="x", rotation=45)
    ax.legend(frameon=False)
    return figure


def overview(image: NDArray, maps: Sequence[NDArray], rows: Sequence[Stage], probabilities: NDArray) -> Figure:
    """Draw the whole network in one picture: a digit, one map of some stages, the ten probabilities.

    Args:
        image: the digit (28, 28).
        maps: the stages' maps, each (height, width, channels); the liveliest channel of each is shown.
        rows: the stages' rows of the table.
        probabilities: the answer (10,).
    """
    figure = Figure(figsize=(WIDTH, 2.1))
    first, *others, last = figure.subplots(1, len(rows) + 2, width_ratios=[1.0] * (len(rows) + 1) + [1.3])
    size = len(image)
    first.imshow(image, cmap=DIGIT)
    first.set_title("a digit", loc="center")
    for ax, stack, stage in zip(others, maps, rows, strict=True):
        margin = (size - stage.size) / 2 - 0.5
        extent = margin, margin + stage.size, margin + stage.size, margin
        ax.imshow(stack[:, :, stack.std(axis=(0, 1)).argmax()], cmap=MAP, extent=extent)
        ax.set(xlim=(-0.5, size - 0.5), ylim=(size - 0.5, -0.5))
        ax.set_title(f"{stage.size} × {stage.size}\nsees {stage.receptive_field}", loc="center", fontsize=9)
    for ax in (first, *others):
        ax.set_axis_off()
    last.barh(range(len(probabilities)), probabilities, color=BLUE)
    last.set(xlim=(0, 1), xticks=[], yticks=range(len(probabilities)))
    last.invert_yaxis()
    last.tick_params(length=0, labelsize=8)
    last.spines[:].set_visible(False)
    last.set_title("an answer", loc="center")
    return figure


def main() -> None:
    """Draw the picture of the README and the landing page anew, from the shipped weights and the first test digit."""
    from convbook import mnist
    from convbook.features import feature_maps
    from convbook.network import load_trained

    network = load_trained()
    digits = mnist.load()
    table = trace(from_keras(network))
    shown = {"conv1": table[0], "conv2": table[1], "pool4": table[3], "conv6": table[5], "conv8": table[7]}
    maps = feature_maps(network, mnist.to_input(digits.test_images[:1]))
    style.use(STYLE)
    figure = overview(
        digits.test_images[0], [maps[layer][0] for layer in shown], list(shown.values()), maps["probabilities"][0]
    )
    figure.savefig("chapters/images/overview.svg", metadata={"Date": None, "Creator": None})


if __name__ == "__main__":
    main()
