"""Copies of the chapters for Colab, which opens single notebooks from GitHub and knows nothing of the rest.

``python -m convbook.colab DIR`` writes the chapters to DIR. Each copy starts with a cell that installs the helper
package from the commit at hand, so a page and its notebook run the same code.
"""

import argparse
import subprocess
import sys
from pathlib import Path

import nbformat

from convbook.sphinx_site import repository_url


def with_install_cell(notebook: nbformat.NotebookNode, requirement: str) -> nbformat.NotebookNode:
    """Put a cell that installs ``requirement`` before the first cell of a notebook."""
    cell = nbformat.v4.new_code_cell(
        f"# Colab brings Keras; the helper package is in the repository of the course.\n%pip install -q {requirement}",
        id="install-helper-package",
    )
    return nbformat.from_dict({**notebook, "cells": [cell, *notebook.cells]})


def main() -> None:
    """Write the copies of all chapters."""
    parser = argparse.ArgumentParser(prog="python -m convbook.colab", description=main.__doc__)
    parser.add_argument("out", type=Path, help="folder for the copies")
    out = parser.parse_args().out
    address = repository_url(Path.cwd())
    if address is None:
        sys.exit("This folder has no GitHub remote called origin, so Colab would not know where the package is.")
    commit = subprocess.run(["git", "rev-parse", "HEAD"], capture_output=True, text=True, check=True).stdout.strip()
    requirement = f'"convbook @ git+{address}@{commit}#subdirectory=code"'
    chapters = sorted(Path("chapters").glob("*.ipynb"))
    if not chapters:
        sys.exit("No chapters here: run this in the root of the repository.")
    for chapter in chapters:
        copy = out / chapter
        copy.parent.mkdir(parents=True, exist_ok=True)
        nbformat.write(with_install_cell(nbformat.read(chapter, as_version=4), requirement), copy)


if __name__ == "__main__":
    main()
