"""Chapter 1's convolutions compared with SciPy, TensorFlow and PyTorch: ``python -m benchmarks.convolve``.

All get the same float32 arrays and must agree, which is checked first. They run in turns, round after round, so that
other work on the machine affects all alike; every ratio is taken within a round. PyTorch is measured if it is
installed. Writes ``results/convolve.json``.
"""

import datetime
import importlib.util
import json
import os
import platform
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import scipy
import tensorflow as tf
from numpy.typing import NDArray
from scipy.signal import correlate

from convbook.convolve import conv2d_loops, conv2d_matmul, conv2d_windows

ROOT = Path(__file__).parents[1]
ROUNDS = 41
# Name: shape of the images, filters. The two large ones are the first two layers of the scheduled CNN on 100 digits.
CASES = {
    "one digit, 16 kernels": ((1, 28, 28, 1), 16),
    "layer 1, 100 digits": ((100, 28, 28, 1), 16),
    "layer 2, 100 digits": ((100, 26, 26, 16), 16),
}
REFERENCE = "tf.nn.conv2d"
Convolution = Callable[[], NDArray]


def loops(images: NDArray, filters: NDArray) -> NDArray:
    """Convolve image by image, because the loops accept only one."""
    return np.stack([conv2d_loops(image, filters) for image in images])


def with_scipy(images: NDArray, filters: NDArray) -> NDArray:
    """Convolve every image with every filter over all channels at once."""
    maps = [[correlate(image, block, "valid")[..., 0] for block in np.moveaxis(filters, -1, 0)] for image in images]
    return np.moveaxis(np.array(maps), 1, -1)


def ways(images: NDArray, filters: NDArray) -> dict[str, Convolution]:
    """Return the ways by name. Tensors are created outside of the timing, as users would have them already."""
    tensors = tf.constant(images), tf.constant(filters)
    found: dict[str, Convolution] = {
        "conv2d_windows": lambda: conv2d_windows(images, filters),
        "conv2d_matmul": lambda: conv2d_matmul(images, filters),
        "scipy.signal.correlate": lambda: with_scipy(images, filters),
        REFERENCE: lambda: tf.nn.conv2d(*tensors, strides=1, padding="VALID").numpy(),
    }
    if len(images) == 1:
        found["conv2d_loops"] = lambda: loops(images, filters)
    if importlib.util.find_spec("torch"):
        import torch

        first = torch.from_numpy(np.ascontiguousarray(images.transpose(0, 3, 1, 2)))
        second = torch.from_numpy(np.ascontiguousarray(filters.transpose(3, 2, 0, 1)))
        found["torch conv2d"] = lambda: torch.nn.functional.conv2d(first, second).numpy().transpose(0, 2, 3, 1)
    return found


def timed(way: Convolution) -> float:
    """Measure the time of one call, in seconds."""
    started = time.perf_counter()
    way()
    return time.perf_counter() - started


def measure(shape: tuple[int, ...], count: int) -> dict[str, Any]:
    """Time all ways in turns with ``count`` filters; return the median time and the ratio to the reference of each."""
    rng = np.random.default_rng(0)
    images = rng.normal(size=shape).astype(np.float32)
    filters = rng.normal(size=(3, 3, shape[-1], count)).astype(np.float32)
    found = ways(images, filters)
    for way in found.values():  # warm, and right
        np.testing.assert_allclose(way(), found[REFERENCE](), atol=1e-3)
    times: dict[str, list[float]] = {name: [] for name in found}
    for _ in range(ROUNDS):
        for name, way in found.items():
            times[name].append(timed(way))
    reference = np.array(times[REFERENCE])
    table = {}
    for name, seconds in times.items():
        ratios = np.array(seconds) / reference
        low, middle, high = np.quantile(ratios, [0.25, 0.5, 0.75])
        table[name] = {
            "milliseconds": round(1000 * float(np.median(seconds)), 3),
            "ratio": round(float(middle), 2),
            "ratio_middle_half": [round(float(low), 2), round(float(high), 2)],
        }
    return table


def main() -> None:
    """Measure all cases and write the record."""
    versions = {"python": platform.python_version(), "numpy": np.__version__, "scipy": scipy.__version__}
    versions["tensorflow"] = tf.__version__
    if importlib.util.find_spec("torch"):
        import torch

        versions["torch"] = torch.__version__
    cases = {name: measure(*case) for name, case in CASES.items()}
    record = {
        "command": "python -m benchmarks.convolve",
        "date": datetime.datetime.now(datetime.UTC).date().isoformat(),
        "device": f"CPU, {os.cpu_count()} cores",
        "versions": versions,
        "rounds": ROUNDS,
        "reference": REFERENCE,
        "cases": cases,
    }
    for name, table in cases.items():
        print(name)
        for way, row in sorted(table.items(), key=lambda item: item[1]["ratio"]):
            print(f"  {way:24} {row['milliseconds']:9.3f} ms  {row['ratio']:7.2f}  {row['ratio_middle_half']}")
    (ROOT / "results" / "convolve.json").write_text(json.dumps(record, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
