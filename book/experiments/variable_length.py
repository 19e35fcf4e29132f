"""The long runs behind the chapter *Deep, bidirectional, ragged*: who says the vowel, and from which state?

    python book/experiments/variable_length.py    six minutes on one core; writes variable_length.json beside it

Task: the speaker of a Japanese vowel (``rnnbook.data.japanese_vowels``), by itself and followed by noise up to step
100. All networks but one have about 15,500 parameters. Settings were fixed before the first run; the epoch whose
weights are kept is chosen by the loss on 54 of the 270 training utterances, six of each speaker. The test part was
used once, at the end of each run, and chose nothing. In float32: another processor may give a few more or fewer.
``variable_length_starts.py`` and ``variable_length_pairs.py`` train with the same functions.
"""

import numpy as np
import torch
from harness import recording
from torch.nn.utils.rnn import pack_padded_sequence, pad_packed_sequence, pad_sequence

from rnnbook import data, in_torch

SETTINGS = {"batch": 32, "lr": 3e-3, "clip": 1.0, "epochs": 60, "noise": 0.1, "dropout": 0.3, "held_out": 54}
FOLLOWED = {"T": 100, "tail": 0.5}  # the noise behind the utterance, in standard deviations of a frame
SEEDS = [0, 1, 2, 3, 4]
PADDED_TO = [29, 60, 120]
NETWORKS = {  # cell, layers, both directions, hidden units, which state is classified
    "RNN": ("RNN", 1, False, 113, "ends"),
    "GRU": ("GRU", 1, False, 64, "ends"),
    "BiGRU": ("GRU", 1, True, 43, "ends"),
    "RNN, 2 layers": ("RNN", 2, False, 68, "ends"),
    "GRU, 2 layers": ("GRU", 2, False, 38, "ends"),
    "BiGRU, 2 layers": ("GRU", 2, True, 23, "ends"),
    "BiGRU, twice the size": ("GRU", 1, True, 64, "ends"),
    "GRU, mean": ("GRU", 1, False, 64, "mean"),
    "BiGRU, mean": ("GRU", 1, True, 43, "mean"),
    "BiGRU, last step": ("GRU", 1, True, 43, "last step"),
    "GRU, trained on padding": ("GRU", 1, False, 64, "padding"),
}
FOLLOWED_BY_NOISE = ["GRU", "BiGRU", "BiGRU, last step"]


class Classifier(torch.nn.Module):
    """A recurrent layer, the choice of one of its states, and a linear layer to the nine speakers."""

    def __init__(self, cell, layers, both, H, reading):
        super().__init__()
        dropout = SETTINGS["dropout"]
        between = {"num_layers": layers, "dropout": dropout if layers > 1 else 0.0}
        self.layer = getattr(in_torch, cell)(12, H, bidirectional=both, **between)
        self.dropout = torch.nn.Dropout(dropout)
        self.head = torch.nn.Linear(H * (1 + both), 9)
        self.reading = reading

    def forward(self, x, lengths, reading=None):
        return self.head(self.dropout(self.read(x, lengths, reading or self.reading)))

    def read(self, x, lengths, reading):
        """Return one vector for each sequence of x (T, B, D)."""
        B, H = x.shape[1], self.layer.hidden_size
        if reading in ("padding", "ends, padding first"):  # the layer is not told where a sequence ends
            outputs, _ = self.layer(x)
            if reading == "padding":
                return outputs[-1]
            return torch.cat([outputs[lengths - 1, torch.arange(B), :H], outputs[0, :, H:]], dim=1)
        packed, h_n = self.layer(pack_padded_sequence(x, lengths, enforce_sorted=False))
        if reading == "ends":
            h_n = h_n[0] if isinstance(h_n, tuple) else h_n  # the LSTM's (h, c)
            top = h_n[-2:] if self.layer.bidirectional else h_n[-1:]
            return torch.cat([*top], dim=1)
        outputs, _ = pad_packed_sequence(packed, total_length=len(x))
        if reading == "mean":
            return outputs.sum(dim=0) / lengths[:, None]  # the padding is zero
        if reading == "last step":
            return outputs[lengths - 1, torch.arange(B)]
        return outputs[-1]  # "last row": padding, but for the longest


def padded(sequences, mean, scale, T=None, side="right"):
    """Return standardised sequences (T, B, 12), zeros behind their ends or before their starts, and their lengths."""
    x = [torch.tensor((s - mean) / scale, dtype=torch.float32) for s in sequences]
    x = pad_sequence(x, padding_side=side)
    more = x.new_zeros((T or len(x)) - len(x), *x.shape[1:])
    return torch.cat([x, more] if side == "right" else [more, x]), torch.tensor([len(s) for s in sequences])


def split(vowels, rng):
    """Return the rows to train on and those held out, six of each speaker."""
    held = np.concatenate([rng.choice(np.flatnonzero(vowels.train_labels == k), 6, replace=False) for k in range(9)])
    return np.setdiff1d(np.arange(len(vowels.train)), held), held


def followed(x, lengths, tail, seed):
    """Return x (T, B, 12) with noise behind each end, and the lengths T that a reader then sees; as it is without."""
    if not tail:
        return x, lengths
    noise = torch.randn(x.shape, generator=torch.Generator().manual_seed(seed))
    behind = (torch.arange(len(x))[:, None] >= lengths)[:, :, None]
    return x + tail * noise * behind, torch.full_like(lengths, len(x))


def train(vowels, network, seed, T=29, tail=0.0, start=None, epochs=None):
    """Return the network with the weights of its best epoch, the share of right answers held out, and the scale.

    start: a function that changes the recurrent layer's parameters before the first update.
    """
    torch.manual_seed(seed)
    rows, held = split(vowels, np.random.default_rng(seed))
    frames = np.concatenate([vowels.train[row] for row in rows])
    mean, scale = frames.mean(axis=0), frames.std(axis=0)
    x, lengths = padded(vowels.train, mean, scale, T)
    held_x, held_lengths = followed(x[:, held], lengths[held], tail, seed=1000)
    read_to = torch.full_like(lengths, T) if tail else lengths
    labels = torch.tensor(vowels.train_labels)
    model = Classifier(*network)
    if start:
        start(model.layer)
    optimizer = torch.optim.Adam(model.parameters(), lr=SETTINGS["lr"])
    best = (np.inf, 0.0, None)
    for _ in range(epochs or SETTINGS["epochs"]):
        model.train()
        for batch in torch.tensor(rows)[torch.randperm(len(rows))].split(SETTINGS["batch"]):
            inside = (torch.arange(T)[:, None] < lengths[batch])[:, :, None]
            amount = torch.where(inside, SETTINGS["noise"], tail)  # drawn anew each time
            noisy = x[:, batch] + amount * torch.randn(T, len(batch), 12)
            loss = torch.nn.functional.cross_entropy(model(noisy, read_to[batch]), labels[batch])
            optimizer.zero_grad()
            loss.backward()
            torch.nn.utils.clip_grad_norm_(model.parameters(), SETTINGS["clip"])
            optimizer.step()
        model.eval()
        with torch.no_grad():
            logits = model(held_x, held_lengths)
            loss = torch.nn.functional.cross_entropy(logits, labels[held]).item()
        if loss < best[0]:
            right = (logits.argmax(1) == labels[held]).float().mean().item()
            best = (loss, right, {name: p.clone() for name, p in model.state_dict().items()})
    model.load_state_dict(best[2])
    return model, best[1], (mean, scale)


def right(model, vowels, scale, T=29, reading=None, tail=0.0, side="right"):
    """Return which test utterances (370,) get the right speaker."""
    x, lengths = followed(*padded(vowels.test, *scale, T=T, side=side), tail, seed=2000)
    with torch.no_grad():
        answers = model(x, lengths, reading).argmax(1)
    return (answers == torch.tensor(vowels.test_labels)).numpy()


def test(*arguments, **options):
    """Return the share of test utterances with the right speaker; the arguments are those of ``right``."""
    return round(right(*arguments, **options).mean().item(), 4)


def main():
    torch.set_num_threads(1)
    vowels = data.japanese_vowels()
    what = "the speaker of a Japanese vowel: share of right answers on what was held out, and on the test part"
    settings = SETTINGS | {"followed by noise": FOLLOWED}
    with recording(__file__, what, settings=settings, seeds=SEEDS) as record:
        results, padding, readings, sizes = {}, {}, {}, {}
        for name, network in NETWORKS.items():
            results[name] = {"valid": [], "test": []}
            for seed in SEEDS:
                model, valid, scale = train(vowels, network, seed)
                sizes[name] = sum(p.numel() for p in model.parameters())
                results[name]["valid"].append(round(valid, 4))
                results[name]["test"].append(test(model, vowels, scale))
                if name in ("GRU", "GRU, trained on padding"):
                    by_length = padding.setdefault(name, {str(T): [] for T in PADDED_TO})
                    for T in PADDED_TO:
                        by_length[str(T)].append(test(model, vowels, scale, T, "padding"))
                if name in ("BiGRU", "BiGRU, 2 layers"):
                    for reading in ("ends", "last step", "last row", "ends, padding first"):
                        answers = readings.setdefault(name, {}).setdefault(reading, [])
                        answers.append(test(model, vowels, scale, 29, reading))
            print(f"{name:26} {sizes[name]:6}  {np.mean(results[name]['valid']):.3f}  "
                  f"{np.mean(results[name]['test']):.3f}  {results[name]['test']}", flush=True)  # fmt: skip
        noise: dict[str, list[float]] = {name: [] for name in FOLLOWED_BY_NOISE}
        for name, answers in noise.items():
            for seed in SEEDS:
                model, _, scale = train(vowels, NETWORKS[name], seed, **FOLLOWED)
                answers.append(test(model, vowels, scale, **FOLLOWED))
            print(f"{name:26} followed by noise  {answers}", flush=True)
        record |= {
            "networks": NETWORKS,
            "parameters": sizes,
            "results": results,
            "read with padding": padding,
            "one network read in four ways": readings,
            "followed by noise": noise,
        }


if __name__ == "__main__":
    main()
