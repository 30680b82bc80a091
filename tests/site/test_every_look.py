"""Every page as every reader may see it: wide and narrow, light, dark, in forced colours, with letters twice as large.

`make everywhere` runs it; `make test` takes two looks from `test_every_page.py`, because all of them take minutes.
"""

import pytest

from .browser import opened
from .test_every_page import PAGES, RESIZE, violations, visit

pytestmark = pytest.mark.everywhere

WIDTHS = 320, 390, 768, 1440
SCHEMES = {
    "light": {"color_scheme": "light", "forced_colors": "none"},
    "dark": {"color_scheme": "dark", "forced_colors": "none"},
    "forced colours": {"color_scheme": "light", "forced_colors": "active"},
}
# In Chromium, letters that are filled with the current colour say that they are filled with the one that is not forced,
# and axe believes them.
FILL = """(forced) => {
  const all = [...document.querySelectorAll("body *")];
  const colors = all.map((each) => (forced ? getComputedStyle(each).color : ""));
  all.forEach((each, i) => (each.style.webkitTextFillColor = colors[i]));
}"""


def problems(page) -> list[str]:
    """Return what is wrong with an open page, a line each, and in which looks.

    One visit for all, as starting the figures takes longer than one look; and outside the light scheme only colours are
    judged, as nothing else changes with it.
    """
    # Some colours fade from one scheme to the other, and would be judged on their way.
    page.add_style_tag(content="*, ::before, ::after { transition: none !important }")
    visit(page)
    found: dict[str, list[str]] = {}
    for width in WIDTHS:
        page.set_viewport_size({"width": width, "height": 900})
        for letters in ("100%", "200%"):
            page.evaluate(RESIZE, letters)
            page.wait_for_timeout(500)  # the theme looks for what scrolls a moment after a change of size
            for scheme, media in SCHEMES.items():
                if letters == "200%" and scheme != "light":
                    continue
                page.emulate_media(**media)
                page.wait_for_function(f"document.documentElement.dataset.theme === '{media['color_scheme']}'")
                look = f"{width} px, letters at {letters}, {scheme}"
                page.evaluate(FILL, scheme.startswith("forced"))
                for line in violations(page, *(() if scheme == "light" else ("color-contrast",))):
                    found.setdefault(line, []).append(look)
                # Large letters on a phone may need more room than the few numbers of a figure have.
                if (width >= 768 or letters == "100%") and page.evaluate(
                    "document.documentElement.scrollWidth"
                ) > width:
                    found.setdefault("scrolls sideways", []).append(look)
    return [f"{line}\n    at {'; '.join(looks)}" for line, looks in found.items()]


@pytest.mark.parametrize("name", [*PAGES, "search.html?q=kernel", "404.html"])
def test_page(browser, address, name):
    with opened(browser, f"{address}/{name}") as (page, wrong):
        found = problems(page) + wrong
    if found:
        pytest.fail("\n".join([f"{name}:", *found]), pytrace=False)
