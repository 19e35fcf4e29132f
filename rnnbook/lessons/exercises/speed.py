"""Exercises of the chapter *How fast can it go?*."""

import numpy as np

from rnnbook.lessons.exercises.about import About
from rnnbook.lessons.exercises.checking import Exercise, sizes, takes_more_lines


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
    short, long = (
        {"das": rng.normal(size=(T, 3, 8)), "h_0": rng.normal(size=(3, 4)), "hs": rng.normal(size=(T, 3, 4))}
        for T in (5, 25)
    )
    return takes_more_lines(yours, short, long)


check_weight_gradient = Exercise(
    weight_gradient,
    _back,
    returns=("dW_hh",),
    mistakes={
        "each step is paired with its own state instead of the one before": lambda das, h_0, hs: np.einsum(
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
    forbids={"there is a loop in it, and one product for all steps is asked for": _loops_over_time},
    about=About("backward pass", "write", 2, 15),
)


def speed_up(share, factor):
    """Return how many times faster the whole becomes (N,), if this share (N,) of its
    time, between 0 and 1, is made `factor` (N,) times faster.
    """
    return 1 / (1 - share + share / factor)


def _parts(rng):
    (N,) = sizes(rng, 1)
    return {"share": rng.uniform(0.1, 0.9, N), "factor": rng.uniform(1.5, 20, N)}


check_speed_up = Exercise(
    speed_up,
    _parts,
    returns=("speed_up",),
    mistakes={
        "it is the time that is left, not how many times faster": lambda share, factor: 1 - share + share / factor,
        "the share is multiplied with the factor": lambda share, factor: share * factor,
        "the rest of the time is forgotten": lambda share, factor: factor / share,
        "the part is made infinitely fast": lambda share, factor: 1 / (1 - share),
        "the other part was made faster": lambda share, factor: speed_up(1 - share, factor),
        "the speed-ups are averaged instead of the times": lambda share, factor: (1 - share) + share * factor,
    },
    looks_at="Write down the time that is left of one second, then ask how often it fits into the second.",
    about=About("Amdahl's law", "write", 1, 10),
)
