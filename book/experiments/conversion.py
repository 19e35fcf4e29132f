"""Train a GRU on handwritten digits, carry it over with each of the silent mistakes, and count what it still reads.

python book/experiments/conversion.py        writes conversion.json (a minute)
"""

import numpy as np
import torch
from harness import recording

from rnnbook import data, in_torch

SETTINGS = {"units": 24, "updates": 600, "batch": 64, "lr": 0.02, "train": 1347, "test": 450}
SEEDS = [0, 1, 2, 3, 4]


def digits():
    """The images row by row, (8, N, 8), and their labels (N,)."""
    found = data.digits()
    return torch.tensor(found.images / 16, dtype=torch.float32).transpose(0, 1), torch.tensor(found.labels)


def trained(seed, rows, labels):
    """A GRU and a dense layer, trained on the first part of the digits."""
    torch.manual_seed(seed)
    rng = np.random.default_rng(seed)
    gru, dense = in_torch.GRU(8, SETTINGS["units"]), torch.nn.Linear(SETTINGS["units"], 10)
    optimizer = torch.optim.Adam([*gru.parameters(), *dense.parameters()], lr=SETTINGS["lr"])
    for _ in range(SETTINGS["updates"]):
        chosen = torch.from_numpy(rng.choice(SETTINGS["train"], size=SETTINGS["batch"], replace=False))
        loss = torch.nn.functional.cross_entropy(dense(gru(rows[:, chosen])[0][-1]), labels[chosen])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    return gru, dense


def carried(gru):
    """The same weights in new layers: carried over rightly, and with three mistakes that raise no error."""
    right = gru.state_dict()
    summed = right | {
        "bias_ih_l0": right["bias_ih_l0"] + right["bias_hh_l0"],
        "bias_hh_l0": torch.zeros_like(right["bias_hh_l0"]),
    }
    swapped = {}
    for name, weight in right.items():
        r, z, n = weight.chunk(3)
        swapped[name] = torch.cat([z, r, n])
    cases = {
        "as it should be": (right, {}),
        "r and z swapped": (swapped, {}),
        "reset before the product": (right, {"reset_after": False}),
        "the biases added up": (summed, {}),
    }
    layers = {}
    for name, (weights, variant) in cases.items():
        layers[name] = in_torch.GRU(gru.input_size, gru.hidden_size, **variant)
        layers[name].load_state_dict(weights)
    return layers


def share_read(gru, dense, rows, labels):
    """The share of the digits kept back that the two layers read rightly."""
    with torch.no_grad():
        scores = dense(gru(rows[:, SETTINGS["train"] :])[0][-1])
    return (scores.argmax(1) == labels[SETTINGS["train"] :]).float().mean().item()


def run(seed):
    """{mistake: share of the test digits read rightly} for one training."""
    rows, labels = digits()
    gru, dense = trained(seed, rows, labels)
    return {name: round(share_read(layer, dense, rows, labels), 4) for name, layer in carried(gru).items()}


def main():
    what = "share of 450 test digits read rightly by a GRU, and by its weights carried over with a mistake"
    with recording(__file__, what, settings=SETTINGS, seeds=SEEDS) as record:
        record["runs"] = [{"seed": seed} | run(seed) for seed in SEEDS]


if __name__ == "__main__":
    main()
