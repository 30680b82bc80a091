"""The search finds sizes however they are typed, and every term of the glossary; the chapter about it comes first."""

import re

import pytest

from .browser import opened

FIRST = {
    "3 × 3": "3 · The 3 × 3 convolution",
    "3×3": "3 · The 3 × 3 convolution",
    "3x3": "3 · The 3 × 3 convolution",
    "1x1": "4 · The 1 × 1 convolution",
    "receptive field": "7 · Receptive fields",
    "feature maps": "5 · Feature maps",
}


def found(page, address: str, query: str) -> list[str]:
    """Return the titles of what the search lists, in its order."""
    page.goto(f"{address}/search.html?q={query}")
    page.wait_for_function("/found|did not match/.test(document.querySelector('.search-summary')?.textContent)")
    return page.locator("#search-results li > a").all_inner_texts()


@pytest.fixture(scope="module")
def searching(browser, address):
    with opened(browser, f"{address}/search.html") as (page, wrong):
        yield page
        # The next search leaves a page that is still fetching what it shows of its results.
        assert [line for line in wrong if not line.startswith("failed: ")] == []


@pytest.mark.parametrize(("query", "title"), FIRST.items())
def test_the_chapter_about_it_comes_first(searching, address, query, title):
    titles = [re.sub(r"\s", " ", each) for each in found(searching, address, query)]
    assert titles[:1] == [title], titles[:5]


def test_every_term_of_the_glossary_is_found(searching, address, parsed):
    terms = [
        term.get_text(strip=True).rstrip("#")
        for term in parsed.documents["chapters/glossary.html"].select("dl.glossary dt")
    ]
    assert len(terms) > 50
    missing = [term for term in terms if not any("Glossary" in each for each in found(searching, address, term))]
    assert not missing


def test_a_name_is_found(searching, address):
    assert any("11 · What a score shows" in each for each in found(searching, address, "McNemar"))
