"""What a check says about an answer: passed; not yet, and why; or noted, where a check cannot know.

A check is a function under ``@gives_verdict``. It raises ``Wrong`` as soon as something is wrong and otherwise returns
a summary of what passed. Whatever the reader wrote, the result is a verdict: no traceback, no endless wait and no
flood of output. Only the reader's own interrupt ends a check without a verdict.
"""

from __future__ import annotations

import contextlib
import contextvars
import copy
import ctypes
import functools
import inspect
import io
import numbers as abstract
import reprlib
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence, Set
from dataclasses import dataclass
from decimal import Decimal
from html import escape
from itertools import islice
from typing import Any, Literal, TextIO

import numpy as np
from numpy.typing import ArrayLike, NDArray

SECONDS = 9  # for a whole check; with the second that stopping may take, a reader waits ten at most
MOST_OUTPUT = 2_000  # characters of what a reader's function prints
LONGEST_MESSAGE = 600  # characters
LONGEST_VALUE = 120  # characters of one value in a message
MOST_NUMBERS = 1_000_000  # in the lists of one answer

Kind = Literal["passed", "failed", "unverified"]
Mistakes = Sequence[tuple[str, ArrayLike | None]]

TITLES: dict[Kind, str] = {"passed": "Passed:", "failed": "Not yet:", "unverified": "Noted:"}
MARKS: dict[Kind, str] = {"passed": "✓", "failed": "✗", "unverified": "✎"}

# A console may know few characters (cp1252 on Windows, ASCII), so the plain text of a verdict spells these out.
PLAIN = str.maketrans(
    {"×": "x", "·": "*", "−": "-", "–": "-", "…": "...", "²": "^2", "½": "1/2", "¼": "1/4", "→": "->"}
)


class Wrong(Exception):
    """What is wrong with an answer, in words that help to put it right."""


class _Stop(SystemExit):
    """Ends the thread of a check whose time is up. ``threading`` lets a SystemExit pass without a traceback."""


@dataclass(frozen=True)
class Verdict:
    """The result of a check; a notebook shows it as a coloured line, a console as plain ASCII.

    Attributes:
        kind: ``"passed"``, ``"failed"``, or ``"unverified"`` if part of the answer is taken on the reader's word.
        message: what was checked or, if the answer is wrong, a hint.
    """

    kind: Kind
    message: str

    @property
    def passed(self) -> bool:
        """Whether the check verified that the answer is right."""
        return self.kind == "passed"

    def __repr__(self) -> str:
        text = f"{TITLES[self.kind]} {self.message}".translate(PLAIN)
        return text.encode("ascii", "backslashreplace").decode()

    def _repr_html_(self) -> str:
        # A lone surrogate, as an error message of the reader's may hold, cannot be written as UTF-8.
        message = escape(self.message).encode("utf-8", "backslashreplace").decode()
        return f'<p class="check {self.kind}"><strong>{MARKS[self.kind]} {TITLES[self.kind]}</strong> {message}</p>'


def gives_verdict(body: Callable[..., str | Verdict]) -> Callable[..., Verdict]:
    """Make a check of a function that raises ``Wrong`` or returns what passed."""
    signature = inspect.signature(body)

    @functools.wraps(body)
    def wrapper(*answers: Any, **named_answers: Any) -> Verdict:
        try:
            signature.bind(*answers, **named_answers)
        except TypeError as error:
            return Verdict("failed", f"call check.{body.__name__} as the exercise does: {error}")
        subject = next((_name(answer) for answer in answers if callable(answer)), "the check of your answer")
        verdict = _in_time(lambda: _judge(body, answers, named_answers), subject)
        return Verdict(verdict.kind, _cut(verdict.message, LONGEST_MESSAGE))

    return wrapper


def _judge(body: Callable[..., str | Verdict], answers: Any, named_answers: Any) -> Verdict:
    try:
        with np.errstate(all="ignore"):  # an overflow or a division by 0 shows in the result, and gets its hint there
            result = body(*answers, **named_answers)
    except Wrong as problem:
        return Verdict("failed", str(problem))
    except (KeyboardInterrupt, _Stop):
        raise
    except BaseException as error:  # from a method of the answer, such as __array__ or __len__; SystemExit included
        return Verdict("failed", f"this answer cannot be used: {_error(error)}")
    return result if isinstance(result, Verdict) else Verdict("passed", result)


def _in_time(judge: Callable[[], Verdict], subject: str) -> Verdict:
    """Run a check in a thread of its own, with a limit on its time and on what it prints.

    A thread serves every platform, inside and outside the main thread, and it can be given up if it does not stop.
    An alarm signal would need Linux or macOS and the main thread, and would take the alarm from others who use it.
    A compiled function that never returns to Python, such as ``sum`` of an endless iterator, cannot be stopped.
    """
    if sys.platform == "emscripten":  # in a web page there are no threads, and the page can stop its worker
        return judge()
    outcome: list[Verdict | BaseException] = []

    def run() -> None:
        try:
            outcome.append(judge())
        except BaseException as error:
            outcome.append(error)

    thread = threading.Thread(target=contextvars.copy_context().run, args=(run,), daemon=True)
    with _limited_output():
        try:
            thread.start()
            deadline = time.monotonic() + SECONDS
            while thread.is_alive() and time.monotonic() < deadline:
                thread.join(0.1)  # in short waits, because on Windows a long one cannot be interrupted
        finally:
            stopped = _stop(thread)
    if not outcome or isinstance(outcome[0], _Stop):
        advice = "look for a loop that never ends" if stopped else "it cannot be stopped, so restart the kernel"
        return Verdict("failed", f"{subject} did not finish within {SECONDS} seconds: {advice}")
    if isinstance(outcome[0], BaseException):
        raise outcome[0]
    return outcome[0]


def _stop(thread: threading.Thread) -> bool:
    """Raise in the thread until it ends, several times, since a bare ``except`` in its loop catches the first."""
    for _ in range(10):
        if not thread.is_alive():
            return True
        ctypes.pythonapi.PyThreadState_SetAsyncExc(ctypes.c_ulong(thread.ident or 0), ctypes.py_object(_Stop))
        thread.join(0.1)
    return not thread.is_alive()


class _Limited(io.StringIO):
    """Keeps the first characters that are written and drops the others."""

    def write(self, text: str) -> int:
        super().write(text[: max(0, MOST_OUTPUT + 1 - self.tell())])
        return len(text)


@contextlib.contextmanager
def _limited_output() -> Iterator[None]:
    """Hold back what is printed, then print its beginning."""
    out, err = _Limited(), _Limited()
    try:
        with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
            yield
    finally:
        _pass_on(out.getvalue(), sys.stdout)
        _pass_on(err.getvalue(), sys.stderr)


def _pass_on(text: str, stream: TextIO | None) -> None:
    if not text or stream is None:
        return
    if len(text) > MOST_OUTPUT:
        text = text[:MOST_OUTPUT] + "\n... (the rest of the output is left out)\n"
    encoding = getattr(stream, "encoding", None) or "utf-8"
    stream.write(text.encode(encoding, "backslashreplace").decode(encoding))


def call(function: Callable[..., Any], *arguments: Any, **options: Any) -> Any:
    """Call a reader's function on copies of the arguments.

    Raises:
        Wrong: it is not a function, it raised, it changed an argument, or it returned nothing.
    """
    if function is None or function is ...:
        raise Wrong("no function yet; replace the dots by its name")
    if not callable(function):
        raise Wrong("give the function itself: its name, without parentheses after it")
    name = _name(function)
    given, given_options = copy.deepcopy(arguments), copy.deepcopy(options)
    try:
        result = function(*given, **given_options)
    except (KeyboardInterrupt, _Stop):
        raise
    except BaseException as error:
        shown = [describe(argument) for argument in arguments]
        shown += [f"{key}={describe(value)}" for key, value in options.items()]
        raise Wrong(f"{name}({', '.join(shown)}) raised {_error(error)}") from None
    if result is None or result is ...:
        raise Wrong(f"{name} returns nothing yet: replace the dots with your code and return the result")
    pairs = zip([*arguments, *options.values()], [*given, *given_options.values()], strict=True)
    for position, (before, after) in enumerate(pairs, start=1):
        if not _unchanged(before, after):
            raise Wrong(
                f"{name} changes argument number {position} in place, and the caller loses that data: "
                "work on a copy, such as array.copy() or list(values)"
            )
    return result


def _unchanged(before: Any, after: Any) -> bool:
    if isinstance(before, np.ndarray):
        return before.shape == after.shape and np.array_equal(before, after)
    return bool(before == after)


def describe(value: Any) -> str:
    """Write a value on one short line: small arrays in full, large ones by their shape."""
    if isinstance(value, np.ndarray):
        return _cut(str(value.tolist()), LONGEST_VALUE) if value.size <= 9 else f"array of shape {value.shape}"
    try:
        return _cut(_BRIEF.repr(value), LONGEST_VALUE)
    except (KeyboardInterrupt, _Stop):
        raise
    except BaseException:  # of the reader's own __repr__
        return f"a value of type {type(value).__name__} that cannot be shown"


_BRIEF = reprlib.Repr()
_BRIEF.maxlist = _BRIEF.maxtuple = 9
_BRIEF.maxstring = _BRIEF.maxother = _BRIEF.maxlong = 60


def _name(function: Any) -> str:
    try:
        name = function.__name__
    except Exception:
        name = None
    return _cut(name, 60) if isinstance(name, str) else "your function"


def _error(error: BaseException) -> str:
    try:
        message = str(error)
    except Exception:
        message = ""
    return _cut(f"{type(error).__name__}: {message}" if message else type(error).__name__, 300)


def _cut(text: str, most: int) -> str:
    return text if len(text) <= most else f"{text[: most - 2]} …"


def require_answer(answer: Any, case: str) -> None:
    """Reject the dots of the exercise, or None, where an answer should be.

    Raises:
        Wrong: the answer is missing.
    """
    if answer is None or answer is ...:
        raise Wrong(f"{case}: no answer yet; replace the dots")


def items(answer: Any, count: int, case: str, what: str, *, fewer: bool = False) -> list[Any]:
    """Read an answer of several parts: a list, a tuple, a range, an array or a tensor along its first axis.

    Args:
        answer: what the reader gave.
        count: how many parts there should be.
        case: which question this is, the beginning of the hint.
        what: the parts in words, such as "six sizes".
        fewer: whether fewer parts are acceptable as well.

    Raises:
        Wrong: the answer is missing, has no parts in order, or another number of them.
    """
    require_answer(answer, case)
    if isinstance(answer, (str, bytes, Mapping, Set)):
        raise Wrong(f"{case}: give {what}, not {describe(answer)}")
    try:
        parts = list(islice(iter(answer), count + 1))  # never the whole of it: an iterator may be endless
    except TypeError:
        raise Wrong(f"{case}: give {what}, not {describe(answer)}") from None
    if len(parts) > count or (len(parts) < count and not fewer):
        number = f"more than {count}" if len(parts) > count else len(parts)
        raise Wrong(f"{case}: give {what}; you gave {number}")
    return parts


def truth(answer: Any, case: str) -> bool:
    """Read True or False: Python's own, or NumPy's or a tensor's single one.

    Raises:
        Wrong: the answer is missing or is anything else.
    """
    require_answer(answer, case)
    if isinstance(answer, bool):
        return answer
    # Lists are no single value, and NumPy would try to make an array of them.
    value = None if isinstance(answer, (list, tuple)) else np.asarray(answer)
    if value is None or value.dtype.kind != "b" or value.shape != ():
        raise Wrong(f"{case}: this should be a single True or False, not {describe(answer)}")
    return bool(value)


def numbers(answer: Any, case: str, *, finite: bool = True) -> NDArray[np.float64]:
    """Read numbers: a number, nested lists of numbers, an array, a tensor. Strings and True or False are none.

    Args:
        answer: what the reader gave.
        case: which question this is, the beginning of the hint.
        finite: whether to reject nan and infinity.

    Raises:
        Wrong: the answer is missing, or is not made of real numbers in equal rows.
    """
    require_answer(answer, case)
    leaves = [type(leaf) for leaf in islice(_leaves(answer), MOST_NUMBERS)]
    kinds = set(leaves)
    if len(leaves) == MOST_NUMBERS or kinds & {list, tuple}:
        raise Wrong(f"{case}: this holds far more numbers than are asked for")
    if kinds & {type(None), type(...)}:
        raise Wrong(f"{case}: an answer is missing; replace the dots")
    if kinds & {bool, np.bool_}:
        raise Wrong(f"{case}: True and False are not numbers here")
    if isinstance(answer, Iterator):
        raise Wrong(f"{case}: give a list or an array, not {describe(answer)}; list(…) makes one")
    try:
        array = np.asarray(answer)
    except ValueError:
        raise Wrong(f"{case}: the rows should have the same length, and in {describe(answer)} they have not") from None
    if array.dtype == object:
        array = _from_objects(array, case)
    if array.dtype.kind == "b":
        raise Wrong(f"{case}: True and False are not numbers here")
    if array.dtype.kind == "c":
        raise Wrong(f"{case}: these are complex numbers; take their real part")
    if array.dtype.kind not in "iufV":  # V holds the short floating-point types of other libraries
        raise Wrong(f"{case}: this should be numbers, and it is {describe(answer)}")
    try:
        values = array.astype(float)
    except (TypeError, ValueError):
        raise Wrong(f"{case}: this should be numbers, and it is {describe(answer)}") from None
    if finite:
        require_finite(values, case)
    return values


def require_finite(values: NDArray[np.float64], case: str) -> None:
    """Reject nan and infinity.

    Raises:
        Wrong: a value is not finite.
    """
    strange = np.argwhere(~np.isfinite(values))
    if len(strange):
        where = tuple(map(int, strange[0]))
        raise Wrong(
            f"{case}: the value{_place(where)} is {values[where]}, which is not a finite number; "
            "look for a division by 0 or for numbers that grow without limit"
        )


def _leaves(answer: Any) -> Iterator[Any]:
    """Yield what nested lists hold, depth first and without recursion, since a list may hold itself."""
    stack = [iter([answer])]
    while stack:
        for part in stack[-1]:
            if isinstance(part, (list, tuple)) and len(stack) < 32:  # NumPy has no more axes
                stack.append(iter(part))
                break
            yield part
        else:
            stack.pop()


def _from_objects(array: NDArray[Any], case: str) -> NDArray[np.float64]:
    """Make floats of Python objects that are numbers, such as fractions, decimals and integers of any size."""
    for value in array.ravel():
        if value is None or value is ...:
            raise Wrong(f"{case}: an answer is missing; replace the dots")
        if isinstance(value, (bool, np.bool_)):
            raise Wrong(f"{case}: True and False are not numbers here")
        if not isinstance(value, (abstract.Real, Decimal)):
            raise Wrong(f"{case}: this should be numbers, and it is {describe(value)}")
    try:
        return array.astype(float)
    except OverflowError:
        raise Wrong(f"{case}: a number this large cannot be right") from None


def expect(
    got: Any,
    right: ArrayLike,
    case: str,
    *,
    mistakes: Mistakes = (),
    within: float | None = None,
    reveal: bool = True,
) -> None:
    """Compare an answer with the right one.

    Args:
        got: the answer, a number or numbers.
        right: what it should be.
        case: which input or question this is, the beginning of the hint.
        mistakes: pairs of a hint and the answer that the misconception leads to; None where it leads to none.
        within: largest distance from the right answer. By default whole numbers must be exact, and others right to
            the precision of 32-bit floating point, within 1e-5, absolute or relative.
        reveal: whether the hint may say the right value; no where the value is the whole exercise.

    Raises:
        Wrong: the answer is missing, not a number, of another shape or of another value.
    """
    values, right = numbers(got, case), np.asarray(right)
    if within is None:
        absolute, relative = (1e-6, 0.0) if right.dtype.kind in "iu" else (1e-5, 1e-5)
    else:
        absolute, relative = within * (1 + 1e-6), 0.0  # a rounded answer may lie on the limit itself

    def equals(other: NDArray[Any], absolute: float, relative: float) -> bool:
        return values.shape == other.shape and np.allclose(values, other, rtol=relative, atol=absolute)

    if equals(right, absolute, relative):
        return
    # A wrong answer is recognised to the same number of digits as the right one, which may be far larger or smaller.
    digits = relative if within is None else within / float(np.abs(right).max())
    for hint, mistake in mistakes:
        if mistake is not None:
            wrong = np.asarray(mistake)
            if equals(wrong, min(absolute, 0.05 * float(np.abs(wrong).max(initial=0))), digits):
                raise Wrong(f"{case}: {hint}")
    if values.shape != right.shape:
        raise Wrong(f"{case}: the shape is {values.shape} and should be {right.shape}")
    off = ~np.isclose(values, right, rtol=relative, atol=absolute)
    where = tuple(map(int, np.argwhere(off)[0]))
    should = f" and should be {_written(right[where])}" if reveal else ", which is not right"
    raise Wrong(f"{case}: the value{_place(where)} is {_written(values[where])}{should}")


def _place(where: tuple[int, ...]) -> str:
    if not where:
        return ""
    return f" at {where if len(where) > 1 else where[0]}"


def _written(value: float) -> str:
    return f"{value:,.0f}" if value == round(value) and abs(value) < 1e12 else f"{value:.6g}"
