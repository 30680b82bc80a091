"""The network of the notes, to be trained on the reader's own device."""

from functools import cache
from typing import Any

import ipywidgets
import numpy as np
import traitlets
from anywidget import WidgetTrait
from ipywidgets import widget_serialization
from matplotlib.figure import Figure
from numpy.typing import NDArray

from convbook import mnist, results
from convbook.ceiling import training_accuracy_ceiling
from convbook.figures.style import FIRST, SECOND, WIDTH
from convbook.inference import load, record
from convbook.schedules import SCHEDULES
from convbook.widgets.bundle import FOLDER, bundle
from convbook.widgets.figure import InteractiveFigure
from convbook.widgets.network_strip import NetworkStrip
from convbook.widgets.schedule_traits import defaults, schedule_choices
from convbook.widgets.traits import Array
from convbook.widgets.zipped_digits import zipped

TRAINING, VALIDATION = 6_000, 1_000  # digits of the sample
HARD = 12  # digits that are watched
LAYERS = record("scheduled_cnn")["layers"]
LOGIT_DROPOUT = next(layer["rate"] for layer in reversed(LAYERS) if layer["kind"] == "Dropout")
WORKER = "learner_worker"  # the module of the thread that trains
STUDY = "trainer"  # ten runs with Keras and the first settings, by `python -m studies trainer`


class TrainingData(ipywidgets.Widget):
    """What a figure loads when the reader presses Train: the digits, and what trains a network with them.

    Attributes:
        digits: as ``zipped_digits.zipped`` packs them.
        training: how many of them are to train with; the others are for validation.
        worker: the module of the thread that trains, as UTF-8.
        kernel: its WebAssembly module.
    """

    digits = Array((None,), "uint8", largest=2_000_000)
    training = traitlets.Int().tag(sync=True)
    worker = Array((None,), "uint8", largest=200_000)
    kernel = Array((None,), "uint8", largest=200_000)


@cache
def sample() -> mnist.Split:
    """Return the digits of the figure: those of the study, drawn at random from MNIST's training set."""
    parts = mnist.split(mnist.load(), VALIDATION)
    return parts._replace(train_images=parts.train_images[:TRAINING], train_labels=parts.train_labels[:TRAINING])


@cache
def packed_sample() -> NDArray[np.uint8]:
    """Pack the digits of the figure."""
    return zipped(sample())


@cache
def _runs() -> dict[str, Any]:
    """Read what the runs with Keras reached after every epoch: the lowest and the highest of them."""
    by_epoch = results.table(STUDY).groupby("epoch")
    names = {"accuracy": "training", "val_accuracy": "validation"}
    ends = {short: by_epoch[name].agg(["min", "max"]).round(5) for name, short in names.items()}
    bands = {short: {end: table[end].tolist() for end in table} for short, table in ends.items()}
    return bands | {"runs": len(results.record(STUDY)["seeds"])}


@cache
def _hard() -> list[int]:
    """Return which validation digits the networks of the study misread most often."""
    with np.load(results.FOLDER / f"{STUDY}.predictions.npz") as saved:
        guesses = np.stack([*saved.values()])
    errors = (guesses != sample().validation_labels).sum(axis=0)
    return np.argsort(-errors, kind="stable")[:HARD].tolist()


class Trainer(InteractiveFigure):
    """Train the scheduled CNN in the page, watch it learn, and then draw for it.

    Attributes:
        epochs: length of the run.
        digits: how many of the sample's digits it trains with.
        batch_size: digits of a step.
        schedule: name of a function in ``convbook.schedules``.
        rate: its first learning rate, or its highest.
        logit_dropout: whether dropout acts on the logits, as in the notes.
        second_block: filters of the second convolution; the notes use 16.
        seed: determines the first weights, the order of the digits and the dropout.
        digit: which of the hard digits is watched, counted from 0.
        shown: names of the layers whose feature maps are shown.
        weights: of the reader's network once it is trained, in the order of the layers, as ``NetworkFigure`` has them.
        history: its epochs, as ``convbook.history`` names their numbers.
        data: what is loaded to train.
        strip: the figure that shows the trained network.
    """

    _css = NetworkStrip._css + (FOLDER / "trainer.css").read_text(encoding="utf-8")
    epochs = traitlets.Int(10, min=1, max=20).tag(sync=True)
    digits = traitlets.Enum((500, 1_000, 2_000, 4_000, TRAINING), TRAINING).tag(sync=True)
    batch_size = traitlets.Enum((16, 32, 64, 128, 256), 128).tag(sync=True)
    schedule = traitlets.Enum([*SCHEDULES], "inverse_time").tag(sync=True)
    rate = traitlets.Enum((0.0001, 0.0003, 0.001, 0.003, 0.006, 0.01, 0.03, 0.1, 0.3, 1, 10, 100), 0.003).tag(sync=True)
    logit_dropout = traitlets.Bool(True).tag(sync=True)
    second_block = traitlets.Enum((8, 16, 32), 16).tag(sync=True)
    seed = traitlets.Int(0, min=0, max=999_999).tag(sync=True)
    digit = traitlets.Int(0, min=0, max=HARD - 1).tag(sync=True)
    shown = traitlets.List(["conv1", "conv2", "pool4", "conv5", "conv8"]).tag(sync=True)
    weights = Array((None,))
    history = traitlets.List(traitlets.Dict()).tag(sync=True)
    layers = traitlets.List(traitlets.Dict()).tag(sync=True)
    hard = Array((HARD, 28, 28), "uint8")
    labels = traitlets.List(traitlets.Int()).tag(sync=True)
    choices = traitlets.Dict().tag(sync=True)
    schedules = schedule_choices()
    keras = traitlets.Dict().tag(sync=True)
    ceiling = traitlets.Float(training_accuracy_ceiling(LOGIT_DROPOUT)).tag(sync=True)
    data = traitlets.Instance(ipywidgets.Widget).tag(sync=True, **widget_serialization)
    strip = WidgetTrait().tag(sync=True)

    def __init__(self, **traits: Any) -> None:
        """Start with the settings of the notes, on fewer digits; the arguments are first values of the attributes."""
        traits.setdefault("rate", defaults(traits.get("schedule", "inverse_time"))["initial"])
        hard = _hard()
        strip = NetworkStrip(network=load())
        strip.weights = np.zeros(1, np.float32)  # until the page puts in those of the reader's network
        super().__init__(
            **{
                "layers": LAYERS,
                "hard": sample().validation_images[hard],
                "labels": sample().validation_labels[hard].tolist(),
                "choices": {
                    name: list(self.traits()[name].values) for name in ("digits", "batch_size", "rate", "second_block")
                },
                "keras": _runs(),
                "data": TrainingData(
                    digits=packed_sample(),
                    training=TRAINING,
                    worker=np.frombuffer(bundle(WORKER).encode(), np.uint8),
                    kernel=np.frombuffer((FOLDER / "shared" / "learner.wasm").read_bytes(), np.uint8),
                ),
                "strip": strip,
                **traits,
            }
        )

    def picture(self) -> Figure:
        """Draw what the runs with Keras reached, which is what the reader's own run is compared with."""
        figure = Figure(figsize=(WIDTH, 2.8))
        ax = figure.subplots()
        for name, color in (("training", FIRST), ("validation", SECOND)):
            low, high = (100 * np.array(self.keras[name][end]) for end in ("min", "max"))
            epochs = range(1, len(low) + 1)
            ax.fill_between(
                epochs, low, high, color=color, alpha=0.45, lw=0, label=f"{name}, {self.keras['runs']} runs"
            )
        ax.axhline(100 * self.ceiling, color=FIRST, linestyle=":", label="ceiling of the training accuracy")
        ax.set(xlabel="epoch", ylabel="accuracy, %", ylim=(50, 100), xticks=epochs)
        ax.legend(loc="lower right")
        return figure
