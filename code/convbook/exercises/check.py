"""The checks of all exercises; the chapters import this module and call ``check.NAME``."""

from convbook.exercises.activations import collapse, count_dead, is_elementwise, leaky_relu_derivative, sigmoid_slope
from convbook.exercises.convolution import conv2d, corr2d_by_hand, kernel_gradient, predict_shifted, sizes
from convbook.exercises.epochs import epoch_seconds, notes_schedule, softmax_gradient, steps, training_loop, warm_up
from convbook.exercises.feature_maps import (
    fold,
    parameters,
    pooled_shift,
    shared_scale,
    two_channel_map,
)
from convbook.exercises.inside import unit_sees
from convbook.exercises.kernels import kernels_by_hand, learned_kernel, separable
from convbook.exercises.one_by_one import break_even, commutes, network_macs, pointwise
from convbook.exercises.receptive_fields import class_page_mistake, field_std, receptive_fields, seen_rows
from convbook.exercises.scores import mcnemar, standard_error
from convbook.exercises.second_block import flattery, mean_interval, seeds_needed
from convbook.exercises.smaller import average_span, compact_parameters, frontier, smoothing_floor
from convbook.exercises.three_by_three import (
    compose,
    layers_until_gone,
    not_composable,
    relu_between,
    stack_parameters,
    widest_middle,
)
from convbook.exercises.training import budget, ceilings
