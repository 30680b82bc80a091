"""The colours of the course can be read and told apart: contrast ratios by the formula of WCAG 2.2."""

import pytest

from convbook.tokens import TOKENS, color, css

SCHEMES = ["light", "dark"]
TEXT = ["ink", "quiet", "action", "right", "wrong", "code-word", "code-text"]
GRAPHICS = ["edge", "positive", "negative", "first", "second", "third", "fourth"]


def luminance(rgb: str) -> float:
    shares = (int(rgb[at : at + 2], 16) / 255 for at in (1, 3, 5))
    linear = [share / 12.92 if share <= 0.04045 else ((share + 0.055) / 1.055) ** 2.4 for share in shares]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def contrast(one: str, other: str) -> float:
    low, high = sorted((luminance(one), luminance(other)))
    return (high + 0.05) / (low + 0.05)


def test_black_on_white_has_the_greatest_contrast():
    assert contrast("#000000", "#ffffff") == pytest.approx(21)


@pytest.mark.parametrize("scheme", SCHEMES)
@pytest.mark.parametrize("ground", ["paper", "surface"])
@pytest.mark.parametrize(("names", "least"), [(TEXT, 4.5), (GRAPHICS, 3)])
def test_colours_stand_out_from_their_ground(scheme, ground, names, least):
    found = {name: round(contrast(color(name, scheme), color(ground, scheme)), 2) for name in names}
    assert min(found.values()) >= least, found


def test_every_colour_says_what_it_means_and_no_two_are_alike():
    colors = TOKENS["colors"]
    assert len({entry["means"] for entry in colors.values()}) == len(colors)
    for scheme in SCHEMES:
        assert len({color(name, scheme) for name in colors}) == len(colors)


def test_css_has_every_colour_once_for_light_and_once_for_dark():
    text = css()
    assert all(text.count(f"--sc-{name}: ") == 2 for name in TOKENS["colors"])
