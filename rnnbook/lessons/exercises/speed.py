"""Exercises of the chapter *How fast can it go?*."""

import pickle

import numpy as np

from rnnbook.lessons.exercises.about import About
from rnnbook.lessons.exercises.checking import Exercise, sizes
from rnnbook.lessons.exercises.design import Design
from rnnbook.lessons.exercises.find_the_bug import FindTheBug
from rnnbook.lessons.exercises.loops import loops
from rnnbook.lessons.exercises.predict import Predict
from rnnbook.lessons.exercises.project import Project, Refused
from rnnbook.lessons.exercises.read_a_figure import ReadAFigure
from rnnbook.lessons.exercises.results import plain


def flops(T, B, D, H, G):
    """Return how many floating-point operations the matrix products of a forward
    pass take: T steps, B sequences, D features, H units, G blocks of H rows.
    """
    return 2 * T * B * G * H * (D + H)


def _sizes(rng):
    return dict(zip("TBDHG", (int(n) for n in rng.integers(5, 50, size=5)), strict=True))


check_flops = Exercise(
    flops,
    _sizes,
    returns=("flops",),
    mistakes={
        "a multiplication and the addition after it count as one": lambda T, B, D, H, G: flops(T, B, D, H, G) // 2,
        "the first term of each sum is not counted as an addition, 2D - 1 and 2H - 1": lambda T, B, D, H, G: (
            T * B * G * H * (2 * D - 1 + 2 * H - 1)
        ),
        "an addition for the bias is counted": lambda T, B, D, H, G: flops(T, B, D, H, G) + T * B * G * H,
        "the product with the input is left out": lambda T, B, D, H, G: flops(T, B, 0, H, G),
        "the product with the state is left out": lambda T, B, D, H, G: 2 * T * B * G * H * D,
        "the gates are left out": lambda T, B, D, H, G: flops(T, B, D, H, 1),
        "the sequences of the batch are left out": lambda T, B, D, H, G: flops(T, 1, D, H, G),
        "the steps are left out": lambda T, B, D, H, G: flops(1, B, D, H, G),
    },
    looks_at="Look again at the two products of a step: (B, D) by (D, GH), and (B, H) by (H, GH).",
    about=About("cost", "write", 1, 5),
)


def weight_gradient(das, h_0, hs):
    """Return dW_hh (G·H, H), by one product, from the gradients of all
    pre-activations das (T, B, G·H), the first state h_0 (B, H) and the state after
    every step, hs (T, B, H). No loop over time.
    """
    h_prevs = np.concatenate([h_0[None], hs[:-1]])
    T, B, rows = das.shape
    return das.reshape(T * B, rows).T @ h_prevs.reshape(T * B, -1)


def _back(rng):
    T, B, H = sizes(rng, 3)
    return {
        "das": rng.normal(size=(T, B, int(rng.integers(2, 5)) * H)),
        "h_0": rng.normal(size=(B, H)),
        "hs": rng.normal(size=(T, B, H)),
    }


def _loops_over_time(yours):
    rng = np.random.default_rng(0)
    longer_and_longer = [
        {"das": rng.normal(size=(T, 3, 8)), "h_0": rng.normal(size=(3, 4)), "hs": rng.normal(size=(T, 3, 4))}
        for T in (5, 25, 45, 65)
    ]
    return loops(yours, *longer_and_longer)


check_weight_gradient = Exercise(
    weight_gradient,
    _back,
    returns=("dW_hh",),
    mistakes={
        "each step is paired with its own state instead of the previous one": lambda das, h_0, hs: np.einsum(
            "tbg,tbh->gh", das, hs
        ),
        "the first state is taken as zero": lambda das, h_0, hs: weight_gradient(das, 0 * h_0, hs),
        "the gradient is divided by the number of sequences": lambda das, h_0, hs: (
            weight_gradient(das, h_0, hs) / das.shape[1]
        ),
        "the gradient is divided by the number of steps": lambda das, h_0, hs: (
            weight_gradient(das, h_0, hs) / das.shape[0]
        ),
        "only the last step counts": lambda das, h_0, hs: das[-1].T @ hs[-2],
    },
    looks_at="Look again at the sum over all steps: which state does a step's pre-activation read?",
    forbids={"it has a loop, where one product for all steps is asked for": _loops_over_time},
    about=About("backward pass", "write", 2, 15),
)


def speed_up(share, factor):
    """Return how many times faster a whole program becomes, if several parts of it,
    which take share (N,) of its time and together at most all of it, are made
    factor (N,) times faster each.
    """
    return 1 / (1 - share.sum() + (share / factor).sum())


def _parts(rng):
    (N,) = sizes(rng, 1)
    return {"share": rng.dirichlet(np.ones(N + 1))[:N], "factor": rng.uniform(1.5, 20, N)}


check_speed_up = Exercise(
    speed_up,
    _parts,
    returns=("speed_up",),
    mistakes={
        "the time that is left is returned, not the speed-up": lambda share, factor: 1 / speed_up(share, factor),
        "the rest of the time is forgotten": lambda share, factor: 1 / (share / factor).sum(),
        "the parts are made infinitely fast": lambda share, factor: 1 / (1 - share.sum()),
        "each part's speed-up of the whole is computed alone, and these are multiplied": lambda share, factor: np.prod(
            1 / (1 - share + share / factor)
        ),
        "the speed-ups are averaged instead of the times": lambda share, factor: 1 - share.sum() + share @ factor,
        "each part's own speed-up is returned, not that of the whole program": lambda share, factor: (
            1 / (1 - share + share / factor)
        ),
        "every part gets the mean of the factors": lambda share, factor: speed_up(
            share, np.full_like(share, factor.mean())
        ),
    },
    looks_at="If the program took one second, how long does it take now? And how often does that fit into a second?",
    about=About("Amdahl's law", "write", 1, 10),
)


check_bug_in_weight_gradient = FindTheBug(
    check_weight_gradient,
    looks_at="Which states does the product read? Try program.difference(h_0=0), and das zero except at one step.",
    about=About("backward pass", "find the bug", 2, 10),
)


def half_ten_times_faster():
    """Make half of a program's time ten times faster."""
    before = 1.0
    after = 0.5 + 0.5 / 10
    return before / after


check_half_of_it = Predict(
    "a part that takes half of the time becomes 10 times faster: how many times faster is the whole?",
    run=half_ten_times_faster,
    why="The other half stays as it was: 1 / (0.5 + 0.05) = 1.82. Even an infinitely fast part would give only 2.",
    misreadings={
        "the share is multiplied by the factor": 5.0,
        "the speed-ups of both halves are averaged": 5.5,
        "the part is mistaken for the whole": 10.0,
        "the part is made infinitely fast": 2.0,
        "the time that is left is given": 0.55,
    },
    tolerance=0.03,
    hint="If the program took one second, how long does it take now?",
    about=About("Amdahl's law", "predict", 1, 5),
)

check_calls_of_a_sequence = ReadAFigure(
    "fig-speed-calls",
    701,
    why="One product for the input of all steps, then seven calls in each of the 100 steps: 1 + 100 · 7.",
    misreadings={
        "the first strip is read, in which every step has its own input product": 800,
        "the third strip is read, in which the small boxes are one call": 201,
        "the fourth strip is read, in which one frame is one call": 2,
        "only the steps that are drawn are counted": 22,
        "the input product is left out": 700,
        "the product with the state is left out": 601,
        "only the products are counted": 101,
    },
    look="Count the boxes of one step in the second strip, and the box before all the steps.",
    tolerance=0.0005,
    about=About("cost", "read a figure", 1, 5),
)

check_time_it = Design(
    {
        "a": (True, "If the numbers differ, the two programs do not do the same thing."),
        "b": (True, "The first call pays for allocation and compilation, which no later one does."),
        "c": (False, "Beating your own slow loop says nothing about the layer that everybody has: time torch.nn too."),
        "d": (True, "A layer that is fast forward and slow backward trains slowly."),
        "e": (True, "More threads for one of them is a different comparison."),
        "f": (False, "The size that suits your program best flatters it: show all sizes."),
        "g": (True, "Other programs disturb a single call: repeat, and report the median or the smallest."),
    },
    looks_at="What must be the same in both, and what would only make one of them look good?",
    about=About("benchmarks", "design", 2, 10),
)


def serve_two_streams(server):
    """Return the largest difference between a server's answers step by step, to two listeners in turn, and its
    network's answers for the whole sequences; raise Refused if its state grows.
    """
    rng = np.random.default_rng(0)
    T, D = 300, 5
    xs = rng.normal(size=(2, T, D)).astype(np.float32)
    states, sizes_seen = [server.start(), server.start()], set()
    said: list[list] = [[], []]
    for t in range(T):
        for k in rng.permutation(2):  # in random order, since listeners do not wait for each other
            y, states[k] = server.step(xs[k, t], states[k])
            said[k].append(np.array(y, dtype=np.float64))
            sizes_seen.add(_bytes_of(states[k]))
        if t == T // 2:
            states = pickle.loads(pickle.dumps(states))  # the process is restarted
    if len(sizes_seen) > 1:
        raise Refused("The state grows with the stream: a server of endless streams must not keep what it has read.")
    whole = [np.asarray(plain(server.whole(x)), dtype=np.float64) for x in xs]
    if any(w.shape[0] != T for w in whole):
        raise Refused(f"whole(x) should return an output for each of the {T} steps, (T, ...).")
    if not any(np.ptp(w, axis=0).max() > 1e-3 for w in whole):
        raise Refused("The outputs do not depend on the input: there is nothing to serve.")
    return max(float(np.max(np.abs(np.array(s).reshape(w.shape) - w))) for s, w in zip(said, whole))


def _bytes_of(state):
    return sum(np.asarray(part).nbytes for part in _parts_of(plain(state)))


def _parts_of(state):
    values = state.values() if isinstance(state, dict) else state if isinstance(state, list | tuple) else None
    return [state] if values is None else [part for value in values for part in _parts_of(plain(value))]


check_serve = Project(
    "Hand over an object with start(), which returns a first state; step(x_t, state), which returns the output and the"
    " next state for one step x_t (5,); and whole(x), the outputs (T, ...) of the same network for x (T, 5).",
    serve_two_streams,
    bar=1e-4,
    unit="is the largest difference",
    how=[
        "Keep each listener's state separate: step must not remember anything itself.",
        "Everything that the next step needs belongs in the state, such as h and c of an LSTM, and nothing more.",
    ],
    lower=True,
    about=About("streams", "project", 2, 45),
)
