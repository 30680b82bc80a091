"""A concept chapter links every term of the glossary where the term first appears."""

import re
from collections.abc import Collection
from pathlib import Path

import nbformat
import pytest

from ..repository.prose import CODE, CONCEPTS, DIRECTIVE, FENCE, MATH, ROLE, chapters
from ..repository.tree import ROOT

# Words that the prose also uses in their everyday sense, so a machine cannot tell their first use as a term.
EVERYDAY = {"accuracy", "bias", "class", "jump", "loss", "step", "unit", "weight"}
HEADING_OR_QUOTE = re.compile(r"^(?:#|>).*$", re.MULTILINE)


def glossary_terms(page: str) -> list[str]:
    """Return the terms of the glossary directive."""
    (body,) = re.findall(r"^```\{glossary\}\n(.*?)^```", page, re.DOTALL | re.MULTILINE)
    return re.findall(r"^(\S.*)$", body, re.MULTILINE)


def unlinked_terms(notebook: nbformat.NotebookNode, terms: Collection[str]) -> list[str]:
    """Return the terms whose first use in a chapter is no link; titles, quotations and code do not count."""
    prose = "\n\n".join(cell.source for cell in notebook.cells if cell.cell_type == "markdown")
    for pattern in (FENCE, MATH, HEADING_OR_QUOTE, DIRECTIVE):
        prose = pattern.sub(" ", prose)
    # A link to a term becomes a mark that cannot be taken for the term itself.
    prose = ROLE.sub(lambda match: f" ¶{target(match['text'])}¶ " if match["role"] == "term" else " ", prose)
    prose = CODE.sub(" ", prose)
    found = []
    for term in terms:
        # "Batch normalisation" is no use of "batch".
        longer = [other for other in terms if term.lower() in other.lower() and other != term]
        text = re.sub("|".join(map(re.escape, longer)), "…", prose, flags=re.IGNORECASE) if longer else prose
        used = re.search(rf"(?<![\w¶-]){re.escape(term)}(?:s|es)?(?![\w¶-])", text, re.IGNORECASE)
        linked = text.lower().find(f"¶{term.lower()}¶")
        if used and not 0 <= linked < used.start():
            found.append(term)
    return found


def target(text: str) -> str:
    """Return the term that a role such as ``maps <feature map>`` links to."""
    match = re.search(r"<(.+)>$", text)
    return match[1] if match else text


@pytest.mark.parametrize("path", chapters(*CONCEPTS), ids=lambda path: path.stem)
def test_first_uses_are_links(path: Path):
    terms = set(glossary_terms((ROOT / "chapters" / "glossary.md").read_text(encoding="utf-8"))) - EVERYDAY
    unlinked = unlinked_terms(nbformat.read(path, as_version=4), sorted(terms))
    assert not unlinked, f"link the first use, {{term}}`name`, of: {', '.join(unlinked)}"


def test_terms_are_in_the_order_of_the_alphabet():
    terms = glossary_terms((ROOT / "chapters" / "glossary.md").read_text(encoding="utf-8"))
    assert terms == sorted(terms, key=str.lower)
    assert set(terms) >= EVERYDAY
