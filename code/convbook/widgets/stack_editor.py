"""A stack of layers to edit."""

from typing import Any

import traitlets
from matplotlib.figure import Figure

from convbook.arithmetic import Layer, Padding, trace
from convbook.figures.style import DIGIT, FIRST, WIDTH, outline, show
from convbook.inference import stack
from convbook.widgets.digit_figure import ten_digits
from convbook.widgets.figure import InteractiveFigure
from convbook.widgets.traits import Array

IMAGE = 28
LOWEST = {"kernel": 1, "stride": 1, "dilation": 1, "padding": 0}
LIMITS = {
    **{name: {"min": lowest, "max": IMAGE} for name, lowest in LOWEST.items()},
    "layers": {"min": 0, "max": 24},
}


def _layer(kind: str, kernel: int, stride: int = 1, dilation: int = 1, padding: Padding = 0) -> dict[str, Any]:
    return {"kind": kind, "kernel": kernel, "stride": stride, "dilation": dilation, "padding": padding}


def _scheduled() -> list[dict[str, Any]]:
    return [
        _layer(
            "conv" if layer.channels else "pool",
            layer.kernel,
            layer.stride,
            layer.dilation,
            0 if layer.padding == "valid" else layer.padding,
        )
        for layer in stack()
    ]


PRESETS = {
    "the network of the notes": _scheduled(),
    "the same, with a common mistake beside it": _scheduled(),
    "five 3 × 3": [_layer("conv", 3)] * 5,
    "a stride in every layer": [_layer("conv", 3, stride=2)] * 3,
    "doubling dilation": [_layer("conv", 3, dilation=d, padding=d) for d in (1, 2, 4, 8)],
}


class StackEditor(InteractiveFigure):
    """Size, jump and field after every layer of a stack, on a digit of 28 × 28 pixels.

    Attributes:
        image: the digit on which the fields are drawn, (28, 28) from 0 to 1.
        layers: a dictionary a layer, with kind ("conv" or "pool"), kernel, stride, dilation and padding.
        mistake: whether to show beside the fields what they are mistaken for: doubled by a pool.
    """

    image = Array((IMAGE, IMAGE))
    layers = traitlets.List(traitlets.Dict()).tag(sync=True)
    mistake = traitlets.Bool(False).tag(sync=True)
    presets = traitlets.Dict(PRESETS).tag(sync=True)
    limits = traitlets.Dict(LIMITS).tag(sync=True)

    def __init__(self, **traits: Any) -> None:
        """Start with five layers of 3 × 3; the network of the notes is a preset."""
        super().__init__(**{"image": ten_digits()[0][3] / 255, "layers": PRESETS["five 3 × 3"], **traits})

    @traitlets.validate("layers")
    def _check(self, proposal: dict[str, Any]) -> list[dict[str, Any]]:
        if len(proposal["value"]) > LIMITS["layers"]["max"]:
            raise traitlets.TraitError(f"a stack has at most {LIMITS['layers']['max']} layers")
        for number, layer in enumerate(proposal["value"], start=1):
            if {*layer} != {"kind", *LOWEST} or layer["kind"] not in ("conv", "pool"):
                raise traitlets.TraitError(
                    f"layer {number} must have a kind, 'conv' or 'pool', and {', '.join(LOWEST)}; got {layer}"
                )
            for name, lowest in LOWEST.items():
                if not (isinstance(layer[name], int) and lowest <= layer[name] <= IMAGE):
                    raise traitlets.TraitError(
                        f"the {name} of layer {number} must be a whole number from {lowest} to {IMAGE}, "
                        f"got {layer[name]!r}"
                    )
        return proposal["value"]

    @classmethod
    def settings(cls, state: dict[str, Any]) -> dict[str, dict[str, Any]]:
        """Add the layers: by the name of a preset, or each as its numbers after its kind, such as conv.3.1.1.0."""
        numbers = {name: LIMITS[name] | {"whole": True} for name in ("kernel", "stride", "dilation", "padding")}
        parts = {"kind": {"values": ["conv", "pool"]}} | numbers
        layers = {"parts": parts, "most": LIMITS["layers"]["max"], "named": "presets"}
        return {"layers": layers} | super().settings(state)

    def picture(self) -> Figure:
        """Draw the fields of units in the middle on the digit, and each as a bar."""
        stages = trace(
            Layer(layer["kernel"], 1, layer["stride"], layer["padding"], layer["dilation"]) for layer in self.layers
        )
        figure = Figure(figsize=(WIDTH, 2.4))
        digit, bars = figure.subplots(1, 2, width_ratios=(1, 1.4))
        show(digit, self.image, DIGIT, 1)
        digit.set_axis_off()
        for stage in stages:
            field = stage.sees(stage.size // 2)
            outline(digit, field, field)
        names = [f"{i} {layer['kind']} {layer['kernel']}" for i, layer in enumerate(self.layers, start=1)]
        bars.barh(names, [stage.receptive_field for stage in stages], color=FIRST)
        bars.invert_yaxis()
        bars.set(xlabel="width of a unit's field in pixels")
        return figure
