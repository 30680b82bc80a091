import subprocess

import pytest
from bs4 import BeautifulSoup

from convbook.figures.style import INK, PAPER
from convbook.sphinx_site import execution_cache, repository_url, themed_svg


@pytest.fixture
def book(tmp_path):
    (tmp_path / "code" / "convbook").mkdir(parents=True)
    (tmp_path / "code" / "convbook" / "helper.py").write_text("answer = 42\n")
    (tmp_path / "requirements.txt").write_text("numpy==2\n")
    return tmp_path


def test_the_cache_stays_while_nothing_changes(book):
    before = execution_cache(book)
    (book / "chapters").mkdir()
    (book / "code" / "convbook" / "__pycache__").mkdir()
    (book / "code" / "convbook" / "__pycache__" / "helper.pyc").write_bytes(b"compiled")
    (book / "code" / ".DS_Store").write_bytes(b"left by a file manager")
    assert execution_cache(book) == before


@pytest.mark.parametrize(
    "changed", ["code/convbook/helper.py", "requirements.txt", "code/convbook/new.py", "results/table.csv"]
)
def test_a_changed_helper_gets_a_new_cache(book, changed):
    before = execution_cache(book)
    (book / changed).parent.mkdir(exist_ok=True)
    (book / changed).write_text("answer = 43\n")
    assert execution_cache(book) != before


def test_a_renamed_helper_gets_a_new_cache(book):
    before = execution_cache(book)
    (book / "code" / "convbook" / "helper.py").rename(book / "code" / "convbook" / "renamed.py")
    assert execution_cache(book) != before


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
        f'<?xml version="1.0"?><!DOCTYPE svg><svg width="10pt" viewBox="0 0 10 10"><metadata>made by</metadata>'
        f'<g id="figure_1"><rect fill="{PAPER}"/><text style="fill: {INK}">2 &lt; 3</text></g></svg>'
    )
    element = BeautifulSoup(themed_svg(svg, 'a "quoted" <alt>'), "html5lib").find("svg")
    assert element["role"] == "img"
    assert element["aria-label"] == 'a "quoted" <alt>'
    assert element.find("rect")["fill"] == "transparent"
    assert element.find("text")["style"] == "fill: currentColor"
    assert element.find("text").get_text() == "2 < 3"
    assert element.find("g").attrs == {}
    assert element.find("metadata") is None
