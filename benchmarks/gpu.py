"""Time the layers on a GPU against cuDNN, and measure their errors: a table and a JSON file.

    python benchmarks/gpu.py --out benchmarks/results/gpu.json

Peers: ``torch.nn`` (cuDNN) and ``rnnbook.in_torch`` with the Triton kernels; with ``--handwritten``, the hand-written
backward on the GPU too, which is slow. Products of float32 are in float32 for all of them, or with ``--tf32`` in TF32,
which PyTorch allows cuDNN from the start. PyTorch gives cuDNN's persistent algorithms float32 and float16, but not
bfloat16; nor does its ``flatten_parameters`` lay bfloat16 weights into one piece of memory, so that they are copied at
each call and PyTorch warns of it. The warning is filtered; float16 is cuDNN at its best in half precision.

A training step is forward and backward with the gradients of the input and of all parameters. Times are microseconds
per time step, by CUDA events. One measurement is several calls, one behind the other, as in a loop that trains: the
host prepares the next call while the GPU works. Every round measures each peer once, and the minimum over the rounds
counts; how many there are follows from ``--seconds``. The errors are those of outputs and gradients against the
reference in float64, relative to the largest value, at T = 128.
"""

import argparse
import itertools
import math
import multiprocessing
import os
import sys
import warnings
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from pathlib import Path

import torch
from timing import provenance, write
from torch import nn

from rnnbook import in_torch

LAYERS, HIDDEN, BATCH, STEPS = ("RNN", "GRU", "LSTM"), (64, 128, 256, 512), (16, 64, 128), (512, 2048)
DEVICE = "cuda"
DTYPES = {"float32": torch.float32, "float16": torch.float16, "bfloat16": torch.bfloat16}
warnings.filterwarnings("ignore", "RNN module weights are not part of single contiguous chunk of memory")


def peers(name, H, dtype, handwritten):
    """The same layer, from torch.nn and ours, with the same weights."""
    theirs = getattr(nn, name)(H, H, device=DEVICE, dtype=dtype)
    found = {"cudnn": theirs}
    for implementation in ["triton", *(["handwritten"] if handwritten else [])]:
        layer = getattr(in_torch, name)(H, H, device=DEVICE, dtype=dtype, implementation=implementation)
        layer.load_state_dict(theirs.state_dict())
        found[implementation] = layer
    return found


def seconds(work, calls):
    """The time on the GPU of one of so many calls."""
    start, end = (torch.cuda.Event(enable_timing=True) for _ in range(2))
    start.record()
    for _ in range(calls):
        work()
    end.record()
    torch.cuda.synchronize()
    return start.elapsed_time(end) / 1000 / calls


def times(layers, x, dy, budget):
    """The least time of forward and of a training step, in microseconds per time step, of each layer."""

    def forward(layer):
        with torch.no_grad():
            layer(x)

    def train(layer):
        x.grad = None
        layer.zero_grad()
        layer(x)[0].backward(dy)

    work = {(peer, f.__name__): partial(f, layer) for peer, layer in layers.items() for f in (forward, train)}
    for call in work.values():
        call()  # compiles, and lets cuDNN choose
    once = {key: seconds(call, 1) for key, call in work.items()}
    calls = {key: max(4, min(16, math.ceil(0.003 / taken))) for key, taken in once.items()}
    round_takes = sum(once[key] * calls[key] for key in work)
    best = dict.fromkeys(work, math.inf)
    for _ in range(max(3, min(30, int(budget / round_takes)))):
        for key, call in work.items():
            best[key] = min(best[key], seconds(call, calls[key]) * 1e6 / len(x))
    return {peer: {task: best[peer, task] for task in ("forward", "train")} for peer in layers}


def errors(name, H, dtype, T=128, B=16):
    """The largest error of each peer in this dtype, outputs and gradients, relative to the largest value."""
    torch.manual_seed(0)
    layers = peers(name, H, dtype, False)
    exact = getattr(in_torch, name)(H, H, device=DEVICE, dtype=torch.float64, implementation="reference")
    exact.load_state_dict(layers["cudnn"].state_dict())
    x, dy = (torch.randn(T, B, H, device=DEVICE).to(dtype) for _ in range(2))

    def results(layer, kind):
        read = x.to(kind).requires_grad_()
        y, _ = layer(read)
        return [y.detach(), *torch.autograd.grad(y, [read, *layer.parameters()], dy.to(kind))]

    wanted, found = results(exact, torch.float64), {}
    for peer, layer in layers.items():
        differences = [(a.double() - b).abs().max() / b.abs().max() for a, b in zip(results(layer, dtype), wanted)]
        found[peer] = max(d.item() for d in differences)
    return found


def measure_errors(cases, tf32, processes):
    """The errors of each case (layer, dtype, H); in several processes, which fill Triton's cache at the same time."""
    rows = [(name, H, DTYPES[dtype]) for name, dtype, H in cases]
    if processes == 1:
        return [errors(*row) for row in rows]
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(processes, context, initializer=allow_tf32, initargs=(tf32,)) as pool:
        return list(pool.map(errors, *zip(*rows)))


def allow_tf32(allowed):
    torch.backends.cuda.matmul.allow_tf32 = torch.backends.cudnn.allow_tf32 = allowed


def table(rows):
    """The lines of a table: the kernels' time over cuDNN's, forward and training, of each case."""
    columns = sorted({(row["B"], row["T"]) for row in rows})
    lines = ["time over cuDNN's".ljust(24) + "".join(f"B={B} T={T}".center(14) for B, T in columns)]
    found = {}
    for row in rows:
        taken = row["microseconds_per_step"]
        ratios = [taken["triton"][task] / taken["cudnn"][task] for task in ("forward", "train")]
        found.setdefault((row["layer"], row["dtype"], row["H"]), {})[row["B"], row["T"]] = "{:.2f} / {:.2f}".format(
            *ratios
        )
    for (name, dtype, H), cells in found.items():
        line = f"{name:5}{dtype:10}H={H}".ljust(24)
        lines.append(line + "".join(cells.get(column, "").center(14) for column in columns))
    return lines


def parse(arguments=None):
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--out", type=Path, default=Path(__file__).parent / "results" / "gpu.json")
    parser.add_argument("--seconds", type=float, default=0.8, help="for the rounds of one case; at least three rounds")
    parser.add_argument("--processes", type=int, default=min(8, os.cpu_count() or 1), help="that measure the errors")
    parser.add_argument("--layers", nargs="+", default=LAYERS)
    parser.add_argument("--hidden", nargs="+", type=int, default=HIDDEN)
    parser.add_argument("--batch", nargs="+", type=int, default=BATCH)
    parser.add_argument("--steps", nargs="+", type=int, default=STEPS)
    parser.add_argument("--dtypes", nargs="+", default=list(DTYPES), choices=list(DTYPES))
    parser.add_argument("--handwritten", action="store_true")
    parser.add_argument("--tf32", action="store_true", help="TF32 in float32's products, of cuDNN and kernels alike")
    return parser.parse_args(arguments)


def main(arguments=None):
    """Measure, print a line for each case and the table, write the file."""
    chosen = parse(arguments)
    allow_tf32(chosen.tf32)
    cuda = DEVICE == "cuda"
    if cuda and not torch.cuda.is_available():
        sys.exit("benchmarks/gpu.py needs a CUDA device; torch finds none")
    about = provenance("benchmarks/gpu.py", ["torch", "triton"]) | {
        "gpu": torch.cuda.get_device_name() if cuda else None,
        "capability": list(torch.cuda.get_device_capability()) if cuda else None,
        "cuda": torch.version.cuda,
        "cudnn": torch.backends.cudnn.version(),
        "tf32": chosen.tf32,
    }
    report = {"provenance": about, "errors": [], "times": []}
    cases = list(itertools.product(chosen.layers, chosen.dtypes, chosen.hidden))
    for (name, dtype, H), found in zip(cases, measure_errors(cases, chosen.tf32, chosen.processes)):
        report["errors"].append({"layer": name, "dtype": dtype, "H": H} | found)
        parts = [f"{peer} {value:.1e}" for peer, value in found.items()]
        print(f"error {name:5}{dtype:9} H={H:<4}", *parts, flush=True)
    for (name, dtype, H), B, T in itertools.product(cases, chosen.batch, chosen.steps):
        torch.manual_seed(0)
        layers = peers(name, H, DTYPES[dtype], chosen.handwritten)
        x = torch.randn(T, B, H, device=DEVICE, dtype=DTYPES[dtype], requires_grad=True)
        found = times(layers, x, torch.randn_like(x), chosen.seconds)
        report["times"].append({"layer": name, "dtype": dtype, "H": H, "B": B, "T": T, "microseconds_per_step": found})
        parts = [f"{peer} {taken['forward']:.2f} / {taken['train']:.2f}" for peer, taken in found.items()]
        print(f"µs per step {name:5}{dtype:9} H={H:<4} B={B:<4} T={T:<5}", *parts, flush=True)
        write(chosen.out, report)  # after each case, so that a run that is broken off leaves what it has
    print(*table(report["times"]), f"wrote {chosen.out}", sep="\n")


if __name__ == "__main__":
    main()
