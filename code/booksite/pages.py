"""Corrects what the theme, Jupyter Book and MyST-NB write on a page."""

import re
from html import escape
from pathlib import Path
from typing import Any

from docutils import nodes
from sphinx.application import Sphinx


def drop_repeated_ids(app: Sphinx, doctree: nodes.document, page: str) -> None:
    """Remove the ids that sphinx-exercise gives to every exercise alike; an id must be unique in a page."""
    for section in doctree.findall(nodes.section):
        section["ids"] = [name for name in section["ids"] if name not in ("exercise-content", "solution-content")]


def bind_percents(app: Sphinx, doctree: nodes.document, page: str) -> None:
    """Keep a percent sign on the line of its number."""
    for element in doctree.findall(nodes.TextElement):
        if isinstance(element, (nodes.FixedTextElement, nodes.literal, nodes.math)):
            continue
        for i, child in enumerate(element.children):
            if isinstance(child, nodes.Text):
                element[i] = nodes.Text(child.replace(" %", "\u00a0%"))


def finish_page(app: Sphinx, page: str, template: str, context: dict[str, Any], doctree: nodes.document | None) -> None:
    """Correct what the theme and Jupyter Book have prepared for one page."""
    # Colab gets the branch with the copies that fetch the course first (see `booksite.colab`).
    for group in context.get("header_buttons", []):
        for button in group.get("buttons", []):
            if button.get("text") == "Colab":
                button["url"] = button["url"].replace("/blob/main/", "/blob/colab/")
    # Jupyter Book brings Thebe, with the address of a third party, to every page; no page here uses it.
    for kind in ("script_files", "css_files"):
        context[kind] = [file for file in context[kind] if not _mentions_thebe(file)]
    if doctree is not None:
        description = escape(page_description(doctree), quote=True)
        context["metatags"] = f'{context.get("metatags", "")}<meta name="description" content="{description}" />'


def _mentions_thebe(file: Any) -> bool:
    return "thebe" in f"{file.filename} {getattr(file, 'attributes', {}).get('body')}".lower()


def page_description(doctree: nodes.document) -> str:
    """Describe a page to search engines: by the question that opens it, else its first paragraph, else its title."""
    kinds = nodes.block_quote, nodes.paragraph, nodes.title
    opening = next(node for kind in kinds for node in doctree.findall(kind))
    return " ".join(opening.astext().split())


# What screen readers stumble over in the pages that the theme and MyST-NB write.
REPAIRS = [
    (r"<title>(.*?) &#8212; \1</title>", r"<title>\1</title>"),  # the first page is called like the book
    (r'<summary aria-label="Toggle hidden content">', "<summary>"),  # the name has to contain what is to be read
    (r'(<button class="btn search-button-field[^>]*?) aria-label="Search"', r"\1"),  # likewise
    (r'(<button class="sidebar-toggle primary[^>]*?) title="[^"]*"', r'\1 title="Contents"'),
    (r'(<button class="sidebar-toggle secondary[^>]*?) title="[^"]*"', r'\1 title="On this page"'),
    (r'<div( class="bd-sidebar-primary)', r'<div role="complementary" aria-label="Site"\1'),
    # A wide table scrolls on a phone, by keyboard too.
    (r'<div class="pst-scrollable-table-container">', '<div class="pst-scrollable-table-container" tabindex="0">'),
    (r'(<div) role="list"( class="citation-list">)', r"\1\2"),
    (r'(<div class="citation"[^>]*?) role="doc-biblioentry"', r"\1"),  # a deprecated role
    (r"<th([^>]*)>(?:&nbsp;|<p></p>)?</th>", r"<td\1></td>"),  # the corner of a table heads nothing
]

# A page without a list of its sections has no use for the button that shows it, though the theme adds one.
SECTIONS_BUTTON = re.compile(r'<button class="sidebar-toggle secondary.*?</button>\s*', re.DOTALL)

# A long name in code may break between its parts, as in Learning|Rate|Schedule and fast_|layers, to fit a column.
NAME = re.compile(r'(?<=<span class="pre">)\w{10,}(?=</span>)')
PART = re.compile(r"(?<=[a-z])(?=[A-Z])|(?<=_)(?=\w)")


def repaired(page: str) -> str:
    """Make what others have written on a page accessible and, on a phone, legible."""
    for pattern, replacement in REPAIRS:
        page = re.sub(pattern, replacement, page)
    if 'class="bd-sidebar-secondary' not in page:
        page = SECTIONS_BUTTON.sub("", page)
    return NAME.sub(lambda name: PART.sub("<wbr>", name[0]), page)


def repair_pages(app: Sphinx, error: Exception | None) -> None:
    """Correct every page of a finished build, and remove the files of widgets that no page uses any more."""
    if error:
        return
    used = set()
    for file in Path(app.outdir).rglob("*.html"):
        page = repaired(file.read_text(encoding="utf-8"))
        file.write_text(page, encoding="utf-8")
        used.update(re.findall(r"_static/figures/(\w+\.\w+)", page))
    figures = Path(app.outdir, "_static", "figures")
    for file in figures.glob("*.json"):
        if file.name in used:
            used.update(re.findall(r"_static/figures/(\w+\.\w+)", file.read_text(encoding="utf-8")))
    # They are named by their content, so those of earlier builds would stay for ever.
    for file in figures.glob("*"):
        if file.name not in used:
            file.unlink()
