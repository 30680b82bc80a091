"""Files that are whole at any moment."""

import os
from pathlib import Path


def write_atomically(path: Path, content: bytes) -> None:
    """Write a file in one step: whoever looks, or stops the program, finds the old file or the new one.

    Args:
        path: of the file; its folder is made if it is missing.
        content: all of it.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    unfinished = path.with_name(f"{path.name}.{os.getpid()}.part")
    try:
        unfinished.write_bytes(content)
        unfinished.replace(path)
    finally:
        unfinished.unlink(missing_ok=True)  # on a full disk, say
