"""Batch normalisation and dropout of a Keras network, computed in less time on TensorFlow.

Keras puts batch normalisation together from general operations; TensorFlow has one for the whole of it. Keras's dropout
draws 32 random bits for every number that it keeps or drops; 16 are enough. The network stays what it is: plain Keras.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from convbook.backend import keras

LEVELS = 2**16  # of a random number of 16 bits; a dropout rate is met within 1/131,072


class _BatchNormalization(keras.layers.BatchNormalization):
    """The same mean and variance, from one operation instead of a dozen."""

    def call(self, inputs: Any, training: bool | None = None, mask: Any = None) -> Any:
        import tensorflow as tf

        special = self.synchronized or not (self.scale and self.center) or mask is not None
        if special or len(inputs.shape) != 4 or inputs.dtype != tf.float32:
            return super().call(inputs, training=training, mask=mask)
        learn = training and self.trainable
        output, mean, variance = tf.compat.v1.nn.fused_batch_norm(
            inputs,
            tf.convert_to_tensor(self.gamma),
            tf.convert_to_tensor(self.beta),
            mean=None if learn else tf.convert_to_tensor(self.moving_mean),
            variance=None if learn else tf.convert_to_tensor(self.moving_variance),
            epsilon=self.epsilon,
            is_training=bool(learn),
        )
        if learn:
            count = tf.cast(tf.size(inputs) // inputs.shape[-1], variance.dtype)
            variance *= (count - 1) / count  # TensorFlow divides by count - 1, Keras by count
            for moving, measured in ((self.moving_mean, mean), (self.moving_variance, variance)):
                moving.assign(moving * self.momentum + measured * (1 - self.momentum))
        return output


class _Dropout(keras.layers.Dropout):
    """The same rate, from half the random bits."""

    def call(self, inputs: Any, training: bool = False) -> Any:
        import tensorflow as tf

        if not training or self.rate in (0, 1) or self.noise_shape is not None:
            return super().call(inputs, training=training)
        count = tf.size(inputs)
        seed = tf.cast(self.seed_generator.next(), tf.int32)
        words = tf.random.stateless_uniform([(count + 1) // 2], seed, minval=None, maxval=None, dtype=tf.uint32)
        numbers = tf.reshape(tf.bitcast(words, tf.uint16), [-1])[:count]
        kept = tf.cast(numbers, tf.int32) >= round(self.rate * LEVELS)
        return inputs * tf.reshape(tf.cast(kept, inputs.dtype) / (1 - self.rate), tf.shape(inputs))


FASTER = {keras.layers.BatchNormalization: _BatchNormalization, keras.layers.Dropout: _Dropout}


@contextmanager
def fast_layers(model: keras.Model) -> Iterator[None]:
    """Let the layers of a network compute faster for a while; on other backends than TensorFlow, change nothing.

    A layer keeps its name, its variables and its settings, and is of Keras's own class again afterwards.

    Args:
        model: any network; only its own layers are concerned, not those of networks inside it.
    """
    plain = [layer for layer in model.layers if type(layer) in FASTER and keras.backend.backend() == "tensorflow"]
    kinds = [type(layer) for layer in plain]
    try:
        for layer, kind in zip(plain, kinds, strict=True):
            object.__setattr__(layer, "__class__", FASTER[kind])  # Keras's own __setattr__ would track it like a weight
        yield
    finally:
        for layer, kind in zip(plain, kinds, strict=True):
            object.__setattr__(layer, "__class__", kind)
