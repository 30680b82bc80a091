"""The book that an instructor hands out holds no word and no line of a solution.

Two chapters stand for all: what takes their solutions out knows nothing of the chapter.
"""

import html
import os
import re
import subprocess
from collections.abc import Callable, Iterable
from pathlib import Path

import nbformat
import pytest
from bs4 import BeautifulSoup
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook

from .conftest import BOOK, JUPYTER_BOOK

CHAPTERS = ["03-three-by-three", "06-activations"]
MARKUP = re.compile(r"\{[\w:.-]+\}`[^`]*`|`[^`]*`|\$[^$]*\$|[*_]")
TAG = re.compile(r"<[/!a-zA-Z][^>]*>")
START, END = "{solution-start}", "{solution-end}"


def squeeze(text: str) -> str:
    """Leave letters and digits only, so that markup and line breaks make no difference."""
    return re.sub(r"[\W_]+", "", text).lower()


def solution_fragments(notebooks: Iterable[nbformat.NotebookNode]) -> set[str]:
    """Return the pieces of text and the lines of code that stand in solutions and nowhere else in the chapters."""
    inside, outside = [], []
    for notebook in notebooks:
        solved = False
        for cell in notebook.cells:
            for line in cell.source.splitlines():
                if START in line:
                    solved = True
                elif END in line:
                    solved = False
                elif not line.strip().startswith(":"):
                    (inside if solved else outside).append((cell.cell_type, line))
    pieces = {squeeze(line) for kind, line in inside if kind == "code"}
    pieces |= {squeeze(piece) for kind, line in inside if kind == "markdown" for piece in MARKUP.split(line)}
    # Shorter ones, such as "a kernel of", occur by chance.
    pieces = {piece for piece in pieces if len(piece) > 20}
    elsewhere = squeeze(" ".join(line for _, line in outside))
    return {piece for piece in pieces if piece not in elsewhere}


def readable(path: Path) -> str:
    """Return what a file of the site says, without tags where it is a page."""
    text = path.read_text(encoding="utf-8", errors="ignore")
    return squeeze(html.unescape(TAG.sub("", text)) if path.suffix == ".html" else text)


def leaks(folder: Path, fragments: set[str]) -> set[str]:
    """Return the fragments that a file of the folder contains, wherever it came from."""
    # Scripts and styles know nothing of the chapters, but the cells that run on a page are there, too.
    files = [path for path in folder.rglob("*") if path.is_file()]
    files = [path for path in files if "_static" not in path.parts or path.parent.name == "cells"]
    texts = [readable(path) for path in files if path.suffix in {".html", ".ipynb", ".js", ".json", ".md", ".txt"}]
    return {fragment for fragment in fragments if any(fragment in text for text in texts)}


def fragments_of(*chapters: str) -> set[str]:
    """Return the fragments of the solutions of some chapters."""
    return solution_fragments(nbformat.read(BOOK / "chapters" / f"{name}.ipynb", as_version=4) for name in chapters)


@pytest.fixture(scope="session")
def site_without_solutions(once: Callable[[str, Callable[[Path], None]], Path]) -> Path:
    """The folder of the pages of two chapters, without their solutions."""

    def fill(folder: Path) -> None:
        for name in ("_config.yml", "requirements.txt", "chapters", "code", "results", "node_modules"):
            (folder / name).symlink_to(BOOK / name)
        (folder / "_build").mkdir()
        (folder / "_build" / "executed").symlink_to(BOOK / "_build" / "executed")  # by this very test run
        first, second = CHAPTERS
        (folder / "_toc.yml").write_text(
            f"format: jb-book\nroot: chapters/{first}\nchapters:\n- file: chapters/{second}\n"
        )
        built = subprocess.run(
            [*JUPYTER_BOOK, "build", str(folder)],
            capture_output=True,
            text=True,
            check=False,
            env=os.environ | {"SOLUTIONS": "no"},
        )
        assert built.returncode == 0, built.stdout[-4000:] + built.stderr[-4000:]

    return once("without-solutions", fill) / "_build" / "html"


def test_no_solution_is_in_the_book_without_solutions(site_without_solutions):
    fragments = fragments_of(*CHAPTERS)
    assert len(fragments) > 30
    assert leaks(site_without_solutions, fragments) == set()


def test_solutions_are_in_the_book(site):
    fragments = fragments_of(*(path.stem for path in (BOOK / "chapters").glob("*.ipynb")))
    assert len(fragments) > 100
    assert leaks(site, fragments) == fragments


@pytest.mark.parametrize("name", CHAPTERS)
def test_exercises_and_stubs_stay(site_without_solutions, name):
    page = BeautifulSoup((site_without_solutions / "chapters" / f"{name}.html").read_bytes(), "html5lib")
    assert page.select("div.exercise") and page.select(".check")
    assert not page.select("div.solution")


def test_leak_is_found(tmp_path):
    notebook = new_notebook(
        cells=[
            new_markdown_cell("Everybody may read this."),
            new_markdown_cell(
                ":::{solution-start} ex\n:::\n\nThe `secret` is to **add one** to every number that comes along."
            ),
            new_code_cell("secret = number_of_the_reader + 1"),
            new_markdown_cell(":::{solution-end}\n:::"),
        ]
    )
    found = solution_fragments([notebook])
    assert "toeverynumberthatcomesalong" in found
    (tmp_path / "page.html").write_text("<p>Everybody may read this.</p>")
    assert leaks(tmp_path, found) == set()
    (tmp_path / "page.html").write_text(
        "<pre><span>secret</span> <span>=</span> number_of_the_reader + <span>1</span></pre>"
    )
    assert leaks(tmp_path, found) == {"secretnumberofthereader1"}
