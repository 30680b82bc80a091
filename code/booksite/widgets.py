"""The part of the Sphinx extension that keeps widgets alive on pages without a kernel.

A notebook that ran leaves the state of its widgets in the page. Here every widget of anywidget, and so every figure of
`convbook.widgets`, becomes its picture with its state beside it, which ``host.js`` of the site brings to life; its
module, its style and large arrays become files that the page loads when they are needed. Other ipywidgets are left to
the bundle of ``@jupyter-widgets/html-manager``, which comes from the site too, on the pages that have such widgets and
on no other. A widget that neither can run shows its picture, or its text where it has none, and the build warns.
"""

import base64
import hashlib
import json
import re
import shutil
from pathlib import Path
from typing import Any, ClassVar, NamedTuple

from docutils import nodes
from docutils.parsers.rst import directives
from ipywidgets.embed import embed_data
from myst_nb.sphinx_ import NbMetadataCollector
from sphinx.application import Sphinx
from sphinx.util import logging
from sphinx.util.docutils import SphinxDirective
from sphinx.writers.html5 import HTML5Translator

from booksite.pictures import themed_svg
from convbook import widgets
from convbook.widgets.figure import svg

VIEW = "application/vnd.jupyter.widget-view+json"
STATE = "ipywidgets_state"  # under this name MyST-NB keeps the state of a page's widgets
# Traits for the front end of a notebook, which no module of a widget reads.
PLUMBING = {"_esm", "_css", "_dom_classes", "_view_count", "layout", "tabbable", "tooltip"} | {
    f"_{kind}_{part}" for kind in ("model", "view") for part in ("module", "module_version", "name")
}
REFERENCE = re.compile(r'"(?:IPY_MODEL_|anywidget:)([^"]+)"')  # to another model, in a state as JSON
ORDINARY = {"@jupyter-widgets/base", "@jupyter-widgets/controls", "@jupyter-widgets/output"}  # what html-manager runs
SMALL = 8_000  # bytes of an array that stands in the page itself: a request costs more
MUCH = 200_000  # bytes that are not loaded before the reader asks for them
BUNDLE = Path("@jupyter-widgets", "html-manager", "dist")
HOST = Path(__file__).with_name("static") / "host.js"
# What a module or a style asks of another server: an address that it loads, or any of a server for modules.
THIRD_PARTY = re.compile(
    r"""(?:\b(?:fetch|from|import|importScripts|Worker)\s*\(?\s*["'`]|@import\s*["']|\burl\(\s*["']?)"""
    r"""((?:https?:)?//[^\s"'`)]+)"""
    r"""|(\Ahttps?://\S+|https://(?:[\w-]+\.)*(?:esm\.sh|esm\.run|jsdelivr\.net|jspm\.io|skypack\.dev|unpkg\.com))"""
)

logger = logging.getLogger(__name__)


class InteractiveNode(nodes.General, nodes.Element):
    """A widget to be brought to life.

    The attribute ``view`` is the id of its model, ``models`` holds that model and all inside it, the child is its
    picture.
    """


def _traits(model: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in model["state"].items() if name not in PLUMBING}


def with_inner(models: dict[str, Any], key: str) -> dict[str, Any]:
    """Return a model and all that it refers to, and so on, by id."""
    found: dict[str, Any] = {}
    waiting = [key]
    while waiting:
        key = waiting.pop()
        if key in models and key not in found:
            found[key] = models[key]
            waiting += REFERENCE.findall(json.dumps(_traits(models[key])))
    return found


def _is_ordinary(models: dict[str, Any], key: str) -> bool:
    return all(model["model_module"] in ORDINARY for model in with_inner(models, key).values())


def _obstacle(app: Sphinx, models: dict[str, Any], key: str) -> str | None:
    """Say why the site cannot run a widget, or None."""
    if key not in models:
        return "its state is not in the notebook"
    inner = with_inner(models, key).values()
    if "_esm" in models[key]["state"]:
        texts = [str(model["state"].get(part, "")) for model in inner for part in ("_esm", "_css")]
        asked = next((match[1] or match[2] for text in texts if (match := THIRD_PARTY.search(text))), None)
        return asked and f"it loads {asked}, and a page asks nobody but its own site"
    if not _is_ordinary(models, key):
        others = sorted({model["model_module"] for model in inner} - ORDINARY)
        return f"html-manager has no front end for {', '.join(others)}"
    if _bundle_folder(app) is None:
        return "it needs html-manager: run `npm ci` and build again with --all"
    return None


def _name(models: dict[str, Any], key: str) -> str:
    state = models.get(key, {}).get("state", {})
    return state.get("_anywidget_id") or state.get("_model_name") or key


def _find_widgets(app: Sphinx, doctree: nodes.document) -> None:
    """Turn the outputs that show widgets into nodes of their own, before images are collected."""
    scripts = NbMetadataCollector.get_js_files(app.env, app.env.docname)
    if STATE not in scripts:
        return
    uri, kwargs = scripts.pop(STATE)
    content = json.loads(kwargs["body"])
    models = content["state"]
    ordinary = False
    for bundle in list(doctree.findall(nodes.container)):
        if bundle.get("nb_element") != "mime_bundle":
            continue
        shown = next((part for part in bundle.children if part["mime_type"] == VIEW), None)
        if shown is None:
            continue
        key = re.findall(r'"model_id": *"([^"]+)"', shown.astext())[0]
        if obstacle := _obstacle(app, models, key):
            logger.warning(
                "the widget %s cannot run on this page, because %s; the page shows its picture or its text instead",
                _name(models, key),
                obstacle,
                location=bundle,
                type="booksite",
                subtype="widget",
            )
        elif "_esm" not in models[key]["state"]:
            ordinary = True
            continue
        bundle.remove(shown)
        if not obstacle:
            place = InteractiveNode("", view=key, models=with_inner(models, key))
            bundle.replace_self(place)
            place.append(bundle)
    if ordinary:
        content["state"] = {key: model for key, model in models.items() if _is_ordinary(models, key)}
        scripts[STATE] = uri, kwargs | {"body": json.dumps(content).replace("</", "<\\/")}


class WidgetDirective(SphinxDirective):
    """``{widget} NetworkStrip``: an interactive figure on a page that is no notebook, its caption as the content."""

    required_arguments = 1
    has_content = True
    option_spec: ClassVar = {"alt": directives.unchanged_required, "name": directives.unchanged_required}

    def run(self) -> list[nodes.Node]:
        """Make the figure with its caption."""
        if self.arguments[0] not in widgets.__all__:
            raise self.error(f"no figure named {self.arguments[0]!r}; there are {', '.join(widgets.__all__)}")
        widget = getattr(widgets, self.arguments[0])()
        models = embed_data(views=[widget], drop_defaults=False)["manager_state"]["state"]
        picture = nodes.raw("", themed_svg(svg(widget), self.options["alt"]), format="html")
        caption = nodes.caption()
        self.state.nested_parse(self.content, self.content_offset, caption)
        place = InteractiveNode("", picture, view=widget.model_id, models=with_inner(models, widget.model_id))
        figure = nodes.figure("", place, caption)
        caption.children = [child for part in caption.children for child in part.children]
        self.add_name(figure)
        return [figure]


def present_code(state: dict[str, Any]) -> dict[str, str]:
    """Return the module and the style that a figure of the course has now.

    An executed notebook keeps those of its run; with these, a changed module needs no chapter to run again.
    """
    module, _, name = str(state.get("_anywidget_id", "")).rpartition(".")
    if not module.startswith("convbook.widgets.") or name not in widgets.__all__:
        return {}
    figure = getattr(widgets, name)
    return {"_esm": figure._esm, "_css": figure._css}


def root(page: str) -> str:
    """Return the way from a page to the root of the site."""
    return "../" * page.count("/")


def host(page: str) -> str:
    """Return the address of the host, as a page asks for it."""
    return f"{root(page)}_static/host.js?v={hashlib.sha256(HOST.read_bytes()).hexdigest()[:8]}"


class Files(NamedTuple):
    """Where a page keeps what its figures load.

    Attributes:
        static: the folder.
        root: the way from the page to the root of the site.
    """

    static: Path
    root: str

    def address(self, data: bytes, kind: str) -> str:
        """Write a file that is named by its content, so that no browser keeps a stale one; return its address."""
        name = f"figures/{hashlib.sha256(data).hexdigest()[:16]}.{kind}"
        (self.static / name).parent.mkdir(parents=True, exist_ok=True)
        (self.static / name).write_bytes(data)
        return f"{self.root}_static/{name}"


def described(model: dict[str, Any], files: Files) -> dict[str, Any]:
    """Describe a model as the host takes it: its module, its style and large arrays as files of their own."""
    parts = {"esm": ("_esm", "js"), "css": ("_css", "css")}
    state = model["state"] | present_code(model["state"])
    texts = {part: (state.get(trait), kind) for part, (trait, kind) in parts.items()}
    addresses = {part: files.address(text.encode(), kind) for part, (text, kind) in texts.items() if text}
    buffers = []
    for buffer in model.get("buffers", []):
        data = base64.b64decode(buffer["data"])
        if len(data) < SMALL:
            url = f"data:application/octet-stream;base64,{buffer['data']}"
        else:
            url = files.address(data, "bin")
        buffers.append({"path": buffer["path"], "url": url})
    return addresses | {"state": _traits(model), "buffers": buffers}


def load_button(node: InteractiveNode) -> str:
    """Write the button of a figure that takes so much that it waits for a press; of another one, nothing."""
    # What has no module loads when a widget asks for it.
    buffers = [
        each for model in node["models"].values() if "_esm" in model["state"] for each in model.get("buffers", [])
    ]
    sizes = (len(base64.b64decode(buffer["data"])) for buffer in buffers)
    size = sum(size for size in sizes if size >= SMALL)
    if size <= MUCH:
        return ""
    return f'<button type="button" class="load">Load the interactive figure ({size / 1e6:.1f} MB)</button>'


def _visit(self: HTML5Translator, node: InteractiveNode) -> None:
    places = list(self.document.findall(InteractiveNode))
    at = next(i for i, each in enumerate(places) if each is node)
    page = self.builder.current_docname
    # By this name reserved.css keeps space for the figure. One that waits for a press gets its space with the press.
    space = "" if load_button(node) else f' data-space="{Path(page).name}-{at}"'
    module, _, _ = str(node["models"][node["view"]]["state"].get("_anywidget_id", "")).rpartition(".")
    kind = module.rpartition(".")[2]  # for styles that one figure's picture needs
    attributes = f'class="interactive" data-figure="{kind}"{space} data-host="{host(page)}"'
    self.body.append(f'<div class="figure-space"><div {attributes}>')


def _depart(self: HTML5Translator, node: InteractiveNode) -> None:
    """Write the models into the page."""
    files = Files(Path(self.builder.outdir) / "_static", root(self.builder.current_docname))
    models = {key: described(model, files) for key, model in node["models"].items()}
    text = json.dumps({"view": node["view"], "models": models}).replace("</", "<\\/")
    self.body.append(f'{load_button(node)}<script type="application/json">{text}</script></div></div>')


def _configure(app: Sphinx, config: Any) -> None:
    config.html_static_path += [str(HOST), str(HOST.with_name("landing.css"))]
    figures = [getattr(widgets, name) for name in widgets.__all__]
    config.booksite_figures = hashlib.sha256("".join(f._esm + f._css for f in figures).encode()).hexdigest()


def _add_scripts(app: Sphinx, page: str, template: str, context: Any, doctree: nodes.document | None) -> None:
    """Give a page with other widgets their bundle."""
    if STATE in NbMetadataCollector.get_js_files(app.env, page):
        app.add_js_file(_copy_bundle(app), defer="defer")


def _bundle_folder(app: Sphinx) -> Path | None:
    folders = [Path(app.srcdir), *Path(app.srcdir).parents]
    return next((found for folder in folders if (found := folder / "node_modules" / BUNDLE).is_dir()), None)


def _copy_bundle(app: Sphinx) -> str:
    """Copy the bundle for other ipywidgets, and its fonts, into the site; return its place below ``_static``."""
    source = _bundle_folder(app)
    if source is None:
        raise FileNotFoundError("an earlier build left an ipywidget to html-manager, which is gone: run `npm ci`")
    target = Path(app.outdir) / "_static" / "html-manager"
    target.mkdir(parents=True, exist_ok=True)
    for file in source.iterdir():
        if file.name == "embed.js" or file.suffix in (".woff2", ".woff", ".ttf"):
            shutil.copy(file, target)
    return "html-manager/embed.js"


def setup(app: Sphinx) -> dict[str, Any]:
    """Connect to Sphinx."""
    app.add_css_file("landing.css")
    app.add_node(InteractiveNode, html=(_visit, _depart))
    app.add_directive("widget", WidgetDirective)
    app.add_config_value("booksite_figures", "", "html")  # Sphinx writes every page anew when it changes
    app.connect("config-inited", _configure, priority=900)  # after Jupyter Book has merged its options
    app.connect("doctree-read", _find_widgets, priority=90)  # before images are collected
    app.connect("html-page-context", _add_scripts)
    return {"version": "2", "parallel_read_safe": True, "parallel_write_safe": True}
