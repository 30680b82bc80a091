"""Learning-rate schedules to turn."""

import csv
from importlib.resources import files
from typing import Any

import traitlets
from matplotlib.figure import Figure

from convbook import schedule
from convbook.figures.style import BLUE, VERMILLION, WIDTH
from convbook.widgets.base import InteractiveFigure

EPOCHS = 20
NAMES = ["inverse_time", "constant", "step", "cosine", "one_cycle"]


class ScheduleExplorer(InteractiveFigure):
    """The notes' schedule and its relatives over twenty epochs, with the rates of the notes' log.

    Attributes:
        schedule: name of a function in ``convbook.schedule``.
        initial: its first learning rate, or its highest.
        decay: of ``inverse_time``.
        factor: of ``step``.
        every: epochs between the steps of ``step``.
        warm_up: share of the epochs in which ``one_cycle`` rises.
        start: first rate of ``one_cycle`` as a share of its highest.
        log: whether the axis of the rates is logarithmic.
        logged: the twenty rates of the notes' log.
    """

    schedule = traitlets.Enum(["inverse_time", "constant", "step", "cosine", "one_cycle"], "inverse_time").tag(
        sync=True
    )
    initial = traitlets.Float(0.003, min=0.0005, max=0.02).tag(sync=True)
    decay = traitlets.Float(0.319, min=0, max=1).tag(sync=True)
    factor = traitlets.Float(0.5, min=0.1, max=0.9).tag(sync=True)
    every = traitlets.Int(5, min=1, max=20).tag(sync=True)
    warm_up = traitlets.Float(0.3, min=0, max=0.9).tag(sync=True)
    start = traitlets.Float(0.1, min=0, max=1).tag(sync=True)
    log = traitlets.Bool(False).tag(sync=True)
    logged = traitlets.List(traitlets.Float()).tag(sync=True)

    def __init__(self, **traits: Any) -> None:
        """Start with the schedule of the notes."""
        lines = (files("convbook") / "data" / "notes_log.csv").read_text(encoding="utf-8").splitlines()
        super().__init__(**{"logged": [float(row["learning_rate"]) for row in csv.DictReader(lines)], **traits})

    def rates(self) -> list[float]:
        """Return the learning rate of every epoch."""
        takes: dict[str, dict[str, float]] = {
            "inverse_time": {"initial": self.initial, "decay": self.decay},
            "constant": {"initial": self.initial},
            "step": {"initial": self.initial, "factor": self.factor, "every": self.every},
            "cosine": {"initial": self.initial, "epochs": EPOCHS},
            "one_cycle": {"peak": self.initial, "epochs": EPOCHS, "warm_up": self.warm_up, "start": self.start},
        }
        return [getattr(schedule, self.schedule)(epoch, **takes[self.schedule]) for epoch in range(EPOCHS)]

    def picture(self) -> Figure:
        """Draw the rates of the schedule and those of the log."""
        figure = Figure(figsize=(WIDTH, 2.6))
        ax = figure.subplots()
        epochs = range(1, EPOCHS + 1)
        ax.plot(epochs, self.rates(), color=BLUE, label=self.schedule.replace("_", " "))
        ax.plot(epochs, self.logged, "o", color=VERMILLION, markersize=4, label="the notes' log")
        ax.set(xlabel="epoch", ylabel="learning rate", xticks=range(5, EPOCHS + 1, 5))
        if self.log:
            ax.set_yscale("log")
        ax.legend(frameon=False)
        return figure
