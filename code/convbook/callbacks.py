"""Callbacks for Keras's ``fit``: the log of a run, a printed line after every epoch, averaged weights, statistics."""

import math
import time
from collections.abc import Callable

import numpy as np

from convbook.backend import keras
from convbook.batches import Batches
from convbook.history import Epoch, History, log_line

Schedule = Callable[[float], float]


def positive_rate(schedule: Schedule, epoch: float) -> float:
    """Return the learning rate of a 0-based epoch.

    Raises:
        ValueError: if the rate is not a positive number.
    """
    rate = float(schedule(epoch))
    if not 0 < rate < math.inf:  # written so that NaN is refused as well
        raise ValueError(f"the learning rate of epoch {epoch + 1:g} is {rate}, but it must be positive")
    return rate


class EpochLog(keras.callbacks.Callback):
    """Keeps the log of a run.

    Attributes:
        epochs: one entry for each finished epoch.
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
        """Start the clock and check the learning rate.

        Raises:
            ValueError: if the rate is not a positive number.
        """
        positive_rate(self.schedule, epoch)
        self._started = time.perf_counter()

    def on_epoch_end(self, epoch: int, logs: dict[str, float] | None = None) -> None:
        """Add the epoch to the log.

        Raises:
            ValueError: if the loss is not a finite number, from which training cannot recover.
        """
        values = logs or {}
        loss, accuracy, val_loss, val_accuracy = measured = [float(values[name]) for name in Epoch._fields[2:-1]]
        if not np.isfinite(measured).all():
            raise ValueError(
                f"the loss of epoch {epoch + 1} is {loss}, and {val_loss} in validation: "
                "the training has diverged. Start again with a lower learning rate."
            )
        seconds = time.perf_counter() - self._started
        self.epochs.append(
            Epoch(epoch + 1, self.schedule(epoch), loss, accuracy, val_loss, val_accuracy, seconds=seconds)
        )


class EpochLines(keras.callbacks.Callback):
    """Prints a line after every epoch, in the format of the notes' log, with the time left."""

    def __init__(self, log: EpochLog) -> None:
        """Print the entries of ``log``, which must come before this callback in the list."""
        super().__init__()
        self._log = log

    def on_epoch_end(self, epoch: int, logs: dict[str, float] | None = None) -> None:
        """Print the finished epoch."""
        epochs, last = self.params["epochs"], self._log.epochs[-1]
        left = (epochs - last.epoch) * last.seconds / 60
        print(f"{log_line(last, epochs)} - about {left:.0f} min left", flush=True)


class AverageAtLast(keras.callbacks.Callback):
    """Replaces the weights by their average, if the optimizer keeps one, before the last validation."""

    def __init__(self) -> None:
        super().__init__()
        self._last = False

    def on_epoch_begin(self, epoch: int, logs: dict[str, float] | None = None) -> None:
        """Notice the last epoch."""
        self._last = epoch + 1 == self.params["epochs"]

    def on_test_begin(self, logs: dict[str, float] | None = None) -> None:
        """Replace the weights in the last epoch."""
        if self._last:
            self.model.optimizer.finalize_variable_values(self.model.trainable_variables)


class FreshStatistics(keras.callbacks.Callback):
    """Estimates the moving statistics of every batch normalisation anew before each validation.

    In a run of few steps they lag behind: with Keras's momentum of 0.99 they take a few hundred steps to follow the
    weights. Here they become the means over some batches, with the present weights and dropout as in training
    (Ioffe & Szegedy 2015, Batch Normalization, Algorithm 2).
    """

    BATCHES = 16  # the first of the training digits; more change little

    def __init__(self, batches: Batches) -> None:
        """Take the digits, in their given order."""
        super().__init__()
        self._batches = batches

    def on_test_begin(self, logs: dict[str, float] | None = None) -> None:
        """Estimate the statistics."""
        norms = [layer for layer in self.model.layers if isinstance(layer, keras.layers.BatchNormalization)]
        momenta = [norm.momentum for norm in norms]
        for n in range(min(self.BATCHES, len(self._batches.labels) // self._batches.batch_size)):
            for norm in norms:
                norm.momentum = n / (n + 1)  # with this, the moving mean is the mean of all so far
            self.model(self._batches[n][0], training=True)
        for norm, momentum in zip(norms, momenta, strict=True):
            norm.momentum = momentum
