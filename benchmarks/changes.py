"""Time what single properties of the CPU layers are worth, by taking each of them back.

    python benchmarks/changes.py --out benchmarks/results/changes_1_thread.json

``large products``: the inputs' product and the weights' gradients are the BLAS's, for all steps together, not made in
C while their rows are in the cache. ``new pages``: the trace lies in memory that is new at every call, so that the
system clears its pages first. ``denormal numbers``: the clamp of the exponential is so far out that the compiler's code
multiplies by e^-87 beside what is asked for. Each is one line in ``rnnbook/in_torch/compiled``. ``cold caches``: the
same layer, but each step comes right after one of ``torch.nn``, which has filled the caches with what it needs; single
steps, relative to the fastest of a turn.

The numbers are times of a training step, as in ``layers.py``, relative to the layer as it is: the median over rounds
of what each round gives, since the machine may be slower in one round than in another. Float32.
"""

import argparse
import ctypes
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from layers import LAYERS, SIZES
from timing import one_round, set_up, write

ROOT = Path(__file__).resolve().parents[1]
CLAMP = ("(WIDE ? 500 : 64)", "(WIDE ? 708 : 87)")  # as it is, and where float's exponents end


def compiled_with(old, new):
    """The steps for float32, compiled with ``new`` in place of ``old`` in their source."""
    from rnnbook.in_torch import compiled

    source = compiled.SOURCE.relative_to(ROOT)
    text = compiled.SOURCE.read_text(encoding="utf-8")
    assert text.count(old) == 1, f"{source} has not one {old}"
    with tempfile.TemporaryDirectory() as made:
        folder = Path(made)
        (folder / source).parent.mkdir(parents=True)
        for name in ("setup.py", "pyproject.toml", "README.md", "LICENSE", "rnnbook/__init__.py"):
            shutil.copy(ROOT / name, folder / name)
        (folder / source).write_text(text.replace(old, new), encoding="utf-8")
        subprocess.run([sys.executable, "setup.py", "-q", "build_ext", "--inplace"], cwd=folder, check=True)
        return ctypes.CDLL(str((folder / source).with_name("steps.float32.so")))


def trainings(layer, sizes, near_zero):
    """{way: a function that makes one training step}, and one that makes a step of ``torch.nn``."""
    import torch

    from rnnbook import in_torch
    from rnnbook.in_torch import compiled

    torch.manual_seed(0)
    T, B, D, H = sizes
    x, dhs = torch.randn(T, B, D, requires_grad=True), torch.randn(T, B, H)
    ours, theirs = getattr(in_torch, layer)(D, H, implementation="compiled"), getattr(torch.nn, layer)(D, H)
    modules = [compiled, *(getattr(compiled, name) for name in ("rnn", "gru", "lstm"))]
    library, lend, in_c = compiled.load(torch.float32), compiled.memory.lend, compiled.in_c
    ways = {
        "as it is": (library, lend, in_c),
        "large products": (library, lend, lambda *arguments, **options: min(1, in_c(*arguments, **options))),
        "new pages": (library, compiled.empty, in_c),
        "denormal numbers": (near_zero, lend, in_c),
    }

    def train(module):
        module.zero_grad(set_to_none=True)
        x.grad = None
        module(x)[0].backward(dhs)
        return x.grad

    def train_with(library, memory, in_c):
        compiled.LIBRARIES[torch.float32], compiled.in_c = library, in_c
        for module in modules:
            module.lend = memory
        return train(ours)

    made = {name: lambda way=way: train_with(*way) for name, way in ways.items()}
    for way in made.values():
        torch.testing.assert_close(way(), made["as it is"](), rtol=0, atol=1e-4)
    return made, lambda: train(theirs)


def compared(ways, other, seconds, clock):
    """Return the least time [s] of the layer as it is, and of each other way the median over rounds of its ratio to it.

    Five rounds at least. In each the ways take turns, of which the least times count; one call comes after ``other``.
    """
    rounds, end = [], time.perf_counter() + seconds
    for way in ways.values():
        way()
    while time.perf_counter() < end or len(rounds) < 5:
        least = {way: min(times) for way, times in one_round(ways, clock).items()}
        other()
        start = clock()
        ways["as it is"]()
        rounds.append(least | {"cold caches": clock() - start})
    others = [way for way in rounds[0] if way != "as it is"]
    ratios = {way: statistics.median(least[way] / least["as it is"] for least in rounds) for way in others}
    return min(least["as it is"] for least in rounds), ratios


def main(arguments=None):
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--layers", nargs="+", choices=LAYERS, default=LAYERS)
    parser.add_argument("--sizes", nargs="+", type=int, choices=range(len(SIZES)), default=range(len(SIZES)))
    parser.add_argument("--seconds", type=float, default=4.0, help="for each case")
    parser.add_argument("--out", type=Path)
    arguments = parser.parse_args(arguments)
    clock, about = set_up(1, __file__)
    near_zero, rows = compiled_with(*CLAMP), []
    for layer in arguments.layers:
        for k in arguments.sizes:
            ways, other = trainings(layer, SIZES[k], near_zero)
            least, ratios = compared(ways, other, arguments.seconds, clock)
            rows.append({"layer": layer, "sizes": SIZES[k], "min_ms": 1e3 * least} | ratios)
            print(rows[-1], flush=True)
    write(arguments.out, {"provenance": about, "rows": rows})


if __name__ == "__main__":
    main()
