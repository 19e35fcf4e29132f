"""The runs behind the part on health of *DNA, health and speech*: what is the wearer of a watch doing?

    python book/experiments/applications_health.py    two minutes on one core; writes applications_health.json beside it

Task: one of four activities after each tenth of a second of a recording (``rnnbook.data.basic_motions``), from what was
recorded so far. Forty recordings to learn from, forty to be judged by, of the same four people: nothing can be held out
for choices, so every setting was fixed before the first run, and every answer at every second is in the record. All
methods get the six channels standardised by the training part's means and deviations. The test part chose nothing.
"""

import numpy as np
import torch
from harness import recording

from rnnbook import data, in_torch
from rnnbook.rivals import LinearDiscriminant

SETTINGS = {"H": 32, "lr": 5e-3, "epochs": 150, "batch": 10, "clip": 1.0, "noise": 0.2, "shrinkage": 0.1}
SEEDS = [0, 1, 2, 3, 4]
TENTHS = [2, 3, 5, 7, *range(10, 101, 10)]  # steps seen when an answer is asked for


class Reader(torch.nn.Module):
    """A GRU that reads a stream of six channels, and a linear layer that answers after every step."""

    def __init__(self, H):
        super().__init__()
        self.layer, self.head = in_torch.GRU(6, H), torch.nn.Linear(H, 4)

    def forward(self, x, state=None):
        """Map x (T, B, 6) to logits (T, B, 4), and the state from which the stream goes on."""
        hs, state = self.layer(x, state)
        return self.head(hs), state


def standardised(motions):
    """Return the training and the test recordings, each (100, N, 6), time first."""
    mean, scale = motions.train.mean(axis=(0, 1)), motions.train.std(axis=(0, 1))
    return [((part - mean) / scale).swapaxes(0, 1) for part in (motions.train, motions.test)]


def train(x, labels, seed):
    """Return a reader that was asked for its answer after every step of x (100, N, 6)."""
    torch.manual_seed(seed)
    x, labels = torch.tensor(x, dtype=torch.float32), torch.tensor(labels)
    model = Reader(SETTINGS["H"])
    optimizer = torch.optim.Adam(model.parameters(), lr=SETTINGS["lr"])
    for _ in range(SETTINGS["epochs"]):
        for batch in torch.randperm(x.shape[1]).split(SETTINGS["batch"]):
            noisy = x[:, batch] + SETTINGS["noise"] * torch.randn(len(x), len(batch), 6)
            logits = model(noisy)[0]
            loss = torch.nn.functional.cross_entropy(logits.flatten(0, 1), labels[batch].repeat(len(x)))
            optimizer.zero_grad()
            loss.backward()
            torch.nn.utils.clip_grad_norm_(model.parameters(), SETTINGS["clip"])
            optimizer.step()
    return model


def network(motions, seed):
    """Return the probabilities (100, N, 4) of one network after each step of the test recordings."""
    train_x, test_x = standardised(motions)
    model = train(train_x, motions.train_labels, seed)
    with torch.no_grad():
        return model(torch.tensor(test_x, dtype=torch.float32))[0].softmax(2).numpy()


def moments(x):
    """Return mean and standard deviation of each channel of x (T, N, D), (N, 2 D): the order of the steps is lost."""
    return np.concatenate([x.mean(axis=0), x.std(axis=0)], axis=1)


def nearest(train_features, labels, test_features):
    """Return the label of the nearest training row for each test row."""
    apart = np.sum((test_features[:, None] - train_features) ** 2, axis=2)
    return labels[apart.argmin(axis=1)]


def warped(train_x, labels, test_x):
    """Return the label of the nearest training recording under dynamic time warping, all channels warped together."""
    cost = np.sum((test_x[:, None, :, None] - train_x[None, :, None]) ** 2, axis=-1)  # (T, T, N, M)
    T = len(cost)
    reach = np.full((T + 1, T + 1, *cost.shape[2:]), np.inf)
    reach[0, 0] = 0
    for i in range(T):
        for j in range(T):
            before = np.minimum(np.minimum(reach[i, j + 1], reach[i + 1, j]), reach[i, j])
            reach[i + 1, j + 1] = cost[i, j] + before
    return labels[reach[T, T].argmin(axis=1)]


def rivals(motions, steps):
    """Return the answers (N,) of the rivals after so many steps, by name."""
    (train_x, test_x), labels = standardised(motions), motions.train_labels
    x, z = train_x[:steps], test_x[:steps]
    few, many = moments(x), moments(z)
    mean, scale = few.mean(axis=0), few.std(axis=0)
    scale[scale == 0] = 1  # a channel may not have moved yet in any recording
    few, many = (few - mean) / scale, (many - mean) / scale
    return {
        "nearest, step by step": nearest(
            x.swapaxes(0, 1).reshape(len(labels), -1), labels, z.swapaxes(0, 1).reshape(z.shape[1], -1)
        ),
        "nearest, means and deviations": nearest(few, labels, many),
        "discriminant, means and deviations": LinearDiscriminant(few, labels, SETTINGS["shrinkage"])
        .log_posterior(many)
        .argmax(axis=1),
        "nearest, time warped": warped(x, labels, z),
        "nearest, time warped, not standardised": warped(
            *(motions.train[:, :steps].swapaxes(0, 1), labels, motions.test[:, :steps].swapaxes(0, 1))
        ),
    }


def main():
    torch.set_num_threads(1)
    motions = data.basic_motions()
    what = "answers to what the wearer of a watch is doing, after so many tenths of a second; 40 test recordings"
    with recording(__file__, what, settings=SETTINGS, seeds=SEEDS) as record:
        record |= {"tenths": TENTHS, "activities": motions.activities, "truth": motions.test_labels.tolist()}
        answers: dict[str, list] = {}
        for steps in TENTHS:
            for name, found in rivals(motions, steps).items():
                answers.setdefault(name, []).append(found.tolist())
        record["rivals"] = answers
        record["GRU"] = []
        for seed in SEEDS:
            p = network(motions, seed)
            record["GRU"].append(p.argmax(axis=2)[np.array(TENTHS) - 1].tolist())
            if seed == SEEDS[0]:  # for the page, a string for each recording: the answers, how sure in percent
                record["answers"] = ["".join(map(str, row)) for row in p.argmax(axis=2).T]
                record["sure"] = [" ".join(map(str, row)) for row in np.round(100 * p.max(axis=2)).astype(int).T]
        record["parameters"] = sum(p.numel() for p in Reader(SETTINGS["H"]).parameters())
        for name, found in {**answers, "GRU": record["GRU"]}.items():
            print(f"{name:40}", np.round(np.mean(np.array(found) == motions.test_labels, axis=-1), 3).tolist())


if __name__ == "__main__":
    main()
