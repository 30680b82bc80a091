"""What chapter 8 says of epochs and schedules: from the notes' own log and from the rows of the study."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from convbook import schedules
from convbook.backend import keras
from convbook.history import notes_log

RESULTS = Path(__file__).parents[2] / "results"


@pytest.mark.parametrize(
    ("epoch", "rate"), [(1, 0.003), (2, 0.0022744503), (5, 0.0013181019), (10, 0.0007749935), (20, 0.000424869)]
)
def test_the_rates_of_the_exercise_are_those_of_the_log(epoch, rate):
    (logged,) = (line.learning_rate for line in notes_log() if line.epoch == epoch)
    assert logged == rate
    in_stairs = keras.optimizers.schedules.InverseTimeDecay(0.003, 469, 0.319, staircase=True)
    assert float(in_stairs((epoch - 1) * 469 + 468)) == pytest.approx(rate, rel=1e-6)  # in its last step


def test_111_microseconds_are_for_one_digit():
    """In every line of the log, microseconds times 60,000 are the seconds; times the 469 updates they are not."""
    log = pd.read_csv(RESULTS / "notes_log.csv")
    assert (log["us_per_sample"] * 60_000 / 1e6).round().tolist() == log["seconds"].tolist()
    assert log["us_per_sample"][2] == 111
    assert round(111e-6 * 60_000, 1) == 6.7


def test_the_notes_best_epoch_on_the_test_set_is_not_their_last():
    log = notes_log()
    best = max(log, key=lambda epoch: epoch.val_accuracy)
    assert (best.epoch, best.val_accuracy, log[-1].val_accuracy) == (16, 0.9949, 0.9944)


@pytest.fixture(scope="module")
def runs():
    return pd.read_csv(RESULTS / "schedules.csv")


def test_the_runs_of_the_study_follow_the_schedules(runs):
    for name, rows in runs.groupby("variant"):
        rates = [getattr(schedules, name)(epoch - 1) for epoch in rows["epoch"]]
        np.testing.assert_allclose(rows["learning_rate"], rates, rtol=1e-12)
    assert runs.groupby(["variant", "seed"]).size().tolist() == [20] * 15


def test_runs_that_have_had_the_same_rates_are_the_same_run(runs):
    columns = ["loss", "accuracy", "val_loss", "val_accuracy"]
    constant, step = (runs[runs["variant"] == name].set_index(["seed", "epoch"]) for name in ("constant", "step"))
    same = (constant[columns] == step[columns]).all(axis=1).groupby("epoch").all()
    assert same[same].index.tolist() == [1, 2, 3, 4, 5]


def test_no_result_of_the_study_is_from_test_digits(runs):
    """5,000 validation digits give whole counts; 10,000 test digits would give halves as well."""
    counts = runs["val_accuracy"] * 5_000
    np.testing.assert_allclose(counts, counts.round(), atol=1e-3)
