"""Where the targets of a PDF's links are. It reads what Chromium writes (Skia's PDF, whose objects are not packed)."""

from __future__ import annotations

import re


def pages_of(pdf: bytes) -> tuple[dict[str, int], int]:
    """Return the page of each named target, counted from 1, and how many pages there are.

    Raises ValueError where the PDF is not of the kind that Chromium writes with links and bookmarks.
    """
    catalog = re.search(rb"/Type /Catalog.*?endobj", pdf, re.DOTALL)
    root = catalog and re.search(rb"/Pages (\d+) 0 R", catalog.group())
    targets = catalog and re.search(rb"/Dests (\d+) 0 R", catalog.group())
    if not root or not targets:
        raise ValueError("expected a PDF by Chromium with named targets; its catalogue has none")
    order = {number: place for place, number in enumerate(_leaves(pdf, root.group(1)), 1)}
    found = re.findall(rb"/(\S+) \[(\d+) 0 R /XYZ", _object(pdf, targets.group(1)))
    return {_name(name): order[page] for name, page in found}, len(order)


def _object(pdf: bytes, number: bytes) -> bytes:
    found = re.search(rb"(?:^|\n)" + number + rb" 0 obj\n(.*?)\nendobj", pdf, re.DOTALL)
    if not found:
        raise ValueError(f"the PDF has no object {number.decode()}")
    return found.group(1)


def _leaves(pdf: bytes, number: bytes) -> list[bytes]:
    """Return the numbers of the pages under a node of the page tree, in order."""
    node = _object(pdf, number)
    kids = re.search(rb"/Kids \[(.*?)\]", node, re.DOTALL)
    if not kids:
        return [number]
    return [leaf for kid in re.findall(rb"(\d+) 0 R", kids.group(1)) for leaf in _leaves(pdf, kid)]


def _name(raw: bytes) -> str:
    return re.sub(rb"#([0-9A-Fa-f]{2})", lambda m: bytes([int(m.group(1), 16)]), raw).decode()
