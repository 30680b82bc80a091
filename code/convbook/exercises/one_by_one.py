"""Checks of chapter 4, on 1 × 1 convolutions and what they cost."""

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from convbook.arithmetic import Layer, trace
from convbook.convolve import conv2d_windows
from convbook.exercises.verdict import Wrong, call, check, expect

# Batch normalisation adds parameters and no MACs.
BLOCK = Layer(3, 16, batch_norm=True)
NETWORK = [BLOCK, BLOCK, Layer(1, 10), Layer(2, stride=2), *[BLOCK] * 4, Layer(4, 10, batch_norm=True)]


@check
def pointwise(function: Callable[[NDArray, NDArray, NDArray], NDArray]) -> str:
    """Check a 1 × 1 convolution of maps (H, W, C_in) with weights (C_in, C_out) and a bias (C_out,)."""
    rng = np.random.default_rng(4)
    for height, width, channels_in, channels_out in ((1, 1, 3, 3), (4, 5, 3, 3), (3, 2, 2, 4), (2, 3, 4, 1)):
        maps = rng.integers(-3, 4, (height, width, channels_in)).astype(float)
        weights = rng.integers(-3, 4, (channels_in, channels_out)).astype(float)
        bias = np.arange(1.0, channels_out + 1)
        right = conv2d_windows(maps, weights[np.newaxis, np.newaxis], bias)
        mistakes = {
            "the bias is missing: each new channel has one": right - bias,
            "every new channel sums up all old ones with weights; scaling each by one number mixes nothing": (
                maps * weights[:, 0] + bias if channels_in == channels_out else ...
            ),
            "the weights are turned round: row i, column j leads from old channel i to new channel j": (
                maps @ weights.T + bias if channels_in == channels_out else ...
            ),
            "only the first channel is read": maps[:, :, :1] * weights[0] + bias,
            "softmax is no part of it: return the weighted sums as they are": (
                np.exp(right) / np.exp(right).sum(axis=-1, keepdims=True)
            ),
            "the ReLU comes behind the convolution: return the weighted sums as they are": np.maximum(right, 0),
            "give the pixels their rows and columns back: reshape the product to (H, W, C_out)": right.reshape(
                -1, channels_out
            ),
            "the channels of one pixel must stay together: reshape to (H * W, C_in), not to (C_in, H * W)": (
                (maps.reshape(channels_in, -1).T @ weights + bias).reshape(right.shape)
            ),
        }
        expect(
            call(function, maps, weights, bias),
            right,
            f"maps of shape {maps.shape}, weights of shape {weights.shape}",
            mistakes={hint: wrong for hint, wrong in mistakes.items() if wrong is not ...},
        )
    return "equal to a convolution on four stacks of maps, with fewer, as many and more channels"


@check
def network_macs(total: int, share_of_second: float) -> str:
    """Check the MACs of the scheduled CNN for one image, and the share of its second convolution."""
    stages = trace(NETWORK)
    macs = [stage.macs for stage in stages]
    expect(
        total,
        sum(macs),
        "the total",
        mistakes={
            "these are parameters; every weight is used once for each pixel of the output": sum(
                stage.parameters for stage in stages
            ),
            "these are weights without biases; every weight is used once for each pixel of the output": sum(
                stage.macs // stage.size**2 for stage in stages
            ),
            "count the pixels of the output, not those of the input: without padding a layer has fewer": sum(
                stage.macs // stage.size**2 * before**2
                for stage, before in zip(stages, [28, *(stage.size for stage in stages)], strict=False)
            ),
            "the 1 × 1 convolution costs MACs of its own": sum(macs) - macs[2],
            "behind the 1 × 1 convolution there are 10 channels, not 16": sum(macs) - macs[4] + macs[4] // 10 * 16,
        },
        reveal=False,
    )
    expect(
        share_of_second,
        macs[1] / sum(macs),
        "the share of the second convolution",
        mistakes={"give a share between 0 and 1, not per cent": 100 * macs[1] / sum(macs)},
        tolerance=1e-3,
        reveal=False,
    )
    return "the second convolution alone takes more than two thirds"


@check
def break_even(function: Callable[[int, int, int, int, int], int]) -> str:
    """Check a function of (size, channels in, kernel, size out, channels out) for the largest bottleneck that pays."""
    cases = {
        "the class network": (24, 32, 3, 10, 16),
        "this network, behind the pool": (12, 16, 3, 10, 16),
        "a 5 × 5 convolution on 8 × 8 maps": (8, 64, 5, 8, 32),
        "a case of exact equality": (6, 18, 3, 6, 1),
        "a case in which none pays": (20, 3, 3, 2, 1),
    }
    for case, (size, channels_in, kernel, size_out, channels_out) in cases.items():
        following = size_out**2 * kernel**2 * channels_out
        alone = following * channels_in
        right = -(-alone // (size**2 * channels_in + following)) - 1
        expect(
            call(function, size, channels_in, kernel, size_out, channels_out),
            right,
            f"{case}, {(size, channels_in, kernel, size_out, channels_out)}",
            mistakes={
                "the 1 × 1 convolution costs MACs of its own, so the line is lower": channels_in - 1,
                "the 1 × 1 convolution works on the larger maps in front of the pool: use size for it": (
                    -(-alone // (size_out**2 * channels_in + following)) - 1
                ),
                "at equality nothing is saved, so take one less": alone // (size**2 * channels_in + following),
                "a number of channels is whole: round": alone / (size**2 * channels_in + following),
            },
        )
    return "five stages, with equality and a hopeless case among them"


@check
def commutes(with_average_pool: bool, with_max_pool: bool) -> str:
    """Check whether a 1 × 1 convolution gives the same in front of a pool and behind it."""
    for answer in (with_average_pool, with_max_pool):
        if answer is None or answer is ...:
            raise Wrong("no answer yet; replace the dots with True or False")
        if not isinstance(answer, bool | np.bool_):
            raise Wrong("each answer is one True or False; np.allclose compares two whole arrays and gives one")
    if not with_average_pool:
        raise Wrong("an average pool: the mean of weighted sums is the weighted sum of the means")
    if with_max_pool:
        raise Wrong(
            "a max-pool: take two channels with the weights 1 and -1; the largest difference is not the difference "
            "of the largest"
        )
    return "with an average pool it is the same, because both are linear; with a max-pool it is not"
