"""The benchmarks compare the same network, and their tables say what was measured."""

from functools import partial

import numpy as np
import pytest
from benchmarks.gpu import notes_row, one_minute_row

from convbook import mnist
from convbook.backend import keras
from convbook.network import NETWORKS, load_trained
from convbook.recipes import RECIPES
from convbook.training import train

needs_torch = pytest.mark.skipif(keras.backend.backend() != "torch", reason="plain PyTorch needs KERAS_BACKEND=torch")


@pytest.fixture(scope="module")
def part():
    digits = mnist.load()
    return mnist.to_input(digits.train_images[:250]), digits.train_labels[:250]


@needs_torch
def test_a_translated_network_computes_the_same(part):
    import torch
    from benchmarks.eager import translated

    model = load_trained()
    with torch.no_grad():
        logits = translated(model).eval()(torch.from_numpy(part[0]).permute(0, 3, 1, 2))
    np.testing.assert_allclose(logits.softmax(1), model.predict(part[0], verbose=0), atol=1e-5)


@needs_torch
def test_plain_pytorch_follows_the_recipe(part):
    """With all digits in one step their order does not matter, so both runs have to end with the same weights."""
    from benchmarks.eager import EagerRun

    # Three steps have to show the decay and the average, so both are stronger than the recipe's.
    optimizer = partial(keras.optimizers.AdamW, weight_decay=0.5, use_ema=True, ema_momentum=0.6)
    recipe = RECIPES["one_minute"]._replace(
        build=NETWORKS["compact_2k"], optimizer=optimizer, epochs=3, batch_size=len(part[1])
    )
    keras.utils.set_random_seed(0)
    model = recipe.build()
    train(model, part, part, seed=0, verbose=0, **recipe.options())
    eager = EagerRun(recipe, part, part, seed=0)
    for number in range(recipe.epochs):
        eager.epoch(number)
    differences = []
    for ours, theirs in zip(eager.network.parameters(), model.trainable_variables, strict=True):
        array = keras.ops.convert_to_numpy(theirs)
        expected = array.transpose(3, 2, 0, 1) if array.ndim == 4 else array
        differences += list(np.abs(ours.detach().numpy() - expected).ravel())
    # Adam turns rounding into steps of full length where a gradient is about 0, so single weights may differ.
    # Without the decay the median is 1e-3, without the average 1e-2.
    assert np.median(differences) < 4e-4
    finished = recipe.finished(model).evaluate(*part, verbose=0)[1]
    assert eager.accuracy(recipe.test_time_shift) == pytest.approx(finished, abs=0.02)


@needs_torch
def test_plain_pytorch_moves_digits_by_whole_pixels():
    import torch
    from benchmarks.eager import Shift

    torch.manual_seed(0)
    image = torch.zeros(500, 1, 28, 28)
    image[:, :, 14, 10] = 1
    moved = Shift(1.96)(image)
    assert (moved.sum((1, 2, 3)) == 1).all()
    rows, columns = moved.nonzero()[:, 2:].T
    assert set((rows - 14).tolist()) == set((columns - 10).tolist()) == {-2, -1, 0, 1, 2}
    assert (Shift(1.96).eval()(image) == image).all()


def lines(*rows):
    return [dict(zip(("seed", "epoch", "seconds", "accuracy", "peak"), row, strict=True)) for row in rows]


def test_the_first_epoch_stands_apart():
    row = notes_row(lines((0, 1, 9.0, 0.9, 2**20), (0, 2, 11.0, 0.95, 2**21), (0, 3, 14.0, 0.96, 2**21)))
    assert row == {
        "epochs": 3,
        "first_epoch_seconds": 9.0,
        "epoch_seconds": 2.5,
        "test_accuracy": 0.96,
        "peak_mib": 2.0,
    }


def test_the_time_to_the_target_is_that_of_the_first_measurement_that_reaches_it():
    first = [(0, 1, 20.0, 0.99, None), (0, 2, 21.0, 0.995, None), (0, "finished", 22.0, 0.996, None)]
    second = [(1, 1, 2.0, 0.98, None), (1, 2, 3.0, 0.99, None), (1, "finished", 4.0, 0.994, None)]
    third = [(2, 1, 2.0, 0.98, None), (2, 2, 3.0, 0.99, None), (2, "finished", 4.0, 0.99, None)]
    stopped = [(3, 1, 1.0, 0.999, None)]
    row = one_minute_row(lines(*first, *second, *third, *stopped))
    assert row["seeds"] == 3 and row["reached"] == 2
    assert row["seconds_to_target"] == [21.0, 4.0, None]
    assert row["median_after_the_first"] == 4.0
    assert row["mean_test_accuracy"] == round((0.996 + 0.994 + 0.99) / 3, 5)
    assert row["peak_mib"] is None
