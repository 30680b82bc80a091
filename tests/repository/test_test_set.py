"""Nothing is chosen by the test set: the places that read its digits are few, and known."""

import ast

from .tree import ROOT

CODE = ROOT / "code"

# By function: why it reads test digits.
READERS = {
    "studies.study.run": "measures every finished run once, where its plan says so",
    "convbook.mnist._sample": "brings a few hundred digits to the pages",
    "convbook.training.examples": "watches them where nothing is held out: the faithful replay of the notes' run",
    "convbook.training.main": "measures the finished network once",
    "booksite.openings._drawing": "draws one",
    "convbook.figures.__main__.main": "draws one",
    "convbook.widgets.digit_figure.ten_digits": "shows ten",
    "convbook.widgets.network_strip._many": "shows a hundred, and averages over them",
}


def branches(value: ast.expr) -> list[ast.expr]:
    """Return what an expression may be: itself, or the sides of ``a if condition else b``."""
    return [*branches(value.body), *branches(value.orelse)] if isinstance(value, ast.IfExp) else [value]


def readers(name: str, source: str) -> set[str]:
    """Return the functions of a module that take test digits out of a data set, by name or by taking it apart."""
    found = set()
    for function in ast.walk(ast.parse(source)):
        if not isinstance(function, ast.FunctionDef):
            continue
        for node in ast.walk(function):
            by_name = isinstance(node, ast.Attribute) and node.attr in {"test_images", "test_labels"}
            taken_apart = (
                isinstance(node, ast.Assign)
                and isinstance(node.targets[0], ast.Tuple)
                and any(isinstance(value, ast.Name) and value.id == "digits" for value in branches(node.value))
            )
            if by_name or taken_apart:
                found.add(f"{name}.{function.name}")
    return found


def all_readers() -> set[str]:
    modules = {".".join(path.relative_to(CODE).with_suffix("").parts): path for path in CODE.rglob("*.py")}
    return set().union(*(readers(name, path.read_text(encoding="utf-8")) for name, path in modules.items()))


def test_only_known_functions_read_test_digits():
    new, gone = all_readers() - set(READERS), set(READERS) - all_readers()
    assert not new, f"{new} read test digits: choose by held-out digits, or say in READERS why nothing is chosen"
    assert not gone, f"{gone} read test digits no more: take them out of READERS"


def test_another_reader_would_be_found():
    sources = [
        "def choose(digits):\n    return best(digits.test_images)",
        "def choose(digits):\n    *rest, labels = split(digits, 9) if True else digits\n    return labels",
    ]
    assert [readers("recipes", source) for source in sources] == [{"recipes.choose"}] * 2
    assert not readers("recipes", "def fit(digits):\n    return digits.train_images, split(digits, 5000)")
