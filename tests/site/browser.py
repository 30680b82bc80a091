"""A browser for the tests, a server for the pages, and the modules of the figures called from Python."""

import base64
import contextlib
import functools
import http.server
import os
import shutil
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, ClassVar

from playwright.sync_api import Browser, Page, Playwright

INSTALLED = [
    *("google-chrome", "google-chrome-stable", "chromium", "chromium-browser"),
    "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome",
    "/Applications/Chromium.app/Contents/MacOS/Chromium",
]


class NoBrowserError(RuntimeError):
    """There is no browser, and none could be installed."""


def _run(*command: str) -> bool:
    return subprocess.run(command, capture_output=True, check=False).returncode == 0


def find_browser(own: Path, which: Callable[[str], str | None] = shutil.which, run: Callable[..., bool] = _run) -> str:
    """Find a browser: an installed Chromium or Chrome, else Playwright's own, else Debian's package.

    Args:
        own: where Playwright's own browser would be.
        which: finds a program.
        run: runs a command and says whether it went well.

    Raises:
        NoBrowserError: none of them is there or could be installed.
    """
    installed = next((path for name in INSTALLED if (path := which(name))), None)
    if installed:
        return installed
    if own.exists() or (run(sys.executable, "-m", "playwright", "install", "chromium") and own.exists()):
        return str(own)
    may_install = which("apt-get") and hasattr(os, "geteuid") and os.geteuid() == 0
    if (
        may_install
        and run("apt-get", "update")
        and run("apt-get", "install", "--yes", "--no-install-recommends", "chromium")
        and (path := which("chromium"))
    ):
        return path
    raise NoBrowserError(
        "The tests of the site need a browser, and none could be found or installed. "
        "Install Chromium or Google Chrome, or run `.venv/bin/playwright install chromium`."
    )


def launch(playwright: Playwright) -> Browser:
    """Start the browser without a window."""
    own = Path(playwright.chromium.executable_path)
    return playwright.chromium.launch(executable_path=find_browser(own))


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
    page.on("pageerror", lambda error: wrong.append(f"uncaught: {error}"))
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
