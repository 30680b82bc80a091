"""The Python side of the interactive figures: what they take, what they refuse, what they send to the page."""

import gzip
import re
from pathlib import Path

import numpy as np
import pytest
import traitlets
from ipywidgets.embed import embed_data
from scipy.signal import convolve2d

from convbook import activations, mnist, schedules, widgets
from convbook.history import notes_log
from convbook.inference import Network, forward, load, record
from convbook.kernels import KERNELS, kernel
from convbook.network import layer_records
from convbook.plans import PLANS
from convbook.widgets.bundle import FOLDER, bundle
from convbook.widgets.digit_figure import ten_digits
from convbook.widgets.kernel_lab import scene
from convbook.widgets.network_figure import flat
from convbook.widgets.trainer import TRAINING, WORKER, sample
from convbook.widgets.traits import Array, pack

MODULES = Path(str(FOLDER))


def replay() -> widgets.TrainingReplay:
    snapshot = [*load().weights.values()]
    return widgets.TrainingReplay([snapshot] * 20, notes_log(), *ten_digits())


def make(name: str) -> widgets.figure.InteractiveFigure:
    return replay() if name == "TrainingReplay" else getattr(widgets, name)()


@pytest.mark.parametrize("name", widgets.__all__)
def test_figure_shows_itself_with_and_without_a_front_end(name):
    data, _ = make(name)._repr_mimebundle_()
    assert "application/vnd.jupyter.widget-view+json" in data
    assert "<svg" in data["image/svg+xml"]


@pytest.mark.parametrize("name", widgets.__all__)
def test_module_is_one_text_without_imports(name):
    module = make(name)._esm
    assert len(re.findall("^export default ", module, re.MULTILINE)) == 1
    assert not re.search(r"^(import|export (?!default))", module, re.MULTILINE)


def test_what_a_module_imports_is_joined_before_it():
    text = bundle("network_strip")
    assert text.index("const drawing_module = ") < text.index("const { prepareDigit } = drawing_module;")
    assert text.count("const elements_module = ") == 1  # imported twice


def test_every_module_belongs_to_a_class_or_is_imported_by_one():
    classes = {getattr(widgets, name).__module__.rpartition(".")[2] for name in widgets.__all__}
    joined = set(re.findall(r"const (\w+)_module = \(", "".join(map(bundle, {*classes, WORKER})))) | {WORKER}
    own, shared = ({path.stem for path in folder.glob("*.js")} for folder in (MODULES, MODULES / "shared"))
    assert own == classes, "a figure is a class in widgets/*.py and a module of the same name beside it"
    assert shared == joined, "a module in widgets/shared/ is there to be imported by a figure"


def test_arrays_cross_to_the_page_and_back():
    stepper = widgets.ConvolutionStepper()
    sent = stepper.get_state("kernel")["kernel"]
    assert sent["shape"] == [3, 3] and sent["dtype"] == "float32"
    np.testing.assert_array_equal(np.frombuffer(sent["data"], "<f4").reshape(3, 3), kernel("sobel_vertical"))
    stepper.set_state({"kernel": pack(np.eye(2, dtype=np.float32))})
    np.testing.assert_array_equal(stepper.kernel, np.eye(2))


def test_lists_become_arrays_and_arrays_are_read_only():
    stepper = widgets.ConvolutionStepper()
    stepper.kernel = [[0, 1], [1, 0]]
    assert stepper.kernel.dtype == np.float32
    with pytest.raises(ValueError, match="read-only"):
        stepper.kernel[0, 0] = 5


@pytest.mark.parametrize(
    ("value", "message"),
    [
        (np.ones((2, 3)), r"kernel must be square, of shape \(1 to 5, 1 to 5\), got \(2, 3\)"),
        (np.ones((6, 6)), r"kernel must be square, of shape \(1 to 5, 1 to 5\), got \(6, 6\)"),
        (np.ones(9), r"got \(9,\)"),
        (np.empty((0, 0)), r"got \(0, 0\)"),
        ([[np.nan]], "kernel has values that are not finite numbers"),
        ([[np.inf]], "kernel has values that are not finite numbers"),
        ([["a"]], "kernel takes an array of numbers"),
        ([[1, 2], [3]], "kernel takes an array of numbers"),
        (None, r"kernel must be square|kernel takes an array|not finite"),
    ],
)
def test_wrong_kernels_are_refused_and_change_nothing(value, message):
    stepper = widgets.ConvolutionStepper()
    before = stepper.kernel
    with pytest.raises(traitlets.TraitError, match=message):
        stepper.kernel = value
    np.testing.assert_array_equal(stepper.kernel, before)


@pytest.mark.parametrize(
    ("name", "trait", "value"),
    [
        ("ConvolutionStepper", "stride", 0),
        ("ConvolutionStepper", "padding", -1),
        ("ConvolutionStepper", "image", np.zeros((10, 10))),
        ("KernelLab", "image", np.zeros((1001, 10))),
        ("TwoOrOne", "first", np.zeros((5, 5))),
        ("ChannelMixer", "weights", np.zeros(15)),
        ("ChannelMixer", "bottleneck", 17),
        ("ActivationPlayground", "function", "softmax"),
        ("ActivationPlayground", "layers", 21),
        ("NetworkStrip", "place", "conv4"),
        ("NetworkStrip", "place", "conv5/16"),
        ("NetworkStrip", "place", "conv5/3/10,0"),
        ("NetworkStrip", "place", "conv5/3/4"),
        ("SoftmaxTraining", "schedule", "exponential"),
        ("SoftmaxTraining", "batch_size", 3_000),
        ("SoftmaxTraining", "rate", float("nan")),
        ("SoftmaxTraining", "epochs", 0),
        ("Trainer", "epochs", 0),
        ("Trainer", "batch_size", 1),
        ("Trainer", "rate", float("nan")),
        ("Trainer", "seed", 10**9),
        ("StackEditor", "layers", [{"kind": "conv", "kernel": 0, "stride": 1, "dilation": 1, "padding": 0}]),
        ("StackEditor", "layers", [{"kind": "dense", "kernel": 1, "stride": 1, "dilation": 1, "padding": 0}]),
        ("StackEditor", "layers", [{"kind": "conv", "kernel": 3}]),
        ("StackEditor", "layers", [{"kind": "conv", "kernel": 29, "stride": 1, "dilation": 1, "padding": 0}]),
        ("StackEditor", "layers", [{"kind": "conv", "kernel": 1, "stride": 1, "dilation": 1, "padding": 0}] * 25),
    ],
)
def test_values_out_of_range_are_refused(name, trait, value):
    figure = getattr(widgets, name)()
    with pytest.raises(traitlets.TraitError):
        setattr(figure, trait, value)


def test_replay_wants_a_snapshot_for_every_epoch():
    with pytest.raises(ValueError, match="one snapshot an epoch: got 0 snapshots and 20 epochs"):
        widgets.TrainingReplay([], notes_log(), *ten_digits())


def test_the_ten_digits_are_the_ten_classes_as_pictures():
    digits, labels = ten_digits()
    assert labels == [*range(10)] and digits.shape == (10, 28, 28) and digits.max() == 255


def test_the_large_kernel_is_the_full_convolution_of_the_two():
    figure = widgets.TwoOrOne()
    np.testing.assert_allclose(figure.large, convolve2d(figure.first, figure.second), atol=1e-6)


def test_the_scene_is_a_picture_with_soft_and_sharp_edges():
    picture = scene()
    steps = np.abs(np.diff(picture, axis=1))
    assert picture.min() >= 0 and picture.max() <= 1
    assert (steps > 0.2).mean() > 0.005 and ((steps > 0.001) & (steps < 0.05)).mean() > 0.3


def test_two_figures_share_no_state():
    first, second = widgets.StackEditor(), widgets.StackEditor()
    first.layers = first.layers[:1]
    assert len(second.layers) == 5 and len(widgets.StackEditor().layers) == 5


def test_the_state_of_a_figure_can_stand_in_a_page():
    network = widgets.NetworkStrip()
    models = embed_data(views=[network], drop_defaults=False)["manager_state"]["state"]
    figure = models[network.model_id]
    assert figure["state"]["_anywidget_id"] == "convbook.widgets.network_strip.NetworkStrip"
    assert {tuple(buffer["path"]) for buffer in figure["buffers"]} == {
        ("digits", "data"),
        ("image", "data"),
        ("weights", "data"),
    }


def test_an_array_says_its_shape_when_it_is_made_wrong():
    class Holder(traitlets.HasTraits):
        row = Array((None,), "uint8")

    with pytest.raises(traitlets.TraitError, match=r"row must be of shape \(1 to 60000\), got \(1, 1\)"):
        Holder(row=[[1]])


# What Python says once and the page reads.


@pytest.mark.parametrize("name", ["NetworkStrip", "TrainingReplay"])
def test_the_page_gets_the_layers_of_the_record(name):
    assert make(name).get_state("layers")["layers"] == record("scheduled_cnn")["layers"]


@pytest.mark.parametrize("name", ["compact_7k", "compact_20k"])
def test_a_figure_shows_the_network_that_it_is_given(name):
    network = load(name)
    figure = widgets.NetworkStrip(network=network, place="pool2/0/12,12", highlight="conv3")
    assert figure.layers == network.layers
    assert "<svg" in figure._repr_mimebundle_()[0]["image/svg+xml"]


def test_the_other_networks_and_digits_stand_in_models_of_their_own():
    """So that a page loads them only when they are chosen."""
    figure = widgets.NetworkStrip()
    first, *others = figure.networks
    assert first["data"] is None
    for choice, name in zip(others, ["compact_20k", "compact_7k"], strict=True):
        assert f"{record(name)['parameters']:,}" in choice["title"]
        assert choice["data"].layers == load(name).layers
        np.testing.assert_array_equal(choice["data"].weights, flat(load(name)))
    assert figure.many.digits.shape == (100, 28, 28)


def test_another_layer_in_the_record_is_another_layer_on_the_page():
    layers = [dict(layer) for layer in load().layers]
    layers[0]["padding"], layers[3]["activation"] = "same", "linear"
    figure = widgets.NetworkStrip(network=Network(layers, load().weights), place="conv1/0/27,27")
    sent = figure.get_state("layers")["layers"]
    assert sent[0]["padding"] == "same" and sent[3]["activation"] == "linear"


def test_the_weights_on_the_page_are_those_of_the_network_folded():
    row, image = flat(load()), ten_digits()[0][3][:, :, None] / 255
    outputs = forward(load(), image)
    kernel, rest = np.split(row, [9 * 16])
    bias, scale, shift, _ = np.split(rest, [16, 32, 48])
    np.testing.assert_array_equal(kernel, load().weights["conv1_kernel"].ravel())
    np.testing.assert_array_equal(bias, load().weights["conv1_bias"])
    np.testing.assert_allclose(outputs["conv1"] * scale + shift, outputs["norm1"], atol=1e-6)


def test_a_replay_of_another_network_is_refused():
    with pytest.raises(ValueError, match=r"conv1_kernel must have shape \(3, 3, 1, 16\)|44 arrays of weights, got 27"):
        widgets.TrainingReplay([[*load("compact_7k").weights.values()]] * 20, notes_log(), *ten_digits())


def test_schedules_kernels_and_functions_reach_the_page_by_name():
    for name in ("SoftmaxTraining", "Trainer"):
        sent = getattr(widgets, name)().get_state("schedules")["schedules"]
        assert [*sent] == [*schedules.SCHEDULES]
    assert sent["one_cycle"]["takes"] == {"initial": 0.006, "warm_up": 0.3, "start": 0.1}
    assert [*widgets.KernelLab().get_state("presets")["presets"]] == [*KERNELS]
    assert widgets.ActivationPlayground().get_state("functions")["functions"] == [*activations.ACTIVATIONS]


@pytest.mark.parametrize(
    ("name", "trait", "limits"),
    [
        ("SoftmaxTraining", "decay", (0, 1, 0.001)),
        ("SoftmaxTraining", "every", (1, 20, 1)),
        ("ConvolutionStepper", "dilation", (1, 8, 1)),
        ("ConvolutionStepper", "kernel", (1, 5, 1)),
        ("ChannelMixer", "weights", (-2, 2, 0.01)),
        ("ActivationPlayground", "z", (-5, 5, 0.05)),
        ("TwoOrOne", "channels", (1, 64, 1)),
    ],
)
def test_the_limits_of_a_slider_are_those_of_its_trait(name, trait, limits):
    sent = getattr(widgets, name)().get_state("limits")["limits"]
    assert sent[trait] == dict(zip(("min", "max", "step"), limits, strict=True))


def test_other_limits_in_python_are_other_limits_on_the_page():
    class Narrow(widgets.ConvolutionStepper):
        stride = traitlets.Int(1, min=1, max=2).tag(sync=True, step=0.5)

    assert Narrow().get_state("limits")["limits"]["stride"] == {"min": 1, "max": 2, "step": 0.5}


def test_no_module_has_limits_of_a_slider_of_its_own():
    """Except for the epochs of a replay and the runs of a recipe, of which Python knows the number only."""
    own = {}
    for path in MODULES.rglob("*.js"):
        if found := re.findall(r"slider\(\{[^}]*\bmax: [^}]*", path.read_text(encoding="utf-8")):
            own[path.name] = found
    assert sorted(own) == ["frontier.js", "training_replay.js"]
    assert all(len(sliders) == 1 for sliders in own.values())


def test_no_module_names_a_layer_of_the_network():
    names = "|".join(layer["name"] for layer in record("scheduled_cnn")["layers"])
    for path in MODULES.rglob("*.js"):
        assert not re.search(rf"\b({names})\b(?=[\"'`])", path.read_text(encoding="utf-8")), path.name


def test_the_sample_is_that_of_the_study_and_reaches_the_page_packed():
    digits, plan = sample(), PLANS["trainer"]
    images, labels, *held_out = mnist.split(mnist.load(), plan.variants["scheduled_cnn"].held_out)
    np.testing.assert_array_equal(digits.train_images, images[: plan.digits])
    np.testing.assert_array_equal(digits.validation_labels, held_out[1])
    data = widgets.Trainer().data
    assert len(data.digits) < 1_300_000
    row = np.frombuffer(gzip.decompress(data.digits.tobytes()), np.uint8)
    every = np.concatenate([labels[: plan.digits], held_out[1]])
    np.testing.assert_array_equal(row[: len(every)], every)
    pixels = row[len(every) :].reshape(-1, 28, 28)
    np.testing.assert_array_equal(pixels[data.training :], held_out[0])


def test_the_first_settings_of_the_trainer_are_those_of_the_study():
    trainer, recipe = widgets.Trainer(), PLANS["trainer"].variants["scheduled_cnn"]
    assert (trainer.epochs, trainer.batch_size, trainer.digits) == (recipe.epochs, recipe.batch_size, TRAINING)
    assert trainer.rate == recipe.schedule(0) and schedules.SCHEDULES[trainer.schedule] is recipe.schedule
    assert layer_records(recipe.build()) == trainer.layers
    assert len(trainer.keras["validation"]["min"]) == recipe.epochs


def test_the_softmax_model_learns_from_the_digits_of_its_chapter():
    images, labels, *held_out = mnist.split(mnist.load(whole=True))
    figure = widgets.SoftmaxTraining()
    assert figure.data.training == 2_000
    assert len(figure.data.digits) < 600_000
    row = np.frombuffer(gzip.decompress(figure.data.digits.tobytes()), np.uint8)
    np.testing.assert_array_equal(row[:3_000], [*labels[:2_000], *held_out[1][:1_000]])
    pixels = row[3_000:].reshape(-1, 28, 28)
    np.testing.assert_array_equal(pixels, [*images[:2_000], *held_out[0][:1_000]])


@pytest.mark.parametrize("rate", [0.5, 2.0])
def test_the_softmax_model_starts_with_the_rates_of_the_notes_in_multiples(rate):
    figure = widgets.SoftmaxTraining(rate=rate)
    np.testing.assert_allclose(figure.rates(), [rate * multiple for multiple in figure.logged], atol=1e-9)
    np.testing.assert_allclose(figure.rates(), [rate / 0.003 * schedules.inverse_time(e) for e in range(20)], atol=1e-9)


def test_one_cycle_climbs_to_twice_the_base_rate():
    figure = widgets.SoftmaxTraining(schedule="one_cycle", rate=0.1, epochs=10)
    assert len(figure.rates()) == 10 and max(figure.rates()) == pytest.approx(0.2)
