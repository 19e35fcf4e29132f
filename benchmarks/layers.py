"""Time the recurrent layers against their peers, in one run, on one machine: a table and a JSON file.

    python benchmarks/layers.py --peers in_torch handwritten --out benchmarks/results/layers.json

``peers.py`` makes the peers; one whose packages are missing is left out with a sentence (``pip install jax`` for
JAX's). ``floor.py`` measures what the arithmetic alone takes.

In every round the peers take turns of some calls each, so that a disturbance meets all of them (``timing.py``); the
ratio to ``torch.nn`` is taken of the minima and of the medians. Numbers are float32. A training step is forward and
backward with the gradients of the input and of all parameters, without the optimiser. With one thread the clock is the
processor time of this process, which other programs on the machine disturb least; with more it is the wall clock.
"""

import argparse
import math
import statistics
from importlib import import_module
from pathlib import Path

from floor import bandwidth, floor, rate
from peers import NEEDS, PEERS, missing
from timing import ratios, rounds_of, set_up, write

SIZES = [
    (50, 1, 32, 64),
    (35, 20, 200, 200),
    (100, 32, 64, 128),
    (784, 32, 1, 128),
    (256, 64, 128, 256),
    (100, 64, 512, 512),
]
LAYERS = ["RNN", "GRU", "LSTM"]
READS = {"memory": 1 << 29, "cache": 1 << 19}  # bytes; the first are more than a cache has


def measure(layer, sizes, peers, seconds, clock):
    """Return {task: {peer: times [s]}} of interleaved rounds, after all peers have agreed on outputs and gradients.

    A peer that cannot train is left out of that task.
    """
    import numpy as np

    from rnnbook import in_numpy

    T, B, D, H = sizes
    rng = np.random.default_rng(0)
    weights = getattr(in_numpy, layer)(D, H, rng=rng).state_dict()
    x, dhs = rng.normal(size=(T, B, D)).astype(np.float32), rng.normal(size=(T, B, H)).astype(np.float32)
    made = {peer: PEERS[peer](layer, sizes, x, dhs, weights) for peer in peers}
    times = {}
    for k, task in enumerate(["forward", "train"]):
        work = {peer: functions[k] for peer, functions in made.items() if functions[k] is not None}
        results = {peer: function() for peer, function in work.items()}
        for peer, result in results.items():
            np.testing.assert_allclose(result, results["torch.nn"], rtol=0, atol=2e-3, err_msg=f"{layer} {peer}")
        times[task] = rounds_of(work, seconds, clock)
    return times


def mean_ratios(rows, peers):
    """Return the geometric means over the sizes: {task: {peer: {layer: mean}}}, and ``all`` over the layers too.

    ``floor`` is one of the peers where the rows have it.
    """
    means = {}
    for task in ["forward", "train"]:
        for peer in [name for name in [*peers, "floor"] if all(name in row[task] for row in rows)]:
            by_layer = {}
            for layer in dict.fromkeys(row["layer"] for row in rows):
                logs = [math.log(r[task][peer]["ratio_of_minima"]) for r in rows if r["layer"] == layer]
                by_layer[layer] = math.exp(statistics.fmean(logs))
            by_layer["all"] = math.exp(statistics.fmean(map(math.log, by_layer.values())))
            means.setdefault(task, {})[peer] = by_layer
    return means


def parse(arguments=None):
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--peers", nargs="+", choices=PEERS, default=["torch.nn", "in_torch", "in_numpy"])
    parser.add_argument("--layers", nargs="+", choices=LAYERS, default=LAYERS)
    parser.add_argument("--sizes", nargs="+", type=int, choices=range(len(SIZES)), default=range(len(SIZES)))
    parser.add_argument("--seconds", type=float, default=4.0, help="for each layer, size and task")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--out", type=Path)
    arguments = parser.parse_args(arguments)
    for peer in [peer for peer in arguments.peers if missing(peer)]:
        print(f"{peer} is left out, for lack of {' and '.join(missing(peer))}")
        arguments.peers.remove(peer)
    if "torch.nn" not in arguments.peers:
        arguments.peers.insert(0, "torch.nn")  # what the others are compared with
    return arguments


def main(arguments=None):
    arguments = parse(arguments)
    clock, about = set_up(arguments.threads, __file__)
    from rnnbook.in_torch.compiled import LIBRARIES

    about["in_torch"] = "compiled" if LIBRARIES else "handwritten"  # what "auto" takes
    about["versions"] |= {
        name: import_module(name).__version__ for peer in arguments.peers for name in NEEDS.get(peer, [])
    }
    others = [peer for peer in arguments.peers if peer != "torch.nn"]
    rows, peak = [], rate(arguments.seconds / 4, clock)
    reads = {place: bandwidth(size, arguments.seconds / 4, clock) for place, size in READS.items()}
    print("ratio to torch.nn of minima (medians); below 1 is faster than torch.nn")
    for layer in arguments.layers:
        for k in arguments.sizes:
            times = measure(layer, SIZES[k], arguments.peers, arguments.seconds, clock)
            row = {"layer": layer, "sizes": SIZES[k]} | {task: ratios(values) for task, values in times.items()}
            for task, least in floor(layer, SIZES[k], peak, arguments.seconds / 8, clock).items():
                ratio = least / min(times[task]["torch.nn"])
                row[task]["floor"] = {"min_ms": 1e3 * least, "ratio_of_minima": ratio, "ratio_of_medians": ratio}
            rows.append(row)
            cells = [
                f"{peer} {task} {row[task][peer]['ratio_of_minima']:.2f} ({row[task][peer]['ratio_of_medians']:.2f})"
                for peer in [*others, "floor"]
                for task in times
                if peer in row[task]
            ]
            base = row["train"]["torch.nn"]["min_ms"]
            print(f"{layer:5}{SIZES[k]!s:24} torch.nn train {base:9.2f} ms   " + "   ".join(cells), flush=True)
    means = mean_ratios(rows, arguments.peers)
    for task, found in means.items():
        for peer in found.keys() - {"torch.nn"}:
            print(f"{peer} {task}, geometric means: { ({k: round(v, 2) for k, v in found[peer].items()}) }")
    rates = {"flops_per_second": peak, "bytes_per_second": reads}
    write(arguments.out, {"provenance": about, **rates, "geometric_means": means, "rows": rows})


if __name__ == "__main__":
    main()
