"""Each line of Markdown holds one sentence, so that a change shows in a comparison as the sentence that it is."""

import re

import nbformat

from ..repository.tree import files

BLOCK = re.compile(r"```.*?```|\$\$.*?\$\$|<!--.*?-->", re.DOTALL)
INLINE = re.compile(r"`[^`]*`|\$[^$]*\$|<[^>]*>")
NOT_PROSE = re.compile(r"\s*[|:]")  # a row of a table, an option of a directive
MARKER = re.compile(r"[\s>#]*(?:[-*+] |\d+\. )?")  # what makes a line a quotation, a heading or an item
ABBREVIATIONS = ("al", "cf", "e.g", "Eq", "Fig", "i.e", "No", "Sec", "vs")
# A word, the end of a sentence, a space, a capital letter: a second sentence on the same line.
SECOND_SENTENCE = re.compile(r"([\w.]*\w)[)\]*_\"%]*[.!?][)\]*_\"]* +[\"(*_\[]*[A-Z]")


def crowded_lines(text: str) -> list[str]:
    """Return the lines of a Markdown text that hold a second sentence; code, maths, tables and options do not count."""
    return [
        line
        for line in BLOCK.sub("", text).splitlines()
        if not NOT_PROSE.match(line)
        and any(
            len(match[1]) > 1 and match[1] not in ABBREVIATIONS
            for match in SECOND_SENTENCE.finditer(INLINE.sub("code", MARKER.sub("", line, count=1)))
        )
    ]


def test_each_line_is_one_sentence():
    problems = [
        f"{path.name}: {line}"
        for path in files("*.ipynb")
        for cell in nbformat.read(path, as_version=4).cells
        if cell.cell_type == "markdown"
        for line in crowded_lines(cell.source)
    ]
    assert not problems, "\n".join(["A line of Markdown holds one sentence.", *problems])
