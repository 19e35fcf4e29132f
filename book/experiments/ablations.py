"""The long runs behind the chapter *Who remembers?*: an LSTM without one of its parts, on two tasks.

    python book/experiments/ablations.py      about five minutes on one core; writes ablations.json beside it

The spirit is that of Greff et al. (2017): take one part away, leave the rest. The tasks: the speaker of a Japanese
vowel (``rnnbook.data.japanese_vowels``), and the adding problem. Settings were fixed before the first run; the test
part of the vowels was read once, at the end of each run.
"""

from multiprocessing import Pool

import numpy as np
import torch
from harness import TWO, recording

from rnnbook import data
from rnnbook.data import tasks

SPEECH = {"hidden_size": 32, "batch": 32, "lr": 5e-3, "clip": 1.0, "epochs": 40, "held_out": 54}
ADDING = {"hidden_size": 32, "batch": 32, "lr": 5e-3, "clip": 1.0, "updates": 500, "T": 20}
SEEDS = [0, 1, 2]
VARIANTS = {
    "full LSTM": set(),
    "no forget gate, f = 1": {"f"},
    "no input gate, i = 1": {"i"},
    "no output gate, o = 1": {"o"},
    "no tanh on the output": {"tanh"},
    "coupled, i = 1 - f": {"coupled"},
}


class Ablated(torch.nn.Module):
    """An LSTM layer, (T, B, D) to (T, B, H), without the parts named."""

    def __init__(self, D, H, without):
        super().__init__()
        self.from_input = torch.nn.Linear(D, 4 * H)
        self.from_hidden = torch.nn.Linear(H, 4 * H)
        self.H, self.without = H, without
        for p in self.parameters():
            torch.nn.init.uniform_(p, -(H**-0.5), H**-0.5)

    def forward(self, x):
        h = c = x.new_zeros(x.shape[1], self.H)
        hs = []
        for u in self.from_input(x):
            a_i, a_f, a_g, a_o = (u + self.from_hidden(h)).chunk(4, dim=1)
            f = 1.0 if "f" in self.without else torch.sigmoid(a_f)
            i = 1.0 if "i" in self.without else torch.sigmoid(a_i)
            o = 1.0 if "o" in self.without else torch.sigmoid(a_o)
            i = 1 - f if "coupled" in self.without else i
            c = f * c + i * torch.tanh(a_g)
            h = o * (c if "tanh" in self.without else torch.tanh(c))
            hs.append(h)
        return torch.stack(hs)


class Network(torch.nn.Module):
    """A recurrent layer and a linear one on its state at each sequence's end."""

    def __init__(self, kind, D, H, outputs):
        super().__init__()
        new = {"GRU": torch.nn.GRU, "RNN": torch.nn.RNN}
        self.layer = new[kind](D, H) if kind in new else Ablated(D, H, VARIANTS[kind])
        self.head = torch.nn.Linear(H, outputs)

    def forward(self, x, lengths):
        hs = self.layer(x)
        hs = hs[0] if isinstance(hs, tuple) else hs
        return self.head(hs[lengths - 1, torch.arange(x.shape[1])])


def padded(sequences):
    lengths = torch.tensor([len(s) for s in sequences])
    return torch.nn.utils.rnn.pad_sequence([torch.tensor(s, dtype=torch.float32) for s in sequences]), lengths


def update(model, optimizer, loss, clip):
    optimizer.zero_grad()
    loss.backward()
    torch.nn.utils.clip_grad_norm_(model.parameters(), clip)
    optimizer.step()


def run_speech(kind, seed):
    """Return the shares of right speakers, on the utterances held out and on the test part."""
    vowels = data.japanese_vowels()
    rng = np.random.default_rng(seed)
    order = rng.permutation(len(vowels.train))
    held, rows = order[: SPEECH["held_out"]], order[SPEECH["held_out"] :]
    labels, test_labels = torch.tensor(vowels.train_labels), torch.tensor(vowels.test_labels)
    frames = np.concatenate([vowels.train[row] for row in rows])
    mean, scale = frames.mean(axis=0), frames.std(axis=0)
    x, lengths = padded([(s - mean) / scale for s in vowels.train])
    x_test, lengths_test = padded([(s - mean) / scale for s in vowels.test])
    model = Network(kind, 12, SPEECH["hidden_size"], 9)
    optimizer = torch.optim.Adam(model.parameters(), lr=SPEECH["lr"])
    for _ in range(SPEECH["epochs"]):
        shuffled = torch.tensor(rng.permutation(rows))
        for batch in shuffled.split(SPEECH["batch"]):
            loss = torch.nn.functional.cross_entropy(model(x[:, batch], lengths[batch]), labels[batch])
            update(model, optimizer, loss, SPEECH["clip"])
    with torch.no_grad():
        valid = (model(x[:, held], lengths[held]).argmax(1) == labels[held]).float().mean()
        test = (model(x_test, lengths_test).argmax(1) == test_labels).float().mean()
    return {"valid": round(valid.item(), 4), "test": round(test.item(), 4)}


def run_adding(kind, seed):
    """Return the skill on 1,000 new sequences of the adding problem."""
    rng, T = np.random.default_rng(seed), ADDING["T"]
    model = Network(kind, 2, ADDING["hidden_size"], 1)
    optimizer = torch.optim.Adam(model.parameters(), lr=ADDING["lr"])

    def error(batch):
        x = torch.tensor(batch.x, dtype=torch.float32)
        y = model(x, torch.full((x.shape[1],), T))[:, 0]
        return torch.mean((y - torch.tensor(batch.target[-1], dtype=torch.float32)) ** 2)

    for _ in range(ADDING["updates"]):
        update(model, optimizer, error(tasks.adding(rng, T, ADDING["batch"])), ADDING["clip"])
    with torch.no_grad():
        left = error(tasks.adding(np.random.default_rng([seed, 1]), T, 1000)).item()
    return round(1 - left / tasks.ADDING_CHANCE, 4)


def run(job):
    task, kind, seed = job
    torch.set_num_threads(1)
    torch.manual_seed(seed)
    return run_speech(kind, seed) if task == "speech" else run_adding(kind, seed)


def main():
    kinds = [*VARIANTS, "GRU", "RNN"]
    jobs = [(task, kind, seed) for task in ("speech", "adding") for kind in kinds for seed in SEEDS]
    what = "an LSTM without one of its parts: share of right speakers, and skill (0 chance, 1 perfect) at adding"
    settings = {"speech": SPEECH, "adding": ADDING}
    with recording(__file__, what, settings=settings, seeds=SEEDS, processes=TWO) as record, Pool(2) as pool:
        results = dict(zip(jobs, pool.map(run, jobs, chunksize=1), strict=True))
        record["speech"] = {
            part: {kind: [results["speech", kind, s][part] for s in SEEDS] for kind in kinds}
            for part in ("valid", "test")
        }
        record["adding"] = {kind: [results["adding", kind, s] for s in SEEDS] for kind in kinds}


if __name__ == "__main__":
    main()
