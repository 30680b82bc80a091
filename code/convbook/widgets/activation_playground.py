"""Activation functions, their slopes, and what layers make of them."""

import numpy as np
import traitlets
from matplotlib.figure import Figure

from convbook.activations import ACTIVATIONS, activation
from convbook.figures.style import FIRST, SECOND, WIDTH
from convbook.widgets.figure import InteractiveFigure


class ActivationPlayground(InteractiveFigure):
    """A function with its slope, and a stack of layers of 64 units through which 200 inputs flow.

    Attributes:
        function: one of the names in ``convbook.activations.ACTIVATIONS``.
        z: the input at which the value and the slope are read off.
        layers: of the stack.
        gain: standard deviation of the weights, times the square root of 64.
        bias: of every unit.
        functions: all names, for the page.
    """

    function = traitlets.Enum([*ACTIVATIONS], "relu").tag(sync=True)
    functions = traitlets.List([*ACTIVATIONS]).tag(sync=True)
    z = traitlets.Float(1.0, min=-5, max=5).tag(sync=True, step=0.05)
    layers = traitlets.Int(10, min=1, max=20).tag(sync=True)
    gain = traitlets.Float(1.4, min=0.2, max=3).tag(sync=True, step=0.01)
    bias = traitlets.Float(0.0, min=-3, max=3).tag(sync=True, step=0.05)

    def picture(self) -> Figure:
        """Draw the function and its slope."""
        figure = Figure(figsize=(WIDTH, 2.6))
        ax = figure.subplots()
        chosen, z = activation(self.function), np.linspace(-5, 5, 401)
        ax.plot(z, chosen.function(z), color=FIRST, label="function")
        ax.plot(z, chosen.derivative(z), "--", color=SECOND, label="slope")
        ax.set(xlabel="input z", ylim=(-1.5, 3), title=self.function.replace("_", " "))
        ax.legend(frameon=False)
        return figure
