"""The address of the repository, which is written down nowhere, so that a fork's site links to the fork."""

import os
import re
import shutil
import subprocess
from pathlib import Path


def repository_url(book: Path) -> str | None:
    """Find the address of the repository that builds the book, or None where it has none.

    GitHub Actions says it; elsewhere it is the remote called origin. It is written down nowhere, so a fork's site links
    to the fork.
    """
    if "GITHUB_REPOSITORY" in os.environ:
        return f"{os.environ.get('GITHUB_SERVER_URL', 'https://github.com')}/{os.environ['GITHUB_REPOSITORY']}"
    if shutil.which("git") is None:  # a downloaded copy on a machine without git
        return None
    asked = subprocess.run(
        ["git", "-C", str(book), "remote", "get-url", "origin"], capture_output=True, text=True, check=False
    )
    match = re.fullmatch(r"(?:https://github\.com/|git@github\.com:)(.+?/.+?)(?:\.git)?", asked.stdout.strip())
    return f"https://github.com/{match[1]}" if match else None


def pages_url(repository: str | None) -> str:
    """Return where GitHub Pages shows a repository's site, or nothing where the repository is not known."""
    match = re.fullmatch(r"https://github\.com/([^/]+)/([^/]+)", (repository or "").lower())
    if not match:
        return ""
    host = f"{match[1]}.github.io"
    return f"https://{host}/" if match[2] == host else f"https://{host}/{match[2]}/"
