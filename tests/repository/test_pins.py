"""What is installed is pinned to one version, in both ecosystems, and the lock files agree with what asks for them."""

import json
import re
import tomllib
from itertools import chain

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from .tree import ROOT


def pins(lock: str) -> list[str]:
    """Return the requirements of a lock file without comments and without our own package."""
    lines = [line.strip() for line in lock.splitlines()]
    return [line for line in lines if line and not line.startswith("#") and line != "-e ./code"]


def pin_problems(lock: str, wanted: list[str]) -> list[str]:
    """Return lines that are no exact pin, and wanted requirements that no pin fulfils."""
    problems = []
    versions: dict[str, list[str]] = {}
    for line in pins(lock):
        if match := re.fullmatch(r"([\w.-]+)==([\w.]+)(?: ;.*)?", line):
            versions.setdefault(canonicalize_name(match[1]), []).append(match[2])
        else:
            problems.append(f"not an exact pin: {line}")
    for requirement in map(Requirement, wanted):
        found = versions.get(canonicalize_name(requirement.name), [])
        if not found or not all(requirement.specifier.contains(version, prereleases=True) for version in found):
            problems.append(f"{requirement} is wanted, {found or 'nothing'} is pinned; run `make lock`")
    return problems


def npm_problems(package: dict, lock: dict) -> list[str]:
    """Return dependencies that are no exact version or differ from the lock, and locked packages with an address."""
    wanted = package.get("dependencies", {}) | package.get("devDependencies", {})
    problems = [
        f"{name}: {version} is not exact" for name, version in wanted.items() if not re.match(r"\d+(\.\d+){2}", version)
    ]
    for name, version in wanted.items():
        locked = lock["packages"].get(f"node_modules/{name}", {}).get("version")
        if locked != version:
            problems.append(f"{name}: {version} is wanted, {locked} is locked")
    return problems + [f"{path}: has an address" for path, locked in lock["packages"].items() if "resolved" in locked]


def test_python_packages_are_pinned():
    project = tomllib.loads((ROOT / "code" / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    wanted = project["dependencies"] + list(chain(*project["optional-dependencies"].values()))
    problems = pin_problems((ROOT / "requirements.txt").read_text(encoding="utf-8"), wanted)
    assert not problems, "\n".join(["requirements.txt does not fit code/pyproject.toml:", *problems])


def test_npm_packages_are_pinned():
    package, lock = (
        json.loads((ROOT / name).read_text(encoding="utf-8")) for name in ("package.json", "package-lock.json")
    )
    problems = npm_problems(package, lock)
    advice = "Write exact versions into package.json, and renew the lock by `npm install --package-lock-only`:"
    assert not problems, "\n".join([advice, *problems])
