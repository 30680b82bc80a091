"""The trained network at work on a digit."""

from typing import Any

import traitlets
from matplotlib.figure import Figure

from convbook.figures.style import BLUE, DIGIT, MAP, WIDTH
from convbook.widgets.base import Array, DigitFigure
from convbook.widgets.trained import LAYERS, answers, flat, trained

SHOWN = ["conv1", "pool4", "conv6", "conv8"]


class LiveNetwork(DigitFigure):
    """Draw a digit and see every feature map of every layer, and the ten probabilities, as you draw."""

    layers = traitlets.List(LAYERS).tag(sync=True)
    weights = Array((None,))

    def __init__(self, digit: int = 7, **traits: Any) -> None:
        """Start with a digit of the test set; the arguments are those of the base."""
        super().__init__(digit, **{"weights": flat(trained()), **traits})

    def picture(self) -> Figure:
        """Draw the digit, one map of some layers, and the ten probabilities."""
        results = answers(self.image)
        figure = Figure(figsize=(WIDTH, 1.7))
        first, *others, last = figure.subplots(1, len(SHOWN) + 2)
        first.imshow(self.image, cmap=DIGIT)
        first.set_title("digit", loc="center", fontsize=9)
        for ax, name in zip(others, SHOWN, strict=True):
            maps = results[name]
            ax.imshow(maps[..., maps.std(axis=(0, 1)).argmax()], cmap=MAP)
            ax.set_title(name, loc="center", fontsize=9)
        for ax in (first, *others):
            ax.set_axis_off()
        last.barh(range(10), results["probabilities"].ravel(), color=BLUE)
        last.set(xlim=(0, 1), xticks=[], yticks=range(10))
        last.invert_yaxis()
        last.tick_params(length=0, labelsize=7)
        last.spines[:].set_visible(False)
        return figure
