"""The concept chapters keep what they promise their readers: the same parts in the same order, of a size to finish."""

import re
from pathlib import Path

import nbformat
import pytest

from ..repository.prose import CONCEPTS, chapters, words

# In the order of the page. Each is a pattern that the Markdown has to match, behind the one before.
PARTS = {
    "a title": r"^# \S",
    "an opening question": r"^> [^\n]*(?:\n> [^\n]*)*\?",
    "three to five goals": r"\*\*In this chapter you will\*\*\n\n(?:- [^\n]+\n(?:  [^\n]+\n)*){3,5}\n",
    "prerequisites": r"\*\*You need\*\*",
    "minutes": r"\*\*Time:\*\* \d+ minutes",
    "what is often said": r"^:::\{admonition\} Often said, and half true$",
    "which half is true": r"^## Which half is true\?$",
    "exercises": r"^## Exercises$",
    "a quiz": r"^## Quiz$",
    "three take-aways": r"^## Takeaways\n\n(?:- [^\n]+\n(?:  [^\n]+\n)*){3}\n",
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
        "words": (words(markdown), 1500, 4400),
        "still figures": (len(figures) - len(interactive), 2, 4),
        "interactive figures": (len(interactive), 1, 2),
        "lines of code": (code_lines(notebook), 50, 200),
        "exercises": (exercises, 3, 7),
        "solutions": (solutions, exercises, exercises),
        "quiz questions": (questions, 4, 6),
    }
    problems += [f"{what}: {n}, not {low} to {high}" for what, (n, low, high) in counts.items() if not low <= n <= high]

    if code[1:2] != figures[:1]:  # the first cell has the imports
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
    problems = contract_problems(nbformat.read(path, as_version=4))
    assert not problems, "\n".join(problems)


def test_there_are_eight_concept_chapters():
    assert [path.name[:2] for path in chapters(*CONCEPTS)] == CONCEPTS
