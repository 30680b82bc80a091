"""A book with the solutions or without a word of them: ``SOLUTIONS=no`` builds the one that instructors hand out."""

import os

from docutils import nodes
from sphinx.application import Sphinx
from sphinx_exercise.nodes import solution_node


def without_solutions() -> bool:
    """Say whether the environment asks for a book that an instructor can hand out: ``SOLUTIONS=no``.

    Raises:
        ValueError: it asks for something else than yes or no. A typing error must not publish the solutions.
    """
    wish = os.environ.get("SOLUTIONS", "yes")
    if wish not in ("yes", "no"):
        raise ValueError(f"SOLUTIONS is yes (the default) or no, got {wish!r}")
    return wish == "no"


def remove_solutions(app: Sphinx, doctree: nodes.document) -> None:
    """Take out the solutions, cells and outputs included, before anything of them is stored or indexed.

    sphinx-exercise has a setting for this, ``hide_solutions``, which fails on solutions that hold cells.
    """
    if without_solutions():
        for solution in list(doctree.findall(solution_node)):
            solution.parent.remove(solution)
