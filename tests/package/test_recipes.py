"""Recipes hold what they promise: sizes, and the loss and the average that papers describe."""

import numpy as np
import pytest
from scipy import special, stats

from convbook.backend import keras
from convbook.network import NETWORKS
from convbook.plans import PLANS
from convbook.recipes import HELD_OUT, RECIPES, SMOOTHING, Recipe, averaging_adamw, smoothed_cross_entropy


@pytest.mark.parametrize(
    ("name", "limit"),
    [("compact_20k", 20_000), ("compact_7k", 7_000), ("compact_4k", 4_000), ("compact_2k", 2_400)],
)
def test_a_network_keeps_to_the_size_in_its_name(name, limit):
    network = RECIPES[name].build()
    assert 0.9 * limit < network.count_params() <= limit
    assert network.input_shape == (None, 28, 28, 1)
    assert network.output_shape == (None, 10)


@pytest.mark.slow
@pytest.mark.parametrize("name", RECIPES)
def test_a_recipe_trains_the_network_of_its_name(name):
    """The weights of one fit into the other: random layers apart, the layers are the same."""
    trained, bare = RECIPES[name].build(), NETWORKS[name]()
    bare.set_weights(trained.get_weights())
    images = np.random.default_rng(0).random((4, 28, 28, 1), "float32")
    np.testing.assert_allclose(bare(images, training=False), trained(images, training=False), atol=1e-6)


def test_a_recipe_without_particulars_is_the_notes_way():
    recipe = Recipe(NETWORKS["scheduled_cnn"])
    assert recipe == RECIPES["scheduled_cnn"]
    assert (recipe.schedule(0), recipe.epochs, recipe.every_step) == (0.003, 20, False)
    assert type(recipe.optimizer()) is keras.optimizers.Adam


@pytest.mark.parametrize("name", sorted(set(RECIPES) - {"scheduled_cnn"}))
def test_the_learning_rate_rises_to_one_peak_and_ends_near_zero(name):
    recipe = RECIPES[name]
    steps = np.arange(0, recipe.epochs, 1 / 430)
    rates = np.array([recipe.schedule(epoch) for epoch in steps])
    turns = np.flatnonzero(np.diff(np.sign(np.diff(rates))))
    assert len(turns) == 1
    assert rates[0] == pytest.approx(rates.max() / 10)
    assert rates[-1] < 1e-3 * rates.max()


def test_the_smoothed_loss_is_the_relative_entropy_to_the_smoothed_target_plus_its_entropy():
    rng = np.random.default_rng(0)
    labels, probabilities = rng.integers(10, size=50), rng.dirichlet(np.ones(10), 50)
    targets = np.full((50, 10), SMOOTHING / 10)
    targets[np.arange(50), labels] += 1 - SMOOTHING
    expected = special.rel_entr(targets, probabilities).sum(axis=1) + stats.entropy(targets, axis=1)
    ours = keras.ops.convert_to_numpy(smoothed_cross_entropy(labels, probabilities.astype("float32")))
    np.testing.assert_allclose(ours, expected, rtol=1e-4)
    plain = -np.log(probabilities[np.arange(50), labels])
    assert not np.allclose(ours, plain, rtol=1e-2)


def test_the_optimizer_is_adamw_with_an_average():
    """One step on a single weight, by hand: decay, then Adam's first step, which is the rate itself."""
    optimizer = averaging_adamw(0.9)
    assert (optimizer.use_ema, optimizer.ema_momentum) == (True, 0.9)
    weight = keras.Variable(2.0)
    optimizer.build([weight])
    optimizer.learning_rate = 0.1
    optimizer.apply([keras.ops.convert_to_tensor(5.0)])
    assert float(weight) == pytest.approx(2 - 0.1 * 0.01 * 2 - 0.1, abs=1e-5)


def test_the_steps_end_in_the_recipe_and_one_try_beyond():
    steps = PLANS["steps"].variants
    recipe, final = RECIPES["compact_7k"], steps["nine readings"]
    assert [layer.name for layer in final.build().layers] == [layer.name for layer in recipe.build().layers]
    assert final.build().count_params() == recipe.build().count_params()
    assert final.optimizer is recipe.optimizer
    assert (final.loss, final.every_step, final.epochs) == (recipe.loss, recipe.every_step, recipe.epochs)
    assert final.test_time_shift == recipe.test_time_shift
    assert [final.schedule(epoch) for epoch in range(20)] == [recipe.schedule(epoch) for epoch in range(20)]
    assert [*steps][-2:] == ["nine readings", "label smoothing"]
    assert steps["label smoothing"] == final._replace(loss=smoothed_cross_entropy)


def test_every_recipe_has_a_plan_of_ten_seeds_that_holds_digits_out():
    for name in set(RECIPES) - {"scheduled_cnn"}:
        plan = PLANS[name]
        assert plan.variants == {name: RECIPES[name]}
        assert (len(plan.seeds), RECIPES[name].held_out, plan.digits, plan.test) == (
            10,
            HELD_OUT,
            60_000 - HELD_OUT,
            True,
        )
