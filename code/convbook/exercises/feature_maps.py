"""Checks of chapter 5, on feature maps."""

from collections.abc import Callable, Mapping, Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray

from convbook.arithmetic import Layer, trace
from convbook.convolve import conv2d_windows
from convbook.exercises.verdict import Wrong, call, check, expect

BLOCK = Layer(3, 16, batch_norm=True)
NETWORK = [BLOCK, BLOCK, Layer(1, 10), Layer(2, stride=2), *[BLOCK] * 4, Layer(4, 10, batch_norm=True)]


@check
def two_channel_map(answer: ArrayLike) -> str:
    """Check the map of a 3 × 2 volume with two channels under one 2 × 2 filter with a bias of -1."""
    volume = np.stack([[[1, 2], [0, 1], [4, 0]], [[0, 1], [2, 0], [1, 3]]], axis=-1)
    slices = np.stack([[[1, 0], [1, -1]], [[0, 2], [1, 0]]], axis=-1)
    right = conv2d_windows(volume, slices[..., np.newaxis], np.array([-1]))[:, :, 0]
    by_channel = [conv2d_windows(volume[..., c : c + 1], slices[..., c : c + 1, np.newaxis])[:, :, 0] for c in (0, 1)]
    turned = conv2d_windows(volume, slices[::-1, ::-1, :, np.newaxis], np.array([-1]))[:, :, 0]
    expect(
        answer,
        right,
        "the map",
        mistakes={
            "the bias is missing": right + 1,
            "the bias belongs to the filter and is added once, not once for each channel": right - 1,
            "only the first channel is read": by_channel[0] - 1,
            "only the second channel is read": by_channel[1] - 1,
            "a filter makes one map: add the two partial results up": np.stack(by_channel, axis=-1),
            "the kernels are laid on as they are, not turned": turned,
            "two rows of one number": right.ravel(),
        },
        reveal=False,
    )
    return "two partial results, added up, and one bias"


@check
def parameters(counts: Mapping[str, int]) -> str:
    """Check five numbers of parameters: of a convolution, a batch normalisation and the whole network."""
    stages = trace(NETWORK)
    whole, trainable = sum(stage.parameters for stage in stages), sum(stage.trainable for stage in stages)
    filters = sum(layer.channels or 0 for layer in NETWORK)
    questions = {
        "convolution": (2_320, {"each filter has a bias": 2_304, "a filter reads all 16 channels": 160}),
        "batch normalisation": (
            64,
            {
                "the running mean and variance are numbers of the network, too": 32,
                "each of the 16 channels has its own four numbers": 4,
            },
        ),
        "network": (
            whole,
            {
                "the batch normalisations have parameters": whole - 2 * (whole - trainable),
                "the running means and variances are missing": trainable,
                "behind the 1 × 1 convolution a filter reads 10 channels, not 16": whole + 6 * 9 * 16,
                "there is a batch normalisation behind the last convolution, too": whole - 40,
                "there is no batch normalisation behind the 1 × 1 convolution": whole + 40,
            },
        ),
        "trainable": (
            trainable,
            {
                "the running means and variances are measured, not trained": whole,
                "scale and shift of the batch normalisations are trained": trainable - (whole - trainable),
            },
        ),
        "without biases": (
            whole - filters,
            {
                "these are the biases; what is left without them?": filters,
                "the shifts of the batch normalisations stay": whole - filters - (whole - trainable) // 2,
                "only the biases of the convolutions go": trainable - filters,
            },
        ),
    }
    if not isinstance(counts, Mapping):
        raise Wrong("give the dictionary of the five counts")
    if missing := questions.keys() - counts.keys():
        raise Wrong(f"there is no answer for: {', '.join(sorted(missing))}")
    for question, (right, mistakes) in questions.items():
        expect(counts[question], right, question, mistakes=mistakes, reveal=False)
    return "five counts, the running means and variances told apart"


@check
def pooled_shift(moves: Sequence[int | None]) -> str:
    """Check how far a map behind a 2 × 2 pool moves when its input moves by 1, 2, 3 and 4 pixels."""
    if not isinstance(moves, Sequence):
        raise Wrong("give a list of four answers, for shifts by 1, 2, 3 and 4")
    if len(moves) != 4:
        raise Wrong(f"give four answers, for shifts by 1, 2, 3 and 4; these are {len(moves)}")
    for shift, move in enumerate(moves, start=1):
        if move is ...:
            raise Wrong(f"a shift of {shift}: no answer yet; replace the dots")
        if shift % 2 and move is not None:
            raise Wrong(
                f"a shift of {shift}: it does not simply move; the pool's windows start at every second pixel, so each "
                "now holds another pair of columns. Write None"
            )
        if not shift % 2 and move is None:
            raise Wrong(f"a shift of {shift}: after an even shift every window holds what a neighbour held before")
        if not shift % 2:
            expect(
                move,
                shift // 2,
                f"a shift of {shift}",
                mistakes={"the pool halves the map, so the shift is halved, too": shift},
                reveal=False,
            )
    return "equivariant to even shifts only"


@check
def fold(function: Callable[..., tuple[NDArray, NDArray]]) -> str:
    """Check the folding of a batch normalisation into the next convolution.

    The function takes gamma, beta, mean, variance, epsilon, filters and bias, and returns new filters and a new bias.
    """
    rng = np.random.default_rng(5)
    # Square first: folding into the wrong layer or axis has the right shapes there, and so gets its own hint.
    for channels_in, channels_out in ((3, 3), (3, 2), (1, 2)):
        gamma, beta, mean = rng.normal(size=(3, channels_in)) + 1
        variance, epsilon = rng.uniform(0.1, 0.5, channels_in), 0.05
        filters, bias = rng.normal(size=(2, 2, channels_in, channels_out)), rng.normal(size=channels_out)
        volume = rng.normal(size=(4, 5, channels_in))
        case = f"{channels_in} channels in, {channels_out} out"
        result = call(function, gamma, beta, mean, variance, epsilon, filters, bias)
        if not (isinstance(result, tuple) and len(result) == 2):
            raise Wrong(f"{case}: return two arrays, the new filters and the new bias")
        if np.shape(result[0]) != filters.shape or np.shape(result[1]) != bias.shape:
            raise Wrong(
                f"{case}: the new filters and bias have the shapes of the old ones, {filters.shape} and {bias.shape}; "
                f"these are {np.shape(result[0])} and {np.shape(result[1])}"
            )

        def answers(scale: NDArray, shift: NDArray) -> NDArray:
            return conv2d_windows(volume * scale + shift, filters, bias)  # noqa: B023 (called in this round only)

        scale = gamma / np.sqrt(variance + epsilon)
        shift = beta - mean * scale
        plain = gamma / np.sqrt(variance)
        mistakes = {
            "the bias is as before; what the normalisation adds goes through the weights into it": answers(
                scale, 0 * shift
            ),
            "epsilon is missing under the root": answers(plain, beta - mean * plain),
            "divide by the root of the variance, not by the variance": answers(
                gamma / (variance + epsilon), beta - mean * gamma / (variance + epsilon)
            ),
            "the mean is not subtracted": answers(scale, beta),
            "the mean is divided, too: the shift is beta - mean * scale": answers(scale, beta - mean),
        }
        if channels_in == channels_out:
            output = conv2d_windows(volume, filters, bias)
            mistakes["that folds it into the convolution before; here it stands in front of this one"] = (
                output * scale + shift
            )
            through_weights = np.einsum("ijco,c->o", filters, shift)
            mistakes["each channel's scale belongs to the slices that read it, filters[:, :, c, :]"] = (
                (output - bias) * scale + bias + through_weights
            )
        expect(
            conv2d_windows(volume, *result),
            answers(scale, shift),
            f"{case}, the answers of the folded layer",
            mistakes=mistakes,
        )
    return "the folded convolution answers what normalisation and convolution did, on three volumes"


@check
def shared_scale(function: Callable[..., NDArray]) -> str:
    """Check the rule that makes brightness of maps, on one scale for all or on one for each.

    The function takes maps (H, W, N) of numbers that are 0 or more and ``shared``, and returns the shape of the maps.
    """
    # The maps begin above 0 and none is the largest of its rows only, so that other scales give other numbers.
    loud = np.array([[1.0, 8.0, 4.0], [2.0, 6.0, 3.0]])
    quiet = np.array([[0.5, 0.25, 0.1], [1.0, 0.5, 0.2]])
    for case, maps in (
        ("a loud and a quiet map", np.dstack([loud, quiet])),
        ("a loud map, a quiet one and one that is 0 everywhere", np.dstack([loud, quiet, np.zeros((2, 3))])),
    ):
        each = np.where(maps.max(axis=(0, 1)) > 0, maps.max(axis=(0, 1)), 1)
        for shared, right, other in ((True, maps / maps.max(), maps / each), (False, maps / each, maps / maps.max())):
            asked = f"{case}, shared={shared}"
            result = call(function, maps, shared)
            if np.shape(result) == maps.shape and np.isnan(np.asarray(result, dtype=float)).any():
                raise Wrong(f"{asked}: 0 divided by 0 is no brightness; a map that is 0 everywhere stays dark")
            low = maps.min() if shared else maps.min(axis=(0, 1))
            with np.errstate(invalid="ignore"):
                stretched = (maps - low) / ((maps.max() if shared else maps.max(axis=(0, 1))) - low)
                by_pixel = maps / maps.max(axis=2, keepdims=True)
            mistakes = {
                "one scale for all is asked for, and each map has its own"
                if shared
                else ("a scale for each map is asked for, and all share one"): other,
                "0 should stay 0: do not subtract the smallest value": stretched,
                "that is the largest of the maps at each pixel; take it over the rows and columns of a map": by_pixel,
                "divide by the largest value, so that 1 is the brightest": maps,
            }
            expect(result, right, asked, mistakes=mistakes)
    return "one scale for all and one for each, and a silent map stays dark"
