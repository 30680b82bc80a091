"""What the figures compute in a browser is what NumPy, Keras and TensorFlow compute."""

import base64
from functools import cache, partial
from inspect import signature
from pathlib import Path
from typing import Any

import nbformat
import numpy as np
import pytest
import tensorflow as tf
from scipy import special, stats

from convbook import activations, inference, mnist, schedules
from convbook.arithmetic import Layer, Stage, trace
from convbook.backend import keras
from convbook.convolve import conv2d_loops, conv2d_windows
from convbook.inference import Network, network_of
from convbook.network import layer_records, load_trained
from convbook.widgets.network_figure import flat
from convbook.widgets.seed_intervals import t_quantile
from convbook.widgets.softmax_training import packed_digits, page_digits, trained
from convbook.widgets.stack_editor import PRESETS

from .browser import encoded

CHAPTER = Path(__file__).parents[2] / "chapters" / "08-epochs-and-schedules.ipynb"
SHIPPED = sorted(file.stem for file in inference.WEIGHTS.glob("*.json"))


@cache
def digits():
    return mnist.load()


@cache
def network(name: str = "scheduled_cnn") -> keras.Model:
    return load_trained(name)


def in_keras(name: str, images: np.ndarray) -> dict[str, np.ndarray]:
    """The outputs of all layers but the dropouts, which do nothing."""
    kept = [layer for layer in network(name).layers if not isinstance(layer, keras.layers.Dropout)]
    part = keras.Model(network(name).inputs[0], {layer.name: layer.output for layer in kept})
    return part.predict(mnist.to_input(images), batch_size=100, verbose=0)


NETWORK = """
const { cutWeights, forward, backward } = await load("shared/network");
const { prepareDigit } = await load("shared/drawing");
const layers = given.layers;
const pieces = cutWeights(layers, floats(given.weights));
const image = (pixels, n) => {
  const data = Float32Array.from(pixels.subarray(784 * n, 784 * (n + 1)), (value) => value / 255);
  return { data, height: 28, width: 28, channels: 1 };
};
"""


def given(network: Network) -> dict[str, Any]:
    """Describe a network to the page, as the figures do."""
    return {"layers": network.layers, "weights": encoded(flat(network))}


GIVEN = given(inference.load())


def test_the_weights_on_the_page_are_small():
    assert flat(inference.load()).nbytes < 80_000


def test_thousands_are_written_in_groups(call):
    values = [0, 7, -7, 999, 1_000, -12_345, 100_000, 1_234_567, 0.00123]
    body = 'const { grouped } = await load("shared/numbers"); return given.values.map(grouped);'
    assert call(body, {"values": values}) == [f"{value:,}".replace("-", "−") for value in values]


def test_logits_of_two_thousand_digits(call):
    images = digits().test_images[:2000]
    body = (
        NETWORK
        + """
        const pixels = new Uint8Array(bytes(given.images));
        const all = new Float32Array(given.count * 10);
        for (let n = 0; n < given.count; n++) all.set(forward(layers, pieces, image(pixels, n)).logits.data, 10 * n);
        return encode(all);
        """
    )
    ours = call(body, {**GIVEN, "images": encoded(images), "count": len(images)})
    ours = np.frombuffer(base64.b64decode(ours), np.float32).reshape(-1, 10)
    model = keras.Model(network().inputs, network().get_layer("logits").output)
    theirs = model.predict(mnist.to_input(images), batch_size=500, verbose=0)
    assert np.abs(ours - theirs).max() <= 1e-3
    np.testing.assert_array_equal(ours.argmax(axis=1), theirs.argmax(axis=1))


@pytest.mark.parametrize("name", SHIPPED)
def test_every_feature_map_of_a_hundred_digits(call, name):
    images = digits().test_images[:100]
    body = (
        NETWORK
        + """
        const pixels = new Uint8Array(bytes(given.images));
        const rows = Array.from({ length: 100 }, (_, n) => forward(layers, pieces, image(pixels, n)));
        const join = (name) => encode(Float32Array.from(rows.flatMap((row) => Array.from(row[name].data))));
        return Object.fromEntries(layers.map(({ name }) => [name, join(name)]));
        """
    )
    ours = call(body, {**given(inference.load(name)), "images": encoded(images)})
    theirs = in_keras(name, images)
    for layer, maps in theirs.items():
        values = np.frombuffer(base64.b64decode(ours[layer]), np.float32).reshape(maps.shape)
        np.testing.assert_allclose(values, maps, atol=1e-4, rtol=0, err_msg=layer)


@pytest.mark.parametrize(
    ("name", "layer", "unit"),
    [
        ("scheduled_cnn", "conv1", (3, 20, 5)),
        ("scheduled_cnn", "norm2", (10, 12, 0)),
        ("scheduled_cnn", "pool4", (5, 6, 3)),
        ("scheduled_cnn", "conv6", (3, 4, 7)),
        ("scheduled_cnn", "conv9", (0, 0, 2)),
        ("scheduled_cnn", "logits", (2,)),
        ("compact_7k", "relu6", (1, 1, 4)),
        ("compact_20k", "logits", (5,)),
    ],
)
def test_gradients_are_those_of_tensorflow(call, name, layer, unit):
    images = digits().test_images[:20]
    body = (
        NETWORK
        + """
        const pixels = new Uint8Array(bytes(given.images));
        const all = Array.from({ length: 20 }, (_, n) => {
          const digit = image(pixels, n);
          const outputs = forward(layers, pieces, digit);
          return Array.from(backward(layers, pieces, digit, outputs, given.layer, given.unit).data);
        });
        return encode(Float32Array.from(all.flat()));
        """
    )
    row, column, channel = (0, 0, *unit)[-3:]
    at = {"row": row, "column": column, "channel": channel}
    ours = call(body, {**given(inference.load(name)), "images": encoded(images), "layer": layer, "unit": at})
    ours = np.frombuffer(base64.b64decode(ours), np.float32).reshape(-1, 28, 28)
    part = keras.Model(network(name).inputs[0], network(name).get_layer(layer).output)
    pixels = tf.convert_to_tensor(mnist.to_input(images))
    with tf.GradientTape() as tape:
        tape.watch(pixels)
        value = part(pixels, training=False)[(slice(None), *unit)]
    theirs = tape.gradient(value, pixels).numpy()[..., 0]
    assert np.abs(theirs).max() > 0
    np.testing.assert_allclose(ours, theirs, atol=1e-4)


@pytest.mark.parametrize("name", SHIPPED)
def test_every_step_of_two_hundred_units_is_that_of_keras(call, name):
    """The strip takes a unit apart: its products, their sum, and what each layer does to it."""
    rng = np.random.default_rng(19)
    images = digits().test_images[:100]
    wanted = in_keras(name, images)
    body = (
        NETWORK
        + """
        const { columnsOf, explain } = await load("shared/anatomy");
        const pixels = new Uint8Array(bytes(given.images));
        const columns = columnsOf(layers);
        const off = { relus: new Set(), channels: {} };
        return given.drawn.map(([n, ...shares]) => {
          const digit = image(pixels, n);
          const outputs = forward(layers, pieces, digit);
          const at = (share, count) => Math.floor(share * count);
          const layer = at(shares[0], columns.length);
          const { channels, size, reads, shown } = columns[layer];
          const [channel, row, column] = [channels, size, size].map((count, i) => at(shares[i + 1], count));
          const unit = { layer, channel, row, column };
          const { parts, steps } = explain(columns[layer], pieces, reads ? outputs[reads] : digit, unit, off);
          return { n, unit, parts, steps, shown };
        });
        """
    )
    drawn = [[int(rng.integers(100)), *rng.uniform(size=4).tolist()] for _ in range(200)]
    units = call(body, {**given(inference.load(name)), "images": encoded(images), "drawn": drawn})
    for made in units:
        unit, steps = made["unit"], made["steps"]
        at = (made["n"], unit["row"], unit["column"], unit["channel"])
        last = {step["layer"]: step["value"] for step in steps}  # of several steps of a layer, the last
        assert made["shown"] in last
        for layer, value in last.items():
            assert value == pytest.approx(float(wanted[layer][at]), abs=1e-4), (layer, at)
        for part in made["parts"]:
            if part["weights"]:
                assert part["products"] == pytest.approx(np.multiply(part["values"], part["weights"]), abs=1e-9)
        if made["parts"][0]["weights"]:
            total = sum(sum(part["products"]) for part in made["parts"])
            assert total == pytest.approx(steps[0]["value"], abs=1e-6)


def test_a_channel_and_a_relu_turned_off_are_off_in_keras_too(call):
    images = digits().test_images[:20]
    body = (
        NETWORK
        + """
        const { withoutRelus } = await load("shared/anatomy");
        const pixels = new Uint8Array(bytes(given.images));
        const changed = withoutRelus(layers, new Set(["conv6"]));
        const off = { conv5: new Set([3]) };
        const all = Array.from({ length: 20 }, (_, n) => {
          const digit = image(pixels, n);
          const outputs = forward(changed, pieces, digit, off);
          const slope = backward(changed, pieces, digit, outputs, "conv7", { row: 2, column: 3, channel: 1 }, off);
          return [encode(outputs.probabilities.data), encode(slope.data)];
        });
        return all;
        """
    )
    ours = call(body, {**GIVEN, "images": encoded(images)})
    model = keras.models.clone_model(
        network(),
        clone_function=lambda layer: layer.__class__.from_config(
            layer.get_config() | ({"activation": "linear"} if layer.name == "conv6" else {})
        ),
    )
    model.set_weights(network().get_weights())
    kernel, bias = model.get_layer("conv5").get_weights()
    kernel[..., 3], bias[3] = 0, 0
    model.get_layer("conv5").set_weights([kernel, bias])
    pixels = tf.convert_to_tensor(mnist.to_input(images))
    part = keras.Model(model.inputs[0], [model.outputs[0], model.get_layer("conv7").output])
    with tf.GradientTape() as tape:
        tape.watch(pixels)
        probabilities, maps = part(pixels, training=False)
        value = maps[:, 2, 3, 1]
    slopes = tape.gradient(value, pixels).numpy()[..., 0]
    assert np.abs(slopes).max() > 0
    page = [[np.frombuffer(base64.b64decode(text), np.float32) for text in row] for row in ours]
    np.testing.assert_allclose([row[0] for row in page], probabilities, atol=1e-4)
    np.testing.assert_allclose([row[1].reshape(28, 28) for row in page], slopes, atol=1e-4)


@pytest.mark.parametrize(
    "layers",
    [
        [("Conv2D", {"filters": 3, "kernel_size": 3, "strides": 2, "padding": "same"}), ("Flatten", {})],
        [
            ("Conv2D", {"filters": 3, "kernel_size": 2, "padding": "same", "use_bias": False}),
            ("BatchNormalization", {"epsilon": 0.1}),
            ("ReLU", {}),
            ("Conv2D", {"filters": 2, "kernel_size": 3, "dilation_rate": 2, "activation": "relu"}),
        ],
        [
            ("Conv2D", {"filters": 3, "kernel_size": 4, "padding": "same"}),
            ("MaxPooling2D", {"pool_size": 3, "strides": 2, "padding": "same"}),
            ("MaxPooling2D", {"pool_size": 3, "strides": 1}),
            ("GlobalAveragePooling2D", {}),
            ("Softmax", {}),
        ],
    ],
)
def test_every_setting_of_a_layer_counts(call, layers):
    """Strides, paddings, dilations and overlapping pools, against NumPy, which is tested against Keras."""
    rng = np.random.default_rng(5)
    model = keras.Sequential([keras.Input((28, 28, 1)), *(getattr(keras.layers, kind)(**how) for kind, how in layers)])
    model.set_weights([rng.uniform(-0.5 if array.ndim > 1 else 0.1, 1, array.shape) for array in model.get_weights()])
    ours = network_of(layer_records(model), model.get_weights())
    last = [layer["name"] for layer in ours.layers if layer["kind"] in ("Conv2D", "MaxPooling2D")][-1]
    body = (
        NETWORK
        + """
        const { stagesOf } = await load("shared/network");
        const digit = image(new Uint8Array(bytes(given.images)), 0);
        const outputs = forward(layers, pieces, digit);
        const slope = backward(layers, pieces, digit, outputs, given.last, { row: 0, column: 2, channel: 1 });
        const maps = Object.fromEntries(layers.map(({ name }) => [name, encode(outputs[name].data)]));
        return { maps, slope: encode(slope.data), stages: stagesOf(layers, 28) };
        """
    )
    image = digits().test_images[:1]
    page = call(body, {**given(ours), "images": encoded(image), "last": last})
    wanted = inference.forward(ours, mnist.to_input(image)[0])
    for name, maps in wanted.items():
        values = np.frombuffer(base64.b64decode(page["maps"][name]), np.float32)
        np.testing.assert_allclose(values, maps.ravel(), atol=1e-4, err_msg=name)
    slope = np.frombuffer(base64.b64decode(page["slope"]), np.float32).reshape(28, 28, 1)
    wanted_slope = inference.gradient(ours, mnist.to_input(image)[0], last, (0, 2, 1))
    np.testing.assert_allclose(slope, wanted_slope, atol=1e-4)
    geometric = [stage for stage, layer in zip(page["stages"], ours.layers, strict=False) if "padding" in layer]
    rows = trace(inference.stack_of(ours.layers))[: len(geometric)]
    assert geometric == [described(row) for row in rows]


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"kind": "DepthwiseConv2D"}, "layer 'conv6' is a DepthwiseConv2D, which the figures do not know"),
        ({"activation": "gelu"}, "layer 'conv6' has the activation gelu: only relu and linear are known"),
        ({"kernel_size": 5}, "the network takes 17944 weights, got 13848"),
    ],
)
def test_what_the_page_cannot_compute_is_named(call, changes, message):
    """A layer of another kind keeps its weights, so that only the layer is wrong."""
    layers = [{**layer, **changes} if layer["name"] == "conv6" else layer for layer in GIVEN["layers"]]
    body = """
        const { cutWeights, forward } = await load("shared/network");
        const image = { data: new Float32Array(784), height: 28, width: 28, channels: 1 };
        const cut = (layers) => cutWeights(layers, floats(given.weights));
        try {
          const same = given.layers.every(({ kind }) => kind !== "DepthwiseConv2D");
          forward(given.layers, cut(same ? given.layers : given.original), image);
        } catch (error) { return [error.name, error.message]; }
        """
    given_layers = {"layers": layers, "original": GIVEN["layers"], "weights": GIVEN["weights"]}
    assert call(body, given_layers) == ["RangeError", message]


def test_convolutions_of_two_hundred_random_cases(call):
    rng = np.random.default_rng(4)
    cases, expected = [], []
    while len(cases) < 200:
        height, width, channels, outputs, rows, columns = rng.integers(1, 9, size=6)
        stride, padding, dilation = (int(rng.integers(low, 4)) for low in (1, 0, 1))
        image = rng.normal(size=(height, width, channels)).astype(np.float32)
        filters = rng.normal(size=(rows, columns, channels, outputs)).astype(np.float32)
        bias = rng.normal(size=outputs).astype(np.float32)
        geometry = {"stride": stride, "padding": padding, "dilation": dilation}
        try:
            expected.append(conv2d_windows(image, filters, bias, **geometry))
        except ValueError:
            continue  # the kernel does not fit
        shapes = {"image": image.shape, "filters": filters.shape}
        arrays = {"data": encoded(image), "weights": encoded(filters), "bias": encoded(bias)}
        cases.append({name: [int(n) for n in shape] for name, shape in shapes.items()} | arrays | geometry)
    body = """
        const { convolve } = await load("shared/convolution");
        return given.map((c) => {
          const maps = (data, [height, width, ...channels]) => ({ data, height, width, channels: channels.at(-1) });
          const image = maps(floats(c.data), c.image);
          const filters = maps(floats(c.weights), c.filters);
          const { data, height, width, channels } = convolve(image, filters, floats(c.bias), c);
          return { shape: [height, width, channels], data: encode(data) };
        });
        """
    for ours, theirs in zip(call(body, cases), expected, strict=True):
        assert tuple(ours["shape"]) == theirs.shape
        values = np.frombuffer(base64.b64decode(ours["data"]), np.float32).reshape(theirs.shape)
        np.testing.assert_allclose(values, theirs, atol=1e-4)


def test_a_kernel_that_does_not_fit_is_refused(call):
    body = """
        const { convolve } = await load("shared/convolution");
        const one = { data: [1], height: 1, width: 1, channels: 1 };
        try { convolve(one, { data: Array(9).fill(1), height: 3, width: 3, channels: 1 }, [0]); }
        catch (error) { return error.message; }
        """
    assert call(body) == "the kernel does not fit into the padded image"


def test_two_kernels_composed_answer_as_one_after_the_other(call):
    rng = np.random.default_rng(0)
    first, second, image = (rng.normal(size=(size, size)).astype(np.float32) for size in (3, 3, 9))
    body = """
        const { composed } = await load("shared/convolution");
        return encode(composed({ data: floats(given[0]), size: 3 }, { data: floats(given[1]), size: 3 }).data);
        """
    large = np.frombuffer(base64.b64decode(call(body, [encoded(first), encoded(second)])), np.float32).reshape(5, 5)

    def one(picture, kernel):
        return conv2d_loops(picture[:, :, None], kernel[:, :, None, None])[:, :, 0]

    np.testing.assert_allclose(one(image, large), one(one(image, first), second), atol=1e-4)


def described(stage: Stage) -> dict[str, int]:
    """Describe a stage as the page does."""
    return {"size": stage.size, "jump": stage.jump, "field": stage.receptive_field, "start": stage.start}


def test_fields_are_those_of_the_arithmetic(call):
    body = "const { trace } = await load('shared/convolution'); return given.map((stack) => trace(stack, 28));"
    for ours, stack in zip(call(body, [*PRESETS.values()]), PRESETS.values(), strict=True):
        layers = [Layer(row["kernel"], 1, row["stride"], row["padding"], row["dilation"]) for row in stack]
        assert ours == [described(stage) for stage in trace(layers)]


def test_the_common_mistake_differs_from_the_pool_on(call):
    body = "const { believed } = await load('stack_editor'); return believed(given);"
    assert call(body, PRESETS["the network of the notes"]) == [3, 5, 5, 10, 12, 14, 16, 18, 21]


def test_activation_functions_and_slopes(call):
    body = """
        const { ACTIVATIONS } = await load("activation_playground");
        const both = ([name, [f, slope]]) => [name, [given.map(f), given.map(slope)]];
        return Object.fromEntries(Object.entries(ACTIVATIONS).map(both));
        """
    z = np.linspace(-30, 30, 1201)
    ours = call(body, z.tolist())
    assert set(ours) == set(activations.ACTIVATIONS)
    for name, (values, slopes) in ours.items():
        theirs = activations.activation(name)
        np.testing.assert_allclose(values, theirs.function(z), atol=1e-5, err_msg=name)
        np.testing.assert_allclose(slopes, theirs.derivative(z), atol=1e-5, err_msg=name)


def test_gradients_of_the_playground_are_those_of_tensorflow(call):
    body = """
        const { flow, normals } = await load("activation_playground");
        const weights = [1, 2, 3].map((seed) => normals(64, seed).map((value) => value / 2));
        const inputs = normals(40, 9);
        const { outputs, gradients } = flow(given, weights, 0.1, inputs);
        return [weights.map((row) => [...row]), [...inputs], [...outputs[2]], gradients];
        """
    weights, inputs, last, gradients = call(body, "tanh")
    values = tf.constant(np.reshape(inputs, (5, 8)))
    sums = []
    with tf.GradientTape(persistent=True) as tape:
        for row in weights:
            sums.append(values @ tf.constant(np.reshape(row, (8, 8))) + 0.1)
            tape.watch(sums[-1])
            values = tf.tanh(sums[-1])
        total = tf.reduce_sum(values)
    np.testing.assert_allclose(np.reshape(last, (5, 8)), values, atol=1e-6)
    theirs = [float(tf.sqrt(tf.reduce_mean(tape.gradient(total, layer) ** 2))) for layer in sums]
    np.testing.assert_allclose(gradients, theirs, rtol=1e-6)


def test_the_population_of_a_layer_is_its_histogram(call):
    values = np.random.default_rng(3).normal(size=500)
    body = """
        const { population } = await load("activation_playground");
        const { data, height, width } = population([Float64Array.from(given), Float64Array.of(9, -9)]);
        return [height, width, [...data]];
        """
    height, width, data = call(body, values.tolist())
    ours = np.reshape(data, (height, width))
    theirs, _ = np.histogram(values.clip(-3, 3), bins=31, range=(-3, 3))
    np.testing.assert_allclose(ours[::-1, 0], theirs / 500, atol=1e-6)
    assert ours[0, 1] == ours[-1, 1] == 0.5  # beyond the bins


def test_dead_units_are_counted(call):
    body = """
        const { flow } = await load("activation_playground");
        const weights = [Float64Array.of(1, -1, 0, 0)]; // the second unit reads minus the first input
        return flow("relu", weights, 0, Float64Array.of(1, 0, 2, 0)).dead;
        """
    assert call(body) == [0.5]


def test_only_flat_functions_have_dead_units(call):
    body = """
        const { flow } = await load("activation_playground");
        const weights = [Float64Array.of(-60, -60, 0, 0)]; // far below 0 the slope of GELU is 0 to the computer
        return given.map((name) => flow(name, weights, 0, Float64Array.of(1, 0, 2, 0)).dead[0]);
        """
    assert call(body, ["relu", "gelu", "sigmoid"]) == [1, 0, 0]


def test_intervals_of_means_and_of_differences(call):
    body = """
        const { tQuantile, interval, difference } = await load("seed_intervals");
        const pairs = given.samples.map(([one, other]) =>
          [interval(one), difference(one, other, false), difference(one, other, true)]);
        return [given.freedom.map(tQuantile), pairs];
        """
    rng = np.random.default_rng(5)
    freedom = [1, 1.01, 1.5, 2, 3.7, 4, 8, 30, 500]
    samples = [rng.normal(size=(2, count)) * [[1], [4]] for count in (2, 3, 5, 10) for _ in range(5)]
    quantiles, pairs = call(body, {"freedom": freedom, "samples": [sample.tolist() for sample in samples]})
    np.testing.assert_allclose(quantiles, stats.t.ppf(0.975, freedom), rtol=1e-4)
    np.testing.assert_allclose([t_quantile(each) for each in freedom], stats.t.ppf(0.975, freedom), rtol=1e-4)
    for (one, other), found in zip(samples, pairs, strict=True):
        theirs = [
            stats.ttest_1samp(one, 0).confidence_interval(),
            stats.ttest_ind(one, other, equal_var=False).confidence_interval(),
            stats.ttest_rel(one, other).confidence_interval(),
        ]
        for ours, (low, high) in zip(found, theirs, strict=True):
            shown = [ours["mean"] - ours["reach"], ours["mean"] + ours["reach"]]
            np.testing.assert_allclose(shown, [low, high], rtol=1e-3, atol=1e-4)


def test_the_frontier_leaves_out_what_another_beats(call):
    places = np.random.default_rng(2).integers(1, 30, (40, 2)).tolist()
    ours = call("const { frontier } = await load('frontier'); return frontier(given);", places)
    best = {
        (cost, errors)
        for cost, errors in places
        if not any(x <= cost and y <= errors and (x, y) != (cost, errors) for x, y in places)
    }
    assert [tuple(place) for place in ours] == sorted(best)


@pytest.mark.parametrize("name", schedules.SCHEDULES)
def test_schedules(call, name):
    values = {"decay": 0.5, "factor": 0.3, "every": 3, "warm_up": 0.4, "start": 0.2}
    body = """
        const { SCHEDULES } = await load("shared/schedules");
        return Array.from({ length: 20 }, (_, e) => SCHEDULES[given.name](e, { ...given, epochs: 20 }));
        """
    function = schedules.SCHEDULES[name]
    takes = {key: values[key] for key in signature(function).parameters if key in values}
    first = "peak" if name == "one_cycle" else "initial"
    ours = call(body, values | {"name": name, "initial": 0.004})
    np.testing.assert_allclose(ours, [function(e, **{first: 0.004}, **takes) for e in range(20)], atol=1e-10)


@cache
def loop_of_the_chapter() -> dict[str, Any]:
    """Run the cells of chapter 8 that define its loop; a reader's own loop is judged by nothing else."""
    cells = {cell.id: cell.source for cell in nbformat.read(CHAPTER, as_version=4).cells}
    digits = page_digits()
    log_sum_exp = partial(special.logsumexp, axis=-1)
    space: dict[str, Any] = {"np": np, "softmax": activations.softmax, "log_sum_exp": log_sum_exp, "parts": digits}
    definitions = cells["cell-9"].partition("\n\n\n")[2]  # after the digits are loaded
    for source in (cells["cell-5"], definitions, cells["cell-11"], cells["the-gradient"], cells["cell-15"]):
        exec(source, space)
    return space


@pytest.mark.parametrize(
    ("size", "order", "rates"),
    [
        (128, "shuffled", [0.5, 0.3, 0.1]),
        (128, "sorted", [0.5, 0.5]),
        (100, "given", [0.1, 5.0]),
        (2_000, "shuffled", [20.0, 1.0]),
        (1, "shuffled", [0.01]),
        (7, "sorted", [0.05]),
    ],
)
def test_the_page_trains_its_softmax_model_as_the_chapter_does(call, size, order, rates):
    chapter = loop_of_the_chapter()
    rows, labels = chapter["rows"], chapter["labels"]
    body = """
        const { shuffled, randomNumbers } = await load("shared/random");
        const { descent, inked } = await load("shared/softmax_regression");
        const { unzipDigits } = await load("shared/zipped_digits");
        const whole = (work) => { for (;;) { const { done, value } = work.next(); if (done) return value; } };
        const { training, validation } = await unzipDigits({ data: new DataView(bytes(given.digits)) }, 2000);
        const losses = { batches: [], training: [], validation: [] };
        whole(descent({ training: whole(inked(training)), validation: whole(inked(validation)) }, given, losses));
        const orders = given.rates.map((_, epoch) => Array.from(shuffled(2000, randomNumbers(0, epoch))));
        return { ...losses, orders };
        """
    settings = {"rates": rates, "batch_size": size, "order": order}
    page = call(body, settings | {"digits": encoded(packed_digits())})
    same = {"given": np.arange(2_000), "sorted": np.argsort(labels, kind="stable")}
    weights, training, validation, batches = np.zeros((785, 10)), [np.log(10)], [np.log(10)], []
    for epoch, rate in enumerate(rates):
        chosen = np.array(page["orders"][epoch]) if order == "shuffled" else same[order]
        assert sorted(chosen) == [*range(2_000)]
        seen = [losses.mean() for losses, _ in chapter["one_epoch"](weights, chosen, size, rate)]
        batches += [np.mean(seen[i : i + -(-len(seen) // 16)]) for i in range(0, len(seen), -(-len(seen) // 16))]
        training.append(chapter["measure"](weights, rows, labels)[0].mean())
        validation.append(chapter["measure"](weights, *chapter["held_out"])[0].mean())
    for losses in (page, trained(tuple(rates), size, order)):
        np.testing.assert_allclose(losses["training"], training, rtol=1e-6)
        np.testing.assert_allclose(losses["validation"], validation, rtol=1e-6)
        np.testing.assert_allclose([loss for _, loss in losses["batches"]], batches, rtol=1e-4, atol=1e-6)


def test_drawings_come_back_as_digits(call):
    """Test digits, enlarged, moved and stretched at random onto the pad as a hand would."""
    rng = np.random.default_rng(7)
    count = 1000
    chosen = rng.choice(len(digits().test_images), count, replace=False)
    placed = [
        {
            "side": float(rng.uniform(120, 260)),  # of the 28 x 28 pixels on a pad of 280
            "stretch": float(rng.uniform(0.9, 1.1)),
            "x": float(rng.uniform(-0.5, 0.5)),
            "y": float(rng.uniform(-0.5, 0.5)),
        }
        for _ in range(count)
    ]
    body = (
        NETWORK
        + """
        const pixels = new Uint8Array(bytes(given.images));
        const pad = new OffscreenCanvas(280, 280).getContext("2d", { willReadFrequently: true });
        const small = new OffscreenCanvas(28, 28).getContext("2d");
        return given.placed.map(({ side, stretch, x, y }, n) => {
          const digit = small.createImageData(28, 28);
          for (let i = 0; i < 784; i++) digit.data.set([...Array(3).fill(pixels[784 * n + i]), 255], 4 * i);
          small.putImageData(digit, 0, 0);
          pad.fillStyle = "#000";
          pad.fillRect(0, 0, 280, 280);
          const [wide, high] = [side * stretch, side / stretch];
          const [left, top] = [140 - wide / 2 + x * (280 - wide), 140 - high / 2 + y * (280 - high)];
          pad.imageSmoothingQuality = "high";
          pad.drawImage(small.canvas, left, top, wide, high);
          const { data } = pad.getImageData(0, 0, 280, 280);
          const ink = Float32Array.from({ length: 280 * 280 }, (_, i) => data[4 * i] / 255);
          const prepared = { data: prepareDigit(ink, 280, 280), height: 28, width: 28, channels: 1 };
          const scores = forward(layers, pieces, prepared).logits.data;
          return scores.indexOf(Math.max(...scores));
        });
        """
    )
    said = np.array(call(body, {**GIVEN, "images": encoded(digits().test_images[chosen]), "placed": placed}))
    right = (said == digits().test_labels[chosen]).mean()
    assert right >= 0.985


def test_an_empty_drawing_is_no_digit(call):
    body = "const { prepareDigit } = await load('shared/drawing'); return prepareDigit(new Float32Array(100), 10, 10);"
    assert call(body) is None


def test_weights_of_the_wrong_number_are_refused(call):
    body = """
        const { cutWeights } = await load("shared/network");
        try { cutWeights(given.layers, floats(given.weights).subarray(1)); } catch (error) { return error.message; }
        """
    assert call(body, GIVEN) == "the network takes 13848 weights, got 13847"


def test_numbers_have_a_true_minus_and_no_zero_has_one(call):
    body = """
        const { brief, number, powerOfTen, precise, short, signed, term, typed } = await load("shared/numbers");
        return [
          short(-0.5), short(-0.0001), signed(-0.001), signed(-2), number(-123.4), number(-0.0001), brief(-0.25),
          term(-1.5), precise(-1.24e-7), precise(0.93), powerOfTen(-10), powerOfTen(3), typed("−2.5"), typed("-2.5"),
        ];
        """
    assert call(body) == [
        *("−0.5", "0", "0.00", "−2.00", "−123", "0.000", "−.25"),
        *("− 1.50", "−1.2 · 10⁻⁷", "0.93", "10⁻¹⁰", "10³", -2.5, -2.5),
    ]
