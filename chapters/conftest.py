"""One execution, two uses: what nbmake has run becomes the page.

nbmake runs every chapter in full. The outputs go to the cache that
`jupyter-book build` reads, so the site that is tested afterwards shows this
very run.

Keras cannot be imported in chapters 1 to 8, because readers run their cells
on the page, where it does not exist. `convbook.inference` has the trained
network in NumPy.
"""

import os
from pathlib import Path
from unittest import mock

import nbmake.pytest_items
from jupyter_cache import get_cache
from jupyter_cache.base import CacheBundleIn
from nbmake.nb_result import NotebookResult
from nbmake.nb_run import NotebookRun

from booksite.execution import execution_cache

BOOK = Path(__file__).parents[1]
FIRST_WITH_KERAS = "09-train-the-network.ipynb"


class CachedNotebookRun(NotebookRun):
    """A run that keeps its outputs."""

    def execute(self) -> NotebookResult:
        """Run the notebook and put it into the book's cache if it went well."""
        settings = {}
        if Path(self.filename).name < FIRST_WITH_KERAS:
            settings = {"PYTHONSTARTUP": str(BOOK / "tests/without_keras.py")}
        with mock.patch.dict(os.environ, settings):  # for the kernel
            result = super().execute()
        if result.error is None:
            for cell in result.nb.cells:
                # The cache compares cells with their metadata, and the book's
                # notebooks hold no times.
                cell.metadata.pop("execution", None)
            bundle = CacheBundleIn(result.nb, str(self.filename))
            cache = get_cache(execution_cache(BOOK))
            cache.cache_notebook_bundle(bundle, overwrite=True)
            cache.db.dispose()  # Python 3.13 warns of a database left open
        return result


# nbmake has no hook for what it has run.
nbmake.pytest_items.NotebookRun = CachedNotebookRun
