"""Faster batch normalisation and dropout for Keras networks on TensorFlow.

Keras composes batch normalisation from general operations, although TensorFlow has a single fused operation for it.
Keras's dropout draws 32 random bits for every number that it keeps or drops, although 16 are enough.
"""

from typing import Any

from convbook.backend import keras

LEVELS = 2**16  # values of a 16-bit random number; a dropout rate is rounded by at most 1/131,072


@keras.saving.register_keras_serializable("convbook")
class BatchNormalization(keras.layers.BatchNormalization):
    """Batch normalisation in one operation instead of a dozen."""

    def call(self, inputs: Any, training: bool | None = None, mask: Any = None) -> Any:
        """Normalise maps (N, height, width, channels)."""
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


@keras.saving.register_keras_serializable("convbook")
class Dropout(keras.layers.Dropout):
    """Dropout at the same rate with half the random bits."""

    def call(self, inputs: Any, training: bool = False) -> Any:
        """Set numbers to 0 at the layer's rate, in training only."""
        import tensorflow as tf

        if not training or self.rate in (0, 1) or self.noise_shape is not None:
            return super().call(inputs, training=training)
        count = tf.size(inputs)
        seed = tf.cast(self.seed_generator.next(), tf.int32)
        words = tf.random.stateless_uniform([(count + 1) // 2], seed, minval=None, maxval=None, dtype=tf.uint32)
        numbers = tf.reshape(tf.bitcast(words, tf.uint16), [-1])[:count]
        kept = tf.cast(numbers, tf.int32) >= round(self.rate * LEVELS)
        return inputs * tf.reshape(tf.cast(kept, inputs.dtype) / (1 - self.rate), tf.shape(inputs))


FASTER: dict[Any, Any] = {keras.layers.BatchNormalization: BatchNormalization, keras.layers.Dropout: Dropout}


def fast_layers(model: keras.Model) -> keras.Model:
    """Return a copy of a network with faster batch normalisation and dropout; call it before ``compile``.

    The copy has the same weights, settings, layer names and random states. Networks nested inside the network are not
    changed. On backends other than TensorFlow nothing would be gained, so the network itself is returned.

    Args:
        model: a sequential or functional network.
    """
    if keras.backend.backend() != "tensorflow":
        return model
    copy = keras.models.clone_model(model, clone_function=_faster)
    for variable, original in zip(copy.variables, model.variables, strict=True):
        variable.assign(original)  # including the states of the random generators, which set_weights leaves out
    return copy


def _faster(layer: keras.Layer) -> keras.Layer:
    kind = type(layer)
    return FASTER.get(kind, kind).from_config(layer.get_config())
