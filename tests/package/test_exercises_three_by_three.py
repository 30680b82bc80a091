import numpy as np
import pytest
from scipy.optimize import least_squares
from scipy.signal import convolve2d, correlate2d

from convbook.backend import keras
from convbook.exercises import check

RNG = np.random.default_rng(0)


def stub(*arguments): ...


def test_scipys_full_convolution_passes_as_composition():
    assert check.compose(convolve2d).passed


@pytest.mark.parametrize(
    ("answer", "hint"),
    [
        (stub, "replace the dots"),
        (correlate2d, "flip one kernel along both axes"),
        (lambda first, second: convolve2d(first, second)[::-1, ::-1], "rotated by 180°"),
        (lambda first, second: np.pad(first * second, 1), "not only those at the same position"),
        (lambda first, second: np.pad(first + second, 1), "do not add them"),
        (lambda first, second: convolve2d(first, second, mode="same"), "pad one kernel by two"),
    ],
)
def test_wrong_compositions_get_their_hint(answer, hint):
    verdict = check.compose(answer)
    assert not verdict.passed
    assert hint in verdict.message


def layers_that_fit(kernel: int) -> tuple[int, int]:
    """Let NumPy shrink a row of 28 pixels until the kernel no longer fits."""
    row, layers = np.ones(28), 0
    while len(row) >= kernel:
        row, layers = np.convolve(row, np.ones(kernel), mode="valid"), layers + 1
    return layers, len(row)


def test_shrinking_a_row_passes():
    assert check.layers_until_gone(*layers_that_fit(3), *layers_that_fit(5)).passed


@pytest.mark.parametrize(
    ("answer", "hint"),
    [
        ((..., ..., ..., ...), "replace the dots"),
        ((14, 0, 6, 4), "one too many"),
        ((9, 1, 5, 3), "removes k - 1 pixels, not k"),
        ((12, 4, 6, 4), "still fits into a map"),
        ((13, 4, 6, 4), "one more layer fits"),
        ((13, 2, 7, 0), "5 × 5 layers: one too many"),
    ],
)
def test_wrong_stacks_get_their_hint(answer, hint):
    verdict = check.layers_until_gone(*answer)
    assert not verdict.passed
    assert hint in verdict.message


def keras_parameters(kernel: int, layers: int, channels: int) -> int:
    stack = [keras.layers.Conv2D(channels, kernel) for _ in range(layers)]
    return keras.Sequential([keras.Input((28, 28, channels)), *stack]).count_params()


def test_keras_passes_as_counter():
    assert check.stack_parameters(keras_parameters).passed


@pytest.mark.parametrize(
    ("answer", "hint"),
    [
        (stub, "replace the dots"),
        (lambda k, n, c: n * k**2 * c**2, "each filter has a bias"),
        (lambda k, n, c: n * (k**2 + 1) * c, "for every channel that it reads"),
        (lambda k, n, c: n * (k**2 * c**2 + c**2), "not one for each kernel"),
        (lambda k, n, c: n * (k**2 * c**2 + 1), "not one for each layer"),
        (lambda k, n, c: k**2 * c**2 + c, "all layers"),
    ],
)
def test_wrong_counts_get_their_hint(answer, hint):
    verdict = check.stack_parameters(answer)
    assert not verdict.passed
    assert hint in verdict.message


def test_the_widest_middle_by_counting_with_keras():
    def weights(*layers) -> int:
        return keras.Sequential([keras.Input((28, 28, 1)), *layers]).count_params()

    large = weights(keras.layers.Conv2D(16, 5, use_bias=False))
    small = {
        m: weights(*[keras.layers.Conv2D(channels, 3, use_bias=False) for channels in (m, 16)]) for m in range(1, 17)
    }
    assert check.widest_middle(max(m for m, count in small.items() if count < large)).passed


@pytest.mark.parametrize(
    ("answer", "hint"),
    [
        (..., "replace the dots"),
        (16, "equal channels everywhere"),
        (28, "reads m channels"),
        (3, "fewer weights than the large one"),
        (1, "still save weights"),
        (5, "is not right"),
    ],
)
def test_wrong_middles_get_their_hint(answer, hint):
    verdict = check.widest_middle(answer)
    assert not verdict.passed
    assert hint in verdict.message


@pytest.mark.slow
def test_a_cross_passes_and_a_second_search_agrees():
    cross = np.zeros((5, 5))
    cross[2, :] = cross[:, 2] = 1
    assert check.not_composable(cross).passed
    assert best_by_gradient(cross) > 0.2


# Every step from one weight to the other, up to turning and mirroring the kernel.
STEPS = [(down, across) for down in range(5) for across in range(down + 1) if down]


@pytest.mark.parametrize("other", [1.0, -1.0])
@pytest.mark.parametrize("step", STEPS)
def test_two_weights_pass_exactly_where_no_search_comes_near(step, other):
    kernel = np.zeros((5, 5))
    kernel[0, 0], kernel[step] = 1, other
    assert check.not_composable(kernel).passed == (best_by_gradient(kernel) > 0.01)
    assert check.not_composable(kernel[:, ::-1]).passed == check.not_composable(kernel).passed


def best_by_gradient(target: np.ndarray) -> float:
    """Search for the best pair by another way than the check: a general optimiser on all 18 weights."""
    rng = np.random.default_rng(0)

    def left_over(weights: np.ndarray) -> np.ndarray:
        return (convolve2d(*weights.reshape(2, 3, 3)) - target).ravel()

    best = np.inf
    # From anywhere, and from kernels along a line, where the best pair for a line is hard to reach otherwise.
    for shape in 12 * [np.ones((3, 3)), np.eye(3)]:
        found = least_squares(left_over, (rng.normal(size=(2, 3, 3)) * shape).ravel())
        best = min(best, float(np.linalg.norm(found.fun) / np.linalg.norm(target)))
        if best < 1e-4:
            break
    return best


GAUSSIAN = np.outer([1, 4, 6, 4, 1], [1, 4, 6, 4, 1])
STAR = convolve2d([[0, 1, 0], [1, 1, 1], [0, 1, 0]], [[1, 0, 0], [0, 1, 0], [0, 0, 1]])


@pytest.mark.parametrize(
    ("answer", "hint"),
    [
        (..., "replace the dots"),
        (np.ones((3, 3)), "should have (5, 5)"),
        (np.zeros((5, 5)), "a kernel of zeros"),
        (GAUSSIAN, "a column times a row"),
        (STAR, "a pair may well make it"),
        (np.eye(5) * [1, 0, 0, 0, 2], "on a diagonal"),
        (np.eye(5) * [0, 1, 2, 0, 0], "both weights fit"),
        ([[1, 0, 0, 0, 0], [0] * 5, [0, 0, 0, 0, -3], [0] * 5, [0] * 5], "weights of opposite sign"),
        ("a cross", "should be numbers"),
        ([[1, 2], [3]], "the same length"),
        (np.full((5, 5), np.nan), "not a finite number"),
    ],
)
def test_kernels_that_a_pair_makes_get_their_hint(answer, hint):
    verdict = check.not_composable(answer)
    assert not verdict.passed
    assert hint in verdict.message


def pair(image, first, second, between=lambda x: np.maximum(x, 0), behind=lambda x: x):
    return behind(correlate2d(between(correlate2d(image, first, "valid")), second, "valid"))


BAR = np.zeros((9, 9))
BAR[3:6, 4] = 1


@pytest.mark.parametrize("images", [(BAR, -BAR), (RNG.random((5, 6)), RNG.random((5, 6)))])
def test_scipy_passes_with_a_relu_between(images):
    assert check.relu_between(pair, *images).passed


@pytest.mark.parametrize(
    ("images", "hint"),
    [
        ((..., ...), "replace the dots"),
        ((BAR, ...), "replace the dots"),
        (("bar", "bar"), "should be numbers"),
        ((BAR, BAR[1:]), "of the same size"),
        ((np.ones((4, 4)), np.ones((4, 4))), "at least 5 × 5"),
        ((BAR, np.full((9, 9), np.inf)), "not a finite number"),
        ((np.ones((9, 9)), np.zeros((9, 9))), "is 0 for both"),
        ((np.eye(5), -np.eye(5)), "equals the sum of the outputs"),  # which are 0.3125 and -0.3125
        ((BAR, BAR), "twice the same image"),
        ((BAR, np.zeros((9, 9))), "let their edges overlap"),
    ],
)
def test_images_that_do_not_show_it_get_their_hint(images, hint):
    verdict = check.relu_between(pair, *images)
    assert not verdict.passed
    assert hint in verdict.message


def relu(x):
    return np.maximum(x, 0)


@pytest.mark.parametrize(
    ("answer", "hint"),
    [
        (stub, "replace the dots"),
        (lambda *arguments: pair(*arguments, between=lambda x: x), "the ReLU is missing"),
        (lambda *arguments: pair(*arguments, between=lambda x: x, behind=relu), "after the second layer"),
        (lambda image, *kernels: pair(relu(image), *kernels, between=lambda x: x), "acts on the image"),
        (lambda *arguments: pair(*arguments, behind=relu), "one ReLU"),
        (lambda image, first, second: pair(image, second, first), "apply the first one first"),
    ],
)
def test_wrong_pairs_get_their_hint(answer, hint):
    verdict = check.relu_between(answer, BAR, -BAR)
    assert not verdict.passed
    assert hint in verdict.message
