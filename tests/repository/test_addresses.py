"""The project speaks of itself alone: no path of somebody's machine, no package registry, no address of its own."""

import json
import os
import re

from .tree import ROOT, files


def either(*words: str) -> str:
    return f"(?:{'|'.join(map(re.escape, words))})"


# Put together from pieces, so that this file does not contain what it forbids.
REGISTRIES = either(".".join(["pypi", "org"]) + "/simple", "files." + "pythonhosted", "registry." + "npmjs")
FORBIDDEN = {
    "a path of one machine": r"(?<![\w.~>})])/" + either("work", "root", "home", "Users") + r"/[\w.]",
    "a folder outside the repository": r"\.\./" + "shared",
    "a package registry": REGISTRIES,
}


def own_address(repository: str) -> str:
    """Return a pattern for the address of this repository or of its site, whoever owns it: it follows the clone."""
    return r"(?:github\.com[/:]|github/)[\w.-]+/" + re.escape(repository) + r"|\.github\.io/" + re.escape(repository)


def address_problems(data: bytes, repository: str) -> list[str]:
    """Return what a file says that it should not, each with the words around it."""
    text = data.decode("utf-8", errors="replace")
    patterns = FORBIDDEN | {"this repository's address": own_address(repository)}
    return [
        f"{what}: …{text[max(match.start() - 30, 0) : match.end() + 30]!r}…"
        for what, pattern in patterns.items()
        for match in re.finditer(pattern, text, re.IGNORECASE)
    ]


def repositories() -> set[str]:
    """Return the names this repository goes by: its own, and on GitHub the one that it was forked to."""
    return {
        json.loads((ROOT / "package.json").read_text(encoding="utf-8"))["name"],
        os.environ.get("GITHUB_REPOSITORY", "").rpartition("/")[2],
    } - {""}


def test_files_speak_of_the_project_alone():
    problems = [
        f"{path.relative_to(ROOT)}: {problem}"
        for path in files()
        for name in repositories()
        for problem in address_problems(path.read_bytes(), name)
    ]
    assert not problems, "\n".join(["Leave these out, or compute them from the clone:", *problems])


def test_wrong_words_are_found_and_right_ones_pass():
    wrong = [
        "open('/" + "home" + "/ada/book')",
        "see ../" + "shared/design",
        '"resolved": "https://registry.' + "npmjs" + '.org/x.tgz"',
        "git clone git@github.com:ada/book.git",
        "https://colab.research.google.com/github/ada/book/blob/main/x.ipynb",
        "https://ada.github.io/book/",
    ]
    assert [len(address_problems(text.encode(), "book")) for text in wrong] == [1] * len(wrong)
    right = "frame/work/x, https://example.org/home/x, github.com/keras-team/keras, my book, <root>/home/x"
    assert address_problems(right.encode(), "book") == []
