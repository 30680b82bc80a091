"""``python -m booksite.published _build/html`` says whether a built site has every page, before it is published."""

import argparse
import sys
from pathlib import Path

from sphinx_external_toc.parsing import parse_toc_yaml


def missing_pages(book: Path, site: Path) -> list[str]:
    """List which of ``index.html`` and the pages of the table of contents are missing from a site, or empty.

    Args:
        book: the folder with ``_toc.yml``.
        site: the folder with the built pages.
    """
    pages = ["index.html", *(f"{page}.html" for page in parse_toc_yaml(book / "_toc.yml"))]
    return [page for page in pages if not (site / page).is_file() or not (site / page).read_bytes().strip()]


def main() -> None:
    """Check that a built site has every page of the book in this folder."""
    parser = argparse.ArgumentParser(prog="python -m booksite.published", description=main.__doc__)
    parser.add_argument("site", type=Path, help="folder with the built pages")
    site = parser.parse_args().site
    if missing := missing_pages(Path.cwd(), site):
        sys.exit(f"{site} must not be published: it has no {', no '.join(missing)}.")


if __name__ == "__main__":
    main()
