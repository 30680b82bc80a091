"""Trained networks in plain NumPy, without Keras: records, weights, the output of every layer, and gradients.

``network.save_trained`` describes the layers in the record, in Keras's terms. The axes are ordered as in Keras: maps
are (height, width, channels), and a batch is (N, height, width, channels). The output of a convolution is what comes
after its ReLU and before its batch normalisation. Dropout does nothing here.
"""

import hashlib
import io
import json
import math
from collections.abc import Collection, Iterator, Sequence
from dataclasses import replace
from functools import reduce
from importlib.resources import files
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from convbook.arithmetic import Layer, output_size, pad_width, trace

WEIGHTS = Path(str(files("convbook") / "weights"))

BATCH = 25  # images at once: all maps of the scheduled CNN then take 5 MB, little enough for a cache


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


def with_random_weights(network: Network, seed: int) -> Network:
    """Return the same layers with random weights, drawn as Keras draws them before training.

    Kernels are uniform between limits that depend on the layer's size (Glorot & Bengio 2010, section 4.2.1), and biases
    are 0. A batch normalisation only divides by the root of 1 + epsilon.

    Args:
        network: what ``load`` returns.
        seed: of NumPy's random numbers, which are not those of Keras.
    """
    rng = np.random.default_rng(seed)
    weights = {}
    for name, array in network.weights.items():
        if array.ndim == 4:
            size, _, channels, filters = array.shape
            limit = np.sqrt(6 / (size * size * (channels + filters)))
            weights[name] = rng.uniform(-limit, limit, array.shape).astype(np.float32)
        else:
            weights[name] = np.full_like(array, name.endswith(("gamma", "moving_variance")))
    return Network(network.layers, weights)


def layers_after(network: Network, layer: str) -> Network:
    """Return the part of a network that comes after a layer; ``forward`` then takes the output of that layer.

    Raises:
        ValueError: if the layer is unknown.
    """
    return Network(network.layers[_position(network, layer) + 1 :], network.weights)


def forward(
    network: Network, images: ArrayLike, layers: Collection[str] | None = None
) -> dict[str, NDArray[np.float32]]:
    """Compute the outputs of a network's layers.

    Args:
        network: what ``load`` returns.
        images: one image (height, width, 1) or a batch (N, height, width, 1), from 0 to 1. For a part of a network, the
            maps that its first layer reads.
        layers: names of the layers whose outputs are wanted; None takes all but the dropouts. For many images, name
            them: all outputs of the scheduled CNN take 217 kB an image.

    Returns:
        The outputs by layer name, with a batch axis if the images have one.

    Raises:
        ValueError: if the images have another shape, or a layer is unknown or of an unknown kind.
    """
    pixels = np.asarray(images, np.float32)
    single = pixels.ndim == 3
    pixels = pixels[None] if single else pixels
    if layers is None:
        layers = [layer["name"] for layer in network.layers if layer["kind"] != "Dropout"]
    last = max((_position(network, name) for name in layers), default=-1)
    results: dict[str, NDArray[np.float32]] = {}
    for start in range(0, max(len(pixels), 1), BATCH):
        outputs = _forward(network, pixels[start : start + BATCH], last)
        for name in layers:
            if name not in results:  # all of its room at once, because what grows in pieces needs twice as much
                results[name] = np.empty((len(pixels), *outputs[name].shape[1:]), np.float32)
            results[name][start : start + BATCH] = outputs[name]
    return {name: maps[0] for name, maps in results.items()} if single else results


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
    pixels = np.asarray(image, np.float32)[None]
    outputs = _forward(network, pixels, _position(network, layer))
    shape = outputs[layer].shape[1:]
    if len(unit) != len(shape) or not all(0 <= at < end for at, end in zip(unit, shape, strict=True)):
        raise IndexError(f"the output of {layer} has shape {shape}, so there is no unit {unit}")
    change = np.zeros_like(outputs[layer])
    change[0, *unit] = 1
    return _backward(network, pixels, outputs, change)[0]


def gradients(network: Network, images: ArrayLike, layer: str, place: tuple[int, int]) -> NDArray[np.float32]:
    """Differentiate all channels at one place of a layer with respect to the pixels of each image.

    This is ``gradient`` for many units and images at once, and faster.

    Args:
        network: what ``load`` returns.
        images: (N, height, width, 1), from 0 to 1.
        layer: name of a layer whose output is a stack of maps.
        place: row and column in these maps.

    Returns:
        Derivatives (channels, N, height, width, 1).

    Raises:
        IndexError: if the layer has no unit at this place.
        ValueError: if the layer is unknown or its output is no stack of maps, or as in ``forward``.
    """
    pixels = np.asarray(images, np.float32)
    outputs = _forward(network, pixels, _position(network, layer))
    shape = outputs[layer].shape
    if len(shape) != 4:
        raise ValueError(f"the output of {layer} has shape {shape[1:]}: a unit needs a row and a column")
    if not all(0 <= at < end for at, end in zip(place, shape[1:3], strict=True)):
        raise IndexError(f"{layer} has maps of {shape[1]} × {shape[2]} units, so there is no unit {place}")
    results = np.empty((shape[3], *pixels.shape), np.float32)
    for channel in range(shape[3]):
        change = np.zeros(shape, np.float32)
        change[:, *place, channel] = 1
        results[channel] = _backward(network, pixels, outputs, change)
    return results


def _position(network: Network, layer: str) -> int:
    names = [one["name"] for one in network.layers]
    if layer not in names:
        raise ValueError(f"there is no layer {layer!r}; there are: {', '.join(names)}")
    return names.index(layer)


def _forward(network: Network, images: NDArray[np.float32], last: int) -> dict[str, NDArray[np.float32]]:
    """Compute the outputs of the layers up to number ``last``."""
    first = next((network.weights[name] for name, _ in _shapes(network.layers)), np.empty(1))
    channels = first.shape[2] if first.ndim == 4 else len(first)
    if images.ndim != 4 or images.shape[-1] != channels:
        raise ValueError(
            f"images must have shape (height, width, {channels}) or (N, height, width, {channels}), got {images.shape}"
        )
    outputs, maps = {}, images
    for layer in network.layers[: last + 1]:
        maps = outputs[layer["name"]] = _layer_output(network, layer, maps)
    return outputs


def _backward(
    network: Network, images: NDArray[np.float32], outputs: dict[str, NDArray[np.float32]], change: NDArray[np.float32]
) -> NDArray[np.float32]:
    """Propagate a gradient from the last of the outputs back to the images."""
    inputs = [images, *outputs.values()]
    for i in range(len(outputs) - 1, -1, -1):
        change = _layer_gradient(network, network.layers[i], inputs[i], inputs[i + 1], change)
    return change


def _layer_output(network: Network, layer: dict[str, Any], maps: NDArray) -> NDArray:
    name = layer["name"]
    match layer["kind"]:
        case "Conv2D":
            kernel = network.weights[f"{name}_kernel"]
            windows = _windows(_pad(maps, len(kernel), layer), len(kernel), layer)
            maps = reduce(np.add, (pixels @ kernel[at] for at, pixels in windows))
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
            return maps.reshape(len(maps), math.prod(maps.shape[1:]))  # not -1, for no images
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
                pixels += change @ kernel[at].T  # a view: this adds to `padded`
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
