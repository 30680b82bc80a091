"""The measured tables and the log of the notes.

A clone has them in ``results/``, an installed package has a copy. Next to each table is its record: command, date,
seeds, machine and versions.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import pandas as pd

_INSTALLED = Path(__file__).with_name("results")
FOLDER = _INSTALLED if _INSTALLED.is_dir() else Path(__file__).parents[2] / "results"


def table(name: str) -> pd.DataFrame:
    """Read a table by its name. The table of a study has a row for every epoch of every run.

    Raises:
        FileNotFoundError: if there is no table of this name.
    """
    import pandas as pd  # here, because importing it takes time and few chapters read tables

    return pd.read_csv(FOLDER / f"{name}.csv")


def record(name: str) -> dict[str, Any]:
    """Read the record of how a table was made, by the table's name.

    Raises:
        FileNotFoundError: if there is no table of this name.
    """
    return json.loads((FOLDER / f"{name}.json").read_text(encoding="utf-8"))
