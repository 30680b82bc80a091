"""What chapters 8 and 11 say of epochs, schedules and comparisons, against Keras, SciPy and the notes' own log."""

from importlib.resources import files
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from scipy.integrate import quad
from scipy.stats import binom, binomtest, norm, permutation_test

from convbook import mnist, schedules
from convbook.backend import keras
from convbook.history import notes_log

RESULTS = Path(__file__).parents[2] / "results"


def one_layer(*layers: keras.Layer, rate: float = 0.1) -> keras.Model:
    """Build a linear classifier behind the layers given, for inputs of three numbers, with plain gradient descent."""
    keras.utils.set_random_seed(0)
    model = keras.Sequential([keras.Input((3,)), *layers, keras.layers.Dense(2, activation="softmax")])
    model.compile(keras.optimizers.SGD(rate), "sparse_categorical_crossentropy", metrics=["accuracy"])
    return model


@pytest.fixture(scope="module")
def ten():
    rng = np.random.default_rng(0)
    return rng.normal(size=(10, 3)).astype("float32"), rng.integers(2, size=10)


def test_an_epoch_is_three_updates_for_ten_examples_in_batches_of_four(ten):
    model = one_layer()
    model.fit(*ten, batch_size=4, epochs=2, verbose=0)
    assert int(model.optimizer.iterations) == 2 * 3


def test_training_metrics_are_running_means_during_the_epoch(ten):
    """Over the digits: the last batch, of two, counts half as much as the others."""
    model = one_layer()
    by_hand = one_layer()  # with the same weights
    losses = []
    for start, stop in ((0, 4), (4, 8), (8, 10)):
        batch = ten[0][start:stop], ten[1][start:stop]
        losses += [by_hand.evaluate(*batch, verbose=0)[0]] * (stop - start)  # before the update
        by_hand.train_on_batch(*batch)
    log = model.fit(*ten, batch_size=4, shuffle=False, verbose=0).history
    assert log["loss"][0] == pytest.approx(np.mean(losses), rel=1e-5)
    assert model.evaluate(*ten, verbose=0)[0] < log["loss"][0] - 0.001  # after the epoch


@pytest.mark.parametrize(("rate", "same"), [(0, True), (0.5, False)])
def test_dropout_is_on_in_training_metrics_and_off_in_validation_metrics(ten, rate, same):
    """Learning rate 0, the same examples: dropout alone makes the difference."""
    model = one_layer(keras.layers.Dropout(rate), rate=0.0)
    log = model.fit(*ten, validation_data=ten, verbose=0).history
    assert (log["loss"][0] == pytest.approx(log["val_loss"][0], rel=1e-5)) == same


@pytest.fixture(scope="module")
def small_run():
    """Fit one layer to 200 digits for 12 epochs; return the log and what the training digits give after epoch 1."""
    keras.utils.set_random_seed(0)
    split = mnist.split(mnist.load())
    training = mnist.to_input(split.train_images[:200]), split.train_labels[:200]
    validation = mnist.to_input(split.validation_images[:1000]), split.validation_labels[:1000]
    layers = [keras.Input((28, 28, 1)), keras.layers.Flatten(), keras.layers.Dense(10, activation="softmax")]
    model = keras.Sequential(layers)
    model.compile(keras.optimizers.SGD(1.0), "sparse_categorical_crossentropy", metrics=["accuracy"])
    options = {"batch_size": 20, "validation_data": validation, "validation_batch_size": 1000, "verbose": 0}
    first = model.fit(*training, **options).history
    after = model.evaluate(*training, batch_size=200, verbose=0)[1]
    rest = model.fit(*training, epochs=12, initial_epoch=1, **options).history
    return {name: first[name] + rest[name] for name in first}, after


def test_validation_above_training_after_the_first_epoch_is_no_bug(small_run):
    log, after = small_run
    assert log["val_accuracy"][0] > log["accuracy"][0]
    assert after > log["val_accuracy"][0]


def test_more_epochs_are_not_always_better(small_run):
    log, _ = small_run
    best = int(np.argmin(log["val_loss"]))
    assert best < 8
    assert log["val_loss"][-1] > log["val_loss"][best] + 0.01
    assert log["loss"][-1] < log["loss"][best] / 2


def test_ten_filters_as_large_as_the_image_are_one_matrix_product():
    images = np.random.default_rng(0).random((5, 28, 28, 1), dtype="float32")
    filters = keras.layers.Conv2D(10, 28)
    maps = keras.ops.convert_to_numpy(filters(images))
    kernel, bias = filters.get_weights()
    assert maps.shape == (5, 1, 1, 10)
    rows = np.column_stack([images.reshape(5, 784), np.ones(5)])
    np.testing.assert_allclose(maps[:, 0, 0], rows @ np.vstack([kernel.reshape(784, 10), bias]), atol=1e-4)


def test_a_fifth_of_the_start_is_in_the_running_means_after_158_steps():
    norm_layer = keras.layers.BatchNormalization()
    batch = np.full((2, 1), 3, "float32")
    for _ in range(2 * -(-10_000 // 128)):
        norm_layer(batch, training=True)
    left = 1 - float(np.ravel(norm_layer.moving_mean)[0]) / 3  # it starts at 0
    assert left == pytest.approx(0.2, abs=0.01)


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
    log = pd.read_csv(files("convbook") / "data" / "notes_log.csv")
    assert (log["us_per_sample"] * 60_000 / 1e6).round().tolist() == log["seconds"].tolist()
    assert log["us_per_sample"][2] == 111
    assert round(111e-6 * 60_000, 1) == 6.7


def test_the_notes_best_epoch_on_the_test_set_is_not_their_last():
    log = notes_log()
    best = max(log, key=lambda epoch: epoch.val_accuracy)
    assert (best.epoch, best.val_accuracy, log[-1].val_accuracy) == (16, 0.9949, 0.9944)


def test_the_best_of_twenty_equal_epochs_flatters():
    """For independent numbers by 1.87 standard errors, the expected maximum of 20 normal ones."""
    expected, _ = quad(lambda x: 20 * x * norm.pdf(x) * norm.cdf(x) ** 19, -10, 10)
    accuracies = np.random.default_rng(0).binomial(10_000, 0.9945, (20_000, 20)) / 10_000
    standard_error = np.sqrt(0.9945 * 0.0055 / 10_000)
    flattery = (accuracies.max(axis=1).mean() - 0.9945) / standard_error
    assert expected == pytest.approx(1.867, abs=1e-3)
    assert flattery == pytest.approx(expected, abs=0.1)  # they are counts, not quite normal


def test_49_and_56_errors_differ_or_not_by_how_many_are_shared():
    p_values = [binomtest(49 - shared, 105 - 2 * shared).pvalue for shared in (0, 30, 49)]
    np.testing.assert_allclose(p_values, [0.5584, 0.3713, 0.0156], atol=5e-5)


def test_with_30_shared_errors_the_second_network_must_make_65():
    """By the distribution of the coin itself; 64 errors are not enough."""
    p_values = {errors: 2 * binom.cdf(19, 19 + errors - 30, 0.5) for errors in (64, 65)}
    assert p_values[65] < 0.05 < p_values[64]


def test_mcnemars_test_calls_at_most_one_pair_of_equal_networks_in_twenty_different():
    counts = np.arange(61)  # of 60 discordant digits, those that the first network reads
    called = np.array([binomtest(int(count), 60).pvalue < 0.05 for count in counts])
    assert 0.02 < binom.pmf(counts, 60, 0.5)[called].sum() <= 0.05


@pytest.mark.parametrize(("share", "count"), [(0.88, 5_000), (0.9944, 10_000)])
def test_about_19_of_20_scores_lie_within_two_standard_errors(share, count):
    scores, two = np.arange(count + 1) / count, 2 * np.sqrt(share * (1 - share) / count)
    assert binom.pmf(np.arange(count + 1), count, share)[abs(scores - share) <= two].sum() == pytest.approx(
        0.95, abs=0.01
    )


def test_two_batches_that_disagree_keep_a_weight_moving_by_the_rate():
    """At a constant rate it ends at rate / (2 - rate), above and below the best weight in turn."""
    weight = 4.0
    for _ in range(200):
        for wanted in (1, -1):
            weight -= 0.5 * (weight - wanted)
    assert weight == pytest.approx(-1 / 3)


def test_three_equal_and_three_equal_runs_lie_apart_in_a_tenth_of_cases():
    def difference(first, second):
        return np.mean(first) - np.mean(second)

    assert permutation_test(([1, 2, 3], [4, 5, 6]), difference).pvalue == pytest.approx(0.1)


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
