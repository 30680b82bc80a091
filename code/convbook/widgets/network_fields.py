"""What a unit of the trained network can see of a digit, and what it uses."""

from typing import Any

import traitlets
from matplotlib.figure import Figure

from convbook.arithmetic import trace
from convbook.figures.style import DIGIT, MAP, outline
from convbook.widgets.base import Array, DigitFigure, panels
from convbook.widgets.trained import LAYERS, STACK, answers, flat, trained


class NetworkFields(DigitFigure):
    """The network layer by layer, and the field of any unit on the digit: theoretical and effective.

    Attributes:
        layer: name of a convolution or a pool.
        row: of the unit.
        column: of the unit.
        channel: of the unit; -1 takes the channel that answers strongest there.
    """

    layer = traitlets.Enum([layer.name for layer in STACK], "conv6").tag(sync=True)
    row = traitlets.Int(3, min=0, max=25).tag(sync=True)
    column = traitlets.Int(3, min=0, max=25).tag(sync=True)
    channel = traitlets.Int(-1, min=-1, max=15).tag(sync=True)
    layers = traitlets.List(LAYERS).tag(sync=True)
    weights = Array((None,))

    def __init__(self, digit: int = 3, **traits: Any) -> None:
        """Start with a unit in the middle of the network; the arguments are those of the base."""
        super().__init__(digit, **{"weights": flat(trained()), **traits})

    def picture(self) -> Figure:
        """Draw the digit with the unit's field, and the strongest of the layer's maps."""
        stage = next(stage for stage in trace(STACK) if stage.name == self.layer)
        maps = answers(self.image)[self.layer]
        figure = panels(
            ("digit, and a unit's field", self.image, DIGIT),
            (f"a map of {self.layer}", maps[..., maps.max(axis=(0, 1)).argmax()], MAP),
        )
        outline(figure.axes[0], stage.sees(min(self.row, stage.size - 1)), stage.sees(min(self.column, stage.size - 1)))
        return figure
