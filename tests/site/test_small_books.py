"""What a build promises, shown on books of one page with this book's own configuration."""

import shutil
import subprocess
import sys
from pathlib import Path

import nbformat
import pytest

from .browser import opened, serve
from .conftest import BOOK, JUPYTER_BOOK


class SmallBook:
    """A page that prints a helper's number, in a folder laid out like this repository."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        shutil.copy(BOOK / "_config.yml", folder)
        shutil.copytree(BOOK / "chapters" / "images", folder / "chapters" / "images")
        (folder / "chapters" / "references.bib").write_text("")
        (folder / "requirements.txt").write_text("")
        (folder / "_toc.yml").write_text("format: jb-book\nroot: chapters/page\n")
        (folder / "code").mkdir()
        self.write_helper("41")
        self.write_page("import sys; sys.path.insert(0, '../code'); import helper; print('number', helper.NUMBER)")

    def write_helper(self, number: str) -> None:
        (self.folder / "code" / "helper.py").write_text(f"NUMBER = {number}\n")

    def write_page(self, code: str) -> None:
        cells = [nbformat.v4.new_markdown_cell("# Page"), nbformat.v4.new_code_cell(code)]
        metadata = {"kernelspec": {"name": "python3", "display_name": "Python 3", "language": "python"}}
        page = nbformat.v4.new_notebook(cells=cells, metadata=metadata)
        nbformat.write(page, self.folder / "chapters" / "page.ipynb")

    def build(self, *options: str) -> subprocess.CompletedProcess[str]:
        command = [JUPYTER_BOOK, "build", str(self.folder), *options]
        return subprocess.run(command, capture_output=True, text=True, check=False)

    @property
    def html(self) -> str:
        return (self.folder / "_build" / "html" / "chapters" / "page.html").read_text(encoding="utf-8")


@pytest.fixture
def book(tmp_path):
    return SmallBook(tmp_path)


def test_a_changed_helper_changes_the_page(book):
    assert book.build("-W").returncode == 0
    assert "number 41" in book.html
    book.write_helper("42")
    assert book.build("-W").returncode == 0
    assert "number 42" in book.html


def test_the_colab_button_leads_to_the_copies_that_fetch_the_course(book, monkeypatch):
    monkeypatch.setenv("GITHUB_REPOSITORY", "a-fork/book")
    assert book.build("-W").returncode == 0
    assert "/github/a-fork/book/blob/colab/chapters/page.ipynb" in book.html


def test_a_cell_that_raises_fails_every_build(book):
    book.write_page("1 / 0")
    assert book.build().returncode != 0
    assert book.build().returncode != 0


def test_a_message_on_stderr_fails_a_strict_build(book):
    book.write_page("import sys; print('noise', file=sys.stderr)")
    assert book.build("-W", "--keep-going").returncode != 0


def test_what_nbmake_has_run_is_not_run_again(book):
    shutil.copy(BOOK / "chapters" / "conftest.py", book.folder / "chapters")
    book.write_page("with open('../runs.txt', 'a') as runs: runs.write('one run, ')")
    command = [sys.executable, "-m", "pytest", "--nbmake", "chapters"]
    subprocess.run(command, cwd=book.folder, check=True, capture_output=True)
    assert book.build("-W").returncode == 0
    assert (book.folder / "runs.txt").read_text() == "one run, "


def test_a_misspelt_wish_for_no_solutions_publishes_nothing(book, monkeypatch):
    monkeypatch.setenv("SOLUTIONS", "No")
    built = book.build()
    assert built.returncode != 0
    assert "SOLUTIONS is yes (the default) or no, got 'No'" in built.stdout + built.stderr


def test_an_ordinary_ipywidget_works_without_a_kernel(book, browser):
    (book.folder / "node_modules").symlink_to(BOOK / "node_modules")
    book.write_page(
        "from ipywidgets import HTML, IntSlider, VBox, jslink\n"
        "slider, words = IntSlider(3, description='Answer'), HTML()\n"
        "link = jslink((slider, 'value'), (words, 'value'))\n"
        "VBox([slider, words])"
    )
    assert book.build("-W").returncode == 0
    with serve(book.folder / "_build" / "html") as address, opened(browser, f"{address}/chapters/page.html") as shown:
        page, wrong = shown
        page.get_by_role("slider").press("ArrowRight")
        page.locator(".widget-html-content", has_text="4").wait_for()
        # The bundle's validator of JSON says so about its own schema.
        assert [line for line in wrong if not line.startswith("warning: strict mode: use allowUnionTypes")] == []


def test_a_page_without_widgets_loads_no_bundle(book):
    assert book.build("-W").returncode == 0
    assert "html-manager" not in book.html and "host.js" not in book.html


def test_an_ordinary_ipywidget_without_its_bundle_fails_the_build(book):
    book.write_page("from ipywidgets import IntSlider\nIntSlider()")
    built = book.build("-W")
    assert built.returncode != 0
    assert "a page shows an ipywidget, for which the site needs html-manager: run `npm ci`" in built.stderr


def test_a_figure_on_a_page_that_is_no_notebook(book, browser):
    page = book.folder / "chapters" / "page.ipynb"
    page.unlink()
    text = "# Page\n\n```{widget} ScheduleExplorer\n:alt: A falling curve\n:name: fig\n\nA *caption*.\n```\n"
    page.with_suffix(".md").write_text(text)
    assert book.build("-W").returncode == 0
    with serve(book.folder / "_build" / "html") as address, opened(browser, f"{address}/chapters/page.html") as shown:
        page, wrong = shown
        page.locator(".convbook-figure").wait_for()
        assert page.locator("figure > figcaption em").inner_text() == "caption"
        assert wrong == []


def test_a_figure_that_does_not_exist_fails_a_strict_build(book):
    page = book.folder / "chapters" / "page.ipynb"
    page.unlink()
    page.with_suffix(".md").write_text("# Page\n\n```{widget} Pendulum\n:alt: A pendulum\n\nIt swings.\n```\n")
    built = book.build("-W")
    assert built.returncode != 0
    assert "no figure named 'Pendulum'; there are ActivationPlayground, ChannelMixer" in built.stderr + built.stdout
