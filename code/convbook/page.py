"""What a page of the book gives to the Python that runs in it; in a notebook there is nothing of it."""

from collections.abc import Callable
from pathlib import Path

SAMPLE = Path(__file__).with_name("sample.npz")  # the first digits of MNIST's two parts

whole_mnist: Callable[[], Path] | None = None  # loads all of MNIST from the site; returns the npz file
