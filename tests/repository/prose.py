"""The text of the chapters, taken out of the notebooks for the tests that read it."""

import re
from pathlib import Path

import nbformat

from .tree import ROOT

CONCEPTS = ["01", "02", "03", "04", "05", "06", "07", "08"]  # the chapters under the page contract

FENCE = re.compile(r"^(`{3,}).*?^\1\s*$", re.DOTALL | re.MULTILINE)
MATH = re.compile(r"\$\$.*?\$\$|\$[^$\n]+\$", re.DOTALL)
ROLE = re.compile(r"\{(?P<role>[\w:]+)\}`(?P<text>[^`]*)`")
CODE = re.compile(r"`[^`]*`")
TITLE = re.compile(r"^\s*:{3,}\{[\w-]+\}[ \t]*(\S.*)$", re.MULTILINE)
DIRECTIVE = re.compile(r"^\s*:(?::{2,}.*|[\w-]+:.*)$", re.MULTILINE)  # a colon fence, or an option below one


def chapters(*numbers: str) -> list[Path]:
    """Return the notebooks whose names start with one of the numbers; all of them without any."""
    paths = sorted((ROOT / "chapters").glob("*.ipynb"))
    return [path for path in paths if not numbers or path.name.startswith(numbers)]


def cells(path: Path, kind: str) -> list[nbformat.NotebookNode]:
    """Return the cells of one kind, ``markdown`` or ``code``."""
    return [cell for cell in nbformat.read(path, as_version=4).cells if cell.cell_type == kind]


def without_code(markdown: str) -> str:
    """Remove code, formulas, the marks of directives and glued numbers; other roles leave the text they show."""

    def shown(match: re.Match) -> str:
        return "" if match["role"].startswith("glue") else match["text"].partition(" <")[0]

    text = MATH.sub(" ", FENCE.sub(" ", markdown))
    return DIRECTIVE.sub(" ", CODE.sub(" ", ROLE.sub(shown, text)))


def titles(markdown: str) -> list[str]:
    """Return the titles of the admonitions, exercises and tables; a label stands in the same place and looks alike."""
    return TITLE.findall(FENCE.sub(" ", markdown))


def picture_texts(cell: nbformat.NotebookNode) -> dict[str, str]:
    """Return what a code cell says in words of the picture that it draws: its ``caption`` and its ``alt text``."""
    book = cell.metadata.get("mystnb", {})
    said = {"caption": book.get("figure", {}).get("caption"), "alt text": book.get("image", {}).get("alt")}
    return {kind: text for kind, text in said.items() if text}


def sentences(text: str) -> list[str]:
    """Split running text into its sentences, without code and glued numbers."""
    return re.split(r"(?<=[.?!]) +(?=[A-Z])", without_code(text).strip())


def words(markdown: str) -> int:
    """Count the words of the prose."""
    return len(re.findall(r"[A-Za-z][\w'’-]*", without_code(markdown)))
