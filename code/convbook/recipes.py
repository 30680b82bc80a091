"""Recipes by name: a network with every setting of its training."""

from collections.abc import Callable
from functools import partial
from typing import Any, NamedTuple

from convbook.backend import keras
from convbook.network import NETWORKS, with_test_time_augmentation
from convbook.schedules import inverse_time, one_cycle

Loss = str | Callable[[Any, Any], Any]


class Recipe(NamedTuple):
    """How one network is built and trained; the defaults are the settings of the notes.

    Attributes:
        build: returns a new network.
        schedule: learning rate for a 0-based epoch.
        every_step: whether the rate changes before every step instead of every epoch.
        optimizer: returns a new optimizer.
        loss: Keras's name of a loss, or a function of labels (N,) and probabilities (N, 10).
        epochs: length of the run.
        batch_size: digits per step.
        held_out: number of training digits kept for validation, on which all choices were made. With 0 the run is
            validated on the test set, as in the notes, and no choice may depend on it.
        fresh_statistics: whether ``FreshStatistics`` estimates the moving statistics before each validation.
        test_time_shift: the finished network averages over shifts of every digit by up to this many pixels.
    """

    build: Callable[[], keras.Model]
    schedule: Callable[[float], float] = inverse_time
    every_step: bool = False
    optimizer: Callable[[], keras.Optimizer] = keras.optimizers.Adam
    loss: Loss = "sparse_categorical_crossentropy"
    epochs: int = 20
    batch_size: int = 128
    held_out: int = 0
    fresh_statistics: bool = False
    test_time_shift: int = 0

    @property
    def views(self) -> int:
        """Number of shifted views of a digit that the finished network averages over."""
        return (2 * self.test_time_shift + 1) ** 2

    def finished(self, model: keras.Sequential) -> keras.Model:
        """Return the network to evaluate after the last epoch: with test-time augmentation if the recipe has it."""
        if not self.test_time_shift:
            return model
        augmented = with_test_time_augmentation(model, self.test_time_shift)
        augmented.compile(loss=self.loss, metrics=["accuracy"])
        return augmented

    def options(self) -> dict[str, Any]:
        """Return the keyword arguments of ``train``, with a new optimizer."""
        return {
            "epochs": self.epochs,
            "batch_size": self.batch_size,
            "schedule": self.schedule,
            "every_step": self.every_step,
            "optimizer": self.optimizer(),
            "loss": self.loss,
            "fresh_statistics": self.fresh_statistics,
        }


HELD_OUT = 5_000  # digits, in every measurement of the course except the replay of the notes' run
SHIFT = 0.07  # share of the side: at most two pixels
ROTATION = 10 / 360  # share of a full turn: at most ten degrees
SMOOTHING = 0.05  # label smoothing; chapter 13 measures no difference, so no recipe uses it


def smoothed_cross_entropy(labels: Any, probabilities: Any) -> Any:
    """Cross-entropy with smoothed targets: the true class gets a little less than 1, every other class a little.

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
    """Return the one-cycle schedule of a run of this many epochs."""
    return partial(one_cycle, peak=peak, epochs=epochs, warm_up=warm_up)


def averaging_adamw(momentum: float = 0.995) -> keras.Optimizer:
    """Return AdamW that keeps a running average of the weights, which replaces them at the end.

    Loshchilov & Hutter (2019), Decoupled Weight Decay Regularization; Izmailov et al. (2018), Averaging Weights Leads
    to Wider Optima; here the average is exponential.

    Args:
        momentum: share of the average that each step keeps.
    """
    return keras.optimizers.AdamW(weight_decay=0.01, use_ema=True, ema_momentum=momentum)


def _compact(name: str, epochs: int = 20, rotation: float = ROTATION, test_time_shift: int = 1) -> Recipe:
    return Recipe(
        partial(NETWORKS[name], shift=SHIFT, rotation=rotation),
        schedule=one_cycle_of(epochs),
        every_step=True,
        optimizer=averaging_adamw,
        epochs=epochs,
        held_out=HELD_OUT,
        test_time_shift=test_time_shift,
    )


RECIPES = {
    "scheduled_cnn": Recipe(NETWORKS["scheduled_cnn"]),  # the network of the notes, on the whole training set
    "compact_20k": _compact("compact_20k"),
    "compact_7k": _compact("compact_7k"),
    "compact_4k": _compact("compact_4k", epochs=40, rotation=0),
    "compact_2k": _compact("compact_2k", rotation=0, test_time_shift=0),
    "one_minute": _compact("one_minute", epochs=4, rotation=0)._replace(
        optimizer=partial(averaging_adamw, 0.98),
        batch_size=250,  # fewer steps, each with a fixed cost; and it divides 55,000, so all batches have one size
    ),
}
