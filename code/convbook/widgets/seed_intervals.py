"""What several seeds say about the second block: means, intervals, differences."""

from itertools import combinations
from typing import Any

import numpy as np
import traitlets
from matplotlib.figure import Figure
from numpy.typing import NDArray

from convbook import results
from convbook.figures.style import FIRST, WIDTH
from convbook.widgets.figure import InteractiveFigure


def _accuracies() -> tuple[list[str], list[list[float]], list[int]]:
    """Read the test accuracies (%) of the study: the networks' filters, a row of accuracies for each, the seeds."""
    rows = results.table("second_block")
    last = rows[rows["epoch"] == rows["epoch"].max()]
    last = last.assign(filters=last["variant"].str.split().str[0].astype(int))
    table = 100 * last.pivot_table("test_accuracy", "filters", "seed").sort_index(ascending=False)
    return [str(filters) for filters in table.index], table.round(4).to_numpy().tolist(), table.columns.tolist()


def t_quantile(freedom: float, confidence: float = 0.95) -> float:
    """Return how many standard errors an interval of Student's t reaches on either side of the mean.

    With t = √freedom tan θ the density is proportional to cos(θ)^(freedom − 1), which is added up numerically.

    Args:
        freedom: degrees of freedom, at least 1, not necessarily whole.
        confidence: of the interval, between 0 and 1.
    """
    edges = np.linspace(0, np.sqrt(np.pi / 2), 4001)  # of root, with θ = π/2 − root²
    root = (edges[1:] + edges[:-1]) / 2
    mass: NDArray = np.sin(root**2) ** (freedom - 1) * root
    beyond = np.cumsum(mass) / mass.sum()
    return float(np.sqrt(freedom) / np.tan(np.interp(1 - confidence, beyond, edges[1:]) ** 2))


class SeedIntervals(InteractiveFigure):
    """Runs of three networks with several seeds, their means, and the differences of the means, each with its interval.

    Attributes:
        networks: their numbers of filters in the second block.
        accuracies: of each network, its test accuracies in per cent, one for each seed.
        seeds: of the runs.
        dropped: the seeds that are left out.
        paired: whether the runs of two networks are compared seed by seed.
        compared: which two networks the sentence is about, counted from 0.
    """

    networks = traitlets.List(traitlets.Unicode()).tag(sync=True)
    accuracies = traitlets.List(traitlets.List(traitlets.Float())).tag(sync=True)
    seeds = traitlets.List(traitlets.Int()).tag(sync=True)
    dropped = traitlets.List(traitlets.Int()).tag(sync=True)
    paired = traitlets.Bool(False).tag(sync=True)
    compared = traitlets.List(traitlets.Int(), [0, 1]).tag(sync=True)

    def __init__(self, **traits: Any) -> None:
        """Start with all runs of the study of the second block."""
        names = ("networks", "accuracies", "seeds")
        super().__init__(**dict(zip(names, _accuracies(), strict=True)) | traits)

    @classmethod
    def settings(cls, state: dict[str, Any]) -> dict[str, dict[str, Any]]:
        """Add which seeds are left out, of which two have to stay, and which networks are compared."""
        pairs = [list(pair) for pair in combinations(range(len(state["networks"])), 2)]
        dropped: dict[str, Any] = {"each": {"values": state["seeds"]}, "most": len(state["seeds"]) - 2}
        return {"dropped": dropped, "compared": {"values": pairs}} | super().settings(state)

    def picture(self) -> Figure:
        """Draw every run, and the mean of each network with its interval."""
        figure = Figure(figsize=(WIDTH, 2.2))
        ax = figure.subplots()
        kept = [i for i, seed in enumerate(self.seeds) if seed not in self.dropped]
        for row, scores in enumerate(np.array(self.accuracies)[:, kept]):
            reach = t_quantile(len(kept) - 1) * scores.std(ddof=1) / np.sqrt(len(kept)) if len(kept) > 1 else 0
            ax.plot(scores, np.full(len(kept), row), "o", color=FIRST, markersize=4)
            ax.errorbar(scores.mean(), row + 0.25, xerr=reach, fmt="|", color=FIRST, capsize=3)
        ax.set(xlabel="test accuracy (%)", ylabel="filters", yticks=range(len(self.networks)))
        ax.set_yticklabels(self.networks)
        ax.invert_yaxis()
        return figure
