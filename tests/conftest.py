"""Every test runs with Keras as the course starts it, also where a test module imports TensorFlow by itself."""

import os
import tempfile

import convbook.backend  # noqa: F401

# Chapter 9 keeps its training in a folder that outlives the kernel. A test starts it from an empty one.
_runs = tempfile.TemporaryDirectory(prefix="runs-")
os.environ["CONVBOOK_RUNS"] = _runs.name
