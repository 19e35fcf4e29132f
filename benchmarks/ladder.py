"""Time a step of the LSTM on every rung of the ladder, from a loop over cells to compiled steps, as it grows.

    python benchmarks/ladder.py --out benchmarks/results/ladder_1_thread.json

A rung computes outputs and all gradients of one layer, T = 100 steps, float32, as many features as units. Beside it,
three rearrangements of the same arithmetic, in small, at the sizes of ``layers.py``, in NumPy. Every round runs each
peer once; the times are minima over the rounds.
"""

import argparse
from pathlib import Path

from floor import rate
from layers import SIZES
from timing import rounds_of, set_up, write

T = 100
HIDDEN = [1, 4, 16, 64, 128, 256, 512]
BATCHES = [1, 32]


def rungs(B, H):
    """{rung: a function that makes one training step}."""
    import torch

    from rnnbook import in_torch

    torch.manual_seed(0)
    x, dhs = torch.randn(T, B, H, requires_grad=True), torch.randn(T, B, H)
    cell, whole = torch.nn.LSTMCell(H, H), torch.nn.LSTM(H, H)

    def by_cells():
        cell.zero_grad(set_to_none=True)
        x.grad, state, hs = None, None, []
        for x_t in x:
            state = cell(x_t, state)
            hs.append(state[0])
        torch.stack(hs).backward(dhs)

    def by(layer):
        def train():
            layer.zero_grad(set_to_none=True)
            x.grad = None
            layer(x)[0].backward(dhs)

        return train

    made = {"cells": by_cells}
    for name in ("reference", "handwritten", "compiled"):
        layer = in_torch.LSTM(H, H, implementation=name)
        layer.load_state_dict(whole.state_dict())
        made[name] = by(layer)
    return made | {"torch.nn": by(whole)}


def rearrangements(T, B, D, H):
    """{name: {way: function}}: one result, computed in many small pieces and in one large one."""
    import numpy as np

    rng = np.random.default_rng(0)

    def normal(*shape):
        return rng.normal(size=shape).astype(np.float32)

    x, h, W_ih, W_hh = normal(T, B, D), normal(B, H), normal(4 * H, D), normal(4 * H, H)
    das, h_prevs, blocks = normal(T, B, 4 * H), normal(T, B, H), np.split(W_hh, 4)

    def add_up():
        dW = np.zeros_like(W_hh)
        for da, h_prev in zip(das, h_prevs, strict=True):
            dW += da.T @ h_prev
        return dW

    made = {
        "input product": {
            "many": lambda: np.stack([x_t @ W_ih.T for x_t in x]),
            "one": lambda: (x.reshape(T * B, D) @ W_ih.T).reshape(T, B, -1),
        },
        "gates": {
            "many": lambda: np.concatenate([h @ W.T for W in blocks], axis=1),
            "one": lambda: h @ W_hh.T,
        },
        "weight gradient": {
            "many": add_up,
            "one": lambda: das.reshape(T * B, -1).T @ h_prevs.reshape(T * B, H),
        },
    }
    for name, ways in made.items():
        np.testing.assert_allclose(ways["many"](), ways["one"](), rtol=0, atol=2e-2, err_msg=name)
    return made


def main(arguments=None):
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--hidden", nargs="+", type=int, default=HIDDEN)
    parser.add_argument("--batch", nargs="+", type=int, default=BATCHES)
    parser.add_argument("--sizes", nargs="+", type=int, choices=range(len(SIZES)), default=range(len(SIZES)))
    parser.add_argument("--seconds", type=float, default=3.0, help="for each size")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--out", type=Path)
    arguments = parser.parse_args(arguments)
    clock, about = set_up(arguments.threads, __file__)
    rows, pieces = [], []
    for B in arguments.batch:
        for H in arguments.hidden:
            times = rounds_of(rungs(B, H), arguments.seconds, clock)
            row = {"B": B, "H": H} | {name: 1e6 * min(found) / T for name, found in times.items()}
            rows.append(row)
            print({key: round(value, 1) for key, value in row.items()}, flush=True)
    for k in arguments.sizes:
        row = {"sizes": SIZES[k]}
        for name, ways in rearrangements(*SIZES[k]).items():
            times = rounds_of(ways, arguments.seconds / 3, clock)
            row[name] = min(times["many"]) / min(times["one"])
        pieces.append(row)
        print(row, flush=True)
    report = {
        "provenance": about, "T": T, "flops_per_second": rate(min(1, arguments.seconds), clock),
        "microseconds_per_step": rows, "many_small_over_one_large": pieces,
    }  # fmt: skip
    write(arguments.out, report)


if __name__ == "__main__":
    main()
