"""Elman's and Jordan's tasks beside their rivals, each over ten seeds (the LSTM, the slowest, over five).

    python book/experiments/feedback_networks.py    (about four minutes of one core; writes feedback_networks.json)

"xor": two random bits and their exclusive or, again and again; the squared error of the next bit, on new streams whose
first bit is at any place in its group, after 24 bits of warming up. "letters": ba, dii and guuu in random order; the
cross-entropy of the next letter, in nats. "plans": a Jordan network with a trace of its outputs, or without, produces
the sequence of letters that belongs to a plan; the share of two sequences produced without a mistake, twice in a row.
Networks are judged after a number of updates and after twice that number.
"""

import sys

import numpy as np
from harness import recording

from rnnbook.in_numpy import LSTM, RNN, Adam, Linear, clip_grad_norm, join
from rnnbook.in_numpy.functions import cross_entropy, mean_squared_error, softmax
from rnnbook.rivals.ngram import WittenBell

SEEDS = list(range(10))
SETTINGS = {
    "xor": {"groups": 1000, "pieces": 25, "updates": [600, 1200], "lr": 0.01, "clip": 1.0, "warm up": 24,
            "LSTM seeds": 5, "test": [100, 144], "orders": [1, 2, 3, 4, 6, 8, 10, 12, 16], "periods": [1, 2, 3, 4, 5]},
    "letters": {"words": 1000, "steps": 60, "units": 12, "updates": [200, 400], "lr": 0.01, "orders": [1, 2, 3, 4, 5]},
    "plans": {"sequences": ["ABAC", "ACAB"], "units": 8, "updates": [600, 1200], "lr": 0.02, "decays": [0.0, 0.5]},
}  # fmt: skip
NETWORKS = {"Elman, through time": 8, "Elman, context copied": 8, "Elman, context copied, 2 units": 2,
            "Jordan": 8, "Jordan, 22 units": 22, "LSTM": 4}  # fmt: skip


# ---- Elman's first task -------------------------------------------------------------------------------------------


def xor_stream(rng, groups):
    """3 x groups bits; every third is the XOR of the two before it."""
    first, second = rng.integers(0, 2, size=(2, groups))
    return np.column_stack([first, second, first ^ second]).ravel()


def cut(bits, pieces, rng):
    """Pieces of a stream side by side (T, pieces), their first bit at any place of its group."""
    start = rng.integers(0, 3)
    T = (len(bits) - 3) // pieces
    return bits[start : start + T * pieces].reshape(pieces, T).T


def training_bits(seed):
    """The stream of a seed, 3,000 bits, and its pieces: 119 bits each, so that they begin at all three places."""
    rng = np.random.default_rng(seed)
    bits = xor_stream(rng, SETTINGS["xor"]["groups"])
    return bits, cut(bits, SETTINGS["xor"]["pieces"], rng)


def test_bits():
    """New streams (T, B) that begin at all places, and for every bit its place in its group (T, B): 2 is the XOR."""
    rng = np.random.default_rng(1000)
    B, T = SETTINGS["xor"]["test"]
    starts = np.arange(B) % 3
    bits = np.stack([xor_stream(rng, T)[s : s + T] for s in starts], axis=1)
    return bits, (np.arange(T)[:, None] + starts) % 3


def through_time(layer, trace, dhs):
    return layer.backward(dhs, trace)[2]


def context_copied(layer, trace, dhs):
    """As if the state before were an input: nothing goes back through it."""
    x, hs, _ = trace
    T, B, H = dhs.shape
    _, _, short = layer.forward(x.reshape(1, T * B, -1), hs[:-1].reshape(-1, H))
    return layer.backward(dhs.reshape(1, T * B, H), short)[2]


def wear(layer, head, W_yh):
    """Give a layer the recurrent matrix of Jordan's network: eq-feedback-jordan-as-elman."""
    W_hy, b_y = head.params.values()
    layer.params["weight_hh"][:] = W_yh @ W_hy
    layer.params["bias_hh"][:] = W_yh @ b_y


def jordan_gradients(grads, dhead, W_yh, head):
    """Divide the gradient of W_yh W_hy between both."""
    W_hy, b_y = head.params.values()
    dW, db = grads.pop("weight_hh"), grads.pop("bias_hh")
    return grads | {
        "W_yh": dW @ W_hy.T + np.outer(db, b_y),
        "weight": dhead["weight"] + W_yh.T @ dW,
        "bias": dhead["bias"] + W_yh.T @ db,
    }


def build(name, seed):
    """Return the layer, its output and the parameters that are trained, W_yh among them for Jordan's network."""
    rng, H = np.random.default_rng([seed, 1]), NETWORKS[name]
    layer = (LSTM if name == "LSTM" else RNN)(1, H, dtype=np.float64, rng=rng)
    head = Linear(H, 1, dtype=np.float64, rng=rng)
    params = layer.params | head.params
    if name.startswith("Jordan"):
        params = {k: v for k, v in params.items() if k not in ("weight_hh", "bias_hh")}
        params["W_yh"] = rng.uniform(-1, 1, size=(H, 1))
    return layer, head, params


def parameters(name):
    """How many numbers are trained, without the second bias of a layer, which adds nothing to what it can do."""
    return sum(p.size for key, p in build(name, 0)[2].items() if key != "bias_hh")


def train_xor(name, seed):
    """Yield the layer and its output after each number of updates."""
    layer, head, params = build(name, seed)
    _, pieces = training_bits(seed)
    x, wanted = 2.0 * pieces[:-1, :, None] - 1, 1.0 * pieces[1:, :, None]
    optimizer = Adam(params, lr=SETTINGS["xor"]["lr"])
    gradients = context_copied if "copied" in name else through_time
    for update in range(1, max(SETTINGS["xor"]["updates"]) + 1):
        if "W_yh" in params:
            wear(layer, head, params["W_yh"])
        hs, _, trace = layer.forward(x)
        y, head_trace = head.forward(hs)
        dhs, dhead = head.backward(mean_squared_error(y, wanted)[1], head_trace)
        grads = gradients(layer, trace, dhs)
        grads = jordan_gradients(grads, dhead, params["W_yh"], head) if "W_yh" in params else grads | dhead
        clip_grad_norm(grads, SETTINGS["xor"]["clip"])
        optimizer.step(grads)
        if update in SETTINGS["xor"]["updates"]:
            if "W_yh" in params:
                wear(layer, head, params["W_yh"])
            yield layer, head


def judged(said):
    """The errors of answers (T - 1, B) to the test's bits 1 to T - 1, by place, and how far they lean to the XOR."""
    bits, place = test_bits()
    warm = SETTINGS["xor"]["warm up"]
    square, third = ((said - bits[1:]) ** 2)[warm:], place[1:][warm:] == 2
    rule = 2 * (bits[1:-1] ^ bits[:-2]) - 1
    lean = ((2 * said[1:] - 1) * rule)[warm - 1 :]
    return {
        "third": round(float(square[third].mean()), 4),
        "tosses": round(float(square[~third].mean()), 4),
        "lean": round(float(lean[~third].mean()), 3),
    }


def network_xor(name, seed):
    bits, _ = test_bits()
    found = []
    for layer, head in train_xor(name, seed):
        hs, _, _ = layer.forward(2.0 * bits[:-1, :, None] - 1)
        found.append(judged(head.forward(hs)[0][:, :, 0]))
    return found


def counted_xor(seed):
    """The n-gram whose order the last fifth of the stream chose, then counted on all of it."""
    stream, _ = training_bits(seed)
    early, late = stream[:2400], stream[2400:]
    orders = SETTINGS["xor"]["orders"]
    errors = np.mean((1 - WittenBell(early, 2, max(orders) + 1).probabilities(late)) ** 2, axis=1)
    order = min(orders, key=lambda k: errors[k])
    model, (bits, _) = WittenBell(stream, 2, order + 1), test_bits()
    p = np.stack([model.probabilities(row)[order] for row in bits.T], axis=1)
    return judged(np.where(bits == 1, p, 1 - p)[1:]) | {"order": order}


def placed_xor(seed):
    """A table of the last two bits and the place, t modulo a period that the last fifth of the stream chose.

    In the test it finds its place as it goes: it follows the answers of each place, and trusts the one that has fitted
    best so far.
    """
    stream, _ = training_bits(seed)

    def table(bits, period):
        counts = np.ones((period, 2, 2, 2))
        np.add.at(counts, (np.arange(2, len(bits)) % period, bits[:-2], bits[1:-1], bits[2:]), 1)
        return counts[..., 1] / counts.sum(axis=-1)

    def fit(counts, bits):
        """The error of each shift of the place so far (shifts, T - 2, B), and what each says."""
        period = len(counts)
        t = np.arange(2, len(bits))[:, None]
        says = np.stack([counts[(t + shift) % period, bits[:-2], bits[1:-1]] for shift in range(period)])
        return np.cumsum((says - bits[2:]) ** 2, axis=1), says

    def answers(counts, bits):
        lost, says = fit(counts, bits)
        best = np.argmin(np.concatenate([np.zeros_like(lost[:, :1]), lost[:, :-1]], axis=1), axis=0)
        return np.take_along_axis(says, best[None], axis=0)[0]

    late = stream[2400:, None]
    errors = {p: np.mean((answers(table(stream[:2400], p), late) - late[2:]) ** 2) for p in SETTINGS["xor"]["periods"]}
    period = min(errors, key=errors.get)
    bits, _ = test_bits()
    said = answers(table(stream, period), bits)
    return judged(np.vstack([np.full((1, bits.shape[1]), 0.5), said])) | {"period": period}


# ---- Elman's second task ------------------------------------------------------------------------------------------

WORDS, LETTERS = ["ba", "dii", "guuu"], "abdgiu"


def letters(seed, words):
    """A stream of words as numbers (N,), and whether each letter is a consonant (N,)."""
    text = "".join(np.random.default_rng(seed).choice(WORDS, size=words))
    tokens = np.array([LETTERS.index(letter) for letter in text])
    return tokens, np.isin(tokens, [LETTERS.index(c) for c in "bdg"])


def split_loss(losses, consonants):
    return {
        "consonants": round(float(losses[consonants].mean()), 4),
        "vowels": round(float(losses[~consonants].mean()), 4),
    }


def network_letters(seed):
    """An Elman network that reads letters, through time, and its cross-entropy on a new stream."""
    s, rng = SETTINGS["letters"], np.random.default_rng([seed, 2])
    tokens, _ = letters([seed, 3], s["words"])
    B = len(tokens) // s["steps"]
    pieces = np.eye(6)[tokens[: B * s["steps"]].reshape(B, -1).T]
    wanted = pieces[1:].argmax(axis=-1)
    layer, head = RNN(6, s["units"], dtype=np.float64, rng=rng), Linear(s["units"], 6, dtype=np.float64, rng=rng)
    optimizer = Adam(join(layer=layer.params, head=head.params), lr=s["lr"])
    new, consonants = letters(2000, s["words"])
    found = []
    for update in range(1, max(s["updates"]) + 1):
        hs, _, trace = layer.forward(pieces[:-1])
        said, head_trace = head.forward(hs)
        dhs, dhead = head.backward(cross_entropy(said, wanted)[1], head_trace)
        grads = join(layer=layer.backward(dhs, trace)[2], head=dhead)
        clip_grad_norm(grads, 1.0)
        optimizer.step(grads)
        if update in s["updates"]:
            said = head.forward(layer.forward(np.eye(6)[new[:-1], None])[0])[0][:, 0]
            losses = -np.log(softmax(said)[np.arange(len(said)), new[1:]])
            found.append(split_loss(losses, consonants[1:]))
    return found


def counted_letters(seed):
    tokens, _ = letters([seed, 3], SETTINGS["letters"]["words"])
    new, consonants = letters(2000, SETTINGS["letters"]["words"])
    orders, cut_at = SETTINGS["letters"]["orders"], len(tokens) * 4 // 5
    early = WittenBell(tokens[:cut_at], 6, max(orders) + 1)
    losses = -np.log(early.probabilities(tokens[cut_at:])).mean(axis=1)
    order = min(orders, key=lambda k: losses[k])
    losses = -np.log(WittenBell(tokens, 6, order + 1).probabilities(new)[order])
    return split_loss(losses[1:], consonants[1:]) | {"order": order}


# ---- Jordan's task ------------------------------------------------------------------------------------------------


def jordan_inputs(plans, outputs, decay):
    """Plans (B, P) beside the trace of the outputs (T, B, V) before each step: (T, B, P + V)."""
    state, rows = np.zeros_like(outputs[0]), []
    for y in outputs:
        rows.append(np.concatenate([plans, state], axis=1))
        state = decay * state + y
    return np.stack(rows)


def network_plans(decay, seed):
    """Train by teacher forcing, then run free twice through each sequence; the share without a mistake."""
    s, rng = SETTINGS["plans"], np.random.default_rng([seed, 4])
    right = np.array([["ABC".index(letter) for letter in sequence * 2] for sequence in s["sequences"]]).T
    plans, outputs = np.eye(len(s["sequences"])), np.eye(3)[right]
    first = Linear(len(plans) + 3, s["units"], dtype=np.float64, rng=rng)
    second = Linear(s["units"], 3, dtype=np.float64, rng=rng)
    optimizer = Adam(join(first=first.params, second=second.params), lr=s["lr"])

    def forward(x):
        a, trace = first.forward(x)
        said, second_trace = second.forward(np.tanh(a))
        return said, (np.tanh(a), trace, second_trace)

    x, found = jordan_inputs(plans, outputs, decay), []
    for update in range(1, max(s["updates"]) + 1):
        said, (h, trace, second_trace) = forward(x)
        dh, dsecond = second.backward(cross_entropy(said, right)[1], second_trace)
        dfirst = first.backward((1 - h**2) * dh, trace)[1]
        optimizer.step(join(first=dfirst, second=dsecond))
        if update in s["updates"]:
            state, free = np.zeros((len(plans), 3)), []
            for _ in right:
                said, _ = forward(np.concatenate([plans, state], axis=1)[None])
                free.append(said[0].argmax(axis=1))
                state = decay * state + np.eye(3)[free[-1]]
            found.append(float(np.mean(np.all(np.array(free) == right, axis=0))))
    return found


def main(seeds=SEEDS):
    what = "squared errors of the next bit, cross-entropies of the next letter in nats, shares of sequences"
    with recording(__file__, what, settings=SETTINGS, seeds=seeds) as record:
        record["parameters"] = {name: parameters(name) for name in NETWORKS}
        record["xor"] = []
        for name in NETWORKS:
            for seed in seeds[: SETTINGS["xor"]["LSTM seeds"]] if name == "LSTM" else seeds:
                record["xor"].append({"model": name, "seed": seed, "found": network_xor(name, seed)})
                print(record["xor"][-1], flush=True)
        for name, rival in (("n-gram", counted_xor), ("table by place", placed_xor)):
            record["xor"] += [{"model": name, "seed": seed, "found": [rival(seed)]} for seed in seeds]
        record["letters"] = [{"model": "Elman, through time", "seed": s, "found": network_letters(s)} for s in seeds]
        record["letters"] += [{"model": "n-gram", "seed": s, "found": [counted_letters(s)]} for s in seeds]
        record["plans"] = [
            {"decay": d, "seed": s, "right": network_plans(d, s)} for d in SETTINGS["plans"]["decays"] for s in seeds
        ]


if __name__ == "__main__":
    sys.exit(main())
