"""The figures' own pages: in a frame of somebody else's page, set by their address, and copied from."""

import json
import random
import re
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import numpy as np
import pytest
import traitlets
from ipywidgets.embed import embed_data

from convbook import widgets
from convbook.history import notes_log
from convbook.inference import load
from convbook.kernels import kernel
from convbook.widgets.digit_figure import ten_digits

from .browser import opened, serve
from .test_every_page import violations

NO_STORAGE = """for (const name of ["localStorage", "sessionStorage"]) {
  Object.defineProperty(window, name, { get() { throw new DOMException("denied", "SecurityError"); } });
}"""
PAGES = {name: "-".join(re.findall("[A-Z][a-z]*", name)).lower() for name in widgets.__all__}
PAGES["Trainer"] = "trainer-alone"  # the book has a page of that name
SIZES = "() => [document.body.getBoundingClientRect().height, document.documentElement.scrollHeight, innerHeight]"


def alive(place) -> None:
    """Wait until a figure is there; press what it waits for."""
    place.locator(".convbook-figure, .load").first.wait_for()
    if place.locator(".load").count():
        place.locator(".load").click()
    place.locator(".convbook-figure").wait_for()


def code_of(page) -> str:
    page.wait_for_function("document.querySelector('#take-code').value.includes('height=')")
    page.wait_for_timeout(700)  # what the figure draws late has found its height, and the code has it
    return page.locator("#take-code").input_value()


@pytest.fixture
def elsewhere(tmp_path):
    """Serve a page of somebody else from another origin; called with what is pasted into it, returns its address."""
    with serve(tmp_path) as at:

        def paste(code: str) -> str:
            style = "body { margin: 20px auto; max-width: 760px }"
            head = f"<!doctype html><title>My lecture</title><link rel=icon href=data:,><style>{style}</style>"
            (tmp_path / "lecture.html").write_text(f"{head}<p>Look:</p>{code}<p>After it.</p>", encoding="utf-8")
            return f"{at}/lecture.html"

        yield paste


@pytest.mark.parametrize("name", PAGES)
def test_the_code_of_every_figure_works_in_a_page_of_another_origin(browser, address, elsewhere, name):
    """Two visits: to the page that has the code, and to somebody's page with the code, where nothing can be stored."""
    own = f"{address}/figures/{PAGES[name]}.html"
    with opened(browser, own, viewport={"width": 760, "height": 900}) as (page, wrong):
        alive(page)
        code = code_of(page)
        page.set_viewport_size({"width": 390, "height": 900})
        page.emulate_media(color_scheme="dark")
        assert page.evaluate("document.documentElement.scrollWidth") <= 390
        found = violations(page)
        assert found == [], "\n".join(found)
        assert wrong == []

    with opened(browser, "about:blank", viewport={"width": 900, "height": 900}) as (page, wrong):
        page.add_init_script(NO_STORAGE)
        page.goto(elsewhere(code))
        place = page.frame_locator("iframe")
        alive(place)
        inner = page.frames[1]
        assert urlsplit(inner.url).netloc != urlsplit(page.url).netloc
        assert place.locator(".take").is_hidden()
        page.wait_for_timeout(300)
        height, content, window = inner.evaluate(SIZES)
        assert abs(height - window) <= 2 and abs(content - window) <= 2, "the frame is not as high as its content"
        assert int(re.search(r'height="(\d+)"', code)[1]) == pytest.approx(height, abs=2), (
            "the height of the code is not that of the figure at the same width"
        )
        page.keyboard.press("Tab")
        assert inner.evaluate("document.activeElement !== document.body")
        # It is narrow on a phone, and the frame follows.
        page.set_viewport_size({"width": 390, "height": 900})
        page.wait_for_timeout(300)
        height, content, window = inner.evaluate(SIZES)
        assert abs(height - window) <= 2 and abs(content - window) <= 2
        assert inner.evaluate("document.documentElement.scrollWidth <= innerWidth")
        origins = {f"left the site: {'/'.join(where.url.split('/')[:3])}/" for where in page.frames}
        assert [line for line in wrong if not line.startswith((*origins,))] == []


def test_the_address_sets_the_figure_and_follows_it(browser, address):
    start = f"{address}/figures/convolution-stepper.html?kernel=sobel&stride=2&digit=3&theme=dark"
    with opened(browser, start) as (page, wrong):
        alive(page)
        place = page.locator(".convbook-figure")
        assert page.evaluate("document.documentElement.dataset.theme") == "dark"
        assert place.get_by_label("Stride", exact=True).input_value() == "2"
        boxes = [float(box.input_value().replace("−", "-")) for box in place.locator(".product input").all()]
        np.testing.assert_array_equal(boxes, kernel("sobel_vertical").ravel())
        assert place.get_by_label("Digit", exact=True).input_value() == "3"
        page.evaluate(
            "() => { window.times = 0; const old = history.replaceState.bind(history);"
            " history.replaceState = (...all) => { window.times++; old(...all); }; }"
        )
        place.get_by_label("Kernel by name").select_option("laplacian")
        for key in ["ArrowRight", "ArrowLeft"] * 20:
            place.get_by_label("Padding", exact=True).press(key)
        place.get_by_label("Padding", exact=True).fill("1")
        page.wait_for_function("location.search.includes('padding=1')")
        assert page.evaluate("window.times") < 12
        query = parse_qs(urlsplit(page.url).query)
        assert query["kernel"] == ["laplacian"] and query["stride"] == ["2"] and query["theme"] == ["dark"]
        assert page.locator("#take-link").input_value() == page.url
        assert wrong == []


def test_what_an_address_cannot_ask_for_is_refused_in_one_line(browser, address):
    query = "stride=2&padding=9&kernel=1,2,x&dilation=1.5&sides=3&theme=blue&__proto__=1&digit=10"
    with opened(browser, f"{address}/figures/convolution-stepper.html?{query}") as (page, wrong):
        alive(page)
        words = page.locator("main > .problem").inner_text()
        assert words.startswith("Part of this link cannot be used: padding must be a whole number from 0 to 4, not “9”")
        assert "kernel must be a name such as “identity”, or 1 or 4 or 9 or 16 or 25 values" in words
        assert page.locator(".convbook-figure").get_by_label("Stride", exact=True).input_value() == "2"
        assert wrong == []


def test_copy_says_what_it_did(browser, address):
    settings = {"permissions": ["clipboard-read", "clipboard-write"]}
    with opened(browser, f"{address}/figures/two-or-one.html", **settings) as (page, wrong):
        alive(page)
        page.get_by_role("button", name="Copy the code").press("Enter")
        page.locator(".copied", has_text="Copied.").wait_for()
        copied = page.evaluate("navigator.clipboard.readText()")
        assert copied == page.locator("#take-code").input_value() and copied.startswith("<iframe src=")
        page.evaluate("() => { navigator.clipboard.writeText = () => Promise.reject(new Error('no')); }")
        page.get_by_role("button", name="Copy the link").click()
        page.locator(".copied", has_text="copy it with your keyboard").wait_for()
        assert wrong == []


def test_the_link_below_a_figure_of_the_book_takes_its_settings_along(browser, address):
    with opened(browser, f"{address}/chapters/01-convolution.html") as (page, wrong):
        figure = page.locator("figure:has(.interactive)").last
        figure.scroll_into_view_if_needed()
        alive(figure)
        figure.get_by_label("Stride", exact=True).fill("3")
        link = figure.get_by_role("link", name="Share or embed this figure")
        assert link.bounding_box()["height"] >= 24  # pixels that a finger needs
        link.hover()
        page.wait_for_function("document.querySelector('.own-page').search.includes('stride=3')")
        link.click()
        alive(page)
        page.wait_for_function("!location.search.includes('kernel')")  # what is as it was at first need not be said
        assert "stride=3" in page.url
        assert page.locator(".convbook-figure").get_by_label("Stride", exact=True).input_value() == "3"
        back = page.get_by_role("link", name="Seeing Convolutions, chapter 1")
        assert back.get_attribute("target") == "_top"
        back.click()
        page.locator("#fig-stepper .interactive").wait_for()
        assert wrong == []


def test_the_link_below_the_network_takes_along_all_that_is_in_its_address(browser, address):
    shown = "conv6/2/3,5;digit=3;shift=1,-2;off=conv3,conv6/1"
    with opened(browser, f"{address}/intro.html#fig-strip:{shown}") as (page, wrong):
        figure = page.locator("figure:has(.interactive)").first
        alive(figure)
        figure.locator(".strip-path", has_text="unit (3, 5)").wait_for()
        answer = figure.locator(".bars").inner_text()
        figure.locator("figcaption .headerlink").dispatch_event("click")  # to the figure itself, whatever it shows
        page.wait_for_url(f"**#fig-strip:{shown}")
        figure.get_by_role("link", name="Share or embed this figure").dispatch_event("click")  # as quick as can be
        page.wait_for_url(f"**/network-strip.html#figure:{shown}")
        alive(page)
        page.locator(".strip-path", has_text="unit (3, 5)").wait_for()
        assert page.locator(".bars").inner_text() == answer
        link = page.locator("#take-link").input_value()
        assert link.endswith(f"/network-strip.html#figure:{shown}")
        page.get_by_role("button", name="All on").click()
        page.wait_for_url("**;shift=1,-2")
        assert wrong == []
    with opened(browser, link) as (page, wrong):
        alive(page)
        page.locator(".strip-path", has_text="unit (3, 5)").wait_for()
        assert page.locator(".bars").inner_text() == answer
        page.evaluate("location.hash = 'figure:conv1'")  # what an address does not name is as the figure begins
        page.locator(".strip-verdict", has_text="7").wait_for()
        assert page.get_by_role("button", name="All on").is_hidden()
        assert wrong == []


@pytest.mark.parametrize(
    "place", ["intro.html#fig-strip:%", "figures/trainer.html#%", "chapters/01-convolution.html#%E0"]
)
def test_an_address_that_is_no_text_is_passed_over(browser, address, place):
    with opened(browser, f"{address}/{place}") as (page, wrong):
        page.wait_for_load_state("networkidle")
        page.wait_for_timeout(500)
        assert wrong == []


def test_a_run_that_nobody_saw_is_not_compared_with(browser, address):
    with opened(browser, f"{address}/figures/softmax-training.html?batch_size=20") as (page, wrong):
        alive(page)
        status = page.locator(".status", has_text="After")
        status.wait_for()
        assert "Before" not in status.inner_text()
        assert wrong == []


def test_without_scripts_there_is_a_picture_and_a_sentence(browser, address, site: Path):
    addresses = [f"{address}/figures/{page}.html" for page in PAGES.values()]
    with opened(browser, "about:blank", java_script_enabled=False) as (page, _):
        for place in [*addresses, (site / "figures" / "network-strip.html").as_uri()]:
            page.goto(place)
            assert len(page.locator("svg[role=img]").get_attribute("aria-label")) > 20
            assert page.locator(".still").is_visible() and page.locator(".take").is_hidden()
            assert page.locator("link[rel=canonical]").get_attribute("href").endswith(place.rpartition("/")[2])


# The settings themselves, without a page.
def figure_of(name: str) -> widgets.figure.InteractiveFigure:
    if name == "TrainingReplay":
        return widgets.TrainingReplay([[*load().weights.values()]] * 20, notes_log(), *ten_digits())
    return getattr(widgets, name)()


def state_of(figure) -> dict:
    models = embed_data(views=[figure], drop_defaults=False)["manager_state"]["state"]
    return models[figure.model_id]["state"]


def chosen(rng: random.Random, figure, range_: dict):
    """Make a value that a range allows, as Python has it."""
    if "flag" in range_:
        return rng.random() < 0.5
    if "values" in range_:
        return rng.choice(range_["values"])
    if "images" in range_:
        images = getattr(figure, range_["images"])
        return images[rng.randrange(len(images))] / np.float32(255)
    if "places" in range_:
        layer, (maps, size) = rng.choice([*range_["places"].items()])
        at = [layer, str(rng.randrange(maps)), f"{rng.randrange(size)},{rng.randrange(size)}"]
        return "/".join(at[: rng.randrange(4)])
    if "parts" in range_:
        return [
            {part: chosen(rng, figure, its) for part, its in range_["parts"].items()}
            for _ in range(rng.randint(0, range_["most"]))
        ]
    if "shapes" in range_:
        shape = rng.choice(range_["shapes"])
        return np.array([chosen(rng, figure, range_["each"]) for _ in range(np.prod(shape))], "float32").reshape(shape)
    if "each" in range_:
        some = rng.sample(range_["each"]["values"], rng.randint(0, range_["most"]))
        return " ".join(some) if "words" in range_ else some
    if "named" in range_:
        return rng.choice([*getattr(figure, range_["named"]).values()])
    return rng.randint(range_["min"], range_["max"]) if "whole" in range_ else rng.uniform(range_["min"], range_["max"])


ROUND = """
const { settingsFrom, settingsText, textsOf } = await load("shared/address");
const { pack, unpack } = await load("shared/pictures");
const packed = (value) => {
  if (value?.shape) return pack(value.data, value.shape);
  const plain = value && typeof value === "object" && !Array.isArray(value);
  return plain ? Object.fromEntries(Object.entries(value).map(([name, its]) => [name, packed(its)])) : value;
};
return given.states.map((state) => {
  const traits = { ...packed(given.base), ...packed(state) };
  const texts = settingsText(textsOf(given.ranges, (name) => traits[name]));
  const { settings, problems } = settingsFrom(texts, given.ranges, (name) => traits[name]);
  const listed = (its) => (its?.data ? { ...its, data: [...unpack(its).data] } : its);
  const lists = Object.entries(settings).map(([name, its]) => [name, listed(its)]);
  return [texts, Object.fromEntries(lists), problems];
});
"""


TAKEN = """
const { settingsFrom } = await load("shared/address");
return given.texts.map((text) => settingsFrom(text, given.ranges).problems.length === 0);
"""


def plain(value):
    """Write a value of a trait so that JSON can have it."""
    if isinstance(value, np.ndarray):
        return {"shape": [*value.shape], "data": [float(number) for number in value.ravel()]}
    return {name: plain(its) for name, its in value.items()} if isinstance(value, dict) else value


@pytest.mark.parametrize("name", PAGES)
def test_settings_come_back_from_an_address_and_python_has_the_same_limits(call, name):
    """One test, as making a figure takes longer than all that is tried."""
    figure = figure_of(name)
    ranges = json.loads(json.dumps(figure.settings(state_of(figure))))
    assert ranges
    settings_come_back_as_they_were(call, figure, ranges)
    limits_are_the_same(call, figure, ranges)


def settings_come_back_as_they_were(call, figure, ranges) -> None:
    rng = random.Random(type(figure).__name__)
    sources = {its[kind] for its in ranges.values() for kind in ("images", "named") if kind in its}
    base = {source: plain(getattr(figure, source)) for source in sources}
    states = []
    for _ in range(10):
        state = {its.get("trait", entry): chosen(rng, figure, its) for entry, its in ranges.items()}
        for trait, value in state.items():
            setattr(figure, trait, value)  # Python would refuse what it does not allow
        states.append(plain(state))
    answers = call(ROUND, {"base": base, "states": states, "ranges": ranges})
    for state, (text, back, problems) in zip(states, answers, strict=True):
        assert problems == [], text
        for trait, value in state.items():
            if isinstance(value, dict) and "shape" in value:
                np.testing.assert_array_equal(np.float32(back[trait]["data"]), np.float32(value["data"]), text)
                assert back[trait]["shape"] == value["shape"]
            else:
                assert back[trait] == value, text


def limits_are_the_same(call, figure, ranges) -> None:
    tried = [
        (entry, value, good)
        for entry, its in ranges.items()
        if {*its} <= {"min", "max", "whole"} and "slider" not in figure.traits()[entry].metadata
        for value, good in ((its["min"], True), (its["max"], True), (its["min"] - 1, False), (its["max"] + 1, False))
    ]
    texts = [f"{entry}={value}" for entry, value, _ in tried]
    assert call(TAKEN, {"texts": texts, "ranges": ranges}) == [good for *_, good in tried]
    for entry, value, good in tried:
        limits = figure.traits()[entry]
        if good:
            setattr(figure, entry, value)
        elif limits.max is not None and np.isfinite(limits.max):  # the data of a figure limit some others
            with pytest.raises(traitlets.TraitError):
                setattr(figure, entry, value)
