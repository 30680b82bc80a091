import importlib
import os
import re
import subprocess
import sys
from types import SimpleNamespace

import keras
import numpy as np
import pytest

from convbook.backend import device_name, versions
from convbook.glue import glue

PRINT_ONEDNN = "print(os.environ['TF_ENABLE_ONEDNN_OPTS'])"


def without_onednn_setting() -> dict[str, str]:
    return {name: value for name, value in os.environ.items() if name != "TF_ENABLE_ONEDNN_OPTS"}


@pytest.mark.slow
def test_importing_the_package_writes_nothing_to_stderr_and_turns_onednn_on():
    """TensorFlow's libraries write past Python, so only a process of its own can tell."""
    code = f"import os, sys; from convbook.backend import keras; keras.ops.ones(3) + 1; {PRINT_ONEDNN}"
    command = [sys.executable, "-c", f"{code}; sys.stderr.write('end')"]
    run = subprocess.run(command, env=without_onednn_setting(), capture_output=True, text=True, check=True)
    assert (run.stdout.strip(), run.stderr) == ("1", "end")


def test_onednn_stays_off_for_a_reader_who_has_turned_it_off():
    """With a stand-in for Keras, which would take long to import."""
    keras = "sys.modules['keras'] = types.ModuleType('keras')"
    code = f"import os, sys, types; {keras}; import convbook.backend; {PRINT_ONEDNN}"
    env = without_onednn_setting() | {"TF_ENABLE_ONEDNN_OPTS": "0"}
    run = subprocess.run([sys.executable, "-c", code], env=env, capture_output=True, text=True, check=True)
    assert run.stdout.strip() == "0"


def test_the_site_and_the_concept_chapters_do_without_tensorflow():
    modules = ["convbook.figures", "convbook.exercises.check", "convbook.quiz", "convbook.mnist", "convbook.schedules"]
    modules += ["convbook.widgets", "booksite.extension"]
    code = "\n".join(f"import {module}; assert 'keras' not in sys.modules, '{module}'" for module in modules)
    run = subprocess.run([sys.executable, "-c", f"import sys\n{code}"], capture_output=True, text=True)
    assert run.returncode == 0, run.stderr


def test_a_failing_import_is_still_an_error():
    code = "import sys; sys.modules['keras'] = None; import convbook.backend"
    failed = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert failed.returncode == 1
    assert "ModuleNotFoundError" in failed.stderr


def test_the_versions_are_named():
    assert versions() == {"keras": keras.__version__, "tensorflow": importlib.import_module("tensorflow").__version__}


def fake_tensorflow(gpu: str | None) -> SimpleNamespace:
    config = SimpleNamespace(
        list_physical_devices=lambda kind: [kind] if gpu else [],
        experimental=SimpleNamespace(get_device_details=lambda device: {"device_name": gpu} if gpu != "GPU" else {}),
    )
    return SimpleNamespace(config=config)


def fake_jax(gpu: str | None) -> SimpleNamespace:
    device = SimpleNamespace(platform="gpu", device_kind=gpu) if gpu else SimpleNamespace(platform="cpu")
    return SimpleNamespace(devices=lambda: [device])


def fake_torch(gpu: str | None) -> SimpleNamespace:
    return SimpleNamespace(cuda=SimpleNamespace(get_device_name=lambda device: gpu))


FAKES = {"tensorflow": fake_tensorflow, "jax": fake_jax, "torch": fake_torch}


@pytest.mark.parametrize("name", FAKES)
@pytest.mark.parametrize("gpu", ["NVIDIA H100 80GB HBM3", None])
def test_the_device_is_named_on_every_backend(monkeypatch, name, gpu):
    """The libraries are stand-ins, since no machine has them all and a GPU; `tests/backends` asks the real ones."""
    place = SimpleNamespace(type="cuda" if gpu else "cpu")
    monkeypatch.setattr(keras.ops, "zeros", lambda shape: SimpleNamespace(device=place))
    monkeypatch.setattr(keras.backend, "backend", lambda: name)
    monkeypatch.setitem(sys.modules, name, FAKES[name](gpu))
    if gpu:
        assert device_name() == gpu
    else:
        assert re.fullmatch(r"CPU, \d+ cores", device_name())


def test_a_gpu_without_a_name_is_still_a_gpu(monkeypatch):
    monkeypatch.setitem(sys.modules, "tensorflow", fake_tensorflow("GPU"))
    assert device_name() == "GPU"
    monkeypatch.setattr(keras.backend, "backend", lambda: "torch")
    monkeypatch.setitem(sys.modules, "torch", fake_torch(None))
    monkeypatch.setattr(keras.ops, "zeros", lambda shape: SimpleNamespace(device=SimpleNamespace(type="mps")))
    assert device_name() == "GPU (mps)"


def test_glue_hands_over_plain_numbers(monkeypatch):
    given = {}
    monkeypatch.setattr("convbook.glue.myst_nb.glue", lambda name, value, display: given.update({name: value}))
    glue(accuracy=np.float32(0.5), epochs=20)
    assert given == {"accuracy": 0.5, "epochs": 20}
    assert type(given["accuracy"]) is float


def test_without_the_book_glue_does_nothing():
    code = "import sys; sys.modules['myst_nb'] = None; from convbook.glue import glue; glue(accuracy=1)"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout == ""
