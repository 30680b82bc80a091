"""Every check, run against every form of a right answer and against answers with one thing wrong."""

import pytest

from convbook.exercises import check

from .mutants import EXERCISES

NAMES = sorted(name for name, value in vars(check).items() if callable(value))


def cases(kind):
    return [
        pytest.param(name, answers, id=f"{name}-{which}")
        for name, exercise in EXERCISES.items()
        for which, answers in getattr(exercise, kind).items()
    ]


def test_every_check_is_here():
    assert sorted(EXERCISES) == NAMES


@pytest.mark.parametrize(("name", "answers"), cases("forms"))
def test_every_form_of_a_right_answer_passes(name, answers):
    verdict = getattr(check, name)(*answers)
    assert verdict.passed, verdict


@pytest.mark.parametrize(("name", "answers"), cases("mutants"))
def test_no_mutant_passes(name, answers):
    verdict = getattr(check, name)(*answers)
    assert verdict.kind == "failed"
    assert len(verdict.message) <= 600
    assert "cannot be used" not in verdict.message, "what is wrong was found by accident"


IN_PLACE = [case for case in cases("mutants") if case.id.endswith(("in_place", "in place", "changes its input"))]


@pytest.mark.parametrize(("name", "answers"), IN_PLACE)
def test_a_right_value_from_a_changed_argument_is_named(name, answers):
    assert "in place" in getattr(check, name)(*answers).message
