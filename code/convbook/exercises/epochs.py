"""Checks of chapter 8: epochs, batches, the gradient of a layer, a training loop, and schedules."""

from collections.abc import Callable, Sequence
from math import ceil, cos, pi

import numpy as np
from numpy.typing import NDArray

from convbook.activations import softmax
from convbook.exercises.verdict import Mistakes, Wrong, call, expect, gives_verdict, items, numbers
from convbook.schedules import cosine, inverse_time

# The notes' run, by its log.
DIGITS = 60_000
BATCH_SIZE = 128
SECONDS_PER_DIGIT = 111e-6

# Examples and batch size: with and without a partial batch, the notes' run, fewer examples than a batch.
EPOCHS = ((10, 4), (12, 4), (DIGITS, BATCH_SIZE), (3, 5), (11, 4), (7, 1))

# Examples, pixels, classes and size of the logits: several, a single one, and logits whose exponential is too large.
LAYERS = ((5, 4, 3, 1.0), (1, 3, 4, 1.0), (6, 2, 2, 2.0), (4, 3, 10, 1000.0))

CLASSES = 10
# Examples, batch size, epochs and rate: with and without a partial batch, fewer examples than a batch, batches of one.
TRAININGS = ((7, 3, 2, 0.5), (6, 3, 3, 0.1), (5, 8, 2, 1.0), (4, 1, 2, 0.3))


@gives_verdict
def steps(function: Callable[[int, int], Sequence[int]]) -> str:
    """Check function(examples, batch_size): the steps of an epoch and the size of its last batch."""
    for count, size in EPOCHS:
        batches = [min(size, count - start) for start in range(0, count, size)]
        full, rest = divmod(count, size)
        case = f"{count:,} examples in batches of {size}"
        given = items(call(function, count, size), 2, case, "two numbers, the steps and the size of the last batch")
        expect(
            given[0],
            len(batches),
            f"{case}, the steps",
            mistakes=(
                ("a step on a partial batch counts as a whole step, so round up", count / size),
                ("the last examples do not fill a batch, but they need a step as well", full),
                ("the batches divide the examples evenly here, so there is no extra step", full + 1),
                ("an epoch is a pass over all examples, not one update", 1),
            ),
        )
        expect(
            given[1],
            batches[-1],
            f"{case}, the last batch",
            mistakes=(
                ("if the batches divide the examples evenly, the last batch is full", rest),
                ("that is how many examples are missing for a full batch", size - rest),
                ("the last batch has only the remaining examples", size),
            ),
        )
    return "whole steps, and a last batch that is full or has the remaining examples"


@gives_verdict
def softmax_gradient(function: Callable[[NDArray, NDArray, NDArray], NDArray]) -> str:
    """Check the gradient of the mean softmax cross-entropy for the weights of one linear layer.

    Args:
        function: from weights (pixels, classes), rows (examples, pixels) and labels (examples,) to an array of the
            weights' shape.
    """
    rng = np.random.default_rng(8)
    for count, pixels, classes, size in LAYERS:
        rows = rng.random((count, pixels))
        weights = size * rng.normal(size=(pixels, classes))
        labels = rng.integers(classes, size=count)
        case = f"{count} example{'s' * (count > 1)} of {pixels} pixels, {classes} classes"
        if size > 100:
            case += ", large logits"
        logits = rows @ weights
        given = call(function, weights, rows, labels)
        right = rows.T @ _excess(logits, labels) / count
        values = numbers(given, case, finite=False)
        if size > 100 and not np.isfinite(values).all():
            raise Wrong(
                f"{case}: some values are not finite numbers; subtract the largest logit of each row, not of the whole "
                "batch, before you take exponentials"
            )
        if values.shape == right.T.shape != right.shape:
            raise Wrong(
                f"{case}: the gradient has the shape of the weights, (pixels, classes), and yours is transposed"
            )
        hot = np.eye(classes)[labels]
        guessed = np.eye(classes)[logits.argmax(axis=1)]
        share = softmax(logits)
        mistakes: Mistakes = (
            ("the loss is the mean over the examples, so divide by their number", right * count),
            (
                "that is the mean over the classes too; the loss of an example is not divided by their number",
                right / classes,
            ),
            ("that points downhill; the gradient points uphill, and the step has the minus sign", -right),
            ("subtract 1 at the right class", rows.T @ share / count),
            (
                "take the probabilities minus the right answers; these are the logits minus the right answers",
                rows.T @ (logits - hot) / count,
            ),
            (
                "subtract 1 at the class in `labels`, not at the one with the largest logit",
                rows.T @ (share - guessed) / count,
            ),
            ("softmax runs over the classes of one example, axis 1", rows.T @ (softmax(logits.T).T - hot) / count),
        )
        if count == 1:  # an average over one example, and a softmax over one, are no mistakes to tell apart
            mistakes = mistakes[1:-1]
        expect(given, right, case, mistakes=mistakes)
    return "the gradient for every weight, for one example and for several, and for large logits as well"


@gives_verdict
def training_loop(function: Callable[[NDArray, NDArray, float, int, int], NDArray]) -> str:
    """Check a loop that trains one linear layer with softmax cross-entropy by gradient descent.

    Args:
        function: from rows (examples, pixels), labels, learning rate, batch size and number of epochs to the weights
            (pixels, 10) after the last step, from weights of 0 and without shuffling.
    """
    rng = np.random.default_rng(80)
    for count, size, epochs, rate in TRAININGS:
        rows, labels = rng.random((count, 6)), rng.integers(CLASSES, size=count)
        case = f"{count} examples in batches of {size}, {epochs} epochs"
        batches = [slice(start, min(start + size, count)) for start in range(0, count, size)]
        full = [batch for batch in batches if batch.stop - batch.start == size]
        given = call(function, rows, labels, rate, size, epochs)

        def trained(
            steps: Sequence[slice],
            *,
            passes: int = epochs,
            signed: float = rate,
            divisor: int | None = None,
            stale: bool = False,
            data: tuple[NDArray, NDArray] = (rows, labels),
        ) -> NDArray:
            weights = np.zeros((data[0].shape[1], CLASSES))
            for _ in range(passes):
                at = weights.copy()
                for chosen in steps:
                    x, y = data[0][chosen], data[1][chosen]
                    excess = _excess(x @ (at if stale else weights), y)
                    weights -= signed * x.T @ excess / (divisor or len(y))
            return weights

        mistakes = (
            ("the last examples do not fill a batch, but they make a step", trained(full)),
            ("that is one step for each epoch; there should be one for each batch", trained([slice(0, count)])),
            ("that is one epoch; go through all batches once for each epoch", trained(batches, passes=1)),
            (
                "compute the gradient anew for each batch, with the weights as the batch before left them",
                trained(batches, stale=True),
            ),
            ("that climbs: subtract the rate times the gradient", trained(batches, signed=-rate)),
            ("a batch's gradient is the mean over its examples, not their sum", trained(batches, divisor=1)),
            (
                "divide by the number of examples in the batch, which is smaller for the last one",
                trained(batches, divisor=size),
            ),
            ("keep the order in which the examples are given", trained(batches, data=(rows[::-1], labels[::-1]))),
            ("begin with weights of 0, and take the steps", np.zeros((6, CLASSES))),
        )
        right = trained(batches)
        expect(given, right, case, mistakes=[(hint, w) for hint, w in mistakes if not np.allclose(w, right)])
    return "one step for each batch, the smaller last one included, and a new gradient each time"


def _excess(logits: NDArray, labels: NDArray) -> NDArray:
    """Return the gradient of each example's cross-entropy for its logits: the probabilities, minus 1 where right."""
    excess = softmax(logits)
    excess[np.arange(len(labels)), labels] -= 1
    return excess


@gives_verdict
def notes_schedule(function: Callable[[int], float], below_half: int, last_share: float) -> str:
    """Check the notes' schedule.

    Args:
        function: maps the epoch, counted from 1 as in the log, to the learning rate.
        below_half: the first epoch of the log with less than half the first rate.
        last_share: the rate of epoch 20 divided by that of epoch 1.
    """
    rates = [inverse_time(index) for index in range(20)]
    for index, rate in enumerate(rates):
        epoch = index + 1
        expect(
            call(function, epoch),
            rate,
            f"epoch {epoch} of the log",
            mistakes=(
                ("the log counts from 1, the formula from 0", inverse_time(epoch)),
                (
                    "divide the first rate once, instead of dividing the previous rate again in every epoch",
                    0.003 / 1.319**index,
                ),
                ("multiply 0.319 by the epoch first, then add 1", 0.003 / (1.319 * max(index, 1))),
                ("the rate falls, so divide instead of multiplying", 0.003 * (1 + 0.319 * index)),
            ),
            within=1e-8,  # the rates are small; the notes round them to 10 decimals
        )
    index = next(index for index, rate in enumerate(rates) if rate < rates[0] / 2)
    expect(
        below_half,
        index + 1,
        "the first epoch below half",
        mistakes=(
            ("that is the index in the formula, which counts from 0", index),
            ("there the rate would be exactly half, but epochs are whole numbers", 1 / 0.319),
        ),
        reveal=False,
    )
    expect(
        last_share,
        rates[-1] / rates[0],
        "the last rate as a share of the first",
        mistakes=(
            ("that is the first rate divided by the last", rates[0] / rates[-1]),
            ("the 20th epoch has the index 19", 1 / (1 + 0.319 * 20)),
            ("that is the last rate itself", rates[-1]),
            ("give a share between 0 and 1, not a percentage", 100 * rates[-1] / rates[0]),
        ),
        within=0.0005,  # three decimals
        reveal=False,
    )
    return (
        "these are the rates of the log, below half from the fifth epoch on, and about a seventh of the first rate "
        "at the end"
    )


@gives_verdict
def epoch_seconds(seconds: float, milliseconds: float) -> str:
    """Check how many seconds an epoch of the notes took, and how many milliseconds one update."""
    updates = ceil(DIGITS / BATCH_SIZE)
    right = SECONDS_PER_DIGIT * DIGITS
    expect(
        seconds,
        right,
        "the epoch",
        mistakes=(
            (
                "60000/60000 counts digits: in this log, a step is one digit, not one update",
                SECONDS_PER_DIGIT * updates,
            ),
            ("111 microseconds are for one digit, so the batch size does not matter here", right * BATCH_SIZE),
            ("a microsecond is a millionth of a second", right * 1000),
            ("that is all 20 epochs", right * 20),
        ),
        within=0.05,  # a tenth
        reveal=False,
    )
    expect(
        milliseconds,
        1000 * SECONDS_PER_DIGIT * BATCH_SIZE,
        "one update",
        mistakes=(
            ("111 microseconds are for one digit, and an update needs a whole batch", 1000 * SECONDS_PER_DIGIT),
            ("that is in microseconds", 1e6 * SECONDS_PER_DIGIT * BATCH_SIZE),
            ("that is in seconds", SECONDS_PER_DIGIT * BATCH_SIZE),
        ),
        within=0.5,  # a whole millisecond, so that the epoch's time divided by 469 passes as well
        reveal=False,
    )
    return "about 6.7 s for an epoch, and 14 ms for an update with 128 digits"


@gives_verdict
def warm_up(function: Callable[[int, float, int, int], float]) -> str:
    """Check function(epoch, peak, epochs, warm_up): a rise to the peak in equal steps, then half a cosine."""
    for peak, epochs, rise in ((0.004, 10, 3), (0.01, 7, 2), (0.5, 4, 0), (1.0, 5, 4), (2.0, 6, 1)):
        for epoch in range(epochs):
            left, done = epochs - rise, epoch - rise
            mistakes: Mistakes
            if epoch < rise:
                right = peak * (epoch + 1) / rise
                mistakes = (
                    ("with a rise from 0 nothing would be learned in the first epoch", peak * epoch / rise),
                    (
                        "the cosine begins after the rise, not at the first epoch",
                        cosine(epoch, initial=peak, epochs=epochs),
                    ),
                    (
                        "epochs count from 0, so the last epoch of the rise is warm_up - 1",
                        peak * (epoch + 1) / (rise + 1),
                    ),
                )
            else:
                right = cosine(done, initial=peak, epochs=left)
                too_early = "the first epoch after the rise has the peak once more; the cosine begins there"
                mistakes = (
                    (too_early, peak * (1 + cos(pi / (left + 1))) / 2 if not done else None),
                    (too_early, peak * (1 + cos(pi / left)) / 2 if not done else None),
                    (
                        "0 would be reached in the epoch after the last one: divide by epochs - warm_up, not by 1 less",
                        peak * (1 + cos(pi * done / (left - 1))) / 2 if left > 1 else None,
                    ),
                    ("that is a quarter of a cosine, from 1 to 0; use half of one", peak * cos(pi * done / left / 2)),
                    (
                        "count the epochs of the fall from the end of the rise",
                        cosine(epoch, initial=peak, epochs=epochs),
                    ),
                    (
                        "the fall lasts for the epochs after the rise: epochs - warm_up",
                        cosine(done, initial=peak, epochs=epochs),
                    ),
                    ("the cosine runs from 1 to -1; add 1 and halve", peak * cos(pi * done / left)),
                    (
                        "this is a whole cosine; use half of one",
                        peak * (1 + cos(2 * pi * done / left)) / 2,
                    ),
                )
            case = f"epoch {epoch} of {epochs}, peak {peak}, warm-up {rise}"
            expect(call(function, epoch, peak, epochs, rise), right, case, mistakes=mistakes, within=1e-5 * peak)
    return "a rise to the peak, then half a cosine over the remaining epochs, with or without a warm-up"
