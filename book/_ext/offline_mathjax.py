"""Serve MathJax from the book itself, so that a page with formulas makes no request to another host.

The wheel sphinx-mathjax-offline carries all of MathJax 3 (24 MB); the pages need the part named here (3 MB).
"""

from __future__ import annotations

import shutil
from importlib.util import find_spec
from pathlib import Path

from sphinx.application import Sphinx

NEEDED = [
    "tex-chtml.js",  # TeX in, HTML out
    "output/chtml/fonts/woff-v2",
    "input/tex/extensions",  # loaded when a formula first uses one of them, as \color does
    "a11y",  # the MathML that screen readers read
    "sre/mathmaps/base.json",
    "sre/mathmaps/en.json",
]


def copy_mathjax(app: Sphinx, exception: Exception | None) -> None:
    if exception or app.builder.format != "html":
        return
    spec = find_spec("sphinx-mathjax-offline")
    if spec is None or spec.origin is None:
        raise ModuleNotFoundError("the wheel sphinx-mathjax-offline is missing: run `make book`")
    source = Path(spec.origin).parent / "static" / "mathjax"
    for name in NEEDED:
        target = Path(app.outdir, "_static", "mathjax", name)
        target.parent.mkdir(parents=True, exist_ok=True)
        if (source / name).is_dir():
            shutil.copytree(source / name, target, dirs_exist_ok=True)
        else:
            shutil.copy(source / name, target)


def setup(app: Sphinx) -> dict[str, bool]:
    app.connect("build-finished", copy_mathjax)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
