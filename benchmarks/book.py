"""What building the book takes: `python -m benchmarks.book` writes `results/book.json`.

Twice in a fresh copy of the repository: from nothing, with every chapter executed, and again with nothing changed.
Time, and the most memory that all processes of the build held together.
"""

import datetime
import json
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import psutil

from convbook.backend import device_name, versions

ROOT = Path(__file__).parents[1]
EVERY = 0.5  # seconds between two looks at the memory


def measured(command: list[str], folder: Path) -> dict[str, float]:
    """Run a command; return its seconds and the peak of its memory, all its processes together.

    Memory that processes share is counted in each (resident set size), so this is an upper bound.

    Raises:
        RuntimeError: if the command fails; the message ends as its output does.
    """
    started, peak = time.perf_counter(), 0
    with tempfile.TemporaryFile() as output, psutil.Popen(command, cwd=folder, stdout=output, stderr=output) as process:
        while process.poll() is None:
            peak = max(peak, memory(process))
            time.sleep(EVERY)
        seconds = time.perf_counter() - started
        output.seek(0)
        if process.returncode:
            raise RuntimeError(f"the build failed:\n{output.read().decode()[-4000:]}")
    return {"seconds": round(seconds, 1), "peak_gib": round(peak / 2**30, 2)}


def memory(process: psutil.Process) -> int:
    """Return the bytes that a process and all below it hold now."""
    total = 0
    for member in [process, *process.children(recursive=True)]:
        try:
            total += member.memory_info().rss
        except psutil.NoSuchProcess:
            continue  # it has just ended
    return total


def main() -> None:
    """Build twice in a fresh copy and write the record."""
    build = [str(Path(sys.executable).with_name("jupyter-book")), "build", "."]
    with tempfile.TemporaryDirectory() as folder:
        copy = Path(folder) / "book"
        subprocess.run(["git", "clone", "--quiet", ROOT, copy], check=True)
        if (ROOT / "node_modules").exists():  # where the data is on a machine that cannot download it
            (copy / "node_modules").symlink_to(ROOT / "node_modules")
        builds = {}
        for name in ("from nothing", "again"):
            builds[name] = measured(build, copy)
            print(f"{name}: {builds[name]['seconds']:.1f} s, {builds[name]['peak_gib']:.2f} GiB", flush=True)
    record = {
        "command": "python -m benchmarks.book",
        "date": datetime.datetime.now(datetime.UTC).date().isoformat(),
        "device": device_name(),
        "versions": versions(),
        "builds": builds,
    }
    (ROOT / "results" / "book.json").write_text(json.dumps(record, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
