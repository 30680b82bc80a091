"""Set up `.venv` with the pinned packages, or leave it alone where all is well; `make` starts here.

Runs on any Python 3, in order to say which ones will do.
"""

import hashlib
import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
VENV = ROOT / ".venv"
PYTHON = VENV / "bin" / "python"
READY = VENV / "ready"  # what .venv was set up from
REQUIREMENTS = ROOT / "requirements.txt"


def wanted():
    """Return what a complete `.venv` was set up from: the folder, which its scripts name, and the pins."""
    pins = REQUIREMENTS.read_bytes() + (ROOT / "code" / "pyproject.toml").read_bytes()
    return f"{ROOT}\n{hashlib.sha256(pins).hexdigest()}\n"


def python_version():
    """Return the version of the Python in `.venv`, or None where there is none that runs."""
    try:
        command = [str(PYTHON), "-c", "import sys; print(*sys.version_info[:2])"]
        major, minor = subprocess.check_output(command, stderr=subprocess.DEVNULL).split()
    except (OSError, subprocess.CalledProcessError):
        return None
    return int(major), int(minor)


def other_jupyter_book():
    """Return the version of Jupyter Book in `.venv` where it is another than the pinned one: 2 ignores our settings."""
    pins = REQUIREMENTS.read_text(encoding="utf-8").splitlines()
    pinned = next(pin.partition("==")[2].split()[0] for pin in pins if pin.startswith("jupyter-book=="))
    folders = VENV.glob("lib/python3.*/site-packages/jupyter_book-*.dist-info")
    installed = [folder.name.partition("-")[2][: -len(".dist-info")] for folder in folders]
    return None if installed == [pinned] else " and ".join(installed) or "none"


def reason_to_start_anew():
    """Return why what is in `.venv` is of no use, as a sentence, or None where it can stay."""
    if python_version() != sys.version_info[:2]:
        return "The folder .venv gets a Python {}.{}.".format(*sys.version_info[:2])
    if READY.exists() and READY.read_text(encoding="utf-8").splitlines()[:1] != [str(ROOT)]:
        return "The folder .venv is made anew, because it was made somewhere else."
    return None


def reason_to_install():
    """Return why the packages have to be installed, as a sentence, or None where they are there."""
    if not READY.exists() or READY.read_text(encoding="utf-8") != wanted():
        return "The packages in .venv are not yet the pinned ones."
    other = other_jupyter_book()
    return other and f"The book is not built with the Jupyter Book in .venv ({other}), so the pinned one is put back."


def main():
    """Set up what is missing; exits with one sentence where that is impossible."""
    if not (3, 11) <= sys.version_info[:2] <= (3, 13):
        sys.exit(
            "The pinned TensorFlow needs Python 3.11, 3.12 or 3.13, and {} is {}.{}: "
            "install one of them, or name it, as in `make book PYTHON=python3.12`.".format(
                sys.executable, *sys.version_info[:2]
            )
        )
    anew = reason_to_start_anew()
    reason = anew or reason_to_install()
    if reason is None:
        return
    print(reason, "Installing takes a few minutes the first time.", flush=True)
    clear = ["--clear"] if anew else []
    # TensorFlow finds a GPU on Linux only with NVIDIA's libraries, which the pinned TensorFlow names.
    gpu = ["tensorflow[and-cuda]"] if shutil.which("nvidia-smi") else []
    base = getattr(sys, "_base_executable", sys.executable)  # an environment cannot make itself anew
    install = ["install", "--quiet", "--disable-pip-version-check", "--requirement", str(REQUIREMENTS), *gpu]
    for command in ([base, "-m", "venv", *clear, str(VENV)], [str(PYTHON), "-m", "pip", *install]):
        if subprocess.call(command, cwd=str(ROOT)) != 0:
            sys.exit("The environment in .venv could not be set up, for the reason above.")
    READY.write_text(wanted(), encoding="utf-8")


if __name__ == "__main__":
    main()
