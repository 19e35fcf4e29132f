"""Digits that start later than those learned: dense, sliding and recurrent networks, told and not told where they end.

    python book/experiments/why_recurrence.py    about 5 minutes on one core; writes why_recurrence.json beside it

A digit's 8 rows stand among 12, starting at row 0 to 4. Every network is trained twice: on digits that start at row 0,
and on digits that start anywhere. Two of them are told where the digit ends: they read nothing after it. The chapter
*Why recurrence?* shows the result.
"""

import copy

import numpy as np
import torch
from harness import recording
from torch import nn

from rnnbook import data

STEPS, ROWS, STARTS = 12, 8, range(5)
STARTS_OF = {"row 0": [0], "anywhere": list(STARTS)}
SETTINGS = {
    "H": 64, "updates": 600, "batch": 64, "lr": [4e-3, 1.2e-2, 3e-2], "every": 50, "digits": [1100, 200, 497],
    "seeds": [0, 1, 2, 3],
}  # fmt: skip


class Flat(nn.Module):
    """A dense network on the last ``rows`` rows at once."""

    def __init__(self, rows, H):
        super().__init__()
        self.rows, self.layers = rows, nn.Sequential(nn.Linear(8 * rows, H), nn.Tanh(), nn.Linear(H, 10))

    def forward(self, x):
        return self.layers(x[-self.rows :].transpose(0, 1).flatten(1))


class Sliding(nn.Module):
    """One dense layer on every window of 8 rows, blank rows around them; the largest answer of each unit counts."""

    def __init__(self, H):
        super().__init__()
        self.layer, self.head = nn.Linear(8 * ROWS, H), nn.Linear(H, 10)

    def forward(self, x):
        padded = nn.functional.pad(x, (0, 0, 0, 0, ROWS - 1, ROWS - 1))
        windows = padded.unfold(0, ROWS, 1).flatten(2)  # (places, B, 64)
        return self.head(torch.tanh(self.layer(windows)).amax(0))


class Recurrent(nn.Module):
    """A layer of torch.nn as it comes, and a dense layer on its last output."""

    def __init__(self, make, H, bias=True):
        super().__init__()
        self.layer, self.head = make(8, H, bias=bias), nn.Linear(H, 10)

    def forward(self, x):
        return self.head(self.layer(x)[0][-1])


# name: (network, whether it is told where the digit ends, updates over those of the settings, starts it learns from)
H, BOTH = SETTINGS["H"], tuple(STARTS_OF)
NETWORKS = {
    "dense": (lambda: Flat(STEPS, H), False, 1, BOTH),
    "dense, twice as long": (lambda: Flat(STEPS, H), False, 2, ("anywhere",)),
    "sliding": (lambda: Sliding(H), False, 1, BOTH),
    "RNN": (lambda: Recurrent(nn.RNN, H), False, 1, BOTH),
    "RNN, twice as long": (lambda: Recurrent(nn.RNN, H), False, 2, ("anywhere",)),
    "LSTM": (lambda: Recurrent(nn.LSTM, H // 2), False, 1, ("anywhere",)),
    "dense, told": (lambda: Flat(ROWS, H), True, 1, BOTH),
    "RNN, told": (lambda: Recurrent(nn.RNN, H), True, 1, BOTH),
    "RNN without biases, told": (lambda: Recurrent(nn.RNN, H, bias=False), True, 1, ("row 0",)),
}


def start_at(row, ink, told):
    """Give digits (B, 8, 8) as sequences that start at a row: (12, B, 8), or (row + 8, B, 8) where the end is told."""
    x = np.zeros((STEPS, len(ink), 8), np.float32)
    x[row : row + ROWS] = ink.swapaxes(0, 1)
    return torch.from_numpy(x[: row + ROWS] if told else x)


def accuracies(network, ink, labels, told, starts=STARTS):
    """Return the share of digits that are read rightly, one for each start."""
    with torch.no_grad():
        return [float((network(start_at(row, ink, told)).argmax(1).numpy() == labels).mean()) for row in starts]


def fit(name, starts, seed, lr):
    """Train; return (accuracy in validation, accuracies on the test digits at 0 to 4) of the weights best there."""
    make, told, longer, _ = NETWORKS[name]
    digits, rng = data.digits(), np.random.default_rng(seed)
    torch.manual_seed(seed)
    first, second, _ = SETTINGS["digits"]
    learn, check, test = np.split(rng.permutation(len(digits.labels)), [first, first + second])
    ink, network = digits.images / 16, make()
    optimizer, best, kept = torch.optim.Adam(network.parameters(), lr), -1.0, None
    for update in range(longer * SETTINGS["updates"]):
        chosen = rng.choice(learn, SETTINGS["batch"])
        scores = network(start_at(rng.choice(starts), ink[chosen], told))
        loss = nn.functional.cross_entropy(scores, torch.from_numpy(digits.labels[chosen]))
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        if (update + 1) % SETTINGS["every"] == 0:
            right = float(np.mean(accuracies(network, ink[check], digits.labels[check], told, starts)))
            if right > best:
                best, kept = right, copy.deepcopy(network.state_dict())
    network.load_state_dict(kept)
    return best, accuracies(network, ink[test], digits.labels[test], told)


def tuned(name, trained):
    """Return the learning rate that is best in validation with the first seed."""
    return max(SETTINGS["lr"], key=lambda lr: fit(name, STARTS_OF[trained], SETTINGS["seeds"][0], lr)[0])


def run(name, trained, seed, lr):
    validation, right = fit(name, STARTS_OF[trained], seed, lr)
    return {"network": name, "trained": trained, "seed": seed, "lr": lr, "validation": round(validation, 4),
            "right": [round(share, 4) for share in right]}  # fmt: skip


def main():
    torch.set_num_threads(1)
    what = (
        "share of test digits read rightly, by the row where they start, by network, by the starts trained on, by seed"
    )
    with recording(__file__, what, settings=SETTINGS, seeds=SETTINGS["seeds"]) as record:
        record["parameters"] = {
            name: sum(p.numel() for p in make().parameters()) for name, (make, _, _, _) in NETWORKS.items()
        }
        record["runs"] = runs = []
        for name, (_, _, _, learned_from) in NETWORKS.items():
            for trained in learned_from:
                lr = tuned(name, trained)
                for seed in SETTINGS["seeds"]:
                    runs.append(run(name, trained, seed, lr))
                    print(runs[-1], flush=True)


if __name__ == "__main__":
    main()
