"""A pytest plugin that closes what nbval leaves open, so that a green run means: every stored output was reproduced.

nbval runs each cell of a notebook and compares its text with the stored text. By itself it lets pass a cell that was
never run, any figure of the right kind, anything on stderr in a cell whose output is not compared, and it skips what
it is told to skip without asking why. Here each of these fails, and the run ends with the numbers: cells compared,
cells not compared with the reason of each, figures compared.

Figures are compared pixel by pixel. Two runs on one machine give the same bytes, and so did runs with the vector units
of the processor switched off (other BLAS and PyTorch kernels, sums in another order): each of the ten figures of two
chapters that are compared kept every pixel. The smallest change that a reader could see, one digit of a label, moves
more than a hundred pixels. CLOSE and FEW lie between the two.
"""

from __future__ import annotations

import base64
import io
from collections import Counter

import numpy as np
import pytest
from nbval.plugin import IPyNbCell, NbCellError
from PIL import Image

CLOSE = 24  # a pixel is the same where no channel differs by more (of 255)
FEW = 20  # so many pixels of a figure may differ


def option_name(cell) -> str | None:
    """Return how the cell opts out of nbval's comparison, or None where it does not."""
    if cell.options["skip"]:
        return "skipped"
    return None if cell.options["check"] else "run, output not compared"


def figures(outputs) -> list[tuple[str, str, dict]]:
    """Return (mime type, base64 data, width and height) of each image in a cell's outputs, in order."""
    found = []
    for output in outputs:
        for mime, data in output.get("data", {}).items():
            if mime in ("image/png", "image/jpeg"):
                text = "".join(data) if isinstance(data, list) else data
                found.append((mime, text, dict(output.get("metadata", {}).get(mime, {}))))
    return found


def pixels(data: str) -> np.ndarray:
    """Return a base64 image as (height, width, 4) integers."""
    return np.asarray(Image.open(io.BytesIO(base64.b64decode(data))).convert("RGBA"), dtype=np.int16)


def difference(stored: tuple[str, str, dict], fresh: tuple[str, str, dict]) -> str | None:
    """Say how two figures differ, or return None where they do not."""
    (mime, data, shown), (fresh_mime, fresh_data, fresh_shown) = stored, fresh
    if mime != fresh_mime:
        return f"is stored as {mime}, but the cell gives {fresh_mime}"
    if shown != fresh_shown:
        return f"is stored with {shown}, but the cell gives {fresh_shown}"
    if data.strip() == fresh_data.strip():
        return None
    a, b = pixels(data), pixels(fresh_data)
    if a.shape != b.shape:
        return f"is stored with {a.shape[1]} x {a.shape[0]} pixels, but the cell gives {b.shape[1]} x {b.shape[0]}"
    different = int((abs(a - b).max(axis=2) > CLOSE).sum())
    if different > FEW:
        return f"differs from the stored one in {different} of {a.shape[0] * a.shape[1]} pixels; {FEW} may differ"
    return None


def fail(cell: IPyNbCell, message: str) -> None:
    raise NbCellError(cell.cell_num, message, cell.cell.source)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_call(item):
    if not isinstance(item, IPyNbCell):
        return (yield)
    cell, stored = item.cell, item.cell.outputs
    reason = str(cell.metadata.get("reason", "")).strip()
    opted_out = option_name(item)
    if opted_out and not reason:
        fail(item, f'The cell is {opted_out}, but its metadata gives no "reason"')
    if cell.execution_count is None:
        fail(item, "The cell was never run, so nothing stands to be compared: run `make notebooks`")
    if cell.execution_count != item.cell_num + 1:
        fail(
            item,
            f"The cell was run as number {cell.execution_count}, but is number {item.cell_num + 1}: "
            "run `make notebooks`",
        )
    shown_before = figures(stored)
    result = yield  # nbval runs the cell and compares its text
    fresh = item.test_outputs
    for output in [*stored, *fresh]:
        if output.output_type == "stream" and output.name == "stderr":
            fail(item, f"A chapter writes nothing to stderr, but this cell does:\n{output.text}")
    shown = figures(fresh)
    if len(shown) != len(shown_before):
        fail(item, f"The cell is stored with {len(shown_before)} figures, but gives {len(shown)}")
    if opted_out is None:
        for number, (old, new) in enumerate(zip(shown_before, shown, strict=True), 1):
            unlike = difference(old, new)
            if unlike:
                fail(item, f"Figure {number} of the cell {unlike}")
        item.user_properties.append(("nbval-figures", len(shown)))
    return result


def pytest_runtest_setup(item):
    if isinstance(item, IPyNbCell):
        cell = f"{item.path.name}, cell {item.cell_num + 1}"
        how = option_name(item)
        reason = item.cell.metadata.get("reason", "")
        item.user_properties.append(("nbval-place", cell))
        item.user_properties.append(("nbval-cell", f"{cell}: {how}: {reason}" if how else ""))


def pytest_terminal_summary(terminalreporter):
    """Say how much was compared; a cell counts once, by the report of its call."""
    count: Counter[str] = Counter()
    not_compared = []
    for reports in terminalreporter.stats.values():
        for report in reports:
            properties = dict(getattr(report, "user_properties", []))
            if "nbval-cell" not in properties or report.when != "call":
                continue
            if properties["nbval-cell"]:
                not_compared.append(properties["nbval-cell"])
            elif report.passed:
                count["cells"] += 1
                count["figures"] += properties.get("nbval-figures", 0)
            else:
                count["failed"] += 1
    if not count and not not_compared:
        return
    terminalreporter.section("notebooks")
    terminalreporter.line(
        f"{count['cells']} cells compared with their stored output, "
        f"{count['figures']} figures among them; {count['failed']} cells failed"
    )
    terminalreporter.line(f"{len(not_compared)} cells not compared" + (":" if not_compared else ""))
    for line in sorted(not_compared):
        terminalreporter.line(f"  {line}")
