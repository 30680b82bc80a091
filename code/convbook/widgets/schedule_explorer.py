"""Learning-rate schedules to turn, beside runs that were trained with them."""

from functools import cache
from inspect import signature
from typing import Any

import traitlets
from matplotlib.figure import Figure

from convbook import results
from convbook.figures.style import FIRST, SECOND, WIDTH
from convbook.history import notes_log
from convbook.schedules import SCHEDULES
from convbook.widgets.figure import InteractiveFigure

LABELS = {
    "inverse_time": "the notes' inverse time",
    "constant": "constant",
    "step": "steps",
    "cosine": "half a cosine",
    "one_cycle": "one cycle",
}


def defaults(name: str) -> dict[str, float]:
    """Return the parameters of a schedule that the reader sets, as the figure calls them, with their defaults."""
    parameters = signature(SCHEDULES[name]).parameters
    found = {"initial" if key == "peak" else key: parameter.default for key, parameter in parameters.items()}
    return {key: value for key, value in found.items() if key not in ("epoch", "epochs")}


@cache
def _measured() -> dict[str, Any]:
    """Read what the schedules did: the mean share of errors over the runs of each, epoch by epoch."""
    rows, record = results.table("schedules"), results.record("schedules")
    means = 1 - rows.pivot_table("val_accuracy", "variant", "epoch")
    return {
        "errors": {name: means.loc[name].round(6).tolist() for name in SCHEDULES if name in means.index},
        "runs": len(record["seeds"]),
        "digits": record["training_digits"],
        "held_out": record["validation_digits"],
    }


class ScheduleExplorer(InteractiveFigure):
    """The notes' schedule and its relatives over twenty epochs, the rates of the notes' log, and measured runs.

    Attributes:
        schedule: name of a function in ``convbook.schedules``.
        initial: its first learning rate, or its highest. If it is not given, the default of the schedule.
        decay: of ``inverse_time``.
        factor: of ``step``.
        every: epochs between the steps of ``step``.
        warm_up: share of the epochs in which ``one_cycle`` rises.
        start: first rate of ``one_cycle`` as a share of its highest.
        log: whether the axis of the rates is logarithmic.
        logged: the twenty rates of the notes' log.
        schedules: for the page, the label of every schedule and the numbers that it takes, with their defaults.
        measured: for the page, the share of errors after every epoch of runs with each schedule at its defaults.
    """

    schedule = traitlets.Enum([*SCHEDULES], "inverse_time").tag(sync=True)
    schedules = traitlets.Dict({name: {"label": LABELS[name], "takes": defaults(name)} for name in SCHEDULES}).tag(
        sync=True
    )
    measured = traitlets.Dict().tag(sync=True)
    initial = traitlets.Float(0.003, min=0.0005, max=0.02).tag(sync=True, step=0.0005)
    decay = traitlets.Float(0.319, min=0, max=1).tag(sync=True, step=0.001)
    factor = traitlets.Float(0.5, min=0.1, max=0.9).tag(sync=True, step=0.05)
    every = traitlets.Int(5, min=1, max=20).tag(sync=True)
    warm_up = traitlets.Float(0.3, min=0, max=0.9).tag(sync=True, step=0.05)
    start = traitlets.Float(0.1, min=0, max=1).tag(sync=True, step=0.05)
    log = traitlets.Bool(False).tag(sync=True)
    logged = traitlets.List(traitlets.Float()).tag(sync=True)

    def __init__(self, **traits: Any) -> None:
        """Start with the schedule of the notes."""
        initial = defaults(traits.get("schedule", "inverse_time"))["initial"]
        logged = [epoch.learning_rate for epoch in notes_log()]
        super().__init__(**{"initial": initial, "logged": logged, "measured": _measured(), **traits})

    def rates(self) -> list[float]:
        """Return the learning rate of every epoch."""
        function, epochs = SCHEDULES[self.schedule], len(self.logged)
        values = {name: getattr(self, name) for name in defaults(self.schedule)}
        if "peak" in signature(function).parameters:
            values["peak"] = values.pop("initial")
        if "epochs" in signature(function).parameters:
            values["epochs"] = epochs
        return [function(epoch, **values) for epoch in range(epochs)]

    def picture(self) -> Figure:
        """Draw the rates of the schedule and those of the log."""
        figure = Figure(figsize=(WIDTH, 2.6))
        ax = figure.subplots()
        epochs = range(1, len(self.logged) + 1)
        ax.plot(epochs, self.rates(), color=FIRST, label=self.schedule.replace("_", " "))
        ax.plot(epochs, self.logged, "o", color=SECOND, markersize=4, label="the notes' log")
        ax.set(xlabel="epoch", ylabel="learning rate", xticks=range(5, len(self.logged) + 1, 5))
        if self.log:
            ax.set_yscale("log")
        ax.legend(frameon=False)
        return figure
