"""Figures of a trained network that reads a digit."""

from typing import Any

import numpy as np
import traitlets
from numpy.typing import NDArray

from convbook.inference import Network, load, scale_and_shift
from convbook.widgets.digit_figure import DigitFigure
from convbook.widgets.traits import Array


def flat(network: Network) -> NDArray[np.float32]:
    """Put all weights into one row as the page takes them, each batch normalisation as its scale and its shift."""
    pieces: list[NDArray] = []
    for layer in network.layers:
        if layer["kind"] == "BatchNormalization":
            pieces += scale_and_shift(network, layer)
        else:
            names = (f"{layer['name']}_kernel", f"{layer['name']}_bias")
            pieces += [network.weights[name] for name in names if name in network.weights]
    return np.concatenate([piece.ravel() for piece in pieces]).astype(np.float32)


class NetworkFigure(DigitFigure):
    """A figure of a trained network that reads the digit.

    Attributes:
        layers: of the network, as in its record.
        weights: all of them, in the order of the layers.
    """

    layers = traitlets.List(traitlets.Dict()).tag(sync=True)
    weights = Array((None,))

    def __init__(self, digit: int = 0, network: Network | None = None, **traits: Any) -> None:
        """Start with a digit and a network.

        Args:
            digit: as in ``DigitFigure``.
            network: what ``inference.load`` returns; that of the notes if None.
            traits: first values of the other attributes.
        """
        self._network = network or load()
        super().__init__(digit, layers=self._network.layers, weights=flat(self._network), **traits)
