"""The same code trains, goes on after a stop and loads weights on TensorFlow, JAX and PyTorch.

Keras takes its backend from the environment: ``KERAS_BACKEND=jax python -m pytest tests/backends``.
"""

import os

import numpy as np
import pytest

from convbook import inference, mnist
from convbook.backend import device_name, keras, versions
from convbook.fast_layers import fast_layers
from convbook.network import compact_cnn, load_trained
from convbook.recipes import averaging_adamw, one_cycle_of
from convbook.training import train

EPOCHS = 4


@pytest.fixture(scope="module")
def digits():
    return mnist.load()


@pytest.fixture(scope="module")
def parts(digits):
    images = mnist.to_input(digits.train_images[:400])
    return (images[:300], digits.train_labels[:300]), (images[300:], digits.train_labels[300:400])


def run(parts, **options):
    """Train a network that moves digits at random, with an average of its weights and a rate for every step."""
    keras.utils.set_random_seed(0)
    model = fast_layers(compact_cnn(((4,), (8,)), norm_first=True, shift=0.07))
    rules = {"epochs": EPOCHS, "batch_size": 100, "schedule": one_cycle_of(EPOCHS), "every_step": True}
    return model, train(model, *parts, **rules, optimizer=averaging_adamw(0.9), verbose=0, **options)


@pytest.fixture(scope="module")
def uninterrupted(parts):
    return run(parts)


def test_keras_runs_on_the_backend_that_was_asked_for():
    name = os.environ.get("KERAS_BACKEND", "tensorflow")
    assert keras.backend.backend() == name
    assert set(versions()) == {"keras", name}
    assert device_name()


def test_a_few_digits_are_learned(uninterrupted):
    _, history = uninterrupted
    assert [epoch.epoch for epoch in history] == [1, 2, 3, 4]
    assert history[-1].loss < history[0].loss
    assert history[-1].accuracy > history[0].accuracy


def test_a_run_that_is_stopped_ends_where_an_uninterrupted_one_does(parts, uninterrupted, tmp_path):
    class StopInTheThird(keras.callbacks.Callback):
        def on_epoch_begin(self, epoch, logs=None):
            self.epoch = epoch

        def on_train_batch_end(self, batch, logs=None):
            if (self.epoch, batch) == (2, 1):
                raise KeyboardInterrupt

    checkpoint = tmp_path / "run.npz"
    with pytest.raises(KeyboardInterrupt):
        run(parts, checkpoint=checkpoint, callbacks=[StopInTheThird()])
    resumed, history = run(parts, checkpoint=checkpoint)
    straight, expected = uninterrupted
    values = [[epoch[:-1] for epoch in log] for log in (history, expected)]  # all but the seconds
    np.testing.assert_allclose(*values, rtol=1e-4)
    for ours, theirs in zip(resumed.variables, straight.variables, strict=True):
        np.testing.assert_allclose(keras.ops.convert_to_numpy(ours), keras.ops.convert_to_numpy(theirs), atol=1e-4)


def test_trained_weights_give_what_numpy_computes_from_them(digits):
    images = mnist.to_input(digits.test_images[:200])
    expected = inference.forward(inference.load(), images)["probabilities"]
    probabilities = load_trained().predict(images, verbose=0)
    np.testing.assert_allclose(probabilities, expected, atol=1e-4)
    assert (probabilities.argmax(axis=1) == digits.test_labels[:200]).mean() > 0.98
