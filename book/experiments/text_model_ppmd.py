"""The strongest counter: what PPMd needs for the test part of the King James text, block by block.

    pip install pyppmd==1.3.1
    python book/experiments/text_model_ppmd.py        writes text_model_ppmd.json beside it; a minute, on Linux or macOS

PPMd (variant H, Shkarin 2002, as in 7-Zip) counts what followed the last 1, 2, ... ``order`` characters, and codes the
next one arithmetically by these counts. One encoder reads the training part. "learning": it goes on with the test part,
and a block's bits are those that come out meanwhile. "fixed": for every tenth of a block, about a thousand characters,
a copy of the process that has read the training part alone reads the last characters before it for context, and then
codes it; within these it still learns.
"""

import json
import os
from importlib.metadata import version

import numpy as np
from harness import recording

from rnnbook import data

WHAT = "bits per character of PPMd on the test part, by order, in blocks"
SETTINGS = {
    "fractions": [0.9, 0.05, 0.05], "orders": [5, 8, 16, 32], "memory": 1 << 30, "blocks": 20, "pieces": 10,
    "context": 50,
}  # fmt: skip


def parts():
    """Return the training, validation and test part as bytes, one a character."""
    text = data.bible_text()
    vocabulary = sorted(set(text))
    letters = np.array([ord(c) if ord(c) < 128 else 128 + k for k, c in enumerate(vocabulary)], np.uint8)
    assert len(set(letters.tolist())) == len(vocabulary)
    tokens = np.searchsorted(vocabulary, list(text))
    return [letters[part].tobytes() for part in data.split_by_time(tokens, SETTINGS["fractions"])]


def read(text, order):
    """Return an encoder that has read a text, and the bytes that came out."""
    import pyppmd

    encoder = pyppmd.Ppmd7Encoder(order, SETTINGS["memory"])
    return encoder, len(encoder.encode(text))


def in_a_copy(work):
    """Return the number that ``work()`` gives in a copy of this process: what it changes, it changes there."""
    receiver, sender = os.pipe()
    child = os.fork()
    if child == 0:
        os.write(sender, str(work()).encode())
        os._exit(0)
    os.close(sender)
    with os.fdopen(receiver) as file:
        answer = int(file.read())
    os.waitpid(child, 0)
    return answer


def fixed(encoder, context, piece):
    """The bytes of a piece of text, after what the encoder has read and a context that is not counted."""

    def coded(text):
        return in_a_copy(lambda: len(encoder.encode(text)) + len(encoder.flush(endmark=False)))

    return coded(context + piece) - coded(context)


def score(past, before, text, order):
    """Return the bits of each block of a text: while it learns, and from ``past`` alone."""
    lead, whole = SETTINGS["context"], before[-SETTINGS["context"] :] + text
    encoder, _ = read(past, order)
    ends = np.linspace(0, len(text), SETTINGS["blocks"] + 1).astype(int)
    alone = []
    for a, b in zip(ends, ends[1:]):
        cuts = np.linspace(a, b, SETTINGS["pieces"] + 1).astype(int)
        alone.append(8 * sum(fixed(encoder, whole[c : c + lead], text[c:d]) for c, d in zip(cuts, cuts[1:])))
    learning = [8 * len(encoder.encode(text[a:b])) for a, b in zip(ends, ends[1:])]
    return learning, alone


def main():
    past, valid, test = parts()
    with recording(__file__, WHAT, settings=SETTINGS, seeds=[]) as record:
        runs = []
        for order in SETTINGS["orders"]:
            learning, alone = score(past, valid, test, order)
            row = {"order": order, "learning": round(sum(learning) / len(test), 4),
                   "fixed": round(sum(alone) / len(test), 4)}  # fmt: skip
            encoder, _ = read(past, order)
            row["valid, learning"] = round(8 * len(encoder.encode(valid)) / len(valid), 4)
            runs.append(row | {"learning_blocks": learning, "fixed_blocks": alone})
            print(json.dumps(row), flush=True)
        record |= {"data": {"name": "bible_text", "sha256": data.SOURCES["bible_text"].sha256},
                   "characters": len(test), "pyppmd": version("pyppmd"), "runs": runs}  # fmt: skip


if __name__ == "__main__":
    main()
