"""One epoch of the scheduled CNN in several frameworks: ``python -m benchmarks.training``.

The same network, digits, batch size and optimizer; an epoch is 60,000 digits of training and 10,000 of validation.
Every measurement runs in a separate process, which trains two epochs and reports the second, so no start-up is counted:
its wall-clock seconds, and its processor seconds over all threads.
The contenders take turns, round after round, and every ratio is taken within its round. Those whose framework is not
installed are left out. Writes ``results/training.json``.
"""

import argparse
import datetime
import importlib.metadata
import importlib.util
import json
import os
import platform
import subprocess
import sys
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from convbook import mnist

ROOT = Path(__file__).parents[1]
EPOCHS = 2
REFERENCE = "Keras fit, TensorFlow"
Part = tuple[NDArray, NDArray]


class Clock:
    """Takes the time at the end of every epoch."""

    def __init__(self) -> None:
        """Start without any times."""
        self._times: list[tuple[float, float]] = []

    def mark(self, *_: Any) -> None:
        """Take the time; Keras's callbacks hand over the epoch and its logs, which do not matter here."""
        self._times.append((time.perf_counter(), time.process_time()))

    def last_epoch(self) -> tuple[float, float]:
        """Return how long the last epoch took, in seconds by the clock and in seconds of processor time."""
        before, after = self._times[-2:]
        return after[0] - before[0], after[1] - before[1]


Contender = Callable[[Part, Part, Clock], None]


def ours(training: Part, validation: Part, clock: Clock) -> None:
    """Train as the course does."""
    from convbook.backend import keras
    from convbook.fast_layers import fast_layers
    from convbook.network import scheduled_cnn
    from convbook.training import train

    callback = keras.callbacks.LambdaCallback(on_epoch_end=clock.mark)
    train(fast_layers(scheduled_cnn()), training, validation, epochs=EPOCHS, callbacks=[callback])


def keras_fit(training: Part, validation: Part, clock: Clock) -> None:
    """Hand the arrays to Keras's ``fit``."""
    from convbook.backend import keras
    from convbook.network import scheduled_cnn

    model = scheduled_cnn()
    model.compile(keras.optimizers.Adam(0.003), "sparse_categorical_crossentropy", metrics=["accuracy"])
    model.fit(
        *training,
        batch_size=128,
        epochs=EPOCHS,
        validation_data=validation,
        validation_batch_size=500,
        callbacks=[keras.callbacks.LambdaCallback(on_epoch_end=clock.mark)],
        verbose=0,
    )


def torch_eager(training: Part, validation: Part, clock: Clock, channels_last: bool = False) -> None:
    """Train in PyTorch, without compilation."""
    from benchmarks.eager import EagerRun

    from convbook.recipes import RECIPES

    run = EagerRun(RECIPES["scheduled_cnn"], training, validation, channels_last=channels_last)
    for number in range(EPOCHS):
        run.epoch(number)
        clock.mark()


# Name: what to run, and the framework that it needs, which is also the backend of Keras.
CONTENDERS: dict[str, tuple[Contender, str]] = {
    REFERENCE: (keras_fit, "tensorflow"),
    "our train(), TensorFlow": (ours, "tensorflow"),
    "our train(), JAX": (ours, "jax"),
    "our train(), PyTorch": (ours, "torch"),
    "PyTorch eager": (torch_eager, "torch"),
    "PyTorch eager, channels last": (partial(torch_eager, channels_last=True), "torch"),
}


def run_alone(name: str) -> tuple[float, float]:
    """Measure a contender in a separate process; return what ``Clock.last_epoch`` returns."""
    command = [sys.executable, "-m", "benchmarks.training", "--one", name]
    environment = os.environ | {"KERAS_BACKEND": CONTENDERS[name][1]}
    done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True, env=environment, cwd=ROOT)
    wall, processor = json.loads(done.stdout.splitlines()[-1])
    return wall, processor


def compare(rounds: int) -> dict[str, Any]:
    """Let all contenders take turns; returns the record."""
    present = [name for name, (_, framework) in CONTENDERS.items() if importlib.util.find_spec(framework)]
    times: dict[str, list[tuple[float, float]]] = {name: [] for name in present}
    for number in range(1, rounds + 1):
        for name in present:
            times[name].append(run_alone(name))
            wall, processor = times[name][-1]
            print(f"round {number}/{rounds}  {name:30} {wall:6.1f} s  {processor:6.1f} s of processor", flush=True)
    reference = np.array(times[REFERENCE])[:, 0]
    table = {}
    for name, measured in times.items():
        wall_seconds, processor_seconds = np.array(measured).T
        ratios = wall_seconds / reference
        table[name] = {
            "seconds": [round(float(value), 1) for value in wall_seconds],
            "processor_seconds": [round(float(value), 1) for value in processor_seconds],
            "ratio": round(float(np.median(ratios)), 2),
            "ratio_range": [round(float(ratios.min()), 2), round(float(ratios.max()), 2)],
        }
    packages = ("numpy", "keras", "tensorflow", "jax", "torch")
    return {
        "command": f"python -m benchmarks.training --rounds {rounds}",
        "date": datetime.datetime.now(datetime.UTC).date().isoformat(),
        "device": f"CPU, {os.cpu_count()} cores",
        "versions": {"python": platform.python_version()}
        | {name: importlib.metadata.version(name) for name in packages if importlib.util.find_spec(name)},
        "reference": REFERENCE,
        "contenders": table,
    }


def main() -> None:
    """Compare, or measure one contender."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.training", description=main.__doc__)
    parser.add_argument("--rounds", type=int, default=5, help="by default %(default)s")
    parser.add_argument("--one", choices=CONTENDERS, help="measure only this one, here; prints both times in seconds")
    chosen = parser.parse_args()
    if chosen.one:
        digits = mnist.load()
        training = mnist.to_input(digits.train_images), digits.train_labels
        validation = mnist.to_input(digits.test_images), digits.test_labels
        clock = Clock()
        CONTENDERS[chosen.one][0](training, validation, clock)
        print(json.dumps(clock.last_epoch()))
        return
    record = compare(chosen.rounds)
    (ROOT / "results" / "training.json").write_text(json.dumps(record, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
