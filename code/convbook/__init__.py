"""The helper package of the course module Seeing Convolutions."""

import os

# TensorFlow reads this when it is imported and fills pages with start-up notes otherwise.
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
