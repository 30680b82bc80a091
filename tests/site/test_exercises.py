"""In the built pages every exercise shows what its check says: your turn on the stub, passed on the solution."""

import re

import pytest
from bs4 import BeautifulSoup

from convbook.exercises import check

from .checks import Site
from .conftest import BOOK

CHECK = re.compile(r"\bcheck\.(\w+)\(")
CHAPTERS = sorted(path.stem for path in (BOOK / "chapters").glob("*.ipynb"))


def exercise_problems(page: BeautifulSoup) -> list[str]:
    """Return the exercises without a solution, the solutions that fail their check and the stubs that pass it."""
    problems = []
    solutions = page.select("div.solution")
    for exercise in page.select("div.exercise"):
        if not any(solution.select_one(f'a[href$="#{exercise["id"]}"]') for solution in solutions):
            problems.append(f"{exercise['id']} has no solution")
    for verdict in page.select(".check"):
        solved = verdict.find_parent("div", class_="solution") is not None
        fits = {"passed", "unverified"} if solved else {"untried"}  # some are noted, as no check can know all
        if not fits.intersection(verdict["class"]):
            problems.append(f"{'solution' if solved else 'stub'}: {verdict.get_text()}")
    return problems


def names(page: BeautifulSoup, *, solved: bool) -> set[str]:
    """Return the names of the checks that the code of a page calls, in its solutions or outside them."""
    cells = page.select(".cell_input")
    chosen = [cell for cell in cells if (cell.find_parent("div", class_="solution") is not None) == solved]
    return {name for cell in chosen for name in CHECK.findall(cell.get_text())}


@pytest.fixture
def pages(parsed: Site) -> dict[str, BeautifulSoup]:
    return {name: parsed.documents[f"chapters/{name}.html"] for name in CHAPTERS}


@pytest.mark.parametrize("name", CHAPTERS)
def test_stubs_have_no_verdict_and_solutions_pass(pages, name):
    page = pages[name]
    assert page.select("div.exercise")
    assert exercise_problems(page) == []
    assert names(page, solved=False) == names(page, solved=True)
    assert len(page.select(".check")) >= 2 * len(names(page, solved=True))


def test_every_check_has_its_exercise(pages):
    used = {name for page in pages.values() for name in names(page, solved=True)}
    assert used == {name for name, value in vars(check).items() if callable(value) and not name.startswith("_")}


@pytest.mark.parametrize(
    ("verdict", "solved", "right"),
    [
        *[("passed", True, True), ("untried", False, True), ("failed", True, False), ("passed", False, False)],
        *[("unverified", True, True), ("unverified", False, False), ("untried", True, False), ("failed", False, False)],
    ],
)
def test_wrong_verdict_is_found(verdict, solved, right):
    output = f'<p class="check {verdict}">…</p>'
    solution = f'<div class="solution"><a href="#ex">Exercise 1</a>{output if solved else ""}</div>'
    page = f'<div class="exercise" id="ex"></div>{"" if solved else output}{solution}'
    assert (exercise_problems(BeautifulSoup(page, "html5lib")) == []) == right


def test_missing_solution_is_found():
    page = BeautifulSoup('<div class="exercise" id="ex-a"></div>', "html5lib")
    assert exercise_problems(page) == ["ex-a has no solution"]
