"""Keras, imported quietly, and the device it runs on.

TensorFlow's C++ libraries write start-up messages directly to the process's stderr, where neither Python's logging nor
a setting can stop them. They would appear at the top of every page of the book, so this import runs with stderr
redirected. A failing import still raises as usual.
"""

import importlib
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


# On some processors TensorFlow does not use oneDNN by default; there it shortens training by a third to a half.
os.environ.setdefault("TF_ENABLE_ONEDNN_OPTS", "1")

with _quiet_stderr():
    import keras


def device_name() -> str:
    """Return the device that Keras computes on: the model of the first GPU, or the number of CPU cores."""
    backend = keras.backend.backend()
    found = {"tensorflow": _tensorflow_gpu, "jax": _jax_accelerator, "torch": _torch_gpu}[backend]()
    if found:
        return found
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    return f"CPU, {cores} cores"


def _tensorflow_gpu() -> str | None:
    import tensorflow as tf

    gpus = tf.config.list_physical_devices("GPU")
    return tf.config.experimental.get_device_details(gpus[0]).get("device_name", "GPU") if gpus else None


def _jax_accelerator() -> str | None:
    import jax

    device = jax.devices()[0]
    return None if device.platform == "cpu" else device.device_kind


def _torch_gpu() -> str | None:
    torch = importlib.import_module("torch")  # by name, because few machines have it and the type checker would miss it
    device = keras.ops.zeros(1).device  # where Keras puts its tensors, which depends on its settings
    if device.type == "cpu":
        return None
    return torch.cuda.get_device_name(device) if device.type == "cuda" else f"GPU ({device.type})"


def versions() -> dict[str, str]:
    """Return the versions of Keras and of its backend, for the record of a run."""
    backend = keras.backend.backend()
    return {"keras": keras.version(), backend: str(importlib.import_module(backend).__version__)}
