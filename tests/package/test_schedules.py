import numpy as np
import pytest

from convbook.backend import keras
from convbook.history import notes_log
from convbook.schedules import constant, cosine, inverse_time, one_cycle, step

STEPS = 469  # of an epoch; Keras's schedules count steps


def keras_rates(schedule: keras.optimizers.schedules.LearningRateSchedule, steps: range) -> list[float]:
    return [float(schedule(at)) for at in steps]


def test_inverse_time_gives_the_twenty_rates_of_the_notes_log():
    logged = [epoch.learning_rate for epoch in notes_log()]
    assert len(logged) == 20
    assert [inverse_time(epoch) for epoch in range(20)] == logged


def test_a_slightly_different_decay_does_not():
    logged = [epoch.learning_rate for epoch in notes_log()]
    assert [inverse_time(epoch, decay=0.3191) for epoch in range(20)] != logged


def test_inverse_time_is_that_of_keras_in_stairs_of_one_epoch():
    by_step = keras.optimizers.schedules.InverseTimeDecay(0.003, STEPS, 0.319, staircase=True)
    steps = range(0, 20 * STEPS, 67)
    np.testing.assert_allclose([inverse_time(at // STEPS) for at in steps], keras_rates(by_step, steps), rtol=1e-6)


def test_inverse_time_has_halved_after_one_over_decay_epochs():
    assert inverse_time(4, initial=1, decay=0.25) == 0.5


def test_constant_is_a_polynomial_that_stays():
    flat = keras.optimizers.schedules.PolynomialDecay(0.003, 20, end_learning_rate=0.003)
    np.testing.assert_allclose([constant(epoch) for epoch in range(20)], keras_rates(flat, range(20)), rtol=1e-6)


def test_step_is_the_exponential_decay_of_keras_in_stairs():
    stairs = keras.optimizers.schedules.ExponentialDecay(0.01, 3, 0.1, staircase=True)
    rates = [step(epoch, initial=0.01, factor=0.1, every=3) for epoch in range(10)]
    np.testing.assert_allclose(rates, keras_rates(stairs, range(10)), rtol=1e-5)
    assert step(4) == 0.003
    assert step(5) == 0.0015


@pytest.mark.parametrize("epochs", [1, 7, 20])
def test_cosine_is_that_of_keras(epochs):
    falling = keras.optimizers.schedules.CosineDecay(0.02, epochs)
    rates = [cosine(epoch, initial=0.02, epochs=epochs) for epoch in range(epochs)]
    np.testing.assert_allclose(rates, keras_rates(falling, range(epochs)), rtol=1e-5)


@pytest.mark.parametrize(("epochs", "warm_up"), [(20, 0.3), (8, 0.5), (10, 0.0)])
def test_one_cycle_is_the_cosine_of_keras_with_a_warm_up(epochs, warm_up):
    rise = round(warm_up * epochs)
    options = {"warmup_target": 0.006, "warmup_steps": rise} if rise else {}
    cycle = keras.optimizers.schedules.CosineDecay(0.0006 if rise else 0.006, epochs - rise, **options)
    rates = [one_cycle(epoch, epochs=epochs, warm_up=warm_up) for epoch in range(epochs)]
    np.testing.assert_allclose(rates, keras_rates(cycle, range(epochs)), rtol=1e-5)


def test_one_cycle_peaks_once_and_between_two_epochs_if_need_be():
    rates = [one_cycle(epoch) for epoch in range(20)]
    assert rates.index(max(rates)) == 6
    assert max(rates) == 0.006
    assert rates[0] == pytest.approx(0.0006)
    assert max(one_cycle(epoch, epochs=5) for epoch in range(5)) < 0.006  # the rise takes an epoch and a half


@pytest.mark.parametrize("schedule", [inverse_time, constant, step, cosine, one_cycle])
def test_epochs_count_from_zero(schedule):
    with pytest.raises(ValueError, match=r"counts from 0.*, got -1"):
        schedule(-1)


@pytest.mark.parametrize("schedule", [cosine, one_cycle])
def test_a_schedule_with_an_end_refuses_what_comes_after(schedule):
    assert schedule(19) > 0
    with pytest.raises(ValueError, match="counts from 0 to 19, got 20"):
        schedule(20)
    with pytest.raises(ValueError, match="counts from 0 to 2, got 3"):
        schedule(3, epochs=3)
