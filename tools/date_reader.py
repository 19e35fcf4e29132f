"""The network of the book's figure *type a date*: trained here, rounded to half precision, written for the browser.

    python tools/date_reader.py      a few minutes; writes date-reader-weights.js into book/_static

``book/_static/date-reader.js`` computes with it, by ``in_numpy.EncoderDecoder``'s formulas and additive attention.
The file is one call with JSON inside, so that it also loads without a server: for every parameter its shape, and its
numbers as 16-bit floats in base64, lowest byte first. They are exact numbers of double precision, so two programs can
agree to 1e-12.
"""

import base64
import json
import sys
from pathlib import Path

import numpy as np

from rnnbook.data import dates
from rnnbook.in_numpy import GRU, AdditiveAttention, EncoderDecoder

ROOT = Path(__file__).resolve().parents[1]
FILE = ROOT / "book/_static/date-reader-weights.js"
CALL = "rnnbookDateReader"
LINES, UPDATES, RATE, SEED = 30_000, 1600, 1e-2, 0


def script(state):
    """Return the file's text for a dict of arrays."""
    packed = {name: pack(np.asarray(value)) for name, value in state.items()}
    about = {"source": dates.SOURCE_ALPHABET, "target": dates.TARGET_ALPHABET, "steps": dates.ANSWER}
    return f"{CALL}({json.dumps(about | {'parameters': packed}, separators=(',', ':'))});\n"


def pack(array):
    return {"shape": array.shape, "half": base64.b64encode(array.astype("<f2").tobytes()).decode()}


def stored(path=FILE):
    """Return the network that is stored, as an ``EncoderDecoder`` in float64."""
    text = path.read_text(encoding="utf-8")
    packed = json.loads(text.removeprefix(f"{CALL}(").removesuffix(");\n"))["parameters"]
    state = {
        name: np.frombuffer(base64.b64decode(part["half"]), "<f2").reshape(part["shape"]).astype(float)
        for name, part in packed.items()
    }
    V, E = state["embedding_in.weight"].shape
    H = state["head.weight"].shape[1]
    encoder, decoder = (GRU(E, H, dtype=np.float64) for _ in range(2))
    attention = AdditiveAttention(H, H, len(state["attention.weight_score"]), dtype=np.float64)
    model = EncoderDecoder(V, len(state["head.bias"]), encoder, decoder, attention)
    model.load_state_dict(state)
    return model


def main():
    sys.path.insert(0, str(ROOT / "book/experiments"))
    import seq2seq
    import torch

    torch.set_num_threads(1)
    drawn = dates.written_dates(1000, LINES, words=(0, 4))
    model, loss = seq2seq.train("additive", seq2seq.arrays(drawn), SEED, RATE, UPDATES)
    FILE.write_text(script({name: p.numpy() for name, p in model.state_dict().items()}), encoding="utf-8")
    print(f"loss {loss:.4f}, {FILE.stat().st_size} bytes, right on days never trained on: {right():.3f}")


def right(B=500):
    """Return the share of test lines that the stored network gets right."""
    drawn = dates.written_dates(4000, B, words=(0, 4), part="test")
    source, lengths = dates.encode_lines(drawn.lines)
    said, _ = stored().free(source, dates.START, dates.ANSWER, lengths)
    return float(np.mean([a == b for a, b in zip(dates.decode_answers(said), drawn.answers, strict=True)]))


if __name__ == "__main__":
    main()
