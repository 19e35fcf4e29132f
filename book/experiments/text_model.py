"""Score the character model of the chapter *A language model* against counters: alone, while it learns, and mixed.

    OMP_NUM_THREADS=1 python book/experiments/text_model.py

reads text_model.safetensors, which text_model_training.py wrote, and text_model_ppmd.json; writes text_model.json. A
system is judged by the bits that it needs for each of twenty blocks of the test part, so that differences can be taken
block by block. Every choice (rate, order, weights of mixtures) is made on the validation part. About half an hour.

"fixed" means trained on the training part alone; "learning" means that it goes on learning from the test part as it
reads it: the counter counts every character after it has predicted it, and the network takes a step of gradient descent
after every 25 characters of four streams, the quarters of the text, which it reads side by side ("dynamic evaluation",
Mikolov et al. 2010, Krause et al. 2018). "counter" mixes n-grams of all orders, "network + counter" these and the
network; the weights depend on how long a context the counter has met before, as those of PPMd do.
"""

import copy
import json
import math

import numpy as np
import torch
from connectivity import measure
from harness import recording
from text_model_training import SETTINGS as TRAINING
from text_model_training import WEIGHTS, CharacterModel, in_nats, parts, source

from rnnbook import weights
from rnnbook.rivals.ngram import WittenBell

WHAT = "bits of each block of the test part: network, counters, PPMd, and mixtures of network and counter"
SETTINGS = {
    "blocks": 20, "warm_up": 500, "streams": 4, "chunk": 25, "clip": 1.0, "rates": [0.03, 0.1, 0.3, 0.5, 1.0],
    "order": 10, "choosing_a_rate": 16_000, "choosing_a_weight": 40_000, "rounds": 40, "prior": 20,
}  # fmt: skip
KINDS = ["fixed", "learning"]


def stored_model(path=WEIGHTS, hidden=TRAINING["runs"]["large"]["hidden"]):
    """Return the trained network from its file, in float32, ready to be read with."""
    arrays, _ = weights.storage.read(path)
    model = CharacterModel(len(arrays["embedding.weight"]), hidden)
    model.load_state_dict({name: torch.tensor(array).float() for name, array in arrays.items()})
    return model.eval()


# ---- The probabilities (N,) that a system gives to each character of a text ---------------------------------------


def columns_of(before, text, B):
    """Cut a text into B streams side by side (lead + 1 + size, B), each behind the characters before it.

    Also returns where each begins; the last may repeat a few characters of the one before.
    """
    lead, size = SETTINGS["warm_up"], math.ceil(len(text) / B)
    whole = torch.cat([before[-lead - 1 :], text])
    starts = [min(k * size, len(text) - size) for k in range(B)]
    return torch.stack([whole[a : a + lead + 1 + size] for a in starts], dim=1), starts


def of_what_came(logits, y):
    return logits.detach().log_softmax(-1).gather(-1, y[..., None])[..., 0]


def in_order(log_p, starts, N):
    """Put the log-probabilities (size, B) of streams side by side into the order of the text, as probabilities."""
    found = torch.empty(N)
    for column, a in zip(log_p.T, starts, strict=True):
        found[a : a + len(column)] = column
    return found.exp().double().numpy()


@torch.no_grad()
def fixed_network(model, before, text):
    """The network as it was trained. Each block starts from the state that the characters before it leave."""
    columns, starts = columns_of(before, text, SETTINGS["blocks"])
    lead, found = SETTINGS["warm_up"], []
    _, state = model(columns[:lead])
    for x, y in zip(columns[lead:-1].split(256), columns[lead + 1 :].split(256), strict=True):
        logits, state = model(x, state)
        found.append(of_what_came(logits, y))
    return in_order(torch.cat(found), starts, len(text))


def learning_network(model, before, text, rate):
    """Dynamic evaluation: predict a chunk, then take a step of gradient descent on it, then read on."""
    model, lead, found = copy.deepcopy(model), SETTINGS["warm_up"], []
    optimizer = torch.optim.SGD(model.parameters(), lr=rate)
    columns, starts = columns_of(before, text, SETTINGS["streams"])
    with torch.no_grad():
        _, state = model(columns[:lead])
    T = SETTINGS["chunk"]
    for x, y in zip(columns[lead:-1].split(T), columns[lead + 1 :].split(T), strict=True):
        logits, state = model(x, state)
        state = tuple(s.detach() for s in state)
        found.append(of_what_came(logits, y))
        optimizer.zero_grad()
        in_nats(logits, y).backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), SETTINGS["clip"])
        optimizer.step()
    return in_order(torch.cat(found), starts, len(text))


def counter(ngrams, before, text, learning):
    """Witten and Bell's n-gram, with the counts of the training part, or with those of the text so far as well.

    Returns the probabilities (order, N), and for each place a number (N,) that says what the counter knows there: twice
    the length of the longest context that it has met before, plus one if only one character has come after it. While
    it learns, character t is predicted with the counts of everything before t: how often its context and its n-gram
    have come in the text so far is their rank among their equals, by position.
    """
    order, V = ngrams.order, ngrams.V
    tokens = np.concatenate([before[-order + 1 :], text]).astype(np.int64)
    lead = len(tokens) - len(text)
    p, rows, known = np.full(len(text), 1 / V), [], np.zeros(len(text), int)
    for k, (grams, counts, contexts, totals, followers) in enumerate(ngrams.tables):
        asked = ngrams._grams(tokens, k)[lead - k :]
        seen, n, d = look_up(grams, counts, asked), *(look_up(contexts, t, asked // V) for t in (totals, followers))
        if learning:
            so_far = earlier(asked, np.ones(len(asked), int))
            new = (seen == 0) & (so_far == 0)
            seen, n = seen + so_far, n + earlier(asked // V, np.ones(len(asked), int))
            d = d + earlier(asked // V, new.astype(int))
        p = np.where(n > 0, (seen + d * p) / np.maximum(n + d, 1), p)
        known = np.where(n > 0, 2 * k + (d == 1), known)
        rows.append(p)
    return np.stack(rows), known


def earlier(keys, values):
    """For each place, the sum of the values at earlier places with the same key."""
    order = np.argsort(keys, kind="stable")
    sorted_keys, total = keys[order], np.cumsum(values[order])
    first = np.searchsorted(sorted_keys, sorted_keys)
    result = np.empty(len(keys), total.dtype)
    result[order] = total - values[order] - np.where(first > 0, total[first - 1], 0)
    return result


def look_up(keys, values, asked):
    place = np.minimum(np.searchsorted(keys, asked), len(keys) - 1)
    return np.where(keys[place] == asked, values[place], 0)


# ---- Bits --------------------------------------------------------------------------------------------------------


def bits(p):
    return float(-np.log2(p).mean())


def block_bits(p):
    """Bits of each block, a list."""
    ends = np.linspace(0, len(p), SETTINGS["blocks"] + 1).astype(int)
    return [round(float(-np.log2(p[a:b]).sum()), 1) for a, b in zip(ends, ends[1:])]


def mixing_weights(p, known, kinds):
    """The weights (kinds, K) of K models, for each kind of place, that make a mixture need the fewest bits: by EM.

    ``p (K, N)`` are their probabilities of N characters, and ``known (N,)`` says of which kind each place is. A kind
    with few places leans on the weights of all places together, as if it had ``prior`` more of these.
    """
    together = np.full(len(p), 1 / len(p))
    for _ in range(SETTINGS["rounds"]):
        share = together[:, None] * p
        together = (share / share.sum(0)).mean(1)
    w = np.tile(together, (kinds, 1))
    for _ in range(SETTINGS["rounds"]):
        share = w[known].T * p
        share /= share.sum(0)
        sums = np.stack([np.bincount(known, row, kinds) for row in share], axis=1) + SETTINGS["prior"] * together
        w = sums / sums.sum(1, keepdims=True)
    return w


def mixture(w, p, known):
    return (w[known].T * p).sum(0)


def counters_of(past, valid, test, V):
    """What the counter gives to the characters that weights are chosen on, and to the test part; fixed and learning."""
    ngrams, part = WittenBell(past.numpy(), V, SETTINGS["order"]), valid[: SETTINGS["choosing_a_weight"]]
    asked = [(past.numpy(), part.numpy()), (valid.numpy(), test.numpy())]
    return {kind: [counter(ngrams, *texts, kind == "learning") for texts in asked] for kind in KINDS}


def networks_of(model, past, valid, test, rate):
    """The same from the network."""
    asked = [(past, valid[: SETTINGS["choosing_a_weight"]]), (valid, test)]
    return {"fixed": [fixed_network(model, *texts) for texts in asked],
            "learning": [learning_network(model, *texts, rate) for texts in asked]}  # fmt: skip


def main():
    torch.set_num_threads(1)
    _, past, valid, test = parts()
    model = stored_model()
    with recording(__file__, WHAT, settings=SETTINGS, seeds=[TRAINING["runs"]["large"]["seed"]]) as record:
        first = valid[: SETTINGS["choosing_a_rate"]]
        tried = {rate: bits(learning_network(model, past, first, rate)) for rate in SETTINGS["rates"]}
        rate = min(tried, key=tried.get)
        print("rates", tried, flush=True)
        record |= {"data": source(), "characters": len(test), "rate": rate,
                   "by rate": {str(r): round(b, 4) for r, b in tried.items()}}  # fmt: skip
        counters = counters_of(past, valid, test, len(model.head.bias))
        networks = networks_of(model, past, valid, test, rate)
        record |= {"systems": systems(networks, counters) | compressors(), "reach": measure(model, test)}
        for name, row in record["systems"].items():
            print(f"{name:50} {row['test']:.4f} {row.get('network', '')}", flush=True)


def systems(networks, counters):
    """Return {name: bits on test, bits of its blocks} of each alone and of all mixtures; choices by validation."""
    found = {}
    for kind, ((on_valid, known), (on_test, known_too)) in counters.items():
        best = int(np.argmin([bits(p) for p in on_valid]))
        found[f"n-gram, {kind}"] = {"order": best + 1, **scored(on_test[best])}
        w = mixing_weights(on_valid, known, 2 * SETTINGS["order"])
        found[f"counter, {kind}"] = scored(mixture(w, on_test, known_too))
    for name, (on_valid, on_test) in networks.items():
        found[f"network, {name}"] = scored(on_test)
        for kind, ((valid_rows, known), (test_rows, known_too)) in counters.items():
            both = np.vstack([on_valid, valid_rows]), np.vstack([on_test, test_rows])
            w = mixing_weights(both[0], known, 2 * SETTINGS["order"])
            of_network = round(float(w[known_too, 0].mean()), 3)
            found[f"network, {name} + counter, {kind}"] = {
                "network": of_network,
                **scored(mixture(w, both[1], known_too)),
            }
    return found


def scored(p):
    return {"test": round(bits(p), 4), "blocks": block_bits(p)}


def compressors():
    ppmd = json.loads(WEIGHTS.with_name("text_model_ppmd.json").read_text())
    return {
        f"PPMd order {run['order']}, {kind}": {"test": run[kind], "blocks": run[f"{kind}_blocks"]}
        for run in ppmd["runs"]
        for kind in KINDS
    }


if __name__ == "__main__":
    main()
