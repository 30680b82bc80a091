"""Right and wrong answers to every exercise: what the checks are tested against.

``EXERCISES`` holds, by the name of the check, the forms in which a right answer may come and the mutants, answers with
one thing wrong. Each is a tuple of the arguments of the check.
"""

from dataclasses import dataclass, field
from functools import partial
from itertools import count
from math import ceil, comb, cos, log, pi, sqrt
from math import floor as floor_of
from typing import Any

import numpy as np
from scipy import signal, special, stats

from convbook.convolve import conv2d_windows, corr2d, true_convolution

Answers = tuple[Any, ...]

KERNEL = np.array([[1, 2], [0, -1]])
IMAGE = np.array([[1, 0, 2], [0, 3, 1], [2, 1, 0]])


@dataclass
class Exercise:
    """The forms of a right answer that must pass, and the mutants that must not."""

    forms: dict[str, Answers]
    mutants: dict[str, Answers] = field(default_factory=dict)


def tensor(value: Any) -> Any:
    import tensorflow as tf

    return tf.constant(np.asarray(value))


# What any numbers may come as, and what is never a number.
FORMS = {
    "list": lambda a: np.asarray(a).tolist(),
    "tuple": lambda a: _tuples(np.asarray(a).tolist()),
    "array": np.asarray,
    "floats": lambda a: np.asarray(a, float),
    "objects": lambda a: np.asarray(a).astype(object),
    "list of NumPy scalars": lambda a: list(np.asarray(a)) if np.ndim(a) else np.asarray(a)[()],
    "list of 0-d arrays": lambda a: [np.asarray(x) for x in np.asarray(a)] if np.ndim(a) else np.asarray(a),
    "tensor": tensor,
}
NONSENSE = {
    "dots": lambda a: ...,
    "None": lambda a: None,
    "strings": lambda a: np.asarray(a).astype(str).tolist(),
    "an array of strings": lambda a: np.asarray(a).astype(str),
    "nan": lambda a: np.full(np.shape(a), np.nan),
    "infinity": lambda a: np.full(np.shape(a), -np.inf),
    "bools": lambda a: np.ones(np.shape(a), bool),
    "complex": lambda a: np.asarray(a) + 0j,
    "huge": lambda a: np.full(np.shape(a), 10**400, object),
    "in brackets": lambda a: [a],
    "ragged": lambda a: [[1, 2], [3]],
    "all off by one": lambda a: np.asarray(a) + 1,
    "all negative": lambda a: -np.asarray(a),
    "all zero": lambda a: np.zeros(np.shape(a)),
    "all the same": lambda a: np.full(np.shape(a), np.mean(a) + 0.7),
    "endless": lambda a: count(),
    "a dictionary": lambda a: dict(enumerate(np.ravel(a))),
    "a function": lambda a: len,
}


def _tuples(value: Any) -> Any:
    return tuple(map(_tuples, value)) if isinstance(value, list) else value


def of_numbers(*right: Any, skip: tuple[str, ...] = (), **mutants: Answers) -> Exercise:
    """Make an exercise whose answers are numbers: every form of each, nonsense for each, and the mutants."""
    exercise = Exercise({"as is": right}, dict(mutants))
    for place, answer in enumerate(right):
        changed = partial(_replace, right, place)
        for name, form in FORMS.items():
            exercise.forms[f"{place}: {name}"] = changed(form(answer))
        for name, form in NONSENSE.items():
            exercise.mutants[f"{place}: {name}"] = changed(form(answer))
        array = np.asarray(answer)
        for index in np.ndindex(array.shape):  # one number wrong at a time
            wrong = array.astype(float)
            wrong[index] += 1
            exercise.mutants[f"{place}: wrong at {index}"] = changed(wrong)
        if array.ndim == 1:
            exercise.mutants[f"{place}: one too few"] = changed(array[:-1])
            exercise.mutants[f"{place}: one too many"] = changed([*array, array[-1]])
            exercise.mutants[f"{place}: a set"] = changed(set(array.tolist()))
        if array.ndim == 2:
            exercise.mutants[f"{place}: ravelled"] = changed(array.ravel())
    exercise.mutants = {name: wrong for name, wrong in exercise.mutants.items() if not name.startswith(skip)}
    return exercise


def _replace(right: Answers, place: int, answer: Any) -> Answers:
    return (*right[:place], answer, *right[place + 1 :])


def of_function(right: Any, *rest: Any, changes: bool = True, tensors: bool = True, **mutants: Any) -> Exercise:
    """Make an exercise whose first answer is a function: other types of the result, and mutants of the function."""
    forms = {
        "as is": right,
        "list": lambda *given: _map(FORMS["list"], right(*given)),
        "tuple": lambda *given: _map(FORMS["tuple"], right(*given)),
        "array": lambda *given: _map(np.asarray, right(*given)),
        "32 bits": lambda *given: _map(lambda a: np.asarray(a, np.float32), right(*given)),
        "tensor": lambda *given: _map(tensor, right(*given)),
    }
    if not tensors:
        del forms["tensor"], forms["32 bits"]
    wrong: dict[str, Any] = {
        "nothing": lambda *given: None,
        "dots": lambda *given: ...,
        "not a function": 5,
        "strings": lambda *given: _map(lambda a: np.asarray(a).astype(str).tolist(), right(*given)),
        "nan": lambda *given: _map(lambda a: np.asarray(a, float) * np.nan, right(*given)),
        "bools": lambda *given: _map(lambda a: np.ones(np.shape(a), bool), right(*given)),
        "negative": lambda *given: _map(lambda a: -np.asarray(a) - 1, right(*given)),
        "slightly off": lambda *given: _map(lambda a: np.asarray(a, float) * 1.1 + 0.3, right(*given)),
        "zeros": lambda *given: _map(lambda a: np.zeros(np.shape(a)), right(*given)),
        "in brackets": lambda *given: [right(*given)],
        "a generator": lambda *given: (x for x in [right(*given)]),
        "endless": lambda *given: count(),
        "raises": lambda *given: 1 / 0,
        "exits": lambda *given: exit(),
        "takes nothing": lambda: 1,
    }
    wrong |= mutants
    if changes:
        wrong["changes its input"] = lambda *given: (right(*given), _change(given))[0]
    return Exercise(
        {name: (function, *rest) for name, function in forms.items()},
        {name: (function, *rest) for name, function in wrong.items()},
    )


def with_numbers(exercise: Exercise, function: Any, numbers: Exercise) -> Exercise:
    """Add the forms and mutants of the numbers that are asked for after a function."""
    exercise.forms |= {f"numbers, {name}": (function, *answers) for name, answers in numbers.forms.items()}
    exercise.mutants |= {f"numbers, {name}": (function, *answers) for name, answers in numbers.mutants.items()}
    return exercise


def _map(form: Any, result: Any) -> Any:
    """Change the form of a result, or of each part of a tuple."""
    return tuple(form(part) for part in result) if isinstance(result, tuple) else form(result)


def _change(given: Answers) -> None:
    for argument in given:
        if isinstance(argument, np.ndarray):
            argument *= 2
            argument += 1
        elif isinstance(argument, list):
            argument.append(argument[-1])


# Chapter 1


def conv(image, filters, bias, stride, padding):
    return conv2d_windows(image, filters, bias, stride=stride, padding=padding)


def strided(image, filters, bias, rows, columns, padding):
    return conv(image, filters, bias, 1, padding)[::rows, ::columns]


def padded(image, filters, bias, stride, rows, columns, mode="constant"):
    return conv(np.pad(image, [(rows, rows), (columns, columns), (0, 0)], mode=mode), filters, bias, stride, 0)


def square_kernel(image, filters, bias, stride, padding, axis=0):
    """Take the kernel's size along one axis for both, with what NumPy gives when a slice runs over."""
    image = np.pad(image, [(padding, padding), (padding, padding), (0, 0)])
    k = filters.shape[axis]
    rows, columns = ((size - k) // stride + 1 for size in image.shape[:2])
    maps = np.zeros((rows, columns, filters.shape[3]))
    for i, j in np.ndindex(rows, columns):
        crop = image[i * stride : i * stride + k, j * stride : j * stride + k, :, np.newaxis]
        h, w = min(k, filters.shape[0], crop.shape[0]), min(k, filters.shape[1], crop.shape[1])
        maps[i, j] = (crop[:h, :w] * filters[:h, :w]).sum(axis=(0, 1, 2)) + bias
    return maps


def square_image(image, filters, bias, stride, padding):
    maps = conv(image, filters, bias, stride, padding)
    side = maps.shape[0]
    result = np.zeros((side, side, maps.shape[2]))
    result[:, : maps.shape[1]] = maps[:, :side]
    return result


def whole(image, filters, bias, stride, padding):
    return conv(image, filters, bias, stride, padding).astype(int)


def only_if(condition, otherwise=lambda right: right + 1):
    """Be right only under a condition on the arguments."""

    def function(*given):
        right = conv(*given)
        return right if condition(*given) else otherwise(right)

    return function


def in_place(image, filters, bias, stride, padding):
    right = conv(image, filters, bias, stride, padding)
    image[:] = 0
    return right


def bias_in_place(image, filters, bias, stride, padding):
    right = conv(image, filters, bias, stride, padding)
    bias += 1
    return right


CONV2D = of_function(
    conv,
    flipped=lambda x, f, *rest: conv(x, f[::-1, ::-1], *rest),
    flipped_up_down=lambda x, f, *rest: conv(x, f[::-1], *rest),
    flipped_left_right=lambda x, f, *rest: conv(x, f[:, ::-1], *rest),
    transposed=lambda x, f, *rest: conv(x, f.swapaxes(0, 1), *rest),
    transposed_if_square=lambda x, f, *rest: conv(x, f.swapaxes(0, 1) if f.shape[0] == f.shape[1] else f, *rest),
    channels_swapped=lambda x, f, *rest: conv(x, f.swapaxes(2, 3), *rest),
    channels_swapped_if_square=lambda x, f, *rest: conv(x, f.swapaxes(2, 3) if f.shape[2] == f.shape[3] else f, *rest),
    channels_reversed=lambda x, f, *rest: conv(x[:, :, ::-1], f, *rest),
    filters_reversed=lambda x, f, *rest: conv(x, f[..., ::-1], *rest),
    filters_reversed_with_bias=lambda x, f, b, *rest: conv(x, f[..., ::-1], b[::-1], *rest),
    no_bias=lambda x, f, b, *rest: conv(x, f, b * 0, *rest),
    bias_for_each_channel=lambda x, f, b, *rest: conv(x, f, b * x.shape[2], *rest),
    bias_for_each_weight=lambda x, f, b, *rest: conv(x, f, b * f[..., 0].size, *rest),
    first_bias_for_all=lambda x, f, b, *rest: conv(x, f, b[0] + 0 * b, *rest),
    bias_subtracted=lambda x, f, b, *rest: conv(x, f, -b, *rest),
    bias_reversed=lambda x, f, b, *rest: conv(x, f, b[::-1], *rest),
    stride_on_rows=lambda x, f, b, s, p: strided(x, f, b, s, 1, p),
    stride_on_columns=lambda x, f, b, s, p: strided(x, f, b, 1, s, p),
    stride_ignored=lambda x, f, b, s, p: conv(x, f, b, 1, p),
    stride_at_most_2=lambda x, f, b, s, p: conv(x, f, b, min(s, 2), p),
    stride_as_kernel=lambda x, f, b, s, p: conv(x, f, b, f.shape[0] if s > 1 else 1, p),
    stride_from_1=lambda x, f, b, s, p: strided(x[1:] if s > 1 and not p else x, f, b, s, s, p),
    padding_ignored=lambda x, f, b, s, p: conv(x, f, b, s, 0),
    padding_as_flag=lambda x, f, b, s, p: conv(x, f, b, s, min(p, 1)),
    padding_as_half_kernel=lambda x, f, b, s, p: padded(x, f, b, s, *((k // 2 if p else 0) for k in f.shape[:2])),
    padding_as_half_height=lambda x, f, b, s, p: conv(x, f, b, s, f.shape[0] // 2 if p else 0),
    padding_on_rows=lambda x, f, b, s, p: padded(x, f, b, s, p, 0),
    padding_on_columns=lambda x, f, b, s, p: padded(x, f, b, s, 0, p),
    padding_of_edges=lambda x, f, b, s, p: padded(x, f, b, s, p, p, "edge"),
    padding_of_reflections=lambda x, f, b, s, p: padded(x, f, b, s, p, p, "symmetric"),
    padding_before=lambda x, f, b, s, p: conv(np.pad(x, [(p, 0), (p, 0), (0, 0)]), f, b, s, 0),
    padding_after=lambda x, f, b, s, p: conv(np.pad(x, [(0, p), (0, p), (0, 0)]), f, b, s, 0),
    padding_halved=lambda x, f, b, s, p: conv(
        np.pad(x, [(p // 2, p - p // 2), (p // 2, p - p // 2), (0, 0)]), f, b, s, 0
    ),
    padding_and_stride_swapped=lambda x, f, b, s, p: conv(x, f, b, p + 1, s - 1),
    height_for_both=square_kernel,
    width_for_both=lambda *given: square_kernel(*given, axis=1),
    square_images_only=square_image,
    right_but_for_1x1=only_if(lambda x, f, b, s, p: f.shape[:2] != (1, 1)),
    right_but_for_5x5=only_if(lambda x, f, b, s, p: max(f.shape[:2]) < 5),
    right_up_to_3x3=only_if(lambda x, f, b, s, p: max(f.shape[:2]) <= 3),
    right_for_square_kernels=only_if(lambda x, f, b, s, p: f.shape[0] == f.shape[1]),
    right_for_square_images=only_if(lambda x, f, b, s, p: x.shape[0] == x.shape[1]),
    right_for_wide_images=only_if(lambda x, f, b, s, p: x.shape[0] <= x.shape[1]),
    right_for_tall_images=only_if(lambda x, f, b, s, p: x.shape[0] >= x.shape[1]),
    right_for_up_to_3_channels=only_if(lambda x, f, b, s, p: x.shape[2] <= 3),
    right_for_1_channel=only_if(lambda x, f, b, s, p: x.shape[2] == 1),
    right_for_1_filter=only_if(lambda x, f, b, s, p: f.shape[3] == 1),
    right_for_symmetric_kernels=lambda x, f, *rest: conv(x, (f + f[:, ::-1]) / 2, *rest),
    right_shape_wrong_values=lambda *given: np.full_like(conv(*given), 0.125),
    relu=lambda *given: np.maximum(conv(*given), 0),
    absolute=lambda *given: np.abs(conv(*given)),
    whole_numbers=whole,
    mean_over_channels=lambda x, f, b, *rest: conv(x, f / x.shape[2], b, *rest),
    first_channel=lambda x, f, *rest: conv(x[:, :, :1], f[:, :, :1], *rest),
    last_channel=lambda x, f, *rest: conv(x[:, :, -1:], f[:, :, -1:], *rest),
    one_slice_for_all=lambda x, f, *rest: conv(x, np.repeat(f[:, :, :1], f.shape[2], axis=2), *rest),
    filters_added_up=lambda *given: conv(*given).sum(axis=2, keepdims=True),
    map_transposed=lambda *given: conv(*given).swapaxes(0, 1),
    channels_first=lambda *given: np.moveaxis(conv(*given), 2, 0),
    one_map_without_axis=lambda *given: np.squeeze(conv(*given)),
    image_in_place=in_place,
    bias_in_place=bias_in_place,
)


def gradient(image, kernel, u):
    return corr2d(image, u)


KERNEL_GRADIENT = of_function(
    gradient,
    rotated_u=lambda x, k, u: true_convolution(x, u),
    flipped_u_up_down=lambda x, k, u: corr2d(x, u[::-1]),
    flipped_u_left_right=lambda x, k, u: corr2d(x, u[:, ::-1]),
    rotated=lambda x, k, u: corr2d(x, u)[::-1, ::-1],
    flipped_up_down=lambda x, k, u: corr2d(x, u)[::-1],
    flipped_left_right=lambda x, k, u: corr2d(x, u)[:, ::-1],
    transposed=lambda x, k, u: corr2d(x, u).T,
    transposed_if_square=lambda x, k, u: corr2d(x, u).T if k.shape[0] == k.shape[1] else corr2d(x, u),
    without_u=lambda x, k, u: corr2d(x, np.ones_like(u)),
    mean=lambda x, k, u: corr2d(x, u) / u.size,
    by_image=lambda x, k, u: signal.convolve2d(u, k),
    outputs=lambda x, k, u: corr2d(x, k),
    times_kernel=lambda x, k, u: corr2d(x, u) * k,
    height_for_both=lambda x, k, u: corr2d(x, u)[: k.shape[0], : k.shape[0]],
    right_for_square_kernels=lambda x, k, u: corr2d(x, u) + (k.shape[0] != k.shape[1]),
    right_but_for_1x1=lambda x, k, u: corr2d(x, u) + (k.size == 1),
    right_but_for_5x5=lambda x, k, u: corr2d(x, u) + (k.size == 25),
    right_for_2x2=lambda x, k, u: corr2d(x, u)[:2, :2],
    whole_numbers=lambda x, k, u: corr2d(x, u).astype(int),
    only_the_first=lambda x, k, u: np.full_like(k, corr2d(x, u)[0, 0]),
)


def shifted(old_map, shift):
    return old_map[:, :-shift]


PREDICT = of_function(
    shifted,
    last_columns=lambda m, s: m[:, s:],
    rows=lambda m, s: m[:-s],
    last_rows=lambda m, s: m[s:],
    all_columns=lambda m, s: m,
    rolled=lambda m, s: np.roll(m, s, axis=1),
    with_zeros=lambda m, s: np.pad(m, [(0, 0), (s, 0)])[:, :-s],
    by_one=lambda m, s: m[:, :-1],
    one_more=lambda m, s: m[:, : -s - 1],
    height_for_width=lambda m, s: m[:, : m.shape[0] - s],
    rows_and_columns=lambda m, s: m[:-s, :-s],
    reversed=lambda m, s: m[:, :-s][:, ::-1],
    transposed=lambda m, s: m.T[:, :-s],
    rounded=lambda m, s: np.round(m[:, :-s]),
)

SIZES = [26, 3, 40, 29, 13, 24]


def size_mutant(function):
    cases = ((28, 3, 1, 1), (7, 3, 2, 1), (121, 4, 3, 1), (63, 7, 2, 1), (28, 3, 2, 1), (28, 3, 1, 2))
    return ([function(*case) for case in cases],)


# Chapter 2


def svd_split(pick, limit=1e-9):
    def split(kernel):
        u, s, vt = np.linalg.svd(kernel)
        return [pick(u, s, vt, i) for i in range((s > limit).sum())]

    return split


def parts(u, s, vt, i):
    return s[i] * u[:, i], vt[i]


def pairs_as(form):
    return lambda kernel: form(svd_split(parts)(kernel))


def in_place_split(kernel):
    result = svd_split(parts)(kernel)
    kernel *= 2
    return result


def solved(image, target, shape):
    """Least squares instead of gradient descent."""
    windows = np.lib.stride_tricks.sliding_window_view(image, shape).reshape(-1, np.prod(shape))
    return np.linalg.lstsq(windows, target.ravel(), rcond=None)[0].reshape(shape)


def descent(steps=100, rate=1.0, sign=1, gradient=lambda image, errors, shape: corr2d(image, errors)):
    def learn(image, target, shape):
        weights = np.zeros(shape)
        for _ in range(steps):
            errors = corr2d(image, weights) - target
            weights = weights - sign * rate * 2 * gradient(image, errors, shape) / errors.size
        return weights

    return learn


SHIFT = np.array([[0, 0, 0], [1, 0, 0], [0, 0, 0]])
KERNELS = (
    np.array([[0, 0, 0], [0, 1, 0], [0, 0, 0]]),
    SHIFT,
    np.ones((3, 3)) / 9,
    np.array([[0, 0, 0], [-1, 0, 1], [0, 0, 0]]),
    np.array([[0, 1, 0], [1, -4, 1], [0, 1, 0]]),
)


def kernels(**changes):
    names = ("identity", "shift_right", "blur", "edges", "laplacian")
    return tuple(changes.get(name, kernel) for name, kernel in zip(names, KERNELS, strict=True))


# Chapter 3


def pair(image, first, second, before=lambda x: x, between=lambda x: np.maximum(x, 0), after=lambda x: x):
    return after(corr2d(between(corr2d(before(image), first)), second))


def relu(x):
    return np.maximum(x, 0)


def same(x):
    return x


def compose(first, second):
    return signal.convolve2d(first, second)


BAR = np.zeros((9, 9))
BAR[3:6, 4] = 1
# Almost any two images will do, so these are not of_numbers.
IMAGES = Exercise(
    {
        "lists": (BAR.tolist(), (-BAR).tolist()),
        "integers": (BAR.astype(int), -BAR.astype(int)),
        "tensors": (tensor(BAR), tensor(-BAR)),
        "not square": (BAR[:, 1:], -BAR[:, 1:]),
        "huge": (BAR * 1e300, -BAR * 1e300),
        "random": tuple(np.random.default_rng(0).random((2, 5, 6))),
    },
    {
        "dots": (..., ...),
        "one": (BAR, ...),
        "strings": ("bar", "bar"),
        "bools": (BAR > 0, BAR > 1),
        "numbers": (1, 2),
        "other shapes": (BAR, BAR[1:]),
        "small": (np.ones((4, 4)), -np.ones((4, 4))),
        "volumes": (BAR[..., np.newaxis], -BAR[..., np.newaxis]),
        "infinite": (BAR, BAR + np.inf),
        "ragged": ([[1], [2, 3]], BAR),
        "flat": (np.ones((9, 9)), np.zeros((9, 9))),
        "zeros": (0 * BAR, 0 * BAR),
        "twice the same": (BAR, BAR),
        "one empty": (BAR, 0 * BAR),
        "twice as bright": (BAR, 2 * BAR),
        "huge and twice as bright": (1e300 * BAR, 2e300 * BAR),
        "apart": (np.pad(BAR, [(0, 0), (0, 9)]), np.pad(-BAR, [(0, 0), (9, 0)])),
    },
)
CROSS = np.zeros((5, 5))
CROSS[2, :] = CROSS[:, 2] = 1
COMPOSED = signal.convolve2d([[0, 1, 0], [1, 1, 1], [0, 1, 0]], [[1, 0, 0], [0, 1, 0], [0, 0, 1]])


def stack_count(kernel, layers, channels):
    return layers * channels * (kernel**2 * channels + 1)


# Chapter 4


def one_by_one(maps, weights, bias):
    return maps @ weights + bias


def torn_apart(maps, weights, bias):
    height, width, channels = maps.shape
    return (maps.reshape(channels, -1).T @ weights + bias).reshape(height, width, -1)


def break_even(size, channels_in, kernel, size_out, channels_out):
    following = size_out**2 * kernel**2 * channels_out
    return -(-following * channels_in // (size**2 * channels_in + following)) - 1


def ratio(size, channels_in, kernel, size_out, channels_out):
    following = size_out**2 * kernel**2 * channels_out
    return following * channels_in / (size**2 * channels_in + following)


# Chapter 5


def folded(gamma, beta, mean, variance, epsilon, filters, bias, root=np.sqrt, shift=lambda b, m, a: b - m * a):
    scale = gamma / root(variance + epsilon)
    return filters * scale[:, np.newaxis], bias + np.einsum("ijco,c->o", filters, shift(beta, mean, scale))


def wrong_axis(gamma, beta, mean, variance, epsilon, filters, bias):
    scale = gamma / np.sqrt(variance + epsilon)
    return filters * scale, bias + np.einsum("ijco,c->o", filters, beta - mean * scale)


def into_the_one_before(gamma, beta, mean, variance, epsilon, filters, bias):
    scale = gamma / np.sqrt(variance + epsilon)
    return filters * scale, bias * scale + beta - mean * scale


def middle_weight_only(gamma, beta, mean, variance, epsilon, filters, bias):
    scale = gamma / np.sqrt(variance + epsilon)
    return filters * scale[:, np.newaxis], bias + filters[0, 0].T @ (beta - mean * scale)


def brightness(maps, shared):
    largest = maps.max() if shared else maps.max(axis=(0, 1))
    return maps / np.where(largest > 0, largest, 1)


def stretched(maps, shared):
    axis = None if shared else (0, 1)
    low, high = maps.min(axis=axis), maps.max(axis=axis)
    return (maps - low) / np.where(high > low, high - low, 1)


COUNTS = {"convolution": 2320, "batch normalisation": 64, "network": 14060, "trainable": 13848, "without biases": 13944}


# Chapter 6


def leaky(z, slope):
    return np.where(z > 0, 1.0, slope)


def dead(values):
    return (values == 0).all(axis=0).sum()


def collapsed(w1, b1, w2, b2):
    return w2 @ w1, w2 @ b1 + b2


def others_stay(function, places, z=(0.3, -0.2, 0.5)):
    z = np.array(z)
    for place in places:
        moved = z.copy()
        moved[place] += 1
        others = np.arange(len(z)) != place
        if not np.allclose(function(z)[others], function(moved)[others]):
            return False
    return True


def each_for_itself(function):
    return others_stay(function, range(3))


# Chapter 7


def spread(layers, root=np.sqrt, term=lambda kernel, jump: jump**2 * (kernel**2 - 1) / 12):
    total, jump = 0.0, 1
    for kernel, stride in layers:
        total += term(kernel, jump)
        jump *= stride
    return root(total)


# Chapter 8


def notes_rate(epoch):
    return 0.003 / (1 + 0.319 * (epoch - 1))


LAST_SHARE = notes_rate(20) / notes_rate(1)


def warm(epoch, peak, epochs, warm_up):
    if epoch < warm_up:
        return peak * (epoch + 1) / warm_up
    return peak * (1 + np.cos(np.pi * (epoch - warm_up) / (epochs - warm_up))) / 2


def warm_like(rise=None, fall=None):
    """Change the rise or the fall of the schedule, each a share of the peak."""

    def schedule(epoch, peak, epochs, warm_up):
        if epoch < warm_up and rise:
            return peak * rise(epoch, epochs, warm_up)
        if epoch >= warm_up and fall:
            return peak * fall(epoch, epochs, warm_up)
        return warm(epoch, peak, epochs, warm_up)

    return schedule


def half_cosine(done, epochs):
    return (1 + cos(pi * done / epochs)) / 2


def excess(rows, weights, labels):
    return special.softmax(rows @ weights, axis=1) - np.eye(weights.shape[1])[labels]


def layer_gradient(weights, rows, labels):
    return rows.T @ excess(rows, weights, labels) / len(labels)


def gradient_of(formula):
    """Make a gradient of a formula of the probabilities, the right answers and the logits."""

    def gradient(weights, rows, labels):
        logits = rows @ weights
        return rows.T @ formula(special.softmax(logits, axis=1), np.eye(logits.shape[1])[labels], logits) / len(labels)

    return gradient


def trained(
    rows, labels, rate, size, epochs, *, starts=lambda n, b: range(0, n, b), step=layer_gradient, weights=0.0, order=1
):
    rows, labels = rows[::order], labels[::order]
    weights = np.full((rows.shape[1], 10), weights)
    for _ in range(epochs):
        for start in starts(len(labels), size):
            chosen = slice(start, start + size)
            weights = weights - rate * step(weights, rows[chosen], labels[chosen])
    return weights


def batches(examples, size):
    steps = -(-examples // size)
    return steps, examples - (steps - 1) * size


# Chapter 11


def two_sided(a, b):
    return min(1.0, 2 * sum(comb(a + b, k) for k in range(min(a, b) + 1)) / 2 ** (a + b))


P_VALUES = [two_sided(49 - shared, 56 - shared) for shared in (0, 30, 49)]

# Chapters 9 to 12


class Network:
    """What the check of the budget reads of a Keras model."""

    def __init__(self, parameters=7_000, input_shape=(None, 28, 28, 1), output_shape=(None, 10)):
        self.parameters, self.input_shape, self.output_shape = parameters, input_shape, output_shape

    def count_params(self):
        return self.parameters


def interval(runs, level=0.975, ddof=1, freedom=1, factor=1.0, roots=1):
    half = stats.t.ppf(level, len(runs) - freedom) * np.std(runs, ddof=ddof) / sqrt(len(runs)) ** roots
    return np.mean(runs) - factor * half, np.mean(runs) + factor * half


def flattery(log):
    return np.mean(log.max(axis=1) - log[:, -1])


def compact(stages, per_channel=4, bias=1, head=True, first=1, area=9):
    total, channels = 0, first
    for filters in (k for stage in stages for k in stage):
        total += area * channels * filters + (bias + per_channel) * filters
        channels = filters
    return total + (10 * (channels + bias) if head else 0)


def floor(rate, base=None):
    target = np.full(10, rate / 10)
    target[0] += 1 - rate
    return stats.entropy(target, base=base)


def span(momentum, share, whole=ceil):
    return whole(log(1 - share) / log(momentum))


def undominated(networks):
    return [a for a in networks if not any(b[0] <= a[0] and b[1] >= a[1] and b != a for b in networks)]


def next_smaller_only(networks):
    ordered = sorted(networks)
    return [b for a, b in zip([(0, 0.0), *ordered], ordered, strict=False) if b[1] > a[1]]


def sorts_in_place(networks):
    networks.sort()
    return undominated(networks)


FIELDS = [3, 5, 5, 6, 10, 14, 18, 22, 28]
CLASS_FIELDS = [3, 5, 7, 9, 11, 12, 16, 20, 24, 28]
MACS = 1_930_432
EXERCISES: dict[str, Exercise] = {
    "corr2d_by_hand": of_numbers(
        corr2d(IMAGE, KERNEL),
        true_convolution(IMAGE, KERNEL),
        swapped=(true_convolution(IMAGE, KERNEL), corr2d(IMAGE, KERNEL)),
        twice_the_first=(corr2d(IMAGE, KERNEL), corr2d(IMAGE, KERNEL)),
        flipped_up_down=(corr2d(IMAGE, KERNEL), corr2d(IMAGE, KERNEL[::-1])),
        flipped_left_right=(corr2d(IMAGE, KERNEL), corr2d(IMAGE, KERNEL[:, ::-1])),
        transposed_kernel=(corr2d(IMAGE, KERNEL.T), true_convolution(IMAGE, KERNEL)),
        transposed=(corr2d(IMAGE, KERNEL).T, true_convolution(IMAGE, KERNEL)),
        rotated_result=(corr2d(IMAGE, KERNEL), corr2d(IMAGE, KERNEL)[::-1, ::-1]),
        full=(signal.correlate2d(IMAGE, KERNEL), true_convolution(IMAGE, KERNEL)),
    ),
    "sizes": of_numbers(
        SIZES,
        rounded_up=size_mutant(lambda n, k, s, d: -(-(n - d * (k - 1) - 1) // s) + 1),
        not_rounded=size_mutant(lambda n, k, s, d: (n - d * (k - 1) - 1) / s + 1),
        without_1=size_mutant(lambda n, k, s, d: (n - d * (k - 1) - 1) // s),
        without_stride=size_mutant(lambda n, k, s, d: n - d * (k - 1)),
        without_dilation=size_mutant(lambda n, k, s, d: (n - k) // s + 1),
        dilation_times_kernel=size_mutant(lambda n, k, s, d: (n - d * k) // s + 1),
        same=size_mutant(lambda n, k, s, d: -(-n // s)),
        a_number=(26,),
        one_dots=([26, 3, 40, 29, 13, ...],),
    ),
    "conv2d": CONV2D,
    "kernel_gradient": KERNEL_GRADIENT,
    "predict_shifted": PREDICT,
    "kernels_by_hand": of_numbers(
        *KERNELS,
        eye=kernels(identity=np.eye(3)),
        ones=kernels(identity=np.ones((3, 3))),
        left=kernels(shift_right=SHIFT[:, ::-1]),
        down=kernels(shift_right=SHIFT.T),
        up=kernels(shift_right=SHIFT.T[::-1]),
        sum_not_mean=kernels(blur=np.ones((3, 3))),
        eighths=kernels(blur=np.ones((3, 3)) / 8),
        two_decimals=kernels(blur=np.full((3, 3), 0.11)),
        gaussian=kernels(blur=np.outer([1, 2, 1], [1, 2, 1]) / 16),
        one_row=kernels(blur=np.outer([0, 1, 0], [1, 1, 1]) / 3),
        horizontal=kernels(edges=KERNELS[3].T),
        reversed=kernels(edges=-KERNELS[3]),
        diagonal=kernels(edges=[[-2, -1, 0], [-1, 0, 1], [0, 1, 2]]),
        second_difference=kernels(edges=[[1, -2, 1]] * 3),
        not_balanced=kernels(edges=[[-1, 0, 2]] * 3),
        eight_neighbours=kernels(laplacian=np.ones((3, 3)) - 9 * KERNELS[0]),
        minus=kernels(laplacian=-KERNELS[4]),
        without_centre=kernels(laplacian=KERNELS[4] + 4 * KERNELS[0]),
        half=kernels(laplacian=KERNELS[4] / 2),
    ),
    "separable": Exercise(
        {
            "SVD": (svd_split(parts),),
            "halves": (svd_split(lambda u, s, vt, i: (sqrt(s[i]) * u[:, i], sqrt(s[i]) * vt[i])),),
            "two axes": (svd_split(lambda u, s, vt, i: (s[i] * u[:, [i]], vt[[i]])),),
            "lists": (svd_split(lambda u, s, vt, i: [(s[i] * u[:, i]).tolist(), vt[i].tolist()]),),
            "a tuple": (pairs_as(tuple),),
            "a zip": (pairs_as(lambda pairs: zip(*zip(*pairs, strict=True), strict=True)),),
            "a generator": (pairs_as(iter),),
            "32 bits": (svd_split(lambda u, s, vt, i: (np.float32(s[i] * u[:, i]), np.float32(vt[i]))),),
            "tensors": (svd_split(lambda u, s, vt, i: (tensor(s[i] * u[:, i]), tensor(vt[i]))),),
        },
        {
            "nothing": (lambda kernel: None,),
            "no pairs": (lambda kernel: [],),
            "an endless list": (lambda kernel: count(),),
            "first pair": (pairs_as(lambda pairs: pairs[:1]),),
            "a pair": (pairs_as(lambda pairs: pairs[0]),),
            "up to two": (pairs_as(lambda pairs: pairs[:2]),),
            "strings": (pairs_as(lambda pairs: [("column", "row")]),),
            "all": (svd_split(parts, limit=-1),),
            "exact zeros": (lambda kernel: [*svd_split(parts)(kernel), (1e-17 * kernel[:, 0], kernel[0])],),
            "limit too large": (svd_split(parts, limit=0.5),),
            "swapped": (pairs_as(lambda pairs: [(row, column) for column, row in pairs]),),
            "without singular values": (svd_split(lambda u, s, vt, i: (u[:, i], vt[i])),),
            "twice": (svd_split(lambda u, s, vt, i: (s[i] * u[:, i], s[i] * vt[i])),),
            "columns of vt": (svd_split(lambda u, s, vt, i: (s[i] * u[:, i], vt[:, i])),),
            "rows of u": (svd_split(lambda u, s, vt, i: (s[i] * u[i], vt[i])),),
            "first row": (lambda kernel: [(kernel[:, 0] / kernel[0, 0], kernel[0])],),
            "square only": (lambda k: svd_split(parts)(k) if k.shape[0] == k.shape[1] else [],),
            "3 × 3 only": (lambda k: svd_split(parts)(k[:3, :3]),),
            "in place": (in_place_split,),
            "raises": (lambda kernel: 1 / 0,),
        },
    ),
    "learned_kernel": of_function(
        solved,
        rotated=lambda *case: solved(*case)[::-1, ::-1],
        flipped_up_down=lambda *case: solved(*case)[::-1],
        flipped_left_right=lambda *case: solved(*case)[:, ::-1],
        transposed=lambda *case: solved(*case).T,
        transposed_if_square=lambda *case: solved(*case).T if case[2][0] == case[2][1] else solved(*case),
        reversed=lambda *case: -solved(*case),
        few_steps=descent(steps=3),
        slow=descent(rate=0.01),
        uphill=descent(sign=-1),
        too_fast=descent(steps=20, rate=20.0),
        rotated_gradient=descent(gradient=lambda x, e, shape: corr2d(x, e)[::-1, ::-1]),
        one_decimal=lambda *case: np.round(solved(*case), 0),
        square_only=lambda x, t, shape: solved(x, t, shape) * (shape[0] == shape[1]),
        not_5x5=lambda x, t, shape: solved(x, t, shape) + (shape == (5, 5)),
        not_1x1=lambda x, t, shape: solved(x, t, shape) + (shape == (1, 1)),
    ),
    "compose": of_function(
        compose,
        correlation=signal.correlate2d,
        other_correlation=lambda a, b: signal.correlate2d(b, a),
        rotated=lambda a, b: compose(a, b)[::-1, ::-1],
        flipped_up_down=lambda a, b: compose(a, b[::-1]),
        flipped_left_right=lambda a, b: compose(a, b[:, ::-1]),
        transposed=lambda a, b: compose(a, b).T,
        one_transposed=lambda a, b: compose(a, b.T),
        twice_the_first=lambda a, b: compose(a, a),
        product=lambda a, b: np.pad(a * b, 1),
        matrix_product=lambda a, b: np.pad(a @ b, 1),
        sum=lambda a, b: np.pad(a + b, 1),
        same=lambda a, b: signal.convolve2d(a, b, mode="same"),
        whole=lambda a, b: compose(a, b).astype(int),
        symmetric_kernels=lambda a, b: compose(a, (b + b[:, ::-1]) / 2),
    ),
    "not_composable": of_numbers(
        CROSS,
        skip=("0: wrong", "0: all negative"),  # other right answers
        zeros=(np.zeros((5, 5)),),
        bar=(np.outer([0, 0, 1, 0, 0], [1, 1, 1, 1, 1]),),
        gaussian=(np.outer([1, 4, 6, 4, 1], [1, 4, 6, 4, 1]),),
        composed=(COMPOSED,),
        nearly_composed=(COMPOSED + 0.1 * CROSS,),
        huge=(COMPOSED * 1e300,),
        tiny=(COMPOSED * 1e-300,),
        small=(CROSS[1:4, 1:4],),
    ),
    "relu_between": with_numbers(
        of_function(
            pair,
            BAR,
            -BAR,
            no_relu=lambda *given: pair(*given, between=same),
            after=lambda *given: pair(*given, between=same, after=relu),
            before=lambda *given: pair(*given, before=relu, between=same),
            before_as_well=lambda *given: pair(*given, before=relu),
            after_as_well=lambda *given: pair(*given, after=relu),
            kernels_swapped=lambda x, a, b: pair(x, b, a),
            first_flipped=lambda x, a, b: pair(x, a[::-1, ::-1], b),
            second_flipped=lambda x, a, b: pair(x, a, b[::-1, ::-1]),
            first_transposed=lambda x, a, b: pair(x, a.T, b),
            absolute=lambda *given: pair(*given, between=np.abs),
            leaky=lambda *given: pair(*given, between=lambda x: np.maximum(x, 0.01 * x)),
            square_only=lambda x, a, b: pair(x, a, b) + (x.shape[0] != x.shape[1]),
        ),
        pair,
        IMAGES,
    ),
    "layers_until_gone": of_numbers(
        *(13, 2, 6, 4), one_too_many=(14, 0, 7, 0), k_each=(9, 1, 5, 3), swapped=(6, 4, 13, 2), halved=(14, 2, 7, 4)
    ),
    "stack_parameters": of_function(
        stack_count,
        changes=False,
        no_bias=lambda k, n, c: n * k**2 * c**2,
        one_kernel=lambda k, n, c: n * (k**2 + 1) * c,
        bias_for_each_kernel=lambda k, n, c: n * (k**2 + 1) * c**2,
        bias_for_each_layer=lambda k, n, c: n * (k**2 * c**2 + 1),
        one_layer=lambda k, n, c: stack_count(k, 1, c),
        kernel_not_squared=lambda k, n, c: n * c * (k * c + 1),
        always_3=lambda k, n, c: stack_count(3, n, c),
        always_16=lambda k, n, c: stack_count(k, n, 16),
        first_reads_one=lambda k, n, c: stack_count(k, n, c) - k**2 * c * (c - 1),
        right_but_for_1x1=lambda k, n, c: stack_count(k, n, c) + (k == 1),
    ),
    "widest_middle": of_numbers(2, three=(3,), all_of_them=(16,), one=(1,), other_layer=(28,), fraction=(2.61,)),
    "pointwise": of_function(
        one_by_one,
        no_bias=lambda x, w, b: x @ w,
        bias_for_each_channel=lambda x, w, b: x @ w + b * x.shape[2],
        first_bias=lambda x, w, b: x @ w + b[0],
        bias_reversed=lambda x, w, b: x @ w + b[::-1],
        transposed=lambda x, w, b: x @ w.T + b,
        transposed_if_square=lambda x, w, b: x @ (w.T if w.shape[0] == w.shape[1] else w) + b,
        scaled=lambda x, w, b: x * w[:, 0] + b,
        first_channel=lambda x, w, b: x[:, :, :1] * w[0] + b,
        channels_reversed=lambda x, w, b: x[:, :, ::-1] @ w + b,
        mean=lambda x, w, b: x @ w / x.shape[2] + b,
        relu=lambda *given: relu(one_by_one(*given)),
        softmax=lambda *given: special.softmax(one_by_one(*given), axis=-1),
        flat=lambda x, w, b: x.reshape(-1, x.shape[-1]) @ w + b,
        torn=torn_apart,
        image_transposed=lambda *given: one_by_one(*given).swapaxes(0, 1),
        mean_pixel=lambda *given: one_by_one(*given).mean(axis=(0, 1)),
        square_images=lambda x, w, b: one_by_one(x, w, b) + (x.shape[0] != x.shape[1]),
        squeezed=lambda *given: np.squeeze(one_by_one(*given)),
        whole=lambda *given: one_by_one(*given).astype(int),
    ),
    "network_macs": of_numbers(
        MACS,
        1_327_104 / MACS,
        parameters=(14_060, 0.687),
        weights=(13_520, 0.687),
        nearly=(MACS + 1, 0.687),
        without_1x1=(MACS - 92_160, 0.687),
        percentage=(MACS, 68.7),
        two_decimals=(MACS, 0.69),
        share_of_first=(MACS, 97_344 / MACS),
    ),
    "break_even": of_function(
        break_even,
        changes=False,
        channels=lambda n, c, k, n2, c2: c - 1,
        small_maps=lambda n, c, k, n2, c2: break_even(n2, c, k, n2, c2),
        large_maps=lambda n, c, k, n2, c2: break_even(n, c, k, n, c2),
        down=lambda *stage: int(ratio(*stage)),
        up=lambda *stage: ceil(ratio(*stage)),
        nearest=lambda *stage: round(ratio(*stage)),
        exact=ratio,
        kernel_not_squared=lambda n, c, k, n2, c2: ceil(n2**2 * k * c2 * c / (n**2 * c + n2**2 * k * c2)) - 1,
        always_3=lambda n, c, k, n2, c2: break_even(n, c, 3, n2, c2),
        at_least_1=lambda *stage: max(1, break_even(*stage)),
        channels_swapped=lambda n, c, k, n2, c2: break_even(n, c2, k, n2, c),
        sides_not_squared=lambda n, c, k, n2, c2: ceil(n2 * k**2 * c2 * c / (n * c + n2 * k**2 * c2)) - 1,
    ),
    "commutes": Exercise(
        {
            "bools": (True, False),
            "NumPy's": (np.True_, np.False_),
            "0-d arrays": (np.array(True), np.array(False)),
            "tensors": (tensor(True), tensor(False)),
        },
        {
            "both": (True, True),
            "neither": (False, False),
            "swapped": (False, True),
            "numbers": (1, 0),
            "strings": ("True", "False"),
            "arrays": (np.ones(2, bool), np.zeros(2, bool)),
            "lists": ([True], [False]),
            "dots": (True, ...),
            "None": (None, False),
            "nan": (float("nan"), False),
            "ragged": ([[True], [True, False]], False),
        },
    ),
    "two_channel_map": of_numbers(
        np.array([[3], [4]]),
        no_bias=([[4], [5]],),
        two_biases=([[2], [3]],),
        first=([[-1], [3]],),
        second=([[3], [0]],),
        row=([[3, 4]],),
        swapped=([[4], [3]],),
    ),
    "parameters": Exercise(
        {
            name: ({question: form(number) for question, number in COUNTS.items()},)
            for name, form in {
                "integers": int,
                "floats": float,
                "NumPy": np.int64,
                "0-d": np.array,
                "tensors": tensor,
            }.items()
        },
        {
            **{
                f"{question}: {wrong!r}": (COUNTS | {question: wrong},)
                for question, right in COUNTS.items()
                for wrong in (..., None, right + 1, right - 1, str(right), True, float("nan"), [right], 10**400)
            },
            **{f"without {question}": ({q: n for q, n in COUNTS.items() if q != question},) for question in COUNTS},
            **{
                name: (wrong,)
                for name, wrong in {"dots": ..., "a list": list(COUNTS.values()), "a number": 14060}.items()
            },
        },
    ),
    "pooled_shift": Exercise(
        {
            "list": ([None, 1, None, 2],),
            "tuple": ((None, 1, None, 2),),
            "array": (np.array([None, 1, None, 2]),),
            "floats": ([None, 1.0, None, 2.0],),
            "NumPy's": ([None, np.int64(1), None, np.array(2)],),
            "tensors": ([None, tensor(1), None, tensor(2)],),
        },
        {
            name: (wrong,)
            for name, wrong in {
                "all move": [1, 1, 2, 2],
                "not halved": [None, 2, None, 4],
                "none moves": [None] * 4,
                "zero": [0, 1, 1, 2],
                "halves": [0.5, 1, 1.5, 2],
                "nan": [np.nan, 1, np.nan, 2],
                "strings": [None, "1", None, "2"],
                "bools": [None, True, None, 2],
                "three": [None, 1, None],
                "five": [None, 1, None, 2, None],
                "dots": [..., 1, None, 2],
                "one dots": [None, 1, None, ...],
                "a number": 2,
                "a string": "-1-2",
                "a dictionary": {1: None, 2: 1, 3: None, 4: 2},
                "only None": None,
            }.items()
        },
    ),
    "fold": of_function(
        folded,
        old_bias=lambda *given: (folded(*given)[0], given[6]),
        old_filters=lambda *given: (given[5], folded(*given)[1]),
        no_epsilon=lambda g, b, m, v, e, *rest: folded(g, b, m, v, 0, *rest),
        variance=lambda *given: folded(*given, root=same),
        mean_not_subtracted=lambda *given: folded(*given, shift=lambda b, m, a: b),
        mean_divided=lambda *given: folded(*given, shift=lambda b, m, a: b - m),
        no_beta=lambda *given: folded(*given, shift=lambda b, m, a: -m * a),
        mean_added=lambda *given: folded(*given, shift=lambda b, m, a: b + m * a),
        no_gamma=lambda g, *rest: folded(np.ones_like(g), *rest),
        wrong_axis=wrong_axis,
        one_before=into_the_one_before,
        one_weight=middle_weight_only,
        flipped=lambda g, b, m, v, e, f, *rest: folded(g, b, m, v, e, f[::-1, ::-1], *rest),
        swapped=lambda *given: folded(*given)[::-1],
        bias_twice=lambda *given: (folded(*given)[0], folded(*given)[1] + given[6]),
        right_but_for_1x1=lambda *given: (folded(*given)[0] + (given[5].shape[0] == 1), folded(*given)[1]),
    ),
    "shared_scale": of_function(
        brightness,
        always_shared=lambda maps, shared: brightness(maps, True),
        never_shared=lambda maps, shared: brightness(maps, False),
        swapped=lambda maps, shared: brightness(maps, not shared),
        unscaled=lambda maps, shared: maps,
        stretched=stretched,
        by_pixel=lambda maps, shared: (
            maps / np.where(maps.max(axis=2, keepdims=True) > 0, maps.max(axis=2, keepdims=True), 1)
        ),
        by_row=lambda maps, shared: maps / np.maximum(maps.max(axis=1, keepdims=True), 1e-9),
        by_sum=lambda maps, shared: maps / np.maximum(maps.sum(axis=None if shared else (0, 1)), 1e-9),
        clipped=lambda maps, shared: np.clip(maps, 0, 1),
        divides_by_0=lambda maps, shared: maps / (maps.max() if shared else maps.max(axis=(0, 1))),
        divides_by_0_if_shared=lambda maps, shared: maps / maps.max() if shared else brightness(maps, shared),
        to_255=lambda *given: 255 * brightness(*given),
        square_only=lambda maps, shared: brightness(maps, shared) * (maps.shape[0] == maps.shape[1]),
    ),
    "sigmoid_slope": of_numbers(
        *(0.25, 0.25**10, 5),
        value=(0.5, 0.25**10, 5),
        tanh=(1, 0.25**10, 5),
        rounded_too_much=(0.25, 1e-6, 5),
        zero=(0.25, 0, 5),
        nine_layers=(0.25, 0.25**9, 5),
        four=(0.25, 0.25**10, 4),
        slightly_off=(0.2501, 0.25**10, 5),
    ),
    "leaky_relu_derivative": of_function(
        leaky,
        relu=lambda z, slope: (z > 0) * 1.0,
        values=lambda z, slope: np.maximum(z, slope * z),
        slope_times_z=lambda z, slope: np.where(z > 0, 1, slope * z),
        minus=lambda z, slope: np.where(z > 0, 1, -slope),
        swapped=lambda z, slope: np.where(z < 0, 1, slope),
        default=lambda z, slope: np.where(z > 0, 1, 0.01),
        ravelled=lambda z, slope: leaky(z, slope).ravel(),
        from_1=lambda z, slope: np.where(z > 1, 1, slope),
        one_or_two_axes=lambda z, slope: leaky(z, slope) + (z.ndim > 2),
        a_number=lambda z, slope: 1 if z.sum() > 0 else slope,
    ),
    "count_dead": of_function(
        dead,
        first_digit=lambda values: (values[0] == 0).sum(),
        last_digit=lambda values: (values[-1] == 0).sum(),
        first_and_last=lambda values: ((values[0] == 0) & (values[-1] == 0)).sum(),
        some_digit=lambda values: (values == 0).any(axis=0).sum(),
        zeros_in_all=lambda values: (values == 0).sum(),
        living=lambda values: values.any(axis=0).sum(),
        channels=lambda values: (values == 0).all(axis=tuple(range(values.ndim - 1))).sum(),
        which=lambda values: (values == 0).all(axis=0),
        share=lambda values: (values == 0).all(axis=0).mean(),
        along_the_last=lambda values: (values == 0).all(axis=-1).sum(),
        below_1=lambda values: (values < 1).all(axis=0).sum(),
        rows_only=lambda values: (values.reshape(len(values), values.shape[1], -1).sum(axis=(0, 2)) == 0).sum(),
    ),
    "collapse": of_function(
        collapsed,
        wrong_order=lambda w1, b1, w2, b2: (w1 @ w2, w2 @ b1 + b2),
        elementwise=lambda w1, b1, w2, b2: (w2 * w1, w2 @ b1 + b2),
        sum=lambda w1, b1, w2, b2: (w1 + w2, b1 + b2),
        transposed=lambda *given: (collapsed(*given)[0].T, collapsed(*given)[1]),
        biases_added=lambda w1, b1, w2, b2: (w2 @ w1, b1 + b2),
        no_bias=lambda w1, b1, w2, b2: (w2 @ w1, 0 * b2),
        no_b2=lambda w1, b1, w2, b2: (w2 @ w1, w2 @ b1),
        no_b1=lambda w1, b1, w2, b2: (w2 @ w1, b2),
        wrong_bias=lambda w1, b1, w2, b2: (w2 @ w1, w1 @ b2 + b1),
        b2_through=lambda w1, b1, w2, b2: (w2 @ w1, w2 @ (b1 + b2[: len(b1)])),
        swapped=lambda *given: collapsed(*given)[::-1],
        matrix_alone=lambda *given: collapsed(*given)[0],
        three_things=lambda *given: (*collapsed(*given), 0),
        square_only=lambda w1, b1, w2, b2: (w2 @ w1, (w2 @ b1 + b2) * (w1.shape == w2.shape)),
        bias_in_column=lambda *given: (collapsed(*given)[0], collapsed(*given)[1][:, np.newaxis]),
    ),
    "is_elementwise": Exercise(
        {
            "bool": (each_for_itself,),
            "NumPy's": (lambda f: np.bool_(each_for_itself(f)),),
            "0-d array": (lambda f: np.array(each_for_itself(f)),),
            "tensor": (lambda f: tensor(each_for_itself(f)),),
            "two numbers": (lambda f: others_stay(f, (0, 1), z=(0.5, -1.5)),),
            "alone": (lambda f: np.allclose(f(np.array([1.0, -2])), [f(np.array([x]))[0] for x in (1.0, -2)]),),
        },
        {
            "nothing": (lambda f: None,),
            "yes": (lambda f: True,),
            "no": (lambda f: False,),
            "opposite": (lambda f: not each_for_itself(f),),
            "a number": (lambda f: int(each_for_itself(f)),),
            "a string": (lambda f: str(each_for_itself(f)),),
            "an array": (lambda f: np.array([each_for_itself(f)] * 2),),
            "sum of 1": (lambda f: abs(f(np.array([0.5, 1])).sum() - 1) > 1e-9,),
            "between 0 and 1": (lambda f: f(np.array([2.0, -1])).max() > 1,),
            "first only": (lambda f: others_stay(f, [0]),),
            "last only": (lambda f: others_stay(f, [2]),),
            "middle only": (lambda f: others_stay(f, [1]) or f is np.cumsum,),
            "keeps 0": (lambda f: bool(np.allclose(f(np.zeros(2)), 0)),),
            "commutes with reversing": (lambda f: np.allclose(f(np.arange(3.0)[::-1]), f(np.arange(3.0))[::-1]),),
            "by name": (lambda f: f.__name__ in ("relu", "tanh"),),
            "raises": (lambda f: f("x") and 1 / 0,),
        },
    ),
    "receptive_fields": of_numbers(
        FIELDS,
        pool_doubles=([3, 5, 5, 10, 14, 18, 22, 26, 32],),
        no_jump=([3, 5, 5, 6, 8, 10, 12, 14, 17],),
        stride_at_once=([3, 5, 5, 7, 11, 15, 19, 23, 29],),
        kernels=([3, 3, 1, 2, 3, 3, 3, 3, 4],),
        last_of_3=([3, 5, 5, 6, 10, 14, 18, 22, 26],),
    ),
    "class_page_mistake": of_numbers(
        CLASS_FIELDS,
        as_it_stands=([3, 5, 7, 9, 11, 22, 24, 26, 28, 30],),
        no_jump=([3, 5, 7, 9, 11, 12, 14, 16, 18, 20],),
        pool_doubles=([3, 5, 7, 9, 11, 22, 26, 30, 34, 38],),
    ),
    "seen_rows": Exercise(
        {
            "range": (lambda i: range(2 * i, 2 * i + 10),),
            "list": (lambda i: list(range(2 * i, 2 * i + 10)),),
            "tuple": (lambda i: tuple(range(2 * i, 2 * i + 10)),),
            "array": (lambda i: np.arange(2 * i, 2 * i + 10),),
            "floats": (lambda i: np.arange(2.0 * i, 2 * i + 10),),
            "NumPy's": (lambda i: [np.int64(row) for row in range(2 * i, 2 * i + 10)],),
            "tensor": (lambda i: tensor(np.arange(2 * i, 2 * i + 10)),),
        },
        {
            name: (wrong,)
            for name, wrong in {
                "nothing": lambda i: None,
                "no jump": lambda i: range(i, i + 10),
                "one short": lambda i: range(2 * i, 2 * i + 9),
                "one more": lambda i: range(2 * i, 2 * i + 11),
                "centred": lambda i: range(2 * i - 5, 2 * i + 5),
                "local": lambda i: range(i, i + 3),
                "from 1": lambda i: range(2 * i + 1, 2 * i + 11),
                "first unit": lambda i: range(10),
                "last unit wrong": lambda i: range(2 * i, min(2 * i + 10, 27)),
                "step 2": lambda i: range(2 * i, 2 * i + 10, 2),
                "step 3": lambda i: range(2 * i, 2 * i + 10, 3),
                "step 9": lambda i: range(2 * i, 2 * i + 10, 9),
                "backwards": lambda i: range(2 * i + 9, 2 * i - 1, -1),
                "ends": lambda i: (2 * i, 2 * i + 9),
                "range's ends": lambda i: (2 * i, 2 * i + 10),
                "one gap": lambda i: [row for row in range(2 * i, 2 * i + 10) if row != 2 * i + 4],
                "twice": lambda i: sorted([*range(2 * i, 2 * i + 10), 2 * i + 4]),
                "empty": lambda i: range(0),
                "all": lambda i: range(28),
                "huge": lambda i: range(10**18),
                "endless": lambda i: count(2 * i),
                "strings": lambda i: [str(row) for row in range(2 * i, 2 * i + 10)],
                "a string": lambda i: "0123456789",
                "a set": lambda i: set(range(2 * i, 2 * i + 10)),
                "a length": lambda i: 10,
                "bools": lambda i: [2 * i <= row < 2 * i + 10 for row in range(28)],
                "a range, no function": range(6, 16),
            }.items()
        },
    ),
    "unit_sees": of_numbers(
        np.arange(2, 24),
        np.arange(6, 28),
        swapped=(range(6, 28), range(2, 24)),
        no_jump=(range(1, 23), range(3, 25)),
        one_short=(range(2, 23), range(6, 27)),
        columns_short=(range(2, 24), range(6, 27)),
        step_2=(range(2, 24, 2), range(6, 28, 2)),
        ends=((2, 24), (6, 28)),
        all_of_them=(range(28), range(28)),
        huge=(range(2, 10**18), range(6, 28)),
    ),
    "field_std": of_function(
        spread,
        variance=lambda layers: spread(layers, root=same),
        widths=lambda layers: spread(layers, same, lambda k, j: j * sqrt((k**2 - 1) / 12)),
        kernels_of_3=lambda layers: sqrt(len(layers) * 8 / 12),
        no_jump=lambda layers: spread(layers, term=lambda k, j: (k**2 - 1) / 12),
        jump_not_squared=lambda layers: spread(layers, term=lambda k, j: j * (k**2 - 1) / 12),
        own_stride=lambda layers: spread(
            [(1, layers[0][1]), *((k, s) for (k, _), (_, s) in zip(layers, [*layers[1:], (1, 1)], strict=True))]
        ),
        jump_at_most_2=lambda layers: spread(layers, term=lambda k, j: min(j, 2) ** 2 * (k**2 - 1) / 12),
        continuous=lambda layers: spread(layers, term=lambda k, j: j**2 * k**2 / 12),
        last_layer=lambda layers: spread(layers[-1:]),
        no_strides=lambda layers: spread([(k, 1) for k, _ in layers]),
        strides_of_2=lambda layers: spread([(k, min(s, 2)) for k, s in layers]),
        not_for_1=lambda layers: max(spread(layers), 0.1),
    ),
    "steps": of_function(
        batches,
        changes=False,
        down=lambda n, b: (n // b, n % b or b),
        fraction=lambda n, b: (n / b, n % b or b),
        nearest=lambda n, b: (round(n / b), n % b or b),
        one_more=lambda n, b: (n // b + 1, n % b or b),
        rest=lambda n, b: (ceil(n / b), n % b),
        full=lambda n, b: (ceil(n / b), b),
        missing=lambda n, b: (ceil(n / b), -n % b or b),
        one=lambda n, b: (1, b),
        swapped=lambda n, b: batches(n, b)[::-1],
        steps_alone=lambda n, b: ceil(n / b),
        not_for_small=lambda n, b: batches(max(n, b), b),
        three=lambda n, b: (*batches(n, b), n),
        a_string=lambda n, b: "32",
    ),
    "notes_schedule": with_numbers(
        of_function(
            notes_rate,
            5,
            LAST_SHARE,
            changes=False,
            from_0=lambda epoch: notes_rate(epoch + 1),
            twice=lambda epoch: 0.003 / (1 + 0.319 * epoch) / (1 + 0.319 * (epoch > 1)),
            exponential=lambda epoch: 0.003 / 1.319 ** (epoch - 1),
            rising=lambda epoch: 0.003 * (1 + 0.319 * (epoch - 1)),
            without_1=lambda epoch: 0.003 / (0.319 * epoch + 0.681 * (epoch == 1)),
            constant=lambda epoch: 0.003,
            linear=lambda epoch: 0.003 * (1 - epoch / 20),
            seven_decimals=lambda epoch: round(notes_rate(epoch), 7),
            up_to_10=lambda epoch: notes_rate(min(epoch, 10)),
        ),
        notes_rate,
        of_numbers(
            *(5, LAST_SHARE),
            index=(4, LAST_SHARE),
            exact=(1 / 0.319, LAST_SHARE),
            later=(6, LAST_SHARE),
            first_over_last=(5, 1 / LAST_SHARE),
            index_20=(5, 1 / (1 + 0.319 * 20)),
            the_rate=(5, notes_rate(20)),
            percentage=(5, 14.16),
            two_decimals=(5, 0.14),
        ),
    ),
    "epoch_seconds": of_numbers(
        *(6.66, 14.208),
        steps=(111e-6 * 469, 14.2),
        milliseconds=(6660, 14.2),
        all_epochs=(133.2, 14.2),
        seven=(7, 14.2),
        one_digit=(6.66, 0.111),
        in_seconds=(6.66, 0.0142),
        in_microseconds=(6.66, 14208),
        rounded=(6.66, 15),
    ),
    "softmax_gradient": of_function(
        layer_gradient,
        total=lambda w, x, y: layer_gradient(w, x, y) * len(y),
        per_class=lambda w, x, y: layer_gradient(w, x, y) / w.shape[1],
        downhill=gradient_of(lambda p, y, z: y - p),
        without_labels=gradient_of(lambda p, y, z: p),
        logits=gradient_of(lambda p, y, z: z - y),
        guesses=gradient_of(lambda p, y, z: p - np.eye(z.shape[1])[z.argmax(axis=1)]),
        squares=gradient_of(lambda p, y, z: 2 * (p - y)),
        squared_error=gradient_of(lambda p, y, z: p * ((p - y) - ((p - y) * p).sum(axis=1, keepdims=True))),
        sigmoid=gradient_of(lambda p, y, z: special.expit(z) - y),
        other_axis=gradient_of(lambda p, y, z: special.softmax(z, axis=0) - y),
        right_class_alone=gradient_of(lambda p, y, z: (p - y) * y),
        overflows=gradient_of(lambda p, y, z: np.exp(z) / np.exp(z).sum(axis=1, keepdims=True) - y),
        clipped=gradient_of(lambda p, y, z: special.softmax(np.clip(z, -3, 3), axis=1) - y),
        transposed=lambda w, x, y: layer_gradient(w, x, y).T,
        first_alone=lambda w, x, y: layer_gradient(w, x[:1], y[:1]),
        three_classes=lambda w, x, y: layer_gradient(w, x, y) * (w.shape[1] == 3),
        loss=lambda w, x, y: -np.log(special.softmax(x @ w, axis=1)[np.arange(len(y)), y]).mean(),
    ),
    "training_loop": of_function(
        trained,
        drops_the_rest=partial(trained, starts=lambda n, b: range(0, n - b + 1, b)),
        at_once=lambda x, y, r, b, e: trained(x, y, r, len(y), e),
        one_by_one=lambda x, y, r, b, e: trained(x, y, r, 1, e),
        one_epoch=lambda x, y, r, b, e: trained(x, y, r, b, 1),
        one_more_epoch=lambda x, y, r, b, e: trained(x, y, r, b, e + 1),
        climbs=lambda x, y, r, b, e: trained(x, y, -r, b, e),
        rate_of_1=lambda x, y, r, b, e: trained(x, y, 1, b, e),
        total=partial(trained, step=lambda w, x, y: layer_gradient(w, x, y) * len(y)),
        first_gradient=partial(trained, step=lambda w, x, y: layer_gradient(0 * w, x, y)),
        other_start=partial(trained, weights=np.arange(10.0)),
        backwards=partial(trained, order=-1),
        one_batch=partial(trained, starts=lambda n, b: [0]),
        transposed=lambda *given: trained(*given).T,
        logits=lambda x, *given: x @ trained(x, *given),
    ),
    "standard_error": of_numbers(
        *(0.0746, 139.2),
        share=(0.000746, 139.2),
        variance=(0.0000557, 139.2),
        one_digit=(7.46, 139.2),
        one_decimal=(0.1, 139.2),
        no_root=(0.0746, 3.73),
        rare=(0.0746, 140),
        factor=(0.0746, 13.92),
        more=(0.0746, 129.2),
        digits=(0.0746, 139_216),
    ),
    "warm_up": of_function(
        warm,
        changes=False,
        from_0=warm_like(rise=lambda e, n, w: e / w),
        to_less=warm_like(rise=lambda e, n, w: (e + 1) / (w + 1)),
        at_once=warm_like(rise=lambda e, n, w: 1),
        cosine_at_once=warm_like(rise=lambda e, n, w: half_cosine(e, n)),
        cosine_from_0=warm_like(fall=lambda e, n, w: half_cosine(e, n)),
        cosine_too_long=warm_like(fall=lambda e, n, w: half_cosine(e - w, n)),
        reaches_0=warm_like(fall=lambda e, n, w: half_cosine(e - w, max(n - w - 1, 1))),
        not_halved=warm_like(fall=lambda e, n, w: 2 * half_cosine(e - w, n - w) - 1),
        whole_cosine=warm_like(fall=lambda e, n, w: half_cosine(2 * (e - w), n - w)),
        straight=warm_like(fall=lambda e, n, w: 1 - (e - w) / (n - w)),
        one_late=warm_like(fall=lambda e, n, w: half_cosine(e - w + 1, n - w)),
        peak_of_1=lambda e, p, n, w: warm(e, 1, n, w),
        without_rise=lambda e, p, n, w: warm(e, p, n, w) if w else p,
        shares=lambda e, p, n, w: warm(e, p, n, w) / p,
    ),
    "mcnemar": of_numbers(
        *(P_VALUES, 65),
        one_sided=([p / 2 for p in P_VALUES], 65),
        shared_kept=([P_VALUES[0]] * 3, 65),
        reversed=(P_VALUES[::-1], 65),
        two_decimals=(np.round(P_VALUES, 2), 65),
        alone=(P_VALUES, 35),
        difference=(P_VALUES, 16),
        one_less=(P_VALUES, 64),
        none_shared=(P_VALUES, 72),
    ),
    "ceilings": of_numbers(
        [(1 - p) + (1 - (1 - p) ** 10) / 10 for p in (0.05, 0.15, 0.2)],
        no_ties=([0.95, 0.85, 0.8],),
        random_ties=([0.955, 0.865, 0.82],),
        nine=([(1 - p) + (1 - (1 - p) ** 9) / 9 for p in (0.05, 0.15, 0.2)],),
        percentages=([99.01, 93.03, 88.93],),
        two_decimals=([0.99, 0.93, 0.89],),
        reversed=([0.8893, 0.9303, 0.9901],),
    ),
    "budget": Exercise({}, {}),  # its own verdict has its own tests
    "mean_interval": of_function(
        interval,
        normal=lambda runs: interval(runs, factor=1.959964 / stats.t.ppf(0.975, len(runs) - 1)),
        no_root=lambda runs: interval(runs, roots=0),
        by_n=lambda runs: interval(runs, roots=2),
        ddof_0=lambda runs: interval(runs, ddof=0),
        freedom_of_n=lambda runs: interval(runs, freedom=0),
        one_sided=lambda runs: interval(runs, level=0.95),
        ninety_nine=lambda runs: interval(runs, level=0.995),
        standard_error=lambda runs: interval(runs, factor=1 / stats.t.ppf(0.975, len(runs) - 1)),
        reversed=lambda runs: interval(runs)[::-1],
        ends=lambda runs: (min(runs), max(runs)),
        around_median=lambda runs: tuple(np.array(interval(runs)) + np.median(runs[:2]) - np.mean(runs)),
        mean_alone=np.mean,
        half_alone=lambda runs: np.subtract(interval(runs)[1], np.mean(runs)),
        three=lambda runs: (*interval(runs), np.mean(runs)),
        t_for_five=lambda runs: interval(runs, factor=2.776445 / stats.t.ppf(0.975, len(runs) - 1)),
    ),
    "seeds_needed": of_numbers(
        [51, 13, 4],
        one_mean=([26, 7, 2],),
        half_power=([25, 7, 2],),
        not_squared=([29, 15, 8],),
        sum_not_squared=([19, 5, 2],),
        not_rounded=([50.86, 12.71, 3.18],),
        down=([50, 12, 3],),
        nearest=([51, 13, 3],),
        reversed=([4, 13, 51],),
    ),
    "flattery": of_function(
        flattery,
        best_of_means=lambda log: log.mean(axis=0).max() - log[:, -1].mean(),
        luckiest=lambda log: (log.max(axis=1) - log[:, -1]).max(),
        best_run=lambda log: log.max() - log[:, -1].mean(),
        minus=lambda log: -flattery(log),
        over_mean=lambda log: (log.max(axis=1) - log.mean(axis=1)).mean(),
        over_first=lambda log: (log.max(axis=1) - log[:, 0]).mean(),
        wrong_axis=lambda log: flattery(log.T),
        median=lambda log: np.median(log.max(axis=1) - log[:, -1]),
        each=lambda log: log.max(axis=1) - log[:, -1],
        percent=lambda log: 100 * flattery(log),
        best=lambda log: log.max(axis=1).mean(),
        before_last=lambda log: (log[:, :-1].max(axis=1) - log[:, -1]).mean(),
    ),
    "compact_parameters": of_function(
        compact,
        no_norm=lambda stages: compact(stages, per_channel=0),
        trainable=lambda stages: compact(stages, per_channel=2),
        no_bias=lambda stages: compact(stages, bias=0),
        no_head=lambda stages: compact(stages, head=False),
        head_without_bias=lambda stages: compact(stages) - 10,
        three_colours=lambda stages: compact(stages, first=3),
        area_3=lambda stages: compact(stages, area=3),
        pools=lambda stages: compact(stages) + sum(4 * stage[-1] for stage in stages[:-1]),
        last_of_stages=lambda stages: compact([stage[-1:] for stage in stages]),
        first_of_stages=lambda stages: compact([stage[:1] for stage in stages]),
        two_stages=lambda stages: compact(stages[:2]),
        channels_restart=lambda stages: (
            sum(compact([stage], head=False) for stage in stages) + 10 * (stages[-1][-1] + 1)
        ),
    ),
    "smoothing_floor": of_function(
        floor,
        changes=False,
        zero=lambda rate: 0.0,
        true_class=lambda rate: special.entr(1 - 0.9 * rate),
        one_other=lambda rate: special.entr(1 - 0.9 * rate) + special.entr(rate / 10),
        ten_others=lambda rate: special.entr(1 - 0.9 * rate) + 10 * special.entr(rate / 10),
        spread_over_nine=lambda rate: special.entr(1 - rate) + 9 * special.entr(rate / 9),
        base_2=lambda rate: floor(rate, base=2),
        base_10=lambda rate: floor(rate, base=10),
        minus=lambda rate: -floor(rate),
        mean=lambda rate: floor(rate) / 10,
        nan_at_0=lambda rate: floor(rate) if rate else float("nan"),
        fails_at_0=lambda rate: -log(rate / 10),
        without_0=lambda rate: floor(max(rate, 1e-3)),
    ),
    "average_span": of_function(
        span,
        changes=False,
        rest=lambda m, share: ceil(log(share) / log(m)),
        mean_age=lambda m, share: round(1 / (1 - m)),
        down=lambda m, share: span(m, share, floor_of),
        nearest=lambda m, share: span(m, share, round),
        one_more=lambda m, share: span(m, share, floor_of) + 1,
        exact=lambda m, share: span(m, share, same),
        half=lambda m, share: span(m, 0.5),
        always_half=lambda m, share: ceil(share / (1 - m)),
        swapped=lambda m, share: span(share, m),
    ),
    "frontier": of_function(
        undominated,
        everything=lambda networks: networks,
        best=lambda networks: [max(networks, key=lambda n: n[1])],
        smallest=lambda networks: [min(networks)],
        strictly=lambda networks: [a for a in networks if not any(b[0] < a[0] and b[1] > a[1] for b in networks)],
        ties_in_size=lambda networks: [a for a in networks if not any(b[0] < a[0] and b[1] >= a[1] for b in networks)],
        ties_in_accuracy=lambda networks: [
            a for a in networks if not any(b[0] <= a[0] and b[1] > a[1] for b in networks)
        ],
        next_smaller=next_smaller_only,
        twice=lambda networks: undominated(networks) * 2,
        swapped=lambda networks: [n[::-1] for n in undominated(networks)],
        sizes=lambda networks: [n[0] for n in undominated(networks)],
        indices=lambda networks: [networks.index(n) for n in undominated(networks)],
        a_number=lambda networks: 3,
        strings=lambda networks: ["ab"] * 3,
        dominated=lambda networks: [n for n in networks if n not in undominated(networks)],
        without_first=lambda networks: undominated(networks)[1:],
        in_place=sorts_in_place,
    ),
}
