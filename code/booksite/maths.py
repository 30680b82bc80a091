"""Formulas as MathML, which browsers draw by themselves; the stock renderer loads a megabyte from another site.

Roots and brackets grow with what they hold only in a font that has a table for mathematics. Many phones have none, so
the site brings the part of STIX Two Math that its formulas use.
"""

import hashlib
import re
import unicodedata
from collections.abc import Iterable
from html import escape, unescape
from io import BytesIO
from pathlib import Path

from docutils import nodes
from docutils.utils.math import MathError
from docutils.utils.math.latex2mathml import tex2mathml
from fontTools.subset import Options, Subsetter
from fontTools.ttLib import TTFont
from sphinx.application import Sphinx
from sphinx.util import logging
from sphinx.writers.html5 import HTML5Translator

FONT = Path("node_modules", "@fontsource", "stix-two-math", "files", "stix-two-math-latin-400-normal.woff")
# What browsers draw for a single letter in <mi>: the italic alphabets of Unicode (MathML Core, 4.2).
ITALIC = {
    unicodedata.normalize("NFKC", chr(code)): chr(code) for code in (*range(0x1D434, 0x1D468), *range(0x1D6E2, 0x1D71C))
} | {"h": "ℎ"}

SHORT = 12  # characters of a formula that fits on a line of 320 pixels with letters of twice the usual size

LOGGER = logging.getLogger(__name__)


def mathml(node: nodes.math | nodes.math_block) -> str:
    """Return a formula as MathML; one that docutils cannot read stays LaTeX, and the build warns of it."""
    formula = node.astext()
    try:
        return tex2mathml(formula, as_block=isinstance(node, nodes.math_block))
    except MathError as error:
        message = "cannot write the formula %r: %s"
        LOGGER.warning(message, formula, error, location=node, type="booksite", subtype="math")
        return f"<code>{escape(formula)}</code>"


def visit_math(self: HTML5Translator, node: nodes.math) -> None:
    """Write a formula in a line of text; one that may be wider than a narrow page scrolls."""
    formula = mathml(node)
    if len(re.sub(r"<[^>]*>|\s", "", formula)) > SHORT:
        formula = f'<span class="long-formula" tabindex="0">{formula}</span>'
    self.body.append(formula)
    raise nodes.SkipNode


def visit_displaymath(self: HTML5Translator, node: nodes.math_block) -> None:
    """Write a formula on lines of its own; a long one scrolls on a phone, by keyboard too."""
    self.body.append(f'<div class="equation" tabindex="0">{mathml(node)}</div>')
    raise nodes.SkipNode


def characters(pages: Iterable[str]) -> set[str]:
    """Collect the characters of all formulas of the pages, as browsers draw them."""
    formulas = (formula for page in pages for formula in re.findall(r"<math.*?</math>", page, re.DOTALL))
    found = {character for formula in formulas for character in unescape(re.sub(r"<[^>]*>", "", formula))}
    return found | {ITALIC[letter] for letter in found if letter in ITALIC}


def subset(font: Path, wanted: set[str]) -> bytes:
    """Cut a font to some characters, with the larger forms of brackets and roots, as WOFF."""
    whole = TTFont(font)
    cutter = Subsetter(Options(layout_features=["ssty", "dtls"], hinting=False, notdef_outline=True))
    cutter.populate(unicodes=map(ord, wanted | {"√"}))
    cutter.subset(whole)
    whole.flavor = "woff"
    file = BytesIO()
    whole.save(file)
    return file.getvalue()


def deliver_font(app: Sphinx, error: Exception | None) -> None:
    """Write the font for the formulas of a finished site, and the style that asks for it."""
    if error:
        return
    static = Path(app.outdir, "_static")
    data = subset(
        Path(app.srcdir) / FONT, characters(file.read_text("utf-8") for file in Path(app.outdir).rglob("*.html"))
    )
    name = f"maths.{hashlib.sha256(data).hexdigest()[:8]}.woff"
    for old in static.glob("maths.*.woff"):
        old.unlink()
    (static / name).write_bytes(data)
    face = f'@font-face {{ font-family: "Maths"; font-display: swap; src: url("{name}") format("woff"); }}'
    (static / "maths.css").write_text(f'{face}\nmath {{ font-family: "Maths", math; }}\n', encoding="utf-8")
