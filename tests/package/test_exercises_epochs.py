import math
import re

import numpy as np
import pytest
from scipy.stats import binomtest

from convbook.backend import keras
from convbook.exercises import check


def hint(verdict) -> str:
    assert not verdict.passed
    return verdict.message


def right_steps(count, size):
    parts = np.array_split(np.arange(count), range(size, count, size))
    return len(parts), len(parts[-1])


def test_right_steps_pass():
    assert check.steps(right_steps).passed
    assert check.steps(lambda count, size: [math.ceil(count / size), (count - 1) % size + 1]).passed


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        (lambda count, size: ..., "replace the dots"),
        (lambda count, size: math.ceil(count / size), "give two numbers"),
        (lambda count, size: (count // size, count % size or size), "10 examples .* they need a step"),
        (lambda count, size: (count / size, count % size or size), "counts as a whole step"),
        (lambda count, size: (count // size + 1, right_steps(count, size)[1]), "12 examples .* no extra step"),
        (lambda count, size: (1, size), "not one update"),
        (lambda count, size: (right_steps(count, size)[0], count % size), "12 examples .* last batch is full"),
        (lambda count, size: (right_steps(count, size)[0], size), "only the remaining examples"),
        (lambda count, size: (right_steps(count, size)[0], -count % size or size), "missing for a full batch"),
        (lambda count, size: count / 0, "raised ZeroDivisionError"),
    ],
)
def test_wrong_steps_get_their_hint(answer, words):
    assert re.search(words, hint(check.steps(answer)))


# Keras's own schedule, with one step for each epoch.
IN_STAIRS = keras.optimizers.schedules.InverseTimeDecay(0.003, 1, 0.319)


def right_rate(epoch):
    return 0.003 / (1 + 0.319 * (epoch - 1))


def test_the_right_schedule_passes():
    rates = [float(IN_STAIRS(index)) for index in range(20)]
    below = 1 + next(index for index, rate in enumerate(rates) if rate < 0.0015)
    assert check.notes_schedule(lambda epoch: float(IN_STAIRS(epoch - 1)), below, rates[19] / rates[0]).passed
    assert check.notes_schedule(lambda epoch: round(right_rate(epoch), 10), 5, 0.1416).passed


@pytest.mark.parametrize(
    ("answers", "words"),
    [
        ((lambda epoch: ..., ..., ...), "replace the dots"),
        ((right_rate, ..., ...), "first epoch below half: no answer yet"),
        ((lambda epoch: right_rate(epoch + 1), 5, 0.1416), "epoch 1 of the log: the log counts from 1"),
        ((lambda epoch: 0.003 / 1.319 ** (epoch - 1), 5, 0.1416), "again in every epoch"),
        ((lambda epoch: 0.003 * (1 + 0.319 * (epoch - 1)), 5, 0.1416), "so divide"),
        ((lambda epoch: 0.003 / (1.319 * max(epoch - 1, 1)) if epoch > 1 else 0.003, 5, 0.1416), "then add 1"),
        ((right_rate, 4, 0.1416), "counts from 0"),
        ((right_rate, 1 / 0.319, 0.1416), "epochs are whole numbers"),
        ((right_rate, 6, 0.1416), "is not right"),
        ((right_rate, 5, 7.061), "the first rate divided by the last"),
        ((right_rate, 5, 1 / (1 + 0.319 * 20)), "has the index 19"),
        ((right_rate, 5, right_rate(20)), "that is the last rate itself"),
    ],
)
def test_a_wrong_schedule_gets_its_hint(answers, words):
    assert words in hint(check.notes_schedule(*answers))


@pytest.mark.parametrize("seconds", [6.66, 6.7])
@pytest.mark.parametrize("milliseconds", [14.208, 6.7 / 469 * 1000, 6.66 / 468.75 * 1000])
def test_the_right_times_pass(seconds, milliseconds):
    assert check.epoch_seconds(seconds, milliseconds).passed


@pytest.mark.parametrize(
    ("answers", "words"),
    [
        ((..., ...), "replace the dots"),
        ((6.7, ...), "one update: no answer yet"),
        ((111e-6 * 469, 14.2), "in this log, a step is one digit"),
        ((6.66 * 128, 14.2), "the batch size does not matter"),
        ((6660, 14.2), "a millionth"),
        ((133.2, 14.2), "all 20 epochs"),
        ((6.7, 0.111), "an update needs a whole batch"),
        ((6.7, 0.0142), "in seconds"),
        ((6.7, 14208), "in microseconds"),
    ],
)
def test_wrong_times_get_their_hint(answers, words):
    assert words in hint(check.epoch_seconds(*answers))


def oracle(epoch, peak, epochs, warm_up):
    rise = np.linspace(0, peak, warm_up + 1)[1:]
    fall = keras.optimizers.schedules.CosineDecay(peak, epochs - warm_up)
    return rise[epoch] if epoch < warm_up else float(fall(epoch - warm_up))


def half_cosine(done, epochs):
    return (1 + math.cos(math.pi * done / epochs)) / 2


def warm_up_like(rise, fall):
    """Make a schedule of two formulas for the rate as a share of the peak."""

    def my_schedule(epoch, peak, epochs, warm_up):
        return peak * (rise(epoch, warm_up) if epoch < warm_up else fall(epoch, epochs, warm_up))

    return my_schedule


def right_rise(e, w):
    return (e + 1) / w


def right_fall(e, n, w):
    return half_cosine(e - w, n - w)


def test_a_right_warm_up_passes():
    assert check.warm_up(oracle).passed
    assert check.warm_up(warm_up_like(right_rise, right_fall)).passed


@pytest.mark.parametrize(
    ("rise", "fall", "words"),
    [
        (lambda e, w: e / w, right_fall, "nothing would be learned"),
        (lambda e, w: (e + 1) / (w + 1), right_fall, "is warm_up - 1"),
        (lambda e, w: half_cosine(e, 10), right_fall, "not at the first epoch"),
        (right_rise, lambda e, n, w: half_cosine(e, n), "from the end of the rise"),
        (right_rise, lambda e, n, w: half_cosine(e - w, n), "the epochs after the rise"),
        (right_rise, lambda e, n, w: 2 * right_fall(e, n, w) - 1, "add 1 and halve"),
        (right_rise, lambda e, n, w: half_cosine(2 * (e - w), n - w), "a whole cosine"),
        (right_rise, lambda e, n, w: 1 - (e - w) / (n - w), "should be"),
    ],
)
def test_a_wrong_warm_up_gets_its_hint(rise, fall, words):
    assert words in hint(check.warm_up(warm_up_like(rise, fall)))


def test_the_stub_of_the_warm_up_gets_a_hint():
    assert "replace the dots" in hint(check.warm_up(lambda epoch, peak, epochs, warm_up: ...))


RIGHT_P = [binomtest(49 - shared, 105 - 2 * shared).pvalue for shared in (0, 30, 49)]


def test_right_p_values_pass():
    errors = next(errors for errors in range(50, 200) if binomtest(19, errors - 11).pvalue < 0.05)
    assert check.mcnemar(RIGHT_P, errors).passed
    assert check.mcnemar([0.5584, 0.3713, 0.0156], 65).passed


@pytest.mark.parametrize(
    ("answers", "words"),
    [
        ((..., ...), "replace the dots"),
        ((RIGHT_P, ...), "errors of the second network: no answer yet"),
        (([RIGHT_P[0]] * 3, 65), "leave them out"),
        (([p / 2 for p in RIGHT_P], 65), "one-sided"),
        (([0.3163] * 3, 65), "the standard error of one accuracy"),
        (([0.4945] * 3, 65), "both networks read the same digits"),
        (
            ([binomtest(0, 56).pvalue, binomtest(26, 56).pvalue, binomtest(7, 56).pvalue], 65),
            "the ones that do not count",
        ),
        (([0.5, 0.4, 0.3], 65), "is not right"),
        ((RIGHT_P, 35), "leaves out the errors that both make"),
        ((RIGHT_P, 16), "how many more errors"),
        ((RIGHT_P, 64), "still above 0.05"),
        ((RIGHT_P, 72), "if they share no error"),
    ],
)
def test_wrong_p_values_get_their_hint(answers, words):
    assert words in hint(check.mcnemar(*answers))
