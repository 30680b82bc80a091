"""The trained network as one picture, from the pixels to the ten probabilities, with a zoom to a single product."""

import re
from itertools import pairwise
from typing import Any, NamedTuple

import ipywidgets
import numpy as np
import traitlets
from ipywidgets import widget_serialization
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import FancyBboxPatch, PathPatch, Polygon, Rectangle
from matplotlib.path import Path
from matplotlib.transforms import Affine2D
from numpy.typing import NDArray

from convbook import mnist, tokens
from convbook.arithmetic import Stage, trace
from convbook.figures.style import DIGIT, INK, SIGNED
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

    keeps_address = True
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
        stages = {stage.name: stage for stage in _stages(self._network.layers)}
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

    @classmethod
    def settings(cls, state: dict[str, Any]) -> dict[str, dict[str, Any]]:
        """Add the place, and which layers are lit."""
        places = {stage.name: [stage.channels, stage.size] for stage in _stages(state["layers"])}
        lit = {"each": {"values": [*places]}, "most": len(places), "words": True}
        return super().settings(state) | {"place": {"places": places}, "highlight": lit}

    def picture(self) -> Figure:
        """Draw the strip as it looks before anybody touches it."""
        outputs = forward(self._network, np.asarray(self.image)[:, :, None])
        figure = Figure(figsize=(SIZE[0] / 96, SIZE[1] / 96))
        figure.set_layout_engine("none")
        ax = figure.add_axes((0, 0, 1, 1))
        ax.set(xlim=(0, SIZE[0]), ylim=(SIZE[1] - TOP, -TOP))
        ax.set_axis_off()
        _draw_pad(ax)
        columns = columns_of(self._network.layers)
        boxes = boxes_of([outputs[shown].shape[-1] for _, shown in columns])
        _draw_ribbon(ax, boxes)
        _draw_maps(ax, boxes[0], np.asarray(self.image)[:, :, None])
        _label(ax, boxes[0], "digit", "28 × 28")
        for box, (name, shown) in zip(boxes[1:], columns, strict=True):
            maps = outputs[shown]
            lit = name in self.highlight.split()
            _draw_maps(ax, box, maps)
            _label(ax, box, name, f"{len(maps)} × {len(maps)}", lit)
            if lit:
                frame = FancyBboxPatch((box.x, box.y), box.width, box.height, boxstyle="round,pad=5,rounding_size=4")
                frame.set(fill=False, edgecolor=tokens.color("action"), linewidth=1.5)
                ax.add_patch(frame)
        _draw_bars(ax, outputs[self.layers[-1]["name"]])
        return figure


def _stages(layers: list[dict[str, Any]]) -> list[Stage]:
    """Trace the convolutions and pools of a network, which are the layers of the strip."""
    named = {layer["name"] for layer in layers if layer["kind"] in ("Conv2D", "MaxPooling2D")}
    return [stage for stage in trace(stack_of(layers)) if stage.name in named]


SHADES = 14  # of a map in the picture: nobody sees the difference, and there is less to send
SIZE, TOP = (1100, 480), 40  # of the picture and above its row, in pixels of the page, as the live figure has on a desk
HEIGHT, FOOT, EDGE = 320, 36, 7  # of the row, of the names of the layers below it, around everything
HIGH = HEIGHT - FOOT - EDGE
GAP, ROWS, FEW, LEAST = 3, 8, 10, 6  # these and the above as in shared/scene.js


class Room(NamedTuple):
    """Where the digit and the maps go, in pixels: from left to right, how high, and the least width of a layer."""

    left: float
    right: float
    high: float
    digit: float
    slot: float


BETWEEN = Room(168 + 20, 1100 - 150 - 20, HIGH, 120, 46)  # the pad and the probabilities


class Box(NamedTuple):
    """Where the maps of a layer are, in pixels."""

    x: float
    y: float
    side: float
    across: int
    pitch: float
    channels: int

    @property
    def width(self) -> float:
        """Return the width of all maps together."""
        return self.across * (self.side + GAP) - GAP

    @property
    def height(self) -> float:
        """Return the height of all maps together."""
        return (-(-self.channels // self.across) - 1) * self.pitch + self.side

    @property
    def bottom(self) -> float:
        """Return where the lowest map ends."""
        return self.y + self.height

    def corner(self, channel: int) -> tuple[float, float]:
        """Return how far to the right and how far down in the box a map begins."""
        return channel % self.across * (self.side + GAP), channel // self.across * self.pitch


def _choices(network: Network | None) -> list[dict[str, Any]]:
    """List the networks to choose from; those beyond the first have their data in a model of their own."""
    if network is not None:
        return [{"title": "this one", "data": None}]
    choices: list[dict[str, Any]] = []
    names = {
        "scheduled_cnn": "the notes' network",
        "compact_20k": "compact_20k",
        "compact_7k": "compact_7k",
    }
    for name, title in names.items():
        other = load(name)
        data = NetworkData(layers=other.layers, weights=flat(other)) if choices else None
        choices.append({"name": name, "title": f"{title}, {record(name)['parameters']:,} parameters", "data": data})
    return choices


def columns_of(layers: list[dict[str, Any]]) -> list[tuple[str, str]]:
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


def boxes_of(channels: list[int], room: Room = BETWEEN) -> list[Box]:
    """Place the digit and the layers, which have these numbers of maps, in one row, as shared/scene.js does."""
    across = [1 if count <= FEW else -(-count // ROWS) for count in channels]

    def slots(side: int) -> list[float]:
        return [max(wide * (side + GAP) - GAP, room.slot) for wide in across]

    free = room.right - room.left - 2 * EDGE - room.digit
    side = int(room.high) // ROWS - GAP
    while sum(slots(side)) + len(channels) * LEAST > free:
        side -= 1
    gap = (free - sum(slots(side))) / len(channels)
    boxes = [Box(room.left + EDGE, EDGE + (room.high - room.digit) / 2, room.digit, 1, 0, 1)]
    x = room.left + EDGE + room.digit + gap
    for count, wide, slot in zip(channels, across, slots(side), strict=True):
        rows = -(-count // wide)
        pitch = min(room.high / rows, side + GAP) if wide == 1 else side + GAP
        left, top = x + (slot - wide * pitch + GAP) / 2, EDGE + (room.high - rows * pitch + GAP) / 2
        boxes.append(Box(left, top, pitch - GAP, wide, pitch, count))
        x += slot + gap
    return boxes


def _draw_ribbon(ax: Axes, boxes: list[Box]) -> None:
    look: dict[str, Any] = {"color": tokens.color("line"), "alpha": 0.5, "linewidth": 0}
    for box in boxes:
        ax.add_patch(Rectangle((box.x - 5, box.y - 5), box.width + 10, box.height + 10, **look))
    for box, following in pairwise(boxes):
        start, end = box.x + box.width + 5, following.x - 5
        corners = [(start, box.y), (end, following.y), (end, following.bottom), (start, box.bottom)]
        ax.add_patch(Polygon(corners, **look))


def _draw_maps(ax: Axes, box: Box, maps: NDArray) -> None:
    """Draw the maps of a layer as one picture on the ground: light where they are large, signed ones in two colours."""
    tiles = [Path.unit_rectangle().transformed(_to(box, channel)) for channel in range(box.channels)]
    ax.add_patch(
        PathPatch(
            Path.make_compound_path(*tiles), facecolor=tokens.color("paper"), edgecolor=tokens.color("line"), lw=0.7
        )
    )
    image = ax.imshow(painted(box, maps), extent=(box.x, box.x + box.width, box.bottom, box.y), aspect="auto", zorder=2)
    if maps.min() < 0:
        image.set_gid("signed")  # the site finds it by this name to brighten it in the dark


def painted(box: Box, maps: NDArray) -> NDArray:
    """Paint the maps of a layer (size, size, channels) where they are in their box.

    Args:
        box: where they are.
        maps: light where they are large; those with signs in two colours on nothing.

    Returns:
        red, green, blue and opacity from 0 to 1, a pixel for one of the page.
    """
    most = np.abs(maps).max() or 1
    shades = np.round(SHADES * maps / most) / SHADES
    side = round(box.side)
    at = np.arange(side) * len(maps) // side
    picture = np.zeros((round(box.height), round(box.width), 4))
    for channel in range(maps.shape[-1]):
        values = shades[:, :, channel][np.ix_(at, at)]
        left, top = (round(way) for way in box.corner(channel))
        place = picture[top : top + side, left : left + side]
        values = values[: place.shape[0], : place.shape[1]]
        place[:] = SIGNED((1 + values) / 2) if maps.min() < 0 else DIGIT(values)
    return picture


def _to(box: Box, channel: int) -> Affine2D:
    left, top = box.corner(channel)
    return Affine2D().scale(box.side).translate(box.x + left, box.y + top)


def _label(ax: Axes, box: Box, name: str, size: str, lit: bool = False) -> None:
    x = box.x + box.width / 2
    color = tokens.color("action") if lit else INK
    ax.text(x, HEIGHT - FOOT + 15, name, ha="center", fontsize=9.75, fontweight="bold", color=color)
    ax.text(x, HEIGHT - FOOT + 30, size, ha="center", fontsize=9, color=tokens.color("quiet"))


def _draw_pad(ax: Axes) -> None:
    box = FancyBboxPatch((5, 19), 158, 158, boxstyle="round,pad=4,rounding_size=6", fill=False, lw=1.5)
    box.set_edgecolor(tokens.color("edge"))
    ax.add_patch(box)
    style: dict[str, Any] = {"fontsize": 14, "fontweight": "bold", "color": tokens.color("action")}
    ax.text(84, 98, "Draw a digit", ha="center", va="center", **style)


def _draw_bars(ax: Axes, probabilities: NDArray) -> None:
    best = int(probabilities.argmax())
    left, full = BETWEEN.right + 20 + 15, 150 - 15 - 62
    for digit, share in enumerate(probabilities):
        y = EDGE + (digit + 0.5) * HIGH / 10
        strong = digit == best
        ax.add_patch(Rectangle((left, y - 6), full, 12, color=tokens.color("line"), lw=0))
        ax.add_patch(Rectangle((left, y - 6), full * share, 12, color=INK if strong else tokens.color("quiet"), lw=0))
        weight = "bold" if strong else "normal"
        ax.text(left - 15, y, str(digit), va="center", fontsize=10, fontweight=weight)
        ax.text(1099, y, f"{100 * share:.1f} %", va="center", ha="right", fontsize=10, fontweight=weight)
    ax.text(BETWEEN.right + 20, HEIGHT - 18, "The network says", va="center", fontsize=10, color=tokens.color("quiet"))
    ax.text(BETWEEN.right + 142, HEIGHT - 19, str(best), va="center", fontsize=16.5, fontweight="bold")
