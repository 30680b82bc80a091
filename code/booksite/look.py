"""What the theme leaves to a book: its colours, its numbered contents, its card, and a page for a wrong address."""

import re
from collections.abc import Iterator
from html import escape
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlsplit

from docutils import nodes
from sphinx.application import Sphinx
from sphinx.util.docutils import SphinxDirective

from convbook.tokens import TOKENS, color, css

NUMBER = re.compile(r">(\d+) · ")
EXERCISE = re.compile(r'(<span class="caption-number">Exercise \d+) ?</span> \((.*?)\)</p>')


def write_tokens(app: Sphinx) -> None:
    """Write the colours, the type and the spacing of the course into the site."""
    if app.builder.format == "html":
        static = Path(app.outdir) / "_static"
        static.mkdir(parents=True, exist_ok=True)
        (static / "tokens.css").write_text(css(), encoding="utf-8")


def numbered(contents: str) -> str:
    """Put the chapters' numbers in a column of their own."""
    return NUMBER.sub(r'><span class="number">\1</span> ', contents)


def name_report(app: Sphinx, page: str, template: str, context: dict[str, Any], doctree: nodes.document | None) -> None:
    """Say where a problem of a page is reported, before the theme looks which parts of the page are empty."""
    if repository := context.get("report_to"):
        title = re.sub("<[^>]+>", "", str(context.get("title", "")))
        context["report_url"] = f"{repository}/issues/new?title={quote(title)}&body={quote(f'On the page {page}: ')}"


def add_to_page(app: Sphinx, page: str, template: str, context: dict[str, Any], doctree: nodes.document | None) -> None:
    """Give a page its numbered contents, its colours for the browser, its card, and the script of its quiz."""
    if contents := context.get("generate_toctree_html"):
        context["generate_toctree_html"] = lambda *args, **kwargs: numbered(str(contents(*args, **kwargs)))
    if "body" in context:
        context["body"] = EXERCISE.sub(r"\1</span> \2</p>", context["body"])
    tags = [
        f'<meta name="theme-color" content="{color("paper", scheme)}" media="(prefers-color-scheme: {scheme})" />'
        for scheme in ("light", "dark")
    ]
    title = re.sub("<[^>]+>", "", str(context.get("title", ""))) or app.config.project
    address = app.config.html_baseurl
    tags += [
        '<meta property="og:type" content="article" />',
        f'<meta property="og:title" content="{escape(title, quote=True)}" />',
        f'<meta property="og:site_name" content="{escape(app.config.html_title, quote=True)}" />',
    ]
    if address:  # a card needs whole addresses
        address = address.rstrip("/")
        tags += [
            f'<meta property="og:url" content="{address}/{page}.html" />',
            f'<meta property="og:image" content="{address}/_static/card.png" />',
            '<meta property="og:image:width" content="1200" />',
            '<meta property="og:image:height" content="630" />',
            '<meta property="og:image:alt" content="A handwritten 7 on its way through the network" />',
            '<meta name="twitter:card" content="summary_large_image" />',
        ]
    context["metatags"] = context.get("metatags", "") + "\n".join(tags)
    if doctree is not None and any('<ol class="quiz">' in output.astext() for output in doctree.findall(nodes.raw)):
        app.add_js_file("quiz.js", loading_method="defer")


def lost_page(app: Sphinx) -> Iterator[tuple[str, dict[str, Any], str]]:
    """Make the page that a server shows for a wrong address, at whatever depth that is."""
    base = urlsplit(app.config.html_baseurl or "").path
    yield "404", {"title": "Page not found", "base": f"{base.rstrip('/')}/" if base else ""}, "404.html"


def draw_card(app: Sphinx, error: Exception | None) -> None:
    """Draw the picture that stands for the course where somebody links to it."""
    if error or app.builder.format != "html" or not app.config.html_baseurl:
        return
    from booksite.card import card  # reads the trained network, which only a published site needs

    card().savefig(Path(app.outdir) / "_static" / "card.png", metadata={"Software": None})


class ColourTable(SphinxDirective):
    """``{colour-table}``: every colour of the course with its meaning."""

    def run(self) -> list[nodes.Node]:
        """Make the table from the tokens."""
        rows = "".join(
            f"<tr><th>{name}</th>"
            + "".join(
                f'<td><span class="swatch" style="background:{entry[scheme]}"></span> <code>{entry[scheme]}</code></td>'
                for scheme in ("light", "dark")
            )
            + f"<td>{escape(entry['means'])}</td></tr>"
            for name, entry in TOKENS["colors"].items()
        )
        head = "".join(f"<th>{word}</th>" for word in ("Colour", "Light", "Dark", "Meaning"))
        table = f'<table class="colours"><thead><tr>{head}</tr></thead><tbody>{rows}</tbody></table>'
        return [nodes.raw("", f'<div class="pst-scrollable-table-container">{table}</div>', format="html")]
