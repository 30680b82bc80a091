"""Plans: what a study compares, and on which digits."""

from functools import partial
from typing import Any, NamedTuple

from convbook.backend import keras
from convbook.network import compact_cnn, scheduled_cnn
from convbook.recipes import (
    HELD_OUT,
    RECIPES,
    SHIFT,
    TURN,
    Recipe,
    averaging_adamw,
    one_cycle_of,
    smoothed_cross_entropy,
)
from convbook.schedules import SCHEDULES


class Plan(NamedTuple):
    """What a study runs.

    Attributes:
        variants: by name.
        seeds: each variant runs once with each.
        digits: training digits in use; the first so many of the shuffled training set.
        test: whether every finished run is measured on the test set, once.
    """

    variants: dict[str, Recipe]
    seeds: range
    digits: int
    test: bool = False


def _steps() -> dict[str, Recipe]:
    """Build up the recipe ``compact_7k``: each step keeps what those before it brought. Then try one change of it."""
    two_pools, one_pool = ((8,), (12, 12, 16), (16,)), ((8,), (12, 12, 16, 16))
    moved_cnn = partial(compact_cnn, shift=SHIFT, turn=TURN)
    changes: dict[str, dict[str, Any]] = {
        "pool early": {"build": partial(compact_cnn, one_pool, average=False)},
        "average the logits": {"build": partial(compact_cnn, one_pool)},
        "pool twice": {"build": partial(compact_cnn, two_pools)},
        "one cycle": {"schedule": one_cycle_of(20), "every_step": True},
        "AdamW": {"optimizer": partial(keras.optimizers.AdamW, weight_decay=0.01)},
        "shifts": {"build": partial(compact_cnn, two_pools, shift=SHIFT)},
        "turns": {"build": partial(moved_cnn, two_pools)},
        "averaged weights": {"optimizer": averaging_adamw},
        "one pool again": {"build": partial(moved_cnn, one_pool)},
        "normalise first": {"build": partial(moved_cnn, one_pool, norm_first=True)},
        "nine readings": {"test_time_shift": 1},
    }
    recipe = Recipe(scheduled_cnn, held_out=HELD_OUT)
    steps = {"the notes": recipe} | {name: (recipe := recipe._replace(**change)) for name, change in changes.items()}
    return steps | {"label smoothing": recipe._replace(loss=smoothed_cross_entropy)}


PLANS = {
    # For trying out a machine or a cluster within a minute; the numbers mean nothing.
    "trial": Plan(
        variants={
            name: RECIPES["compact_2k"]._replace(schedule=SCHEDULES[name], epochs=2, held_out=100)
            for name in ("constant", "one_cycle")
        },
        seeds=range(2),
        digits=256,
    ),
    # A sixth of the digits, so that fifteen runs fit into half an hour on two cores.
    "schedules": Plan(
        variants={name: Recipe(scheduled_cnn, rate, held_out=HELD_OUT) for name, rate in SCHEDULES.items()},
        seeds=range(3),
        digits=10_000,
    ),
    # The faithful replay of the notes' run, with other seeds: like theirs, it watches the test set after every epoch.
    "replay": Plan(
        variants={"scheduled_cnn": Recipe(scheduled_cnn)},
        seeds=range(10),
        digits=60_000,
    ),
    "second_block": Plan(
        variants={f"{k} kernels": Recipe(partial(scheduled_cnn, k), held_out=HELD_OUT) for k in (32, 16, 8)},
        seeds=range(5),
        digits=55_000,
        test=True,
    ),
    # On the logits alone. The notes' rate of 0.1 is not run again: that is the second_block plan's "16 kernels".
    "dropout": Plan(
        variants={
            f"dropout {rate}": Recipe(partial(scheduled_cnn, logit_dropout=rate), held_out=HELD_OUT)
            for rate in (0.0, 0.05, 0.2)
        },
        seeds=range(3),
        digits=55_000,
    ),
    # With a sixth of the digits, so that five runs of each cost what one would with all.
    "steps": Plan(
        variants=_steps(),
        seeds=range(5),
        digits=10_000,
    ),
    # A plan for each recipe of chapter 12: ten seeds, and the test set once for each, after everything was chosen.
    **{
        name: Plan(variants={name: recipe}, seeds=range(10), digits=55_000, test=True)
        for name, recipe in RECIPES.items()
        if name != "scheduled_cnn"
    },
}
