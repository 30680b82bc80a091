"""The matplotlib figures of the chapters: every function takes plain arrays and returns a Figure."""

from convbook.figures.inside import evidence, field, kernel_grid, lines, patches, stages
from convbook.figures.overview import overview
from convbook.figures.receptive_fields import cone, effective_fields, sees_and_uses, spread
from convbook.figures.style import digits, use_book_style
from convbook.figures.training import (
    LiveCurve,
    accuracy_by_dropout,
    confusion,
    curves,
    learning_rates,
    mistakes,
)
