import itertools
import statistics
import sys
import threading
import time
from decimal import Decimal
from fractions import Fraction

import numpy as np
import pytest

from convbook.exercises import verdict as module
from convbook.exercises.verdict import Verdict, Wrong, call, describe, expect, gives_verdict, items, numbers, truth


@gives_verdict
def double(function):
    """Check a doubling."""
    for number in (3, -2):
        expect(call(function, number), 2 * number, f"{number}", mistakes=[("that is the square", number**2)])
    return "right for two numbers × 1"


@gives_verdict
def three(answer):
    """Check three numbers."""
    expect(items(answer, 3, "the three", "three numbers"), [1, 2, 3], "the three")
    return "right"


@gives_verdict
def half(answer):
    """Check a number to two decimals."""
    expect(answer, 0.123456, "the half", within=0.005)
    return "right"


def stub(x): ...


def test_a_right_answer_passes():
    verdict = double(lambda x: 2 * x)
    assert verdict.passed
    assert verdict.kind == "passed"
    assert verdict._repr_html_() == '<p class="check passed"><strong>✓ Passed:</strong> right for two numbers × 1</p>'


@pytest.mark.parametrize("kind", ["untried", "passed", "failed", "unverified"])
@pytest.mark.parametrize("encoding", ["ascii", "cp1252", "cp437"])
def test_a_verdict_prints_on_every_console(kind, encoding):
    text = repr(Verdict(kind, "a 3 × 3 kernel − ½ · σ² → ✓ \ud800"))
    assert text.encode(encoding)
    titles = {"untried": "Your turn: ", "passed": "Passed: ", "failed": "Not yet: ", "unverified": "Noted: "}
    assert text.startswith(titles[kind] + "a 3 x 3")


def documented_stub(x):
    """Double a number."""
    ...


@pytest.mark.parametrize(
    "answers",
    [(stub,), (documented_stub,), (...,), ([..., ...],), ({"first": ...},), (stub, ..., [...])],
)
def test_before_the_first_try_there_is_no_verdict(answers):
    verdict = gives_verdict(lambda *answers: "right")(*answers)
    assert verdict.kind == "untried" and not verdict.passed
    assert verdict._repr_html_() == (
        '<p class="check untried"><strong>○ Your turn:</strong> replace the dots with your answer</p>'
    )


@pytest.mark.parametrize("answers", [(stub, 3), ([..., 3],), ([],), ({},), ("...",), (len,)])
def test_an_answer_that_is_begun_gets_a_verdict(answers):
    assert gives_verdict(lambda *answers: "right")(*answers).kind != "untried"


def test_a_verdict_that_is_not_verified_has_not_passed():
    verdict = gives_verdict(lambda: Verdict("unverified", "taken on your word"))()
    assert not verdict.passed
    assert verdict._repr_html_().startswith('<p class="check unverified"><strong>✎ Noted:</strong>')


@pytest.mark.parametrize(
    ("answer", "hint"),
    [
        (
            lambda x: print(end=""),
            "<lambda> returns nothing yet: replace the dots with your code, and end it with `return`",
        ),
        (lambda x: ..., "<lambda> returns nothing yet"),
        (None, "no function yet"),
        (5, "without parentheses"),
        (lambda x: x / 0, "<lambda>(3) raised ZeroDivisionError: division by zero"),
        (lambda x: "six", "3: this should be numbers, not 'six'"),
        (lambda x: [6], "3: the shape is (1,) and should be ()"),
        (lambda x: x**2, "3: that is the square"),
        (lambda x: 6, "-2: the value is 6 and should be -4"),
        (lambda x: float("nan"), "3: the value is nan, which is not a finite number"),
        (lambda x: (x for _ in range(2)), "give a list or an array"),
        (lambda: 6, "raised TypeError"),
    ],
)
def test_a_wrong_answer_gets_its_hint(answer, hint):
    verdict = double(answer)
    assert verdict.kind == "failed"
    assert hint in verdict.message
    assert repr(verdict).startswith("Not yet: ")
    assert '<p class="check failed"><strong>✗ Not yet:</strong>' in verdict._repr_html_()


def test_an_error_is_traced_to_its_line_in_the_readers_cell():
    cell: dict = {}
    exec(compile("def halve(x):\n    y = x / 2\n    return y[0]\n", "<cell 3>", "exec"), cell)
    assert double(cell["halve"]).message.endswith(
        "raised TypeError: 'float' object is not subscriptable (line 3 of the cell)"
    )
    assert "raised TypeError" in (message := double(statistics.mean).message) and "line" not in message


def test_a_hint_is_text_not_html():
    assert "&lt;lambda&gt;" in double(lambda x: x / 0)._repr_html_()


def test_the_first_wrong_place_is_named():
    with pytest.raises(Wrong, match=r"a map: the value at \(1, 0\) is 9 and should be 3"):
        expect([[1, 2], [9, 4]], [[1, 2], [3, 4]], "a map")


def test_a_value_can_be_kept_secret():
    with pytest.raises(Wrong) as problem:
        expect(5, 1234, "the sum", reveal=False)
    assert "1234" not in str(problem.value)


@pytest.mark.parametrize("missing", [None, ..., [..., 3], [[1, None]], np.array([None])])
def test_a_missing_answer_is_not_compared(missing):
    with pytest.raises(Wrong, match=r"the sum: (no answer yet|an answer is missing)"):
        expect(missing, 3, "the sum")


def test_whole_numbers_are_exact_and_large_ones_too():
    expect(1_930_432.0, 1_930_432, "the total")
    with pytest.raises(Wrong, match="1,930,433"):
        expect(1_930_433, 1_930_432, "the total")


@pytest.mark.parametrize("answer", [0.123456, 0.12, 0.123, 0.1235, 0.12346])
def test_every_correctly_rounded_answer_is_accepted(answer):
    assert half(answer).passed


@pytest.mark.parametrize("answer", [0.1, 0.13, 0.129])
def test_answers_off_by_more_than_rounding_are_refused(answer):
    assert not half(answer).passed


def test_a_mistake_that_is_not_one_here_is_not_blamed():
    expect(4, 4, "2", mistakes=[("that is the square", 4), ("not applicable", None)])


@pytest.mark.parametrize(
    "answer",
    [
        [1, 2, 3],
        (1.0, 2, 3),
        range(1, 4),
        np.array([1, 2, 3], np.uint8),
        np.array([1, 2, 3], np.float32),
        np.array([1, 2, 3], object),
        [np.float32(1), np.int64(2), np.array(3)],
        [Fraction(1), Decimal(2), 3],
        iter([1, 2, 3]),
    ],
)
def test_every_form_of_three_numbers_is_read(answer):
    assert three(answer).passed


class Bad:
    """An answer that fails in every method."""

    def __init__(self, error=None):
        self.error = error or ValueError("bad" * 100_000)

    def fail(self, *arguments, **options):
        raise self.error

    __array__ = __iter__ = __len__ = __eq__ = __repr__ = __str__ = __float__ = __bool__ = __getitem__ = __hash__ = fail


class BadRepr(list):
    def __repr__(self):
        raise SystemExit("no")


class BadError(Exception):
    def __str__(self):
        raise RuntimeError("an error about an error")


class Odd(BaseException): ...


def loop_in_itself():
    loop = []
    loop += [loop, loop]
    return loop


NONSENSE = {
    "a string": "123",
    "strings": ["1", "2", "3"],
    "bytes": b"123",
    "bools": [True, 2, 3],
    "an array of bools": np.array([True, False, True]),
    "nan": [1, 2, float("nan")],
    "infinity": [1, 2, float("inf")],
    "complex": [1, 2, 3j],
    "a huge integer": [10**400, 2, 3],
    "a longer integer": [10**5000, 2, 3],
    "a set": {1, 2, 3},
    "a dictionary": {1: 1, 2: 2, 3: 3},
    "ragged": [[1], [2, 3], [4]],
    "arrays of different lengths": [np.ones(2), np.ones(3), 1],
    "too many": [1, 2, 3, 4],
    "endless": itertools.count(1),
    "nested in itself": loop_in_itself(),
    "a number": 26,
    "a 0-d array": np.array(26),
    "a function": len,
    "a type": int,
    "a date": np.array(["2020-01-01"] * 3, "datetime64[D]"),
    "a structured array": np.zeros(3, "i4,i4"),
    "failing methods": Bad(),
    "failing methods in a list": [Bad(), Bad(), Bad()],
    "an exit": Bad(SystemExit(3)),
    "an odd exception": Bad(Odd()),
    "an error that cannot be shown": Bad(BadError()),
    "an exit from repr": BadRepr(["x", "y", "z"]),
    "long strings": ["x" * 10**6] * 3,
    "lone surrogate": ["\ud800", 2, 3],
}


@pytest.mark.parametrize("answer", NONSENSE.values(), ids=NONSENSE)
@pytest.mark.parametrize("check", [three, half, double, lambda answer: double(lambda x: answer)])
def test_nonsense_gets_a_short_hint(check, answer):
    verdict = check(answer)
    assert verdict.kind == "failed"
    assert len(repr(verdict)) < 1000
    assert verdict._repr_html_().encode()


@pytest.mark.parametrize("error", [SystemExit(1), GeneratorExit(), Odd("odd"), BadError(), ValueError("long" * 10**6)])
def test_whatever_a_function_raises_is_a_hint(error):
    def raising(x):
        raise error

    verdict = double(raising)
    assert f"raising(3) raised {type(error).__name__}" in verdict.message
    assert len(verdict.message) < 700


def test_endless_recursion_is_a_hint():
    def deeper(x):
        return deeper(x)

    assert "RecursionError" in double(deeper).message


def test_an_interrupt_of_the_reader_interrupts():
    def interrupted(x):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        double(interrupted)


@pytest.mark.parametrize("answers", [(), (1, 2)])
def test_a_check_called_with_other_answers_gets_a_hint(answers):
    assert "call check.double as in the exercise" in double(*answers).message


def endless(x):
    while True:
        pass


def stubborn(x):
    """Catch the first exception that should end the loop."""
    try:
        endless(x)
    except BaseException:
        endless(x)


def sleepy(x):
    time.sleep(30)


class EndlessLength(list):
    def __iter__(self):
        endless(0)


@pytest.mark.parametrize("answer", [endless, stubborn, lambda x: EndlessLength()])
def test_an_endless_loop_is_stopped(monkeypatch, answer):
    monkeypatch.setattr(module, "SECONDS", 0.3)
    before = threading.active_count()
    start = time.monotonic()
    verdict = double(answer)
    assert time.monotonic() - start < 3
    assert f"{answer.__name__} did not finish within 0.3 seconds: look for a loop" in verdict.message
    assert threading.active_count() == before


def test_what_cannot_be_stopped_is_given_up(monkeypatch):
    monkeypatch.setattr(module, "SECONDS", 0.2)
    assert "restart the kernel" in double(sleepy).message


def test_a_check_runs_in_a_thread_as_well():
    verdicts = []
    thread = threading.Thread(target=lambda: verdicts.append(double(lambda x: 2 * x)))
    thread.start()
    thread.join()
    assert verdicts[0].passed


def test_a_check_takes_ten_seconds_at_most():
    assert module.SECONDS + 1 <= 10


def test_in_a_web_page_there_are_no_threads(monkeypatch):
    monkeypatch.setattr(sys, "platform", "emscripten")
    monkeypatch.setattr(threading.Thread, "start", Bad.fail)
    assert double(lambda x: 2 * x).passed
    assert not double(lambda x: x).passed


def test_prints_are_shown_and_limited(capsys):
    def chatty(x):
        print("here", x)
        print("y" * 10**6)
        print("on stderr", file=sys.stderr)
        return 2 * x

    assert double(chatty).passed
    out, err = capsys.readouterr()
    assert out.startswith("here 3\n")
    assert "the rest of the output is left out" in out
    assert len(out) < 3000
    assert err == "on stderr\n" * 2


def test_a_function_gets_copies_and_must_not_change_them():
    kernel, rows = np.ones((2, 2)), [[1], [2]]

    def careless(array, lists):
        array *= 0
        return 1

    def careless_with_lists(array, lists):
        lists[0].append(2)
        return 1

    with pytest.raises(Wrong, match="careless changes argument number 1 in place"):
        call(careless, kernel, rows)
    with pytest.raises(Wrong, match="careless_with_lists changes argument number 2 in place"):
        call(careless_with_lists, kernel, rows)
    assert kernel.sum() == 4
    assert rows == [[1], [2]]


def test_a_large_argument_is_described_by_its_shape():
    with pytest.raises(Wrong, match=r"array of shape \(28, 28\), stride=2\) raised"):
        call(lambda image, stride: image[99], np.zeros((28, 28)), stride=2)


@pytest.mark.parametrize("value", [[[1] * 10**5] * 9, "x" * 10**6, 10**4000, Bad(), np.ones(9) / 7])
def test_descriptions_are_short(value):
    assert len(describe(value)) <= 120


@pytest.mark.parametrize("yes", [True, np.True_, np.array(True)])
def test_every_form_of_true_is_read(yes):
    assert truth(yes, "x") is True


@pytest.mark.parametrize("answer", [1, 1.0, "True", [True], np.ones(2, bool), ..., None, Fraction(1)])
def test_what_is_not_true_or_false_is_refused(answer):
    with pytest.raises(Wrong):
        truth(answer, "x")


def test_tensors_are_numbers():
    tf = pytest.importorskip("tensorflow")
    for dtype in ("int32", "float32", "float64", "float16", "bfloat16"):
        np.testing.assert_array_equal(numbers(tf.constant([1, 2], dtype), "x"), [1, 2])
    np.testing.assert_array_equal(numbers([tf.constant(1), tf.constant(2)], "x"), [1, 2])
    assert items(tf.constant([1, 2]), 2, "x", "two")[1] == 2
    assert truth(tf.constant(True), "x")
    for wrong in (tf.constant("1"), tf.constant(True)):
        with pytest.raises(Wrong):
            numbers(wrong, "x")
