"""Where a number comes from: what every benchmark and every experiment writes beside its results."""

import platform
import subprocess
import sys
import time
from importlib.metadata import version
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]


def provenance(script: str, packages: list[str]) -> dict:
    """Say with what and when something was measured: the command, the commit, the date, the versions.

    ``script`` is its path from the project's root, whose arguments are those of this process.
    """
    return {
        "command": " ".join(["python", script, *sys.argv[1:]]),
        "commit": commit(),
        "date": time.strftime("%Y-%m-%d"),
        "versions": {name: version(name) for name in packages} | {"python": platform.python_version()},
    }


def commit() -> str | None:
    """Return the short name of the commit that is checked out; None outside a repository, or without git."""
    try:
        done = subprocess.run(["git", "rev-parse", "--short", "HEAD"], capture_output=True, text=True, cwd=ROOT)
    except OSError:
        return None
    return done.stdout.strip() or None
