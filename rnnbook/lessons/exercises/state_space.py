"""Exercises of the chapter *Where did recurrence go?*"""

import numpy as np

from rnnbook.lessons.exercises.checking import Exercise, sizes


def delta_step(S, k, v, beta):
    """Return the matrix S (K, V) after one step of the delta rule with the key
    k (K,), of length 1, the value v (V,) and the strength beta.
    """
    held = k @ S
    return S + beta * np.outer(k, v - held)


def _delta_inputs(rng):
    K, V = sizes(rng, 2)
    k = rng.normal(size=K)
    return {
        "S": rng.normal(size=(K, V)),
        "k": k / np.linalg.norm(k),
        "v": rng.normal(size=V),
        "beta": float(rng.uniform(0.2, 0.9)),
    }


check_delta_step = Exercise(
    delta_step,
    _delta_inputs,
    returns=("S",),
    mistakes={
        "nothing is erased: that is linear attention": lambda S, k, v, beta: S + beta * np.outer(k, v),
        "beta is left out, so that the old value is erased completely": lambda S, k, v, beta: delta_step(S, k, v, 1),
        "beta scales what is erased and not what is written": lambda S, k, v, beta: S + np.outer(k, v - beta * (k @ S)),
        "beta scales what is written and not what is erased": lambda S, k, v, beta: S + np.outer(k, beta * v - k @ S),
        "the whole matrix fades, as with a forget gate": lambda S, k, v, beta: (1 - beta) * S + beta * np.outer(k, v),
        "the old value is added instead of taken away": lambda S, k, v, beta: S + beta * np.outer(k, v + k @ S),
    },
    looks_at="Read what the key holds, k @ S; the difference from v is what is written under k, times beta.",
)


def sample_held_input(A, delta, u, h):
    """Return the state (N,) after a time ``delta`` of h' = A h + u from h (N,), with
    the input u (N,) held still: exact for any delta.
    """
    a = np.exp(delta * A)
    return a * h + (a - 1) / A * u


check_sample_held_input = Exercise(
    sample_held_input,
    lambda rng: (
        {"delta": float(rng.uniform(0.3, 1.5))}
        | {name: sign * rng.uniform(0.2, 2, size) for size in sizes(rng, 1) for name, sign in
           [("A", -1), ("u", 1), ("h", 1)]}
    ),
    returns=("h",),
    mistakes={
        "the function stays as it stands: a delta too many divides the input's part": lambda A, delta, u, h: (
            np.exp(delta * A) * h + (np.exp(delta * A) - 1) / (delta * A) * u
        ),
        "both factors are Euler's, 1 + ΔA and Δ": lambda A, delta, u, h: (1 + delta * A) * h + delta * u,
        "the input's factor is Euler's Δ, as in Mamba": lambda A, delta, u, h: np.exp(delta * A) * h + delta * u,
        "the input enters with the factor 1": lambda A, delta, u, h: np.exp(delta * A) * h + u,
        "the input's factor has the wrong sign": lambda A, delta, u, h: (
            np.exp(delta * A) * h - (np.exp(delta * A) - 1) / A * u
        ),
        "the state is not multiplied by e^(ΔA)": lambda A, delta, u, h: h + (np.exp(delta * A) - 1) / A * u,
    },
    looks_at="For a short time Δ the input should add about Δ u: put e^(ΔA) ≈ 1 + ΔA into the factor of u.",
)  # fmt: skip


def left_after(beta, writes):
    """Return the share (N,) of a key's old value that is left after ``writes`` (N,)
    steps of the delta rule with this key, the value zero and the strengths
    beta (N,).
    """
    return (1 - beta) ** writes


check_left_after = Exercise(
    left_after,
    lambda rng: (
        lambda N: {"beta": rng.uniform(0.1, 1.9, N), "writes": rng.permutation(np.arange(1, N + 1))}
    )(int(rng.integers(4, 9))),
    returns=("share",),
    mistakes={
        "the sign is lost: beyond 1, beta turns it round with every write": lambda beta, writes: (
            np.abs(1 - beta) ** writes
        ),
        "the erased parts are added up; each write erases a part of what is left": lambda beta, writes: (
            1 - beta * writes
        ),
        "a decay e^(-beta) takes the place of 1 - beta": lambda beta, writes: np.exp(-beta * writes),
        "beta is what is left and not what is erased": lambda beta, writes: beta**writes,
        "one write is enough": lambda beta, writes: 1 - beta,
        "more than everything is never erased: beta is cut off at 1": lambda beta, writes: (
            np.maximum(1 - beta, 0) ** writes
        ),
    },
    looks_at="One write of zero leaves k @ S times 1 - beta. Write again. What if beta is 2?",
)  # fmt: skip


def linear_attention(q, k, v):
    """Return y (T, V) of causal linear attention, without a loop over time: each
    y_t is the mean of the values v (T, V) up to t, weighted by the products of
    the query q_t with the keys, q and k (T, K), all positive.
    """
    weights = np.tril(q @ k.T)
    return weights @ v / weights.sum(axis=1, keepdims=True)


def _attention_inputs(rng):
    T, K, V = sizes(rng, 3)
    return {"q": rng.uniform(0.1, 2, (T, K)), "k": rng.uniform(0.1, 2, (T, K)), "v": rng.normal(size=(T, V))}


def _softmax(q, k, v):
    weights = np.tril(np.exp(q @ k.T))
    return weights @ v / weights.sum(axis=1, keepdims=True)


check_linear_attention = Exercise(
    linear_attention,
    _attention_inputs,
    returns=("y",),
    mistakes={
        "every step sees all steps, the later ones too": lambda q, k, v: (
            (q @ k.T) @ v / (q @ k.T).sum(axis=1, keepdims=True)
        ),
        "a step does not see itself (and the first sees itself alone)": lambda q, k, v: np.concatenate(
            [v[:1], linear_attention_before(q, k, v)]
        ),
        "the weights are not divided by their sum": lambda q, k, v: np.tril(q @ k.T) @ v,
        "the sums run over the queries instead of over the keys": lambda q, k, v: (
            np.tril(q @ k.T) @ v / np.tril(q @ k.T).sum(axis=0)[:, None]
        ),
        "the weights are exponentials, a softmax": _softmax,
        "queries and keys are exchanged": lambda q, k, v: linear_attention(k, q, v),
        "the mask keeps the future and not the past": lambda q, k, v: (
            np.triu(q @ k.T) @ v / np.triu(q @ k.T).sum(axis=1, keepdims=True)
        ),
    },
    looks_at="All products of a query with a key are one T x T matrix; row t may keep its columns up to t.",
)


def linear_attention_before(q, k, v):
    """Return what the steps from the second on would read from the steps before them alone."""
    weights = np.tril(q @ k.T, -1)[1:]
    return weights @ v / weights.sum(axis=1, keepdims=True)


def most_pairs(floats, bits, values):
    """Return the largest number of pairs (N,) that the counting bound leaves to a
    state of ``floats`` (N,) numbers of ``bits`` (N,) bits, where a value is one of
    ``values`` (N,).
    """
    return np.floor(floats * bits / np.log2(values))


check_most_pairs = Exercise(
    most_pairs,
    lambda rng: (
        lambda N: {
            "floats": rng.integers(5, 200, N),
            "bits": rng.integers(3, 33, N),
            "values": rng.integers(3, 5000, N),
        }
    )(int(rng.integers(4, 9))),
    returns=("pairs",),
    mistakes={
        "every pair is given a whole number of bits": lambda floats, bits, values: np.floor(
            floats * bits / np.ceil(np.log2(values))
        ),
        "a fraction of a pair is counted": lambda floats, bits, values: floats * bits / np.log2(values),
        "the next larger number is taken, which does not fit": lambda floats, bits, values: np.ceil(
            floats * bits / np.log2(values)
        ),
        "every value is given as many bits as there are values": lambda floats, bits, values: np.floor(
            floats * bits / values
        ),
        "a value is measured in nats": lambda floats, bits, values: np.floor(floats * bits / np.log(values)),
        "a number is taken for one bit": lambda floats, bits, values: np.floor(floats / np.log2(values)),
    },
    looks_at="A state of b bits is one of 2^b. There are values^n tables of n pairs. Which n still fits?",
)  # fmt: skip
