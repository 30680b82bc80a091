"""What every interactive figure is: traits that Python and the page share, a module, and a picture."""

import io
import sys
from typing import Any

import anywidget
import traitlets
from matplotlib import style
from matplotlib.colors import Colormap
from matplotlib.figure import Figure
from numpy.typing import NDArray

from convbook import tokens
from convbook.figures.style import STYLE, WIDTH, settled, show, signed_most
from convbook.widgets.bundle import FOLDER, bundle
from convbook.widgets.traits import Array


class InteractiveFigure(anywidget.AnyWidget):
    """A figure to touch: traits that Python and the page share, and the ES module of its own name beside its own.

    Attributes:
        limits: for the page, the least and greatest value of each trait that has them, and the step between two. A
            trait has the step of its tag ``step``, or 1. Its tag ``slider`` (least, greatest, step) is for a trait
            that takes more values in Python than on the page.
    """

    _css = tokens.css() + (FOLDER / "widgets.css").read_text(encoding="utf-8")
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
