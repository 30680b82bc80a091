"""Trained networks in plain NumPy, without Keras: records, weights, the output of every layer, and gradients.

``network.save_trained`` describes the layers in the record, in Keras's terms. The axes are ordered as in Keras: maps
are (height, width, channels), and a batch is (N, height, width, channels).
"""

import hashlib
import io
import json
from collections.abc import Iterator, Sequence
from dataclasses import replace
from functools import reduce
from importlib.resources import files
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from convbook.arithmetic import Layer, output_size, pad_width, trace

WEIGHTS = Path(str(files("convbook") / "weights"))


class Network(NamedTuple):
    """A trained network.

    Attributes:
        layers: one dictionary per layer, with its name, its Keras class as ``kind``, and its settings.
        weights: arrays by name, such as ``conv1_kernel``, in the order of Keras's ``get_weights``.
    """

    layers: list[dict[str, Any]]
    weights: dict[str, NDArray[np.float32]]


def record(name: str = "scheduled_cnn", folder: Path = WEIGHTS) -> dict[str, Any]:
    """Read the record of a trained network: how it was made, its history, its layers and the digest of its weights.

    Raises:
        ValueError: if the name is unknown; the message lists the names.
    """
    path = folder / f"{name}.json"
    if not path.exists():
        known = ", ".join(sorted(file.stem for file in folder.glob("*.json"))) or "none"
        raise ValueError(f"no trained network named {name!r} in {folder}; there are: {known}")
    return json.loads(path.read_text(encoding="utf-8"))


def load(name: str = "scheduled_cnn", folder: Path = WEIGHTS) -> Network:
    """Read a trained network, after checking its weights against its record. Nothing is unpickled.

    Raises:
        ValueError: if the name is unknown, or the weights are not those of the record.
    """
    made = record(name, folder)
    path = folder / f"{name}.npz"
    content = path.read_bytes()
    digest = hashlib.sha256(content).hexdigest()
    if digest != made["weights_sha256"]:
        raise ValueError(
            f"{path} does not match its record (SHA-256 {digest[:12]}…, expected "
            f"{made['weights_sha256'][:12]}…). Install the package again, or train the network again: {made['command']}"
        )
    with np.load(io.BytesIO(content), allow_pickle=False) as arrays:
        return network_of(made["layers"], [*arrays.values()])


def network_of(layers: list[dict[str, Any]], arrays: Sequence[NDArray]) -> Network:
    """Combine layers with the arrays of Keras's ``get_weights``.

    Raises:
        ValueError: if the arrays do not match the layers; the message names the first one that does not.
    """
    wanted = dict(_shapes(layers))
    if len(arrays) != len(wanted):
        raise ValueError(f"the layers need {len(wanted)} arrays of weights, got {len(arrays)}")
    for (name, shape), array in zip(wanted.items(), arrays, strict=True):
        if array.shape != shape:
            raise ValueError(f"{name} must have shape {shape}, got {array.shape}")
    return Network(layers, dict(zip(wanted, arrays, strict=True)))


def _shapes(layers: list[dict[str, Any]], channels: int = 1) -> Iterator[tuple[str, tuple[int, ...]]]:
    """Yield the name and shape of every array of weights; layers after a ``Flatten`` have none."""
    for layer in layers:
        name = layer["name"]
        if layer["kind"] == "Conv2D":
            size, filters = layer["kernel_size"], layer["filters"]
            yield f"{name}_kernel", (size, size, channels, filters)
            channels = filters
            if layer["use_bias"]:
                yield f"{name}_bias", (channels,)
        elif layer["kind"] == "BatchNormalization":
            for part in ("gamma", "beta", "moving_mean", "moving_variance"):
                yield f"{name}_{part}", (channels,)


def stack(name: str = "scheduled_cnn", folder: Path = WEIGHTS) -> list[Layer]:
    """Read the convolutions and pools of a trained network, for ``arithmetic.trace``.

    As in ``arithmetic.from_keras``, a batch normalisation is counted with the layer before it.

    Raises:
        ValueError: if the name is unknown, or one of the layers is of an unknown kind.
    """
    return stack_of(record(name, folder)["layers"])


def stack_of(layers: list[dict[str, Any]]) -> list[Layer]:
    """Translate the layers of a record into those of ``arithmetic``; see ``stack``."""
    result: list[Layer] = []
    for layer in layers:
        name = layer["name"]
        match layer["kind"]:
            case "Conv2D":
                geometry = layer["kernel_size"], layer["filters"], layer["strides"], layer["padding"]
                result.append(Layer(*geometry, layer["dilation_rate"], layer["use_bias"], name=name))
            case "MaxPooling2D":
                result.append(Layer(layer["pool_size"], None, layer["strides"], layer["padding"], name=name))
            case "GlobalAveragePooling2D":
                size = trace(result)[-1].size
                result.append(Layer(size, None, size, name=name))
            case "BatchNormalization":
                result[-1] = replace(result[-1], batch_norm=True)
            case "Dropout" | "ReLU" | "Flatten" | "Softmax":
                pass
            case _:
                raise _unknown(layer)
    return result


def scale_and_shift(network: Network, layer: dict[str, Any]) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Reduce the four arrays of a trained batch normalisation to two: it computes ``maps * scale + shift``."""
    parts = ("gamma", "beta", "moving_mean", "moving_variance")
    gamma, beta, mean, variance = (network.weights[f"{layer['name']}_{part}"] for part in parts)
    scale = gamma / np.sqrt(variance + np.float32(layer["epsilon"]))
    return scale, beta - scale * mean


def forward(network: Network, images: ArrayLike) -> dict[str, NDArray[np.float32]]:
    """Compute the output of every layer of a trained network; dropout does nothing.

    Args:
        network: what ``load`` returns.
        images: one image (height, width, 1) or a batch (N, height, width, 1), from 0 to 1.

    Returns:
        The outputs by layer name, with a batch axis if the images have one.

    Raises:
        ValueError: if the images have another shape, or the network has a layer of an unknown kind.
    """
    pixels = np.asarray(images, np.float32)
    single = pixels.ndim == 3
    outputs = _forward(network, pixels[None] if single else pixels)
    return {name: maps[0] for name, maps in outputs.items()} if single else outputs


def gradient(network: Network, image: ArrayLike, layer: str, unit: tuple[int, ...]) -> NDArray[np.float32]:
    """Differentiate one unit of a network with respect to the pixels of the image.

    As in TensorFlow, a ReLU passes no gradient where its output is 0, and a max-pool passes the gradient to the first
    of its largest inputs.

    Args:
        network: what ``load`` returns.
        image: (height, width, 1), from 0 to 1.
        layer: name of the unit's layer.
        unit: its row, column and channel, or only the channel if the layer's output is a vector.

    Returns:
        The derivative of the unit with respect to each pixel, in the image's shape.

    Raises:
        IndexError: if the layer has no unit at this position.
        ValueError: if the layer is unknown, or as in ``forward``.
    """
    maps = np.asarray(image, np.float32)[None]
    outputs = _forward(network, maps)
    if layer not in outputs:
        raise ValueError(f"there is no layer {layer!r}; there are: {', '.join(outputs)}")
    shape = outputs[layer].shape[1:]
    if len(unit) != len(shape) or not all(0 <= at < end for at, end in zip(unit, shape, strict=True)):
        raise IndexError(f"the output of {layer} has shape {shape}, so there is no unit {unit}")
    change = np.zeros_like(outputs[layer])
    change[0, *unit] = 1
    last = [*outputs].index(layer)
    inputs = [maps, *outputs.values()]
    for i in range(last, -1, -1):
        change = _layer_gradient(network, network.layers[i], inputs[i], inputs[i + 1], change)
    return change[0]


def _forward(network: Network, images: NDArray[np.float32]) -> dict[str, NDArray[np.float32]]:
    if images.ndim != 4 or images.shape[-1] != 1:
        raise ValueError(f"images must have shape (height, width, 1) or (N, height, width, 1), got {images.shape}")
    outputs, maps = {}, images
    for layer in network.layers:
        maps = outputs[layer["name"]] = _layer_output(network, layer, maps)
    return outputs


def _layer_output(network: Network, layer: dict[str, Any], maps: NDArray) -> NDArray:
    name = layer["name"]
    match layer["kind"]:
        case "Conv2D":
            kernel = network.weights[f"{name}_kernel"]
            windows = _windows(_pad(maps, len(kernel), layer), len(kernel), layer)
            maps = reduce(np.add, (np.tensordot(pixels, kernel[at], 1) for at, pixels in windows))
            if layer["use_bias"]:
                maps = maps + network.weights[f"{name}_bias"]
            return np.maximum(maps, 0) if _has_relu(layer) else maps
        case "MaxPooling2D":
            size = layer["pool_size"]
            windows = _windows(_pad(maps, size, layer, -np.inf), size, layer)
            return np.max([values for _, values in windows], axis=0)
        case "BatchNormalization":
            scale, shift = scale_and_shift(network, layer)
            return maps * scale + shift
        case "ReLU":
            return np.maximum(maps, 0)
        case "GlobalAveragePooling2D":
            return maps.mean(axis=(1, 2))
        case "Flatten":
            return maps.reshape(len(maps), -1)
        case "Softmax":
            powers = np.exp(maps - maps.max(axis=-1, keepdims=True))  # never overflows
            return powers / powers.sum(axis=-1, keepdims=True)
        case "Dropout":
            return maps
        case _:
            raise _unknown(layer)


def _layer_gradient(
    network: Network, layer: dict[str, Any], maps: NDArray, output: NDArray, change: NDArray
) -> NDArray:
    """Propagate a gradient from a layer's output back to its input, ``maps``."""
    match layer["kind"]:
        case "Conv2D":
            kernel = network.weights[f"{layer['name']}_kernel"]
            change = change * (output > 0) if _has_relu(layer) else change
            padded = _pad(np.zeros_like(maps), len(kernel), layer)
            for at, pixels in _windows(padded, len(kernel), layer):
                pixels += np.tensordot(change, kernel[at].T, 1)  # a view: this adds to `padded`
            return _unpad(padded, maps, len(kernel), layer)
        case "MaxPooling2D":
            size = layer["pool_size"]
            padded = _pad(np.zeros_like(maps), size, layer)
            values = _windows(_pad(maps, size, layer, -np.inf), size, layer)
            waiting = np.ones(output.shape, bool)  # True until the first of the largest values is found
            for (_, pixels), (_, value) in zip(_windows(padded, size, layer), values, strict=True):
                first = waiting & (value == output)
                pixels += change * first
                waiting &= ~first
            return _unpad(padded, maps, size, layer)
        case "BatchNormalization":
            return change * scale_and_shift(network, layer)[0]
        case "ReLU":
            return change * (output > 0)
        case "GlobalAveragePooling2D":
            height, width = maps.shape[1:3]
            return np.broadcast_to(change[:, None, None] / (height * width), maps.shape)
        case "Softmax":
            return output * (change - (change * output).sum(axis=-1, keepdims=True))
        case _:  # Flatten or Dropout, because `_forward` has refused every other kind
            return change.reshape(maps.shape)


def _windows(padded: NDArray, size: int, layer: dict[str, Any]) -> Iterator[tuple[tuple[int, int], NDArray]]:
    """Yield each of the ``size * size`` positions in a window with a view of its values in all windows."""
    stride, dilation = layer["strides"], layer.get("dilation_rate", 1)
    rows, columns = (output_size(side, size, stride, "valid", dilation) for side in padded.shape[1:3])
    for i, j in np.ndindex(size, size):
        top, left = i * dilation, j * dilation
        yield (i, j), padded[:, top : top + stride * rows : stride, left : left + stride * columns : stride]


def _pad(maps: NDArray, size: int, layer: dict[str, Any], value: float = 0) -> NDArray:
    return np.pad(maps, [(0, 0), *_borders(maps, size, layer), (0, 0)], constant_values=value)


def _unpad(padded: NDArray, maps: NDArray, size: int, layer: dict[str, Any]) -> NDArray:
    (top, _), (left, _) = _borders(maps, size, layer)
    height, width = maps.shape[1:3]
    return padded[:, top : top + height, left : left + width]


def _borders(maps: NDArray, size: int, layer: dict[str, Any]) -> list[tuple[int, int]]:
    geometry = size, layer["strides"], layer["padding"], layer.get("dilation_rate", 1)
    return [pad_width(side, *geometry) for side in maps.shape[1:3]]


def _has_relu(layer: dict[str, Any]) -> bool:
    if layer["activation"] not in ("relu", "linear"):
        raise ValueError(
            f"layer '{layer['name']}' has the activation {layer['activation']}: only relu and linear are known"
        )
    return layer["activation"] == "relu"


def _unknown(layer: dict[str, Any]) -> ValueError:
    return ValueError(f"layer '{layer['name']}' is a {layer['kind']}, which NumPy inference does not know")
