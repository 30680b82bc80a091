"""The schedules that a figure offers: their names for readers, and the numbers that they take."""

from inspect import signature

import traitlets

from convbook.schedules import SCHEDULES

LABELS = {
    "inverse_time": "the notes' inverse time",
    "constant": "constant",
    "step": "steps",
    "cosine": "half a cosine",
    "one_cycle": "one cycle",
}


def defaults(name: str) -> dict[str, float]:
    """Return the parameters of a schedule that the reader sets, as the figures call them, with their defaults."""
    parameters = signature(SCHEDULES[name]).parameters
    found = {"initial" if key == "peak" else key: parameter.default for key, parameter in parameters.items()}
    return {key: value for key, value in found.items() if key not in ("epoch", "epochs")}


def schedule_choices() -> traitlets.Dict:
    """Return a trait with the label of every schedule and the numbers that it takes, with their defaults."""
    return traitlets.Dict({name: {"label": LABELS[name], "takes": defaults(name)} for name in SCHEDULES}).tag(sync=True)
