"""What chapter 7 says about what a unit sees and what it uses, shown on the trained network."""

import numpy as np
import pytest

from convbook import mnist
from convbook.features import effective_field
from convbook.inference import forward, load, with_random_weights


@pytest.fixture(scope="module")
def network():
    return load()


@pytest.fixture(scope="module")
def images():
    return mnist.to_input(mnist.load().test_images[:60])


def test_unit_i_j_of_layer_5_sees_rows_2i_to_2i_plus_9(network):
    noise = np.random.default_rng(0).random((6, 28, 28, 1), dtype="float32")
    reacts = np.zeros((28, 10), bool)
    for image in noise:
        changed = np.repeat(image[None], 29, axis=0)
        changed[np.arange(28), np.arange(28)] = 1 - image
        maps = forward(network, changed, ["conv5"])["conv5"]
        reacts |= (maps[:-1] != maps[-1]).any(axis=(2, 3))
    assert [np.flatnonzero(rows).tolist() for rows in reacts.T] == [[*range(2 * i, 2 * i + 10)] for i in range(10)]


def position_std(influence: np.ndarray) -> float:
    """Standard deviation of the row, if row and column were drawn with chances in proportion to the influence."""
    share = influence.sum(axis=1) / influence.sum()
    rows = np.arange(len(share))
    return float(np.sqrt(share @ rows**2 - (share @ rows) ** 2))


@pytest.mark.slow
def test_pixels_of_a_field_do_not_matter_equally(network, images):
    """Change one pixel at a time: those in the middle of layer 6's field move the unit more than those at its rim."""
    field = np.ix_(range(6, 20), range(6, 20))
    moves = np.zeros((28, 28))
    for image in images[:3]:
        changed = np.repeat(image[None], 785, axis=0)
        changed.reshape(785, 784)[np.arange(784), np.arange(784)] += 0.01
        unit = forward(network, changed, ["conv6"])["conv6"][:, 3, 3]
        moves += np.abs(unit[:-1] - unit[-1]).mean(axis=1).reshape(28, 28)
    inside = moves[field].copy()
    moves[field] = 0
    assert not moves.any()
    rim = np.concatenate([inside[0], inside[-1], inside[1:-1, 0], inside[1:-1, -1]])
    assert inside[5:9, 5:9].mean() > 5 * rim.mean()


@pytest.mark.slow
def test_the_share_of_the_field_falls_in_the_trained_network_too(network, images):
    shares = []
    for layer, width in (("conv1", 3), ("conv2", 5), ("conv6", 14), ("conv9", 28)):
        std = position_std(effective_field(network, layer, images))
        shares.append(std / np.sqrt((width**2 - 1) / 12))
    assert (np.diff(shares) < 0).all()
    assert shares[-1] < 0.8


@pytest.mark.slow
def test_training_widens_what_the_last_layer_uses(network, images):
    before = position_std(effective_field(with_random_weights(network, seed=0), "conv9", images))
    assert position_std(effective_field(network, "conv9", images)) > 1.1 * before
