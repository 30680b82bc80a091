"""What the repository holds: its root and the files that are committed, or about to be."""

import subprocess
from pathlib import Path

ROOT = Path(__file__).parents[2]


def files(pattern: str = "*") -> list[Path]:
    """Return the files that git tracks or would add, as absolute paths; ``*`` in the pattern matches folders too."""
    command = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard", "--", pattern]
    listed = subprocess.run(command, cwd=ROOT, check=True, capture_output=True, text=True).stdout
    return [path for name in listed.split("\0") if name and (path := ROOT / name).is_file()]
