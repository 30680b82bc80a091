"""How fast the interactive figures are: `python -m benchmarks.figures` on a built book writes `results/figures.json`.

Two numbers for every figure: how long it takes to be ready once it scrolls into view, and how long an update takes with
everything drawn. Medians, and the slowest tenth; in a fresh page each time.
"""

import datetime
import json
import os
import platform
from pathlib import Path
from typing import Any

import numpy as np
from playwright.sync_api import Browser, sync_playwright
from tests.site.browser import launch, opened, serve
from tests.site.test_interactive import FIGURES

ROOT = Path(__file__).parents[1]
OPENINGS, UPDATES = 5, 60

READY = """
async (name) => {
  const place = document.querySelector(`.interactive[data-figure="${name}"]`);
  const started = performance.now();
  place.scrollIntoView({ behavior: "instant" });
  const load = () => place.querySelector(".load")?.click();
  while (!place.querySelector(".convbook-figure .status")?.textContent) {
    load();
    await new Promise((done) => setTimeout(done, 1));
  }
  return performance.now() - started;
}
"""
# An update is what a figure computes at an event, and what it draws in the next frame; here the frame comes at once.
UPDATE = """
async ([name, updates]) => {
  const place = document.querySelector(`.interactive[data-figure="${name}"]`);
  const times = [];
  let spent = 0;
  let inside = false;
  const timed = (work) => {
    if (inside) return work();
    inside = true;
    const started = performance.now();
    work();
    spent += performance.now() - started;
    inside = false;
  };
  window.requestAnimationFrame = (draw) => {
    timed(draw);
    return 0;
  };
  const slider = place.querySelector("input[type=range]:not([disabled])");
  const digits = place.querySelectorAll(".ready button");
  const list = place.querySelector("select");
  for (let i = 0; i < updates; i++) {
    spent = 0;
    timed(() => {
      if (slider) {
        const steps = (slider.max - slider.min) / slider.step;
        slider.value = Number(slider.min) + (i % (steps + 1)) * slider.step;
        slider.dispatchEvent(new Event("input"));
      } else if (digits.length) {
        digits[i % digits.length].click();
      } else {
        list.selectedIndex = i % (list.options.length - 1);
        list.dispatchEvent(new Event("change"));
      }
    });
    await new Promise((done) => setTimeout(done, 0));
    times.push(spent);
  }
  return times;
}
"""


def measure(browser: Browser, address: str, name: str) -> dict[str, Any]:
    """Open the page of a figure several times."""
    ready: list[float] = []
    updates: list[float] = []
    for _ in range(OPENINGS):
        with opened(browser, f"{address}/chapters/{FIGURES[name]}.html") as (page, _):
            ready.append(page.evaluate(READY, name))
            updates += page.evaluate(UPDATE, [name, UPDATES])
    return {
        "ready_ms": round(float(np.median(ready)), 1),
        "ready_slowest_ms": round(max(ready), 1),
        "update_ms": round(float(np.median(updates)), 2),
        "update_90_percent_ms": round(float(np.quantile(updates, 0.9)), 2),
    }


def main() -> None:
    """Measure all figures and write the table."""
    with serve(ROOT / "_build" / "html") as address, sync_playwright() as playwright:
        browser = launch(playwright)
        figures = {}
        for name in FIGURES:
            figures[name] = measure(browser, address, name)
            print(f"{name:24} {figures[name]}", flush=True)
        record = {
            "command": "python -m benchmarks.figures",
            "date": datetime.datetime.now(datetime.UTC).date().isoformat(),
            "device": f"CPU, {os.cpu_count()} cores",
            "browser": f"{browser.browser_type.name} {browser.version}",
            "python": platform.python_version(),
            "openings": OPENINGS,
            "updates": OPENINGS * UPDATES,
            "figures": figures,
        }
        browser.close()
    (ROOT / "results" / "figures.json").write_text(json.dumps(record, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
