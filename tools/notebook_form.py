"""The form in which notebooks are committed.

Cells keep their ids where these are valid and unique, others get one made from the notebook's name and the cell's
place; no timing, no widget state, one kernel spec; outputs of one stream in one piece; the keys sorted. Writing a
notebook twice gives the same bytes.
"""

from __future__ import annotations

import hashlib
import json
import re
from pathlib import Path

import nbformat
from nbformat import NotebookNode

KERNEL = {
    "kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"},
    "language_info": {"name": "python"},
}
VALID_ID = re.compile(r"[a-zA-Z0-9_-]{1,64}")
VOLATILE_METADATA = ("execution", "collapsed", "scrolled", "ExecuteTime", "trusted", "editable", "slideshow")


def give_ids(nb: NotebookNode, stem: str) -> None:
    """Keep each valid id at its first use; give every other cell an id that is the same on every run."""
    taken: set[str] = set()
    without = []
    for place, cell in enumerate(nb.cells):
        cell_id = cell.get("id", "")
        if VALID_ID.fullmatch(cell_id) and cell_id not in taken:
            taken.add(cell_id)
        else:
            without.append((place, cell))
    for place, cell in without:
        attempt = 0
        while True:
            seed = f"{stem}/{place}/{attempt}"
            cell_id = "c" + hashlib.sha256(seed.encode()).hexdigest()[:8]
            if cell_id not in taken:
                break
            attempt += 1
        cell["id"] = cell_id
        taken.add(cell_id)


def merge_streams(outputs: list[NotebookNode]) -> list[NotebookNode]:
    """Join neighbouring pieces of one stream: how the kernel cuts its text varies from run to run."""
    merged: list[NotebookNode] = []
    for output in outputs:
        last = merged[-1] if merged else None
        if output.output_type == "stream" and last is not None and last.get("name") == output.name:
            last.text += output.text
        else:
            merged.append(output)
    return merged


def canonical(nb: NotebookNode, stem: str) -> str:
    """Return the notebook's text in canonical form; nb itself is brought into that form too."""
    give_ids(nb, stem)
    nb.metadata = nbformat.from_dict(KERNEL)
    nb.nbformat, nb.nbformat_minor = 4, 5
    for cell in nb.cells:
        for key in VOLATILE_METADATA:
            cell.metadata.pop(key, None)
        cell.source = (
            "\n".join(line.rstrip() for line in cell.source.rstrip().split("\n"))
            if cell.cell_type == "code"
            else cell.source.rstrip("\n")
        )
        if cell.cell_type == "code":
            cell.outputs = merge_streams(cell.outputs)
            for output in cell.outputs:
                if "metadata" in output:
                    output.metadata.pop("needs_background", None)
    nbformat.validate(nb)
    return nbformat.writes(nb).rstrip("\n") + "\n"


def read(path: Path) -> NotebookNode:
    """Read a notebook; ids that are missing or used twice are left for `give_ids` to mend."""
    raw = json.loads(path.read_text(encoding="utf-8"))
    seen: set[str] = set()
    for cell in raw["cells"]:  # nbformat would give these a random id, and warn
        if not VALID_ID.fullmatch(cell.get("id", "")) or cell["id"] in seen:
            cell["id"] = ""
        seen.add(cell["id"])
    raw["nbformat_minor"] = max(raw.get("nbformat_minor", 5), 5)
    nb = nbformat.from_dict(raw)
    for cell in nb.cells:  # on disk a text is a list of lines
        cell.source = "".join(cell.source) if isinstance(cell.source, list) else cell.source
        for output in cell.get("outputs", []):
            if isinstance(output.get("text"), list):
                output.text = "".join(output.text)
            data = output.get("data", {})
            for mime, value in data.items():
                if isinstance(value, list) and not mime.endswith("json"):
                    data[mime] = "".join(value)
    return nb
