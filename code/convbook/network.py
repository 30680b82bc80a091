"""The scheduled CNN, which is the network of the notes, and smaller ones, in plain Keras; trained weights."""

import hashlib
import io
import json
from collections.abc import Callable, Sequence
from functools import partial
from itertools import zip_longest
from pathlib import Path
from typing import Any

import numpy as np

from convbook import inference
from convbook.atomic import write_atomically
from convbook.backend import keras
from convbook.inference import WEIGHTS


def scheduled_cnn(second_block: int = 16, dropout: float = 0.1, logit_dropout: float = 0.1) -> keras.Sequential:
    """Build the network of the notes: images (28, 28, 1) in [0, 1] to 10 probabilities.

    A block is a valid convolution with a ReLU inside, batch normalisation,
    then dropout. With the default widths the network has 14,060 parameters,
    13,848 of them trainable.

    Args:
        second_block: filters of the second convolution. The notes use 16; the
            network from class that they started from has 32, and 16,604 parameters.
        dropout: rate of the dropout layer at the end of each block.
        logit_dropout: rate of the dropout layer on the logits.
    """
    layers = keras.layers

    def block(number: int, filters: int) -> list[keras.Layer]:
        return [
            layers.Conv2D(filters, 3, activation="relu", name=f"conv{number}"),
            layers.BatchNormalization(name=f"norm{number}"),
            layers.Dropout(dropout, name=f"drop{number}"),
        ]

    return keras.Sequential(
        [
            keras.Input((28, 28, 1)),
            *block(1, 16),
            *block(2, second_block),
            layers.Conv2D(10, 1, activation="relu", name="conv3"),
            layers.MaxPooling2D(2, name="pool4"),
            *block(5, 16),
            *block(6, 16),
            *block(7, 16),
            *block(8, 16),
            # The classifier is a convolution too, whose filters see the whole image.
            # It has no ReLU, but the notes put batch normalisation and dropout on
            # the ten logits; chapter 9 shows what that does.
            layers.Conv2D(10, 4, name="conv9"),
            layers.BatchNormalization(name="norm9"),
            layers.Dropout(logit_dropout, name="drop9"),
            layers.Flatten(name="logits"),
            layers.Softmax(name="probabilities"),
        ],
        name="scheduled_cnn",
    )


def compact_cnn(
    stages: Sequence[Sequence[int]],
    *,
    average: bool = True,
    norm_first: bool = False,
    shift: float = 0.0,
    rotation: float = 0.0,
) -> keras.Sequential:
    """Build a network that pools early: images (28, 28, 1) in [0, 1] to 10 probabilities.

    A stage consists of valid 3 x 3 convolutions, each with a ReLU inside and batch normalisation after it, and there is
    a max-pool between two stages. The logits are either 1 x 1 convolutions, averaged over all positions (Lin, Chen &
    Yan 2014, Network In Network, section 3.2), or convolutions whose filters see all of the last maps, as in the notes.

    Args:
        stages: the number of filters of every convolution, stage by stage: ``((8, 10), (14, 14))``.
        average: whether the logits are averaged.
        norm_first: whether every convolution is normalised before its ReLU, and pooled before both (Ioffe & Szegedy
            2015, Batch Normalization, section 3.2). It then needs no biases, as the normalisation shifts its output.
        shift: in training only, move every digit by up to this share of its side, along both axes.
        rotation: in training only, rotate every digit by up to this share of a full turn, in either direction.
    """
    layers = keras.layers
    stack: list[keras.Layer] = [keras.Input((28, 28, 1))]
    if shift:
        # By whole pixels, because shifts by fractions would blur the strokes.
        stack.append(
            layers.RandomTranslation(shift, shift, fill_mode="constant", interpolation="nearest", name="shift")
        )
    if rotation:
        stack.append(layers.RandomRotation(rotation, fill_mode="constant", name="rotation"))
    number = 0
    for stage_number, stage in enumerate(stages, start=1):
        for position, filters in enumerate(stage, start=1):
            number += 1
            norm = layers.BatchNormalization(name=f"norm{number}")
            pool = []
            if position == len(stage) and stage_number < len(stages):
                pool = [layers.MaxPooling2D(2, name=f"pool{number + 1}")]
            if norm_first:
                conv = layers.Conv2D(filters, 3, use_bias=False, name=f"conv{number}")
                stack += [conv, *pool, norm, layers.ReLU(name=f"relu{number}")]
            else:
                stack += [layers.Conv2D(filters, 3, activation="relu", name=f"conv{number}"), norm, *pool]
            number += len(pool)
    side = 1 if average else keras.Sequential(stack).output_shape[1]
    stack.append(layers.Conv2D(10, side, name=f"conv{number + 1}"))
    stack.append((layers.GlobalAveragePooling2D if average else layers.Flatten)(name="logits"))
    stack.append(layers.Softmax(name="probabilities"))
    return keras.Sequential(stack, name="compact_cnn")


def with_test_time_augmentation(network: keras.Sequential, shift: int = 1) -> keras.Model:
    """Apply a network to every digit at all shifts of up to ``shift`` pixels, and average the logits.

    This is test-time augmentation. Because of the pools, a digit that is shifted by one pixel gives different maps, so
    each of the ``(2 * shift + 1)**2`` shifts adds information. All of them use the network's own weights; the work is
    multiplied by their number.

    Args:
        network: maps images (28, 28, 1) to probabilities and ends with a softmax.
        shift: largest shift along each axis, in pixels.
    """
    layers = keras.layers
    *body, softmax = network.layers
    images = keras.Input((28, 28, 1))
    logits = keras.Sequential([keras.Input((28, 28, 1)), *body], name="one_view")
    wide = layers.ZeroPadding2D(shift)(images)
    crops = [(before, 2 * shift - before) for before in range(2 * shift + 1)]
    views = [logits(layers.Cropping2D((rows, columns))(wide)) for rows in crops for columns in crops]
    return keras.Model(images, softmax(layers.Average()(views)), name=f"{network.name}_with_test_time_augmentation")


# By the name of their recipe and of their trained weights. None has random shifts or rotations, which recipes add.
NETWORKS: dict[str, Callable[..., keras.Sequential]] = {
    "scheduled_cnn": scheduled_cnn,
    "compact_20k": partial(compact_cnn, ((16,), (24, 24, 24, 24)), norm_first=True),
    "compact_7k": partial(compact_cnn, ((8,), (12, 12, 16, 16)), norm_first=True),
    "compact_4k": partial(compact_cnn, ((8,), (8, 8, 12, 14)), norm_first=True),
    "compact_2k": partial(compact_cnn, ((4,), (8, 8, 8), (8,))),
}
NETWORKS["one_minute"] = NETWORKS["compact_20k"]  # the same network, trained for a fifth of the epochs


# The settings that inference needs of each layer, and below the settings for which it knows only one value.
_RECORDED: dict[str, tuple[str, ...]] = {
    "Conv2D": ("filters", "kernel_size", "strides", "padding", "dilation_rate", "activation", "use_bias"),
    "MaxPooling2D": ("pool_size", "strides", "padding"),
    "BatchNormalization": ("epsilon", "momentum"),
    "Dropout": ("rate",),
    "ReLU": (),
    "GlobalAveragePooling2D": (),
    "Flatten": (),
    "Softmax": (),
}
_FIXED: dict[str, dict[str, Any]] = {
    "Conv2D": {"data_format": "channels_last", "groups": 1},
    "MaxPooling2D": {"data_format": "channels_last"},
    "BatchNormalization": {"axis": -1, "center": True, "scale": True},
    "Dropout": {"noise_shape": None},
    "ReLU": {"max_value": None, "negative_slope": 0, "threshold": 0},
    "GlobalAveragePooling2D": {"data_format": "channels_last", "keepdims": False},
    "Flatten": {"data_format": "channels_last"},
    "Softmax": {"axis": -1},
}


def layer_records(model: keras.Sequential) -> list[dict[str, Any]]:
    """Describe the layers of a network in Keras's terms, for its record.

    Returns:
        For each layer a dictionary that JSON can hold: its name, its class as ``kind``, and its settings, such as
        ``{"name": "pool4", "kind": "MaxPooling2D", "pool_size": 2, "strides": 2, "padding": "valid"}``. A setting for
        both axes is one number.

    Raises:
        ValueError: if a layer is of a kind, or has a setting, that a record cannot express; the message names it.
    """
    return [_layer_record(layer) for layer in model.layers]


def _layer_record(layer: keras.Layer) -> dict[str, Any]:
    kind, settings = type(layer).__name__, layer.get_config()
    if kind not in _RECORDED:
        raise ValueError(f"layer '{layer.name}' is a {kind}: a record can hold {', '.join(_RECORDED)}")
    for name, value in _FIXED[kind].items():
        if settings[name] != value:
            raise ValueError(f"layer '{layer.name}' has {name} {settings[name]}: a record can hold only {value}")
    result: dict[str, Any] = {"name": layer.name, "kind": kind}
    for name in _RECORDED[kind]:
        value = settings[name]
        if isinstance(value, list | tuple):
            if len(set(value)) > 1:
                raise ValueError(f"layer '{layer.name}' has {name} {tuple(value)}: both numbers must be the same")
            value = value[0]
        if not isinstance(value, bool | int | float | str):
            raise ValueError(f"layer '{layer.name}' has {name} {value!r}: a record can hold numbers and Keras's names")
        result[name] = value
    return result


def save_trained(model: keras.Sequential, name: str, folder: Path, facts: dict[str, Any]) -> None:
    """Write the weights of a network as ``name.npz`` and then its record as ``name.json``.

    ``model.set_weights(list(np.load(path).values()))`` restores the weights. Each file is written in one step. An old
    record is removed first and the new one is written last, so a record always stands for a complete network.

    Args:
        model: the trained network.
        name: name of both files.
        folder: created if it is missing.
        facts: how the network was made. The layers and the digest of the weights are added to it.

    Raises:
        ValueError: if a record cannot express one of the layers.
    """
    layers = layer_records(model)
    content = io.BytesIO()
    variables = [(layer, variable) for layer in model.layers for variable in layer.weights]
    names = [f"{layer.name}_{variable.name}" for layer, variable in variables]
    np.savez(content, **dict(zip(names, model.get_weights(), strict=True)))
    digest = hashlib.sha256(content.getvalue()).hexdigest()
    about = json.dumps({**facts, "layers": layers, "weights_sha256": digest}, indent=1, ensure_ascii=False) + "\n"
    (folder / f"{name}.json").unlink(missing_ok=True)
    write_atomically(folder / f"{name}.npz", content.getvalue())
    write_atomically(folder / f"{name}.json", about.encode())


def load_trained(name: str = "scheduled_cnn", folder: Path = WEIGHTS) -> keras.Sequential:
    """Build the network ``name`` with its trained weights, after checking both against its record.

    Raises:
        ValueError: if the name is unknown, the weights are not those of the record, or the layers have changed since
            the record was made.
    """
    trained = inference.load(name, folder)
    if name not in NETWORKS:
        raise ValueError(f"there is no builder for the network {name!r}; there are: {', '.join(NETWORKS)}")
    model = NETWORKS[name]()
    for built, recorded in zip_longest(layer_records(model), trained.layers):
        if built != recorded:
            raise ValueError(f"the network {name!r} was trained with the layer {recorded}, but now has {built}")
    model.set_weights(list(trained.weights.values()))
    return model
