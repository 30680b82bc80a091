import pytest
from scipy.stats import binom, binomtest

from convbook.exercises import check


def hint(verdict) -> str:
    assert not verdict.passed
    return verdict.message


SPREAD = binom(10_000, 0.9944).std() / 100  # in points
NEEDED = 0.9944 * 0.0056 / 0.0002**2 / 1000


@pytest.mark.parametrize("points", [SPREAD, 0.07, 0.075])
@pytest.mark.parametrize("thousands", [NEEDED, 139.2, 139])
def test_the_right_standard_error_passes(points, thousands):
    assert check.standard_error(points, thousands).passed


@pytest.mark.parametrize(
    ("answers", "words"),
    [
        ((..., ...), "replace the dots"),
        ((0.07, ...), "the digits for 0.02 points: no answer yet"),
        ((SPREAD / 100, 139), "100 times the share"),
        ((0.9944 * 0.0056 / 100, 139), "the square root"),
        ((100 * SPREAD, 139), "a single digit"),
        ((0.997, 139), "the share that is wrong"),
        ((0.56, 139), "the error rate itself"),
        ((0.3, 139), "is not right"),
        ((0.07, 10 * SPREAD / 0.02), "with the square root"),
        ((0.07, 139_216), "give thousands"),
        ((0.07, 0.0139216), "a share of 0.0002"),
        ((0.07, 140), "round to the nearest whole number, and multiply"),
        ((0.07, 122.5), "rounded 0.07"),
        ((0.07, 122), "rounded 0.07"),
        ((0.07, 13.92), "how many times"),
        ((0.07, 129.2), "how many more"),
        ((0.07, 100), "is not right"),
    ],
)
def test_a_wrong_standard_error_gets_its_hint(answers, words):
    assert words in hint(check.standard_error(*answers))


RIGHT_P = [binomtest(49 - shared, 105 - 2 * shared).pvalue for shared in (0, 30, 49)]


def test_right_p_values_pass():
    errors = next(errors for errors in range(50, 200) if binomtest(19, errors - 11).pvalue < 0.05)
    assert check.mcnemar(RIGHT_P, errors).passed
    assert check.mcnemar([0.5584, 0.3713, 0.0156], 65).passed


@pytest.mark.parametrize(
    ("answers", "words"),
    [
        ((..., ...), "replace the dots"),
        ((RIGHT_P, ...), "errors of the second network: no answer yet"),
        (([RIGHT_P[0]] * 3, 65), "leave them out"),
        (([p / 2 for p in RIGHT_P], 65), "one-sided"),
        (([0.3163] * 3, 65), "the standard error of one accuracy"),
        (([0.4945] * 3, 65), "both networks read the same digits"),
        (
            ([binomtest(0, 56).pvalue, binomtest(26, 56).pvalue, binomtest(7, 56).pvalue], 65),
            "the ones that do not count",
        ),
        (([0.56, 0.37, 0.02], 65), "give three decimals"),
        (([0.5, 0.4, 0.3], 65), "is not right"),
        ((RIGHT_P, 35), "leaves out the errors that both make"),
        ((RIGHT_P, 16), "how many more errors"),
        ((RIGHT_P, 64), "still above 0.05"),
        ((RIGHT_P, 66), "a smaller number is enough"),
        ((RIGHT_P, 72), "if they share no error"),
    ],
)
def test_wrong_p_values_get_their_hint(answers, words):
    assert words in hint(check.mcnemar(*answers))
