"""Train and evaluate a network; log every epoch; resume after an interruption.

``python -m convbook.training --seed 0 --out DIR`` trains the scheduled CNN from the command line, and with ``--recipe``
one of the smaller networks of chapter 12.
"""

import argparse
import csv
import datetime
import hashlib
import json
import os
import platform
import sys
import time
import zipfile
from collections.abc import Callable, Iterator
from importlib.resources import files
from pathlib import Path
from typing import Any, NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

from convbook import mnist
from convbook.backend import device_name, keras, versions
from convbook.fast_layers import fast_layers
from convbook.network import NETWORKS
from convbook.recipes import RECIPES, Loss
from convbook.schedule import inverse_time


class Epoch(NamedTuple):
    """One line of the log."""

    epoch: int  # 1-based, as logs print it
    learning_rate: float
    loss: float  # running mean over the epoch's batches, with dropout on
    accuracy: float  # likewise
    val_loss: float  # after the epoch, with dropout off
    val_accuracy: float  # likewise
    seconds: float  # training and validation together


History = list[Epoch]


def notes_log() -> History:
    """Read the log of the notes' run, which ships with the package."""
    lines = (files("convbook") / "data" / "notes_log.csv").read_text(encoding="utf-8").splitlines()
    return [
        Epoch(int(row["epoch"]), *(float(row[name]) for name in Epoch._fields[1:])) for row in csv.DictReader(lines)
    ]


class Progress(Protocol):
    """What ``train`` tells while it works."""

    def step(self, history: History, epochs: int, done: float) -> None:
        """Called after every batch; ``done`` is the fraction of the current epoch behind it."""

    def epoch(self, history: History, epochs: int) -> None:
        """Called after every epoch."""


class Lines:
    """Progress as lines in a terminal: one an epoch, with the time that is left."""

    def step(self, history: History, epochs: int, done: float) -> None:
        """Rewrite the current line in a terminal; write nothing into a file."""
        if sys.stdout.isatty():
            print(f"\rEpoch {len(history) + 1}/{epochs}  {done:4.0%} ", end="", flush=True)

    def epoch(self, history: History, epochs: int) -> None:
        """Print the epoch in the terms of the notes' log."""
        start = "\r" if sys.stdout.isatty() else ""
        left = (epochs - len(history)) * history[-1].seconds
        print(f"{start}{log_line(history[-1], epochs)} - about {left / 60:.0f} min left", flush=True)


def log_line(epoch: Epoch, epochs: int) -> str:
    """Write one epoch as the notes' log does, on one line."""
    return (
        f"Epoch {epoch.epoch:2}/{epochs} - {epoch.seconds:3.0f}s - lr: {epoch.learning_rate:.10f}"
        f" - loss: {epoch.loss:.4f} - acc: {epoch.accuracy:.4f}"
        f" - val_loss: {epoch.val_loss:.4f} - val_acc: {epoch.val_accuracy:.4f}"
    )


def _batches(images: NDArray, labels: NDArray, size: int, order: NDArray) -> Iterator[tuple[NDArray, NDArray]]:
    for start in range(0, len(order), size):
        chosen = order[start : start + size]
        yield images[chosen], labels[chosen]


class _RunningMean:
    """Loss and accuracy over the batches so far; Keras measures each batch on its own."""

    def __init__(self) -> None:
        self.count, self._loss, self._accuracy = 0, 0.0, 0.0

    def add(self, logs: dict[str, float], count: int) -> None:
        self.count += count
        self._loss += count * float(logs["loss"])
        self._accuracy += count * float(logs["accuracy"])

    @property
    def loss(self) -> float:
        return self._loss / self.count

    @property
    def accuracy(self) -> float:
        return self._accuracy / self.count


def evaluate(model: keras.Model, images: NDArray, labels: NDArray, batch_size: int = 500) -> tuple[float, float]:
    """Measure the mean loss and the accuracy of a compiled model, with dropout off.

    Args:
        model: compiled as ``train`` compiles it.
        images: float32 (N, 28, 28, 1) in [0, 1].
        labels: integers (N,).
        batch_size: only a matter of memory; the result does not depend on it.
    """
    # Single batches instead of `Model.evaluate`: TensorFlow 2.21's input pipeline can idle for seconds after its work.
    mean = _RunningMean()
    for batch in _batches(images, labels, batch_size, np.arange(len(labels))):
        model.reset_metrics()  # early versions of Keras 3 add the batches up by themselves
        mean.add(model.test_on_batch(*batch, return_dict=True), len(batch[1]))
    return mean.loss, mean.accuracy


Examples = tuple[NDArray, NDArray]  # images as the network takes them, and labels


def examples(digits: mnist.Digits, held_out: int) -> tuple[Examples, Examples]:
    """Return what to train on and what to watch: digits held out of the training set or, with 0, the test set."""
    images, labels, *watched = mnist.split(digits, held_out) if held_out else digits
    return (mnist.to_input(images), labels), (mnist.to_input(watched[0]), watched[1])


def train(
    model: keras.Model,
    training: Examples,
    validation: Examples,
    *,
    epochs: int = 20,
    seed: int = 0,
    batch_size: int = 128,
    schedule: Callable[[float], float] = inverse_time,
    every_step: bool = False,
    optimizer: keras.Optimizer | None = None,
    loss: Loss = "sparse_categorical_crossentropy",
    checkpoint: Path | None = None,
    progress: Progress | None = None,
) -> History:
    """Train a classifier and return its log; by default with Adam and cross-entropy, as the notes do.

    The order of the digits depends on the seed and the epoch alone, and a checkpoint holds every variable of the model
    and its optimizer, so an interrupted run that is started again continues as if nothing had happened. For a
    run that can be repeated, call ``keras.utils.set_random_seed`` before building the model.

    Args:
        model: maps images (N, 28, 28, 1) to class probabilities (N, 10); ``train`` compiles it.
        training: images, float32 in [0, 1], and integer labels.
        validation: the same, for the measurement after every epoch.
        epochs: passes over the training data in all.
        seed: of the order in which the digits are shown.
        batch_size: digits a step; the last batch of an epoch takes what is left.
        schedule: learning rate for a 0-based epoch.
        every_step: whether the schedule is asked before every step, with the fraction of the epoch behind it added,
            or once an epoch, as in the notes.
        optimizer: not used before; Adam if None. If it averages the weights, the average takes their place before the
            last epoch is measured.
        loss: of labels (N,) and probabilities (N, 10), or Keras's name of one.
        checkpoint: file that holds the run. If it exists, the run goes on from there, and a finished run is returned
            at once. The file stays until the caller removes it.
        progress: told of every batch and epoch; by default lines on stdout.

    Raises:
        ValueError: if there is nothing to do, the data does not fit together, or the checkpoint belongs to another run.
    """
    if epochs < 1:
        raise ValueError(f"epochs must be 1 or more, got {epochs}")
    for images, labels in (validation, training):
        if len(images) != len(labels) or len(images) == 0:
            raise ValueError(f"every image needs a label: got {len(images)} images and {len(labels)} labels")
    progress = progress or Lines()
    model.compile(optimizer or keras.optimizers.Adam(), loss, metrics=["accuracy"])
    model.optimizer.build(model.trainable_variables)
    settings = {
        "seed": seed,
        "batch_size": batch_size,
        "images": len(images),
        "rates": [*map(schedule, range(epochs))],
        "every_step": every_step,
        "optimizer": _description(model.optimizer),
        "loss": loss if isinstance(loss, str) else loss.__name__,
    }
    history: History = []
    if checkpoint and checkpoint.exists():
        history = _restore(model, checkpoint, settings)
    elif checkpoint:
        _save(model, checkpoint, settings, history)  # so that a run stopped in its first epoch starts there again

    with fast_layers(model):
        for epoch in range(len(history), epochs):
            started = time.perf_counter()
            model.optimizer.learning_rate = schedule(epoch)
            order = np.random.default_rng([seed, epoch]).permutation(len(images))
            mean = _RunningMean()
            for batch in _batches(images, labels, batch_size, order):
                if every_step:
                    model.optimizer.learning_rate = schedule(epoch + mean.count / len(images))
                model.reset_metrics()
                mean.add(model.train_on_batch(*batch, return_dict=True), len(batch[1]))
                progress.step(history, epochs, mean.count / len(images))
            if epoch == epochs - 1:
                model.optimizer.finalize_variable_values(model.trainable_variables)  # their average, if it keeps one
            measured = mean.loss, mean.accuracy, *evaluate(model, *validation)
            history.append(Epoch(epoch + 1, schedule(epoch), *measured, time.perf_counter() - started))
            if checkpoint:
                _save(model, checkpoint, settings, history)
            progress.epoch(history, epochs)

    return history


def _description(optimizer: keras.Optimizer) -> dict[str, Any]:
    """Return an optimizer's settings but its name, which Keras numbers, and its rate, which the schedule sets."""
    config = optimizer.get_config()
    return {"class": type(optimizer).__name__} | {k: config[k] for k in config if k not in ("name", "learning_rate")}


def _state(model: keras.Model) -> list[keras.Variable]:
    # model.variables includes the states of the dropout layers' random generators.
    return [*model.variables, *model.optimizer.variables]


def _save(model: keras.Model, path: Path, settings: dict[str, Any], history: History) -> None:
    arrays = {f"variable_{i}": v.numpy() for i, v in enumerate(_state(model))}
    about = json.dumps({"settings": settings, "history": history})
    path.parent.mkdir(parents=True, exist_ok=True)
    unfinished = path.with_name(f"{path.name}.{os.getpid()}.part")
    try:
        with unfinished.open("wb") as file:
            np.savez(file, about=np.array(about), **arrays)
        unfinished.replace(path)  # atomic: at any moment the file is the old checkpoint or the new one
    finally:
        unfinished.unlink(missing_ok=True)


def _restore(model: keras.Model, path: Path, settings: dict[str, Any]) -> History:
    try:
        with path.open("rb") as file, np.load(file, allow_pickle=False) as saved:
            about = json.loads(str(saved["about"]))
            arrays = [saved[f"variable_{i}"] for i in range(len(saved.files) - 1)]
    except (OSError, EOFError, ValueError, KeyError, zipfile.BadZipFile) as error:
        raise ValueError(f"{path} is not a readable checkpoint ({error}); remove it to start afresh") from error
    state = _state(model)
    # A run may be prolonged, so only the learning rates of the epochs behind it have to agree.
    done = len(about["history"])
    same_run = {**about["settings"], "rates": about["settings"]["rates"][:done]} == {
        **settings,
        "rates": settings["rates"][:done],
    }
    if not same_run or [a.shape for a in arrays] != [tuple(v.shape) for v in state]:
        raise ValueError(f"{path} belongs to a run with other settings or another network; remove it to start afresh")
    for variable, array in zip(state, arrays, strict=True):
        variable.assign(array)
    return [Epoch(*epoch) for epoch in about["history"]]


def main(arguments: list[str] | None = None) -> None:
    """Train a network on MNIST by its recipe and write its weights with their record."""
    parser = argparse.ArgumentParser(prog="python -m convbook.training", description=main.__doc__)
    parser.add_argument("--recipe", choices=RECIPES, default="scheduled_cnn", help="by default %(default)s")
    parser.add_argument("--epochs", type=int, help="fewer than the recipe's, to try it out")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--out", type=Path, required=True, help="folder for the weights, the record and the checkpoint")
    chosen = parser.parse_args(arguments)

    name, recipe = chosen.recipe, RECIPES[chosen.recipe]
    fewer = "" if chosen.epochs is None else f" --epochs {chosen.epochs}"
    if fewer:
        recipe = recipe._replace(epochs=chosen.epochs)
    record_file = chosen.out / f"{name}.json"
    if record_file.exists():
        parser.error(f"{record_file} exists: a finished run lies there. Choose another --out, or move it away.")
    try:
        digits = mnist.load()
    except mnist.DataError as error:
        parser.error(str(error))
    training, watched = examples(digits, recipe.held_out)
    keras.utils.set_random_seed(chosen.seed)
    model = recipe.build()
    checkpoint = chosen.out / f"{name}.checkpoint.npz"
    try:
        history = train(model, training, watched, seed=chosen.seed, checkpoint=checkpoint, **recipe.options())
    except ValueError as error:
        parser.error(str(error))
    scores = [*evaluate(recipe.finished(model), mnist.to_input(digits.test_images), digits.test_labels)]
    print(scores)

    weights_file = chosen.out / f"{name}.weights.h5"
    bare = NETWORKS[name]()  # never compiled, so the file holds no optimizer; nor does it hold random layers
    bare.set_weights(model.get_weights())
    bare.save_weights(weights_file)
    record = {
        "command": f"python -m convbook.training --recipe {name}{fewer} --seed {chosen.seed} --out DIR",
        "date": datetime.datetime.now(datetime.UTC).date().isoformat(),
        "seed": chosen.seed,
        "epochs": recipe.epochs,
        "parameters": model.count_params(),
        "evaluate": scores,
        "device": device_name(),
        "versions": {"python": platform.python_version(), **versions()},
        "weights_sha256": hashlib.sha256(weights_file.read_bytes()).hexdigest(),
        "history": [epoch._asdict() for epoch in history],
    }
    record_file.write_text(json.dumps(record, indent=1) + "\n", encoding="utf-8")
    checkpoint.unlink()  # last, so a stop at any moment before loses nothing


if __name__ == "__main__":
    main()
