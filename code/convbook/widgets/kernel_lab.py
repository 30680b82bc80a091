"""Kernels on pictures."""

from typing import Any

import numpy as np
import traitlets
from matplotlib.figure import Figure
from numpy.typing import NDArray

from convbook.convolve import corr2d
from convbook.figures.style import DIGIT, SIGNED
from convbook.inference import load
from convbook.kernels import kernel
from convbook.widgets.digit_figure import ten_digits
from convbook.widgets.figure import InteractiveFigure, panels
from convbook.widgets.traits import Array, pack, presets


def scene(size: int = 120) -> NDArray[np.float32]:
    """Compute a picture with what photographs have: shading, a cast shadow, texture, soft and sharp edges.

    Returns:
        A ball on a chequered floor in front of a wall, (size, size) from 0 to 1.
    """
    y, x = np.mgrid[0:size, 0:size] / size
    wall = 0.75 - 0.35 * y + 0.04 * np.sin(60 * x)
    depth = 1 / np.maximum(y - 0.5, 0.01)  # of the floor behind a pixel
    chequers = (np.floor((x - 0.5) * depth * 3) + np.floor(depth * 1.5)) % 2
    floor = 0.35 + 0.3 * chequers
    shadow = np.exp(-((((x - 0.63) / 0.26) ** 2 + ((y - 0.84) / 0.07) ** 2) ** 2))
    picture = np.where(y > 0.6, floor * (1 - 0.75 * shadow), wall)
    across, up = (x - 0.5) / 0.3, (y - 0.52) / 0.3
    inside = across**2 + up**2 < 1
    towards = np.sqrt(np.maximum(1 - across**2 - up**2, 0))
    light = np.maximum(-0.5 * across - 0.6 * up + 0.62 * towards, 0)
    ball = 0.08 + 0.75 * light + 0.6 * light**30
    return np.clip(np.where(inside, ball, picture), 0, 1).astype(np.float32)


def _pack_all(pictures: dict[str, NDArray], widget: Any) -> dict[str, Any]:
    return {name: pack(picture) for name, picture in pictures.items()}


class KernelLab(InteractiveFigure):
    """A kernel of any weights on a picture, beside those that the network has learned.

    Attributes:
        image: the picture, (height, width) from 0 to 1, up to 1000 pixels a side.
        kernel: square, up to 5 × 5.
    """

    image = Array((None, None), largest=1000)
    kernel = Array((None, None), square=True, largest=5)
    pictures = traitlets.Dict().tag(sync=True, to_json=_pack_all)
    learned = Array((16, 3, 3))
    presets = presets()

    def __init__(self, **traits: Any) -> None:
        """Start with the kernel for horizontal edges on the scene."""
        pictures = {"a scene": scene(), "a digit": (ten_digits()[0][5] / 255).astype(np.float32)}
        learned = load().weights["conv1_kernel"][:, :, 0].transpose(2, 0, 1)
        first = {"image": pictures["a scene"], "kernel": kernel("sobel_horizontal")}
        super().__init__(**{"pictures": pictures, "learned": learned, **first, **traits})

    @classmethod
    def settings(cls, state: dict[str, Any]) -> dict[str, dict[str, Any]]:
        """Add which of the pictures is shown."""
        return {"image": {"named": "pictures"}} | super().settings(state)

    def picture(self) -> Figure:
        """Draw the picture, the kernel and its response."""
        response = corr2d(self.image, self.kernel)
        return panels(("picture", self.image, DIGIT), ("kernel", self.kernel, SIGNED), ("response", response, SIGNED))
