"""The runs behind the part on speech of *DNA, health and speech*: who speaks when, in joined utterances?

    python book/experiments/applications_speech.py    five minutes on one core; writes applications_speech.json

Task: the sequence of speakers in streams of five utterances of nine men, all of whom say /ae/
(``rnnbook.data.japanese_vowels``). The joins are synthetic: one utterance follows the other without a pause. Training
streams are joined anew for each update from utterances of the training part, test streams from those of the test part,
each once. 54 training utterances are held out to choose the epoch of each network and the settings of the rivals. The
test part was read at the end of each run, and chose nothing.
"""

import numpy as np
import torch
from harness import recording

from rnnbook import data, in_torch
from rnnbook.rivals import LinearDiscriminant, hmm

SETTINGS = {"utterances": 5, "H": 48, "batch": 16, "lr": 5e-3, "clip": 1.0, "updates": 800, "every": 50, "noise": 0.3,
            "dropout": 0.3, "held_out": 54}  # fmt: skip
SEEDS = [0, 1, 2, 3, 4]
BLANK = 9  # the output that says nothing; 0 to 8 are the speakers
HOW = ["labels without times", "a label for each frame"]  # what a network is trained on
CHOICES = {"around": [0, 2, 4], "power": [0.05, 0.1, 0.2, 0.4, 1.0], "majority": [9, 15, 21]}


class Listener(torch.nn.Module):
    """A bidirectional LSTM over the frames of a stream, and a linear layer to nine speakers and the blank."""

    def __init__(self):
        super().__init__()
        self.layer = in_torch.LSTM(12, SETTINGS["H"], bidirectional=True)
        self.dropout = torch.nn.Dropout(SETTINGS["dropout"])
        self.head = torch.nn.Linear(2 * SETTINGS["H"], BLANK + 1)

    def forward(self, x):
        """Map frames x (T, B, 12) to log probabilities (T, B, 10)."""
        return self.head(self.dropout(self.layer(x)[0])).log_softmax(dim=2)


def each_once(labels, rng):
    """Return all utterances but at most four as streams (streams, 5), in which no speaker follows himself."""
    while True:
        left = list(rng.permutation(len(labels))[: len(labels) // SETTINGS["utterances"] * SETTINGS["utterances"]])
        order = [left.pop()]
        while left and (others := [i for i, row in enumerate(left) if labels[row] != labels[order[-1]]]):
            order.append(left.pop(others[0]))
        if not left:
            return np.reshape(order, (-1, SETTINGS["utterances"]))


def draw(labels, rng, count):
    """Draw ``count`` streams of five utterances (count, 5), in none of which a speaker follows himself."""
    streams = []
    while len(streams) < count:
        stream = rng.choice(len(labels), SETTINGS["utterances"], replace=False)
        if np.all(labels[stream][1:] != labels[stream][:-1]):
            streams.append(stream)
    return np.array(streams)


def join(utterances, labels, streams):
    """Return frames (T, B, 12), zeros behind each end, the lengths (B,), and each frame's speaker (T, B), or -1."""
    lengths = np.array([sum(len(utterances[row]) for row in stream) for stream in streams])
    x = np.zeros((lengths.max(), len(streams), 12))
    speakers = np.full(x.shape[:2], -1)
    for b, stream in enumerate(streams):
        x[: lengths[b], b] = np.concatenate([utterances[row] for row in stream])
        speakers[: lengths[b], b] = np.repeat(labels[stream], [len(utterances[row]) for row in stream])
    return x, lengths, speakers


def collapse(path):
    """Return the labels of a path of outputs (T,): of equal neighbours one, and no blank."""
    return [int(k) for t, k in enumerate(path) if k != BLANK and (t == 0 or path[t - 1] != k)]


def edits(found, truth):
    """Return the fewest insertions, deletions and substitutions from one list of labels to the other."""
    row = np.arange(len(truth) + 1)
    for i, label in enumerate(found, 1):
        last, row = row, np.append(i, row[1:])
        for j, right in enumerate(truth, 1):
            row[j] = min(last[j - 1] + (label != right), last[j] + 1, row[j - 1] + 1)
    return int(row[-1])


def spikes(path):
    """Return the places (frame, label) where a greedy path of CTC begins to say a label."""
    return [(t, int(k)) for t, k in enumerate(path) if k != BLANK and (t == 0 or path[t - 1] != k)]


def train(vowels, rows, held, how, seed):
    """Return the network with the weights that made the fewest errors on streams of held-out utterances."""
    torch.manual_seed(seed)
    rng = np.random.default_rng(seed)
    model, best = Listener(), (np.inf, None)
    optimizer = torch.optim.Adam(model.parameters(), lr=SETTINGS["lr"])
    labels = vowels.train_labels
    check = held[draw(labels[held], np.random.default_rng(1000), 40)]
    for update in range(1, SETTINGS["updates"] + 1):
        model.train()
        streams = rows[draw(labels[rows], rng, SETTINGS["batch"])]
        x, lengths, speakers = join(vowels.train, labels, streams)
        noisy = torch.tensor(x + SETTINGS["noise"] * rng.normal(size=x.shape), dtype=torch.float32)
        log_p = model(noisy)
        if how == HOW[0]:
            loss = torch.nn.functional.ctc_loss(
                log_p, torch.tensor(labels[streams]), torch.tensor(lengths),
                torch.full((len(streams),), SETTINGS["utterances"]), blank=BLANK)  # fmt: skip
        else:
            loss = torch.nn.functional.nll_loss(
                log_p.flatten(0, 1), torch.tensor(speakers.ravel()), ignore_index=-1)  # fmt: skip
        optimizer.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), SETTINGS["clip"])
        optimizer.step()
        if update % SETTINGS["every"] == 0:
            paths = greedy(model, *join(vowels.train, labels, check)[:2])
            wrong = sum(edits(collapse(path), labels[stream]) for path, stream in zip(paths, check))
            if wrong <= best[0]:
                best = (wrong, {name: p.clone() for name, p in model.state_dict().items()})
    model.load_state_dict(best[1])
    return model


def log_probabilities(model, x, lengths):
    """Return the log probabilities of each stream by itself, a list of (T, 10): nothing is read behind an end."""
    model.eval()
    with torch.no_grad():
        return [model(torch.tensor(x[:T, b : b + 1], dtype=torch.float32))[:, 0].numpy() for b, T in enumerate(lengths)]


def greedy(model, x, lengths):
    """Return the likeliest output of each frame, one path for each stream."""
    return [log_p.argmax(axis=1) for log_p in log_probabilities(model, x, lengths)]


# ---- The rival: frames by themselves, smoothed. It had the speaker of each frame. ----------------------------------


def in_context(x, around):
    """Return the frames of one stream (T, D) with those ``around`` before and behind each, (T, (2 around + 1) D)."""
    padded = np.pad(x, ((around, around), (0, 0)), mode="edge")
    return np.concatenate([padded[k : k + len(x)] for k in range(2 * around + 1)], axis=1)


def smoothed(log_p, stay, power):
    """Return the Viterbi path (T,) of nine speakers who go on talking with probability ``stay`` from frame to frame."""
    moves = np.full((9, 9), np.log((1 - stay) / 8))
    np.fill_diagonal(moves, np.log(stay))
    return hmm.viterbi(np.full(9, -np.log(9)), moves, power * log_p)[0]


def majority(log_p, window):
    """Return the commonest answer (T,) of the ``window`` frames around each."""
    votes = np.eye(9)[log_p.argmax(axis=1)].cumsum(axis=0)
    votes = np.concatenate([np.zeros((1, 9)), votes])
    t = np.arange(len(log_p))
    return (votes[np.minimum(t + window // 2 + 1, len(t))] - votes[np.maximum(t - window // 2, 0)]).argmax(axis=1)


def smoothers(stay):
    """Return the ways to smooth the log probabilities (T, 9) of frames, by name; the numbers are in the names."""
    ways = {
        f"HMM, power {power}": lambda log_p, power=power: smoothed(log_p, stay, power) for power in CHOICES["power"]
    }
    return ways | {f"majority of {n}": lambda log_p, n=n: majority(log_p, n) for n in CHOICES["majority"]}


def judge(paths, labels, streams, speakers):
    """Return the errors of each stream, and the share of its frames with the right speaker; five labels a stream."""
    wrong = [edits(collapse(path), labels[stream]) for path, stream in zip(paths, streams)]
    right = [np.mean(path == speakers[: len(path), b]) for b, path in enumerate(paths)]
    return wrong, [round(float(share), 4) for share in right]


def best_smoother(log_ps, labels, streams, speakers, stay):
    """Return the name of the way that makes the fewest errors, and how many, of each kind ("HMM", "majority")."""
    found = {}
    for name, way in smoothers(stay).items():
        wrong = sum(judge([way(log_p) for log_p in log_ps], labels, streams, speakers)[0])
        kind = name.split()[0].strip(",")
        found[kind] = min(found.get(kind, (np.inf, "")), (wrong, name))
    return found


def discriminants(vowels, rows, held):
    """Return the smoothed discriminants' answers: the choice on held-out streams, and the test streams' judgement."""
    labels, stay = vowels.train_labels, 1 - 1 / np.mean([len(x) for x in vowels.train])
    check = held[draw(labels[held], np.random.default_rng(1000), 40)]
    x, lengths, speakers = join(vowels.train, labels, check)
    fits, best = {}, {}
    for around in CHOICES["around"]:
        frames = np.concatenate([in_context(vowels.train[row], around) for row in rows])
        fits[around] = LinearDiscriminant(frames, np.repeat(labels[rows], [len(vowels.train[row]) for row in rows]))
        log_ps = [fits[around].log_posterior(in_context(x[:T, b], around)) for b, T in enumerate(lengths)]
        for kind, (wrong, name) in best_smoother(log_ps, labels, check, speakers, stay).items():
            best[kind] = min(best.get(kind, (np.inf, 0, "")), (wrong, around, name))
    streams, (x, lengths, speakers) = test_streams(vowels)
    answers = {}
    for kind, (wrong, around, name) in best.items():
        log_ps = [fits[around].log_posterior(in_context(x[:T, b], around)) for b, T in enumerate(lengths)]
        paths = [smoothers(stay)[name](log_p) for log_p in log_ps]
        errors, right = judge(paths, vowels.test_labels, streams, speakers)
        answers[kind] = {"around": around, "way": name, "held out": wrong, "errors": errors, "frames": right}
    return answers


# ---- ------------------------------------------------------------------------------------------------------------


def split(vowels, rng):
    """Return the utterances to train on and those held out, six of each speaker."""
    held = np.concatenate([rng.choice(np.flatnonzero(vowels.train_labels == k), 6, replace=False) for k in range(9)])
    return np.setdiff1d(np.arange(len(vowels.train)), held), held


def test_streams(vowels):
    """Return the 74 test streams (74, 5), and what ``join`` makes of them."""
    streams = each_once(vowels.test_labels, np.random.default_rng(2000))
    return streams, join(vowels.test, vowels.test_labels, streams)


def run(vowels, rows, held, how, seed):
    """Train one network and return its answers on the test streams, read in the way it was trained for."""
    model = train(vowels, rows, held, how, seed)
    streams, (x, lengths, speakers) = test_streams(vowels)
    log_ps = log_probabilities(model, x, lengths)
    if how == HOW[0]:
        paths = [log_p.argmax(axis=1) for log_p in log_ps]
        errors = judge(paths, vowels.test_labels, streams, speakers)[0]
        return {"errors": errors, "spikes": [[[int(t), k] for t, k in spikes(path)] for path in paths]}, log_ps
    stay = 1 - 1 / np.mean([len(x) for x in vowels.train])
    check = held[draw(vowels.train_labels[held], np.random.default_rng(1000), 40)]
    x_check, lengths_check, speakers_check = join(vowels.train, vowels.train_labels, check)
    held_ps = [log_p[:, :9] for log_p in log_probabilities(model, x_check, lengths_check)]
    wrong, name = best_smoother(held_ps, vowels.train_labels, check, speakers_check, stay)["HMM"]
    paths = [smoothers(stay)[name](log_p[:, :9]) for log_p in log_ps]
    errors, right = judge(paths, vowels.test_labels, streams, speakers)
    plain = judge([log_p[:, :9].argmax(axis=1) for log_p in log_ps], vowels.test_labels, streams, speakers)
    return {"way": name, "errors": errors, "frames": right, "not smoothed": plain[0]}, log_ps


def main():
    torch.set_num_threads(1)
    vowels = data.japanese_vowels()
    rows, held = split(vowels, np.random.default_rng(0))
    what = "who speaks when in joined utterances: errors in each of 74 test streams of five labels, and CTC's spikes"
    with recording(__file__, what, settings=SETTINGS | {"choices": CHOICES}, seeds=SEEDS) as record:
        streams, (_, lengths, _) = test_streams(vowels)
        record |= {"streams": streams.tolist(), "frames": lengths.tolist()}
        record["discriminant"] = discriminants(vowels, rows, held)
        record["parameters"] = sum(p.numel() for p in Listener().parameters())
        for name, found in record["discriminant"].items():
            print(name, found["way"], found["around"], sum(found["errors"]) / 370, np.mean(found["frames"]), flush=True)
        for how in HOW:
            record[how] = []
            for seed in SEEDS:
                found, log_ps = run(vowels, rows, held, how, seed)
                record[how].append(found)
                print(how, seed, sum(found["errors"]) / 370, np.mean(found.get("frames", 0)), flush=True)
                if seed == 0 and how == HOW[0]:  # of three streams, for the page
                    shown = [np.round(100 * np.exp(log_p)).astype(int) for log_p in log_ps[:3]]
        record["percent"] = [[" ".join(map(str, frame)) for frame in stream] for stream in shown]


if __name__ == "__main__":
    main()
