"""Puts the notebooks' figures into the page itself, in the colours of the page."""

import re
from html import escape
from pathlib import Path

from docutils import nodes
from sphinx.application import Sphinx

from convbook.figures.style import INK, PAPER
from convbook.tokens import TOKENS, color


def inline_svg(app: Sphinx, doctree: nodes.document, page: str) -> None:
    """Put the notebooks' figures into the page itself, where they take on its colours."""
    for image in list(doctree.findall(nodes.image)):
        file = Path(app.srcdir) / image["uri"] if not Path(image["uri"]).is_absolute() else Path(image["uri"])
        if file.suffix != ".svg" or not file.exists():
            continue
        svg = file.read_text(encoding="utf-8")
        if INK not in svg:
            continue  # not one of ours
        image.replace_self(nodes.raw("", themed_svg(svg, image.get("alt", "")), format="html"))


def themed_svg(svg: str, alt: str) -> str:
    """Turn a figure's SVG file into an element of a page that follows the page's text colour and background."""
    svg = svg[svg.index("<svg") :]
    svg = re.sub(r"<metadata>.*?</metadata>", "", svg, flags=re.DOTALL)
    svg = re.sub(r'<g id="[^"]*"', "<g", svg)  # matplotlib's group names repeat from figure to figure
    svg = svg.replace("*{", "svg.figure *{", 1)  # in a page, matplotlib's style would reach everything
    svg = svg.replace(INK, "currentColor").replace(PAPER, "transparent")
    for name in TOKENS["colors"]:
        svg = svg.replace(color(name), f"var(--sc-{name})")
    label = escape(alt, quote=True)
    return svg.replace("<svg ", f'<svg class="figure" role="img" aria-label="{label}" ', 1)
