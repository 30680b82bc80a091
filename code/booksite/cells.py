"""Cells that run on the page: their code, with the names that it needs and gives, and the buttons below it.

A cell brings what it needs: before it runs, ``cells.js`` runs the imports and the earlier cells whose names it uses. So
the first press on a page runs a few lines and not all that stands above, and loads no package that these do not use.
"""

import ast
import functools
import hashlib
import json
import re
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass, field
from html import escape
from pathlib import Path
from typing import Any

import nbformat
from docutils import nodes
from sphinx.application import Sphinx
from sphinx.writers.html5 import HTML5Translator
from sphinx_exercise.nodes import exercise_enumerable_node

import convbook
from booksite.imports import executed, imported
from booksite.names import Names, names_of
from booksite.repository import repository_url
from booksite.solutions import without_solutions

STATIC = Path(__file__).with_name("static")
PACKAGES = Path(__file__).parents[2]
EDITOR = PACKAGES / "node_modules" / "@codemirror" / "view"

BEYOND = "09"  # pages bring what chapters 1 to 8 read; from the page whose name begins so, cells run in notebooks only
EXERCISE = re.compile(r"^:{3,}\{exercise\}.*\n(?:.*\n)*?:label: *(\S+)", re.MULTILINE)
SOLUTION = re.compile(r"^:{3,}\{solution-start\} *(\S+)", re.MULTILINE)
SOLUTION_END = re.compile(r"^:{3,}\{solution-end\}", re.MULTILINE)
CHECK = re.compile(r"^check\.", re.MULTILINE)
GENERATOR = re.compile(r"^(\w+) = \S*default_rng\(", re.MULTILINE)
HEAVY = {"keras", "tensorflow", "torch", "jax"}  # no page can run them


@dataclass
class Unit:
    """Code that runs as a whole: a cell, or a part of a cell with imports.

    Attributes:
        cell: the position of its cell in the notebook.
        code: its source.
        names: what it does to names.
        heavy: whether it asks for Keras, or for a value that is made with it.
    """

    cell: int
    code: str
    names: Names
    heavy: bool = False


@dataclass
class Cell:
    """A cell of a notebook.

    Attributes:
        units: the positions of its units among those of the page; none where it is text.
        exercise: the label of the exercise that it is the stub of.
        solution: the label of the exercise whose solution it belongs to.
    """

    units: list[int] = field(default_factory=list)
    exercise: str = ""
    solution: str = ""


def analysed(notebook: nbformat.NotebookNode) -> tuple[list[Unit], list[Cell]]:
    """Find out what the cells of a notebook are, and what they need.

    Returns:
        the units of all cells in their order, and the cells.
    """
    units: list[Unit] = []
    cells: list[Cell] = []
    exercise = solution = ""
    for position, cell in enumerate(notebook.cells):
        text = cell.source if cell.cell_type == "markdown" else ""
        if match := EXERCISE.search(text):
            exercise = match[1]
        if match := SOLUTION.search(text):
            solution = match[1]
        cells.append(Cell(solution=solution))
        if SOLUTION_END.search(text):
            solution = ""
        if cell.cell_type == "code":
            if not solution and CHECK.search(cell.source):
                cells[-1].exercise, exercise = exercise, ""  # only the first cell after the question is its stub
            for unit in _split(position, cell.source):
                cells[-1].units.append(len(units))
                units.append(unit)
    _mark_generators(units)
    _mark_heavy(units)
    return units, cells


def _split(position: int, source: str) -> Iterator[Unit]:
    """Make a cell one unit; one with imports becomes a unit for each name that it imports, and each other statement."""
    try:
        statements = ast.parse(source).body
    except SyntaxError:  # commands for IPython, which no page understands
        yield Unit(position, source, Names(), heavy=True)
        return
    if not any(isinstance(statement, (ast.Import, ast.ImportFrom)) for statement in statements):
        yield Unit(position, source, names_of(statements))
        return
    for statement in statements:
        parts: list[ast.stmt] = [statement]
        if isinstance(statement, ast.Import):
            parts = [ast.Import([alias]) for alias in statement.names]
        elif isinstance(statement, ast.ImportFrom):
            parts = [ast.ImportFrom(statement.module, [alias], statement.level) for alias in statement.names]
        for part in parts:
            names = names_of([part])
            if isinstance(part, ast.Expr):  # such as `figures.use_book_style()`, for all that use figures
                names.changes |= names.uses
            yield Unit(position, ast.unparse(part), names)


def _mark_generators(units: list[Unit]) -> None:
    """Let every unit that uses a generator of random numbers change it, so that the numbers are those of the page."""
    generators = {name for unit in units for name in GENERATOR.findall(unit.code)}
    for unit in units:
        unit.names.changes |= (unit.names.uses & generators) - unit.names.binds


def _mark_heavy(units: list[Unit]) -> None:
    heavy: set[str] = set()
    for unit in units:
        names = unit.names
        unit.heavy |= bool(heavy & (names.uses | names.later)) or _is_heavy(unit.code)
        heavy = heavy | names.binds | names.changes if unit.heavy else heavy - names.binds


def _is_heavy(code: str) -> bool:
    try:
        return any(map(_asks_for_keras, imported(ast.walk(ast.parse(code)))))
    except SyntaxError:
        return True


@functools.cache
def _asks_for_keras(module: str) -> bool:
    """Say whether the import of a module, or of a name in it, imports Keras or what it runs on."""
    package, *inner = module.split(".")
    if package != "convbook":
        return package in HEAVY
    place = Path(convbook.__file__).parent.joinpath(*inner)
    files = [file for file in (place.with_suffix(".py"), place / "__init__.py") if file.exists()]
    nodes = [node for file in files for node in executed(ast.parse(file.read_bytes()), functions=False)]
    return any(_asks_for_keras(each) for each in imported(nodes) if each != module)


def page_data(notebook: nbformat.NotebookNode, setup: str) -> dict[str, Any]:
    """Describe a page for ``cells.js``: its notebook, with the names of every piece of code.

    Args:
        notebook: without outputs, and without solutions in a book without them.
        setup: the code of a first cell for Colab, or nothing.
    """
    units, kinds = analysed(notebook)
    cells = []
    for cell, kind in zip(notebook.cells, kinds, strict=True):
        described = {"type": cell.cell_type, "id": cell.id, "source": cell.source, "solution": kind.solution}
        if cell.cell_type == "code":
            parts = [{"code": units[index].code} | units[index].names.as_lists() for index in kind.units]
            if len(parts) == 1:
                del parts[0]["code"]  # it is that of the cell
            heavy = any(units[index].heavy for index in kind.units)
            described |= {"units": parts, "exercise": kind.exercise, "heavy": heavy}
        cells.append(described)
    return {"cells": cells, "setup": setup}


def without_solution_cells(notebook: nbformat.NotebookNode) -> nbformat.NotebookNode:
    """Leave out everything from the start of a solution to its end."""
    _, kinds = analysed(notebook)
    kept = [cell for cell, kind in zip(notebook.cells, kinds, strict=True) if not kind.solution]
    return nbformat.from_dict({**notebook, "cells": kept})


WORK = """\
You can do the exercises right here: write your code into the cell of an exercise and press <em>Check</em>.
Python then runs in your browser; the first time, this downloads a few megabytes.
You can run the other cells of the page as well, and <em>Edit</em> lets you change them.
What you write is kept in this browser, and none of it leaves your device.
If you share this computer, save your work to a file before you leave."""

SETUP = """\
# Colab brings Keras; the helper package of the course is in its repository. Elsewhere this cell does nothing.
import importlib.util

if importlib.util.find_spec("convbook") is None:
    !git clone --quiet {address} course
    !git -C course checkout --quiet {commit}
    %pip install --quiet ./course/code"""


@functools.cache
def _setup(book: Path) -> str:
    address = repository_url(book)
    if address is None:
        return ""
    asked = subprocess.run(["git", "-C", str(book), "rev-parse", "HEAD"], capture_output=True, text=True, check=False)
    return SETUP.format(address=address, commit=asked.stdout.strip() or "main")


class ToolsNode(nodes.General, nodes.Element):
    """The row of buttons below the code of a cell.

    Attributes: the ``cell``'s id; how it is called (``label``); the label of its ``exercise``; why no page can run it
    (``heavy``).
    """


class WorkNode(nodes.General, nodes.Element):
    """What a page says about the reader's work, above its first exercise; ``cells`` is the address of its data."""


def add_tools(app: Sphinx, doctree: nodes.document, page: str) -> None:
    """Put the buttons below the code of each cell that a reader sees, and the page's data into the site."""
    file = Path(app.srcdir, f"{page}.ipynb")
    if not app.config.booksite_python or not EDITOR.is_dir() or not file.exists():
        return
    notebook = nbformat.read(file, as_version=4)
    units, kinds = analysed(notebook)
    numbers = app.env.toc_fignumbers.get(page, {}).get("exercise", {})
    number = 0
    for cell in list(doctree.findall(nodes.container)):
        if _kind(cell) != "cell_code":
            continue
        source = next((part for part in cell.findall(nodes.container) if _kind(part) == "cell_code_source"), None)
        if source is None:  # a quiz, say
            continue
        number += 1
        kind = kinds[cell["cell_index"]]
        tools = ToolsNode("", cell=notebook.cells[cell["cell_index"]].id, label=f"cell {number}", exercise="")
        heavy = any(units[index].heavy for index in kind.units)
        tools["heavy"] = "Needs Keras" if heavy else "Runs in a notebook" if Path(page).name >= BEYOND else ""
        if kind.exercise and not tools["heavy"]:
            cell["classes"].append("exercise-cell")
            tools["exercise"] = kind.exercise
            tools["label"] = f"exercise {'.'.join(map(str, numbers.get(kind.exercise, ())))}"
        source.append(tools)
    if number == 0 or Path(page).name >= BEYOND:
        return
    shown = without_solution_cells(notebook) if without_solutions() else notebook
    text = json.dumps(page_data(shown, _setup(Path(app.srcdir))), ensure_ascii=False)
    name = f"cells/{Path(page).name}.json"
    target = Path(app.outdir) / "_static" / name
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_text(text, encoding="utf-8")
    work = WorkNode("", cells=f"{name}?v={hashlib.sha256(text.encode()).hexdigest()[:8]}")
    question = next(doctree.findall(exercise_enumerable_node), None)
    if question is None:
        next(iter(doctree.findall(nodes.section))).append(work)
    else:
        question.parent.insert(question.parent.index(question), work)


def _kind(node: nodes.Element) -> str:
    return node.get("nb_element", "")


def _visit_tools(self: HTML5Translator, node: ToolsNode) -> None:
    label = node["label"]
    if node["heavy"]:
        address = repository_url(Path(self.builder.srcdir))
        words = node["heavy"]
        if address and not without_solutions():  # Colab's copies have them
            place = f"{address.removeprefix('https://github.com/')}/blob/colab/{self.builder.current_docname}.ipynb"
            words += f': <a href="https://colab.research.google.com/github/{place}">open in Colab</a>'
        self.body.append(f'<div class="cell-tools heavy"><span>{words}</span></div>')
        return

    def button(action: str, words: str, attributes: str = "") -> str:
        name = f"{words} {label}"
        return f'<button type="button" data-do="{action}" aria-label="{name}"{attributes}>{words}</button>'

    first = button("run", "Check" if node["exercise"] else "Run", ' class="run"')
    others = [] if node["exercise"] or label == "cell 1" else [button("above", "Run all above")]
    others += [button("edit", "Edit"), button("reset", "Reset", " hidden")]
    self.body.append(
        f'<div class="cell-tools" data-cell="{escape(node["cell"])}" data-label="{label}" '
        f'data-exercise="{escape(node["exercise"])}">{first}{"".join(others)}'
        '<span class="cell-status" role="status"></span></div>'
    )


def _visit_work(self: HTML5Translator, node: WorkNode) -> None:
    static = "../" * self.builder.current_docname.count("/") + "_static/"
    addresses = {
        "cells": node["cells"],
        "module": f"cells/cells.js?v={version()}",
        "python": self.config.booksite_python,
    }
    data = " ".join(f'data-{name}="{static}{place}"' for name, place in addresses.items())
    words = {
        "notebook": "Download the chapter with my code",
        "save": "Save all my work",
        "load": "Load saved work",
        "forget": "Delete all",
    }
    buttons = "".join(f'<button type="button" data-do="{action}">{label}</button>' for action, label in words.items())
    self.body.append(
        f'<div class="work" {data}><p>{WORK}</p>{buttons}<span class="work-status" role="status"></span></div>'
    )


def _pass(self: HTML5Translator, node: nodes.Node) -> None: ...


def version() -> str:
    """Name what runs the cells by its content, so that no browser keeps a stale one."""
    files = (*sorted((STATIC / "cells").glob("*.js")), PACKAGES / "package-lock.json")
    return hashlib.sha256(b"".join(file.read_bytes() for file in files if file.exists())).hexdigest()[:8]


def setup(app: Sphinx) -> dict[str, Any]:
    """Connect to Sphinx."""
    app.add_node(ToolsNode, html=(_visit_tools, _pass))
    app.add_node(WorkNode, html=(_visit_work, _pass))
    app.connect("doctree-resolved", add_tools)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
