"""Every check, run against every form of a right answer and against answers with one thing wrong."""

import pytest

from convbook.exercises import check
from convbook.exercises.verdict import Verdict

from .mutants import EXERCISES

NAMES = sorted(name for name, value in vars(check).items() if callable(value))
IN_PLACE = ("in_place", "in place", "changes its input")  # how the names of such mutants end


def test_every_check_is_here():
    assert sorted(EXERCISES) == NAMES, "a new check needs right and wrong answers in tests/package/mutants.py"


@pytest.mark.parametrize("name", EXERCISES)
def test_every_form_of_a_right_answer_passes(name):
    forms = EXERCISES[name].forms
    verdicts = {form: getattr(check, name)(*answers) for form, answers in forms.items()}
    refused = [f"{form}: {verdict.message}" for form, verdict in verdicts.items() if not verdict.passed]
    assert not refused, "\n".join(refused)


def fault(mutant: str, verdict: Verdict) -> str:
    """Say what is wrong with a verdict on a wrong answer; nothing if it is what it should be."""
    if verdict.kind == "untried":  # a function that does nothing is the stub of the exercise
        return ""
    if verdict.kind != "failed":
        return "passes"
    if len(verdict.message) > 600:
        return f"has a message of {len(verdict.message)} characters"
    if "cannot be used" in verdict.message:
        return "is found out by accident"
    if mutant.endswith(IN_PLACE) and "in place" not in verdict.message:
        return f"is not told that it changes its input, but: {verdict.message}"
    return ""


@pytest.mark.parametrize("name", EXERCISES)
def test_no_mutant_passes(name):
    mutants = EXERCISES[name].mutants
    faults = {mutant: fault(mutant, getattr(check, name)(*answers)) for mutant, answers in mutants.items()}
    assert not any(faults.values()), "\n".join(f"{mutant} {what}" for mutant, what in faults.items() if what)
