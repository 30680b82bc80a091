"""Every page in a real browser: accessible, quiet, on its own, and never wider than the screen."""

from pathlib import Path

import pytest
from sphinx_external_toc.parsing import parse_toc_yaml

from .browser import opened

ROOT = Path(__file__).parents[2]
PAGES = [f"{name}.html" for name in parse_toc_yaml(ROOT / "_toc.yml")]
AXE = ROOT / "node_modules" / "axe-core" / "axe.min.js"
# In pixels, and of its letters: no page scrolls sideways, and twice the size fits where a page has room for it.
SIZES = [(320, "100%"), (390, "100%"), (768, "100%"), (768, "200%"), (1024, "100%"), (1440, "100%"), (1440, "200%")]
RESIZE = """(letters) => {
  document.documentElement.style.fontSize = letters;
  return new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)));
}"""


# What is far from view is laid out when it comes near; here all of a page is judged at once.
WHOLE = "article section { content-visibility: visible !important }"


def visit(page) -> None:
    """Lay out all of a page, and scroll through it as a reader does, so that all its figures come to life."""
    page.add_style_tag(content=WHOLE)
    for place in page.locator(".interactive").all():
        place.scroll_into_view_if_needed()
        load = place.get_by_role("button", name="Load the interactive figure")
        place.locator(".convbook-figure, .load").first.wait_for()
        if load.count():
            load.click()
        place.locator(".convbook-figure").wait_for()


def violations(page, **options) -> list[str]:
    """Return what axe-core finds, a line each; options of axe narrow the search."""
    if not page.evaluate("'axe' in window"):
        page.add_script_tag(path=AXE)
    usual = {"resultTypes": ["violations"], "rules": {"target-size": {"enabled": True}}}  # which axe leaves out
    found = page.evaluate("options => axe.run(document, options)", usual | options)["violations"]
    return [f"{rule['id']}: {node['html'][:150]}" for rule in found for node in rule["nodes"]]


@pytest.mark.parametrize("name", PAGES)
def test_page(browser, address, name):
    """Light on a desk, then dark on a phone; one visit, as starting the figures takes longer than the checks."""
    with opened(browser, f"{address}/{name}", viewport={"width": 1440, "height": 900}) as (page, wrong):
        # Some colours fade from one scheme to the other, and would be judged on their way.
        page.add_style_tag(content="*, ::before, ::after { transition: none !important }")
        visit(page)
        found = violations(page)
        page.set_viewport_size({"width": 390, "height": 900})
        page.emulate_media(color_scheme="dark")
        page.wait_for_function("document.documentElement.dataset.theme === 'dark'")
        page.wait_for_timeout(500)  # the theme looks for what scrolls a moment after a change of size
        found += violations(page)
        assert found == [], "\n".join(found)
        for width, letters in (
            (320, "100%"),
            (390, "100%"),
            (768, "100%"),
            (768, "200%"),
            (1024, "100%"),
            (1440, "200%"),
        ):
            page.set_viewport_size({"width": width, "height": 900})
            page.evaluate(RESIZE, letters)
            assert page.evaluate("document.documentElement.scrollWidth") <= width, f"{width} px, letters at {letters}"
        page.evaluate("document.querySelectorAll('.sidebar-toggle').forEach((button) => button.click())")
        assert wrong == []


def test_wrong_pages_are_found(browser, address):
    with opened(browser, f"{address}/chapters/glossary.html") as (page, wrong):
        page.evaluate(
            """() => {
              document.querySelector("article").insertAdjacentHTML("beforeend", "<input><img src='none.png'>");
              console.warn("noise");
              fetch("https://site.invalid/x").catch(() => null);
            }"""
        )
        page.wait_for_timeout(300)
        found = violations(page)
        assert any(line.startswith("label") for line in found) and any(line.startswith("image-alt") for line in found)
        for problem in ("warning: noise", "left the site: https://site.invalid/x"):
            assert problem in wrong
        assert any("none.png" in line or "404" in line for line in wrong)
