"""Figures of a digit that the reader chooses or draws."""

from functools import cache
from typing import Any

import numpy as np
import traitlets
from numpy.typing import NDArray

from convbook import mnist
from convbook.widgets.figure import InteractiveFigure
from convbook.widgets.traits import Array


@cache
def ten_digits() -> tuple[NDArray[np.uint8], list[int]]:
    """Return the first digit of every class in the test set, and the ten classes."""
    data = mnist.load()
    first = [int((data.test_labels == label).argmax()) for label in range(10)]
    return data.test_images[first], [*range(10)]


class DigitFigure(InteractiveFigure):
    """A figure of one digit that the reader chooses or draws.

    Attributes:
        digits: those to choose from, uint8 (N, 28, 28).
        labels: their classes.
        image: the digit in the figure, (28, 28) from 0 to 1. Set it to show one of yours.
    """

    digits = Array((None, 28, 28), "uint8")
    labels = traitlets.List(traitlets.Int()).tag(sync=True)
    image = Array((28, 28))

    def __init__(self, digit: int = 0, **traits: Any) -> None:
        """Start with a digit.

        Args:
            digit: which of the digits, counted from 0. Where there are no others, the digits are the first of
                every class in MNIST's test set.
            traits: first values of the other attributes.
        """
        if "digits" not in traits:
            traits["digits"], traits["labels"] = ten_digits()
        traits.setdefault("image", np.asarray(traits["digits"])[digit] / 255)
        super().__init__(**traits)

    @classmethod
    def settings(cls, state: dict[str, Any]) -> dict[str, dict[str, Any]]:
        """Add which of the digits is shown."""
        return {"digit": {"images": "digits", "trait": "image"}} | super().settings(state)
