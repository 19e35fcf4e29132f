"""The strongest counter: what PPMd needs for the test part of the King James text, block by block.

    pip install pyppmd==1.3.1
    python book/experiments/text_model_ppmd.py        writes text_model_ppmd.json beside it; about ten minutes

PPMd (variant H, Shkarin 2002, as in 7-Zip) counts what followed the last 1, 2, ... ``order`` characters, and codes the
next one arithmetically by these counts. The bits of a block are a difference of lengths: of the training part and the
text up to the block's end, less the training part and the text up to its beginning ("learning"); or of the training
part and the block alone, less the training part ("fixed": within a block of 10,000 characters it still learns).
"""

import json

import numpy as np
import pyppmd
from harness import recording

from rnnbook import data

WHAT = "bits per character of PPMd on the test part, by order, in blocks"
SETTINGS = {"fractions": [0.9, 0.05, 0.05], "orders": [5, 8, 16], "memory": 1 << 29, "block": 10_000,
            "pyppmd": pyppmd.__version__}  # fmt: skip


def length(text, order):
    """The bytes that PPMd needs for a text; every character is one byte, as the curly apostrophe is coded so, too."""
    return len(pyppmd.compress(text, max_order=order, mem_size=SETTINGS["memory"], variant="H"))


def parts():
    """Return the training, validation and test part as bytes, one a character."""
    text = data.bible_text()
    vocabulary = sorted(set(text))
    letters = np.array([ord(c) if ord(c) < 128 else 128 + k for k, c in enumerate(vocabulary)], np.uint8)
    assert len(set(letters.tolist())) == len(vocabulary)
    tokens = np.searchsorted(vocabulary, list(text))
    return [letters[part].tobytes() for part in data.split_by_time(tokens, SETTINGS["fractions"])]


def score(past, text, order):
    """Return the bits of each block of a text that follows ``past``: while it learns, and from ``past`` alone."""
    size = SETTINGS["block"]
    ends = [*range(0, len(text), size), len(text)]
    known = length(past, order)
    so_far = [known] + [length(past + text[:end], order) for end in ends[1:]]
    alone = [length(past + text[a:b], order) - known for a, b in zip(ends, ends[1:])]
    return [8 * int(n) for n in np.diff(so_far)], [8 * n for n in alone]


def main():
    past, valid, test = parts()
    with recording(__file__, WHAT, settings=SETTINGS, seeds=[]) as record:
        runs = []
        for order in SETTINGS["orders"]:
            learning, fixed = score(past, test, order)
            row = {"order": order, "learning": round(sum(learning) / len(test), 4),
                   "fixed": round(sum(fixed) / len(test), 4)}  # fmt: skip
            before = length(past, order)
            row["valid"] = round(8 * (length(past + valid, order) - before) / len(valid), 4)
            past_valid = length(past + valid, order)
            row["after_valid"] = round(8 * (length(past + valid + test, order) - past_valid) / len(test), 4)
            runs.append(row | {"learning_blocks": learning, "fixed_blocks": fixed})
            print(json.dumps(row), flush=True)
        record |= {"data": {"name": "bible_text", "sha256": data.SOURCES["bible_text"].sha256},
                   "characters": len(test), "runs": runs}  # fmt: skip


if __name__ == "__main__":
    main()
