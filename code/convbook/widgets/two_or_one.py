"""Two 3 × 3 kernels or one 5 × 5."""

from typing import Any

import numpy as np
import traitlets
from matplotlib.figure import Figure

from convbook.convolve import corr2d, true_convolution
from convbook.figures.style import DIGIT, SIGNED
from convbook.kernels import kernel
from convbook.widgets.digit_figure import DigitFigure
from convbook.widgets.figure import panels
from convbook.widgets.traits import Array


class TwoOrOne(DigitFigure):
    """Two 3 × 3 kernels one after the other, beside one 5 × 5.

    Attributes:
        first: the kernel on the digit, (3, 3).
        second: the kernel on the output of the first, (3, 3).
        large: the kernel on the digit beside them, (5, 5).
        relu: whether a ReLU follows the first.
        channels: for the number of weights, in and out of every convolution.
    """

    first = Array((3, 3))
    second = Array((3, 3))
    large = Array((5, 5))
    relu = traitlets.Bool(False).tag(sync=True)
    channels = traitlets.Int(16, min=1, max=64).tag(sync=True)

    def __init__(self, digit: int = 2, **traits: Any) -> None:
        """Start with an edge kernel, whose output has both signs, a blur, and the 5 × 5 that both together make."""
        first, second = kernel("sobel_vertical"), kernel("gaussian_blur")
        start = {"first": first, "second": second, "large": true_convolution(np.pad(first, 2), second)}
        super().__init__(digit, **{**start, **traits})

    def picture(self) -> Figure:
        """Draw the digit and both outputs."""
        half = corr2d(self.image, self.first)
        pair = corr2d(half.clip(0) if self.relu else half, self.second)
        single = corr2d(self.image, self.large)
        return panels(("digit", self.image, DIGIT), ("two 3 × 3", pair, SIGNED), ("one 5 × 5", single, SIGNED))
