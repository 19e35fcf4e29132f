"""The longer runs behind the chapter *Can the loop over time be broken?*: equal parameters, and twice the training.

    python book/experiments/parallel_longer.py     about two minutes on one core; writes parallel_longer.json beside it

Surnames to languages, judged after five and after ten epochs: every network has as many units as bring it nearest to
the number of parameters of the GRU's. Then parity, with twice the updates of ``parallel.py``, for the layer that gave
up first there, with one seed.
"""

import numpy as np
import torch
from harness import recording
from parallel import TRACKING, track
from torch import nn
from torch.nn.functional import cross_entropy

from rnnbook import data
from rnnbook.in_torch import GRU, MinGRU, MinLSTM

SETTINGS = {"hidden_size": 24, "epochs": [5, 10], "batch": 128, "lr": 5e-3, "clip": 1.0}
NETWORKS = {"minGRU": MinGRU, "minLSTM": MinLSTM, "RNN": nn.RNN, "GRU": GRU}
TWICE = {"kinds": ["minGRU"], "updates": 2 * TRACKING["updates"], "seeds": [0]}
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
    return min(range(1, 4 * H), key=lambda n: abs(count(network(kind, n)) - count(network("GRU", H))))


def answer(model, rows):
    """Return the logits (B, 12) of the names in these rows, from the state after the last letter of each."""
    layer, head = model
    ends = lengths[rows]
    hs = layer(torch.eye(len(letters))[codes[rows, : int(ends.max())].T])[0]
    return head(hs[ends - 1, torch.arange(len(rows))])


def accuracy(model):
    """Return the share of test names whose language is right."""
    with torch.no_grad():
        right = answer(model, parts["test"]).argmax(1) == labels[parts["test"]]
    return round(right.double().mean().item(), 4)


def run(kind, seed):
    """Train one network; return its accuracy on the test names by epochs. The batches are the same for every layer."""
    torch.manual_seed(seed)
    rng, found = np.random.default_rng(seed), {}
    model = network(kind, units(kind))
    optimizer = torch.optim.Adam(model.parameters(), lr=SETTINGS["lr"])
    for epoch in range(1, max(SETTINGS["epochs"]) + 1):
        for rows in np.array_split(rng.permutation(parts["train"]), len(parts["train"]) // SETTINGS["batch"]):
            optimizer.zero_grad()
            cross_entropy(answer(model, rows), labels[rows]).backward()
            nn.utils.clip_grad_norm_(model.parameters(), SETTINGS["clip"])
            optimizer.step()
        if epoch in SETTINGS["epochs"]:
            found[str(epoch)] = accuracy(model)
    print(kind, seed, found, flush=True)
    return found


def main():
    torch.set_num_threads(1)
    sizes = {kind: units(kind) for kind in NETWORKS}
    parameters = {kind: count(network(kind, H)) for kind, H in sizes.items()}
    settings = SETTINGS | {"units": sizes, "parameters": parameters, "parity": TRACKING | TWICE}
    what = (
        "accuracy on test names by epochs, layer and seed; right answers after each place (parity), by layer and seed"
    )
    with recording(__file__, what, settings=settings, seeds=SEEDS) as record:
        record["names"] = {kind: [run(kind, seed) for seed in SEEDS] for kind in NETWORKS}
        record["parity"] = {
            kind: [track("parity", kind, seed, TWICE["updates"]) for seed in TWICE["seeds"]] for kind in TWICE["kinds"]
        }


if __name__ == "__main__":
    main()
