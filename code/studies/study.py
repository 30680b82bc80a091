"""Studies: train every variant of a plan with several seeds.

``python -m studies schedules`` writes three files: ``results/schedules.csv`` has a row for every epoch of every run,
``results/schedules.json`` is the record of how it was made, and ``results/schedules.predictions.npz`` has the predicted
class of every held-out and test digit, so that runs can be compared digit by digit. The runs are parallel, with one
thread each. An interrupted study continues with the missing runs when it is started again.

With ``--scheduler ADDRESS`` the runs go to the workers of a Dask cluster (``pip install distributed``), and a run whose
worker is lost goes to another one. Every worker needs these packages, the data and a single thread, because random
states belong to the whole process::

    dask scheduler
    TF_NUM_INTRAOP_THREADS=1 dask worker ADDRESS --nthreads 1  # at least twice: joblib does not use a single worker
"""

import io
import random
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import joblib
import numpy as np
import pandas as pd
from numpy.typing import NDArray

from convbook import mnist
from convbook.arithmetic import from_keras, trace
from convbook.atomic import write_atomically
from convbook.backend import device_name, keras, versions
from convbook.fast_layers import fast_layers
from convbook.plans import Plan
from convbook.training import evaluate, examples, train

Predictions = dict[str, NDArray[np.uint8]]  # by "variant/seed/part", a class for every digit of a part


def run(plan: Plan, name: str, seed: int) -> tuple[pd.DataFrame, Predictions]:
    """Train one variant with one seed.

    Args:
        plan: the plan with the variant.
        name: name of the variant.
        seed: determines the initial weights, the order of the digits and the random layers.

    Returns:
        A table with a row for every epoch, the last one with the test scores if the plan asks for them; and the
        predictions of the finished network for the held-out digits and, if it was tested, for the test digits.

    Raises:
        DataError: if MNIST cannot be found.
    """
    recipe = plan.variants[name]
    digits = mnist.load()
    (images, labels), watched = examples(digits, recipe.held_out)
    model = fast_layers(seeded(recipe.build(), seed))
    started = time.process_time()
    history = train(
        model, (images[: plan.digits], labels[: plan.digits]), watched, seed=seed, verbose=0, **recipe.options()
    )
    cpu_seconds = (time.process_time() - started) / recipe.epochs  # not affected by other work on the machine
    finished = recipe.finished(model)
    scores = {"finished_val": evaluate(finished, *watched)} if finished is not model else {}
    parts = {"held_out" if recipe.held_out else "test": watched[0]}
    if plan.test:
        parts["test"] = mnist.to_input(digits.test_images)
        scores["test"] = evaluate(finished, parts["test"], digits.test_labels)
    predictions = {
        f"{name}/{seed}/{part}": finished.predict(images, batch_size=1000, verbose=0).argmax(axis=1).astype(np.uint8)
        for part, images in parts.items()
    }
    table = pd.DataFrame(history)
    table.insert(0, "variant", name)
    table.insert(1, "seed", seed)
    table["cpu_seconds"] = cpu_seconds
    table["parameters"] = model.count_params()
    table["macs"] = _macs(model) * recipe.views
    table["device"] = device_name()
    for package, version in versions().items():
        table[package] = version
    for part, measured in scores.items():
        table.loc[table.index[-1], [f"{part}_loss", f"{part}_accuracy"]] = measured
    return table, predictions


def seeded(model: keras.Model, seed: int) -> keras.Model:
    """Return a copy of a network with the initial weights and random states of a seed.

    They are the same as after ``keras.utils.set_random_seed(seed)``. But that function sets the random state of the
    whole process, which the other threads of a Dask worker share, so here every initializer and random layer gets its
    own seed.
    """
    draw = random.Random(seed)

    def set_seeds(config: dict[str, Any]) -> None:
        for name, value in config.items():
            if name == "seed":
                config[name] = draw.randint(1, 10**9)  # as Keras draws it
            elif isinstance(value, dict):
                set_seeds(value)

    def clone(layer: keras.Layer) -> keras.Layer:
        config = layer.get_config()
        set_seeds(config)
        return type(layer).from_config(config)

    return keras.models.clone_model(model, clone_function=clone)


def _macs(model: keras.Model) -> float:
    try:
        return sum(stage.macs for stage in trace(from_keras(model)))
    except ValueError:
        return float("nan")  # not a plain stack of convolutions and pools


def study(plan: Plan, table: Path, jobs: int = -1) -> pd.DataFrame:
    """Do the runs of a plan that are missing in the table, and save the table after every finished run.

    Args:
        plan: the runs.
        table: CSV file, created if it is missing. The predictions are saved next to it.
        jobs: number of parallel runs; -1 means one per core.

    Returns:
        The whole table.

    Raises:
        DataError: if MNIST cannot be found.
    """
    done = read(table)
    left = missing(plan, done)
    started = time.monotonic()
    # All runs are queued at once, one by one, so that workers that join a cluster later find work.
    pool = joblib.Parallel(n_jobs=jobs, return_as="generator_unordered", pre_dispatch="all", batch_size=1)
    finished = pool(joblib.delayed(run)(plan, name, seed) for name, seed in left)
    for count, (rows, predictions) in enumerate(finished, start=1):
        _add_predictions(table.with_suffix(".predictions.npz"), predictions)  # first: the table says which runs exist
        done = pd.concat([done, rows]) if len(done) else rows
        write_atomically(table, done.sort_values(["variant", "seed", "epoch"]).to_csv(index=False).encode())
        minutes = (time.monotonic() - started) / count * (len(left) - count) / 60
        last = rows.iloc[-1]
        print(
            f"{count}/{len(left)} {last['variant']}, seed {last['seed']}: "
            f"validation accuracy {last['val_accuracy']:.4f} - about {minutes:.0f} min left",
            flush=True,
        )
    return done


def read(table: Path) -> pd.DataFrame:
    """Read a table of finished runs, empty if there is none yet."""
    return pd.read_csv(table) if table.exists() else pd.DataFrame({"variant": [], "seed": []})


def missing(plan: Plan, done: pd.DataFrame) -> list[tuple[str, int]]:
    """List the runs that are missing in a table as (variant, seed), ordered by seed."""
    finished = set(zip(done["variant"], done["seed"], strict=True))
    return [(name, seed) for seed in plan.seeds for name in plan.variants if (name, seed) not in finished]


@contextmanager
def cluster(address: str) -> Iterator[None]:
    """Send joblib's runs to the workers of a Dask scheduler.

    Args:
        address: address of the scheduler, such as ``tcp://10.0.0.1:8786``.

    Raises:
        ValueError: if a worker has several threads, because their runs would share one random state.
        OSError: if there is no scheduler at the address.
        TimeoutError: if fewer than two workers connect within a minute.
    """
    from distributed import Client

    with Client(address) as client:
        client.wait_for_workers(2, timeout=60)  # with a single worker, joblib would run everything here
        if set(client.nthreads().values()) != {1}:
            raise ValueError("every worker must have a single thread: dask worker ADDRESS --nthreads 1")
        with joblib.parallel_config(backend="dask"):
            yield


def _add_predictions(path: Path, predictions: Predictions) -> None:
    known = {}
    if path.exists():
        with np.load(path) as saved:
            known = dict(saved)
    content = io.BytesIO()
    np.savez_compressed(content, **(known | predictions))
    write_atomically(path, content.getvalue())
