"""The built site passes every check on every page."""

from pathlib import Path

import pytest
from sphinx_external_toc.parsing import parse_toc_yaml

from .checks import CHECKS, Site

TOC = Path(__file__).parents[2] / "_toc.yml"


@pytest.fixture(scope="module")
def pages(site):
    return Site(site, tuple(f"{name}.html" for name in parse_toc_yaml(TOC)))


@pytest.mark.parametrize("check", CHECKS, ids=lambda check: check.__name__)
def test_site(check, pages):
    problems = check(pages)
    assert not problems, "\n".join([check.__doc__, *problems])
