"""Quiz questions that answer in the page, with no kernel and no script.

An option is a disclosure element of HTML: opening it is answering it, by mouse, touch or keyboard, and what opens says
why it is right or which misconception leads there.
"""

import hashlib
import re
from html import escape
from typing import NamedTuple

from IPython.display import HTML


class Question(NamedTuple):
    """One question. All texts are plain, except that `backticks` make code.

    Attributes:
        name: unique in the book; addresses and tests use it.
        text: what is asked.
        right: the right answer and why it is right.
        wrong: the other answers, each with the misconception behind it.
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
    # In the order of their digests, so the right answer has no usual place.
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
