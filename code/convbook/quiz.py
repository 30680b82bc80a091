"""Quiz questions that work in a page without a kernel: choose an answer, check it, and read what there is to say.

Without a script every option is an HTML disclosure element, which opens to the reason why the option is right or to the
misconception that it comes from. Where ``quiz.js`` runs (on the site and in a trusted notebook), it makes a form of
them, so that a reader commits to an answer before any reason shows, and counts.
"""

import hashlib
import re
from functools import cache
from html import escape
from importlib.resources import files
from typing import NamedTuple

from IPython.display import HTML

from convbook import tokens


class Question(NamedTuple):
    """One question. All texts are plain, except that `backticks` make code.

    Attributes:
        name: unique in the book; used in web addresses and tests.
        text: the question.
        right: the right answer and why it is right.
        wrong: the other answers, each with the misconception that it comes from.
    """

    name: str
    text: str
    right: tuple[str, str]
    wrong: list[tuple[str, str]]


def quiz(*questions: Question) -> HTML:
    """Show questions as a numbered list, with the script and the style that make a form of it."""
    items = "".join(_item(question) for question in questions)
    return HTML(f'<ol class="quiz">{items}</ol>{_extras()}')


@cache
def _extras() -> str:
    """Return what the output needs in a notebook; the site takes it out and brings its own files."""
    code, style = (files("convbook").joinpath(name).read_text(encoding="utf-8") for name in ("quiz.js", "quiz.css"))
    return f"<style>{tokens.css()}{style}</style><script>{code}</script>"


def _item(question: Question) -> str:
    # Sorted by digest, so that the position of the right answer tells nothing.
    options = sorted([question.right, *question.wrong], key=lambda option: hashlib.md5(option[0].encode()).digest())
    shown = "".join(_option(question, *option) for option in options)
    return f'<li id="quiz-{question.name}"><p>{_text(question.text)}</p>{shown}</li>'


def _option(question: Question, answer: str, why: str) -> str:
    word = "✓ Right." if answer == question.right[0] else "✗ No."
    # As numbers, so that the source of the page does not give the answer away at a glance.
    hidden = "".join(f"&#{ord(character)};" for character in word)
    return (
        f'<details name="quiz-{question.name}"><summary>{_text(answer)}</summary>'
        f"<p><strong>{hidden}</strong> {_text(why)}</p></details>"
    )


def _text(text: str) -> str:
    whole = re.sub(r"(?<=\S) ([×·]) (?=\S)", "\N{NO-BREAK SPACE}\\1\N{NO-BREAK SPACE}", text)
    return re.sub("`([^`]+)`", r"<code>\1</code>", escape(whole))
