"""The files that the browser loads after the first press: Python, the package, and what runs both."""

from __future__ import annotations

import gzip
import hashlib
import json
import shutil
import zipfile
from collections.abc import Sequence
from pathlib import Path

from sphinx.application import Sphinx

from live_code import python

STATIC = Path(__file__).parent / "static"
SMALL = 100_000  # bytes of a data file; a larger one would make each reader wait for it


def files_of(package: Path, without: Sequence[str] = ()) -> list[Path]:
    """Return the files of a package that can be of use in a browser, the small tables of data among them.

    ``without`` names folders that are of none, because they need what the browser has not.
    """
    left = {"__pycache__", *without}
    found = [p for p in package.rglob("*") if p.is_file() and not left & set(p.relative_to(package).parts)]
    return sorted(p for p in found if p.suffix == ".py" or (p.suffix == ".gz" and p.stat().st_size < SMALL))


def pack(package: Path, target: Path, without: Sequence[str] = ()) -> None:
    """Write a package as a zip, and beside it the module that runs a cell; the same bytes on any day."""
    members = {str(path.relative_to(package.parent)): path.read_bytes() for path in files_of(package, without)}
    members["live_code_run.py"] = (STATIC / "live_code_run.py").read_bytes()
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED, compresslevel=9) as archive:
        for name, content in sorted(members.items()):
            archive.writestr(zipfile.ZipInfo(name, (1980, 1, 1, 0, 0, 0)), content, zipfile.ZIP_DEFLATED, 9)


def write_files(app: Sphinx, exception: Exception | None) -> None:
    """Copy everything into the built book; the larger files compressed, for servers that do not compress them."""
    if exception or app.builder.format != "html":
        return
    target = Path(app.outdir, "_static", "live_code")
    shutil.rmtree(target, ignore_errors=True)
    folder = python.folder_of(app)
    if folder is None:
        return
    target.mkdir(parents=True)
    sizes = {}
    for name in python.FILES:
        content = (folder / name).read_bytes()
        if name in python.COMPRESSED:
            name, content = name + ".gz", gzip.compress(content, 9, mtime=0)
        (target / name).write_bytes(content)
        sizes[name] = len(content)
    pack(Path(app.srcdir, app.config.live_code_package), target / "package.zip", app.config.live_code_without)
    sizes["package.zip"] = (target / "package.zip").stat().st_size
    for name in ("live_code_worker.mjs", "live_code.js", "live_code.css"):
        shutil.copy(STATIC / name, target / name)
    version = hashlib.sha256(b"".join((target / name).read_bytes() for name in sizes)).hexdigest()[:16]
    (target / "files.json").write_text(json.dumps({"version": version, "sizes": sizes, "lock": python.lock()}))
