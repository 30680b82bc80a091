"""The arithmetic of a stack of layers: sizes, parameters, multiplications, receptive fields.

Images, kernels, strides, paddings and dilations are the same along both axes, so one number describes both.

Sources:
    Dumoulin & Visin (2016), A guide to convolution arithmetic for deep learning, arXiv:1603.07285: output sizes.
    Araujo, Norris & Sim (2019), Computing Receptive Fields of Convolutional Neural Networks, Distill,
    doi:10.23915/distill.00021: receptive fields of a single path of layers.
"""

from __future__ import annotations

import operator
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import TYPE_CHECKING, Any, Literal

if TYPE_CHECKING:
    import keras

Padding = Literal["valid", "same"] | int


def whole_number(name: str, value: object, least: int, instead: str = "") -> int:
    """Check an argument of a function and return it as an ``int``.

    Anything that Python accepts as an index is allowed, including NumPy's integers. True and False are refused, because
    here they are always a mistake.

    Args:
        name: name of the argument, for the message.
        value: the argument.
        least: the smallest number allowed.
        instead: what is allowed besides a number, for the message, such as ``"None or "``.

    Raises:
        ValueError: the value is not an integer, or too small.
    """
    number = _as_int(value)
    if number is None or number < least:
        given = repr(value) if number is None else number
        raise ValueError(f"{name} must be {instead}a whole number from {least} up, got {given}")
    return number


def _as_int(value: object) -> int | None:
    """Return an integer of any type as an ``int``, and anything else as None."""
    try:
        return None if isinstance(value, bool) else operator.index(value)  # type: ignore[arg-type]
    except TypeError:
        return None


def pad_width(
    size: int, kernel: int, stride: int = 1, padding: Padding = "valid", dilation: int = 1
) -> tuple[int, int]:
    """Pixels of padding before and after an image along one axis.

    ``"valid"`` adds none, and a number adds that many on both sides. ``"same"`` adds just enough for
    ``ceil(size / stride)`` outputs; if that is an odd number, the extra pixel comes after the image, as in Keras.

    Raises:
        ValueError: a size, kernel, stride or dilation is not a whole number from 1 up, or the padding is not one of the
            above.
    """
    size, kernel, stride, dilation = _whole_numbers(size=size, kernel=kernel, stride=stride, dilation=dilation)
    padding = _padding(padding)
    if padding == "valid":
        return 0, 0
    if padding == "same":
        last_start = (size - 1) // stride * stride
        total = max(last_start + dilation * (kernel - 1) + 1 - size, 0)
        return total // 2, total - total // 2
    return padding, padding


def _whole_numbers(**values: int) -> Iterator[int]:
    """Check several arguments, each of which must be 1 or more."""
    return (whole_number(name, value, 1) for name, value in values.items())


def _padding(padding: Padding) -> Padding:
    """Check a padding, and return a number as an ``int``."""
    if isinstance(padding, str) and padding in ("valid", "same"):
        return padding
    return whole_number("padding", padding, 0, "'valid', 'same' or ")


def output_size(size: int, kernel: int, stride: int = 1, padding: Padding = "valid", dilation: int = 1) -> int:
    """Positions of a kernel along one axis: ``floor((i + 2p - d(k - 1) - 1) / s) + 1``.

    With ``padding="same"`` this is ``ceil(i / s)``. Dumoulin & Visin (2016), relationship 6 in section 2.4
    for the stride and the padding, section 5.1 for the dilation.

    Args:
        size: pixels of the image along the axis, ``i``.
        kernel: pixels of the kernel, ``k``.
        stride: step from one position to the next, ``s``.
        padding: zeros on each side, ``p``, or ``"valid"`` (none), or ``"same"``.
        dilation: distance between neighbouring pixels of the kernel, ``d``; 1 leaves no gaps.

    Raises:
        ValueError: the kernel does not fit into the padded image, or an argument is out of range.
    """
    size, kernel, stride, dilation = _whole_numbers(size=size, kernel=kernel, stride=stride, dilation=dilation)
    padded = size + sum(pad_width(size, kernel, stride, padding, dilation))
    span = dilation * (kernel - 1) + 1
    if span > padded:
        raise ValueError(
            f"kernel {kernel} with dilation {dilation} spans {span} pixels, but the padded image has only {padded}: "
            "use a smaller kernel, less dilation, more padding or a larger image"
        )
    return (padded - span) // stride + 1


@dataclass(frozen=True)
class Layer:
    """A convolution or, without ``channels``, a pooling layer.

    Attributes:
        kernel: side of the kernel or of the pooling window, in pixels.
        channels: filters of the convolution, one for each output channel; None makes a pooling layer, which keeps
            the channels of its input.
        stride: step between neighbouring positions. For a pooling layer whose windows do not overlap, set
            ``stride=kernel``.
        padding: ``"valid"``, ``"same"`` or a number of pixels on each side.
        dilation: distance between neighbouring pixels of the kernel.
        bias: whether a convolution has one bias per filter.
        batch_norm: whether a batch normalisation follows. Its parameters are counted with the layer.
        name: name of the layer in tables and figures; see ``label``.
    """

    kernel: int
    channels: int | None = None
    stride: int = 1
    padding: Padding = "valid"
    dilation: int = 1
    bias: bool = True
    batch_norm: bool = False
    name: str = ""

    def __post_init__(self) -> None:
        """Check every number and store it as an ``int``, because NumPy's integers could overflow in ``trace``.

        Raises:
            ValueError: a value is not a whole number, or too small.
        """
        checked: dict[str, Padding] = {"padding": _padding(self.padding)}
        for name in ("kernel", "stride", "dilation"):
            checked[name] = whole_number(name, getattr(self, name), 1)
        if self.channels is not None:
            checked["channels"] = whole_number("channels", self.channels, 1, "None (for a pooling layer) or ")
        for name, value in checked.items():
            object.__setattr__(self, name, value)  # the way for a frozen dataclass to set its own attributes

    @property
    def label(self) -> str:
        """The name or, without one, a description such as ``conv 3x3, 16`` or ``pool 2``."""
        if self.name:
            return self.name
        pools = self.channels is None
        usual_stride = self.kernel if pools else 1
        parts = [f"pool {self.kernel}" if pools else f"conv {self.kernel}x{self.kernel}, {self.channels}"]
        if self.stride != usual_stride:
            parts.append(f"stride {self.stride}")
        if self.dilation != 1:
            parts.append(f"dilation {self.dilation}")
        if self.padding not in ("valid", 0):
            parts.append(f"padding {self.padding}")
        return ", ".join(parts)


@dataclass(frozen=True)
class Stage:
    """The output of one layer in numbers: one row of the network's table.

    Attributes:
        name: the layer's label.
        kernel: side of its kernel, in pixels.
        size: height and width of its output.
        channels: channels of its output.
        parameters: number of its parameters, including those of a following batch normalisation.
        trainable: those that gradient descent learns: all but the running mean and variance of the batch
            normalisation.
        macs: multiplications (each with an addition) of its convolution for one image.
        receptive_field: side of the image region that a unit can see, in pixels.
        jump: image pixels between the regions of neighbouring units.
        start: first image row (and column) of unit 0's region; negative where the region reaches into the padding.
        image_size: height and width of the network's input.
    """

    name: str
    kernel: int
    size: int
    channels: int
    parameters: int
    trainable: int
    macs: int
    receptive_field: int
    jump: int
    start: int
    image_size: int

    def sees(self, index: int) -> range:
        """Image rows (or columns) that the units in row (or column) ``index`` can see.

        No pixel outside the range affects these units. Pixels inside it do, with two exceptions. A dilated kernel, or a
        stride larger than the kernel, skips some pixels. And where the range is clipped at the border, it may include
        a few pixels that have no effect, because a strided layer leaves them out or a layer pads by a whole kernel or
        more.

        Raises:
            IndexError: the output has no row with this index.
        """
        unit = _as_int(index)
        if unit is None or not 0 <= unit < self.size:
            given = repr(index) if unit is None else unit
            raise IndexError(f"{self.name} has units 0 to {self.size - 1} along each axis, got {given}")
        first = self.start + unit * self.jump
        return range(max(first, 0), min(first + self.receptive_field, self.image_size))


def trace(layers: Iterable[Layer], size: int = 28, channels: int = 1) -> list[Stage]:
    """Follow one image through a stack of layers.

    The receptive field grows by ``d(k - 1)`` times the jump before the layer, then the jump is multiplied by the
    stride, so a stride affects only the layers after it (Araujo et al. 2019, single-path networks).

    Args:
        layers: the layers in order.
        size: height and width of the image.
        channels: channels of the image.

    Returns:
        One stage for each layer.

    Raises:
        ValueError: a layer does not fit (the message names it), or the size or the number of channels is not a whole
            number from 1 up.
    """
    size, channels = whole_number("size", size, 1), whole_number("channels", channels, 1)
    image_size, receptive_field, jump, start = size, 1, 1, 0
    stages = []
    for number, layer in enumerate(layers, start=1):
        geometry = (size, layer.kernel, layer.stride, layer.padding, layer.dilation)
        try:
            size = output_size(*geometry)
        except ValueError as error:
            raise ValueError(f"layer {number} ({layer.label}): {error}") from error

        padded_before, _ = pad_width(*geometry)
        start -= padded_before * jump
        receptive_field += layer.dilation * (layer.kernel - 1) * jump
        jump *= layer.stride

        filters = layer.channels or 0  # a pooling layer has none
        weights = layer.kernel**2 * channels * filters
        biases = filters if layer.bias else 0
        channels = layer.channels or channels
        scales_and_shifts = 2 * channels if layer.batch_norm else 0
        running_statistics = scales_and_shifts  # a mean and a variance for each channel as well

        trainable = weights + biases + scales_and_shifts
        stages.append(
            Stage(
                name=layer.label,
                kernel=layer.kernel,
                size=size,
                channels=channels,
                parameters=trainable + running_statistics,
                trainable=trainable,
                macs=weights * size**2,
                receptive_field=receptive_field,
                jump=jump,
                start=start,
                image_size=image_size,
            )
        )
    return stages


_POOLS = {"MaxPooling2D": "max", "AveragePooling2D": "average"}
_NO_ARITHMETIC = {
    "InputLayer",
    "Activation",
    "ReLU",
    "LeakyReLU",
    "ELU",
    "Softmax",
    "Dropout",
    "SpatialDropout2D",
    "Flatten",
    "RandomTranslation",  # in training only
    "RandomRotation",
}


def from_keras(model: keras.Model) -> list[Layer]:
    """Read the layers of a built Keras model, each batch normalisation folded into the layer it follows.

    Activations, dropout, flattening, softmax and random shifts and rotations change none of these numbers and are left
    out.

    Args:
        model: a ``keras.Sequential``, or a functional model that is a single chain of layers.

    Raises:
        ValueError: the model branches, or it has a layer other than square ``Conv2D``, ``MaxPooling2D`` or
            ``AveragePooling2D`` layers, or ``GlobalAveragePooling2D`` over maps of known size, all with channels last;
            the message names the layer.
    """
    _require_chain(model)
    layers: list[Layer] = []
    channels = model.input_shape[-1]
    for layer in model.layers:
        kind = type(layer).__name__
        if kind == "Conv2D":
            layers.append(_read_conv(layer))
            channels = layer.filters
        elif kind in _POOLS:
            layers.append(_read_pool(layer, _POOLS[kind]))
        elif kind == "GlobalAveragePooling2D":
            layers.append(_read_global_pool(layer))
        elif kind == "BatchNormalization":
            # The count also reveals a normalisation over another axis, or without scale or shift.
            if not layers or layers[-1].batch_norm or layer.count_params() != 4 * channels:
                raise ValueError(
                    f"layer '{layer.name}' must follow a convolution or a pool and have "
                    f"a scale, a shift, a mean and a variance for each of its {channels} channels"
                )
            layers[-1] = replace(layers[-1], batch_norm=True)
        elif kind not in _NO_ARITHMETIC:
            raise ValueError(f"layer '{layer.name}' is a {kind}: only stacks of convolutions and pools can be read")
    if len(set(model.input_shape[1:-1])) > 1:
        raise ValueError(f"model '{model.name}' takes images of shape {model.input_shape[1:]}: they must be square")
    return layers


def _require_chain(model: keras.Model) -> None:
    """Reject a model that is not built, or whose layers do not form a single chain."""
    kind = type(model).__name__
    if kind not in ("Sequential", "Functional") or not model.built:
        raise ValueError(f"model '{model.name}' must be a Sequential or functional model that starts with an Input")
    if kind == "Sequential":
        return
    for before, after in pairwise(model.layers):
        if after.input is not before.output:
            raise ValueError(f"layer '{after.name}' does not follow '{before.name}' alone: the model must be one chain")
    if len(model.outputs) != 1 or model.outputs[0] is not model.layers[-1].output:
        raise ValueError(f"model '{model.name}' must end with its last layer, '{model.layers[-1].name}', alone")


def _read_conv(layer: Any) -> Layer:
    if layer.groups != 1:
        raise ValueError(f"layer '{layer.name}' has {layer.groups} groups: only one can be read")
    return Layer(
        kernel=_square(layer, "kernel_size"),
        channels=layer.filters,
        stride=_square(layer, "strides"),
        padding=layer.padding,
        dilation=_square(layer, "dilation_rate"),
        bias=layer.use_bias,
    )


def _read_pool(layer: Any, kind: str) -> Layer:
    pool = Layer(kernel=_square(layer, "pool_size"), stride=_square(layer, "strides"), padding=layer.padding)
    return replace(pool, name=f"{kind}-{pool.label}")


def _read_global_pool(layer: Any) -> Layer:
    rows, columns = layer.input.shape[1:-1]
    if layer.data_format != "channels_last" or rows != columns:
        raise ValueError(f"layer '{layer.name}' must average square maps with channels last, got {layer.input.shape}")
    if rows is None:
        raise ValueError(
            f"layer '{layer.name}' averages whole maps whose size is unknown, {layer.input.shape}: "
            "give the model's Input a height and a width instead of None"
        )
    return Layer(kernel=rows, stride=rows, name=f"average-pool {rows}")


def _square(layer: Any, attribute: str) -> int:
    """Return an attribute that Keras stores for both axes as one number."""
    if layer.data_format != "channels_last":
        raise ValueError(f"layer '{layer.name}' has its channels first: build it with data_format='channels_last'")
    rows, columns = getattr(layer, attribute)
    if rows != columns:
        raise ValueError(f"layer '{layer.name}' has {attribute} {(rows, columns)}: both numbers must be the same")
    return rows
