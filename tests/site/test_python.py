"""Python in the page: what it shows, how figures listen to it, and what it survives; one worker serves all tests."""

import os

import pytest

from booksite import supply

from .browser import opened, serve

PAGE = """<!doctype html><html lang="en"><meta charset="utf-8"><title>Python</title><link rel="icon" href="data:,">
<div id="outputs"></div><script type="module">
import {{ Python }} from "./_static/{place}/python/python.js";
const told = (window.told = {{ left: [], died: [] }});
window.python = new Python({{ progress: (left) => told.left.push(left), died: (reason) => told.died.push(reason) }});
</script></html>"""

RUN = """async (code) => {
  const outputs = [];
  const place = document.getElementById("outputs");
  place.replaceChildren();
  const output = (each) => { outputs.push(each); python.show(each, place); };
  return { ...(await python.run(code, { output, alt: "digits" })), outputs };
}"""

STUB = "def conv2d(image, filters, bias, stride, padding): ...\n"
FLIPPED = """
import numpy as np
from convbook.convolve import conv2d_windows

def conv2d(image, filters, bias, stride, padding):
    return conv2d_windows(image, filters{}, bias, stride=stride, padding=padding)
"""


@pytest.fixture(scope="module")
def page(tmp_path_factory, browser):
    try:
        found = supply.find()
    except supply.Missing as reason:
        (pytest.fail if os.environ.get("CI") else pytest.skip)(str(reason))
    folder = tmp_path_factory.mktemp("python")
    supply.deliver(found, folder / "_static")
    (folder / "index.html").write_text(PAGE.format(place=found.folder))
    with serve(folder) as address, opened(browser, f"{address}/index.html") as (page, wrong):
        page.set_default_timeout(120_000)
        page.wait_for_function("() => window.python")
        assert page.evaluate("performance.getEntriesByType('resource').length") < 4  # no worker, no Pyodide
        page.wrong = wrong
        yield page


def run(page, code):
    return page.evaluate(RUN, code)


def shown(page, code, mime="text/plain"):
    """Run code that has to succeed; return its last output as one mime type."""
    done = run(page, code)
    assert done["ok"], done["outputs"]
    return done["outputs"][-1]["data"][mime]


def printed(page, code):
    done = run(page, code)
    return "".join(each["text"] for each in done["outputs"] if each["output_type"] == "stream")


def failure(page, code):
    done = run(page, code)
    assert not done["ok"]
    return done["outputs"][-1]


def test_a_cell_shows_its_last_value(page):
    assert shown(page, "1 + 1") == "2"
    left = page.evaluate("told.left")
    assert 5 < max(left) < 10 and left[-1] == 0  # megabytes
    assert run(page, "x = 3;")["outputs"] == run(page, "x;")["outputs"] == []
    assert shown(page, "display(x)\nawait __import__('asyncio').sleep(0, 'later')") == "'later'"


@pytest.mark.parametrize(
    ("code", "verdict"),
    [
        (STUB, "untried"),
        (FLIPPED.format("[::-1, ::-1]"), "failed"),
        (FLIPPED.format(""), "passed"),
    ],
)
def test_verdicts_are_those_of_the_notebook(page, code, verdict):
    ours = {}
    exec(code + "from convbook.exercises import check\nverdict = check.conv2d(conv2d)", ours)
    html = shown(page, f"from convbook.exercises import check\n{code}\ncheck.conv2d(conv2d)", "text/html")
    assert f'class="check {verdict}"' in html and html == ours["verdict"]._repr_html_()
    assert page.locator(f"#outputs .check.{verdict}").is_visible()


def test_exercises_load_numpy_alone(page):
    assert shown(page, "import sys\nsorted({'matplotlib', 'pandas', 'scipy', 'ipywidgets'} & set(sys.modules))") == "[]"


def test_what_is_printed_comes_in_order_and_is_cut(page):
    assert (
        printed(page, "import sys\nprint('one')\nprint('two', file=sys.stderr)\nprint('three')") == "one\ntwo\nthree\n"
    )
    long = printed(page, "for i in range(100_000): print(i)")
    assert long.startswith("0\n1\n2\n") and long.endswith("… (the rest of what this cell prints is left out)\n")
    assert len(long) < 21_000
    assert "the rest is left out" in shown(page, "list(range(100_000))")


@pytest.mark.parametrize(
    ("code", "words"),
    [
        ("import numpy as np\nnp.ones(10**10 // 8)", "Python has one gigabyte of memory on this page"),
        ("bytearray(10**10)", "Python has one gigabyte of memory on this page"),
        ("held = []\nwhile True: held.append(np.ones(10**7))", "Python has one gigabyte of memory on this page"),
        ("del held\ninput('Your name?')", "nobody can answer input() on this page"),
        ("exit()", "there is nothing to leave on this page"),
        ("import keras", "No module named 'keras': this page has NumPy, SciPy, pandas and Matplotlib"),
        ("def f(n): return f(n + 1)\nf(0)", "maximum recursion depth exceeded"),
    ],
)
def test_what_a_page_cannot_do_is_said_in_a_sentence(page, code, words):
    assert words in failure(page, code)["evalue"]
    assert shown(page, "1 + 1") == "2"


def test_a_traceback_has_the_readers_lines_alone(page):
    run(page, "def pick(x):\n    return {}[int(x[0])]\n")
    said = failure(page, "import numpy as np\nnp.apply_along_axis(pick, 0, [3])")
    assert said["traceback"] == [
        "Line 2:",
        "    np.apply_along_axis(pick, 0, [3])",
        "Line 2 of an earlier cell, in pick:",
        "    return {}[int(x[0])]",
        "KeyError: 3",
    ]
    assert failure(page, "x = (1 +\n")["traceback"][-1].startswith("SyntaxError: ")


def test_tables_and_figures_look_like_the_built_ones(page):
    table = shown(page, "import pandas as pd\npd.DataFrame({'a': [1, 2]})", "text/html")
    assert '<table border="1" class="dataframe">' in table
    figures = "from convbook import figures, mnist\nfigures.use_book_style()\n"
    done = run(page, f"{figures}figures.digits(mnist.load().test_images[:3], [7, 2, 1])")
    note, figure = done["outputs"]
    assert "mnist.load(whole=True) loads all 70,000" in note["text"]
    svg = figure["data"]["image/svg+xml"]
    assert svg.startswith('<svg class="figure" role="img" aria-label="digits"') and "currentColor" in svg
    assert "var(--letters" in svg and "font: " not in svg and "font-family" not in svg
    assert page.locator("#outputs svg.figure").is_visible()
    drawn = run(page, "import matplotlib.pyplot as plt\nplt.plot([1, 2])\nplt.title('a line');")
    assert "a line" in drawn["outputs"][-1]["data"]["image/svg+xml"]


def test_a_start_that_failed_is_tried_again(page, browser):
    with opened(browser, page.url) as (other, _):
        other.set_default_timeout(120_000)
        other.wait_for_function("() => window.python")
        other.context.route("**/numpy-*.whl", lambda route: route.abort())
        assert "there is no connection to this site" in failure(other, "1 + 1")["evalue"]
        other.context.unroute("**/numpy-*.whl")
        assert shown(other, "from scipy import linalg\nint(linalg.det([[2, 1], [1, 3]]))") == "5"
        shared = "[file.stat().st_size for file in pathlib.Path('/usr/lib').rglob('*.so')]"
        assert shown(other, f"import pathlib\n{shared}") == "[0]"  # what SciPy's libraries share takes no room either


def test_libraries_take_no_room_beside_what_was_loaded_from_them(page):
    find = "libraries = [*pathlib.Path(site.getsitepackages()[0]).rglob('*.so')]"
    assert int(shown(page, f"import pandas, pathlib, site\n{find}\nlen(libraries)")) > 20
    assert shown(page, "sum(file.stat().st_size for file in libraries)") == "0"
    compiled = """async () => {
      const library = Uint8Array.of(0, 97, 115, 109, 1, 0, 0, 0);
      await WebAssembly.instantiate(library, {});
      return library.length;
    }"""
    assert [worker.evaluate(compiled) for worker in page.workers] == [0]


def test_the_whole_of_mnist_comes_when_it_is_asked_for(page):
    assert shown(page, "mnist.load().train_images.shape") == "(300, 28, 28)"
    assert shown(page, "everything = mnist.load(whole=True)\n[part.shape[0] for part in everything]") == (
        "[60000, 60000, 10000, 10000]"
    )
    assert shown(page, "(everything.test_images[:300] == mnist.load().test_images).all()") == "np.True_"


def test_figures_listen_both_ways(page):
    shown(page, "from convbook.widgets import ConvolutionStepper\nstepper = ConvolutionStepper()\nstepper")
    figure = page.locator("#outputs .convbook-figure")
    figure.wait_for()
    cells = figure.locator("input[type=text]")
    before = cells.count()
    page.evaluate(
        "async (code) => python.run(code)", "stepper.kernel = np.array([[0, 1], [2, 3]])\nstepper.position = 5"
    )
    page.wait_for_function(
        "(before) => document.querySelectorAll('#outputs input[type=text]').length !== before", arg=before
    )
    assert [float(value) for value in cells.evaluate_all("all => all.map((each) => each.value)")] == [0, 1, 2, 3]
    cells.nth(1).fill("7")
    cells.nth(1).press("Enter")
    assert printed(page, "print(stepper.kernel.tolist())") == "[[0.0, 7.0], [2.0, 3.0]]\n"


def test_stop_ends_a_loop_and_starts_anew_even_offline(page):
    page.evaluate("() => { window.endless = python.run('while True: pass'); window.waiting = python.run('1'); }")
    page.wait_for_timeout(300)
    page.context.set_offline(True)
    try:
        page.evaluate("() => python.stop()")
        assert page.evaluate("() => Promise.all([endless, waiting])") == [{"ok": False, "stopped": True}] * 2
        assert "name 'x' is not defined" in failure(page, "x")["evalue"]
        assert shown(page, "from convbook.exercises import check\ncheck.sizes([...] * 6)").startswith("Your turn")
        assert page.wrong == []  # nor in all the tests before
        assert "there is no connection to this site" in failure(page, "kept = 3\nimport scipy")["evalue"]
    finally:
        page.context.set_offline(False)
    assert shown(page, "kept = 3\nimport scipy\nkept") == "3"


def test_another_start_takes_the_memory_of_the_first(page):
    """Python draws a secret for its hashes when it starts from the beginning; a memory that is kept has it already."""

    def started():
        page.evaluate("() => python.stop()")
        return shown(page, "hash('convolution'), __import__('random').random()")

    (first, drawn), (second, other) = (started().strip("()").split(", ") for _ in range(2))
    assert first == second and drawn != other
    page.evaluate(
        """async () => {
          const store = await caches.open("python-in-the-page");
          const memory = (await store.keys()).find(({ url }) => url.includes("/memory?"));
          await store.put(memory, new Response("damaged"));
        }"""
    )
    assert started().strip("()").split(", ")[0] != first


def test_the_end_of_python_is_told_and_another_starts(page):
    assert not run(page, "import os\nos.abort()")["ok"]
    assert page.evaluate("told.died") == ["Python has ended by itself, so all variables are gone."]
    assert shown(page, "1 + 1") == "2"
