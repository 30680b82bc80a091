"""``python -m convbook.figures`` redraws the picture of the README and the landing page."""

from matplotlib import style

from convbook import mnist
from convbook.arithmetic import trace
from convbook.figures.overview import overview
from convbook.figures.style import STYLE
from convbook.inference import forward, load, stack

SHOWN = ("conv1", "conv2", "pool4", "conv6", "conv8")


def main() -> None:
    """Redraw the picture of the README and the landing page, with the shipped weights and the first test digit."""
    image = mnist.load().test_images[0]
    outputs = forward(load(), mnist.to_input(image[None])[0])
    stages = {stage.name: stage for stage in trace(stack())}
    style.use(STYLE)
    figure = overview(
        image, [outputs[name] for name in SHOWN], [stages[name] for name in SHOWN], outputs["probabilities"]
    )
    figure.savefig("chapters/images/overview.svg", metadata={"Date": None, "Creator": None})


if __name__ == "__main__":
    main()
