"""What a build executes: never with stale outputs, and never on with a training run that was left half-finished."""

import hashlib
import os
import tempfile
from collections.abc import Iterator
from pathlib import Path

from sphinx.application import Sphinx

RUNS = "runs"  # where a reader's own training in chapter 9 keeps its checkpoint, beside the notebook


def execution_cache(book: Path) -> Path:
    """Name the folder for executed notebooks: a new one whenever anything changes that a cell could read.

    jupyter-cache looks at a notebook's own cells only, so one folder for all would serve the numbers of an old helper.
    What counts is all files of the helper package, of the results and of the chapters, and the requirements; not the
    notebooks themselves, and not the modules and styles of the figures, which a page takes as they are now.
    """
    digest = hashlib.sha256()
    for file in sorted(_inputs(book)):
        digest.update(f"{file.relative_to(book).as_posix()}\0".encode())
        digest.update(hashlib.sha256(file.read_bytes()).digest())
    return book / "_build" / "executed" / digest.hexdigest()[:16]


def _inputs(book: Path) -> Iterator[Path]:
    yield book / "requirements.txt"
    for file in (file for folder in ("chapters", "code/convbook", "results") for file in (book / folder).rglob("*")):
        parts = file.relative_to(book).parts
        incidental = any(part in ("__pycache__", RUNS) or part.startswith(".") for part in parts)
        # jupyter-cache compares the notebooks by itself, and no cell reads the pages in Markdown.
        if file.is_file() and not incidental and file.suffix not in (".ipynb", ".md", ".js", ".css"):
            yield file


def start_without_runs(app: Sphinx) -> None:
    """Give chapter 9 an empty folder for its checkpoint, so that no build goes on with a run left half-finished."""
    folder = tempfile.TemporaryDirectory(prefix="convbook-runs-")
    before = os.environ.get("CONVBOOK_RUNS")
    os.environ["CONVBOOK_RUNS"] = folder.name

    def clean_up(app: Sphinx, error: Exception | None) -> None:
        folder.cleanup()
        os.environ.pop("CONVBOOK_RUNS", None)  # a build that ends with an error ends twice
        if before is not None:
            os.environ["CONVBOOK_RUNS"] = before

    app.connect("build-finished", clean_up)
