import os
import subprocess
import sys
from io import BytesIO
from pathlib import Path

import pytest
from bs4 import BeautifulSoup
from docutils import nodes
from fontTools.ttLib import TTFont
from sphinx.application import Sphinx
from sphinx.errors import ExtensionError

from booksite.execution import execution_cache
from booksite.maths import FONT, characters, mathml, subset
from booksite.pages import bind_percents, repaired
from booksite.pictures import themed_svg
from booksite.published import missing_pages
from booksite.repository import repository_url
from booksite.widgets import present_code
from convbook import widgets
from convbook.figures.style import FIRST, INK, PAPER


@pytest.fixture
def book(tmp_path):
    (tmp_path / "code" / "convbook").mkdir(parents=True)
    (tmp_path / "code" / "convbook" / "helper.py").write_text("answer = 42\n")
    (tmp_path / "requirements.txt").write_text("numpy==2\n")
    return tmp_path


def test_the_cache_stays_while_nothing_changes(book):
    before = execution_cache(book)
    (book / "chapters" / "runs").mkdir(parents=True)
    (book / "chapters" / "page.ipynb").write_text("jupyter-cache compares its cells")
    (book / "chapters" / "glossary.md").write_text("no cell reads it")
    (book / "chapters" / "runs" / "notes.keras").write_bytes(b"a reader's own training")
    (book / "code" / "convbook" / "__pycache__").mkdir()
    (book / "code" / "convbook" / "__pycache__" / "helper.pyc").write_bytes(b"compiled")
    (book / "code" / ".DS_Store").write_bytes(b"left by a file manager")
    (book / "code" / "convbook" / "figure.js").write_text("a page takes it as it is now")
    assert execution_cache(book) == before


@pytest.mark.parametrize(
    "changed",
    [
        "code/convbook/helper.py",
        "requirements.txt",
        "code/convbook/new.py",
        "results/table.csv",
        "chapters/table.csv",
        "chapters/images/digit.png",
    ],
)
def test_a_changed_file_that_cells_can_read_gets_a_new_cache(book, changed):
    before = execution_cache(book)
    (book / changed).parent.mkdir(parents=True, exist_ok=True)
    (book / changed).write_text("answer = 43\n")
    after = execution_cache(book)
    assert after != before
    (book / changed).write_text("answer = 44\n")
    assert execution_cache(book) not in (before, after)


def test_a_renamed_helper_gets_a_new_cache(book):
    before = execution_cache(book)
    (book / "code" / "convbook" / "helper.py").rename(book / "code" / "convbook" / "renamed.py")
    assert execution_cache(book) != before


def test_a_page_has_the_present_module_of_a_figure_and_leaves_other_widgets_alone():
    ran = {"_anywidget_id": "convbook.widgets.network_strip.NetworkStrip", "_esm": "old"}
    assert present_code(ran) == {"_esm": widgets.NetworkStrip._esm, "_css": widgets.NetworkStrip._css}
    assert present_code({"_anywidget_id": "elsewhere.NetworkStrip", "_esm": "theirs"}) == {}
    assert present_code({"_anywidget_id": "convbook.widgets.mine.Mine", "_esm": "a reader's own"}) == {}


@pytest.mark.parametrize("remote", ["https://github.com/someone/book.git", "git@github.com:someone/book.git"])
def test_the_address_is_that_of_the_remote(book, monkeypatch, remote):
    monkeypatch.delenv("GITHUB_REPOSITORY", raising=False)
    subprocess.run(["git", "init", "-q", str(book)], check=True)
    assert repository_url(book) is None
    subprocess.run(["git", "-C", str(book), "remote", "add", "origin", remote], check=True)
    assert repository_url(book) == "https://github.com/someone/book"


def test_in_a_workflow_the_address_follows_the_repository(book, monkeypatch):
    monkeypatch.setenv("GITHUB_REPOSITORY", "a-fork/book")
    assert repository_url(book) == "https://github.com/a-fork/book"


def test_a_figure_becomes_an_accessible_element_in_the_colours_of_the_page():
    svg = (
        f'<?xml version="1.0"?><!DOCTYPE svg><svg width="20pt" viewBox="0 0 20 10"><metadata>made by</metadata>'
        f'<g id="figure_1"><rect fill="{PAPER}"/><text style="fill: {INK}">2 &lt; 3</text>'
        f'<g clip-path="url(#c)"><path stroke="{FIRST}"/></g><g id="none"/><image id="signed"/></g></svg>'
    )
    element = BeautifulSoup(themed_svg(svg, 'a "quoted" <alt>'), "html5lib").find("svg")
    assert element["role"] == "img"
    assert element["aria-label"] == 'a "quoted" <alt>'
    assert element.find("rect")["fill"] == "transparent"
    assert element.find("text")["style"] == "fill: currentColor"
    assert element.find("text").get_text() == "2 < 3"
    assert element.find("path")["stroke"] == "var(--sc-first)"
    assert element.find("image")["class"] == ["signed"]
    assert element["style"] == "aspect-ratio: 20 / 10"
    assert [group.attrs for group in element.find_all("g")] == [{"clip-path": "url(#c)"}]
    assert element.find("image").parent is element
    assert element.find("metadata") is None


# A small project that uses the parts under test

CONF = """
import os
from pathlib import Path

from booksite import execution, pages


def train(app, page, content):
    folder = Path(os.environ["CONVBOOK_RUNS"])
    assert list(folder.iterdir()) == []
    (folder / "checkpoint").write_text("half a run")
    Path(app.srcdir, "runs.txt").write_text(str(folder))
    if "failure" in content[0]:
        raise RuntimeError("the build fails")


def setup(app):
    app.connect("builder-inited", execution.start_without_runs)
    app.connect("source-read", train)
    app.connect("build-finished", pages.repair_pages)
"""


@pytest.fixture
def project(tmp_path):
    (tmp_path / "conf.py").write_text(CONF)
    return tmp_path


def build(project: Path, page: str) -> Path:
    """Build the page; return the folder that its cells had for their runs."""
    (project / "index.rst").write_text(f"Title\n=====\n\n{page}\n")
    site = project / "_build"
    app = Sphinx(project, project, site, site / ".doctrees", "html", status=None, warning=None, freshenv=True)
    try:
        app.build()
    finally:
        runs = Path((project / "runs.txt").read_text())
    return runs


@pytest.mark.parametrize("before", [None, "of the reader"])
def test_every_build_has_an_empty_folder_for_runs_and_leaves_none_behind(project, monkeypatch, before):
    monkeypatch.setenv("CONVBOOK_RUNS", "to be restored at the end")
    if before is None:
        monkeypatch.delenv("CONVBOOK_RUNS")
    else:
        monkeypatch.setenv("CONVBOOK_RUNS", before)
    first, second = build(project, "One page."), build(project, "Another page.")
    assert first != second
    assert not first.exists()
    assert not second.exists()
    with pytest.raises(ExtensionError, match="the build fails"):
        build(project, "A failure.")
    assert not Path((project / "runs.txt").read_text()).exists()
    assert os.environ.get("CONVBOOK_RUNS") == before


@pytest.mark.parametrize("node", [nodes.math, nodes.math_block])
def test_a_formula_that_cannot_be_written_stays_readable(node, caplog):
    with caplog.at_level("WARNING"):
        assert mathml(node("", r"x < \dots")) == r"<code>x &lt; \dots</code>"
    assert r"\dots" in caplog.text
    assert mathml(node("", "x < 1")).startswith("<math")


def test_a_percent_sign_stays_with_its_number_and_code_as_it_is():
    words = nodes.paragraph("", "", nodes.inline("", "96.5"), nodes.Text(" % of "), nodes.literal("", "10 % 3"))
    code = nodes.literal_block("", "10 % 3")
    bind_percents(None, nodes.section("", words, code), "page")
    assert words.astext() == "96.5\u00a0% of 10 % 3" and code.astext() == "10 % 3"


def test_arrays_that_no_page_uses_any_more_leave_the_site(project):
    figures = project / "_build" / "_static" / "figures"
    figures.mkdir(parents=True)
    for name in ("0123456789abcdef", "fedcba9876543210"):
        (figures / f"{name}.bin").write_bytes(b"digits")
    script = '<script>{"url": "../_static/figures/0123456789abcdef.bin"}</script>'
    build(project, f".. raw:: html\n\n   {script}")
    assert [file.name for file in figures.iterdir()] == ["0123456789abcdef.bin"]


def test_pages_that_a_site_lacks_are_found(tmp_path, monkeypatch):
    (tmp_path / "_toc.yml").write_text("format: jb-book\nroot: intro\nchapters:\n- file: chapters/one\n")
    site = tmp_path / "_build" / "html"
    (site / "chapters").mkdir(parents=True)
    assert missing_pages(tmp_path, site) == ["index.html", "intro.html", "chapters/one.html"]
    for page in ("index", "intro", "chapters/one"):
        (site / f"{page}.html").write_text("<p>text</p>")
    assert missing_pages(tmp_path, site) == []

    monkeypatch.chdir(tmp_path)
    command = [sys.executable, "-m", "booksite.published", "_build/html"]
    assert subprocess.run(command, capture_output=True, check=True).stderr == b""
    (site / "chapters" / "one.html").write_text("\n")
    failed = subprocess.run(command, capture_output=True, text=True)
    assert failed.returncode == 1
    assert failed.stderr == "_build/html must not be published: it has no chapters/one.html.\n"


def test_the_font_has_what_formulas_show_and_its_table_for_mathematics():
    """`x` in a formula is drawn as an italic letter of its own, `sin` as it stands."""
    page = "<p>q</p><math><msqrt><mi>x</mi></msqrt><mi>sin</mi><mo>&lt;</mo></math>"
    assert characters([page]) >= {"𝑥", "s", "i", "n", "<"}
    assert "q" not in characters([page])
    font = TTFont(BytesIO(subset(Path(__file__).parents[2] / FONT, characters([page]))))
    assert {ord("𝑥"), ord("s"), ord("√")} <= set(font.getBestCmap()) and "MATH" in font
    assert ord("q") not in font.getBestCmap()


@pytest.mark.parametrize(
    ("name", "parts"),
    [
        ("LearningRateSchedule", "Learning<wbr>Rate<wbr>Schedule"),
        ("fast_layers", "fast_<wbr>layers"),
        ("BatchNormalization", "Batch<wbr>Normalization"),
        ("conv5", "conv5"),
        ("model.fit(x_train)", "model.fit(x_train)"),
    ],
)
def test_a_long_name_may_break_between_its_parts(name, parts):
    before, after = (f'<code><span class="pre">{text}</span></code><p>{name}</p>' for text in (name, parts))
    assert repaired(before) == after
    assert repaired(after) == after  # a build passes over the pages of earlier ones again
