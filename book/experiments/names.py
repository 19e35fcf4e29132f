"""The long run behind the chapter *The GRU*: surnames to languages, gates against their absence at equal size.

    python book/experiments/names.py        about five minutes on one core; writes names.json beside it

Two budgets. "short" is the one that the chapter runs live, in float64; "long" has more units and ten epochs;
"twice the epochs" doubles the long one for the GRU alone, since it had not caught up with counting. The RNN with the
GRU's parameters has as many units as make the two networks equal in size, and so has the LSTM.
"""

import numpy as np
from harness import recording

from rnnbook import data
from rnnbook.in_numpy import GRU, LSTM, RNN, Adam, clip_grad_norm
from rnnbook.in_numpy.functions import cross_entropy
from rnnbook.in_numpy.models import SequenceClassifier

SETTINGS = {
    "short": {"hidden_size": 48, "epochs": 3, "schedule": "constant", "dtype": "float64"},
    "long": {"hidden_size": 64, "epochs": 10, "schedule": "cosine to zero", "dtype": "float32"},
    "twice the epochs": {"hidden_size": 64, "epochs": 20, "schedule": "cosine to zero", "dtype": "float32"},
    "batch": 64,
    "lr": 5e-3,
    "clip": 1.0,
}
LAYERS = {  # blocks of weights, and the layer
    "RNN": (1, RNN),
    "RNN, GRU's parameters": (1, RNN),
    "GRU": (3, GRU),
    "GRU, reset before": (3, lambda *sizes, **options: GRU(*sizes, reset_after=False, **options)),
    "LSTM, GRU's parameters": (4, LSTM),
}
SEEDS = {"short": [0, 1, 2, 3, 4], "long": [0, 1, 2, 3, 4], "twice the epochs": [0, 1]}

names = data.surnames()
letters = sorted({letter for name in names.names for letter in name.lower()})
lengths = np.array([len(name) for name in names.names])
codes = np.zeros((len(lengths), lengths.max()), int)
for row, name in enumerate(names.names):
    codes[row, : len(name)] = [letters.index(letter) for letter in name.lower()]


def batch(rows):
    """Return x (T, B, letters), the lengths and the labels of the names in these rows."""
    one_hot = np.eye(len(letters), dtype=np.float32)
    return one_hot[codes[rows, : lengths[rows].max()].T], lengths[rows], names.labels[rows]


def count(blocks, H):
    """The parameters of a layer of H units with so many blocks, and of the read-out behind it."""
    return blocks * H * (len(letters) + H + 2) + 12 * (H + 1)


def units(name, budget):
    """The units of a layer: those of the budget, or as many as give it the GRU's number of parameters."""
    H, (blocks, _) = SETTINGS[budget]["hidden_size"], LAYERS[name]
    if "GRU's" not in name:
        return H
    return min(range(1, 4 * H), key=lambda n: abs(count(blocks, n) - count(3, H)))


def judge(model, part):
    """Return the accuracy on a part, and for a GRU how open its update gates are there."""
    rows = np.flatnonzero(names.part == part)
    x, ends, labels = batch(rows)
    logits, trace = model.forward(x, ends)
    found = {part: float((logits.argmax(axis=1) == labels).mean())}
    if isinstance(model.layer, GRU) and part == "valid":
        z = model.layer.forward(x, lengths=ends)[2].gates[1][np.arange(len(x))[:, None] < ends]
        shares = [(z > 0.95), (z < 0.05), (z >= 0.2) & (z <= 0.8)]
        found |= {"keep, write, mix": [round(float(share.mean()), 4) for share in shares]}
    return found


def run(name, budget, seed):
    """Train one model; returns its accuracy on the validation and on the test names."""
    settings, rng = SETTINGS[budget], np.random.default_rng(seed)
    layer = LAYERS[name][1](len(letters), units(name, budget), dtype=np.dtype(settings["dtype"]).type, rng=rng)
    model = SequenceClassifier(12, layer, rng=rng)
    optimizer = Adam(model.params, lr=SETTINGS["lr"])
    train = np.flatnonzero(names.part == "train")
    for epoch in range(settings["epochs"]):
        if settings["schedule"] == "cosine to zero":
            optimizer.lr = SETTINGS["lr"] * (1 + np.cos(np.pi * epoch / settings["epochs"])) / 2
        for rows in np.array_split(rng.permutation(train), len(train) // SETTINGS["batch"]):
            x, ends, labels = batch(rows)
            logits, trace = model.forward(x, ends)
            grads = model.backward(cross_entropy(logits, labels)[1], trace)
            clip_grad_norm(grads, SETTINGS["clip"])
            optimizer.step(grads)
    return judge(model, "valid") | judge(model, "test")


def main():
    seeds = sorted(set().union(*SEEDS.values()))
    settings = SETTINGS | {"units": {budget: {name: units(name, budget) for name in LAYERS} for budget in SEEDS}}
    with recording(__file__, "accuracy on surnames of twelve languages", settings=settings, seeds=seeds) as record:
        record["results"] = {
            budget: {
                name: [run(name, budget, seed) for seed in SEEDS[budget]]
                for name in (["GRU"] if budget == "twice the epochs" else LAYERS)
            }
            for budget in SEEDS
        }


if __name__ == "__main__":
    main()
