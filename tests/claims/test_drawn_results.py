"""The figures that show results draw what the rows of the tables say: their points, read off the drawn axes."""

import ast
from pathlib import Path
from statistics import mean
from typing import Any

import matplotlib as mpl
import nbformat
import pytest
from matplotlib.figure import Figure
from scipy import stats

from convbook.network import training_accuracy_ceiling
from convbook.training import notes_log

from ..rows import last, runs

ROOT = Path(__file__).parents[2]
Points = set[tuple[float, float]]


@pytest.fixture(autouse=True)
def matplotlib_as_it_was():
    """The chapters set the book's style for the whole process."""
    with mpl.rc_context():
        yield


def figures_of(chapter: str, monkeypatch: pytest.MonkeyPatch, only: tuple[str, ...] = ()) -> dict[str, Figure]:
    """Run a chapter's cells up to the exercises, or those with one of the words, and return its figures by name."""
    (path,) = (ROOT / "chapters").glob(f"{chapter}-*.ipynb")
    monkeypatch.chdir(path.parent)
    found: dict[str, Figure] = {}
    names: dict[str, Any] = {"notes": notes_log()} if only else {}
    for cell in nbformat.read(path, as_version=4).cells:
        if cell.cell_type == "markdown" and "## Exercises" in cell.source:
            break
        if cell.cell_type != "code" or (only and not any(word in cell.source for word in only)):
            continue
        *body, end = ast.parse(cell.source).body
        exec(compile(ast.Module(body, []), str(path), "exec"), names)
        if isinstance(end, ast.Expr):
            value = eval(compile(ast.Expression(end.value), str(path), "eval"), names)
            if isinstance(value, Figure):
                found[cell.metadata["mystnb"]["figure"]["name"]] = value
        else:
            exec(compile(ast.Module([end], []), str(path), "exec"), names)
    return found


def drawn(figure: Figure, axes: int = 0) -> Points:
    """Return the points of all lines and marks of one of a figure's axes."""
    lines = figure.axes[axes].get_lines()
    return {(round(float(x), 6), round(float(y), 6)) for line in lines for x, y in line.get_xydata()}


def missing(points: Points, expected: list[tuple[float, float]], tolerance: float = 2e-6) -> list[tuple[float, float]]:
    """Return the expected points that are not among the drawn ones."""
    return [
        (x, y) for x, y in expected if not any(abs(x - a) < tolerance and abs(y - b) < tolerance for a, b in points)
    ]


def test_a_point_at_another_place_is_noticed():
    figure = Figure()
    figure.subplots().plot([1, 2], [0.5, 0.75], "o")
    assert missing(drawn(figure), [(1, 0.5), (2, 0.75)]) == []
    assert missing(drawn(figure), [(1, 0.5), (2, 0.7501)]) == [(2, 0.7501)]


def test_the_schedules_of_chapter_8(monkeypatch):
    figure = figures_of("08", monkeypatch, only=("from convbook import", "schedules = {", "schedules.csv"))["fig-runs"]
    points = [point for axes in range(len(figure.axes)) for point in drawn(figure, axes)]
    heights = {y for _, y in points} | {x for x, _ in points}
    for rows in runs("schedules").values():
        for row in rows:
            error = 100 * (1 - float(row["val_accuracy"]))
            assert min(abs(height - error) for height in heights) < 1e-4


def test_the_ten_runs_of_chapter_9(monkeypatch):
    figure = figures_of("09", monkeypatch, only=("from convbook import", "last_and_best"))["fig-ten-runs"]
    places = {x for x, _ in drawn(figure)}
    for rows in runs("replay").values():
        accuracies = [float(row["val_accuracy"]) for row in rows]
        for accuracy in (accuracies[-1], max(accuracies)):
            assert min(abs(place - 100 * accuracy) for place in places) < 1e-4


def test_the_figures_of_chapter_11(monkeypatch):
    shown = figures_of("11", monkeypatch)
    widths = {"32 kernels": 16_604, "16 kernels": 14_060, "8 kernels": 12_788}

    accuracies = {name: [100 * a for a in last("second_block", name, "test_accuracy")] for name in widths}
    points = drawn(shown["fig-second-block"])
    assert missing(points, [(widths[name], a) for name, runs in accuracies.items() for a in runs]) == []
    heights = [y for _, y in points]
    ends = [end for runs in accuracies.values() for end in stats.ttest_1samp(runs, 0).confidence_interval(0.95)]
    for value in [*map(mean, accuracies.values()), *ends]:
        assert min(abs(value - height) for height in heights) < 1e-5

    for column in ("parameters", "macs", "cpu_seconds"):
        costs = [mean(last("second_block", name, column)) for name in widths]
        expected = [(place, cost / costs[0]) for place, cost in enumerate(costs)]
        assert missing(drawn(shown["fig-savings"]), expected) == []

    points = drawn(shown["fig-dropout-runs"])
    for rate in (0.0, 0.05, 0.2):
        for column in ("accuracy", "val_accuracy"):
            measured = last("dropout", f"dropout {rate}", column)
            assert missing(points, [(rate, accuracy) for accuracy in measured]) == []
    assert missing(points, [(0, training_accuracy_ceiling(0)), (0.2, training_accuracy_ceiling(0.2))]) == []


def test_the_figures_of_chapter_12(monkeypatch):
    shown = figures_of("12", monkeypatch)
    networks = ("compact_20k", "compact_7k", "compact_4k", "compact_2k")
    steps = list(dict.fromkeys(variant for variant, _ in runs("steps")))

    points = drawn(shown["fig-recipe-steps"])
    for step in steps:
        column = "finished_val_accuracy" if step in ("nine readings", "label smoothing") else "val_accuracy"
        errors = [round(5_000 * (1 - accuracy)) for accuracy in last("steps", step, column)]
        rows = {y for x, y in points if abs(x - mean(errors)) < 1e-5}
        assert any(missing(points, [(error, row) for error in errors]) == [] for row in rows), step
    assert {y for _, y in points if y % 1 == 0} >= set(range(len(steps)))

    points = drawn(shown["fig-frontier"])
    for name in networks:
        accuracies = last(name, name, "test_accuracy")
        parameters = last(name, name, "parameters")[0]
        expected = [(parameters, 100 * (1 - accuracy)) for accuracy in [*accuracies, mean(accuracies)]]
        assert missing(points, expected) == []

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
