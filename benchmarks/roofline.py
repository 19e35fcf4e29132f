"""Time a training step of the LSTM as the batch grows, beside the rates that bound it: a recurrent layer's roofline.

    python benchmarks/roofline.py --out benchmarks/results/roofline_1_thread.json

A step makes two operations for each weight and sequence, and a weight has four bytes: B / 2 operations a byte. Float32,
as many features as units. The times are minima over rounds in which the peers take turns. The roofs are the rate
of a large product, and the rates at which a sum reads an array from memory and from the cache.
"""

import argparse
from pathlib import Path

from floor import bandwidth, floor, rate
from layers import READS, measure
from timing import set_up, write

T, H = 50, 128
BATCHES = [1, 2, 4, 8, 16, 32, 64]
PEERS = ["reference", "torch.nn", "in_torch"]


def main(arguments=None):
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--batch", nargs="+", type=int, default=BATCHES)
    parser.add_argument("--seconds", type=float, default=3.0, help="for each size")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--out", type=Path)
    arguments = parser.parse_args(arguments)
    clock, about = set_up(arguments.threads, __file__)
    peak = rate(arguments.seconds, clock)
    reads = {place: bandwidth(size, arguments.seconds / 2, clock) for place, size in READS.items()}
    rows = []
    for B in arguments.batch:
        sizes = (T, B, H, H)
        times = measure("LSTM", sizes, PEERS, arguments.seconds / 2, clock)["train"]
        row = {"B": B, "operations": 3 * T * 2 * B * 4 * H * (H + H)}
        row["ms"] = {peer: 1e3 * min(found) for peer, found in times.items()}
        row["ms"]["floor"] = 1e3 * floor("LSTM", sizes, peak, arguments.seconds / 8, clock)["train"]
        rows.append(row)
        print(B, {name: round(ms, 2) for name, ms in row["ms"].items()}, flush=True)
    rates = {"flops_per_second": peak, "bytes_per_second": reads}
    write(arguments.out, {"provenance": about, "T": T, "H": H, **rates, "rows": rows})


if __name__ == "__main__":
    main()
