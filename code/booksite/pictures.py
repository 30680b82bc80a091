"""Puts the notebooks' figures into the page itself, in the colours of the page."""

from pathlib import Path

from docutils import nodes
from sphinx.application import Sphinx

from booksite.themed import themed_svg
from convbook.figures.style import PAPER


def inline_svg(app: Sphinx, doctree: nodes.document, page: str) -> None:
    """Put the notebooks' figures into the page itself, where they take on its colours."""
    for image in list(doctree.findall(nodes.image)):
        file = Path(app.srcdir) / image["uri"] if not Path(image["uri"]).is_absolute() else Path(image["uri"])
        if file.suffix != ".svg" or not file.exists():
            continue
        svg = file.read_text(encoding="utf-8")
        if PAPER not in svg:
            continue  # not one of ours
        image.replace_self(nodes.raw("", themed_svg(svg, image.get("alt", "")), format="html"))
