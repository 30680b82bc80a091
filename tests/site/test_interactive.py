"""The interactive figures of the built pages, touched as readers touch them."""

import gzip
import io
import random
import re
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from scipy import stats

from booksite.openings import PARTS
from convbook import mnist, results
from convbook.arithmetic import trace
from convbook.features import effective_field
from convbook.inference import load, stack_of

from .browser import bring, opened
from .fuzz import STAY, act, problems

# The page of every figure.
FIGURES = {
    "convolution_stepper": "01-convolution",
    "kernel_lab": "02-kernels",
    "two_or_one": "03-three-by-three",
    "channel_mixer": "04-one-by-one",
    "network_strip": "05-feature-maps",
    "activation_playground": "06-activations",
    "stack_editor": "07-receptive-fields",
    "softmax_training": "08-epochs-and-schedules",
    "trainer": "../figures/trainer",
    "training_replay": "09-train-the-network",
    "seed_intervals": "12-the-second-block",
    "frontier": "13-smaller-and-faster",
}
# What the reader is told at the end; the live region that is read out follows it after a pause.
SEEN, HEARD = ".status", "[role=status]"
# A figure draws in the frame after a change.
FRAME = "() => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))"


@pytest.fixture
def figure(browser, address):
    """Open the page of a figure and bring it to life; fails if the page did anything wrong."""
    ends = []

    def start(name: str, **settings):
        opening = opened(browser, f"{address}/chapters/{FIGURES[name]}.html", **settings)
        page, wrong = opening.__enter__()
        ends.append((opening, wrong))
        return start_figure(page, name)

    yield start
    for opening, wrong in ends:
        opening.__exit__(None, None, None)
        assert wrong == []


def start_figure(page, name: str):
    """Bring a figure of an open page to life."""
    place = page.locator(f".interactive[data-figure={name}]").first
    place.scroll_into_view_if_needed()
    if name == "training_replay":
        place.get_by_role("button", name="Load the interactive figure").click()
    place.locator(".convbook-figure").wait_for()
    return place


def said(place, index: int = 0) -> str:
    place.page.evaluate(FRAME)
    return place.locator(SEEN).nth(index).inner_text()


@pytest.mark.parametrize("name", FIGURES)
def test_figure(figure, name):
    """One visit, as starting a figure takes longer than all that is tried."""
    place = figure(name)
    speaks(place)
    shares_the_page_with_another_of_its_kind(place)
    works_by_keyboard_with_visible_focus(place)
    is_never_wider_than_the_page(place)
    moves_and_nothing_breaks(place)


def speaks(place) -> None:
    words = said(place)
    assert len(words) > 20
    place.locator(HEARD, has_text=words[:30]).first.wait_for(state="attached")


def works_by_keyboard_with_visible_focus(place) -> None:
    controls = place.locator("input, select, button, [tabindex='0']").all()
    controls = [control for control in controls if control.is_visible() and control.is_enabled()]
    assert controls
    controls[0].focus()
    for i, control in enumerate(controls):
        has_focus, outline = control.evaluate(
            "element => [element === document.activeElement, parseFloat(getComputedStyle(element).outlineWidth)]"
        )
        assert has_focus, f"control {i} is not next"
        assert outline >= 2, f"control {i} does not show that it has the focus"
        place.page.keyboard.press("Tab")


def moves_and_nothing_breaks(place) -> None:
    for control in place.locator("input[type=range]:visible").all():
        for key in ("Home", "End", "ArrowLeft"):
            control.press(key)
    for control in place.locator("select:visible").all():
        for value in control.locator("option").evaluate_all("options => options.map(({ value }) => value)"):
            control.select_option(value)
    for control in place.locator("input[type=checkbox]:visible").all():
        control.click()
    for control in place.locator("[role=application]:visible").all():
        for key in ("ArrowDown", "ArrowRight", "ArrowUp", "ArrowLeft", "x"):
            control.press(key)
    for control in place.locator("button:visible:enabled").all():
        if control.is_visible() and control.is_enabled():
            control.click()
            place.page.evaluate(FRAME)  # in which it may turn off other buttons
    assert len(said(place)) > 10


def shares_the_page_with_another_of_its_kind(place) -> None:
    """A second model of the same class moves, ends and starts again, and the first stays as it is."""
    result = place.evaluate(
        """async (place) => {
          const { mount } = await import(new URL(document.querySelector("[data-host]").dataset.host, document.baseURI));
          const copy = document.createElement("div");
          // What the extension left on the page, before the figure took its place.
          const page = await (await fetch(location.href)).text();
          const original = new DOMParser().parseFromString(page, "text/html");
          const at = [...document.querySelectorAll(".interactive")].indexOf(place);
          copy.innerHTML = original.querySelectorAll(".interactive")[at].innerHTML;
          const script = copy.querySelector("script[type='application/json']");
          script.textContent = script.textContent.replaceAll(JSON.parse(script.textContent).view, "another");
          place.after(copy);
          const before = copy.innerHTML;
          const words = place.querySelector(".status").textContent;
          const answers = [];
          for (let times = 0; times < 3; times++) {
            const unmount = await mount(copy);
            answers.push(copy.querySelectorAll(".convbook-figure").length);
            const slider = copy.querySelector("input[type=range], select");
            if (slider.type === "range") slider.value = slider.max; else slider.selectedIndex = 1;
            slider.dispatchEvent(new Event(slider.type === "range" ? "input" : "change"));
            await new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)));
            unmount();
            answers.push(copy.innerHTML === before);
          }
          copy.remove();
          return [answers, place.querySelector(".status").textContent === words];
        }"""
    )
    assert result == [[1, True] * 3, True]


def is_never_wider_than_the_page(place) -> None:
    for width in (1440, 390, 700, 390, 1024, 390):
        place.page.set_viewport_size({"width": width, "height": 800})
    place.page.wait_for_timeout(100)
    assert place.page.evaluate("document.documentElement.scrollWidth") == 390
    wide = place.evaluate(
        """(place) => [...place.querySelectorAll("*")].filter((part) => {
          const { width, right } = part.getBoundingClientRect();
          return width > 0 && right > innerWidth + 1 && !part.closest(".heard");
        }).map((part) => part.outerHTML.slice(0, 100))"""
    )
    assert wide == []


@pytest.mark.parametrize("name", FIGURES)
def test_nothing_breaks_whatever_is_done_to_a_figure(figure, name):
    place = figure(name, has_touch=True)
    rng = random.Random(name)
    place.page.evaluate(STAY)
    done = [act(place.page, place, rng) for _ in range(40)]
    assert problems(place) == [], f"after {done}"


def test_without_javascript_there_is_a_picture_with_a_caption(browser, address):
    # It starts on an empty page, as the first one of the site would go on to another.
    with opened(browser, "about:blank", java_script_enabled=False) as (page, _):
        for name in sorted({*FIGURES.values()}):
            page.goto(f"{address}/chapters/{name}.html")
            figures = page.locator("figure:has(.interactive)")
            assert figures.count() == page.locator(".interactive").count()
            for i in range(figures.count()):
                picture = bring(figures.nth(i).locator("svg[role=img]"))
                assert picture.is_visible() and len(picture.get_attribute("aria-label")) > 20
                assert len(figures.nth(i).locator("figcaption").inner_text()) > 20


@pytest.mark.parametrize("name", ["convolution_stepper", "training_replay"])
def test_nothing_plays_by_itself_for_those_who_want_less_motion(figure, name):
    assert figure(name, reduced_motion="reduce").get_by_role("button", name="Play").count() == 0
    assert figure(name).get_by_role("button", name="Play").count() == 1


def test_stepper_counts_what_numpy_counts(figure):
    place = figure("convolution_stepper")
    before = said(place)
    place.get_by_role("button", name="Step", exact=True).click()
    assert said(place) != before
    place.get_by_label("Kernel by name").select_option("laplacian")
    place.get_by_label("Stride", exact=True).fill("2")
    place.get_by_label("Padding", exact=True).fill("1")
    target = place.get_by_role("application", name="Position in the feature map")
    for _ in range(3):
        target.press("ArrowUp")
    found = re.match(r"Row (\d+), column (\d+): .* to (−?[\d.]+)\.", said(place))
    row, column, total = (float(number.replace("−", "-")) for number in found.groups())
    digits = mnist.load()
    seven = digits.test_images[int((digits.test_labels == 7).argmax())] / 255
    window = np.pad(seven, 1)[int(row) * 2 :, int(column) * 2 :][:3, :3]
    assert total == pytest.approx((window * [[0, 1, 0], [1, -4, 1], [0, 1, 0]]).sum(), abs=0.006)
    assert "= 14" in place.locator(".formula").inner_text()
    products = [float(text.strip("= ").replace("−", "-")) for text in place.locator(".product b").all_inner_texts()]
    np.testing.assert_allclose(products, (window * [[0, 1, 0], [1, -4, 1], [0, 1, 0]]).ravel(), atol=0.006)


def test_a_press_holds_the_position_of_the_stepper(figure):
    place = figure("convolution_stepper")
    target = place.get_by_role("application", name="Position in the feature map")
    box = target.bounding_box()
    mouse = place.page.mouse

    def point(row: float, column: float) -> None:
        mouse.move(box["x"] + box["width"] * (column + 0.5) / 26, box["y"] + box["height"] * (row + 0.5) / 26)

    point(5, 5)
    assert said(place).startswith("Row 5, column 5:")
    mouse.down()
    mouse.up()
    point(20, 3)
    image = place.get_by_role("application", name="Position of the kernel on the image").bounding_box()
    mouse.move(image["x"] + 5, image["y"] + 5)
    assert said(place).startswith("Row 5, column 5:")
    point(5, 5)
    mouse.down()
    mouse.up()  # a second press there lets it go
    point(20, 3)
    assert said(place).startswith("Row 20, column 3:")


def test_stepper_stays_where_it_is_when_its_geometry_changes(figure):
    place = figure("convolution_stepper")
    before = said(place)
    place.get_by_label("Padding", exact=True).fill("3")
    assert said(place) == before.replace("Row 13, column 15", "Row 16, column 18")
    place.get_by_label("Stride", exact=True).fill("4")
    assert said(place).startswith("Row 4, column 5:")
    place.get_by_label("Stride", exact=True).fill("1")
    place.get_by_label("Padding", exact=True).fill("0")
    assert re.match(r"Row 1[2-4], column 1[4-7]:", said(place))


def test_stepper_plays_and_pauses(figure):
    place = figure("convolution_stepper")
    place.get_by_role("button", name="Play").click()
    before = said(place)
    place.page.wait_for_timeout(700)
    assert said(place) != before
    place.get_by_role("button", name="Pause").click()
    before = said(place)
    place.page.wait_for_timeout(700)
    assert said(place) == before


def test_stepper_says_why_a_kernel_does_not_fit(figure):
    place = figure("convolution_stepper")
    place.get_by_label("Kernel size").select_option("5")
    place.get_by_label("Dilation", exact=True).fill("8")
    assert "The kernel spans 33 pixels, but the padded image has only 28" in said(place)
    place.get_by_label("Padding", exact=True).fill("4")
    assert "Row" in said(place)


@pytest.mark.parametrize("nonsense", ["abc", "", "NaN", "Infinity", "1e9", "--1"])
def test_a_weight_that_is_no_number_is_explained_and_changes_nothing(figure, nonsense):
    place = figure("convolution_stepper")
    before = said(place)
    box = place.get_by_label("Kernel, row 1, column 1")
    box.fill(nonsense)
    assert place.get_by_text("Kernel, row 1, column 1: type a number from −1000 to 1000.").is_visible()
    assert box.get_attribute("aria-invalid") == "true"
    assert said(place) == before
    box.fill("-2.5")
    assert place.get_by_text("type a number").count() == 0
    assert said(place) != before


def picture(place, width: int, height: int) -> bytes:
    """Let the browser draw a PNG."""
    text = place.page.evaluate(
        """async ([width, height]) => {
          const canvas = new OffscreenCanvas(width, height);
          const context = canvas.getContext("2d");
          context.fillStyle = "#fff";
          context.fillRect(0, 0, width / 2, height);
          const reader = new FileReader();
          reader.readAsBinaryString(await canvas.convertToBlob());
          await new Promise((done) => (reader.onload = done));
          return reader.result;
        }""",
        [width, height],
    )
    return text.encode("latin-1")


def test_lab_takes_a_picture_of_the_readers(figure):
    place = figure("kernel_lab")
    assert place.get_by_role("combobox", name="Picture").input_value() == "a scene"
    place.get_by_label("Kernel by name").select_option("sobel_vertical")
    png = {"name": "half.png", "mimeType": "image/png", "buffer": picture(place, 100, 60)}
    place.locator("input[type=file]").set_input_files(png)
    place.page.wait_for_function("document.querySelector('.interactive canvas').width === 100")
    assert "The strongest output here is 4." in said(place)
    assert place.get_by_role("combobox", name="Picture").input_value() == ""
    place.get_by_role("application", name="Position in the output").press("ArrowRight")
    assert "Row 29, column 50: the products add up to 0.00." in said(place)
    place.get_by_role("combobox", name="Picture").select_option("a digit")
    place.page.wait_for_function("document.querySelector('.interactive canvas').width === 28")


@pytest.mark.parametrize(
    ("name", "content", "words"),
    [
        ("notes.png", b"this is no picture", "notes.png is not a picture that this browser can read"),
        ("empty.png", b"", "empty.png is not a picture that this browser can read"),
        ("huge.png", (10_000, 10_000), "huge.png has 10000 × 10000 pixels, more than 40 million"),
    ],
)
def test_lab_says_what_is_wrong_with_a_file(figure, name, content, words):
    place = figure("kernel_lab")
    before = said(place)
    content = picture(place, *content) if isinstance(content, tuple) else content
    place.locator("input[type=file]").set_input_files({"name": name, "mimeType": "image/png", "buffer": content})
    place.get_by_text(words).first.wait_for()
    assert said(place) == before


def test_two_agree_with_one_only_without_a_relu(figure):
    place = figure("two_or_one")
    assert said(place) == "The two outputs are the same at every pixel."
    place.get_by_label("ReLU after the first").check()
    assert "The outputs differ" in said(place)
    place.get_by_label("ReLU after the first").uncheck()
    place.get_by_label("The 5 × 5, row 2, column 2").fill("3")
    assert "The outputs differ" in said(place)
    place.get_by_role("button", name="Make the 5 × 5").click()
    assert said(place) == "The two outputs are the same at every pixel."


def test_an_edited_weight_leaves_the_others_as_they_are(figure):
    """The boxes show three decimals; a 16th has four."""
    place = figure("two_or_one")
    box = place.get_by_label("The 5 × 5, row 2, column 2")
    box.fill("3")
    assert "The outputs differ" in said(place)
    box.fill("0")
    assert said(place) == "The two outputs are the same at every pixel."


def test_a_weight_in_the_making_stays_while_the_figure_moves(figure):
    place = figure("convolution_stepper")
    place.get_by_role("button", name="Play").click()
    box = place.get_by_label("Kernel, row 0, column 0")
    box.fill("-")
    before = said(place)
    place.page.wait_for_timeout(700)
    assert said(place) != before
    assert box.input_value() == "-" and place.get_by_text("type a number").is_visible()


def test_mixer_without_weights_shows_the_bias(figure):
    place = figure("channel_mixer")
    place.get_by_role("button", name="All weights 0").click()
    place.get_by_label("Bias", exact=True).fill("1.5")
    assert said(place).startswith("Σ weight × map + bias: from 1.50 to 1.50, and 100 %")
    place.get_by_label("Filter", exact=True).select_option("3")
    assert "from 1.50 to 1.50" not in said(place)


def bars_of(place) -> str:
    said(place)
    return place.locator(".bars").inner_text()


def seen(layer: str, row: int, column: int) -> str:
    """Return which pixels of the digit a unit of the notes' network can see, as the strip says it."""
    stage = {stage.name: stage for stage in trace(stack_of(load().layers))}[layer]
    first = [stage.start + at * stage.jump for at in (row, column)]
    rows, columns = (f"{max(at, 0)}–{min(at + stage.receptive_field, 28) - 1}" for at in first)
    return f"can see rows {rows}, columns {columns} of the digit"


def test_strip_reads_a_drawing_by_mouse_and_by_keyboard(figure):
    place = figure("network_strip")
    assert said(place).startswith("The network says 7")
    pad = place.locator(".pad canvas")
    pad.evaluate("pad => pad.scrollIntoView({ block: 'center', behavior: 'instant' })")
    box = pad.bounding_box()
    mouse = place.page.mouse
    mouse.move(box["x"] + box["width"] / 2, box["y"] + 30)
    mouse.down()
    mouse.move(box["x"] + box["width"] / 2, box["y"] + box["height"] - 30, steps=10)
    mouse.up()
    assert said(place).startswith("The network says 1")
    mouse.move(box["x"] + 20, box["y"] + box["height"] / 2)
    mouse.down()
    mouse.move(box["x"] + box["width"] - 20, box["y"] + box["height"] / 2, steps=10)
    mouse.up()
    both = bars_of(place)
    place.get_by_role("button", name="Undo the last stroke or the clearing").click()
    assert bars_of(place) != both and said(place).startswith("The network says 1")
    place.page.wait_for_timeout(500)  # the address follows after a rest
    place.page.wait_for_url(re.compile(r"#fig-live-maps:drawn=[\w.-]+$"))
    drawn = bars_of(place)
    place.page.reload()
    place = start_figure(place.page, "network_strip")
    place.get_by_text("The network says 1").first.wait_for()
    assert bars_of(place) == drawn  # the address keeps the drawing
    pad = place.locator(".pad canvas")
    undo = place.get_by_role("button", name="Undo the last stroke or the clearing")
    place.get_by_role("button", name="A 4 from the test set").click()
    assert said(place).startswith("The network says 4")
    place.get_by_role("button", name="Clear the pad").click()
    assert said(place).startswith("The pad is empty, and still the network answers")
    pad.focus()
    for key in ["ArrowUp"] * 9 + [" "] + ["ArrowDown"] * 18 + [" "]:
        place.page.keyboard.press(key)
    assert said(place).startswith("The network says 1")
    for name, words in (("Clear the pad", "The pad is empty"), ("A 4 from the test set", "The network says 4")):
        place.get_by_role("button", name=name).click()
        assert said(place).startswith(words)
        undo.click()  # the drawing is back
        assert said(place).startswith("The network says 1")


def test_strip_reads_a_drawing_by_touch(figure):
    place = figure("network_strip", has_touch=True, viewport={"width": 390, "height": 800})
    pad = place.locator(".pad canvas")
    pad.scroll_into_view_if_needed()
    pad.tap()
    assert not said(place).startswith("The network says 7")


def test_three_keys_lead_from_the_network_to_one_product_and_escape_leads_back(figure):
    place = figure("network_strip")
    strip = place.get_by_role("application", name="The network.")
    for _ in range(5):
        strip.press("ArrowRight")
    assert said(place).startswith("conv6, map 0, unit (3, 3) · after ReLU: ")
    assert f"each of 16 normalised maps and {seen('conv6', 3, 3)} (14 × 14 pixels)." in said(place)
    strip.press("Enter")
    strip.press("ArrowRight")
    assert said(place).startswith("conv6, map 1, unit (3, 3)")
    strip.press("Enter")
    strip.press("ArrowDown")
    strip.press("Enter")
    assert place.page.url.endswith(":conv6/1/4,3")
    largest = r"Largest in size of 144 products: conv5, map \d+, unit \(\d, \d\) · normalised: \S+ × weight \S+ = \S+\."
    assert re.match(largest, said(place)) and seen("conv6", 4, 3) in said(place)
    assert place.locator(".products table").count() == 16
    # Arrow keys go to what lies in their direction.
    pointed = place.locator(".products td.pointed")
    strip.press("ArrowUp")
    place.locator(".products td").first.hover()
    place.page.wait_for_timeout(100)
    first = pointed.bounding_box()
    for key, axis in (("ArrowDown", "y"), ("ArrowRight", "x")):
        for _ in range(5):
            before = pointed.bounding_box()
            strip.press(key)
            place.page.evaluate(FRAME)
            after, other = pointed.bounding_box(), "xy".replace(axis, "")
            assert after[axis] > before[axis] and after[other] == pytest.approx(first[other], abs=30)
        first = after
    for level in (2, 1, 0):
        strip.press("Escape")
        assert place.locator(".strip-path li").count() == level + 1
    place.page.wait_for_url("**#fig-live-maps")


def test_back_goes_up_by_a_step_and_passes_over_those_that_escape_took_back(figure):
    place = figure("network_strip")
    page = place.page
    before = page.url
    strip = place.get_by_role("application", name="The network.")
    steps = place.locator(".strip-path li")
    for key in ["Enter", "Enter", "Enter", "Escape"]:
        strip.press(key)
    assert steps.count() == 3
    for level in (1, 0):
        page.go_back()
        place.locator(f".strip-path li:nth-child({level + 1}):last-child").wait_for()
    assert page.url.split("#")[0] == before.split("#")[0]
    page.go_forward()
    place.locator(".strip-path", has_text="conv1").wait_for()


def test_what_is_said_while_pointing_belongs_to_the_unit_that_is_pointed_at(browser, address):
    with opened(browser, f"{address}/chapters/05-feature-maps.html#fig-live-maps:conv8/11/0,1") as (page, wrong):
        place = page.locator(".interactive[data-figure=network_strip]")
        place.locator(".strip-path", has_text="unit (0, 1)").wait_for()
        strip = place.get_by_role("application", name="The network.")
        strip.press("Escape")
        page.wait_for_timeout(400)  # for the way between the levels

        def used() -> np.ndarray:
            box = strip.bounding_box()
            clip = {"x": box["x"] + 7, "y": box["y"] + 164, "width": 112, "height": 112}
            return np.asarray(Image.open(io.BytesIO(page.screenshot(clip=clip))).convert("RGB"), int)

        words, picture = said(place), used()
        strip.press("ArrowDown")
        strip.press("ArrowDown")
        assert said(place) != words
        assert np.abs(used() - picture).max() > 20
        box = strip.bounding_box()
        page.mouse.move(box["x"] + box["width"] - 99, box["y"] + 21)  # unit (0, 1) of the map at the right
        assert said(place) == words
        assert np.abs(used() - picture).max() < 5  # a browser does not paint twice quite the same
        assert wrong == []


def test_three_clicks_lead_from_the_network_to_one_product(figure):
    place = figure("network_strip")
    stage = place.locator(".strip-stage")

    def press(across: float, down: float) -> None:
        box = stage.bounding_box()
        stage.click(position={"x": across * box["width"], "y": down * box["height"]})
        place.page.wait_for_timeout(350)

    press(0.22, 0.3)
    press(0.5, 0.4)
    assert place.locator(".strip-path li").all_inner_texts()[1] == "conv1"
    press(0.92, 0.2)
    assert place.locator(".strip-path li").count() == 4
    assert said(place).startswith("Largest in size of 9 products: digit, pixel (")


def test_an_address_opens_its_place(browser, address):
    with opened(browser, f"{address}/chapters/05-feature-maps.html#fig-live-maps:conv5/3/4,7") as (page, wrong):
        place = page.locator(".interactive[data-figure=network_strip]")
        place.locator(".strip-path", has_text="unit (4, 7)").wait_for()
        assert place.bounding_box()["y"] < 700
        assert wrong == []


def test_what_the_strip_turns_off_changes_the_probabilities(browser, address):
    with opened(browser, f"{address}/chapters/05-feature-maps.html#fig-live-maps:conv1") as (page, wrong):
        place = page.locator(".interactive[data-figure=network_strip]")
        place.locator(".strip-path", has_text="conv1").wait_for()
        before = bars_of(place)
        switch = place.get_by_role("button", name="Turn the ReLU off")
        where = switch.bounding_box()
        switch.click()
        assert said(place).startswith("conv1: 16 maps of 26 × 26 · ReLU turned off.")
        assert place.locator(".best").inner_text().startswith("8")  # without the ReLU of conv1 it is no 7 any more
        assert said(place, 1).startswith("Turned off: the ReLU of conv1. The score of 7 was ")
        on = place.get_by_role("button", name="Turn the ReLU on").bounding_box()
        ends = [each["x"] + each["width"] for each in (where, on)]
        assert ends[0] == pytest.approx(ends[1], abs=1)  # it is still under the pointer
        place.get_by_role("button", name="All on").click()
        assert bars_of(place) == before and said(place, 1) == ""
        # By the number below a map, and by the space bar for the one that is chosen.
        box = place.locator(".strip-stage").bounding_box()
        page.mouse.click(box["x"] + 190, box["y"] + 100)
        assert said(place, 1).startswith("Turned off: map 0 of conv1.")
        page.keyboard.press(" ")
        assert said(place, 1) == ""
        page.keyboard.press(" ")
        page.keyboard.press("Enter")
        assert said(place).startswith("conv1, map 0, unit (12, 12) · map turned off: 0.")
        assert "but here none of them changes it, because this map is turned off." in said(place)
        assert wrong == []


def test_strip_compares_a_digit_before_and_after_a_shift(figure):
    place = figure("network_strip")
    button = lambda name: place.get_by_role("button", name=name, exact=True)  # noqa: E731
    before = bars_of(place)
    for way in ["down"] * 3 + ["left"]:
        button(f"Shift the digit {way}").click()
    assert said(place, 1).startswith("Shifted by 3 down and 1 left. Marks on the bars: before the shift (7, with ")
    button("Difference").click()
    assert said(place).startswith("Now minus before the shift")
    for way in ["up"] * 3 + ["right"]:
        button(f"Shift the digit {way}").click()
    assert bars_of(place) == before  # what had left the frame is back
    assert said(place, 1) == "" and place.locator(".other:visible").count() == 0
    button("Shift the digit up").click()
    button("A 9 from the test set").click()  # the marks of the 7 go with it
    assert said(place, 1) == "" and place.locator(".other:visible").count() == 0
    button("Keep this digit to compare").click()
    button("Difference").click()
    assert said(place).startswith("No difference yet")
    button("A 2 from the test set").click()
    assert said(place).startswith("Now minus the kept digit")
    button("Forget the kept digit").click()
    assert said(place).startswith("The network says 2")


def test_the_average_use_of_the_strip_is_that_of_chapter_7(figure):
    place = figure("network_strip")
    place.get_by_role("button", name="Average over many digits").click()
    place.get_by_text("The mean over 100 digits").first.wait_for()  # a moment later screen readers hear it too
    strip = place.get_by_role("application", name="The network.")
    for key in ["ArrowRight"] * 5 + ["Enter", "Enter"]:
        strip.press(key)
    digits = mnist.to_input(mnist.load().test_images[:100])
    influence = np.sort(effective_field(load(), "conv6", digits, (3, 3)).ravel())[::-1]
    half = 1 + int((np.cumsum(influence) < influence.sum() / 2).sum())
    place.get_by_text(f"; {half} of them carry half of its gradient.").first.wait_for()


def test_other_networks_load_when_they_are_chosen(browser, address):
    with opened(browser, f"{address}/intro.html") as (page, wrong):
        loaded = []
        page.on("response", lambda response: loaded.append(response.url) if response.url.endswith(".bin") else None)
        place = page.locator(".interactive[data-figure=network_strip]")
        place.locator(".strip").wait_for()
        before = len(loaded)
        place.get_by_label("Network", exact=True).select_option(label="compact_20k, 19,850 parameters")
        page.wait_for_function("document.querySelector('.strip .status').textContent.startsWith('The network says')")
        page.wait_for_timeout(300)
        assert len(loaded) == before + 1
        place.get_by_role("button", name="A 3 from the test set").click()
        place.get_by_role("button", name="Shift the digit left").click()
        for key in ["Enter", "Enter", " ", "Enter"]:
            place.locator(".strip-stage").press(key)
        words, bars = said(place), bars_of(place)
        page.wait_for_url(re.compile(r"#fig-strip:\w+/0/\d+,\d+;network=compact_20k;digit=3;shift=0,-1;off=\w+/0$"))
        page.reload()
        place.get_by_text(words).first.wait_for()
        assert bars_of(place) == bars and said(place, 1).startswith("Turned off: map 0 of ")
        assert "Shifted by 1 left." in said(place, 1)
        assert wrong == []


@pytest.mark.parametrize("width", [390, 768, 1440])
def test_nothing_on_the_landing_page_moves_when_the_strip_comes(browser, address, width):
    with opened(browser, f"{address}/404-for-the-observer.html") as (page, _):
        page.set_viewport_size({"width": width, "height": 900})
        page.add_init_script(
            "window.shifts = []; new PerformanceObserver((list) => { for (const entry of list.getEntries()) "
            "shifts.push(entry.value); }).observe({ type: 'layout-shift', buffered: true });"
        )
        page.goto(f"{address}/intro.html")
        page.locator(".strip").wait_for()
        page.wait_for_timeout(500)
        assert page.evaluate("shifts.reduce((a, b) => a + b, 0)") < 0.02


def test_stack_editor_explains_what_does_not_fit(figure):
    place = figure("stack_editor")
    assert "the last layer sees 11 × 11 pixels; its neighbours' fields are 1 pixel away" in said(place)
    place.get_by_label("Start from").select_option("the network of the notes")
    assert "sees 28 × 28 pixels, the whole width of a digit or more; it is the only unit of its map" in said(place)
    place.get_by_label("kernel of layer 1").fill("20")
    assert said(place).startswith("Layer 6 does not fit: it gets 1 × 1")
    for nonsense in ("0", "-3", "2.5", ""):
        place.get_by_label("kernel of layer 1").fill(nonsense)
        assert said(place) == "The kernel of layer 1 must be a whole number from 1 to 28."
    kernel = place.get_by_label("kernel of layer 1")
    kernel.press("Tab")
    assert kernel.input_value() == "20"  # the last that was good is back
    assert place.get_by_label("stride of layer 1").evaluate("(box) => box === document.activeElement")
    kernel.fill("3")
    assert said(place).startswith("A unit of layer 1 sees 3 × 3 pixels")  # as its row is marked
    place.get_by_label("Start from").focus()
    place.get_by_label("Start from").select_option("the same, with a common mistake beside it")
    assert said(place).startswith("A unit of the last layer sees 28 × 28 pixels")
    assert "The mistaken rule goes wrong in layer 4." in said(place)
    for _ in range(9):
        place.get_by_role("button", name="Remove the last layer").click()
    assert said(place).startswith("No layers")
    assert place.get_by_role("button", name="Remove the last layer").is_disabled()


def test_the_cone_marks_the_field_of_the_row_that_is_pointed_at(figure):
    place = figure("stack_editor")
    place.get_by_label("kernel of layer 2").focus()
    marked = place.locator(".cone .at")
    assert [marked.get_attribute(name) for name in ("width", "height")] == ["5", "5"]
    assert place.locator(".cone .field").count() == 5


def result(place) -> str:
    """Wait until the softmax model is trained with the settings that have just been made; returns what is said then."""
    said(place)
    place.locator(SEEN, has_text=re.compile("^After ")).wait_for(timeout=60_000)
    return said(place)


def losses(sentence: str) -> tuple[float, float]:
    """Return the training loss and the validation loss that a sentence starts with."""
    found = re.match(
        r"After [\d,]+ steps? the loss is ([\d.]+) on the training digits and ([\d.]+) on the val", sentence
    )
    return float(found[1]), float(found[2])


def set_stop(place, name: str, words: str) -> None:
    """Move a slider over a list of values until it says a value."""
    slider = place.get_by_label(name, exact=True)
    for at in range(int(slider.get_attribute("max")) + 1):
        slider.fill(str(at))
        if slider.get_attribute("aria-valuetext") == words:
            return
    pytest.fail(f"{name} does not offer {words}")


def test_schedule_of_the_notes_goes_through_their_log(figure):
    place = figure("softmax_training")
    rates, measured = place.locator(".hint").all()
    assert "it goes through all twenty points" in rates.inner_text()
    place.get_by_label("Decay", exact=True).fill("0.5")
    result(place)
    assert "it goes through" not in rates.inner_text() and "In sum, the 20 rates are" in rates.inner_text()
    assert "was not trained with such rates" in measured.inner_text()
    place.get_by_label("Schedule", exact=True).select_option("one_cycle")
    result(place)
    assert "the highest is 1.00" in rates.inner_text()
    assert measured.inner_text().count("(") == 4  # the other schedules


def test_the_softmax_model_loads_its_digits_when_a_setting_changes(browser, address):
    with opened(browser, f"{address}/chapters/{FIGURES['softmax_training']}.html") as (page, wrong):
        loaded = []
        page.on("response", lambda answer: loaded.append(answer) if answer.url.endswith(".bin") else None)
        place = start_figure(page, "softmax_training")
        first = losses(result(place))
        assert loaded == []
        place.get_by_label("Epochs", exact=True).press("ArrowLeft")
        assert losses(result(place)) != first and "Before, with 20 epochs, it was" in said(place)
        assert [len(answer.body()) < 600_000 for answer in loaded] == [True]
        place.get_by_label("Epochs", exact=True).press("ArrowRight")
        assert losses(result(place)) == first
        assert wrong == []


def test_the_softmax_model_does_what_the_chapter_asks_its_readers_to_foresee(figure):
    place = figure("softmax_training")
    training, validation = losses(result(place))
    set_stop(place, "Batch size", "1")
    single = result(place)
    assert losses(single)[0] < training / 10 and losses(single)[1] > 3 * validation
    assert "overfit" in single
    set_stop(place, "Batch size", "128")
    place.get_by_label("Schedule", exact=True).select_option("constant")
    set_stop(place, "Base rate", "2")
    assert "the training loss often rises" in result(place)
    place.get_by_label("Schedule", exact=True).select_option("inverse_time")
    falling = result(place)
    assert "rises" not in falling
    place.get_by_label("Order of the digits", exact=True).select_option("sorted")
    assert losses(result(place))[0] > 2 * losses(falling)[0]
    set_stop(place, "Batch size", "2,000")
    ends = losses(result(place))
    place.get_by_label("Order of the digits", exact=True).select_option("shuffled")
    assert losses(result(place)) == ends
    place.get_by_label("Schedule", exact=True).select_option("constant")
    set_stop(place, "Base rate", "20")
    assert "worse than knowing nothing" in result(place)


def test_replay_loads_nothing_before_it_is_asked_to(browser, address):
    with opened(browser, f"{address}/chapters/09-train-the-network.html") as (page, wrong):
        loaded = []
        page.on("response", lambda response: loaded.append(response) if response.url.endswith(".bin") else None)
        place = page.locator(".interactive[data-figure=training_replay]")
        place.scroll_into_view_if_needed()
        button = place.get_by_role("button", name=re.compile(r"Load the interactive figure \(1\.\d MB\)"))
        button.wait_for()
        assert loaded == []
        blank = place.evaluate(
            "place => place.offsetHeight - place.querySelector('svg').getBoundingClientRect().height"
        )
        assert blank < 100, f"{blank:.0f} pixels of the page are kept before anybody asks for the figure"
        button.click()
        place.locator(".convbook-figure").wait_for()
        assert max(len(response.body()) for response in loaded) > 1_000_000
        assert wrong == []


def test_replay_starts_at_the_first_epoch_and_ends_as_the_page_says(figure):
    place = figure("training_replay")
    assert said(place).startswith("After epoch 1 ")
    place.get_by_label("Epoch", exact=True).fill("20")
    assert said(place).startswith("After epoch 20") and "wrong on 24 of these 24" in said(place)
    place.locator(".chart > svg").first.click(position={"x": 62, "y": 60})  # the left end of the timeline
    assert said(place).startswith("After epoch 1 ")


def test_the_point_of_the_playground_can_be_dragged(figure):
    place = figure("activation_playground")
    chart = place.locator(".chart > svg").first
    box = chart.bounding_box()
    mouse = place.page.mouse
    mouse.move(box["x"] + box["width"] / 2, box["y"] + 50)
    mouse.down()
    mouse.move(box["x"] + box["width"] - 14, box["y"] + 50, steps=4)  # 14 pixels are beside the axes
    mouse.up()
    assert said(place) == "At z = 5 the function gives 5 and its slope is 1."


def test_neither_point_of_the_playground_hides_the_other(figure):
    """Where the function and its slope meet, and where the function is steepest."""
    place = figure("activation_playground")
    for z in ("1", "5"):
        place.get_by_label("Input z", exact=True).fill(z)
        said(place)
        for part in (".where", ".dot"):
            assert place.locator(f".chart > svg {part}").first.evaluate(
                """part => {
                  const { left, width, top, height } = part.getBoundingClientRect();
                  const found = document.elementsFromPoint(left + width / 2, top + height / 2);
                  return found.includes(part) && (found[0] === part || part.matches(".where"));
                }"""
            ), f"{part} at z = {z}"


def test_a_slope_that_is_too_small_for_the_computer_is_not_called_dead(figure):
    place = figure("activation_playground")
    assert "units are dead" in said(place, 1)
    place.get_by_label("Function", exact=True).select_option("gelu")
    place.get_by_label("Layers", exact=True).fill("20")
    assert "dead" not in said(place, 1)


def test_a_dropped_seed_changes_means_and_intervals(figure):
    place = figure("seed_intervals")
    rows = results.table("second_block").query("epoch == 20")
    scores = 100 * rows.pivot_table("test_accuracy", "variant", "seed")
    one, other = scores.loc["32 kernels"], scores.loc["16 kernels"]

    def expect(test, one, other, **options) -> None:
        low, high = test(one, other, **options).confidence_interval()
        numbers = re.findall(r"−?\d+\.\d\d", said(place))
        shown = [float(number.replace("−", "-")) for number in numbers]
        np.testing.assert_allclose(shown, [abs(one.mean() - other.mean()), low, high], atol=0.0051)

    expect(stats.ttest_ind, one, other, equal_var=False)
    place.get_by_label("Compare the runs seed by seed (paired)").check()
    expect(stats.ttest_rel, one, other)
    place.get_by_role("button", name="Seed 3").click()
    assert said(place).startswith("With 4 seeds")
    expect(stats.ttest_rel, one.drop(3), other.drop(3))
    place.get_by_role("button", name="Seed 3").click()
    expect(stats.ttest_rel, one, other)


def test_a_run_of_the_frontier_tells_its_recipe_and_its_cost(figure):
    place = figure("frontier")
    place.get_by_role("combobox", name="Recipe").select_option("compact_4k")
    place.get_by_label("Run", exact=True).fill("3")
    rows = results.table("compact_4k").query("seed == 3 and epoch == 40")
    assert said(place).startswith(f"compact_4k, seed 3: {100 * rows['test_accuracy'].item():.2f}\u00a0%")
    assert "40 epochs in batches of 128" in place.inner_text()
    assert f"{rows['parameters'].item():,}" in place.inner_text()
    chart = place.locator(".chart > svg")
    box = chart.bounding_box()
    chart.click(position={"x": 60, "y": 20})  # the cheapest and worst corner
    assert said(place).startswith("compact_2k")
    chart.click(position={"x": box["width"] - 20, "y": box["height"] - 60})
    assert said(place).startswith("compact_20k")


def test_a_figure_that_cannot_be_loaded_says_so_and_keeps_its_picture(browser, address):
    with opened(browser, f"{address}/chapters/glossary.html") as (page, _):
        page.route("**/*.bin", lambda route: route.fulfill(status=503))
        page.goto(f"{address}/chapters/05-feature-maps.html")
        place = page.locator(".interactive")
        place.scroll_into_view_if_needed()
        place.get_by_text("This figure could not be loaded").wait_for()
        assert "503" in place.get_by_role("alert").inner_text()
        assert place.locator("svg[role=img]").is_visible()


def test_the_module_of_a_figure_is_small(site: Path):
    files = [*site.glob("_static/figures/*.js"), site / "_static" / "host.js"]
    assert len(files) == len(FIGURES) + 2  # the host, and what the figures' own pages load
    assert max(len(gzip.compress(file.read_bytes())) for file in files) < 24_000


def test_pages_load_no_host_that_they_do_not_need(site: Path):
    texts = {path.stem: path.read_text(encoding="utf-8") for path in site.rglob("*.html")}
    assert {name for name, text in texts.items() if "/host.js" in text} == {
        *(Path(page).name for page in FIGURES.values()),
        *(Path(page).name for page in PARTS),
        *(page.stem for page in site.glob("figures/*.html")),
        "intro",
    }
    assert not any("html-manager" in text for text in texts.values())


# The host, tried with a widget that takes all that anywidget hands out.
FOREIGN = """
export default async () => ({
  initialize({ model }) {
    heard.push(`initialize ${model.get("name")}`);
    model.set("count", model.get("count") + 1);
    return { twice: () => 2 * model.get("count") };
  },
  render(view) {
    views.push(view);
    view.el.textContent = `${view.model.get("name")} ${view.model.get("count")}`;
    view.signal.addEventListener("abort", () => heard.push("aborted"));
    return () => heard.push("cleared");
  },
});
"""
MODELS = {
    "parent": {
        "esm": "/foreign.js",
        "css": "data:text/css,.foreign { color: rgb(1, 2, 3) }",
        "state": {
            "name": "parent",
            "count": 1,
            "rows": [{"data": None}, "text"],
            "child": "anywidget:child",
            "plain": "IPY_MODEL_plain",
            "closed": "anywidget:closed",
        },
        "buffers": [{"path": ["rows", 0, "data"], "url": "data:application/octet-stream;base64,AQID", "bytes": 0}],
    },
    "child": {"esm": "/foreign.js", "state": {"name": "child", "count": 20}, "buffers": []},
    "plain": {"state": {"value": 4}, "buffers": []},
}
START = """
async (models) => {
  window.heard = [];
  window.views = [];
  window.said = (promise) => promise.then(() => "resolved", (error) => error.message);
  const { mount } = await import(new URL(document.querySelector("[data-host]").dataset.host, document.baseURI));
  const places = [1, 2].map(() => {
    const place = document.createElement("div");
    place.className = "foreign";
    place.innerHTML = `picture<script type="application/json">${JSON.stringify({ view: "parent", models })}</script>`;
    document.body.append(place);
    return place;
  });
  window.places = places;
  window.ends = [await mount(places[0]), await mount(places[1])];
}
"""


@pytest.fixture
def host(browser, address):
    """A page with two views of a widget that holds another one, and an ordinary ipywidget."""
    with opened(browser, f"{address}/chapters/01-convolution.html") as (page, wrong):
        page.route("**/foreign.js", lambda route: route.fulfill(body=FOREIGN, content_type="text/javascript"))
        page.evaluate(START, MODELS)
        yield page
        assert wrong == []


def test_the_host_initializes_a_model_once_and_shows_each_view(host):
    shown = "() => [heard.sort(), places.map((place) => place.textContent), getComputedStyle(places[0]).color]"
    assert host.evaluate(shown) == [["initialize child", "initialize parent"], ["parent 2"] * 2, "rgb(1, 2, 3)"]
    host.evaluate("() => ends[0]()")
    ended = "() => [heard.slice(2), places.map((place) => place.firstChild.textContent)]"
    assert host.evaluate(ended) == [["aborted", "cleared"], ["picture", "parent 2"]]


def test_a_model_of_the_host_tells_what_changes(host):
    said = host.evaluate(
        """() => {
          const said = [];
          const [{ model }, { model: other }] = views;
          const again = () => said.push("again");
          model.on("change:count change:name", (its, value) => said.push(value));
          model.on("change:count", again);
          model.on("change", () => said.push("change"));
          other.on("change:count", () => said.push("other"));
          model.on("msg:custom", () => said.push("message"));
          model.set("count", 2); // it is 2
          const { buffer } = Uint8Array.of(9, 1, 2, 3);
          model.set("rows", [{ data: new DataView(buffer, 1) }, "text"]);
          model.send({ hello: "kernel" });
          model.save_changes();
          model.set({ count: 3, name: "new" });
          model.off("change:count", again);
          model.off("change");
          model.set("count", 4);
          model.off("change:count");
          model.set("count", 5);
          model.set("name", "newer");
          model.off();
          other.set("name", "newest");
          model.set("rows", []);
          return said;
        }"""
    )
    assert said == [3, "again", "other", "new", "change", 4, "other", "other", "newer"]


def test_bytes_and_other_models_reach_a_widget(host):
    assert host.evaluate(
        """async () => {
          const [{ model, host }] = views;
          const { data } = model.get("rows")[0];
          const plain = await model.widget_manager.get_model(model.get("plain").slice("IPY_MODEL_".length));
          const child = await host.getModel(model.get("child"));
          const { exports, render } = await host.getWidget(model.get("child"));
          const el = document.createElement("div");
          await render({ el });
          return [data instanceof DataView, data.getUint8(2), plain.get("value"), child.get("count"), exports.twice(),
            el.textContent];
        }"""
    ) == [True, 3, 4, 21, 42, "child 21"]


def test_what_needs_a_kernel_fails_in_plain_words(host):
    assert host.evaluate(
        """async () => {
          const [{ model, host, experimental }] = views;
          return Promise.all([
            said(experimental.invoke("fit", {})),
            said(host.getWidget(model.get("closed"))),
            said(host.getWidget("anywidget:plain")),
            said(host.getModel(model.get("plain"))),
            said(model.widget_manager.get_model("closed")),
          ]);
        }"""
    ) == [
        "there is no kernel on this page that could run the command fit",
        "this page holds no widget model closed",
        "the widget model plain is no anywidget, so it has no view here",
        '"IPY_MODEL_plain" is no reference to a widget',
        "this page holds no widget model closed",
    ]
