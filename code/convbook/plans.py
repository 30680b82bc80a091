"""Plans: which recipes a study compares, with which seeds and on how many digits."""

from functools import partial
from typing import Any, NamedTuple

from convbook.backend import keras
from convbook.network import compact_cnn, scheduled_cnn
from convbook.recipes import (
    HELD_OUT,
    RECIPES,
    ROTATION,
    SHIFT,
    Recipe,
    averaging_adamw,
    one_cycle_of,
    smoothed_cross_entropy,
)
from convbook.schedules import SCHEDULES


class Plan(NamedTuple):
    """The runs of a study.

    Attributes:
        variants: recipes by name.
        seeds: every variant runs once with each of them.
        digits: number of training digits, taken from the start of the shuffled training set.
        test: whether every finished run is evaluated once on the test set.
    """

    variants: dict[str, Recipe]
    seeds: range
    digits: int
    test: bool = False


def _steps() -> dict[str, Recipe]:
    """Turn the notes' recipe into ``compact_7k``, one change after another; the last variant adds label smoothing."""
    two_pools, one_pool = ((8,), (12, 12, 16), (16,)), ((8,), (12, 12, 16, 16))
    augmented_cnn = partial(compact_cnn, shift=SHIFT, rotation=ROTATION)
    changes: dict[str, dict[str, Any]] = {
        "pool early": {"build": partial(compact_cnn, one_pool, average=False)},
        "average the logits": {"build": partial(compact_cnn, one_pool)},
        "pool twice": {"build": partial(compact_cnn, two_pools)},
        "one cycle": {"schedule": one_cycle_of(20), "every_step": True},
        "AdamW": {"optimizer": partial(keras.optimizers.AdamW, weight_decay=0.01)},
        "shifts": {"build": partial(compact_cnn, two_pools, shift=SHIFT)},
        "turns": {"build": partial(augmented_cnn, two_pools)},
        "averaged weights": {"optimizer": averaging_adamw},
        "one pool again": {"build": partial(augmented_cnn, one_pool)},
        "normalise first": {"build": partial(augmented_cnn, one_pool, norm_first=True)},
        "nine readings": {"test_time_shift": 1},
    }
    recipe = Recipe(scheduled_cnn, held_out=HELD_OUT)
    steps = {"the notes": recipe}
    for name, change in changes.items():
        recipe = recipe._replace(**change)  # each step keeps the changes before it
        steps[name] = recipe
    steps["label smoothing"] = recipe._replace(loss=smoothed_cross_entropy)
    return steps


PLANS = {
    # A one-minute trial of a machine or a cluster; its numbers mean nothing.
    "trial": Plan(
        variants={
            name: RECIPES["compact_2k"]._replace(schedule=SCHEDULES[name], epochs=2, held_out=100)
            for name in ("constant", "one_cycle")
        },
        seeds=range(2),
        digits=256,
    ),
    # On a sixth of the digits, so that fifteen runs fit into half an hour on two cores.
    "schedules": Plan(
        variants={name: Recipe(scheduled_cnn, rate, held_out=HELD_OUT) for name, rate in SCHEDULES.items()},
        seeds=range(3),
        digits=10_000,
    ),
    # The notes' run again, with other seeds. Like theirs, it is evaluated on the test set after every epoch.
    "replay": Plan(
        variants={"scheduled_cnn": Recipe(scheduled_cnn)},
        seeds=range(10),
        digits=60_000,
    ),
    "second_block": Plan(
        variants={
            f"{filters} kernels": Recipe(partial(scheduled_cnn, filters), held_out=HELD_OUT) for filters in (32, 16, 8)
        },
        seeds=range(5),
        digits=55_000,
        test=True,
    ),
    # Dropout on the logits alone. The notes' rate of 0.1 is missing because it is "16 kernels" of the plan above.
    "dropout": Plan(
        variants={
            f"dropout {rate}": Recipe(partial(scheduled_cnn, logit_dropout=rate), held_out=HELD_OUT)
            for rate in (0.0, 0.05, 0.2)
        },
        seeds=range(3),
        digits=55_000,
    ),
    # On a sixth of the digits, so that five runs of a step cost about as much as one run on all digits.
    "steps": Plan(
        variants=_steps(),
        seeds=range(5),
        digits=10_000,
    ),
    # What the figure that trains in the page is compared with: its digits, its first settings, its statistics.
    "trainer": Plan(
        variants={"scheduled_cnn": Recipe(scheduled_cnn, epochs=10, held_out=1_000, fresh_statistics=True)},
        seeds=range(10),
        digits=6_000,
    ),
    # A plan for each recipe of chapter 13: ten seeds, and one look at the test set after all choices were made.
    **{
        name: Plan(variants={name: recipe}, seeds=range(10), digits=55_000, test=True)
        for name, recipe in RECIPES.items()
        if name != "scheduled_cnn"
    },
}
