"""The softmax model of chapter 8, trained with settings that the reader turns."""

import math
from collections.abc import Iterator
from functools import cache
from inspect import signature
from typing import Any

import ipywidgets
import numpy as np
import traitlets
from ipywidgets import widget_serialization
from matplotlib.figure import Figure
from matplotlib.ticker import LogLocator, MaxNLocator, NullFormatter
from numpy.typing import NDArray

from convbook import mnist, results
from convbook.activations import softmax
from convbook.figures.style import FIRST, INK, SECOND, WIDTH
from convbook.history import notes_log
from convbook.schedules import SCHEDULES
from convbook.widgets.figure import InteractiveFigure
from convbook.widgets.schedule_traits import defaults, schedule_choices
from convbook.widgets.traits import Array
from convbook.widgets.zipped_digits import zipped

TRAINING, VALIDATION = 2_000, 1_000  # digits: the first that the chapter trains with, and the first that it holds out
CLASSES = 10
FIRST_RATE = defaults("inverse_time")["initial"]  # of the notes, whose rates the figure shows in multiples of it
SEED = 0  # of the orders, as in softmax_training.js
POINTS = 16  # of the losses of batches, in an epoch at most; also in softmax_regression.js


class PageDigits(ipywidgets.Widget):
    """What a figure loads when the reader changes a setting: the digits to train with, and those held out.

    Attributes:
        digits: as ``zipped_digits.zipped`` packs them.
        training: how many of them are to train with.
    """

    digits = Array((None,), "uint8", largest=1_000_000)
    training = traitlets.Int(TRAINING).tag(sync=True)


@cache
def page_digits() -> mnist.Split:
    """Return the digits of the figure: the first of each part of chapter 8's split."""
    images, labels, *_ = mnist.load(whole=True)
    rest, held_out = mnist.split_places(len(labels))
    training, validation = rest[:TRAINING], held_out[:VALIDATION]
    return mnist.Split(images[training], labels[training], images[validation], labels[validation])


@cache
def packed_digits() -> NDArray[np.uint8]:
    """Pack the digits of the figure."""
    return zipped(page_digits())


def shuffled(count: int, seed: int, stream: int) -> list[int]:
    """Put the numbers from 0 to below ``count`` into the random order that the page gets from ``shared/random.js``."""
    state = _scrambled(_scrambled(seed) + stream)
    order = [*range(count)]
    for i in range(count - 1, 0, -1):
        state ^= state << 13 & 0xFFFFFFFF
        state ^= state >> 17
        state ^= state << 5 & 0xFFFFFFFF
        j = int((state >> 8) / 0x1000000 * (i + 1))
        order[i], order[j] = order[j], order[i]
    return order


def _scrambled(number: int) -> int:
    bits = (number + 0x9E3779B9) & 0xFFFFFFFF
    bits = (bits ^ bits >> 16) * 0x85EBCA6B & 0xFFFFFFFF
    bits = (bits ^ bits >> 13) * 0xC2B2AE35 & 0xFFFFFFFF
    return bits ^ bits >> 16 or 1


def _orders(order: str, labels: NDArray) -> Iterator[NDArray]:
    """Yield the order of the digits in each epoch."""
    epoch = 0
    while True:
        if order == "shuffled":
            yield np.array(shuffled(len(labels), SEED, epoch))
        else:
            yield np.argsort(labels, kind="stable") if order == "sorted" else np.arange(len(labels))
        epoch += 1


def _rows(images: NDArray) -> NDArray:
    return np.column_stack([images.reshape(len(images), -1) / 255, np.ones(len(images))])


def _losses(logits: NDArray, labels: NDArray) -> NDArray:
    shifted = logits - logits.max(axis=1, keepdims=True)
    return np.log(np.exp(shifted).sum(axis=1)) - shifted[np.arange(len(labels)), labels]


@cache
def trained(rates: tuple[float, ...], batch_size: int, order: str) -> dict[str, Any]:
    """Train the model from weights of 0, as the page does.

    Args:
        rates: the learning rate of every epoch.
        batch_size: digits of a step.
        order: of the digits: ``shuffled`` anew in every epoch, as ``given``, or ``sorted`` by class.

    Returns:
        the settings, and the losses: ``training`` and ``validation`` before the first epoch and after each, and
        ``batches``, pairs of a place in epochs and a loss there, which is that of a batch before its step, or the mean
        of several.
    """
    digits = page_digits()
    rows, labels = _rows(digits.train_images), digits.train_labels
    held_out = _rows(digits.validation_images), digits.validation_labels
    weights = np.zeros((rows.shape[1], CLASSES))
    starts = range(0, len(labels), batch_size)
    together = math.ceil(len(starts) / POINTS)
    start = math.log(CLASSES)
    run: dict[str, Any] = {"batches": [], "training": [start], "validation": [start]}
    for epoch, (rate, chosen) in enumerate(zip(rates, _orders(order, labels), strict=False)):
        seen = []
        for first in starts:
            batch = chosen[first : first + batch_size]
            logits = rows[batch] @ weights
            seen.append(_losses(logits, labels[batch]).mean())
            excess = softmax(logits)
            excess[np.arange(len(batch)), labels[batch]] -= 1
            weights -= rate * rows[batch].T @ excess / len(batch)
        for first in range(0, len(seen), together):
            group = seen[first : first + together]
            place = epoch + (first + (len(group) - 1) / 2) / len(starts)
            run["batches"].append([round(place, 6), round(float(np.mean(group)), 6)])
        run["training"].append(float(_losses(rows @ weights, labels).mean()))
        run["validation"].append(float(_losses(held_out[0] @ weights, held_out[1]).mean()))
    return {"rates": list(rates), "batch_size": batch_size, "order": order} | run


@cache
def _measured() -> dict[str, Any]:
    """Read what the schedules did for the network of the notes: the mean errors that were left by the runs of each."""
    rows, record = results.table("schedules"), results.record("schedules")
    last = rows[rows["epoch"] == rows["epoch"].max()]
    left = (1 - last.groupby("variant")["val_accuracy"].mean()) * record["validation_digits"]
    return {
        "errors": {name: round(float(left[name]), 6) for name in SCHEDULES if name in left.index},
        "runs": len(record["seeds"]),
        "digits": record["training_digits"],
        "held_out": record["validation_digits"],
    }


class SoftmaxTraining(InteractiveFigure):
    """Train the one-layer network of chapter 8: learning rate of every epoch, and the losses that it leads to.

    Attributes:
        batch_size: digits of a step.
        rate: the base rate: that of the first epoch, but ``one_cycle`` climbs to twice as much.
        schedule: name of a function in ``convbook.schedules``.
        epochs: length of the run.
        order: of the digits: ``shuffled`` anew in every epoch, as ``given``, or ``sorted`` by class.
        decay: of ``inverse_time``.
        factor: of ``step``.
        every: epochs between the steps of ``step``.
        warm_up: share of the epochs in which ``one_cycle`` rises.
        start: first rate of ``one_cycle`` as a share of its highest.
        logged: the twenty rates of the notes' log, in multiples of the first.
        schedules: for the page, the label of every schedule and the numbers that it takes, with their defaults.
        choices: for the page, the batch sizes and the rates to choose from.
        measured: for the page, the errors left by runs of the network of the notes with each schedule at its defaults.
        first: for the page, the run with the first settings, so that digits are loaded only when a setting changes.
        data: what is loaded then.
    """

    batch_size = traitlets.Enum((1, 2, 5, 10, 20, 50, 100, 128, 200, 500, 1_000, TRAINING), 128).tag(sync=True)
    rate = traitlets.Enum((0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0, 2.0, 5.0, 10.0, 20.0), 0.5).tag(sync=True)
    schedule = traitlets.Enum([*SCHEDULES], "inverse_time").tag(sync=True)
    epochs = traitlets.Int(20, min=1, max=60).tag(sync=True)
    order = traitlets.Enum(("shuffled", "given", "sorted"), "shuffled").tag(sync=True)
    decay = traitlets.Float(0.319, min=0, max=1).tag(sync=True, step=0.001)
    factor = traitlets.Float(0.5, min=0.1, max=0.9).tag(sync=True, step=0.05)
    every = traitlets.Int(5, min=1, max=20).tag(sync=True)
    warm_up = traitlets.Float(0.3, min=0, max=0.9).tag(sync=True, step=0.05)
    start = traitlets.Float(0.1, min=0, max=1).tag(sync=True, step=0.05)
    logged = traitlets.List(traitlets.Float()).tag(sync=True)
    schedules = schedule_choices()
    choices = traitlets.Dict().tag(sync=True)
    measured = traitlets.Dict().tag(sync=True)
    first = traitlets.Dict().tag(sync=True)
    data = traitlets.Instance(ipywidgets.Widget).tag(sync=True, **widget_serialization)

    def __init__(self, **traits: Any) -> None:
        """Start with the page's batch size and rate and the schedule of the notes, or with other values."""
        super().__init__(
            **{
                "logged": [epoch.learning_rate / FIRST_RATE for epoch in notes_log()],
                "choices": {name: list(self.traits()[name].values) for name in ("batch_size", "rate")},
                "measured": _measured(),
                "data": PageDigits(digits=packed_digits()),
                **traits,
            }
        )
        self.first = self.run()

    def rates(self) -> list[float]:
        """Return the learning rate of every epoch."""
        function = SCHEDULES[self.schedule]
        takes = defaults(self.schedule)
        values = {name: getattr(self, name) for name in takes if name != "initial"}
        values["initial"] = self.rate * takes["initial"] / FIRST_RATE
        if "peak" in signature(function).parameters:
            values["peak"] = values.pop("initial")
        if "epochs" in signature(function).parameters:
            values["epochs"] = self.epochs
        return [function(epoch, **values) for epoch in range(self.epochs)]

    def run(self) -> dict[str, Any]:
        """Train with the present settings; returns what ``trained`` returns."""
        return trained(tuple(self.rates()), self.batch_size, self.order)

    def picture(self) -> Figure:
        """Draw the rates above the losses, over the same epochs."""
        run = self.run()
        figure = Figure(figsize=(WIDTH, 4.4))
        above, below = figure.subplots(2, 1, sharex=True, height_ratios=[2, 3])
        above.stairs(run["rates"], range(self.epochs + 1), baseline=None, color=FIRST, lw=2)
        dots = [self.rate * multiple for multiple in self.logged[: self.epochs]]
        above.plot(np.arange(len(dots)) + 0.5, dots, "o", color=INK, markersize=3.5, label="the notes' log, scaled")
        above.set(ylabel="learning rate", ylim=(0, None))
        above.legend(frameon=False)
        below.plot(*zip(*run["batches"], strict=True), color=INK, alpha=0.4, lw=1, label="batches")
        below.plot(run["training"], color=FIRST, label="training digits")
        below.plot(run["validation"], "--", color=SECOND, label="validation digits")
        below.set(xlabel="epoch", ylabel="loss", yscale="log", xlim=(0, self.epochs))
        below.xaxis.set_major_locator(MaxNLocator(integer=True))
        below.yaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
        below.yaxis.set_major_formatter("{x:g}")
        below.yaxis.set_minor_formatter(NullFormatter())
        below.legend(frameon=False)
        return figure
