"""The long run behind the chapter *The GRU*: surnames to languages, four layers, three seeds, ten epochs.

python book/experiments/names.py        about three minutes on one core; writes names.json beside it
"""

import numpy as np
from harness import recording

from rnnbook import data
from rnnbook.in_numpy import GRU, LSTM, RNN, Adam, clip_grad_norm
from rnnbook.in_numpy.functions import cross_entropy
from rnnbook.in_numpy.models import SequenceClassifier

SETTINGS = {"hidden_size": 96, "epochs": 10, "batch": 64, "lr": 5e-3, "schedule": "cosine to zero", "clip": 1.0}
LAYERS = {
    "RNN": RNN,
    "GRU": GRU,
    "GRU, reset before": lambda *sizes, **options: GRU(*sizes, reset_after=False, **options),
    "LSTM": LSTM,
}
SEEDS = [0, 1, 2]

names = data.surnames()
letters = sorted({letter for name in names.names for letter in name.lower()})
one_hot = np.eye(len(letters), dtype=np.float32)
lengths = np.array([len(name) for name in names.names])
codes = np.zeros((len(lengths), lengths.max()), int)
for row, name in enumerate(names.names):
    codes[row, : len(name)] = [letters.index(letter) for letter in name.lower()]


def batch(rows):
    """Return x (T, B, letters), the lengths and the labels of the names in these rows."""
    return one_hot[codes[rows, : lengths[rows].max()].T], lengths[rows], names.labels[rows]


def accuracy(model, part):
    rows = np.flatnonzero(names.part == part)
    x, ends, labels = batch(rows)
    return float((model.forward(x, ends)[0].argmax(axis=1) == labels).mean())


def run(layer, seed):
    """Train one model; returns its accuracy on the validation and on the test names."""
    rng = np.random.default_rng(seed)
    model = SequenceClassifier(12, layer(len(letters), SETTINGS["hidden_size"], rng=rng), rng=rng)
    optimizer = Adam(model.params, lr=SETTINGS["lr"])
    train = np.flatnonzero(names.part == "train")
    for epoch in range(SETTINGS["epochs"]):
        optimizer.lr = SETTINGS["lr"] * (1 + np.cos(np.pi * epoch / SETTINGS["epochs"])) / 2
        for rows in np.array_split(rng.permutation(train), len(train) // SETTINGS["batch"]):
            x, ends, labels = batch(rows)
            logits, trace = model.forward(x, ends)
            grads = model.backward(cross_entropy(logits, labels)[1], trace)
            clip_grad_norm(grads, SETTINGS["clip"])
            optimizer.step(grads)
    return {"valid": accuracy(model, "valid"), "test": accuracy(model, "test")}


def main():
    with recording(__file__, "accuracy on surnames of twelve languages", settings=SETTINGS, seeds=SEEDS) as record:
        record["results"] = {name: [run(layer, seed) for seed in SEEDS] for name, layer in LAYERS.items()}


if __name__ == "__main__":
    main()
