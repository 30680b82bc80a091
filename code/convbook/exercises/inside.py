"""The check of chapter 10, which looks inside the trained network."""

from convbook.arithmetic import Layer, trace
from convbook.exercises.verdict import check, expect

# The kernels of the network up to layer 8; what a unit sees does not depend on the channels.
LAYERS = [Layer(3, 16), Layer(3, 16), Layer(1, 10), Layer(2, stride=2), *[Layer(3, 16)] * 4]


@check
def unit_sees(rows: range, columns: range) -> str:
    """Check which rows and columns of the image unit (1, 3) of layer 8 sees."""
    row = trace(LAYERS)[-1]
    for given, index, name in ((rows, 1, "rows"), (columns, 3, "columns")):
        right = row.sees(index)
        swapped = row.sees({1: 3, 3: 1}[index])
        expect(
            (given.start, given.stop) if isinstance(given, range) else given,
            (right.start, right.stop),
            f"the {name}",
            mistakes={
                "unit (1, 3) is in row 1 and column 3": (swapped.start, swapped.stop),
                "the jump is missing: neighbouring units see regions two pixels apart": (index, index + 22),
                "a range ends before its last number, so it needs one more": (right.start, right.stop - 1),
            },
            reveal=False,
        )
    return "22 rows and 22 columns, from twice the unit's row and column on"
