"""Checks of chapter 11: how precise a score is, and comparisons of two networks."""

from collections.abc import Sequence
from math import comb, erfc, sqrt

from convbook.exercises.verdict import expect, gives_verdict

TEST_DIGITS = 10_000

# The notes' network, and the standard error that the exercise asks for.
READ_RIGHT = 9_944
POINTS = 0.02

# Two networks on the same test digits: their errors, and the numbers of shared errors to compare.
FEWER_ERRORS, MORE_ERRORS = 49, 56  # 99.51 % and 99.44 %
SHARED_ERRORS = (0, 30, 49)


@gives_verdict
def standard_error(points: float, thousands: float) -> str:
    """Check how precisely test digits measure a share of 0.9944.

    Args:
        points: the standard error of 9,944 right among 10,000, in percentage points.
        thousands: how many thousand digits it takes for a standard error of 0.02 points.
    """
    share = READ_RIGHT / TEST_DIGITS
    spread = 100 * sqrt(share * (1 - share))
    right = spread / sqrt(TEST_DIGITS)
    expect(
        points,
        right,
        "the standard error",
        mistakes=(
            ("give percentage points: 100 times the share", right / 100),
            ("take the square root", spread**2 / 100 / TEST_DIGITS),
            ("that is the spread of a single digit; a mean of n digits varies less", spread),
            ("multiply the share that is right by the share that is wrong", 100 * sqrt(share / TEST_DIGITS)),
            ("that is the error rate itself", 100 * (1 - share)),
        ),
        within=0.005,  # two decimals
        reveal=False,
    )
    needed = (spread / POINTS) ** 2 / 1000
    expect(
        thousands,
        needed,
        "the digits for 0.02 points",
        mistakes=(
            ("give thousands of digits", 1000 * needed),
            (
                "the standard error falls with the square root of the number of digits",
                TEST_DIGITS * right / POINTS / 1000,
            ),
            (
                "do not go on with the rounded 0.07; use the standard error with all its digits",
                (0.07 / POINTS) ** 2 * 10,
            ),
            ("0.02 points are a share of 0.0002", needed / 100**2),
            (
                "round to the nearest whole number, and multiply the share that is right by the share that is wrong",
                (1 - share) / (POINTS / 100) ** 2 / 1000,
            ),
            ("that is how many times as many digits", 1000 * needed / TEST_DIGITS),
            ("that is how many more digits", needed - TEST_DIGITS / 1000),
        ),
        within=0.5,  # a whole number of thousands
        reveal=False,
    )
    return "0.07 points from ten thousand digits, and for 0.02 points it takes about fourteen times as many"


@gives_verdict
def mcnemar(p_values: Sequence[float], errors: int) -> str:
    """Check 49 errors against 56 by McNemar's test.

    Args:
        p_values: the p-values if the two networks share 0, 30 or 49 errors.
        errors: how many errors the second network must make, 30 of them shared, for a p-value below 0.05.
    """
    first, second = FEWER_ERRORS, MORE_ERRORS
    right = [_two_sided(first - shared, second - shared) for shared in SHARED_ERRORS]
    one_error = erfc((second - first) / sqrt(first * (1 - first / TEST_DIGITS)) / sqrt(2))
    two_errors = erfc((second - first) / sqrt(first + second) / sqrt(2))
    expect(
        p_values,
        right,
        "the p-values",
        mistakes=(
            (
                "errors that both networks make say nothing about the difference: leave them out",
                [right[0]] * 3,
            ),
            (
                "that is a one-sided test; before the test, either network could be the better one",
                [p / 2 for p in right],
            ),
            (
                "that is the standard error of one accuracy, but the difference has the errors of both",
                [one_error] * 3,
            ),
            ("that is the test for two samples of digits, but both networks read the same digits", [two_errors] * 3),
            (
                "the shared errors are the ones that do not count",
                [_two_sided(shared, second - shared) for shared in SHARED_ERRORS],
            ),
            ("give three decimals, not two", [round(p, 2) for p in right]),
            ("follow the order of the exercise: no shared error first, 49 shared errors last", right[::-1]),
        ),
        within=0.0005,  # three decimals
        reveal=False,
    )
    shared = SHARED_ERRORS[1]
    alone = next(count for count in range(first - shared, TEST_DIGITS) if _two_sided(first - shared, count) < 0.05)
    expect(
        errors,
        shared + alone,
        "the errors of the second network",
        mistakes=(
            ("that leaves out the errors that both make", alone),
            ("that is how many more errors it must make; add them to the 49", shared + alone - first),
            ("with that number the p-value is still above 0.05", shared + alone - 1),
            (
                "that is the number if they share no error; here they share 30",
                next(count for count in range(first, TEST_DIGITS) if _two_sided(first, count) < 0.05),
            ),
            *(
                ("with that number the p-value is below 0.05, but a smaller number is enough", shared + alone + more)
                for more in range(1, 20)
            ),
        ),
        reveal=False,
    )
    return "what counts is how many digits only one of the two misreads"


def _two_sided(only_first: int, only_second: int) -> float:
    """Exact p-value of McNemar's test: the probability that a fair coin falls at least as unevenly."""
    count = only_first + only_second
    tail = sum(comb(count, heads) for heads in range(min(only_first, only_second) + 1)) / 2**count
    return min(1.0, 2 * tail)
