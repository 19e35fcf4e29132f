"""The long runs behind the chapter *Deep, bidirectional, ragged*: who says the vowel, and from which state?

    python book/experiments/variable_length.py    two minutes on one core; writes variable_length.json beside it

Task: the speaker of a Japanese vowel (``rnnbook.data.japanese_vowels``). All networks but one have about 15,500
parameters. Settings were fixed before the first run; the epoch whose weights are kept is chosen by the loss on 54 of
the 270 training utterances, six of each speaker. The test part was used once, at the end of each run, and chose
nothing. ``right`` has a digit for each test utterance: how many of the five seeds name its speaker. In float32:
another processor may give a few utterances more or fewer. ``variable_length_starts.py`` uses the same functions.
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
NETWORKS = {  # cell, layers, both directions, hidden units, which state is classified, start of the gate that keeps
    "RNN": ("RNN", 1, False, 113, "ends"),
    "GRU": ("GRU", 1, False, 64, "ends"),
    "LSTM": ("LSTM", 1, False, 55, "ends"),
    "BiGRU": ("GRU", 1, True, 43, "ends"),
    "GRU, 2 layers": ("GRU", 2, False, 38, "ends"),
    "BiGRU, twice the size": ("GRU", 1, True, 64, "ends"),
    "BiGRU, last step": ("GRU", 1, True, 43, "last step"),
    "GRU, trained on padding": ("GRU", 1, False, 64, "padding"),
    "GRU, +3": ("GRU", 1, False, 64, "ends", "+3"),
}
PADDED = ["GRU", "GRU, trained on padding", "GRU, +3"]
ALSO_READ = ["BiGRU"]
LAST_STATES = ["ends", "last step", "last row", "ends, padding first"]


def start_gates(layer, start):
    """Start the gate that keeps, the second block of a GRU's or an LSTM's biases, so that it keeps longer.

    ``default`` changes nothing, ``+3`` adds 3, ``chrono`` draws ln u, u from 1 to T - 1 (Tallec & Ollivier 2018).
    """
    H = layer.hidden_size
    for name, bias in layer.named_parameters():
        with torch.no_grad():
            if name.startswith("bias_ih") and start == "+3":
                bias[H : 2 * H] += 3
            if name.startswith("bias") and start == "chrono":
                bias[H : 2 * H] = 0
                if name.startswith("bias_ih"):
                    bias[H : 2 * H] = torch.empty(H).uniform_(1, FOLLOWED["T"] - 1).log()


class Classifier(torch.nn.Module):
    """A recurrent layer, the choice of one of its states, and a linear layer to the nine speakers."""

    def __init__(self, cell, layers, both, H, reading, start="default"):
        super().__init__()
        dropout = SETTINGS["dropout"]
        between = {"num_layers": layers, "dropout": dropout if layers > 1 else 0.0}
        self.layer = getattr(in_torch, cell)(12, H, bidirectional=both, **between)
        start_gates(self.layer, start)
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


def train(vowels, network, seed, T=29, tail=0.0, epochs=None):
    """Return the network with the weights of its best epoch, the share of right answers held out, and the scale."""
    torch.manual_seed(seed)
    rows, held = split(vowels, np.random.default_rng(seed))
    frames = np.concatenate([vowels.train[row] for row in rows])
    mean, scale = frames.mean(axis=0), frames.std(axis=0)
    x, lengths = padded(vowels.train, mean, scale, T)
    held_x, held_lengths = followed(x[:, held], lengths[held], tail, seed=1000)
    read_to = torch.full_like(lengths, T) if tail else lengths
    labels = torch.tensor(vowels.train_labels)
    model = Classifier(*network)
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


def one_network(vowels, name, record):
    """Train a network with every seed, and write what it answers into the record's parts."""
    found = record["results"][name] = {"valid": [], "test": []}
    seeds = []
    for seed in SEEDS:
        model, valid, scale = train(vowels, NETWORKS[name], seed)
        record["parameters"][name] = sum(p.numel() for p in model.parameters())
        seeds.append(right(model, vowels, scale))
        found["valid"].append(round(valid, 4))
        found["test"].append(round(seeds[-1].mean().item(), 4))
        for T in PADDED_TO if name in PADDED else []:
            for side in ("right", "left"):
                shares = record["read with padding"].setdefault(name, {}).setdefault(side, {})
                shares.setdefault(str(T), []).append(test(model, vowels, scale, T, "padding", side=side))
        for reading in LAST_STATES if name in ALSO_READ else []:
            answers = record["one network read in four ways"].setdefault(name, {}).setdefault(reading, [])
            answers.append(test(model, vowels, scale, 29, reading))
    found["right"] = "".join(str(count) for count in np.sum(seeds, axis=0))
    print(f"{name:26} {np.mean(found['valid']):.3f}  {np.mean(found['test']):.3f}  {found['test']}", flush=True)


def main():
    torch.set_num_threads(1)
    vowels = data.japanese_vowels()
    what = "the speaker of a Japanese vowel: share of right answers on what was held out, and on the test part"
    with recording(__file__, what, settings=SETTINGS, seeds=SEEDS) as record:
        record["networks"] = NETWORKS
        for part in ("parameters", "results", "read with padding", "one network read in four ways"):
            record[part] = {}
        for name in NETWORKS:
            one_network(vowels, name, record)


if __name__ == "__main__":
    main()
