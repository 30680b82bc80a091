"""People look at figures; tests see to it that they show what they were given and that the site can theme them."""

import io
import re
from pathlib import Path

import matplotlib as mpl
import numpy as np
import pytest
from IPython.core.pylabtools import print_figure
from matplotlib.figure import Figure

from convbook import figures
from convbook.arithmetic import Layer, trace
from convbook.figures.style import INK, PAPER, STYLE, WIDTH
from convbook.sphinx_site import themed_svg
from convbook.training import notes_log

RNG = np.random.default_rng(0)
IMAGES = RNG.random((7, 28, 28))
PROBABILITIES = RNG.dirichlet(np.ones(10), size=7)
STAGES = trace([Layer(3, 16), Layer(3, 8), Layer(2, stride=2)])

EXAMPLES = {
    "digits": lambda: figures.digits(IMAGES, range(7)),
    "learning_rates": lambda: figures.learning_rates([epoch.learning_rate for epoch in notes_log()]),
    "curves": lambda: figures.curves(notes_log()[:5], notes_log(), ceiling=0.9651, floor=0.0533),
    "confusion": lambda: figures.confusion(RNG.integers(0, 30, (10, 10))),
    "mistakes": lambda: figures.mistakes(IMAGES, np.arange(7), PROBABILITIES),
    "kernel_grid": lambda: figures.kernel_grid(RNG.normal(size=(3, 3, 16))),
    "stages": lambda: figures.stages(IMAGES[0], [RNG.random((s.size, s.size, s.channels)) for s in STAGES], STAGES),
    "field": lambda: figures.field(IMAGES[0], [("unit", range(3, 9), range(0, 6))]),
    "patches": lambda: figures.patches(RNG.random((4, 6, 9, 9)), list("abcd")),
    "evidence": lambda: figures.evidence(
        IMAGES[:2], RNG.normal(size=(2, 4, 4, 10)), np.array([1, 2]), np.array([3, 4])
    ),
    "accuracy_by_dropout": lambda: figures.accuracy_by_dropout(
        [0, 0.1], [1, 0.965], [("on", 0.1, 0.95), ("off", 0.1, 0.99)]
    ),
    "lines": lambda: figures.lines(["a", "b"], {"which": [0.1, 0.9], "where": [0.9, 0.1]}, "share"),
    "overview": lambda: figures.overview(
        IMAGES[0], [RNG.random((s.size, s.size, s.channels)) for s in STAGES], STAGES, PROBABILITIES[0]
    ),
}


def as_svg(figure: Figure) -> str:
    buffer = io.StringIO()
    figure.savefig(buffer, format="svg")
    return buffer.getvalue()


@pytest.fixture(autouse=True)
def _book_style():
    with mpl.rc_context(STYLE):
        yield


def test_every_figure_function_has_an_example():
    made_here = {
        name
        for name, function in vars(figures).items()
        if getattr(function, "__annotations__", {}).get("return") in (Figure, "Figure") and not name.startswith("_")
    }
    assert made_here == set(EXAMPLES)


@pytest.mark.parametrize("name", EXAMPLES)
def test_a_figure_has_no_colour_of_its_own_for_ink_and_paper(name):
    """Black text would vanish on a dark page, a white ground would glare there."""
    themed = themed_svg(as_svg(EXAMPLES[name]()), "what it shows")
    assert "currentColor" in themed
    assert INK not in themed
    assert PAPER not in themed
    for color in ("#ffffff", "#000000"):
        # The counts of the confusion matrix stand on coloured cells, where black is right in both modes.
        assert color not in themed or name == "confusion"


@pytest.mark.parametrize("name", EXAMPLES)
def test_a_figure_fits_a_phone(name):
    svg = print_figure(EXAMPLES[name](), "svg")  # as a notebook saves it, with a margin
    width = float(re.search(r'width="([\d.]+)pt"', svg)[1])
    assert width <= 72 * WIDTH + 20


def test_the_picture_of_the_readme_is_in_this_style():
    svg = (Path(__file__).parents[2] / "chapters" / "images" / "overview.svg").read_text(encoding="utf-8")
    assert f'width="{72 * WIDTH:.1f}pt"' in svg
    assert INK in svg


def test_curves_show_the_values_of_the_log():
    top, bottom = figures.curves(notes_log()).axes
    np.testing.assert_array_equal(top.lines[0].get_ydata(), [epoch.val_accuracy for epoch in notes_log()])
    np.testing.assert_array_equal(bottom.lines[1].get_ydata(), [epoch.loss for epoch in notes_log()])


def test_mistakes_are_captioned_with_label_guess_and_both_probabilities():
    probabilities = np.zeros((1, 10))
    probabilities[0, [4, 9]] = 0.29, 0.71
    (ax,) = figures.mistakes(IMAGES[:1], np.array([4]), probabilities).axes
    assert ax.texts[0].get_text() == "4 read as 9\n9: 71%, 4: 29%"


def test_stages_outline_what_the_middle_unit_sees():
    figure = figures.stages(IMAGES[0], [RNG.random((s.size, s.size, s.channels)) for s in STAGES], STAGES)
    frame = figure.axes[0].patches[0]
    seen = STAGES[0].sees(12)
    assert (frame.get_x() + 0.5, frame.get_width()) == (seen.start, len(seen)) == (12, 3)


def test_live_curve_moves_a_bar_and_leaves_nothing_behind(monkeypatch):
    class Place:
        def __init__(self, content, display_id):
            self.content = content

        def update(self, content):
            self.content = content

    monkeypatch.setattr("convbook.figures.training.display", Place)
    live = figures.LiveCurve()
    live.step(notes_log()[:2], epochs=4, done=0.5)
    assert '<progress max="4" value="2.50"' in live._bar.content.data
    assert "Epoch 3 of 4, 50% done" in live._bar.content.data
    live.epoch(notes_log()[:3], epochs=4)
    assert isinstance(live._curves.content, Figure)
    live.epoch(notes_log()[:4], epochs=4)
    assert live._bar.content.data == live._curves.content.data == ""
