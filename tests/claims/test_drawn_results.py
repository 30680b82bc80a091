"""The chapters show what the rows of the tables in `results/` say.

Their figures are read off the drawn axes; the numbers that they glue into their text are worked out again from the rows
with Python's own statistics.
"""

import ast
from dataclasses import dataclass
from pathlib import Path
from statistics import mean, stdev
from typing import Any

import matplotlib as mpl
import nbformat
import pytest
from matplotlib.figure import Figure
from pytest import approx
from scipy import stats

import convbook.glue
from convbook.ceiling import training_accuracy_ceiling
from convbook.history import notes_log

from ..rows import last, runs

pytestmark = pytest.mark.slow

ROOT = Path(__file__).parents[2]
Points = set[tuple[float, float]]


@pytest.fixture(autouse=True)
def matplotlib_as_it_was():
    """Put back matplotlib's settings: the chapters set the book's style for the whole process."""
    with mpl.rc_context():
        yield


@dataclass
class Page:
    """What a chapter's cells have made."""

    figures: dict[str, Figure]  # by name
    numbers: dict[str, Any]  # those that it glues into its text, by name


def names_in(source: str) -> tuple[set[str], set[str], set[str]]:
    """Return the names that a cell reads, those that it defines, and those of the numbers that it glues."""
    reads, defines, glues, passing = set(), set(), set(), set()
    for node in ast.walk(ast.parse(source)):
        match node:
            case ast.comprehension(target=target):
                passing.update(part.id for part in ast.walk(target) if isinstance(part, ast.Name))
            case ast.Name(id=name, ctx=ast.Load()):
                reads.add(name)
            case ast.Name(id=name) | ast.FunctionDef(name=name):
                defines.add(name)
            case ast.alias(name=name, asname=other):
                defines.add(other or name)
            case ast.Call(func=ast.Name(id="glue"), keywords=keywords):
                glues.update(keyword.arg for keyword in keywords if keyword.arg)
    return reads - passing, defines - passing, glues


def cells_for(cells: list[nbformat.NotebookNode], wanted: set[str], given: set[str]) -> list[nbformat.NotebookNode]:
    """Return the code cells that make the wanted figures and glued numbers, and those that define what these need."""
    needed: set[str] = set()
    chosen = []
    for cell in reversed(cells):
        reads, defines, glues = names_in(cell.source)
        makes = glues | {cell.metadata.get("mystnb", {}).get("figure", {}).get("name")}
        if makes & wanted or defines & needed:
            chosen.append(cell)
            needed = (needed - defines) | (reads - given)
    return chosen[::-1]


def run(chapter: str, monkeypatch: pytest.MonkeyPatch, *wanted: str, **given: Any) -> Page:
    """Run a chapter's cells up to its exercises.

    Args:
        chapter: its number.
        wanted: figures and glued numbers, if only the cells that these need are to run.
        given: variables that take the place of cells that would take too long.
    """
    (path,) = (ROOT / "chapters").glob(f"{chapter}-*.ipynb")
    monkeypatch.chdir(path.parent)
    page = Page({}, {})
    monkeypatch.setattr(convbook.glue, "glue", page.numbers.update)
    everything = nbformat.read(path, as_version=4).cells
    end = next(i for i, cell in enumerate(everything) if "## Exercises" in cell.source)
    cells = [cell for cell in everything[:end] if cell.cell_type == "code"]
    names = dict(given)
    for cell in cells_for(cells, set(wanted), set(given)) if wanted else cells:
        *body, last_line = ast.parse(cell.source).body
        exec(compile(ast.Module(body, []), str(path), "exec"), names)
        if isinstance(last_line, ast.Expr):
            value = eval(compile(ast.Expression(last_line.value), str(path), "eval"), names)
            if isinstance(value, Figure):
                page.figures[cell.metadata["mystnb"]["figure"]["name"]] = value
        else:
            exec(compile(ast.Module([last_line], []), str(path), "exec"), names)
    return page


def drawn(figure: Figure, axes: int = 0) -> Points:
    """Return the points of all lines and marks of one of a figure's axes."""
    lines = figure.axes[axes].get_lines()
    return {(round(float(x), 6), round(float(y), 6)) for line in lines for x, y in line.get_xydata()}


def missing(points: Points, expected: list[tuple[float, float]], tolerance: float = 2e-6) -> list[tuple[float, float]]:
    """Return the expected points that are not among the drawn ones."""
    return [
        (x, y) for x, y in expected if not any(abs(x - a) < tolerance and abs(y - b) < tolerance for a, b in points)
    ]


def test_the_schedules_of_chapter_11(monkeypatch):
    page = run("11", monkeypatch, "fig-runs", "rival_errors")
    figure = page.figures["fig-runs"]
    points = [point for axes in range(len(figure.axes)) for point in drawn(figure, axes)]
    heights = {y for _, y in points} | {x for x, _ in points}
    for rows in runs("schedules").values():
        for row in rows:
            error = 100 * (1 - float(row["val_accuracy"]))
            assert min(abs(height - error) for height in heights) < 1e-4

    errors = {
        name: mean(5_000 * (1 - accuracy) for accuracy in last("schedules", name, "val_accuracy"))
        for name in ("constant", "step", "cosine", "one_cycle", "inverse_time")
    }
    assert page.numbers["notes_errors"] == approx(errors.pop("inverse_time"), abs=0.01)
    assert page.numbers["rival_errors"] == approx(min(errors.values()), abs=0.01)
    assert min(errors, key=errors.__getitem__) == "one_cycle"  # as the text has it


def test_the_ten_runs_of_chapter_9(monkeypatch):
    page = run("09", monkeypatch, "fig-ten-runs", "seeds_mean", notes=notes_log(), test=(None, range(10_000)))
    places = {x for x, _ in drawn(page.figures["fig-ten-runs"])}
    scores = [[100 * float(row["val_accuracy"]) for row in rows] for rows in runs("replay").values()]
    ends = [epochs[-1] for epochs in scores]
    for place in [*ends, *map(max, scores)]:
        assert min(abs(place - other) for other in places) < 1e-4
    expected = {
        "seeds": len(ends),
        "seeds_mean": mean(ends),
        "seeds_spread": stdev(ends),
        "seeds_low": min(ends),
        "seeds_high": max(ends),
        "flattery": mean(max(epochs) - epochs[-1] for epochs in scores),
    }
    assert {name: page.numbers[name] for name in expected} == approx(expected)


def test_the_figures_and_numbers_of_chapter_12(monkeypatch):
    page = run("12", monkeypatch)
    shown, numbers = page.figures, page.numbers
    widths = {"32 kernels": 16_604, "16 kernels": 14_060, "8 kernels": 12_788}

    accuracies = {name: [100 * a for a in last("second_block", name, "test_accuracy")] for name in widths}
    points = drawn(shown["fig-second-block"])
    assert missing(points, [(widths[name], a) for name, runs in accuracies.items() for a in runs]) == []
    heights = [y for _, y in points]
    ends = [end for runs in accuracies.values() for end in stats.ttest_1samp(runs, 0).confidence_interval(0.95)]
    for value in [*map(mean, accuracies.values()), *ends]:
        assert min(abs(value - height) for height in heights) < 1e-5

    means = {name: mean(accuracies[name]) for name in widths}
    assert [numbers[f"mean_{width}"] for width in (32, 16, 8)] == approx(list(means.values()))
    assert numbers["lost"] == approx(means["32 kernels"] - means["8 kernels"])

    for column, name in (("parameters", "parameters"), ("macs", "macs"), ("cpu_seconds", "seconds")):
        costs = [mean(last("second_block", variant, column)) for variant in widths]
        assert numbers[f"saved_{name}"] == approx(100 * (1 - costs[1] / costs[0]))
        expected = [(place, cost / costs[0]) for place, cost in enumerate(costs)]
        assert missing(drawn(shown["fig-savings"]), expected) == []

    points = drawn(shown["fig-dropout-runs"])
    for rate in (0.0, 0.05, 0.2):
        for column in ("accuracy", "val_accuracy"):
            measured = last("dropout", f"dropout {rate}", column)
            assert missing(points, [(rate, accuracy) for accuracy in measured]) == []
    assert missing(points, [(0, training_accuracy_ceiling(0)), (0.2, training_accuracy_ceiling(0.2))]) == []
    fall = mean(last("dropout", "dropout 0.0", "accuracy")) - mean(last("dropout", "dropout 0.2", "accuracy"))
    assert numbers["training_fall"] == approx(100 * fall)


def test_the_figures_and_numbers_of_chapter_13(monkeypatch):
    page = run("13", monkeypatch)
    shown, numbers = page.figures, page.numbers
    networks = ("compact_20k", "compact_7k", "compact_4k", "compact_2k")
    steps = list(dict.fromkeys(variant for variant, _ in runs("steps")))

    points = drawn(shown["fig-recipe-steps"])
    for step in steps:
        column = "finished_val_accuracy" if step in ("nine readings", "label smoothing") else "val_accuracy"
        errors = [round(5_000 * (1 - accuracy)) for accuracy in last("steps", step, column)]
        assert numbers[step.replace(" ", "_")] == approx(mean(errors))
        rows = {y for x, y in points if abs(x - mean(errors)) < 1e-5}
        assert any(missing(points, [(error, row) for error in errors]) == [] for row in rows), step
    assert {y for _, y in points if y % 1 == 0} >= set(range(len(steps)))

    points = drawn(shown["fig-frontier"])
    for name in networks:
        accuracies = last(name, name, "test_accuracy")
        parameters = last(name, name, "parameters")[0]
        expected = [(parameters, 100 * (1 - accuracy)) for accuracy in [*accuracies, mean(accuracies)]]
        assert missing(points, expected) == []
        assert numbers[f"mean_{name}"] == approx(100 * mean(accuracies))

    minute = last("one_minute", "one_minute", "test_accuracy")
    seconds = [sum(float(row["seconds"]) for row in rows) for rows in runs("one_minute").values()]
    assert (numbers["minute_mean"], numbers["minute_worst"]) == approx((100 * mean(minute), 100 * min(minute)))
    assert (numbers["minute_seconds"], numbers["minute_slowest"]) == approx((mean(seconds), max(seconds)))

    points = drawn(shown["fig-race"])
    for study, variant, readings in (
        ("one_minute", "one_minute", 9),
        ("compact_7k", "compact_7k", 9),
        ("second_block", "16 kernels", 1),
    ):
        own = [rows for (name, _), rows in runs(study).items() if name == variant]
        macs = 55_000 * float(own[0][0]["macs"]) / readings / 1e9
        for epoch in range(len(own[0])):
            error = 100 * (1 - mean(float(rows[epoch]["val_accuracy"]) for rows in own))
            assert missing(points, [((epoch + 1) * macs, error)]) == []
