"""Figures in the colours of the page: as a build writes them into it, and as Python in the page draws them."""

import re
from html import escape

from convbook.figures.style import INK, PAPER
from convbook.tokens import TOKENS, color


def themed_svg(svg: str, alt: str) -> str:
    """Turn a figure's SVG file into an element of a page that follows the page's text colour and background."""
    svg = svg[svg.index("<svg") :]
    svg = re.sub(r"<metadata>.*?</metadata>", "", svg, flags=re.DOTALL)
    svg = re.sub(r'<g id="[^"]*"', "<g", svg)  # matplotlib's group names repeat from figure to figure
    svg = svg.replace("*{", "svg.figure *{", 1)  # in a page, matplotlib's style would reach everything
    svg = svg.replace('id="signed"', 'class="signed"')  # images that the site brightens in the dark
    svg = svg.replace(INK, "currentColor").replace(PAPER, "transparent")
    for name in TOKENS["colors"]:
        svg = svg.replace(color(name), f"var(--sc-{name})")
    label = escape(alt, quote=True)
    return svg.replace("<svg ", f'<svg class="figure" role="img" aria-label="{label}" ', 1)
