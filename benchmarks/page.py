"""How fast the pages compute: `python -m benchmarks.page` on a built book writes `results/page.json`.

Python: the time from the press of *Check* in chapter 1 to its first verdict, what that loads and how much memory it
takes, on a first visit and on a second one; then the memory that each chapter takes after *Run all above* at its last
cell. Training: how long the figure needs to start and for an epoch, its accuracy after a minute, and the longest task
of the page meanwhile; then on a machine that is four times as slow. Run it on an idle machine.
"""

import contextlib
import datetime
import json
import os
import re
import signal
import statistics
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import psutil
from benchmarks.lighthouse import serve_compressed
from playwright.sync_api import Browser, Page, sync_playwright
from sphinx_external_toc.parsing import parse_toc_yaml
from tests.site.browser import launch

ROOT = Path(__file__).parents[1]
RESULT = ROOT / "results" / "page.json"
VISITS = 5
SLOWER = 4
PAUSE = 0.04  # seconds from one stop of a browser that is slowed down to the next
MINUTE = 60  # seconds
LONG = 600_000  # milliseconds
# The longest tasks of the page itself; those of its workers hold nobody up.
TASKS = """() => {
  window.tasks = [];
  const note = (list) => tasks.push(...list.getEntries().map((each) => each.duration));
  new PerformanceObserver(note).observe({ type: "longtask" });
}"""


def memory() -> int:
    """Return the megabytes that the largest process has for itself alone: that of the page, with its worker."""
    sizes = [child.memory_full_info().uss for child in psutil.Process().children(recursive=True)]
    return round(max(sizes) / 2**20)


def first_verdict(page: Page, address: str) -> dict[str, float]:
    """Open chapter 1 and check its first exercise."""
    sizes: list[int] = []
    page.goto(f"{address}/chapters/01-convolution.html", wait_until="networkidle")
    page.on("requestfinished", lambda request: sizes.append(request.sizes()["responseBodySize"]))
    cell = page.locator(".exercise-cell").first
    started = time.perf_counter()
    cell.get_by_role("button", name=re.compile("^Check")).click()
    cell.locator(".check").wait_for(timeout=LONG)
    seconds = time.perf_counter() - started
    page.wait_for_timeout(500)
    return {"seconds": seconds, "megabytes": sum(size for size in sizes if size > 0) / 1e6, "memory_mb": memory()}


def python(browser: Browser, address: str) -> dict[str, dict[str, float]]:
    """Return the medians of several first visits, and of the second visit after each."""
    visits: dict[str, list[dict[str, float]]] = {"first_visit": [], "second_visit": []}
    for _ in range(VISITS):
        context = browser.new_context()
        for looks in visits.values():
            page = context.new_page()
            looks.append(first_verdict(page, address))
            page.close()
        context.close()
    return {
        name: {key: round(statistics.median(look[key] for look in looks), 2) for key in looks[0]}
        for name, looks in visits.items()
    }


def whole_chapters(browser: Browser, address: str) -> dict[str, int]:
    """Return the megabytes that the page of each chapter with cells takes after *Run all above* at its last cell."""
    sizes = {}
    for name in parse_toc_yaml(ROOT / "_toc.yml"):
        context = browser.new_context()
        page = context.new_page()
        page.goto(f"{address}/{name}.html", wait_until="networkidle")
        above = page.locator('.cell-tools[data-cell] [data-do="above"]')
        if above.count():
            above.last.dispatch_event("click")
            said = page.locator(".cell-tools[data-cell] .cell-status", has_text="Everything above has run")
            said.last.wait_for(state="attached", timeout=LONG)
            sizes[name] = memory()
        context.close()
    return sizes


@contextlib.contextmanager
def slowed(factor: int) -> Iterator[None]:
    """Stop all processes of the browser for most of the time."""
    over = threading.Event()
    # They are looked up once: in every turn it would take as long as a turn does.
    browser = [each for each in psutil.Process().children(recursive=True) if "chrom" in each.name()]

    def send(which: signal.Signals) -> None:
        for process in browser:
            with contextlib.suppress(ProcessLookupError):
                os.kill(process.pid, which)

    def brake() -> None:
        while not over.is_set():
            send(signal.SIGSTOP)
            time.sleep(PAUSE * (factor - 1) / factor)
            send(signal.SIGCONT)
            time.sleep(PAUSE / factor)

    thread = threading.Thread(target=brake)
    if factor > 1:
        thread.start()
    try:
        yield
    finally:
        over.set()
        if factor > 1:
            thread.join()


def training(browser: Browser, address: str, factor: int = 1) -> dict[str, Any]:
    """Train with the settings that the figure begins with, until a minute or all epochs are over."""
    context = browser.new_context()
    page = context.new_page()
    page.goto(f"{address}/figures/trainer.html", wait_until="networkidle")
    said = page.locator(".trainer .status").first
    page.evaluate(TASKS)

    def found(pattern: str) -> float:
        words = said.inner_text()
        number = re.search(pattern, words)
        assert number, f"the figure says {words!r}"
        return float(number[1])

    with slowed(factor):
        started = time.perf_counter()
        page.locator(".trainer").get_by_role("button", name=re.compile("^Train$")).click()
        page.locator(".trainer .status", has_text="The first of").wait_for(timeout=LONG)
        start = time.perf_counter() - started
        planned = found(r"The first of (\d+) epochs")
        epochs: list[dict[str, float]] = []
        while not epochs or (epochs[-1]["after_s"] < MINUTE * factor and len(epochs) < planned):
            over = rf"Epoch {len(epochs) + 1} of|Trained in"
            page.locator(".trainer .status", has_text=re.compile(over)).wait_for(timeout=LONG)
            seconds = time.perf_counter() - started
            accuracy = found(r"validation ([\d.]+) %")
            epochs.append({"after_s": round(seconds, 1), "validation_percent": accuracy})
    longest = page.evaluate("Math.max(0, ...tasks)")
    context.close()
    return {"start_s": round(start, 2), "epochs": epochs, "longest_task_ms": round(longest)}


def main() -> None:
    """Measure one part after the other, and write each into the record when it is done."""
    record = json.loads(RESULT.read_text(encoding="utf-8")) if RESULT.exists() else {}
    with serve_compressed(ROOT / "_build" / "html") as address, sync_playwright() as playwright:
        browser = launch(playwright)
        record |= {
            "command": "python -m benchmarks.page",
            "device": f"CPU, {os.cpu_count()} cores",
            "browser": f"{browser.browser_type.name} {browser.version}",
            "visits": VISITS,
        }
        parts: dict[str, Callable[[], dict[str, Any]]] = {
            "python": lambda: python(browser, address),
            "memory_mb_after_run_all_above": lambda: whole_chapters(browser, address),
            "training": lambda: training(browser, address),
            f"training_{SLOWER}_times_slower": lambda: training(browser, address, SLOWER),
        }
        for name, measure in parts.items():
            record["date"] = datetime.datetime.now(datetime.UTC).date().isoformat()
            record[name] = {"date": record["date"]} | measure()
            print(name, json.dumps(record[name]), flush=True)
            RESULT.write_text(json.dumps(record, indent=1) + "\n", encoding="utf-8")
        browser.close()


if __name__ == "__main__":
    main()
