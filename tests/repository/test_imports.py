"""Imports inside the helper package go down only, and the concept modules get by with NumPy."""

import ast
import sys

import nbformat
import pytest

from .prose import chapters
from .tree import ROOT

# From top to bottom. A module imports from lower layers only, not from its neighbours.
LAYERS = [
    {"colab"},
    {"sphinx_site"},
    {"sphinx_widgets"},
    {"widgets"},
    {"figures", "exercises", "study"},
    {"features", "plans"},
    {"training"},
    {"recipes"},
    {"network", "fast_layers", "batches"},
    {"backend", "inference", "mnist", "schedule"},
    {"convolve", "kernels", "activations"},
    {"arithmetic"},
    {"atomic", "glue", "history", "quiz", "__init__"},
]
NEEDS_KERAS = (
    "keras",
    *(
        f"convbook.{name}"
        for name in (
            "backend",
            "batches",
            "fast_layers",
            "features",
            "network",
            "plans",
            "recipes",
            "study",
            "training",
        )
    ),
)
NUMPY_ONLY = {"arithmetic", "convolve", "kernels", "activations"}  # concept chapters run without TensorFlow


def sources() -> dict[str, str]:
    """Return the source of every module, by its name inside convbook: ``mnist``, ``widgets.convolution``."""
    package = ROOT / "code" / "convbook"
    return {
        ".".join(path.relative_to(package).with_suffix("").parts): path.read_text(encoding="utf-8")
        for path in sorted(package.rglob("*.py"))
    }


def imported(name: str, source: str) -> set[str]:
    """Return the dotted names that a module of convbook imports when it runs, relative ones spelt out."""
    package = ["convbook", *name.split(".")[:-1]]
    names: set[str] = set()
    body = [
        node
        for node in ast.parse(source).body
        if not (isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING")
    ]
    for node in ast.walk(ast.Module(body)):
        if isinstance(node, ast.Import):
            names.update(alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            above = package[: len(package) + 1 - node.level] if node.level else []
            names.update(".".join([*above, *filter(None, [node.module]), alias.name]) for alias in node.names)
    return names


def import_problems(sources: dict[str, str]) -> list[str]:
    """Return what breaks the order of the layers."""
    depth = {module: row for row, layer in enumerate(LAYERS) for module in layer}
    problems = []
    for name, source in sources.items():
        module = name.split(".")[0]
        if module not in depth:
            problems.append(f"{name}: give it a place in LAYERS")
            continue
        for target in sorted(imported(name, source)):
            top, *rest = target.split(".")
            if top == "convbook" and rest:
                if rest[0] in depth and rest[0] != module and depth[rest[0]] <= depth[module]:
                    problems.append(f"{name} imports {target}, which is not below it")
            elif module in NUMPY_ONLY and top not in {"numpy", "convbook"} | sys.stdlib_module_names:
                problems.append(f"{name} imports {target}; it may import NumPy only")
    return problems


def network_imports(notebook: nbformat.NotebookNode) -> set[str]:
    """Return the modules that a chapter imports and that need Keras."""
    cells = [cell.source for cell in notebook.cells if cell.cell_type == "code"]
    names = set().union(*(imported("chapter", source) for source in cells))
    return {name for name in names if name.startswith(NEEDS_KERAS)}


@pytest.mark.parametrize("path", chapters("01", "03", "04", "08"), ids=lambda path: path.stem)
def test_chapters_without_a_trained_network_do_without_tensorflow(path):
    assert network_imports(nbformat.read(path, as_version=4)) == set()


def test_a_chapter_with_a_network_is_found():
    (path,) = chapters("05")
    assert "convbook.network.load_trained" in network_imports(nbformat.read(path, as_version=4))


def test_imports_go_down():
    assert import_problems(sources()) == []


def test_wrong_imports_are_found():
    wrong = {
        "mnist": "from convbook import training",
        "features": "def maps():\n    from . import figures",
        "widgets.kernel": "from ..sphinx_widgets import setup",
        "convolve": "import scipy.signal",
        "helpers": "import json",
    }
    assert import_problems(wrong) == [
        "mnist imports convbook.training, which is not below it",
        "features imports convbook.figures, which is not below it",
        "widgets.kernel imports convbook.sphinx_widgets.setup, which is not below it",
        "convolve imports scipy.signal; it may import NumPy only",
        "helpers: give it a place in LAYERS",
    ]


def test_right_imports_pass():
    right = {
        "figures": "from convbook.arithmetic import Layer\nimport convbook.mnist\nfrom .schedule import inverse_time",
        "widgets.kernel": "from . import host\nfrom .host import mount\nfrom .. import kernels, glue",
        "kernels": "import math\nimport numpy as np\nif TYPE_CHECKING:\n    import keras",
    }
    assert import_problems(right) == []
