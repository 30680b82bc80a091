"""The numbers that the quizzes call right are right."""

import ast
import re
from collections.abc import Iterator

import nbformat
import pytest
from bs4 import BeautifulSoup

from .checks import Site
from .conftest import BOOK
from .quiz_answers import ANSWERS

NUMBER = re.compile(r"[−-]?\d")


def numeric_answers(pages: list[BeautifulSoup]) -> Iterator[tuple[str, str]]:
    """Yield the name and the right answer of every question that asks for a number."""
    for page in pages:
        for question in page.select("ol.quiz > li"):
            (right,) = question.select("details.right > summary")
            answer = right.get_text().replace("\u00a0", " ")  # no line breaks in 3 × 3
            if NUMBER.match(answer):
                yield question["id"].removeprefix("quiz-"), answer


def answer_problems(pages: list[BeautifulSoup], answers: dict[str, str]) -> list[str]:
    """Compare the numbers in the pages with those computed another way."""
    shown = list(numeric_answers(pages))
    problems = [f"{name}: {answer} has no second computation" for name, answer in shown if name not in answers]
    problems += [f"{name}: no page asks this" for name in answers.keys() - dict(shown).keys()]
    return problems + [
        f"{name}: the page says {answer}, and it is {answers[name]}"
        for name, answer in shown
        if name in answers and answers[name] != answer
    ]


def typed_answers(source: str) -> list[str]:
    """Return the right answers of a quiz cell that are numbers typed in, not computed."""
    calls = [node for node in ast.walk(ast.parse(source)) if isinstance(node, ast.Call)]
    questions = [call for call in calls if ast.unparse(call.func) == "Question"]
    rights = [keyword.value for call in questions for keyword in call.keywords if keyword.arg == "right"]
    firsts = [right.elts[0] for right in rights if isinstance(right, ast.Tuple)]
    return [
        first.value
        for first in firsts
        if isinstance(first, ast.Constant) and NUMBER.match(str(first.value)) is not None
    ]


def quiz_cells() -> list[str]:
    notebooks = [nbformat.read(path, as_version=4) for path in sorted((BOOK / "chapters").glob("*.ipynb"))]
    cells = [cell for notebook in notebooks for cell in notebook.cells if cell.cell_type == "code"]
    return [cell.source for cell in cells if "Question(" in cell.source]


@pytest.fixture
def pages(parsed: Site) -> list[BeautifulSoup]:
    return [page for name, page in parsed.documents.items() if name.startswith("chapters/")]


def test_numbers_are_right(pages):
    assert answer_problems(pages, {name: answer() for name, answer in ANSWERS.items()}) == []


def test_names_are_unique(pages):
    names = [item["id"] for page in pages for item in page.select("ol.quiz > li")]
    assert len(names) == len(set(names)) >= 8 * 4


def test_numbers_are_computed():
    assert [answer for source in quiz_cells() for answer in typed_answers(source)] == []


def test_typed_number_is_found():
    assert typed_answers('quiz(Question("a", "?", right=("26", "why"), wrong=[("25", "no")]))') == ["26"]
    assert typed_answers('quiz(Question("a", "?", right=(f"{size(28, 3)}", "why"), wrong=[("25", "no")]))') == []


def test_wrong_missing_and_stale_answers_are_found():
    item = '<li id="quiz-size"><details class="right"><summary>26</summary></details></li>'
    page = BeautifulSoup(f'<ol class="quiz">{item}</ol>', "html5lib")
    assert answer_problems([page], {"size": "26"}) == []
    assert answer_problems([page], {"size": "25"}) == ["size: the page says 26, and it is 25"]
    assert answer_problems([page], {}) == ["size: 26 has no second computation"]
    assert answer_problems([], {"size": "26"}) == ["size: no page asks this"]
