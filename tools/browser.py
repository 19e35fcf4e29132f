"""Find the Chromium that the browser tests use, or install one.

python tools/browser.py            install one where none is found; say which is used
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome", "microsoft-edge")
APPLICATIONS = ("Google Chrome", "Chromium", "Microsoft Edge")


def find() -> str | None:
    """Return the path of a Chromium: $CHROMIUM, else one of the system's, else Playwright's own; None where none is."""
    named = os.environ.get("CHROMIUM")
    if named:
        if not shutil.which(named):
            raise FileNotFoundError(f"CHROMIUM should be the path of a browser, but nothing runs at {named!r}")
        return shutil.which(named)
    for name in NAMES:
        path = shutil.which(name)
        # on Ubuntu the name may be a stub that only says how to install the snap, whose sandbox cannot read /tmp
        if path and "snap" not in str(Path(path).resolve()) and _runs(path):
            return path
    for name in APPLICATIONS:
        for folder in (Path("/Applications"), Path.home() / "Applications"):
            application = folder / f"{name}.app" / "Contents" / "MacOS" / name
            if application.exists():
                return str(application)
    return _playwrights_own()


def _runs(path: str) -> bool:
    try:
        return subprocess.run([path, "--version"], capture_output=True, timeout=60).returncode == 0
    except (OSError, subprocess.TimeoutExpired):
        return False


def _playwrights_own() -> str | None:
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        path = playwright.chromium.executable_path
    return path if Path(path).exists() else None


APT = ["apt-get", "install", "--no-install-recommends"]


def install() -> None:
    """Say what will be installed and how to avoid it, then install: Debian's package, else Playwright's build."""
    print("The browser tests need a Chromium, and none is found: one is installed now. To use one of yours, stop this")
    print("with Ctrl-C and run  CHROMIUM=/path/to/browser make test")
    if shutil.which("apt-get") and os.geteuid() == 0 and "ubuntu" not in _system():
        print(
            "The system's package manager installs it, since this is root: apt-get update, apt-get install chromium",
            flush=True,
        )
        subprocess.run(["apt-get", "update", "-qq"])
        print(_plan(), flush=True)
        environment = os.environ | {"DEBIAN_FRONTEND": "noninteractive"}
        subprocess.run([*APT, "-y", "-qq", "chromium"], stdout=subprocess.DEVNULL, env=environment)
        if find():
            return
    command = [sys.executable, "-m", "playwright", "install", "chromium"]
    print("Playwright downloads its Chromium, about 200 MB, to its folder in the user's cache", end="")
    if sys.platform == "linux" and os.geteuid() == 0:
        command.append("--with-deps")
        print(",\nand the system's package manager installs the libraries that it needs, since this is root", end="")
    print(f": {' '.join(command[1:])}", flush=True)
    subprocess.run(command)


def _plan() -> str:
    """Return what apt-get would install, in its own words: the packages, the size of the download and on the disk."""
    asked = subprocess.run(
        [*APT, "--assume-no", "chromium"], capture_output=True, text=True, env=os.environ | {"LC_ALL": "C"}
    )
    start = asked.stdout.find("The following NEW packages")
    return asked.stdout[start:].split("Do you want")[0].rstrip() if start >= 0 else ""


def _system() -> str:
    release = Path("/etc/os-release")
    return release.read_text().lower() if release.exists() else ""


def main() -> int:
    if find() is None:
        install()
    path = find()
    if path is None:
        print(
            "The browser tests need a Chromium, and none could be installed. Install Chromium or Google Chrome, or\n"
            "name one with CHROMIUM=/path/to/browser make test",
            file=sys.stderr,
        )
        return 1
    print(f"Browser for the tests: {path}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
