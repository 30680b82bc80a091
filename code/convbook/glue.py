"""Numbers for the prose: computed in a cell, shown in a sentence by the book's ``glue`` role."""

from typing import Any

try:
    import myst_nb
except ModuleNotFoundError:  # as on Colab, where nobody builds the book
    myst_nb = None


def glue(**numbers: Any) -> None:
    """Give each number to the book under its name; outside the book, do nothing.

    NumPy scalars become Python numbers, so that a format such as ``.2f`` applies to them.
    """
    if myst_nb is None:
        return
    for name, number in numbers.items():
        myst_nb.glue(name, number.item() if hasattr(number, "item") else number, display=False)
