"""Checks of chapter 5, on feature maps."""

from collections.abc import Callable, Mapping, Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray

from convbook.arithmetic import trace
from convbook.convolve import conv2d_windows
from convbook.exercises.verdict import Mistakes, Wrong, call, describe, expect, gives_verdict, items, numbers
from convbook.inference import stack


@gives_verdict
def two_channel_map(answer: ArrayLike) -> str:
    """Check the map that a 2 × 2 filter with a bias of -1 makes of a 3 × 2 volume with two channels."""
    volume = np.stack([[[1, 2], [0, 1], [4, 0]], [[0, 1], [2, 0], [1, 3]]], axis=-1)
    slices = np.stack([[[1, 0], [1, -1]], [[0, 2], [1, 0]]], axis=-1)
    right = conv2d_windows(volume, slices[..., np.newaxis], np.array([-1]))[:, :, 0]
    by_channel = [conv2d_windows(volume[..., c : c + 1], slices[..., c : c + 1, np.newaxis])[:, :, 0] for c in (0, 1)]
    rotated = conv2d_windows(volume, slices[::-1, ::-1, :, np.newaxis], np.array([-1]))[:, :, 0]
    expect(
        answer,
        right,
        "the map",
        mistakes=(
            ("the bias is missing", right + 1),
            ("a filter's bias is added once, not once for each channel", right - 1),
            ("only the first channel is read", by_channel[0] - 1),
            ("only the second channel is read", by_channel[1] - 1),
            ("a filter makes one map: add the two partial results up", np.stack(by_channel, axis=-1)),
            ("a layer does not rotate its kernels", rotated),
            ("the numbers are right; write them as two rows of one number", right.ravel()),
        ),
        reveal=False,
    )
    return "two partial results, added up, and one bias"


@gives_verdict
def parameters(counts: Mapping[str, int]) -> str:
    """Check five parameter counts: of a convolution, a batch normalisation and the whole network."""
    layers = stack()
    stages = trace(layers)
    whole, trainable = sum(stage.parameters for stage in stages), sum(stage.trainable for stage in stages)
    filters = sum(layer.channels or 0 for layer in layers)
    convolution = next(stage for stage in stages if stage.name == "conv2")
    statistics = 4 * convolution.channels
    questions: dict[str, tuple[int, Mistakes]] = {
        "convolution": (
            convolution.parameters - statistics,
            (
                ("each filter has a bias", convolution.parameters - statistics - convolution.channels),
                ("a filter reads all 16 channels", convolution.channels * (convolution.kernel**2 + 1)),
            ),
        ),
        "batch normalisation": (
            statistics,
            (
                ("count the measured mean and variance of each channel as well, as Keras does", statistics // 2),
                ("each of the 16 channels has its own four numbers", 4),
            ),
        ),
        "network": (
            whole,
            (
                ("the batch normalisations have parameters as well", whole - 2 * (whole - trainable)),
                ("the running means and variances are missing", trainable),
                ("after the 1 × 1 convolution a filter reads 10 channels, not 16", whole + 6 * 9 * 16),
                ("there is a batch normalisation after the last convolution as well", whole - 40),
                ("there is no batch normalisation after the 1 × 1 convolution", whole + 40),
            ),
        ),
        "trainable": (
            trainable,
            (
                ("the running means and variances are measured, not trained", whole),
                ("scale and shift of the batch normalisations are trained", trainable - (whole - trainable)),
            ),
        ),
        "without biases": (
            whole - filters,
            (
                ("these are the biases; how many parameters are left without them?", filters),
                ("the shifts of the batch normalisations stay", whole - filters - (whole - trainable) // 2),
                ("remove only the biases of the convolutions", trainable - filters),
            ),
        ),
    }
    if not isinstance(counts, Mapping):
        raise Wrong(f"give a dictionary with the five numbers, as in the exercise, not {describe(counts)}")
    missing = [question for question in questions if question not in counts]
    if missing:
        raise Wrong(f"these numbers are missing: {', '.join(missing)}")
    for question, (right, mistakes) in questions.items():
        expect(counts[question], right, question, mistakes=mistakes, reveal=False)
    return "five counts, with and without the running means and variances"


@gives_verdict
def pooled_shift(moves: Sequence[int | None]) -> str:
    """Check how far a map after a 2 × 2 pool moves when its input moves by 1, 2, 3 and 4 pixels."""
    given = items(moves, 4, "the moves", "four of them, for shifts by 1, 2, 3 and 4")
    for shift, move in enumerate(given, start=1):
        case = f"a shift of {shift}"
        if move is ...:
            raise Wrong(f"{case}: no answer yet; replace the dots")
        if shift % 2 and move is not None:
            raise Wrong(
                f"{case}: the pool's windows start at every second pixel. After this shift, does each of them contain "
                "the same pair of columns as one of them did before?"
            )
        if not shift % 2 and move is None:
            raise Wrong(
                f"{case}: compare the columns in each window before and after the shift; you will meet the same pairs"
            )
        if not shift % 2:
            expect(
                move,
                shift // 2,
                case,
                mistakes=(("the pool halves the map, so it halves the shift as well", shift),),
                reveal=False,
            )
    return "only after an even shift is the new map the old one moved, and then by half as many units"


@gives_verdict
def fold(function: Callable[..., tuple[NDArray, NDArray]]) -> str:
    """Check the folding of a batch normalisation into the next convolution.

    The function takes gamma, beta, mean, variance, epsilon, filters and bias, and returns new filters and a new bias.
    """
    rng = np.random.default_rng(5)
    # As many filters as channels first, where folding into the wrong layer or axis gives the right shape.
    for kernel, channels_in, channels_out in (((2, 2), 3, 3), ((2, 2), 3, 2), ((3, 2), 1, 2), ((1, 1), 2, 4)):
        gamma, beta, mean = rng.normal(size=(3, channels_in)) + 1
        variance, epsilon = rng.uniform(0.1, 0.5, channels_in), 0.05
        filters, bias = rng.normal(size=(*kernel, channels_in, channels_out)), rng.normal(size=channels_out)
        volume = rng.normal(size=(6, 7, channels_in))
        case = f"filters {filters.shape}"
        result = call(function, gamma, beta, mean, variance, epsilon, filters, bias)
        new_filters, new_bias = items(result, 2, case, "two arrays, the new filters and the new bias")
        new_filters, new_bias = numbers(new_filters, f"{case}, the filters"), numbers(new_bias, f"{case}, the bias")
        if new_filters.shape != filters.shape or new_bias.shape != bias.shape:
            raise Wrong(
                f"{case}: the new filters and bias have the shapes of the old ones, {filters.shape} and {bias.shape}; "
                f"these are {new_filters.shape} and {new_bias.shape}"
            )

        def outputs(scale: NDArray, shift: NDArray) -> NDArray:
            return conv2d_windows(volume * scale + shift, filters, bias)  # noqa: B023 (called in this round only)

        scale = gamma / np.sqrt(variance + epsilon)
        shift = beta - mean * scale
        plain = gamma / np.sqrt(variance)
        output, square = conv2d_windows(volume, filters, bias), channels_in == channels_out
        through_weights = np.einsum("ijco,c->o", filters, shift)
        expect(
            conv2d_windows(volume, new_filters, new_bias),
            outputs(scale, shift),
            f"{case}, the output of the folded layer",
            mistakes=(
                (
                    "the bias is unchanged; the shift of the normalisation passes through the weights and adds to it",
                    outputs(scale, 0 * shift),
                ),
                (
                    "the shift passes through the weights: multiply it by each weight that reads its channel, then add",
                    outputs(scale, 0 * shift) + shift.sum(),
                ),
                ("epsilon is missing under the square root", outputs(plain, beta - mean * plain)),
                (
                    "divide by the square root of the variance, not by the variance",
                    outputs(gamma / (variance + epsilon), beta - mean * gamma / (variance + epsilon)),
                ),
                ("the mean is not subtracted", outputs(scale, beta)),
                ("the mean is divided as well: the shift is beta - mean * scale", outputs(scale, beta - mean)),
                (
                    "that is for the convolution before the normalisation; fold it into the convolution after it",
                    output * scale + shift if square else None,
                ),
                (
                    "each channel's scale belongs to the slices that read it, filters[:, :, c, :]",
                    (output - bias) * scale + bias + through_weights if square else None,
                ),
            ),
            within=1e-3,  # for sums in 32-bit floating point
        )
    return "the folded convolution computes the same as normalisation and convolution, for four shapes of filters"


@gives_verdict
def shared_scale(function: Callable[..., NDArray]) -> str:
    """Check function(maps, shared), which scales maps to brightness, with one scale for all maps or one for each.

    The maps (H, W, N) have no negative numbers, and the result has their shape.
    """
    # The smallest values are above 0 and every map differs between rows, so that wrong scales give wrong numbers.
    loud = np.array([[1.0, 8.0, 4.0], [2.0, 6.0, 3.0]])
    quiet = np.array([[0.5, 0.25, 0.1], [1.0, 0.5, 0.2]])
    zeros = np.zeros((2, 3))
    for name, maps in (
        ("a loud and a quiet map", np.dstack([loud, quiet])),
        ("a loud map, a quiet one and one that is 0 everywhere", np.dstack([loud, quiet, zeros])),
        ("two square maps, the second one louder", np.dstack([quiet[:, :2], loud[:, :2]])),
        ("two maps that are 0 everywhere", np.dstack([zeros, zeros])),
    ):
        largest = maps.max(axis=(0, 1))
        all_shared, each = maps / (maps.max() or 1), maps / np.where(largest > 0, largest, 1)
        for shared, right, other in ((True, all_shared, each), (False, each, all_shared)):
            case = f"{name}, shared={shared}"
            result = numbers(call(function, maps, shared), case, finite=False)
            if result.shape == maps.shape and np.isnan(result).any():
                raise Wrong(f"{case}: 0 divided by 0 is not a brightness; a map that is 0 everywhere must stay 0")
            low = maps.min() if shared else maps.min(axis=(0, 1))
            expect(
                result,
                right,
                case,
                mistakes=(
                    (
                        "use one scale for all maps; here each map has its own"
                        if shared
                        else "use a separate scale for each map; here all maps share one",
                        other,
                    ),
                    (
                        "0 must stay 0, so do not subtract the smallest value",
                        (maps - low) / ((maps.max() if shared else largest) - low),
                    ),
                    (
                        "do not divide by the largest map at each pixel; take the maximum over rows and columns",
                        maps / maps.max(axis=2, keepdims=True),
                    ),
                    ("divide by the largest value, so that 1 is the brightest", maps),
                ),
            )
    return "one scale for all maps or one for each, and a map of zeros stays 0"
