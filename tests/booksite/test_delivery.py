import io
import json
import re
from base64 import b64encode
from importlib.resources import files
from pathlib import Path

import numpy as np
from bs4 import BeautifulSoup
from PIL import Image
from pygments import highlight
from pygments.formatters import HtmlFormatter
from pygments.lexers import PythonLexer

from booksite.delivery import CELLS, lighter, sitemap, with_lengths
from booksite.icons import draw_icons
from booksite.repository import pages_url


def test_an_icon_of_the_theme_becomes_a_drawing_with_the_same_classes():
    drawn = draw_icons('<i class="theme-switch fa-solid fa-sun fa-lg" data-mode="light"></i>')
    assert drawn.startswith('<svg class="line-icon theme-switch fa-solid fa-sun fa-lg" data-mode="light"')
    assert 'aria-hidden="true"' in drawn


def test_a_picture_loses_bytes_and_no_pixel(tmp_path):
    pixels = np.random.default_rng(0).integers(0, 256, (120, 120, 3), dtype=np.uint8)
    png = io.BytesIO()
    Image.fromarray(pixels).save(png, "png")
    page = f'<image xlink:href="data:image/png;base64,\n{b64encode(png.getvalue()).decode()}"/>'
    static = tmp_path / "_static"
    static.mkdir()
    assert 'href="_static/pictures/' in lighter(page, tmp_path / "page.html", static)
    (file,) = (static / "pictures").iterdir()
    np.testing.assert_array_equal(np.asarray(Image.open(file)), pixels)


def test_an_image_keeps_its_place(tmp_path):
    Image.new("RGB", (40, 30)).save(tmp_path / "a.png")
    page = lighter('<img alt="A square" src="a.png"/>', tmp_path / "page.html", tmp_path)
    assert page == '<img alt="A square" src="a.png" width="40" height="30" loading="lazy"/>'


def test_code_keeps_its_text_and_the_marks_that_have_a_colour(tmp_path):
    code = highlight('for n in (1, 2):\n    print(f"{n} < 3")  # once\n', PythonLexer(), HtmlFormatter())
    page = f'<p><span class="n">no code</span></p>{code}'
    pages = page, lighter(page, tmp_path / "page.html", tmp_path)
    before, after = (BeautifulSoup(text, "html5lib") for text in pages)
    assert after.get_text() == before.get_text()
    assert after.find("p").find("span")
    style = (CELLS.parents[1] / "book.css").read_text(encoding="utf-8")
    coloured = {name for names in re.findall(r"\.highlight pre :is\(([^)]+)\)", style) for name in names.split(", .")}
    left = {span["class"][0] for span in after.find("pre").find_all("span")}
    assert {"k", "mi", "s2", "c1"} <= left <= {name.lstrip(".") for name in coloured}


def test_a_section_below_the_title_says_how_much_it_has_to_read():
    page = (
        '<section id="title"><h1>A</h1><section id="one"><h2>One</h2> <p>two three</p><section id="in"><h3>4</h3>'
        "</section><details>folded</details><svg><title>drawn</title></svg></section></section>"
    )
    once = '<section style="--characters:15" id="one">'
    assert with_lengths(page) == page.replace('<section id="one">', once)
    assert with_lengths("<section></section>") == "<section></section>"


def test_a_map_of_the_site_needs_its_address():
    assert pages_url("https://github.com/An-Owner/book") == "https://an-owner.github.io/book/"
    assert pages_url("https://github.com/owner/owner.github.io") == "https://owner.github.io/"
    assert pages_url(None) == ""
    assert "<loc>https://a.example/book/chapters/one.html</loc>" in sitemap("https://a.example/book/", ["chapters/one"])


def test_the_parts_of_bootstrap_are_of_the_version_whose_styles_the_theme_brings():
    theme = Path(str(files("pydata_sphinx_theme")))
    scripts = theme / "theme" / "pydata_sphinx_theme" / "static" / "scripts"
    version = json.loads((Path(__file__).parents[2] / "package.json").read_text(encoding="utf-8"))["devDependencies"][
        "bootstrap"
    ]
    licences = (scripts / "bootstrap.js.LICENSE.txt").read_text(encoding="utf-8")
    assert f"Bootstrap v{version} " in licences, "pin `bootstrap` in package.json to the version of the theme"
