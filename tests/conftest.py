"""Every test runs with Keras as the course starts it, also where a test module imports TensorFlow by itself."""

import convbook.backend  # noqa: F401
