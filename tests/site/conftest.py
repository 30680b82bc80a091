import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, sync_playwright

from .browser import launch, serve

BOOK = Path(__file__).parents[2]
JUPYTER_BOOK = Path(sys.executable).with_name("jupyter-book")


def build(*options: str, **environment: str) -> None:
    """Build the book; a warning is a failure.

    The chapters are in the cache by now, executed by nbmake in this very test run. `--all` writes every page anew:
    Sphinx would keep quiet about the warnings of a page that it does not touch.
    """
    built = subprocess.run(
        [JUPYTER_BOOK, "build", str(BOOK), "--all", "-W", "-n", "--keep-going", *options],
        capture_output=True,
        text=True,
        check=False,
        env=os.environ | environment,
    )
    assert built.returncode == 0, built.stdout[-4000:] + built.stderr[-4000:]


@pytest.fixture(scope="session")
def site() -> Path:
    """The folder of the pages."""
    build(SOLUTIONS="yes")
    return BOOK / "_build" / "html"


@pytest.fixture(scope="session")
def site_without_solutions() -> Path:
    """The folder of the pages of the book that an instructor hands out."""
    build("--path-output", str(BOOK / "_build" / "without-solutions"), SOLUTIONS="no")
    return BOOK / "_build" / "without-solutions" / "_build" / "html"


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
