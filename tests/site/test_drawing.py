"""The pad to draw on: fingers, palms, pens, mice and their accidents leave the strokes that the hand meant."""

from pathlib import Path

import pytest

from convbook.widgets.bundle import FOLDER

from .browser import serve

START = """
async (zoom) => {
  const { drawingPad } = await import("/shared/pad.js");
  document.body.replaceChildren();
  document.body.style.zoom = zoom;
  window.drawn = [];
  const pad = drawingPad((image) => drawn.push(image));
  pad.querySelector("canvas").style.cssText = "width: 280px; height: 280px; touch-action: none; display: block";
  document.body.append(pad);
}
"""
# The columns of the pad, of 28 equal ones, that have ink in a band of rows.
COLUMNS = """
([from, to]) => {
  const { data } = document.querySelector("canvas").getContext("2d").getImageData(0, from, 280, to - from);
  const found = new Set();
  for (let i = 0; i < data.length / 4; i++) if (data[4 * i + 3] > 128) found.add(Math.floor((i % 280) / 10));
  return [...found].sort((a, b) => a - b);
}
"""


class Pad:
    """A page with a pad, and the fingers and pens of Chromium's protocol."""

    def __init__(self, page, zoom: float = 1) -> None:
        self.page = page
        page.evaluate(START, zoom)
        self.box = page.locator("canvas").bounding_box()
        self.protocol = page.context.new_cdp_session(page)

    def at(self, x: float, y: float) -> dict[str, float]:
        """Return a place of the pad, in its 280 pixels, on the page."""
        scale = self.box["width"] / 280
        return {"x": self.box["x"] + x * scale, "y": self.box["y"] + y * scale}

    def touch(self, kind: str, *fingers: tuple[int, float, float]) -> None:
        """Tell of a touch: every finger that is down, by number and place."""
        points = [{**self.at(x, y), "id": number} for number, x, y in fingers]
        self.protocol.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": points})

    def mouse(self, kind: str, x: float, y: float, button: str = "left", pointer: str = "mouse") -> None:
        """Tell of a mouse or a pen: mousePressed, mouseMoved, mouseReleased."""
        buttons = 0 if kind == "mouseReleased" else {"left": 1, "right": 2, "middle": 4, "none": 0}[button]
        event = {"type": kind, **self.at(x, y), "button": button, "buttons": buttons, "pointerType": pointer}
        self.protocol.send("Input.dispatchMouseEvent", {**event, "clickCount": 1})

    def drag(self, *places: tuple[float, float], pointer: str = "mouse") -> None:
        """Press at the first place, move to the others, and lift at the last one."""
        self.mouse("mousePressed", *places[0], pointer=pointer)
        for place in places[1:]:
            self.mouse("mouseMoved", *place, pointer=pointer)
        self.mouse("mouseReleased", *places[-1], pointer=pointer)

    def columns(self, top: int = 100, bottom: int = 180) -> list[int]:
        """Return which of 28 columns have ink in a band of rows."""
        return self.page.evaluate(COLUMNS, [top, bottom])


@pytest.fixture(scope="module")
def modules():
    with serve(Path(str(FOLDER))) as address:
        yield address


@pytest.fixture
def make(browser, modules):
    contexts = []

    def start(zoom: float = 1, **settings) -> Pad:
        contexts.append(browser.new_context(has_touch=True, **settings))
        page = contexts[-1].new_page()
        page.goto(f"{modules}/jsconfig.json")  # any page of the origin
        return Pad(page, zoom)

    yield start
    for context in contexts:
        context.close()


# A stroke straight down at x inks the columns that its width of 22 pixels covers.
AT_60, AT_220 = [4, 5, 6, 7], [20, 21, 22, 23]


def test_two_fingers_draw_two_strokes(make):
    pad = make()
    pad.touch("touchStart", (1, 60, 40))
    pad.touch("touchStart", (1, 60, 40), (2, 220, 40))
    for y in range(60, 260, 20):
        pad.touch("touchMove", (1, 60, y), (2, 220, y))
    pad.touch("touchEnd", (2, 220, 240))  # the first finger is lifted, the second goes on
    pad.touch("touchMove", (2, 220, 270))
    pad.touch("touchEnd")
    assert pad.columns() == AT_60 + AT_220
    assert pad.columns(262, 280) == AT_220


def test_a_pen_wins_over_the_palm_that_was_there_before_it(make):
    pad = make()
    pad.touch("touchStart", (1, 220, 240))
    pad.touch("touchMove", (1, 225, 200))
    assert pad.columns(190, 260) != []
    pad.drag((60, 40), (60, 140), (60, 240), pointer="pen")
    assert pad.columns(30, 260) == AT_60
    pad.touch("touchMove", (1, 225, 100))  # the palm slides on, and is lifted and set down again
    pad.touch("touchEnd")
    pad.touch("touchStart", (1, 220, 200))
    pad.touch("touchEnd")
    assert pad.columns(30, 260) == AT_60
    pad.page.get_by_role("button", name="Clear the pad").click()
    pad.touch("touchStart", (1, 220, 140))  # once it is cleared, a finger draws again
    pad.touch("touchEnd")
    assert pad.columns() == AT_220


def test_a_stroke_that_the_browser_takes_back_is_not_drawn(make):
    pad = make()
    pad.drag((60, 40), (60, 240))
    pad.touch("touchStart", (1, 220, 40))
    pad.touch("touchMove", (1, 220, 240))
    assert pad.columns() == AT_60 + AT_220
    pad.touch("touchCancel")
    assert pad.columns() == AT_60


def test_a_stroke_leaves_the_pad_and_comes_back_where_it_comes_back(make):
    pad = make()
    pad.drag((60, 140), (-60, 140), (-60, 400), (220, 400), (220, 100))
    assert pad.columns(120, 160) == [*range(8), *AT_220]  # from 60 to the left border, and up again at 220
    assert pad.columns(0, 85) == []


def test_a_button_released_where_the_page_did_not_see_it_ends_the_stroke(make):
    pad = make()
    pad.mouse("mousePressed", 60, 40)
    pad.mouse("mouseMoved", 60, 240)
    pad.page.locator("canvas").evaluate(
        "(canvas) => canvas.dispatchEvent(new PointerEvent('lostpointercapture', { pointerId: 1 }))"
    )
    pad.mouse("mouseMoved", 220, 140)
    assert pad.columns() == AT_60


@pytest.mark.parametrize("button", ["right", "middle"])
def test_other_buttons_of_the_mouse_do_not_draw(make, button):
    pad = make()
    pad.mouse("mousePressed", 60, 140, button)
    pad.mouse("mouseMoved", 220, 140, button)
    pad.mouse("mouseReleased", 220, 140, button)
    assert pad.columns() == []
    pad.mouse("mouseMoved", 100, 100, "none")
    assert pad.columns() == []


@pytest.mark.parametrize(("zoom", "ratio"), [(1, 1.25), (1, 2.625), (1.5, 1), (0.67, 1.5)])
def test_the_stroke_is_under_the_pointer_on_a_zoomed_page_and_a_fractional_screen(make, zoom, ratio):
    pad = make(zoom, device_scale_factor=ratio, viewport={"width": 900, "height": 900})
    pad.drag((60, 40), (60, 140), (60, 240))
    assert pad.columns() == AT_60


def test_a_fast_stroke_goes_through_the_places_between_two_frames(make):
    """A browser hands out several places with one event; all of them belong to the stroke."""
    pad = make()
    pad.page.evaluate(
        """() => {
          const canvas = document.querySelector("canvas");
          canvas.setPointerCapture = () => {}; // no such pointer is there
          const { left, top } = canvas.getBoundingClientRect();
          const tell = (type, places) => {
            const events = places.map(([x, y]) =>
              new PointerEvent(type, { pointerId: 7, buttons: 1, clientX: left + x, clientY: top + y, bubbles: true }));
            const last = events[events.length - 1];
            last.getCoalescedEvents = () => (type === "pointermove" ? events : []);
            canvas.dispatchEvent(last);
          };
          tell("pointerdown", [[60, 40]]);
          tell("pointermove", [[60, 260], [140, 260], [220, 260], [220, 40]]);
          tell("pointerup", [[220, 40]]);
        }"""
    )
    assert pad.columns() == AT_60 + AT_220


def test_an_empty_pad_is_told_apart_from_a_digit(make):
    pad = make()
    pad.drag((60, 40), (60, 240))
    pad.page.wait_for_function("() => drawn.length && drawn.at(-1) !== null")
    pad.page.get_by_role("button", name="Clear the pad").click()
    pad.page.wait_for_function("() => drawn.at(-1) === null")
    assert pad.columns(0, 280) == []
