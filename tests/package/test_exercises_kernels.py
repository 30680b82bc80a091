import numpy as np
import pytest
from scipy import ndimage, signal

from convbook.exercises import check

IDENTITY = np.array([[0, 0, 0], [0, 1, 0], [0, 0, 0]])
SHIFT = np.array([[0, 0, 0], [1, 0, 0], [0, 0, 0]])
BLUR = np.ones((3, 3)) / 9
EDGES = np.array([[0, 0, 0], [-1, 0, 1], [0, 0, 0]])
LAPLACIAN = np.array([[0, 1, 0], [1, -4, 1], [0, 1, 0]])
IMAGE = np.random.default_rng(0).random((9, 9))


def failed_with(verdict, hint):
    return not verdict.passed and hint in verdict.message


def by_hand(**changes):
    kernels = {"identity": IDENTITY, "shift_right": SHIFT, "blur": BLUR, "edges": EDGES, "laplacian": LAPLACIAN}
    return check.kernels_by_hand(**kernels | changes)


@pytest.mark.parametrize(
    ("kernel", "filtered"),
    [
        (IDENTITY, IMAGE),
        (SHIFT, ndimage.shift(IMAGE, (0, 1), order=0)),
        (BLUR, ndimage.uniform_filter(IMAGE, 3)),
        (EDGES, ndimage.correlate1d(IMAGE, [-1, 0, 1], axis=1)),
        (LAPLACIAN, ndimage.laplace(IMAGE)),
    ],
)
def test_the_kernels_by_hand_are_those_of_scipy(kernel, filtered):
    np.testing.assert_allclose(signal.correlate2d(IMAGE, kernel, mode="valid"), filtered[1:-1, 1:-1], atol=1e-12)


@pytest.mark.parametrize(
    "edges",
    [
        EDGES,
        [[-1, 0, 1], [-2, 0, 2], [-1, 0, 1]],
        [[-1, 0, 1], [-1, 0, 1], [-1, 0, 1]],
        [[0, 0, 0], [0, -1, 1], [0, 0, 0]],
    ],
)
def test_every_kernel_for_vertical_edges_passes(edges):
    assert by_hand(edges=edges).passed


@pytest.mark.parametrize(
    ("changes", "hint"),
    [
        ({"identity": ...}, "replace the dots"),
        ({"identity": np.eye(3)}, "adds up a diagonal"),
        ({"identity": np.ones((3, 3))}, "adds up all nine"),
        ({"shift_right": ...}, "shift_right: no answer yet"),
        ({"shift_right": SHIFT[:, ::-1]}, "to the left"),
        ({"shift_right": IDENTITY}, "leaves the picture where it is"),
        ({"shift_right": SHIFT.T}, "moves the picture down"),
        ({"shift_right": SHIFT.T[::-1]}, "moves the picture up"),
        ({"blur": np.ones((3, 3))}, "nine times as bright"),
        ({"blur": np.ones((3, 3)) / 8}, "more than 1"),
        ({"blur": np.outer([1, 2, 1], [1, 2, 1]) / 16}, "gives the middle more weight"),
        ({"edges": ...}, "edges: no answer yet"),
        ({"edges": "sobel"}, "edges: this should be numbers"),
        ({"edges": [[-1, 1]]}, "edges: the shape is (1, 2)"),
        ({"edges": [[0, 0, 0], [-1, 1, 1], [0, 0, 0]]}, "edges: on a flat area of brightness 1 the output is 1"),
        ({"edges": [[-1, -2, -1], [0, 0, 0], [1, 2, 1]]}, "a horizontal edge as well"),
        ({"edges": [[-1, -1, 2], [0, 0, 0], [1, 1, 1]]}, "the output is 3"),
        ({"edges": [[-1, 0, 1], [0, 0, 0], [1, 0, -1]]}, "does not respond to a vertical edge"),
        ({"edges": -EDGES}, "reverse the signs"),
        ({"edges": [[1, -2, 1], [1, -2, 1], [1, -2, 1]]}, "a second difference"),
        ({"laplacian": LAPLACIAN + IDENTITY}, "laplacian: on a flat area of brightness 1 the output is 1"),
        ({"laplacian": LAPLACIAN - 4 * IDENTITY}, "laplacian: on a flat area of brightness 1 the output is -4"),
        ({"laplacian": -LAPLACIAN}, "signs are reversed"),
        ({"laplacian": np.ones((3, 3)) - 9 * IDENTITY}, "diagonal neighbours"),
        ({"laplacian": EDGES}, "laplacian: the value at"),
        ({"laplacian": None}, "laplacian: no answer yet"),
    ],
)
def test_wrong_kernels_get_their_hint(changes, hint):
    assert failed_with(by_hand(**changes), hint)


def exact_split(kernel):
    """Peel off rows by elimination, without the SVD: rank factorisation."""
    rest, pairs = np.array(kernel, float), []
    while np.abs(rest).max() > 1e-9:
        row, column = np.unravel_index(np.abs(rest).argmax(), rest.shape)
        pair = rest[:, [column]] / rest[row, column], rest[[row]].copy()
        pairs.append(pair)
        rest = rest - pair[0] @ pair[1]
    return pairs


def svd_split(pick):
    """A split that ``pick`` makes of the parts of the SVD."""

    def split(kernel):
        u, s, vt = np.linalg.svd(kernel)
        return [pick(u, s, vt, i) for i in range((s > 1e-9).sum())]

    return split


def right(u, s, vt, i):
    return s[i] * u[:, i], vt[i]


def stub(*arguments): ...


def test_both_ways_to_split_pass():
    assert check.separable(exact_split).passed
    assert check.separable(svd_split(right)).passed


@pytest.mark.parametrize(
    ("split", "hint"),
    [
        (stub, "replace the dots"),
        (lambda kernel: exact_split(kernel)[:1], "rank is 2, so it needs as many pairs, but you gave 1"),
        (lambda kernel: [], "rank is 1, so it needs as many pairs, but you gave 0"),
        (lambda kernel: exact_split(kernel)[0], "give pairs of a column and a row; you gave more than 2"),
        (lambda kernel: [(1, "row")], "a row: this should be numbers"),
        (lambda kernel: len(exact_split(kernel)), "give a list of (column, row) pairs"),
        (lambda kernel: [(row, column) for column, row in exact_split(kernel)], "swapped"),
        (svd_split(lambda u, s, vt, i: (u[:, i], vt[i])), "singular values are missing"),
        (svd_split(lambda u, s, vt, i: (s[i] * u[:, i], s[i] * vt[i])), "counts twice"),
        (svd_split(lambda u, s, vt, i: (s[i] * u[:, i], vt[:, i])), "ROWS of its third result"),
        (svd_split(lambda u, s, vt, i: (s[i] * u[i], vt[i])), "Sobel, the sum of the parts: the value at"),
        (
            lambda kernel: [right(*np.linalg.svd(kernel), i) for i in range(min(kernel.shape))],
            "Sobel: you return 3 pairs, but 1 would be enough",
        ),
        (
            # Rounding makes the 0 a tiny number, which an exact comparison keeps.
            lambda kernel: [*exact_split(kernel), (1e-17 * kernel[:, 0], kernel[0])],
            "below a small limit",
        ),
        (
            # The first row and column serve as long as they are not 0.
            lambda kernel: [(kernel[:, 0] / kernel[0, 0], kernel[0])],
            "a kernel whose first row is 0",
        ),
    ],
)
def test_wrong_splits_get_their_hint(split, hint):
    with np.errstate(all="ignore"):
        assert failed_with(check.separable(split), hint)


def solved(image, target, shape):
    """Least squares instead of gradient descent."""
    windows = np.lib.stride_tricks.sliding_window_view(image, shape).reshape(-1, np.prod(shape))
    return np.linalg.lstsq(windows, target.ravel())[0].reshape(shape)


def descent(steps=100, rate=1.0, predict=signal.correlate2d, transpose=False):
    """Gradient descent with SciPy's correlations."""

    def learn(image, target, shape):
        weights = np.zeros(shape)
        for _ in range(steps):
            errors = predict(image, weights, mode="valid") - target
            gradient = 2 * signal.correlate2d(image, errors, mode="valid") / errors.size
            if predict is signal.convolve2d:
                gradient = np.flip(gradient)
            weights = weights - rate * (gradient.T if transpose and shape[0] == shape[1] else gradient)
        return weights

    return learn


def test_learned_and_solved_kernels_pass():
    assert check.learned_kernel(descent()).passed
    assert check.learned_kernel(solved).passed


@pytest.mark.parametrize(
    ("learn", "hint"),
    [
        (stub, "replace the dots"),
        (descent(predict=signal.convolve2d), "rotated by 180°"),
        (lambda *case: -solved(*case), "signs are reversed"),
        (lambda *case: solved(*case).T, "rows and columns are swapped"),
        (lambda *case: solved(*case).T if case[2] == (3, 3) else solved(*case), "rows and columns are swapped"),
        (descent(steps=2, rate=0.1), "getting close"),
        (descent(rate=-1.0), "grew without limit"),
        (descent(steps=20, rate=20.0), "grew without limit"),
        (lambda *case: np.nan * solved(*case), "grew without limit"),
        (lambda image, target, shape: np.zeros(shape), "still 0"),
        (lambda image, target, shape: "a kernel", "this should be numbers"),
        (lambda image, target, shape: np.array([[1, -1]]), "the shape is (1, 2)"),
        (lambda image, target, shape: image @ target, "raised ValueError"),
    ],
)
def test_wrong_learners_get_their_hint(learn, hint):
    assert failed_with(check.learned_kernel(learn), hint)
