"""The tests find a browser by themselves, and say plainly where there is none."""

import os
from pathlib import Path

import pytest

from .browser import NoBrowserError, find_browser


def test_an_installed_browser_comes_first(tmp_path):
    assert find_browser(tmp_path, which={"chromium": "/usr/bin/chromium"}.get) == "/usr/bin/chromium"


def test_then_playwrights_own(tmp_path):
    own = tmp_path / "chrome"

    def run(*command: str) -> bool:
        assert command[-2:] == ("install", "chromium")
        own.touch()
        return True

    assert find_browser(own, which=lambda name: None, run=run) == str(own)


def test_then_debians_package(tmp_path, monkeypatch):
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    programs = {"apt-get": "/usr/bin/apt-get"}

    def run(*command: str) -> bool:
        if command[:2] == ("apt-get", "install"):
            programs["chromium"] = "/usr/bin/chromium"
        return command[0] == "apt-get"

    assert find_browser(tmp_path / "none", which=programs.get, run=run) == "/usr/bin/chromium"


@pytest.mark.parametrize("user", [0, 1000])
def test_else_a_plain_sentence(monkeypatch, user):
    monkeypatch.setattr(os, "geteuid", lambda: user)
    programs = {"apt-get": "/usr/bin/apt-get"} if user else {}
    with pytest.raises(NoBrowserError, match="Install Chromium or Google Chrome, or run"):
        find_browser(Path("/none"), which=programs.get, run=lambda *command: False)
