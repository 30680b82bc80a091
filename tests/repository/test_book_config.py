"""Jupyter Book reads every key of `_config.yml`, the settings that matter are on, and `_toc.yml` names every page."""

from pathlib import Path
from typing import Any

import pytest
import yaml
from jupyter_book.config import PATH_YAML_DEFAULT, get_final_config, validate_yaml, yaml_to_sphinx
from sphinx_external_toc.parsing import parse_toc_yaml

from .tree import ROOT, files

PAGE_SUFFIXES = {".ipynb", ".md"}


class Recorder(dict):
    """A mapping that remembers which of its keys were looked up; mappings inside it do so too."""

    def __init__(self, items: dict[str, Any]):
        super().__init__({key: Recorder(value) if isinstance(value, dict) else value for key, value in items.items()})
        self.looked_up: set[object] = set()

    def __contains__(self, key):
        self.looked_up.add(key)
        return super().__contains__(key)

    def __getitem__(self, key):
        self.looked_up.add(key)
        return super().__getitem__(key)

    def get(self, key, default=None):
        self.looked_up.add(key)
        return super().get(key, default)

    def unread(self, prefix: str = "") -> list[str]:
        """Return the keys that nobody looked up. A mapping handed on as a whole was read by whoever received it."""
        keys = []
        for key, value in self.items():
            if key not in self.looked_up:
                keys.append(prefix + key)
            elif isinstance(value, Recorder) and value.looked_up:
                keys += value.unread(f"{prefix}{key}.")
        return keys


def config_problems(config: dict[str, Any]) -> list[str]:
    """Return the keys that Jupyter Book would pass over in silence, and settings that would hide a fault.

    The allow-list is Jupyter Book's own code: its translation to Sphinx runs, and what it never looks up has no effect.
    (Its documented defaults are no such list: `parse.myst_dmath_double_inline` stands there and is never read.)
    """
    validate_yaml(config, raise_on_errors=True)
    recorder = Recorder(config)
    yaml_to_sphinx(recorder)
    problems = [f"{key} is never read" for key in recorder.unread()]

    known = yaml.safe_load(PATH_YAML_DEFAULT.read_text(encoding="utf-8"))["launch_buttons"]
    problems += [
        f"launch_buttons.{key} is never read" for key in config.get("launch_buttons", {}).keys() - known.keys()
    ]

    settings, _ = get_final_config(user_yaml=config, cli_config={"latex_individualpages": False}, sourcedir=ROOT)
    if settings.get("nb_execution_raise_on_error") is not True:
        problems.append("a cell that raises would not fail the build: set nb_execution_raise_on_error")
    if settings.get("external_toc_exclude_missing") is not True:
        problems.append("files outside the toc would become pages: set only_build_toc_files")
    if "booksite.extension" not in settings["extensions"]:
        problems.append("booksite.extension is not among sphinx.extra_extensions")
    if "html_theme_options" in (config.get("sphinx", {}).get("config") or {}):
        problems.append("sphinx.config.html_theme_options replaces Jupyter Book's own; its buttons vanish")
    return problems


def toc_problems(toc: set[str], pages: list[Path]) -> list[str]:
    """Return the entries of the toc without a page, and the pages of chapters/ without an entry."""
    names = {path.relative_to(ROOT).with_suffix("").as_posix() for path in pages if path.suffix in PAGE_SUFFIXES}
    problems = [f"{name} is in _toc.yml, and there is no such page" for name in sorted(toc - names)]
    chapters = {name for name in names if name.startswith("chapters/")}
    return problems + [f"{name} is not in _toc.yml" for name in sorted(chapters - toc)]


def good_config() -> dict[str, Any]:
    return {
        "title": "A book",
        "only_build_toc_files": True,
        "execute": {"execute_notebooks": "cache", "timeout": -1},
        "launch_buttons": {"colab_url": "https://colab.research.google.com"},
        "sphinx": {
            "extra_extensions": ["booksite.extension"],
            "config": {"nb_execution_raise_on_error": True},
        },
    }


def test_config_is_read_to_the_last_key():
    problems = config_problems(yaml.safe_load((ROOT / "_config.yml").read_text(encoding="utf-8")))
    assert not problems, "\n".join(["Correct _config.yml:", *problems])


@pytest.mark.parametrize(
    ("section", "wrong", "problem"),
    [
        (None, {"exclude": ["README.md"]}, "exclude is never read"),
        (None, {"only_build_toc_files": False}, "files outside the toc"),
        ("html", {"analytics": {"matomo": "1"}}, "html.analytics.matomo is never read"),
        ("launch_buttons", {"kaggle_url": ""}, "launch_buttons.kaggle_url is never read"),
        ("sphinx", {"extra_extensions": []}, "booksite.extension is not among"),
        ("sphinx", {"config": {}}, "a cell that raises would not fail"),
        ("sphinx", {"config": {"nb_execution_raise_on_error": True, "html_theme_options": {}}}, "its buttons vanish"),
    ],
)
def test_wrong_config_is_found(section, wrong, problem):
    config = good_config()
    (config.setdefault(section, {}) if section else config).update(wrong)
    (found,) = config_problems(config)
    assert problem in found


def test_toc_names_every_page():
    problems = toc_problems(set(parse_toc_yaml(ROOT / "_toc.yml")), files())
    assert not problems, "\n".join(problems)
