import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from filelock import FileLock
from playwright.sync_api import Browser, sync_playwright
from sphinx_external_toc.parsing import parse_toc_yaml

from convbook.widgets.bundle import FOLDER

from .browser import DECODE, launch, serve
from .checks import Site

BOOK = Path(__file__).parents[2]
# Through Python, because the first line of an installed script cannot name a Python on a path with spaces.
JUPYTER_BOOK = [sys.executable, str(Path(sys.executable).with_name("jupyter-book"))]


@pytest.fixture(scope="session")
def once(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str, Callable[[Path], None]], Path]:
    """Make a folder once a run, by the name it is given; other workers of pytest-xdist wait until it is there."""
    base = tmp_path_factory.getbasetemp()
    shared = base.parent if "PYTEST_XDIST_WORKER" in os.environ else base

    def make(name: str, fill: Callable[[Path], None]) -> Path:
        folder, made = shared / name, shared / f"{name}.made"
        with FileLock(shared / f"{name}.lock"):
            if not made.exists():
                folder.mkdir()
                fill(folder)
                made.touch()
        return folder

    return make


@pytest.fixture(scope="session")
def site(once: Callable[[str, Callable[[Path], None]], Path]) -> Path:
    """The folder of the pages; a warning of their build is a failure.

    The chapters are in the cache by now, executed by nbmake in this very test run. `--all` writes every page anew:
    Sphinx would keep quiet about the warnings of a page that it does not touch.
    """

    def fill(_: Path) -> None:
        built = subprocess.run(
            [*JUPYTER_BOOK, "build", str(BOOK), "--all", "-W", "-n", "--keep-going"],
            capture_output=True,
            text=True,
            check=False,
            env=os.environ | {"SOLUTIONS": "yes"},
        )
        assert built.returncode == 0, built.stdout[-4000:] + built.stderr[-4000:]

    once("site", fill)
    return BOOK / "_build" / "html"


@pytest.fixture(scope="session")
def running(site: Path) -> Path:
    """The folder of the pages, if their cells can run; where something is missing for that, tests of it fail in CI."""
    if not (site / "_static" / "cells").is_dir():
        missing = "The pages have no buttons that run their cells: `python -m booksite.supply` says what is missing."
        (pytest.fail if os.environ.get("CI") else pytest.skip)(missing)
    return site


@pytest.fixture(scope="session")
def parsed(site: Path) -> Site:
    """The pages, each parsed at most once."""
    return Site(site, tuple(f"{name}.html" for name in parse_toc_yaml(BOOK / "_toc.yml")))


@pytest.fixture(scope="session")
def address(site: Path) -> Iterator[str]:
    """The address of the site, served."""
    with serve(site) as at:
        yield at


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    """A real browser."""
    with sync_playwright() as playwright:
        started = launch(playwright)
        yield started
        started.close()


@pytest.fixture(scope="module")
def call(browser: Browser) -> Iterator[Callable[..., Any]]:
    """Run JavaScript that imports our modules as ``load("shared/network")``; returns what it returns."""
    with serve(Path(str(FOLDER))) as at:
        page = browser.new_page()
        page.goto(f"{at}/jsconfig.json")  # any page of the origin
        yield lambda body, argument=None: page.evaluate(
            f"async (given) => {{ {DECODE} const load = (name) => import(`/${{name}}.js`); {body} }}", argument
        )
        page.close()
