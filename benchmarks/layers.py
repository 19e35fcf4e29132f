"""Time the recurrent layers against their peers, in one run, on one machine: a table and a JSON file.

    python benchmarks/layers.py --peers in_torch handwritten --out benchmarks/results/layers.json

Every round runs each peer once, one after the other, so that a disturbance meets all of them; the ratio to
``torch.nn`` is taken of the minima and of the medians. Numbers are float32. A training step is forward and backward
with the gradients of the input and of all parameters, without the optimiser. With one thread the clock is the
processor time of this process, which other programs on the machine disturb least; with more it is the wall clock.
"""

import argparse
import gc
import json
import math
import os
import platform
import statistics
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "tools"))

from provenance import provenance

SIZES = [
    (50, 1, 32, 64),
    (35, 20, 200, 200),
    (100, 32, 64, 128),
    (784, 32, 1, 128),
    (256, 64, 128, 256),
    (100, 64, 512, 512),
]
LAYERS = ["RNN", "GRU", "LSTM"]


def numpy_peer(layer, sizes, x, dhs, weights):
    """``rnnbook.in_numpy``."""
    from rnnbook import in_numpy

    ours = getattr(in_numpy, layer)(*sizes[2:])
    ours.load_state_dict(weights)

    def train():
        _, _, trace = ours.forward(x)
        dx, _, _ = ours.backward(dhs, trace)
        return dx

    return lambda: ours.forward(x)[0], train


def torch_peer(module, **arguments):
    """A class with ``torch.nn``'s interface: ``torch.nn`` itself, or ``rnnbook.in_torch`` with these arguments."""

    def make(layer, sizes, x, dhs, weights):
        import importlib

        import torch

        theirs = getattr(importlib.import_module(module), layer)(*sizes[2:], **arguments)
        theirs.load_state_dict({name: torch.from_numpy(value) for name, value in weights.items()})
        x, dhs = torch.from_numpy(x).requires_grad_(), torch.from_numpy(dhs)

        def forward():
            with torch.no_grad():
                return theirs(x)[0].numpy()

        def train():
            theirs.zero_grad(set_to_none=True)
            x.grad = None
            theirs(x)[0].backward(dhs)
            return x.grad.numpy()

        return forward, train

    return make


PEERS = {
    "torch.nn": torch_peer("torch.nn"),
    "in_numpy": numpy_peer,
    "in_torch": torch_peer("rnnbook.in_torch"),
    "handwritten": torch_peer("rnnbook.in_torch", implementation="handwritten"),
    "reference": torch_peer("rnnbook.in_torch", implementation="reference"),
}


def measure(layer, sizes, peers, seconds, clock):
    """Return {task: {peer: times [s]}} of interleaved rounds, after all peers have agreed on outputs and gradients."""
    import numpy as np

    from rnnbook import in_numpy

    T, B, D, H = sizes
    rng = np.random.default_rng(0)
    weights = getattr(in_numpy, layer)(D, H, rng=rng).state_dict()
    x, dhs = rng.normal(size=(T, B, D)).astype(np.float32), rng.normal(size=(T, B, H)).astype(np.float32)
    made = {peer: PEERS[peer](layer, sizes, x, dhs, weights) for peer in peers}
    times = {}
    for k, task in enumerate(["forward", "train"]):
        work = {peer: functions[k] for peer, functions in made.items()}
        results = {peer: function() for peer, function in work.items()}
        for peer, result in results.items():
            np.testing.assert_allclose(result, results["torch.nn"], rtol=0, atol=2e-3, err_msg=f"{layer} {peer}")
        times[task] = rounds_of(work, seconds, clock)
    return times


def rounds_of(work, seconds, clock):
    """Return {peer: times [s]} of rounds in which each peer's function is called once, five rounds at least."""
    times = {peer: [] for peer in work}
    for function in work.values():
        function()
    gc.disable()
    end = time.perf_counter() + seconds
    while time.perf_counter() < end or min(map(len, times.values())) < 5:
        for peer, function in work.items():
            start = clock()
            function()
            times[peer].append(clock() - start)
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
            "rounds": len(values),
        }
        for peer, values in times.items()
    }


def mean_ratios(rows, peers):
    """Return the geometric means over the sizes: {task: {peer: {layer: mean}}}, and ``all`` over the layers too."""
    means = {}
    for task in ["forward", "train"]:
        for peer in peers:
            by_layer = {}
            for layer in dict.fromkeys(row["layer"] for row in rows):
                logs = [math.log(r[task][peer]["ratio_of_minima"]) for r in rows if r["layer"] == layer]
                by_layer[layer] = math.exp(statistics.fmean(logs))
            by_layer["all"] = math.exp(statistics.fmean(map(math.log, by_layer.values())))
            means.setdefault(task, {})[peer] = by_layer
    return means


def set_up(threads, script):
    """Fix the number of threads, before NumPy and PyTorch are imported; returns the clock and the provenance."""
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


def parse(arguments=None):
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--peers", nargs="+", choices=PEERS, default=["torch.nn", "in_torch", "in_numpy"])
    parser.add_argument("--layers", nargs="+", choices=LAYERS, default=LAYERS)
    parser.add_argument("--sizes", nargs="+", type=int, choices=range(len(SIZES)), default=range(len(SIZES)))
    parser.add_argument("--seconds", type=float, default=4.0, help="for each layer, size and task")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--out", type=Path)
    arguments = parser.parse_args(arguments)
    if "torch.nn" not in arguments.peers:
        arguments.peers.insert(0, "torch.nn")  # what the others are compared with
    return arguments


def main(arguments=None):
    arguments = parse(arguments)
    clock, about = set_up(arguments.threads, __file__)
    from rnnbook.in_torch.compiled import LIBRARIES

    about["in_torch"] = "compiled" if LIBRARIES else "handwritten"  # what "auto" takes
    others = [peer for peer in arguments.peers if peer != "torch.nn"]
    rows = []
    print("ratio to torch.nn of minima (medians); below 1 is faster than torch.nn")
    for layer in arguments.layers:
        for k in arguments.sizes:
            times = measure(layer, SIZES[k], arguments.peers, arguments.seconds, clock)
            row = {"layer": layer, "sizes": SIZES[k]} | {task: ratios(values) for task, values in times.items()}
            rows.append(row)
            cells = [
                f"{peer} {task} {row[task][peer]['ratio_of_minima']:.2f} ({row[task][peer]['ratio_of_medians']:.2f})"
                for peer in others
                for task in times
            ]
            base = row["train"]["torch.nn"]["min_ms"]
            print(f"{layer:5}{SIZES[k]!s:24} torch.nn train {base:9.2f} ms   " + "   ".join(cells), flush=True)
    means = mean_ratios(rows, arguments.peers)
    for peer in others:
        for task in means:
            print(f"{peer} {task}, geometric means: { ({k: round(v, 2) for k, v in means[task][peer].items()}) }")
    write(arguments.out, {"provenance": about, "geometric_means": means, "rows": rows})


if __name__ == "__main__":
    main()
