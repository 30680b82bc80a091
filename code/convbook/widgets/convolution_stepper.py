"""A kernel steps over a digit."""

from typing import Any

import numpy as np
import traitlets
from matplotlib.figure import Figure

from convbook.convolve import conv2d_matmul
from convbook.figures.style import DIGIT, SIGNED
from convbook.kernels import kernel
from convbook.widgets.digit_figure import DigitFigure
from convbook.widgets.figure import panels
from convbook.widgets.traits import Array, presets


class ConvolutionStepper(DigitFigure):
    """The window, the products and the sum of a convolution, position by position.

    Attributes:
        kernel: square, up to 5 × 5.
        stride: step from position to position, in pixels.
        padding: zeros on every side of the image.
        dilation: distance between neighbouring pixels of the kernel.
        position: of the kernel, counted along the rows of the feature map from 0.
    """

    kernel = Array((None, None), square=True, largest=5)
    stride = traitlets.Int(1, min=1, max=4).tag(sync=True)
    padding = traitlets.Int(0, min=0, max=4).tag(sync=True)
    dilation = traitlets.Int(1, min=1, max=8).tag(sync=True)
    position = traitlets.Int(0, min=0, max=(28 + 2 * 4) ** 2 - 1).tag(sync=True)
    presets = presets()

    def __init__(self, digit: int = 7, **traits: Any) -> None:
        """Start with the kernel for vertical edges at the middle of a digit; the arguments are those of the base."""
        super().__init__(digit, **{"kernel": kernel("sobel_vertical"), "position": 13 * 26 + 15, **traits})

    def picture(self) -> Figure:
        """Draw the digit and its feature map."""
        filters = np.asarray(self.kernel)[:, :, None, None]
        image = np.asarray(self.image)[:, :, None]
        maps = conv2d_matmul(image, filters, stride=self.stride, padding=self.padding, dilation=self.dilation)
        titled = ("feature map", maps[:, :, 0], SIGNED)
        return panels(("image", self.image, DIGIT), ("kernel", self.kernel, SIGNED), titled)
