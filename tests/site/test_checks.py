"""A sound site passes every check; each fault put into it is found, and by one check only."""

import json

import pytest

from .checks import CHECKS, Site

HEAD = """<!DOCTYPE html>
<html lang="en"><head><title>A page</title><meta name="description" content="What it is about.">
<link rel="stylesheet" href="_static/style.css?v=1"><link rel="canonical" href="https://example.org/">
<script src="_static/script.js"></script><script>const root = "./", svg = "http://www.w3.org/2000/svg";</script></head>
<body><nav><a href="intro.html">Home</a> <a href="chapters/one.html">One</a></nav>
"""
INTRO = """<article><h1 id="home">Home</h1>
<p>See <a class="reference" href="chapters/one.html#a%20kernel"><span class="std">One</span></a> and
<a href="https://example.org">another site</a>, <span class="bibtex-citation">[<a href="#ref">A15</a>]</span>.</p>
<p id="ref">Of <span class="pasted-text">14,060</span> and <code>{glue:text}`key`</code>. <a href="#">Up</a></p>
<img src="pic.png" alt="A kernel"> <svg role="img" aria-label="A curve"><use href="#home"></use></svg>
<i aria-hidden="true"><svg></svg></i>
<div class="output stream"><pre>0.99</pre></div></article></body></html>
"""
ONE = """<!DOCTYPE html><html lang="en"><head><title>One</title><meta name="description" content="About one."></head>
<body><nav><a href="../intro.html">Home</a></nav><div class="onlyprint"><h1>One</h1></div>
<article><h1 id="a kernel">One</h1><a download href="../_sources/chapters/one.ipynb">Notebook</a></article>
</body></html>
"""
SOURCE = """# Home
````{note}
Of {glue:text}`parameters`, and ``{glue:text}`key` ``.
```python
"{glue:text}`key`"
```
````
"""
CELLS = {"cells": [{"cell_type": "markdown", "source": ["# One"]}, {"cell_type": "code", "source": ["1"]}]}
FILES = {
    "index.html": '<meta http-equiv="Refresh" content="0; url=intro.html" />',
    "intro.html": HEAD + INTRO,
    "chapters/one.html": ONE,
    "pic.png": "",
    "_static/style.css": "@import 'more.css'; a { background: url(\"data:image/png;base64,AA\") }",
    "_static/more.css": "b { background: url(../pic.png) }",
    "_static/script.js": 'import { draw } from "./draw.js"; // see https://example.org',
    "_sources/intro.md": SOURCE,
    "_sources/chapters/one.ipynb": json.dumps(CELLS),
}

# The check, the file that is spoilt, what is replaced there by what, and what the check says.
FAULTS = [
    ("no_output_is_an_error", "intro.html", "output stream", "output stderr", "0.99"),
    ("no_output_is_an_error", "intro.html", "output stream", "output traceback", "0.99"),
    ("no_output_is_an_error", "intro.html", "0.99", "Traceback (most recent call last)", "Traceback"),
    ("no_output_is_an_error", "intro.html", "0.99", '<b class="system-message">Unknown</b>', "Unknown"),
    ("references_are_resolved", "intro.html", "another site", "<i>another</i> {ref}`x`", "{ref}`x`"),
    ("references_are_resolved", "intro.html", " and\n", ' <span class="xref std">nowhere</span>', "nowhere"),
    ("references_are_resolved", "intro.html", '<a href="#ref">A15</a>', "", "[]"),
    ("references_are_resolved", "intro.html", "A15</a>", "A15</a>, ", "[A15, ]"),
    ("references_are_resolved", "intro.html", ">Up<", ">Up</a>:::{note}<a><", ":::{note}"),
    ("references_are_resolved", "intro.html", ">Up<", ">Up</a>[^1]<a><", "[^1]"),
    ("glued_values_arrive", "intro.html", '<span class="pasted-text">14,060</span>', "", "shows 0"),
    ("glued_values_arrive", "intro.html", "14,060", "", "shows 0"),
    ("glued_values_arrive", "_sources/chapters/one.ipynb", "# One", "# One {glue:text}`x:.2f`", "glues 1"),
    ("links_lead_somewhere", "index.html", "intro.html", "start.html", "start.html"),
    ("links_lead_somewhere", "intro.html", "#a%20kernel", "#kernel", "#kernel"),
    ("links_lead_somewhere", "intro.html", 'href="#"', 'href="#up"', "#up"),
    ("links_lead_somewhere", "intro.html", 'href="#"', 'href="/intro.html"', "/intro.html"),
    ("links_lead_somewhere", "intro.html", 'href="#"', 'href="../x.html"', "../x.html"),
    ("links_lead_somewhere", "intro.html", 'href="#"', 'href="chapters/"', "chapters/"),
    ("links_lead_somewhere", "intro.html", "pic.png", "pic2.png", "pic2.png"),
    ("links_lead_somewhere", "intro.html", "script.js", "other.js", "other.js"),
    ("links_lead_somewhere", "intro.html", 'use href="#home"', 'use xlink:href="#gone"', "#gone"),
    ("links_lead_somewhere", "chapters/one.html", "one.ipynb", "two.ipynb", "two.ipynb"),
    ("links_lead_somewhere", "_static/more.css", "../pic.png", "pic.png", "pic.png"),
    ("images_have_words", "intro.html", ' alt="A kernel"', "", "pic.png"),
    ("images_have_words", "intro.html", "A kernel", " ", "pic.png"),
    ("images_have_words", "intro.html", "A kernel", "pic.png", "pic.png"),
    ("images_have_words", "intro.html", ' aria-label="A curve"', "", "svg"),
    ("images_have_words", "intro.html", ' role="img"', "", "svg"),
    ("images_have_words", "intro.html", ' aria-hidden="true"', "", "svg"),
    ("pages_have_one_heading", "intro.html", "<p>See", "<h1>Two</h1><p>See", "2 h1"),
    ("pages_have_one_heading", "chapters/one.html", 'h1 id="a kernel"', 'h2 id="a kernel"', "0 h1"),
    ("pages_introduce_themselves", "intro.html", ' lang="en"', "", "no lang"),
    ("pages_introduce_themselves", "intro.html", "A page", " ", "no title"),
    ("pages_introduce_themselves", "intro.html", "A page</title>", "A &#8212; A</title>", "the same twice"),
    ("pages_introduce_themselves", "intro.html", "What it is about.", "", "no description"),
    ("pages_introduce_themselves", "chapters/one.html", 'name="description"', "", "no description"),
    ("contents_are_complete", "intro.html", '<a href="chapters/one.html">One</a>', "", "no way to chapters/one.html"),
    ("contents_are_complete", "chapters/one.html", "nav>", "div>", "no way to intro.html"),
    ("third_parties_stay_out", "intro.html", 'src="pic.png"', 'src="//cdn.example/pic.png"', "//cdn.example/pic.png"),
    ("third_parties_stay_out", "intro.html", "<img", '<img srcset="pic.png, https://cdn.example/p 2x"', "https://cdn"),
    ("third_parties_stay_out", "intro.html", "canonical", "preconnect", "https://example.org"),
    ("third_parties_stay_out", "intro.html", "canonical", "shortcut icon", "https://example.org"),
    (
        "third_parties_stay_out",
        "intro.html",
        "<p>See",
        '<p style="background: url(https://cdn.example/x)">',
        "https://cdn",
    ),
    ("third_parties_stay_out", "intro.html", "</head>", "<style>@import 'https://cdn.example'</style>", "https://cdn"),
    ("third_parties_stay_out", "intro.html", '"./"', '"https://cdn.example/t.js"', "https://cdn"),
    ("third_parties_stay_out", "intro.html", "</body>", '<iframe src="https://v.example"></iframe>', "https://v"),
    (
        *("third_parties_stay_out", "intro.html", "</body>"),
        r"""<script type="application/json">{"_esm": "import x from \"https://cdn.example/x.js\""}</script>""",
        "https://cdn",
    ),
    ("third_parties_stay_out", "_static/style.css", "more.css", "https://fonts.example/f", "https://fonts"),
    ("third_parties_stay_out", "_static/script.js", "./draw.js", "https://cdn.example/draw.js", "https://cdn"),
]


def problems_of(files, folder):
    for name, text in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    site = Site(folder, ("intro.html", "chapters/one.html"))
    return {check.__name__: problems for check in CHECKS if (problems := check(site))}


def test_sound_site_passes(tmp_path):
    assert problems_of(FILES, tmp_path) == {}


@pytest.mark.parametrize(("check", "name", "right", "wrong", "problem"), FAULTS)
def test_fault_is_found(check, name, right, wrong, problem, tmp_path):
    assert right in FILES[name]
    found = problems_of(FILES | {name: FILES[name].replace(right, wrong)}, tmp_path)
    assert found.keys() == {check}
    (line,) = found[check]
    assert line.startswith(name.removeprefix("_sources/").replace("ipynb", "html")) and problem in line


def test_missing_page_of_the_contents_is_found(tmp_path):
    files = {name: text for name, text in FILES.items() if name != "chapters/one.html"}
    found = problems_of(files, tmp_path)
    assert found["contents_are_complete"] == ["chapters/one.html: in the table of contents, and not built"]


def test_every_check_is_tried():
    assert {check.__name__ for check in CHECKS} == {fault[0] for fault in FAULTS}
