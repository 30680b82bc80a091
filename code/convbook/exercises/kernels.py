"""Checks of chapter 2: kernels made by hand, split into columns and rows, and learned."""

from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray

from convbook.convolve import corr2d
from convbook.exercises.verdict import Wrong, call, expect, gives_verdict, items, numbers
from convbook.kernels import KERNELS


@gives_verdict
def kernels_by_hand(
    identity: ArrayLike, shift_right: ArrayLike, blur: ArrayLike, edges: ArrayLike, laplacian: ArrayLike
) -> str:
    """Check five kernels (3, 3): identity, shift to the right, mean, vertical edges, four-neighbour Laplacian."""
    right = KERNELS["identity"]
    expect(
        identity,
        right,
        "identity",
        mistakes=(
            ("the identity matrix adds up a diagonal; the identity kernel keeps only the middle pixel", np.eye(3)),
            ("this adds up all nine pixels; keep only the middle one", np.ones((3, 3))),
        ),
        reveal=False,
    )
    expect(
        shift_right,
        KERNELS["shift_right"],
        "shift_right",
        mistakes=(
            (
                "this moves the picture to the left: to move it right, every pixel takes its LEFT neighbour's value",
                np.roll(right, 1, axis=1),
            ),
            ("this leaves the picture where it is", right),
            ("this moves the picture down, not to the right", np.roll(right, -1, axis=0)),
            ("this moves the picture up, not to the right", np.roll(right, 1, axis=0)),
        ),
        reveal=False,
    )
    expect(
        blur,
        KERNELS["box_blur"],
        "blur",
        mistakes=(
            (
                "these weights add up to 9, so the picture gets nine times as bright; those of a mean add up to 1",
                np.ones((3, 3)),
            ),
            ("the weights add up to more than 1: the mean of nine pixels divides by nine", np.full((3, 3), 1 / 8)),
            (
                "this blur gives the middle more weight; in a mean all nine pixels count equally",
                KERNELS["gaussian_blur"],
            ),
        ),
        within=0.0005,  # three decimals
        reveal=False,
    )
    _require_vertical_edges(numbers(edges, "edges"))
    weights = numbers(laplacian, "laplacian")
    if weights.shape == (3, 3) and not np.isclose(weights.sum(), 0):
        raise Wrong(
            f"laplacian: on a flat area of brightness 1 the output is {weights.sum():g}; "
            "the centre has to balance its neighbours exactly"
        )
    four = KERNELS["laplacian"]
    expect(
        weights,
        four,
        "laplacian",
        mistakes=(
            ("the signs are reversed: subtract the centre from the neighbours", -four),
            (
                "this includes the four diagonal neighbours as well; use only the direct ones",
                np.ones((3, 3)) - 9 * right,
            ),
        ),
        reveal=False,
    )
    return "a copy, a shift to the right, a mean, and two kernels with output 0 on flat areas"


def _require_vertical_edges(kernel: NDArray) -> None:
    """Require a kernel that responds only to vertical edges, positively where it gets brighter to the right."""
    if kernel.shape != (3, 3):
        raise Wrong(f"edges: the shape is {kernel.shape} and should be (3, 3)")
    if not np.isclose(kernel.sum(), 0):
        raise Wrong(
            f"edges: on a flat area of brightness 1 the output is {kernel.sum():g}; the weights have to add up to 0"
        )
    if not np.allclose(kernel.sum(axis=1), 0):
        raise Wrong("edges: this responds to a horizontal edge as well; every row has to add up to 0")
    right_column, right_two_columns = (
        kernel[:, 2].sum(),
        kernel[:, 1:].sum(),
    )  # an edge at either position in the window
    responses = np.array([right_column, right_two_columns])
    if np.allclose(responses, 0):
        raise Wrong("edges: this does not respond to a vertical edge")
    if (responses > -1e-9).all():
        return
    if (responses < 1e-9).all():
        raise Wrong("edges: the output is negative where it gets brighter to the right; reverse the signs")
    raise Wrong(
        "edges: an edge has both a positive and a negative output, because this kernel is a second difference; "
        "subtract the left neighbours from the right ones"
    )


@gives_verdict
def separable(split: Callable[[NDArray], Sequence[tuple[NDArray, NDArray]]]) -> str:
    """Check a function that splits a kernel into the fewest (column, row) pairs whose products add up to it."""
    cases: tuple[tuple[str, NDArray, int], ...] = (
        ("Sobel", KERNELS["sobel_vertical"], 1),
        ("a kernel whose first row is 0", np.outer([0, 2, 1], [3, 0, -1]), 1),
        ("box blur", KERNELS["box_blur"], 1),
        ("2 × 3 kernel", np.outer([1, -2], [1, 2, 3]), 1),
        ("3 × 2 kernel", np.outer([1, 2, 3], [2, -1]), 1),
        ("Laplacian", KERNELS["laplacian"], 2),
        (
            "a sum of a strong and a faint pair",
            np.outer([1, 2, 1], [1, 0, -1]) + np.outer([0.1, 0, -0.1], [1, 2, 1]),
            2,
        ),
        ("3 × 3 kernel of rank 3", np.array([[2, 1, 0], [0, 1, 0], [0, 3, -1]]), 3),
        ("5 × 5 kernel", np.outer([1, 4, 6, 4, 1], [1, 2, 0, -2, -1]) + np.outer([1, 0, 0, 0, 2], [0, 1, 3, 0, 1]), 2),
    )
    for case, kernel, rank in cases:
        pairs = items(call(split, kernel.astype(float)), kernel.size, case, "a list of (column, row) pairs", fewer=True)
        parts = [_product(pair, case) for pair in pairs]
        if len(parts) > rank:
            raise Wrong(
                f"{case}: you return {len(parts)} pairs, but {rank} would be enough; leave out singular values of 0, "
                "which after rounding means values below a small limit such as 1e-9"
            )
        if any(part.shape != parts[0].shape for part in parts):
            raise Wrong(f"{case}: the products of the pairs have different shapes")
        total = np.sum(parts, axis=0) if parts else np.zeros(kernel.shape)
        u, s, vt = np.linalg.svd(kernel)
        used = s[: len(parts)]
        columns, rows = u[:, : len(parts)], vt[: len(parts)]
        expect(
            total,
            kernel.astype(float),
            f"{case}, the sum of the parts",
            mistakes=(
                (
                    f"its rank is {rank}, so it needs as many pairs, but you gave {len(parts)}",
                    total if len(parts) < rank else None,
                ),
                ("columns and rows are swapped: the parts add up to the transpose", kernel.T),
                ("the singular values are missing: multiply each column or row by its singular value", columns @ rows),
                (
                    "each singular value counts twice: multiply the column or the row by it, not both",
                    (columns * used**2) @ rows,
                ),
                (
                    "NumPy's svd returns the rows as the ROWS of its third result; you took its columns",
                    (columns * used) @ vt[:, : len(parts)].T,
                ),
            ),
        )
    return "as many pairs as the rank, and their products add up to the kernel"


def _product(pair: object, case: str) -> NDArray:
    """Multiply a column by a row, each with one or two axes."""
    column, row = items(pair, 2, case, "pairs of a column and a row")
    return np.outer(numbers(column, f"{case}, a column"), numbers(row, f"{case}, a row"))


@gives_verdict
def learned_kernel(learn: Callable[[NDArray, NDArray, tuple[int, int]], NDArray]) -> str:
    """Check a function that learns a kernel of a given shape from an image of noise and the kernel's output for it."""
    image = np.random.default_rng(0).uniform(-1, 1, size=(36, 40))
    wide = np.array([[0.0, 1.0, 2.0], [-1.0, 0.5, 0.0]])
    five = np.arange(25.0).reshape(5, 5) % 7 / 4 - 0.5
    for case, kernel in (
        ("2 × 3 kernel", wide),
        ("3 × 3 kernel", np.array([[0.0, 1.0, 2.0], [-1.0, 0.5, 1.0], [-2.0, -0.5, 0.0]])),
        ("1 × 2 kernel", np.array([[1.0, -1.0]])),
        ("3 × 2 kernel", wide.T[::-1]),
        ("1 × 1 kernel", np.array([[-0.75]])),
        ("5 × 5 kernel", five),
    ):
        got = numbers(call(learn, image, corr2d(image, kernel), kernel.shape), case, finite=False)
        same_shape = got.shape == kernel.shape
        if same_shape and (not np.isfinite(got).all() or np.abs(got).max() > 10 * np.abs(kernel).max()):
            raise Wrong(
                f"{case}: the weights grew without limit; divide by the number of errors, because the loss is a mean; "
                "step AGAINST the gradient, with the error as prediction minus target; and use a rate of 1 or less"
            )
        if same_shape and not got.any():
            raise Wrong(f"{case}: all weights are still 0; take steps against the gradient")
        close = np.linalg.norm(got - kernel) if same_shape else np.inf
        expect(
            got,
            kernel,
            case,
            mistakes=(
                ("the kernel is rotated by 180°; the target was computed without flipping", np.flip(kernel)),
                ("the signs are reversed", -kernel),
                ("rows and columns are swapped in the gradient", kernel.T),
                (
                    "the weights are getting close; take more steps, or a larger rate of up to 1",
                    got if close < 0.9 * np.linalg.norm(kernel) else None,
                ),
            ),
            within=0.01,
            reveal=False,
        )
    return "six kernels learned, each from one image and the output for it"
