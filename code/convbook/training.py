"""Train a network with Keras's ``fit``, log every epoch, and go on exactly where an interrupted run stopped.

``python -m convbook.training --seed 0 --out DIR`` trains the scheduled CNN from the command line, and with ``--recipe``
one of the smaller networks of chapter 12.
"""

import argparse
import csv
import datetime
import hashlib
import io
import json
import math
import platform
import time
import zipfile
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from convbook import mnist
from convbook.arithmetic import whole_number
from convbook.atomic import write_atomically
from convbook.backend import device_name, keras, versions
from convbook.batches import Batches, ShuffledBatches, feed
from convbook.fast_layers import fast_layers
from convbook.history import Epoch, History, log_line
from convbook.network import NETWORKS, save_trained
from convbook.recipes import RECIPES, Loss
from convbook.schedule import inverse_time

Examples = tuple[NDArray, NDArray]  # images as the network takes them, and labels
Schedule = Callable[[float], float]


def examples(digits: mnist.Digits, held_out: int) -> tuple[Examples, Examples]:
    """Return what to train on and what to watch: digits held out of the training set or, with 0, the test set."""
    images, labels, *watched = mnist.split(digits, held_out) if held_out else digits
    return (mnist.to_input(images), labels), (mnist.to_input(watched[0]), watched[1])


def evaluate(model: keras.Model, images: NDArray, labels: NDArray, batch_size: int = 500) -> tuple[float, float]:
    """Measure the mean loss and the accuracy of a compiled model, with dropout off.

    Args:
        model: compiled with the metric "accuracy".
        images: float32 (N, 28, 28, 1) in [0, 1].
        labels: integers (N,).
        batch_size: only a matter of memory; the result does not depend on it.

    Raises:
        ValueError: if the digits are not what ``Batches`` takes.
    """
    loss, accuracy = model.evaluate(feed(Batches(images, labels, batch_size)), verbose=0)
    return loss, accuracy


class EpochLog(keras.callbacks.Callback):
    """Keeps the log of a run.

    Attributes:
        epochs: one entry for each epoch that is done.
    """

    def __init__(self, schedule: Schedule) -> None:
        """Start an empty log.

        Args:
            schedule: learning rate for a 0-based epoch. Keras keeps the rate in single precision, the log in double.
        """
        super().__init__()
        self.schedule = schedule
        self.epochs: History = []
        self._started = 0.0

    def on_epoch_begin(self, epoch: int, logs: dict[str, float] | None = None) -> None:
        """Take the time, and refuse a rate with which nothing can be learned.

        Raises:
            ValueError: if the schedule gives a rate that is not a positive number.
        """
        _checked_rate(self.schedule, epoch)
        self._started = time.perf_counter()

    def on_epoch_end(self, epoch: int, logs: dict[str, float] | None = None) -> None:
        """Add the epoch to the log.

        Raises:
            ValueError: if the loss is no longer a number, which no further training would mend.
        """
        values = logs or {}
        loss, accuracy, val_loss, val_accuracy = measured = [float(values[name]) for name in Epoch._fields[2:-1]]
        if not np.isfinite(measured).all():
            raise ValueError(
                f"the loss of epoch {epoch + 1} is {loss}, with {val_loss} in the validation: "
                "the training has diverged. Start again with a lower learning rate."
            )
        seconds = time.perf_counter() - self._started
        self.epochs.append(
            Epoch(epoch + 1, self.schedule(epoch), loss, accuracy, val_loss, val_accuracy, seconds=seconds)
        )


class ExactResume(keras.callbacks.Callback):
    """Saves everything on which the rest of a run depends, so that an interrupted run can go on exactly.

    Keras's own ``BackupAndRestore`` saves neither the states of the random generators nor the order of the digits. This
    file holds all variables of the model and its optimizer, the states of the random layers among them, the log, and
    digests of the data, the network and the settings. It is replaced in one step after every epoch, so at any moment it
    is the file of one finished epoch or of the next. The log lies beside it as CSV, written from it.

    Put it after the ``EpochLog`` in the list of callbacks.
    """

    def __init__(self, path: str | Path, batches: ShuffledBatches, log: EpochLog, **settings: Any) -> None:
        """Name the file and what belongs to the run.

        Args:
            path: an npz file; its folder is made if it is missing.
            batches: what the network is trained on.
            log: of this run.
            settings: whatever else has to be the same for the run to go on, by name.
        """
        super().__init__()
        self.path = Path(path)
        self._batches, self._log, self._settings = batches, log, settings

    def restore(self, model: keras.Model) -> int:
        """Put a compiled model where an earlier run stopped; return how many epochs are done.

        Raises:
            ValueError: if the file cannot be read, or belongs to a run with other data, another seed, network, recipe
                or schedule. The file is kept.
        """
        model.optimizer.build(model.trainable_variables)
        if not self.path.exists():
            return 0
        about, arrays = _read(self.path)
        history = [Epoch(*epoch) for epoch in about["history"]]
        here = {**self._fingerprint(model), "schedule": [self._log.schedule(epoch) for epoch in range(len(history))]}
        there = {**about["run"], "schedule": [epoch.learning_rate for epoch in history]}
        if others := [name for name in here if there.get(name) != here[name]]:
            raise ValueError(
                f"{self.path} belongs to a run with another {', '.join(others)}; remove it to start afresh"
            )
        for variable, array in zip(_state(model), arrays, strict=True):
            variable.assign(array)
        self._log.epochs[:] = history
        self._write_log()
        if history:
            print(f"Picked up the run in {self.path} after epoch {len(history)}.")
        return len(history)

    def on_train_begin(self, logs: dict[str, float] | None = None) -> None:
        """Save a new run, so that it can start again if it is stopped in its first epoch."""
        if not self._log.epochs:
            self._save()

    def on_epoch_end(self, epoch: int, logs: dict[str, float] | None = None) -> None:
        """Save the run, then write the log from what is saved."""
        self._save()
        self._write_log()

    def _fingerprint(self, model: keras.Model) -> dict[str, Any]:
        """Describe what has to be the same for a run to go on, by the names that an error message uses."""
        loss = model.loss
        if isinstance(loss, keras.losses.Loss):
            loss = _digest(loss)
        elif not isinstance(loss, str):
            loss = getattr(loss, "__name__", type(loss).__name__)
        return {
            "data": self._batches.digest,
            "seed": self._batches.seed,
            "batch size": self._batches.batch_size,
            "network": _digest(*model.layers),
            "optimizer": _digest(model.optimizer),
            "loss": loss,
            **self._settings,
        }

    def _save(self) -> None:
        about = {"run": self._fingerprint(self.model), "history": self._log.epochs}
        arrays = {f"variable_{i}": keras.ops.convert_to_numpy(v) for i, v in enumerate(_state(self.model))}
        content = io.BytesIO()
        np.savez(content, about=np.array(json.dumps(about)), **arrays)
        write_atomically(self.path, content.getvalue())

    def _write_log(self) -> None:
        text = io.StringIO(newline="")
        rows = csv.writer(text, lineterminator="\n")
        rows.writerows([Epoch._fields, *self._log.epochs])
        write_atomically(self.path.with_suffix(".csv"), text.getvalue().encode())


class EpochLines(keras.callbacks.Callback):
    """Prints a line after every epoch, in the terms of the notes' log, with the time that is left."""

    def __init__(self, log: EpochLog) -> None:
        """Read the lines from a log, which has to come before this in the list of callbacks."""
        super().__init__()
        self._log = log

    def on_epoch_end(self, epoch: int, logs: dict[str, float] | None = None) -> None:
        """Print the epoch that is done."""
        epochs, last = self.params["epochs"], self._log.epochs[-1]
        left = (epochs - last.epoch) * last.seconds / 60
        print(f"{log_line(last, epochs)} - about {left:.0f} min left", flush=True)


class _AverageAtLast(keras.callbacks.Callback):
    """Puts the average of the weights, if the optimizer keeps one, in their place before the last validation."""

    def __init__(self) -> None:
        super().__init__()
        self._last = False

    def on_epoch_begin(self, epoch: int, logs: dict[str, float] | None = None) -> None:
        self._last = epoch + 1 == self.params["epochs"]

    def on_test_begin(self, logs: dict[str, float] | None = None) -> None:
        if self._last:
            self.model.optimizer.finalize_variable_values(self.model.trainable_variables)


@keras.saving.register_keras_serializable("convbook")
class RateTable(keras.optimizers.schedules.LearningRateSchedule):
    """A learning rate for every step, as a table; unlike a callback it costs no time between two steps."""

    def __init__(self, rates: Sequence[float]) -> None:
        """Keep the rates, the first step's first."""
        self._rates = np.asarray(rates, "float32")

    def __call__(self, step: Any) -> Any:
        """Return the rate of a 0-based step."""
        return keras.ops.take(self._rates, keras.ops.minimum(step, len(self._rates) - 1))

    def get_config(self) -> dict[str, Any]:
        """Return what the table is made from."""
        return {"rates": self._rates.tolist()}


def train(
    model: keras.Model,
    training: Examples,
    validation: Examples,
    *,
    epochs: int = 20,
    seed: int = 0,
    batch_size: int = 128,
    schedule: Schedule = inverse_time,
    every_step: bool = False,
    optimizer: keras.Optimizer | None = None,
    loss: Loss = "sparse_categorical_crossentropy",
    checkpoint: str | Path | None = None,
    callbacks: Sequence[keras.callbacks.Callback] = (),
    verbose: int = 1,
) -> History:
    """Compile a classifier, fit it and return its log; by default with Adam and cross-entropy, as the notes do.

    Chapter 9 writes out what happens here. For a run that can be repeated, call ``keras.utils.set_random_seed`` before
    building the model.

    Args:
        model: maps images (N, 28, 28, 1) to class probabilities (N, 10).
        training: images, float32 in [0, 1], and integer labels.
        validation: the same, for the measurement after every epoch.
        epochs: passes over the training data in all.
        seed: of the order in which the digits are shown.
        batch_size: digits a step; the last batch of an epoch takes what is left.
        schedule: learning rate for a 0-based epoch.
        every_step: whether the schedule is asked before every step, with the fraction of the epoch that is done added,
            or once an epoch, as in the notes.
        optimizer: not used before; Adam if None. If it averages the weights, the average takes their place before the
            last epoch is measured.
        loss: of labels (N,) and probabilities (N, 10), or Keras's name of one.
        checkpoint: file for ``ExactResume``. If it exists, the run goes on from there, and the log of a finished run is
            returned at once. The file stays until the caller removes it.
        callbacks: more of them; they see every epoch before it is saved.
        verbose: 1 prints a line after every epoch, 0 nothing.

    Raises:
        ValueError: if there is nothing to do, the digits or rates are not fit for training, the training diverges, or
            the checkpoint belongs to another run.
    """
    epochs = whole_number("epochs", epochs, 1)
    batches, watched = ShuffledBatches(*training, batch_size, seed), Batches(*validation)
    if batches.images.shape[1:] != model.input_shape[1:]:
        raise ValueError(f"the network takes images {model.input_shape[1:]}, got {batches.images.shape[1:]}")
    rates = [_checked_rate(schedule, epoch) for epoch in range(epochs)]
    optimizer = optimizer or keras.optimizers.Adam()
    if every_step:
        starts = np.arange(len(batches)) * batches.batch_size / len(batches.labels)
        rates = [_checked_rate(schedule, epoch + start) for epoch in range(epochs) for start in starts]
        optimizer.learning_rate = RateTable(rates)
    model.compile(optimizer, loss, metrics=["accuracy"])

    log = EpochLog(schedule)
    settings: dict[str, Any] = {"way of asking the schedule": every_step}
    if optimizer.use_ema:  # the average takes the weights' place at the end, so the end cannot be moved
        settings["number of epochs"] = epochs
    resume = ExactResume(checkpoint, batches, log, **settings) if checkpoint else None
    done = resume.restore(model) if resume else 0
    if done < epochs:
        model.fit(
            feed(batches),
            initial_epoch=done,
            epochs=epochs,
            shuffle=False,  # `batches` does that; on JAX and PyTorch `fit` would shuffle the batches once more
            validation_data=feed(watched),
            callbacks=[
                *([] if every_step else [keras.callbacks.LearningRateScheduler(lambda epoch: schedule(epoch))]),
                keras.callbacks.LambdaCallback(on_epoch_begin=batches.shuffle),
                _AverageAtLast(),
                log,
                *([EpochLines(log)] if verbose else []),
                *callbacks,
                *([resume] if resume else []),
            ],
            verbose=0,
        )
    return log.epochs


def _checked_rate(schedule: Schedule, epoch: float) -> float:
    rate = float(schedule(epoch))
    if not 0 < rate < math.inf:  # so that NaN is refused, too
        raise ValueError(f"the schedule gives a learning rate of {rate} for epoch {epoch + 1:g}: it must be positive")
    return rate


def _digest(*parts: Any) -> str:
    """Describe layers, an optimizer or a loss by their classes and settings, in one short text."""
    described = [[type(part).__name__, _settings(part.get_config())] for part in parts]
    return hashlib.sha256(json.dumps(described, default=str).encode()).hexdigest()


def _settings(config: Any) -> Any:
    """Leave out of a configuration what differs between two equal objects: names, which Keras numbers, and drawn seeds.

    The learning rate is left out as well: the schedule sets it.
    """
    if isinstance(config, dict):
        left_out = ("name", "seed", "learning_rate", "shared_object_id", "build_config")
        # A dtype policy has nothing but its name.
        return {k: v if k == "dtype" else _settings(v) for k, v in config.items() if k not in left_out}
    return [_settings(value) for value in config] if isinstance(config, list | tuple) else config


def _state(model: keras.Model) -> list[keras.Variable]:
    # model.variables includes the states of the random layers' generators.
    return [*model.variables, *model.optimizer.variables]


def _read(path: Path) -> tuple[dict[str, Any], list[NDArray]]:
    try:
        with path.open("rb") as file, np.load(file, allow_pickle=False) as saved:
            about = json.loads(str(saved["about"]))
            arrays = [saved[f"variable_{i}"] for i in range(len(saved.files) - 1)]
            if not about.keys() >= {"run", "history"}:
                raise ValueError("it was written by another program")
            return about, arrays
    except (OSError, EOFError, ValueError, KeyError, zipfile.BadZipFile) as error:
        raise ValueError(f"{path} is not a readable checkpoint ({error}); remove it to start afresh") from error


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
        parser.error(f"{chosen.out} already contains a finished run of {name}. Choose another --out, or move it away.")
    try:
        digits = mnist.load()
    except mnist.DataError as error:
        parser.error(str(error))
    training, watched = examples(digits, recipe.held_out)
    keras.utils.set_random_seed(chosen.seed)
    model = fast_layers(recipe.build())
    checkpoint = chosen.out / f"{name}.checkpoint.npz"
    try:
        history = train(model, training, watched, seed=chosen.seed, checkpoint=checkpoint, **recipe.options())
    except ValueError as error:
        parser.error(str(error))
    scores = [*evaluate(recipe.finished(model), mnist.to_input(digits.test_images), digits.test_labels)]
    print(scores)

    bare = NETWORKS[name]()  # without the layers that move digits in training, and never compiled
    bare.set_weights(model.get_weights())
    facts = {
        "command": f"python -m convbook.training --recipe {name}{fewer} --seed {chosen.seed} --out DIR",
        "date": datetime.datetime.now(datetime.UTC).date().isoformat(),
        "seed": chosen.seed,
        "epochs": recipe.epochs,
        "parameters": model.count_params(),
        "evaluate": scores,
        "device": device_name(),
        "versions": {"python": platform.python_version(), **versions()},
        "history": [epoch._asdict() for epoch in history],
    }
    save_trained(bare, name, chosen.out, facts)
    for file in (checkpoint, checkpoint.with_suffix(".csv")):
        file.unlink()  # last, so a stop at any moment before loses nothing; the record has the log


if __name__ == "__main__":
    main()
