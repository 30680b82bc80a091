"""A callback that saves everything an interrupted run needs to continue exactly where it stopped."""

import csv
import hashlib
import io
import json
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from convbook.atomic import write_atomically
from convbook.backend import keras
from convbook.batches import ShuffledBatches
from convbook.callbacks import EpochLog
from convbook.history import Epoch


class ExactResume(keras.callbacks.Callback):
    """Saves a run after every epoch, so that it can continue exactly where it stopped.

    Keras's own ``BackupAndRestore`` saves neither the states of the random generators nor the order of the digits. This
    checkpoint holds all variables of the model and its optimizer, including the states of the random layers, the log,
    and digests of the data, the network and the settings. After every epoch it is replaced in one step, so it is always
    complete. A copy of the log is kept next to it as CSV.

    This callback must come after the ``EpochLog`` in the list of callbacks.
    """

    def __init__(self, path: str | Path, batches: ShuffledBatches, log: EpochLog, **settings: Any) -> None:
        """Set where to save and what to compare before a run continues.

        Args:
            path: npz file; its folder is created if it is missing.
            batches: the training data.
            log: the log of this run.
            settings: other settings, by name, that must be unchanged for the run to continue.
        """
        super().__init__()
        self.path = Path(path)
        self._batches, self._log, self._settings = batches, log, settings

    def restore(self, model: keras.Model) -> int:
        """Load the state of an earlier run into a compiled model; return the number of finished epochs.

        Raises:
            ValueError: if the file cannot be read, or belongs to a run with different data or settings. The file is
                kept.
        """
        model.optimizer.build(model.trainable_variables)
        if not self.path.exists():
            return 0
        about, arrays = _read(self.path)
        history = [Epoch(*epoch) for epoch in about["history"]]
        here = {**self._fingerprint(model), "schedule": [self._log.schedule(epoch) for epoch in range(len(history))]}
        there = {**about["run"], "schedule": [epoch.learning_rate for epoch in history]}
        if others := [name for name in here if there.get(name) != here[name]]:
            raise ValueError(
                f"{self.path} belongs to a run with another {', '.join(others)}; remove it to start afresh"
            )
        for variable, array in zip(_state(model), arrays, strict=True):
            variable.assign(array)
        self._log.epochs[:] = history
        self._write_log()
        if history:
            print(f"Picked up the run in {self.path} after epoch {len(history)}.")
        return len(history)

    def on_train_begin(self, logs: dict[str, float] | None = None) -> None:
        """Save the initial state, so that a run stopped in its first epoch starts again from the same weights."""
        if not self._log.epochs:
            self._save()

    def on_epoch_end(self, epoch: int, logs: dict[str, float] | None = None) -> None:
        """Save the run and its log."""
        self._save()
        self._write_log()

    def _fingerprint(self, model: keras.Model) -> dict[str, Any]:
        """Collect what must be unchanged for a run to continue; the names appear in the error message."""
        loss = model.loss
        if isinstance(loss, keras.losses.Loss):
            loss = _digest(loss)
        elif not isinstance(loss, str):
            loss = getattr(loss, "__name__", type(loss).__name__)
        return {
            "data": self._batches.digest,
            "seed": self._batches.seed,
            "batch size": self._batches.batch_size,
            "network": _digest(*model.layers),
            "optimizer": _digest(model.optimizer),
            "loss": loss,
            **self._settings,
        }

    def _save(self) -> None:
        about = {"run": self._fingerprint(self.model), "history": self._log.epochs}
        arrays = {f"variable_{i}": keras.ops.convert_to_numpy(v) for i, v in enumerate(_state(self.model))}
        content = io.BytesIO()
        np.savez(content, about=np.array(json.dumps(about)), **arrays)
        write_atomically(self.path, content.getvalue())

    def _write_log(self) -> None:
        text = io.StringIO(newline="")
        rows = csv.writer(text, lineterminator="\n")
        rows.writerows([Epoch._fields, *self._log.epochs])
        write_atomically(self.path.with_suffix(".csv"), text.getvalue().encode())


def _digest(*parts: Any) -> str:
    """Return a digest of the classes and settings of layers, an optimizer or a loss."""
    described = [[type(part).__name__, _settings(part.get_config())] for part in parts]
    return hashlib.sha256(json.dumps(described, default=str).encode()).hexdigest()


def _settings(config: Any) -> Any:
    """Remove from a configuration whatever differs between equal objects, such as numbered names and drawn seeds.

    The learning rate is removed as well, because the schedule sets it.
    """
    if isinstance(config, dict):
        left_out = ("name", "seed", "learning_rate", "shared_object_id", "build_config")
        # The name of a dtype policy is its only setting, so it stays.
        return {k: v if k == "dtype" else _settings(v) for k, v in config.items() if k not in left_out}
    return [_settings(value) for value in config] if isinstance(config, list | tuple) else config


def _state(model: keras.Model) -> list[keras.Variable]:
    # model.variables includes the states of the random layers' generators.
    return [*model.variables, *model.optimizer.variables]


def _read(path: Path) -> tuple[dict[str, Any], list[NDArray]]:
    try:
        with path.open("rb") as file, np.load(file, allow_pickle=False) as saved:
            about = json.loads(str(saved["about"]))
            arrays = [saved[f"variable_{i}"] for i in range(len(saved.files) - 1)]
            if not about.keys() >= {"run", "history"}:
                raise ValueError("it was written by another program")
            return about, arrays
    except (OSError, EOFError, ValueError, KeyError, zipfile.BadZipFile) as error:
        raise ValueError(f"{path} is not a readable checkpoint ({error}); remove it to start afresh") from error
