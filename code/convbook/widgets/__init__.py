"""Interactive figures: one Python class and one ES module each, on a page without a kernel as in a notebook."""

from convbook.widgets.activation_playground import ActivationPlayground
from convbook.widgets.channel_mixer import ChannelMixer
from convbook.widgets.convolution_stepper import ConvolutionStepper
from convbook.widgets.frontier import Frontier
from convbook.widgets.kernel_lab import KernelLab
from convbook.widgets.network_strip import NetworkStrip
from convbook.widgets.seed_intervals import SeedIntervals
from convbook.widgets.softmax_training import SoftmaxTraining
from convbook.widgets.stack_editor import StackEditor
from convbook.widgets.trainer import Trainer
from convbook.widgets.training_replay import TrainingReplay
from convbook.widgets.two_or_one import TwoOrOne

__all__ = [
    "ActivationPlayground",
    "ChannelMixer",
    "ConvolutionStepper",
    "Frontier",
    "KernelLab",
    "NetworkStrip",
    "SeedIntervals",
    "SoftmaxTraining",
    "StackEditor",
    "Trainer",
    "TrainingReplay",
    "TwoOrOne",
]
