"""Time the layers on a GPU against cuDNN, and measure their errors: a table and a JSON file.

    python benchmarks/gpu.py --out benchmarks/results/gpu.json

Peers: ``torch.nn`` (cuDNN) and ``rnnbook.in_torch`` with the Triton kernels; with ``--handwritten``, the hand-written
backward on the GPU too, which is slow. Products of float32 are in float32 for all of them, or with ``--tf32`` in TF32,
which PyTorch allows cuDNN from the start. A training step is forward and backward with the gradients of the input and
of all parameters. Every round runs each peer once; times are minima, by CUDA events. The errors are those of outputs
and gradients against the reference in float64, relative to the largest value, at T = 128.
"""

import argparse
import itertools
import sys
from pathlib import Path

import torch
from layers import provenance, write
from torch import nn

from rnnbook import in_torch

LAYERS, HIDDEN, BATCH, STEPS = ("RNN", "GRU", "LSTM"), (64, 128, 256, 512), (16, 64, 128), (512, 2048)
DEVICE = "cuda"
DTYPES = {"float32": torch.float32, "bfloat16": torch.bfloat16}


def peers(name, H, dtype, handwritten):
    """The same layer, from torch.nn and ours, with the same weights."""
    theirs = getattr(nn, name)(H, H, device=DEVICE, dtype=dtype)
    found = {"cudnn": theirs}
    for implementation in ["triton", *(["handwritten"] if handwritten else [])]:
        layer = getattr(in_torch, name)(H, H, device=DEVICE, dtype=dtype, implementation=implementation)
        layer.load_state_dict(theirs.state_dict())
        found[implementation] = layer
    return found


def seconds(work):
    """The time of one call on the GPU."""
    start, end = (torch.cuda.Event(enable_timing=True) for _ in range(2))
    start.record()
    work()
    end.record()
    torch.cuda.synchronize()
    return start.elapsed_time(end) / 1000


def times(layers, x, dy, rounds):
    """The least time of forward and of a training step, in seconds, of each layer."""
    best = {peer: {"forward": float("inf"), "train": float("inf")} for peer in layers}

    def forward(layer):
        with torch.no_grad():
            layer(x)

    def train(layer):
        x.grad = None
        layer.zero_grad()
        layer(x)[0].backward(dy)

    for _ in range(rounds):
        for (peer, layer), work in itertools.product(layers.items(), (forward, train)):
            taken = seconds(lambda work=work, layer=layer: work(layer))
            best[peer][work.__name__] = min(best[peer][work.__name__], taken)
    return best


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


def main(arguments=None):
    """Measure, print a line for each case, write the file."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--out", type=Path, default=Path(__file__).parent / "results" / "gpu.json")
    parser.add_argument("--rounds", type=int, default=7, help="after two that warm up")
    parser.add_argument("--layers", nargs="+", default=LAYERS)
    parser.add_argument("--hidden", nargs="+", type=int, default=HIDDEN)
    parser.add_argument("--batch", nargs="+", type=int, default=BATCH)
    parser.add_argument("--steps", nargs="+", type=int, default=STEPS)
    parser.add_argument("--dtypes", nargs="+", default=list(DTYPES), choices=list(DTYPES))
    parser.add_argument("--handwritten", action="store_true")
    parser.add_argument("--tf32", action="store_true", help="TF32 in float32's products, of cuDNN and kernels alike")
    chosen = parser.parse_args(arguments)
    torch.backends.cuda.matmul.allow_tf32 = torch.backends.cudnn.allow_tf32 = chosen.tf32
    if DEVICE == "cuda" and not torch.cuda.is_available():
        sys.exit("benchmarks/gpu.py needs a CUDA device; torch finds none")
    cuda = DEVICE == "cuda"
    about = provenance(__file__, ["torch", "triton"]) | {
        "gpu": torch.cuda.get_device_name() if cuda else None,
        "capability": list(torch.cuda.get_device_capability()) if cuda else None,
        "cuda": torch.version.cuda,
        "cudnn": torch.backends.cudnn.version(),
        "tf32": chosen.tf32,
        "rounds": chosen.rounds,
    }
    report = {"provenance": about, "errors": [], "times": []}
    for name, dtype, H in itertools.product(chosen.layers, chosen.dtypes, chosen.hidden):
        found = errors(name, H, DTYPES[dtype])
        report["errors"].append({"layer": name, "dtype": dtype, "H": H} | found)
        print(
            f"error {name:5}{dtype:9} H={H:<4}", *[f"{peer} {value:.1e}" for peer, value in found.items()], flush=True
        )
    cases = itertools.product(chosen.layers, chosen.dtypes, chosen.hidden, chosen.batch, chosen.steps)
    for name, dtype, H, B, T in cases:
        torch.manual_seed(0)
        layers = peers(name, H, DTYPES[dtype], chosen.handwritten)
        x = torch.randn(T, B, H, device=DEVICE, dtype=DTYPES[dtype], requires_grad=True)
        dy = torch.randn_like(x)
        times(layers, x, dy, 2)
        found = times(layers, x, dy, chosen.rounds)
        report["times"].append({"layer": name, "dtype": dtype, "H": H, "B": B, "T": T, "seconds": found})
        ratios = [
            f"{peer} {work} {found[peer][work] / found['cudnn'][work]:.2f}"
            for peer, work in itertools.product(found, ("forward", "train"))
            if peer != "cudnn"
        ]
        print(f"time to cuDNN's {name:5}{dtype:9} H={H:<4} B={B:<4} T={T:<5}", *ratios, flush=True)
        write(chosen.out, report)  # after each case, so that a run that is broken off leaves what it has
    print(f"wrote {chosen.out}")


if __name__ == "__main__":
    main()
