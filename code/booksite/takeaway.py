"""Figures to take away: every live figure has a page of its own, which fits into a frame of somebody else's page.

The page shows the figure as the first page of the book does that has it. Its address can set what the reader can set;
`takeaway.js` reads the address and writes it. Below the figure in the book, a link leads to that page.
"""

import json
import re
from collections.abc import Iterator
from html import escape
from pathlib import Path
from typing import Any, NamedTuple

from docutils import nodes
from sphinx.application import Sphinx

from booksite.pictures import inline_svg
from booksite.widgets import Files, InteractiveNode, described, host, load_button, root
from convbook import widgets
from convbook.tokens import css
from convbook.widgets.bundle import bundle

STATIC = Path(__file__).with_name("static")
STYLES = "figures.css", "takeaway.css"
CHAPTER = re.compile(r"(\d+) · (.*)")


class Home(NamedTuple):
    """Where a figure is in the book.

    Attributes:
        page: that has it.
        title: of that page.
        node: the figure's place.
    """

    page: str
    title: str
    node: InteractiveNode


def name_of(node: InteractiveNode) -> str | None:
    """Return the class of a live figure of the course; None for a widget from elsewhere."""
    module, _, name = str(node["models"][node["view"]]["state"].get("_anywidget_id", "")).rpartition(".")
    return name if module.startswith("convbook.widgets.") and name in widgets.__all__ else None


def own_page(app: Sphinx, name: str) -> str:
    """Return the page of a figure, as a path without a suffix; a page of the book that is called so stays its own."""
    page = f"figures/{_words(name, '-')}"
    return f"{page}-alone" if page in app.env.found_docs else page


def _words(name: str, between: str) -> str:
    return between.join(re.findall("[A-Z][a-z0-9]*", name)).lower()


def _settings(node: InteractiveNode) -> dict[str, Any]:
    model = node["models"][node["view"]]
    return getattr(widgets, str(name_of(node))).settings(model["state"])


def _module(files: Files) -> str:
    return files.address(bundle("takeaway", STATIC).encode(), "js")


def add_links(app: Sphinx, doctree: nodes.document, page: str) -> None:
    """Put a link to a figure's own page below its caption."""
    if app.builder.format != "html":
        return
    for node in doctree.findall(InteractiveNode):
        name, figure = name_of(node), node.parent
        if not name or not isinstance(figure, nodes.figure):
            continue
        files = Files(Path(app.outdir) / "_static", root(page))
        data = f'data-module="{_module(files)}" data-settings="{escape(json.dumps(_settings(node)))}"'
        place = f'class="own-page" href="{root(page)}{own_page(app, name)}.html"'
        keeps = " data-keeps-address" if getattr(widgets, name).keeps_address else ""
        link = f"<p><a {place} {data}{keeps}>Share or embed this figure</a></p>"
        figure += nodes.legend("", nodes.raw("", link, format="html"))


def _homes(app: Sphinx) -> dict[str, Home]:
    """Find the first page of the book that has a figure, by the name of the figure; chapters come first."""
    found: dict[str, Home] = {}
    for page in sorted(app.env.found_docs):
        doctree = app.env.get_doctree(page)
        places = [node for node in doctree.findall(InteractiveNode) if name_of(node)]
        if places:
            inline_svg(app, doctree, page)
        for node in places:
            found.setdefault(str(name_of(node)), Home(page, app.env.titles[page].astext(), node))
    return found


def own_pages(app: Sphinx) -> Iterator[tuple[str, dict[str, Any], str]]:
    """Make the page of every figure that is in the book."""
    if app.builder.name != "html":
        return
    for name, home in _homes(app).items():
        page = own_page(app, name)
        files = Files(Path(app.outdir) / "_static", root(page))
        models = {key: described(model, files) for key, model in home.node["models"].items()}
        text = json.dumps({"view": home.node["view"], "models": models}).replace("</", "<\\/")
        address = (app.config.html_baseurl or "").rstrip("/")
        chapter = CHAPTER.fullmatch(home.title)
        anchor = next(iter(home.node.parent.get("ids", [])), "")
        yield (
            page,
            {
                "title": _words(name, " ").capitalize(),
                "course": app.config.html_title,
                "canonical": f"{address}/{page}.html" if address else f"{Path(page).name}.html",
                "style": css() + "".join((STATIC / style).read_text(encoding="utf-8") for style in STYLES),
                "host": host(page),
                "module": _module(files),
                "settings": json.dumps(_settings(home.node)),
                "keeps_address": getattr(widgets, name).keeps_address,
                "picture": next((raw.astext() for raw in home.node.findall(nodes.raw) if "<svg" in raw.astext()), ""),
                "button": load_button(home.node),
                "models": text,
                "home": f"{root(page)}{home.page}.html#{anchor}",
                "place": f"chapter {chapter[1]}: {chapter[2]}" if chapter else home.title,
            },
            "figure.html",
        )


def setup(app: Sphinx) -> dict[str, Any]:
    """Connect to Sphinx."""
    app.connect("doctree-resolved", add_links)
    app.connect("html-collect-pages", own_pages)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
