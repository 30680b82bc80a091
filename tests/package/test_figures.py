"""People look at figures; tests see to it that they show what they were given and that the site can theme them."""

import re
from pathlib import Path

import matplotlib as mpl
import numpy as np
import pytest
from IPython.core.pylabtools import print_figure
from matplotlib.colors import to_hex
from matplotlib.figure import Figure

from booksite.pictures import themed_svg
from convbook import figures
from convbook.arithmetic import Layer, trace
from convbook.figures.style import DAY, DIGIT, FIRST, INK, NIGHT, PAPER, POINT, SIGNED, STYLE, WIDTH, show
from convbook.history import notes_log
from convbook.tokens import TOKENS, color

RNG = np.random.default_rng(0)
IMAGES = RNG.random((7, 28, 28))
PROBABILITIES = RNG.dirichlet(np.ones(10), size=7)
STAGES = trace([Layer(3, 16), Layer(3, 8), Layer(2, stride=2)])
SIGNED_KERNEL = np.array([[1, 0, -1], [2, 0, -2], [1, 0, -1]])

EXAMPLES = {
    "digits": lambda: figures.digits(IMAGES, range(7)),
    "learning_rates": lambda: figures.learning_rates([epoch.learning_rate for epoch in notes_log()]),
    "last_and_best": lambda: figures.last_and_best([0.993, 0.995], [0.994, 0.995], 0.9944),
    "curves": lambda: figures.curves(notes_log()[:5], notes_log(), ceiling=0.9651, floor=0.0533),
    "confusion": lambda: figures.confusion(RNG.integers(0, 30, (10, 10))),
    "mistakes": lambda: figures.mistakes(IMAGES, np.arange(7), PROBABILITIES),
    "kernel_responses": lambda: figures.kernel_responses(
        [IMAGES[0]], {"blur": np.full((3, 3), 1 / 9), "difference": SIGNED_KERNEL}, [[IMAGES[1], IMAGES[2] - 0.5]]
    ),
    "profile": lambda: figures.profile(np.array([0, 0, 9, 9]), {"Sobel": np.array([36, -36])}),
    "learning": lambda: figures.learning(np.geomspace(1, 1e-6, 50), {"step 0": SIGNED_KERNEL, "true": SIGNED_KERNEL}),
    "relatives": lambda: figures.relatives(
        RNG.normal(size=(16, 3, 3)), RNG.normal(size=(16, 3, 3)), np.linspace(0, 0.9, 16), RNG.random(500)
    ),
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
    "accuracy_by_parameters": lambda: figures.accuracy_by_parameters(
        [9000, 8000], ["wide", "narrow"], [[0.993, 0.994], [0.992, 0.993]], [[0.992, 0.995], [0.991, 0.994]]
    ),
    "savings": lambda: figures.savings(["wide", "narrow"], {"parameters": [9000, 8000], "seconds": [20, 11]}),
    "dropout_runs": lambda: figures.dropout_runs(([0, 0.1], [1, 0.965]), {0.1: [0.95, 0.96]}, {0.1: [0.991, 0.992]}),
    "variations": lambda: figures.variations(IMAGES[0], IMAGES[1:]),
    "steps": lambda: figures.steps({"notes": [40, 44], "pool early": [38, 41]}, {"smoothing": [37, 39]}),
    "frontier": lambda: figures.frontier(
        {"small": (3754, [0.994, 0.993]), "large": (19_962, [0.996, 0.995])},
        {"a": (575, 0.98), "b": (8144, 0.9946)},
    ),
    "race": lambda: figures.race({"notes": ([30, 60, 90], [0.98, 0.99, 0.992])}),
    "probes": lambda: figures.probes(
        list("ab"), {"which": [0.1, 0.9], "where": [0.9, 0.1]}, dict.fromkeys(("which", "where"), RNG.random((3, 2)))
    ),
    "leans": lambda: figures.leans(list("ab"), {"5 read as 3": (np.array([0.5, 0.8]), RNG.random((9, 2)))}),
    "mixing": lambda: figures.mixing(RNG.random((9, 9, 4)), list("abcd"), RNG.random((9, 9, 2)), ["a + b", "c + d"]),
    "side_by_side": lambda: figures.side_by_side(dict(zip("abc", RNG.random((3, 9, 9)), strict=True))),
    "break_even": lambda: figures.break_even([8, 9, 10], {"a": [0.8, 0.9, 1], "b": [0.5, 0.6, 0.7]}, chosen=9),
    "paths": lambda: figures.paths([np.arange(25).reshape(5, 5), np.ones((5, 5), int)], ["two", "one"]),
    "border": lambda: figures.border(IMAGES[0], RNG.random((26, 26)), RNG.random((28, 28))),
    "left_over": lambda: figures.left_over({1: [0.3, 0.4], 2: [0.0, 0.0]}),
    "window": lambda: figures.window(IMAGES[0], RNG.normal(size=(3, 3)), RNG.normal(size=(26, 26)), row=4, column=5),
    "geometry": lambda: figures.geometry([RNG.normal(size=(26, 26)), RNG.normal(size=(13, 13))], ["plain", "stride 2"]),
    "moved": lambda: figures.moved(list(IMAGES[:3]), list(RNG.normal(size=(3, 26, 26)))),
    "map_stacks": lambda: figures.map_stacks({"one": RNG.random((26, 26, 16)), "two": RNG.random((4, 4, 16))}),
    "before_after": lambda: figures.before_after(RNG.normal(size=(9, 9)), RNG.random((9, 9))),
    "scales": lambda: figures.scales(RNG.random((9, 9, 8))),
    "ablation": lambda: figures.ablation({"one": (np.array([0.1, 0.5, 0.2]), np.array([3, 0, 9]))}),
    "overview": lambda: figures.overview(
        IMAGES[0], [RNG.random((s.size, s.size, s.channels)) for s in STAGES], STAGES, PROBABILITIES[0]
    ),
    "schedule_lines": lambda: figures.schedule_lines({"notes": [0.003, 0.002, 0.001], "constant": [0.003] * 3}),
    "steps_and_epochs": lambda: figures.steps_and_epochs(
        RNG.random((3, 4)), [8, 8, 8, 2], [0.5, 0.4, 0.3, 0.2], [0.6, 0.5, 0.45, 0.5]
    ),
    "schedule_runs": lambda: figures.schedule_runs(
        {"notes": 1 - 0.1 * RNG.random((3, 20)), "constant": 1 - 0.1 * RNG.random((3, 20))}
    ),
    "activated_maps": lambda: figures.activated_maps(IMAGES[0], {"before": IMAGES[1] - 0.5, "relu": IMAGES[2]}),
    "functions_and_slopes": lambda: figures.functions_and_slopes(
        np.linspace(-1, 1, 5), {"a": (np.arange(5), np.ones(5)), "b": (np.arange(5), np.ones(5))}
    ),
    "gradient_norms": lambda: figures.gradient_norms({"a": np.array([[0.1, 0.5, 1], [0.2, 0.4, 1]])}, [0.25, 0.5, 1]),
    "dead_units": lambda: figures.dead_units({"2 digits": np.eye(4, dtype=int), "9 digits": np.zeros((4, 4), int)}),
    "sees_and_uses": lambda: figures.sees_and_uses(IMAGES[0], IMAGES[1], range(3, 9), range(0, 6)),
    "cone": lambda: figures.cone(STAGES, 5),
    "spread": lambda: figures.spread([1, 2, 4], [1, 2, 4], [1, 1.4, 2], [1, 1.4, 2], [1, 1.6, 2.5]),
    "effective_fields": lambda: figures.effective_fields(IMAGES[:3], STAGES, list("abc")),
}


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


@pytest.mark.slow
@pytest.mark.parametrize("name", EXAMPLES)
def test_a_figure_fills_the_column_and_takes_its_colours_from_the_page(name):
    """Black text would vanish on a dark page, a white ground would glare there."""
    svg = print_figure(EXAMPLES[name](), "svg", bbox_inches=None)  # as a notebook saves it
    assert f'width="{72 * WIDTH:g}pt"' in svg
    themed = themed_svg(svg, "what it shows")
    assert "var(--sc-quiet)" in themed or "currentColor" in themed
    for token in TOKENS["colors"]:
        assert color(token) not in themed
    # What is left are the ends of the scale that is the same on every page, and nothing else has a colour of its own.
    assert set(re.findall("#[0-9a-f]{6}", themed)) <= {NIGHT, DAY}


@pytest.mark.slow
@pytest.mark.parametrize("name", EXAMPLES)
def test_no_text_of_a_figure_is_cut_off_or_too_small_for_a_phone(name):
    """A phone of 390 pixels shows a point of type as 1.07 pixels."""
    figure = EXAMPLES[name]()
    figure.draw_without_rendering()
    titles = [title for ax in figure.axes for title in (ax.title, ax._left_title)]
    for text in [*titles, *(text for ax in figure.axes for text in ax.texts), *figure.texts]:
        if text.get_text().strip():
            box = text.get_window_extent()
            assert text.get_fontsize() >= 9, text
            assert min(box.x0, box.y0) > -1, text
            assert box.x1 < figure.bbox.x1 + 1 and box.y1 < figure.bbox.y1 + 1, text


def test_only_signed_images_are_brightened_in_the_dark():
    figure = Figure()
    first, second = figure.subplots(1, 2)
    show(first, IMAGES[0], DIGIT, 1)
    show(second, IMAGES[0] - 0.5, SIGNED, 0.5)
    svg = themed_svg(print_figure(figure, "svg"), "two images")
    assert svg.count("<image ") == 2
    assert svg.count('class="signed"') == 1


def test_signed_colours_let_the_page_through_at_zero_and_have_a_hue_for_each_sign():
    most, none, least = SIGNED([1.0, 0.5, 0.0])
    assert (most[3], none[3], least[3]) == pytest.approx((1, 0, 1), abs=0.01)
    assert most[2] > most[0] and least[0] > least[2]


def test_the_picture_of_the_readme_is_in_this_style():
    svg = (Path(__file__).parents[2] / "chapters" / "images" / "overview.svg").read_text(encoding="utf-8")
    assert f'width="{72 * WIDTH:.1f}pt"' in svg
    assert INK in svg


def test_curves_show_the_values_of_the_log():
    top, bottom = figures.curves(notes_log()).axes
    np.testing.assert_array_equal(top.lines[1].get_ydata(), [epoch.val_accuracy for epoch in notes_log()])
    np.testing.assert_array_equal(bottom.lines[0].get_ydata(), [epoch.loss for epoch in notes_log()])


def test_the_axis_of_curves_starts_above_the_first_epoch_and_says_so():
    top, _ = figures.curves(notes_log()).axes
    first, *others = notes_log()
    assert first.accuracy < top.get_ylim()[0] < min(epoch.accuracy for epoch in others)
    assert f"{first.accuracy:.3f} in epoch 1" in top.get_title(loc="left")
    figures.curves(notes_log()[:1])  # a run that has just begun


def test_mistakes_are_captioned_with_label_guess_and_both_probabilities():
    probabilities = np.zeros((1, 10))
    probabilities[0, [4, 9]] = 0.29, 0.71
    (ax,) = figures.mistakes(IMAGES[:1], np.array([4]), probabilities).axes
    low, high = sorted(ax.texts, key=lambda text: -text.get_position()[1])
    assert (high.get_text(), low.get_text()) == ("4 read as 9", "9: 71%, 4: 29%")


def frame(ax):
    """Return the frame that marks a region of an image."""
    (found,) = (patch for patch in ax.patches if to_hex(patch.get_edgecolor()) == POINT)
    return found


def texts(ax):
    return [text.get_text() for text in ax.texts]


def test_kernel_responses_show_the_weights_and_only_signed_responses_in_signed_colours():
    axes = np.reshape(EXAMPLES["kernel_responses"]().axes[:6], (2, 3))
    assert texts(axes[0, 1]) == ["1/9"] * 9
    assert texts(axes[0, 2]) == ["1", "0", "−1", "2", "0", "−2", "1", "0", "−1"]
    shown = [ax.images[0] for ax in axes[1]]
    assert [image.get_cmap().name for image in shown] == ["bright", "bright", "signed"]
    np.testing.assert_array_equal(shown[2].get_array(), IMAGES[2] - 0.5)
    assert -shown[2].norm.vmin == shown[2].norm.vmax


def test_a_profile_puts_answers_under_the_middle_of_their_crop_and_draws_all_on_one_scale():
    (ax,) = EXAMPLES["profile"]().axes
    assert texts(ax) == ["pixels", "0", "0", "9", "9", "Sobel", "36", "−36"]
    assert [bar.get_x() + bar.get_width() / 2 for bar in ax.patches] == pytest.approx([0, 1, 2, 3, 1, 2])
    assert [bar.get_height() for bar in ax.patches] == [0, 0, 9, 9, 36, -36]


def test_learning_shows_the_losses_and_every_kernel_on_one_scale():
    curve, *kernels, _ = EXAMPLES["learning"]().axes
    np.testing.assert_array_equal(curve.lines[0].get_ydata(), np.geomspace(1, 1e-6, 50))
    assert [ax.get_title() for ax in kernels] == ["step 0", "true"]
    assert {ax.images[0].get_clim() for ax in kernels} == {(-2, 2)}


def test_relatives_go_from_the_most_similar_kernel_to_the_least():
    similarities = np.array([0.1, 0.9, 0.5])
    kernels = np.stack([np.full((3, 3), 1.0), np.full((3, 3), 2.0), -np.ones((3, 3))])
    top, bottom, _ = figures.relatives(kernels, -kernels, similarities, np.linspace(0, 1, 101)).axes
    assert texts(top) == ["0.900", "0.500", "0.100"]
    canvas = top.images[0].get_array()
    assert [canvas[3, 1], canvas[7, 1], canvas[3, 5], canvas[7, 5]] == [1, -1, -1, 1]
    assert bottom.lines[0].get_xdata()[0] == pytest.approx(0.95)
    np.testing.assert_array_equal(bottom.lines[1].get_xdata(), similarities)


def test_stages_outline_what_the_middle_unit_sees():
    figure = figures.stages(IMAGES[0], [RNG.random((s.size, s.size, s.channels)) for s in STAGES], STAGES)
    marked = frame(figure.axes[0])
    seen = STAGES[0].sees(12)
    assert (marked.get_x() + 0.5, marked.get_width()) == (seen.start, len(seen)) == (12, 3)


def test_steps_and_epochs_shows_the_running_mean_weighted_by_the_size_of_the_batches():
    losses = np.array([[4.0, 2.0, 1.0], [1.0, 1.0, 1.0]])
    top, bottom = figures.steps_and_epochs(losses, [2, 2, 1], [0.9, 0.8, 0.7], [1.0, 1.1, 1.2]).axes
    dots, running, after = top.lines[:3]
    np.testing.assert_allclose(dots.get_ydata(), losses.ravel())
    np.testing.assert_allclose(running.get_ydata(), [4, 3, 2.6, np.nan, 1, 1, 1, np.nan])
    assert after.get_xydata().tolist() == [[3, 0.9], [6, 0.8]]
    assert bottom.lines[2].get_label() == "its lowest, epoch 1"


def test_schedule_lines_count_epochs_from_one_and_look_different():
    (ax,) = figures.schedule_lines({name: [0.3, 0.2] for name in "abcde"}).axes
    assert all(line.get_xdata()[0] == 1 for line in ax.lines)
    looks = {(line.get_linestyle(), line.get_marker()) for line in ax.lines}
    assert len(looks) == 5


def test_only_rates_that_stay_and_then_fall_are_drawn_as_steps():
    (ax,) = figures.schedule_lines({"step": [2, 2, 1, 1], "constant": [1] * 4, "cosine": [3, 2, 1, 0]}).axes
    assert [line.get_drawstyle() for line in ax.lines] == ["steps-post", "default", "default"]


def test_schedule_runs_show_every_seed_its_last_and_its_best_epoch():
    figure = figures.schedule_runs({"a": np.array([[0.5, 0.9, 0.8], [0.5, 0.6, 0.7]]), "b": np.full((2, 3), 0.5)})
    first, _, ends = figure.axes
    np.testing.assert_allclose([line.get_ydata() for line in first.lines], [[50, 10, 20], [50, 40, 30]])
    best, last, mean = (line.get_xdata() for line in ends.lines[:3])
    (pairs, _) = (lines.get_segments() for lines in ends.collections)
    np.testing.assert_allclose([pair[:, 0] for pair in pairs], [[80, 90], [70, 70]])
    np.testing.assert_allclose(best, [90, 70])
    np.testing.assert_allclose(last, [80, 70])
    np.testing.assert_allclose(mean, [75, 75])


def test_cone_reaches_exactly_the_pixels_that_the_unit_sees():
    (ax,) = figures.cone(STAGES, 5).axes
    pixels = next(line for line in ax.lines if line.get_marker() == "s" and line.get_markerfacecolor() == FIRST)
    assert list(pixels.get_xdata()) == list(STAGES[-1].sees(5))
    # The unit stands over their middle, and every line of the cone ends below it at a unit of the layer before.
    top = next(line for line in ax.lines if line.get_markerfacecolor() == POINT)
    assert top.get_xdata()[0] == np.mean(STAGES[-1].sees(5))
    ends = [tuple(below) for _, below in ax.collections[0].get_segments()]
    assert {x for x, level in ends if level == 0} == set(STAGES[-1].sees(5))


def test_cone_of_a_padded_layer_is_refused():
    with pytest.raises(ValueError, match="without padding"):
        figures.cone(trace([Layer(3, 16, padding="same")]), 0)


def test_effective_fields_are_scaled_to_their_strongest_pixel_and_framed():
    first, *_ = figures.effective_fields(IMAGES[:3], STAGES, list("abc")).axes
    np.testing.assert_allclose(first.images[0].get_array(), IMAGES[0] / IMAGES[0].max())
    assert first.images[0].get_clim() == (0, 1)
    marked = frame(first)
    seen = STAGES[0].sees(12)
    assert (marked.get_x() + 0.5, marked.get_width()) == (seen.start, len(seen))


def test_sees_and_uses_dims_the_digit_by_the_influence():
    *_, last, _ = figures.sees_and_uses(IMAGES[0], IMAGES[1], range(3, 9), range(0, 6)).axes
    np.testing.assert_allclose(last.images[0].get_array(), IMAGES[0] * IMAGES[1] / IMAGES[1].max())
    assert last.images[0].get_clim() == (0, IMAGES[0].max())


def test_spread_plots_each_series_under_its_name():
    (ax,) = figures.spread([1, 2], [3, 4], [5, 6], [7, 8], [9, 10]).axes
    shown = {line.get_label().split()[0]: list(line.get_ydata()) for line in ax.lines}
    assert shown == {"if": [3, 4], "law": [5, 6], "equal": [7, 8], "random": [9, 10]}


def test_mixing_shows_all_maps_and_mixtures_on_one_scale():
    maps, mixed = RNG.random((9, 9, 4)), 2 * RNG.random((9, 9, 2))
    *axes, _ = figures.mixing(maps, list("abcd"), mixed, ["e", "f"]).axes
    images = [ax.images[0] for ax in axes if ax.images]
    assert {image.get_clim() for image in images} == {(0, mixed.max())}
    np.testing.assert_array_equal(images[5].get_array(), mixed[:, :, 1])


def test_side_by_side_shows_each_map_under_its_caption_on_one_scale():
    first, second, _ = figures.side_by_side({"a": IMAGES[0], "b": 2 * IMAGES[1]}).axes
    assert (first.get_title("center"), second.get_title("center")) == ("a", "b")
    np.testing.assert_array_equal(second.images[0].get_array(), 2 * IMAGES[1])
    highest = max(IMAGES[0].max(), 2 * IMAGES[1].max())
    assert first.images[0].get_clim() == second.images[0].get_clim() == (0, highest)


def test_break_even_marks_the_chosen_number():
    (ax,) = figures.break_even([8, 9, 10], {"a": [0.8, 0.9, 1]}, chosen=9).axes
    assert ax.lines[0].get_markevery() == [1]
    assert ax.lines[1].get_ydata() == [1, 1]


def test_activated_maps_share_a_scale_around_zero():
    figure = figures.activated_maps(IMAGES[0], {"before": IMAGES[1] - 3, "relu": IMAGES[2]})
    before, relu = (figure.axes[i].images[0] for i in (1, 2))
    np.testing.assert_array_equal(before.get_array(), IMAGES[1] - 3)
    most = np.abs(IMAGES[1] - 3).max()
    assert before.get_clim() == relu.get_clim() == (-most, most)


def test_functions_and_slopes_show_both_curves():
    z, values, slopes = np.linspace(-1, 1, 5), np.arange(5), np.ones(5)
    first, spare = figures.functions_and_slopes(z, {"only": (values, slopes)}).axes
    function, slope = first.lines[-2:]
    np.testing.assert_array_equal(function.get_ydata(), values)
    np.testing.assert_array_equal(slope.get_ydata(), slopes)
    assert not spare.axison


def test_gradient_norms_join_the_geometric_means_of_the_runs():
    runs = np.array([[0.01, 0.1, 1], [0.04, 0.4, 1]])
    figure = figures.gradient_norms({"sigmoid": runs}, [0.0625, 0.25, 1])
    means, bound = figure.axes[0].lines
    np.testing.assert_allclose(means.get_ydata(), [0.02, 0.2, 1])
    np.testing.assert_allclose(bound.get_ydata(), [0.0625, 0.25, 1])
    assert figure.axes[0].get_yscale() == "log"


def test_no_line_runs_through_the_words_of_a_legend():
    frame = EXAMPLES["race"]().axes[0].get_legend().get_frame()
    assert frame.get_visible() and frame.get_alpha() == 1
    assert to_hex(frame.get_facecolor()) == PAPER


def test_gradient_norms_have_styles_for_four_functions():
    with pytest.raises(ValueError, match="four"):
        figures.gradient_norms(dict.fromkeys("abcde", np.ones((2, 3))), [1, 1, 1])


def test_dead_units_share_a_scale():
    counts = {"2 digits": np.full((4, 4), 5), "9 digits": np.eye(4, dtype=int)}
    figure = figures.dead_units(counts)
    for ax, count in zip(figure.axes, counts.values(), strict=False):
        np.testing.assert_array_equal(ax.images[0].get_array(), count)
        assert ax.images[0].get_clim() == (0, 5)


def test_paths_writes_the_numbers_into_the_cells():
    counts = np.arange(9).reshape(3, 3)
    (ax,) = figures.paths([counts], ["a"]).axes
    assert [text.get_text() for text in ax.texts] == [str(count) for count in range(9)]


def test_border_draws_answers_at_the_scale_of_the_image():
    _, valid, padded, _ = figures.border(IMAGES[0], RNG.random((26, 26)), RNG.random((28, 28))).axes
    assert list(valid.images[0].get_extent()) == [0.5, 26.5, 26.5, 0.5]
    assert list(padded.images[0].get_extent()) == [-0.5, 27.5, 27.5, -0.5]


def test_left_over_has_a_dot_for_every_kernel():
    (ax,) = figures.left_over({1: [0.3, 0.4], 2: [0.0, 0.1]}).axes
    assert [list(line.get_ydata()) for line in ax.lines] == [[0.3, 0.4], [0.0, 0.1]]


def test_window_shows_the_pixels_the_weights_and_the_sum():
    kernel, answers = np.array([[1, 0], [-2, 1]]), RNG.normal(size=(27, 27))
    digit, pixels, weights, result = figures.window(IMAGES[0], kernel, answers, row=4, column=9).axes[:4]
    assert (frame(digit).get_x() + 0.5, frame(digit).get_y() + 0.5) == (9, 4)
    assert [text.get_text() for text in weights.texts] == ["1", "0", "−2", "1"]
    assert pixels.texts[3].get_text() == f"{IMAGES[0][5, 10]:.1f}"
    # The sum is that of the numbers that are shown, so that a reader can check it.
    shown = np.reshape([float(text.get_text()) for text in pixels.texts], (2, 2))
    assert result.get_title("center").replace("−", "-") == f"sum: {(shown * kernel).sum():.1f}"


def test_geometry_draws_small_maps_at_the_scale_of_the_largest():
    figure = figures.geometry([RNG.normal(size=(26, 26)), RNG.normal(size=(13, 13))], ["plain", "stride 2"])
    widths = [np.ptp(ax.get_xlim()) for ax in figure.axes[:2]]
    assert widths == [26, 26]
    assert figure.axes[1].get_title("center") == "stride 2\n13 × 13"


def test_evidence_shows_the_winner_minus_the_other_class():
    parts = RNG.normal(size=(2, 4, 4, 10))
    axes = figures.evidence(IMAGES[:2], parts, np.array([1, 2]), np.array([3, 4])).axes
    np.testing.assert_array_equal(axes[2].images[0].get_array(), parts[0, :, :, 1] - parts[0, :, :, 3])
    total = f"{(parts[1, :, :, 2] - parts[1, :, :, 4]).sum():+.1f}".replace("-", "−")
    assert axes[3].get_title("center") == f"2 minus 4: {total}"
    assert axes[2].images[0].get_clim() == axes[3].images[0].get_clim()


def test_probes_show_every_untrained_network_beside_the_trained_one():
    shares, controls = [0.1, 0.9], np.array([[0.1, 0.2], [0.3, 0.4]])
    (ax,) = figures.probes(list("ab"), {"which": shares}, {"which": controls}).axes
    assert [list(line.get_ydata()) for line in ax.lines] == [*controls.tolist(), shares]
    assert [line.get_label() for line in ax.lines][0::2] == ["untrained", "trained"]


def test_leans_draw_the_band_from_the_5th_to_the_95th_percentile():
    many = np.stack([np.linspace(0, 1, 101), np.linspace(0, 0.5, 101)], axis=1)
    (ax,) = figures.leans(list("ab"), {"5 read as 3": (np.array([0.5, 0.8]), many)}).axes
    middle, one = (line.get_ydata() for line in ax.lines[:2])
    np.testing.assert_allclose(middle, [0.5, 0.25])
    np.testing.assert_allclose(one, [0.5, 0.8])
    heights = ax.collections[0].get_paths()[0].vertices[:, 1]
    assert {round(height, 3) for height in heights} == {0.05, 0.95, 0.025, 0.475}


def test_moved_has_one_colour_scale_for_its_maps():
    maps = [scale * RNG.normal(size=(26, 26)) for scale in (1, 2, 3)]
    axes = figures.moved(list(IMAGES[:3]), maps).axes
    assert {ax.images[0].get_clim()[1] for ax in axes[3:]} == {max(np.abs(m).max() for m in maps)}


def test_map_stacks_share_colours_within_a_layer_only():
    stacks = {"one": RNG.random((26, 26, 16)), "two": 3 * RNG.random((4, 4, 16))}
    limits = [ax.images[0].get_clim() for ax in figures.map_stacks(stacks).axes]
    assert limits == [(0, stacks["one"].max())] * 16 + [(0, stacks["two"].max())] * 16


def test_before_after_tells_what_is_cut_off_from_what_is_kept():
    values = np.array([[-2.0, -1.0, 3.0], [1.0, -0.5, 0.2]])
    spread = figures.before_after(values, np.maximum(values, 0)).axes[2]
    assert sum(bar.get_height() for bar in spread.patches if bar.get_hatch()) == 3
    assert sum(bar.get_height() for bar in spread.patches if not bar.get_hatch()) == 3


def test_scales_shows_each_map_on_its_own_scale_and_on_the_shared_one():
    maps = RNG.random((9, 9, 3)) * [1, 2, 3]
    axes = figures.scales(maps).axes
    own, shared = ([ax.images[0].get_clim()[1] for ax in part] for part in (axes[:3], axes[3:6]))
    assert own == list(maps.max(axis=(0, 1)))
    assert shared == [maps.max()] * 3


def test_ablation_numbers_the_brightest_channel_and_the_one_missed_most():
    first, second = (np.array([0.1, 0.5, 0.2]), np.array([3, 0, 9])), (np.array([7, 1]), np.array([2, -1]))
    axes = figures.ablation({"one": first, "two": second}).axes
    assert [ax.get_title(loc="left") for ax in axes] == ["one", "two"]
    assert [[(t.get_text(), *t.xy) for t in ax.texts] for ax in axes] == [
        [("map 1", 0.5, 0), ("map 2", 0.2, 9)],
        [("map 0", 7, 2)],
    ]
    for ax, points in zip(axes, (first, second), strict=True):
        np.testing.assert_array_equal(ax.lines[0].get_xydata(), np.transpose(points))
