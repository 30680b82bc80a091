"""Write files so that they are complete at any moment."""

import os
from pathlib import Path


def write_atomically(path: Path, content: bytes) -> None:
    """Write a file in one step: even if the program is stopped, the old file or the new one is complete.

    Args:
        path: the file; its folder is created if it is missing.
        content: the whole content.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    unfinished = path.with_name(f"{path.name}.{os.getpid()}.part")
    try:
        unfinished.write_bytes(content)
        unfinished.replace(path)
    finally:
        unfinished.unlink(missing_ok=True)  # after an error, such as a full disk
