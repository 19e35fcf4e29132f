"""The long runs behind the chapter *How is it pronounced?*: from spelling to phonemes, six ways, on CMUdict.

python book/experiments/pronunciation.py [FOLDER]    about an hour on one core; writes pronunciation.json beside it

With a FOLDER each finished training is kept there, weights and all, and a run that was cut off goes on from them. All
systems learn from the same words, each with its first listed pronunciation; every listed one counts as right. Settings
were fixed on validation words; the test words were read once. Sizes are chosen so that the networks have the same
number of parameters, within five per cent.
"""

import json
import sys
import time
from collections import Counter, defaultdict
from pathlib import Path

import numpy as np
import torch
from harness import recording
from torch import nn

from rnnbook import data
from rnnbook.in_torch.attention import MultiplicativeAttention
from rnnbook.rivals.edits import error_rates
from rnnbook.rivals.joint_ngram import JointNgram, align_letters

KINDS = ["attention", "encoder-decoder", "CTC", "transformer"]
SETTINGS = {
    "train": 10_000, "valid": 1_000, "test": 3_000, "epochs": 12, "batch": 64, "embedding": 32, "dropout": 0.2,
    "optimizer": "Adam, cosine to zero after a warm-up of 300 updates", "clip": 1.0, "orders": [1, 2, 3, 4, 5, 6],
    "orders for all": [5, 6],
    "seeds": {kind: [0, 1, 2, 3, 4] for kind in KINDS},
    "doubled": {"attention": [0, 1, 2, 3, 4], "CTC": [0, 1, 2, 3, 4], "encoder-decoder": [0, 1, 2],
                "transformer": [0, 1, 2]},
    "lr": {"encoder-decoder": 3e-3, "attention": 3e-3, "CTC": 3e-3, "transformer": 2e-3},
    "hidden": {"encoder-decoder": [48, 80], "attention": [44, 68], "CTC": 47, "transformer": [44, 88, 2, 2]},
}  # fmt: skip
SEEDS = [0, 1, 2, 3, 4]
LETTERS = "abcdefghijklmnopqrstuvwxyz"
PAD, START, END = 0, 40, 41  # of the phonemes; 1 to 39 are the sounds, and 0 is the blank of CTC


# ---- Words as numbers --------------------------------------------------------------------------------------------


def split(settings=SETTINGS):
    """Return {part: (words, said)}: words drawn from each part with seed 0, and "all", the whole training part."""
    read, rng = data.pronunciations(), np.random.default_rng(0)
    fits = np.array([possible(word, said[0]) for word, said in zip(read.words, read.said, strict=True)])
    every, parts = np.flatnonzero((read.part == "train") & fits), {}
    drawn = {"all": every, "train": rng.choice(every, settings["train"], replace=False)}
    for part in ("valid", "test"):
        drawn[part] = rng.choice(np.flatnonzero(read.part == part), settings[part], replace=False)
    for part, rows in drawn.items():
        parts[part] = [str(read.words[row]) for row in rows], [read.said[row] for row in rows]
    return parts, read.sounds


def possible(word, sounds):
    """Tell whether CTC with two frames a letter can write the sounds: a repeated one needs a blank between."""
    repeats = sum(a == b for a, b in zip(sounds, sounds[1:]))
    return len(sounds) + repeats <= 2 * len(word)


def padded(rows):
    """Return rows of numbers as one array (length, rows), and the lengths (rows,)."""
    lengths = torch.tensor([len(row) for row in rows])
    return nn.utils.rnn.pad_sequence([torch.tensor(row) for row in rows]), lengths


def spelled(words):
    return padded([[LETTERS.index(letter) + 1 for letter in word] for word in words])


# ---- Four networks -----------------------------------------------------------------------------------------------


class EncoderDecoder(nn.Module):
    """BiLSTM that reads the letters; LSTM that starts from its last states and writes the phonemes."""

    attends = False

    def __init__(self, encoder, decoder, embedding, dropout):
        super().__init__()
        self.letters = nn.Embedding(27, embedding, padding_idx=0)
        self.sounds = nn.Embedding(42, embedding, padding_idx=0)
        self.encoder = nn.LSTM(embedding, encoder, bidirectional=True)
        self.bridge = nn.Linear(2 * encoder, 2 * decoder)
        self.decoder = nn.LSTM(embedding, decoder)
        self.attention = MultiplicativeAttention(decoder, 2 * encoder) if self.attends else None
        self.join = nn.Linear(2 * encoder + decoder, decoder) if self.attends else None
        self.output = nn.Linear(decoder, 42)
        self.dropout = nn.Dropout(dropout)

    def read(self, x, lengths):
        """Return the encoder's states (T, B, E), the lengths (B,) and the decoder's first state."""
        packed = nn.utils.rnn.pack_padded_sequence(self.dropout(self.letters(x)), lengths, enforce_sorted=False)
        states, (h, _) = self.encoder(packed)
        states, _ = nn.utils.rnn.pad_packed_sequence(states, total_length=len(x))
        h, c = self.bridge(torch.cat([h[0], h[1]], dim=1)).chunk(2, dim=1)
        return states, lengths, (torch.tanh(h)[None].contiguous(), c[None].contiguous())

    def write(self, y, states, lengths, state):
        """Return the logits (U, B, 42) after each symbol of y (U, B), the state, and attention's weights (U, B, T)."""
        hs, state = self.decoder(self.dropout(self.sounds(y)), state)
        weights = None
        if self.attends:  # as Luong: after the decoder's step, with its new state
            context, weights = self.attention(hs, states, lengths)
            hs = torch.tanh(self.join(torch.cat([context, hs], dim=2)))
        return self.output(self.dropout(hs)), state, weights

    def loss(self, x, lengths, y, _):
        y_in = torch.cat([torch.full_like(y[:1], START), y])
        logits, _, _ = self.write(y_in, *self.read(x, lengths))
        return written_loss(logits, y)

    @torch.no_grad()
    def answers(self, x, lengths):
        """Write greedily, symbol by symbol, up to three a letter."""
        states, lengths, state = self.read(x, lengths)
        y, written = torch.full((1, x.shape[1]), START), []
        for _ in range(3 * len(x)):
            logits, state, _ = self.write(y, states, lengths, state)
            y = logits.argmax(dim=2)
            written.append(y[0])
        return until_end(torch.stack(written, dim=1))


class Attention(EncoderDecoder):
    attends = True


class Transformer(nn.Module):
    """A transformer of the usual form, normalised before each part, with learned positions."""

    def __init__(self, size, inner, encoders, decoders, dropout):
        super().__init__()
        self.letters, self.sounds = nn.Embedding(27, size, padding_idx=0), nn.Embedding(42, size, padding_idx=0)
        self.places = nn.Embedding(96, size)
        options = {"norm_first": True, "dropout": dropout}
        self.encoder = nn.TransformerEncoder(
            nn.TransformerEncoderLayer(size, 4, inner, **options),
            encoders,
            nn.LayerNorm(size),
            enable_nested_tensor=False,
        )
        self.decoder = nn.TransformerDecoder(
            nn.TransformerDecoderLayer(size, 4, inner, **options), decoders, nn.LayerNorm(size)
        )
        self.output = nn.Linear(size, 42)
        nn.init.normal_(self.places.weight, std=0.1)

    def read(self, x):
        return self.encoder(self.letters(x) + self.places.weight[: len(x), None], src_key_padding_mask=(x == 0).T)

    def write(self, y, memory, x):
        later = torch.ones(len(y), len(y), dtype=torch.bool).triu(1)
        y = self.sounds(y) + self.places.weight[: len(y), None]
        return self.output(self.decoder(y, memory, tgt_mask=later, memory_key_padding_mask=(x == 0).T))

    def loss(self, x, lengths, y, _):
        y_in = torch.cat([torch.full_like(y[:1], START), y])
        return written_loss(self.write(y_in, self.read(x), x), y)

    @torch.no_grad()
    def answers(self, x, lengths):
        memory, y = self.read(x), torch.full((1, x.shape[1]), START)
        for _ in range(2 * len(x) + 1):
            y = torch.cat([y, self.write(y, memory, x)[-1:].argmax(dim=2)])
            if (y == END).any(dim=0).all():
                break
        return until_end(y[1:].T)


class CTC(nn.Module):
    """A BiLSTM over the letters, a second one that reads each state twice, a phoneme or a blank at every step."""

    def __init__(self, hidden, embedding, dropout):
        super().__init__()
        self.letters = nn.Embedding(27, embedding, padding_idx=0)
        self.first = nn.LSTM(embedding, hidden, bidirectional=True)
        self.second = nn.LSTM(2 * hidden, hidden, bidirectional=True)
        self.output = nn.Linear(2 * hidden, 40)
        self.dropout = nn.Dropout(dropout)

    def log_probabilities(self, x, lengths):
        """Return them as (2 T, B, 40); lengths of the words count letters."""
        hs = over_words(self.first, self.dropout(self.letters(x)), lengths)
        hs = over_words(self.second, self.dropout(hs).repeat_interleave(2, dim=0), 2 * lengths)
        return self.output(self.dropout(hs)).log_softmax(dim=2)

    def loss(self, x, lengths, y, ends):
        log_p = self.log_probabilities(x, lengths)
        return nn.functional.ctc_loss(log_p, y.T, 2 * lengths, ends, reduction="sum") / ends.sum()

    @torch.no_grad()
    def answers(self, x, lengths):
        best = self.log_probabilities(x, lengths).argmax(dim=2).T
        return [collapsed(row[: 2 * n]) for row, n in zip(best.tolist(), lengths.tolist(), strict=True)]


def over_words(layer, x, lengths):
    """Run a bidirectional layer over x (T, B, D), each column to its own end."""
    packed = nn.utils.rnn.pack_padded_sequence(x, lengths, enforce_sorted=False)
    return nn.utils.rnn.pad_packed_sequence(layer(packed)[0])[0]


def collapsed(path):
    """What a path of CTC writes: repeats as one, then no blanks."""
    return [k for k, before in zip(path, [PAD, *path]) if k not in (PAD, before)]


def until_end(rows):
    rows = [[*row, END] for row in rows.tolist()]
    return [row[: row.index(END)] for row in rows]


def written_loss(logits, y):
    """Cross-entropy per symbol of y (U, B) and of the END after each column; nothing counts behind it."""
    target = torch.cat([y, torch.zeros_like(y[:1])])
    target[(y != PAD).sum(dim=0), torch.arange(y.shape[1])] = END
    return nn.functional.cross_entropy(logits.flatten(0, 1), target.flatten(), ignore_index=PAD)


def build(kind, settings=SETTINGS):
    sizes, dropout, embedding = settings["hidden"][kind], settings["dropout"], settings["embedding"]
    if kind == "CTC":
        return CTC(sizes, embedding, dropout)
    if kind == "transformer":
        return Transformer(*sizes, dropout)
    return (Attention if kind == "attention" else EncoderDecoder)(*sizes, embedding, dropout)


# ---- Training ----------------------------------------------------------------------------------------------------


def batches(words, targets, size, rng):
    """Yield batches of words of about one length, in an order drawn anew."""
    noisy = np.array([len(word) for word in words]) + rng.uniform(0, 1, size=len(words))
    rows = np.argsort(noisy)
    cuts = np.array_split(rows, len(rows) // size)
    for place in rng.permutation(len(cuts)):
        yield *spelled([words[row] for row in cuts[place]]), *padded([targets[row] for row in cuts[place]])


def train(kind, seed, words, targets, settings=SETTINGS):
    """Return a trained network."""
    torch.manual_seed(seed)
    model, rng = build(kind, settings), np.random.default_rng(seed)
    optimizer = torch.optim.Adam(model.parameters(), lr=settings["lr"][kind])
    updates = settings["epochs"] * (len(words) // settings["batch"])
    warm = min(300, updates // 4)
    schedule = torch.optim.lr_scheduler.LambdaLR(
        optimizer, lambda n: min((n + 1) / warm, 0.5 + 0.5 * np.cos(np.pi * n / updates))
    )
    for _ in range(settings["epochs"]):
        for batch in batches(words, targets, settings["batch"], rng):
            optimizer.zero_grad()
            loss = model.loss(*batch)
            loss.backward()
            nn.utils.clip_grad_norm_(model.parameters(), settings["clip"])
            optimizer.step()
            schedule.step()
    return model.eval()


def pronounce(model, words, sounds, size=250):
    """Return a network's answers as tuples of names, in the order of the words."""
    rows, found = np.argsort([len(word) for word in words], kind="stable"), {}
    for some in np.array_split(rows, max(len(words) // size, 1)):
        for row, answer in zip(some, model.answers(*spelled([words[row] for row in some])), strict=True):
            found[row] = tuple(sounds[k - 1] if 0 < k < START else "?" for k in answer)
    return [found[row] for row in range(len(words))]


def scored(answers, part):
    """Return the shares of wrong phonemes and words; each word's distance and length, a character of base 36 each."""
    rates = error_rates(answers, part[1])
    return {"phonemes": round(rates.symbols, 5), "words": round(rates.answers, 5)} | {
        "distances": in_characters(rates.distances),
        "lengths": in_characters(rates.lengths),
    }


def in_characters(numbers):
    return "".join(np.base_repr(n, 36) for n in numbers)


def run(kind, seed, parts, sounds, folder=None, settings=SETTINGS):
    """Train one network, or take it from the folder; return it and its scores on the validation and test words."""
    kept = folder and Path(folder) / f"{kind}_{seed}_{settings['epochs']}.pt"
    if kept and kept.is_file():
        state, seconds = torch.load(kept)
        model = build(kind, settings).eval()
        model.load_state_dict(state)
    else:
        words, said = parts["train"]
        targets, start = [[sounds.index(sound) + 1 for sound in one[0]] for one in said], time.process_time()
        model, seconds = train(kind, seed, words, targets, settings), time.process_time() - start
        if kept:
            torch.save((model.state_dict(), seconds), kept)
    valid, test = (scored(pronounce(model, parts[part][0], sounds), parts[part]) for part in ("valid", "test"))
    print(kind, seed, settings["epochs"], valid["words"], test["phonemes"], test["words"], flush=True)
    size = sum(p.numel() for p in model.parameters())
    result = {"kind": kind, "seed": seed, "epochs": settings["epochs"], "parameters": size}
    return model, result | {"cpu_seconds": round(seconds), "valid_words": valid["words"]} | test


# ---- What counting does ------------------------------------------------------------------------------------------


def commonest(words, cuts):
    """Return the phonemes that each letter has most often, by the alignment of EM."""
    counts = defaultdict(Counter)
    for word, cut in zip(words, cuts, strict=True):
        for letter, sounds in zip(word, cut, strict=True):
            counts[letter][sounds] += 1
    return {letter: counted.most_common(1)[0][0] for letter, counted in counts.items()}


def counting(parts):
    """Score the commonest phonemes and the joint n-gram, its order chosen on the validation words."""
    results = []
    for name, learned in [("the same words", "train"), ("all training words", "all")]:
        words, said = parts[learned]
        cuts = align_letters(words, [one[0] for one in said])
        if learned == "train":
            best = commonest(words, cuts)
            answers = [sum((best[letter] for letter in word), ()) for word in parts["test"][0]]
            results.append({"kind": "commonest phonemes"} | scored(answers, parts["test"]))
        models, wrong = {}, {}
        for order in SETTINGS["orders"] if learned == "train" else SETTINGS["orders for all"]:
            models[order] = JointNgram(words, cuts, order)
            wrong[order] = error_rates([models[order].sounds(w) for w in parts["valid"][0]], parts["valid"][1]).answers
            print(name, order, wrong[order], flush=True)
        order = min(wrong, key=wrong.get)
        answers = [models[order].sounds(word) for word in parts["test"][0]]
        result = {"kind": "joint n-gram", "learned": name, "words learned": len(words), "order": order}
        result |= {"valid_words": wrong, "counts": sum(map(len, models[order].counts.values()))}
        results.append(result | scored(answers, parts["test"]))
    return results


def kept(folder, name, make):
    """Return what ``make`` returns, from the folder's JSON where it lies there."""
    path = folder and Path(folder) / f"{name}.json"
    if path and path.is_file():
        return json.loads(path.read_text(encoding="utf-8"))
    made = json.loads(json.dumps(make()))
    if path:
        path.write_text(json.dumps(made), encoding="utf-8")
    return made


def main(folder=None):
    torch.set_num_threads(1)
    what = "spelling to phonemes, six ways"
    with recording(__file__, what, settings=SETTINGS, seeds=SEEDS, pieces=bool(folder)) as record:
        parts, sounds = split()
        record["letters"] = in_characters([len(word) for word in parts["test"][0]])  # of each test word
        record["counting"] = kept(folder, "counting", lambda: counting(parts))
        runs = [(kind, seed) for kind in KINDS for seed in SETTINGS["seeds"][kind]]
        record["networks"] = [run(kind, seed, parts, sounds, folder)[1] for kind, seed in runs]
        longer = SETTINGS | {"epochs": 2 * SETTINGS["epochs"]}
        runs = [(kind, seed) for kind, seeds in SETTINGS["doubled"].items() for seed in seeds]
        record["twice as long"] = [run(kind, seed, parts, sounds, folder, longer)[1] for kind, seed in runs]


if __name__ == "__main__":
    main(*sys.argv[1:])
