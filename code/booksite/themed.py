"""Figures in the colours and letters of the page: as a build writes them, and as Python in the page draws them."""

import re
from html import escape

from convbook.figures.style import INK, PAPER, STYLE
from convbook.tokens import TOKENS, color

# As matplotlib writes the letters of the style into every text: all at once, as in the page's version, or one by one.
FAMILY = rf"{re.escape(repr(STYLE['font.sans-serif'][0]))}[^;\"]*"
TOGETHER = re.compile(rf"font: (?:(\w+) )?([\d.]+)px {FAMILY}")


def themed_svg(svg: str, alt: str) -> str:
    """Turn a figure's SVG file into an element of a page that follows the page's colours and letters."""
    svg = svg[svg.index("<svg") :]
    svg = re.sub(r"<metadata>.*?</metadata>", "", svg, flags=re.DOTALL)
    svg = re.sub(r'<g id="[^"]*"', "<g", svg)  # matplotlib's group names repeat from figure to figure
    svg = _without_bare_groups(svg)
    svg = re.sub(r"<defs>\s*<style.*?</defs>", "", svg, flags=re.DOTALL)  # it is in figures.css, once for all
    svg = svg.replace('id="signed"', 'class="signed"')  # images that the site brightens in the dark
    svg = svg.replace(INK, "currentColor").replace(PAPER, "transparent")
    for name in TOKENS["colors"]:
        svg = svg.replace(color(name), f"var(--sc-{name})")
    # The letters are the page's, larger on a phone.
    svg = TOGETHER.sub(lambda font: f"font-weight: {font[1] or 400}; font-size: {font[2]}px", svg)
    svg = re.sub(f" font-family: {FAMILY};?", "", svg)
    svg = re.sub(r'(<text style="[^"]*font-size: )([\d.]+px)', r"\1calc(\2 * var(--letters, 1))", svg)
    svg = re.sub(r' transform="rotate\(-?0 [^)]*\)"', "", svg)
    label = escape(alt, quote=True)
    _, _, width, height = re.findall(r'viewBox="([^"]+)"', svg)[0].split()
    # With its shape, a picture keeps its place while the browser leaves out what is far from view.
    shape = f'style="aspect-ratio: {width} / {height}"'
    return svg.replace("<svg ", f'<svg class="figure" role="img" aria-label="{label}" {shape} ', 1)


def _without_bare_groups(svg: str) -> str:
    """Take away the groups without attributes, of which matplotlib writes one around almost everything."""
    kept: list[bool] = []
    svg = svg.replace("<g/>", "")

    def tag(found: re.Match[str]) -> str:
        if found[0] == "</g>":
            return found[0] if kept.pop() else ""
        kept.append(found[0] != "<g>")
        return found[0] if kept[-1] else ""

    return re.sub(r"<g(?: [^>]*[^/>])?>|</g>", tag, svg)
