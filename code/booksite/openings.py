"""The strip of the network at the top of a chapter: a still picture with the chapter's part lit, live when pressed.

The picture is small and the same in all chapters but for what is lit, so a browser loads its maps once. What the live
strip needs is one file for all chapters, which is loaded when a reader presses the button.
"""

import base64
import functools
import io
import json
import re
from html import escape
from itertools import pairwise
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from docutils import nodes
from ipywidgets.embed import embed_data
from PIL import Image
from sphinx.application import Sphinx

from booksite.widgets import Files, described, host, root, with_inner
from convbook import mnist
from convbook.inference import forward, load
from convbook.widgets import NetworkStrip
from convbook.widgets.network_strip import EDGE, Box, Room, boxes_of, columns_of, painted

THREE_BY_THREE = "conv1 conv2 conv5 conv6 conv7 conv8"
RELUS = "conv1 conv2 conv3 conv5 conv6 conv7 conv8"
LAYERS = f"{RELUS} pool4 conv9"
WHOLE = f"digit {LAYERS} probabilities"


class Part(NamedTuple):
    """A chapter's part of the network.

    Attributes:
        lit: names of the layers, and "digit" and "probabilities" for the two ends.
        place: where the live strip opens, as in ``NetworkStrip.place``.
        words: the part's name, and what it is.
    """

    lit: str
    place: str
    words: str


PARTS = {
    "chapters/01-convolution": Part("digit conv1", "conv1", "<b>conv1</b>, the convolution that reads the digit"),
    "chapters/02-kernels": Part("conv1", "conv1/7", "the kernels of <b>conv1</b>"),
    "chapters/03-three-by-three": Part(THREE_BY_THREE, "conv2", "its <b>3 × 3 convolutions</b>"),
    "chapters/04-one-by-one": Part("conv3", "conv3/5", "<b>conv3</b>, its only 1 × 1 convolution"),
    "chapters/05-feature-maps": Part(LAYERS, "conv5", "the <b>feature maps</b> of all its layers"),
    "chapters/06-activations": Part(RELUS, "conv1", "the <b>ReLU</b> after every convolution but the last"),
    "chapters/07-receptive-fields": Part("digit conv6", "conv6/3", "<b>conv6</b>, and the pixels that its units see"),
    "chapters/08-epochs-and-schedules": Part("probabilities", "", "its <b>probabilities</b>, which give the loss"),
    "chapters/09-train-the-network": Part(WHOLE, "", "<b>all of it</b>, in training"),
    "chapters/10-inside-the-network": Part(WHOLE, "", "<b>all of it</b>, from the pixels to the probabilities"),
    "chapters/11-what-a-score-shows": Part("probabilities", "", "its <b>verdicts</b>, counted over many digits"),
    "chapters/12-the-second-block": Part("conv2", "conv2", "<b>conv2</b>, the convolution of its second block"),
    "chapters/13-smaller-and-faster": Part(WHOLE, "", "<b>all of it</b>, made smaller and faster"),
}

WIDTH, HIGH, FOOT = 680, 148, 18  # of the picture in pixels of the page, of its maps, of the names below them
ROOM = Room(0, 574, HIGH, 84, 36)
AROUND = 4  # of the ribbon around the maps


@functools.cache
def _drawing() -> tuple[dict[str, Box], str]:
    """Return where the digit, the layers and the probabilities are, by name, and the SVG of the maps and the bars."""
    network = load()
    image = mnist.to_input(mnist.load().test_images[:1])[0]
    outputs = forward(network, image)
    stacks = {"digit": image} | {name: outputs[shown] for name, shown in columns_of(network.layers)}
    places = dict(zip(stacks, boxes_of([maps.shape[-1] for maps in stacks.values()][1:], ROOM), strict=True))
    drawn = ""
    for signed in (False, True):
        pixels = np.zeros((HIGH + 2 * EDGE, int(ROOM.right), 4))
        for name, maps in stacks.items():
            if (maps.min() < 0) == signed:
                part = painted(places[name], maps)
                top, left = round(places[name].y), round(places[name].x)
                pixels[top : top + part.shape[0], left : left + part.shape[1]] = part
        drawn += _image(pixels, signed)
    bars = Box(ROOM.right + 26, EDGE, HIGH, 1, 0, 1)
    probabilities = outputs[network.layers[-1]["name"]].ravel().tolist()
    step = HIGH / len(probabilities)
    for digit, share in enumerate(probabilities):
        drawn += _rect("bar", bars.x, bars.y + (digit + 0.2) * step, (WIDTH - EDGE - bars.x) * share, 0.6 * step)
    return places | {"probabilities": bars._replace(side=WIDTH - EDGE - bars.x)}, drawn


def _image(pixels: np.ndarray, signed: bool) -> str:
    file = io.BytesIO()
    Image.fromarray((255 * pixels).round().astype(np.uint8)).save(file, "png")
    data = base64.b64encode(file.getvalue()).decode()
    size = f'width="{pixels.shape[1]}" height="{pixels.shape[0]}"'
    kind = ' class="signed"' if signed else ""  # which the site brightens in the dark
    return f'<image{kind} {size} href="data:image/png;base64,{data}"/>'


def _rect(kind: str, x: float, y: float, width: float, height: float) -> str:
    return f'<rect class="{kind}" x="{x:.1f}" y="{y:.1f}" width="{width:.1f}" height="{height:.1f}" rx="3"/>'


def picture(lit: str, alt: str) -> str:
    """Draw the strip as SVG in the colours of the page.

    Args:
        lit: as in ``Part``.
        alt: what is to be seen, in words.
    """
    places, drawn = _drawing()
    height = {name: HIGH if name == "probabilities" else box.height for name, box in places.items()}
    ground = over = ""
    for name, box in places.items():
        frame = box.x - AROUND, box.y - AROUND, box.width + 2 * AROUND, height[name] + 2 * AROUND
        ground += _rect("ground", *frame)
        shown = name in lit.split()
        if not shown or lit != WHOLE:
            over += _rect("lit" if shown else "veil", *frame)
        place = f'x="{box.x + box.width / 2:.1f}" y="{HIGH + 2 * EDGE + FOOT - 5}"'
        over += f'<text class="{"lit" if shown else "quiet"}" {place}>{name}</text>'
    for (name, box), (following, its) in pairwise(places.items()):
        start, end = box.x + box.width + AROUND, its.x - AROUND
        corners = (start, box.y), (end, its.y), (end, its.y + height[following]), (start, box.y + height[name])
        ground += f'<path class="ground" d="M{"L".join(f"{x:.1f} {y:.1f}" for x, y in corners)}z"/>'
    size = f'viewBox="0 0 {WIDTH} {HIGH + 2 * EDGE + FOOT}"'
    return f'<svg class="figure" role="img" aria-label="{escape(alt)}" {size}>{ground}{drawn}{over}</svg>'


@functools.cache
def _models() -> tuple[str, dict[str, Any]]:
    """Return the live strip, the same in all chapters: the id of its model, and it and all inside it by id."""
    strip = NetworkStrip()
    models = embed_data(views=[strip], drop_defaults=False)["manager_state"]["state"]
    return strip.model_id, with_inner(models, strip.model_id)


def opening(app: Sphinx, page: str) -> str:
    """Write the opening of a chapter, and beside the page what it loads when it is pressed."""
    part = PARTS[page]
    words = f"This chapter in the network: {part.words}."
    plain = re.sub("<[^>]+>", "", words)
    alt = f"A strip from left to right: a handwritten 7, the maps of every layer, and ten bars. {plain}"
    files = Files(Path(app.outdir) / "_static", root(page))
    view, models = _models()
    shared = json.dumps({"view": view, "models": {key: described(model, files) for key, model in models.items()}})
    state = escape(json.dumps({"place": part.place, "highlight": "" if part.lit == WHOLE else part.lit}))
    data = f'data-host="{host(page)}" data-models="{files.address(shared.encode(), "json")}" data-state="{state}"'
    return (
        f'<figure class="opening" id="in-the-network"><div class="figure-space"><div {data}>'
        f"{picture(part.lit, alt)}</div>"
        f'</div><figcaption><p>{words}</p> <button type="button">Look inside the network</button></figcaption></figure>'
    )


def add_openings(app: Sphinx, doctree: nodes.document, page: str) -> None:
    """Put the strip below the question that opens a chapter."""
    if page not in PARTS or app.builder.format != "html":
        return
    question = next(doctree.findall(nodes.block_quote))
    question.parent.insert(question.parent.index(question) + 1, nodes.raw("", opening(app, page), format="html"))
