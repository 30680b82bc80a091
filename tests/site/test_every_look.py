"""Every page as every reader may see it: wide and narrow, light, dark, in forced colours, with letters twice as large.

`make everywhere` runs it; `make test` takes two looks from `test_every_page.py`, because all take minutes.
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
# Searching takes nearly all of the time. Other schemes change colours only, and larger letters all but the colours.
COLOURS = {"runOnly": ["color-contrast"]}
ALL_BUT_COLOURS = {"rules": {"target-size": {"enabled": True}, "color-contrast": {"enabled": False}}}
# In Chromium, letters that are filled with the current colour say that they are filled with the one that is not forced,
# and axe believes them.
FILL = """(forced) => {
  const all = [...document.querySelectorAll("body *")];
  const colors = all.map((each) => (forced ? getComputedStyle(each).color : ""));
  all.forEach((each, i) => {
    each.style.webkitTextFillColor = colors[i];
    if (!each.getAttribute("style")) each.removeAttribute("style");
  });
}"""


def problems(page) -> list[str]:
    """Return what is wrong with an open page, a line each, and in which looks.

    One visit for all, as starting the figures takes longer than one look.
    """
    # Some colours fade from one scheme to the other, and would be judged on their way.
    page.add_style_tag(content="*, ::before, ::after { transition: none !important }")
    visit(page)
    found: dict[str, list[str]] = {}

    def search(look: str, **options) -> None:
        lines = violations(page, **options)
        # Large letters on a phone may need more room than the few numbers of a figure have.
        if not look.startswith(("320 px, large", "390 px, large")):
            lines += page.evaluate("document.documentElement.scrollWidth > innerWidth ? ['scrolls sideways'] : []")
        for line in lines:
            found.setdefault(line, []).append(look)

    for width in WIDTHS:
        page.set_viewport_size({"width": width, "height": 900})
        page.evaluate(RESIZE, "100%")
        page.wait_for_timeout(500)  # the theme looks for what scrolls a moment after a change of size
        for scheme, media in SCHEMES.items():
            page.emulate_media(**media)
            page.wait_for_function(f"document.documentElement.dataset.theme === '{media['color_scheme']}'")
            page.evaluate(FILL, scheme == "forced colours")
            search(f"{width} px, {scheme}", **({} if scheme == "light" else COLOURS))
        page.emulate_media(**SCHEMES["light"])
        page.evaluate(FILL, False)
        page.evaluate(RESIZE, "200%")
        page.wait_for_timeout(500)
        search(f"{width} px, large letters", **ALL_BUT_COLOURS)
    return [f"{line}\n    at {'; '.join(looks)}" for line, looks in found.items()]


@pytest.mark.parametrize("name", [*PAGES, "search.html?q=kernel", "404.html"])
def test_page(browser, address, name):
    with opened(browser, f"{address}/{name}") as (page, wrong):
        found = problems(page) + wrong
    if found:
        pytest.fail("\n".join([f"{name}:", *found]), pytrace=False)
