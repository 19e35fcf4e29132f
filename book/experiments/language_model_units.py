"""Ask which single units of a trained character model keep track of something, with what a control can do beside it.

    OMP_NUM_THREADS=1 python book/experiments/language_model_units.py

Trains the GRU of language_model.py for one epoch with seed 0, and writes language_model_units.json beside this file.
Takes about 2 minutes of CPU time. The chapter *A language model* plots it.
"""

import language_model as experiment
import numpy as np
import torch
from harness import recording

from rnnbook import data

WHAT = "correlation of single units, of all units and of the character alone with what there is to keep track of"
EXCERPT = 256


def features(text):
    """What there is to keep track of: {name: (value (N,), where it is asked (N,))} for a text of N characters."""
    letters = np.array(list(text))
    place = np.arange(len(text))

    def since(mark):
        """Characters since the last one that is marked, (N,)."""
        return place - np.maximum.accumulate(np.where(mark, place, -1))

    opened, closed = letters == "[", letters == "]"
    word = np.char.isalpha(letters) | (letters == "’")
    so_far = since(~word)
    first = letters[place - np.where(word, so_far - 1, 0)]
    everywhere = np.ones(len(text), bool)
    return {
        "inside brackets": (np.cumsum(opened) - np.cumsum(closed) - opened, ~opened & ~closed),
        "letters of the word so far": (so_far, word),
        "in a word with a capital": (np.char.isupper(first), word & np.char.islower(letters)),
        "characters since punctuation": (since(np.isin(letters, list(".,:;?!"))), everywhere),
        "logarithm of the characters since the line began": (np.log1p(since(letters == "\n")), everywhere),
    }


def correlation(values, target):
    """Pearson's correlation of each column of values (N, H) with target (N,)."""
    values, target = values - values.mean(axis=0), target - target.mean()
    return target @ values / np.sqrt((values**2).sum(axis=0) * (target**2).sum())


def by_character(tokens, target, V):
    """The mean target (V,) of each character: all that can be known without a memory."""
    return np.bincount(tokens, target, V) / np.maximum(np.bincount(tokens, minlength=V), 1)


def ask():
    """Train the model, choose a unit for each feature on the validation part, and judge it on the test part."""
    run, model = experiment.train("GRU", 0, 1, keep=True)
    text = data.bible_text()
    vocabulary = np.array(sorted(set(text)))
    tokens = np.searchsorted(vocabulary, list(text))
    parts = dict(zip(("past", "valid", "test"), data.split_by_time(tokens, experiment.SETTINGS["fractions"])))
    states, asked = {}, {}
    for part in ("valid", "test"):
        with torch.no_grad():
            x = torch.tensor(parts[part])[:, None]
            states[part] = model.layer(model.embedding(x))[0][:, 0].numpy().astype(np.float64)
        asked[part] = features("".join(vocabulary[parts[part]]))
    found = {}
    for name in asked["valid"]:
        (value, where), (value_test, where_test) = asked["valid"][name], asked["test"][name]
        value, value_test = value[where].astype(float), value_test[where_test].astype(float)
        h, h_test = states["valid"][where], states["test"][where_test]
        by_unit = correlation(h, value)
        unit = int(np.argmax(abs(by_unit)))
        weights, *_ = np.linalg.lstsq(np.c_[h, np.ones(len(h))], value, rcond=None)
        alone = by_character(parts["valid"][where], value, len(vocabulary))[parts["test"][where_test]]
        found[name] = {
            "unit": unit, "valid": by_unit[unit],
            "test": correlation(h_test[:, [unit]], value_test)[0],
            "all_units_test": correlation((h_test @ weights[:-1])[:, None], value_test)[0],
            "character_alone_test": correlation(alone[:, None], value_test)[0],
        }  # fmt: skip
        found[name] = {k: round(v, 4) if isinstance(v, float) else v for k, v in found[name].items()}
        print(name, found[name], flush=True)
    test_text = "".join(vocabulary[parts["test"]])
    opened = np.array(list(test_text)) == "["
    start = int(np.argmax(np.convolve(opened, np.ones(EXCERPT), "valid")))  # where most brackets are
    excerpt = slice(start, start + EXCERPT)
    traces = {n: states["test"][excerpt, f["unit"]].round(3).tolist() for n, f in found.items()}
    return {
        "data": experiment.source(), "run": run, "units": found,
        "excerpt": {"text": test_text[excerpt], "values": traces},
    }  # fmt: skip


def main():
    with recording(__file__, WHAT, settings=experiment.SETTINGS, seeds=[0]) as record:
        record |= ask()


if __name__ == "__main__":
    main()
