"""Studies: every variant of a plan with several seeds, on a split of the training set.

``python -m convbook.study schedules`` writes ``results/schedules.csv``, a row for every epoch of every run, and
``results/schedules.json``, the record of how it was made. Runs go in parallel, one thread each. A study that is stopped
and started again goes on with the runs that are missing.

With ``--scheduler ADDRESS`` the runs go to the workers of a Dask cluster (``pip install distributed``), and a run whose
worker is lost goes to another. Every worker needs this package, the data and a single thread, as the seed is the whole
process's::

    dask scheduler
    TF_NUM_INTRAOP_THREADS=1 dask worker ADDRESS --nthreads 1  # twice at least: joblib leaves a lone worker idle

With ``--devices N`` every run is divided among N devices: each trains on its share of every batch. Batch normalisation
and gradients are those of the whole batch, so the history is the same but for rounding, which training magnifies: in
double precision twelve digits of the loss agree, in the usual single precision only the first two or so. Random layers
(dropout, shifts) differ, as every device draws for its own share.
"""

import argparse
import datetime
import json
import os
import platform
import random
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from functools import cache
from pathlib import Path
from typing import Any

import joblib
import pandas as pd

from convbook import mnist
from convbook.arithmetic import from_keras, trace
from convbook.backend import device_name, keras, versions
from convbook.plans import PLANS, Plan
from convbook.training import History, evaluate, examples, train


class Silence:
    """No progress from a single run; the study tells of its own."""

    def step(self, history: History, epochs: int, done: float) -> None:
        """Say nothing."""

    def epoch(self, history: History, epochs: int) -> None:
        """Say nothing."""


def run(plan: Plan, name: str, seed: int, devices: int = 1) -> pd.DataFrame:
    """Train one variant with one seed; return a row for every epoch, the last one with the test scores if asked for.

    Args:
        plan: what the run belongs to.
        name: of the variant.
        seed: of the initial weights, the order of the digits and the random layers.
        devices: share every batch; more than one needs the TensorFlow backend.

    Raises:
        ValueError: if there are fewer devices, or a batch does not divide evenly among them.
        DataError: if MNIST cannot be found.
    """
    recipe = plan.variants[name]
    if recipe.batch_size % devices or plan.digits % devices:
        raise ValueError(
            f"batches of {recipe.batch_size} from {plan.digits} digits do not divide evenly among {devices} devices"
        )
    digits = mnist.load()
    (images, labels), validation = examples(digits, plan.validation)
    strategy = _mirrored(devices) if devices > 1 else None
    with strategy.scope() if strategy else nullcontext():
        with _seeded(seed):
            model = recipe.build()
        if strategy:
            _divide(model, strategy)
        started = time.process_time()
        history = train(
            model,
            (images[: plan.digits], labels[: plan.digits]),
            validation,
            seed=seed,
            progress=Silence(),
            **recipe.options(),
        )
        cpu_seconds = (time.process_time() - started) / recipe.epochs  # not stretched by other work on the machine
        finished = recipe.finished(model)
        scores = {"finished_val": evaluate(finished, *validation)} if finished is not model else {}
        if plan.test:
            scores["test"] = evaluate(finished, mnist.to_input(digits.test_images), digits.test_labels)
    table = pd.DataFrame(history)
    table.insert(0, "variant", name)
    table.insert(1, "seed", seed)
    table["cpu_seconds"] = cpu_seconds
    table["parameters"] = model.count_params()
    table["macs"] = _macs(model) * recipe.readings
    table["device"] = f"{devices} x {device_name()}" if devices > 1 else device_name()
    for package, version in versions().items():
        table[package] = version
    for part, measured in scores.items():
        table.loc[table.index[-1], [f"{part}_loss", f"{part}_accuracy"]] = measured
    return table


@contextmanager
def _seeded(seed: int) -> Iterator[None]:
    """Let Keras draw the seeds of new layers as after ``keras.utils.set_random_seed``, but from a state of their own.

    Python's global random state is not safe: the other threads of a Dask worker draw from it as well.
    """
    from keras.src.random import seed_generator  # Keras has no public name for where its layers get their seeds

    seed_generator.python_random = random.Random(seed)
    try:
        yield
    finally:
        seed_generator.python_random = random


def _macs(model: keras.Model) -> float:
    try:
        return sum(stage.macs for stage in trace(from_keras(model)))
    except ValueError:
        return float("nan")  # not a mere stack of convolutions and pools


@cache  # a second strategy would number its exchanges between devices like the first, and TensorFlow mixes them up
def _mirrored(count: int) -> Any:
    """TensorFlow's strategy that keeps a copy of the network on each of the first so many GPUs or else CPUs."""
    if keras.backend.backend() != "tensorflow":
        raise ValueError(f"several devices need Keras on TensorFlow, not on {keras.backend.backend()}")
    import tensorflow as tf

    devices = [device.name for device in tf.config.list_logical_devices("GPU") or tf.config.list_logical_devices("CPU")]
    if count > len(devices):
        raise ValueError(f"{count} devices asked for, but there are {len(devices)}: {', '.join(devices)}")
    return tf.distribute.MirroredStrategy(devices[:count])


def _divide(model: keras.Model, strategy: Any) -> None:
    """Let every device train on its share of a batch; by itself, Keras's `train_on_batch` gives the whole to each."""
    import tensorflow as tf

    whole_step = model.train_step

    def step(batch: tuple) -> dict[str, Any]:
        device = tf.distribute.get_replica_context().replica_id_in_sync_group
        shares = (tf.reshape(part, (strategy.num_replicas_in_sync, -1, *part.shape[1:])) for part in batch[:2])
        return whole_step(tuple(share[device] for share in shares))

    model.train_step = step
    for layer in model.layers:
        if isinstance(layer, keras.layers.BatchNormalization):
            layer.synchronized = True  # mean and variance of the whole batch, not of a device's share


def study(plan: Plan, table: Path, jobs: int = -1, devices: int = 1) -> pd.DataFrame:
    """Run what a plan asks for and the table does not have yet; the table grows by one finished run at a time.

    Args:
        plan: what to run.
        table: CSV file, made if it is missing.
        jobs: runs at the same time; -1 means as many as there are cores.
        devices: share every run.

    Returns:
        The whole table.

    Raises:
        ValueError: if a run cannot be divided among so many devices.
        DataError: if MNIST cannot be found.
    """
    done = _read(table)
    left = _missing(plan, done)
    started = time.monotonic()
    # Everything is sent at once, run by run, so that workers that join a cluster later find work.
    pool = joblib.Parallel(n_jobs=jobs, return_as="generator_unordered", pre_dispatch="all", batch_size=1)
    finished = pool(joblib.delayed(run)(plan, name, seed, devices) for name, seed in left)
    for count, rows in enumerate(finished, start=1):
        done = pd.concat([done, rows]) if len(done) else rows
        _write(table, done.sort_values(["variant", "seed", "epoch"]).to_csv(index=False))
        minutes = (time.monotonic() - started) / count * (len(left) - count) / 60
        last = rows.iloc[-1]
        print(
            f"{count}/{len(left)} {last['variant']}, seed {last['seed']}: "
            f"validation accuracy {last['val_accuracy']:.4f} - about {minutes:.0f} min left",
            flush=True,
        )
    return done


def _read(table: Path) -> pd.DataFrame:
    return pd.read_csv(table) if table.exists() else pd.DataFrame({"variant": [], "seed": []})


def _missing(plan: Plan, done: pd.DataFrame) -> list[tuple[str, int]]:
    finished = set(zip(done["variant"], done["seed"], strict=True))
    return [(name, seed) for seed in plan.seeds for name in plan.variants if (name, seed) not in finished]


@contextmanager
def cluster(address: str) -> Iterator[None]:
    """Send joblib's runs to the workers of a Dask scheduler.

    Args:
        address: of the scheduler, such as ``tcp://10.0.0.1:8786``.

    Raises:
        ValueError: if a worker has several threads, whose runs would share one random state.
        OSError: if there is no scheduler at the address.
        TimeoutError: if there are not two workers within a minute.
    """
    from distributed import Client

    with Client(address) as client:
        client.wait_for_workers(2, timeout=60)  # for one alone, joblib would run everything here instead
        if set(client.nthreads().values()) != {1}:
            raise ValueError("every worker needs one thread: dask worker ADDRESS --nthreads 1")
        with joblib.parallel_config(backend="dask"):
            yield


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
    place = parser.add_mutually_exclusive_group()
    place.add_argument(
        "--jobs", type=int, help="runs at the same time; by default one a core, or one on several devices"
    )
    place.add_argument("--scheduler", metavar="ADDRESS", help="Dask scheduler, whose workers do the runs")
    parser.add_argument("--devices", type=int, default=1, help="devices that share every run")
    parser.add_argument("--threads", type=int, default=1, help="of every run; more, with --jobs 1, to time a lone run")
    chosen = parser.parse_args(arguments)
    # Two runs of one thread each beat one after the other on both cores. TensorFlow reads these when it starts.
    os.environ |= {f"TF_NUM_{kind}_THREADS": str(chosen.threads) for kind in ("INTRAOP", "INTEROP")}
    plan = PLANS[chosen.plan]
    table_file, record_file = (chosen.out / f"{chosen.plan}.{kind}" for kind in ("csv", "json"))
    if record_file.exists() and not _missing(plan, _read(table_file)):
        print(f"Nothing to do: {table_file} has every run of the plan.")
        return
    jobs = chosen.jobs or (-1 if chosen.devices == 1 else 1)
    try:
        with cluster(chosen.scheduler) if chosen.scheduler else nullcontext():
            table = study(plan, table_file, jobs, chosen.devices)
    except (mnist.DataError, OSError) as error:
        sys.exit(str(error))
    epochs = int(table["epoch"].max())
    record = {
        "command": f"python -m convbook.study {chosen.plan}"
        + (f" --jobs {jobs} --threads {chosen.threads}" if chosen.threads > 1 else ""),
        "date": datetime.datetime.now(datetime.UTC).date().isoformat(),
        "runs": len(table) // epochs,
        "seeds": [*plan.seeds],
        "epochs": epochs,
        "training_digits": plan.digits,
        "validation_digits": plan.validation,
        "device": " and ".join(table["device"].dropna().unique()),  # the workers' of a cluster, not this machine's
        "versions": {"python": platform.python_version(), **versions()},
    }
    _write(record_file, json.dumps(record, indent=1) + "\n")


if __name__ == "__main__":
    # Under its own name, so that the workers import this module, and Keras by way of `backend`, which keeps it quiet.
    from convbook import study as this_module

    this_module.main()
