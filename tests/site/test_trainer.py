"""The figure that trains the network: a run on the page, its settings, its file, and what can go wrong."""

import base64
import json
import re
import struct

import numpy as np
import pytest

from convbook.inference import forward, network_of, record
from convbook.widgets.trainer import Trainer, sample

from .browser import opened

BUTTON = {name: re.compile(f"^{name}$") for name in ("Train", "Pause", "Go on", "One step", "Stop", "Train again")}
SHORT = "digits=500&epochs=2&batch_size=64"  # a second or two


@pytest.fixture
def trainer(browser, address):
    """Open the page of the figure; fails if the page did anything wrong."""
    ends = []

    def start(settings: str = ""):
        hash = f"#fig-trainer:{settings}" if settings else ""
        opening = opened(browser, f"{address}/figures/trainer.html{hash}")
        page, wrong = opening.__enter__()
        ends.append((opening, wrong))
        place = page.locator(".trainer")
        place.wait_for()
        return place

    yield start
    for opening, wrong in ends:
        opening.__exit__(None, None, None)
        assert wrong == []


def press(place, name: str) -> None:
    place.get_by_role("button", name=BUTTON.get(name, name)).click()


def wait_for(place, name: str, timeout: float = 60_000) -> None:
    """Wait for a button that can be pressed."""
    place.locator("button:enabled", has_text=BUTTON.get(name, name)).wait_for(timeout=timeout)


def trained(place):
    press(place, re.compile("^Train( again)?$"))
    wait_for(place, "Pause")
    wait_for(place, "Train again")
    return place.locator(".status").first.inner_text()


def validation(words: str) -> float:
    """Read the validation accuracy in percent."""
    return float(re.search(r"validation ([\d.]+) %", words)[1])


def seen(place) -> list[str]:
    """Read what the network makes of the hard digits."""
    return place.locator(".cards .verdict-words").all_inner_texts()


COLOURS = """(place) => [...place.querySelectorAll(".inside canvas")].map((canvas) => {
  const { data } = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height);
  return new Set(new Uint32Array(data.buffer)).size;
})"""


def test_a_run_ends_with_a_network_that_is_saved_opened_and_drawn_for(trainer, tmp_path):
    place = trainer(SHORT)
    assert "500 digits" in place.locator(".status").first.inner_text()
    height = place.bounding_box()["height"]
    share = validation(trained(place))
    assert share < 100 * Trainer().keras["validation"]["min"][1]  # 500 digits are too few, as the page says
    place.locator("[role=status]", has_text=f"{share}").wait_for(state="attached")  # it is read out
    assert place.bounding_box()["height"] == pytest.approx(height, abs=2)

    with place.page.expect_download() as saving:
        press(place, "Save the network")
    file = tmp_path / "network.json"
    saving.value.save_as(file)
    place.locator(".noted", has_text="Saved as my-network.json").wait_for()
    saved = json.loads(file.read_text())
    assert saved["settings"]["digits"] == 500 and len(saved["history"]) == 2

    # The saved weights are what the sentence says, computed by NumPy.
    layers = record("scheduled_cnn")["layers"]
    row = np.frombuffer(base64.b64decode(saved["weights"]), "<f4")
    arrays = unrolled(layers, row)
    outputs = forward(network_of(layers, arrays), sample().validation_images[:, :, :, None] / 255)
    right = outputs["probabilities"].argmax(axis=1) == sample().validation_labels
    assert 100 * right.mean() == pytest.approx(share, abs=0.11)  # rounded, and sums in another order

    # A page that opens it shows what the page has shown that trained it.
    other = trainer()
    assert other.locator(".run-curves .band").count() == 4  # two bands, and two in the legend
    other.locator("input[type=file]").set_input_files(file)
    other.locator(".status", has_text=f"Opened from network.json: validation {share} %").wait_for()
    other.locator(".noted", has_text="network.json is open").wait_for()
    other.locator(".cards .verdict-words", has_text=re.compile("read as|right")).first.wait_for()
    assert seen(other) == seen(place)
    assert all(re.fullmatch(r"right ✓|read as \d", words) for words in seen(other))
    shares = ".watching .bars .share"
    assert other.locator(shares).all_inner_texts() == place.locator(shares).all_inner_texts()
    assert min(other.evaluate(COLOURS)) > 10  # in the kernels and the maps of each layer
    press(other, "Draw a digit for it")
    other.locator(".strip-verdict").wait_for()
    pad = other.get_by_role("application", name="Pad to draw a digit on")
    for key in ("Space", *["ArrowDown"] * 8, "Space"):
        pad.press(key)
    other.locator(".strip .status", has_text="The network says").wait_for()
    press(other, "Back to the training")
    other.locator(".run-curves").wait_for()


def test_the_page_is_right_about_what_makes_it_worse(trainer):
    """In a short run, rates far too high or too low only guess, and 0.3 still learns."""
    place = trainer("digits=500&epochs=1&batch_size=16")
    rates = place.get_by_label("Learning rate", exact=True)
    reached = {}
    for rate in ("0.3", "0.0001", "100"):
        rates.select_option(rate)
        if reached:
            place.locator(".progress-words", has_text="This was the last run").wait_for()
        reached[rate] = validation(trained(place))
    assert reached["0.3"] > 40 and reached["0.0001"] < 20 and reached["100"] < 20
    # Such accuracies have their place between the axes, as the run before has its two lines in the legend.
    lowest = place.locator(".run-curves svg .grid").first.bounding_box()["y"]
    dots = place.locator(".run-curves svg").first.locator("circle.dot")
    assert dots.count() == 2
    assert all(dot.bounding_box()["y"] < lowest + 1 for dot in dots.all())
    legend = place.locator(".run-curves .legend").first.inner_text()
    assert "training, the run before" in legend and "validation, the run before" in legend

    # The rate was the reader's choice, so another schedule leaves it as it is.
    place.get_by_label("Schedule").select_option("one_cycle")
    place.get_by_text("Learning rate, highest").wait_for()
    assert rates.input_value() == "100"


def unrolled(layers, row):
    """Cut a row of weights into the arrays of Keras's ``get_weights``."""
    arrays, channels, start = [], 1, 0
    for layer in layers:
        shapes = []
        if layer["kind"] == "Conv2D":
            size, filters = layer["kernel_size"], layer["filters"]
            shapes, channels = [(size, size, channels, filters), (filters,)], filters
        elif layer["kind"] == "BatchNormalization":
            shapes = [(channels,)] * 4
        for shape in shapes:
            arrays.append(row[start : start + np.prod(shape)].reshape(shape))
            start += np.prod(shape)
    assert start == len(row)
    return arrays


def test_it_can_be_paused_taken_step_by_step_and_begun_anew_by_keyboard(trainer):
    place = trainer("epochs=20&digits=2000")
    page = place.page
    place.get_by_role("button", name=BUTTON["Train"]).press("Enter")
    place.locator(".progress-words", has_text="step").wait_for()
    place.get_by_role("button", name=BUTTON["Pause"]).press("Enter")
    wait_for(place, "One step")
    page.wait_for_timeout(300)

    def step() -> int:
        return int(re.search(r"step (\d+) of", place.locator(".progress-words").inner_text())[1])

    before = step()
    page.wait_for_timeout(300)
    assert step() == before
    place.get_by_role("button", name=BUTTON["One step"]).press("Enter")
    page.wait_for_function(
        "(before) => !document.querySelector('.progress-words').textContent.includes(`step ${before} `)", arg=before
    )
    assert step() in (before + 1, 1)
    place.get_by_role("button", name=re.compile("Digit 2, ")).press("Enter")
    place.locator(".cards [aria-pressed=true]", has_text=re.compile(r"right|read as \d")).wait_for()
    place.get_by_role("button", name=BUTTON["Stop"]).press("Enter")
    wait_for(place, "Train")
    assert place.locator(".progress-words").inner_text() == ""


IMPOSSIBLE = [
    *("epochs=0", "epochs=NaN", "epochs=1e9", "epochs=-3", "epochs=21", "rate=0", "rate=1e308", "batch_size=1"),
    *("seed=1.5", "seed=9999999", "digits=60000", "schedule=__proto__", "logit_dropout=maybe", "second_block="),
    *("x=1", "__proto__=1"),
]


def test_settings_travel_by_address_and_what_is_impossible_is_refused_with_a_reason(trainer, tmp_path):
    """One visit, as opening the page takes longer than all that is tried."""
    place = trainer("epochs=3&seed=7&schedule=one_cycle&rate=0.01&second_block=32&logit_dropout=false")
    settings_travel_by_address(place)
    an_address_cannot_ask_for_it(place)
    a_seed_cannot_be_it(place)
    another_file_is_no_network(place, tmp_path)
    without_simd_no_run_begins(place)


def settings_travel_by_address(place) -> None:
    assert place.get_by_label("Epochs").input_value() == "3"
    assert place.get_by_label("Seed").input_value() == "7"
    assert place.get_by_label("Schedule").input_value() == "one_cycle"
    assert not place.get_by_label("Dropout on the logits, too").is_checked()
    press(place, "Copy a link with these settings")
    place.locator(".noted", has_text=re.compile("link is copied|address of this page")).wait_for()
    assert "rate=0.01" in place.page.evaluate("decodeURIComponent(location.hash)")


def an_address_cannot_ask_for_it(place) -> None:
    for text in IMPOSSIBLE:
        place.page.evaluate("(text) => (location.hash = `#fig-trainer:digits=2000&${text}`)", text)
        words = f"Part of this link cannot be used: {'there is no setting' if text[0] in 'x_' else text.split('=')[0]}"
        place.locator(".problem", has_text=words).wait_for()
        assert place.get_by_label("Epochs").input_value() == "3"
    assert place.get_by_label("Training digits").input_value() == "2000"


def a_seed_cannot_be_it(place) -> None:
    box = place.get_by_label("Seed")
    for typed in ("", "-1", "1e9", "NaN", "12345678"):
        box.fill(typed)
        assert box.get_attribute("aria-invalid") == "true"
        assert "whole number from 0 to 999,999" in place.locator(".problem").inner_text()
    box.fill("12")
    assert box.get_attribute("aria-invalid") == "false" and place.locator(".problem").inner_text() == ""


NUMBERS = dict.fromkeys(("epoch", "learning_rate", "loss", "accuracy", "val_loss", "val_accuracy", "seconds"), 0.5)
GOOD = {
    "format": "Seeing Convolutions, trained network, 1",
    "settings": {"epochs": 1, "digits": 500, "batch_size": 64, "schedule": "constant", "rate": 0.003}
    | {"logit_dropout": True, "second_block": 16, "seed": 0},
    "history": [NUMBERS],
    "weights": base64.b64encode(bytes(4 * 14_060)).decode(),
}
OTHERS = [
    (b"", "no JSON"),
    (b"\x00\xff\xfe", "no JSON"),
    (b"null", "not one that was saved here."),
    (b"[1]", "not one that was saved here."),
    (b"0" * 5_000_000, "too large"),
    ({"weights": "AAAA"}, "damaged"),
    ({"weights": base64.b64encode(struct.pack("<14060f", *[float("nan")] * 14_060)).decode()}, "damaged"),
    ({"settings": {}}, "damaged"),
    ({"settings": GOOD["settings"] | {"epochs": 1e9}}, "damaged"),
    ({"settings": GOOD["settings"] | {"second_block": 32}}, "damaged"),
    ({"history": []}, "damaged"),
    ({"history": [NUMBERS | {"loss": "<b>"}]}, "damaged"),
]


def another_file_is_no_network(place, tmp_path) -> None:
    for number, (content, words) in enumerate(OTHERS):
        file = tmp_path / f"other-{number}.json"
        file.write_bytes(json.dumps(GOOD | content).encode() if isinstance(content, dict) else content)
        place.locator("input[type=file]").set_input_files(file)
        place.locator(".noted.wrong", has_text=words).wait_for()
        assert place.get_by_role("button", name="Draw a digit for it").is_disabled()
    file = tmp_path / "good.json"
    file.write_text(json.dumps(GOOD))
    place.locator("input[type=file]").set_input_files(file)
    place.locator(".status", has_text="validation 50.0 %").wait_for()
    place.locator(".noted:not(.wrong)", has_text="good.json is open").wait_for()


def without_simd_no_run_begins(place) -> None:
    place.page.evaluate("WebAssembly.validate = () => false")
    press(place, "Train again")
    place.locator(".problem", has_text="lacks SIMD").wait_for()
    wait_for(place, "Train")


KEEP = """() => {
  window.Worker = class extends Worker {
    constructor(...all) {
      super(...all);
      window.thread = this;
    }
  };
}"""


def test_a_thread_that_dies_is_reported_and_another_run_can_begin(trainer):
    place = trainer("epochs=20")
    place.page.evaluate(KEEP)
    press(place, "Train")
    place.locator(".progress-words", has_text="step").wait_for()
    place.page.evaluate("thread.terminate(), thread.dispatchEvent(new ErrorEvent('error', { cancelable: true }))")
    place.locator(".problem", has_text="The browser has ended the training").wait_for()
    press(place, re.compile("^Train( again)?$"))
    place.locator(".progress-words", has_text="step").wait_for()
    assert place.locator(".problem").inner_text() == ""


def test_a_thread_that_says_nothing_any_more_is_given_up(trainer):
    place = trainer("epochs=20")
    place.page.evaluate(KEEP)
    place.page.clock.install()
    press(place, "Train")
    place.page.clock.run_for(2000)
    place.page.wait_for_timeout(500)
    place.page.evaluate("thread.terminate()")
    place.page.clock.run_for(40_000)
    place.locator(".problem", has_text="Nothing has been heard from the training for 30 seconds").wait_for()


def test_nothing_large_is_loaded_before_the_press(trainer):
    sizes = []
    place = trainer()
    place.page.on("response", lambda answer: sizes.append(int(answer.headers.get("content-length", 0))))
    place.page.wait_for_load_state("networkidle")  # or the reload would cut what is on its way
    place.page.reload()
    place.wait_for()
    place.page.wait_for_load_state("networkidle")
    assert max(sizes) < 200_000
    sizes.clear()
    press(place, "Train")
    place.locator(".progress-words", has_text="step").wait_for()
    assert 1_000_000 < max(sizes) < 1_300_000  # the digits


def test_the_page_stays_quick_while_the_network_learns(browser, trainer):
    """Measured as time of the processor, which a busy machine stretches less than time on the clock."""
    place = trainer("epochs=2&digits=500")
    place.page.wait_for_load_state("networkidle")
    browser.start_tracing(page=place.page, categories=["toplevel"])
    trained(place)
    events = json.loads(browser.stop_tracing())["traceEvents"]
    names = {(event["pid"], event["tid"]): event["args"]["name"] for event in events if event["name"] == "thread_name"}
    tasks = [
        event["tdur"] / 1000
        for event in events
        if "tdur" in event and names.get((event["pid"], event["tid"])) == "CrRendererMain"
    ]
    assert len(tasks) > 100
    assert max(tasks) < 100  # milliseconds; about 30 on an idle core


def test_a_start_that_was_given_up_does_not_come_back(trainer):
    place = trainer(SHORT)
    for name in ("Train", "Stop", "Train"):  # before the digits are there
        press(place, name)
    wait_for(place, "Pause")
    place.page.wait_for_timeout(300)
    assert len(place.page.workers) == 1
    press(place, "Stop")
    place.page.wait_for_timeout(300)
    assert place.page.workers == []
