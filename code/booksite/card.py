"""The card of the course: a digit on its way through the network, under the name of the course."""

from matplotlib.figure import Figure

from convbook import inference, mnist
from convbook.figures.style import DIGIT
from convbook.tokens import color

LAYERS = "conv1", "conv2", "pool4", "conv6", "conv8"


def card() -> Figure:
    """Draw 1200 × 630 pixels, as those who show such cards recommend."""
    digits = mnist.load()
    image = mnist.to_input(digits.train_images[digits.train_labels == 7][:1])[0]
    outputs = inference.forward(inference.load(), image)
    pictures = [image[:, :, 0]]
    for name in LAYERS:
        maps = outputs[name]
        pictures.append(maps[:, :, maps.std(axis=(0, 1)).argmax()])
    ink, paper = color("ink"), color("paper")
    figure = Figure(figsize=(12, 6.3), dpi=100, facecolor=paper)
    figure.text(0.06, 0.78, "Seeing Convolutions", color=ink, fontsize=50, fontfamily="serif", va="center")
    words = "Take a small neural network apart until you know how it reads a digit."
    figure.text(0.06, 0.64, words, color=color("quiet"), fontsize=17, va="center")
    left = 0.06
    for picture in pictures:  # each in its own scale, and as large as its share of the digit
        width = 0.21 * len(picture) / len(pictures[0])
        height = width * 12 / 6.3
        axes = figure.add_axes((left, 0.31 - height / 2, width, height))
        axes.imshow(picture, cmap=DIGIT, interpolation="nearest")
        axes.set(xticks=[], yticks=[])
        for spine in axes.spines.values():
            spine.set_color(color("line"))
        left += width + 0.022
    return figure
