import numpy as np
import pytest

from convbook.exercises.verdict import Wrong, call, check, expect


@check
def double(function):
    """Check a doubling."""
    for number in (3, -2):
        expect(call(function, number), 2 * number, f"{number}", mistakes={"that is the square": number**2})
    return "right for two numbers"


def stub(x): ...


def test_a_right_answer_passes():
    verdict = double(lambda x: 2 * x)
    assert verdict.passed
    assert repr(verdict) == "✓ Passed: right for two numbers"
    assert 'class="check passed"' in verdict._repr_html_()


@pytest.mark.parametrize(
    ("answer", "hint"),
    [
        (stub, "stub returns nothing yet: replace the dots"),
        (5, "without parentheses"),
        (lambda x: x / 0, "<lambda>(3) raised ZeroDivisionError: division by zero"),
        (lambda x: "six", "3: this should be numbers, and it is 'six'"),
        (lambda x: [6], "3: the shape is (1,) and should be ()"),
        (lambda x: x**2, "3: that is the square"),
        (lambda x: 6, "-2: the value is 6 and should be -4"),
        (lambda x: float("nan"), "3: the value is nan and should be 6"),
    ],
)
def test_a_wrong_answer_gets_its_hint(answer, hint):
    verdict = double(answer)
    assert not verdict.passed
    assert hint in repr(verdict)
    assert "✗ Not yet:" in repr(verdict)
    assert 'class="check failed"' in verdict._repr_html_()


def test_a_hint_is_text_not_html():
    assert "&lt;lambda&gt;" in double(lambda x: x / 0)._repr_html_()


def test_the_first_wrong_place_is_named():
    with pytest.raises(Wrong, match=r"a map: the value at \(1, 0\) is 9 and should be 3"):
        expect([[1, 2], [9, 4]], [[1, 2], [3, 4]], "a map")


def test_a_value_can_be_kept_secret():
    with pytest.raises(Wrong) as problem:
        expect(5, 1234, "the sum", reveal=False)
    assert "1234" not in str(problem.value)


@pytest.mark.parametrize("missing", [None, ...])
def test_a_missing_answer_is_not_compared(missing):
    with pytest.raises(Wrong, match="the sum: no answer yet"):
        expect(missing, 3, "the sum")


def test_a_function_gets_copies():
    kernel = np.ones((2, 2))

    def careless(array):
        array *= 0
        return array

    call(careless, kernel)
    assert kernel.sum() == 4


def test_a_mistake_that_is_no_mistake_here_is_not_blamed():
    expect(4, 4, "2", mistakes={"that is the square": 4})


def test_a_large_argument_is_described_by_its_shape():
    with pytest.raises(Wrong, match=r"array of shape \(28, 28\), stride=2\) raised"):
        call(lambda image, stride: image[99], np.zeros((28, 28)), stride=2)
