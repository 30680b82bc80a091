"""What the figures compute in a browser is what NumPy, Keras and TensorFlow compute."""

import base64
from functools import cache
from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf

from convbook import activations, mnist, schedule
from convbook.arithmetic import Layer, trace
from convbook.backend import keras
from convbook.convolve import conv2d_loops, conv2d_windows
from convbook.features import feature_maps
from convbook.network import load_trained
from convbook.widgets.base import FOLDER
from convbook.widgets.schedule_explorer import ScheduleExplorer
from convbook.widgets.stack_editor import PRESETS
from convbook.widgets.trained import LAYERS, answers, flat, fold, trained

from .browser import DECODE, encoded, serve


@pytest.fixture(scope="module")
def call(browser):
    """Run JavaScript that imports our modules as ``load("arithmetic")``; returns what it returns."""
    with serve(Path(str(FOLDER))) as at:
        page = browser.new_page()
        page.goto(f"{at}/jsconfig.json")  # any page of the origin
        yield lambda body, argument=None: page.evaluate(
            f"async (given) => {{ {DECODE} const load = (name) => import(`/${{name}}.js`); {body} }}", argument
        )
        page.close()


@cache
def digits():
    return mnist.load()


@cache
def network() -> keras.Model:
    return load_trained()


NETWORK = """
const { cutWeights, forward, backward, prepareDigit } = await load("arithmetic");
const layers = given.layers;
const pieces = cutWeights(layers, floats(given.weights));
const image = (pixels, n) => {
  const data = Float32Array.from(pixels.subarray(784 * n, 784 * (n + 1)), (value) => value / 255);
  return { data, height: 28, width: 28, channels: 1 };
};
"""
GIVEN = {"layers": LAYERS, "weights": encoded(flat(trained()))}


def test_the_weights_are_those_of_the_network():
    named = fold(network().get_weights())
    for name, arrays in trained().items():
        for ours, theirs in zip(arrays, named[name], strict=True):
            np.testing.assert_array_equal(ours, theirs)
    assert flat(trained()).nbytes < 80_000


def test_logits_of_all_test_digits(call):
    images = digits().test_images
    body = (
        NETWORK
        + """
        const pixels = new Uint8Array(bytes(given.images));
        const all = new Float32Array(given.count * 10);
        for (let n = 0; n < given.count; n++) all.set(forward(layers, pieces, image(pixels, n)).norm9.data, 10 * n);
        return encode(all);
        """
    )
    ours = call(body, {**GIVEN, "images": encoded(images), "count": len(images)})
    ours = np.frombuffer(base64.b64decode(ours), np.float32).reshape(-1, 10)
    model = keras.Model(network().inputs, network().get_layer("logits").output)
    theirs = model.predict(mnist.to_input(images), batch_size=500, verbose=0)
    assert np.abs(ours - theirs).max() <= 1e-3
    np.testing.assert_array_equal(ours.argmax(axis=1), theirs.argmax(axis=1))


def test_every_feature_map_of_a_hundred_digits(call):
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
    ours = call(body, {**GIVEN, "images": encoded(images)})
    theirs = feature_maps(network(), mnist.to_input(images))
    for layer in LAYERS:
        name = layer["name"]
        values = np.frombuffer(base64.b64decode(ours[name]), np.float32).reshape(theirs[name].reshape(100, -1).shape)
        np.testing.assert_allclose(values, theirs[name].reshape(100, -1), atol=1e-4, rtol=0, err_msg=name)


def test_the_network_in_numpy_is_the_one_in_keras():
    ours = answers(digits().test_images[0] / 255)
    theirs = feature_maps(network(), mnist.to_input(digits().test_images[:1]))
    for layer in LAYERS:
        name = layer["name"]
        np.testing.assert_allclose(ours[name].ravel(), theirs[name].ravel(), atol=1e-4, err_msg=name)


@pytest.mark.parametrize(
    ("layer", "row", "column", "channel"),
    [("conv1", 3, 20, 5), ("norm2", 10, 12, 0), ("pool4", 5, 6, 3), ("conv6", 3, 4, 7), ("conv9", 0, 0, 2)],
)
def test_gradients_are_those_of_tensorflow(call, layer, row, column, channel):
    images = digits().test_images[:20]
    body = (
        NETWORK
        + """
        const pixels = new Uint8Array(bytes(given.images));
        const all = Array.from({ length: 20 }, (_, n) => {
          const digit = image(pixels, n);
          const answers = forward(layers, pieces, digit);
          return Array.from(backward(layers, pieces, digit, answers, given.layer, given.unit).data);
        });
        return encode(Float32Array.from(all.flat()));
        """
    )
    unit = {"row": row, "column": column, "channel": channel}
    ours = call(body, {**GIVEN, "images": encoded(images), "layer": layer, "unit": unit})
    ours = np.frombuffer(base64.b64decode(ours), np.float32).reshape(-1, 28, 28)
    part = keras.Model(network().inputs[0], network().get_layer(layer).output[:, row, column, channel])
    pixels = tf.convert_to_tensor(mnist.to_input(images))
    with tf.GradientTape() as tape:
        tape.watch(pixels)
        value = part(pixels, training=False)
    theirs = tape.gradient(value, pixels).numpy()[..., 0]
    assert np.abs(theirs).max() > 0
    np.testing.assert_allclose(ours, theirs, atol=1e-4)


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
        const { convolve } = await load("arithmetic");
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
        const { convolve } = await load("arithmetic");
        const one = { data: [1], height: 1, width: 1, channels: 1 };
        try { convolve(one, { data: Array(9).fill(1), height: 3, width: 3, channels: 1 }, [0]); }
        catch (error) { return error.message; }
        """
    assert call(body) == "the kernel does not fit into the padded image"


def test_two_kernels_composed_answer_as_one_after_the_other(call):
    rng = np.random.default_rng(0)
    first, second, image = (rng.normal(size=(size, size)).astype(np.float32) for size in (3, 3, 9))
    body = """
        const { composed } = await load("arithmetic");
        return encode(composed({ data: floats(given[0]), size: 3 }, { data: floats(given[1]), size: 3 }).data);
        """
    large = np.frombuffer(base64.b64decode(call(body, [encoded(first), encoded(second)])), np.float32).reshape(5, 5)

    def one(picture, kernel):
        return conv2d_loops(picture[:, :, None], kernel[:, :, None, None])[:, :, 0]

    np.testing.assert_allclose(one(image, large), one(one(image, first), second), atol=1e-4)


def test_fields_are_those_of_the_arithmetic(call):
    body = "const { trace } = await load('arithmetic'); return given.map((stack) => trace(stack, 28));"
    for ours, stack in zip(call(body, [*PRESETS.values()]), PRESETS.values(), strict=True):
        layers = [Layer(row["kernel"], 1, row["stride"], row["padding"], row["dilation"]) for row in stack]
        theirs = [{"size": s.size, "jump": s.jump, "field": s.receptive_field, "start": s.start} for s in trace(layers)]
        assert ours == theirs


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
        const { answers, gradients } = flow(given, weights, 0.1, inputs);
        return [weights.map((row) => [...row]), [...inputs], [...answers[2]], gradients];
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


@pytest.mark.parametrize("name", ["inverse_time", "constant", "step", "cosine", "one_cycle"])
def test_schedules(call, name):
    explorer = ScheduleExplorer(schedule=name, initial=0.004, decay=0.5, factor=0.3, every=3, warm_up=0.4, start=0.2)
    traits = ["initial", "decay", "factor", "every", "warm_up", "start"]
    body = """
        const { SCHEDULES } = await load("schedule_explorer");
        return Array.from({ length: 20 }, (_, e) => SCHEDULES[given.name](e, given));
        """
    ours = call(body, {"name": name} | {trait: getattr(explorer, trait) for trait in traits})
    np.testing.assert_allclose(ours, explorer.rates(), atol=1e-10)


def test_the_explorer_starts_with_the_rates_of_the_notes():
    explorer = ScheduleExplorer()
    np.testing.assert_allclose(explorer.rates(), explorer.logged, atol=1e-10)
    assert explorer.rates() == [schedule.inverse_time(epoch) for epoch in range(20)]


def test_drawings_come_back_as_digits(call):
    """Test digits, enlarged, moved and stretched at random onto the pad as a hand would."""
    rng = np.random.default_rng(7)
    count = 2000
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
          const scores = forward(layers, pieces, prepared).norm9.data;
          return scores.indexOf(Math.max(...scores));
        });
        """
    )
    said = np.array(call(body, {**GIVEN, "images": encoded(digits().test_images[chosen]), "placed": placed}))
    right = (said == digits().test_labels[chosen]).mean()
    assert right >= 0.985


def test_an_empty_drawing_is_no_digit(call):
    body = "const { prepareDigit } = await load('arithmetic'); return prepareDigit(new Float32Array(100), 10, 10);"
    assert call(body) is None


def test_weights_of_the_wrong_number_are_refused(call):
    body = """
        const { cutWeights } = await load("arithmetic");
        try { cutWeights(given.layers, floats(given.weights).subarray(1)); } catch (error) { return error.message; }
        """
    assert call(body, GIVEN) == "the network takes 13848 weights, got 13847"
