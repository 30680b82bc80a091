"""Checks of chapter 2, which makes kernels by hand, splits them and learns one."""

from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray

from convbook.convolve import corr2d
from convbook.exercises.verdict import Wrong, call, check, describe, expect
from convbook.kernels import KERNELS


@check
def kernels_by_hand(
    identity: ArrayLike, shift_right: ArrayLike, blur: ArrayLike, edges: ArrayLike, laplacian: ArrayLike
) -> str:
    """Check five kernels (3, 3): identity, shift to the right, mean, vertical edges, four-neighbour Laplacian."""
    right = KERNELS["identity"]
    expect(
        identity,
        right,
        "identity",
        mistakes={
            "the identity matrix adds up a diagonal; the identity kernel keeps the middle pixel alone": np.eye(3),
            "this adds up all nine pixels; keep the middle one alone": np.ones((3, 3)),
        },
        reveal=False,
    )
    expect(
        shift_right,
        KERNELS["shift_right"],
        "shift_right",
        mistakes={
            "this moves the picture to the left: to move right, every pixel must take its LEFT neighbour's value": (
                np.roll(right, 1, axis=1)
            ),
            "this leaves the picture where it is": right,
            "this moves the picture down, not to the right": np.roll(right, -1, axis=0),
            "this moves the picture up, not to the right": np.roll(right, 1, axis=0),
        },
        reveal=False,
    )
    expect(
        blur,
        KERNELS["box_blur"],
        "blur",
        mistakes={
            "these weights add up to 9, so the picture gets nine times as bright; a mean adds up to 1": np.ones((3, 3)),
            "the weights add up to more than 1: the mean of nine pixels divides by nine": np.full((3, 3), 1 / 8),
            "this blur weighs the middle more; in the mean all nine pixels count the same": KERNELS["gaussian_blur"],
        },
        reveal=False,
    )
    _require_vertical_edges(_array(edges, "edges"))
    weights = _array(laplacian, "laplacian")
    if weights.shape == (3, 3) and not np.isclose(weights.sum(), 0):
        raise Wrong(
            f"laplacian: a flat area of brightness 1 answers {weights.sum():g}; "
            "the centre has to balance its neighbours exactly"
        )
    four = KERNELS["laplacian"]
    eight = np.ones((3, 3)) - 9 * right
    expect(
        weights,
        four,
        "laplacian",
        mistakes={
            "the signs are turned round; it is the neighbours minus the centre": -four,
            "the four diagonal neighbours are in it too; only the direct ones are asked for": eight,
        },
        reveal=False,
    )
    return "a copy, a step to the right, a mean, and two that are silent on flat areas"


def _require_vertical_edges(kernel: NDArray) -> None:
    """Reject a kernel unless it answers vertical edges only, with a plus where it gets brighter to the right."""
    if kernel.shape != (3, 3):
        raise Wrong(f"edges: the shape is {kernel.shape} and should be (3, 3)")
    if not np.isclose(kernel.sum(), 0):
        raise Wrong(f"edges: a flat area of brightness 1 answers {kernel.sum():g}; the weights have to add up to 0")
    if not np.allclose(kernel.sum(axis=1), 0):
        raise Wrong("edges: a horizontal edge gets an answer too; every row has to add up to 0")
    right_column, right_two_columns = kernel[:, 2].sum(), kernel[:, 1:].sum()  # an edge at either place in the crop
    answers = np.array([right_column, right_two_columns])
    if np.allclose(answers, 0):
        raise Wrong("edges: a vertical edge gets no answer")
    if (answers > -1e-9).all():
        return
    if (answers < 1e-9).all():
        raise Wrong("edges: an edge that gets brighter to the right is answered with a minus; turn the signs round")
    raise Wrong("edges: one edge is answered with both a plus and a minus; that is a second difference, take a first")


@check
def separable(split: Callable[[NDArray], Sequence[tuple[NDArray, NDArray]]]) -> str:
    """Check a function that splits a kernel into the fewest (column, row) pairs whose products add up to it."""
    cases = (
        ("Sobel", KERNELS["sobel_vertical"], 1),
        ("a kernel whose first row is 0", np.outer([0, 2, 1], [3, 0, -1]), 1),
        ("box blur", KERNELS["box_blur"], 1),
        ("2 x 3 kernel", np.outer([1, -2], [1, 2, 3]), 1),
        ("Laplacian", KERNELS["laplacian"], 2),
        ("3 x 3 kernel of rank 3", np.array([[2, 1, 0], [0, 1, 0], [0, 3, -1]]), 3),
    )
    for case, kernel, rank in cases:
        pairs = call(split, kernel.astype(float))
        try:
            parts = [np.outer(np.asarray(column, float), np.asarray(row, float)) for column, row in pairs]
            total = np.sum(parts, axis=0)
        except (TypeError, ValueError):
            raise Wrong(f"{case}: return a list of (column, row) pairs, not {describe(pairs)}") from None
        if len(parts) > rank:
            raise Wrong(
                f"{case}: {len(parts)} pairs, where {rank} will do; leave out the singular values that are 0, "
                "which after rounding means below a small limit such as 1e-9"
            )
        u, s, vt = np.linalg.svd(kernel)
        used = s[: len(parts)]
        columns, rows = u[:, : len(parts)], vt[: len(parts)]
        hints = {
            "columns and rows are swapped: the parts add up to the transpose": kernel.T,
            "the singular values are missing: multiply each column or row by its own": columns @ rows,
            "each singular value counts twice: multiply the column or the row by it, not both": (columns * used**2)
            @ rows,
        }
        if kernel.shape == (3, 3):
            mixed = "NumPy's svd returns the rows as the ROWS of its third result; you took its columns"
            hints[mixed] = (columns * used) @ vt[:, : len(parts)].T
        if len(parts) < rank:
            hints = {f"its rank is {rank}, so it takes as many pairs, and you gave {len(parts)}": total}
        expect(total, kernel, f"{case}, the sum of the parts", mistakes=hints)
    return "as many pairs as the rank says, and they add up to the kernel"


@check
def learned_kernel(learn: Callable[[NDArray, NDArray, tuple[int, int]], NDArray]) -> str:
    """Check a function that learns a kernel of a given shape from an image of noise and the kernel's answers to it."""
    image = np.random.default_rng(0).uniform(-1, 1, size=(40, 40))
    for case, kernel in (
        ("2 x 3 kernel", np.array([[0.0, 1.0, 2.0], [-1.0, 0.5, 0.0]])),
        ("3 x 3 kernel", np.array([[0.0, 1.0, 2.0], [-1.0, 0.5, 1.0], [-2.0, -0.5, 0.0]])),
        ("1 x 2 kernel", np.array([[1.0, -1.0]])),
    ):
        got = _array(call(learn, image, corr2d(image, kernel), kernel.shape), case)
        if got.shape == kernel.shape:
            if not np.isfinite(got).all() or np.abs(got).max() > 10 * np.abs(kernel).max():
                raise Wrong(
                    f"{case}: the weights ran away; step AGAINST the gradient, with the error as prediction "
                    "minus target, and with a rate of 1 or less"
                )
            if not got.any():
                raise Wrong(f"{case}: all weights are still 0; take steps against the gradient")
        close = np.linalg.norm(got - kernel) if got.shape == kernel.shape else np.inf
        hints = {
            "this is the kernel turned by half a circle; the answers were made without flipping": np.flip(kernel),
            "the signs are turned round": -kernel,
        }
        if kernel.shape == (3, 3):
            hints["rows and columns are swapped in the gradient"] = kernel.T
        if 0.01 < close < 0.9 * np.linalg.norm(kernel):
            hints["on its way, but not there; take more steps or, up to 1, longer ones"] = got
        expect(got, kernel, case, mistakes=hints, tolerance=0.01, reveal=False)
    return "three kernels learned from their answers alone"


def _array(answer: object, case: str) -> NDArray[np.float64]:
    """Turn an answer into an array of numbers."""
    if answer is None or answer is ...:
        raise Wrong(f"{case}: no answer yet; replace the dots")
    try:
        return np.asarray(answer, dtype=float)
    except (TypeError, ValueError):
        raise Wrong(f"{case}: this should be numbers, and it is {describe(answer)}") from None
