"""The activation functions against Keras, SciPy, and numeric slopes."""

import warnings

import keras
import numpy as np
import pytest
from scipy import special

from convbook import activations
from convbook.activations import ACTIVATIONS, activation, leaky_relu, leaky_relu_derivative, softmax

NAMES = list(ACTIVATIONS)
KERAS = {
    "linear": keras.activations.linear,
    "sigmoid": keras.activations.sigmoid,
    "tanh": keras.activations.tanh,
    "relu": keras.activations.relu,
    "leaky_relu": lambda z: keras.activations.leaky_relu(z, negative_slope=0.01),
    "elu": keras.activations.elu,
    "gelu": lambda z: keras.activations.gelu(z, approximate=False),
    "swish": keras.activations.silu,
}
SCIPY = {  # in double precision, tails included
    "sigmoid": (special.expit, lambda z: special.expit(z) * special.expit(-z)),
    "tanh": (np.tanh, lambda z: 1 / np.cosh(z) ** 2),
    "elu": (lambda z: np.where(z > 0, z, special.expm1(z)), lambda z: np.where(z > 0, 1, np.exp(z))),
    "gelu": (
        lambda z: z * special.ndtr(z),
        lambda z: special.ndtr(z) + z * np.exp(-(z**2) / 2) / np.sqrt(2 * np.pi),
    ),
    "swish": (
        lambda z: z * special.expit(z),
        lambda z: special.expit(z) * (1 + z * special.expit(-z)),
    ),
}
Z = np.linspace(-6, 6, 241)  # with 0
TAILS = np.linspace(-30, 30, 121)
# Keras keeps its constants, such as the root of 2, in single precision; SciPy below is exact.
KERAS_CONSTANTS = {"rtol": 1e-6, "atol": 1e-7}
HUGE = np.array([-1e300, -1e30, -1000, -750, -100, 100, 750, 1000, 1e30, 1e300])


@pytest.mark.parametrize("name", NAMES)
def test_functions_agree_with_keras(name):
    theirs = np.asarray(KERAS[name](keras.ops.convert_to_tensor(Z, "float64")))
    np.testing.assert_allclose(ACTIVATIONS[name].function(Z), theirs, **KERAS_CONSTANTS)


@pytest.mark.parametrize("name", NAMES)
def test_derivatives_agree_with_tensorflow_kinks_included(name):
    import tensorflow as tf

    z = tf.Variable(Z)
    with tf.GradientTape() as tape:
        total = tf.reduce_sum(KERAS[name](z * 1.0))
    np.testing.assert_allclose(ACTIVATIONS[name].derivative(Z), tape.gradient(total, z).numpy(), **KERAS_CONSTANTS)


@pytest.mark.parametrize("name", NAMES)
def test_derivatives_are_the_slopes_of_the_functions(name):
    z = Z[np.abs(Z) > 1e-3]  # not across a kink
    step = 1e-5
    function = ACTIVATIONS[name].function
    slopes = (function(z + step) - function(z - step)) / (2 * step)
    np.testing.assert_allclose(ACTIVATIONS[name].derivative(z), slopes, atol=1e-9)


@pytest.mark.parametrize("name", SCIPY)
def test_tails_keep_their_digits(name):
    function, derivative = SCIPY[name]
    np.testing.assert_allclose(ACTIVATIONS[name].function(TAILS), function(TAILS), rtol=1e-12)
    np.testing.assert_allclose(ACTIVATIONS[name].derivative(TAILS), derivative(TAILS), rtol=1e-11)


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_huge_inputs_neither_overflow_nor_lose_a_number(name, dtype):
    huge = HUGE[np.abs(HUGE) < np.finfo(dtype).max].astype(dtype)
    with warnings.catch_warnings(), np.errstate(over="raise", invalid="raise", divide="raise"):
        warnings.simplefilter("error")
        values, slopes = ACTIVATIONS[name].function(huge), ACTIVATIONS[name].derivative(huge)
    assert np.isfinite(values).all()
    # Far out every function is flat or a straight line.
    left = {"linear": 1, "leaky_relu": 0.01}.get(name, 0)
    right = 0 if name in {"sigmoid", "tanh"} else 1
    np.testing.assert_allclose(slopes, np.where(huge < 0, left, right), atol=1e-30, rtol=1e-6)


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("part", ["function", "derivative"])
def test_shapes_and_float_types_stay(name, part):
    function = getattr(ACTIVATIONS[name], part)
    for dtype in ("float16", "float32", "float64"):
        result = function(np.ones((2, 3), dtype))
        assert result.shape == (2, 3)
        assert result.dtype == dtype
    assert function([[1, -1]]).dtype == float
    assert np.ndim(function(-2)) == 0
    assert function(np.empty((0, 3))).shape == (0, 3)


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("part", ["function", "derivative"])
def test_arguments_are_left_as_they_are(name, part):
    z = Z.copy()
    result = getattr(ACTIVATIONS[name], part)(z)
    np.testing.assert_array_equal(z, Z)
    if name != "linear" or part == "derivative":
        assert not np.shares_memory(result, z)


@pytest.mark.parametrize(
    "values", ["3", ["1", "2"], None, [None, 1.0], 1 + 2j, [10**400]], ids=lambda value: repr(value)[:20]
)
@pytest.mark.parametrize("part", ["function", "derivative"])
def test_what_holds_no_real_numbers_is_refused(part, values):
    for name in NAMES:
        with pytest.raises(ValueError, match="activation functions take real numbers, got "):
            getattr(ACTIVATIONS[name], part)(values)
    with pytest.raises(ValueError, match="take real numbers"):
        softmax(values)


@pytest.mark.parametrize("slope", [0, 0.01, 0.2])
def test_leaky_relu_takes_a_slope(slope):
    theirs = np.asarray(keras.activations.leaky_relu(keras.ops.convert_to_tensor(Z, "float64"), negative_slope=slope))
    np.testing.assert_allclose(leaky_relu(Z, slope), theirs, **KERAS_CONSTANTS)
    np.testing.assert_array_equal(leaky_relu_derivative([-3, 3], slope), [slope, 1])


@pytest.mark.parametrize("axis", [-1, 0])
def test_softmax_agrees_with_scipy(axis):
    logits = np.random.default_rng(0).normal(scale=5, size=(4, 10))
    np.testing.assert_allclose(softmax(logits, axis), special.softmax(logits, axis), rtol=1e-12)


def test_softmax_of_huge_logits_does_not_overflow():
    with np.errstate(over="raise", invalid="raise"):
        np.testing.assert_allclose(softmax([1e300, 1e300, -1e300]), [0.5, 0.5, 0])


def test_activations_are_found_by_name():
    assert activation("relu").function is activations.relu
    assert all(activation(name).name == name for name in NAMES)


@pytest.mark.parametrize(("name", "hint"), [("rleu", "'rleu'; there are: linear, sigmoid"), ("softmax", "mixes")])
def test_unknown_name_is_named_with_the_known_ones(name, hint):
    with pytest.raises(ValueError, match=hint):
        activation(name)


def test_the_table_cannot_be_changed_by_accident():
    with pytest.raises(TypeError):
        ACTIVATIONS["relu"] = ACTIVATIONS["tanh"]
