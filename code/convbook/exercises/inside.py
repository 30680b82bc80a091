"""The check of chapter 10, on the inside of the trained network."""

from collections.abc import Sequence

from convbook.arithmetic import trace
from convbook.exercises.receptive_fields import expect_rows
from convbook.exercises.verdict import gives_verdict
from convbook.inference import stack


@gives_verdict
def unit_sees(rows: Sequence[int], columns: Sequence[int]) -> str:
    """Check which rows and columns of the image unit (1, 3) of conv8 sees."""
    layer = next(stage for stage in trace(stack()) if stage.name == "conv8")
    for given, index, other, name in ((rows, 1, 3, "rows"), (columns, 3, 1, "columns")):
        right = layer.sees(index)
        expect_rows(
            given,
            right,
            f"the {name}",
            mistakes=(
                ("unit (1, 3) is in row 1 and column 3", layer.sees(other)),
                (
                    "the jump is missing: neighbouring units see regions two pixels apart",
                    range(index, index + layer.receptive_field),
                ),
                ("the end of a range is not included, so it must be one larger", right[:-1]),
            ),
        )
    return "22 rows and 22 columns, starting at twice the unit's row and column"
