"""Inside a trained network: feature maps, effective receptive fields, strongest patches, evidence for a class."""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from convbook.arithmetic import Stage
from convbook.backend import keras

# Limits the memory: all maps of this many digits take about 217 MB. A digit and its 784 one-pixel changes fit into one
# batch, so they can be compared bit by bit.
BATCH = 1000


def _compute(model: keras.Model, outputs: dict[str, keras.KerasTensor], images: NDArray) -> dict[str, NDArray]:
    """Compute some of a model's tensors by name, batch by batch, with dropout off."""
    part = keras.Model(model.inputs[0], outputs)
    parts: dict[str, list[NDArray]] = {name: [] for name in outputs}
    for start in range(0, len(images), BATCH):
        # Not `Model.predict`, which would compile a graph for every new selection of tensors.
        for name, values in part(images[start : start + BATCH], training=False).items():
            parts[name].append(keras.ops.convert_to_numpy(values))
    return {
        name: np.concatenate(parts.pop(name)) for name in outputs
    }  # pop, so that the maps are never all in memory twice


def predict(model: keras.Model, images: NDArray) -> NDArray[np.float32]:
    """Compute class probabilities (N, 10) for images (N, 28, 28, 1), with dropout off."""
    return _compute(model, {"probabilities": model.outputs[0]}, images)["probabilities"]


def feature_maps(model: keras.Model, images: NDArray) -> dict[str, NDArray[np.float32]]:
    """Compute the output of every layer, by layer name, in one pass with dropout off.

    The output of a convolution is taken after its ReLU and before its batch normalisation. Dropout layers, which do
    nothing here, are left out.

    Args:
        model: a Keras model.
        images: float32 (N, 28, 28, 1) in [0, 1]. A single image (28, 28, 1) is an error: add the batch axis.

    Returns:
        Arrays (N, height, width, channels); (N, 10) for the layers after the last map.
    """
    if images.shape[1:] != model.input_shape[1:]:
        raise ValueError(f"images must have shape (N, *{model.input_shape[1:]}), got {images.shape}")
    kept = {layer.name: layer.output for layer in model.layers if not isinstance(layer, keras.layers.Dropout)}
    return _compute(model, kept, images)


def effective_field(
    model: keras.Model, layer: str, images: NDArray, unit: tuple[int, int] | None = None
) -> NDArray[np.float64]:
    """Measure how strongly each pixel affects a unit: the mean of |d unit / d pixel| over images.

    Every channel at the unit's position has its own gradient. The absolute values are averaged over these channels and
    summed over the channels of a pixel; without the absolute value, opposite signs would cancel. This is the method of
    Luo et al. (2016), Understanding the Effective Receptive Field in Deep Convolutional Neural Networks,
    section 2 (a gradient of 1 at one unit, taken back to the pixels) and section 3 (the mean over many inputs).

    As in ``feature_maps``, dropout is off and the output of a convolution is taken after its ReLU, so a channel counts
    as 0 for every image where its ReLU outputs 0.

    Args:
        model: a Keras model, on TensorFlow.
        layer: name of a layer whose output is a stack of maps.
        images: (N, height, width, channels), one or more.
        unit: row and column of the unit in the layer's maps; None takes the middle one, or the first of two.

    Returns:
        Influence (height, width): change of the unit's value per change of pixel value; 0 outside the receptive field.

    Raises:
        IndexError: the layer has no unit at this position.
        RuntimeError: Keras does not run on TensorFlow, which computes the gradients.
        ValueError: the layer's output is not a stack of maps, or there are no images.
    """
    if keras.backend.backend() != "tensorflow":
        raise RuntimeError(
            f"effective_field computes its gradients with TensorFlow, but Keras runs on {keras.backend.backend()}: "
            "set KERAS_BACKEND=tensorflow before Python starts"
        )
    import tensorflow as tf

    output = model.get_layer(layer).output
    if len(output.shape) != 4:
        raise ValueError(f"the output of {layer} has shape {output.shape}: a unit needs a row and a column")
    if len(images) == 0:
        raise ValueError("give at least one image to average over")
    height, width = output.shape[1:3]
    row, column = unit or ((height - 1) // 2, (width - 1) // 2)
    if not (0 <= row < height and 0 <= column < width):
        raise IndexError(f"{layer} has maps of {height} × {width} units, so there is no unit ({row}, {column})")

    part = keras.Model(model.inputs[0], output[:, row, column])
    influence = np.zeros(images.shape[1:3])
    for start in range(0, len(images), BATCH):
        pixels = tf.convert_to_tensor(images[start : start + BATCH])
        with tf.GradientTape(persistent=True) as tape:
            tape.watch(pixels)
            channels = tf.unstack(part(pixels, training=False), axis=-1)
        for channel in channels:
            # One gradient is enough for the whole batch, because no image's unit depends on another image.
            influence += np.abs(tape.gradient(channel, pixels)).sum(axis=(0, -1))
    return influence / (len(images) * len(channels))


class Patches(NamedTuple):
    """The image regions that excite each channel of a layer most."""

    pixels: NDArray[np.float32]  # (channels, count, r, r), r = receptive field
    values: NDArray[np.float32]  # (channels, count), strongest first
    images: NDArray[np.intp]  # (channels, count), the index of the image each patch was cut from


def strongest_patches(model: keras.Model, layer: str, stage: Stage, images: NDArray, count: int = 8) -> Patches:
    """Find, for every channel of a layer, the ``count`` images that excite it most, cropped to the receptive field.

    Args:
        model: the trained network.
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
    maps = _compute(model, {layer: model.get_layer(layer).output}, images)[layer]
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


def class_evidence(model: keras.Model, image: NDArray) -> NDArray[np.float32]:
    """Split the ten logits of one image into the contributions of the positions of the last 4 x 4 maps.

    The last convolution and the batch normalisation after it are linear, so a logit is a sum over positions plus a
    constant. The constant is spread evenly over the positions, so the contributions add up to the logit.

    Args:
        model: a network that ends as the scheduled CNN does.
        image: float32 (28, 28, 1).

    Returns:
        Evidence (4, 4, 10), in units of the logits.
    """
    conv, norm = model.get_layer("conv9"), model.get_layer("norm9")
    maps = _compute(model, {"maps": conv.input}, image[None])["maps"]
    kernel, bias = conv.get_weights()
    gamma, beta, mean, variance = norm.get_weights()
    products = np.einsum("hwc,hwck->hwk", maps[0], kernel)
    scale = gamma / np.sqrt(variance + norm.epsilon)
    return scale * products + (scale * (bias - mean) + beta) / products[..., 0].size
