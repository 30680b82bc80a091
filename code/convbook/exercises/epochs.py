"""Checks of chapter 8: epochs, batches, schedules, and comparisons of two networks."""

from collections.abc import Callable, Sequence
from math import ceil, comb, cos, erfc, pi, sqrt

from convbook.exercises.verdict import Mistakes, call, expect, gives_verdict, items
from convbook.schedules import cosine, inverse_time

# (examples, batch size): with a rest, without one, the notes' run, fewer examples than a batch, nearly a full rest
EPOCHS = ((10, 4), (12, 4), (60_000, 128), (3, 5), (11, 4), (7, 1))

DIGITS, SECONDS_PER_DIGIT, BATCH = 60_000, 111e-6, 128  # of the notes' log

ERRORS, TESTED, SHARED = (49, 56), 10_000, (0, 30, 49)  # 99.51 % and 99.44 %


@gives_verdict
def steps(function: Callable[[int, int], Sequence[int]]) -> str:
    """Check a function from examples and batch size to the steps of an epoch and the size of its last batch."""
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
                ("a step on a part of a batch is a step too, so the number is whole", count / size),
                ("the last examples do not fill a batch, but they make a step", full),
                ("nothing is left over here, so there is no further step", full + 1),
                ("an epoch is a pass over all examples, not one update", 1),
            ),
        )
        expect(
            given[1],
            batches[-1],
            f"{case}, the last batch",
            mistakes=(
                ("if nothing is left over, the last batch is a full one", rest),
                ("that is how many examples a full batch would need in addition", size - rest),
                ("the last batch takes what is left, not more", size),
            ),
        )
    return "whole steps, and a last batch that is full or takes what is left"


@gives_verdict
def notes_schedule(function: Callable[[int], float], below_half: int, last_share: float) -> str:
    """Check the notes' schedule.

    Args:
        function: from the epoch as their log counts it, from 1, to the learning rate.
        below_half: the first epoch of the log at less than half the first rate.
        last_share: the rate of epoch 20 over that of epoch 1.
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
                ("divide the first rate once, not the last rate again and again", 0.003 / 1.319**index),
                ("0.319 is multiplied by the epoch before 1 is added", 0.003 / (1.319 * max(index, 1))),
                ("the rate falls, so divide", 0.003 * (1 + 0.319 * index)),
            ),
            within=1e-8,  # the rates are small; the notes round them to 10 decimals, 32-bit numbers to about as many
        )
    index = next(index for index, rate in enumerate(rates) if rate < rates[0] / 2)
    expect(
        below_half,
        index + 1,
        "the first epoch below half",
        mistakes=(
            ("that is the index in the formula, which counts from 0", index),
            ("there the rate would be exactly half, but an epoch is a whole number", 1 / 0.319),
        ),
        reveal=False,
    )
    expect(
        last_share,
        rates[-1] / rates[0],
        "the last rate as a share of the first",
        mistakes=(
            ("that is the first over the last", rates[0] / rates[-1]),
            ("the 20th epoch has the index 19", 1 / (1 + 0.319 * 20)),
            ("that is the last rate itself", rates[-1]),
            ("give a share between 0 and 1, not a percentage", 100 * rates[-1] / rates[0]),
        ),
        within=0.0005,  # three decimals
        reveal=False,
    )
    return "the rates of the log, below half from the fifth epoch on, down to a seventh in the last"


@gives_verdict
def epoch_seconds(seconds: float, milliseconds: float) -> str:
    """Check how long the notes' epoch took in seconds, and one of its updates in milliseconds."""
    updates = ceil(DIGITS / BATCH)
    right = SECONDS_PER_DIGIT * DIGITS
    expect(
        seconds,
        right,
        "the epoch",
        mistakes=(
            ("60000/60000 counts digits: a step in this log is one digit, not one update", SECONDS_PER_DIGIT * updates),
            ("111 microseconds are for one digit, so the batch size does not matter here", right * BATCH),
            ("a microsecond is a millionth of a second", right * 1000),
            ("that is all 20 epochs", right * 20),
        ),
        within=0.05,  # a tenth
        reveal=False,
    )
    expect(
        milliseconds,
        1000 * SECONDS_PER_DIGIT * BATCH,
        "one update",
        mistakes=(
            ("111 microseconds are for one digit, and an update takes a batch", 1000 * SECONDS_PER_DIGIT),
            ("that is in microseconds", 1e6 * SECONDS_PER_DIGIT * BATCH),
            ("that is in seconds", SECONDS_PER_DIGIT * BATCH),
        ),
        within=0.5,  # a whole millisecond; the epoch's time divided by 469 will do as well
        reveal=False,
    )
    return "about 6.7 s for an epoch, and 14 ms for each of its 469 updates"


@gives_verdict
def warm_up(function: Callable[[int, float, int, int], float]) -> str:
    """Check a schedule ``(epoch, peak, epochs, warm_up)``: a rise in equal parts to the peak, then half a cosine."""
    for peak, epochs, rise in ((0.004, 10, 3), (0.01, 7, 2), (0.5, 4, 0), (1.0, 5, 4), (2.0, 6, 1)):
        for epoch in range(epochs):
            left, done = epochs - rise, epoch - rise
            mistakes: Mistakes
            if epoch < rise:
                right = peak * (epoch + 1) / rise
                mistakes = (
                    ("a rise from 0 wastes the first epoch", peak * epoch / rise),
                    ("the cosine begins after the rise, not with it", cosine(epoch, initial=peak, epochs=epochs)),
                    (
                        "epochs count from 0, so the last epoch of the rise has the index warm_up - 1",
                        peak * (epoch + 1) / (rise + 1),
                    ),
                )
            else:
                right = cosine(done, initial=peak, epochs=left)
                mistakes = (
                    (
                        "count the epochs of the fall from the end of the rise",
                        cosine(epoch, initial=peak, epochs=epochs),
                    ),
                    (
                        "the fall takes the epochs that the rise leaves over: epochs - warm_up",
                        cosine(done, initial=peak, epochs=epochs),
                    ),
                    ("the cosine runs from 1 to -1; add 1 and halve", peak * cos(pi * done / left)),
                    (
                        "half a cosine is asked for, and this is a whole one",
                        peak * (1 + cos(2 * pi * done / left)) / 2,
                    ),
                )
            case = f"epoch {epoch} of {epochs}, peak {peak}, warm-up {rise}"
            expect(call(function, epoch, peak, epochs, rise), right, case, mistakes=mistakes, within=1e-5 * peak)
    return "a rise to the peak, then half a cosine over the rest, also without a rise"


@gives_verdict
def mcnemar(p_values: Sequence[float], errors: int) -> str:
    """Check 49 errors against 56 by McNemar's test.

    Args:
        p_values: the p-values if the two networks share no error, 30 errors, all 49.
        errors: how many errors the second network must make, 30 of them shared, for a p-value below 0.05.
    """
    first, second = ERRORS
    right = [_two_sided(first - shared, second - shared) for shared in SHARED]
    one_error = erfc((second - first) / sqrt(first * (1 - first / TESTED)) / sqrt(2))
    two_errors = erfc((second - first) / sqrt(first + second) / sqrt(2))
    expect(
        p_values,
        right,
        "the p-values",
        mistakes=(
            (
                "errors that both networks make say nothing about the difference: take them out",
                [right[0]] * 3,
            ),
            (
                "that asks for one direction only; before the test, either network could be the better one",
                [p / 2 for p in right],
            ),
            (
                "that is the standard error of one accuracy, and a difference has the errors of both",
                [one_error] * 3,
            ),
            ("two samples of digits would need that, but both networks read the same digits", [two_errors] * 3),
            (
                "the shared errors are the ones that do not count",
                [_two_sided(shared, second - shared) for shared in SHARED],
            ),
            ("in the order of the exercise: no shared error first, all 49 last", right[::-1]),
        ),
        within=0.0005,  # three decimals
        reveal=False,
    )
    shared = SHARED[1]
    alone = next(count for count in range(first - shared, TESTED) if _two_sided(first - shared, count) < 0.05)
    expect(
        errors,
        shared + alone,
        "the errors of the second network",
        mistakes=(
            ("that leaves out the errors that both make", alone),
            ("that is by how many it must differ", shared + alone - first),
            ("with that number the p-value is still above 0.05", shared + alone - 1),
            (
                "that holds if they share no error",
                next(count for count in range(first, TESTED) if _two_sided(first, count) < 0.05),
            ),
        ),
        reveal=False,
    )
    return "what counts is how many digits only one of the two misreads"


def _two_sided(only_first: int, only_second: int) -> float:
    """Exact p-value of McNemar's test: how often a fair coin falls at least as unevenly."""
    count = only_first + only_second
    tail = sum(comb(count, heads) for heads in range(min(only_first, only_second) + 1)) / 2**count
    return min(1.0, 2 * tail)
