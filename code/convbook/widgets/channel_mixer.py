"""A 1 × 1 kernel by hand."""

from typing import Any

import numpy as np
import traitlets
from matplotlib.figure import Figure

from convbook.figures.style import SIGNED
from convbook.inference import forward, load
from convbook.widgets.digit_figure import ten_digits
from convbook.widgets.figure import InteractiveFigure, panels
from convbook.widgets.traits import Array


class ChannelMixer(InteractiveFigure):
    """Sixteen weights mix the sixteen feature maps of the second block into one map, as a 1 × 1 kernel does.

    Attributes:
        maps: (24, 24, 16), of one digit.
        weights: one for each map.
        bias: added at every pixel.
        relu: whether a ReLU follows.
        bottleneck: channels after the 1 × 1, for its cost.
    """

    maps = Array((24, 24, 16))
    weights = Array((16,)).tag(slider=(-2, 2, 0.01))
    bias = traitlets.Float(0.0).tag(sync=True, slider=(-4, 4, 0.01))
    relu = traitlets.Bool(True).tag(sync=True)
    bottleneck = traitlets.Int(10, min=1, max=16).tag(sync=True)
    learned = Array((16, 10))
    biases = traitlets.List(traitlets.Float()).tag(sync=True)

    def __init__(self, digit: int = 2, **traits: Any) -> None:
        """Start with the first of the ten learned kernels.

        Args:
            digit: the maps are those of the test set's first digit of this class.
            traits: first values of the attributes.
        """
        network = load()
        filters, biases = network.weights["conv3_kernel"], network.weights["conv3_bias"]
        start = {
            "maps": forward(network, ten_digits()[0][digit][:, :, None] / 255)["norm2"],
            "learned": filters[0, 0],
            "biases": biases.tolist(),
            "weights": filters[0, 0, :, 0],
            "bias": float(biases[0]),
        }
        super().__init__(**{**start, **traits})

    def picture(self) -> Figure:
        """Draw two of the maps and the mixed one."""
        maps = np.asarray(self.maps)
        mixed = maps @ np.asarray(self.weights) + self.bias
        shown = mixed.clip(0) if self.relu else mixed
        first, second = maps[..., 0], maps[..., 1]
        return panels(("map 0", first, SIGNED), ("map 1", second, SIGNED), ("all 16, mixed", shown, SIGNED))
