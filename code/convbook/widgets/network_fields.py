"""What a unit of the trained network can see of a digit, and what it uses."""

from typing import Any

import numpy as np
import traitlets
from matplotlib.figure import Figure

from convbook.arithmetic import trace
from convbook.figures.style import DIGIT, outline
from convbook.inference import Network, forward, stack_of
from convbook.widgets.figure import panels
from convbook.widgets.network_figure import NetworkFigure


class NetworkFields(NetworkFigure):
    """The network layer by layer, and the field of any unit on the digit: theoretical and effective.

    Attributes:
        layer: name of a convolution or a pool.
        row: of the unit.
        column: of the unit.
        channel: of the unit; -1 takes the channel with the largest value there. A row, column or channel beyond the
            last stands for the last.
    """

    layer = traitlets.Unicode("conv6").tag(sync=True)
    row = traitlets.Int(3, min=0).tag(sync=True)
    column = traitlets.Int(3, min=0).tag(sync=True)
    channel = traitlets.Int(-1, min=-1).tag(sync=True)

    def __init__(self, digit: int = 3, network: Network | None = None, **traits: Any) -> None:
        """Start with a unit in the middle of the network; the arguments are those of the base."""
        super().__init__(digit, network, **traits)

    @traitlets.default("limits")
    def _limits(self) -> dict[str, dict[str, float]]:
        stages = trace(stack_of(self.layers))
        place: dict[str, float] = {"min": 0, "max": max(stage.size for stage in stages) - 1, "step": 1}
        channel: dict[str, float] = {"min": -1, "max": max(stage.channels for stage in stages) - 1, "step": 1}
        return {"row": place, "column": place, "channel": channel}

    @traitlets.validate("layer")
    def _check(self, proposal: dict[str, Any]) -> str:
        names = [layer["name"] for layer in self._network.layers if layer["kind"] in ("Conv2D", "MaxPooling2D")]
        if proposal["value"] not in names:
            raise traitlets.TraitError(f"layer must be one of {', '.join(names)}, got {proposal['value']!r}")
        return proposal["value"]

    def picture(self) -> Figure:
        """Draw the digit with the unit's field, and the strongest of the layer's maps."""
        stage = next(stage for stage in trace(stack_of(self.layers)) if stage.name == self.layer)
        maps = forward(self._network, np.asarray(self.image)[:, :, None])[self.layer]
        figure = panels(
            ("digit, and a unit's field", self.image, DIGIT),
            (f"a map of {self.layer}", maps[..., maps.max(axis=(0, 1)).argmax()], DIGIT),
        )
        outline(figure.axes[0], stage.sees(min(self.row, stage.size - 1)), stage.sees(min(self.column, stage.size - 1)))
        return figure
