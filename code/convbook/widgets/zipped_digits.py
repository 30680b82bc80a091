"""Many digits in one array, for a figure that loads them when it is asked to."""

import gzip

import numpy as np
from numpy.typing import NDArray

from convbook.mnist import Split


def zipped(digits: Split) -> NDArray[np.uint8]:
    """Pack digits: gzip of a byte for every label, and then of 784 bytes for every image.

    The digits to train with come before those for validation. ``shared/zipped_digits.js`` unpacks them.
    """
    parts = digits.train_labels, digits.validation_labels, digits.train_images, digits.validation_images
    content = b"".join(part.tobytes() for part in parts)
    return np.frombuffer(gzip.compress(content, compresslevel=7, mtime=0), np.uint8)
