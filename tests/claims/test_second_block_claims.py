"""What chapter 12 says of its runs: from the rows of the tables, with textbook formulas."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from convbook.ceiling import training_accuracy_ceiling
from convbook.network import scheduled_cnn

from .welch import welch

RESULTS = Path(__file__).parents[2] / "results"


@pytest.fixture(scope="module")
def rows():
    return pd.read_csv(RESULTS / "second_block.csv")


@pytest.fixture(scope="module")
def runs(rows):
    """Test accuracies by number of kernels, an array of five."""
    final = rows[rows["epoch"] == 20]
    return {int(name.split()[0]): group["test_accuracy"].to_numpy() for name, group in final.groupby("variant")}


def test_the_test_set_was_read_once_for_each_run(rows):
    """Only the last epoch has test scores; they count 10,000 digits, those watched in training count 5,000."""
    last = rows["epoch"] == 20
    assert rows.loc[last, "test_accuracy"].notna().all() and rows.loc[~last, "test_accuracy"].isna().all()
    for accuracies, digits in ((rows.loc[last, "test_accuracy"], 10_000), (rows["val_accuracy"], 5_000)):
        counts = accuracies * digits
        np.testing.assert_allclose(counts, counts.round(), atol=0.01)


def test_parameters_and_macs_of_the_three_widths(rows):
    """By hand: the second convolution, its normalisation and the 1 x 1 that reads its maps depend on the width."""
    for name, group in rows.groupby("variant"):
        width = int(name.split()[0])
        parameters = 16 * 9 * width + width + 4 * width + 10 * width
        macs = 24 * 24 * (16 * 9 * width + 10 * width)
        assert group["parameters"].unique() == 14_060 + parameters - (16 * 9 * 16 + 16 + 4 * 16 + 10 * 16)
        assert group["macs"].unique() == 1_930_432 + macs - 24 * 24 * (16 * 9 * 16 + 10 * 16)
        assert scheduled_cnn(width).count_params() == group["parameters"].iloc[0]


def test_no_loss_shows_from_32_to_16_kernels_and_a_hint_of_one_from_32_to_8(runs):
    low, high, p = welch(runs[32], runs[16])
    assert low < 0 < high < 0.002 and p > 0.05
    assert welch(runs[16], runs[8])[2] > 0.05
    assert 0.05 / 3 < welch(runs[32], runs[8])[2] < 0.05


def test_each_weight_of_the_second_block_is_used_576_times():
    outputs = {layer.name: layer.output.shape[1] * layer.output.shape[2] for layer in scheduled_cnn().layers[:-2]}
    assert (outputs["conv2"], outputs["conv9"]) == (576, 1)


def test_every_run_stays_below_the_ceiling_of_its_dropout_and_within_a_point():
    rows = pd.read_csv(RESULTS / "dropout.csv")
    final = rows[rows["epoch"] == 20]
    assert len(final) == 9
    for name, accuracy in zip(final["variant"], final["accuracy"], strict=True):
        gap = training_accuracy_ceiling(float(name.split()[1])) - accuracy
        assert 0 < gap < 0.01
