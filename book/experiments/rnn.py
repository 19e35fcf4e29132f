"""A basic RNN that reads the King James text: its states, the slope of tanh, and how far a changed letter is felt.

    python book/experiments/rnn.py    about 3 minutes on one core; writes rnn.json beside this file

The layer is ``torch.nn.RNN`` as it comes, trained to predict the next of 27 characters (a to z and the blank). What the
chapter *The basic RNN* draws are the states of the eight units of seed 0, whose weights the record holds.
"""

import re

import numpy as np
import torch
from harness import recording
from torch import nn

from rnnbook import data
from rnnbook.in_numpy import RNN

ALPHABET = " abcdefghijklmnopqrstuvwxyz"
SETTINGS = {
    "H": [8, 64], "T": 64, "batch": 64, "updates": 1500, "lr": 4e-3, "max_norm": 1.0, "seeds": [0, 1, 2, 3, 4],
    "test": {"sentences": 200, "T": 64, "changed": 16},
}  # fmt: skip


def text():
    """Return the text as numbers from 0 to 26: one blank between words, lower case, nothing else."""
    letters = re.sub(r"[^a-z]+", " ", data.bible_text().lower())
    return np.array([ALPHABET.index(letter) for letter in letters])


def draw(codes, rng, B, T):
    """Draw B pieces of T + 1 characters: (T + 1, B)."""
    starts = rng.integers(len(codes) - T - 1, size=B)
    return codes[starts + np.arange(T + 1)[:, None]]


def states(layer, codes):
    """Return the states (T, B, H) of a ``torch.nn.RNN`` that reads codes (T, B), computed by ``rnnbook.in_numpy``."""
    ours = RNN(27, layer.hidden_size, dtype=np.float64)
    ours.load_state_dict({name: value.detach().numpy().astype(float) for name, value in layer.state_dict().items()})
    return ours.forward(np.eye(27)[codes])[0]


def changed_letter(layer, codes, other):
    """Return how much the states move (lags,) when one letter is another: mean norm, from the step of the change on."""
    k = SETTINGS["test"]["changed"]
    altered = codes.copy()
    altered[k] = other
    moved = np.linalg.norm(states(layer, altered) - states(layer, codes), axis=2)
    assert not moved[:k].any()
    return moved[k:].mean(axis=1)


def is_vowel(codes):
    return np.isin(codes, [ALPHABET.index(letter) for letter in "aeiou"])


def vowel_unit(layer, codes):
    """Return (unit, accuracy): the unit whose sign tells best whether the letter just read is a vowel."""
    right = ((states(layer, codes) > 0) == is_vowel(codes)[..., None]).mean(axis=(0, 1))
    unit = int(np.argmax(np.maximum(right, 1 - right)))
    return unit, float(max(right[unit], 1 - right[unit]))


def measure(layer, codes, other):
    """Return what the chapter shows of a layer: the share of flat slopes, its best vowel unit, a changed letter."""
    hs = states(layer, codes)
    unit, right = vowel_unit(layer, codes)
    return {"flat": round(float((1 - hs**2 < 0.1).mean()), 4), "vowel unit": unit, "vowel": round(right, 4),
            "felt": [float(f"{m:.4g}") for m in changed_letter(layer, codes, other)]}  # fmt: skip


def train(H, seed, codes):
    """Return the layer as it comes, the trained one, its head, and bits per character on the last updates."""
    torch.manual_seed(seed)
    rng = np.random.default_rng(seed)
    layer, head = nn.RNN(27, H), nn.Linear(H, 27)
    start = nn.RNN(27, H)
    start.load_state_dict(layer.state_dict())
    params, losses = [*layer.parameters(), *head.parameters()], []
    optimizer = torch.optim.Adam(params, SETTINGS["lr"])
    for _ in range(SETTINGS["updates"]):
        piece = draw(codes, rng, SETTINGS["batch"], SETTINGS["T"])
        x = nn.functional.one_hot(torch.from_numpy(piece[:-1]), 27).float()
        loss = nn.functional.cross_entropy(head(layer(x)[0]).flatten(0, 1), torch.from_numpy(piece[1:]).flatten())
        optimizer.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(params, SETTINGS["max_norm"])
        optimizer.step()
        losses.append(float(loss.detach()))
    return start, layer, head, float(np.mean(losses[-200:]) / np.log(2))


def main():
    torch.set_num_threads(1)
    codes = text()
    learn, later = codes[: int(0.9 * len(codes))], codes[int(0.9 * len(codes)) :]
    rng = np.random.default_rng(100)
    test = draw(later, rng, SETTINGS["test"]["sentences"], SETTINGS["test"]["T"])[:-1]
    other = (test[SETTINGS["test"]["changed"]] + rng.integers(1, 27, test.shape[1])) % 27
    what = "states of torch.nn.RNN reading the King James text, before and after training, by units and seed"
    with recording(__file__, what, settings=SETTINGS, seeds=SETTINGS["seeds"]) as record:
        record["alphabet"] = ALPHABET
        record["no vowel"] = round(1 - float(is_vowel(test).mean()), 4)
        record["weights"] = {}
        record["runs"] = runs = []
        for H in SETTINGS["H"]:
            for seed in SETTINGS["seeds"]:
                start, layer, head, bits = train(H, seed, learn)
                runs.append({"H": H, "seed": seed, "bits": round(bits, 4), "start": measure(start, test, other),
                             "trained": measure(layer, test, other)})  # fmt: skip
                print({key: runs[-1][key] for key in ("H", "seed", "bits")}, flush=True)
                if (H, seed) == (SETTINGS["H"][0], SETTINGS["seeds"][0]):
                    record["weights"] = {
                        name: np.round(value.detach().numpy().astype(float), 4).tolist()
                        for name, value in layer.state_dict().items()
                    }


if __name__ == "__main__":
    main()
