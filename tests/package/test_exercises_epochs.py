import math
import re

import numpy as np
import pytest

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
        (right_rise, lambda e, n, w: half_cosine(e - w + 1, n - w + 1), "has the peak once more"),
        (right_rise, lambda e, n, w: half_cosine(e - w + 1, n - w), "has the peak once more"),
        (right_rise, lambda e, n, w: half_cosine(e - w, max(n - w - 1, 1)), "not by 1 less"),
        (right_rise, lambda e, n, w: math.cos(math.pi * (e - w) / (n - w) / 2), "a quarter of a cosine"),
        (right_rise, lambda e, n, w: 1 - (e - w) / (n - w), "should be"),
    ],
)
def test_a_wrong_warm_up_gets_its_hint(rise, fall, words):
    assert words in hint(check.warm_up(warm_up_like(rise, fall)))


def test_the_stub_of_the_warm_up_gets_a_hint():
    assert "replace the dots" in hint(check.warm_up(lambda epoch, peak, epochs, warm_up: ...))


def one_hot(labels, classes):
    return np.eye(classes)[labels]


def by_keras(weights, rows, labels):
    """Take the gradient from Keras's loss by small steps, in 64 bits."""

    def loss(at):
        shares = keras.ops.convert_to_numpy(keras.ops.softmax(keras.ops.convert_to_tensor(rows @ at, "float64")))
        return -np.log(shares[np.arange(len(labels)), labels]).mean()

    slopes = np.zeros_like(weights)
    for place in np.ndindex(weights.shape):
        nudge = np.zeros_like(weights)
        nudge[place] = 1e-6
        slopes[place] = (loss(weights + nudge) - loss(weights - nudge)) / 2e-6
    return slopes


def right_gradient(weights, rows, labels):
    logits = rows @ weights
    powers = np.exp(logits - logits.max(axis=1, keepdims=True))
    shares = powers / powers.sum(axis=1, keepdims=True)
    return rows.T @ (shares - one_hot(labels, weights.shape[1])) / len(labels)


def test_the_right_gradient_passes_and_is_that_of_keras():
    assert check.softmax_gradient(right_gradient).passed
    rng = np.random.default_rng(1)
    given = rng.normal(size=(4, 3)), rng.random((5, 4)), rng.integers(3, size=5)
    np.testing.assert_allclose(right_gradient(*given), by_keras(*given), atol=1e-7)


def overflowing(weights, rows, labels):
    powers = np.exp(rows @ weights)
    return rows.T @ (powers / powers.sum(axis=1, keepdims=True) - one_hot(labels, weights.shape[1])) / len(labels)


def vanishing(weights, rows, labels):
    logits = rows @ weights
    powers = np.exp(logits - logits.max())
    return rows.T @ (powers / powers.sum(axis=1, keepdims=True) - one_hot(labels, weights.shape[1])) / len(labels)


def gradient_like(excess):
    """Make a gradient of a formula for what multiplies the pixels."""

    def my_gradient(weights, rows, labels):
        logits = rows @ weights
        powers = np.exp(logits - logits.max(axis=1, keepdims=True))
        shares = powers / powers.sum(axis=1, keepdims=True)
        return rows.T @ excess(shares, one_hot(labels, weights.shape[1]), logits) / len(labels)

    return my_gradient


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        (lambda weights, rows, labels: ..., "replace the dots"),
        (lambda weights, rows, labels: right_gradient(weights, rows, labels).T, "yours is transposed"),
        (lambda weights, rows, labels: right_gradient(weights, rows, labels) * len(labels), "divide by their number"),
        (lambda weights, rows, labels: right_gradient(weights, rows, labels) / weights.shape[1], "over the classes"),
        (gradient_like(lambda p, y, z: y - p), "points uphill"),
        (gradient_like(lambda p, y, z: p), "subtract 1 at the right class"),
        (gradient_like(lambda p, y, z: z - y), "these are the logits"),
        (gradient_like(lambda p, y, z: p - one_hot(z.argmax(axis=1), z.shape[1])), "not at the one with the largest"),
        (gradient_like(lambda p, y, z: np.exp(z) / np.exp(z).sum(axis=0) - y), "axis 1"),
        (overflowing, "largest logit of each row"),
        (vanishing, "not of the whole batch"),
    ],
)
def test_a_wrong_gradient_gets_its_hint(answer, words):
    assert words in hint(check.softmax_gradient(answer))


def loop_like(step, passes=lambda epochs: epochs, batches=None):
    """Make a training loop of a step and of the batches of an epoch."""

    def my_training(rows, labels, rate, size, epochs):
        weights = np.zeros((rows.shape[1], 10))
        for _ in range(passes(epochs)):
            chosen = (
                batches(len(labels), size)
                if batches
                else np.split(np.arange(len(labels)), range(size, len(labels), size))
            )
            first = weights
            for batch in chosen:
                weights = step(weights, rows[batch], labels[batch], rate, size, first)
        return weights

    return my_training


def right_step(weights, rows, labels, rate, size, first):
    return weights - rate * right_gradient(weights, rows, labels)


def test_the_right_loop_passes_and_is_that_of_keras():
    my_training = loop_like(right_step)
    assert check.training_loop(my_training).passed
    rng = np.random.default_rng(2)
    rows, labels = rng.random((7, 4)), rng.integers(10, size=7)
    model = keras.Sequential(
        [keras.Input((4,)), keras.layers.Dense(10, activation="softmax", use_bias=False, kernel_initializer="zeros")]
    )
    model.compile(keras.optimizers.SGD(0.5), "sparse_categorical_crossentropy")
    model.fit(rows, labels, batch_size=3, epochs=2, shuffle=False, verbose=0)
    np.testing.assert_allclose(my_training(rows, labels, 0.5, 3, 2), model.get_weights()[0], atol=1e-5)


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        (lambda rows, labels, rate, size, epochs: ..., "replace the dots"),
        (
            loop_like(right_step, batches=lambda n, b: [np.arange(s, s + b) for s in range(0, n - b + 1, b)]),
            "do not fill a batch",
        ),
        (loop_like(right_step, batches=lambda n, b: [np.arange(n)]), "one step for each epoch"),
        (loop_like(right_step, passes=lambda epochs: 1), "that is one epoch"),
        (loop_like(lambda w, x, y, r, b, first: w - r * right_gradient(first, x, y)), "anew for each batch"),
        (loop_like(lambda w, x, y, r, b, first: w + r * right_gradient(w, x, y)), "that climbs"),
        (loop_like(lambda w, x, y, r, b, first: w - r * len(y) * right_gradient(w, x, y)), "not their sum"),
        (loop_like(lambda w, x, y, r, b, first: w - r * len(y) / b * right_gradient(w, x, y)), "smaller for the last"),
        (
            loop_like(right_step, batches=lambda n, b: np.split(np.arange(n)[::-1], range(b, n, b))),
            "keep the order",
        ),
        (lambda rows, labels, rate, size, epochs: np.zeros((rows.shape[1], 10)), "take the steps"),
        (lambda rows, labels, rate, size, epochs: right_gradient(rows, rows, labels), "raised"),
        (lambda *given: loop_like(right_step)(*given).T, "the shape is"),
    ],
)
def test_a_wrong_loop_gets_its_hint(answer, words):
    assert words in hint(check.training_loop(answer))
