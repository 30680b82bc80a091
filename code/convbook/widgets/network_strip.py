"""The trained network as one picture, from the pixels to the ten probabilities, with a zoom to a single product."""

import re
from itertools import pairwise
from typing import Any, NamedTuple

import ipywidgets
import numpy as np
import traitlets
from ipywidgets import widget_serialization
from matplotlib.axes import Axes
from matplotlib.colors import to_rgb
from matplotlib.figure import Figure
from matplotlib.patches import FancyBboxPatch, Polygon, Rectangle
from numpy.typing import NDArray

from convbook import mnist, tokens
from convbook.arithmetic import Stage, trace
from convbook.figures.style import INK
from convbook.inference import Network, forward, load, record, stack_of
from convbook.widgets.bundle import FOLDER
from convbook.widgets.network_figure import NetworkFigure, flat
from convbook.widgets.traits import Array

MANY = 100  # digits to average over, the first of the test set


class NetworkData(ipywidgets.Widget):
    """A network that a figure loads when it is chosen.

    Attributes:
        layers: of the network, as in its record.
        weights: all of them, in the order of the layers.
    """

    layers = traitlets.List(traitlets.Dict()).tag(sync=True)
    weights = Array((None,))


class DigitData(ipywidgets.Widget):
    """Digits that a figure loads when it needs them.

    Attributes:
        digits: uint8 (N, 28, 28).
    """

    digits = Array((None, 28, 28), "uint8")


class NetworkStrip(NetworkFigure):
    """The network from the digit to the probabilities: draw, point at a unit, and zoom in to a single product.

    Attributes:
        place: where the reader is: "" is the whole network, "conv5" a layer, "conv5/3" one of its maps, and
            "conv5/3/4,7" the unit in row 4 and column 7 of it.
        highlight: names of the layers whose part of the network is lit, with spaces between them.
        networks: the networks to choose from, the one shown first.
        many: digits to average over.
    """

    _css = NetworkFigure._css + (FOLDER / "network_strip.css").read_text(encoding="utf-8")
    place = traitlets.Unicode("").tag(sync=True)
    highlight = traitlets.Unicode("").tag(sync=True)
    networks = traitlets.List(traitlets.Dict()).tag(sync=True, **widget_serialization)
    many = traitlets.Instance(ipywidgets.Widget).tag(sync=True, **widget_serialization)

    def __init__(self, digit: int = 7, network: Network | None = None, **traits: Any) -> None:
        """Start with a digit of the test set; the arguments are those of the base."""
        super().__init__(digit, network, networks=_choices(network), **traits)

    @traitlets.default("many")
    def _many(self) -> DigitData:
        return DigitData(digits=mnist.load().test_images[:MANY])

    @traitlets.validate("place")
    def _check_place(self, proposal: dict[str, Any]) -> str:
        place = proposal["value"]
        if not place:
            return place
        match = re.fullmatch(r"(\w+)(?:/(\d+)(?:/(\d+),(\d+))?)?", place)
        stages = {stage.name: stage for stage in self._stages()}
        if not match or match[1] not in stages:
            raise traitlets.TraitError(
                f"place must be '' or as 'conv5', 'conv5/3' or 'conv5/3/4,7', with a layer of "
                f"{', '.join(stages)}, got {place!r}"
            )
        stage = stages[match[1]]
        channel, row, column = (int(text or 0) for text in match.groups()[1:])
        if channel >= stage.channels or max(row, column) >= stage.size:
            raise traitlets.TraitError(
                f"{stage.name} has {stage.channels} maps of {stage.size} × {stage.size}, counted from 0, got {place!r}"
            )
        return place

    def _stages(self) -> list[Stage]:
        """Trace the convolutions and pools, which are the layers of the strip."""
        named = {layer["name"] for layer in self._network.layers if layer["kind"] in ("Conv2D", "MaxPooling2D")}
        return [stage for stage in trace(stack_of(self._network.layers)) if stage.name in named]

    def picture(self) -> Figure:
        """Draw the strip as it looks before anybody touches it."""
        outputs = forward(self._network, np.asarray(self.image)[:, :, None])
        figure = Figure(figsize=(SIZE[0] / 96, SIZE[1] / 96))
        figure.set_layout_engine("none")
        ax = figure.add_axes((0, 0, 1, 1))
        ax.set(xlim=(0, SIZE[0]), ylim=(SIZE[1], 0))
        ax.set_axis_off()
        _draw_pad(ax)
        columns = _columns(self._network.layers)
        lit = self.highlight.split()
        boxes = _boxes([(name, outputs[shown]) for name, shown in columns])
        _draw_ribbon(ax, boxes)
        _draw_maps(ax, boxes[0], np.asarray(self.image)[:, :, None], 1)
        _label(ax, boxes[0], "digit", "28 × 28", boxes[0].bottom)
        for box, (name, shown) in zip(boxes[1:], columns, strict=True):
            maps = outputs[shown]
            _draw_maps(ax, box, maps, box.across)
            _label(ax, box, name, f"{len(maps)} × {len(maps)}", FOOT, lit=name in lit)
            if name in lit:
                frame = FancyBboxPatch((box.x, box.y), box.width, box.height, boxstyle="round,pad=5,rounding_size=4")
                frame.set(fill=False, edgecolor=tokens.color("action"), linewidth=1.5)
                ax.add_patch(frame)
        _draw_bars(ax, outputs[self.layers[-1]["name"]])
        return figure


SIZE = (1100, 320)  # of the picture, in pixels of the page, as the row of the live figure has on a desk
FOOT = 320 - 36  # where the names of the layers begin
LEFT, RIGHT = 168 + 20, 1100 - 150 - 20  # between the pad and the probabilities
GAP, ROWS, FEW, DIGIT_SIDE = 3, 8, 10, 120  # as in shared/scene.js


class _Box(NamedTuple):
    """Where the maps of a layer are, in pixels."""

    x: float
    y: float
    side: float
    across: int
    pitch: float
    channels: int

    @property
    def width(self) -> float:
        return self.across * (self.side + GAP) - GAP

    @property
    def height(self) -> float:
        return (-(-self.channels // self.across) - 1) * self.pitch + self.side

    @property
    def bottom(self) -> float:
        return self.y + self.height


def _choices(network: Network | None) -> list[dict[str, Any]]:
    """List the networks to choose from; those beyond the first have their data in a model of their own."""
    if network is not None:
        return [{"title": "this one", "data": None}]
    choices: list[dict[str, Any]] = []
    for name, title in {"scheduled_cnn": "of the notes", "compact_20k": "compact", "compact_7k": "smallest"}.items():
        other = load(name)
        data = NetworkData(layers=other.layers, weights=flat(other)) if choices else None
        choices.append({"title": f"{title}, {record(name)['parameters']:,} parameters", "data": data})
    return choices


def _columns(layers: list[dict[str, Any]]) -> list[tuple[str, str]]:
    """Name every layer of the strip, and the layer of the record whose output its maps are; see shared/anatomy.js."""
    columns: list[tuple[str, str]] = []
    has_relu = False
    for layer in layers:
        name, kind = layer["name"], layer["kind"]
        if kind in ("Conv2D", "MaxPooling2D"):
            columns.append((name, name))
            has_relu = layer.get("activation") == "relu"
        elif kind == "ReLU" or (kind == "BatchNormalization" and not has_relu):
            columns[-1] = (columns[-1][0], name)
            has_relu = has_relu or kind == "ReLU"
        elif kind in ("Flatten", "GlobalAveragePooling2D"):
            break
    return columns


def _boxes(maps: list[tuple[str, NDArray]]) -> list[_Box]:
    """Place the digit and the layers in one row, as shared/scene.js does."""
    across = [1 if values.shape[-1] <= FEW else -(-values.shape[-1] // ROWS) for _, values in maps]
    room = RIGHT - LEFT - DIGIT_SIDE - len(maps) * 10
    side = min(FOOT // ROWS, int(room / sum(across))) - GAP
    gap = (RIGHT - LEFT - DIGIT_SIDE - sum(across) * (side + GAP) + len(maps) * GAP) / len(maps)
    boxes = [_Box(LEFT, (FOOT - DIGIT_SIDE) / 2, DIGIT_SIDE, 1, 0, 1)]
    x = LEFT + DIGIT_SIDE + gap
    for wide, (_, values) in zip(across, maps, strict=True):
        channels = values.shape[-1]
        rows = -(-channels // wide)
        pitch = min(FOOT / rows, side + GAP) if wide == 1 else side + GAP
        boxes.append(_Box(x, (FOOT - rows * pitch + GAP) / 2, pitch - GAP, wide, pitch, channels))
        x += wide * (side + GAP) - GAP + gap
    return boxes


def _draw_ribbon(ax: Axes, boxes: list[_Box]) -> None:
    surface = tokens.color("surface")
    for box in boxes:
        around = FancyBboxPatch((box.x, box.y), box.width, box.height, boxstyle="round,pad=5,rounding_size=4")
        around.set(color=surface, linewidth=0)
        ax.add_patch(around)
    for box, following in pairwise(boxes):
        start, end = box.x + box.width + 5, following.x - 5
        corners = [(start, box.y), (end, following.y), (end, following.bottom), (start, box.bottom)]
        ax.add_patch(Polygon(corners, color=surface, linewidth=0))


def _draw_maps(ax: Axes, box: _Box, maps: NDArray, across: int) -> None:
    """Draw the maps of a layer as one picture: from the ground to ink, signed ones in two colours."""
    side, pitch = round(box.side), box.side + GAP
    size, channels = len(maps), maps.shape[-1]
    at = (np.arange(side) + 0.5) * size // side
    tall = round(box.height)
    picture = np.zeros((tall, round(box.width), 4))
    signed = maps.min() < 0
    above, below = (to_rgb(tokens.color(name)) for name in (("positive", "negative") if signed else ("ink", "ink")))
    paper = to_rgb(tokens.color("paper"))
    most = np.abs(maps).max() or 1
    for channel in range(channels):
        values = maps[:, :, channel][np.ix_(at.astype(int), at.astype(int))] / most
        share = np.abs(values)[:, :, None]
        pixels = share * np.where(values[:, :, None] < 0, below, above) + (1 - share) * np.array(paper)
        top, left = round(channel // across * box.pitch), round(channel % across * pitch)
        picture[top : top + side, left : left + side, :3] = pixels[: tall - top]
        picture[top : top + side, left : left + side, 3] = 1
    ax.imshow(picture, extent=(box.x, box.x + picture.shape[1], box.y + tall, box.y), aspect="auto", zorder=2)


def _label(ax: Axes, box: _Box, name: str, size: str, y: float, lit: bool = False) -> None:
    x = box.x + box.width / 2
    color = tokens.color("action") if lit else INK
    ax.text(x, y + 8, name, ha="center", va="top", fontsize=9.5, fontweight="bold", color=color)
    ax.text(x, y + 22, size, ha="center", va="top", fontsize=8.5, color=tokens.color("quiet"))


def _draw_pad(ax: Axes) -> None:
    box = FancyBboxPatch((6, 66), 156, 156, boxstyle="round,pad=4,rounding_size=6", fill=False, lw=1.5)
    box.set_edgecolor(tokens.color("edge"))
    ax.add_patch(box)
    ax.text(84, 144, "Draw a digit", ha="center", va="center", fontsize=13, color=tokens.color("action"))


def _draw_bars(ax: Axes, probabilities: NDArray) -> None:
    best = int(probabilities.argmax())
    left, full = RIGHT + 20 + 14, 150 - 14 - 50
    for digit, share in enumerate(probabilities):
        y = (digit + 0.5) * FOOT / 10
        strong = digit == best
        ax.add_patch(Rectangle((left, y - 6), full, 12, color=tokens.color("surface"), lw=0))
        ax.add_patch(Rectangle((left, y - 6), full * share, 12, color=INK if strong else tokens.color("quiet"), lw=0))
        weight = "bold" if strong else "normal"
        ax.text(left - 14, y, str(digit), va="center", fontsize=9.5, fontweight=weight)
        ax.text(1100, y, f"{share:.1%}".replace("%", " %"), va="center", ha="right", fontsize=9.5, fontweight=weight)
    ax.text(RIGHT + 20, FOOT + 10, f"The network says {best}", va="top", fontsize=11.5, fontweight="bold")
