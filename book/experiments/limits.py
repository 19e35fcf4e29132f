"""How far back the gradient reaches, and whether the task is solved: nine cells, five seeds.

    python book/experiments/limits.py           about 9 minutes on one core; writes limits.json beside this file

The task: see a handwritten 0 or 1 in the first 8 steps, wait through noise, say at the last step which it was.
Each layer is drawn by ``rnnbook.in_numpy`` and its gradient measured there in float64; it is trained by
``torch.nn`` in float32 (one state dict fits both), and measured again. The chapter *Advantages and drawbacks,
measured* shows the result and repeats the measurements at the start.
"""

import time

import numpy as np
import torch
from harness import recording

from rnnbook import data
from rnnbook.in_numpy import GRU, LSTM, RNN, Linear, initialisers

H, D, T = 64, 9, 100
CELLS = {
    "RNN 0.5": (RNN, 0.5),
    "RNN 0.9": (RNN, 0.9),
    "RNN 1.0": (RNN, 1.0),
    "RNN 1.1": (RNN, 1.1),
    "RNN 1.5": (RNN, 1.5),
    "LSTM f 0": (LSTM, 0.0),
    "LSTM f 1": (LSTM, 1.0),
    "LSTM f 5": (LSTM, 5.0),
    "GRU": (GRU, None),
}
SETTINGS = {
    "H": H, "D": D, "T": T, "noise": 0.3, "updates": 600, "batch": 32, "lr": 3e-3, "max_norm": 1.0,
    "seeds": [0, 1, 2, 3, 4], "lengths": [15, 25, 50],
    "lengths_of": ["RNN 1.0", "LSTM f 0", "LSTM f 1", "LSTM f 5", "GRU"],
    "lags": [*range(0, T, 4), T - 1],
}  # fmt: skip


def build(name, seed):
    """Draw a layer and a reading vector as the chapter does; returns (layer, head, rng)."""
    make, setting = CELLS[name]
    rng = np.random.default_rng(seed)
    layer = make(D, H, dtype=np.float64, rng=rng)
    if make is RNN:
        initialisers.orthogonal(layer, rng, gain=setting)
    if make is LSTM:
        initialisers.forget_bias(layer, setting)
    return layer, Linear(H, 1, dtype=np.float64, rng=rng), rng


def recall(images, T, rng):
    """Show images (B, 8, 8) row by row beside a marker, then noise: x (T, B, 9)."""
    x = np.zeros((T, len(images), D))
    x[:8, :, :8] = images.swapaxes(0, 1)
    x[:8, :, 8] = 1
    x[8:, :, :8] = SETTINGS["noise"] * rng.normal(size=(T - 8, len(images), 8))
    return x


def reach(layer, x, v):
    """Return the norms of d(v . h_T) / d(state at T - k), (T,), k = 0 … T - 1: geometric mean over the batch."""
    state, traces = None, []
    for x_t in x:
        _, state, trace = layer.forward(x_t[None], state)
        traces.append(trace)
    dh = np.tile(v / np.linalg.norm(v), (x.shape[1], 1))
    dstate = (dh, np.zeros_like(dh)) if isinstance(state, tuple) else dh
    norms = []
    for trace in reversed(traces):
        parts = dstate if isinstance(dstate, tuple) else (dstate,)
        norms.append(np.sqrt(sum(np.sum(part**2, axis=1) for part in parts)))
        _, dstate, _ = layer.backward(np.zeros((1, *dh.shape)), trace, dstate)
    return np.exp(np.log(norms).mean(axis=1))


def train(layer, head, rng, T, images, labels):
    """Train in torch.nn from these weights, put the trained ones back, return the last losses' mean."""
    net = getattr(torch.nn, type(layer).__name__)(D, H)
    net.load_state_dict({key: torch.tensor(value) for key, value in layer.state_dict().items()})
    read = torch.nn.Linear(H, 1)
    read.load_state_dict({key: torch.tensor(value) for key, value in head.params.items()})
    params = [*net.parameters(), *read.parameters()]
    optimizer = torch.optim.Adam(params, lr=SETTINGS["lr"])
    losses = []
    for _ in range(SETTINGS["updates"]):
        batch = rng.integers(len(images), size=SETTINGS["batch"])
        x = torch.tensor(recall(images[batch], T, rng), dtype=torch.float32)
        target = torch.tensor(labels[batch], dtype=torch.float32)
        loss = torch.nn.functional.binary_cross_entropy_with_logits(read(net(x)[0][-1])[:, 0], target)
        optimizer.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(params, SETTINGS["max_norm"])
        optimizer.step()
        losses.append(float(loss.detach()))
    layer.load_state_dict({key: value.numpy() for key, value in net.state_dict().items()})
    for key, value in read.state_dict().items():
        head.params[key][:] = value.numpy()
    return float(np.mean(losses[-20:]))


def accuracy(layer, head, x, labels):
    """Return the share of sequences x (T, B, 9) that are read rightly."""
    y, _ = head.forward(layer.forward(x)[0][-1])
    return float(np.mean((y[:, 0] > 0) == labels))


def split():
    """Return training images, training labels, held-out images, held-out labels: 270 and 90 zeros and ones."""
    digits = data.digits()
    chosen = np.random.default_rng(0).permutation(np.flatnonzero(digits.labels < 2))
    images, labels = digits.images[chosen] / 16, digits.labels[chosen]
    return images[:270], labels[:270], images[270:], labels[270:]


def main():
    torch.set_num_threads(1)
    start = time.process_time()
    images, labels, held_out, held_out_labels = split()
    lags = SETTINGS["lags"]
    what = "norms of the gradient by the lag, before and after training, loss and accuracy, by cell, seed and T"
    with recording(__file__, what, settings=SETTINGS, seeds=SETTINGS["seeds"]) as record:
        record["runs"] = runs = []
        for name in CELLS:
            for seed in SETTINGS["seeds"]:
                for length in [T, *(SETTINGS["lengths"] if name in SETTINGS["lengths_of"] else [])]:
                    torch.manual_seed(seed)
                    layer, head, rng = build(name, seed)
                    run = {"cell": name, "seed": seed, "T": length}
                    x = recall(held_out, length, np.random.default_rng(100))
                    if length == T:
                        norms = reach(layer, x[:, :16], head.params["weight"][0])
                        run["start"] = [float(f"{norms[lag]:.4g}") for lag in lags]
                    run["loss"] = round(train(layer, head, rng, length, images, labels), 4)
                    run["accuracy"] = round(accuracy(layer, head, x, held_out_labels), 4)
                    if length == T:
                        norms = reach(layer, x[:, :16], head.params["weight"][0])
                        run["after"] = [float(f"{norms[lag]:.4g}") for lag in lags]
                    runs.append(run)
                    print(f"{time.process_time() - start:5.0f} s", name, seed, length, run["accuracy"], flush=True)


if __name__ == "__main__":
    main()
