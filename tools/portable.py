"""Run every notebook as other processors would, and list the stored outputs that come out different.

    python tools/portable.py                        every notebook, on every processor that this one can stand for
    python tools/portable.py --processors sse busy book/limits.ipynb
    python tools/portable.py --list                 which processors those are

Libraries choose their inner loops by the processor that they find, loops differ in the order of their sums, and a
training makes a large difference of the last digit. The environment can ask each library for the loops of an older
processor, so one machine can stand for many: downwards only, and never for another architecture. ``shaken`` stands for
those that nobody has here: rounding noise on every weight after every update (tools/shaken). ``busy`` is this processor
with one endless loop running on each core beside the notebooks.

Ends with status 1 where an output differs. What is compared, and how, is tests/nbval_strict.py's.
"""

from __future__ import annotations

import argparse
import os
import platform
import re
import subprocess
import sys
import tempfile
import time
import xml.etree.ElementTree as ET
from collections.abc import Iterable
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

from numpy._core._multiarray_umath import __cpu_dispatch__, __cpu_features__

ROOT = Path(__file__).resolve().parents[1]
X86 = platform.machine().lower() in ("x86_64", "amd64")


class Loops(NamedTuple):
    """Which loops each library is asked for: names that OpenBLAS, PyTorch, oneDNN and MKL give them."""

    needs: str  # what NumPy calls the feature of this processor without which it cannot stand for that one
    openblas: str
    torch: str
    onednn: str
    mkl: str
    keeps: tuple[str, ...]  # NumPy's own loops that stay; all others that it found here are switched off
    without: str  # what glibc's mathematical functions leave out


NO_512 = "-AVX512F,-AVX512VL,-AVX512BW,-AVX512DQ,-AVX512CD"
PROCESSORS = {
    "sse": Loops("SSE42", "Nehalem", "default", "SSE41", "SSE4_2", (), f"{NO_512},-AVX2,-AVX,-FMA"),
    "avx2": Loops("AVX2", "Haswell", "avx2", "AVX2", "AVX2", ("X86_V3", "AVX2", "FMA3"), NO_512),
    "zen": Loops("AVX2", "Zen", "avx2", "AVX2", "AVX2", ("X86_V3", "AVX2", "FMA3"), NO_512),
    "avx512": Loops(
        "AVX512_SKX",
        "SkylakeX",
        "avx512",
        "AVX512_CORE",
        "AVX512",
        ("X86_V3", "AVX2", "FMA3", "X86_V4", "AVX512_SKX"),
        "",
    ),
}
ARM = {"arm": Loops("ASIMD", "ARMV8", "default", "DEFAULT", "", (), "")}


class Result(NamedTuple):
    """One run: how many cells were compared, the names of those that differ, and how long it took in seconds."""

    compared: int
    different: list[str]
    seconds: float


def processors() -> dict[str, dict[str, str]]:
    """Return, for each processor that this one can stand for, the environment variables that make it do so."""
    found = {}
    for name, loops in (PROCESSORS if X86 else ARM).items():
        if not __cpu_features__.get(loops.needs):
            continue
        off = [f for f in __cpu_dispatch__ if __cpu_features__.get(f) and f not in loops.keeps]
        found[name] = {
            "OPENBLAS_CORETYPE": loops.openblas,
            "ATEN_CPU_CAPABILITY": loops.torch,
            "ONEDNN_MAX_CPU_ISA": loops.onednn,
            "MKL_ENABLE_INSTRUCTIONS": loops.mkl,
            "NPY_DISABLE_CPU_FEATURES": " ".join(off),
            "GLIBC_TUNABLES": f"glibc.cpu.hwcaps={loops.without}" if loops.without else "",
        }
    path = os.pathsep.join([str(ROOT / "tools" / "shaken"), *filter(None, [os.environ.get("PYTHONPATH")])])
    shaken = {f"shaken{seed}": {"PYTHONPATH": path, "SHAKEN": str(seed)} for seed in (1, 2)}
    return {name: {k: v for k, v in env.items() if v} for name, env in found.items()} | shaken | {"busy": {}}


@contextmanager
def busy(loops: int):
    """Keep so many processes running that do nothing but compute."""
    running = [subprocess.Popen([sys.executable, "-c", "while True: pass"]) for _ in range(loops)]
    try:
        yield
    finally:
        for process in running:
            process.kill()
            process.wait()


def run(environment: dict[str, str], notebooks: Iterable[Path], workers: str) -> Result:
    """Run the notebooks with these variables and compare their outputs."""
    start = time.monotonic()
    with tempfile.TemporaryDirectory() as folder:
        report = Path(folder) / "report.xml"
        command = [sys.executable, "-m", "pytest", "-q", "-c", str(ROOT / "pyproject.toml"), "--rootdir", str(ROOT)]
        command += ["-p", "no:cacheprovider", "-n", workers, "--junit-xml", str(report), *map(str, notebooks)]
        done = subprocess.run(command, cwd=ROOT, env=os.environ | environment, stdout=subprocess.PIPE, text=True)
        if done.returncode not in (0, 1):
            sys.exit(f"pytest stopped with status {done.returncode}:\n{done.stdout}")
        cells = list(ET.parse(report).iter("testcase"))
    compared, different = 0, []
    for case in cells:
        properties = {p.get("name"): p.get("value") for p in case.iter("property")}
        compared += properties.get("nbval-cell") == ""
        problems = [*case.iter("failure"), *case.iter("error")]
        if problems:
            different.append(f"{properties.get('nbval-place', case.get('name'))}{difference(problems[0].text or '')}")
    return Result(compared, different, time.monotonic() - start)


def difference(failure: str, lines: int = 4) -> str:
    """Return the end of a failure's text, which says what was stored (+) and what came (-), indented below the cell."""
    plain = re.sub(r"(\x1b|#x1B)\[\d+m", "", failure).rpartition("Traceback:")[2]
    said = [line.rstrip()[:160] for line in plain.splitlines() if line.strip()]
    return "".join(f"\n        {line}" for line in said[-lines:])


def table(results: dict[str, Result]) -> str:
    """Return the runs as text, a line each."""
    lines = [f"{'processor':<12}{'cells compared':>16}{'different':>12}{'seconds':>10}"]
    lines += [f"{name:<12}{r.compared:>16}{len(r.different):>12}{r.seconds:>10.0f}" for name, r in results.items()]
    return "\n".join(lines)


def main(arguments: list[str] | None = None) -> int:
    here = processors()
    parser = argparse.ArgumentParser(
        description="Compare the notebooks' outputs on processors that this one can stand for."
    )
    parser.add_argument("notebooks", nargs="*", type=Path, help="default: every notebook of the book")
    parser.add_argument("--processors", nargs="+", choices=list(here), default=list(here))
    parser.add_argument("--workers", default="2", help="processes at once (2)")
    parser.add_argument("--list", action="store_true", help="say which processors, with their variables, and stop")
    chosen = parser.parse_args(arguments)
    if chosen.list:
        for name, environment in here.items():
            print(name, *[f"{key}='{value}'" for key, value in environment.items()])
        return 0
    notebooks = [path.resolve() for path in chosen.notebooks] or sorted((ROOT / "book").glob("*.ipynb"))
    results = {}
    for name in chosen.processors:
        with busy((os.cpu_count() or 1) if name == "busy" else 0):
            results[name] = run(here[name], notebooks, chosen.workers)
        print(f"{name}: {len(results[name].different)} different", *results[name].different, sep="\n    ", flush=True)
    print(table(results))
    return int(any(result.different for result in results.values()))


if __name__ == "__main__":
    sys.exit(main())
