"""Inside a trained network: effective receptive fields, strongest patches, evidence for a class."""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from convbook.arithmetic import Stage, trace
from convbook.inference import BATCH, Network, forward, gradients, scale_and_shift, stack_of


def effective_field(
    network: Network, layer: str, images: NDArray, unit: tuple[int, int] | None = None
) -> NDArray[np.float64]:
    """Measure how strongly each pixel affects a unit: the mean of |d unit / d pixel| over images.

    Every channel at the unit's position has its own gradient. The absolute values are averaged over these channels;
    without the absolute value, opposite signs would cancel. This is the method of Luo et al. (2016), Understanding the
    Effective Receptive Field in Deep Convolutional Neural Networks, section 2 (a gradient of 1 at one unit, taken back
    to the pixels) and section 3 (the mean over many inputs).

    The output of a convolution is taken after its ReLU, so a channel counts as 0 for every image where its ReLU outputs
    0.

    Args:
        network: what ``inference.load`` returns.
        layer: name of a layer whose output is a stack of maps.
        images: (N, height, width, 1), one or more.
        unit: row and column of the unit in the layer's maps; None takes the middle one, or the first of two.

    Returns:
        Influence (height, width): change of the unit's value per change of pixel value; 0 outside the receptive field.

    Raises:
        IndexError: the layer has no unit at this position.
        ValueError: the layer is unknown, its output is not a stack of maps or sees padding, or there are no images.
    """
    if len(images) == 0:
        raise ValueError("give at least one image to average over")
    shape = forward(network, images[:1], [layer])[layer].shape[1:]
    if len(shape) != 3:
        raise ValueError(f"the output of {layer} has shape {shape}: a unit needs a row and a column")
    row, column = unit or ((shape[0] - 1) // 2, (shape[1] - 1) // 2)
    if not (0 <= row < shape[0] and 0 <= column < shape[1]):
        raise IndexError(f"{layer} has maps of {shape[0]} × {shape[1]} units, so there is no unit ({row}, {column})")

    upto = network.layers[: 1 + [one["name"] for one in network.layers].index(layer)]
    stage = trace(stack_of(upto), len(images[0]))[-1]
    if stage.start < 0:
        raise ValueError(f"units of {layer} see padding, so their field is not a part of the image")
    tops = (stage.start + stage.jump * at for at in (row, column))
    field = tuple(slice(top, top + stage.receptive_field) for top in tops)
    seen = images[:, *field]  # from its field alone, the only unit has the same value and gradient
    influence = np.zeros(images.shape[1:3])
    for start in range(0, len(images), BATCH):
        influence[field] += np.abs(gradients(network, seen[start : start + BATCH], layer, (0, 0))).sum(axis=(0, 1, 4))
    return influence / (len(images) * shape[2])


class Patches(NamedTuple):
    """The image regions that excite each channel of a layer most."""

    pixels: NDArray[np.float32]  # (channels, count, r, r), r = receptive field
    values: NDArray[np.float32]  # (channels, count), strongest first
    images: NDArray[np.intp]  # (channels, count), the index of the image each patch was cut from


def strongest_patches(network: Network, layer: str, stage: Stage, images: NDArray, count: int = 8) -> Patches:
    """Find, for every channel of a layer, the ``count`` images that excite it most, cropped to the receptive field.

    Args:
        network: what ``inference.load`` returns.
        layer: name of the layer.
        stage: the layer's stage from ``arithmetic.trace``, with its receptive field.
        images: float32 (N, 28, 28, 1); each image contributes at most one patch per channel.
        count: patches per channel.

    Raises:
        ValueError: if a receptive field reaches into the padding, or there are too few images.
    """
    if count > len(images):
        raise ValueError(
            f"an image contributes at most one patch: cannot take {count} patches from {len(images)} images"
        )
    if stage.start < 0:
        raise ValueError(f"units of {layer} see padding, so their patches cannot be cropped from the image")
    maps = forward(network, images, [layer])[layer]
    height, width, channels = maps.shape[1:]
    flat = maps.reshape(len(maps), height * width, channels)
    best = flat.argmax(axis=1)  # (N, channels): the best position of each image
    peaks = flat.max(axis=1)
    order = np.argsort(-peaks, axis=0, kind="stable")[:count].T  # (channels, count)

    size = stage.receptive_field
    pixels = np.empty((channels, count, size, size), np.float32)
    for channel in range(channels):
        for rank, image in enumerate(order[channel]):
            row, column = divmod(int(best[image, channel]), width)
            top, left = stage.start + row * stage.jump, stage.start + column * stage.jump
            pixels[channel, rank] = images[image, top : top + size, left : left + size, 0]
    return Patches(pixels, np.take_along_axis(peaks.T, order, axis=1), order)


def class_evidence(network: Network, image: NDArray) -> NDArray[np.float32]:
    """Split the ten logits of one image into the contributions of the positions of the last 4 x 4 maps.

    The last convolution and the batch normalisation after it are linear, so a logit is a sum over positions plus a
    constant. The constant is spread evenly over the positions, so the contributions add up to the logit.

    Args:
        network: one that ends as the scheduled CNN does.
        image: float32 (28, 28, 1).

    Returns:
        Evidence (4, 4, 10), in units of the logits.
    """
    maps = forward(network, image, ["drop8"])["drop8"]
    products = np.einsum("hwc,hwck->hwk", maps, network.weights["conv9_kernel"])
    norm = next(layer for layer in network.layers if layer["name"] == "norm9")
    scale, shift = scale_and_shift(network, norm)
    constant = scale * network.weights["conv9_bias"] + shift
    return scale * products + constant / products[..., 0].size
