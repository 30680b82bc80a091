import os
import subprocess
import sys

import keras
import numpy as np
import pytest

from convbook.backend import device_name, versions
from convbook.glue import glue


def test_importing_the_package_writes_nothing_to_stderr():
    """TensorFlow's libraries write past Python, so only a process of its own can tell."""
    code = "from convbook.backend import keras; keras.ops.ones(3) + 1; import sys; sys.stderr.write('end')"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stderr == "end"


@pytest.mark.parametrize(("chosen", "found"), [({}, "1"), ({"TF_ENABLE_ONEDNN_OPTS": "0"}, "0")])
def test_onednn_is_on_unless_the_reader_has_turned_it_off(chosen, found):
    code = "import convbook.backend, os; print(os.environ['TF_ENABLE_ONEDNN_OPTS'])"
    others = {name: value for name, value in os.environ.items() if name != "TF_ENABLE_ONEDNN_OPTS"}
    command = [sys.executable, "-c", code]
    printed = subprocess.run(command, env=others | chosen, capture_output=True, text=True, check=True).stdout
    assert printed.strip() == found


@pytest.mark.parametrize("module", ["sphinx_site", "figures", "exercises.check", "quiz", "mnist", "schedule"])
def test_the_site_and_the_concept_chapters_do_without_tensorflow(module):
    code = f"import convbook.{module}, sys; sys.exit('keras' in sys.modules)"
    subprocess.run([sys.executable, "-c", code], check=True)


def test_a_failing_import_is_still_an_error():
    code = "import sys; sys.modules['keras'] = None; import convbook.backend"
    failed = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert failed.returncode == 1
    assert "ModuleNotFoundError" in failed.stderr


def test_the_device_and_the_versions_are_named(monkeypatch):
    assert versions()["keras"] == keras.__version__
    monkeypatch.setattr(keras.distribution, "list_devices", lambda: ["cpu:0"])
    assert device_name().startswith("CPU, ")


def test_glue_hands_over_plain_numbers(monkeypatch):
    given = {}
    monkeypatch.setattr("convbook.glue.myst_nb.glue", lambda name, value, display: given.update({name: value}))
    glue(accuracy=np.float32(0.5), epochs=20)
    assert given == {"accuracy": 0.5, "epochs": 20}
    assert type(given["accuracy"]) is float


def test_without_the_book_glue_does_nothing():
    code = "import sys; sys.modules['myst_nb'] = None; from convbook.glue import glue; glue(accuracy=1)"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout == ""
