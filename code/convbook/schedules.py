"""Learning-rate schedules: functions from a 0-based epoch, possibly fractional, to a learning rate.

All arguments except the epoch are keyword-only. ``keras.callbacks.LearningRateScheduler`` first tries
``schedule(epoch, rate)``, which must fail so that the current rate is not taken for the initial one.

All raise ``ValueError`` if the epoch is below 0 or, for a schedule with a length, beyond its end.
"""

import math
from collections.abc import Callable, Mapping
from types import MappingProxyType


def inverse_time(epoch: float, *, initial: float = 0.003, decay: float = 0.319) -> float:
    """The schedule of the notes: ``initial / (1 + decay * epoch)``, rounded to 10 decimals as in the notes.

    Args:
        epoch: 0-based, so the first epoch has the rate ``initial``.
        initial: learning rate of the first epoch.
        decay: how fast the rate falls; after ``1 / decay`` epochs it has halved.
    """
    _require_epoch(epoch)
    return round(initial / (1 + decay * epoch), 10)


def constant(epoch: float, *, initial: float = 0.003) -> float:
    """The same rate in every epoch."""
    _require_epoch(epoch)
    return initial


def step(epoch: float, *, initial: float = 0.003, factor: float = 0.5, every: int = 5) -> float:
    """Multiply the rate by ``factor`` after every ``every`` epochs."""
    _require_epoch(epoch)
    return initial * factor ** (epoch // every)


def cosine(epoch: float, *, initial: float = 0.003, epochs: int = 20) -> float:
    """Fall along half a cosine from ``initial`` towards 0, which would be reached one epoch after the last.

    Loshchilov & Hutter (2017), SGDR, equation 5, without restarts and with a lowest rate of 0.

    Args:
        epoch: 0-based.
        initial: learning rate of the first epoch.
        epochs: length of the run.
    """
    _require_epoch(epoch, epochs)
    return initial * (1 + math.cos(math.pi * epoch / epochs)) / 2


def one_cycle(
    epoch: float, *, peak: float = 0.006, epochs: int = 20, warm_up: float = 0.3, start: float = 0.1
) -> float:
    """Rise in a straight line from ``start * peak`` to ``peak``, then fall along half a cosine towards 0.

    After Smith & Topin (2017), Super-Convergence, section 3, with epochs instead of steps.

    Args:
        epoch: 0-based.
        peak: highest learning rate.
        epochs: length of the run.
        warm_up: share of the run that the rise takes.
        start: first learning rate, as a share of the peak.
    """
    _require_epoch(epoch, epochs)
    rise = warm_up * epochs
    if epoch < rise:
        return peak * (start + (1 - start) * epoch / rise)
    return peak * (1 + math.cos(math.pi * (epoch - rise) / (epochs - rise))) / 2


SCHEDULES: Mapping[str, Callable[..., float]] = MappingProxyType(
    {function.__name__: function for function in (inverse_time, constant, step, cosine, one_cycle)}
)
"""All schedules by name."""


def _require_epoch(epoch: float, epochs: float = math.inf) -> None:
    if not 0 <= epoch < epochs:
        last = f" to {epochs - 1}" if epochs < math.inf else ""
        raise ValueError(f"epoch counts from 0{last}, got {epoch}")
