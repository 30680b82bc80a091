"""Notebooks are committed clean: no outputs, no counts, no metadata that an editor left."""

import copy
import shlex
import subprocess
import sys
from pathlib import Path

import nbformat
import pytest
import yaml
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output

from .tree import ROOT, files

# What a notebook and a cell may say about themselves; the hook in .pre-commit-config.yaml removes the rest.
NOTEBOOK_KEYS = {"accelerator", "colab", "kernelspec", "language_info", "mystnb"}
NESTED_KEYS = {"colab": {"gpuType"}, "language_info": {"name"}}
CELL_KEYS = {"mystnb", "tags"}


def leftovers(notebook: nbformat.NotebookNode) -> list[str]:
    """Return what a run or an editor left in a notebook, and what makes it invalid."""
    problems = [f"metadata {key!r}" for key in sorted(notebook.metadata.keys() - NOTEBOOK_KEYS)]
    for section, allowed in NESTED_KEYS.items():
        excess = notebook.metadata.get(section, {}).keys() - allowed
        problems += [f"metadata {section!r}: {key!r}" for key in sorted(excess)]
    if notebook.metadata.get("kernelspec", {}).get("name") != "python3":
        problems.append("the kernel is not python3")
    for number, cell in enumerate(notebook.cells, start=1):
        problems += [f"cell {number}: metadata {key!r}" for key in sorted(cell.metadata.keys() - CELL_KEYS)]
        problems += [f"cell {number}: {key}" for key in ("outputs", "execution_count") if cell.get(key)]
    try:
        nbformat.validate(notebook)
    except nbformat.ValidationError as error:
        problems.append(f"invalid: {error.message}")
    return problems


def read(path: Path) -> nbformat.NotebookNode:
    return nbformat.read(path, as_version=nbformat.NO_CONVERT)


def example() -> nbformat.NotebookNode:
    notebook = new_notebook(cells=[new_markdown_cell("# A title"), new_code_cell("1 + 1")])
    notebook.metadata["kernelspec"] = {"name": "python3", "display_name": "Python 3", "language": "python"}
    notebook.metadata["language_info"] = {"name": "python"}
    notebook.metadata["colab"] = {"gpuType": "T4"}
    return notebook


def used_example() -> nbformat.NotebookNode:
    notebook = copy.deepcopy(example())
    notebook.metadata["widgets"] = {"application/vnd.jupyter.widget-state+json": {"state": {}}}
    notebook.metadata["language_info"]["version"] = "3.11.2"
    notebook.metadata["colab"]["name"] = "Copy of 09"
    notebook.cells[1].outputs = [new_output("stream", text="2")]
    notebook.cells[1].execution_count = 1
    notebook.cells[1].metadata["execution"] = {"iopub.execute_input": "2026-01-01T00:00:00"}
    return notebook


def test_notebooks_are_committed_clean():
    notebooks = files("*.ipynb")
    assert notebooks
    problems = [f"{path.name}: {problem}" for path in notebooks for problem in leftovers(read(path))]
    assert not problems, "\n".join(["To clean them: `.venv/bin/pre-commit run --all-files`.", *problems])


def test_leftovers_are_found():
    assert leftovers(example()) == []
    assert leftovers(used_example()) == [
        "metadata 'widgets'",
        "metadata 'colab': 'name'",
        "metadata 'language_info': 'version'",
        "cell 2: metadata 'execution'",
        "cell 2: outputs",
        "cell 2: execution_count",
    ]
    broken = example()
    broken.metadata["kernelspec"]["name"] = "conda-env-mine-py"
    del broken.cells[1]["source"]
    assert leftovers(broken) == ["the kernel is not python3", "invalid: 'source' is a required property"]


@pytest.mark.slow
def test_hook_removes_leftovers_and_nothing_else(tmp_path):
    config = yaml.safe_load((ROOT / ".pre-commit-config.yaml").read_text(encoding="utf-8"))
    (hook,) = (hook for hook in config["repos"][0]["hooks"] if hook["id"] == "clear-notebooks")
    program, *options = shlex.split(hook["entry"])
    program = str(Path(sys.executable).with_name(Path(program).name))
    used, clean = tmp_path / "used.ipynb", tmp_path / "clean.ipynb"
    nbformat.write(used_example(), used)
    nbformat.write(example(), clean)
    before = clean.read_bytes()

    subprocess.run([program, *options, str(used), str(clean)], check=True, capture_output=True)

    assert leftovers(read(used)) == []
    assert clean.read_bytes() == before


def test_training_chapter_asks_colab_for_a_gpu():
    (path,) = (ROOT / "chapters").glob("09-*.ipynb")
    found = read(path).metadata.get("accelerator")
    assert found == "GPU", f'add "accelerator": "GPU" to the metadata of {path.name}, or Colab trains it on a CPU'
