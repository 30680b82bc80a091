"""The look of the course: what CSS, JavaScript and matplotlib share, from ``tokens.json``.

Every colour has one meaning, which the file says, and a form for light and for dark surroundings.
"""

import json
from importlib.resources import files
from typing import Any, Literal

Scheme = Literal["light", "dark"]

TOKENS: dict[str, Any] = json.loads((files("convbook") / "tokens.json").read_text(encoding="utf-8"))

# How the site and the front ends of notebooks say that their surroundings are dark.
DARK = 'html[data-theme="dark"], body[data-jp-theme-light="false"], body.vscode-dark, html[theme="dark"]'


def color(name: str, scheme: Scheme = "light") -> str:
    """Return a colour as #rrggbb."""
    return TOKENS["colors"][name][scheme]


def css() -> str:
    """Write the tokens as custom properties: ``--sc-ink``, ``--sc-font-sans``, ``--sc-space-4``, ...."""
    others = {f"font-{name}": value for name, value in TOKENS["fonts"].items()}
    others |= {f"space-{name}": value for name, value in TOKENS["space"].items()}
    others |= {f"width-{name}": value for name, value in TOKENS["width"].items()}
    others["radius"] = TOKENS["radius"]
    light = {name: color(name) for name in TOKENS["colors"]} | others
    dark = {name: color(name, "dark") for name in TOKENS["colors"]}
    return _rule(":root", light) + f"@media screen {{\n{_rule(DARK, dark)}}}\n"  # paper is always light


def _rule(selector: str, values: dict[str, str]) -> str:
    return f"{selector} {{\n" + "".join(f"  --sc-{name}: {value};\n" for name, value in values.items()) + "}\n"
