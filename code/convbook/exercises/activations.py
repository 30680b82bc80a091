"""Checks of chapter 6, which puts a function between the layers."""

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from convbook import activations
from convbook.exercises.verdict import Wrong, call, check, describe, expect


@check
def sigmoid_slope(at_zero: float, ten_layers: float, layers_below: int) -> str:
    """Check the sigmoid's slope at 0, its largest product over ten layers, and when that is below a thousandth."""
    expect(
        at_zero,
        activations.sigmoid_derivative(0),
        "the slope at 0",
        mistakes={
            "that is the value of the sigmoid there, not its slope": activations.sigmoid(0),
            "you took the slope at the output; the slope belongs to the input, here 0": (
                activations.sigmoid_derivative(activations.sigmoid(0))
            ),
            "in s (1 − s) the letter s is the sigmoid's value, not its input": 0,
            "that is the slope of tanh": 1,
        },
        reveal=False,
    )
    expect(
        ten_layers,
        0.25**10,
        "ten layers",
        mistakes={
            "one slope multiplies the next; you added them": 2.5,
            "that is the product of ten values of the sigmoid at 0; multiply slopes": 0.5**10,
            "a layer is missing: ten slopes are multiplied": 0.25**9,
            "one slope for each layer, and one shared by ten is something else": 0.25 / 10,
            "it is small, and not 0": 0,
        },
        tolerance=5e-9,  # 9.5e-7 is near enough
        reveal=False,
    )
    expect(
        layers_below,
        5,
        "below a thousandth",
        mistakes={
            "that product is still above a thousandth; one layer more": 4,
            "fewer do: the largest slope is 1/4, and you multiplied by 1/2": 10,
            "fewer do: every layer divides by 4": 250,
        },
        reveal=False,
    )
    return "1/4 at 0, less than a millionth after ten layers, less than a thousandth after five"


@check
def leaky_relu_derivative(function: Callable[[NDArray, float], NDArray]) -> str:
    """Check a function that gives the slopes of the leaky ReLU for an array and the slope below 0."""
    cases = (
        ("z = −2, 3, −0.5, 1.5 and slope 0.2", np.array([-2, 3, -0.5, 1.5]), 0.2),
        ("z = 4, −1 in a column and slope 0.01", np.array([[4.0], [-1.0]]), 0.01),
    )
    for case, z, slope in cases:
        expect(
            call(function, z, slope),
            activations.leaky_relu_derivative(z, slope),
            case,
            mistakes={
                "below 0 you have 0, the slope of ReLU; the leaky one lets a share through": (
                    activations.relu_derivative(z)
                ),
                "these are the values of the leaky ReLU; their slopes are asked for": activations.leaky_relu(z, slope),
                "below 0 the function is slope · z, a line, so its slope does not depend on z": np.where(
                    z > 0, 1, slope * z
                ),
                "the line rises below 0 as well, so the slope is positive there": np.where(z > 0, 1, -slope),
                "you have the two sides the wrong way round": np.where(z > 0, slope, 1),
                "use the slope that the function is given": activations.leaky_relu_derivative(z, 0.01),
            },
        )
    return "the given slope below 0, 1 above, for arrays of any shape"


@check
def count_dead(function: Callable[[NDArray], int]) -> str:
    """Check a function that counts the units that are 0 for every input, given their values behind a ReLU."""
    three_digits = np.array([[0, 2, 0, 0, 0, 0], [0, 0, 0, 1, 0, 3], [0, 3, 0, 0, 4, 0]])
    two_maps = np.zeros((2, 2, 3, 2))  # two digits, 2 × 3 places, two channels, the second of them silent
    two_maps[0, :, 0, 0], two_maps[1, 1, 1:, 0] = 1, 2
    cases = (("three digits, six units", three_digits), ("two digits, maps of 2 × 3 with two channels", two_maps))
    for case, values in cases:
        zero = values == 0
        expect(
            call(function, values),
            zero.all(axis=0).sum(),
            case,
            mistakes={
                "you count units that are 0 for the first digit; a dead one is 0 for all of them": zero[0].sum(),
                "you count units that are 0 for some digit; a dead one is 0 for all of them": zero.any(axis=0).sum(),
                "you count zeros; a unit counts once, and only if it is 0 for every digit": zero.sum(),
                "these are the units that live; the others are asked for": (~zero.all(axis=0)).sum(),
                "you count whole channels; a unit is one number of a map, so each place counts": (
                    zero.all(axis=tuple(range(values.ndim - 1))).sum() if values.ndim > 2 else np.nan
                ),
            },
            reveal=False,
        )
    return "units that are 0 for every digit, wherever in the maps they stand"


@check
def collapse(function: Callable[..., tuple[NDArray, NDArray]]) -> str:
    """Check a function that turns two affine maps, z = W1 x + b1 and then W2 z + b2, into one pair (W, b)."""
    cases = (
        (
            "two 2 × 2 matrices",
            np.array([[1.0, 2.0], [0.0, -1.0]]),
            np.array([1.0, -2.0]),
            np.array([[2.0, 0.0], [1.0, 3.0]]),
            np.array([0.5, -1.0]),
        ),
        (
            "three inputs, two numbers between, four outputs",
            np.array([[1.0, 0.0, 2.0], [-1.0, 3.0, 1.0]]),
            np.array([2.0, -3.0]),
            np.array([[1.0, 0.0], [2.0, 1.0], [0.0, -1.0], [1.0, 1.0]]),
            np.array([1.0, 0.0, -2.0, 4.0]),
        ),
    )
    for case, w1, b1, w2, b2 in cases:
        result = call(function, w1, b1, w2, b2)
        if not isinstance(result, (tuple, list)) or len(result) != 2:
            raise Wrong(f"{case}: return two things, the matrix and the bias, as in `return W, b`")
        square = w1.shape == w2.shape
        expect(
            result[0],
            w2 @ w1,
            f"{case}, the matrix",
            mistakes={
                "wrong order: the input meets W1 first, so W1 stands on the right": w1 @ w2 if square else np.nan,
                "`*` multiplies number by number; one map after the other is a matrix product, `@`": (
                    w2 * w1 if square else np.nan
                ),
                "one map after the other is a product, not a sum": w1 + w2 if square else np.nan,
            },
        )
        expect(
            result[1],
            w2 @ b1 + b2,
            f"{case}, the bias",
            mistakes={
                "b1 goes through the second map too, so W2 multiplies it": b1 + b2 if square else np.nan,
                "the biases are gone; an input of zeros shows what they leave": np.zeros_like(b2),
                "b2 is missing: the second map adds it at the end": w2 @ b1,
                "b1 is missing: the second map reads it as part of its input": b2,
                "the maps are the wrong way round: W2 multiplies b1": w1 @ b2 + b1 if square else np.nan,
            },
        )
    return "W2 W1 and W2 b1 + b2, for square matrices and others"


@check
def is_elementwise(function: Callable[[Callable[[NDArray], NDArray]], bool]) -> str:
    """Check a function that finds out whether a given function acts on each number of an array by itself."""
    cases: tuple[tuple[Callable[[Any], NDArray], bool, str], ...] = (
        (activations.relu, True, "ReLU acts on each number by itself, and you say no"),
        (activations.softmax, False, "you say yes to softmax: change one number and see whether others move"),
        (np.tanh, True, "tanh acts on each number by itself, and you say no"),
        (
            _centred,
            False,
            "you say yes to z − z.mean(), which mixes: a sum of 1 or a range from 0 to 1 is not what to look for",
        ),
        (
            np.cumsum,
            False,
            "you say yes to the running sum, where a number moves only those behind it: change the first one",
        ),
        (
            _backward_sum,
            False,
            "you say yes to the running sum from the end, where a number moves only those before it: "
            "change every number in turn, or the last one as well",
        ),
    )
    for tested, right, hint in cases:
        answer = call(function, tested)
        if not isinstance(answer, (bool, np.bool_)):
            raise Wrong(f"return True or False, not {describe(answer)}")
        if answer != right:
            raise Wrong(hint)
    return "right about ReLU, tanh, softmax, centring and two running sums"


def _centred(z: NDArray) -> NDArray:
    return z - np.mean(z)


def _backward_sum(z: NDArray) -> NDArray:
    return np.cumsum(z[::-1])[::-1]
