"""``python -m convbook.figures`` draws the picture of the README and the landing page anew."""

from matplotlib import style

from convbook import mnist
from convbook.arithmetic import from_keras, trace
from convbook.features import feature_maps
from convbook.figures.overview import overview
from convbook.figures.style import STYLE
from convbook.network import load_trained


def main() -> None:
    """Draw the picture of the README and the landing page anew, from the shipped weights and the first test digit."""
    network = load_trained()
    digits = mnist.load()
    table = trace(from_keras(network))
    shown = {"conv1": table[0], "conv2": table[1], "pool4": table[3], "conv6": table[5], "conv8": table[7]}
    maps = feature_maps(network, mnist.to_input(digits.test_images[:1]))
    style.use(STYLE)
    figure = overview(
        digits.test_images[0], [maps[layer][0] for layer in shown], list(shown.values()), maps["probabilities"][0]
    )
    figure.savefig("chapters/images/overview.svg", metadata={"Date": None, "Creator": None})


if __name__ == "__main__":
    main()
