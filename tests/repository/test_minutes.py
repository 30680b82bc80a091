"""The minutes on the landing page and in the teaching guide are those that the chapters promise."""

import re

import nbformat
import pytest

from .prose import chapters
from .tree import ROOT

INTRO = (ROOT / "intro.md").read_text(encoding="utf-8")
GUIDE = (ROOT / "chapters" / "teaching-guide.md").read_text(encoding="utf-8")


def promised(name: str) -> tuple[int, int]:
    """Return the minutes for reading and for the exercises at the top of a chapter."""
    (path,) = chapters(name)
    text = "\n".join(cell.source for cell in nbformat.read(path, as_version=4).cells[:3])
    found = re.search(r"\*\*Time:\*\* (\d+) minutes to read, and (?:another|about) (\d+)", text)
    assert found, f"{path.name} does not say its time as `**Time:** 40 minutes to read, and another 75`"
    return int(found[1]), int(found[2])


@pytest.mark.parametrize("name", [path.stem for path in chapters()])
def test_the_landing_page_gives_the_time_of_a_chapter(name):
    reading, exercises = promised(name)
    assert f"<chapters/{name}>` *{reading} + {exercises} minutes*" in INTRO


def test_the_first_step_says_how_long_it_takes():
    assert f"Start chapter 1 · {promised('01-convolution')[0]} minutes" in INTRO


def test_the_guide_adds_up_the_reading_of_every_session():
    sessions = re.findall(r"^\*\*Session.*minutes to read$", GUIDE, re.MULTILINE)
    assert len(sessions) == 6 + 12
    for session in sessions:
        names = re.findall(r"\{doc\}`([^`]+)`", session)
        assert f", {sum(promised(name)[0] for name in names)} minutes to read" in session


def test_the_guide_adds_up_the_exercises_of_every_session():
    for line in re.findall(r"^: \*(?:In class|At home).*$", GUIDE, re.MULTILINE):
        total, *parts = map(int, re.findall(r"\d+(?= minutes:|\))", line))
        assert total == sum(parts), line
