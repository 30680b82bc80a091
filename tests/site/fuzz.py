"""What readers would never do on purpose: random presses, keys, strokes, sizes and themes, on the live figures.

The tests do a little of it. `python -m tests.site.fuzz MINUTES` does much, on a built book, and says whether the memory
of the pages grows.
"""

import random
import re
import sys
import time
from pathlib import Path

from playwright.sync_api import Locator, Page, sync_playwright

from .browser import bring, launch, opened, serve

KEYS = ("ArrowUp", "ArrowDown", "ArrowLeft", "ArrowRight", "Enter", "Escape", "Home", "End", " ", "Tab", "5", "-", "x")
WIDTHS = (320, 390, 768, 1024, 1440)
# No number that could not be computed, and none with a hyphen for its minus.
NONSENSE = re.compile(r"NaN|undefined|Infinity|\[object|(?<![\w-])-\d")
# The head covers a figure's upper part, and the Tab key reaches all of a page: a link would lead away, and the search.
STAY = """
addEventListener('click', (event) => event.target.closest('a') && event.preventDefault(), true);
addEventListener('submit', (event) => event.target.matches('.bd-search') && event.preventDefault(), true);
"""


def act(page: Page, place: Locator, rng: random.Random) -> str:
    """Do something to a figure; return what."""
    box = place.bounding_box()
    assert box, "the figure is gone"
    low = max(box["y"], 0)
    x = rng.uniform(box["x"], box["x"] + box["width"])
    y = rng.uniform(low, min(box["y"] + box["height"], page.viewport_size["height"]))
    kind = rng.choices(["click", "stroke", "key", "control", "touch", "size", "theme"], [6, 3, 8, 6, 2, 1, 1])[0]
    if kind == "click":
        page.mouse.click(x, y)
    elif kind == "stroke":
        page.mouse.move(x, y)
        page.mouse.down()
        page.mouse.move(x + rng.uniform(-80, 80), y + rng.uniform(-80, 80), steps=4)
        page.mouse.up()
    elif kind == "key":
        page.keyboard.press(rng.choice(KEYS))
    elif kind == "touch":
        page.touchscreen.tap(x, y)
    elif kind == "size":
        page.set_viewport_size({"width": rng.choice(WIDTHS), "height": rng.choice((600, 900))})
        place.evaluate("place => place.scrollIntoView({ behavior: 'instant' })")
    elif kind == "theme":
        page.emulate_media(color_scheme=rng.choice(("light", "dark")))
    else:
        place.evaluate(
            """(place, [which, value]) => {
              const controls = [...place.querySelectorAll("input[type=range], input[type=checkbox], select, button")];
              const usable = controls.filter((each) => each.checkVisibility() && !each.disabled);
              const control = usable[Math.floor(which * usable.length)];
              if (!control) return;
              if (control.localName === "button" || control.type === "checkbox") return control.click();
              const { min, max, step } = control;
              if (control.type === "range") control.value = Number(min) + value * (max - min);
              else control.selectedIndex = Math.floor(value * control.options.length);
              control.dispatchEvent(new Event(control.type === "range" ? "input" : "change"));
            }""",
            [rng.random(), rng.random()],
        )
    return kind


def problems(place: Locator) -> list[str]:
    """Return what is wrong with a figure after all that."""
    text = bring(place).inner_text()  # a key may have left it far away
    found = [text[max(match.start() - 40, 0) : match.end() + 20] for match in NONSENSE.finditer(text)]
    if not place.locator(".status").first.inner_text().strip():
        found.append("it says nothing")
    shares = place.locator(".strip-end .share")
    if shares.count():
        whole = sum(float(share.rstrip(" %")) for share in shares.all_inner_texts())
        found += [f"the probabilities add up to {whole} %"] if abs(whole - 100) > 0.6 else []
        level = int(place.locator(".strip").get_attribute("data-level"))
        path = place.locator(".strip-path li").all_inner_texts()
        found += [f"level {level} with the path {path}"] if len(path) != level + 1 else []
    return found


def main(minutes: float) -> None:
    """Try all figures in turn, each for the same time."""
    from .test_interactive import FIGURES, start_figure

    seed = random.randrange(10**6)
    print(f"seed {seed}")
    rng = random.Random(seed)
    failed = False
    with serve(Path(__file__).parents[2] / "_build" / "html") as address, sync_playwright() as playwright:
        browser = launch(playwright)
        for name in FIGURES:
            with opened(browser, f"{address}/chapters/{FIGURES[name]}.html", has_touch=True) as (page, wrong):
                place = start_figure(page, name)
                page.evaluate(STAY)
                session = page.context.new_cdp_session(page)
                heaps: list[float] = []
                began, acts, share = time.monotonic(), 0, 60 * minutes / len(FIGURES)
                while (spent := time.monotonic() - began) < share:
                    act(page, place, rng)
                    acts += 1
                    if spent > share * (len(heaps) + 1) / 5:  # five times
                        session.send("HeapProfiler.collectGarbage")
                        heaps.append(session.send("Runtime.getHeapUsage")["usedSize"] / 1e6)
                found = problems(place) + wrong
                failed = failed or bool(found)
                grown = ", ".join(f"{heap:.1f}" for heap in heaps)
                print(f"{name:24} {acts} acts, heap in MB {grown}, {found or 'nothing wrong'}", flush=True)
        browser.close()
    sys.exit(failed)


if __name__ == "__main__":
    main(float(sys.argv[1]))
