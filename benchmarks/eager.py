"""A network of the course in plain PyTorch, trained by a plain loop without compilation: the yardstick of benchmarks.

The network is translated from the Keras one, so it has the same layers and starts with the same weights; optimizer,
schedule and batch size are those of the recipe. Run with ``KERAS_BACKEND=torch``, so that Keras loads no other library.
"""

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn
from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn

from convbook.backend import keras
from convbook.recipes import Recipe

Part = tuple[NDArray, NDArray]


class Shift(nn.Module):
    """Shifts images by up to ``largest`` pixels along both axes, in training only, like Keras's RandomTranslation."""

    def __init__(self, largest: float) -> None:
        """Set the largest shift, in pixels. Shifts are drawn as real numbers and rounded to whole pixels."""
        super().__init__()
        self.largest = largest

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        """Shift images (N, C, height, width); pixels from outside are 0."""
        if not self.training:
            return images
        count, _, height, width = images.shape
        margin = round(self.largest)
        wide = nn.functional.pad(images, [margin] * 4)
        shifts = (
            torch.empty(2, count, 1, device=images.device).uniform_(-self.largest, self.largest).round().long() + margin
        )
        rows = shifts[0] + torch.arange(height, device=images.device)
        columns = shifts[1] + torch.arange(width, device=images.device)
        chosen = torch.arange(count, device=images.device)[:, None, None]
        return wide[chosen, :, rows[:, :, None], columns[:, None, :]].permute(0, 3, 1, 2)


def translated(network: keras.Sequential) -> nn.Sequential:
    """Translate a network, weights included: images (N, 1, 28, 28) to logits (N, 10), with the softmax left out.

    Raises:
        ValueError: if it has a layer that no network of the course has.
    """
    return nn.Sequential(*(module for layer in network.layers for module in _modules(layer)))


def _modules(layer: keras.Layer) -> list[nn.Module]:
    layers = keras.layers
    weights = [torch.from_numpy(np.array(array)) for array in layer.get_weights()]
    match layer:
        case layers.Conv2D():
            conv = nn.Conv2d(layer.input.shape[-1], layer.filters, layer.kernel_size, bias=layer.use_bias)
            conv.weight.data = weights[0].permute(3, 2, 0, 1).contiguous()
            if layer.use_bias:
                conv.bias.data = weights[1]
            return [conv, nn.ReLU()] if layer.activation is keras.activations.relu else [conv]
        case layers.BatchNormalization():
            norm = nn.BatchNorm2d(layer.input.shape[-1], eps=layer.epsilon, momentum=1 - layer.momentum)
            norm.weight.data, norm.bias.data, norm.running_mean, norm.running_var = weights
            return [norm]
        case layers.Dropout():
            return [nn.Dropout(layer.rate)]
        case layers.ReLU():
            return [nn.ReLU()]
        case layers.MaxPooling2D():
            return [nn.MaxPool2d(layer.pool_size)]
        case layers.GlobalAveragePooling2D():
            return [nn.AdaptiveAvgPool2d(1), nn.Flatten()]
        case layers.Flatten():
            return [nn.Flatten()]
        case layers.RandomTranslation():
            return [Shift(layer.height_factor * layer.input.shape[1])]
        case layers.Softmax():
            return []  # nn.CrossEntropyLoss takes logits
    raise ValueError(f"no translation for the layer {layer.name}, a {type(layer).__name__}")


class EagerRun:
    """One training run of a recipe."""

    def __init__(
        self, recipe: Recipe, training: Part, watched: Part, seed: int = 0, channels_last: bool = False
    ) -> None:
        """Build the network and move everything to the GPU, if there is one.

        Args:
            recipe: its loss has to be the cross-entropy, as in all recipes of the course.
            training: images, float32 (N, 28, 28, 1) in [0, 1], and labels (N,).
            watched: the same, for the measurement after every epoch.
            seed: of weights, order, dropout and shifts.
            channels_last: whether tensors lie in memory with their channels last.
        """
        keras.utils.set_random_seed(seed)
        self.recipe = recipe
        self._device = "cuda" if torch.cuda.is_available() else "cpu"
        self._layout = torch.channels_last if channels_last else torch.contiguous_format
        self.network = translated(recipe.build()).to(self._device, memory_format=self._layout)
        self._training, self._watched = self._tensors(training), self._tensors(watched)
        self._loss = nn.CrossEntropyLoss()
        settings = recipe.optimizer().get_config()
        self._optimizer = torch.optim.AdamW(  # without weight decay this is Adam
            self.network.parameters(),
            betas=(settings["beta_1"], settings["beta_2"]),
            eps=settings["epsilon"],
            weight_decay=settings["weight_decay"] or 0,
        )
        self._average = None
        if settings["use_ema"]:
            self._average = AveragedModel(self.network, multi_avg_fn=get_ema_multi_avg_fn(settings["ema_momentum"]))

    def epoch(self, number: int) -> float:
        """Train the 0-based epoch; return the accuracy after it, in the last epoch with the averaged weights."""
        images, labels = self._training
        self.network.train()
        for step, chosen in enumerate(torch.randperm(len(labels), device=self._device).split(self.recipe.batch_size)):
            done = step * self.recipe.batch_size / len(labels) if self.recipe.every_step else 0
            self._optimizer.param_groups[0]["lr"] = self.recipe.schedule(number + done)
            self._optimizer.zero_grad()
            self._loss(self.network(images[chosen]), labels[chosen]).backward()
            self._optimizer.step()
            if self._average:
                self._average.update_parameters(self.network)
        if self._average and number + 1 == self.recipe.epochs:
            for weights, average in zip(self.network.parameters(), self._average.module.parameters(), strict=True):
                weights.data.copy_(average.data)
        return self.accuracy()

    @torch.no_grad()
    def accuracy(self, shift: int = 0) -> float:
        """Measure the accuracy on the watched digits, each read at all shifts of up to ``shift`` pixels."""
        images, labels = self._watched
        self.network.eval()
        right = torch.zeros((), dtype=torch.long, device=self._device)
        for part, expected in zip(images.split(500), labels.split(500), strict=True):
            wide = nn.functional.pad(part, [shift] * 4)
            side = part.shape[-1]
            shifts = range(2 * shift + 1)
            logits = sum(self.network(wide[..., y : y + side, x : x + side]) for y in shifts for x in shifts)
            right += (logits.argmax(1) == expected).sum()
        return right.item() / len(labels)

    def _tensors(self, part: Part) -> tuple[torch.Tensor, torch.Tensor]:
        images = torch.from_numpy(part[0]).permute(0, 3, 1, 2).contiguous(memory_format=self._layout)
        return images.to(self._device), torch.from_numpy(part[1].astype(np.int64)).to(self._device)
