"""The trained network at work on a digit."""

from typing import Any

import numpy as np
from matplotlib.figure import Figure

from convbook.figures.style import DIGIT, FIRST, WIDTH
from convbook.inference import Network, forward
from convbook.widgets.network_figure import NetworkFigure

SHOWN = 4  # layers in the picture


class LiveNetwork(NetworkFigure):
    """Draw a digit and see every feature map of every layer, and the ten probabilities, as you draw."""

    def __init__(self, digit: int = 7, network: Network | None = None, **traits: Any) -> None:
        """Start with a digit of the test set; the arguments are those of the base."""
        super().__init__(digit, network, **traits)

    def picture(self) -> Figure:
        """Draw the digit, one map of some layers, and the ten probabilities."""
        outputs = forward(self._network, np.asarray(self.image)[:, :, None])
        names = [layer["name"] for layer in self.layers if layer["kind"] in ("Conv2D", "MaxPooling2D")][:-1]
        figure = Figure(figsize=(WIDTH, 1.7))
        first, *others, last = figure.subplots(1, SHOWN + 2)
        first.imshow(self.image, cmap=DIGIT)
        first.set_title("digit", loc="center", fontsize=9)
        for ax, name in zip(others, _spread(names, SHOWN), strict=True):
            maps = outputs[name]
            ax.imshow(maps[..., maps.std(axis=(0, 1)).argmax()], cmap=DIGIT)
            ax.set_title(name, loc="center", fontsize=9)
        for ax in (first, *others):
            ax.set_axis_off()
        last.barh(range(10), outputs[self.layers[-1]["name"]], color=FIRST)
        last.set(xlim=(0, 1), xticks=[], yticks=range(10))
        last.invert_yaxis()
        last.tick_params(length=0, labelsize=7)
        last.spines[:].set_visible(False)
        return figure


def _spread(names: list[str], count: int) -> list[str]:
    """Pick some of the names, from the first to the last."""
    return [names[i] for i in np.linspace(0, len(names) - 1, count).round().astype(int)]
