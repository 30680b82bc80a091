import keras
import numpy as np
import pytest
from scipy import special

from convbook.exercises import check


def stub(*arguments): ...


def failed_with(verdict, hint):
    return not verdict.passed and hint in verdict.message


def expit_slope(z):
    return special.expit(z) * special.expit(-z)


def test_the_slopes_of_sigmoids_pass():
    product = expit_slope(0.0) ** 10
    layers = next(n for n in range(1, 20) if expit_slope(0.0) ** n < 1e-3)
    assert check.sigmoid_slope(expit_slope(0.0), product, layers).passed
    assert check.sigmoid_slope(0.25, 9.5e-7, 5).passed  # rounded as in the text


@pytest.mark.parametrize(
    ("answer", "hint"),
    [
        ((..., ..., ...), "replace the dots"),
        ((special.expit(0), 0.25**10, 5), "the value of the sigmoid"),
        ((expit_slope(special.expit(0)), 0.25**10, 5), "at the sigmoid's output"),
        ((0 * (1 - 0), 0.25**10, 5), "not for its input"),
        ((1 - np.tanh(0) ** 2, 0.25**10, 5), "slope of tanh"),
        ((0.25, ..., 5), "ten layers: no answer yet"),
        ((0.25, 10 * 0.25, 5), "you added them"),
        ((0.25, special.expit(0) ** 10, 5), "ten values of the sigmoid"),
        ((0.25, 0.25**9, 5), "one layer is missing"),
        ((0.25, 0.25 / 10, 5), "instead of dividing by ten"),
        ((0.25, 0.0, 5), "not 0"),
        ((0.25, 1e-6, 5), "two significant digits"),
        ((0.25, 0.25**10, 4), "you need one more"),
        ((0.25, 0.25**10, 10), "you multiplied by 1/2"),
        ((0.25, 0.25**10, 250), "divides the product by 4"),
    ],
)
def test_wrong_slopes_of_sigmoids_get_their_hint(answer, hint):
    assert failed_with(check.sigmoid_slope(*answer), hint)


def keras_leaky_slope(z, slope):
    """The slope that Keras's own leaky ReLU has over a small step."""

    def leaky(values):
        tensor = keras.ops.convert_to_tensor(values, "float64")
        return np.asarray(keras.activations.leaky_relu(tensor, negative_slope=slope))

    return (leaky(z + 1e-3) - leaky(z - 1e-3)) / 2e-3


def test_the_slope_of_the_leaky_relu_of_keras_passes():
    assert check.leaky_relu_derivative(keras_leaky_slope).passed


@pytest.mark.parametrize(
    ("answer", "hint"),
    [
        (stub, "replace the dots"),
        (lambda z, slope: (z > 0) * 1.0, "0, the slope of ReLU"),
        (lambda z, slope: np.maximum(z, slope * z), "these are the values"),
        (lambda z, slope: np.where(z > 0, 1, slope * z), "does not depend on z"),
        (lambda z, slope: np.where(z > 0, 1, -slope), "positive there"),
        (lambda z, slope: np.where(z < 0, 1, slope), "wrong way round"),
        (lambda z, slope: np.where(z > 0, 1, 0.01), "that is passed to the function"),
        (lambda z, slope: np.where(z > 0, 1, 0.2), "in a column"),
        (lambda z, slope: 1 if z > 0 else slope, "np.where"),
        (lambda z, slope: z.missing, "raised AttributeError"),
        (lambda z, slope: np.where(z > 0, 1, slope).ravel(), "the shape is (2,)"),
    ],
)
def test_wrong_slopes_of_the_leaky_relu_get_their_hint(answer, hint):
    assert failed_with(check.leaky_relu_derivative(answer), hint)


def counted_dead(values):
    """Unit by unit, in plain Python."""
    return sum(all(value == 0 for value in unit) for unit in values.reshape(len(values), -1).T.tolist())


def test_dead_units_counted_one_by_one_pass():
    assert check.count_dead(counted_dead).passed


@pytest.mark.parametrize(
    ("answer", "hint"),
    [
        (stub, "replace the dots"),
        (lambda values: np.sum(values[0] == 0), "for the first digit"),
        (lambda values: np.sum((values == 0).any(axis=0)), "for some digit"),
        (lambda values: np.sum(values == 0), "you count zeros"),
        (lambda values: np.sum(values.any(axis=0)), "units that are alive"),
        (
            lambda values: np.sum((values == 0).all(axis=tuple(range(values.ndim - 1)))),
            "count every position",
        ),
        (lambda values: (values == 0).all(axis=0), "True and False are not numbers"),
        (lambda values: 2, "two digits, maps of 2 × 3"),
    ],
)
def test_wrong_counts_of_dead_units_get_their_hint(answer, hint):
    assert failed_with(check.count_dead(answer), hint)


def measured_collapse(w1, b1, w2, b2):
    """Read the one layer off what the two do to zeros and to one input at a time."""

    def both(x):
        return np.dot(w2, np.dot(w1, x) + b1) + b2

    bias = both(np.zeros(w1.shape[1]))
    columns = [both(unit) - bias for unit in np.eye(w1.shape[1])]
    return np.column_stack(columns), bias


def test_what_two_layers_do_to_single_inputs_passes():
    assert check.collapse(measured_collapse).passed


@pytest.mark.parametrize(
    ("answer", "hint"),
    [
        (stub, "replace the dots"),
        (lambda w1, b1, w2, b2: w2 @ w1, "the matrix: the shape is (2,)"),
        (lambda w1, b1, w2, b2: (w1 @ w2, w2 @ b1 + b2), "the order is wrong"),
        (lambda w1, b1, w2, b2: (w2 * w1, w2 @ b1 + b2), "element by element"),
        (lambda w1, b1, w2, b2: (w1 + w2, w2 @ b1 + b2), "not a sum"),
        (lambda w1, b1, w2, b2: (w2 @ w1, b1 + b2), "W2 multiplies it"),
        (lambda w1, b1, w2, b2: (w2 @ w1, 0 * b2), "the biases are missing"),
        (lambda w1, b1, w2, b2: (w2 @ w1, w2 @ b1), "b2 is missing"),
        (lambda w1, b1, w2, b2: (w2 @ w1, b2), "b1 is missing"),
        (lambda w1, b1, w2, b2: (w2 @ w1, w1 @ b2 + b1), "the wrong way round"),
        (lambda w1, b1, w2, b2: (w2 @ w1, (w2 @ b1 + b2) * (w1.shape == w2.shape)), "three inputs"),
    ],
)
def test_wrong_collapses_get_their_hint(answer, hint):
    assert failed_with(check.collapse(answer), hint)


def one_by_one(function):
    """Whether an array gives what its numbers give alone."""
    z = np.array([0.5, -1.5, 2.5])
    return bool(np.allclose(function(z), [function(z[i : i + 1])[0] for i in range(3)]))


def others_stay(function, changed, watched):
    z = np.array([0.5, -1.5, 2.5])
    moved = z.copy()
    moved[changed] += 1
    return bool(np.allclose(function(z)[watched], function(moved)[watched]))


def test_numbers_alone_and_together_pass():
    assert check.is_elementwise(one_by_one).passed


@pytest.mark.parametrize(
    ("answer", "hint"),
    [
        (stub, "replace the dots"),
        (lambda function: True, "True for softmax"),
        (lambda function: False, "ReLU acts on each number"),
        (lambda function: function(np.array([-1.0, 1]))[0] == 0, "tanh acts on each number"),
        (lambda function: abs(function(np.array([0.5, 1])).sum() - 1) > 1e-9, "z − z.mean()"),
        (
            lambda function: others_stay(function, 2, [0, 1]),
            "running sum, where an input changes its own output and the later ones",
        ),
        (lambda function: others_stay(function, 0, [1, 2]), "from the end"),
        (lambda function: function(np.array([0.5, 1])), "a single True or False"),
    ],
)
def test_wrong_tests_for_elementwise_get_their_hint(answer, hint):
    verdict = check.is_elementwise(answer)
    assert failed_with(verdict, hint), verdict
