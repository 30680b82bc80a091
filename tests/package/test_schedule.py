import pytest

from convbook.schedule import inverse_time
from convbook.training import notes_log


def test_inverse_time_gives_the_twenty_rates_of_the_notes_log():
    logged = [epoch.learning_rate for epoch in notes_log()]
    assert len(logged) == 20
    assert [inverse_time(epoch) for epoch in range(20)] == logged


def test_a_slightly_different_decay_does_not():
    logged = [epoch.learning_rate for epoch in notes_log()]
    assert [inverse_time(epoch, decay=0.3191) for epoch in range(20)] != logged


def test_epochs_count_from_zero():
    with pytest.raises(ValueError, match="counts from 0, got -1"):
        inverse_time(-1)
