"""Each cell of chapters 1 to 8 shows on its page what that was built with, and each check says what it says here."""

import json
import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from bs4 import BeautifulSoup, Tag

from convbook.exercises import check

from ..package.mutants import EXERCISES
from .browser import opened
from .conftest import BOOK

CHAPTERS = sorted(file.stem for file in (BOOK / "chapters").glob("0[1-8]-*.ipynb"))
MUTANTS = Path(__file__).parents[1] / "package" / "mutants.py"

# Presses the buttons of a page one after the other, all at once in the page, which takes no time for going to and fro.
PRESS = """async ([before]) => {
  const work = document.querySelector(".work");
  const cells = await import(new URL(work.dataset.module, document.baseURI).href);
  await cells.ready();
  await cells.python.run(before);
  const shown = {};
  for (const tools of document.querySelectorAll(".cell-tools[data-cell]")) {
    const ended = new Promise((end) => {
      let runs = false;
      new MutationObserver(() => {
        if (tools.classList.contains("busy")) runs = true;
        else if (runs) end();
      }).observe(tools, { attributeFilter: ["class"] });
    });
    await cells.press(tools.querySelector("[data-do=run]"));
    await ended;
    shown[tools.dataset.cell] = tools.closest(".cell").querySelector(":scope > .cell_output")?.outerHTML ?? "";
  }
  return shown;
}"""
WITHIN = 2e-3
LIMIT = {
    # Its largest rate lets a training diverge, and that makes much of the last digit in which two machines differ.
    ("08-epochs-and-schedules", "cell-18"): 5,
    ("02-kernels", "cell-18"): 0,  # the page's older Matplotlib writes other powers of ten at a logarithmic axis
}
# A page brings a few hundred digits; the notebooks had them all.
WHOLE = "from functools import partial\nfrom convbook import mnist\nmnist.load = partial(mnist.load, whole=True)"
NUMBER = re.compile(r"[-−+]?\d[\d,]*\.?\d*(?:e[-+]?\d+)?")


def told(output: Tag | None) -> tuple[str, list[float]]:
    """Return the words of an output and its numbers: what is printed, tables, verdicts, and the text in figures."""
    if output is None:
        return "", []
    for part in output.select("figcaption, style, script, .interactive, .stderr, .problem"):
        part.decompose()
    text = re.sub(r"([-−]) (?=\d)", r"\1", " ".join(output.get_text(" ").split()))  # exponents come in one part or two
    numbers = [float(each.replace(",", "").replace("−", "-")) for each in NUMBER.findall(text)]
    return " ".join(NUMBER.sub("", text).split()), numbers


def difference(built: Tag | None, shown: Tag | None, limit: float = np.inf) -> str:
    """Say how what a cell shows differs from what its page was built with; nothing where it does not.

    Numbers above the limit have to be above it in both, and with a limit of 0 none is compared.
    """
    (words, numbers), (its_words, its_numbers) = told(built), told(shown)
    if words != its_words:
        return f"shows {its_words!r} instead of {words!r}"
    if limit and not (
        len(numbers) == len(its_numbers)
        and np.allclose(np.minimum(numbers, limit), np.minimum(its_numbers, limit), rtol=WITHIN, atol=WITHIN)
    ):
        return f"shows {its_numbers} instead of {numbers}"
    return ""


@pytest.mark.parametrize("chapter", CHAPTERS)
def test_every_cell_shows_what_its_page_shows(browser, address, running, chapter):
    built = BeautifulSoup((running / "chapters" / f"{chapter}.html").read_text(encoding="utf-8"), "html5lib")
    sources = {
        cell["id"]: cell["source"]
        for cell in json.loads((running / "_static" / "cells" / f"{chapter}.json").read_text(encoding="utf-8"))["cells"]
    }
    with opened(browser, f"{address}/chapters/{chapter}.html") as (page, wrong):
        page.set_default_timeout(600_000)
        outputs: dict[str, str] = page.evaluate(PRESS, [WHOLE])
        assert wrong == []
    problems = []
    for tools in built.select(".cell-tools[data-cell]"):
        name = str(tools["data-cell"])
        if "perf_counter" in sources[name]:
            continue  # it measures this very machine
        output = tools.find_parent(class_="cell").find(class_="cell_output", recursive=False)
        shown = BeautifulSoup(outputs[name], "html5lib").select_one(".cell_output")
        if problem := difference(output, shown, limit=LIMIT.get((chapter, name), np.inf)):
            problems.append(f"{tools['data-label']} ({name}) {problem}")
    assert not problems, "\n".join(problems)


# Run in the page: all answers that the tests know, right and wrong, by the name of their check.
ANSWERS = """
import json, sys, types
import scipy.signal, scipy.special, scipy.stats
from convbook.exercises import check
mutants = sys.modules["mutants"] = types.ModuleType("mutants")  # a dataclass asks for its module
exec(compile(source, "mutants.py", "exec"), mutants.__dict__)
def verdicts(name):
    exercise = mutants.EXERCISES[name]
    said = {}
    for label, given in [*exercise.forms.items(), *exercise.mutants.items()]:
        verdict = getattr(check, name)(*given)
        said[label] = [verdict.kind, verdict.message]
    return said
"""
SAY = """async ([before, names]) => {
  const work = document.querySelector(".work");
  const cells = await import(new URL(work.dataset.module, document.baseURI).href);
  await cells.ready();
  const said = {};
  let text = "";
  const output = (each) => { text += each.text ?? each.traceback?.join("\\n") ?? ""; };
  await cells.python.run(before, { output });
  if (text) throw new Error(text);
  for (const name of names) {
    text = "";
    await cells.python.run(`print(json.dumps(verdicts("${name}")))`, { output });
    said[name] = text;
  }
  return said;
}"""


def test_every_check_gives_the_same_verdict_in_the_page(browser, address, running):
    pages = [(running / "_static" / "cells" / f"{name}.json").read_text(encoding="utf-8") for name in CHAPTERS]
    names = sorted({name for text in pages for name in re.findall(r"\bcheck\.(\w+)\(", text)})
    # There is no TensorFlow in the page.
    source = re.sub(
        r"import tensorflow as tf\n\n    return tf\.constant\((.*)\)\n", r"return \1\n", MUTANTS.read_text()
    )
    with opened(browser, f"{address}/chapters/{CHAPTERS[0]}.html") as (page, _):
        page.set_default_timeout(600_000)
        there: dict[str, str] = page.evaluate(SAY, [f"source = {source!r}\n{ANSWERS}", names])
    different = {}
    for name in names:
        said: dict[str, Any] = json.loads(there[name])
        for label, given in [*EXERCISES[name].forms.items(), *EXERCISES[name].mutants.items()]:
            verdict = getattr(check, name)(*given)
            if said.get(label) != [verdict.kind, verdict.message]:
                different[f"{name}: {label}"] = (said.get(label), verdict)
    assert different == {}


@pytest.mark.parametrize(
    ("built", "shown", "same"),
    [
        ("<pre>1,000 rows of 0.5</pre>", "<div><pre>1000 rows\nof 0.5001</pre></div>", True),
        ("<pre>1 row</pre>", "<pre>2 rows</pre>", False),
        ("<pre>0.5</pre>", "<pre>0.51</pre>", False),
        ("<figure><svg><text>−1</text></svg><figcaption>A</figcaption></figure>", "<svg><text>-1</text></svg>", True),
        ("<pre>1</pre>", "", False),
    ],
)
def test_a_difference_is_found(built, shown, same):
    built, shown = (BeautifulSoup(f"<p>{text}</p>", "html.parser").p for text in (built, shown))
    assert (difference(built, shown) == "") == same


def test_numbers_above_a_limit_have_to_be_above_it_in_both():
    built, shown, other = (
        BeautifulSoup(f"<p><pre>0.5 and {each}</pre></p>", "html.parser").p for each in (11.6, 9.2, 4.0)
    )
    assert difference(built, shown, limit=5) == ""
    assert difference(built, other, limit=5) and difference(built, shown)
