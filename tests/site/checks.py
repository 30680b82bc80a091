"""Checks on the built site. Each takes a `Site` and returns its problems, a line each."""

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from urllib.parse import SplitResult, unquote, urljoin, urlsplit

from bs4 import BeautifulSoup, Tag

# Where the site would stand: below a folder, as on GitHub Pages, so a link to "/" or out of the folder shows as broken.
HOST, FOLDER = "site.invalid", "/book/"

FETCHED_TAGS = ["audio", "embed", "iframe", "img", "input", "script", "source", "track", "video"]
FETCHED_LINKS = {
    *("apple-touch-icon", "dns-prefetch", "icon", "manifest", "modulepreload"),
    *("preconnect", "prefetch", "preload", "stylesheet"),
}
JAVASCRIPT = {None, "", "module", "text/javascript", "application/javascript"}
CSS_ADDRESS = re.compile(r"""url\(\s*["']?([^"')]+)|@import\s+["']([^"']+)""")
# What a script loads from a fixed address: import "…", from "…", fetch("…"). In JSON the quotes are escaped.
SCRIPT_FETCH = re.compile(r"""\b(?:fetch|from|import|importScripts)\s*\(?\s*\\?["'`]((?:https?:)?//[^"'`\\]+)""")
# Any address in a script that stands in the page; names of XML namespaces are no addresses.
SCRIPT_ADDRESS = re.compile(r"""["'`]((?:https?:)?//(?!www\.w3\.org/)[^"'`]+)""")

# Markdown that was meant to become something else: {role}`text`, a fence, a mark of a footnote.
UNPARSED = re.compile(r"\{[\w:.-]+\}`|`{3}|:{3}|\[\^[\w-]+\]")
EMPTY_CITATION = re.compile(r"\[\s*[\],;]|[,;]\s*\]")
# Code in Markdown: fences (those of directives hold text, not code) and what stands between double backticks.
FENCE = re.compile(r"^(`{3,})( *\{)?[^\n]*\n(.*?)^\1 *$", re.DOTALL | re.MULTILINE)
DOUBLE_TICKS = re.compile(r"(?<!`)``(?!`).*?``")
FILE_NAME = re.compile(r"\.(?:gif|jpe?g|png|svg|webp)$", re.IGNORECASE)


@dataclass(frozen=True)
class Site:
    """A folder of HTML pages.

    Attributes:
        root: the folder.
        toc: the pages of the table of contents as paths below the root, the first page first.
    """

    root: Path
    toc: tuple[str, ...]

    @cached_property
    def documents(self) -> dict[str, BeautifulSoup]:
        """Every HTML file a reader can come to, parsed the way a browser does, by its path below the root."""
        return {
            path.relative_to(self.root).as_posix(): BeautifulSoup(path.read_bytes(), "html5lib")
            for path in sorted(self.root.rglob("*.html"))
            if "_static" not in path.relative_to(self.root).parts
        }

    @cached_property
    def pages(self) -> dict[str, BeautifulSoup]:
        """The documents with something to read, so not those that only send their reader on."""
        return {name: page for name, page in self.documents.items() if redirect(page) is None}

    @cached_property
    def anchors(self) -> dict[str, set[str]]:
        """The fragments at which each document can be entered."""
        return {
            name: {tag[key] for key in ("id", "name") for tag in page.find_all(attrs={key: True})}
            for name, page in self.documents.items()
        }

    def texts(self, suffix: str) -> dict[str, str]:
        """The files with a suffix, by their path below the root."""
        paths = sorted(self.root.rglob(f"*{suffix}"))
        return {path.relative_to(self.root).as_posix(): path.read_text(encoding="utf-8") for path in paths}


def redirect(page: BeautifulSoup) -> str | None:
    """Return where a page sends its reader at once, or None."""
    meta = page.find("meta", attrs={"http-equiv": re.compile("^refresh$", re.IGNORECASE)})
    return meta["content"].partition("url=")[2] if meta else None


def article(page: BeautifulSoup) -> Tag:
    """Return the part of a page that its author wrote."""
    found = page.find("article") or page.body
    assert found is not None
    return found


def resolve(name: str, address: str) -> SplitResult:
    """Return the full address behind one that stands in the file ``name``."""
    return urlsplit(urljoin(f"https://{HOST}{FOLDER}{name}", address))


def path_below_root(url: SplitResult) -> str:
    path = unquote(url.path.removeprefix(FOLDER))
    return path + "index.html" if path == "" or path.endswith("/") else path


def css_addresses(css: str) -> Iterator[str]:
    return (match[1] or match[2] for match in CSS_ADDRESS.finditer(css))


def linked(page: BeautifulSoup) -> Iterator[str]:
    """Yield every address that a page mentions in its tags."""
    for key in ("href", "src", "xlink:href"):
        yield from (tag[key] for tag in page.find_all(attrs={key: True}))
    if address := redirect(page):
        yield address


def fetched(page: BeautifulSoup) -> Iterator[str]:
    """Yield the addresses that a browser fetches to show a page, and those its inline scripts know."""
    for tag in page.find_all(FETCHED_TAGS):
        yield from (tag[key] for key in ("src", "poster") if tag.get(key))
        yield from (candidate.split()[0] for candidate in tag.get("srcset", "").split(",") if candidate.strip())
    for tag in page.find_all("link", href=True):
        if FETCHED_LINKS.intersection(tag.get("rel", [])):
            yield tag["href"]
    for tag in page.find_all(style=True):
        yield from css_addresses(tag["style"])
    for tag in page.find_all("style"):
        yield from css_addresses(tag.string or "")
    for tag in page.find_all("script", src=False):
        pattern = SCRIPT_ADDRESS if tag.get("type") in JAVASCRIPT else SCRIPT_FETCH
        yield from pattern.findall(tag.string or "")


def no_output_is_an_error(site: Site) -> list[str]:
    """No cell failed, no cell wrote to stderr, and Sphinx left no message in a page."""
    problems = []
    for name, page in site.pages.items():
        bad = page.select(".output.traceback, .output.stderr, .system-message")
        bad += [tag for tag in page.select(".output.stream") if "Traceback (most recent call last)" in tag.get_text()]
        problems += [f"{name}: {' '.join(tag.get_text().split())[:120]}" for tag in bad]
    return problems


def references_are_resolved(site: Site) -> list[str]:
    """Every cross-reference, citation, role and fence became what it stands for."""
    problems = []
    for name, page in site.pages.items():
        dangling = [tag for tag in page.select(".xref, .problematic") if not tag.find_parent("a", href=True)]
        dangling += [tag for tag in page.select(".bibtex-citation") if EMPTY_CITATION.search(tag.get_text())]
        problems += [f"{name}: refers to nothing: {tag.get_text()!r}" for tag in dangling]
        problems += [
            f"{name}: still Markdown: {text.strip()[:120]!r}"
            for text in article(page).find_all(string=UNPARSED)
            if not text.find_parent(["code", "pre", "script", "style"])
        ]
    return problems


def without_code(markdown: str) -> str:
    """Remove the code from a Markdown text."""
    prose = FENCE.sub(lambda fence: without_code(fence[3]) if fence[2] else "", markdown)
    return DOUBLE_TICKS.sub("", prose)


def markdown_source(site: Site, name: str) -> str:
    """Return a page's Markdown, captions included, from the copy of its source that comes with the site."""
    (path,) = (site.root / "_sources" / name).parent.glob(f"{Path(name).stem}.*")
    text = path.read_text(encoding="utf-8")
    if path.suffix != ".ipynb":
        return text
    parts = []
    for cell in json.loads(text)["cells"]:
        figure = cell.get("metadata", {}).get("mystnb", {}).get("figure", {})
        parts.append("".join(cell["source"]) if cell["cell_type"] == "markdown" else figure.get("caption", ""))
    return "\n\n".join(parts)


def glued_values_arrive(site: Site) -> list[str]:
    """A page shows as many values as its source glues into the text; a missing one leaves nothing but a gap."""
    problems = []
    for name, page in site.pages.items():
        if name in site.toc:
            wanted = without_code(markdown_source(site, name)).count("{glue:text}`")
            shown = len([tag for tag in article(page).select(".pasted-text") if tag.get_text(strip=True)])
            if shown != wanted:
                problems.append(f"{name}: glues {wanted} values into its text and shows {shown}")
    return problems


def links_lead_somewhere(site: Site) -> list[str]:
    """Every address inside the site has its file, and its fragment where it names one."""

    def is_broken(name: str, address: str) -> bool:
        url = resolve(name, address)
        if url.netloc != HOST:
            return False  # another site, mail, data
        path = path_below_root(url)
        if path in site.documents:
            return bool(url.fragment) and unquote(url.fragment) not in site.anchors[path]
        return not url.path.startswith(FOLDER) or not (site.root / path).is_file()

    addresses = {name: set(linked(page)) for name, page in site.documents.items()}
    addresses |= {name: set(css_addresses(css)) for name, css in site.texts(".css").items()}
    return [
        f"{name}: {address} leads nowhere"
        for name, found in addresses.items()
        for address in sorted(found)
        if is_broken(name, address)
    ]


def images_have_words(site: Site) -> list[str]:
    """Every image says in words what it shows, or is hidden from a screen reader; a file name says nothing."""
    problems = []
    for name, page in site.pages.items():
        for tag in page.find_all("img"):
            words = tag.get("alt", "").strip()
            if not words or FILE_NAME.search(words):
                problems.append(f"{name}: no alt text: {tag.get('src')}")
        for tag in page.find_all("svg"):
            hidden = (
                tag.find_parent("svg")
                or tag.get("aria-hidden") == "true"
                or tag.find_parent(attrs={"aria-hidden": "true"})
            )
            title = tag.find("title", recursive=False)
            words = tag.get("aria-label", "").strip() or (title.get_text(strip=True) if title else "")
            if not hidden and (not words or FILE_NAME.search(words) or tag.get("role") != "img"):
                problems.append(f"{name}: an svg without role=img and a label: {str(tag)[:120]}")
    return problems


def pages_have_one_heading(site: Site) -> list[str]:
    """Every page has exactly one h1; the one that the theme adds for paper does not count."""
    counts = {name: len(page.select("h1:not(.onlyprint h1)")) for name, page in site.pages.items()}
    return [f"{name}: {count} h1" for name, count in counts.items() if count != 1]


def pages_introduce_themselves(site: Site) -> list[str]:
    """Every page names its language and has a title; those of the table of contents have a description too."""
    problems = []
    for name, page in site.pages.items():
        if not page.html.get("lang"):
            problems.append(f"{name}: no lang")
        if not page.title or not page.title.get_text(strip=True):
            problems.append(f"{name}: no title")
        elif re.fullmatch(r"\s*(.+?) — \1\s*", page.title.get_text()):
            problems.append(f"{name}: the title says the same twice")
        description = page.find("meta", attrs={"name": "description"})
        if name in site.toc and not (description and description.get("content", "").strip()):
            problems.append(f"{name}: no description")
    return problems


def contents_are_complete(site: Site) -> list[str]:
    """Every entry of the table of contents has its page, and the navigation of every page leads to all of them.

    A figure's own page has no navigation, because it is for frames on pages of others.
    """
    problems = [f"{name}: in the table of contents, and not built" for name in site.toc if name not in site.pages]
    for name in (name for name, page in site.pages.items() if not page.select_one("aside.take")):
        ways = {path_below_root(resolve(name, tag["href"])) for tag in site.pages[name].select("nav a[href], a.home")}
        problems += [f"{name}: no way to {other}" for other in site.toc if other not in ways | {name}]
    return problems


def third_parties_stay_out(site: Site) -> list[str]:
    """To read a page, a browser asks nobody but the site itself."""
    addresses = {name: set(fetched(page)) for name, page in site.documents.items()}
    addresses |= {name: set(css_addresses(css)) for name, css in site.texts(".css").items()}
    addresses |= {name: set(SCRIPT_FETCH.findall(script)) for name, script in site.texts(".js").items()}
    return [
        f"{name}: asks {address}"
        for name, found in addresses.items()
        for address in sorted(found)
        if resolve(name, address).netloc not in ("", HOST)
    ]


CHECKS = [
    no_output_is_an_error,
    references_are_resolved,
    glued_values_arrive,
    links_lead_somewhere,
    images_have_words,
    pages_have_one_heading,
    pages_introduce_themselves,
    contents_are_complete,
    third_parties_stay_out,
]
