"""Truncated backpropagation through time on the monthly sunspots: error against the gradient's length k.

    python book/experiments/truncation.py    (two minutes on one core; writes truncation.json beside it)

A basic RNN reads seven streams of 264 months and predicts the number 1 or 12 months ahead at every step. Each
update reads 132 months; within them the state is carried on, but the gradient is cut every k months. Every k
gets the same months, the same updates, the same initial weights: only the reach of the gradient differs.
"""

import sys

import numpy as np
from harness import recording

from rnnbook import data
from rnnbook.in_numpy import RNN, Adam, Linear, clip_grad_norm, join

STREAMS, MONTHS, CHUNK = 7, 264, 132
K = [1, 2, 4, 6, 12, 22, 44, 66, 132]
SETTINGS = {"streams": STREAMS, "months": MONTHS, "chunk": CHUNK, "units": 16, "lr": 5e-3, "passes": 300,
            "clip": 1.0, "warm_up": 24, "dtype": "float64"}  # fmt: skip


def streams(series, ahead):
    """Cut a series into STREAMS pieces of MONTHS months; returns x and its values ``ahead`` months later."""
    starts = MONTHS * np.arange(STREAMS)
    at = starts + np.arange(MONTHS)[:, None]
    return series[at][:, :, None], series[at + ahead][:, :, None]


def train(x, y, k, seed):
    """Return the trained layer and its output layer."""
    rng = np.random.default_rng(seed)
    rnn = RNN(1, SETTINGS["units"], dtype=np.float64, rng=rng)
    head = Linear(SETTINGS["units"], 1, dtype=np.float64, rng=rng)
    params = join(rnn=rnn.params, head=head.params)
    optimizer = Adam(params, lr=SETTINGS["lr"])
    for _ in range(SETTINGS["passes"]):
        h = None
        for start in range(0, MONTHS, CHUNK):
            total = {name: np.zeros_like(p) for name, p in params.items()}
            for t in range(start, start + CHUNK, k):
                hs, h, rnn_trace = rnn.forward(x[t : t + k], h)
                prediction, head_trace = head.forward(hs)
                dy = 2 * (prediction - y[t : t + k]) / (CHUNK * STREAMS)
                dhs, dhead = head.backward(dy, head_trace)
                _, _, drnn = rnn.backward(dhs, rnn_trace)  # no dstate: the cut
                for name, grad in join(rnn=drnn, head=dhead).items():
                    total[name] += grad
            clip_grad_norm(total, SETTINGS["clip"])
            optimizer.step(total)
    return rnn, head


def error(rnn, head, x, y, scale):
    """Return the root mean squared error in sunspot numbers, the first months left out."""
    prediction, _ = head.forward(rnn.forward(x)[0])
    return float(np.sqrt(np.mean((prediction - y)[SETTINGS["warm_up"] :] ** 2)) * scale.std)


def main(seeds=5):
    past, later, _ = data.split_by_time(data.sunspots_monthly().value, (0.6, 0.2, 0.2))
    scale = data.standardise(past)
    what = "root mean squared error in sunspot numbers, one row for each k, one column for each seed"
    with recording(__file__, what, settings=SETTINGS, seeds=range(seeds)) as record:
        record |= {"k": K, "results": {}}
        for ahead in (1, 12):
            x, y = streams(scale(past), ahead)
            z = scale(later)[:, None, None]
            change = (z[ahead:] - z[:-ahead])[SETTINGS["warm_up"] :]
            persistence = float(np.sqrt(np.mean(change**2)) * scale.std)
            table = {"train": [], "validation": []}
            for k in K:
                trained = [train(x, y, k, seed) for seed in range(seeds)]
                table["train"].append([error(*nets, x, y, scale) for nets in trained])
                table["validation"].append([error(*nets, z[:-ahead], z[ahead:], scale) for nets in trained])
                print(ahead, k, np.round(table["validation"][-1], 2), flush=True)
            record["results"][str(ahead)] = {"persistence": persistence, **table}


if __name__ == "__main__":
    sys.exit(main())
