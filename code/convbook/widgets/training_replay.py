"""The epochs of a training run, one after the other."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import traitlets
from matplotlib.figure import Figure
from matplotlib.ticker import LogLocator, NullFormatter
from numpy.typing import NDArray

from convbook.figures.style import FIRST, SECOND, WIDTH
from convbook.inference import network_of, record
from convbook.widgets.figure import InteractiveFigure, index
from convbook.widgets.network_figure import flat
from convbook.widgets.traits import Array


class TrainingReplay(InteractiveFigure):
    """Scrub through a run of the scheduled CNN: curves, kernels, feature maps, and what it takes hard digits for.

    Attributes:
        epoch: counted from 1.
        digit: which of the digits, counted from 0.
        layers: of the network, as in its record.
        shown: names of those whose feature maps are shown.
    """

    epoch = traitlets.Int(1, min=1).tag(sync=True)
    digit = traitlets.Int(0, min=0).tag(sync=True)
    layers = traitlets.List(traitlets.Dict()).tag(sync=True)
    shown = traitlets.List(["conv1", "conv2", "pool4", "conv5", "conv8"]).tag(sync=True)
    weights = Array((None, None))
    history = traitlets.List(traitlets.Dict()).tag(sync=True)
    digits = Array((None, 28, 28), "uint8")
    labels = traitlets.List(traitlets.Int()).tag(sync=True)

    def __init__(
        self,
        snapshots: Sequence[list[NDArray]],
        history: Sequence[Any],
        digits: NDArray,
        labels: NDArray,
        **traits: Any,
    ) -> None:
        """Take the record of a run.

        Args:
            snapshots: what ``get_weights`` of the scheduled CNN returned after each epoch.
            history: what ``convbook.training.train`` returned.
            digits: uint8 (N, 28, 28), on which to watch the network.
            labels: their classes.
            traits: first values of the attributes.
        """
        if not len(snapshots) == len(history) > 0:
            raise ValueError(f"one snapshot an epoch: got {len(snapshots)} snapshots and {len(history)} epochs")
        layers = record("scheduled_cnn")["layers"]
        super().__init__(
            layers=layers,
            weights=np.stack([flat(network_of(layers, arrays)) for arrays in snapshots]),
            history=[{"accuracy": row.accuracy, "val_accuracy": row.val_accuracy} for row in history],
            digits=digits,
            labels=[int(label) for label in labels],
            **traits,
        )

    @classmethod
    def settings(cls, state: dict[str, Any]) -> dict[str, dict[str, Any]]:
        """Add the epoch and the digit."""
        chosen = {"epoch": index(len(state["history"]), first=1), "digit": index(state["digits"]["shape"][0])}
        return chosen | super().settings(state)

    def picture(self) -> Figure:
        """Draw the errors of every epoch, as the live figure does."""
        figure = Figure(figsize=(WIDTH, 2.6))
        ax = figure.subplots()
        epochs = range(1, len(self.history) + 1)
        ax.plot(
            epochs, [100 * (1 - row["val_accuracy"]) for row in self.history], "--", color=SECOND, label="validation"
        )
        ax.plot(epochs, [100 * (1 - row["accuracy"]) for row in self.history], color=FIRST, label="training")
        ax.set(xlabel="epoch", ylabel="errors, %", yscale="log", xticks=range(5, len(self.history) + 1, 5))
        ax.yaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
        ax.yaxis.set_major_formatter("{x:,g}")
        ax.yaxis.set_minor_formatter(NullFormatter())
        ax.legend(frameon=False)
        return figure
