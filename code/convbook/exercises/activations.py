"""Checks of chapter 6, on activation functions."""

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from convbook import activations
from convbook.exercises.verdict import Wrong, call, expect, gives_verdict, items, truth


@gives_verdict
def sigmoid_slope(at_zero: float, ten_layers: float, layers_below: int) -> str:
    """Check the sigmoid's slope at 0, the largest product of ten slopes, and when it falls below a thousandth."""
    expect(
        at_zero,
        activations.sigmoid_derivative(0),
        "the slope at 0",
        mistakes=(
            ("that is the value of the sigmoid at 0, not its slope", activations.sigmoid(0)),
            (
                "you took the slope at the sigmoid's output; the slope belongs to its input, here 0",
                activations.sigmoid_derivative(activations.sigmoid(0)),
            ),
            ("in s (1 − s) the letter s stands for the sigmoid's value, not for its input", 0),
            ("that is the slope of tanh", 1),
        ),
        reveal=False,
    )
    expect(
        ten_layers,
        0.25**10,
        "ten layers",
        mistakes=(
            ("the slopes are multiplied; you added them", 2.5),
            ("that is the product of ten values of the sigmoid at 0; multiply its slopes instead", 0.5**10),
            ("one layer is missing: multiply ten slopes", 0.25**9),
            ("there is one slope for each layer, so multiply ten of them instead of dividing by ten", 0.25 / 10),
            ("give two significant digits", 1e-6),
            ("it is small, but not 0", 0),
        ),
        within=5e-9,  # two significant digits
        reveal=False,
    )
    expect(
        layers_below,
        5,
        "below a thousandth",
        mistakes=(
            ("with four layers the product is still above a thousandth; you need one more", 4),
            ("fewer layers are enough: the largest slope is 1/4, and you multiplied by 1/2", 10),
            ("fewer layers are enough: every layer divides the product by 4", 250),
        ),
        reveal=False,
    )
    return "1/4 at 0, less than a millionth after ten layers, less than a thousandth after five"


@gives_verdict
def leaky_relu_derivative(function: Callable[[NDArray, float], NDArray]) -> str:
    """Check the derivative of the leaky ReLU: function(z, slope), with the slope below 0."""
    cases = (
        ("z = −2, 3, −0.5, 1.5 and slope 0.2", np.array([-2, 3, -0.5, 1.5]), 0.2),
        ("z = 4, −1 in a column and slope 0.01", np.array([[4.0], [-1.0]]), 0.01),
        ("a 2 × 2 × 2 array and slope 0.3", np.array([[[-0.1, 0.2], [5.0, -6.0]], [[7.0, 0.01], [-3.0, -0.01]]]), 0.3),
    )
    for case, z, slope in cases:
        try:
            slopes = call(function, z, slope)
        except Wrong as problem:
            if "truth value" not in str(problem):
                raise
            raise Wrong(
                "`if` decides only once, but z is an array, and every number in it needs its own decision: "
                "use np.where(condition, a, b)"
            ) from None
        expect(
            slopes,
            activations.leaky_relu_derivative(z, slope),
            case,
            mistakes=(
                (
                    "below 0 you return 0, the slope of ReLU; the leaky ReLU has the given slope there",
                    activations.relu_derivative(z),
                ),
                ("these are the values of the leaky ReLU; return its slopes", activations.leaky_relu(z, slope)),
                (
                    "below 0 the function is the line slope · z, so its slope does not depend on z",
                    np.where(z > 0, 1, slope * z),
                ),
                ("the line rises below 0 as well, so the slope is positive there", np.where(z > 0, 1, -slope)),
                ("the two sides are the wrong way round", np.where(z > 0, slope, 1)),
                ("use the slope that is passed to the function", activations.leaky_relu_derivative(z, 0.01)),
            ),
        )
    return "the given slope below 0, 1 above, for arrays of any shape"


@gives_verdict
def count_dead(function: Callable[[NDArray], int]) -> str:
    """Check a function that counts the units that are 0 for every input, given their values after a ReLU."""
    three_digits = np.array([[0.0, 2, 0, 0, 0, 0], [0, 0, 0, 0.5, 0, 3], [0, 3, 0, 0, 4, 0]])
    two_maps = np.zeros((2, 2, 3, 2))  # two digits, 2 × 3 positions, two channels, the second of them all 0
    two_maps[0, :, 0, 0], two_maps[1, 1, 1:, 0] = 1, 2
    rows = np.zeros((3, 2, 4))
    rows[1, 0, :2], rows[2, 1, 3] = 0.25, 3
    cases = (
        ("three digits, six units", three_digits),
        ("two digits, maps of 2 × 3 with two channels", two_maps),
        ("three digits, 2 × 4 units", rows),
    )
    for case, values in cases:
        zero = values == 0
        expect(
            call(function, values),
            zero.all(axis=0).sum(),
            case,
            mistakes=(
                ("you count units that are 0 for the first digit; a dead unit is 0 for all digits", zero[0].sum()),
                ("you count units that are 0 for some digit; a dead unit is 0 for all digits", zero.any(axis=0).sum()),
                ("you count zeros; count each unit once, and only if it is 0 for every digit", zero.sum()),
                ("these are the units that are alive; count the others", (~zero.all(axis=0)).sum()),
                (
                    "you count whole channels; a unit is a single number of a map, so count every position",
                    zero.all(axis=tuple(range(values.ndim - 1))).sum() if values.ndim > 2 else None,
                ),
            ),
            reveal=False,
        )
    return "units that are 0 for every digit, with any number of axes"


@gives_verdict
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
        (
            "two inputs, three numbers between, one output",
            np.array([[1.0, 0.5], [-2.0, 3.0], [0.0, 0.25]]),
            np.array([2.0, -3.0, 1.0]),
            np.array([[1.0, 0.5, -2.0]]),
            np.array([3.0]),
        ),
    )
    for case, w1, b1, w2, b2 in cases:
        matrix, bias = items(call(function, w1, b1, w2, b2), 2, case, "two things, the matrix and the bias")
        square = w1.shape == w2.shape
        expect(
            matrix,
            w2 @ w1,
            f"{case}, the matrix",
            mistakes=(
                (
                    "the order is wrong: W1 multiplies the input first, so W1 belongs on the right",
                    w1 @ w2 if square else None,
                ),
                (
                    "`*` multiplies element by element; applying one map after the other is a matrix product, `@`",
                    w2 * w1 if square else None,
                ),
                ("applying one map after the other is a product, not a sum", w1 + w2 if square else None),
                ("the matrix is transposed", (w2 @ w1).T),
            ),
        )
        expect(
            bias,
            w2 @ b1 + b2,
            f"{case}, the bias",
            mistakes=(
                ("b1 passes through the second map as well, so W2 multiplies it", b1 + b2 if square else None),
                ("the biases are missing; try an input of zeros to see what they add", np.zeros_like(b2)),
                ("b2 is missing: the second map adds it at the end", w2 @ b1),
                ("b1 is missing: it is part of the second map's input", b2),
                ("the maps are the wrong way round: W2 multiplies b1", w1 @ b2 + b1 if square else None),
            ),
        )
    return "W2 W1 and W2 b1 + b2, for square matrices and others"


@gives_verdict
def is_elementwise(function: Callable[[Callable[[NDArray], NDArray]], bool]) -> str:
    """Check a function that finds out whether a given function acts on each number of an array separately."""
    cases: tuple[tuple[Callable[[Any], NDArray], bool, str], ...] = (
        (activations.relu, True, "ReLU acts on each number separately, but your function returns False"),
        (
            activations.softmax,
            False,
            "your function returns True for softmax: change one input and see whether other outputs change",
        ),
        (np.tanh, True, "tanh acts on each number separately, but your function returns False"),
        (
            _two_minus,
            True,
            "2 − z acts on each number separately, even though it changes 0, but your function returns False",
        ),
        (
            _centred,
            False,
            "your function returns True for z − z.mean(), where every input changes every output: it is not enough to "
            "look for a sum of 1 or a range from 0 to 1",
        ),
        (
            np.cumsum,
            False,
            "your function returns True for the running sum, where an input changes its own output and the later ones: "
            "change the first input as well",
        ),
        (
            _backward_sum,
            False,
            "your function returns True for the running sum from the end, where an input changes its own output and "
            "earlier ones: change every input in turn, or at least the last one as well",
        ),
        (
            np.flip,
            False,
            "your function returns True for the reversed array, where an input changes the output at another position",
        ),
    )
    for tested, right, hint in cases:
        if truth(call(function, tested), "the test") != right:
            raise Wrong(hint)
    return "right for ReLU, tanh, 2 − z, softmax, centring, two running sums and the reversed array"


def _two_minus(z: NDArray) -> NDArray:
    return 2 - np.asarray(z)


def _centred(z: NDArray) -> NDArray:
    return z - np.mean(z)


def _backward_sum(z: NDArray) -> NDArray:
    return np.cumsum(z[::-1])[::-1]
