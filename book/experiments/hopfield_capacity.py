"""How much a Hopfield network keeps of random patterns, by two criteria, each over ten draws.

    python book/experiments/hopfield_capacity.py    (about a minute of one core; writes hopfield_capacity.json)

"capacity": the network starts in each of 25 stored patterns and settles; the mean overlap of where it ends with where
it began. "exact": the share of patterns that the first update leaves as they are, with n / (4 ln n) and n / (2 ln n)
of them stored.
"""

import sys

import numpy as np
from harness import recording

from rnnbook.in_numpy import hopfield

SEEDS = list(range(10))
SETTINGS = {
    "capacity": {"units": [100, 200, 1000], "probes": 25,
                 "loads": [0.05, 0.08, 0.1, 0.11, 0.12, 0.13, 0.14, 0.15, 0.16, 0.18, 0.2]},
    "exact": {"units": [100, 1000, 10000], "divisors": [4, 2]},
}  # fmt: skip


def overlap(N, load, seed):
    rng = np.random.default_rng([N, seed])
    xi = rng.choice([-1.0, 1.0], size=(round(load * N), N))
    probes = xi[: SETTINGS["capacity"]["probes"]]
    return round(float(np.mean(hopfield.settle(hopfield.hebbian(xi), probes, rng).s * probes)), 4)


def exact(N, divisor, seed):
    """How many patterns, and the share that the first update keeps: from the patterns' overlaps, without weights."""
    M = int(N / (divisor * np.log(N)))
    xi = np.random.default_rng([N, divisor, seed]).choice([-1.0, 1.0], size=(M, N))
    fields = (xi @ xi.T) @ xi - M * xi  # whole numbers, exact: M xi is what a diagonal would have added
    return M, round(float(np.mean(np.all(np.where(fields == 0, xi, np.sign(fields)) == xi, axis=1))), 4)


def main(seeds=SEEDS):
    what = "overlaps at rest, and shares of patterns kept without a flaw, one of each a draw"
    with recording(__file__, what, settings=SETTINGS, seeds=seeds) as record:
        record["exact"] = []
        for N in SETTINGS["exact"]["units"]:
            for divisor in SETTINGS["exact"]["divisors"]:
                for seed in seeds:
                    M, kept = exact(N, divisor, seed)
                    record["exact"].append({"N": N, "divisor": divisor, "M": M, "seed": seed, "kept": kept})
        record["capacity"] = []
        for N in SETTINGS["capacity"]["units"]:
            for seed in seeds:
                overlaps = [overlap(N, load, seed) for load in SETTINGS["capacity"]["loads"]]
                record["capacity"].append({"N": N, "seed": seed, "overlaps": overlaps})
                print(record["capacity"][-1], flush=True)


if __name__ == "__main__":
    sys.exit(main())
