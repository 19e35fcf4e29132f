"""Exercises of the chapter *How far does the gradient reach?*."""

import numpy as np

from rnnbook.lessons.exercises.about import About
from rnnbook.lessons.exercises.checking import Exercise, sizes
from rnnbook.lessons.exercises.design import Design
from rnnbook.lessons.exercises.find_the_bug import FindTheBug
from rnnbook.lessons.exercises.predict import Predict
from rnnbook.lessons.exercises.read_a_figure import ReadAFigure


def jacobian(hs, W_hh):
    """Return dh_T / dh_0 (H, H) of one tanh network, given its states hs (T, H)
    after the steps 1 … T.
    """
    J = np.eye(len(W_hh))
    for h in hs:
        J = np.diag(1 - h**2) @ W_hh @ J  # the later step is further left
    return J


def _states(rng):
    T, H = sizes(rng, 2)
    W_hh = rng.normal(size=(H, H))
    hs, h = [], rng.normal(size=H)
    for _ in range(T):
        h = np.tanh(W_hh @ h + rng.normal(size=H))
        hs.append(h)
    return {"hs": np.stack(hs), "W_hh": W_hh}


def _product(steps):
    J = np.eye(len(steps[0]))
    for step in steps:
        J = step @ J
    return J


check_jacobian = Exercise(
    jacobian,
    _states,
    returns=("the Jacobian",),
    mistakes={
        "the steps are multiplied in the opposite order": lambda hs, W_hh: jacobian(hs[::-1], W_hh),
        "the derivative of tanh is left out": lambda hs, W_hh: np.linalg.matrix_power(W_hh, len(hs)),
        "the derivative of tanh is on the right of W_hh, where it scales the columns": lambda hs, W_hh: _product(
            [W_hh @ np.diag(1 - h**2) for h in hs]
        ),
        "W_hh is transposed": lambda hs, W_hh: jacobian(hs, W_hh.T),
        "tanh is applied once more, to states that have been through it": lambda hs, W_hh: jacobian(np.tanh(hs), W_hh),
        "the derivative of the sigmoid, h (1 - h), is used for that of tanh": lambda hs, W_hh: _product(
            [np.diag(h * (1 - h)) @ W_hh for h in hs]
        ),
        "the last step is left out": lambda hs, W_hh: jacobian(hs[:-1], W_hh),
        "the first step is left out": lambda hs, W_hh: jacobian(hs[1:], W_hh),
        "the factors are multiplied element by element": lambda hs, W_hh: np.prod(
            [np.diag(1 - h**2) @ W_hh for h in hs], axis=0
        ),
    },
    looks_at="Which step's Jacobian is on the left of the product? Which index does the derivative of tanh scale?",
    about=About("vanishing gradient", "write", 2, 10),
)


def bound(W_hh, k, slope):
    """Return the bound, a number, on the gradient at lag k relative to lag 0 for
    W_hh (H, H); ``slope`` is the largest slope of φ.
    """
    return (slope * np.linalg.norm(W_hh, ord=2)) ** k


def _bound_inputs(rng):
    H = int(rng.integers(3, 6))
    W_hh = rng.normal(size=(H, H))
    W_hh *= rng.uniform(0.9, 1.3) / np.linalg.norm(W_hh, ord=2)
    return {"W_hh": W_hh, "k": int(rng.integers(3, 8)), "slope": float(rng.choice([0.25, 0.5, 0.8]))}


check_bound = Exercise(
    bound,
    _bound_inputs,
    returns=("the bound",),
    mistakes={
        "the largest absolute eigenvalue is taken, not the largest singular value": lambda W_hh, k, slope: (
            (slope * np.abs(np.linalg.eigvals(W_hh)).max()) ** k
        ),
        "the slope of φ is left out": lambda W_hh, k, slope: bound(W_hh, k, 1.0),
        "the slope of φ is counted once instead of at every step": lambda W_hh, k, slope: slope * bound(W_hh, k, 1.0),
        "the Frobenius norm is taken, not the largest singular value": lambda W_hh, k, slope: (
            (slope * np.linalg.norm(W_hh)) ** k
        ),
        "the smallest singular value is taken": lambda W_hh, k, slope: (
            (slope * np.linalg.svd(W_hh, compute_uv=False)[-1]) ** k
        ),
        "the bound of one step is multiplied by k instead of raised to the power k": lambda W_hh, k, slope: (
            k * bound(W_hh, 1, slope)
        ),
        "one step too many is counted": lambda W_hh, k, slope: bound(W_hh, k + 1, slope),
        "one step too few is counted": lambda W_hh, k, slope: bound(W_hh, k - 1, slope),
    },
    looks_at="Look again at the bound: one factor for each step, and each factor is the largest stretch of a product.",
    about=About("vanishing gradient", "write", 2, 10),
)


def clip(dW, db, max_norm):
    """Return dW (H, H) and db (H,), scaled together so that their joint norm is at
    most ``max_norm``; a norm that is small enough stays as it is.
    """
    norm = np.sqrt(np.sum(dW**2) + np.sum(db**2))
    scale = max_norm / max(norm, max_norm)
    return scale * dW, scale * db


def _clip_inputs(rng):
    (H,) = sizes(rng, 1)
    dW, db = rng.normal(size=(H, H)), 2 * rng.normal(size=H)
    norm = np.sqrt(np.sum(dW**2) + np.sum(db**2))
    return {"dW": dW, "db": db, "max_norm": float(norm * rng.choice([0.3, 1.5]))}


def _clip_by(norm_of):
    def wrong(dW, db, max_norm):
        scale = min(1.0, max_norm / norm_of(dW, db))
        return scale * dW, scale * db

    return wrong


def _clip_each(dW, db, max_norm):
    return tuple(min(1.0, max_norm / np.linalg.norm(d)) * d for d in (dW, db))


def _always_rescaled(dW, db, max_norm):
    scale = max_norm / np.sqrt(np.sum(dW**2) + np.sum(db**2))
    return scale * dW, scale * db


check_clip = Exercise(
    clip,
    _clip_inputs,
    returns=("dW", "db"),
    mistakes={
        "each array is clipped by its own norm, so that the direction changes": _clip_each,
        "every number is clipped by itself, so that the direction changes": lambda dW, db, max_norm: (
            np.clip(dW, -max_norm, max_norm), np.clip(db, -max_norm, max_norm)
        ),
        "a gradient that is small enough is made larger": _always_rescaled,
        "the root is left out of the norm": _clip_by(lambda dW, db: np.sum(dW**2) + np.sum(db**2)),
        "the two norms are added instead of their squares": (
            _clip_by(lambda dW, db: np.linalg.norm(dW) + np.linalg.norm(db))
        ),
        "the largest singular value of dW is taken for its norm": (
            _clip_by(lambda dW, db: np.hypot(np.linalg.norm(dW, ord=2), np.linalg.norm(db)))
        ),
        "the norm of dW alone decides": _clip_by(lambda dW, db: np.linalg.norm(dW)),
        "nothing is clipped": lambda dW, db, max_norm: (dW, db),
    },
    looks_at="All numbers of all gradients together are one long vector; clipping shortens it and keeps its direction.",
    tolerance=1e-6,  # torch.nn.utils.clip_grad_norm_ adds 1e-6 to the norm before it divides
    about=About("exploding gradient", "write", 2, 10),
)  # fmt: skip
check_clip.trials = 16  # both a gradient that is too long and one that is not must be among them


def gradient_at_start(scale, Q, us, v):
    """Return the norm of d(v . h_T) / dh_0 of h_t = tanh(u_t + scale Q h_{t-1}),
    h_0 = 0; us is (T, H).
    """
    hs, h = [], np.zeros(len(Q))
    for u in us:
        h = np.tanh(u + scale * Q @ h)
        hs.append(h)
    dh = v
    for h in reversed(hs):
        dh = scale * Q.T @ ((1 - h**2) * dh)
    return np.linalg.norm(dh)


def _scale_inputs(rng):
    T, H = sizes(rng, 2)
    Q, _ = np.linalg.qr(rng.normal(size=(H, H)))
    return {"scale": float(rng.uniform(0.7, 1.5)), "Q": Q, "us": rng.normal(size=(T, H)), "v": rng.normal(size=H)}


def _start_mistake(scale_back=None, slope=None, states=lambda hs: hs, matrix=lambda Q: Q.T, inside=True):
    """One wrong backward pass after the right forward pass."""

    def wrong(scale, Q, us, v):
        hs, h = [], np.zeros(len(Q))
        for u in us:
            h = np.tanh(u + scale * Q @ h)
            hs.append(h)
        dh, s = v, scale if scale_back is None else scale_back
        D = slope or (lambda h: 1 - h**2)
        for h in states(hs)[::-1]:
            dh = s * matrix(Q) @ (D(h) * dh) if inside else D(h) * (s * matrix(Q) @ dh)
        return np.linalg.norm(dh)

    return wrong


check_gradient_at_start = Exercise(
    gradient_at_start,
    _scale_inputs,
    returns=("the norm",),
    mistakes={
        "the derivative of tanh is left out": _start_mistake(slope=lambda h: np.ones_like(h)),
        "the scale is missing in the backward pass": _start_mistake(scale_back=1.0),
        "W_hh is not transposed in the backward pass": _start_mistake(matrix=lambda Q: Q),
        "the states are run through from the first to the last": _start_mistake(states=lambda hs: hs[::-1]),
        "W_hh is applied before the derivative of tanh": _start_mistake(inside=False),
        "the gradient stops at h_1 instead of h_0": _start_mistake(states=lambda hs: hs[1:]),
        "the squared norm is returned": lambda scale, Q, us, v: gradient_at_start(scale, Q, us, v) ** 2,
    },
    looks_at="Go forward and keep every h; then go back through them, last first, with the Jacobian's transpose.",
    about=About("initialisation", "write", 3, 15),
)


check_bug_in_gradient_at_start = FindTheBug(
    check_gradient_at_start,
    looks_at="Try program.difference(us=0): then all states are 0 and every slope is 1. What is left to be wrong?",
    about=About("vanishing gradient", "find the bug", 2, 15),
)


def left_on_the_belt():
    """Run the belt back through 40 steps, with a forget gate that sees its bias of
    3 alone.
    """
    f, share = 1 / (1 + np.exp(-3.0)), 1.0
    for _ in range(40):
        share *= f
    return share


check_belt = Predict(
    "what share of the carry's gradient is left on the belt after 40 steps, with a forget bias of 3?",
    run=left_on_the_belt,
    why="The gate keeps σ(3) = 0.953 per step, and 0.953 to the power of 40 is 0.14.",
    misreadings={
        "one step is counted": 0.9526,
        "what is lost is predicted, not what is left": 0.857,
        "the loss of one step is taken 40 times, until nothing is left": 0.0,
        "20 steps are counted": 0.379,
    },
    tolerance=0.1,
    hint="What does the gate keep in one step? And in two?",
    about=About("gates", "predict", 1, 5),
)

check_cliff = ReadAFigure(
    "fig-gradient-reach-cliff",
    0.25,
    why="The border runs from (1, 0) up to (2, 0.45), and at w = 1.6 it is at about b = 0.25.",
    misreadings={
        "the border is read at the right edge, w = 2": 0.45,
        "the border is read at w = 1.2": 0.05,
        "the coordinate w is given": 1.6,
    },
    look="Go up from w = 1.6 on the lower axis to where grey turns white.",
    tolerance=0.2,
    about=About("exploding gradient", "read a figure", 1, 5),
)

check_cell_or_start = Design(
    {
        "a": (True, "The layer as the library starts it is what the sentence is about."),
        "b": (True, "A basic RNN that starts with an orthogonal matrix is the rival's best start."),
        "c": (False, "An LSTM with an open gate against a default RNN compares initial values and calls them cells."),
        "d": (True, "With equal units the LSTM has four times the parameters: one rival should have as many."),
        "e": (True, "“Did not learn” after one budget may be “not yet”: double it once for all that failed."),
        "f": (False, "The best seed of each layer compares luck; count the seeds that solve the task."),
    },
    looks_at="Which points give the rival its best chance, and which decide the answer in advance?",
    about=About("experiments", "design", 2, 10),
)
