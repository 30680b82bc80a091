"""Digits in batches, checked once and in an order that the seed determines, on TensorFlow, JAX and PyTorch alike."""

import hashlib
from collections.abc import Iterator
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from convbook.arithmetic import whole_number
from convbook.backend import keras

CLASSES = 10


class Batches(keras.utils.PyDataset):
    """Digits in their given order, for evaluating a network."""

    def __init__(self, images: NDArray, labels: NDArray, batch_size: int = 500) -> None:
        """Check the digits and move them to the device.

        Args:
            images: float32 (N, 28, 28, 1) in [0, 1], as ``mnist.to_input`` returns them.
            labels: integers (N,) from 0 to 9.
            batch_size: digits per batch; the last batch may be smaller.

        Raises:
            ValueError: if a network cannot be trained on the digits; the message says why.
        """
        super().__init__()
        _check(images, labels)
        self.images, self.labels = images, labels
        self.batch_size = whole_number("batch_size", batch_size, 1)
        self._order = np.arange(len(labels))
        # TensorFlow's pipeline reads NumPy arrays; the other backends slice the batches on the device.
        on_device = keras.backend.backend() != "tensorflow"
        self._source = [keras.ops.convert_to_tensor(part) if on_device else part for part in (images, labels)]

    def __len__(self) -> int:
        """Count the batches of an epoch."""
        return -(-len(self._order) // self.batch_size)

    def __getitem__(self, index: int) -> tuple[Any, Any]:
        """Return images (batch, 28, 28, 1) and labels (batch,)."""
        chosen = self._order[index * self.batch_size : (index + 1) * self.batch_size]
        images, labels = self._source
        return images[chosen], labels[chosen]

    @cached_property
    def digest(self) -> str:
        """SHA-256 of all images and labels."""
        content = hashlib.sha256()
        for part in (self.images, self.labels):
            content.update(np.ascontiguousarray(part).data)
        return content.hexdigest()


class ShuffledBatches(Batches):
    """Digits in an order that depends only on the seed and the epoch, for training a network."""

    def __init__(self, images: NDArray, labels: NDArray, batch_size: int = 128, seed: int = 0) -> None:
        """Check the digits and shuffle them for the first epoch.

        Arguments and errors are those of ``Batches``; ``seed`` determines the order in every epoch.
        """
        super().__init__(images, labels, batch_size)
        self.seed = seed
        self.shuffle(0)

    def shuffle(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        """Shuffle the digits for a 0-based epoch.

        Use it as ``keras.callbacks.LambdaCallback(on_epoch_begin=batches.shuffle)``. The dataset's own ``on_epoch_end``
        is not enough, because Keras also calls it before the first epoch and does not pass the number of the epoch.
        """
        self._order = np.random.default_rng([self.seed, epoch]).permutation(len(self.labels))


def feed(batches: Batches) -> Any:
    """Return the batches in the form that ``fit`` and ``evaluate`` need.

    On JAX and PyTorch this is the dataset itself. On TensorFlow, Keras would wrap it in a pipeline that tunes itself
    and idles for seconds at the end of some epochs, so a pipeline without tuning is returned. It covers one epoch; the
    next one reads the batches in their new order.
    """
    if keras.backend.backend() != "tensorflow":
        return batches
    import tensorflow as tf

    def every_batch() -> Iterator[tuple[NDArray, NDArray]]:
        return (batches[index] for index in range(len(batches)))

    signature = tuple(tf.TensorSpec((None, *part.shape[1:]), part.dtype) for part in (batches.images, batches.labels))
    options = tf.data.Options()
    options.autotune.enabled = False
    data = tf.data.Dataset.from_generator(every_batch, output_signature=signature)
    return data.apply(tf.data.experimental.assert_cardinality(len(batches))).with_options(options)


def _check(images: NDArray, labels: NDArray) -> None:
    for name, array in (("images", images), ("labels", labels)):
        if not isinstance(array, np.ndarray):
            raise ValueError(f"{name} must be a NumPy array, got {type(array).__name__}")
    if len(images) != len(labels) or len(images) == 0:
        raise ValueError(f"every image needs a label: got {len(images)} images and {len(labels)} labels")
    if images.dtype != np.float32 or images.ndim != 4:
        raise ValueError(
            f"images must be float32 of shape (N, 28, 28, 1), got {images.dtype} of shape {images.shape}: "
            "mnist.to_input converts the images of mnist.load"
        )
    low, high = images.min(), images.max()
    if not (low >= 0 and high <= 1):  # written so that NaN is refused as well
        raise ValueError(f"images must be in [0, 1], got values from {low} to {high}")
    if labels.ndim != 1 or labels.dtype.kind not in "iu":
        raise ValueError(f"labels must be integers of shape (N,), got {labels.dtype} of shape {labels.shape}")
    if not (labels.min() >= 0 and labels.max() < CLASSES):
        raise ValueError(f"labels must be from 0 to {CLASSES - 1}, got {labels.min()} to {labels.max()}")
