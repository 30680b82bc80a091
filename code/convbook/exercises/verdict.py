"""What a check says of an answer: passed, or what is wrong on which small input.

A check is a function under ``@check`` that raises ``Wrong`` as soon as something is wrong and otherwise returns what it
has found right. Nothing that a reader writes makes it end in a traceback.
"""

from __future__ import annotations

import copy
import functools
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from html import escape
from typing import Any

import numpy as np


class Wrong(Exception):
    """What is wrong with an answer, in words that help to put it right."""


@dataclass(frozen=True)
class Verdict:
    """The result of a check; a notebook shows it as a coloured line.

    Attributes:
        passed: whether the answer is right.
        message: what was checked or, if the answer is wrong, a hint.
    """

    passed: bool
    message: str

    @property
    def _title(self) -> str:
        return "✓ Passed:" if self.passed else "✗ Not yet:"

    def __repr__(self) -> str:
        return f"{self._title} {self.message}"

    def _repr_html_(self) -> str:
        kind = "passed" if self.passed else "failed"
        return f'<p class="check {kind}"><strong>{self._title}</strong> {escape(self.message)}</p>'


def check(body: Callable[..., str]) -> Callable[..., Verdict]:
    """Make a check of a function that raises ``Wrong`` or returns what it has found right."""

    @functools.wraps(body)
    def wrapper(*answers: Any, **named_answers: Any) -> Verdict:
        try:
            return Verdict(True, body(*answers, **named_answers))
        except Wrong as problem:
            return Verdict(False, str(problem))

    return wrapper


def call(function: Callable[..., Any], *arguments: Any, **options: Any) -> Any:
    """Call a reader's function on copies of the arguments.

    Raises:
        Wrong: it is no function, it raised, or it returned nothing.
    """
    if not callable(function):
        raise Wrong("give the function itself, by its name and without parentheses behind it")
    name = getattr(function, "__name__", "your function")
    try:
        result = function(*copy.deepcopy(arguments), **copy.deepcopy(options))
    except Exception as error:
        shown = [describe(argument) for argument in arguments]
        shown += [f"{key}={describe(value)}" for key, value in options.items()]
        raise Wrong(f"{name}({', '.join(shown)}) raised {type(error).__name__}: {error}") from error
    if result is None or result is ...:
        raise Wrong(f"{name} returns nothing yet: replace the dots with your code and return the result")
    return result


def describe(value: Any) -> str:
    """Write an argument on one line: small arrays in full, large ones by their shape."""
    if isinstance(value, np.ndarray):
        return str(value.tolist()) if value.size <= 9 else f"array of shape {value.shape}"
    return repr(value)


def expect(
    got: Any,
    right: Any,
    case: str,
    *,
    mistakes: Mapping[str, Any] | None = None,
    tolerance: float = 1e-6,
    reveal: bool = True,
) -> None:
    """Compare an answer with the right one.

    Args:
        got: the answer, a number or numbers.
        right: what it should be.
        case: which input or question this is, the beginning of the hint.
        mistakes: by the hint they deserve, the answers that known misconceptions lead to.
        tolerance: absolute, and relative to the right answer.
        reveal: whether the hint may say the right value; no where the value is the whole exercise.

    Raises:
        Wrong: the answer is missing, no number, of another shape or of another value.
    """
    if got is None or got is ...:
        raise Wrong(f"{case}: no answer yet; replace the dots")
    try:
        values = np.asarray(got, dtype=float)
    except (TypeError, ValueError):
        raise Wrong(f"{case}: this should be numbers, and it is {describe(got)}") from None
    right = np.asarray(right, dtype=float)

    def equals(other: np.ndarray) -> bool:
        return values.shape == other.shape and np.allclose(values, other, rtol=tolerance, atol=tolerance)

    if equals(right):
        return
    for hint, wrong in (mistakes or {}).items():
        if equals(np.asarray(wrong, dtype=float)):
            raise Wrong(f"{case}: {hint}")
    if values.shape != right.shape:
        raise Wrong(f"{case}: the shape is {values.shape} and should be {right.shape}")
    off = ~np.isclose(values, right, rtol=tolerance, atol=tolerance)
    where = tuple(map(int, np.argwhere(off)[0]))
    place = f" at {where if len(where) > 1 else where[0]}" if where else ""
    should = f" and should be {right[where]:.6g}" if reveal else ", which is not right"
    raise Wrong(f"{case}: the value{place} is {values[where]:.6g}{should}")
