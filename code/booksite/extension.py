"""The Sphinx extension of the site: nothing stale, nothing from third parties, figures that suit light and dark."""

from pathlib import Path
from typing import Any

from sphinx.application import Sphinx

from booksite import execution, maths, pages, pictures, solutions
from booksite.repository import repository_url
from convbook import inference
from convbook.widgets.bundle import FOLDER

STATIC = Path(__file__).with_name("static")


def _configure(app: Sphinx, config: Any) -> None:
    book = Path(app.srcdir)
    config.nb_execution_cache_path = str(execution.execution_cache(book))
    shipped = inference.record()
    config.myst_substitutions |= {
        "parameters": f"{shipped['parameters']:,}",
        "accuracy": f"{100 * shipped['evaluate'][1]:.1f} %",
    }
    config.html_static_path += [str(STATIC / "book.css"), str(STATIC / "figures.css"), str(FOLDER / "widgets.css")]
    config.html_context["default_mode"] = "auto"  # without it the theme logs "invalid theme mode"
    address = repository_url(book)
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
    app.add_css_file("book.css")
    app.add_css_file("figures.css")
    app.add_css_file("widgets.css")
    app.add_html_math_renderer("mathml", (maths.visit_math, None), (maths.visit_displaymath, None))
    app.connect("config-inited", _configure, priority=900)  # after Jupyter Book has merged its options
    app.connect("builder-inited", execution.start_without_runs)
    app.connect("doctree-read", solutions.remove_solutions, priority=100)  # before images are collected
    app.connect("doctree-resolved", pages.drop_repeated_ids)
    app.connect("doctree-resolved", pictures.inline_svg)
    app.connect("build-finished", pages.repair_pages)
    app.connect("html-page-context", pages.finish_page, priority=900)  # after the theme has made its buttons
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
