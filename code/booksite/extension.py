"""The Sphinx extension of the site: nothing stale, nothing from third parties, figures that suit light and dark."""

import hashlib
from pathlib import Path
from typing import Any

from sphinx.application import Sphinx

from booksite import delivery, execution, look, maths, openings, pages, pictures, quizzes, solutions
from booksite.repository import pages_url, repository_url
from booksite.search import Search
from convbook import inference, quiz
from convbook.widgets.bundle import FOLDER

STATIC = Path(__file__).with_name("static")
TEMPLATES = Path(__file__).with_name("templates")
QUIZ = Path(quiz.__file__)
STYLES = (
    "book.css",
    "figures.css",
    "openings.css",
    "boxes.css",
    "cells.css",
    "print.css",
    "delivery.css",
    "reserved.css",
)
# Before the first paint. The theme finds the scheme of the device too late: until then a page would be light, with two
# logos. And only a page that is served, with scripts, has figures that come alive and need the space kept for them.
FIRST = """{
  const { dataset, classList } = document.documentElement;
  if (dataset.theme === "auto") dataset.theme = matchMedia("(prefers-color-scheme: dark)").matches ? "dark" : "light";
  if (location.protocol !== "file:") classList.add("served");
}"""


def _configure(app: Sphinx, config: Any) -> None:
    book = Path(app.srcdir)
    config.nb_execution_cache_path = str(execution.execution_cache(book))
    shipped = inference.record()
    config.myst_substitutions |= {
        "parameters": f"{shipped['parameters']:,}",
        "accuracy": f"{100 * shipped['evaluate'][1]:.1f} %",
    }
    names = "near.js", "press.js", "scrolling.js", "drawer.js", "progress.js"
    scripts = *(STATIC / name for name in names), QUIZ.with_suffix(".js")
    styles = FOLDER / "widgets.css", QUIZ.with_suffix(".css"), *(STATIC / name for name in STYLES)
    config.html_static_path += [str(file) for file in (*scripts, *styles)]
    config.templates_path += [str(TEMPLATES)]
    config.html_theme_options |= {
        "article_header_start": ["toggle-primary-sidebar.html", "home.html"],
        "article_footer_items": ["report.html"],
        "primary_sidebar_end": ["reading.html"],
        "home_page_in_toc": False,  # the logo leads there
        "toc_title": "On this page",
        "use_fullscreen_button": False,
        # Plain styles, because those of the course come from its own colours.
        "pygments_light_style": "bw",
        "pygments_dark_style": "bw",
    }
    config.html_search_scorer = str(STATIC / "scorer.js")
    config.html_context["default_mode"] = "auto"  # without it the theme logs "invalid theme mode"
    config.nb_code_prompt_show, config.nb_code_prompt_hide = "Show the code", "Hide the code"
    address = repository_url(book)
    config.html_context["report_to"] = address
    config.html_baseurl = config.html_baseurl or pages_url(address)
    # Sphinx writes every page anew when this changes, and so the one style of the pages, too.
    files = sorted(file for file in Path(__file__).parent.rglob("*") if file.suffix in (".css", ".js", ".mjs", ".py"))
    config.booksite_look = hashlib.sha256(b"".join(file.read_bytes() for file in files)).hexdigest()
    if solutions.without_solutions():
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


def setup(app: Sphinx) -> dict[str, Any]:
    """Connect to Sphinx."""
    app.setup_extension("booksite.widgets")
    app.setup_extension("booksite.supply")
    app.setup_extension("booksite.cells")
    app.setup_extension("booksite.takeaway")
    app.add_config_value("booksite_look", "", "html")
    # The style for formulas is written when those of all pages are known.
    for style in ("tokens.css", *STYLES, "quiz.css", "widgets.css", "maths.css"):
        app.add_css_file(style)
    app.add_js_file(None, body=FIRST)
    app.add_js_file("near.js")
    app.add_js_file("press.js")
    app.add_js_file("scrolling.js")
    app.add_js_file("drawer.js")
    app.add_js_file("progress.js", loading_method="defer")
    app.add_directive("colour-table", look.ColourTable)
    app.add_search_language(Search)
    app.add_html_math_renderer("mathml", (maths.visit_math, None), (maths.visit_displaymath, None))
    app.connect("config-inited", _configure, priority=900)  # after Jupyter Book has merged its options
    app.connect("builder-inited", execution.start_without_runs)
    app.connect("builder-inited", look.write_tokens)
    app.connect("doctree-read", quizzes.show_questions_only)
    app.connect("doctree-read", solutions.remove_solutions, priority=100)  # before images are collected
    app.connect("doctree-resolved", pages.drop_repeated_ids)
    app.connect("doctree-resolved", pages.bind_percents)
    app.connect("doctree-resolved", pictures.inline_svg)
    app.connect("doctree-resolved", openings.add_openings)
    app.connect("html-collect-pages", look.lost_page)
    app.connect("build-finished", look.draw_card)
    app.connect("build-finished", pages.repair_pages)
    app.connect("build-finished", delivery.deliver, priority=900)  # after all that writes pages
    app.connect("build-finished", maths.deliver_font)
    app.connect("html-page-context", pages.finish_page, priority=900)  # after the theme has made its buttons
    app.connect("html-page-context", look.name_report, priority=400)
    app.connect("html-page-context", look.add_to_page, priority=800)  # between the theme and `finish_page`
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
