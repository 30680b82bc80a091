"""The part of the Sphinx extension that keeps interactive figures alive on pages without a kernel.

A notebook that ran leaves the state of its widgets in the page. Here every figure of `convbook.widgets` becomes its
picture with its state beside it, which ``host.js`` of the site brings to life; large arrays become files that the page
loads when they are needed. Other ipywidgets are left to the bundle of ``@jupyter-widgets/html-manager``, which
comes from the site too, on the pages that have such widgets and on no other.
"""

import base64
import hashlib
import json
import shutil
from functools import cache
from pathlib import Path
from typing import Any, ClassVar

from docutils import nodes
from docutils.parsers.rst import directives
from ipywidgets.embed import embed_data
from myst_nb.sphinx_ import NbMetadataCollector
from sphinx.application import Sphinx
from sphinx.util.docutils import SphinxDirective
from sphinx.writers.html5 import HTML5Translator

from booksite.pictures import themed_svg
from convbook import widgets
from convbook.widgets.bundle import FOLDER
from convbook.widgets.figure import svg

VIEW = "application/vnd.jupyter.widget-view+json"
STATE = "ipywidgets_state"  # under this name MyST-NB keeps the state of a page's widgets
OF_EVERY_WIDGET = {"layout", "tabbable", "tooltip"}  # traits that the site has no use for
SMALL = 8_000  # bytes of an array that stands in the page itself: a request costs more
BUNDLE = Path("@jupyter-widgets", "html-manager", "dist")
HOST = Path(__file__).with_name("static") / "host.js"


def _modules() -> dict[str, Path]:
    """Return every module of the figures, and the host, by its place in the site's folder of modules."""
    figures = Path(str(FOLDER))
    return {"host.js": HOST, **{file.relative_to(figures).as_posix(): file for file in sorted(figures.rglob("*.js"))}}


@cache
def modules_folder() -> str:
    """Name the folder of the modules below ``_static``: a new one whenever a module changes, so no cache is stale."""
    digest = hashlib.sha256()
    for file in _modules().values():
        digest.update(file.read_bytes())
    return f"figures-{digest.hexdigest()[:8]}"


class InteractiveNode(nodes.General, nodes.Element):
    """An interactive figure: the attributes say what it is, the child is its picture."""


def _is_ours(model: dict[str, Any]) -> bool:
    return model["state"].get("_anywidget_id", "").startswith("convbook.widgets.")


def _interactive(model: dict[str, Any], picture: nodes.Node) -> InteractiveNode:
    module = model["state"]["_anywidget_id"].split(".")[-2]
    traits = model["state"].items()
    state = {name: value for name, value in traits if not name.startswith("_") and name not in OF_EVERY_WIDGET}
    buffers = [(buffer["path"], base64.b64decode(buffer["data"])) for buffer in model.get("buffers", [])]
    return InteractiveNode("", picture, module=module, state=state, buffers=buffers)


def _find_figures(app: Sphinx, doctree: nodes.document) -> None:
    """Turn the outputs that show our figures into nodes of their own, before images are collected."""
    scripts = NbMetadataCollector.get_js_files(app.env, app.env.docname)
    if STATE not in scripts:
        return
    uri, kwargs = scripts[STATE]
    content = json.loads(kwargs["body"])
    models = content["state"]
    ours = {key: model for key, model in models.items() if _is_ours(model)}
    others = 0
    for bundle in list(doctree.findall(nodes.container)):
        if bundle.get("nb_element") != "mime_bundle":
            continue
        outputs = {part["mime_type"]: part for part in bundle.children}
        if VIEW not in outputs:
            continue
        shown = next((key for key in ours if key in outputs[VIEW].astext()), None)
        if shown is None:
            others += 1
        else:
            bundle.replace_self(_interactive(ours[shown], outputs["image/svg+xml"].children[0]))
    if others:
        content["state"] = {key: model for key, model in models.items() if key not in ours}
        scripts[STATE] = uri, kwargs | {"body": json.dumps(content).replace("</", "<\\/")}
    else:
        del scripts[STATE]


class WidgetDirective(SphinxDirective):
    """``{widget} LiveNetwork``: an interactive figure on a page that is no notebook, its caption as the content."""

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
        figure = nodes.figure("", _interactive(models[widget.model_id], picture), caption)
        caption.children = [child for part in caption.children for child in part.children]
        self.add_name(figure)
        return [figure]


def _visit(self: HTML5Translator, node: InteractiveNode) -> None:
    self.body.append('<div class="interactive">')


def _depart(self: HTML5Translator, node: InteractiveNode) -> None:
    """Write the state, and every large array as a file of its own."""
    static = Path(self.builder.outdir) / "_static"
    root = "../" * self.builder.current_docname.count("/")
    files = []
    for path, data in node["buffers"]:
        if len(data) < SMALL:
            url = f"data:application/octet-stream;base64,{base64.b64encode(data).decode()}"
            files.append({"path": path, "url": url, "bytes": 0})
            continue
        name = f"figures/{hashlib.sha256(data).hexdigest()[:16]}.bin"
        (static / name).parent.mkdir(parents=True, exist_ok=True)
        (static / name).write_bytes(data)
        files.append({"path": path, "url": f"{root}_static/{name}", "bytes": len(data)})
    described = {"module": node["module"], "state": node["state"], "files": files}
    text = json.dumps(described).replace("</", "<\\/")
    self.body.append(f'<script type="application/json">{text}</script></div>')


def _add_scripts(app: Sphinx, page: str, template: str, context: Any, doctree: nodes.document | None) -> None:
    """Give a page with figures the host, and one with other widgets their bundle."""
    if doctree is not None and next(doctree.findall(InteractiveNode), None):
        app.add_js_file(f"{modules_folder()}/host.js", type="module")
    if STATE in NbMetadataCollector.get_js_files(app.env, page):
        app.add_js_file(_bundle(app), defer="defer")


def _bundle(app: Sphinx) -> str:
    """Copy the bundle for other ipywidgets, and its fonts, into the site; return its place below ``_static``."""
    folders = [Path(app.srcdir), *Path(app.srcdir).parents]
    source = next((found for folder in folders if (found := folder / "node_modules" / BUNDLE).is_dir()), None)
    if source is None:
        raise FileNotFoundError(f"a page shows an ipywidget, for which the site needs {BUNDLE.parts[1]}: run `npm ci`")
    target = Path(app.outdir) / "_static" / "html-manager"
    target.mkdir(parents=True, exist_ok=True)
    for file in source.iterdir():
        if file.name == "embed.js" or file.suffix in (".woff2", ".woff", ".ttf"):
            shutil.copy(file, target)
    return "html-manager/embed.js"


def _copy_modules(app: Sphinx, error: Exception | None) -> None:
    static = Path(app.outdir) / "_static"
    if error or not static.is_dir():
        return
    for old in static.glob("figures-*"):
        shutil.rmtree(old)
    for name, file in _modules().items():
        target = static / modules_folder() / name
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(file, target)


def setup(app: Sphinx) -> dict[str, Any]:
    """Connect to Sphinx."""
    app.add_node(InteractiveNode, html=(_visit, _depart))
    app.add_directive("widget", WidgetDirective)
    app.connect("doctree-read", _find_figures, priority=90)  # before images are collected
    app.connect("html-page-context", _add_scripts)
    app.connect("build-finished", _copy_modules)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
