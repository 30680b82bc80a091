"""The log of a training run, epoch by epoch, and the log of the notes' run."""

import csv
from typing import NamedTuple

from convbook import results


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
    """Read the log of the notes' run."""
    lines = (results.FOLDER / "notes_log.csv").read_text(encoding="utf-8").splitlines()
    return [
        Epoch(int(row["epoch"]), *(float(row[name]) for name in Epoch._fields[1:])) for row in csv.DictReader(lines)
    ]


def log_line(epoch: Epoch, epochs: int) -> str:
    """Format an epoch as one line, as in the notes' log."""
    return (
        f"Epoch {epoch.epoch:2}/{epochs} - {epoch.seconds:3.0f}s - lr: {epoch.learning_rate:.10f}"
        f" - loss: {epoch.loss:.4f} - acc: {epoch.accuracy:.4f}"
        f" - val_loss: {epoch.val_loss:.4f} - val_acc: {epoch.val_accuracy:.4f}"
    )
