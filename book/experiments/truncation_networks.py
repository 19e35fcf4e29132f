"""What a truncated gradient loses, for several networks; when it matters; and what becomes of the state in between.

    python book/experiments/truncation_networks.py    (about seven minutes of one core; writes truncation_networks.json)

Every run is printed when it has ended. Given a file of such lines, the program does not repeat these runs: what was
interrupted goes on.

Four parts. Everything is trained as in ``truncation.py`` wherever the text does not say otherwise.

"reach": an LSTM forecasts the sunspots of a year ahead, with gradients cut every k months (three seeds, since it is
slower); the basic RNN is in truncation.json. "bias": the cut gradient of the first 132 months against the
full one, for every layer as the package draws it, for an RNN with an orthogonal start, and for each of them after
training with the full gradient. "echo": random bits come one a step, and the network says the one of d steps ago; what
is not learned after one round of updates is trained for a second one. "state": pieces of k months whose state is
carried on, is set to zero, or comes from a piece that was somewhere else.
"""

import ast
import sys
from pathlib import Path

import numpy as np
import truncation
from harness import recording

from rnnbook import data
from rnnbook.in_numpy import GRU, LSTM, RNN, Adam, Linear, clip_grad_norm, join

SETTINGS = truncation.SETTINGS
ECHO = {"batch": 16, "chunk": 40, "units": 32, "wide": 128, "updates": 500, "lr": 5e-3, "clip": 1.0, "learned": 0.95,
        "tested": [1000, 8]}  # fmt: skip
SEEDS, FEWER = [0, 1, 2, 3, 4], [0, 1, 2]
LAYERS = {"RNN": RNN, "RNN, orthogonal": RNN, "LSTM": LSTM, "GRU": GRU}
REACH = [("RNN", 132), ("RNN, orthogonal", 132), ("LSTM", 132), ("LSTM", 12), ("GRU", 132)]
ORDERS = [("carried", 12), ("reset", 12), ("shuffled", 12), ("reset", 132)]
ECHOES = [("RNN", k, delay) for delay in (10, 5) for k in (1, 5, 6, 10, 11, 20, 40)]  # layer, k, delay
ECHOES += [("RNN, orthogonal", 1, 10), ("RNN, orthogonal", 10, 10), ("RNN, 128 units", 1, 10), ("LSTM", 10, 10)]
ECHOES += [("RNN, orthogonal", 20, 10), ("LSTM", 20, 10)]


def build(kind, units, rng):
    """Return a layer of one input as the package draws it, and its output layer."""
    layer = LAYERS[kind](1, units, dtype=np.float64, rng=rng)
    if kind == "RNN, orthogonal":
        layer.params["weight_hh"][:] = np.linalg.qr(rng.normal(size=(units, units)))[0]
    return layer, Linear(units, 1, dtype=np.float64, rng=rng)


def gradients(layer, head, x, y, k, state=None, starts=None, reset=False):
    """Return the gradients of the mean squared error, cut every k steps, and the last state.

    ``starts``: where the pieces begin, in the order in which they are read. With ``reset`` each begins at zeros.
    """
    total = {}
    for t in range(0, len(x), k) if starts is None else starts:
        hs, state, trace = layer.forward(x[t : t + k], None if reset else state)
        prediction, head_trace = head.forward(hs)
        dhs, dhead = head.backward(2 * (prediction - y[t : t + k]) / y.size, head_trace)
        _, _, dlayer = layer.backward(dhs, trace)  # no dstate: the cut
        for name, grad in join(layer=dlayer, head=dhead).items():
            total[name] = total.get(name, 0) + grad
    return total, state


def train(kind, x, y, k, seed, order="carried"):
    """Return a layer and its output layer, trained on the sunspots."""
    rng = np.random.default_rng(seed)
    layer, head = build(kind, SETTINGS["units"], rng)
    optimizer = Adam(join(layer=layer.params, head=head.params), lr=SETTINGS["lr"])
    for _ in range(SETTINGS["passes"]):
        state = None
        for start in range(0, truncation.MONTHS, truncation.CHUNK):
            part = slice(start, start + truncation.CHUNK)
            starts = rng.permutation(range(0, truncation.CHUNK, k)) if order == "shuffled" else None
            grads, state = gradients(layer, head, x[part], y[part], k, state, starts, order == "reset")
            clip_grad_norm(grads, SETTINGS["clip"])
            optimizer.step(grads)
    return layer, head


def bias(layer, head, x, y, k):
    """Return the error of the layer's cut gradient relative to the full one, and the cosine between the two."""

    def flat(k):
        grads, _ = gradients(layer, head, x[: truncation.CHUNK], y[: truncation.CHUNK], k)
        return np.concatenate([grads[f"layer.{name}"].ravel() for name in layer.params])

    cut, full = flat(k), flat(truncation.CHUNK)
    norm = np.linalg.norm(full)
    return [round(float(v), 5) for v in (np.linalg.norm(cut - full) / norm, cut @ full / np.linalg.norm(cut) / norm)]


def in_windows(layer, head, x, y, scale, length):
    """Return the error in sunspot numbers where every forecast reads the last ``length`` months from zeros."""
    at = np.arange(SETTINGS["warm_up"], len(x))
    windows = x[at - np.arange(length)[::-1, None], 0]
    prediction, _ = head.forward(layer.forward(windows)[0][-1])
    return float(np.sqrt(np.mean((prediction - y[at, 0]) ** 2)) * scale.std)


def echo(kind, k, delay, seed):
    """Return the share of bits that are right, after one round of updates and, where it is too low, after two."""
    rng, B = np.random.default_rng(seed), ECHO["batch"]
    units = ECHO["wide"] if kind == "RNN, 128 units" else ECHO["units"]
    layer, head = build("RNN" if kind == "RNN, 128 units" else kind, units, rng)
    optimizer = Adam(join(layer=layer.params, head=head.params), lr=ECHO["lr"])
    state, before, found = None, np.zeros((delay, B, 1)), []
    tested = np.random.default_rng([seed, 1]).choice([-1.0, 1.0], size=(*ECHO["tested"], 1))
    while len(found) < 2 and (not found or found[0] < ECHO["learned"]):
        for _ in range(ECHO["updates"]):
            x = rng.choice([-1.0, 1.0], size=(ECHO["chunk"], B, 1))
            bits = np.concatenate([before, x])
            before = bits[-delay:]
            grads, state = gradients(layer, head, x, bits[: len(x)], k, state)
            clip_grad_norm(grads, ECHO["clip"])
            optimizer.step(grads)
        said, _ = head.forward(layer.forward(tested)[0])
        found.append(round(float(np.mean(np.sign(said[delay:]) == tested[:-delay])), 4))
    return found


def reach(kind, k, seed, x, y, z, scale):
    """Return the error of a network trained with gradients of k months and, for the full one, the biases around it."""
    nets = train(kind, x, y, k, seed)
    error = truncation.error(*nets, z[:-12], z[12:], scale)
    runs = [{"layer": kind, "k": k, "seed": seed, "error": round(error, 3)}]
    if k == truncation.CHUNK:
        drawn = build(kind, SETTINGS["units"], np.random.default_rng(seed))
        for stage, pair in (("before", drawn), ("after", nets)):
            found = [bias(*pair, x, y, cut) for cut in truncation.K]
            runs.append({"layer": kind, "stage": stage, "seed": seed, "bias": found})
    return runs


def state(order, k, seed, x, y, z, scale):
    """Return a network's errors where it reads the later years in one piece, and in windows of k months from zeros."""
    nets = train("RNN", x, y, k, seed, order)
    carried = truncation.error(*nets, z[:-12], z[12:], scale)
    windows = in_windows(*nets, z[:-12], z[12:], scale, k)
    return {"order": order, "k": k, "seed": seed, "carried": round(carried, 3), "windows": round(windows, 3)}


def jobs(seeds):
    """Return (part, arguments by name) of every run, in their order."""
    found = [("state", {"order": order, "k": k, "seed": seed}) for order, k in ORDERS for seed in seeds]
    for kind, k, delay in ECHOES:
        few = FEWER if kind == "LSTM" else seeds
        found += [("echo", {"layer": kind, "k": k, "delay": delay, "seed": seed}) for seed in few]
    for kind, k in REACH:
        few = FEWER if kind in ("LSTM", "GRU") else seeds
        found += [("reach", {"layer": kind, "k": k, "seed": seed}) for seed in few]
    return found


def made(part, which, months):
    """Return the runs of a job."""
    if part == "echo":
        return [which | {"right": echo(*which.values())}]
    return [state(*which.values(), *months)] if part == "state" else reach(*which.values(), *months)


def done(part, which):
    """Return the runs of a job that an interrupted program has printed."""
    lines = Path(sys.argv[1]).read_text(encoding="utf-8").splitlines() if len(sys.argv) > 1 else []
    before = [(line.partition(" ")[0], ast.literal_eval(line.partition(" ")[2])) for line in lines]
    runs = [run for name, run in before if name == part and which.items() <= run.items()]
    if runs and part == "reach" and which["k"] == truncation.CHUNK:
        of = {name: which[name] for name in ("layer", "seed")}
        runs += [run for name, run in before if name == "bias" and of.items() <= run.items()]
    return runs


def main(seeds=SEEDS):
    past, later, _ = data.split_by_time(data.sunspots_monthly().value, (0.6, 0.2, 0.2))
    scale = data.standardise(past)
    months = (*truncation.streams(scale(past), 12), scale(later)[:, None, None], scale)
    what = "errors in sunspot numbers on later years, shares of right bits, and cut gradients against full ones"
    with recording(__file__, what, settings=SETTINGS | {"echo": ECHO}, seeds=seeds) as record:
        record |= {"reach": [], "bias": [], "echo": [], "state": []}
        for part, which in jobs(seeds):
            for run in done(part, which) or made(part, which, months):
                name = "bias" if "bias" in run else part
                record[name].append(run)
                print(name, run, flush=True)


if __name__ == "__main__":
    sys.exit(main())
