"""Quiz questions that work in the page without a kernel or a script.

Every option is an HTML disclosure element. A reader answers by opening it, with mouse, touch or keyboard, and finds out
why the option is right or which misconception it comes from.
"""

import hashlib
import re
from html import escape
from typing import NamedTuple

from IPython.display import HTML


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
    """Show questions as a numbered list."""
    items = "".join(_item(question) for question in questions)
    return HTML(f'<ol class="quiz">{items}</ol>')


def _item(question: Question) -> str:
    # Sorted by digest, so that the position of the right answer tells nothing.
    options = sorted([question.right, *question.wrong], key=lambda option: hashlib.md5(option[0].encode()).digest())
    shown = "".join(_option(question, *option) for option in options)
    return f'<li id="quiz-{question.name}"><p>{_text(question.text)}</p>{shown}</li>'


def _option(question: Question, answer: str, why: str) -> str:
    kind, word = ("right", "✓ Right.") if answer == question.right[0] else ("wrong", "✗ No.")
    return (
        f'<details name="quiz-{question.name}" class="{kind}"><summary>{_text(answer)}</summary>'
        f"<p><strong>{word}</strong> {_text(why)}</p></details>"
    )


def _text(text: str) -> str:
    return re.sub("`([^`]+)`", r"<code>\1</code>", escape(text))
