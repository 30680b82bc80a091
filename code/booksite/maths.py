"""Formulas as MathML, which browsers draw by themselves; the stock renderer loads a megabyte from another site."""

from html import escape

from docutils import nodes
from docutils.utils.math import MathError
from docutils.utils.math.latex2mathml import tex2mathml
from sphinx.util import logging
from sphinx.writers.html5 import HTML5Translator

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
    """Write a formula in a line of text."""
    self.body.append(mathml(node))
    raise nodes.SkipNode


def visit_displaymath(self: HTML5Translator, node: nodes.math_block) -> None:
    """Write a formula on lines of its own; a long one scrolls on a phone, by keyboard too."""
    self.body.append(f'<div class="equation" tabindex="0">{mathml(node)}</div>')
    raise nodes.SkipNode
