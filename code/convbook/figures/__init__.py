"""The matplotlib figures of the chapters: every function takes plain arrays and returns a Figure."""

from convbook.figures.activations import activated_maps, dead_units, functions_and_slopes, gradient_norms
from convbook.figures.convolution import geometry, moved, window
from convbook.figures.epochs import schedule_lines, schedule_runs, steps_and_epochs
from convbook.figures.feature_maps import ablation, before_after, map_stacks, scales
from convbook.figures.inside import evidence, field, kernel_grid, leans, patches, probes, stages
from convbook.figures.kernels import kernel_responses, learning, profile, relatives
from convbook.figures.one_by_one import break_even, mixing, side_by_side
from convbook.figures.overview import overview
from convbook.figures.receptive_fields import cone, effective_fields, sees_and_uses, spread
from convbook.figures.second_block import accuracy_by_parameters, dropout_runs, savings
from convbook.figures.smaller import frontier, race, steps, variations
from convbook.figures.style import digits, use_book_style
from convbook.figures.three_by_three import border, left_over, paths
from convbook.figures.training import (
    accuracy_by_dropout,
    confusion,
    curves,
    last_and_best,
    learning_rates,
    mistakes,
)
