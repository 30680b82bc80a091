"""Every formula can be written as MathML: docutils knows most of LaTeX's commands, and not all."""

import re
from pathlib import Path

import nbformat
import pytest
from docutils.utils.math import MathError
from docutils.utils.math.latex2mathml import tex2mathml

from .prose import FENCE
from .tree import ROOT, files

FORMULA = re.compile(r"\$\$(.+?)\$\$|\$([^$\n]+)\$", re.DOTALL)
CODE = re.compile(r"`[^`\n]*`")
BARE = re.compile(r"\\[dt]?frac(?!\{)")  # docutils takes all digits that follow for the numerator
PAGES = [*files("chapters/*.ipynb"), *files("chapters/*.md"), ROOT / "intro.md"]


def unreadable(markdown: str) -> list[str]:
    """Return the formulas of a text that docutils cannot read, each with the reason."""
    found = []
    for block, line in FORMULA.findall(CODE.sub("", FENCE.sub("", markdown))):
        if BARE.search(block or line):
            found.append(f"{(block or line).strip()}: put the numerator and the denominator in braces")
            continue
        try:
            tex2mathml(block or line, as_block=bool(block))
        except MathError as error:
            found.append(f"{(block or line).strip()}: {error}")
    return found


@pytest.mark.parametrize("path", PAGES, ids=lambda path: path.stem)
def test_every_formula_can_be_written(path: Path):
    text = path.read_text(encoding="utf-8")
    if path.suffix == ".ipynb":
        cells = nbformat.reads(text, as_version=4).cells
        text = "\n\n".join(cell.source for cell in cells if cell.cell_type == "markdown")
    found = unreadable(text)
    assert not found, "\n".join(["Write these with other commands, such as \\ldots for \\dots:", *found])


@pytest.mark.parametrize("formula", [r"$x_0, \dots, x_4$", r"$\left(\tfrac12\right)^5$", "$$\n\\dots\n$$"])
def test_a_formula_that_cannot_be_written_is_found(formula):
    assert len(unreadable(f"With {formula}, and `$HOME`.")) == 1


def test_formulas_are_found_and_code_is_not():
    assert FORMULA.findall("From $k$ to\n$$\no = 1\n$$\n") == [("", "k"), ("\no = 1\n", "")]
    assert unreadable(r"Say `$\dots` or $\ldots$.") == []
