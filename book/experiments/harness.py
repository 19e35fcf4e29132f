"""What every experiment writes around its results, and where.

::

    with recording(__file__, "what the numbers are", settings=SETTINGS, seeds=SEEDS) as record:
        record["results"] = ...

writes a JSON file beside the script when the block has ended: the sentence, the command, the commit, the date, the
settings, the seeds, the versions, the hardware, the seconds by the wall clock, and the results. A run that fails
leaves the file as it was. Records made before this harness call some of these by other names, or leave them out.
Where a program took parts from a folder or a file of an earlier stretch, ``pieces=True`` makes the record say so.
"""

import json
import os
import platform
import sys
import time
from contextlib import contextmanager
from pathlib import Path

import rnnbook

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "tools"))

from provenance import provenance

ONE, TWO = "one process of one thread", "two processes of one thread"
PIECES = "put together from several stretches of this program; commit and seconds are those of one of them"


@contextmanager
def recording(script, what, *, settings, seeds, processes=ONE, path=None, pieces=False):
    """Give a dict for the results; then write it to ``path``, by default NAME.json beside the script NAME.py."""
    start, record = time.perf_counter(), {}
    imported = [name for name in ("numpy", "torch") if name in sys.modules]
    about = {"what": what} | provenance(f"book/experiments/{Path(script).name}", imported)
    if "OMP_NUM_THREADS" in os.environ:
        about["command"] = f"OMP_NUM_THREADS={os.environ['OMP_NUM_THREADS']} {about['command']}"
    about["versions"] = {"rnnbook": rnnbook.__version__} | about["versions"]
    about |= {
        "settings": settings,
        "seeds": list(seeds),
        "hardware": f"{platform.machine()} CPU, {os.cpu_count()} cores; {processes}",
    }
    if pieces:
        about["pieces"] = PIECES
    yield record
    about["seconds"] = round(time.perf_counter() - start)
    path = Path(script).with_suffix(".json") if path is None else Path(path)
    path.write_text(in_lines(about | record), encoding="utf-8")


def in_lines(record):
    """Return a record as JSON that a diff can show: a list of runs, each a dict, has one run a line."""
    parts = []
    for key, value in record.items():
        if isinstance(value, list) and value and all(isinstance(run, dict) for run in value):
            text = "[\n  " + ",\n  ".join(json.dumps(run, ensure_ascii=False) for run in value) + "\n ]"
        else:
            text = json.dumps(value, ensure_ascii=False, indent=1).replace("\n", "\n ")
        parts.append(f" {json.dumps(key)}: {text}")
    return "{\n" + ",\n".join(parts) + "\n}\n"
