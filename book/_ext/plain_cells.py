"""Notebooks whose Markdown cells are plain, for Jupyter, and whose pages are made from MyST.

A cell's MyST is in its metadata, under ``myst``; here it takes the place of the cell's text before the page is made.
"""

from __future__ import annotations

import json

from sphinx.application import Sphinx


def restore(app: Sphinx, docname: str, source: list[str]) -> None:
    if not app.env.doc2path(docname).endswith(".ipynb") or '"myst"' not in source[0]:
        return
    notebook = json.loads(source[0])
    for cell in notebook["cells"]:
        if "myst" in cell["metadata"]:
            cell["source"] = cell["metadata"].pop("myst")
    source[0] = json.dumps(notebook)


def setup(app: Sphinx) -> dict[str, bool]:
    app.connect("source-read", restore)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
