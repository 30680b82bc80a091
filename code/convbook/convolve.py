"""Convolution in NumPy, step by step: with loops, with windows, and as a matrix product.

Deep-learning frameworks call it convolution but compute a cross-correlation: they do not flip the kernel (Goodfellow et
al. 2016, Deep Learning, section 9.1). The functions here do the same, except for ``true_convolution``.

The axes are ordered as in Keras: an image is (height, width, channels), a batch is (N, height, width, channels), and
filters are (kernel height, kernel width, channels in, channels out).
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import ArrayLike, NDArray

from convbook.arithmetic import Padding, output_size, pad_width, whole_number

Array = NDArray[Any]


def corr2d(image: ArrayLike, kernel: ArrayLike) -> Array:
    """Cross-correlate one channel with one kernel: at every position, multiply the window by the kernel and add up.

    Args:
        image: shape (H, W).
        kernel: shape (kh, kw).

    Returns:
        Shape (H - kh + 1, W - kw + 1).

    Raises:
        ValueError: an array is not 2-D, or the kernel does not fit into the image.
    """
    image, kernel = np.asarray(image), np.asarray(kernel)
    if image.ndim != 2 or kernel.ndim != 2:
        raise ValueError(
            f"image has shape {image.shape} and kernel {kernel.shape}: give two 2-D arrays, "
            "or use conv2d_windows where there are channels"
        )
    return conv2d_windows(image[:, :, np.newaxis], kernel[:, :, np.newaxis, np.newaxis])[:, :, 0]


def true_convolution(image: ArrayLike, kernel: ArrayLike) -> Array:
    """Convolve as mathematics defines it: ``corr2d`` with the kernel flipped along both axes.

    Arguments, result and errors are those of ``corr2d``. For a learned kernel the flip makes no difference, because
    training would learn the flipped kernel.
    """
    return corr2d(image, np.flip(kernel))


def conv2d_loops(
    images: ArrayLike,
    filters: ArrayLike,
    bias: ArrayLike | None = None,
    *,
    stride: int = 1,
    padding: Padding = 0,
    dilation: int = 1,
) -> Array:
    """Convolve one image (H, W, C_in) with loops: one inner product plus bias for each position and filter.

    The inner product runs over the whole window with all its input channels. Arguments, result and errors are those of
    ``conv2d_windows``, but a batch raises ValueError.
    """
    image, filters, bias, stride, dilation = _prepare(images, filters, bias, stride, padding, dilation)
    if image.ndim != 3:
        raise ValueError(f"images have shape {np.shape(images)}: give one (H, W, C_in), or use conv2d_windows")
    height, width = _spans(filters, dilation)
    tops = range(0, image.shape[0] - height + 1, stride)
    lefts = range(0, image.shape[1] - width + 1, stride)
    maps = np.empty((len(tops), len(lefts), filters.shape[-1]), np.result_type(image, filters, bias))
    for row, top in enumerate(tops):
        for column, left in enumerate(lefts):
            window = image[top : top + height : dilation, left : left + width : dilation, :]
            for channel in range(filters.shape[-1]):
                maps[row, column, channel] = np.sum(window * filters[:, :, :, channel]) + bias[channel]
    return maps


def conv2d_windows(
    images: ArrayLike,
    filters: ArrayLike,
    bias: ArrayLike | None = None,
    *,
    stride: int = 1,
    padding: Padding = 0,
    dilation: int = 1,
) -> Array:
    """Convolve all windows at once, with a view of the image that contains every window and one sum of products.

    Like the frameworks, this computes a cross-correlation.

    Args:
        images: one image (H, W, C_in) or a batch (N, H, W, C_in).
        filters: shape (kh, kw, C_in, C_out).
        bias: shape (C_out,); None adds nothing.
        stride: step between neighbouring windows, in pixels.
        padding: zeros on each side, or ``"valid"`` (none), or ``"same"`` as in Keras, for ``ceil(size / stride)``
            outputs.
        dilation: distance between neighbouring pixels of a filter.

    Returns:
        The feature maps before any activation, (H', W', C_out) or (N, H', W', C_out), in the arrays' common type:
        float32 stays float32. ``arithmetic.output_size`` gives H' and W'.

    Raises:
        ValueError: the shapes do not match, the filters do not fit into the padded image, or the stride, padding or
            dilation is out of range.
    """
    images, filters, bias, stride, dilation = _prepare(images, filters, bias, stride, padding, dilation)
    return np.einsum("...hwijc,ijco->...hwo", _windows(images, filters, stride, dilation), filters) + bias


def conv2d_matmul(
    images: ArrayLike,
    filters: ArrayLike,
    bias: ArrayLike | None = None,
    *,
    stride: int = 1,
    padding: Padding = 0,
    dilation: int = 1,
) -> Array:
    """Convolve with a matrix product ("im2col"), the fastest of the three.

    Every window becomes a row of one matrix, every filter a column of another, and their product holds all the inner
    products (Chellapilla, Puri & Simard 2006, High Performance Convolutional Neural Networks for Document
    Processing). Arguments, result and errors are those of ``conv2d_windows``.
    """
    images, filters, bias, stride, dilation = _prepare(images, filters, bias, stride, padding, dilation)
    windows = _windows(images, filters, stride, dilation)
    filter_columns = filters.reshape(-1, filters.shape[-1])
    maps = np.empty((*windows.shape[:-3], filters.shape[-1]), np.result_type(images, filters, bias))
    # The rows hold every pixel kh * kw times. The rows of eight images (or eight lines of a single image) fit into the
    # processor's cache. Those of a whole batch do not, which would double the time.
    for start in range(0, len(windows), 8):
        part = windows[start : start + 8]
        window_rows = part.reshape(*part.shape[:-3], -1)
        part_maps = maps[start : start + 8]
        np.matmul(window_rows, filter_columns, out=part_maps)
        part_maps += bias
    return maps


def _prepare(
    images: ArrayLike, filters: ArrayLike, bias: ArrayLike | None, stride: int, padding: Padding, dilation: int
) -> tuple[Array, Array, Array, int, int]:
    """Check that the arguments match; return them with the images padded and the numbers as ``int``."""
    stride, dilation = whole_number("stride", stride, 1), whole_number("dilation", dilation, 1)
    images, filters = np.asarray(images), np.asarray(filters)
    if images.ndim not in (3, 4):
        raise ValueError(
            f"images have shape {images.shape}: give (H, W, channels) or (N, H, W, channels); "
            "images[..., np.newaxis] adds the channel axis to grey ones"
        )
    if filters.ndim != 4:
        raise ValueError(f"filters have shape {filters.shape}: give (kh, kw, channels in, channels out)")
    if images.shape[-1] != filters.shape[2]:
        raise ValueError(
            f"images of shape {images.shape} have {images.shape[-1]} channels, but filters of shape {filters.shape} "
            f"take {filters.shape[2]}: a filter needs one slice for each channel of the image"
        )
    bias = np.zeros(filters.shape[3], filters.dtype) if bias is None else np.asarray(bias)
    if bias.shape != filters.shape[3:]:
        raise ValueError(
            f"bias has shape {bias.shape}, but filters of shape {filters.shape} make {filters.shape[3]} channels: "
            f"give shape {filters.shape[3:]}"
        )
    widths = []
    for axis, size, kernel in zip(("height", "width"), images.shape[-3:-1], filters.shape[:2], strict=True):
        try:
            output_size(size, kernel, stride, padding, dilation)
        except ValueError as error:
            shapes = f"images of shape {images.shape}, filters of shape {filters.shape}"
            raise ValueError(f"{shapes}, along the {axis}: {error}") from error
        widths.append(pad_width(size, kernel, stride, padding, dilation))
    if np.any(widths):  # np.pad copies the images even if there is nothing to add
        images = np.pad(images, [(0, 0)] * (images.ndim - 3) + widths + [(0, 0)])
    return images, filters, bias, stride, dilation


def _spans(filters: Array, dilation: int) -> tuple[int, int]:
    """Height and width that a filter covers on the image, including the gaps of a dilation."""
    height, width = filters.shape[:2]
    return dilation * (height - 1) + 1, dilation * (width - 1) + 1


def _windows(images: Array, filters: Array, stride: int, dilation: int) -> Array:
    """View of every window of the padded images, without a copy: (..., H', W', kh, kw, C_in)."""
    windows = sliding_window_view(images, _spans(filters, dilation), axis=(-3, -2))  # (..., C_in, height, width)
    windows = windows[..., ::stride, ::stride, :, ::dilation, ::dilation]
    return np.moveaxis(windows, -3, -1)  # the channels last, as in the filters
