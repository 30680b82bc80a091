"""Callbacks for Keras's ``fit``: the log of a run, a line after every epoch, averaged weights."""

import math
import time
from collections.abc import Callable

import numpy as np

from convbook.backend import keras
from convbook.history import Epoch, History, log_line

Schedule = Callable[[float], float]


def positive_rate(schedule: Schedule, epoch: float) -> float:
    """Return the learning rate of a 0-based epoch.

    Raises:
        ValueError: if it is not a positive number.
    """
    rate = float(schedule(epoch))
    if not 0 < rate < math.inf:  # so that NaN is refused, too
        raise ValueError(f"the schedule gives a learning rate of {rate} for epoch {epoch + 1:g}: it must be positive")
    return rate


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
        positive_rate(self.schedule, epoch)
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


class AverageAtLast(keras.callbacks.Callback):
    """Puts the average of the weights, if the optimizer keeps one, in their place before the last validation."""

    def __init__(self) -> None:
        super().__init__()
        self._last = False

    def on_epoch_begin(self, epoch: int, logs: dict[str, float] | None = None) -> None:
        """Notice the last epoch."""
        self._last = epoch + 1 == self.params["epochs"]

    def on_test_begin(self, logs: dict[str, float] | None = None) -> None:
        """Take the average."""
        if self._last:
            self.model.optimizer.finalize_variable_values(self.model.trainable_variables)
