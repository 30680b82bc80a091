"""The strip of the network that opens a chapter: a still picture, live when pressed."""

import re

import pytest
from sphinx_external_toc.parsing import parse_toc_yaml

from booksite.openings import LAYERS, PARTS, RELUS, THREE_BY_THREE
from convbook.inference import load
from convbook.widgets import NetworkStrip

from .browser import opened
from .conftest import BOOK

CHAPTERS = [name for name in parse_toc_yaml(BOOK / "_toc.yml") if re.match(r"chapters/\d", name)]
PRESS = "Look inside the network"


def test_every_chapter_opens_with_its_part_of_the_network_lit(parsed):
    assert set(CHAPTERS) == {*PARTS}
    for name in CHAPTERS:
        (figure,) = parsed.pages[f"{name}.html"].select("h1 ~ .opening")
        assert figure.find_previous_sibling().name == "blockquote"
        assert {text.get_text() for text in figure.select("text.lit")} == set(PARTS[name].lit.split())
        assert figure.figcaption.p.get_text() in figure.svg["aria-label"]


def test_the_parts_are_those_of_the_network():
    kinds = {layer["name"]: layer for layer in load().layers if layer["kind"] in ("Conv2D", "MaxPooling2D")}
    assert {*LAYERS.split()} == {*kinds}
    assert {*RELUS.split()} == {name for name, layer in kinds.items() if layer.get("activation") == "relu"}
    assert {*THREE_BY_THREE.split()} == {name for name, layer in kinds.items() if layer.get("kernel_size") == 3}
    for part in PARTS.values():
        NetworkStrip(place=part.place)  # refuses what is not there


def test_a_press_opens_the_strip_at_the_part_of_the_chapter(browser, address):
    with opened(browser, f"{address}/chapters/07-receptive-fields.html") as (page, wrong):
        loaded = []
        page.on("request", lambda request: loaded.append(request.url) if "/figures/" in request.url else None)
        page.wait_for_timeout(300)
        assert loaded == []
        page.get_by_role("button", name=PRESS).click()
        strip = page.locator(".opening .strip")
        strip.wait_for()
        assert strip.locator(".strip-path li").all_inner_texts() == ["Network", "conv6", "map 3"]
        assert strip.locator(".strip-stage").evaluate("stage => stage === document.activeElement")
        page.keyboard.press("Enter")
        assert page.url.endswith("#in-the-network:conv6/3/3,3")
        assert page.get_by_role("button", name=PRESS).count() == 0
        assert wrong == []


def test_an_address_opens_a_place_in_it(browser, address):
    with opened(browser, f"{address}/chapters/12-the-second-block.html#in-the-network:conv5/3/4,7") as (page, wrong):
        page.locator(".opening .strip-path", has_text="unit (4, 7)").wait_for()
        assert wrong == []


@pytest.mark.parametrize("settings", [{"java_script_enabled": False}, {}])
def test_without_javascript_and_on_paper_it_is_a_picture(browser, address, settings):
    with opened(browser, f"{address}/chapters/04-one-by-one.html", **settings) as (page, _):
        if not settings:
            page.emulate_media(media="print")
        assert page.get_by_role("img", name=re.compile("its only 1 × 1 convolution")).is_visible()
        assert not page.locator(".opening button").is_visible()
