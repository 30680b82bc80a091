"""The scheduled CNN, which is the network of the notes, and smaller ones, in plain Keras; and trained weights."""

import hashlib
import json
from collections.abc import Callable, Sequence
from functools import partial
from importlib.resources import files
from math import comb, log
from pathlib import Path
from typing import Any

from convbook.backend import keras

WEIGHTS = Path(str(files("convbook") / "weights"))


def scheduled_cnn(second_block: int = 16, dropout: float = 0.1, logit_dropout: float = 0.1) -> keras.Sequential:
    """Build the network of the notes: images (28, 28, 1) in [0, 1] to 10 probabilities.

    A block is a valid convolution with a ReLU inside, batch normalisation,
    then dropout. With the default widths the network has 14,060 parameters,
    13,848 of them trainable.

    Args:
        second_block: kernels in the second convolution. The notes use 16; the
            class network that they started from has 32, and 16,604 parameters.
        dropout: rate of the dropout layers that end the blocks.
        logit_dropout: rate of the dropout layer on the logits.
    """
    layers = keras.layers

    def block(number: int, kernels: int) -> list[keras.Layer]:
        return [
            layers.Conv2D(kernels, 3, activation="relu", name=f"conv{number}"),
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
            # The classifier is a convolution too: its kernels see the whole image.
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
    turn: float = 0.0,
) -> keras.Sequential:
    """Build a network that pools early: images (28, 28, 1) in [0, 1] to 10 probabilities.

    A stage is some valid 3 x 3 convolutions, each with a ReLU inside and batch normalisation after it; a max-pool
    stands between two stages. The logits are either 1 x 1 convolutions, averaged over all positions (Lin, Chen & Yan
    2014, Network In Network, section 3.2), or convolutions whose kernels see all of the last maps, as in the notes.

    Args:
        stages: the kernels of every convolution, stage by stage: ``((8, 10), (14, 14))``.
        average: whether the logits are averaged.
        norm_first: whether every convolution is normalised before its ReLU, and pooled before both (Ioffe & Szegedy
            2015, Batch Normalization, section 3.2). It then needs no biases, as the normalisation shifts its output.
        shift: in training only, move every digit by up to this share of its side, along both axes.
        turn: in training only, turn every digit by up to this share of a full turn, either way.
    """
    layers = keras.layers
    stack: list[keras.Layer] = [keras.Input((28, 28, 1))]
    if shift:
        # By whole pixels: anything between them would blur the strokes.
        stack.append(
            layers.RandomTranslation(shift, shift, fill_mode="constant", interpolation="nearest", name="shift")
        )
    if turn:
        stack.append(layers.RandomRotation(turn, fill_mode="constant", name="turn"))
    number = 0
    for stage_number, stage in enumerate(stages, start=1):
        for position, kernels in enumerate(stage, start=1):
            number += 1
            norm = layers.BatchNormalization(name=f"norm{number}")
            pool = []
            if position == len(stage) and stage_number < len(stages):
                pool = [layers.MaxPooling2D(2, name=f"pool{number + 1}")]
            if norm_first:
                conv = layers.Conv2D(kernels, 3, use_bias=False, name=f"conv{number}")
                stack += [conv, *pool, norm, layers.ReLU(name=f"relu{number}")]
            else:
                stack += [layers.Conv2D(kernels, 3, activation="relu", name=f"conv{number}"), norm, *pool]
            number += len(pool)
    side = 1 if average else keras.Sequential(stack).output_shape[1]
    stack.append(layers.Conv2D(10, side, name=f"conv{number + 1}"))
    stack.append((layers.GlobalAveragePooling2D if average else layers.Flatten)(name="logits"))
    stack.append(layers.Softmax(name="probabilities"))
    return keras.Sequential(stack, name="compact_cnn")


def over_shifts(network: keras.Sequential, reach: int = 1) -> keras.Model:
    """Let a network read every digit at all shifts of up to ``reach`` pixels, and average the logits.

    A pool answers a shift by one pixel with other maps, so each of the ``(2 * reach + 1)**2`` readings sees something
    else. The weights are the network's own, none are added; the work is multiplied.

    Args:
        network: images (28, 28, 1) to probabilities, a softmax at its end.
        reach: in pixels, along both axes, either way.
    """
    layers = keras.layers
    *body, softmax = network.layers
    images = keras.Input((28, 28, 1))
    logits = keras.Sequential([keras.Input((28, 28, 1)), *body], name="reading")
    wide = layers.ZeroPadding2D(reach)(images)
    crops = [(before, 2 * reach - before) for before in range(2 * reach + 1)]
    readings = [logits(layers.Cropping2D((rows, columns))(wide)) for rows in crops for columns in crops]
    return keras.Model(images, softmax(layers.Average()(readings)), name=f"{network.name}_over_shifts")


# By the name of their recipe and of their trained weights. None of them moves digits: that is for training.
NETWORKS: dict[str, Callable[..., keras.Sequential]] = {
    "scheduled_cnn": scheduled_cnn,
    "compact_20k": partial(compact_cnn, ((16,), (24, 24, 24, 24)), norm_first=True),
    "compact_7k": partial(compact_cnn, ((8,), (12, 12, 16, 16)), norm_first=True),
    "compact_4k": partial(compact_cnn, ((8,), (8, 8, 12, 14)), norm_first=True),
    "compact_2k": partial(compact_cnn, ((4,), (8, 8, 8), (8,))),
}
NETWORKS["one_minute"] = NETWORKS["compact_20k"]  # trained for a fifth of the epochs


def training_accuracy_ceiling(dropout: float, classes: int = 10) -> float:
    """Highest accuracy that a perfect network can show while dropout acts on its logits.

    Dropout keeps the true class's logit with probability ``1 - dropout``: right. Where it zeroes that logit, and all
    other logits are negative, every zeroed class ties at 0 and argmax takes the lowest index; averaged over
    balanced classes, the true one is that index with probability ``(1 - (1 - dropout)**classes) / classes`` in all.

    Args:
        dropout: rate of the dropout layer on the logits, in [0, 1).
        classes: number of logits.
    """
    return (1 - dropout) + (1 - (1 - dropout) ** classes) / classes


def training_loss_floor(dropout: float, classes: int = 10) -> float:
    """Lowest cross-entropy (in nats) that a perfect network can show while dropout acts on its logits.

    With probability ``dropout`` the true logit is zeroed and shares the probability evenly with the K others that are
    zeroed as well, K ~ Binomial(classes - 1, dropout): a loss of ``ln(1 + K)``. Otherwise the loss can approach 0.

    Args:
        dropout: rate of the dropout layer on the logits, in [0, 1).
        classes: number of logits.
    """
    others = classes - 1
    return dropout * sum(
        comb(others, k) * dropout**k * (1 - dropout) ** (others - k) * log(1 + k) for k in range(classes)
    )


def record(name: str = "scheduled_cnn", folder: Path = WEIGHTS) -> dict[str, Any]:
    """Read the record of a trained network: how it was made, its history and the digest of its weights."""
    path = folder / f"{name}.json"
    if not path.exists():
        known = ", ".join(sorted(file.stem for file in folder.glob("*.json"))) or "none"
        raise ValueError(f"no trained network named {name!r} in {folder}; there are: {known}")
    return json.loads(path.read_text(encoding="utf-8"))


def load_trained(name: str = "scheduled_cnn", folder: Path = WEIGHTS) -> keras.Sequential:
    """Build the network ``name`` with its trained weights, after checking the file against its record.

    The weights are plain HDF5 numbers; nothing is unpickled.

    Raises:
        ValueError: if there is no such network, or the weights are not the ones that the record describes.
    """
    made = record(name, folder)
    path = folder / f"{name}.weights.h5"
    digest = hashlib.sha256(path.read_bytes()).hexdigest()
    if digest != made["weights_sha256"]:
        raise ValueError(
            f"{path} is not the file that its record describes (SHA-256 {digest[:12]}…, expected "
            f"{made['weights_sha256'][:12]}…). Install the package again, or make the file anew: {made['command']}"
        )
    model = NETWORKS[name]()
    model.load_weights(path)
    return model
