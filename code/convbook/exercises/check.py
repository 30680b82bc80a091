"""All checks under one name for the chapters."""

from convbook.exercises.inside import unit_sees
from convbook.exercises.receptive_fields import class_page_mistake, field_std, receptive_fields, seen_rows
from convbook.exercises.training import budget, ceilings
