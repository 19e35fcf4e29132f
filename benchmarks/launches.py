"""Find the fastest launch of each kernel on a GPU: tries what fits, writes ``rnnbook/in_torch/kernels/measured.json``.

    python benchmarks/launches.py

For each layer, dtype, H, B and way (forward 0, backward 1) it tries the kernel whose programs hold all of W_hh, where
that fits, and the one that spreads the units, over as many programs as run at the same time: with one or two tiles of
eight columns for each warp, and with W_hh read in tiles or kept. Compiling takes most of the time, so several processes
do it first. Times are microseconds per time step, T = 512, of ``forward`` or ``backward`` whole, products before and
after included.
"""

import argparse
import itertools
import json
import multiprocessing
import os
from concurrent.futures import ProcessPoolExecutor
from importlib import import_module
from pathlib import Path

import torch
from timing import provenance

from rnnbook import in_torch
from rnnbook.in_torch import kernels
from rnnbook.in_torch.kernels import Launch

GATES = {"RNN": 1, "GRU": 3, "LSTM": 4}
DTYPES = (torch.float32, torch.bfloat16)  # float16 runs as bfloat16 does
HIDDEN, BATCH, STEPS = (64, 128, 256, 512), (16, 64, 128), 512


def candidates(gates, H, B, dtype, way, chip):
    """The launches to try."""
    default = kernels.rule(gates, H, B, dtype, way, chip)
    found = [default]
    if not default.spread:
        found += [default._replace(rows=rows, warps=warps) for rows in (8, 16) for warps in (4, 8)]
    sizes = [(rows, units) for rows in (16, 32, 64) for units in (8, 16, 32)]
    sizes = [size for size in sizes if H > 64 and kernels.spread_over(H, B, *size) <= chip.processors]
    sizes.sort(key=lambda size: -kernels.spread_over(H, B, *size))
    for rows, units in sizes[:2]:
        columns, K = (units, gates * H) if way or gates == 1 else (4 * units, H)
        for warps, tiles in itertools.product((4, 8), (1, 2)):
            parts = max(1, 8 * warps * tiles // columns)
            if parts <= 8 and K // parts >= 32:
                kept = K // parts <= (128 if dtype == torch.float32 else 512)
                tile = min(64 if dtype == torch.float32 else 128, max(32, kernels.triton.next_power_of_2(K // parts)))
                found.append(Launch(True, warps, 3, rows, units, parts, tile, kept))
                if kept and dtype == torch.float32:
                    found.append(found[-1]._replace(kept=False))
    return list(dict.fromkeys(found))


class Problem:
    """One layer's numbers, and the two functions on them."""

    def __init__(self, name, dtype, H, B, T):
        torch.manual_seed(0)
        layer = getattr(in_torch, name)(H, H, device="cuda", dtype=dtype)
        self.module = import_module(f"rnnbook.in_torch.kernels.{name.lower()}")
        self.params = {key.removesuffix("_l0"): p.detach() for key, p in layer.named_parameters()}
        self.x = torch.randn(T * B, H, device="cuda", dtype=dtype)
        self.state = tuple(self.x.new_zeros(B, H) for _ in range(2 if name == "LSTM" else 1))
        self.sizes, self.trace = [B] * T, None

    def run(self, way, how):
        """Go forward, or backward from a trace of the rule's launch."""
        if way and self.trace is None:
            kernels.launch = kernels.rule
            self.trace = self.module.forward(self.x, self.state, self.params, self.sizes)[2]
        kernels.launch = lambda *_: how
        if way:
            return self.module.backward(self.x, self.state, self.x, self.trace, self.params, self.sizes)
        return self.module.forward(self.x, self.state, self.params, self.sizes)


def fits(problem, way, how):
    """Run it once, which compiles it; False where the GPU has no room for it."""
    try:
        problem.run(way, how)
        torch.cuda.synchronize()
    except kernels.triton.OutOfResources:
        return False
    return True


def compile_some(case):
    """Compile the candidates of one layer, dtype, H, B and way."""
    name, dtype, H, B, way = case
    problem = Problem(name, dtype, H, B, 32)
    hows = candidates(GATES[name], H, B, dtype, way, kernels.chip(problem.x.device))
    return [how for how in hows if fits(problem, way, how)]


def microseconds(problem, way, how, rounds=3):
    """The least time per step."""
    best = float("inf")
    problem.run(way, how)
    for _ in range(rounds):
        start, end = (torch.cuda.Event(enable_timing=True) for _ in range(2))
        start.record()
        problem.run(way, how)
        problem.run(way, how)
        end.record()
        torch.cuda.synchronize()
        best = min(best, start.elapsed_time(end) * 1000 / 2 / STEPS)
    return best


def main():
    """Try all, print the best and the rule's, write the file."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--out", type=Path, default=kernels.MEASURED)
    parser.add_argument("--processes", type=int, default=os.cpu_count())
    chosen = parser.parse_args()
    about = provenance("benchmarks/launches.py", ["torch", "triton"]) | {"gpu": torch.cuda.get_device_name()}
    cases = list(itertools.product(GATES, DTYPES, HIDDEN[::-1], BATCH, (0, 1)))
    with ProcessPoolExecutor(chosen.processes, multiprocessing.get_context("spawn")) as pool:
        possible = list(pool.map(compile_some, cases))
    rows = []
    for (name, dtype, H, B, way), hows in zip(cases, possible, strict=True):
        problem = Problem(name, dtype, H, B, STEPS)
        taken = {how: microseconds(problem, way, how) for how in hows}
        best = min(taken, key=taken.__getitem__)
        first = next(iter(taken))
        print(f"{name:5}{str(dtype)[6:]:9} H={H:<4} B={B:<4} way {way}: {taken[best]:6.2f} {tuple(best)}", end="")
        print(f"   rule {taken[first]:.2f} of {len(taken)}", flush=True)
        case = {"gates": GATES[name], "bytes": dtype.itemsize, "H": H, "B": B, "way": way}
        times = {"microseconds": round(taken[best], 2), "before": round(taken[first], 2)}  # before: by the rule
        rows.append(case | {"launch": list(best)} | times)
        lines = ",\n  ".join(
            json.dumps(row) for row in rows
        )  # a file after each, so that what is broken off is not lost
        chosen.out.write_text(f'{{"provenance": {json.dumps(about)},\n "launches": [\n  {lines}\n ]}}\n')
    print("wrote", chosen.out)


if __name__ == "__main__":
    main()
