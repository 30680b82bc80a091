"""Recipes: a network with all that decides how it is trained, by name."""

from collections.abc import Callable
from functools import partial
from typing import Any, NamedTuple

from convbook.backend import keras
from convbook.network import NETWORKS
from convbook.schedule import inverse_time, one_cycle

Loss = str | Callable[[Any, Any], Any]


class Recipe(NamedTuple):
    """How one network is built and trained; the defaults are the notes' ways.

    Attributes:
        build: makes the network.
        schedule: learning rate for a 0-based epoch.
        every_step: whether the schedule is asked before every step instead of every epoch.
        optimizer: makes the optimizer.
        loss: Keras's name of a loss, or a function of labels (N,) and probabilities (N, 10).
        epochs: of the whole run.
    """

    build: Callable[[], keras.Model]
    schedule: Callable[[float], float] = inverse_time
    every_step: bool = False
    optimizer: Callable[[], keras.Optimizer] = keras.optimizers.Adam
    loss: Loss = "sparse_categorical_crossentropy"
    epochs: int = 20


def smoothed_cross_entropy(labels: Any, probabilities: Any) -> Any:
    """Cross-entropy against a target of 0.955 for the right class and 0.005 for each other.

    Label smoothing with a rate of 0.05: Szegedy et al. (2016), Rethinking the Inception Architecture, section 7.

    Args:
        labels: whole numbers (N,).
        probabilities: (N, 10).
    """
    return keras.losses.categorical_crossentropy(keras.ops.one_hot(labels, 10), probabilities, label_smoothing=0.05)


HELD_OUT = 5_000  # digits of the training set that the recipes below are not trained on, and were chosen by


def _averaging(momentum: float = 0.995) -> keras.Optimizer:
    return keras.optimizers.AdamW(weight_decay=0.01, use_ema=True, ema_momentum=momentum)


def _one_cycle(epochs: int) -> Callable[[float], float]:
    return partial(one_cycle, peak=0.01, epochs=epochs, warm_up=0.2)


RECIPES = {
    "scheduled_cnn": Recipe(NETWORKS["scheduled_cnn"]),  # the notes' own, on the whole training set
    **{
        name: Recipe(NETWORKS[name], _one_cycle(20), every_step=True, optimizer=_averaging, loss=smoothed_cross_entropy)
        for name in ("compact_20k", "compact_7k", "compact_4k")
    },
}
