"""The long runs behind the part on DNA of the chapter *DNA, health and speech*: what is each base of a genome?

    python book/experiments/applications_dna.py            half an hour on one core; writes applications_dna.json
    python book/experiments/applications_dna.py FOLDER     keeps each part there, and computes what is missing

Task: for each base of a bacterium's genome (``rnnbook.data.genome``) one of seven labels: three codon positions on
either strand, or not coding. The labels are predictions of Prodigal, so each score is agreement with Prodigal. Settings
of the networks were fixed after a few short trials on the validation region; the orders, windows and thresholds of the
rivals are chosen there by rule. No choice was made by the test scores, but they were in view when the doubled runs
and a power of zero, for the network that the chain listens to, were added.
"""

import json
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import torch
from harness import recording

from rnnbook import data, in_torch
from rnnbook.data.genomes import NOT_CODING, UNLABELLED, base_labels, by_frame, reverse_complement
from rnnbook.rivals import codons, hmm

REGIONS = {"train": (0.0, 0.6), "valid": (0.6, 0.75), "test": (0.75, 1.0)}
COPIES = {"k": 24, "gap": 100, "least": 100}  # shared words, joined over a gap; a copy has this many bases
SETTINGS = {"codon features": 64, "batch": 8, "T": 2400, "lr": 1e-2, "clip": 1.0, "updates": 1000, "window": 6000,
            "margin": 600}  # fmt: skip
BLOCK = 10_000  # bases, for the intervals
ORDERS = [2, 3, 4, 5]  # bases before one that a rival's emission looks at
POWERS = [0.0, 0.003, 0.01]  # how much a chain listens to the network; 0 is the chain alone
CONTEXT = [16, 31, 61, 121, 241, 481, 961]  # bases on either side; with the one asked about a multiple of three
PLACES = 600  # bases that are asked about
SHOWN = (2_142_000, 2_151_000)  # bases of the picture, with genes on both strands
SEEDS = [0, 1, 2]
NETWORKS = {  # hidden units, whether the strands share their weights, whether half of the windows are turned round
    "BiLSTM": (64, False, False),
    "BiLSTM, both strands shown": (64, False, True),
    "LSTM on both strands, shared": (64, True, False),
}
TWICE = [("LSTM on both strands, shared", 0), ("LSTM on both strands, shared", 1), ("BiLSTM, both strands shown", 0)]


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
    """Return the logits (2, end - first, 7) of a region, read as it is given and as the other strand, turned back.

    It is read in windows that overlap by twice the margin. A network that shares its weights is read once.
    """
    window, margin = SETTINGS["window"], SETTINGS["margin"]
    core = window - 2 * margin
    padded = np.concatenate([np.full(margin, -1), bases, np.full(window, -1)])
    starts = np.arange(first, end, core)
    pieces = []
    with torch.no_grad():
        for some in np.array_split(starts, -(-len(starts) // 16)):
            x = one_hot(padded[some[:, None] + np.arange(window)])
            given = model(x)
            other = given if model.shared else other_strand(model(other_strand(x)))
            pieces.append(torch.stack([by_base(given)[:, margin:-margin], by_base(other)[:, margin:-margin]]))
    return torch.cat(pieces, dim=1).reshape(2, -1, 7)[:, : end - first].numpy()


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


def decode(log_transition, log_emission, viterbi=False):
    """Return the label probabilities (N, 7), or with ``viterbi`` the labels (N,), read in the network's windows."""
    N, S = log_emission.shape
    window, margin = SETTINGS["window"], SETTINGS["margin"]
    says = np.concatenate([np.zeros((margin, S)), log_emission, np.zeros((window, S))])
    says = says[np.arange(0, N, window - 2 * margin) + np.arange(window)[:, None]]
    start = np.full(S, -np.log(S))
    if viterbi:
        return LABEL_OF[S][hmm.viterbi(start, log_transition, says)[0][margin:-margin].T.reshape(-1)[:N]]
    p = hmm.posterior(start, log_transition, says)[margin:-margin].swapaxes(0, 1).reshape(-1, S)[:N]
    return np.stack([p[:, LABEL_OF[S] == label].sum(axis=1) for label in range(7)], axis=1)


def counting(genome, labels, size, width, threshold, part):
    """Return the labels of a region by the codons around each base; not coding below the threshold."""
    (a, b), (first, end) = region(genome, "train"), region(genome, part)
    log_odds = codons.count_words(genome.bases[a:b], labels[a:b], size)
    scores = codons.window_scores(genome.bases[first:end], log_odds, width)
    scores[:, NOT_CODING] = threshold
    return scores.argmax(axis=1)


# ---- What is recorded --------------------------------------------------------------------------------------------


def per_block(answers, labels):
    """Return how many labelled bases of each block have Prodigal's label, (blocks,)."""
    right = (answers == labels) & (labels != UNLABELLED)
    return np.add.reduceat(right.astype(int), np.arange(0, len(right), BLOCK)).tolist()


def kinds_of_error(answers, labels):
    """Return the share of labelled bases with each kind of error."""
    scored = labels != UNLABELLED
    a, y = answers[scored].astype(int), labels[scored].astype(int)
    coding = (a != NOT_CODING) & (y != NOT_CODING)
    kinds = {
        "coding, taken for not": (a == NOT_CODING) & (y != NOT_CODING),
        "not coding, taken for a gene": (a != NOT_CODING) & (y == NOT_CODING),
        "other strand": coding & (np.sign(a - 3) != np.sign(y - 3)),
        "other frame": coding & (np.sign(a - 3) == np.sign(y - 3)) & (a != y),
    }
    return {kind: round(float(found.mean()), 5) for kind, found in kinds.items()}


def judged(answers, labels):
    """Return what is recorded of the answers to a region."""
    return {"right": per_block(answers, labels), "errors": kinds_of_error(answers, labels)}


def rivals(genome, labels):
    """Return of each rival its choice, the agreement on the validation region, and what is recorded of the test."""
    (v, _), (first, end) = region(genome, "valid"), region(genome, "test")
    y_valid, y_test = labels[v:first], labels[first:end]
    grid = [(size, width, threshold) for size in (3, 6) for width in (10, 20, 30, 45) for threshold in (0, 2, 4)]
    valid, choice = max((agreement(counting(genome, labels, *c, "valid"), y_valid), c) for c in grid)
    found = {"codons in a window": {"choice": choice, "valid": valid}}
    found["codons in a window"] |= judged(counting(genome, labels, *choice, "test"), y_test)
    for S in LABEL_OF:
        chains = {order: chain(genome, S, order) for order in ORDERS}

        def answers(order, viterbi, a, b, chains=chains):
            moves, emissions = chains[order]
            p = decode(moves, emissions.log_emission(genome.bases[a:b]), viterbi)
            return p if viterbi else p.argmax(axis=1)

        for name, viterbi in [("posterior", False), ("Viterbi", True)]:
            tried = {order: round(agreement(answers(order, viterbi, v, first), y_valid), 4) for order in ORDERS}
            order = max(tried, key=lambda order: tried[order])
            about = {"choice": order, "valid": tried[order], "tried": tried}
            found[f"HMM, {S} states, {name}"] = about | judged(answers(order, viterbi, first, end), y_test)
    return found


def part(folder, name, compute):
    """Return a part of the record: from the folder, if a run has left it there, else computed, and left there."""
    path = folder / f"{name}.json"
    if not path.exists():
        path.write_text(json.dumps(compute()), encoding="utf-8")
    return json.loads(path.read_text(encoding="utf-8"))


def trained(genome, labels, name, seed, folder, times=1):
    """Return a network, from the folder or trained and left there, and the CPU seconds of its training.

    ``times`` is how many times the usual number of updates it is trained for.
    """
    path = folder / f"{key(name, seed, times)}.pt"
    if not path.exists():
        start = time.process_time()
        model = train(genome, labels, NETWORKS[name], seed, times * SETTINGS["updates"])
        torch.save({"network": model.state_dict(), "seconds": round(time.process_time() - start)}, path)
    kept, model = torch.load(path, weights_only=True), Tagger(*NETWORKS[name][:2])
    model.load_state_dict(kept["network"])
    return model, kept["seconds"]


def key(name, seed, times=1):
    """Return the name of a network's files."""
    return f"{list(NETWORKS).index(name)}_{seed}" + (f"_{times}" if times > 1 else "")


def run(genome, labels, name, seed, folder, times=1):
    """Return what is recorded of one network."""
    model, seconds = trained(genome, labels, name, seed, folder, times)
    (v, _), (first, end) = region(genome, "valid"), region(genome, "test")
    valid, test = (logits_of(model, genome.bases, *ends) for ends in ((v, first), (first, end)))
    found = {"network": name, "seed": seed, "CPU seconds": seconds}
    found["valid"] = round(agreement(valid[0].argmax(axis=1), labels[v:first]), 4)
    found |= judged(test[0].argmax(axis=1), labels[first:end])
    if model.shared:
        return found | with_a_chain(genome, labels, valid[0], test[0])
    found["both readings added"] = per_block(test.sum(axis=0).argmax(axis=1), labels[first:end])
    differ = np.mean(test[0].argmax(axis=1) != test[1].argmax(axis=1))
    return found | {"answers that depend on the strand given": round(float(differ), 5)}


def with_a_chain(genome, labels, valid, test):
    """Return what the hidden Markov model with 19 states gets when it listens to the network as well.

    The network's log probability of a state's label, above that label's share, is added to the state's emission, times
    a power that is chosen on the validation region.
    """
    (v, _), (first, end) = region(genome, "valid"), region(genome, "test")
    moves, emissions = chain(genome, 19, ORDERS[0])
    y = labels[: region(genome, "train")[1]]
    share = np.log(np.bincount(y[y != UNLABELLED]) / np.sum(y != UNLABELLED))

    def answers(logits, a, b, power):
        heard = power * (logits - np.log(np.exp(logits).sum(axis=1, keepdims=True)) - share)
        says = emissions.log_emission(genome.bases[a:b]) + heard[:, LABEL_OF[19]]
        return decode(moves, says).argmax(axis=1)

    best, power = max((agreement(answers(valid, v, first, p), labels[v:first]), p) for p in POWERS)
    right = per_block(answers(test, first, end, power), labels[first:end])
    return {"with the HMM": right, "power": power, "with the HMM, valid": round(best, 4)}


def context(genome, labels, model):
    """Return the agreement at bases of the test region against the bases read on either side of them."""
    first, end = region(genome, "test")
    rng = np.random.default_rng(0)
    inside = np.flatnonzero(labels[first + 3000 : end - 3000] != UNLABELLED) + first + 3000
    places = rng.choice(inside, PLACES, replace=False)
    chains = {f"HMM, {S} states": chain(genome, S, ORDERS[0]) for S in LABEL_OF}
    found: dict[str, list] = {"bases on either side": CONTEXT, "network": [], **{name: [] for name in chains}}
    for side in CONTEXT:
        bases = genome.bases[places[:, None] + np.arange(-side, side + 1)]
        with torch.no_grad():
            logits = torch.cat([by_base(model(one_hot(some)))[:, side] for some in np.array_split(bases, 20)])
        found["network"].append(round(float(np.mean(logits.argmax(1).numpy() == labels[places])), 4))
        for name, (moves, emissions) in chains.items():
            S = len(moves)
            says = emissions.log_emission(genome.bases)[(places + np.arange(-side, side + 1)[:, None])]
            p = hmm.posterior(np.full(S, -np.log(S)), moves, says)[side]
            p = np.stack([p[:, LABEL_OF[S] == label].sum(axis=1) for label in range(7)], axis=1)
            found[name].append(round(float(np.mean(p.argmax(axis=1) == labels[places])), 4))
    return found


def opinion(genome, model):
    """Return the network's probabilities of the six frames and of no gene, in percent, for the picture."""
    p = torch.softmax(torch.from_numpy(logits_of(model, genome.bases, *SHOWN)[0]), dim=1).numpy()
    p = by_frame(p, SHOWN[0])
    return [" ".join(map(str, row)) for row in np.round(100 * p.reshape(-1, 9, 7).mean(axis=1)).astype(int).tolist()]


def main():
    torch.set_num_threads(1)
    folder = Path(sys.argv[1] if len(sys.argv) > 1 else tempfile.mkdtemp())
    folder.mkdir(parents=True, exist_ok=True)
    genome = data.genome()
    labels, out = prepare(genome)
    first, end = region(genome, "test")
    what = "the label of each base of a bacterium's genome: agreement with Prodigal, in blocks of the test region"
    settings = SETTINGS | {"regions": REGIONS, "copies": COPIES, "block": BLOCK, "orders": ORDERS, "powers": POWERS}
    settings |= {"networks": NETWORKS}
    with recording(__file__, what, settings=settings, seeds=SEEDS, pieces=len(sys.argv) > 1) as record:
        record["taken out"] = out
        blocks = np.arange(0, end - first, BLOCK)
        record["scored"] = np.add.reduceat((labels[first:end] != UNLABELLED).astype(int), blocks).tolist()
        record["labels"] = np.bincount(labels[first:end] + 1, minlength=8).tolist()
        record["parameters"] = {
            name: sum(p.numel() for p in Tagger(*n[:2]).parameters()) for name, n in NETWORKS.items()
        }
        record["rivals"] = part(folder, "rivals", lambda: rivals(genome, labels))
        record["runs"] = []
        for name in NETWORKS:
            for seed in SEEDS:
                job = (genome, labels, name, seed, folder)
                record["runs"].append(part(folder, key(name, seed), lambda job=job: run(*job)))
        record["twice the updates"] = []
        for name, seed in TWICE:
            job = (genome, labels, name, seed, folder, 2)
            record["twice the updates"].append(part(folder, key(name, seed, 2), lambda job=job: run(*job)))
        record["CPU seconds of training"] = [r["CPU seconds"] for r in record["runs"] + record["twice the updates"]]
        model, _ = trained(genome, labels, *TWICE[0], folder, 2)
        record["context"] = part(folder, "context", lambda: context(genome, labels, model))
        record["shown"] = part(folder, "shown", lambda: {"first": SHOWN[0], "percent": opinion(genome, model)})
    for name, found in [*record["rivals"].items(), *((f"{r['network']} {r['seed']}", r) for r in record["runs"])]:
        print(f"{name:34} {found['valid']:.4f} {sum(found['right']) / sum(record['scored']):.4f}")


if __name__ == "__main__":
    main()
