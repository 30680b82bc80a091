"""Train a network with Keras's ``fit``, log every epoch, and continue an interrupted run exactly where it stopped.

``python -m convbook.training --recipe NAME --seed S`` makes the weights that the package ships; ``--out DIR`` trains a
network of your own in another folder.
"""

import argparse
import datetime
import platform
import shlex
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from convbook import mnist
from convbook.arithmetic import whole_number
from convbook.backend import device_name, keras, versions
from convbook.batches import Batches, ShuffledBatches, feed
from convbook.callbacks import AverageAtLast, EpochLines, EpochLog, FreshStatistics, Schedule, positive_rate
from convbook.fast_layers import fast_layers
from convbook.history import History
from convbook.inference import WEIGHTS
from convbook.network import NETWORKS, save_trained
from convbook.recipes import RECIPES, Loss
from convbook.resume import ExactResume
from convbook.schedules import inverse_time

Examples = tuple[NDArray, NDArray]  # images in the network's input format, and labels


def examples(digits: mnist.Digits, held_out: int) -> tuple[Examples, Examples]:
    """Return training and validation examples; with ``held_out=0`` the test set is used for validation."""
    images, labels, *watched = mnist.split(digits, held_out) if held_out else digits
    return (mnist.to_input(images), labels), (mnist.to_input(watched[0]), watched[1])


def evaluate(model: keras.Model, images: NDArray, labels: NDArray, batch_size: int = 500) -> tuple[float, float]:
    """Measure the mean loss and the accuracy of a compiled model, with dropout off.

    Args:
        model: compiled with the metric "accuracy".
        images: float32 (N, 28, 28, 1) in [0, 1].
        labels: integers (N,).
        batch_size: affects memory use only, not the result.

    Raises:
        ValueError: if ``Batches`` refuses the digits.
    """
    loss, accuracy = model.evaluate(feed(Batches(images, labels, batch_size)), verbose=0)
    return loss, accuracy


@keras.saving.register_keras_serializable("convbook")
class RateTable(keras.optimizers.schedules.LearningRateSchedule):
    """A table with the learning rate of every step; unlike a callback, it costs no time between steps."""

    def __init__(self, rates: Sequence[float]) -> None:
        """Store the rates in the order of the steps."""
        self._rates = np.asarray(rates, "float32")

    def __call__(self, step: Any) -> Any:
        """Return the rate of a 0-based step."""
        return keras.ops.take(self._rates, keras.ops.minimum(step, len(self._rates) - 1))

    def get_config(self) -> dict[str, Any]:
        """Return the arguments that rebuild the table."""
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
    fresh_statistics: bool = False,
    checkpoint: str | Path | None = None,
    callbacks: Sequence[keras.callbacks.Callback] = (),
    verbose: int = 1,
) -> History:
    """Compile a classifier, fit it and return its log; the defaults are the notes' Adam and cross-entropy.

    Chapter 9 shows the same steps in the open. To make a run repeatable, call ``keras.utils.set_random_seed`` before
    building the model.

    Args:
        model: maps images (N, 28, 28, 1) to class probabilities (N, 10).
        training: images, float32 in [0, 1], and integer labels.
        validation: the same, evaluated after every epoch.
        epochs: total number of passes over the training data.
        seed: determines the order of the digits.
        batch_size: digits per step; the last batch of an epoch may be smaller.
        schedule: learning rate for a 0-based epoch.
        every_step: if true, set the rate before every step, at a fractional epoch; otherwise once per epoch, as in the
            notes.
        optimizer: a fresh one; Adam if None. If it averages the weights, the average replaces them before the last
            epoch is evaluated.
        loss: Keras's name of a loss, or a function of labels (N,) and probabilities (N, 10).
        fresh_statistics: if true, ``FreshStatistics`` estimates the moving statistics before every validation.
        checkpoint: file for ``ExactResume``. If it exists, the run continues from it; if that run is finished, its log
            is returned at once. The caller removes the file.
        callbacks: further callbacks; they run before the epoch is saved.
        verbose: 1 prints a line after every epoch, 0 prints nothing.

    Raises:
        ValueError: if ``epochs`` is below 1, the digits or rates cannot be used for training, the training diverges, or
            the checkpoint belongs to another run.
    """
    epochs = whole_number("epochs", epochs, 1)
    batches, watched = ShuffledBatches(*training, batch_size, seed), Batches(*validation)
    if batches.images.shape[1:] != model.input_shape[1:]:
        raise ValueError(f"the network takes images {model.input_shape[1:]}, got {batches.images.shape[1:]}")
    rates = [positive_rate(schedule, epoch) for epoch in range(epochs)]
    optimizer = optimizer or keras.optimizers.Adam()
    if every_step:
        starts = np.arange(len(batches)) * batches.batch_size / len(batches.labels)
        rates = [positive_rate(schedule, epoch + start) for epoch in range(epochs) for start in starts]
        optimizer.learning_rate = RateTable(rates)
    model.compile(optimizer, loss, metrics=["accuracy"])

    log = EpochLog(schedule)
    settings: dict[str, Any] = {"every_step": every_step}
    if optimizer.use_ema:  # the average replaces the weights in the last epoch, so that epoch is fixed from the start
        settings["number of epochs"] = epochs
    resume = ExactResume(checkpoint, batches, log, **settings) if checkpoint else None
    done = resume.restore(model) if resume else 0
    if done < epochs:
        model.fit(
            feed(batches),
            initial_epoch=done,
            epochs=epochs,
            shuffle=False,  # `batches` shuffles the digits; on JAX and PyTorch `fit` would shuffle the batches as well
            validation_data=feed(watched),
            callbacks=[
                *([] if every_step else [keras.callbacks.LearningRateScheduler(lambda epoch: schedule(epoch))]),
                keras.callbacks.LambdaCallback(on_epoch_begin=batches.shuffle),
                AverageAtLast(),
                *([FreshStatistics(Batches(*training, batch_size))] if fresh_statistics else []),
                log,
                *([EpochLines(log)] if verbose else []),
                *callbacks,
                *([resume] if resume else []),
            ],
            verbose=0,
        )
    return log.epochs


def main(arguments: list[str] | None = None) -> None:
    """Train a network on MNIST and write its weights with a record of how they were made.

    An interrupted run continues when the same command is given again.
    """
    parser = argparse.ArgumentParser(prog="python -m convbook.training", description=main.__doc__)
    parser.add_argument("--recipe", choices=RECIPES, default="scheduled_cnn", help="default: %(default)s")
    parser.add_argument("--seed", type=int, default=0, help="default: %(default)s")
    parser.add_argument("--out", type=Path, help="folder for a run of your own; default: the weights of the package")
    parser.add_argument("--epochs", type=int, help="number of epochs instead of the recipe's, for a trial; needs --out")
    parser.add_argument("--replace", action="store_true", help="replace a finished network of the same name")
    chosen = parser.parse_args(arguments)

    name, recipe, folder = chosen.recipe, RECIPES[chosen.recipe], chosen.out or WEIGHTS
    command = ["python", "-m", "convbook.training", "--recipe", name, "--seed", str(chosen.seed)]
    if chosen.out:
        command += ["--out", str(chosen.out)]
    if chosen.epochs is not None:
        if not chosen.out:
            parser.error("--epochs is for trials, so name a folder for the result with --out.")
        recipe = recipe._replace(epochs=chosen.epochs)
        command += ["--epochs", str(chosen.epochs)]
    if (folder / f"{name}.json").exists() and not chosen.replace:
        parser.error(f"{folder} already contains a trained {name}: add --replace, or choose another folder with --out.")
    try:
        digits = mnist.load()
    except mnist.DataError as error:
        parser.error(str(error))
    training, watched = examples(digits, recipe.held_out)
    keras.utils.set_random_seed(chosen.seed)
    model = fast_layers(recipe.build())
    checkpoint = folder / f"{name}.checkpoint.npz"
    try:
        history = train(model, training, watched, seed=chosen.seed, checkpoint=checkpoint, **recipe.options())
    except (ValueError, OSError) as error:
        parser.error(str(error))
    scores = [*evaluate(recipe.finished(model), mnist.to_input(digits.test_images), digits.test_labels)]
    print(scores)

    bare = NETWORKS[name]()  # without the random shifts and rotations of training
    bare.set_weights(model.get_weights())
    facts = {
        "command": shlex.join([*command, "--replace"]),
        "date": datetime.datetime.now(datetime.UTC).date().isoformat(),
        "seed": chosen.seed,
        "epochs": recipe.epochs,
        "parameters": model.count_params(),
        "evaluate": scores,
        "device": device_name(),
        "versions": {"python": platform.python_version(), **versions()},
        "history": [epoch._asdict() for epoch in history],
    }
    save_trained(bare, name, folder, facts)
    for file in (checkpoint, checkpoint.with_suffix(".csv")):
        file.unlink()  # last, so that an interruption at any earlier moment loses nothing; the record has the log


if __name__ == "__main__":
    main()
