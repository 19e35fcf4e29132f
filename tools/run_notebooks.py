"""Make the notebooks from their texts; run those whose code has changed; write them in the form that the tests demand.

    python tools/run_notebooks.py [NOTEBOOK ...]            (all of book/*.ipynb where none is named)
    python tools/run_notebooks.py --again [NOTEBOOK ...]    run them in any case
    python tools/run_notebooks.py --texts [NOTEBOOK ...]    the other way round, from notebooks that were edited
    python tools/run_notebooks.py --check [NOTEBOOK ...]    write nothing; say what is not in form

A chapter's text is book/text/NAME.md; a notebook elsewhere has none, and is run as it is. Prose, captions and tags that
change need no run: the outputs stay.
"""

from __future__ import annotations

import argparse
import sys
import time
from pathlib import Path

from nbclient import NotebookClient
from nbformat import NotebookNode
from notebook_form import canonical, give_ids, read
from texts import from_text, needs_a_run, text_of, text_path

ROOT = Path(__file__).resolve().parents[1]


def chapters() -> list[Path]:
    """Return every notebook of the book, also one that so far is a text alone."""
    texts = (ROOT / "book" / "text").glob("*.md")
    return sorted({*(ROOT / "book").glob("*.ipynb"), *(ROOT / "book" / f"{text.stem}.ipynb" for text in texts)})


def run(nb: NotebookNode, path: Path, timeout: int) -> None:
    """Execute the notebook that belongs at path; raises where a cell raises."""
    client = NotebookClient(
        nb,
        timeout=timeout,
        kernel_name="python3",
        record_timing=False,
        extra_arguments=["--IPKernelApp.log_level=40"],
        resources={"metadata": {"path": str(path.parent)}},
    )
    client.execute()


def complaints(path: Path) -> list[str]:
    """Say what is not in form about a notebook and its text."""
    nb = read(path)
    found = []
    if path.read_text(encoding="utf-8") != canonical(nb, path.stem):
        found.append(f"{path}: not in canonical form; run `make notebooks`")
    source = text_path(path)
    try:
        text = text_of(nb)
    except ValueError as error:
        return [*found, f"{path}: {error}; `make notebooks` makes it anew"]
    if source.exists() and source.read_text(encoding="utf-8") != text:
        found.append(
            f"{source}: not the text of {path.name}; run `make notebooks`, or `make texts` to keep the notebook's"
        )
    return found


def write(path: Path, text: str) -> bool:
    """Write a file where its text has changed; returns whether it has."""
    if path.exists() and path.read_text(encoding="utf-8") == text:
        return False
    path.parent.mkdir(exist_ok=True)
    path.write_text(text, encoding="utf-8")
    return True


def update(path: Path, again: bool, timeout: int) -> str:
    """Bring a notebook, and the form of its text, up to date; returns in a word or two what was done."""
    before = read(path) if path.exists() else None
    source = text_path(path)
    nb = from_text(source.read_text(encoding="utf-8"), before, path.stem) if source.exists() else before
    if nb is None:
        raise FileNotFoundError(f"neither {path} nor {source} is there")
    stale = again or not source.exists() or needs_a_run(nb, before)
    if stale:
        give_ids(nb, path.stem)
        run(nb, path, timeout)
    changed = write(path, canonical(nb, path.stem))
    if source.exists():
        changed |= write(source, text_of(nb))
    return ("run, " if stale else "") + ("written" if changed else "unchanged")


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("notebooks", nargs="*", type=Path, metavar="NOTEBOOK")
    parser.add_argument("--again", action="store_true", help="run also where no code has changed")
    parser.add_argument(
        "--texts", action="store_true", help="write the texts of notebooks that were edited; run nothing"
    )
    parser.add_argument("--check", action="store_true", help="write nothing; fail where a file is not in form")
    parser.add_argument("--timeout", type=int, default=1800, help="seconds that one cell may take")
    options = parser.parse_args(arguments)
    notebooks = options.notebooks or chapters()
    if options.check:
        found = [complaint for path in notebooks for complaint in complaints(path)]
        print(*found, sep="\n", end="\n" if found else "")
        return 1 if found else 0
    for path in notebooks:
        start = time.perf_counter()
        if options.texts:
            nb = read(path)
            changed = write(path, canonical(nb, path.stem)) | write(text_path(path), text_of(nb))
            done = "written" if changed else "unchanged"
        else:
            done = update(path, options.again, options.timeout)
        print(f"{path}: {done}, {time.perf_counter() - start:.0f} s", flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
