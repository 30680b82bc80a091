"""Cells that run on the page: what a reader does with them, in a real browser with the Python of the site."""

import json
import re
from collections.abc import Iterator
from pathlib import Path

import nbformat
import pytest
from playwright.sync_api import Browser, Locator, Page, expect

from .browser import bring, opened

CHAPTER = "chapters/01-convolution.html"
LONG = 90_000  # milliseconds; Python starts in a few seconds where the machine has nothing else to do
STORED = "convbook.code.01-convolution/"
ANSWER = (
    "my_correlation = [[-2, 3], [5, 5]]\nmy_convolution = {}\n\ncheck.corr2d_by_hand(my_correlation, my_convolution)"
)
RIGHT, SWAPPED = ANSWER.format("[[2, 7], [5, -1]]"), ANSWER.format("my_correlation")


WATCH = """tools => {
  let runs = false;
  tools.ended = new Promise((end) => new MutationObserver(() => {
    if (tools.classList.contains("busy")) runs = true;
    else if (runs) end(true);
  }).observe(tools, {attributeFilter: ["class"]}));
}"""


class Cell:
    """A cell of the page, with what a reader sees of it."""

    def __init__(self, page: Page, name: str) -> None:
        self.page, self.name = page, name

    @property
    def tools(self) -> Locator:
        return self.page.locator(f'.cell-tools[data-cell="{self.name}"]')

    @property
    def whole(self) -> Locator:
        return self.page.locator(".cell", has=self.tools)

    @property
    def output(self) -> Locator:
        bring(self.tools)
        return self.whole.locator("> .cell_output")

    @property
    def status(self) -> Locator:
        return self.tools.locator(".cell-status")

    @property
    def code(self) -> str:
        bring(self.tools)
        lines = self.whole.locator(".cm-line").all_inner_texts()  # at once, as they may be on their way out
        lines = [line.strip("\n") for line in lines] or [self.whole.locator("pre").first.inner_text()]
        return "\n".join(lines).strip("\n")

    def press(self, words: str) -> None:
        self.tools.get_by_role("button", name=re.compile(rf"^{words}\b")).click()
        self.page.evaluate("() => new Promise(requestAnimationFrame)")  # by then the page has done what needs no Python

    def run(self, action: str = "run") -> None:
        """Press a button that runs something, and wait until that has ended."""
        self.watch()
        self.tools.locator(f'[data-do="{action}"]').click()
        self.wait()

    def watch(self) -> None:
        """Note the end of the next run."""
        self.tools.evaluate(WATCH)

    def wait(self) -> None:
        assert self.tools.evaluate(f"tools => Promise.race([tools.ended, new Promise(end => setTimeout(end, {LONG}))])")

    def write(self, code: str) -> None:
        """Replace the code by typing, without the help that an editor gives to typing."""
        if self.tools.locator('[data-do="edit"]').is_visible():
            self.press("Edit")
        editor = self.whole.locator(".cm-content")
        editor.click()
        self.page.keyboard.press("Control+A")
        self.page.keyboard.insert_text(code)


class Book:
    """Pages of one reader."""

    def __init__(self, page: Page, wrong: list[str], asked: list[str]) -> None:
        self.page, self.wrong, self.asked = page, wrong, asked

    def cell(self, name: str) -> Cell:
        return Cell(self.page, name)

    def stored(self, name: str) -> dict | None:
        return json.loads(self.page.evaluate("key => localStorage.getItem(key)", STORED + name) or "null")


@pytest.fixture(scope="module")
def book(browser: Browser, address: str, running: Path) -> Iterator[Book]:
    """One page with one Python for most of the tests, which follow each other like a reader's presses."""
    with opened(browser, f"{address}/{CHAPTER}", accept_downloads=True) as (page, wrong):
        asked: list[str] = []
        page.on("request", lambda request: asked.append(request.url))
        yield Book(page, wrong, asked)
        # A reload ends what the browser asks for by itself.
        assert [line for line in wrong if "favicon" not in line] == []


def test_nothing_is_loaded_before_a_press(book):
    book.page.reload()
    book.page.wait_for_load_state("networkidle")
    assert [url for url in book.asked if "/python" in url or "/cells/" in url or "pyodide" in url] == []


def test_a_cell_runs_with_what_it_needs_and_no_more(book):
    cell = book.cell("cell-7")
    built = cell.output.inner_text().strip()
    cell.run()
    assert cell.output.inner_text().strip() == built
    expect(cell.status).to_have_text("Done")
    assert [url for url in book.asked if re.search(r"matplotlib|pandas|scipy", url)] == []


def test_an_edited_cell_gets_what_its_new_code_needs(book):
    cell = book.cell("cell-5")  # two arrays; the new code uses a function that stands further down, and one import more
    cell.write("from convbook import convolve\nimage = np.eye(3)\nweights = np.ones((2, 2))\nimage.sum()")
    cell.run()
    assert "3.0" in cell.output.inner_text()
    below = book.cell("cell-7")
    below.run()  # with the new arrays
    assert "[2., 1.]" in below.output.inner_text()
    cell.press("Reset")
    assert cell.code.startswith("image = np.array([[0, 1, 2]")
    assert book.stored("cell-5") is None
    cell.press("Undo reset")
    assert "np.eye(3)" in cell.code and book.stored("cell-5")
    cell.press("Reset")
    below.run()
    assert "[19., 25.]" in below.output.inner_text()


def test_an_error_is_shown_and_the_page_goes_on(book):
    cell = book.cell("cell-17")
    cell.write("by_channel = 1 / 0")
    cell.run()
    expect(cell.output).to_contain_text("ZeroDivisionError")
    cell.press("Reset")
    expect(cell.output).to_contain_text("from each channel: [ 3 -1]")


def test_a_figure_keeps_its_caption(book):
    cell = book.cell("cell-3")
    words = cell.output.locator("figcaption").text_content()
    cell.whole.locator("summary").click()
    cell.run()
    assert cell.output.locator("figure > figcaption").text_content() == words
    assert cell.output.locator("figure svg").get_attribute("aria-label").startswith("Four pictures")


def test_all_above_runs_with_what_the_page_hides(book):
    cell = book.cell("cell-17")
    cell.run("above")
    expect(cell.status).to_have_text("Everything above has run")
    cell.write("pixels, padding_1.shape")  # the first name comes from a cell that the page hides
    cell.run()
    expect(cell.output).to_contain_text("(784, (28, 28))")
    cell.press("Reset")


def test_the_editor_indents_and_lets_go(book):
    exercise = book.cell("cell-40")
    exercise.write("")
    keyboard = book.page.keyboard
    keyboard.type("def f(x):\nif x:\nreturn x // 2\n")  # and / is no key of the page's search
    assert exercise.code.rstrip() == "def f(x):\n    if x:\n        return x // 2"
    keyboard.press("Tab")
    assert book.page.evaluate("document.activeElement.closest('.editor') !== null")
    keyboard.press("Escape")
    keyboard.press("Tab")
    assert book.page.evaluate("document.activeElement.dataset.do") == "run"  # the next thing to press
    exercise.press("Reset")


def test_an_exercise_gives_a_hint_and_then_passes(book):
    exercise = book.cell("cell-30")
    assert not exercise.output.is_visible()  # no verdict before the first try
    exercise.write(SWAPPED)
    exercise.run()
    verdict = exercise.output.locator(".check")
    assert "failed" in verdict.get_attribute("class") and "convolution" in verdict.inner_text()
    assert exercise.output.get_attribute("aria-live") == "polite"
    exercise.write(RIGHT)
    exercise.run()
    assert "passed" in exercise.output.locator(".check").get_attribute("class")
    expect(book.page.locator("#ex-corr2d-by-hand.solved")).to_be_visible()
    expect(book.page.locator(".bd-links .current .passed")).to_contain_text("1/5")


def test_an_endless_loop_is_stopped(book):
    exercise = book.cell("cell-35")
    exercise.write("while True:\n    pass")
    exercise.watch()
    exercise.press("Check")
    expect(exercise.status).to_have_text("Running", timeout=LONG)
    exercise.press("Stop")
    exercise.wait()
    expect(exercise.status).to_contain_text("All variables are gone", timeout=LONG)
    exercise.press("Reset")
    below = book.cell("cell-7")
    below.run()  # a new Python, with what the cell needs
    assert "[19., 25.]" in below.output.inner_text()


def test_a_stop_names_the_earlier_cell_that_would_not_end(book):
    above, below = book.cell("cell-5"), book.cell("cell-7")
    above.write("image = np.eye(3)\nkernel = np.ones((2, 2))\nwhile image is not None:\n    pass")
    below.watch()
    below.press("Run cell")
    expect(below.status).to_have_text("Running what it needs: “image = np.eye(3)”", timeout=LONG)
    below.press("Stop")
    below.wait()
    expect(below.status).to_contain_text("Stopped in “image = np.eye(3)”, which this cell needs.", timeout=LONG)
    above.press("Reset")
    below.run()
    assert "[19., 25.]" in below.output.inner_text()


def test_work_survives_a_reload(book):
    del book.asked[:]
    book.page.reload()
    exercise = book.cell("cell-30")
    expect(exercise.whole.locator("pre").first).to_contain_text("[[2, 7], [5, -1]]")
    assert exercise.code == RIGHT
    expect(book.page.locator("#ex-corr2d-by-hand.solved")).to_be_visible()
    assert [url for url in book.asked if "worker" in url or "editor" in url] == []


def test_work_for_a_changed_stub_is_offered_again(book):
    book.page.evaluate(
        "([key, value]) => localStorage.setItem(key, value)",
        [STORED + "cell-35", json.dumps({"code": "my_sizes = [1]", "of": "an older stub"})],
    )
    book.page.reload()
    exercise = book.cell("cell-35")
    expect(exercise.status).to_contain_text("code has changed since you wrote yours")
    assert exercise.code.startswith("my_sizes = [..., ")
    exercise.press("Show my code")
    assert exercise.code == "my_sizes = [1]"
    assert book.stored("cell-35")["of"] != "an older stub"


def test_a_chapter_is_exported_as_a_notebook_without_solutions(book):
    with book.page.expect_download() as started:
        book.page.get_by_role("button", name="Download the chapter").click()
    notebook = nbformat.read(started.value.path(), as_version=4)
    nbformat.validate(notebook)
    sources = {cell.id: cell.source for cell in notebook.cells}
    assert sources["cell-30"] == RIGHT and sources["cell-35"] == "my_sizes = [1]"
    assert not any("solution-start" in source for source in sources.values()) and "cell-32" not in sources


def test_all_work_is_exported_deleted_and_imported(book, tmp_path):
    question = book.page.locator("ol.quiz form").first
    score = book.page.locator(".score").first
    tried = question.locator("label.right, label.wrong")

    def answer(option: int) -> None:
        question.locator("input").nth(option).check()
        question.get_by_role("button", name="Check").click()

    answer(0)
    expect(tried).to_have_count(1)
    with book.page.expect_download() as started:
        book.page.get_by_role("button", name="Save all my work").click()
    file = tmp_path / "work.json"
    started.value.save_as(file)
    book.page.get_by_role("button", name="Delete all").click()
    book.page.get_by_role("button", name="Delete it all").click()
    exercise = book.cell("cell-30")
    assert "..." in exercise.code and book.stored("cell-30") is None
    assert not book.page.locator(".bd-links .passed").count()
    expect(score).to_contain_text("questions. Choose an answer")
    expect(tried).to_have_count(0)
    answer(1)
    exercise.write("another = 1")
    expect(exercise.tools.locator("[data-do=reset]")).to_be_visible()
    book.page.wait_for_function("key => localStorage.getItem(key)", arg=STORED + "cell-30")

    def load(path: Path) -> None:
        with book.page.expect_file_chooser() as asked:
            book.page.get_by_role("button", name="Load saved work").click()
        asked.value.set_files(path)

    status = book.page.locator(".work-status")
    (tmp_path / "no-work.json").write_text("{}")
    load(tmp_path / "no-work.json")
    expect(status).to_contain_text("holds no work of this course")
    load(file)
    expect(status).to_contain_text("One cell has other code here")
    book.page.get_by_role("button", name="Take the file's").click()
    expect(status).to_have_text("Your work is here.")
    assert exercise.code == RIGHT and book.stored("cell-30")["code"] == RIGHT
    expect(book.page.locator("#ex-corr2d-by-hand.solved")).to_be_visible()
    expect(tried).to_have_count(2)


def test_two_tabs_do_not_overwrite_each_other_silently(book, address):
    other = book.page.context.new_page()
    other.goto(f"{address}/{CHAPTER}")
    there, here = Cell(other, "cell-30"), book.cell("cell-30")
    expect(there.whole.locator("pre").first).to_contain_text("[[2, 7], [5, -1]]")
    here.write("first = 1")
    expect(there.whole.locator("pre").first).to_have_text("first = 1")  # what nobody has changed there follows
    there.write("second = 2")
    # A tab that was asleep has not heard of what others wrote.
    other.evaluate(
        "([key, value]) => localStorage.setItem(key, value)",
        [STORED + "cell-30", json.dumps({"code": "third = 3", "of": "..."})],
    )
    expect(there.status).to_contain_text("changed in another tab")
    there.press("Take the other")
    assert there.code == "third = 3"
    other.close()


FORBIDDEN = "Object.defineProperty(window, 'localStorage', {get() { throw new DOMException('', 'SecurityError') }})"
FULL = "Storage.prototype.setItem = () => { throw new DOMException('', 'QuotaExceededError') }"


@pytest.mark.parametrize(("obstacle", "words"), [(FORBIDDEN, "does not let pages store anything"), (FULL, "is full")])
def test_without_storage_nothing_on_the_page_is_lost(browser, address, running, obstacle, words):
    with opened(browser, f"{address}/{CHAPTER}") as (page, _):
        page.add_init_script(obstacle)
        page.reload()
        exercise = Cell(page, "cell-30")
        exercise.write("mine = 1")
        expect(exercise.status).to_contain_text(words)
        assert exercise.code == "mine = 1"
        with page.expect_download() as started:
            page.get_by_role("button", name="Save all my work").click()
        entries = json.loads(Path(started.value.path()).read_text())["entries"]
        assert entries[STORED + "cell-30"]["code"] == "mine = 1"


def test_nothing_moves_when_the_buttons_come(browser, address, running):
    with opened(browser, f"{address}/{CHAPTER}") as (page, _):
        page.wait_for_load_state("networkidle")
        shift = page.evaluate(
            "new Promise((found) => new PerformanceObserver((list) => found(list.getEntries().reduce("
            "(sum, each) => sum + each.value, 0))).observe({type: 'layout-shift', buffered: true})"
            " || setTimeout(found, 500, 0))"
        )
        assert shift < 0.02


def test_without_scripts_there_is_no_button(browser, address, running):
    with opened(browser, f"{address}/{CHAPTER}", java_script_enabled=False) as (page, _):
        assert not page.locator(".cell-tools").first.is_visible() and not page.locator(".work").is_visible()
        assert bring(page.locator(".check.untried").first).is_visible()
