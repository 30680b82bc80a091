"""Checks of chapter 4, on 1 × 1 convolutions and what they cost."""

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from convbook.arithmetic import trace
from convbook.convolve import conv2d_windows
from convbook.exercises.verdict import Wrong, call, expect, gives_verdict, truth
from convbook.inference import stack


@gives_verdict
def pointwise(function: Callable[[NDArray, NDArray, NDArray], NDArray]) -> str:
    """Check a 1 × 1 convolution of maps (H, W, C_in) with weights (C_in, C_out) and a bias (C_out,)."""
    rng = np.random.default_rng(4)
    shapes = ((1, 1, 3, 3), (4, 5, 3, 3), (3, 2, 2, 4), (2, 3, 4, 1), (3, 3, 5, 2), (2, 4, 1, 3))
    for height, width, channels_in, channels_out in shapes:
        maps = rng.integers(-12, 13, (height, width, channels_in)) / 4
        weights = rng.integers(-12, 13, (channels_in, channels_out)) / 4
        bias = np.arange(1.0, channels_out + 1) / 4
        right = conv2d_windows(maps, weights[np.newaxis, np.newaxis], bias)
        square = channels_in == channels_out
        expect(
            call(function, maps, weights, bias),
            right,
            f"maps of shape {maps.shape}, weights of shape {weights.shape}",
            mistakes=(
                ("the bias is missing: each new channel has one", right - bias),
                (
                    "the bias of a new channel is added once, not once for each old channel",
                    right + (channels_in - 1) * bias,
                ),
                (
                    "every new channel is a weighted sum of all old channels; you only scale each channel",
                    maps * weights[:, 0] + bias if square else None,
                ),
                (
                    "the weights are transposed: row i, column j is the weight of old channel i in new channel j",
                    maps @ weights.T + bias if square else None,
                ),
                ("only the first channel is read", maps[:, :, :1] * weights[0] + bias),
                (
                    "return the weighted sums without a softmax",
                    np.exp(right) / np.exp(right).sum(axis=-1, keepdims=True),
                ),
                ("return the weighted sums without a ReLU, which comes after the convolution", np.maximum(right, 0)),
                (
                    "give the pixels their rows and columns back: reshape the product to (H, W, C_out)",
                    right.reshape(-1, channels_out),
                ),
                (
                    "the channels of one pixel must stay together: reshape to (H * W, C_in), not to (C_in, H * W)",
                    (maps.reshape(channels_in, -1).T @ weights + bias).reshape(right.shape),
                ),
            ),
        )
    return f"equal to a convolution for {len(shapes)} shapes of maps and weights"


@gives_verdict
def network_macs(total: int, share_of_second: float) -> str:
    """Check the MACs of the scheduled CNN for one image, and the share of its second convolution."""
    stages = trace(stack())
    macs = {stage.name: stage.macs for stage in stages}
    right = sum(macs.values())
    expect(
        total,
        right,
        "the total",
        mistakes=(
            (
                "these are parameters; count every weight once for each pixel of the output",
                sum(stage.parameters for stage in stages),
            ),
            (
                "these are the weights without biases; count every weight once for each pixel of the output",
                sum(stage.macs // stage.size**2 for stage in stages),
            ),
            (
                "count the pixels of the output, not of the input: without padding the output has fewer",
                sum(
                    stage.macs // stage.size**2 * before**2
                    for stage, before in zip(stages, [28, *(stage.size for stage in stages)], strict=False)
                ),
            ),
            ("the 1 × 1 convolution needs MACs as well", right - macs["conv3"]),
            ("after the 1 × 1 convolution there are 10 channels, not 16", right + macs["conv5"] // 10 * 6),
            ("the first convolution is missing", right - macs["conv1"]),
            ("the second convolution is missing", right - macs["conv2"]),
            *(
                ("the list has four 3 × 3 convolutions after the pool, and you counted three", right - macs[name])
                for name in ("conv5", "conv6", "conv7", "conv8")
            ),
            (
                "the outputs of the four 3 × 3 convolutions after the pool get smaller: 10, 8, 6 and 4 pixels wide",
                right - sum(macs[name] for name in ("conv6", "conv7", "conv8")) + 3 * macs["conv5"] // 10 * 16,
            ),
            ("the last convolution is missing", right - macs["conv9"]),
            ("the last convolution has 4 × 4 kernels, not 3 × 3", right - macs["conv9"] // 16 * 7),
        ),
        reveal=False,
    )
    share = macs["conv2"] / right
    expect(
        share_of_second,
        share,
        "the share of the second convolution",
        mistakes=(
            ("give a share between 0 and 1, not a percentage", 100 * share),
            ("give at least three decimals", round(share, 2)),
        ),
        within=0.0005,  # three decimals
        reveal=False,
    )
    return "the second convolution alone needs more than two thirds of the MACs"


@gives_verdict
def break_even(function: Callable[[int, int, int, int, int], int]) -> str:
    """Check function(size, channels_in, kernel, size_out, channels_out): the widest bottleneck that saves MACs."""
    cases = (
        ("the class network", (24, 32, 3, 10, 16)),
        ("this network, after the pool", (12, 16, 3, 10, 16)),
        ("a 5 × 5 convolution on 8 × 8 maps", (8, 64, 5, 8, 32)),
        ("a case of exact equality", (6, 18, 3, 6, 1)),
        ("a case in which no bottleneck saves MACs", (20, 3, 3, 2, 1)),
        ("a case just below a whole number", (7, 11, 3, 5, 9)),
    )
    for name, (size, channels_in, kernel, size_out, channels_out) in cases:
        following = size_out**2 * kernel**2 * channels_out
        alone = following * channels_in
        largest = alone / (size**2 * channels_in + following)
        expect(
            call(function, size, channels_in, kernel, size_out, channels_out),
            -(-alone // (size**2 * channels_in + following)) - 1,
            f"{name}, {(size, channels_in, kernel, size_out, channels_out)}",
            mistakes=(
                ("the 1 × 1 convolution needs MACs as well, so the limit is lower", channels_in - 1),
                (
                    "the 1 × 1 convolution works on the larger maps before the pool: use size for it",
                    -(-alone // (size_out**2 * channels_in + following)) - 1,
                ),
                (
                    "with equal costs nothing is saved, so take one less",
                    int(largest) if largest == int(largest) else None,
                ),
                ("rounding up gives a bottleneck that saves nothing: round down", round(largest)),
                ("a number of channels is whole: round down", largest),
            ),
        )
    return f"{len(cases)} cases, including one with equal costs and one in which no bottleneck saves anything"


@gives_verdict
def commutes(with_average_pool: bool, with_max_pool: bool) -> str:
    """Check whether a 1 × 1 convolution before a pool has the same output as after it."""
    average, largest = truth(with_average_pool, "an average pool"), truth(with_max_pool, "a max-pool")
    if not average:
        raise Wrong("an average pool: the mean of weighted sums is the weighted sum of the means")
    if largest:
        raise Wrong(
            "a max-pool: take two channels with the weights 1 and -1; the maximum of their difference is not the "
            "difference of their maxima"
        )
    return (
        "with an average pool the order makes no difference, because the pool adds up pixels and the convolution "
        "adds up channels; with a max-pool it does"
    )
