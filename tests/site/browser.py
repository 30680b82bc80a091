"""A browser for the tests, a server for the pages, and the modules of the figures called from Python.

Run as a script, it installs a browser.
"""

import base64
import contextlib
import functools
import http.server
import os
import shutil
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any, ClassVar

import pytest
from playwright.sync_api import Browser, Error, Locator, Page, Playwright, sync_playwright

INSTALLED = [
    *("google-chrome", "google-chrome-stable", "chromium", "chromium-browser"),
    "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome",
    "/Applications/Chromium.app/Contents/MacOS/Chromium",
]
# Debian's name of a Chromium without all that belongs to a window. It opens a page in a third of the processor time.
SHELL = "chromium-headless-shell"


def find_browser(playwright: Playwright) -> str | None:
    """Find a whole browser: Chromium or Chrome of this machine, else Playwright's own; None where there is neither."""
    own = playwright.chromium.executable_path
    return next((path for name in [*INSTALLED, own] if (path := shutil.which(name))), None)


def launch(playwright: Playwright) -> Browser:
    """Start a browser without a window, the quickest there is; a test fails with one sentence where there is none."""
    if shell := shutil.which(SHELL):
        return playwright.chromium.launch(executable_path=shell)
    with contextlib.suppress(Error):  # it is not installed, or lacks a library
        return playwright.chromium.launch()
    found = find_browser(playwright)
    if found is None:
        pytest.fail("The tests of the site need Chromium or Google Chrome: `make browser` installs one.", pytrace=False)
    return playwright.chromium.launch(executable_path=found)


def install() -> None:
    """Install the quickest browser for the tests; exits with one sentence where there is none in the end.

    The superuser gets the one that Debian packages or, on another system, Playwright's with the libraries that it
    needs. Everybody else gets Playwright's, which needs no rights. Without either, a browser that is there will do.
    """
    superuser = shutil.which("apt-get") and os.geteuid() == 0
    if superuser and not shutil.which(SHELL):
        for command in (["update"], ["install", "--yes", "--no-install-recommends", SHELL]):
            subprocess.run(["apt-get", "--quiet", *command], capture_output=True, check=False)
    if not shutil.which(SHELL):
        options = ["--only-shell", *(["--with-deps"] if superuser else [])]
        subprocess.run([sys.executable, "-m", "playwright", "install", *options, "chromium"], check=False)
    with sync_playwright() as playwright:
        try:
            browser = launch(playwright)
        except pytest.fail.Exception:
            sys.exit("No browser could be installed: install Chromium or Google Chrome by your system's own means.")
        print(f"The tests of the site use {browser.browser_type.name} {browser.version}.")
        browser.close()


class _Handler(http.server.SimpleHTTPRequestHandler):
    # What some systems do not know; a module of another type is not run.
    extensions_map: ClassVar = {**http.server.SimpleHTTPRequestHandler.extensions_map, ".js": "text/javascript"}

    def log_message(self, format: str, *args: Any) -> None:
        """Keep quiet."""


@contextlib.contextmanager
def serve(folder: Path) -> Iterator[str]:
    """Serve a folder; yields its address."""
    handler = functools.partial(_Handler, directory=str(folder))
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}"
        finally:
            server.shutdown()
            thread.join()


@contextlib.contextmanager
def opened(browser: Browser, address: str, **settings: Any) -> Iterator[tuple[Page, list[str]]]:
    """Open a page; yields it with a list that grows with everything that it does wrong.

    Wrong are errors, warnings on the console, failed requests, and requests that leave the address's origin.
    """
    origin = "/".join(address.split("/")[:3])
    context = browser.new_context(**settings)
    page = context.new_page()
    wrong: list[str] = []
    page.on(
        "console", lambda said: wrong.append(f"{said.type}: {said.text}") if said.type in ("error", "warning") else None
    )
    page.on("pageerror", lambda error: wrong.append(f"uncaught: {error.stack or error}"))
    page.on("requestfailed", lambda request: wrong.append(f"failed: {request.url}"))

    def check_origin(request: Any) -> None:
        if not request.url.startswith((f"{origin}/", "data:", "blob:")):
            wrong.append(f"left the site: {request.url}")

    page.on("request", check_origin)
    try:
        page.goto(address)
        yield page, wrong
    finally:
        context.close()


def bring(place: Locator) -> Locator:
    """Scroll to a place and wait until it is laid out; what is far from view has no text that can be seen."""
    place.scroll_into_view_if_needed()
    place.page.wait_for_timeout(100)
    return place


def encoded(array: Any) -> str:
    """Write the bytes of an array so that a page can read them."""
    return base64.b64encode(array.tobytes()).decode()


# What tests call on a page before the code that reads arrays.
DECODE = """
const bytes = (text) => Uint8Array.from(atob(text), (c) => c.charCodeAt(0)).buffer;
const floats = (text) => new Float32Array(bytes(text));
const encode = (array) => {
  const raw = new Uint8Array(array.buffer, array.byteOffset, array.byteLength);
  let text = "";
  for (let i = 0; i < raw.length; i += 8192) text += String.fromCharCode(...raw.subarray(i, i + 8192));
  return btoa(text);
};
"""


if __name__ == "__main__":
    install()
