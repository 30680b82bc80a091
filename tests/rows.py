"""The rows of the tables in `results/`, read without the package and without pandas."""

import csv
from collections import defaultdict
from pathlib import Path

RESULTS = Path(__file__).parents[1] / "results"
Runs = dict[tuple[str, str], list[dict[str, str]]]


def runs(study: str) -> Runs:
    """Return the rows of every run, by variant and seed, in the order of the epochs."""
    found = defaultdict(list)
    for row in csv.DictReader((RESULTS / f"{study}.csv").read_text(encoding="utf-8").splitlines()):
        found[row["variant"], row["seed"]].append(row)
    return dict(found)


def last(study: str, variant: str, column: str) -> list[float]:
    """Return a column's value after the last epoch of every run of a variant."""
    return [float(rows[-1][column]) for (name, _), rows in runs(study).items() if name == variant]
