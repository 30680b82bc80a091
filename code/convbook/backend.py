"""Keras, imported quietly, and the device it runs on.

TensorFlow's C++ libraries write start-up notes straight to the process's stderr, past Python's logging and before any
setting can stop them. They would open every page of the book, so that one import runs with stderr turned away.
A failing import still raises as usual.
"""

import os
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def _quiet_stderr() -> Iterator[None]:
    saved = os.dup(2)
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, 2)
    try:
        yield
    finally:
        os.dup2(saved, 2)
        os.close(saved)
        os.close(nowhere)


# TensorFlow uses oneDNN by itself on some processors only; on the others training gets a third to a half shorter by it.
os.environ.setdefault("TF_ENABLE_ONEDNN_OPTS", "1")

with _quiet_stderr():
    import keras


def device_name() -> str:
    """Name the device that Keras computes on, through TensorFlow or JAX: the first GPU's model or the CPU's cores."""
    accelerators = [device for device in keras.distribution.list_devices() if not device.lower().startswith("cpu")]
    if not accelerators:
        cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
        return f"CPU, {cores} cores"
    if keras.backend.backend() == "tensorflow":
        import tensorflow as tf

        details = tf.config.experimental.get_device_details(tf.config.list_physical_devices("GPU")[0])
        return details.get("device_name", accelerators[0])
    import jax

    return jax.devices()[0].device_kind


def versions() -> dict[str, str]:
    """Versions of Keras and of the backend under it, for the record of a run."""
    backend = keras.backend.backend()
    return {"keras": keras.version(), backend: __import__(backend).__version__}
