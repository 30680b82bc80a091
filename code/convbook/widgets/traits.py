"""Arrays that Python and a page share."""

from typing import Any

import numpy as np
import traitlets
from numpy.typing import NDArray

from convbook.kernels import KERNELS


class Array(traitlets.TraitType):
    """An array that Python and the page share. What is read is read-only: to change it, set a new one.

    Args:
        shape: its axes; None stands for any length.
        dtype: what its numbers are kept as: float32 or uint8.
        square: whether the two axes must be of one length, at most ``largest``.
        largest: the greatest length of an axis.
    """

    def __init__(
        self, shape: tuple[int | None, ...], dtype: str = "float32", square: bool = False, largest: int = 60_000
    ) -> None:
        self.shape, self.dtype, self.square, self.largest = shape, dtype, square, largest
        super().__init__(np.zeros([length or 1 for length in shape], dtype))
        self.tag(sync=True, to_json=_to_json, from_json=_from_json)

    def validate(self, owner: Any, value: Any) -> NDArray:
        """Make a read-only array of the value, or say what is wrong with it."""
        try:
            array = np.array(value, self.dtype)
        except (TypeError, ValueError) as error:
            raise traitlets.TraitError(f"{self.name} takes an array of numbers: {error}") from error
        fits = array.ndim == len(self.shape) and all(
            wanted in (None, length) and 1 <= length <= self.largest
            for wanted, length in zip(self.shape, array.shape, strict=True)
        )
        if not fits or (self.square and len(set(array.shape)) > 1):
            wanted = "square, " if self.square else ""
            axes = ", ".join(str(length or f"1 to {self.largest}") for length in self.shape)
            raise traitlets.TraitError(f"{self.name} must be {wanted}of shape ({axes}), got {array.shape}")
        if not np.isfinite(array).all():
            raise traitlets.TraitError(f"{self.name} has values that are not finite numbers")
        array.setflags(write=False)
        return array


def pack(array: NDArray) -> dict[str, Any]:
    """Describe an array to the page: shape, type of number, little-endian bytes."""
    little = array.astype(array.dtype.newbyteorder("<"))
    return {"shape": [*array.shape], "dtype": array.dtype.name, "data": memoryview(little.tobytes())}


def _to_json(array: NDArray, widget: Any) -> dict[str, Any]:
    return pack(array)


def _from_json(packed: dict[str, Any], widget: Any) -> NDArray:
    return np.frombuffer(packed["data"], packed["dtype"]).reshape(packed["shape"])


def presets() -> traitlets.Dict:
    """Return a trait with the hand-made kernels by name, as lists."""
    return traitlets.Dict({name: weights.tolist() for name, weights in KERNELS.items()}).tag(sync=True)
