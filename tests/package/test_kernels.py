"""The hand-made kernels do what their names say, by SciPy's own filters."""

import numpy as np
import pytest
from scipy import ndimage, signal

from convbook.kernels import KERNELS, kernel

IMAGE = np.random.default_rng(0).random((12, 15))
INSIDE = np.s_[1:-1, 1:-1]  # where SciPy's choice at the border plays no part
EXPECTED = {
    "identity": lambda image: image,
    "shift_right": lambda image: np.roll(image, 1, axis=1),
    "box_blur": lambda image: ndimage.uniform_filter(image, 3),
    "gaussian_blur": lambda image: ndimage.uniform_filter(ndimage.uniform_filter(image, 2), 2, origin=-1),
    "sharpen": lambda image: image - ndimage.laplace(image),
    "sobel_vertical": lambda image: ndimage.sobel(image, axis=1),
    "sobel_horizontal": lambda image: ndimage.sobel(image, axis=0),
    "prewitt_vertical": lambda image: ndimage.prewitt(image, axis=1),
    "prewitt_horizontal": lambda image: ndimage.prewitt(image, axis=0),
    "laplacian": ndimage.laplace,
    "emboss": lambda image: (
        image
        + sum(
            np.roll(image, (-rows, -columns), axis=(0, 1)) * (rows + columns)
            for rows in (-1, 0, 1)
            for columns in (-1, 0, 1)
        )
    ),
}


def test_every_kernel_has_an_oracle():
    assert set(EXPECTED) == set(KERNELS)


@pytest.mark.parametrize("name", KERNELS)
def test_kernel_does_what_scipy_does(name):
    answer = signal.correlate2d(IMAGE, kernel(name), mode="valid")
    np.testing.assert_allclose(answer, EXPECTED[name](IMAGE)[INSIDE], atol=1e-12)


@pytest.mark.parametrize("name", KERNELS)
def test_the_sum_is_1_for_pictures_and_0_for_edges(name):
    finds_edges = name.startswith(("sobel", "prewitt", "laplacian"))
    assert KERNELS[name].sum() == pytest.approx(0 if finds_edges else 1)


@pytest.mark.parametrize("name", ["identity", "box_blur", "gaussian_blur", "sharpen", "laplacian"])
def test_kernels_without_a_direction_are_symmetric(name):
    for turned in (np.rot90(KERNELS[name]), KERNELS[name].T):
        np.testing.assert_array_equal(turned, KERNELS[name])


def test_the_gaussian_blur_is_close_to_a_gaussian_of_variance_one_half():
    impulse = np.zeros((9, 9))
    impulse[4, 4] = 1
    blurred = ndimage.gaussian_filter(impulse, np.sqrt(0.5))[3:6, 3:6]
    np.testing.assert_allclose(kernel("gaussian_blur"), blurred, atol=0.08)
    places = np.arange(-1, 2)
    assert kernel("gaussian_blur").sum(axis=0) @ places**2 == 0.5


def test_a_kernel_is_a_copy_and_the_mapping_cannot_change():
    kernel("identity")[1, 1] = 5
    assert kernel("identity")[1, 1] == 1
    with pytest.raises(ValueError, match="read-only"):
        KERNELS["identity"][1, 1] = 5
    with pytest.raises(TypeError):
        KERNELS["identity"] = np.zeros((3, 3))


def test_an_unknown_name_lists_the_known_ones():
    with pytest.raises(ValueError, match=r"'sobel'; the names are identity, .*sobel_vertical, .*emboss"):
        kernel("sobel")
