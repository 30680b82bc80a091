"""Train a network with Keras's ``fit``, log every epoch, and go on exactly where an interrupted run stopped.

``python -m convbook.training --seed 0 --out DIR`` trains the scheduled CNN from the command line, and with ``--recipe``
one of the smaller networks of chapter 12.
"""

import argparse
import datetime
import platform
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from convbook import mnist
from convbook.arithmetic import whole_number
from convbook.backend import device_name, keras, versions
from convbook.batches import Batches, ShuffledBatches, feed
from convbook.callbacks import AverageAtLast, EpochLines, EpochLog, Schedule, positive_rate
from convbook.fast_layers import fast_layers
from convbook.history import History
from convbook.network import NETWORKS, save_trained
from convbook.recipes import RECIPES, Loss
from convbook.resume import ExactResume
from convbook.schedules import inverse_time

Examples = tuple[NDArray, NDArray]  # images as the network takes them, and labels


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
    rates = [positive_rate(schedule, epoch) for epoch in range(epochs)]
    optimizer = optimizer or keras.optimizers.Adam()
    if every_step:
        starts = np.arange(len(batches)) * batches.batch_size / len(batches.labels)
        rates = [positive_rate(schedule, epoch + start) for epoch in range(epochs) for start in starts]
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
                AverageAtLast(),
                log,
                *([EpochLines(log)] if verbose else []),
                *callbacks,
                *([resume] if resume else []),
            ],
            verbose=0,
        )
    return log.epochs


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
