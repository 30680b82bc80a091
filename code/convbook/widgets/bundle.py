"""A figure's ES module and the modules that it imports, in one text."""

import re
from importlib.resources import files
from importlib.resources.abc import Traversable

FOLDER = files("convbook") / "widgets"
_IMPORT = re.compile(r'^import (\{[^}]*\}) from "\.{1,2}/(?:[\w./]*/)?(\w+)\.js";$', re.MULTILINE)
_EXPORT = re.compile(r"^export (?=(?:async )?(?:function\*?|const|class) (\w+))", re.MULTILINE)


def bundle(name: str, folder: Traversable = FOLDER) -> str:
    """Join a module, such as a figure's or a worker's, and the shared modules that it imports into one text.

    The front ends of anywidget load a text that has no files beside it. Each imported module becomes a function's
    result, so that names inside one do not meet those of another.
    """
    parts: dict[str, str] = {}

    def add(module: str, place: Traversable) -> None:
        text = (place / f"{module}.js").read_text(encoding="utf-8")
        for _, needed in _IMPORT.findall(text):
            if needed not in parts:
                add(needed, FOLDER / "shared")
        text = _IMPORT.sub(r"const \1 = \2_module;", text)
        bare = _EXPORT.sub("", text)
        exported = ", ".join(_EXPORT.findall(text))
        wrapped = f"const {module}_module = (() => {{\n{bare}\nreturn {{ {exported} }};\n}})();\n"
        parts[module] = bare if module == name else wrapped

    add(name, folder if (folder / f"{name}.js").is_file() else FOLDER / "shared")
    return "".join(parts.values())
