"""How every benchmark measures: interleaved rounds, one clock, and a report that says on what and when."""

import gc
import json
import os
import platform
import statistics
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "tools"))

from provenance import provenance

TURN = 0.01  # s


def one_round(work, clock, turn=TURN):
    """Return {peer: times [s]} of one turn of each peer: as many calls as take ``turn`` seconds, one at least.

    With a single call in each turn a small step would always find the cache full of what the others read, as it does
    not in a program that trains it: it would take up to twice as long (``changes.py``).
    """
    times = {}
    for peer, function in work.items():
        times[peer], left = [], turn
        while left > 0:
            start = clock()
            function()
            times[peer].append(clock() - start)
            left -= times[peer][-1]
    return times


def rounds_of(work, seconds, clock, turn=TURN):
    """Return {peer: times [s]} of rounds in which the peers take turns, five rounds at least."""
    times = {peer: [] for peer in work}
    for function in work.values():
        function()
    gc.disable()
    end, rounds = time.perf_counter() + seconds, 0
    while time.perf_counter() < end or rounds < 5:
        rounds += 1
        for peer, found in one_round(work, clock, turn).items():
            times[peer] += found
    gc.enable()
    return times


def ratios(times, base="torch.nn"):
    """Return each peer's time over that of ``base``, of the minima and of the medians."""
    return {
        peer: {
            "min_ms": 1e3 * min(values),
            "median_ms": 1e3 * statistics.median(values),
            "ratio_of_minima": min(values) / min(times[base]),
            "ratio_of_medians": statistics.median(values) / statistics.median(times[base]),
            "calls": len(values),
        }
        for peer, values in times.items()
    }


def set_up(threads, script):
    """Fix the number of threads, before NumPy and PyTorch are imported; returns the clock and the provenance.

    With one thread the process stays on one processor. On two, a library with a thread of its own (XLA) would compute
    beside us, and what that thread had done since the system last looked would be missing from the processor time.
    """
    if threads == 1 and hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, {max(os.sched_getaffinity(0))})
    for library in ["OMP", "OPENBLAS", "MKL"]:
        os.environ[f"{library}_NUM_THREADS"] = str(threads)
    import numpy
    import torch

    torch.set_num_threads(threads)
    lines = Path("/proc/cpuinfo").read_text().splitlines() if Path("/proc/cpuinfo").exists() else []
    models = [line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")]
    about = provenance(f"benchmarks/{Path(script).name}", ["numpy", "torch"])
    return time.process_time if threads == 1 else time.perf_counter, about | {
        "processor": models[0] if models else platform.processor(),
        "processors": os.cpu_count(),
        "simd": numpy.show_config(mode="dicts")["SIMD Extensions"].get("found", []),
        "load_average": round(os.getloadavg()[0], 1),
        "threads": threads,
        "clock": "processor time" if threads == 1 else "wall",
        "dtype": "float32",
    }


def write(path, report):
    """Write a report to ``path``, where one is given."""
    if path is not None:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps(report, indent=1) + "\n", encoding="utf-8")
