"""The verdict of a check on an answer: passed, not yet (with a hint), or noted if it cannot be verified.

Before the reader has written anything there is no verdict, but an invitation.

A check is a function with the decorator ``@gives_verdict``. It raises ``Wrong`` at the first mistake and otherwise
returns a summary of what passed. Whatever the reader wrote, the result is a verdict, without a traceback, an endless
wait or a flood of output. Only a keyboard interrupt ends a check without a verdict.
"""

from __future__ import annotations

import contextlib
import contextvars
import copy
import ctypes
import dis
import functools
import inspect
import io
import numbers as abstract
import re
import reprlib
import sys
import threading
import time
import traceback
from collections.abc import Callable, Iterator, Mapping, Sequence, Set
from dataclasses import dataclass
from decimal import Decimal
from html import escape
from itertools import islice
from pathlib import Path
from typing import Any, Literal, TextIO

import numpy as np
from numpy.typing import ArrayLike, NDArray

SECONDS = 9  # limit for a whole check; stopping it may need another second, so a reader waits at most ten
MOST_OUTPUT = 2_000  # characters that a reader's function may print
LONGEST_MESSAGE = 600  # characters
LONGEST_VALUE = 120  # characters of one value in a message
MOST_NUMBERS = 1_000_000  # in the lists of one answer

Kind = Literal["untried", "passed", "failed", "unverified"]
Mistakes = Sequence[tuple[str, ArrayLike | None]]

TITLES: dict[Kind, str] = {
    "untried": "Your turn:",
    "passed": "Passed:",
    "failed": "Not yet:",
    "unverified": "Noted:",
}
MARKS: dict[Kind, str] = {"untried": "○", "passed": "✓", "failed": "✗", "unverified": "✎"}

# A console may support few characters (cp1252 on Windows, ASCII), so plain text replaces these.
PLAIN = str.maketrans(
    {"×": "x", "·": "*", "−": "-", "–": "-", "…": "...", "²": "^2", "½": "1/2", "¼": "1/4", "→": "->"}
)


class Wrong(Exception):
    """Raised by a check with a hint that helps to correct the answer."""


class _Stop(SystemExit):
    """Ends the thread of a check that ran out of time. For a SystemExit, ``threading`` prints no traceback."""


@dataclass(frozen=True)
class Verdict:
    """The result of a check; a notebook shows it as a coloured line, a console as plain ASCII.

    Attributes:
        kind: ``"untried"``, ``"passed"``, ``"failed"``, or ``"unverified"`` if part of the answer is taken on the
            reader's word.
        message: a summary of what passed or, if the answer is wrong, a hint.
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
        # An error message of the reader's code may contain a lone surrogate, which UTF-8 cannot encode.
        message = escape(self.message).encode("utf-8", "backslashreplace").decode()
        message = re.sub("`([^`]+)`", r"<code>\1</code>", message)
        return f'<p class="check {self.kind}"><strong>{MARKS[self.kind]} {TITLES[self.kind]}</strong> {message}</p>'


def gives_verdict(body: Callable[..., str | Verdict]) -> Callable[..., Verdict]:
    """Turn a function that raises ``Wrong`` or returns a summary into a check."""
    signature = inspect.signature(body)

    @functools.wraps(body)
    def wrapper(*answers: Any, **named_answers: Any) -> Verdict:
        try:
            signature.bind(*answers, **named_answers)
        except TypeError as error:
            return Verdict("failed", f"call check.{body.__name__} as in the exercise: {error}")
        given = [*answers, *named_answers.values()]
        if given and all(map(_is_untouched, given)):
            return Verdict("untried", "replace the dots with your answer")
        subject = next((_name(answer) for answer in answers if callable(answer)), "the check of your answer")
        verdict = _in_time(lambda: _judge(body, answers, named_answers), subject)
        return Verdict(verdict.kind, _cut(verdict.message, LONGEST_MESSAGE))

    return wrapper


def _is_untouched(answer: Any) -> bool:
    """Say whether an answer is still what the exercise gives: dots, several of them, or a function of nothing else."""
    if isinstance(answer, (list, tuple)):
        return bool(answer) and all(part is ... for part in answer)
    if isinstance(answer, dict):
        return bool(answer) and all(part is ... for part in answer.values())
    return answer is ... or (inspect.isfunction(answer) and _steps(answer) == _steps(_stub))


def _stub() -> None: ...


def _steps(function: Callable[..., Any]) -> list[tuple[str, Any]]:
    return [(instruction.opname, instruction.argval) for instruction in dis.get_instructions(function)]


def _judge(body: Callable[..., str | Verdict], answers: Any, named_answers: Any) -> Verdict:
    try:
        with np.errstate(all="ignore"):  # no warnings: an overflow or a division by 0 shows in the result
            result = body(*answers, **named_answers)
    except Wrong as problem:
        return Verdict("failed", str(problem))
    except (KeyboardInterrupt, _Stop):
        raise
    except BaseException as error:  # raised by a method of the answer, such as __array__ or __len__
        return Verdict("failed", f"this answer cannot be used: {_error(error)}")
    return result if isinstance(result, Verdict) else Verdict("passed", result)


def _in_time(judge: Callable[[], Verdict], subject: str) -> Verdict:
    """Run a check in a separate thread, with a limit on its time and on what it prints.

    A thread works on every platform, outside the main thread too, and can be abandoned if it does not stop. An alarm
    signal would need Linux or macOS and the main thread, and would replace the alarm of other code. A compiled function
    that never returns to Python, such as ``sum`` of an endless iterator, cannot be stopped.
    """
    if sys.platform == "emscripten":  # a web page has no threads, but it can stop its worker
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
    """Raise an exception in the thread until it ends, repeatedly because a bare ``except`` may catch the first ones."""
    for _ in range(10):
        if not thread.is_alive():
            return True
        ctypes.pythonapi.PyThreadState_SetAsyncExc(ctypes.c_ulong(thread.ident or 0), ctypes.py_object(_Stop))
        thread.join(0.1)
    return not thread.is_alive()


class _Limited(io.StringIO):
    """Keeps the first characters written and drops the rest."""

    def write(self, text: str) -> int:
        super().write(text[: max(0, MOST_OUTPUT + 1 - self.tell())])
        return len(text)


@contextlib.contextmanager
def _limited_output() -> Iterator[None]:
    """Collect the output, then print its beginning."""
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
        raise Wrong("no function yet; replace the dots with its name")
    if not callable(function):
        raise Wrong("give the function itself: its name without parentheses")
    name = _name(function)
    given, given_options = copy.deepcopy(arguments), copy.deepcopy(options)
    try:
        result = function(*given, **given_options)
    except (KeyboardInterrupt, _Stop):
        raise
    except BaseException as error:
        shown = [describe(argument) for argument in arguments]
        shown += [f"{key}={describe(value)}" for key, value in options.items()]
        raise Wrong(f"{name}({', '.join(shown)}) raised {_error(error)}{_line(error, function)}") from None
    if result is None or result is ...:
        raise Wrong(
            f"{name} returns nothing yet: replace the dots with your code, and end it with `return` and the result; "
            "`print` shows a value but does not return it"
        )
    pairs = zip([*arguments, *options.values()], [*given, *given_options.values()], strict=True)
    for position, (before, after) in enumerate(pairs, start=1):
        if not _unchanged(before, after):
            raise Wrong(
                f"{name} changes argument number {position} in place, so the caller loses its data: "
                "work on a copy, such as array.copy() or list(values)"
            )
    return result


def _unchanged(before: Any, after: Any) -> bool:
    if isinstance(before, np.ndarray):
        return before.shape == after.shape and np.array_equal(before, after)
    return bool(before == after)


def describe(value: Any) -> str:
    """Describe a value in one short line: small arrays in full, large ones by their shape."""
    if isinstance(value, np.ndarray):
        return _cut(str(value.tolist()), LONGEST_VALUE) if value.size <= 9 else f"array of shape {value.shape}"
    try:
        return _cut(_BRIEF.repr(value), LONGEST_VALUE)
    except (KeyboardInterrupt, _Stop):
        raise
    except BaseException:  # raised by the reader's own __repr__
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


def _line(error: BaseException, function: Callable[..., Any]) -> str:
    """Name the line of the reader's cell in which an error was raised. A cell's code is in no file; a library's is."""
    file = getattr(getattr(function, "__code__", None), "co_filename", None)
    lines = [line for frame, line in traceback.walk_tb(error.__traceback__) if frame.f_code.co_filename == file]
    return f" (line {lines[-1]} of the cell)" if lines and not Path(str(file)).exists() else ""


def _cut(text: str, most: int) -> str:
    return text if len(text) <= most else f"{text[: most - 2]} …"


def require_answer(answer: Any, case: str) -> None:
    """Reject a missing answer: the dots of the exercise, or None.

    Raises:
        Wrong: the answer is missing.
    """
    if answer is None or answer is ...:
        raise Wrong(f"{case}: no answer yet; replace the dots")


def items(answer: Any, count: int, case: str, what: str, *, fewer: bool = False) -> list[Any]:
    """Split an answer into parts: a list, a tuple, a range, an array or a tensor along its first axis.

    Args:
        answer: the reader's answer.
        count: number of parts.
        case: name of the question, with which the hint begins.
        what: the parts in words, such as "six sizes".
        fewer: whether fewer parts are allowed as well.

    Raises:
        Wrong: the answer is missing, is not a sequence, or has the wrong number of parts.
    """
    require_answer(answer, case)
    if isinstance(answer, (str, bytes, Mapping, Set)):
        raise Wrong(f"{case}: give {what}, not {describe(answer)}")
    try:
        parts = list(islice(iter(answer), count + 1))  # no more, because an iterator may be endless
    except TypeError:
        raise Wrong(f"{case}: give {what}, not {describe(answer)}") from None
    if len(parts) > count or (len(parts) < count and not fewer):
        number = f"more than {count}" if len(parts) > count else len(parts)
        raise Wrong(f"{case}: give {what}; you gave {number}")
    return parts


def truth(answer: Any, case: str) -> bool:
    """Read True or False, from Python, from NumPy or from a tensor with a single value.

    Raises:
        Wrong: the answer is missing or something else.
    """
    require_answer(answer, case)
    if isinstance(answer, bool):
        return answer
    # A list is not a single value, but NumPy would convert it to an array.
    value = None if isinstance(answer, (list, tuple)) else np.asarray(answer)
    if value is None or value.dtype.kind != "b" or value.shape != ():
        raise Wrong(f"{case}: this should be a single True or False, not {describe(answer)}")
    return bool(value)


def numbers(answer: Any, case: str, *, finite: bool = True) -> NDArray[np.float64]:
    """Read a number, nested lists of numbers, an array or a tensor. Strings, True and False are refused.

    Args:
        answer: the reader's answer.
        case: name of the question, with which the hint begins.
        finite: whether to reject nan and infinity.

    Raises:
        Wrong: the answer is missing, or does not consist of real numbers in rows of equal length.
    """
    require_answer(answer, case)
    leaves = [type(leaf) for leaf in islice(_leaves(answer), MOST_NUMBERS)]
    kinds = set(leaves)
    if len(leaves) == MOST_NUMBERS or kinds & {list, tuple}:
        raise Wrong(f"{case}: this has far more numbers than the answer needs")
    if kinds & {type(None), type(...)}:
        raise Wrong(f"{case}: an answer is missing; replace the dots")
    if kinds & {bool, np.bool_}:
        raise Wrong(f"{case}: True and False are not numbers here")
    if isinstance(answer, Iterator):
        raise Wrong(f"{case}: give a list or an array, not {describe(answer)}; convert it with list(…)")
    try:
        array = np.asarray(answer)
    except ValueError:
        raise Wrong(f"{case}: the rows should have the same length, but in {describe(answer)} they differ") from None
    if array.dtype == object:
        array = _from_objects(array, case)
    if array.dtype.kind == "b":
        raise Wrong(f"{case}: True and False are not numbers here")
    if array.dtype.kind == "c":
        raise Wrong(f"{case}: these are complex numbers; take their real part")
    if array.dtype.kind not in "iufV":  # V stands for the short floating-point types of other libraries
        raise Wrong(f"{case}: this should be numbers, not {describe(answer)}")
    try:
        values = array.astype(float)
    except (TypeError, ValueError):
        raise Wrong(f"{case}: this should be numbers, not {describe(answer)}") from None
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
            "look for a division by 0 or numbers that grow without limit"
        )


def _leaves(answer: Any) -> Iterator[Any]:
    """Yield the elements of nested lists, depth first and without recursion, because a list may contain itself."""
    stack = [iter([answer])]
    while stack:
        for part in stack[-1]:
            if isinstance(part, (list, tuple)) and len(stack) < 32:  # NumPy allows no more axes
                stack.append(iter(part))
                break
            yield part
        else:
            stack.pop()


def _from_objects(array: NDArray[Any], case: str) -> NDArray[np.float64]:
    """Convert Python objects that are numbers, such as fractions, decimals and large integers, to floats."""
    for value in array.ravel():
        if value is None or value is ...:
            raise Wrong(f"{case}: an answer is missing; replace the dots")
        if isinstance(value, (bool, np.bool_)):
            raise Wrong(f"{case}: True and False are not numbers here")
        if not isinstance(value, (abstract.Real, Decimal)):
            raise Wrong(f"{case}: this should be numbers, not {describe(value)}")
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
    names: Sequence[str] | None = None,
) -> None:
    """Compare an answer with the right one.

    Args:
        got: the answer, one or more numbers.
        right: the right answer.
        case: name of the input or question, with which the hint begins.
        mistakes: pairs of a hint and the answer that the mistake leads to, or None if the mistake does not apply to
            this case.
        within: largest distance from the right answer. By default integers must be exact, and other numbers right to
            1e-5, absolute or relative, for the precision of 32-bit floating point.
        reveal: whether the hint may tell the right value; False if the value is the whole exercise.
        names: what the values of a list are, such as "the first row"; without them the hint names a position.

    Raises:
        Wrong: the answer is missing, is not a number, or has the wrong shape or value.
    """
    values, right = numbers(got, case), np.asarray(right)
    if within is None:
        absolute, relative = (1e-6, 0.0) if right.dtype.kind in "iu" else (1e-5, 1e-5)
    else:
        absolute, relative = within * (1 + 1e-6), 0.0  # a rounded answer may lie exactly on the limit

    def equals(other: NDArray[Any], absolute: float, relative: float) -> bool:
        return values.shape == other.shape and np.allclose(values, other, rtol=relative, atol=absolute)

    if equals(right, absolute, relative):
        return
    # Wrong answers are recognised to the same relative precision, because they may be far larger or smaller.
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
    what = names[where[0]] if names else f"the value{_place(where)}"
    raise Wrong(f"{case}: {what} is {_written(values[where])}{should}")


def _place(where: tuple[int, ...]) -> str:
    if not where:
        return ""
    return f" at {where if len(where) > 1 else where[0]}"


def _written(value: float) -> str:
    return f"{value:,.0f}" if value == round(value) and abs(value) < 1e12 else f"{value:.6g}"
