"""How far back the gradient reaches, and whether the task is solved: nine layers, with their starts.

    python book/experiments/gradient_reach.py            about six minutes on one core; writes gradient_reach.json
    python book/experiments/gradient_reach.py PRINTED    goes on after the runs whose lines a stopped one has printed

The task: see a handwritten 0 or 1 in the first 8 steps, wait through noise, say at the last step which it was.
Each layer is drawn by ``rnnbook.in_numpy`` and its gradient measured there in float64; it is trained by
``rnnbook.in_torch`` in float32 (one state dict fits both), and measured again at the full length. At the shorter ones a
run that has not solved the task after ``updates`` goes on for as many again. The chapter *How far does the gradient
reach?* shows the result.
"""

import re
import sys
import time
from pathlib import Path

import numpy as np
import torch
from harness import recording

from rnnbook import data, in_torch
from rnnbook.in_numpy import GRU, LSTM, RNN, Linear, initialisers

H, D, T = 32, 9, 100
SETTINGS = {
    "H": H, "D": D, "T": T, "noise": 0.3, "updates": 600, "batch": 32, "lr": 3e-3, "max_norm": 1.0, "solved": 0.9,
    "seeds": {"25": 5, "50": 5, "100": 2}, "lags": [*range(0, T, 4), T - 1],
}  # fmt: skip


def update_bias(layer, value):
    """Set the bias of a GRU's update gate, the rows z of r, z, n: with it the gate keeps σ(value) of the state."""
    layer.params["bias_ih"].reshape(3, -1)[1], layer.params["bias_hh"].reshape(3, -1)[1] = value, 0
    return layer


CELLS = {  # name: the layer's kind, its units, and what is done to its start, given T and rng
    "RNN": (RNN, H, None),
    "RNN, 69 units": (RNN, 69, None),  # as many parameters as the LSTM
    "RNN, orthogonal": (RNN, H, lambda layer, T, rng: initialisers.orthogonal(layer, rng)),
    "GRU": (GRU, H, None),
    "GRU, bias 5": (GRU, H, lambda layer, T, rng: update_bias(layer, 5.0)),
    "LSTM": (LSTM, H, None),
    "LSTM, bias 1": (LSTM, H, lambda layer, T, rng: initialisers.forget_bias(layer, 1.0)),
    "LSTM, bias 5": (LSTM, H, lambda layer, T, rng: initialisers.forget_bias(layer, 5.0)),
    "LSTM, chrono": (LSTM, H, lambda layer, T, rng: initialisers.chrono(layer, T, rng)),
}


def build(name, seed, T=T):
    """Draw a layer as torch.nn does, change its start, and draw a linear head; returns (layer, head, rng)."""
    kind, units, change = CELLS[name]
    rng = np.random.default_rng(seed)
    layer = kind(D, units, dtype=np.float64, rng=rng)
    if change is not None:
        change(layer, T, rng)
    return layer, Linear(units, 1, dtype=np.float64, rng=rng), rng


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
    return np.exp(np.log(np.maximum(norms, 1e-300)).mean(axis=1))


class Training:
    """A layer and its head, trained in ``in_torch`` from their weights; ``back`` writes the trained ones back."""

    def __init__(self, layer, head, rng, T, images, labels):
        kind = getattr(in_torch, type(layer).__name__)
        self.layer, self.head, self.rng, self.T = layer, head, rng, T
        self.images, self.labels = images, labels
        self.net, self.read = kind(D, layer.hidden_size), torch.nn.Linear(layer.hidden_size, 1)
        self.net.load_state_dict({key: torch.tensor(value) for key, value in layer.state_dict().items()})
        self.read.load_state_dict({key: torch.tensor(value) for key, value in head.params.items()})
        self.params = [*self.net.parameters(), *self.read.parameters()]
        self.optimizer = torch.optim.Adam(self.params, lr=SETTINGS["lr"])

    def updates(self, number):
        """Make so many updates, and write the weights back."""
        for _ in range(number):
            batch = self.rng.integers(len(self.images), size=SETTINGS["batch"])
            x = torch.tensor(recall(self.images[batch], self.T, self.rng), dtype=torch.float32)
            target = torch.tensor(self.labels[batch], dtype=torch.float32)
            y = self.read(self.net(x)[0][-1])[:, 0]
            loss = torch.nn.functional.binary_cross_entropy_with_logits(y, target)
            self.optimizer.zero_grad()
            loss.backward()
            torch.nn.utils.clip_grad_norm_(self.params, SETTINGS["max_norm"])
            self.optimizer.step()
        self.layer.load_state_dict({key: value.numpy() for key, value in self.net.state_dict().items()})
        for key, value in self.read.state_dict().items():
            self.head.params[key][:] = value.numpy()


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


def run(name, seed, T):
    """Return one run: its held-out accuracy, and at the full length the reach before and after."""
    images, labels, held_out, held_out_labels = split()
    torch.manual_seed(seed)
    layer, head, rng = build(name, seed, T)
    x = recall(held_out, T, np.random.default_rng(100))

    def reached():
        norms = reach(layer, x[:, :16], head.params["weight"][0])
        return [float(f"{norms[lag]:.4g}") for lag in SETTINGS["lags"]]

    found = {"cell": name, "seed": seed, "T": T}
    training = Training(layer, head, rng, T, images, labels)
    if T == SETTINGS["T"]:
        found["start"] = reached()
    training.updates(SETTINGS["updates"])
    found["accuracy"] = round(accuracy(layer, head, x, held_out_labels), 4)
    if T == SETTINGS["T"]:
        found["after"] = reached()
    elif found["accuracy"] <= SETTINGS["solved"]:
        training.updates(SETTINGS["updates"])
        found["accuracy"] = round(accuracy(layer, head, x, held_out_labels), 4)
    return found


def printed(path):
    """Return the runs of the shorter lengths whose lines are in a file, {(cell, seed, T): run}."""
    found = {}
    for line in Path(path).read_text().splitlines():
        name, seed, T, right = re.fullmatch(r" *\d+ s (.+) (\d+) (\d+) ([\d.]+)", line).groups()
        run = {"cell": name, "seed": int(seed), "T": int(T), "accuracy": float(right)}
        if run["T"] != SETTINGS["T"]:  # those of the full length have gradients, too, and are made again
            found[name, run["seed"], run["T"]] = run
    return found


def main():
    torch.set_num_threads(1)
    start = time.process_time()
    what = "norms of the gradient at each lag, before and after training, and held-out accuracy, by cell, seed and T"
    done = printed(sys.argv[1]) if len(sys.argv) == 2 else {}
    with recording(__file__, what, settings=SETTINGS, seeds=range(max(SETTINGS["seeds"].values()))) as record:
        record["runs"] = runs = []
        for length, seeds in SETTINGS["seeds"].items():
            for name in CELLS:
                for seed in range(seeds):
                    runs.append(done.get((name, seed, int(length))) or run(name, seed, int(length)))
                    took = time.process_time() - start
                    print(f"{took:5.0f} s", name, seed, length, runs[-1]["accuracy"], flush=True)


if __name__ == "__main__":
    main()
