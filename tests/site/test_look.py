"""The look: colours that are all explained, chapters that are marked as read, a page for a wrong address, a card."""

from bs4 import BeautifulSoup

from booksite.card import card
from booksite.look import numbered
from convbook.tokens import TOKENS

from .browser import opened
from .test_every_page import WHOLE


def test_every_colour_is_on_the_page_of_colours(parsed):
    rows = parsed.documents["chapters/colours.html"].select("table.colours tbody tr")
    shown = {row.th.get_text(): [cell.get_text(strip=True) for cell in row.select("td")] for row in rows}
    assert shown == {name: [entry["light"], entry["dark"], entry["means"]] for name, entry in TOKENS["colors"].items()}


def test_numbers_of_chapters_stand_apart():
    link = '<a href="#">1 · Convolution</a>'
    assert numbered(link) == '<a href="#"><span class="number">1</span> Convolution</a>'
    assert numbered('<a href="#">Glossary</a>') == '<a href="#">Glossary</a>'


def test_a_chapter_read_to_its_end_is_marked_and_can_be_forgotten(browser, address):
    with opened(browser, f"{address}/chapters/01-convolution.html") as (page, wrong):
        read, place = page.locator(".bd-links a.read"), page.locator(".reading")
        assert read.count() == 0 and place.is_hidden()
        page.locator(".prev-next-footer").scroll_into_view_if_needed()
        place.wait_for()
        page.evaluate("document.fonts.ready.then(() => true)")  # another page would cut off what is still loading
        page.goto(f"{address}/chapters/glossary.html")
        assert read.inner_text().split() == ["1", "Convolution", "(read)"]
        assert "1 of 13 chapters read" in place.inner_text()
        place.get_by_role("button", name="Forget").click()
        assert read.count() == 0 and place.is_hidden()
        assert wrong == []


def test_the_drawer_of_a_phone_closes_when_a_section_is_chosen(browser, address):
    with opened(browser, f"{address}/chapters/01-convolution.html", viewport={"width": 390, "height": 844}) as (
        page,
        wrong,
    ):
        page.locator("button.secondary-toggle").click()
        link = page.locator(".bd-sidebar-secondary").get_by_role("link", name="Exercises")
        link.click()
        page.wait_for_url("**#exercises")
        link.wait_for(state="hidden")
        assert wrong == []


def test_a_wrong_address_leads_to_search_and_back(site):
    page = BeautifulSoup((site / "404.html").read_bytes(), "html5lib")
    assert page.select_one('form[role="search"] input[name="q"]') and page.select_one('article a[href$="html"]')


def test_the_card_has_the_size_that_others_expect():
    assert (card().get_size_inches() * card().dpi).tolist() == [1200, 630]


def test_letters_of_figures_are_large_enough_for_a_phone(browser, address, parsed):
    still = "svg.figure:not(.interactive *)"
    smallest = """(still) => Object.fromEntries([...document.querySelectorAll(still)].map((figure) => {
      const shown = figure.getBoundingClientRect().width / figure.viewBox.baseVal.width;
      const texts = [...figure.querySelectorAll("text[style]")];
      const sizes = texts.map((each) => parseFloat(getComputedStyle(each).fontSize));
      return [figure.ariaLabel, shown * Math.min(...sizes)];
    }))"""
    with opened(browser, "about:blank", viewport={"width": 390, "height": 844}) as (page, _):
        for name, document in parsed.documents.items():
            if document.select_one("svg.figure text[style]"):
                page.goto(f"{address}/{name}")
                page.add_style_tag(content=WHOLE)
                sizes = page.evaluate(smallest, still)
                assert all(size > 9.5 for size in sizes.values()), (name, sizes)


def test_a_dark_page_is_dark_before_its_scripts_come(browser, address):
    """Without them, and where the browser keeps no storage, it has the scheme of the device, too."""
    forbidden = "Object.defineProperty(window, 'localStorage', {get() { throw new DOMException('', 'SecurityError') }})"
    for scheme, obstacle in (("dark", ""), ("light", ""), ("dark", forbidden)):
        with opened(browser, "about:blank", color_scheme=scheme) as (page, _):
            page.add_init_script(obstacle)
            page.route("**/*.js*", lambda route: route.abort())
            page.goto(f"{address}/chapters/glossary.html")
            assert page.locator("html").get_attribute("data-theme") == scheme
            assert page.locator(".bd-sidebar-primary .logo__image:visible").count() == 1
