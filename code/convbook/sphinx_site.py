"""The Sphinx extension of the site: nothing stale, nothing from third parties, figures that suit light and dark.

``python -m convbook.sphinx_site _build/html`` says whether a built site has every page, before it is published.
"""

import argparse
import hashlib
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from html import escape
from pathlib import Path
from typing import Any

from docutils import nodes
from docutils.utils.math.latex2mathml import tex2mathml
from sphinx.application import Sphinx
from sphinx.writers.html5 import HTML5Translator
from sphinx_exercise.nodes import solution_node
from sphinx_external_toc.parsing import parse_toc_yaml

from convbook.figures.style import INK, themed_svg

PACKAGE = Path(__file__).parent
RUNS = "runs"  # where a reader's own training in chapter 9 keeps its checkpoint, beside the notebook


def execution_cache(book: Path) -> Path:
    """Name the folder for executed notebooks: a new one whenever anything changes that a cell could read.

    jupyter-cache looks at a notebook's own cells only, so one folder for all would serve the numbers of an old helper.
    What counts is all files of the code, of the results and of the chapters except the notebooks themselves, and the
    requirements.
    """
    digest = hashlib.sha256()
    for file in sorted(_inputs(book)):
        digest.update(f"{file.relative_to(book).as_posix()}\0".encode())
        digest.update(hashlib.sha256(file.read_bytes()).digest())
    return book / "_build" / "executed" / digest.hexdigest()[:16]


def _inputs(book: Path) -> Iterator[Path]:
    yield book / "requirements.txt"
    for file in (file for folder in ("chapters", "code", "results") for file in (book / folder).rglob("*")):
        parts = file.relative_to(book).parts
        incidental = any(part in ("__pycache__", RUNS) or part.startswith(".") for part in parts)
        # jupyter-cache compares the notebooks by itself, and no cell reads the pages in Markdown.
        if file.is_file() and not incidental and file.suffix not in (".ipynb", ".md"):
            yield file


def repository_url(book: Path) -> str | None:
    """Find the address of the repository that builds the book, or None where it has none.

    GitHub Actions says it; elsewhere it is the remote called origin. It is written down nowhere, so a fork's site links
    to the fork.
    """
    if "GITHUB_REPOSITORY" in os.environ:
        return f"{os.environ.get('GITHUB_SERVER_URL', 'https://github.com')}/{os.environ['GITHUB_REPOSITORY']}"
    if shutil.which("git") is None:  # a downloaded copy on a machine without git
        return None
    asked = subprocess.run(
        ["git", "-C", str(book), "remote", "get-url", "origin"], capture_output=True, text=True, check=False
    )
    match = re.fullmatch(r"(?:https://github\.com/|git@github\.com:)(.+?/.+?)(?:\.git)?", asked.stdout.strip())
    return f"https://github.com/{match[1]}" if match else None


def _start_without_runs(app: Sphinx) -> None:
    """Give chapter 9 an empty folder for its checkpoint, so that no build goes on with a run left half-finished."""
    folder = tempfile.TemporaryDirectory(prefix="convbook-runs-")
    before = os.environ.get("CONVBOOK_RUNS")
    os.environ["CONVBOOK_RUNS"] = folder.name

    def clean_up(app: Sphinx, error: Exception | None) -> None:
        folder.cleanup()
        del os.environ["CONVBOOK_RUNS"]
        if before is not None:
            os.environ["CONVBOOK_RUNS"] = before

    app.connect("build-finished", clean_up)


def _configure(app: Sphinx, config: Any) -> None:
    book = Path(app.srcdir)
    config.nb_execution_cache_path = str(execution_cache(book))
    shipped = json.loads((PACKAGE / "weights" / "scheduled_cnn.json").read_text(encoding="utf-8"))
    config.myst_substitutions |= {
        "parameters": f"{shipped['parameters']:,}",
        "accuracy": f"{100 * shipped['evaluate'][1]:.1f} %",
    }
    config.html_static_path += [str(PACKAGE / "static"), str(PACKAGE / "widgets" / "widgets.css")]
    config.html_context["default_mode"] = "auto"  # without it the theme logs "invalid theme mode"
    address = repository_url(book)
    if without_solutions():
        config.html_copy_source = False  # the source has the solutions
        config.html_theme_options["use_download_button"] = False
    elif address:
        config.html_theme_options |= {
            "repository_url": address,
            "repository_branch": "main",
            "use_repository_button": True,
            "use_issues_button": True,
            "launch_buttons": {
                "binderhub_url": "https://mybinder.org",
                "colab_url": "https://colab.research.google.com",
                "notebook_interface": "jupyterlab",
            },
        }


def without_solutions() -> bool:
    """Say whether the environment asks for a book that an instructor can hand out: ``SOLUTIONS=no``.

    Raises:
        ValueError: it asks for something else than yes or no. A typing error must not publish the solutions.
    """
    wish = os.environ.get("SOLUTIONS", "yes")
    if wish not in ("yes", "no"):
        raise ValueError(f"SOLUTIONS is yes (the default) or no, got {wish!r}")
    return wish == "no"


def _remove_solutions(app: Sphinx, doctree: nodes.document) -> None:
    """Take out the solutions, cells and outputs included, before anything of them is stored or indexed.

    sphinx-exercise has a setting for this, ``hide_solutions``, which fails on solutions that hold cells.
    """
    if without_solutions():
        for solution in list(doctree.findall(solution_node)):
            solution.parent.remove(solution)


def _drop_repeated_ids(app: Sphinx, doctree: nodes.document, page: str) -> None:
    """Remove the ids that sphinx-exercise gives to every exercise alike; an id must be unique in a page."""
    for section in doctree.findall(nodes.section):
        section["ids"] = [name for name in section["ids"] if name not in ("exercise-content", "solution-content")]


def _finish_page(
    app: Sphinx, page: str, template: str, context: dict[str, Any], doctree: nodes.document | None
) -> None:
    """Correct what the theme and Jupyter Book have prepared for one page."""
    # Colab gets the branch with the copies that fetch the course first (see `convbook.colab`).
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


def _inline_svg(app: Sphinx, doctree: nodes.document, page: str) -> None:
    """Put the notebooks' figures into the page itself, where they take on its colours."""
    for image in list(doctree.findall(nodes.image)):
        file = Path(app.srcdir) / image["uri"] if not Path(image["uri"]).is_absolute() else Path(image["uri"])
        if file.suffix != ".svg" or not file.exists():
            continue
        svg = file.read_text(encoding="utf-8")
        if INK not in svg:
            continue  # not one of ours
        image.replace_self(nodes.raw("", themed_svg(svg, image.get("alt", "")), format="html"))


# What screen readers stumble over in the pages that the theme and MyST-NB write.
REPAIRS = [
    (r'<summary aria-label="Toggle hidden content">', "<summary>"),  # the name has to contain what is to be read
    (r'(<button class="btn search-button-field[^>]*?) aria-label="Search"', r"\1"),  # likewise
    (r'<div( class="bd-sidebar-primary)', r'<div role="complementary" aria-label="Site"\1'),
    # A wide table scrolls on a phone, by keyboard too.
    (r'<div class="pst-scrollable-table-container">', '<div class="pst-scrollable-table-container" tabindex="0">'),
    (r'(<div) role="list"( class="citation-list">)', r"\1\2"),
    (r'(<div class="citation"[^>]*?) role="doc-biblioentry"', r"\1"),  # a deprecated role
    (r"<th([^>]*)>(?:&nbsp;)?</th>", r"<td\1></td>"),  # the corner of a data frame heads nothing
]


def repaired(page: str) -> str:
    """Make what others have written on a page accessible."""
    for pattern, replacement in REPAIRS:
        page = re.sub(pattern, replacement, page)
    return page


def _repair_pages(app: Sphinx, error: Exception | None) -> None:
    if error:
        return
    used = set()
    for file in Path(app.outdir).rglob("*.html"):
        page = repaired(file.read_text(encoding="utf-8"))
        file.write_text(page, encoding="utf-8")
        used.update(re.findall(r"_static/figures/(\w+\.bin)", page))
    # Arrays of figures are named by their content, so those of earlier builds would stay for ever.
    for array in Path(app.outdir, "_static", "figures").glob("*.bin"):
        if array.name not in used:
            array.unlink()


def missing_pages(book: Path, site: Path) -> list[str]:
    """List which of ``index.html`` and the pages of the table of contents are missing from a site, or empty.

    Args:
        book: the folder with ``_toc.yml``.
        site: the folder with the built pages.
    """
    pages = ["index.html", *(f"{page}.html" for page in parse_toc_yaml(book / "_toc.yml"))]
    return [page for page in pages if not (site / page).is_file() or not (site / page).read_bytes().strip()]


def _visit_math(self: HTML5Translator, node: nodes.math) -> None:
    self.body.append(tex2mathml(node.astext()))
    raise nodes.SkipNode


def _visit_displaymath(self: HTML5Translator, node: nodes.math_block) -> None:
    self.body.append(f'<div class="equation">{tex2mathml(node.astext(), as_block=True)}</div>')
    raise nodes.SkipNode


def setup(app: Sphinx) -> dict[str, Any]:
    """Connect to Sphinx."""
    app.setup_extension("convbook.sphinx_widgets")
    app.add_css_file("book.css")
    app.add_css_file("widgets.css")
    # Browsers draw MathML by themselves; the stock renderer loads a megabyte from another site.
    app.add_html_math_renderer("mathml", (_visit_math, None), (_visit_displaymath, None))
    app.connect("config-inited", _configure, priority=900)  # after Jupyter Book has merged its options
    app.connect("builder-inited", _start_without_runs)
    app.connect("doctree-read", _remove_solutions, priority=100)  # before images are collected
    app.connect("doctree-resolved", _drop_repeated_ids)
    app.connect("doctree-resolved", _inline_svg)
    app.connect("build-finished", _repair_pages)
    app.connect("html-page-context", _finish_page, priority=900)  # after the theme has made its buttons
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}


def main() -> None:
    """Check that a built site has every page of the book in this folder."""
    parser = argparse.ArgumentParser(prog="python -m convbook.sphinx_site", description=main.__doc__)
    parser.add_argument("site", type=Path, help="folder with the built pages")
    site = parser.parse_args().site
    if missing := missing_pages(Path.cwd(), site):
        sys.exit(f"{site} must not be published: it has no {', no '.join(missing)}.")


if __name__ == "__main__":
    main()
