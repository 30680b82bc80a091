"""Pack what ``benchmarks.gpu`` needs on a machine without network: ``python -m benchmarks.gpu_folder DIR``.

That machine is x86-64 Linux and has Python 3.11, 3.12 or 3.13 with pip, JAX and PyTorch, but perhaps neither Keras nor
TensorFlow. The folder has the wheels that are missing there, MNIST, the package and the benchmarks. Copy it there and
run ``bash DIR/run.sh``; nothing is installed outside the folder.
"""

import argparse
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import numpy as np

from convbook import mnist

ROOT = Path(__file__).parents[1]
PYTHONS = ("3.11", "3.12", "3.13")
PLATFORMS = ("manylinux_2_28_x86_64", "manylinux_2_27_x86_64", "manylinux_2_17_x86_64", "manylinux2014_x86_64")
WANTED = ("keras", "pooch")  # what the package imports when it trains
THERE = ("numpy", "ml-dtypes")  # come with JAX, in the versions that it was built for
RUN = """\
#!/bin/sh
# Run the benchmark and hand options on to it: bash run.sh --short --out FOLDER
# Another Python than python3: PYTHON=/path/to/python bash run.sh
set -e
out=$PWD
cd "$(dirname "$0")"
python=${PYTHON:-python3}
# A separate folder, so that the machine's packages do not change.
[ -d installed ] || "$python" -m pip install --quiet --no-index --find-links wheels --no-deps --target installed \\
    --requirement wheels.txt
export PYTHONPATH="$PWD:$PWD/code:$PWD/installed" KERAS_HOME="$PWD/keras"
cd "$out"
exec "$python" -m benchmarks.gpu "$@"
"""


def pins() -> dict[str, str]:
    """Return the pinned version of every package that the course is built with, by its name."""
    lines = (ROOT / "requirements.txt").read_text(encoding="utf-8").splitlines()
    return dict(line.split(" ;")[0].split("==") for line in lines if "==" in line and not line.startswith((" ", "#")))


def download(folder: Path) -> list[str]:
    """Download the wheels that a machine with JAX lacks, for every Python; return the names of the packages."""
    folder.mkdir()
    pip = [sys.executable, "-m", "pip", "download", "--quiet", "--only-binary=:all:"]
    pip += [option for platform in PLATFORMS for option in ("--platform", platform)]
    with tempfile.TemporaryDirectory() as temporary:
        constraints = Path(temporary) / "constraints.txt"
        constraints.write_text("".join(f"{name}=={version}\n" for name, version in pins().items()), encoding="utf-8")
        for python in PYTHONS:
            options = ["--python-version", python, "--constraint", str(constraints), "--dest", str(folder)]
            subprocess.run([*pip, *options, *WANTED], check=True)
    names = set()
    for wheel in folder.glob("*.whl"):
        name = wheel.name.split("-")[0].replace("_", "-").lower()
        if name in THERE:
            wheel.unlink()
        else:
            names.add(name)
    return sorted(names)


def pack(folder: Path) -> None:
    """Fill a new folder.

    Raises:
        FileExistsError: if it exists.
        subprocess.CalledProcessError: if a wheel cannot be downloaded; pip says why.
    """
    folder.mkdir(parents=True)
    names = download(folder / "wheels")
    (folder / "wheels.txt").write_text("\n".join(names) + "\n", encoding="utf-8")
    ignore = shutil.ignore_patterns("__pycache__")
    shutil.copytree(ROOT / "code" / "convbook", folder / "code" / "convbook", ignore=ignore)
    shutil.copytree(ROOT / "benchmarks", folder / "benchmarks", ignore=ignore)
    data = folder / "keras" / "datasets" / "mnist.npz"  # where Keras would have it
    data.parent.mkdir(parents=True)
    arrays: dict[str, Any] = dict(zip(mnist.NPZ_KEYS, mnist.load(), strict=True))
    np.savez_compressed(data, **arrays)
    (folder / "run.sh").write_text(RUN, encoding="utf-8")


def main() -> None:
    """Pack a folder and print its size."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.gpu_folder", description=main.__doc__)
    parser.add_argument("folder", type=Path, help="is made; has to be new")
    folder = parser.parse_args().folder
    try:
        pack(folder)
    except FileExistsError:
        parser.error(f"{folder} exists; name a new folder, or remove it")
    files = [Path(parent) / name for parent, _, names in os.walk(folder) for name in names]
    print(f"{folder}: {sum(file.stat().st_size for file in files) / 1e6:.1f} MB in {len(files)} files")


if __name__ == "__main__":
    main()
