"""One epoch of the scheduled CNN in several frameworks: ``python -m benchmarks.training``.

The same network, digits, batch size and optimizer; an epoch is 60,000 digits of training and 10,000 of validation.
Every measurement is a process of its own that trains two epochs and reports the second, so no start-up is counted.
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
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from convbook import mnist

ROOT = Path(__file__).parents[1]
BATCH = 128
REFERENCE = "Keras fit, TensorFlow"
Part = tuple[NDArray, NDArray]


def ours(training: Part, validation: Part) -> float:
    """Train as the course does."""
    from convbook.network import scheduled_cnn
    from convbook.study import Silence
    from convbook.training import train

    return train(scheduled_cnn(), training, validation, epochs=2, progress=Silence())[1].seconds


def keras_fit(training: Part, validation: Part) -> float:
    """Train with Keras's own loop on NumPy arrays."""
    from convbook.backend import keras
    from convbook.network import scheduled_cnn

    model = scheduled_cnn()
    model.compile(keras.optimizers.Adam(0.003), "sparse_categorical_crossentropy", metrics=["accuracy"])

    def epoch() -> None:
        model.fit(*training, batch_size=BATCH, validation_data=validation, validation_batch_size=500, verbose=0)

    return _second(epoch)


def torch_eager(training: Part, validation: Part, channels_last: bool = False) -> float:
    """Train in PyTorch, without compilation."""
    import torch
    from torch import nn

    def block(inputs: int) -> list[nn.Module]:
        norm = nn.BatchNorm2d(16, eps=1e-3, momentum=0.01)
        return [nn.Conv2d(inputs, 16, 3), nn.ReLU(), norm, nn.Dropout(0.1)]

    layout = torch.channels_last if channels_last else torch.contiguous_format
    model = nn.Sequential(
        *block(1),
        *block(16),
        nn.Conv2d(16, 10, 1),
        nn.ReLU(),
        nn.MaxPool2d(2),
        *block(10),
        *block(16),
        *block(16),
        *block(16),
        nn.Conv2d(16, 10, 4),
        nn.BatchNorm2d(10, eps=1e-3, momentum=0.01),
        nn.Dropout(0.1),
        nn.Flatten(),
    ).to(memory_format=layout)
    optimizer = torch.optim.Adam(model.parameters(), 0.003)
    loss_of = nn.CrossEntropyLoss()

    def tensors(part: Part) -> tuple[Any, Any]:
        images = torch.from_numpy(part[0].transpose(0, 3, 1, 2).copy()).contiguous(memory_format=layout)
        return images, torch.from_numpy(part[1].astype(np.int64))

    images, labels = tensors(training)
    held_images, held_labels = tensors(validation)

    def epoch() -> None:
        model.train()
        for chosen in torch.randperm(len(images)).split(BATCH):
            optimizer.zero_grad()
            loss_of(model(images[chosen]), labels[chosen]).backward()
            optimizer.step()
        model.eval()
        with torch.no_grad():
            for part, names in zip(held_images.split(500), held_labels.split(500), strict=True):
                loss_of(model(part), names)

    return _second(epoch)


def _second(epoch: Callable[[], None]) -> float:
    """Run an epoch twice and time the second."""
    epoch()
    started = time.perf_counter()
    epoch()
    return time.perf_counter() - started


# Name: what to run, the framework it needs, the backend of Keras.
CONTENDERS: dict[str, tuple[Callable[[Part, Part], float], str, str]] = {
    REFERENCE: (keras_fit, "tensorflow", "tensorflow"),
    "our train(), TensorFlow": (ours, "tensorflow", "tensorflow"),
    "our train(), JAX": (ours, "jax", "jax"),
    "our train(), PyTorch": (ours, "torch", "torch"),
    "PyTorch eager": (torch_eager, "torch", "torch"),
    "PyTorch eager, channels last": (lambda *parts: torch_eager(*parts, channels_last=True), "torch", "torch"),
}


def run_alone(name: str) -> float:
    """Measure a contender in a process of its own; returns seconds."""
    command = [sys.executable, "-m", "benchmarks.training", "--one", name]
    environment = os.environ | {"KERAS_BACKEND": CONTENDERS[name][2]}
    done = subprocess.run(command, capture_output=True, text=True, check=True, env=environment, cwd=ROOT)
    return float(done.stdout.splitlines()[-1])


def compare(rounds: int) -> dict[str, Any]:
    """Let all contenders take turns; returns the record."""
    present = [name for name, (_, framework, _) in CONTENDERS.items() if importlib.util.find_spec(framework)]
    times: dict[str, list[float]] = {name: [] for name in present}
    for number in range(1, rounds + 1):
        for name in present:
            times[name].append(run_alone(name))
            print(f"round {number}/{rounds}  {name:30} {times[name][-1]:6.1f} s", flush=True)
    reference = np.array(times[REFERENCE])
    table = {}
    for name, seconds in times.items():
        ratios = np.array(seconds) / reference
        table[name] = {
            "seconds": [round(value, 1) for value in seconds],
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
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--one", choices=CONTENDERS, help="measure only this one, here; prints seconds")
    chosen = parser.parse_args()
    if chosen.one:
        digits = mnist.load()
        training = mnist.to_input(digits.train_images), digits.train_labels
        validation = mnist.to_input(digits.test_images), digits.test_labels
        print(CONTENDERS[chosen.one][0](training, validation))
        return
    record = compare(chosen.rounds)
    (ROOT / "results" / "training.json").write_text(json.dumps(record, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
