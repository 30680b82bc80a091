"""The trained network in plain NumPy: what the page computes, without TensorFlow."""

from functools import cache
from importlib.resources import files
from typing import Any

import h5py
import numpy as np
from numpy.typing import NDArray

from convbook.arithmetic import Layer
from convbook.convolve import conv2d_matmul

EPSILON = 1e-3  # of Keras's batch normalisation


def _block(number: int) -> list[dict[str, Any]]:
    conv = {"name": f"conv{number}", "kind": "conv", "kernel": 3, "channels": 16, "relu": True}
    return [conv, {"name": f"norm{number}", "kind": "norm"}]


# The layers of `network.scheduled_cnn` as the page's `forward` takes them; dropout does nothing once it is trained.
LAYERS: list[dict[str, Any]] = [
    *_block(1),
    *_block(2),
    {"name": "conv3", "kind": "conv", "kernel": 1, "channels": 10, "relu": True},
    {"name": "pool4", "kind": "pool", "kernel": 2},
    *_block(5),
    *_block(6),
    *_block(7),
    *_block(8),
    {"name": "conv9", "kind": "conv", "kernel": 4, "channels": 10, "relu": False},
    {"name": "norm9", "kind": "norm"},
    {"name": "probabilities", "kind": "softmax"},
]

# Those with a geometry, in the terms of `convbook.arithmetic`.
STACK = [
    Layer(layer["kernel"], layer.get("channels"), layer["kernel"] if layer["kind"] == "pool" else 1, name=layer["name"])
    for layer in LAYERS
    if layer["kind"] in ("conv", "pool")
]


def fold(arrays: list[NDArray]) -> dict[str, tuple[NDArray, NDArray]]:
    """Name the arrays of the network, each batch normalisation folded into a scale and a shift.

    Args:
        arrays: what ``get_weights`` of the Keras model returns: kernel and bias of a convolution; gamma, beta, mean
            and variance of a normalisation.

    Returns:
        Filters and bias, or scale and shift, by the layer's name.
    """
    left = iter(arrays)
    pieces = {}
    for layer in LAYERS:
        if layer["kind"] == "conv":
            pieces[layer["name"]] = next(left), next(left)
        elif layer["kind"] == "norm":
            gamma, beta, mean, variance = (next(left) for _ in range(4))
            scale = gamma / np.sqrt(variance + EPSILON)
            pieces[layer["name"]] = scale, beta - scale * mean
    return pieces


def flat(pieces: dict[str, tuple[NDArray, NDArray]]) -> NDArray[np.float32]:
    """Put all weights into one row, in the order of the layers."""
    return np.concatenate([array.ravel() for piece in pieces.values() for array in piece]).astype(np.float32)


@cache
def trained() -> dict[str, tuple[NDArray, NDArray]]:
    """Read the weights that ship with the package, folded."""
    path = files("convbook") / "weights" / "scheduled_cnn.weights.h5"
    counts = {"conv": 0, "norm": 0}
    groups = {"conv": "conv2d", "norm": "batch_normalization"}  # Keras numbers the layers of a kind from the second on
    arrays: list[NDArray] = []
    with h5py.File(str(path)) as file:
        for kind in (layer["kind"] for layer in LAYERS if layer["kind"] in groups):
            number = f"_{counts[kind]}" if counts[kind] else ""
            group = file[f"layers/{groups[kind]}{number}/vars"]
            arrays += [group[str(i)][...] for i in range(len(group))]
            counts[kind] += 1
    return fold(arrays)


def answers(image: NDArray) -> dict[str, NDArray]:
    """Send one digit (28, 28), from 0 to 1, through the trained network.

    Returns:
        What every layer answers, (height, width, channels), by its name.
    """
    pieces = trained()
    maps = np.asarray(image, np.float32)[:, :, None]
    results = {}
    for layer in LAYERS:
        name = layer["name"]
        if layer["kind"] == "conv":
            maps = conv2d_matmul(maps, *pieces[name])
            maps = np.maximum(maps, 0) if layer["relu"] else maps
        elif layer["kind"] == "norm":
            scale, shift = pieces[name]
            maps = maps * scale + shift
        elif layer["kind"] == "pool":
            height, width, channels = maps.shape
            maps = maps.reshape(height // 2, 2, width // 2, 2, channels).max(axis=(1, 3))
        else:
            powers = np.exp(maps - maps.max())
            maps = powers / powers.sum()
        results[name] = maps
    return results
