"""The built site passes every check on every page."""

import pytest

from .checks import CHECKS


@pytest.mark.parametrize("check", CHECKS, ids=lambda check: check.__name__)
def test_site(check, parsed):
    problems = check(parsed)
    assert not problems, "\n".join([check.__doc__, *problems])
