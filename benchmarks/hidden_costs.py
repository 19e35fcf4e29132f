"""Time two costs of a training step that no list of operations shows, by bringing each of them back.

    python benchmarks/hidden_costs.py --out benchmarks/results/hidden_costs_1_thread.json

``new pages``: the trace lies in memory that is new at every call, so that the system clears its pages first.
``denormal numbers``: the clamp of the exponential is so far out that the compiler's code multiplies by e^-87 beside
what is asked for. Both are one line each in ``rnnbook/in_torch/compiled``. The times are minima over interleaved
rounds, at the sizes of ``layers.py``, in float32.
"""

import argparse
import ctypes
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from layers import LAYERS, SIZES
from timing import rounds_of, set_up, write

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
    """{way: a function that makes one training step}."""
    import torch

    from rnnbook import in_torch
    from rnnbook.in_torch import compiled

    torch.manual_seed(0)
    T, B, D, H = sizes
    x, dhs = torch.randn(T, B, D, requires_grad=True), torch.randn(T, B, H)
    ours = getattr(in_torch, layer)(D, H, implementation="compiled")
    modules = [compiled, *(getattr(compiled, name) for name in ("rnn", "gru", "lstm"))]
    library, lend = compiled.load(torch.float32), compiled.memory.lend
    ways = {"as it is": (library, lend), "new pages": (library, compiled.empty), "denormal numbers": (near_zero, lend)}

    def train(library, memory):
        compiled.LIBRARIES[torch.float32] = library
        for module in modules:
            module.lend = memory
        ours.zero_grad(set_to_none=True)
        x.grad = None
        ours(x)[0].backward(dhs)
        return x.grad

    made = {name: lambda way=way: train(*way) for name, way in ways.items()}
    for way in made.values():
        torch.testing.assert_close(way(), made["as it is"](), rtol=0, atol=1e-4)
    return made


def main(arguments=None):
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--layers", nargs="+", choices=LAYERS, default=LAYERS)
    parser.add_argument("--sizes", nargs="+", type=int, choices=range(len(SIZES)), default=range(len(SIZES)))
    parser.add_argument("--seconds", type=float, default=3.0, help="for each case")
    parser.add_argument("--out", type=Path)
    arguments = parser.parse_args(arguments)
    clock, about = set_up(1, __file__)
    near_zero, rows = compiled_with(*CLAMP), []
    for layer in arguments.layers:
        for k in arguments.sizes:
            times = rounds_of(trainings(layer, SIZES[k], near_zero), arguments.seconds, clock)
            least = {way: min(found) for way, found in times.items()}
            ratios = {way: time / least["as it is"] for way, time in least.items() if way != "as it is"}
            rows.append({"layer": layer, "sizes": SIZES[k], "min_ms": 1e3 * least["as it is"]} | ratios)
            print(rows[-1], flush=True)
    write(arguments.out, {"provenance": about, "rows": rows})


if __name__ == "__main__":
    main()
