"""Studies: every variant of a plan with several seeds, on a split of the training set.

``python -m convbook.study schedules`` writes ``results/schedules.csv``, a row for every epoch of every run, and
``results/schedules.json``, the record of how it was made. Runs go in parallel, one thread each. A study that is stopped
and started again goes on with the runs that are missing.
"""

import argparse
import datetime
import json
import os
import platform
import sys
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import NamedTuple

import joblib
import pandas as pd

from convbook import mnist, schedule
from convbook.backend import device_name, keras, versions
from convbook.network import scheduled_cnn, small_cnn
from convbook.training import History, evaluate, train


class Variant(NamedTuple):
    """What one line of a comparison does."""

    build: Callable[[], keras.Model]
    schedule: Callable[[int], float]


class Plan(NamedTuple):
    """What a study runs.

    Attributes:
        variants: by name.
        seeds: each variant runs once with each.
        epochs: of every run.
        digits: training digits in use; the first so many of the shuffled training set.
        validation: digits held out of the training set, by which the variants are compared.
        test: whether every finished run is measured on the test set, once.
    """

    variants: dict[str, Variant]
    seeds: range
    epochs: int
    digits: int
    validation: int
    test: bool = False


class Silence:
    """No progress from a single run; the study tells of its own."""

    def step(self, history: History, epochs: int, done: float) -> None:
        """Say nothing."""

    def epoch(self, history: History, epochs: int) -> None:
        """Say nothing."""


RATES: dict[str, Callable[[int], float]] = {
    "inverse_time": schedule.inverse_time,
    "constant": schedule.constant,
    "step": schedule.step,
    "cosine": schedule.cosine,
    "one_cycle": schedule.one_cycle,
}
PLANS = {
    # A sixth of the digits, so that fifteen runs fit into half an hour on two cores.
    "schedules": Plan(
        variants={name: Variant(scheduled_cnn, rate) for name, rate in RATES.items()},
        seeds=range(3),
        epochs=20,
        digits=10_000,
        validation=5_000,
    ),
    "budget": Plan(
        variants={"small_cnn": Variant(small_cnn, partial(schedule.one_cycle, peak=0.01))},
        seeds=range(3),
        epochs=20,
        digits=55_000,
        validation=5_000,
        test=True,
    ),
}


def run(plan: Plan, name: str, seed: int) -> pd.DataFrame:
    """Train one variant with one seed; return a row for every epoch, the last one with the test scores if asked for."""
    digits = mnist.load()
    split = mnist.split(digits, plan.validation)  # the same digits for every run
    training = mnist.to_input(split.train_images[: plan.digits]), split.train_labels[: plan.digits]
    validation = mnist.to_input(split.validation_images), split.validation_labels
    keras.utils.set_random_seed(seed)
    variant = plan.variants[name]
    model = variant.build()
    history = train(
        model,
        training,
        validation,
        epochs=plan.epochs,
        seed=seed,
        schedule=variant.schedule,
        progress=Silence(),
    )
    table = pd.DataFrame(history)
    table.insert(0, "variant", name)
    table.insert(1, "seed", seed)
    if plan.test:
        scores = evaluate(model, mnist.to_input(digits.test_images), digits.test_labels)
        table.loc[table.index[-1], ["test_loss", "test_accuracy"]] = scores
    return table


def study(plan: Plan, table: Path, jobs: int = -1) -> pd.DataFrame:
    """Run what a plan asks for and the table does not have yet; the table grows by one finished run at a time.

    Args:
        plan: what to run.
        table: CSV file, made if it is missing.
        jobs: runs at the same time; -1 means as many as there are cores.

    Returns:
        The whole table.
    """
    done = pd.read_csv(table) if table.exists() else pd.DataFrame({"variant": [], "seed": []})
    finished = set(zip(done["variant"], done["seed"], strict=True))
    missing = [(name, seed) for seed in plan.seeds for name in plan.variants if (name, seed) not in finished]
    started = time.monotonic()
    pool = joblib.Parallel(n_jobs=jobs, return_as="generator_unordered")
    for count, rows in enumerate(pool(joblib.delayed(run)(plan, name, seed) for name, seed in missing), start=1):
        done = pd.concat([done, rows]) if len(done) else rows
        _write(table, done.sort_values(["variant", "seed", "epoch"]).to_csv(index=False))
        left = (time.monotonic() - started) / count * (len(missing) - count) / 60
        last = rows.iloc[-1]
        print(
            f"{count}/{len(missing)} {last['variant']}, seed {last['seed']}: "
            f"validation accuracy {last['val_accuracy']:.4f} - about {left:.0f} min left",
            flush=True,
        )
    return done


def _write(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    unfinished = path.with_name(f"{path.name}.part")
    unfinished.write_text(text, encoding="utf-8")
    unfinished.replace(path)  # atomic: a stop at any moment leaves the old table or the new one


def main(arguments: list[str] | None = None) -> None:
    """Run a study and write its table with the record of how it was made."""
    parser = argparse.ArgumentParser(prog="python -m convbook.study", description=main.__doc__)
    parser.add_argument("plan", choices=PLANS)
    parser.add_argument("--out", type=Path, default=Path("results"), help="folder for the table and the record")
    parser.add_argument("--jobs", type=int, default=-1, help="runs at the same time; as many as there are cores")
    chosen = parser.parse_args(arguments)
    # Two runs of one thread each beat one after the other on both cores. TensorFlow reads these when it starts.
    os.environ |= {"TF_NUM_INTRAOP_THREADS": "1", "TF_NUM_INTEROP_THREADS": "1"}
    plan = PLANS[chosen.plan]
    try:
        table = study(plan, chosen.out / f"{chosen.plan}.csv", chosen.jobs)
    except mnist.DataError as error:
        sys.exit(str(error))
    record = {
        "command": f"python -m convbook.study {chosen.plan}",
        "date": datetime.datetime.now(datetime.UTC).date().isoformat(),
        "runs": len(table) // plan.epochs,
        "seeds": [*plan.seeds],
        "epochs": plan.epochs,
        "training_digits": plan.digits,
        "validation_digits": plan.validation,
        "device": device_name(),
        "versions": {"python": platform.python_version(), **versions()},
    }
    _write(chosen.out / f"{chosen.plan}.json", json.dumps(record, indent=1) + "\n")


if __name__ == "__main__":
    # Under its own name, so that the workers import this module, and Keras by way of `backend`, which keeps it quiet.
    from convbook import study as this_module

    this_module.main()
