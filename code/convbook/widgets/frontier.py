"""The runs of chapter 13: how well each reads the test digits, and what it costs."""

from functools import cache
from typing import Any

import traitlets
from matplotlib.figure import Figure
from matplotlib.ticker import LogLocator, NullFormatter

from convbook import results
from convbook.figures.style import FIRST, WIDTH
from convbook.widgets.figure import InteractiveFigure, index

# Study and variant of every recipe, with its name in the figure.
SHOWN = {
    ("compact_2k", "compact_2k"): "compact_2k",
    ("compact_4k", "compact_4k"): "compact_4k",
    ("compact_7k", "compact_7k"): "compact_7k",
    ("second_block", "16 kernels"): "the notes",
    ("compact_20k", "compact_20k"): "compact_20k",
    ("one_minute", "one_minute"): "one_minute",
}


def _in_words(study: str, variant: str) -> list[str]:
    """Describe a recipe in short phrases."""
    from convbook.plans import PLANS  # here, because importing Keras takes time and few figures need it

    recipe = PLANS[study].variants[variant]
    changes = getattr(recipe.build, "keywords", {})
    schedule = getattr(recipe.schedule, "func", recipe.schedule).__name__.replace("_", " ")
    phrases = [
        f"{recipe.epochs} epochs in batches of {recipe.batch_size}",
        f"{schedule} schedule up to {max(recipe.schedule(epoch) for epoch in range(recipe.epochs)):.3g}",
    ]
    if shift := changes.get("shift"):
        phrases.append(f"moved by up to {round(shift * 28)} pixels")
    if turn := changes.get("rotation"):
        phrases.append(f"rotated by up to {round(turn * 360)}°")
    if changes.get("norm_first"):
        phrases.append("normalised before the ReLU")
    phrases.append("each test digit read once" if recipe.views == 1 else f"each test digit read {recipe.views} times")
    return phrases


@cache
def _recipes() -> list[dict[str, Any]]:
    """Read the runs of every recipe, with what they cost."""
    found = []
    for (study, variant), name in SHOWN.items():
        rows = results.table(study).query("variant == @variant")
        last = rows[rows["epoch"] == rows["epoch"].max()].sort_values("seed")
        held_out = last.get("finished_val_accuracy", last["val_accuracy"])
        seconds = rows.groupby("seed")["cpu_seconds"].sum()
        found.append(
            {
                "name": name,
                "words": _in_words(study, variant),
                "parameters": int(last["parameters"].iloc[0]),
                "macs": int(last["macs"].iloc[0]),
                "runs": [
                    {"seed": int(seed), "test": float(test), "held_out": float(held), "seconds": float(seconds[seed])}
                    for seed, test, held in zip(last["seed"], last["test_accuracy"], held_out, strict=True)
                ],
            }
        )
    return found


class Frontier(InteractiveFigure):
    """Every run as a point: errors on the test digits against one of three costs.

    Attributes:
        recipes: for the page, of every recipe its name, description, parameters, MACs for one digit, and runs, each
            with its seed, its share of right answers on test and held-out digits, and its CPU seconds.
        recipe: the chosen one, counted from 0.
        run: the chosen run of it, counted from 0.
        cost: what the horizontal axis shows.
    """

    recipes = traitlets.List(traitlets.Dict()).tag(sync=True)
    recipe = traitlets.Int(2, min=0).tag(sync=True)
    run = traitlets.Int(0, min=0).tag(sync=True)
    cost = traitlets.Enum(["parameters", "macs", "seconds"], "parameters").tag(sync=True)

    def __init__(self, **traits: Any) -> None:
        """Start with the recipes of chapter 13 and the notes' own."""
        super().__init__(**{"recipes": _recipes(), **traits})

    @classmethod
    def settings(cls, state: dict[str, Any]) -> dict[str, dict[str, Any]]:
        """Add which recipe and which of its runs is chosen."""
        runs = max(len(recipe["runs"]) for recipe in state["recipes"])
        chosen = {"recipe": index(len(state["recipes"])), "run": index(runs)}
        return chosen | super().settings(state)

    def picture(self) -> Figure:
        """Draw every run's errors against the parameters of its network."""
        figure = Figure(figsize=(WIDTH, 2.8))
        ax = figure.subplots()
        ax.margins(x=0.12, y=0.15)  # for the names
        named = set()
        for recipe in self.recipes:
            parameters, errors = recipe["parameters"], [100 * (1 - run["test"]) for run in recipe["runs"]]
            ax.plot([parameters] * len(errors), errors, "o", color=FIRST, markersize=4)
            # Below the points, but above them where a name of the same size is there already.
            end, rise, side = (max(errors), 5, "bottom") if parameters in named else (min(errors), -5, "top")
            point = parameters, end
            ax.annotate(recipe["name"], point, (0, rise), textcoords="offset points", ha="center", va=side)
            named.add(parameters)
        ax.set(xscale="log", yscale="log", xlabel="parameters", ylabel="errors (%)")
        for axis, steps in ((ax.xaxis, (1, 2, 5)), (ax.yaxis, (1, 2, 3, 5))):
            axis.set_major_locator(LogLocator(subs=steps))
            axis.set_major_formatter("{x:,g}")
            axis.set_minor_formatter(NullFormatter())
        return figure
