"""Training on a few hundred real digits: what holds for a short run holds for a long one."""

import csv
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from convbook import mnist, resume, training
from convbook.backend import keras
from convbook.batches import ShuffledBatches
from convbook.fast_layers import fast_layers
from convbook.history import log_line, notes_log
from convbook.inference import record
from convbook.network import load_trained
from convbook.training import WEIGHTS, EpochLines, EpochLog, evaluate, train

# Nearly all the time of a short run goes into building TensorFlow's graph: the networks are small, and runs are shared.
pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def digits():
    images = mnist.load()
    return (
        (mnist.to_input(images.train_images[:300]), images.train_labels[:300]),
        (mnist.to_input(images.train_images[300:400]), images.train_labels[300:400]),
    )


def dense_network(activation: str | None = "softmax") -> keras.Sequential:
    """Compiles in a second."""
    layers = keras.layers
    return keras.Sequential([keras.Input((28, 28, 1)), layers.Flatten(), layers.Dense(10, activation)])


def dropping_network(rate: float = 0.3) -> keras.Sequential:
    """Small, with random layers and running statistics, whose states a resumed run needs as well."""
    layers = keras.layers
    return keras.Sequential(
        [
            keras.Input((28, 28, 1)),
            layers.MaxPooling2D(4),
            layers.BatchNormalization(),
            layers.Dropout(rate),
            layers.Flatten(),
            layers.Dense(10, "softmax"),
        ]
    )


def run(digits, epochs=3, seed=0, build=dropping_network, **options):
    keras.utils.set_random_seed(seed)
    model = build()
    return model, train(model, *digits, epochs=epochs, seed=seed, verbose=0, **options)


def values(history):
    """Everything but the seconds."""
    return [epoch[:-1] for epoch in history]


def assert_same_run(one, other):
    """Equal to the bit: weights, states of random layers, optimizer, log."""
    (model, history), (other_model, other_history) = one, other
    assert values(history) == values(other_history)
    for ours, theirs in zip(resume._state(model), resume._state(other_model), strict=True):
        np.testing.assert_array_equal(ours.numpy(), theirs.numpy())


class StopAfter(keras.callbacks.Callback):
    """Stands for a reader who stops the cell."""

    def __init__(self, epochs):
        super().__init__()
        self.epochs = epochs

    def on_train_batch_end(self, batch, logs=None):
        if self.epochs == 0:
            raise KeyboardInterrupt

    def on_epoch_begin(self, epoch, logs=None):
        if epoch == self.epochs:
            self.epochs = 0


def interrupted(digits, checkpoint, after, epochs=3, **options):
    with pytest.raises(KeyboardInterrupt):
        run(digits, epochs, checkpoint=checkpoint, callbacks=[StopAfter(after)], **options)


@pytest.fixture(scope="module")
def straight(digits):
    """Three epochs that nothing disturbed."""
    return run(digits)


@pytest.fixture(scope="module")
def one_epoch(digits, tmp_path_factory):
    """The checkpoint of the first of them."""
    checkpoint = tmp_path_factory.mktemp("one") / "run.npz"
    run(digits, 1, checkpoint=checkpoint)
    return checkpoint


# What `fit` is asked to do


def test_a_log_has_a_line_for_every_epoch(straight):
    _, history = straight
    assert [epoch.epoch for epoch in history] == [1, 2, 3]
    assert [epoch.learning_rate for epoch in history] == [epoch.learning_rate for epoch in notes_log()[:3]]
    assert all(epoch.seconds > 0 for epoch in history)
    assert history[-1].loss < history[0].loss


def test_a_seed_repeats_a_run_and_another_seed_does_not(digits, straight):
    assert_same_run(run(digits), straight)
    _, other = run(digits, 1, seed=1)
    assert not np.allclose(values(other), values(straight[1])[:1], rtol=1e-2)


def test_an_epoch_has_a_step_for_every_batch_and_takes_469_for_the_whole_training_set(straight):
    """As the chapter counts them; an order that ran on into the next epoch would give another number."""
    assert int(straight[0].optimizer.iterations) == 3 * 3
    assert len(ShuffledBatches(mnist.to_input(np.zeros((60_000, 28, 28), "uint8")), np.arange(60_000) % 10)) == 469


def test_every_digit_is_shown_once_an_epoch_in_an_order_of_seed_and_epoch(digits):
    images, _ = digits[0]
    numbers = np.arange(300)
    shown = {}
    for seed in (0, 1):
        batches = ShuffledBatches(images, numbers % 10, seed=seed)
        batches._source[1] = numbers  # who is shown, instead of its class
        for epoch in (0, 1, 0):
            batches.shuffle(epoch)
            order = np.concatenate([np.asarray(batches[i][1]) for i in range(len(batches))])
            assert sorted(order) == numbers.tolist()
            assert shown.setdefault((seed, epoch), order.tolist()) == order.tolist()
    assert len({tuple(order) for order in shown.values()}) == 4


def test_evaluate_agrees_with_keras_on_arrays(digits, straight):
    model, _ = straight
    ours = evaluate(model, *digits[0], batch_size=77)  # 77 does not divide 300: the last batch counts for less
    assert ours == pytest.approx(model.evaluate(*digits[0], verbose=0), rel=1e-5)


def test_training_agrees_with_fit_on_arrays_in_the_same_order(digits):
    keras.utils.set_random_seed(3)
    ours, theirs = dropping_network(0), dropping_network(0)
    theirs.set_weights(ours.get_weights())
    train(ours, *digits, epochs=2, seed=7, verbose=0)

    images, labels = digits[0]
    theirs.compile(keras.optimizers.Adam(), "sparse_categorical_crossentropy")
    for epoch in range(2):
        theirs.optimizer.learning_rate = notes_log()[epoch].learning_rate
        order = np.random.default_rng([7, epoch]).permutation(len(images))
        theirs.fit(images[order], labels[order], batch_size=128, verbose=0, shuffle=False)
    for mine, other in zip(ours.get_weights(), theirs.get_weights(), strict=True):
        np.testing.assert_allclose(mine, other, atol=1e-5)


def test_the_rate_can_change_at_every_step(digits):
    """Plain gradient descent by hand, with a rate of its own for each of the six steps."""

    def schedule(epoch):
        return 0.001 * (1 + epoch)

    keras.utils.set_random_seed(0)
    model = dense_network(None)
    weights, bias = (array.astype("float64") for array in model.get_weights())
    images, labels = digits[0][0].reshape(300, -1).astype("float64"), digits[0][1]
    for epoch in range(2):
        order = np.random.default_rng([0, epoch]).permutation(300)
        for start in (0, 128, 256):
            chosen = order[start : start + 128]
            error = images[chosen] @ weights + bias - np.eye(10)[labels[chosen]]
            rate = schedule(epoch + start / 300)
            weights -= rate * 2 * images[chosen].T @ error / len(chosen)
            bias -= rate * 2 * error.sum(axis=0) / len(chosen)

    def squared_error(labels, outputs):
        return keras.ops.sum((keras.ops.one_hot(labels, 10) - outputs) ** 2, axis=-1)

    options = {"schedule": schedule, "every_step": True, "optimizer": keras.optimizers.SGD(), "loss": squared_error}
    history = train(model, *digits, epochs=2, verbose=0, **options)
    for ours, theirs in zip(model.get_weights(), (weights, bias), strict=True):
        np.testing.assert_allclose(ours, theirs, atol=1e-5)
    assert [epoch.learning_rate for epoch in history] == [0.001, 0.002]


def test_an_average_of_the_weights_takes_their_place_before_the_last_measurement(digits):
    weights, momentum = [], 0.7

    class Watch(keras.callbacks.Callback):
        def on_train_batch_end(self, batch, logs=None):
            weights.append(self.model.get_weights()[0])

    averaging = keras.optimizers.Adam(use_ema=True, ema_momentum=momentum)
    model, history = run(digits, 2, build=dense_network, optimizer=averaging, callbacks=[Watch()])
    average = weights[0].astype("float64")  # Keras starts with the weights after the first step
    for step in weights[1:]:
        average = momentum * average + (1 - momentum) * step
    np.testing.assert_allclose(model.get_weights()[0], average, atol=1e-5)
    assert np.abs(average - weights[-1]).max() > 1e-3
    assert (history[-1].val_loss, history[-1].val_accuracy) == evaluate(model, *digits[1])


def test_fresh_statistics_are_the_means_over_full_batches(digits):
    model, _ = run(digits, 2, batch_size=64, fresh_statistics=True)
    pooled = digits[0][0][:256].reshape(4, 64, 7, 4, 7, 4).max(axis=(3, 5))  # of 300 digits, four full batches
    norm = model.layers[1]
    np.testing.assert_allclose(norm.moving_mean[0], pooled.mean(), rtol=1e-4)
    np.testing.assert_allclose(norm.moving_variance[0], pooled.var(axis=(1, 2, 3)).mean(), rtol=1e-4)
    assert norm.momentum == 0.99
    lagging, _ = run(digits, 2, batch_size=64)
    assert abs(lagging.layers[1].moving_mean[0] - pooled.mean()) > 0.1


def test_a_line_says_what_the_notes_log_says(capsys):
    log = EpochLog(lambda epoch: 0.003)
    log.epochs[:] = notes_log()[:3]
    lines = EpochLines(log)
    lines.set_params({"epochs": 20})
    lines.on_epoch_end(2)
    line = capsys.readouterr().out
    for part in ("Epoch  3/20", "lr: 0.0018315018", "loss: 0.1969", "acc: 0.9409", "val_acc: 0.9909", "2 min left"):
        assert part in line
    assert log_line(notes_log()[2], 20) in line


# Stopped and started again


@pytest.mark.parametrize("after", [0, 1], ids=["first epoch", "second epoch"])
def test_an_interrupted_run_ends_where_an_uninterrupted_one_does(digits, straight, tmp_path, after, capsys):
    checkpoint = str(tmp_path / "folder" / "run.npz")  # a folder that is not there yet, and a plain text
    interrupted(digits, checkpoint, after)
    resumed = run(digits, checkpoint=checkpoint)
    assert (f"after epoch {after}" in capsys.readouterr().out) == (after > 0)
    assert_same_run(resumed, straight)
    again = run(digits, checkpoint=checkpoint)  # a finished run is returned, not trained anew
    assert_same_run(again, resumed)
    assert [epoch.seconds for epoch in again[1]] == [epoch.seconds for epoch in resumed[1]]


def test_a_rate_for_every_step_and_an_average_survive_an_interruption(digits, tmp_path):
    def options():
        return {
            "build": dense_network,
            "every_step": True,
            "optimizer": keras.optimizers.AdamW(use_ema=True, ema_momentum=0.9),
            "schedule": lambda epoch: 0.01 / (1 + epoch),
        }

    interrupted(digits, tmp_path / "run.npz", 1, **options())
    resumed = run(digits, checkpoint=tmp_path / "run.npz", **options())
    assert_same_run(resumed, run(digits, **options()))


def test_fast_layers_survive_an_interruption(digits, tmp_path):
    def build():
        return fast_layers(dropping_network())

    interrupted(digits, tmp_path / "run.npz", 1, epochs=2, build=build)
    assert_same_run(run(digits, 2, build=build, checkpoint=tmp_path / "run.npz"), run(digits, 2, build=build))


def test_a_run_can_be_prolonged(digits, straight, one_epoch, tmp_path):
    shutil.copy(one_epoch, tmp_path)
    assert_same_run(run(digits, checkpoint=tmp_path / "run.npz"), straight)


def rows(log):
    return list(csv.DictReader(log.read_text().splitlines()))


def test_a_stop_between_the_checkpoint_and_the_log_repeats_no_epoch(digits, straight, tmp_path, monkeypatch):
    """The log is written from the checkpoint, so it catches up."""
    checkpoint, log = tmp_path / "run.npz", tmp_path / "run.csv"
    write = training.ExactResume._write_log

    def stop_before_second(resume):
        if len(resume._log.epochs) == 2:
            raise KeyboardInterrupt
        write(resume)

    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr(training.ExactResume, "_write_log", stop_before_second)
        run(digits, checkpoint=checkpoint)
    assert len(rows(log)) == 1
    resumed = run(digits, checkpoint=checkpoint)
    assert_same_run(resumed, straight)
    assert [int(row["epoch"]) for row in rows(log)] == [1, 2, 3]
    assert [float(row["loss"]) for row in rows(log)] == [epoch.loss for epoch in resumed[1]]


def test_a_full_disk_leaves_the_last_checkpoint(digits, tmp_path, monkeypatch):
    checkpoint = tmp_path / "run.npz"
    kept = []

    class FillDiskAfterOne(keras.callbacks.Callback):
        def on_epoch_begin(self, epoch, logs=None):
            if epoch == 1:
                kept.append(checkpoint.read_bytes())
                monkeypatch.setattr(Path, "write_bytes", full)

    write = Path.write_bytes

    def full(path, content):
        write(path, content[: len(content) // 2])
        raise OSError(28, "No space left on device")

    with pytest.raises(OSError, match="No space left"):
        run(digits, checkpoint=checkpoint, callbacks=[FillDiskAfterOne()])
    assert checkpoint.read_bytes() == kept[0]
    assert sorted(file.name for file in tmp_path.iterdir()) == ["run.csv", "run.npz"]


def rate_of_its_own(epoch):
    return 0.001


@pytest.mark.parametrize(
    ("other", "named"),
    [
        ({"seed": 1}, "another seed"),
        ({"batch_size": 64}, "another batch size"),
        ({"build": dense_network}, "another network"),
        ({"build": lambda: dropping_network(0.2)}, "another network"),
        ({"build": lambda: with_policy("mixed_bfloat16", dropping_network)}, "another network"),
        ({"loss": "poisson"}, "another loss"),
        ({"optimizer": keras.optimizers.AdamW()}, "another optimizer"),
        ({"optimizer": keras.optimizers.Adam(beta_2=0.9)}, "another optimizer"),
        ({"schedule": rate_of_its_own}, "another schedule"),
        ({"every_step": True}, "another every_step"),
    ],
)
def test_a_checkpoint_of_another_run_is_refused_and_kept(digits, one_epoch, other, named):
    content = one_epoch.read_bytes()
    with pytest.raises(ValueError, match=f"{named}.*remove it"):
        run(digits, 2, checkpoint=one_epoch, **other)
    assert one_epoch.read_bytes() == content


def with_policy(policy, build):
    keras.config.set_dtype_policy(policy)
    try:
        return build()
    finally:
        keras.config.set_dtype_policy("float32")


def test_a_checkpoint_of_other_data_of_the_same_size_is_refused(digits, one_epoch):
    (images, labels), validation = digits
    for other in ((images[::-1].copy(), labels), (images, (labels + 1) % 10)):
        with pytest.raises(ValueError, match="another data"):
            run((other, validation), 2, checkpoint=one_epoch)


def test_names_that_keras_numbers_do_not_matter(digits, tmp_path):
    """With mixed precision the optimizer is wrapped, and both have a number in their names."""
    keras.config.set_dtype_policy("mixed_float16")
    try:
        for _ in range(2):
            assert len(run(digits, 1, checkpoint=tmp_path / "run.npz", build=dense_network)[1]) == 1
    finally:
        keras.config.set_dtype_policy("float32")


def test_a_loss_that_is_an_object_is_the_same_loss_when_it_is_made_again(digits, tmp_path):
    def again(**settings):
        loss = keras.losses.SparseCategoricalCrossentropy(**settings)
        return run(digits, 1, checkpoint=tmp_path / "run.npz", build=dense_network, loss=loss)[1]

    assert len(again()) == len(again()) == 1
    with pytest.raises(ValueError, match="another loss"):
        again(from_logits=True)


@pytest.fixture(scope="module")
def trained():
    return load_trained("compact_7k")


@pytest.mark.parametrize("content", [b"PK\x03\x04 half a file", b""])
def test_a_damaged_checkpoint_is_named(digits, tmp_path, content):
    checkpoint = tmp_path / "run.npz"
    checkpoint.write_bytes(content)
    with pytest.raises(ValueError, match=r"run\.npz is not a readable checkpoint"):
        run(digits, checkpoint=checkpoint)


def test_a_file_of_another_program_is_named(digits, tmp_path):
    np.savez(tmp_path / "run.npz", about=np.array("{}"))
    with pytest.raises(ValueError, match="written by another program"):
        run(digits, checkpoint=tmp_path / "run.npz")


# What nothing could be learned from


def with_pixel(images, value):
    changed = images.copy()
    changed[17, 14, 14, 0] = value
    return changed


@pytest.mark.parametrize(
    ("spoil", "problem"),
    [
        (lambda x, y: (with_pixel(x, np.nan), y), r"must be in \[0, 1\]"),
        (lambda x, y: (with_pixel(x, np.inf), y), r"must be in \[0, 1\]"),
        (lambda x, y: (with_pixel(x, -0.1), y), r"must be in \[0, 1\]"),
        (lambda x, y: (255 * x, y), r"must be in \[0, 1\]"),
        (lambda x, y: ((255 * x).astype("uint8"), y), "must be float32"),
        (lambda x, y: (x[..., 0], y), "must be float32 of shape"),
        (lambda x, y: (x.tolist(), y), "must be a NumPy array, got list"),
        (lambda x, y: (x, y + 0.7), "labels must be integers"),
        (lambda x, y: (x, np.eye(10)[y]), "labels must be integers"),
        (lambda x, y: (x, y + 1), "labels must be from 0 to 9"),
        (lambda x, y: (x, y.astype(int) - 1), "labels must be from 0 to 9"),
        (lambda x, y: (x[:100], y[:50]), "got 100 images and 50 labels"),
        (lambda x, y: (x[:0], y[:0]), "got 0 images"),
        (lambda x, y: (x[:, :14], y), r"takes images \(28, 28, 1\), got \(14, 28, 1\)"),
    ],
)
def test_digits_that_cannot_be_trained_on_are_refused(digits, trained, spoil, problem):
    spoilt = tuple(
        np.asarray(part) if name == "labels" else part for name, part in zip("xy", spoil(*digits[0]), strict=True)
    )
    with pytest.raises(ValueError, match=problem):
        run((spoilt, digits[1]))
    if "takes images" not in problem:
        with pytest.raises(ValueError, match=problem):
            run((digits[0], spoilt))
        with pytest.raises(ValueError, match=problem):
            evaluate(trained, *spoilt)


@pytest.mark.parametrize(
    ("options", "problem"),
    [
        ({"epochs": 0}, "epochs must be a whole number from 1 up, got 0"),
        ({"batch_size": 0}, "batch_size must be a whole number from 1 up, got 0"),
        ({"batch_size": -1}, "batch_size must be a whole number"),
        ({"batch_size": 2.5}, "batch_size must be a whole number"),
        ({"schedule": lambda epoch: float("nan")}, "learning rate of epoch 1 is nan"),
        ({"schedule": lambda epoch: -0.001}, "must be positive"),
        ({"schedule": lambda epoch: 0.01 if epoch < 1 else float("inf")}, "learning rate of epoch 2 is inf"),
        ({"schedule": lambda epoch: 0.3 - epoch % 1, "every_step": True}, "must be positive"),
    ],
)
def test_settings_that_cannot_train_are_refused(digits, options, problem):
    with pytest.raises(ValueError, match=problem):
        run(digits, **options)


def test_a_run_that_diverges_says_so_and_keeps_the_last_good_epoch(digits, tmp_path):
    def build():
        return dense_network(None)  # scores are no probabilities: their logarithm is soon not a number

    def loss(labels, outputs):
        return keras.ops.log(1 - keras.ops.sum(outputs**2, axis=-1))

    checkpoint = tmp_path / "run.npz"
    with pytest.raises(ValueError, match=r"diverged\. Start again with a lower learning rate"):
        run(digits, 2, build=build, loss=loss, checkpoint=checkpoint)
    with np.load(checkpoint) as saved:
        assert all(np.isfinite(saved[name]).all() for name in saved.files if name != "about")


# From the command line

# A stand-in for MNIST keeps the whole program real and each of its epochs short.
SHORT_PROGRAM = """
import sys
from convbook import mnist, training

full = mnist.load()
few = mnist.Digits(full.train_images[:640], full.train_labels[:640], full.test_images[:100], full.test_labels[:100])
mnist.load = lambda: few
training.RECIPES["compact_2k"] = training.RECIPES["compact_2k"]._replace(held_out=100)
"""
OPTIONS = ["--recipe", "compact_2k", "--epochs", "3", "--seed", "0", "--out"]


@pytest.fixture(scope="module")
def program():
    """The command, in this process: starting TensorFlow anew takes longer than the run."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(mnist, "load", mnist.load)
        patch.setitem(training.RECIPES, "compact_2k", training.RECIPES["compact_2k"])
        exec(SHORT_PROGRAM, {})
        yield lambda out, *more: training.main([*OPTIONS, str(out), *more])


@pytest.fixture(scope="module")
def finished(program, tmp_path_factory):
    """The folder of a run that nothing disturbed."""
    out = tmp_path_factory.mktemp("straight")
    (out / "compact_2k.json").write_text("{}")  # an old record, to be replaced
    program(out, "--replace")
    return out


def test_a_recipe_is_trained_on_a_split_and_its_weights_load(finished):
    made = record("compact_2k", finished)
    again = f"python -m convbook.training --recipe compact_2k --seed 0 --out {finished} --epochs 3 --replace"
    assert made["command"] == again
    network = load_trained("compact_2k", finished)
    assert network.count_params() == made["parameters"] == 2_322
    test = mnist.load()
    images, labels = mnist.to_input(test.test_images[:100]), test.test_labels[:100]
    guesses = network.predict(images, verbose=0).argmax(axis=1)
    assert (guesses == labels).mean() == pytest.approx(made["evaluate"][1])
    accuracies = [epoch["val_accuracy"] for epoch in made["history"]]  # of the 100 training digits held out
    np.testing.assert_allclose(np.multiply(accuracies, 100), np.round(np.multiply(accuracies, 100)), atol=1e-3)


def test_a_run_that_is_killed_goes_on_to_the_same_weights(program, finished, tmp_path, capsys):
    command = [sys.executable, "-c", f"{SHORT_PROGRAM}\ntraining.main(sys.argv[1:])", *OPTIONS, str(tmp_path)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as killed:
        lines = [killed.stdout.readline() for _ in range(2)]  # two epochs are done, the third is under way
        killed.kill()
    assert [line.split("/")[0].split()[-1] for line in lines] == ["1", "2"]

    capsys.readouterr()
    program(tmp_path)
    printed = capsys.readouterr().out.splitlines()
    made, expected = record("compact_2k", tmp_path), record("compact_2k", finished)
    assert printed[0].startswith("Picked up the run in ")
    # One epoch or two, as a kill can come between the print and the save of an epoch.
    assert 3 - sum(line.startswith("Epoch") for line in printed) in (1, 2)
    assert printed[-1] == str(made["evaluate"])
    assert [epoch["epoch"] for epoch in made["history"]] == [1, 2, 3]
    assert made["weights_sha256"] == expected["weights_sha256"]
    assert made["evaluate"] == expected["evaluate"]
    assert sorted(file.name for file in tmp_path.iterdir()) == ["compact_2k.json", "compact_2k.npz"]

    with pytest.raises(SystemExit):
        program(tmp_path)
    assert "already contains a trained compact_2k: add --replace" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("arguments", "problem"),
    [
        ([], f"{WEIGHTS} already contains a trained scheduled_cnn: add --replace"),
        (["--replace", "--epochs", "2"], "name a folder for the result with --out"),
    ],
)
def test_the_weights_of_the_package_are_not_overwritten_by_accident(arguments, problem, capsys):
    with pytest.raises(SystemExit):
        training.main(arguments)
    assert problem in " ".join(capsys.readouterr().err.split())
