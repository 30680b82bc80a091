"""No result is typed into the prose: it is glued from the run, asserted in a cell beside it, or exempt for a reason."""

import re
from pathlib import Path

import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook

from .prose import chapters, without_code

NUMERAL = r"\d+(?:,\d{3})*(?:\.\d+)?"
SHAPE = re.compile(rf"{NUMERAL}(?: ?× ?{NUMERAL})+")  # 3 × 3 names a kernel, it measures nothing
NAME = re.compile(
    r"\b(?:chapter|digit|epoch|exercise|layer|row|section|seed|step)s? \d+(?: (?:and|or|to) \d+)?", re.IGNORECASE
)
RESULT_WORDS = re.compile(r"accurac|\bparameters?\b|\bMACs?\b", re.IGNORECASE)
PERCENT = re.compile(rf"({NUMERAL}) ?(?:%|per cent)")

# By the sentence as it stands in the chapter: why its number may be typed.
EXEMPT: dict[str, str] = {
    "Build a network with at most 8,000 parameters that reaches a mean of 99.4 % on the test set.": (
        "the terms of a challenge, not a result"
    ),
    "One more goal is about time: a fixed recipe whose mean is at least 99.4 %, as the notes' run has it, in less than "
    "a minute on two CPU cores.": "the terms of a goal",
    "With a laptop's GPU others report a little over 99 % after one epoch and less than a second tuomaso2021; here no "
    "GPU was at hand.": "the result of others, cited",
    "Write a function from the results of some runs to the two ends of the interval that holds their mean with 95 % "
    "confidence.": "the terms of an exercise",
    "How many parameters have a 3 × 3 convolution from 16 channels to 16; a batch normalisation of 16 channels; "
    "the whole network; its trainable part?": "the question of an exercise",
}


def measured_numbers(sentence: str) -> list[str]:
    """Return the numerals of a sentence that state a result: with a %, or near accuracy, parameters or MACs."""
    sentence = NAME.sub(" ", SHAPE.sub(" ", sentence))
    if RESULT_WORDS.search(sentence):
        return re.findall(rf"(?<![\w.])({NUMERAL})(?![\w])", sentence)
    return PERCENT.findall(sentence)


def asserted(number: str, code: str) -> bool:
    """Say whether code asserts something with this number, as it stands, as 1_000 for 1,000 or as 0.05 for 5 %."""
    if "assert" not in code:
        return False
    plain = number.replace(",", "")
    forms = {plain, f"{float(plain) / 100:.10g}"}
    return any(form in forms for form in re.findall(r"(?<![\w.])\d[\d.]*", code.replace("_", "")))


def number_problems(notebook: nbformat.NotebookNode) -> list[str]:
    """Return the sentences with a typed result."""
    problems = []
    for index, cell in enumerate(notebook.cells):
        if cell.cell_type != "markdown":
            continue
        before = [other.source for other in notebook.cells[:index] if other.cell_type == "code"][-1:]
        after = [other.source for other in notebook.cells[index + 1 :] if other.cell_type == "code"][:1]
        for sentence in without_code(cell.source).splitlines():
            for number in measured_numbers(sentence):
                if not any(asserted(number, code) for code in before + after) and sentence.strip() not in EXEMPT:
                    problems.append(f"{number}: {sentence.strip()}")
    return problems


@pytest.mark.parametrize("path", chapters(), ids=lambda path: path.stem)
def test_no_result_is_typed(path: Path):
    problems = number_problems(nbformat.read(path, as_version=4))
    assert not problems, "\n".join(
        ["Glue these numbers, assert them in a cell beside, or list them in EXEMPT:", *problems]
    )


def test_every_exemption_is_in_use_and_has_a_reason():
    prose = [
        line.strip()
        for path in chapters()
        for cell in nbformat.read(path, as_version=4).cells
        for line in without_code(cell.source).splitlines()
    ]
    assert [sentence for sentence, reason in EXEMPT.items() if sentence not in prose or not reason] == []


@pytest.mark.parametrize(
    "wrong",
    [
        "It reaches 99.4 % on the test set.",
        "Its accuracy is 0.994.",
        "That makes 14,060 parameters.",
        "One image costs 1,930,432 MACs.",
        "- Dropout removes 10% of them.",
    ],
)
def test_typed_result_is_found(wrong):
    cells = [new_code_cell("assert x == 5"), new_markdown_cell(wrong), new_code_cell("y = 99.4")]
    assert len(number_problems(new_notebook(cells=cells))) == 1


@pytest.mark.parametrize(
    ("right", "code"),
    [
        ("It reaches {glue:text}`accuracy:.1f` %.", "x = 1"),
        ("That makes 14,060 parameters.", "assert count == 14_060"),
        ("Dropout removes 10 % of them.", "assert rate == 0.1"),
        ("A 3 × 3 kernel has parameters.", "x = 1"),
        ("Its accuracy depends on `seed=0`.", "x = 1"),
        ("Layer 5 has a jump of 2.", "x = 1"),
        ("The accuracy of epoch 1, and the parameters of layers 2 and 3.", "x = 1"),
    ],
)
def test_computed_result_passes(right, code):
    assert number_problems(new_notebook(cells=[new_markdown_cell(right), new_code_cell(code)])) == []
