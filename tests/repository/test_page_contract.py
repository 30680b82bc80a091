"""The concept chapters keep what they promise their readers: the same parts in the same order, of a size to finish."""

import re
from pathlib import Path

import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook

from .prose import CONCEPTS, chapters, words

# In the order of the page. Each is a pattern that the Markdown has to match, behind the one before.
PARTS = {
    "a title": r"^# \S",
    "an opening question": r"^> [^\n]*(?:\n> [^\n]*)*\?",
    "three to five goals": r"\*\*In this chapter you will\*\*\n\n(?:- [^\n]+\n(?:  [^\n]+\n)*){3,5}\n",
    "prerequisites": r"\*\*You need\*\*",
    "minutes": r"\*\*Time:\*\* \d+ minutes",
    "the definition in one line": r"^:::\{admonition\} In one line$",
    "the definition in full": r"^## In full$",
    "exercises": r"^## Exercises$",
    "a quiz": r"^## Quiz$",
    "three take-aways": r"^## Take away\n\n(?:- [^\n]+\n(?:  [^\n]+\n)*){3}\n",
    "sources": r"\*\*Sources\.\*\*.*?\{cite:t\}",
}
SOLUTION = re.compile(r"^:::+\{solution-start\}.*?^:::+\{solution-end\}", re.DOTALL | re.MULTILINE)


def contract_problems(notebook: nbformat.NotebookNode) -> list[str]:
    """Return the promises that a chapter does not keep."""
    markdown = "\n\n".join(cell.source for cell in notebook.cells if cell.cell_type == "markdown") + "\n\n"
    problems, position = [], 0
    for part, pattern in PARTS.items():
        match = re.compile(pattern, re.MULTILINE | re.DOTALL).search(markdown, position)
        if match:
            position = match.end()
        else:
            problems.append(f"{part}: missing, or not in its place")

    code = [cell for cell in notebook.cells if cell.cell_type == "code"]
    figures = [cell for cell in code if "figure" in cell.metadata.get("mystnb", {})]
    interactive = [cell for cell in figures if "from convbook.widgets import" in cell.source]
    exercises = len(re.findall(r"^:::+\{exercise\}", markdown, re.MULTILINE))
    solutions = len(re.findall(r"^:::+\{solution(?:-start)?\}", markdown, re.MULTILINE))
    questions = sum(cell.source.count("Question(") for cell in code)
    counts = {
        "words": (words(markdown), 1500, 2200),
        "still figures": (len(figures) - len(interactive), 2, 4),
        "interactive figures": (len(interactive), 1, 2),
        "lines of code": (code_lines(notebook), 50, 200),
        "exercises": (exercises, 3, 7),
        "solutions": (solutions, exercises, exercises),
        "quiz questions": (questions, 4, 6),
    }
    problems += [f"{what}: {n}, not {low} to {high}" for what, (n, low, high) in counts.items() if not low <= n <= high]

    first = next((cell for cell in code if "hide-input" not in cell.metadata.get("tags", [])), None)
    if first not in figures:
        problems.append("the page does not open with a picture")
    return problems


def code_lines(notebook: nbformat.NotebookNode) -> int:
    """Count the lines of code that a reader of the chapter reads, up to the exercises."""
    lines = 0
    for cell in notebook.cells:
        if cell.cell_type == "markdown" and "## Exercises" in cell.source.splitlines():
            break
        if cell.cell_type == "code" and "remove-cell" not in cell.metadata.get("tags", []):
            lines += len([line for line in cell.source.splitlines() if line.strip()])
    return lines


@pytest.mark.parametrize("path", chapters(*CONCEPTS), ids=lambda path: path.stem)
def test_chapter_keeps_the_contract(path: Path):
    assert contract_problems(nbformat.read(path, as_version=4)) == []


def test_there_are_eight_concept_chapters():
    assert [path.name[:2] for path in chapters(*CONCEPTS)] == CONCEPTS


def good_chapter() -> nbformat.NotebookNode:
    exercise = ":::{exercise} One\n:label: ex\n:::"
    solution = ":::{solution-start} ex\n:::\n\nIt is one.\n\n:::{solution-end}\n:::"
    return new_notebook(
        cells=[
            new_markdown_cell("# A title\n\n> What is\n> this?"),
            new_markdown_cell(
                "**In this chapter you will**\n\n- see,\n- say\n  more,\n- do.\n\n"
                "**You need** an eye.\n**Time:** 9 minutes."
            ),
            new_code_cell("import numpy", metadata={"tags": ["hide-input"]}),
            new_code_cell("draw()", metadata={"mystnb": {"figure": {"name": "a"}}}),
            new_markdown_cell(":::{admonition} In one line\nIt is this.\n:::"),
            new_code_cell("\n".join(["x = 1"] * 60)),
            new_markdown_cell("word " * 1600),
            new_code_cell("draw()", metadata={"mystnb": {"figure": {"name": "b"}}}),
            new_code_cell("from convbook.widgets import Dial\nDial()", metadata={"mystnb": {"figure": {"name": "c"}}}),
            new_markdown_cell("## In full\n\nIt is that."),
            new_markdown_cell("## Exercises"),
            *[new_markdown_cell(text) for text in [exercise, solution] * 3],
            new_markdown_cell("## Quiz"),
            new_code_cell("quiz(" + "Question()," * 4 + ")", metadata={"tags": ["hide-input"]}),
            new_markdown_cell("## Take away\n\n- One.\n- Two.\n- Three.\n\n**Sources.** {cite:t}`me`"),
        ]
    )


def test_good_chapter_passes():
    assert contract_problems(good_chapter()) == []


@pytest.mark.parametrize(
    ("cell", "old", "new", "problem"),
    [
        (0, "?", ".", "an opening question"),
        (1, "- do.\n", "", "three to five goals"),
        (1, "**Time:** 9 minutes.", "", "minutes"),
        (3, "draw", "show", None),
        (4, "In one line", "Note", "the definition in one line"),
        (5, "x = 1\n", "", "lines of code"),
        (6, "word word", "word", "words"),
        (8, "convbook.widgets", "convbook.figures", "interactive figures"),
        (9, "## In full", "## Summary", "the definition in full"),
        (11, "{exercise}", "{note}", "exercises"),
        (18, "Question(),", "", "quiz questions"),
        (19, "- Three.\n", "", "three take-aways"),
        (19, "{cite:t}", "", "sources"),
    ],
)
def test_broken_promise_is_found(cell, old, new, problem):
    chapter = good_chapter()
    assert old in chapter.cells[cell].source
    chapter.cells[cell].source = chapter.cells[cell].source.replace(old, new)
    found = contract_problems(chapter)
    assert [line for line in found if line.startswith(problem)] if problem else not found


def test_page_without_an_opening_picture_is_found():
    chapter = good_chapter()
    chapter.cells[3].metadata.clear()
    assert "the page does not open with a picture" in contract_problems(chapter)
