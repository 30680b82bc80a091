"""Hand-made kernels by name, from the time before networks learned them.

As in ``convolve.corr2d`` and in the frameworks, kernels are not flipped. Edge kernels are named after the edges that
they find. Their response is positive where the image gets brighter to the right (vertical
edges) or downwards (horizontal edges).
"""

from collections.abc import Mapping
from types import MappingProxyType

import numpy as np
from numpy.typing import NDArray

_SMOOTH = np.array([1, 2, 1])  # the binomial numbers, a small Gaussian: variance 1/2
_DIFFERENCE = np.array([-1, 0, 1])  # the right neighbour minus the left one, twice the central difference
_UNIT_IMPULSE = np.array([[0, 0, 0], [0, 1, 0], [0, 0, 0]])
# The Laplace operator as a sum of two second differences 1, -2, 1: the five-point stencil of numerical analysis.
_LAPLACIAN = np.array([[0, 1, 0], [1, -4, 1], [0, 1, 0]])
# Sobel & Feldman (1968), A 3x3 isotropic gradient operator for image processing, a talk at Stanford's Artificial
# Intelligence Project; in print in Duda & Hart (1973), Pattern Classification and Scene Analysis, pages 271-272.
_SOBEL = np.outer(_SMOOTH, _DIFFERENCE)
# Prewitt (1970), Object enhancement and extraction, in Picture Processing and Psychopictorics.
_PREWITT = np.outer([1, 1, 1], _DIFFERENCE)

_KERNELS = {
    "identity": _UNIT_IMPULSE,
    # Every pixel gets the value of its left neighbour, so the image moves to the right.
    "shift_right": np.roll(_UNIT_IMPULSE, -1, axis=1),
    "box_blur": np.full((3, 3), 1 / 9),
    "gaussian_blur": np.outer(_SMOOTH, _SMOOTH) / 16,
    # The image minus its Laplacian (Gonzalez & Woods, Digital Image Processing, sharpening spatial filters).
    "sharpen": _UNIT_IMPULSE - _LAPLACIAN,
    "sobel_vertical": _SOBEL,
    "sobel_horizontal": _SOBEL.T,
    "prewitt_vertical": _PREWITT,
    "prewitt_horizontal": _PREWITT.T,
    "laplacian": _LAPLACIAN,
    # The image plus its slope towards the lower right, as if lit from there (Powell, Image Kernels, setosa.io).
    "emboss": np.array([[-2, -1, 0], [-1, 1, 1], [0, 1, 2]]),
}
for _weights in _KERNELS.values():
    _weights.setflags(write=False)

KERNELS: Mapping[str, NDArray] = MappingProxyType(_KERNELS)
"""All kernels by name, (3, 3) each; neither the mapping nor the arrays can be changed."""


def kernel(name: str) -> NDArray[np.float64]:
    """Return a copy, which may be changed, of the hand-made kernel called ``name``, shape (3, 3).

    Raises:
        ValueError: the name is unknown; the message lists the names.
    """
    if name not in KERNELS:
        raise ValueError(f"there is no kernel named {name!r}; the names are {', '.join(KERNELS)}")
    return KERNELS[name].astype(float)
