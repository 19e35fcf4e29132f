"""The figures of the chapters as SVG, for slides: a chapter's cells are run, and what they draw is saved, not shown."""

import ast
import contextlib
import json
import os
import re
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from coursework.statements import ROOT


def written(chapters: list[str], folder: Path) -> Iterator[Path]:
    """Yield the path of each figure, written as ``folder/CHAPTER/NAME.svg``; a chapter runs for up to a minute."""
    os.environ.setdefault("MPLBACKEND", "agg")
    for chapter in chapters:
        cells = json.loads((ROOT / "book" / f"{chapter}.ipynb").read_text(encoding="utf-8"))["cells"]
        with contextlib.chdir(ROOT / "book"):  # where its cells look for experiments/
            yield from run([c for c in cells if c["cell_type"] == "code"], folder.absolute() / chapter)


def run(cells: list[dict[str, Any]], folder: Path) -> Iterator[Path]:
    """Run cells one after another; yield the path of each figure that one of them ends with."""
    from matplotlib import pyplot
    from matplotlib.figure import Figure

    space: dict[str, Any] = {"__name__": "__main__"}
    folder.mkdir(parents=True, exist_ok=True)
    count = 0
    for cell in cells:
        value = _value("".join(cell["source"]), space)
        if not isinstance(value, Figure):
            continue
        count += 1
        path = folder / f"{name_of(cell) or f'figure-{count}'}.svg"
        with pyplot.rc_context(
            {"svg.fonttype": "none", "svg.hashsalt": "rnnbook"}
        ):  # text stays text; same bytes again
            value.savefig(path, metadata={"Date": None}, bbox_inches="tight")
        pyplot.close(value)
        yield path


def name_of(cell: dict[str, Any]) -> str:
    """Return the name that a page gives to a cell's figure, without its prefix; "" if it has none."""
    figure = cell["metadata"].get("mystnb", {}).get("figure", {})
    return str(figure.get("name", "")).removeprefix("fig-")


def _value(source, space):
    """Run a cell's code; return its last expression's value, or None."""
    tree = ast.parse(re.sub(r"^(\s*)[%!].*$", r"\1pass", source, flags=re.M))  # syntax that only a notebook understands
    last = tree.body[-1] if tree.body else None
    if isinstance(last, ast.Expr):
        tree.body.pop()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        exec(compile(tree, "<cell>", "exec"), space)
        return (
            eval(compile(ast.Expression(last.value), "<cell>", "eval"), space) if isinstance(last, ast.Expr) else None
        )
