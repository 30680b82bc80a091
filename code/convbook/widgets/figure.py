"""What every interactive figure is: traits that Python and the page share, a module, and a picture."""

import io
import math
import sys
from typing import Any, ClassVar

import anywidget
import traitlets
from matplotlib import style
from matplotlib.colors import Colormap
from matplotlib.figure import Figure
from numpy.typing import NDArray

from convbook import tokens
from convbook.figures.style import STYLE, WIDTH, settled, show, signed_most
from convbook.kernels import KERNELS
from convbook.widgets.bundle import FOLDER, bundle
from convbook.widgets.traits import Array

SMALL = 25  # numbers of an array that an address can set
MOST = 1000  # of a number of an array, on either side of 0; also in shared/elements.js


class InteractiveFigure(anywidget.AnyWidget):
    """A figure to touch: traits that Python and the page share, and the ES module of its own name beside its own.

    Attributes:
        limits: for the page, the least and greatest value of each trait that has them, and the step between two. A
            trait has the step of its tag ``step``, or 1. Its tag ``slider`` (least, greatest, step) is for a trait
            that takes more values in Python than on the page.
        keeps_address: whether it writes what it shows into the address of the page by itself, after "#".
    """

    keeps_address: ClassVar[bool] = False
    _css = tokens.css() + (FOLDER / "widgets.css").read_text(encoding="utf-8")
    limits = traitlets.Dict().tag(sync=True)

    @traitlets.default("limits")
    def _limits(self) -> dict[str, dict[str, float]]:
        found = {}
        for name, trait in self.traits(sync=True).items():
            low, high = _ends(trait)
            if isinstance(trait, Array) and trait.square:
                low, high = 1, trait.largest
            if low is not None and high is not None:
                step = trait.metadata.get("slider", (trait.metadata.get("step", 1),))[-1]
                found[name] = {"min": low, "max": high, "step": step}
        return found

    @classmethod
    def settings(cls, state: dict[str, Any]) -> dict[str, dict[str, Any]]:
        """Say what the address of the figure's own page may set, and to what; ``shared/address.js`` reads it.

        These are the traits with a limit at both ends, with a list of values, true or false, and small arrays. A figure
        whose other traits can be set overrides this.

        Args:
            state: of the figure, as a page has it.
        """
        own = {name: trait for name, trait in cls.class_traits(sync=True).items() if _is_public(trait)}
        return {name: found for name, trait in own.items() if (found := _setting(trait, state))}

    def __init_subclass__(cls, **kwargs: Any) -> None:
        """Take the module that is called as the class's own: ``kernel_lab.js`` beside ``kernel_lab.py``."""
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
        if sys.platform == "emscripten":  # in a page, which shows the figure itself at once
            return data, metadata
        return data | {"image/svg+xml": svg(self)}, metadata


def index(count: int, first: int = 0) -> dict[str, Any]:
    """Describe for ``InteractiveFigure.settings`` the number of one of several things."""
    return {"min": first, "max": first + count - 1, "whole": True}


def _ends(trait: traitlets.TraitType) -> tuple[float | None, float | None]:
    """Return the least and the greatest value of a trait on the page, each None where there is none."""
    ends = (getattr(trait, end, None) for end in ("min", "max"))
    low, high = (None if end is None or math.isinf(end) else end for end in ends)
    return trait.metadata.get("slider", (low, high))[:2]


def _is_public(trait: traitlets.TraitType) -> bool:
    """Say whether a trait belongs to one of the figures, and not to what all of them have."""
    owner = trait.this_class
    return owner is not None and owner is not InteractiveFigure and issubclass(owner, InteractiveFigure)


def _setting(trait: traitlets.TraitType, state: dict[str, Any]) -> dict[str, Any] | None:
    """Describe one trait for ``settings``; None if no address sets it."""
    low, high = _ends(trait)
    if isinstance(trait, traitlets.Bool):
        return {"flag": True}
    if isinstance(trait, traitlets.Enum):
        return {"values": list(trait.values or ())}
    if isinstance(trait, Array):
        fixed = [side for side in trait.shape if side is not None]
        shapes = [[side, side] for side in range(1, trait.largest + 1)] if trait.square else [fixed]
        if (len(fixed) < len(trait.shape) and not trait.square) or max(map(math.prod, shapes)) > SMALL:
            return None
        each = {"min": -MOST if low is None else low, "max": MOST if high is None else high}
        named = {"named": "presets", "names": [*KERNELS]} if "presets" in state and trait.square else {}
        return {"each": each, "shapes": shapes} | named
    if low is None or high is None:
        return None
    return {"min": low, "max": high} | ({"whole": True} if isinstance(trait, traitlets.Int) else {})


def svg(figure: InteractiveFigure) -> str:
    """Draw an interactive figure's picture as SVG, in the style of the book."""
    file = io.StringIO()
    with style.context(STYLE):
        figure.picture().savefig(file, format="svg", metadata={"Date": None})
    return file.getvalue()


def panels(*images: tuple[str, NDArray, Colormap]) -> Figure:
    """Draw images in a row, each with its title; a signed one around 0.

    Args:
        images: title, image (h, w), colour scale.
    """
    figure = Figure(figsize=(WIDTH, WIDTH / len(images) + 0.5))
    for ax, (title, image, scale) in zip(figure.subplots(1, len(images), squeeze=False)[0], images, strict=True):
        show(ax, image, scale, signed_most(image))
        ax.set_title(title, loc="center")
        ax.set_axis_off()
    return settled(figure)
