"""All feature maps of the test digits: `python -m benchmarks.features` writes `results/features.json`.

Time and peak memory of `convbook.features.feature_maps` and of Keras's `Model.predict` for the same outputs. Every
measurement runs in a separate process, and the two run in turns.
"""

import argparse
import datetime
import json
import resource
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from convbook import mnist
from convbook.backend import device_name, keras, versions
from convbook.features import feature_maps
from convbook.network import load_trained

ROOT = Path(__file__).parents[1]
ROUNDS = 5
KIB = 1024 if sys.platform == "linux" else 1  # bytes in the unit of the system's peak memory

Maps = dict[str, NDArray]


def keras_predict(network: keras.Model, images: NDArray) -> Maps:
    """Compute the same maps with Keras's own loop."""
    kept = {layer.name: layer.output for layer in network.layers if not isinstance(layer, keras.layers.Dropout)}
    return keras.Model(network.inputs[0], kept).predict(images, batch_size=1000, verbose=0)


WAYS: dict[str, Callable[[keras.Model, NDArray], Maps]] = {"feature_maps": feature_maps, "predict": keras_predict}


def measure(way: str) -> dict[str, float]:
    """Compute the maps of 10,000 digits in this process."""
    images = mnist.to_input(mnist.load().test_images)
    network = load_trained()
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    started = time.perf_counter()
    maps = WAYS[way](network, images)
    seconds = time.perf_counter() - started
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return {
        "seconds": seconds,
        "maps_gib": sum(array.nbytes for array in maps.values()) / 2**30,
        "before_gib": before * KIB / 2**30,
        "peak_gib": peak * KIB / 2**30,
    }


def main() -> None:
    """Measure both ways in turns and write the record."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.features", description=main.__doc__)
    parser.add_argument("--way", choices=WAYS, help="measure only this, here, and print it")
    way = parser.parse_args().way
    if way:
        print(json.dumps(measure(way)))
        return
    rounds: dict[str, list[dict[str, float]]] = {name: [] for name in WAYS}
    for _ in range(ROUNDS):
        for name, found in rounds.items():
            command = [sys.executable, "-m", "benchmarks.features", "--way", name]
            found.append(json.loads(subprocess.run(command, check=True, capture_output=True, cwd=ROOT).stdout))
    record: dict[str, Any] = {
        "command": "python -m benchmarks.features",
        "date": datetime.datetime.now(datetime.UTC).date().isoformat(),
        "device": device_name(),
        "versions": versions(),
        "digits": 10_000,
        "rounds": ROUNDS,
        "ways": {
            name: {what: round(float(np.median([row[what] for row in found])), 2) for what in found[0]}
            for name, found in rounds.items()
        },
    }
    print(json.dumps(record["ways"], indent=1))
    (ROOT / "results" / "features.json").write_text(json.dumps(record, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
