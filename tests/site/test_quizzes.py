"""The numbers that the quizzes call right are right."""

import ast
import re
from collections.abc import Iterator

import nbformat
import pytest
from bs4 import BeautifulSoup

from .browser import bring, opened
from .checks import Site
from .conftest import BOOK
from .quiz_answers import ANSWERS

NUMBER = re.compile(r"[−-]?\d")


def numeric_answers(pages: list[BeautifulSoup]) -> Iterator[tuple[str, str]]:
    """Yield the name and the right answer of every question that asks for a number."""
    for page in pages:
        for question in page.select("ol.quiz > li"):
            (right,) = (part for part in question.select("details") if part.p.get_text().startswith("✓"))
            answer = right.summary.get_text().replace("\u00a0", " ")  # no line breaks in 3 × 3
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


def test_the_page_does_not_give_answers_away(site, pages):
    for page in pages:
        assert not [cell for cell in page.select(".cell_input") if "\nquiz(" in cell.get_text()]
    for file in (site / "chapters").glob("*.html"):
        source = file.read_text(encoding="utf-8")
        assert 'class="right"' not in source and "<script>/**" not in source


def test_choose_check_read_and_start_again(browser, address):
    with opened(browser, f"{address}/chapters/08-epochs-and-schedules.html") as (page, wrong):
        question, score = page.locator("#quiz-epochs-updates"), page.locator("ol.quiz + .score")
        said, check = question.get_by_role("status"), question.get_by_role("button", name="Check")
        check.click()
        assert said.inner_text() == "Choose an answer first."
        question.get_by_label("10", exact=True).check()
        assert said.inner_text() == "Choose an answer first."  # nothing is told before the reader commits
        check.click()
        assert said.inner_text().startswith("✗ No. That is the number of passes.")
        question.get_by_label("7,820").focus()
        page.keyboard.press("Space")
        page.keyboard.press("Enter")
        assert said.inner_text().startswith("✓ Right. The last batch of each epoch")
        assert "1 of 5 answered right, 0 of them at the first try" in score.inner_text()
        page.reload()
        bring(question)
        assert said.inner_text().startswith("✓ Right.")
        score.get_by_role("button", name="Start again").click()
        assert said.inner_text() == "" and "5 questions" in score.inner_text()
        assert wrong == []


def test_without_scripts_every_option_opens(browser, address):
    with opened(browser, f"{address}/chapters/08-epochs-and-schedules.html", java_script_enabled=False) as (page, _):
        option = page.locator("#quiz-epochs-updates details").first
        option.locator("summary").click()
        assert option.locator("p").inner_text().startswith(("✓ Right.", "✗ No."))


def test_wrong_missing_and_stale_answers_are_found():
    item = '<li id="quiz-size"><details><summary>26</summary><p>✓ Right.</p></details></li>'
    page = BeautifulSoup(f'<ol class="quiz">{item}</ol>', "html5lib")
    assert answer_problems([page], {"size": "26"}) == []
    assert answer_problems([page], {"size": "25"}) == ["size: the page says 26, and it is 25"]
    assert answer_problems([page], {}) == ["size: 26 has no second computation"]
    assert answer_problems([], {"size": "26"}) == ["size: no page asks this"]
