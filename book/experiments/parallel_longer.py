"""The longer runs behind the chapter *Can the loop over time be broken?*: equal parameters, and twice the training.

    python book/experiments/parallel_longer.py     about ten minutes on one core; writes parallel_longer.json beside it

Surnames to languages, for five and for ten epochs, with a learning rate that falls to zero: every layer has as many
units as give it the GRU's number of parameters; "minGRU, 48 units" has the GRU's number of units. Then parity, with
twice the updates of ``parallel.py``, for the layers that did not learn it there.
"""

import math

import numpy as np
import torch
from harness import recording
from parallel import TRACKING, Sign, track
from torch import nn
from torch.nn.functional import cross_entropy

from rnnbook import data
from rnnbook.in_torch import GRU, LSTM, MinGRU, MinLSTM

SETTINGS = {"hidden_size": 48, "epochs": [5, 10], "batch": 64, "lr": 5e-3, "schedule": "cosine to zero", "clip": 1.0}
NETWORKS = {
    "minGRU, 48 units": MinGRU,
    "minGRU": MinGRU,
    "minLSTM": MinLSTM,
    "sign": Sign,
    "RNN": nn.RNN,
    "LSTM": LSTM,
    "GRU": GRU,
}
TWICE = {"kinds": ["minGRU", "minGRU, 2 layers", "minGRU, 3 layers"], "updates": 2 * TRACKING["updates"]}
SEEDS = [0, 1, 2, 3, 4]

names = data.surnames()
letters = sorted({letter for name in names.names for letter in name.lower()})
lengths = torch.tensor([len(name) for name in names.names])
codes = torch.zeros(len(lengths), int(lengths.max()), dtype=torch.long)
for row, name in enumerate(names.names):
    codes[row, : len(name)] = torch.tensor([letters.index(letter) for letter in name.lower()])
labels = torch.tensor(names.labels)
parts = {part: np.flatnonzero(names.part == part) for part in ["train", "test"]}


def network(kind, H):
    """Return a layer of H units and the read-out behind it."""
    return nn.ModuleList([NETWORKS[kind](len(letters), H), nn.Linear(H, 12)])


def count(model):
    """Return the number of parameters."""
    return sum(parameter.numel() for parameter in model.parameters())


def units(kind):
    """Return the units that bring a layer and its read-out nearest to the GRU's number of parameters."""
    H = SETTINGS["hidden_size"]
    if kind.endswith("units"):
        return H
    return min(range(1, 4 * H), key=lambda n: abs(count(network(kind, n)) - count(network("GRU", H))))


def answer(model, rows):
    """Return the logits (B, 12) of the names in these rows, from the state after the last letter of each."""
    layer, head = model
    ends = lengths[rows]
    hs = layer(torch.eye(len(letters))[codes[rows, : int(ends.max())].T])[0]
    return head(hs[ends - 1, torch.arange(len(rows))])


def batches(epochs, seed):
    """Yield the learning rate and the rows of every batch, the same for every layer."""
    rng = np.random.default_rng(seed)
    for epoch in range(epochs):
        lr = SETTINGS["lr"] * (1 + math.cos(math.pi * epoch / epochs)) / 2
        for rows in np.array_split(rng.permutation(parts["train"]), len(parts["train"]) // SETTINGS["batch"]):
            yield lr, rows


def run(kind, epochs, seed):
    """Train one network; return its accuracy on the test names."""
    torch.manual_seed(seed)
    model = network(kind, units(kind))
    optimizer = torch.optim.Adam(model.parameters())
    for lr, rows in batches(epochs, seed):
        optimizer.param_groups[0]["lr"] = lr
        optimizer.zero_grad()
        cross_entropy(answer(model, rows), labels[rows]).backward()
        nn.utils.clip_grad_norm_(model.parameters(), SETTINGS["clip"])
        optimizer.step()
    with torch.no_grad():
        right = answer(model, parts["test"]).argmax(1) == labels[parts["test"]]
    return round(right.double().mean().item(), 4)


def main():
    torch.set_num_threads(1)
    sizes = {kind: units(kind) for kind in NETWORKS}
    parameters = {kind: count(network(kind, H)) for kind, H in sizes.items()}
    settings = SETTINGS | {"units": sizes, "parameters": parameters, "parity": TRACKING | TWICE}
    what = (
        "accuracy on test names by epochs, layer and seed; right answers after each place (parity), by layer and seed"
    )
    with recording(__file__, what, settings=settings, seeds=SEEDS) as record:
        record["names"] = {
            str(epochs): {kind: [run(kind, epochs, seed) for seed in SEEDS] for kind in NETWORKS}
            for epochs in SETTINGS["epochs"]
        }
        record["parity"] = {
            kind: [track("parity", kind, seed, TWICE["updates"]) for seed in SEEDS[:3]] for kind in TWICE["kinds"]
        }


if __name__ == "__main__":
    main()
