"""How much space a live figure takes: `python -m benchmarks.heights` writes `booksite/static/reserved.css`.

Run it on a built book whenever the layout of a figure has changed; a test of the site says so. A still picture is not
as high as the figure that takes its place. With the style that this writes, the page keeps the space of the live figure
from the start, at every width, so nothing moves when it comes alive.
"""

from itertools import pairwise
from pathlib import Path

from playwright.sync_api import Page, sync_playwright
from sphinx_external_toc.parsing import parse_toc_yaml
from tests.site.browser import launch, opened, serve
from tests.site.test_every_page import visit

ROOT = Path(__file__).parents[1]
SITE = ROOT / "_build" / "html"
STYLE = ROOT / "code" / "booksite" / "static" / "reserved.css"
WINDOWS = range(300, 960, 12)  # wider ones give the column of the text no other widths
WIDE = range(960, 1480, 40)
CLOSE = 6  # pixels by which a straight line may miss a height
JUMP = 100  # pixels; more than this between two widths is another layout, and no line leads from one to the other

HEAD = """\
/* The space of the live figures, by the width of their column. Written by `python -m benchmarks.heights`. */
.served .figure-space {
  container: figure-space / inline-size;
}
"""
MEASURE = """
() => [...document.querySelectorAll(".figure-space:has([data-space])")].map((space) => {
  const place = space.querySelector("[data-space]");
  return [place.dataset.space, space.clientWidth, place.offsetHeight];
})
"""
SETTLED = "() => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(() => setTimeout(done, 60))))"

Sizes = dict[str, dict[int, int]]
Look = dict[str, tuple[int, int]]


def measure(page: Page) -> Sizes:
    """Return the height of every figure of a page, by its name and the width of its column in pixels."""
    page.evaluate("document.documentElement.classList.remove('served')")
    looks = {window: _look(page, window) for window in (*WINDOWS, *WIDE)}
    for window, following in pairwise(sorted(looks)):
        if any(abs(looks[following][name][1] - height) > JUMP for name, (_, height) in looks[window].items()):
            looks |= {between: _look(page, between) for between in range(window + 1, following)}
    sizes: Sizes = {}
    for look in looks.values():
        for name, (width, height) in look.items():
            heights = sizes.setdefault(name, {})
            heights[width] = max(height, heights.get(width, 0))
    return sizes


def _look(page: Page, window: int) -> Look:
    page.set_viewport_size({"width": window, "height": 900})
    page.evaluate(SETTLED)
    return {name: (width, height) for name, width, height in page.evaluate(MEASURE)}


def lines(heights: dict[int, int]) -> list[tuple[int, float, float]]:
    """Describe heights by straight lines: from which width on, the height at width 0, and the growth per pixel."""
    found = []
    points = sorted(heights.items())
    while points:
        layout = next((n for n in range(1, len(points)) if abs(points[n][1] - points[n - 1][1]) > JUMP), len(points))
        taken = next(n for n in range(layout, 0, -1) if _misses(points[:n]) <= CLOSE)
        slope, base = _line(points[:taken])
        found.append((points[0][0], base, slope))
        points = points[taken:]
    return found


def _line(points: list[tuple[int, int]]) -> tuple[float, float]:
    (x, y), (last_x, last_y) = points[0], points[-1]
    slope = (last_y - y) / (last_x - x) if last_x > x else 0.0
    return slope, y - slope * x


def _misses(points: list[tuple[int, int]]) -> float:
    slope, base = _line(points)
    return max(abs(base + slope * x - y) for x, y in points)


def style(sizes: Sizes) -> str:
    """Write the rules that reserve the measured heights."""
    rules = [HEAD]
    for name, heights in sizes.items():
        for width, base, slope in lines(heights):
            height = f"calc({base:.0f}px + {100 * slope:.1f}cqw)" if slope else f"{base:.0f}px"
            rules.append(
                f'@container figure-space (min-width: {width}px) {{\n  .served [data-space="{name}"] {{\n'
                f"    min-height: {height};\n  }}\n}}\n"
            )
    return "\n".join(rules)


def main() -> None:
    """Measure every figure of the built book."""
    sizes: Sizes = {}
    with sync_playwright() as playwright, serve(SITE) as address:
        browser = launch(playwright)
        for name in parse_toc_yaml(ROOT / "_toc.yml"):
            with opened(browser, f"{address}/{name}.html", viewport={"width": 800, "height": 900}) as (page, _):
                visit(page)
                sizes |= measure(page)
        browser.close()
    STYLE.write_text(style(sizes), encoding="utf-8")
    print(f"{STYLE}: {len(sizes)} figures, {STYLE.stat().st_size / 1000:.1f} KB. Build the book again.")


if __name__ == "__main__":
    main()
