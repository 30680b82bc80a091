"""The picture of the README and the landing page."""

from collections.abc import Sequence

from matplotlib.figure import Figure
from numpy.typing import NDArray

from convbook.arithmetic import Stage
from convbook.figures.style import DIGIT, FIRST, SMALL, WIDTH, settled, show


def overview(image: NDArray, maps: Sequence[NDArray], rows: Sequence[Stage], probabilities: NDArray) -> Figure:
    """Draw the whole network in one picture: a digit, one map for each of some stages, the ten probabilities.

    Args:
        image: the digit (28, 28).
        maps: the stages' maps, each (height, width, channels); the channel with the largest spread is shown.
        rows: the stages' rows of the table.
        probabilities: of the classes, (10,).
    """
    figure = Figure(figsize=(WIDTH, 2.2))
    first, *others, last = figure.subplots(1, len(rows) + 2, width_ratios=[1.0] * (len(rows) + 1) + [1.3])
    show(first, image, DIGIT, image.max())
    first.set_title("a digit", loc="center")
    for ax, stack, stage in zip(others, maps, rows, strict=True):
        chosen = stack[:, :, stack.std(axis=(0, 1)).argmax()]
        show(ax, chosen, DIGIT, chosen.max())
        ax.set_title(f"{stage.size} × {stage.size}\nsees {stage.receptive_field}", loc="center", fontsize=SMALL)
    for ax in (first, *others):
        ax.set_axis_off()
    last.barh(range(len(probabilities)), probabilities, color=FIRST)
    last.set(xlim=(0, 1), xticks=[], yticks=range(len(probabilities)))
    last.invert_yaxis()
    last.tick_params(length=0, labelsize=SMALL)
    last.spines[:].set_visible(False)
    last.set_title("probabilities", loc="center")
    return settled(figure)
