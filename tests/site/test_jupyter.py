"""The figures in JupyterLab: a real server, a real kernel, a real browser, traits in step on both sides."""

import contextlib
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import nbformat
import pytest
from playwright.sync_api import Page, expect

from .conftest import BOOK

CELLS = [
    "from convbook.widgets import ConvolutionStepper\nstepper = ConvolutionStepper()\nstepper",
    "stepper.stride = 3\nstepper.kernel = [[1, 2], [3, 4.5]]",
    "print('stride', stepper.stride, 'kernel', stepper.kernel.tolist())",
]


@contextlib.contextmanager
def lab(folder: Path) -> Iterator[str]:
    """Start JupyterLab in a folder; yields its address."""
    command = [sys.executable, "-m", "jupyterlab", "--no-browser", "--allow-root", "--ServerApp.port=0"]
    settings = ["--IdentityProvider.token=", "--ServerApp.password=", f"--ServerApp.root_dir={folder}"]
    runtime = {"JUPYTER_RUNTIME_DIR": str(folder / "runtime"), "JUPYTER_CONFIG_DIR": str(folder / "config")}
    environment = os.environ | runtime
    server = subprocess.Popen(
        [*command, *settings], cwd=BOOK, env=environment, text=True, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE
    )
    try:
        said = ""
        for line in server.stderr:
            said += line
            if match := re.search(r"http://(?:localhost|127\.0\.0\.1):(\d+)/", line):
                yield f"http://127.0.0.1:{match[1]}"
                return
        raise RuntimeError(said)
    finally:
        server.terminate()
        server.stderr.close()
        server.wait()


def run_cell(page: Page, number: int) -> None:
    page.locator(".jp-CodeCell").nth(number).locator(".cm-content").click()
    page.keyboard.press("Shift+Enter")


@pytest.fixture
def page(browser):
    folder = BOOK / "_build" / "lab"  # in the book, where the data is found
    folder.mkdir(parents=True, exist_ok=True)
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(source) for source in CELLS])
    notebook.metadata["kernelspec"] = {"name": "python3", "display_name": "Python 3", "language": "python"}
    nbformat.write(notebook, folder / "figure.ipynb")
    with lab(folder) as address:
        context = browser.new_context()
        page = context.new_page()
        page.goto(f"{address}/lab/tree/figure.ipynb")
        page.get_by_text("Python 3 (ipykernel) | Idle").wait_for(timeout=120_000)
        yield page
        context.close()


def test_a_figure_in_jupyterlab_is_in_step_with_python(page):
    run_cell(page, 0)
    figure = page.locator(".convbook-figure")
    expect(figure.locator(".status")).to_contain_text("add up to", timeout=120_000)

    run_cell(page, 1)  # Python moves the figure
    expect(figure.get_by_label("Stride")).to_have_value("3")
    expect(figure.get_by_label("Kernel, row 1, column 1")).to_have_value("4.5")

    figure.get_by_label("Stride").fill("2")  # the figure moves Python
    figure.get_by_label("Kernel, row 0, column 0").fill("-7")
    figure.get_by_label("Kernel, row 0, column 0").press("Tab")
    run_cell(page, 2)
    printed = page.locator(".jp-CodeCell").nth(2).locator(".jp-OutputArea-output")
    expect(printed).to_have_text(re.compile(re.escape("stride 2 kernel [[-7.0, 2.0], [3.0, 4.5]]")))

    cells = page.locator(".jp-CodeCell").count()  # running the last one has added another

    # The keys that a figure gets are no commands of the notebook: `a` and `b` would insert cells, `m` make a cell text.
    chosen = "() => [...document.querySelectorAll('.jp-Cell')].map((cell) => cell.className.includes('jp-mod-active'))"
    figure.get_by_label("Digit", exact=True).select_option("draw")
    for name in ("Position in the feature map", "Pad to draw a digit on"):
        figure.get_by_role("application", name=name).focus()
        before = page.evaluate(chosen)
        for key in ("a", "b", "m", "ArrowDown", "ArrowDown", "ArrowUp", " "):
            page.keyboard.press(key)
        assert page.evaluate(chosen) == before
    figure.get_by_label("Stride").focus()
    for key in ("ArrowUp", "ArrowDown", "ArrowDown"):
        page.keyboard.press(key)
    assert page.evaluate(chosen) == before
    expect(figure.get_by_label("Stride")).to_have_value("1")
    expect(page.locator(".jp-CodeCell")).to_have_count(cells)
