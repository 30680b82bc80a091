"""Quizzes on the site: without the code that gives their answers away, and with the script as a file of its own."""

import re

from docutils import nodes
from sphinx.application import Sphinx

EXTRAS = re.compile(r"(</ol>)\s*<style>.*?</style><script>.*?</script>", re.DOTALL)
ASKS = re.compile(r"^quiz\(", re.MULTILINE)


def show_questions_only(app: Sphinx, doctree: nodes.document) -> None:
    """Take the input of a cell that shows a quiz off the page, and the script and the style out of its output."""
    for cell in list(doctree.findall(nodes.container)):
        if cell.get("nb_element") != "cell_code":
            continue
        code = next(iter(cell.findall(nodes.literal_block)), None)
        if code is None or not ASKS.search(code.astext()):
            continue
        for part in [part for part in cell.children if part.get("nb_element") != "cell_code_output"]:
            cell.remove(part)
    for output in doctree.findall(nodes.raw):
        text = output.astext()
        if '<ol class="quiz">' in text:
            output.children = [nodes.Text(EXTRAS.sub(r"\1", text))]
