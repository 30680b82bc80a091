"""Checks of chapter 8: epochs, batches, schedules, and the comparison of two networks."""

from collections.abc import Callable, Sequence
from math import ceil, comb, cos, erfc, pi, sqrt

from convbook.exercises.verdict import Mistakes, call, expect, gives_verdict, items
from convbook.schedules import cosine, inverse_time

# The notes' run, by its log.
DIGITS = 60_000
BATCH_SIZE = 128
SECONDS_PER_DIGIT = 111e-6

# Examples and batch size: with and without a partial batch, the notes' run, fewer examples than a batch.
EPOCHS = ((10, 4), (12, 4), (DIGITS, BATCH_SIZE), (3, 5), (11, 4), (7, 1))

# Two networks on the same test digits: their errors, and the numbers of shared errors to compare.
TEST_DIGITS = 10_000
FEWER_ERRORS, MORE_ERRORS = 49, 56  # 99.51 % and 99.44 %
SHARED_ERRORS = (0, 30, 49)


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
    return "the rates of the log: below half from the fifth epoch on, and a seventh of the first rate at the end"


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
    return "about 6.7 s for an epoch, and 14 ms for each of its 469 updates"


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
                mistakes = (
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
    return "a rise to the peak, then half a cosine over the remaining epochs, also without a rise"


@gives_verdict
def mcnemar(p_values: Sequence[float], errors: int) -> str:
    """Check 49 errors against 56 by McNemar's test.

    Args:
        p_values: the p-values if the two networks share 0, 30 or 49 errors.
        errors: how many errors the second network must make, 30 of them shared, for a p-value below 0.05.
    """
    first, second = FEWER_ERRORS, MORE_ERRORS
    right = [_two_sided(first - shared, second - shared) for shared in SHARED_ERRORS]
    one_error = erfc((second - first) / sqrt(first * (1 - first / TEST_DIGITS)) / sqrt(2))
    two_errors = erfc((second - first) / sqrt(first + second) / sqrt(2))
    expect(
        p_values,
        right,
        "the p-values",
        mistakes=(
            (
                "errors that both networks make say nothing about the difference: leave them out",
                [right[0]] * 3,
            ),
            (
                "that is a one-sided test; before the test, either network could be the better one",
                [p / 2 for p in right],
            ),
            (
                "that is the standard error of one accuracy, but the difference has the errors of both",
                [one_error] * 3,
            ),
            ("that is the test for two samples of digits, but both networks read the same digits", [two_errors] * 3),
            (
                "the shared errors are the ones that do not count",
                [_two_sided(shared, second - shared) for shared in SHARED_ERRORS],
            ),
            ("follow the order of the exercise: no shared error first, 49 shared errors last", right[::-1]),
        ),
        within=0.0005,  # three decimals
        reveal=False,
    )
    shared = SHARED_ERRORS[1]
    alone = next(count for count in range(first - shared, TEST_DIGITS) if _two_sided(first - shared, count) < 0.05)
    expect(
        errors,
        shared + alone,
        "the errors of the second network",
        mistakes=(
            ("that leaves out the errors that both make", alone),
            ("that is how many more errors it must make; add them to the 49", shared + alone - first),
            ("with that number the p-value is still above 0.05", shared + alone - 1),
            (
                "that is the number if they share no error; here they share 30",
                next(count for count in range(first, TEST_DIGITS) if _two_sided(first, count) < 0.05),
            ),
        ),
        reveal=False,
    )
    return "what counts is how many digits only one of the two misreads"


def _two_sided(only_first: int, only_second: int) -> float:
    """Exact p-value of McNemar's test: the probability that a fair coin falls at least as unevenly."""
    count = only_first + only_second
    tail = sum(comb(count, heads) for heads in range(min(only_first, only_second) + 1)) / 2**count
    return min(1.0, 2 * tail)
