"""What a build promises, shown on small books with this book's own configuration."""

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import nbformat
import pytest
from jupyter_cache import get_cache
from playwright.sync_api import Page

from booksite.execution import execution_cache
from booksite.solutions import without_solutions

from .browser import opened, serve
from .conftest import BOOK, JUPYTER_BOOK

SOUND = {
    "widgets": [
        "with open('../runs.txt', 'a') as runs: runs.write('one run, ')",
        "from ipywidgets import HTML, IntSlider, VBox, jslink\n"
        "slider, words = IntSlider(3, description='Answer'), HTML()\n"
        "link = jslink((slider, 'value'), (words, 'value'))\n"
        "VBox([slider, words])",
        "import wigglystuff\nwigglystuff.Slider2D()",
        "knob = wigglystuff.Knob(value=5, max_value=11)\nknob",
        "knob",
    ],
    "figure": "# Page\n\n```{widget} ActivationPlayground\n:alt: A bent line\n:name: fig\n\nA *caption*.\n```\n",
}
FAULTY = {
    "noise": [
        "import sys; print('noise', file=sys.stderr)",
        "from ipywidgets import IntSlider, VBox\nIntSlider()",
        "import wigglystuff\nVBox([wigglystuff.Slider2D()])",
        "wigglystuff.Excalidraw()",
    ],
    "pendulum": "# Page\n\n```{widget} Pendulum\n:alt: A pendulum\n\nIt swings.\n```\n",
}


def write_book(folder: Path, pages: dict[str, list[str] | str]) -> None:
    """Lay a book out like this repository: each page a list of cells, or a text in Markdown."""
    shutil.copy(BOOK / "_config.yml", folder)
    chapters = folder / "chapters"
    shutil.copytree(BOOK / "chapters" / "images", chapters / "images")
    (chapters / "references.bib").write_text("")
    (folder / "requirements.txt").write_text("")
    first, *others = (f"chapters/{name}" for name in pages)
    contents = "".join(f"- file: {name}\n" for name in others)
    (folder / "_toc.yml").write_text(f"format: jb-book\nroot: {first}\n" + (f"chapters:\n{contents}" if others else ""))
    for name, content in pages.items():
        if isinstance(content, str):
            (chapters / f"{name}.md").write_text(content)
        else:
            cells = [nbformat.v4.new_markdown_cell("# Page"), *map(nbformat.v4.new_code_cell, content)]
            metadata = {"kernelspec": {"name": "python3", "display_name": "Python 3", "language": "python"}}
            notebook = nbformat.v4.new_notebook(cells=cells, metadata=metadata)
            nbformat.write(notebook, chapters / f"{name}.ipynb")


def build(folder: Path) -> subprocess.CompletedProcess[str]:
    command = [*JUPYTER_BOOK, "build", str(folder), "-W", "--keep-going"]
    environment = os.environ | {"GITHUB_REPOSITORY": "a-fork/book"}
    return subprocess.run(command, capture_output=True, text=True, check=False, env=environment)


def html(folder: Path, name: str) -> str:
    return (folder / "_build" / "html" / "chapters" / f"{name}.html").read_text(encoding="utf-8")


@pytest.fixture(scope="session")
def sound(once: Callable[[str, Callable[[Path], None]], Path]) -> Path:
    """A book with widgets of others, run by nbmake and then built."""

    def fill(folder: Path) -> None:
        write_book(folder, SOUND)
        (folder / "node_modules").symlink_to(BOOK / "node_modules")
        shutil.copy(BOOK / "chapters" / "conftest.py", folder / "chapters")
        subprocess.run(
            [sys.executable, "-m", "pytest", "--nbmake", "chapters"], cwd=folder, check=True, capture_output=True
        )
        built = build(folder)
        assert built.returncode == 0, built.stdout[-4000:] + built.stderr[-4000:]

    return once("sound-book", fill)


@pytest.fixture(scope="session")
def faulty(once: Callable[[str, Callable[[Path], None]], Path]) -> Path:
    """A book with all that deserves a warning; what its build said is in said.txt."""

    def fill(folder: Path) -> None:
        write_book(folder, FAULTY)
        built = build(folder)
        assert built.returncode != 0
        said = re.sub(r"\x1b\[[\d;]*m", "", built.stdout + built.stderr)
        (folder / "said.txt").write_text(said, encoding="utf-8")

    return once("faulty-book", fill)


def test_what_nbmake_has_run_is_not_run_again(sound):
    assert (sound / "runs.txt").read_text() == "one run, "


def test_the_colab_button_leads_to_the_copies_that_fetch_the_course(sound):
    assert "/github/a-fork/book/blob/colab/chapters/widgets.ipynb" in html(sound, "widgets")


def drag(page: Page, selector: str, right: int, down: int) -> None:
    """Press the mouse in the middle of an element and move it."""
    place = page.locator(selector).first
    place.scroll_into_view_if_needed()
    box = place.bounding_box()
    x, y = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
    page.mouse.move(x, y)
    page.mouse.down()
    page.mouse.move(x + right, y + down, steps=5)
    page.mouse.up()


def test_widgets_of_others_work_without_a_kernel(sound, browser):
    with serve(sound / "_build" / "html") as address, opened(browser, f"{address}/chapters/widgets.html") as shown:
        page, wrong = shown
        page.get_by_role("slider").first.press("ArrowRight")  # the ordinary one
        page.locator(".widget-html-content", has_text="4").wait_for()
        page.locator("#sliderValues", has_text="X: 0.00, Y: 0.00").wait_for()
        drag(page, "#sliderCanvas", 90, -45)
        page.locator("#sliderValues", has_text="X: 0.50, Y: 0.25").wait_for()
        page.locator(".knob-value").nth(1).wait_for()
        drag(page, ".knob-wrapper svg", 30, 0)
        values = page.locator(".knob-value").all_inner_texts()
        assert values[0] == values[1] != "5"  # two views of one model
        assert page.locator(".knob-wrapper").first.evaluate("part => getComputedStyle(part).display") == "inline-flex"
        # The bundle's validator of JSON says so about its own schema.
        assert [line for line in wrong if not line.startswith("warning: strict mode: use allowUnionTypes")] == []


def test_a_figure_on_a_page_that_is_no_notebook(sound, browser):
    with serve(sound / "_build" / "html") as address, opened(browser, f"{address}/chapters/figure.html") as shown:
        page, wrong = shown
        page.locator(".convbook-figure").wait_for()
        assert page.locator("figure > figcaption em").inner_text() == "caption"
        assert wrong == []


@pytest.mark.parametrize(
    "words",
    [
        "stderr was found in the cell outputs",
        "IntSliderModel cannot run on this page, because it needs html-manager: run `npm ci`",
        "VBoxModel cannot run on this page, because html-manager has no front end for anywidget",
        "wigglystuff.excalidraw.Excalidraw cannot run on this page, because it loads https://esm.sh",
        "no figure named 'Pendulum'; there are ActivationPlayground, ChannelMixer",
    ],
)
def test_a_build_warns(faulty, words):
    (line,) = (line for line in (faulty / "said.txt").read_text(encoding="utf-8").splitlines() if words in line)
    assert re.search(r"chapters/(noise\.ipynb|pendulum\.md)\S*: (WARNING|ERROR): ", line)


def test_a_widget_that_cannot_run_shows_its_text(faulty):
    page = html(faulty, "noise")
    assert "wigglystuff.excalidraw.Excalidraw object at" in page and "IntSlider(value=0)" in page
    assert "host.js" not in page and "widget-view" not in page and "widget-state" not in page


def test_a_cell_that_raises_fails_every_build(tmp_path):
    write_book(tmp_path, {"page": ["1 / 0"]})
    built = build(tmp_path)
    assert built.returncode != 0 and "ZeroDivisionError" in built.stdout + built.stderr
    assert get_cache(execution_cache(tmp_path)).list_cache_records() == []  # so the next build runs it again


def test_a_misspelt_wish_for_no_solutions_publishes_nothing(monkeypatch):
    monkeypatch.setenv("SOLUTIONS", "No")
    with pytest.raises(ValueError, match=r"SOLUTIONS is yes \(the default\) or no, got 'No'"):
        without_solutions()
