"""Where the targets of a PDF's links are. It reads what Chromium writes (Skia's PDF, whose objects are not packed)."""

from __future__ import annotations

import re


def pages_of(pdf: bytes) -> tuple[dict[str, int], int]:
    """Return the page of each named target, counted from 1, and how many pages there are.

    Raises ValueError where the PDF is not of the kind that Chromium writes with links and bookmarks.
    """
    objects = _Objects(pdf)
    catalog = re.search(rb"/Type /Catalog.*?endobj", pdf, re.DOTALL)
    root = catalog and re.search(rb"/Pages (\d+) 0 R", catalog.group())
    targets = catalog and re.search(rb"/Dests (\d+) 0 R", catalog.group())
    if not root or not targets:
        raise ValueError("expected a PDF by Chromium with named targets; its catalogue has none")
    order = {number: place for place, number in enumerate(_leaves(objects, root.group(1)), 1)}
    found = re.findall(rb"/(\S+) \[(\d+) 0 R /XYZ", objects[targets.group(1)])
    return {_name(name): order[page] for name, page in found}, len(order)


class _Objects:
    """The objects of a PDF by number; where each begins is looked up once, since there are many thousands."""

    def __init__(self, pdf: bytes) -> None:
        self.pdf = pdf
        self.starts = {found.group(1): found.end() for found in re.finditer(rb"\n(\d+) 0 obj\n", pdf)}

    def __getitem__(self, number: bytes) -> bytes:
        if number not in self.starts:
            raise ValueError(f"the PDF has no object {number.decode()}")
        start = self.starts[number]
        return self.pdf[start : self.pdf.index(b"\nendobj", start)]


def _leaves(objects: _Objects, number: bytes) -> list[bytes]:
    """Return the numbers of the pages under a node of the page tree, in order."""
    kids = re.search(rb"/Kids \[(.*?)\]", objects[number], re.DOTALL)
    if not kids or b"/Type /Pages" not in objects[number]:
        return [number]
    return [leaf for kid in re.findall(rb"(\d+) 0 R", kids.group(1)) for leaf in _leaves(objects, kid)]


def _name(raw: bytes) -> str:
    return re.sub(rb"#([0-9A-Fa-f]{2})", lambda m: bytes([int(m.group(1), 16)]), raw).decode()
