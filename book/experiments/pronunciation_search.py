"""What the networks of *How is it pronounced?* look at, and what search finds in them.

python book/experiments/pronunciation_search.py [FOLDER]    writes pronunciation_search.json beside it

The two networks that write phoneme by phoneme, seed 0, trained as in ``pronunciation.py`` or taken from its FOLDER. In
float64 and NumPy, word by word: greedy, beams of several widths, exact search, with and without length normalisation.
For one word the beam as a tree; for a few, three alignments of letters and phonemes. And for CTC, on all test words:
what the likeliest path writes against the target that a prefix beam finds, which sums over the paths of each target.
"""

import sys
from collections import defaultdict
from itertools import product

import numpy as np
import pronunciation as ladder
import torch
from harness import recording

from rnnbook.in_numpy.ctc import ctc_posterior, extend
from rnnbook.in_numpy.functions import log_softmax, sigmoid
from rnnbook.in_numpy.search import beam, exact, greedy
from rnnbook.rivals.edits import error_rates
from rnnbook.rivals.joint_ngram import align_letters

SETTINGS = {
    "words": 200, "widths": [2, 4, 8, 16, 32], "alpha": [0.0, 0.6, 1.0], "calls": 50_000, "prefixes": 16,
    "tree": 3, "drawn": ["mirror", "taxi"], "aligned": ["exhibits", "thickness", "phoned", "though"],
}  # fmt: skip


def stepper(model, word):
    """Return ``step(state, symbol)`` of a network that has read a word, and the first state; each answer is kept.

    The state is what has been written so far, so that no beam asks for the same beginning twice.
    """
    with torch.no_grad():
        states, _, (h, c) = model.read(*ladder.spelled([word]))
    weights = {name: p.detach().double().numpy() for name, p in model.named_parameters()}
    W_ih, W_hh, b_ih, b_hh = (
        weights[f"decoder.{name}_l0"] for name in ("weight_ih", "weight_hh", "bias_ih", "bias_hh")
    )
    memory, inside = states[:, 0].double().numpy(), {(): (h[0, 0].double().numpy(), c[0, 0].double().numpy())}
    asked = {}

    def step(read, symbol):
        written = (*read, symbol)
        if written not in asked:
            h, c = inside[read]
            i, f, g, o = np.split(W_ih @ weights["sounds.weight"][symbol] + b_ih + W_hh @ h + b_hh, 4)
            c = sigmoid(f) * c + sigmoid(i) * np.tanh(g)
            h = sigmoid(o) * np.tanh(c)
            inside[written], out = (h, c), h
            if model.attends:
                scores = memory @ (weights["attention.weight_memory"].T @ h)
                context = np.exp(log_softmax(scores)) @ memory
                out = np.tanh(weights["join.weight"] @ np.concatenate([context, h]) + weights["join.bias"])
            asked[written] = log_softmax(weights["output.weight"] @ out + weights["output.bias"])
        return asked[written], written

    return step, ()


def searched(model, words, said, sounds):
    """Return what each way of searching finds in the words: errors, lengths, log probabilities.

    A search error is a sequence less likely than the likeliest one, so it is counted without normalisation only.
    """
    ends = (ladder.START, ladder.END)
    ways = {("greedy", 0.0): lambda s, n: greedy(*s, *ends, n)}
    for alpha, width in product(SETTINGS["alpha"], SETTINGS["widths"]):
        ways[f"beam {width}", alpha] = lambda s, n, k=width, alpha=alpha: beam(*s, *ends, k, n, alpha)
    ways["exact", 0.0] = lambda s, n: exact(*s, *ends, n, max_calls=SETTINGS["calls"])
    steppers = [stepper(model, word) for word in words]
    found = {way: [search(s, 2 * len(w)) for s, w in zip(steppers, words)] for way, search in ways.items()}
    results = []
    for (way, alpha), answers in found.items():
        rates = error_rates([named(answer.symbols, sounds) for answer in answers], said)
        missed = sum(a.log_p < b.log_p - 1e-9 for a, b in zip(answers, found["exact", 0.0]))
        results.append(
            {"way": way, "alpha": alpha, "phonemes": round(rates.symbols, 4), "words": round(rates.answers, 4)}
            | {"log_p": round(float(np.mean([answer.log_p for answer in answers])), 3)}
            | {"search_errors": None if alpha else missed, "empty": sum(not a.symbols for a in answers)}
            | {"length": round(sum(len(a.symbols) for a in answers) / sum(rates.lengths), 3)}
            | {"calls": round(float(np.mean([a.calls for a in answers])), 1)}
            | {"distances": ladder.in_characters(rates.distances)}
        )
        print(*list(results[-1].values())[:-1], flush=True)
    return results


def trainings(kind):
    """Return (seed, settings) of every training of a kind: those of the ladder, and those of twice the epochs."""
    short = ladder.SETTINGS
    longer = short | {"epochs": 2 * short["epochs"]}
    return [(seed, short) for seed in short["seeds"][kind]] + [(seed, longer) for seed in short["doubled"][kind]]


def prefix_beam(y, width, least=1e-4):
    """Return the likeliest target that a beam of ``width`` prefixes finds in the probabilities y (T, V) of CTC, a list.

    A prefix keeps two sums over its paths: of those that end in the blank, and of those that end in its last symbol.
    In each step it is prolonged by symbols with a probability of at least ``least``.
    """
    prefixes = {(): (1.0, 0.0)}
    for now in y:
        longer = defaultdict(lambda: [0.0, 0.0])
        for prefix, (blank, symbol) in prefixes.items():
            longer[prefix][0] += (blank + symbol) * now[0]
            longer[prefix][1] += symbol * now[prefix[-1]] if prefix else 0.0
            for k in np.flatnonzero(now[1:] >= least) + 1:
                longer[*prefix, int(k)][1] += (blank if prefix and k == prefix[-1] else blank + symbol) * now[k]
        prefixes = dict(sorted(longer.items(), key=lambda one: -sum(one[1]))[:width])
    return list(next(iter(prefixes)))


def ctc_searched(folder, parts, sounds):
    """Score what a prefix beam finds on all test words, seed 0; ``differ`` counts other answers than the path's."""
    results = []
    for seed, settings in trainings("CTC"):
        if seed != 0:
            continue
        model, _ = ladder.run("CTC", seed, parts, sounds, folder, settings)
        found, differ = [], 0
        for word in parts["test"][0]:
            with torch.no_grad():
                y = model.log_probabilities(*ladder.spelled([word]))[:, 0].double().exp().numpy()
            found.append(prefix_beam(y, SETTINGS["prefixes"]))
            differ += found[-1] != ladder.collapsed(y.argmax(axis=1).tolist())
        results.append(
            {"kind": "CTC, prefix beam", "seed": seed, "epochs": settings["epochs"], "differ": differ}
            | ladder.scored([named(symbols, sounds) for symbols in found], parts["test"])
        )
        print("CTC, prefix beam", seed, settings["epochs"], differ, results[-1]["words"], flush=True)
    return results


def fully_searched(folder, parts, sounds):
    """Score the networks with attention on all test words by the likeliest sequence of all, one result a training."""
    results = []
    for seed, settings in trainings("attention"):
        model, _ = ladder.run("attention", seed, parts, sounds, folder, settings)
        answers = []
        for word in parts["test"][0]:
            asked = (*stepper(model, word), ladder.START, ladder.END)
            answers.append(named(exact(*asked, 2 * len(word), max_calls=SETTINGS["calls"]).symbols, sounds))
        results.append(
            {"kind": "attention, exact search", "seed": seed, "epochs": settings["epochs"]}
            | ladder.scored(answers, parts["test"])
        )
    return results


def named(symbols, sounds):
    return tuple(sounds[k - 1] if 0 < k < ladder.START else "?" for k in symbols)


def grown(model, word, sounds, width):
    """Return the tree of a beam: for each round the continuations that it keeps, and the best ``width`` others."""
    step, state = stepper(model, word)
    rounds, live, ended = [], [((ladder.START,), 0.0, state)], -np.inf
    while live and ended < live[0][1]:
        longer = []
        for written, log_p, state in live:
            log_probs, new = step(state, written[-1])
            longer += [((*written, k), log_p + float(p), new) for k, p in enumerate(log_probs)]
        longer = sorted(longer, key=lambda one: -one[1])[: 2 * width]
        kept = longer[:width]
        live = [one for one in kept if one[0][-1] != ladder.END]
        ended = max([ended, *(p for written, p, _ in kept if written[-1] == ladder.END)])
        rounds.append(
            [
                {"written": written_out(written[1:], sounds), "p": round(float(np.exp(p)), 4), "kept": place < width}
                for place, (written, p, _) in enumerate(longer)
            ]
        )
    return rounds


def written_out(symbols, sounds):
    return ["end" if k == ladder.END else named([k], sounds)[0] for k in symbols]


def tree_of(model, words, sounds):
    """Return the trees of a few words, with what greedy and the beam write and what is likeliest of all."""
    trees = []
    for word in words:
        asked, most = (*stepper(model, word), ladder.START, ladder.END), 2 * len(word)
        answers = {"greedy": greedy(*asked, most), "beam": beam(*asked, SETTINGS["tree"], most)}
        answers["exact"] = exact(*asked, most, max_calls=SETTINGS["calls"])
        told = {
            way: [" ".join(named(a.symbols, sounds)), round(float(np.exp(a.log_p)), 4)] for way, a in answers.items()
        }
        trees.append({"word": word, "rounds": grown(model, word, sounds, SETTINGS["tree"])} | told)
    return trees


def alignments(models, words, parts, sounds):
    """Return, for each word and its first listed pronunciation, the shares (U, T) of EM, attention and CTC."""
    learned, said = parts["train"]
    rows = [parts["test"][0].index(word) for word in words]
    right = [parts["test"][1][row][0] for row in rows]
    cuts = align_letters([*learned, *words], [*(one[0] for one in said), *right])[len(learned) :]
    found = []
    for word, sequence, cut in zip(words, right, cuts, strict=True):
        y = [sounds.index(sound) + 1 for sound in sequence]
        owner = [t for t, part in enumerate(cut) for _ in part]
        x, lengths = ladder.spelled([word])
        with torch.no_grad():
            told = torch.tensor([ladder.START, *y])[:, None]
            weights = models["attention"].write(told, *models["attention"].read(x, lengths))[2][:-1, 0].double().numpy()
            log_y = models["CTC"].log_probabilities(x, lengths)[:, 0].double().numpy()
        share = ctc_posterior(log_y, extend(y))[0][:, 1::2]  # of the phonemes; a step is half a letter
        share = share.reshape(len(word), 2, len(y)).sum(axis=1).T
        found.append(
            {"word": word, "sounds": list(sequence), "EM": np.eye(len(word))[owner].tolist()}
            | {"attention": weights.round(3).tolist(), "CTC": (share / share.sum(axis=1)[:, None]).round(3).tolist()}
        )
    return found


def main(folder=None):
    torch.set_num_threads(1)
    what = "search in two networks, and three alignments"
    with recording(__file__, what, settings=SETTINGS, seeds=ladder.SEEDS, pieces=bool(folder)) as record:
        parts, sounds = ladder.split()
        words, said = (some[: SETTINGS["words"]] for some in parts["test"])
        kinds = ("encoder-decoder", "attention", "CTC")
        models = {kind: ladder.run(kind, 0, parts, sounds, folder)[0] for kind in kinds}
        record["alignments"] = alignments(models, SETTINGS["aligned"], parts, sounds)
        record["trees"] = tree_of(models["attention"], SETTINGS["drawn"], sounds)
        record["exact"] = fully_searched(folder, parts, sounds)
        record["prefix beam"] = ctc_searched(folder, parts, sounds)
        for kind in kinds[:2]:
            name, model = f"search, {kind}", models[kind]
            record[name] = ladder.kept(folder, name, lambda model=model: searched(model, words, said, sounds))


if __name__ == "__main__":
    main(*sys.argv[1:])
