"""Recipes: a network with all that decides how it is trained, by name."""

from collections.abc import Callable
from functools import partial
from typing import Any, NamedTuple

from convbook.backend import keras
from convbook.network import NETWORKS, with_test_time_augmentation
from convbook.schedules import inverse_time, one_cycle

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
        batch_size: digits a step.
        held_out: digits of the training set that no network is trained on, and by which choices were made. With 0 the
            test set is watched in their place, as in the notes' run, and nothing may be chosen by it.
        test_time_shift: the finished network reads every digit at all shifts of up to so many pixels, and averages.
    """

    build: Callable[[], keras.Model]
    schedule: Callable[[float], float] = inverse_time
    every_step: bool = False
    optimizer: Callable[[], keras.Optimizer] = keras.optimizers.Adam
    loss: Loss = "sparse_categorical_crossentropy"
    epochs: int = 20
    batch_size: int = 128
    held_out: int = 0
    test_time_shift: int = 0

    @property
    def views(self) -> int:
        """How many shifted views of a digit the finished network reads for one answer."""
        return (2 * self.test_time_shift + 1) ** 2

    def finished(self, model: keras.Sequential) -> keras.Model:
        """Return a trained network as it is measured after its last epoch."""
        if not self.test_time_shift:
            return model
        reader = with_test_time_augmentation(model, self.test_time_shift)
        reader.compile(loss=self.loss, metrics=["accuracy"])
        return reader

    def options(self) -> dict[str, Any]:
        """Return what ``train`` has to know, with a new optimizer."""
        return {
            "epochs": self.epochs,
            "batch_size": self.batch_size,
            "schedule": self.schedule,
            "every_step": self.every_step,
            "optimizer": self.optimizer(),
            "loss": self.loss,
        }


HELD_OUT = 5_000  # digits, in all that the course measures but the replay of the notes' run
SHIFT = 0.07  # of the side: at most two pixels
TURN = 10 / 360  # of a full turn: at most ten degrees
SMOOTHING = 0.05  # of labels: chapter 12 measures it, and no recipe has it, because no difference shows


def smoothed_cross_entropy(labels: Any, probabilities: Any) -> Any:
    """Cross-entropy against a target that gives the right class a little less than 1 and each other a little.

    Label smoothing: Szegedy et al. (2016), Rethinking the Inception Architecture, section 7.

    Args:
        labels: whole numbers (N,).
        probabilities: (N, 10).

    Returns:
        The loss of each example (N,), in nats.
    """
    targets = keras.ops.one_hot(labels, 10)
    return keras.losses.categorical_crossentropy(targets, probabilities, label_smoothing=SMOOTHING)


def one_cycle_of(epochs: int, peak: float = 0.02, warm_up: float = 0.2) -> Callable[[float], float]:
    """Return the one-cycle schedule of a run of so many epochs."""
    return partial(one_cycle, peak=peak, epochs=epochs, warm_up=warm_up)


def averaging_adamw(momentum: float = 0.995) -> keras.Optimizer:
    """Return AdamW that ends with an average of its weights over the last steps.

    Loshchilov & Hutter (2019), Decoupled Weight Decay Regularization; Izmailov et al. (2018), Averaging Weights Leads
    to Wider Optima, here as a running mean.

    Args:
        momentum: share of the running mean that a step keeps.
    """
    return keras.optimizers.AdamW(weight_decay=0.01, use_ema=True, ema_momentum=momentum)


def _compact(name: str, epochs: int = 20, turn: float = TURN, test_time_shift: int = 1) -> Recipe:
    return Recipe(
        partial(NETWORKS[name], shift=SHIFT, turn=turn),
        schedule=one_cycle_of(epochs),
        every_step=True,
        optimizer=averaging_adamw,
        epochs=epochs,
        held_out=HELD_OUT,
        test_time_shift=test_time_shift,
    )


RECIPES = {
    "scheduled_cnn": Recipe(NETWORKS["scheduled_cnn"]),  # the notes' own, on the whole training set
    "compact_20k": _compact("compact_20k"),
    "compact_7k": _compact("compact_7k"),
    "compact_4k": _compact("compact_4k", epochs=40, turn=0),
    "compact_2k": _compact("compact_2k", turn=0, test_time_shift=0),
    "one_minute": _compact("one_minute", epochs=4, turn=0)._replace(
        optimizer=partial(averaging_adamw, 0.98),
        batch_size=250,  # a step costs time by itself; and 55,000 digits leave no odd batch to prepare another one for
    ),
}
