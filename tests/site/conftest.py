import subprocess
import sys
from pathlib import Path

import pytest

BOOK = Path(__file__).parents[2]
JUPYTER_BOOK = Path(sys.executable).with_name("jupyter-book")


@pytest.fixture(scope="session")
def site() -> Path:
    """Build the book and return the folder of its pages; a warning is a failure.

    The chapters are in the cache by now, executed by nbmake in this very test run. `--all` writes every page anew:
    Sphinx would keep quiet about the warnings of a page that it does not touch.
    """
    built = subprocess.run(
        [JUPYTER_BOOK, "build", str(BOOK), "--all", "-W", "-n", "--keep-going"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert built.returncode == 0, built.stdout[-4000:] + built.stderr[-4000:]
    return BOOK / "_build" / "html"
