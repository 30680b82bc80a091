"""The right answers of the quiz questions that ask for a number, each computed in another way than on the page."""

from itertools import product

import numpy as np
from scipy.signal import correlate2d
from scipy.special import expit

from convbook.backend import keras


def two_class_ceiling() -> float:
    """Play through every way in which dropout can keep or zero the scores of two classes, with both labels."""
    cases = [(np.eye(2)[label] * 2 - 1, label, kept) for label in (0, 1) for kept in product((0, 1), repeat=2)]
    return float(np.mean([np.argmax(scores * kept) == label for scores, label, kept in cases]))


ANSWERS = {
    "feature-maps-how-many": lambda: str(keras.layers.Conv2D(16, 3).compute_output_shape((1, 12, 12, 10))[-1]),
    "feature-maps-numbers": lambda: str(np.zeros((4, 4, 16)).size),
    "convolution-colour": lambda: "{} × {} × 1".format(*correlate2d(np.ones((32, 32)), np.ones((5, 5)), "valid").shape),
    "convolution-fraction": lambda: str(len(correlate2d(np.ones((63, 1)), np.ones((6, 1)), "valid")[::2])),
    "convolution-weights": lambda: str(16 * 3 * 3),
    "three-by-three-shrink": lambda: " × ".join([str(len(np.convolve(np.ones(28), np.ones(3), mode="same")))] * 2),
    "three-by-three-stack": lambda: str(((np.poly1d([1, 1, 1])) ** 3).order + 1),
    # Chapter 2: the weights of both passes, and the numbers of one filter.
    "kernel-separable-cost": lambda: str(np.ones((7, 1)).size + np.ones((1, 7)).size),
    "kernel-filter-numbers": lambda: str(
        keras.Sequential([keras.Input((5, 5, 16)), keras.layers.Conv2D(1, 3)]).count_params()
    ),
    "one-by-one-parameters": lambda: f"{np.zeros((16, 10)).size + np.zeros(10).size}",
    "one-by-one-field": lambda: f"{np.count_nonzero(np.convolve([1, 1, 1], [1, 1, 1]))}",
    # Chapter 7: a pool on a field as a convolution, and the paths of three layers as the powers of a polynomial.
    "pool-on-eleven": lambda: str(np.count_nonzero(np.convolve(np.ones(11), np.ones(2)))),
    "centre-and-corner": lambda: f"{(np.poly1d([1, 1, 1]) ** 3)[3] ** 2:.0f}",
    # Chapter 6: the steepest of SciPy's sigmoid, three times.
    "act-three-sigmoids": lambda: f"{(expit(0) * (1 - expit(0))) ** 3:.4f}",
    # Chapter 8: the borders between batches, and Keras's own schedule.
    "epochs-updates": lambda: f"{10 * len(np.array_split(np.arange(50_000), range(64, 50_000, 64))):,}",
    "epochs-third-rate": lambda: f"{float(keras.optimizers.schedules.InverseTimeDecay(0.01, 1, 0.5)(2)):.3g}",
    # Chapter 9: the borders between batches, and every way in which dropout can zero two scores.
    "training-steps": lambda: str(3 * len(np.array_split(np.arange(1_000), range(32, 1_000, 32)))),
    "training-ceiling-two": lambda: f"{two_class_ceiling():.3f}",
}
