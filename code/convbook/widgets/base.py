"""What all interactive figures share: arrays as traits, modules in one piece, a picture where nothing can move."""

import io
import re
from functools import cache
from importlib.resources import files
from typing import Any

import anywidget
import numpy as np
import traitlets
from matplotlib import style
from matplotlib.figure import Figure
from numpy.typing import NDArray

from convbook import mnist
from convbook.figures.style import DIGIT, STYLE, WIDTH
from convbook.inference import Network, load, scale_and_shift
from convbook.kernels import KERNELS

FOLDER = files("convbook") / "widgets"
_IMPORT = re.compile(r'^import (\{[^}]*\}) from "\./(\w+)\.js";$', re.MULTILINE)
_EXPORT = re.compile(r"^export (?=(?:async )?(?:function|const) (\w+))", re.MULTILINE)


def bundle(name: str) -> str:
    """Join a module of this folder and the modules that it imports into one text.

    The front ends of anywidget load a text that has no files beside it. Each imported module becomes a function's
    result, so that names inside one do not meet those of another.
    """
    parts: dict[str, str] = {}

    def add(module: str) -> None:
        text = (FOLDER / f"{module}.js").read_text(encoding="utf-8")
        for _, needed in _IMPORT.findall(text):
            if needed not in parts:
                add(needed)
        text = _IMPORT.sub(r"const \1 = \2_module;", text)
        bare = _EXPORT.sub("", text)
        exported = ", ".join(_EXPORT.findall(text))
        wrapped = f"const {module}_module = (() => {{\n{bare}\nreturn {{ {exported} }};\n}})();\n"
        parts[module] = bare if module == name else wrapped

    add(name)
    return "".join(parts.values())


class Array(traitlets.TraitType):
    """An array that Python and the page share. What is read is read-only: to change it, set a new one.

    Args:
        shape: its axes; None stands for any length.
        dtype: what its numbers are kept as: float32 or uint8.
        square: whether the two axes must be of one length, at most ``largest``.
        largest: the greatest length of an axis.
    """

    def __init__(
        self, shape: tuple[int | None, ...], dtype: str = "float32", square: bool = False, largest: int = 60_000
    ) -> None:
        self.shape, self.dtype, self.square, self.largest = shape, dtype, square, largest
        super().__init__(np.zeros([length or 1 for length in shape], dtype))
        self.tag(sync=True, to_json=_to_json, from_json=_from_json)

    def validate(self, owner: Any, value: Any) -> NDArray:
        """Make a read-only array of the value, or say what is wrong with it."""
        try:
            array = np.array(value, self.dtype)
        except (TypeError, ValueError) as error:
            raise traitlets.TraitError(f"{self.name} takes an array of numbers: {error}") from error
        fits = array.ndim == len(self.shape) and all(
            wanted in (None, length) and 1 <= length <= self.largest
            for wanted, length in zip(self.shape, array.shape, strict=True)
        )
        if not fits or (self.square and len(set(array.shape)) > 1):
            wanted = "square, " if self.square else ""
            axes = ", ".join(str(length or f"1 to {self.largest}") for length in self.shape)
            raise traitlets.TraitError(f"{self.name} must be {wanted}of shape ({axes}), got {array.shape}")
        if not np.isfinite(array).all():
            raise traitlets.TraitError(f"{self.name} has values that are not finite numbers")
        array.setflags(write=False)
        return array


def pack(array: NDArray) -> dict[str, Any]:
    """Describe an array to the page: shape, type of number, little-endian bytes."""
    little = array.astype(array.dtype.newbyteorder("<"))
    return {"shape": [*array.shape], "dtype": array.dtype.name, "data": memoryview(little.tobytes())}


def _to_json(array: NDArray, widget: Any) -> dict[str, Any]:
    return pack(array)


def _from_json(packed: dict[str, Any], widget: Any) -> NDArray:
    return np.frombuffer(packed["data"], packed["dtype"]).reshape(packed["shape"])


class InteractiveFigure(anywidget.AnyWidget):
    """A figure to touch: traits that Python and the page share, and the ES module of its own name beside its own.

    Attributes:
        limits: for the page, the least and greatest value of each trait that has them, and the step between two. A
            trait has the step of its tag ``step``, or 1. Its tag ``slider`` (least, greatest, step) is for a trait
            that takes more values in Python than on the page.
    """

    _css = (FOLDER / "widgets.css").read_text(encoding="utf-8")
    limits = traitlets.Dict().tag(sync=True)

    @traitlets.default("limits")
    def _limits(self) -> dict[str, dict[str, float]]:
        found = {}
        for name, trait in self.traits(sync=True).items():
            low, high, step = getattr(trait, "min", None), getattr(trait, "max", None), trait.metadata.get("step", 1)
            if isinstance(trait, Array) and trait.square:
                low, high = 1, trait.largest
            low, high, step = trait.metadata.get("slider", (low, high, step))
            if low is not None and high is not None:
                found[name] = {"min": low, "max": high, "step": step}
        return found

    def __init_subclass__(cls, **kwargs: Any) -> None:
        """Take the module that is called as the class's own: ``live_network.js`` beside ``live_network.py``."""
        module = cls.__module__.rpartition(".")[2]
        # anywidget derives a class of its own from each, with a trait in this place.
        if "_esm" not in cls.__dict__ and (FOLDER / f"{module}.js").is_file():
            cls._esm = bundle(module)
        super().__init_subclass__(**kwargs)

    def picture(self) -> Figure:
        """Draw what there is to see where nothing can move: on paper, without JavaScript."""
        raise NotImplementedError(f"{type(self).__name__} has to say how it looks where nothing can move")

    def _repr_mimebundle_(self, **kwargs: Any) -> tuple[dict[str, Any], dict[str, Any]]:
        data, metadata = super()._repr_mimebundle_(**kwargs) or ({}, {})
        return data | {"image/svg+xml": svg(self)}, metadata


def svg(figure: InteractiveFigure) -> str:
    """Draw an interactive figure's picture as SVG, in the style of the book."""
    file = io.StringIO()
    with style.context(STYLE):
        figure.picture().savefig(file, format="svg", metadata={"Date": None})
    return file.getvalue()


def panels(*images: tuple[str, NDArray, str]) -> Figure:
    """Draw images in a row, each with its title; a signed one around 0.

    Args:
        images: title, image (h, w), colour scale.
    """
    figure = Figure(figsize=(WIDTH, WIDTH / len(images) + 0.5))
    for ax, (title, image, scale) in zip(figure.subplots(1, len(images), squeeze=False)[0], images, strict=True):
        most = float(np.abs(image).max()) or 1.0
        ax.imshow(image, cmap=scale, vmin=0 if scale == DIGIT else -most, vmax=most)
        ax.set_title(title, loc="center", fontsize=9)
        ax.set_axis_off()
    return figure


@cache
def ten_digits() -> tuple[NDArray[np.uint8], list[int]]:
    """Return the first digit of every class in the test set, and the ten classes."""
    data = mnist.load()
    first = [int((data.test_labels == label).argmax()) for label in range(10)]
    return data.test_images[first], [*range(10)]


class DigitFigure(InteractiveFigure):
    """A figure of one digit that the reader chooses or draws.

    Attributes:
        digits: those to choose from, uint8 (N, 28, 28).
        labels: their classes.
        image: the digit in the figure, (28, 28) from 0 to 1. Set it to show one of yours.
    """

    digits = Array((None, 28, 28), "uint8")
    labels = traitlets.List(traitlets.Int()).tag(sync=True)
    image = Array((28, 28))

    def __init__(self, digit: int = 0, **traits: Any) -> None:
        """Start with a digit.

        Args:
            digit: which of the digits, counted from 0. Where there are no others, the digits are the first of
                every class in MNIST's test set.
            traits: first values of the other attributes.
        """
        if "digits" not in traits:
            traits["digits"], traits["labels"] = ten_digits()
        traits.setdefault("image", np.asarray(traits["digits"])[digit] / 255)
        super().__init__(**traits)


def flat(network: Network) -> NDArray[np.float32]:
    """Put all weights into one row as the page takes them, each batch normalisation as its scale and its shift."""
    pieces: list[NDArray] = []
    for layer in network.layers:
        if layer["kind"] == "BatchNormalization":
            pieces += scale_and_shift(network, layer)
        else:
            names = (f"{layer['name']}_kernel", f"{layer['name']}_bias")
            pieces += [network.weights[name] for name in names if name in network.weights]
    return np.concatenate([piece.ravel() for piece in pieces]).astype(np.float32)


class NetworkFigure(DigitFigure):
    """A figure of a trained network that reads the digit.

    Attributes:
        layers: of the network, as in its record.
        weights: all of them, in the order of the layers.
    """

    layers = traitlets.List(traitlets.Dict()).tag(sync=True)
    weights = Array((None,))

    def __init__(self, digit: int = 0, network: Network | None = None, **traits: Any) -> None:
        """Start with a digit and a network.

        Args:
            digit: as in ``DigitFigure``.
            network: what ``inference.load`` returns; that of the notes if None.
            traits: first values of the other attributes.
        """
        self._network = network or load()
        super().__init__(digit, layers=self._network.layers, weights=flat(self._network), **traits)


def presets() -> dict[str, list[list[float]]]:
    """Return the hand-made kernels by name, as lists."""
    return {name: weights.tolist() for name, weights in KERNELS.items()}
