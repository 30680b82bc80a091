"""No result is typed into the text of a chapter: prose, titles of boxes, captions and alt texts.

A result is what a run or a measurement gives, so it changes when something is trained or measured again, and a typed
copy of it does not. Settings, definitions and sizes that follow by design may be typed. In place of a typed result:

* in prose and in captions, glue it: compute it in a cell, ``glue(test_accuracy=99.4)``, and write
  ``{glue:text}`test_accuracy:.2f```. MyST-NB reads captions as Markdown, so the role works there too, and the cell
  with ``glue`` may come later on the page;
* in alt texts, which are plain strings, say it without the number ("ends just below the dotted line");
* where neither reads well, assert it: a number may be typed if an ``assert`` (or a call of ``glue``, for thresholds)
  holds the same number, in the figure's own cell or in the nearest code cell before or after the text. Assert what the
  text says, so that the cell fails when it no longer holds. 0.05 in the code covers 5 % in the text;
* a phrase whose number is no result, such as the terms of an exercise, goes into ``EXEMPT`` with its reason.

The rules for finding results are below; they cannot see results that are written as words ("a third").
"""

import ast
import re
from pathlib import Path

import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook

from .prose import chapters, picture_texts, sentences, titles, without_code

NUMERAL = r"\d+(?:,\d{3})*(?:\.\d+)?"
SHAPE = re.compile(rf"{NUMERAL}(?:[ \u00a0]?×[ \u00a0]?{NUMERAL})+")  # 3 × 3 names a kernel, it measures nothing
NAME = re.compile(
    r"\b(?:chapter|digit|epoch|exercise|layer|row|section|seed|step)s? \d+(?: (?:and|or|to) \d+)?", re.IGNORECASE
)
RESULT_WORDS = re.compile(r"accurac|\bparameters?\b|\bMACs?\b", re.IGNORECASE)
PERCENT = re.compile(rf"({NUMERAL}) ?(?:%|per cent)")

# Captions and alt texts describe what is drawn, so their numbers are results more often than those of the prose.
DECIMAL = re.compile(r"(?<![\w.,])\d+\.\d+(?!\w)")
APPROXIMATE = re.compile(rf"\b(?:about|almost|around|at least|near|nearly|roughly) ({NUMERAL})")
DRAWN_RESULT_WORDS = re.compile(rf"{RESULT_WORDS.pattern}|\berrors?\b|\bmistakes\b|\bmisread", re.IGNORECASE)
SIZE = re.compile(rf"{NUMERAL} (?:[\w-]+ )?(?:batches|digits|epochs|kernels|layers|pixels|runs|seeds)\b")

# Why the number in such a phrase may be typed; the sentence around it does not matter.
EXEMPT = {
    "at most 8,000 parameters": "the terms of a challenge",
    "a mean of 99.4 %": "the terms of a challenge",
    "at least 99.4 %": "the terms of a goal",
    "a little over 99 %": "the result of others, cited",
    "95 % confidence": "the level of an interval, a setting",
    "from 16 channels to 16": "the question of an exercise",
    "batch normalisation of 16 channels": "the question of an exercise",
}


def without_names(sentence: str) -> str:
    """Remove the numerals that name or size something, and the exempt phrases."""
    for phrase in EXEMPT:
        sentence = sentence.replace(phrase, " ")
    return NAME.sub(" ", SHAPE.sub(" ", sentence))


def measured_numbers(sentence: str) -> list[str]:
    """Return the numerals of a sentence that state a result: with a %, or near accuracy, parameters or MACs."""
    sentence = without_names(sentence)
    if RESULT_WORDS.search(sentence):
        return re.findall(rf"(?<![\w.])({NUMERAL})(?![\w])", sentence)
    return PERCENT.findall(sentence)


def drawn_numbers(sentence: str) -> list[str]:
    """Return the numerals of a caption's sentence that state a result: decimals and approximate ones as well."""
    sentence = SIZE.sub(" ", without_names(sentence))
    if DRAWN_RESULT_WORDS.search(sentence):
        return re.findall(rf"(?<![\w.])({NUMERAL})(?![\w])", sentence)
    found = [pattern.findall(sentence) for pattern in (PERCENT, DECIMAL, APPROXIMATE)]
    return list(dict.fromkeys(number for numbers in found for number in numbers))


def held_numbers(code: str) -> set[float]:
    """Return the numbers that stand in the asserts of a cell and in its calls of glue."""
    return {
        float(part.value)
        for node in ast.walk(ast.parse(code))
        if isinstance(node, ast.Assert) or (isinstance(node, ast.Call) and ast.unparse(node.func) == "glue")
        for part in ast.walk(node)
        if isinstance(part, ast.Constant) and type(part.value) in (int, float)
    }


def is_held(number: str, held: set[float]) -> bool:
    """Say whether a number of the text is among the held ones, as it stands or, for 5 %, as 0.05."""
    value = float(number.replace(",", ""))
    return value in held or round(value / 100, 12) in held


def typed_results(notebook: nbformat.NotebookNode) -> list[tuple[str, str, str]]:
    """Return every typed result as the number, the place where it stands and its sentence."""
    held = [held_numbers(cell.source) if cell.cell_type == "code" else None for cell in notebook.cells]
    found = []
    for index, cell in enumerate(notebook.cells):
        if cell.cell_type == "markdown":
            lines = [*titles(cell.source), *without_code(cell.source).splitlines()]
            numbers = [("text", line.strip(), measured_numbers(line)) for line in lines]
        else:
            name = cell.metadata.get("mystnb", {}).get("figure", {}).get("name", f"cell {index}")
            numbers = [
                (f"{kind} of {name}", sentence, drawn_numbers(sentence))
                for kind, text in picture_texts(cell).items()
                for sentence in sentences(text)
            ]
        before = [numbers for numbers in held[:index] if numbers is not None][-1:]
        after = [numbers for numbers in held[index + 1 :] if numbers is not None][:1]
        beside = set().union(*before, held[index] or set(), *after)
        found += [
            (number, place, sentence)
            for place, sentence, measured in numbers
            for number in measured
            if not is_held(number, beside)
        ]
    return found


@pytest.mark.parametrize("path", chapters(), ids=lambda path: path.stem)
def test_no_result_is_typed(path: Path):
    found = typed_results(nbformat.read(path, as_version=4))
    assert not found, "\n".join(
        [
            "These look like typed results. In text and captions glue the number, {glue:text}`name:.2f`; in alt texts",
            "leave it out; or assert it in the nearest code cell. tests/repository/test_numbers.py says how and why.",
            *(f"{number} in the {place}: {sentence}" for number, place, sentence in found),
        ]
    )


@pytest.mark.parametrize(
    "wrong",
    [
        "It reaches 99.4 % on the test set.",
        "Its accuracy is 0.994.",
        "That makes 14,060 parameters.",
        "One image costs 1,930,432 MACs.",
        "- Dropout removes 10% of them.",
        ":::{admonition} Now 99.4 % are right\n:class: tip\n\nNobody knows why.\n:::",
    ],
)
def test_typed_result_is_found(wrong):
    cells = [new_code_cell("assert x == 5\nz = 10"), new_markdown_cell(wrong), new_code_cell("y = 99.4")]
    assert len(typed_results(new_notebook(cells=cells))) == 1


@pytest.mark.parametrize(
    ("right", "code"),
    [
        ("It reaches {glue:text}`accuracy:.1f` %.", "x = 1"),
        ("That makes 14,060 parameters.", "assert count == 14_060"),
        ("Dropout removes 10 % of them.", "assert rate == 0.1"),
        ("In 3 cases it is less than {glue:text}`x` sure, which is below 90 %.", "glue(x=(sure < 0.9).sum())"),
        ("A 3 × 3 kernel has parameters.", "x = 1"),
        ("Its accuracy depends on `seed=0`.", "x = 1"),
        ("Layer 5 has a jump of 2.", "x = 1"),
        ("The accuracy of epoch 1, and the parameters of layers 2 and 3.", "x = 1"),
        ("An interval that holds the mean accuracy with 95 % confidence.", "x = 1"),
    ],
)
def test_computed_result_passes(right, code):
    assert typed_results(new_notebook(cells=[new_markdown_cell(right), new_code_cell(code)])) == []


def figure(code: str, caption: str = "A figure.", alt: str = "A curve.") -> nbformat.NotebookNode:
    return new_code_cell(
        code, metadata={"mystnb": {"figure": {"name": "fig-curve", "caption": caption}, "image": {"alt": alt}}}
    )


@pytest.mark.parametrize("part", ["caption", "alt"])
@pytest.mark.parametrize(
    "wrong",
    [
        "The training accuracy rises to about 0.958.",
        "Top: the loss. Its last value lies near 0.09.",
        "The marks spread from {glue:text}`low:.2f` to 99.55 %.",
        "The steps end at 54 errors on 5,000 held-out digits.",
        "The line crosses the dotted one just before 10 channels, at about 9.",
    ],
)
def test_typed_result_is_found_in_the_words_of_a_picture(wrong, part):
    cells = [new_code_cell("assert x == 5"), figure("ceiling = 0.958, 0.09, 99.55", **{part: wrong})]
    ((_, place, _),) = typed_results(new_notebook(cells=cells))
    assert place == {"caption": "caption of fig-curve", "alt": "alt text of fig-curve"}[part]


@pytest.mark.parametrize(
    "right",
    [
        "Over 20 epochs the training accuracy rises and ends just below the dotted ceiling.",
        "It ends at {glue:text}`accuracy:.2f` %.",
        "Four maps: of 26 × 26 pixels, of 13 × 13, and of 24 × 24 with thicker edges.",
        "The orange frame grows from 3 pixels to 28.",
        "Errors on the 5,000 held-out digits after 20 epochs.",
        "Two grids of cells, 1 2 3 2 1 in the first row.",
    ],
)
def test_settings_and_sizes_may_be_typed_in_the_words_of_a_picture(right):
    assert typed_results(new_notebook(cells=[figure("draw()", caption=right, alt=right)])) == []


@pytest.mark.parametrize(("place", "found"), [(0, 1), (1, 0), (2, 0), (3, 0), (4, 1)])
def test_an_assert_in_the_nearest_cells_allows_a_result_in_the_words_of_a_picture(place, found):
    code = ["x = 1"] * 5
    code[place] = "assert round(100 * means[8]) == 89"
    cells = [new_code_cell(source) for source in code]
    cells[2] = figure(code[2], alt="A curve falls to 89 %.")
    assert len(typed_results(new_notebook(cells=cells))) == found
