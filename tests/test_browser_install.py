"""Who runs `make test` without a browser reads what will be installed, by whom and how to avoid it, before it is."""

from __future__ import annotations

import subprocess

import browser
import pytest

ASKED = """Reading package lists...
The following NEW packages will be installed:
  chromium chromium-common libnss3
Need to get 113 MB of archives.
After this operation, 370 MB of additional disk space will be used.
Do you want to continue? [Y/n] N
Abort.
"""


@pytest.fixture
def events(monkeypatch, capsys):
    """What is printed and run, in order, on a Debian machine of root's; nothing is run."""
    happened: list[str] = []

    def run(command, **options):
        happened.extend([capsys.readouterr().out, "$ " + " ".join(map(str, command))])
        return subprocess.CompletedProcess(command, 1, ASKED if "--assume-no" in command else "")

    monkeypatch.setattr(browser.subprocess, "run", run)
    monkeypatch.setattr(browser.shutil, "which", lambda name: f"/usr/bin/{name}" if name == "apt-get" else None)
    monkeypatch.setattr(browser.os, "geteuid", lambda: 0)
    monkeypatch.setattr(browser.sys, "platform", "linux")
    monkeypatch.setattr(browser, "_system", lambda: "id=debian")
    monkeypatch.setattr(browser, "find", lambda: None)
    return happened


def before(events: list[str], command: str) -> str:
    """Return what was printed before a command."""
    position = next(i for i, event in enumerate(events) if event.startswith("$") and command in event)
    return "".join(event for event in events[:position] if not event.startswith("$"))


def test_nothing_is_run_before_it_is_said_who_installs_and_how_to_avoid_it(events):
    browser.install()
    said = before(events, "apt-get update")
    for words in ("Chromium", "package manager", "apt-get install chromium", "CHROMIUM=/path/to/browser", "Ctrl-C"):
        assert words in said


def test_the_packages_and_their_sizes_are_named_before_they_are_installed(events):
    browser.install()
    said = before(events, "-y -qq chromium")
    for words in ("chromium chromium-common libnss3", "113 MB of archives", "370 MB of additional disk space"):
        assert words in said
    assert "Do you want" not in said


def test_playwrights_download_is_announced_with_the_libraries_that_root_gets(events):
    browser.install()
    said = before(events, "playwright install chromium --with-deps")
    for words in ("Playwright downloads", "MB", "package manager installs the libraries", "--with-deps"):
        assert words in said


def test_without_root_no_package_manager_is_called(events, monkeypatch):
    monkeypatch.setattr(browser.os, "geteuid", lambda: 1000)
    browser.install()
    assert not [event for event in events if "apt-get" in event or "--with-deps" in event]
    assert "CHROMIUM=/path/to/browser" in before(events, "playwright install chromium")
