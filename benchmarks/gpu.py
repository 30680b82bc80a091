"""Training on a GPU, through Keras on JAX and on PyTorch, beside plain PyTorch: ``python -m benchmarks.gpu``.

Two tasks: the notes' 20 epochs of the scheduled CNN, and chapter 13's recipe ``one_minute`` with ten seeds, which asks
for the seconds until the network gets 99.4 % of the test digits right. Every contender does each task in a separate
process. Everything ends within eight minutes: a process that runs out of time is stopped, and the table says how far it
came.
A framework that is not installed is left out. Writes ``results/gpu.json``.

``--short`` tries it all out on a few digits, on any machine, and writes ``results/trials/gpu.json``.
``python -m benchmarks.gpu_folder`` packs what a machine without network needs.
"""

import argparse
import datetime
import importlib.util
import json
import os
import platform
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np

from convbook import mnist

ROOT = Path(__file__).parents[1]
TARGET = 0.994
SEEDS = 10
SHORT = {"training_digits": 512, "test_digits": 250, "epochs": 2, "seeds": 2}
CONTENDERS = {"PyTorch eager": "torch", "Keras, JAX": "jax", "Keras, PyTorch": "torch"}  # and the backend of Keras
TASKS = {"notes": "scheduled_cnn", "one_minute": "one_minute"}  # and the recipe
# In seconds, in this order: the quickest first, because what one leaves goes to those after it.
TIME = {
    ("PyTorch eager", "notes"): 60,
    ("PyTorch eager", "one_minute"): 75,
    ("Keras, JAX", "notes"): 75,
    ("Keras, JAX", "one_minute"): 100,
    ("Keras, PyTorch", "notes"): 75,
    ("Keras, PyTorch", "one_minute"): 75,
}
Line = dict[str, Any]


def measure(contender: str, task: str, short: bool) -> None:
    """Do one task in this process; print a line of JSON about the machine, and one after every epoch and run."""
    from convbook.backend import device_name, versions
    from convbook.recipes import RECIPES

    print(json.dumps({"device": device_name(), "versions": versions()}), flush=True)
    recipe = RECIPES[TASKS[task]]
    seeds = SEEDS if task == "one_minute" else 1
    digits = mnist.load()
    images, labels = mnist.split(digits, recipe.held_out)[:2] if recipe.held_out else digits[:2]
    training, test = (mnist.to_input(images), labels), (mnist.to_input(digits.test_images), digits.test_labels)
    if short:
        recipe, seeds = recipe._replace(epochs=SHORT["epochs"]), min(seeds, SHORT["seeds"])
        training = training[0][: SHORT["training_digits"]], training[1][: SHORT["training_digits"]]
        test = test[0][: SHORT["test_digits"]], test[1][: SHORT["test_digits"]]
    run = eager_run if contender == "PyTorch eager" else keras_run
    for seed in range(seeds):
        run(recipe, training, test, seed)


def keras_run(recipe: Any, training: Any, test: Any, seed: int) -> None:
    """Train as the course does."""
    from convbook.backend import keras
    from convbook.fast_layers import fast_layers
    from convbook.training import evaluate, train

    log = Log(seed)
    keras.utils.set_random_seed(seed)
    model = fast_layers(recipe.build())
    each = keras.callbacks.LambdaCallback(on_epoch_end=lambda epoch, logs: log.add(epoch + 1, logs["val_accuracy"]))
    train(model, training, test, seed=seed, callbacks=[each], verbose=0, **recipe.options())
    log.add("finished", evaluate(recipe.finished(model), *test)[1])


def eager_run(recipe: Any, training: Any, test: Any, seed: int) -> None:
    """Train in plain PyTorch."""
    from benchmarks.eager import EagerRun

    log = Log(seed)
    eager = EagerRun(recipe, training, test, seed)
    for number in range(recipe.epochs):
        log.add(number + 1, eager.epoch(number))
    log.add("finished", eager.accuracy(recipe.test_time_shift))


class Log:
    """Prints what a run has reached, with the seconds since its start."""

    def __init__(self, seed: int) -> None:
        """Start the clock."""
        self._seed, self._started = seed, time.perf_counter()

    def add(self, epoch: int | str, accuracy: float) -> None:
        """Print a line: the 1-based epoch or "finished", and the accuracy on the test digits."""
        seconds = time.perf_counter() - self._started
        line = {"seed": self._seed, "epoch": epoch, "seconds": seconds, "accuracy": float(accuracy), "peak": peak()}
        print(json.dumps(line), flush=True)


def peak() -> int | None:
    """Return the most bytes of GPU memory that arrays of this process held together, or None without a GPU."""
    if os.environ["KERAS_BACKEND"] == "jax":
        import jax

        statistics = jax.devices()[0].memory_stats()  # None on a CPU
        return statistics and statistics["peak_bytes_in_use"]
    torch = importlib.import_module("torch")
    return torch.cuda.max_memory_allocated() if torch.cuda.is_available() else None


def run_alone(contender: str, task: str, short: bool, seconds: float, cache: str) -> tuple[list[Line], str]:
    """Let a contender do a task in a separate process.

    Args:
        contender: its name.
        task: its name.
        short: whether only to try it out.
        seconds: after which it is stopped.
        cache: folder in which JAX keeps what it has compiled, so that later seeds need not compile the same again.

    Returns:
        The lines that it printed, and how it ended: "done", "stopped" or the error.
    """
    command = [sys.executable, "-m", "benchmarks.gpu", "--one", contender, task, *(["--short"] if short else [])]
    environment = os.environ | {
        "KERAS_BACKEND": CONTENDERS[contender],
        "JAX_COMPILATION_CACHE_DIR": cache,
        "JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS": "0",
    }
    with tempfile.TemporaryFile("w+") as output, tempfile.TemporaryFile("w+") as errors:
        try:
            code = subprocess.run(
                command, stdout=output, stderr=errors, env=environment, cwd=ROOT, timeout=max(seconds, 1), check=False
            ).returncode
            errors.seek(0)
            ended = "\n".join(["failed:", *errors.read().splitlines()[-5:]]) if code else "done"
        except subprocess.TimeoutExpired:
            ended = "stopped"
        output.seek(0)
        # A process that is stopped while it prints leaves half a line.
        return [json.loads(line) for line in output if line.startswith("{") and line.endswith("}\n")], ended


def notes_row(lines: list[Line]) -> Line:
    """Sum up the run of the task "notes", of which at least one epoch is done."""
    epochs = [line for line in lines if line["epoch"] != "finished"]
    seconds = np.diff([0, *(line["seconds"] for line in epochs)])
    return {
        "epochs": len(epochs),
        "first_epoch_seconds": round(float(seconds[0]), 2),
        "epoch_seconds": round(float(np.median(seconds[1:])), 3) if len(epochs) > 1 else None,
        "test_accuracy": round(epochs[-1]["accuracy"], 4),
        "peak_mib": mib(lines),
    }


def one_minute_row(lines: list[Line]) -> Line:
    """Sum up the runs of the task "one_minute" that came to their end, at least one."""
    finished = [line for line in lines if line["epoch"] == "finished"]
    reached = {line["seed"]: line["seconds"] for line in reversed(lines) if line["accuracy"] >= TARGET}
    to_target = [reached.get(line["seed"]) for line in finished]
    later = [seconds for seconds in to_target[1:] if seconds is not None]
    return {
        "seeds": len(finished),
        "reached": sum(seconds is not None for seconds in to_target),
        "seconds_to_target": [seconds and round(seconds, 2) for seconds in to_target],
        "median_after_the_first": round(float(np.median(later)), 2) if later else None,
        "run_seconds": [round(line["seconds"], 2) for line in finished],
        "mean_test_accuracy": round(float(np.mean([line["accuracy"] for line in finished])), 5),
        "peak_mib": mib(lines),
    }


def mib(lines: list[Line]) -> float | None:
    """Return the highest peak in MiB, or None without a GPU."""
    return None if lines[-1]["peak"] is None else round(max(line["peak"] for line in lines) / 2**20, 1)


ROWS = {"notes": notes_row, "one_minute": one_minute_row}


def compare(short: bool) -> Line:
    """Let all contenders do all tasks, within the time; return the record."""
    deadline = time.monotonic()
    tables: dict[str, dict[str, Line]] = {task: {} for task in TASKS}
    device, versions = None, {"python": platform.python_version(), "numpy": np.__version__}
    with tempfile.TemporaryDirectory() as cache:
        for (contender, task), seconds in TIME.items():
            deadline += seconds
            if not importlib.util.find_spec(CONTENDERS[contender]):
                continue
            lines, ended = run_alone(contender, task, short, deadline - time.monotonic(), cache)
            if lines:
                device = lines[0]["device"]
                versions |= lines[0]["versions"]
            needed = "finished" if task == "one_minute" else 1
            summed_up = ROWS[task](lines[1:]) if any(line["epoch"] == needed for line in lines[1:]) else {}
            tables[task][contender] = {"ended": ended, **summed_up}
            print(f"{task:11} {contender:15} {json.dumps(tables[task][contender])}", flush=True)
    return {
        "command": "python -m benchmarks.gpu" + (" --short" if short else ""),
        "date": datetime.datetime.now(datetime.UTC).date().isoformat(),
        "device": device,
        "versions": versions,
        **({"only_tried_out_with": SHORT} if short else {}),
        "test_set": "read after every epoch, to measure time; nothing is chosen by it",
        "target": TARGET,
        "peak_mib": "of arrays, as each framework counts them; null without a GPU",
        **tables,
    }


def main() -> None:
    """Compare, or measure one contender."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.gpu", description=main.__doc__)
    parser.add_argument("--short", action="store_true", help="try it out on a few digits, two epochs and two seeds")
    parser.add_argument("--out", type=Path, default=ROOT / "results", help="folder of the record, by default results")
    parser.add_argument("--one", nargs=2, metavar=("CONTENDER", "TASK"), help="measure only this, here")
    chosen = parser.parse_args()
    if chosen.one:
        contender, task = chosen.one
        measure(contender, task, chosen.short)
        return
    record = compare(chosen.short)
    folder = chosen.out / "trials" if chosen.short else chosen.out
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "gpu.json").write_text(json.dumps(record, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
