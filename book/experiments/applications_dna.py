"""The long runs behind the part on DNA of the chapter *DNA, health and speech*: what is each base of a genome?

    python book/experiments/applications_dna.py    half an hour on one core; writes applications_dna.json beside it

Task: for each base of a bacterium's genome (``rnnbook.data.genome``) one of seven labels: three codon positions on
either strand, or not coding. The labels are predictions of Prodigal, so each score is agreement with Prodigal. Settings
of the networks were fixed after one trial on the validation region; the orders, windows and thresholds of the rivals
are chosen there. The test region was read at the end of each run, and chose nothing.
"""

import numpy as np
import torch
from harness import recording

from rnnbook import data, in_torch
from rnnbook.data.genomes import NOT_CODING, UNLABELLED, base_labels, reverse_complement
from rnnbook.rivals import codons, hmm

REGIONS = {"train": (0.0, 0.6), "valid": (0.6, 0.75), "test": (0.75, 1.0)}
COPIES = {"k": 24, "gap": 100, "least": 100}  # shared words, joined over a gap; a copy has this many bases
SETTINGS = {"codon features": 64, "batch": 8, "T": 2400, "lr": 1e-2, "clip": 1.0, "updates": 1000, "window": 6000,
            "margin": 600}  # fmt: skip
BLOCK = 10_000  # bases, for the intervals
SEEDS = [0, 1, 2]
NETWORKS = {  # hidden units, whether the strands share their weights, whether half of the windows are turned round
    "BiLSTM": (64, False, False),
    "BiLSTM, both strands shown": (64, False, True),
    "LSTM on both strands, shared": (64, True, False),
}


class Tagger(torch.nn.Module):
    """Codons, an LSTM that reads three bases a step, and a linear layer to the seven labels of each of the three.

    ``shared``: one direction, applied to both strands, its outputs for the other strand turned round and added.
    """

    def __init__(self, H, shared):
        super().__init__()
        self.shared = shared
        self.codons = torch.nn.Linear(36, SETTINGS["codon features"])  # of the step before, this one, the next
        self.lstm = in_torch.LSTM(SETTINGS["codon features"], H, bidirectional=not shared)
        self.head = torch.nn.Linear(H if shared else 2 * H, 21)

    def forward(self, x):
        """Map three bases a step, one-hot x (T, B, 12), to their logits (T, B, 21)."""
        if not self.shared:
            return self.scores(x)
        given, other = self.scores(torch.cat([x, other_strand(x)], dim=1)).chunk(2, dim=1)
        return given + other_strand(other)

    def scores(self, x):
        """Map x (T, B, 12) to (T, B, 21), as one strand sees it."""
        around = torch.nn.functional.pad(x, (0, 0, 0, 0, 1, 1))
        features = torch.relu(self.codons(torch.cat([around[:-2], x, around[2:]], dim=2)))
        return self.head(self.lstm(features)[0])


def other_strand(x):
    """Turn one-hot bases or logits (T, B, C) to the other strand: from the end, and each block from its last place."""
    return x.flip(0, 2)


def one_hot(bases):
    """Return bases (B, N), N a multiple of three, as steps of three (N / 3, B, 12); -1 is no base."""
    x = (bases[:, :, None] == np.arange(4)).astype(np.float32)
    return torch.from_numpy(x.reshape(len(bases), -1, 12).swapaxes(0, 1).copy())


def by_base(logits):
    """Return the logits (T, B, 21) of steps of three as those of bases (B, 3 T, 7)."""
    return logits.transpose(0, 1).reshape(logits.shape[1], -1, 7)


def region(genome, part):
    """Return the first base of a region and its end."""
    return tuple(int(share * len(genome.bases)) for share in REGIONS[part])


def copies(bases, seen, k, gap, least):
    """Return the stretches (first, end) of bases that lie, nearly identical, on either strand of what was seen."""
    known = np.unique(np.concatenate([codons.words(seen, k), codons.words(reverse_complement(seen), k)]))
    found = np.flatnonzero(np.isin(codons.words(bases, k), known))
    if not len(found):
        return []
    runs = np.split(found, np.flatnonzero(np.diff(found) > gap) + 1)
    return [(int(run[0]), int(run[-1]) + k) for run in runs if run[-1] + k - run[0] >= least]


def prepare(genome):
    """Return the labels (N,) with -1 where nothing is trained or scored, and what was taken out."""
    labels, out = base_labels(genome.genes, len(genome.bases)), {}
    out["bases in two genes"] = int(np.sum(labels == UNLABELLED))
    borders = [region(genome, part)[0] for part in ("valid", "test")]
    across = [(a, b) for a, b, _ in genome.genes for border in borders if a < border < b]
    out["genes across a border"] = len(across)
    for part in ("valid", "test"):
        first, end = region(genome, part)
        found = copies(genome.bases[first:end], genome.bases[:first], **COPIES)
        out[f"copies in {part}"] = [len(found), sum(b - a for a, b in found)]
        across += [(first + a, first + b) for a, b in found]
    for a, b in across:
        labels[a:b] = UNLABELLED
    return labels, out


def train(genome, labels, network, seed, updates=None):
    """Return a tagger after its updates on windows from anywhere in the training region."""
    H, shared, turned = network
    torch.manual_seed(seed)
    rng = np.random.default_rng(seed)
    updates, T, B = updates or SETTINGS["updates"], SETTINGS["T"], SETTINGS["batch"]
    model = Tagger(H, shared)
    optimizer = torch.optim.Adam(model.parameters(), lr=SETTINGS["lr"])
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, SETTINGS["lr"], total_steps=updates)
    first, end = region(genome, "train")
    for _ in range(updates):
        rows = rng.integers(first, end - T, B)[:, None] + np.arange(T)
        x, y = genome.bases[rows], labels[rows].astype(np.int64)
        if turned:
            half = rng.random(B) < 0.5
            x[half], y[half] = 3 - x[half, ::-1], np.where(y == UNLABELLED, y, 6 - y)[half, ::-1]
        logits = by_base(model(one_hot(x)))
        loss = torch.nn.functional.cross_entropy(
            logits.reshape(-1, 7), torch.from_numpy(y.reshape(-1)), ignore_index=UNLABELLED
        )
        optimizer.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), SETTINGS["clip"])
        optimizer.step()
        schedule.step()
    return model


def logits_of(model, bases, first, end):
    """Return the logits (end - first, 7) of a region, read in windows that overlap by twice the margin."""
    window, margin = SETTINGS["window"], SETTINGS["margin"]
    core = window - 2 * margin
    padded = np.concatenate([np.full(margin, -1), bases, np.full(window, -1)])
    starts = np.arange(first, end, core)
    pieces = []
    with torch.no_grad():
        for some in np.array_split(starts, -(-len(starts) // 16)):
            pieces.append(by_base(model(one_hot(padded[some[:, None] + np.arange(window)])))[:, margin:-margin])
    return torch.cat(pieces).reshape(-1, 7)[: end - first].numpy()


def agreement(answers, labels):
    """Return the share of labelled bases whose answer is Prodigal's."""
    scored = labels != UNLABELLED
    return float(np.mean(answers[scored] == labels[scored]))


# ---- The rivals --------------------------------------------------------------------------------------------------

LABEL_OF = {7: np.arange(7), 19: np.array([0, 1, 2, 0, 1, 2, 0, 1, 2, 3, 4, 5, 6, 4, 5, 6, 4, 5, 6])}


def states_of(genes, N, S):
    """Return the state of each base (N,): its label; of 19 states also those of start and stop codons.

    Those are three states each on either strand. Where genes overlap, the later one counts.
    """
    states = np.full(N, S // 2, np.int64)
    for first, end, strand in genes:
        inside = np.arange(end - first) % 3
        if S == 19:
            inside[3:] += 3
            inside[-3:] += 3
        states[first:end] = inside if strand > 0 else (S - 1 - inside)[::-1]
    return states


def chain(genome, S, order):
    """Return a hidden Markov model, counted on both strands of the training region: transitions and emissions."""
    first, end = region(genome, "train")
    states = states_of(genome.genes, len(genome.bases), S)[first:end]
    bases, states = codons.both_strands(genome.bases[first:end], states, S)
    return hmm.count_transitions(states, S), codons.PeriodicMarkov(bases, states, S, order)


def decode(genome, model, first, end, path=False):
    """Return the label probabilities (end - first, 7), or the Viterbi path, in windows as the network reads them."""
    moves, emissions = model
    S, window, margin = len(moves), SETTINGS["window"], SETTINGS["margin"]
    says = emissions.log_emission(genome.bases[max(first - margin, 0) : end + window])
    says = np.concatenate([np.zeros((margin - first + max(first - margin, 0), S)), says, np.zeros((window, S))])
    starts = np.arange(0, end - first, window - 2 * margin)
    says = says[starts + np.arange(window)[:, None]]
    start = np.full(S, -np.log(S))
    if path:
        states = hmm.viterbi(start, moves, says)[0][margin:-margin]
        return LABEL_OF[S][states.T.reshape(-1)][: end - first]
    p = hmm.posterior(start, moves, says)[margin:-margin].swapaxes(0, 1).reshape(-1, S)[: end - first]
    return np.stack([p[:, LABEL_OF[S] == label].sum(axis=1) for label in range(7)], axis=1)


def counting(genome, labels, size, width, threshold, first, end):
    """Return the labels (end - first,) by the codons around each base, not coding below the threshold."""
    a, b = region(genome, "train")
    scores = codons.window_scores(genome.bases[first:end], codons.count_words(genome.bases[a:b], labels[a:b], size), width)
    scores[:, NOT_CODING] = threshold
    return scores.argmax(axis=1)


def per_block(answers, labels):
    """Return how many labelled bases of each block have Prodigal's label, (blocks,)."""
    right = (answers == labels) & (labels != UNLABELLED)
    return np.add.reduceat(right.astype(int), np.arange(0, len(right), BLOCK)).tolist()
