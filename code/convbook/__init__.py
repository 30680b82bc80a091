"""The helper package of the course Seeing Convolutions."""

import os

# TensorFlow reads this at import; without it, start-up messages would fill the pages.
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
