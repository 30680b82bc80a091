"""Activation functions and their derivatives in NumPy.

An activation function acts on each number separately, so every function here accepts an array of any shape and returns
an array of the same shape. Floating-point arrays keep their type, other real numbers become float64, and anything else
raises ValueError. No input overflows, however large. At a kink, the derivative is the slope on the left, as in
TensorFlow.

``ACTIVATIONS`` holds them under the names that Keras uses. ``softmax`` is not among them: it mixes its inputs.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

Array = NDArray[Any]

# Beyond 40 the normal density, about 1e-348, is 0 in double precision. Limiting inputs there keeps squares finite.
_FAR = 40


def linear(z: ArrayLike) -> Array:
    """Return the input: what a layer without an activation function does."""
    return _floats(z)


def linear_derivative(z: ArrayLike) -> Array:
    """Slope of ``linear``: 1 everywhere."""
    return np.ones_like(_floats(z))


def sigmoid(z: ArrayLike) -> Array:
    """Logistic sigmoid 1 / (1 + exp(-z)), between 0 and 1 (Rumelhart, Hinton & Williams 1986).

    Only exponentials of negative numbers are taken: exp(-z) itself overflows for z below -709.
    """
    z = _floats(z)
    small = np.exp(-np.abs(z))
    return np.where(z >= 0, 1, small) / (1 + small)


def sigmoid_derivative(z: ArrayLike) -> Array:
    """Slope of ``sigmoid``, s(z) s(-z), which is s (1 - s); 1/4 at 0 and less everywhere else."""
    # Not s * (1 - s): the difference has no digits left where s rounds to 1.
    small = np.exp(-np.abs(_floats(z)))
    return small / (1 + small) ** 2


def tanh(z: ArrayLike) -> Array:
    """Hyperbolic tangent, 2 s(2z) - 1 with the sigmoid s, between -1 and 1 (LeCun et al. 1998, Efficient BackProp)."""
    return np.tanh(_floats(z))


def tanh_derivative(z: ArrayLike) -> Array:
    """Slope of ``tanh``, 1 - tanh(z)², which is 4 s'(2z); 1 at 0 and less everywhere else."""
    small = np.exp(-2 * np.minimum(np.abs(_floats(z)), _FAR**2))
    return 4 * small / (1 + small) ** 2


def relu(z: ArrayLike) -> Array:
    """Rectified linear unit, max(0, z) (Nair & Hinton 2010)."""
    return np.maximum(_floats(z), 0)


def relu_derivative(z: ArrayLike) -> Array:
    """Slope of ``relu``: 0 up to 0, 1 above."""
    z = _floats(z)
    return (z > 0).astype(z.dtype)


def leaky_relu(z: ArrayLike, slope: float = 0.01) -> Array:
    """ReLU with a small slope for negative numbers: z above 0, slope * z below.

    Args:
        z: numbers.
        slope: 0.01 in Maas, Hannun & Ng (2013), section 2; Keras's default is 0.2.
    """
    z = _floats(z)
    return np.where(z > 0, z, slope * z)


def leaky_relu_derivative(z: ArrayLike, slope: float = 0.01) -> Array:
    """Slope of ``leaky_relu``: ``slope`` up to 0, 1 above."""
    z = _floats(z)
    return np.where(z > 0, 1, slope).astype(z.dtype)


def elu(z: ArrayLike) -> Array:
    """Exponential linear unit, z above 0 and exp(z) - 1 below (Clevert et al. 2016, equation 15, with alpha = 1)."""
    z = _floats(z)
    return np.where(z > 0, z, np.expm1(np.minimum(z, 0)))


def elu_derivative(z: ArrayLike) -> Array:
    """Slope of ``elu``: exp(z) up to 0, 1 above."""
    return np.exp(np.minimum(_floats(z), 0))


def gelu(z: ArrayLike) -> Array:
    """Gaussian error linear unit z P(Z <= z), Z standard normal (Hendrycks & Gimpel 2016, section 2).

    This is the exact form, Keras's default, and not the paper's approximation by a tanh.
    """
    z = _floats(z)
    return z * _normal_probability(z)


def gelu_derivative(z: ArrayLike) -> Array:
    """Slope of ``gelu``, P(Z <= z) + z p(z) with the normal density p; from -0.13 to 1.13."""
    z = _floats(z)
    density = np.exp(-(np.minimum(np.abs(z), _FAR) ** 2) / 2) / math.sqrt(2 * math.pi)
    return _normal_probability(z) + z * density


def swish(z: ArrayLike) -> Array:
    """Swish z s(z) with the sigmoid s, also called SiLU (Ramachandran et al. 2017, section 4, with beta = 1)."""
    z = _floats(z)
    return z * sigmoid(z)


def swish_derivative(z: ArrayLike) -> Array:
    """Slope of ``swish``, s(z) + z s'(z); from -0.10 to 1.10."""
    z = _floats(z)
    return sigmoid(z) + z * sigmoid_derivative(z)


def softmax(logits: ArrayLike, axis: int = -1) -> Array:
    """Turn logits into probabilities: exponentials, divided by their sum along an axis.

    This is not an activation function in the sense of this module, because every result depends on all the logits along
    its axis. Adding one number to all of them changes nothing, so the largest is subtracted first and no exponential
    overflows (Goodfellow et al. 2016, Deep Learning, section 4.1).
    """
    logits = _floats(logits)
    powers = np.exp(logits - logits.max(axis=axis, keepdims=True))
    return powers / powers.sum(axis=axis, keepdims=True)


@dataclass(frozen=True)
class Activation:
    """A function of one number and its derivative, both for arrays of any shape."""

    name: str
    function: Callable[[ArrayLike], Array]
    derivative: Callable[[ArrayLike], Array]


ACTIVATIONS: Mapping[str, Activation] = MappingProxyType(
    {
        name: Activation(name, function, derivative)
        for name, function, derivative in (
            ("linear", linear, linear_derivative),
            ("sigmoid", sigmoid, sigmoid_derivative),
            ("tanh", tanh, tanh_derivative),
            ("relu", relu, relu_derivative),
            ("leaky_relu", leaky_relu, leaky_relu_derivative),
            ("elu", elu, elu_derivative),
            ("gelu", gelu, gelu_derivative),
            ("swish", swish, swish_derivative),
        )
    }
)


def activation(name: str) -> Activation:
    """Look up an activation function by name.

    Raises:
        ValueError: the name is unknown; the message lists the names.
    """
    if name not in ACTIVATIONS:
        mixes = " (softmax mixes its inputs, so it is a separate function)" if name == "softmax" else ""
        raise ValueError(f"no activation function named {name!r}{mixes}; there are: {', '.join(ACTIVATIONS)}")
    return ACTIVATIONS[name]


def _floats(values: ArrayLike) -> Array:
    """Convert real numbers to a floating-point array.

    Raises:
        ValueError: the values are not real numbers. NumPy alone would convert the text "3" to 3 and None to nan.
    """
    array = np.asarray(values)
    if not np.can_cast(array.dtype, float, "same_kind"):
        raise ValueError(f"activation functions take real numbers, got {array.dtype} values")
    return array if np.issubdtype(array.dtype, np.floating) else array.astype(float)


# NumPy has no error function. The complementary one stays precise far to the left, where 1 + erf(z) loses all digits.
_erfc = np.vectorize(math.erfc, otypes=[float])


def _normal_probability(z: Array) -> Array:
    """Probability that a standard normal number is at most z."""
    return (0.5 * _erfc(-z / math.sqrt(2))).astype(z.dtype)
