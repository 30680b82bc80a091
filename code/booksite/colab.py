"""Copies of the chapters for Colab, which opens single notebooks from GitHub and knows nothing of the rest.

``python -m booksite.colab DIR`` writes the chapters to DIR. Each copy starts with a cell that fetches the course at the
commit at hand, so a page and its notebook run the same code and read the same results.
"""

import argparse
import subprocess
import sys
from pathlib import Path

import nbformat

from booksite.repository import repository_url

SETUP = """\
# Colab brings Keras; the helper package and the measured results are in the repository of the course.
![ -d /content/course ] || git clone --quiet {address} /content/course
!git -C /content/course checkout --quiet {commit}
%pip install --quiet /content/course/code
%cd -q /content/course/chapters"""


def with_setup_cell(notebook: nbformat.NotebookNode, address: str, commit: str) -> nbformat.NotebookNode:
    """Put a cell before the first one that fetches the repository at ``address`` as it was at ``commit``."""
    cell = nbformat.v4.new_code_cell(SETUP.format(address=address, commit=commit), id="set-up-course")
    return nbformat.from_dict({**notebook, "cells": [cell, *notebook.cells]})


def main() -> None:
    """Write the copies of all chapters."""
    parser = argparse.ArgumentParser(prog="python -m booksite.colab", description=main.__doc__)
    parser.add_argument("out", type=Path, help="folder for the copies")
    out = parser.parse_args().out
    address = repository_url(Path.cwd())
    if address is None:
        sys.exit("This folder has no GitHub remote called origin, so Colab would not know where the course is.")
    commit = subprocess.run(["git", "rev-parse", "HEAD"], capture_output=True, text=True, check=True).stdout.strip()
    chapters = sorted(Path("chapters").glob("*.ipynb"))
    if not chapters:
        sys.exit("No chapters here: run this in the root of the repository.")
    for chapter in chapters:
        copy = out / chapter
        copy.parent.mkdir(parents=True, exist_ok=True)
        nbformat.write(with_setup_cell(nbformat.read(chapter, as_version=4), address, commit), copy)


if __name__ == "__main__":
    main()
