"""The tables of results are complete, say how they were made, and are what the README shows."""

import csv
import json
import re

import pytest

from convbook import widgets

from .tree import ROOT

RESULTS = ROOT / "results"
RECORDS = sorted(RESULTS.glob("*.json"))
README = (ROOT / "README.md").read_text(encoding="utf-8")
WRITE = "the README has other numbers than results/: write these into its table"


def record(name: str) -> dict:
    return json.loads((RESULTS / f"{name}.json").read_text(encoding="utf-8"))


def made_by(package: str) -> list[str]:
    """Return the records whose command runs a module of the package."""
    return [path.stem for path in RECORDS if record(path.stem)["command"].startswith(f"python -m {package}")]


STUDIES = made_by("studies")
BENCHMARKS = made_by("benchmarks")


def test_every_table_has_a_record():
    tables = {path.stem for path in RESULTS.glob("*.csv")} - {"notes_log"}  # the log came with the notes
    assert tables <= {path.stem for path in RECORDS}


def study_problems(rows: list[dict[str, str]], made: dict) -> list[str]:
    """Return what a study's table lacks that its record promises."""
    epochs = [str(epoch) for epoch in range(1, made["epochs"] + 1)]
    runs: dict[tuple[str, str], list[str]] = {}
    for row in rows:
        runs.setdefault((row["variant"], row["seed"]), []).append(row["epoch"])
    variants = {variant for variant, _ in runs}
    problems = [f"{run}: epochs {found}" for run, found in runs.items() if found != epochs]
    missing = {(variant, str(seed)) for variant in variants for seed in made["seeds"]} - set(runs)
    problems += [f"{run} is missing" for run in sorted(missing)]
    if len(runs) != made["runs"]:
        problems.append(f"{len(runs)} runs instead of {made['runs']}")
    return problems


@pytest.mark.parametrize("name", STUDIES)
def test_every_run_of_a_study_is_there_with_every_epoch(name):
    rows = list(csv.DictReader((RESULTS / f"{name}.csv").read_text(encoding="utf-8").splitlines()))
    problems = study_problems(rows, record(name))
    assert not problems, "\n".join([f"`python -m studies {name}` runs what is missing:", *problems])
    assert record(name)["command"].split(" --")[0] == f"python -m studies {name}"


@pytest.mark.parametrize("name", BENCHMARKS)
def test_a_benchmark_says_how_it_was_made(name):
    made = record(name)
    assert made["command"].startswith(f"python -m benchmarks.{name}")
    assert (ROOT / "benchmarks" / f"{name}.py").exists()
    assert {"date", "device"} <= set(made)


def test_the_figures_that_were_timed_are_still_there():
    present = {getattr(widgets, name).__module__.rpartition(".")[2] for name in widgets.__all__}
    gone = set(record("figures")["figures"]) - present
    assert not gone, f"results/figures.json has rows of {gone}; `python -m benchmarks.figures` writes it anew"


def readme_table(title: str) -> dict[str, list[str]]:
    """Return the rows of the README's table with this first column, by their names."""
    table = re.search(rf"^\| {re.escape(title)} \|.*\n\|[-:| ]+\|\n((?:\|.*\n)+)", README, re.MULTILINE)
    assert table, f"the README has no table {title!r}"
    rows = [[cell.strip().strip("`*") for cell in line.strip("|").split("|")] for line in table[1].splitlines()]
    return {name: cells for name, *cells in rows}


def test_the_readme_shows_the_measured_time_of_an_epoch():
    measured = record("training")["contenders"]
    expected = {
        name: [f"{sorted(row['seconds'])[len(row['seconds']) // 2]:.1f} s", f"{row['ratio']:.2f}"]
        for name, row in measured.items()
    }
    assert readme_table("One epoch of the scheduled CNN") == expected, WRITE


def test_the_readme_tells_the_measured_time_of_a_build():
    first, again = (record("book")["builds"][name]["seconds"] for name in ("from nothing", "again"))
    for said in (f"{first / 60:.0f} minutes on two CPU cores", f"the next one takes {again:.0f} seconds"):
        assert said in README, f"the README does not say, as results/book.json does: {said}"


def test_the_readme_shows_the_measured_time_of_a_convolution():
    cases = record("convolve")["cases"]
    names = readme_table("One convolution")
    assert set(names) == {name for case in cases.values() for name in case}
    for name, cells in names.items():
        assert cells == [f"{case[name]['ratio']:.2f}" if name in case else "–" for case in cases.values()], WRITE


def test_the_readme_shows_the_measured_accuracies():
    expected = {}
    for name in [name for name in STUDIES if re.match("compact_|one_minute", name)]:
        rows = list(csv.DictReader((RESULTS / f"{name}.csv").read_text(encoding="utf-8").splitlines()))
        accuracies = [float(row["test_accuracy"]) for row in rows if row["test_accuracy"]]
        mean = 100 * sum(accuracies) / len(accuracies)
        expected[name] = [f"{int(rows[0]['parameters']):,}", f"{mean:.2f} %"]
    assert len(expected) == 5
    assert readme_table("Network") == expected, WRITE
