"""The linter, the formatter and the type checker agree with every file, and `code` stays the standard library's."""

import subprocess
import sys

import pytest

from .tree import ROOT

TOOLS = {
    "ruff check": ["ruff", "check"],
    "ruff format": ["ruff", "format", "--check", "--diff"],
    "mypy": ["mypy", "--config-file", "code/pyproject.toml", "code/convbook"],
}


@pytest.mark.parametrize("arguments", TOOLS.values(), ids=TOOLS)
def test_tool_has_no_complaint(arguments):
    result = subprocess.run([sys.executable, "-m", *arguments], cwd=ROOT, capture_output=True, text=True)
    assert result.returncode == 0, result.stdout + result.stderr


TYPE_CHECKER = ["node_modules/.bin/tsc", "--project"]


def test_the_types_of_the_modules_fit():
    command = [*TYPE_CHECKER, "code/convbook/widgets/jsconfig.json"]
    result = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    assert result.returncode == 0, result.stdout + result.stderr


def test_wrong_types_of_a_module_are_found(tmp_path):
    widgets = ROOT / "code" / "convbook" / "widgets"
    (tmp_path / "wrong.js").write_text("/** @type {number} */\nexport const size = 'large';\n")
    (tmp_path / "jsconfig.json").write_text((widgets / "jsconfig.json").read_text(encoding="utf-8"))
    command = [*TYPE_CHECKER, str(tmp_path / "jsconfig.json")]
    result = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    assert result.returncode != 0 and "wrong.js(2,14): error TS2322" in result.stdout


def test_ruff_rejects_what_it_should(tmp_path):
    wrong = tmp_path / "wrong.py"
    wrong.write_text("import os\n")
    arguments = ["ruff", "check", "--config", str(ROOT / ".ruff.toml"), str(wrong)]
    result = subprocess.run([sys.executable, "-m", *arguments], capture_output=True, text=True)
    assert result.returncode == 1 and "F401" in result.stdout and "D100" in result.stdout


def test_code_is_not_a_package():
    # With code/__init__.py the folder would hide the standard library's `code`, and with it `import pdb`.
    assert not (ROOT / "code" / "__init__.py").exists()
