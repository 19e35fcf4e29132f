"""Exercises of the chapter *Where did recurrence go?*"""

from functools import cache

import numpy as np

from rnnbook.data import words
from rnnbook.lessons.exercises.about import About
from rnnbook.lessons.exercises.checking import Exercise, sizes
from rnnbook.lessons.exercises.design import Design
from rnnbook.lessons.exercises.find_the_bug import FindTheBug
from rnnbook.lessons.exercises.predict import Predict
from rnnbook.lessons.exercises.project import Project, Refused
from rnnbook.lessons.exercises.read_a_figure import ReadAFigure
from rnnbook.lessons.exercises.results import plain
from rnnbook.rivals import WittenBell


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
        "beta scales what is erased but not what is written": lambda S, k, v, beta: S + np.outer(k, v - beta * (k @ S)),
        "beta scales what is written but not what is erased": lambda S, k, v, beta: S + np.outer(k, beta * v - k @ S),
        "the whole matrix fades, as with a forget gate": lambda S, k, v, beta: (1 - beta) * S + beta * np.outer(k, v),
        "the old value is added instead of taken away": lambda S, k, v, beta: S + beta * np.outer(k, v + k @ S),
    },
    looks_at="Read what the key holds, k @ S; the difference from v is what is written under k, times beta.",
)


def sample_held_input(A, delta, u, h):
    """Return the state (N,) after a time ``delta`` of h' = A h + u from h (N,),
    with the input u (N,) held constant: exact for any delta.
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
        "the input's part is divided by delta once too often": lambda A, delta, u, h: (
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
        "the sign is lost: beyond 1, beta flips it with every write": lambda beta, writes: (
            np.abs(1 - beta) ** writes
        ),
        "the erased parts are added up, but each write erases a part of what is left": lambda beta, writes: (
            1 - beta * writes
        ),
        "a decay of e^(-beta) is used instead of 1 - beta": lambda beta, writes: np.exp(-beta * writes),
        "beta is taken for the share that is left, not the share that is erased": lambda beta, writes: beta**writes,
        "only one write is counted": lambda beta, writes: 1 - beta,
        "beta is cut off at 1, as if no more than everything could be erased": lambda beta, writes: (
            np.maximum(1 - beta, 0) ** writes
        ),
    },
    looks_at="One write of zero leaves k @ S times 1 - beta. Write again. What if beta is 2?",
    about=About("delta rule", "write", 2, 10),
)  # fmt: skip


def fading_attention(q, k, v, decay):
    """Return y (T, V) of causal linear attention that forgets, without a loop over
    time: each y_t is the mean of the values v (T, V) up to t, weighted by the product
    of the query q_t with the key k_s, q and k (T, K), all positive, times
    decay^(t - s).
    """
    t = np.arange(len(q))
    age = t[:, None] - t
    weights = np.tril(q @ k.T) * decay ** np.maximum(age, 0)
    return weights @ v / weights.sum(axis=1, keepdims=True)


def _attention_inputs(rng):
    T, K, V = sizes(rng, 3)
    return {
        "q": rng.uniform(0.1, 2, (T, K)),
        "k": rng.uniform(0.1, 2, (T, K)),
        "v": rng.normal(size=(T, V)),
        "decay": float(rng.uniform(0.5, 0.95)),
    }


def _with_ages(q, k, v, decay, ages, cut=np.tril):
    t = np.arange(len(q))
    weights = cut(q @ k.T) * decay ** ages(t[:, None] - t)
    return weights @ v / weights.sum(axis=1, keepdims=True)


check_fading_attention = Exercise(
    fading_attention,
    _attention_inputs,
    returns=("y",),
    mistakes={
        "nothing fades": lambda q, k, v, decay: fading_attention(q, k, v, 1.0),
        "old values weigh more than new ones": lambda q, k, v, decay: _with_ages(
            q, k, v, decay, lambda age: -np.maximum(age, 0)
        ),
        "everything older fades by the same factor, whatever its age": lambda q, k, v, decay: _with_ages(
            q, k, v, decay, lambda age: np.minimum(np.maximum(age, 0), 1)
        ),
        "later steps are not masked out, and fade like earlier ones": lambda q, k, v, decay: _with_ages(
            q, k, v, decay, np.abs, cut=np.array
        ),
        "later steps are not masked out, and count the more the later they are": lambda q, k, v, decay: _with_ages(
            q, k, v, decay, np.array, cut=np.array
        ),
        "later steps are not masked out, and do not fade": lambda q, k, v, decay: _with_ages(
            q, k, v, decay, lambda age: np.maximum(age, 0), cut=np.array
        ),
        "the weights are not divided by their sum": lambda q, k, v, decay: (
            (np.tril(q @ k.T) * decay ** np.maximum(np.subtract.outer(np.arange(len(q)), np.arange(len(q))), 0)) @ v
        ),
        "the sum of the weights does not fade": lambda q, k, v, decay: (
            (np.tril(q @ k.T) * decay ** np.maximum(np.subtract.outer(np.arange(len(q)), np.arange(len(q))), 0))
            @ v
            / np.tril(q @ k.T).sum(axis=1, keepdims=True)
        ),
        "queries and keys are exchanged": lambda q, k, v, decay: fading_attention(k, q, v, decay),
    },
    looks_at="Row t of the T x T matrix of products keeps its columns up to t; column s is t - s steps old.",
    about=About("linear attention", "write", 2, 10),
)


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
        "a number is counted as one bit": lambda floats, bits, values: np.floor(floats / np.log2(values)),
    },
    looks_at="A state of b bits is one of 2^b. There are values^n tables of n pairs. Which n still fits?",
    about=About("capacity", "write", 2, 10),
)  # fmt: skip


check_bug_in_delta_step = FindTheBug(
    check_delta_step,
    looks_at="Try program.difference(S=0), then beta=1.0: where does the difference vanish?",
    about=About("delta rule", "find the bug", 2, 10),
)

check_bug_in_sample_held_input = FindTheBug(
    check_sample_held_input,
    looks_at="Try h=0, then u=0: which of the two terms is wrong? And does the error go away for a very short delta?",
    about=About("discretisation", "find the bug", 2, 10),
)


def write_zero_three_times():
    """Run the delta rule: a key holds 1, and zero is written under it with beta =
    2.
    """
    S, k = np.outer([0.6, 0.8], [1.0]), np.array([0.6, 0.8])
    for _ in range(3):
        S = delta_step(S, k, np.zeros(1), beta=2.0)
    return (k @ S)[0]


check_toggle = Predict(
    "what does the key hold after three writes of zero with beta = 2, if it held 1 before?",
    run=write_zero_three_times,
    why="Every write multiplies what the key holds by 1 - β = -1: a toggle, which no β up to 1 can be.",
    misreadings={
        "writing zero is assumed to erase, whatever the strength": 0.0,
        "the sign is lost": 1.0,
        "the erased parts are added up, 1 - 3 β": -5.0,
        "a write is assumed to leave 1 + β times what was there": 27.0,
        "the last change is given, -β times what was held, not what is then held": -2.0,
    },
    tolerance=0.01,
    hint="Write once: what does the key hold then? Start from that for the next write.",
    about=About("delta rule", "predict", 1, 5),
)

check_room = ReadAFigure(
    "fig-state-space-recall",
    33.0,
    why="The LSTM is near 76 numbers and the dashed line at 2.3: its state has thirty times the room.",
    misreadings={
        "the size of the LSTM's state is given, not its ratio to the bound": 76.0,
        "the selective layer's point is mistaken for the LSTM's": 170.0,
        "a decade of the axis is mistaken for 10 numbers": 7.6,
        "the matrix states are compared with the bound": 500.0,
    },
    look="The axis is logarithmic. Read the positions of the LSTM and of the dashed line, each in numbers, and divide.",
    tolerance=0.3,
    about=About("capacity", "read a figure", 2, 5),
)

check_size_or_kind = Design(
    {
        "a": (True, "With different numbers of parameters you would compare sizes of networks, not kinds of states."),
        "b": (
            True,
            "Only a small matrix against a vector of the same size separates the size of the state from its kind.",
        ),
        "c": (False, "A learning rate chosen on the tested pairs has seen them: the share it reports is too good."),
        "d": (True, "One seed does not tell a layer from luck: the selective layer's seeds ranged from 0.24 to 0.84."),
        "e": (True, "“Did not learn in 600 updates” does not mean “cannot”: double the budget once for what failed."),
        "f": (False, "The number of pairs with the largest difference, picked afterwards, flatters the winner."),
    },
    looks_at="Which steps rule out another explanation, and which let the answer leak into the experiment?",
    about=About("experiments", "design", 2, 10),
)


@cache
def spellings(part="train", count=8000):
    """Return ``count`` English words of a part ("train", "valid", "test"), in a random order, as one sequence of tokens
    (N,): 0 ends a word, 1 to 26 are the letters a to z.
    """
    read = words.pronunciations()
    drawn = np.random.default_rng(0).permutation(read.words[read.part == part])[:count]
    return np.array([max(ord(letter) - ord("a") + 1, 0) for letter in "\n".join(drawn) + "\n"])


def bits_per_letter(model):
    """Return the bits per letter of 1,000 test words, each given those before it; raise Refused if probabilities do not
    sum to one, or depend on later letters.
    """
    tokens = spellings("test", 1000)
    log_p = _log_probabilities(model, tokens)
    half = len(tokens) // 2
    later = np.concatenate([tokens[:half], tokens[half:][::-1]])
    if not np.allclose(_log_probabilities(model, later)[:half], log_p[:half], atol=1e-4):
        raise Refused(
            "A row changes with later letters: row t may depend on the letters up to t, and should predict t + 1."
        )
    return float(-np.mean(log_p[np.arange(len(tokens) - 1), tokens[1:]]) / np.log(2))


def _log_probabilities(model, tokens):
    log_p = np.asarray(plain(model(tokens.copy())), dtype=np.float64)
    if log_p.shape != (len(tokens), 27):
        raise Refused(f"It should return log probabilities {(len(tokens), 27)}, but they have shape {log_p.shape}.")
    if not np.allclose(np.exp(log_p).sum(axis=1), 1, atol=1e-3):
        raise Refused("The probabilities of a step do not sum to 1: return log_softmax of the scores.")
    return log_p


@cache
def _bits_of_the_ngram():
    """Return the bits per letter of the best n-gram, trained on the same words."""
    counted = WittenBell(spellings(), 27, 5)
    return float(np.min(-np.log2(counted.probabilities(spellings("test", 1000))[:, 1:]).mean(axis=1)))


check_beat_the_ngram = Project(
    "Hand over a function that takes tokens (N,), as exercises.state_space.spellings() returns them, and returns the"
    " log probabilities (N, 27) of the next token, each given the tokens up to its own.",
    bits_per_letter,
    bar=_bits_of_the_ngram,
    unit="bits per letter",
    how=[
        "Watch the loss on spellings('valid', 1000) while you train on spellings(): stop where it rises.",
        "About 70,000 letters are few: dropout and a falling learning rate help more than more units.",
        "Mix both: the mean of the network's and the n-gram's probabilities is often better than either.",
    ],
    lower=True,
    about=About("language models", "project", 3, 90),
)
