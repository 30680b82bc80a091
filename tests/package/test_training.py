"""Training on a few hundred real digits: what holds for a short run holds for a long one."""

import subprocess
import sys

import numpy as np
import pytest

from convbook import mnist, training
from convbook.backend import keras
from convbook.fast_layers import fast_layers
from convbook.network import load_trained, record, scheduled_cnn
from convbook.training import evaluate, log_line, notes_log, train


@pytest.fixture(scope="module")
def digits():
    images = mnist.load()
    return (
        (mnist.to_input(images.train_images[:300]), images.train_labels[:300]),
        (mnist.to_input(images.train_images[300:400]), images.train_labels[300:400]),
    )


class Silent:
    """Progress that says nothing."""

    def step(self, history, epochs, done):
        assert 0 < done <= 1

    def epoch(self, history, epochs):
        assert 0 < len(history) <= epochs


def run(digits, epochs=3, seed=0, **options):
    keras.utils.set_random_seed(seed)
    model = scheduled_cnn()
    return model, train(model, *digits, epochs=epochs, seed=seed, progress=Silent(), **options)


def values(history):
    """Everything but the seconds."""
    return np.array([epoch[:-1] for epoch in history])


def test_a_record_has_a_line_for_every_epoch(digits):
    _, history = run(digits)
    assert [epoch.epoch for epoch in history] == [1, 2, 3]
    assert [epoch.learning_rate for epoch in history] == [epoch.learning_rate for epoch in notes_log()[:3]]
    assert all(epoch.seconds > 0 for epoch in history)
    assert history[-1].loss < history[0].loss


def test_a_seed_repeats_a_run_and_another_seed_does_not(digits):
    (first, history), (again, same), (_, other) = run(digits, 2), run(digits, 2), run(digits, 2, seed=1)
    np.testing.assert_allclose(values(same), values(history), rtol=1e-4)
    for ours, theirs in zip(again.get_weights(), first.get_weights(), strict=True):
        np.testing.assert_allclose(ours, theirs, atol=1e-4)
    assert not np.allclose(values(other)[:, 2], values(history)[:, 2], rtol=1e-2)


def test_evaluate_agrees_with_keras(digits):
    model, _ = run(digits, 1)
    ours = evaluate(model, *digits[0], batch_size=77)  # 77 does not divide 300: the last batch counts for less
    assert ours == pytest.approx(model.evaluate(*digits[0], verbose=0), rel=1e-5)


def test_training_agrees_with_keras_fit(digits):
    """Plain `fit`, shown the digits in the same order, arrives at the same weights."""
    keras.utils.set_random_seed(3)
    ours = scheduled_cnn(dropout=0, logit_dropout=0)
    theirs = scheduled_cnn(dropout=0, logit_dropout=0)
    theirs.set_weights(ours.get_weights())
    train(ours, *digits, epochs=2, seed=7, progress=Silent())

    images, labels = digits[0]
    theirs.compile(keras.optimizers.Adam(), "sparse_categorical_crossentropy")
    for epoch in range(2):
        theirs.optimizer.learning_rate = notes_log()[epoch].learning_rate
        order = np.random.default_rng([7, epoch]).permutation(len(images))
        with fast_layers(theirs):  # rounds as `train` does; training magnifies rounding
            theirs.fit(images[order], labels[order], batch_size=128, verbose=0, shuffle=False)
    for mine, other in zip(ours.get_weights(), theirs.get_weights(), strict=True):
        np.testing.assert_allclose(mine, other, atol=5e-4)


def test_an_interrupted_run_ends_where_an_uninterrupted_one_does(digits, tmp_path):
    class StopAfterTwo(Silent):
        def epoch(self, history, epochs):
            if len(history) == 2:
                raise KeyboardInterrupt

    checkpoint = tmp_path / "run.npz"
    keras.utils.set_random_seed(0)
    with pytest.raises(KeyboardInterrupt):
        train(scheduled_cnn(), *digits, epochs=4, checkpoint=checkpoint, progress=StopAfterTwo())
    resumed, history = run(digits, 4, checkpoint=checkpoint)
    straight, expected = run(digits, 4)
    np.testing.assert_allclose(values(history), values(expected), rtol=1e-4)
    for ours, theirs in zip(resumed.get_weights(), straight.get_weights(), strict=True):
        np.testing.assert_allclose(ours, theirs, atol=1e-4)
    model, again = run(digits, 4, checkpoint=checkpoint)
    assert again == history  # a finished run is returned, not trained anew
    np.testing.assert_array_equal(model.get_weights()[0], resumed.get_weights()[0])


def test_a_checkpoint_of_another_run_is_refused_and_kept(digits, tmp_path):
    class StopAfterOne(Silent):
        def epoch(self, history, epochs):
            raise KeyboardInterrupt

    checkpoint = tmp_path / "run.npz"
    with pytest.raises(KeyboardInterrupt):
        train(scheduled_cnn(), *digits, epochs=2, seed=0, checkpoint=checkpoint, progress=StopAfterOne())
    content = checkpoint.read_bytes()
    with pytest.raises(ValueError, match="another network; remove it"):
        train(scheduled_cnn(), *digits, epochs=2, seed=1, checkpoint=checkpoint)
    with pytest.raises(ValueError, match="another network; remove it"):
        train(scheduled_cnn(second_block=32), *digits, epochs=2, seed=0, checkpoint=checkpoint)
    assert checkpoint.read_bytes() == content


def test_a_checkpoint_of_another_recipe_is_refused(digits, tmp_path):
    checkpoint = tmp_path / "run.npz"
    run(digits, epochs=1, checkpoint=checkpoint)
    others = (
        {"every_step": True},
        {"loss": "poisson"},
        {"optimizer": keras.optimizers.Adam(beta_2=0.9)},
        {"optimizer": keras.optimizers.AdamW()},
    )
    for other in others:
        with pytest.raises(ValueError, match="another network; remove it"):
            run(digits, epochs=2, checkpoint=checkpoint, **other)


def test_the_schedule_can_be_asked_before_every_step(digits):
    asked = []

    def schedule(epoch):
        asked.append(epoch)
        return 0.001

    run(digits, epochs=2, schedule=schedule, every_step=True)
    steps = [epoch for epoch in asked if epoch % 1 != 0]
    assert steps == pytest.approx([128 / 300, 256 / 300, 1 + 128 / 300, 1 + 256 / 300])


def test_the_loss_and_the_optimizer_are_the_ones_asked_for(digits):
    """Stochastic gradient descent by hand, on the squared error: two steps that see all digits at once."""

    def squared_error(labels, probabilities):
        return keras.ops.sum((keras.ops.one_hot(labels, 10) - probabilities) ** 2, axis=-1)

    keras.utils.set_random_seed(0)
    model = keras.Sequential([keras.Input((28, 28, 1)), keras.layers.Flatten(), keras.layers.Dense(10)])
    weights, bias = (array.astype("float64") for array in model.get_weights())
    images, labels = digits[0][0].reshape(300, -1).astype("float64"), digits[0][1]
    rate = 0.0005
    for _ in range(2):
        error = images @ weights + bias - np.eye(10)[labels]
        weights -= rate * 2 * images.T @ error / 300
        bias -= rate * 2 * error.sum(axis=0) / 300
    options = {"schedule": lambda epoch: rate, "optimizer": keras.optimizers.SGD(), "loss": squared_error}
    train(model, *digits, epochs=2, batch_size=300, progress=Silent(), **options)
    for ours, theirs in zip(model.get_weights(), (weights, bias), strict=True):
        np.testing.assert_allclose(ours, theirs, atol=1e-5)


def test_an_average_of_the_weights_takes_their_place_before_the_last_measurement(digits):
    weights = []

    def network():
        keras.utils.set_random_seed(0)
        return keras.Sequential([keras.Input((28, 28, 1)), keras.layers.Flatten(), keras.layers.Dense(10, "softmax")])

    class Watch(Silent):
        def step(self, history, epochs, done):
            weights.append(model.get_weights()[0])

    momentum = 0.7
    model = network()
    train(model, *digits, epochs=2, progress=Watch())
    average = weights[0].astype("float64")  # Keras starts with the weights after the first step
    for step in weights[1:]:
        average = momentum * average + (1 - momentum) * step
    averaging = keras.optimizers.Adam(use_ema=True, ema_momentum=momentum)
    model = network()
    history = train(model, *digits, epochs=2, optimizer=averaging, progress=Silent())
    np.testing.assert_allclose(model.get_weights()[0], average, atol=1e-5)
    assert (history[-1].val_loss, history[-1].val_accuracy) == evaluate(model, *digits[1])


@pytest.mark.parametrize("content", [b"PK\x03\x04 half a file", b""])
def test_a_damaged_checkpoint_is_named(digits, tmp_path, content):
    checkpoint = tmp_path / "run.npz"
    checkpoint.write_bytes(content)
    with pytest.raises(ValueError, match=r"run\.npz is not a readable checkpoint"):
        run(digits, checkpoint=checkpoint)


def test_a_full_disk_leaves_the_last_checkpoint(digits, tmp_path, monkeypatch):
    checkpoint = tmp_path / "run.npz"
    kept = []

    class FillDiskAfterOne(Silent):
        def epoch(self, history, epochs):
            kept.append(checkpoint.read_bytes())

            def full(file, **arrays):
                file.write(b"half a checkpoint")
                raise OSError(28, "No space left on device")

            monkeypatch.setattr(training.np, "savez", full)

    keras.utils.set_random_seed(0)
    with pytest.raises(OSError, match="No space left"):
        train(scheduled_cnn(), *digits, epochs=3, checkpoint=checkpoint, progress=FillDiskAfterOne())
    assert checkpoint.read_bytes() == kept[0]
    assert list(tmp_path.iterdir()) == [checkpoint]


def test_a_run_stopped_in_its_first_epoch_starts_there_again(digits, tmp_path):
    class StopAtOnce(Silent):
        def step(self, history, epochs, done):
            raise KeyboardInterrupt

    checkpoint = tmp_path / "run.npz"
    keras.utils.set_random_seed(0)
    model = scheduled_cnn()
    with pytest.raises(KeyboardInterrupt):
        train(model, *digits, epochs=1, checkpoint=checkpoint, progress=StopAtOnce())
    history = train(model, *digits, epochs=1, checkpoint=checkpoint, progress=Silent())
    np.testing.assert_allclose(values(history), values(run(digits, 1)[1]), rtol=1e-4)


def test_images_without_labels_are_refused(digits):
    images, labels = digits[0]
    with pytest.raises(ValueError, match="300 images and 299 labels"):
        train(scheduled_cnn(), (images, labels[:-1]), digits[1])
    with pytest.raises(ValueError, match="300 images and 299 labels"):
        train(scheduled_cnn(), digits[1], (images, labels[:-1]))


def test_no_epochs_are_refused(digits):
    with pytest.raises(ValueError, match="epochs must be 1 or more, got 0"):
        train(scheduled_cnn(), *digits, epochs=0)


def test_lines_say_what_the_notes_log_says(capsys):
    training.Lines().epoch(notes_log()[:3], epochs=20)
    line = capsys.readouterr().out
    for part in ("Epoch  3/20", "lr: 0.0018315018", "loss: 0.1969", "acc: 0.9409", "val_acc: 0.9909", "2 min left"):
        assert part in line
    assert log_line(notes_log()[2], 20) in line


# A stand-in for MNIST keeps the whole program real and each of its twenty epochs short.
SHORT_PROGRAM = """
import sys
import numpy as np
from convbook import mnist, training
full = mnist.load()
few = mnist.Digits(full.train_images[:640], full.train_labels[:640], full.test_images[:100], full.test_labels[:100])
mnist.load = lambda: few
training.RECIPES["compact_2k"] = training.RECIPES["compact_2k"]._replace(held_out=100)
training.main(sys.argv[1:])
"""


def test_a_run_that_is_killed_in_its_third_epoch_goes_on(tmp_path):
    command = [sys.executable, "-c", SHORT_PROGRAM, "--epochs", "20", "--seed", "0", "--out", str(tmp_path)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as killed:
        lines = [killed.stdout.readline() for _ in range(2)]  # two epochs are done, the third is under way
        killed.kill()
    assert [line.split("/")[0].split()[-1] for line in lines] == ["1", "2"]
    assert (tmp_path / "scheduled_cnn.checkpoint.npz").exists()

    finished = subprocess.run(command, capture_output=True, text=True, check=True)
    printed = [line for line in finished.stdout.splitlines() if line.startswith("Epoch")]
    assert printed[0].startswith("Epoch  3/20")
    assert len(printed) == 18

    made = training.json.loads((tmp_path / "scheduled_cnn.json").read_text())
    assert [epoch["epoch"] for epoch in made["history"]] == list(range(1, 21))
    assert sorted(file.name for file in tmp_path.iterdir()) == ["scheduled_cnn.json", "scheduled_cnn.weights.h5"]
    again = subprocess.run(command, capture_output=True, text=True, check=False)
    assert again.returncode == 2
    assert "a finished run lies there" in again.stderr


def test_a_recipe_is_trained_on_a_split_and_its_weights_load(tmp_path):
    command = [sys.executable, "-c", SHORT_PROGRAM, "--recipe", "compact_2k", "--epochs", "2", "--out", str(tmp_path)]
    finished = subprocess.run(command, capture_output=True, text=True, check=True)
    made = record("compact_2k", tmp_path)
    assert made["command"] == "python -m convbook.training --recipe compact_2k --epochs 2 --seed 0 --out DIR"
    assert finished.stdout.splitlines()[-1] == str(made["evaluate"])
    network = load_trained("compact_2k", tmp_path)
    assert network.count_params() == made["parameters"] == 2_322
    test = mnist.load()
    images, labels = mnist.to_input(test.test_images[:100]), test.test_labels[:100]
    guesses = network.predict(images, verbose=0).argmax(axis=1)
    assert (guesses == labels).mean() == pytest.approx(made["evaluate"][1])
    accuracies = [epoch["val_accuracy"] for epoch in made["history"]]  # of the 100 training digits held out
    np.testing.assert_allclose(np.multiply(accuracies, 100), np.round(np.multiply(accuracies, 100)), atol=1e-3)
