"""A pytest plugin for tests that search: what `make test` runs of a search, and `make thorough` in full.

A search tries everything of a kind: all rule-made mutants of all solutions, all pages in all views. What it finds
follows from files, those that are searched and those that search, so it finds nothing new where none of them has
changed. ``searched.json`` holds digests of these files for each group of items (an exercise, a page) whose search has
passed in full; ``make thorough`` writes it where all is green. Where a group's digest is not there, all its items
run; of the other groups a sixteenth of the items, by a hash of the digest and the item's name: the same on every
machine at every time, and others as soon as a file changes. The end of every run says how many of how many ran. What
computes with the package follows from the processor, too: on one with other vectors than in the record, it runs in
full. The record keeps the last two digests of a group, since there may be two kinds of processor.

A test that is slow and follows from a few files is marked with them, and is itself an item of a search:
``@pytest.mark.search("experiments computed again", "book/experiments/*", *LIBRARY)``. The tests of a file are a group;
where some follow from other files than the others, ``group=`` names theirs. What the file imports of tests and tools
counts without being named. ``together=True``: the tests of the group are drawn together, since what they share takes
longer than they do. A test that took thirty seconds in the thorough run is drawn one in thirty times, so that no draw
makes a run much longer than another. Whoever asks for a test by its name or by ``-k`` gets it.
"""

from __future__ import annotations

import functools
import hashlib
import json
import math
import platform
import re
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import NamedTuple

import pytest
from numpy._core._multiarray_umath import __cpu_dispatch__, __cpu_features__

ROOT = Path(__file__).resolve().parents[1]
RECORD = Path(__file__).with_name("searched.json")
ONE_IN = 16
KEPT = 2  # digests of a group
# patterns of all that computes in the package, and of no exercise and no figure
LIBRARY = (
    "rnnbook/*.py",
    "rnnbook/*/*.py",
    "rnnbook/in_torch/*/*.py",
    "rnnbook/in_torch/*/*.c",
    "rnnbook/data/tables/*",
)
SLOW = "slow tests of few files"  # a search of all those that belong to no other
TOLD = "search"
LONG = "seconds of the items that take long"  # under which name they are recorded
IMPORTS = re.compile(r"^[ \t]*(?:from|import) (\w+)", re.MULTILINE)
SHARED = {"conftest", "searches", "follows_from", "rnnbook", "book"}  # a mark names of the package and book what counts
thorough = False  # set by --thorough
left_out: list[list] = []  # what is told of the searches whose items are tests


class Choice(NamedTuple):
    """What runs of a search: the items, of how many, and the digest of each group that is new or runs in full."""

    what: str
    items: tuple[str, ...]
    of: int
    changed: tuple[str, ...]  # the groups that are not as they were recorded
    whole: dict[str, str]  # the groups that run in full, with their digests

    def told(self) -> list:
        """Return what the end of the run needs."""
        return [self.what, len(self.items), self.of, list(self.changed), self.whole]

    def tell(self, node) -> None:
        """Have the end of the run count this choice; ``node`` is the test that makes the search."""
        node.user_properties.append((TOLD, self.told()))


def digest(*parts: Path | str | bytes) -> str:
    """Return a digest of files, each by its content and its name, and of texts."""
    found = hashlib.sha256()
    for part in parts:
        name = part.name.encode() if isinstance(part, Path) else b""
        content = part.read_bytes() if isinstance(part, Path) else part.encode() if isinstance(part, str) else part
        found.update(b"%d %d " % (len(name), len(content)) + name + content)
    return found.hexdigest()[:16]


def recorded() -> dict[str, dict]:
    """Return {search: {group: digests}} of what has passed in full, and {LONG: {test: seconds}}."""
    return json.loads(RECORD.read_text()) if RECORD.exists() else {}


def choose(
    what: str,
    items: Iterable[str],
    digests: Mapping[str, str],
    group_of: Callable[[str], str] = str,
    lot_of: Callable[[str], str] = str,
    one_in: Callable[[str], float] = lambda item: ONE_IN,
) -> Choice:
    """Return which items of a search run: all of a group that has changed, a sixteenth of the others, at least one.

    ``lot_of``: items with the same lot, which is not their name, are drawn together, and may all be left out.
    ``one_in``: an item of how many is drawn.
    """
    items, old = tuple(items), recorded().get(what, {})
    changed = {group for group in map(group_of, items) if digests[group] not in old.get(group, [])}

    def draw(item: str) -> float:
        return int(digest(digests[group_of(item)], lot_of(item)), 16) / 16**16 * one_in(item)

    chosen = [item for item in items if thorough or group_of(item) in changed or draw(item) < 1]
    alone = [item for item in items if lot_of(item) == item]
    chosen = chosen or sorted(alone, key=draw)[:1]
    partly = {group_of(item) for item in set(items).difference(chosen)}
    whole = {group: digests[group] for group in map(group_of, items) if group not in partly}
    return Choice(what, tuple(chosen), len(items), tuple(sorted(changed)), whole)


@functools.cache
def digest_of(*patterns: str) -> str:
    """Return a digest of the files that patterns name from the root of the repository, and of what a test imports."""
    found = [sorted(ROOT.glob(pattern)) for pattern in patterns]
    lacking = [pattern for pattern, paths in zip(patterns, found) if not paths and not pattern.startswith("_build/")]
    assert not lacking, f"no file for {lacking}"  # a book that is not built is another one than was recorded
    paths = [p for paths in found for p in paths if p.is_file() and p.parent.name != "__pycache__"]
    tests = [path for path in paths if path.name.startswith("test_") and path.suffix == ".py"]
    helpers = set().union(*map(imported, tests)).difference(paths)
    return digest(*paths, *sorted(helpers), processor() if set(LIBRARY) & set(patterns) else "")


def processor() -> str:
    """Return what decides how numbers are rounded here: the kind of processor, and those of its vectors that count."""
    return " ".join([platform.machine(), *(name for name in __cpu_dispatch__ if __cpu_features__[name])])


@functools.cache
def imported(file: Path) -> frozenset[Path]:
    """Return the files beside the package that a module imports, and these; but for what all tests share."""
    found, left = {file}, [file]
    while left:
        new = beside_the_package(left.pop()) - found
        found |= new
        left += new
    return frozenset(found - {file})


@functools.cache
def beside_the_package(file: Path) -> frozenset[Path]:
    found: set[Path] = set()
    for name in set(IMPORTS.findall(file.read_text(encoding="utf-8"))) - SHARED:
        for path in (ROOT / folder / name for folder in ("tests", "tests/built_book", "tools", "book/_ext", ".")):
            own = path.rglob("*.py") if path.is_dir() else [path.with_suffix(".py")]
            found |= {p for p in own if p.exists()}
    return frozenset(found)


@pytest.hookimpl(trylast=True)  # behind -m
def pytest_collection_modifyitems(config, items):
    """Leave out the marked tests that are not chosen."""
    if config.option.keyword or any("::" in argument for argument in config.args):
        return
    groups: dict[str, dict[str, str]] = {}  # of each search: its tests, each with its group
    digests: dict[str, str] = {}
    lots: dict[str, str] = {}
    long = recorded().get(LONG, {})
    for item in items:
        for mark in item.iter_markers("search"):
            what, *patterns = mark.args
            file = item.nodeid.partition("::")[0]
            group = f"{file} {mark.kwargs.get('group', '')}".strip()
            groups.setdefault(what, {})[item.nodeid] = group
            digests[group] = digest_of(file, *patterns)
            lots[item.nodeid] = group if mark.kwargs.get("together") else item.nodeid
    out: set[str] = set()
    for what, group_of in groups.items():
        choice = choose(
            what, group_of, digests, group_of.__getitem__, lots.__getitem__, lambda item: max(ONE_IN, long.get(item, 0))
        )
        left_out.append(choice.told())
        out |= group_of.keys() - set(choice.items)
    config.hook.pytest_deselected(items=[item for item in items if item.nodeid in out])
    items[:] = [item for item in items if item.nodeid not in out]


def pytest_sessionfinish(session):
    if hasattr(session.config, "workeroutput"):
        session.config.workeroutput[TOLD] = left_out


@pytest.hookimpl(optionalhook=True)
def pytest_testnodedown(node):
    """Take over what a process of xdist has left out; each leaves out the same."""
    left_out[:] = getattr(node, "workeroutput", {}).get(TOLD, left_out)


def pytest_addoption(parser):
    parser.addoption("--thorough", action="store_true", help="run every search in full; where all is green, record it")


def pytest_configure(config):
    global thorough
    thorough = config.getoption("--thorough")
    config.addinivalue_line("markers", "search(what, *files): one of sixteen where none of these files has changed")


def pytest_terminal_summary(terminalreporter, exitstatus, config):
    """Say how many items of how many ran; after a thorough run that is green, record what ran in full."""
    reports = [report for kind in terminalreporter.stats.values() for report in kind]
    called = [report for report in reports if getattr(report, "when", "") == "call"]
    told = [value for report in called for key, value in report.user_properties if key == TOLD] + left_out
    counts: dict[str, list[int]] = {}
    for what, run, of, changed, _ in told:
        counts[what] = [a + b for a, b in zip(counts.get(what, [0, 0, 0]), (run, of, len(changed)))]
    if counts:
        terminalreporter.section("searches")
        for what, (run, of, changed) in sorted(counts.items()):
            which = f"; {changed} changed since all of them passed" if changed else ""
            terminalreporter.line(f"{what}: {run} of {of}{which}")
        if any(run < of for run, of, _ in counts.values()):
            terminalreporter.line("`make thorough` runs all.")
    of_a_part = hasattr(config, "workerinput")  # a process of xdist, which does not know what the others have found
    if thorough and exitstatus == 0 and not of_a_part and not config.option.collectonly:
        record = recorded()
        for what, *_, whole in told:
            groups = record.setdefault(what, {})
            for group, found in whole.items():
                groups[group] = [found, *(old for old in groups.get(group, []) if old != found)][:KEPT]
        for report in called:
            if "search" in report.keywords:  # in steps, since no two runs take the same time
                seconds = 2 ** round(math.log2(max(report.duration, 1e-3)))
                record.setdefault(LONG, {})[report.nodeid] = seconds
        record[LONG] = {test: seconds for test, seconds in record.get(LONG, {}).items() if seconds > ONE_IN}
        RECORD.write_text(json.dumps(record, indent=1, sort_keys=True) + "\n")
