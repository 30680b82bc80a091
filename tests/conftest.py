"""Every test runs with Keras as the course starts it, and what takes long starts first."""

import os
import tempfile
from pathlib import Path
from typing import Any

import pytest

# Chapter 9 keeps its training in a folder that outlives the kernel. A test starts it from an empty one.
_runs = tempfile.TemporaryDirectory(prefix="runs-")
os.environ["CONVBOOK_RUNS"] = _runs.name


def pytest_configure(config: pytest.Config) -> None:
    """Import Keras where tests run, and not in a process that only hands them out, which would take seconds."""
    if hasattr(config, "workerinput") or not getattr(config.option, "numprocesses", None):
        import convbook.backend  # noqa: F401


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Put files that take long first, chapter 9 before all others, so that no process is left alone with them."""

    def rank(item: pytest.Item) -> int:
        if item.path.suffix == ".ipynb":
            return 0 if item.path.name.startswith("09-") else 1
        return 2 if item.get_closest_marker("slow") else 3

    ranks: dict[Path, int] = {}
    for item in items:
        ranks[item.path] = min(rank(item), ranks.get(item.path, 3))
    items.sort(key=lambda item: ranks[item.path])


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> Any:
    """Give whole files to the processes, as the tests of a file share what they train, and keep their order."""
    from xdist.scheduler import LoadFileScheduling

    config.option.loadscopereorder = False
    return LoadFileScheduling(config, log)
