"""Oracles for the chapter *Advantages and drawbacks, measured*: loops over blocks and waves, and what is printed."""

import json
import math
import re
from pathlib import Path

BOOK = Path(__file__).parents[2] / "book"


def block_differences(first, second, block):
    """Add up each block by itself, month by month."""
    found = []
    for start in range(0, len(first) - block + 1, block):
        months = range(start, start + block)
        found.append(math.fsum((first[t] - second[t]) * (first[t] + second[t]) for t in months) / block)
    return found


def cells_per_wave(L, T):
    """Compute every cell as soon as the cell below and the cell before are done; count those of each round."""
    done, counts = set(), []
    while len(done) < L * T:
        ready = {
            (layer, step)
            for layer in range(L)
            for step in range(T)
            if (layer, step) not in done
            and (layer == 0 or (layer - 1, step) in done)
            and (step == 0 or (layer, step - 1) in done)
        }
        counts.append(len(ready))
        done |= ready
    return counts


def rounds():
    """Merge neighbours until a single step is left."""
    steps, count = 1000, 0
    while steps > 1:
        steps, count = -(-steps // 2), count + 1
    return float(count)


def regime():
    """What the chapter prints for one month, less the mean of the networks that were trained there."""
    text = json.loads((BOOK / "limits.ipynb").read_text(encoding="utf-8"))
    printed = "".join(line for cell in text["cells"] for o in cell.get("outputs", []) for line in o.get("text", []))
    (used,) = re.findall(r"^ +1 months: ([\d.]+)$", printed, re.M)
    trained = json.loads((BOOK / "experiments/limits.json").read_text())["history"]["network"]["1"]
    return float(used) - sum(trained) / len(trained)
