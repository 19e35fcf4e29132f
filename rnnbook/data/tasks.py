"""Small tasks that need memory, drawn in any number from a seeded generator.

::

    adding(rng, T, B)            the sum of two marked numbers; always answering 1 has the error 1/6
    copy(rng, T, B)              three symbols, repeated after T steps; guessing is right 1 time in 4
    temporal_order(rng, T, B)    which of X and Y came first and second; guessing is right 1 time in 4
    counting(rng, largest, B)    a n times, then b n times; ending after a fixed n is right 1 time in ``largest``
    associative_recall(rng, pairs, B)    pairs of key and value, then keys; guessing is right 1 time in 64

Each returns a ``Batch``; ``rng`` is a Generator or a seed. Sizes are whole numbers from 1 on: TypeError or ValueError,
naming the argument, for others. ``fit`` trains a recurrent layer and a linear head on one, ``skill`` tells how far the
answers are from chance (0) to perfect (1).
"""

from typing import NamedTuple

import numpy as np

from rnnbook.errors import check_shape, check_size
from rnnbook.in_numpy.checks import as_generator, as_whole
from rnnbook.in_numpy.functions import cross_entropy, mean_squared_error
from rnnbook.in_numpy.optimizers import Adam, clip_grad_norm
from rnnbook.in_numpy.parameters import join

ADDING_CHANCE = 1 / 6  # the mean squared error of always answering 1
COPY_LENGTH, COPY_SYMBOLS = 3, 4


class Batch(NamedTuple):
    """What is read and what should be answered; answers count only where ``mask`` is True."""

    x: np.ndarray  # (T, B, D)
    target: np.ndarray  # (T, B), whole numbers for classes, floats for amounts
    mask: np.ndarray  # (T, B)


def adding(rng, T, B):
    """Add two marked numbers: x (T, B, 2) holds numbers and marks.

    The numbers are from U(0, 1); there is one mark in each half, placed uniformly. The
    sum is due at the last step; it has mean 1 and variance 1/6.
    Source: Hochreiter & Schmidhuber (1997), task 4, with the numbers of Arjovsky, Shah
    & Bengio (2016).
    """
    rng, T, B = as_generator(rng), check_size("T", T), check_size("B", B)
    if T < 2:
        raise ValueError(f"T should be at least 2, but is {T}")
    first = rng.integers(0, T // 2, B)
    second = rng.integers(T // 2, T, B)
    x = np.zeros((T, B, 2))
    x[:, :, 0] = rng.uniform(size=(T, B))
    x[first, np.arange(B), 1] = x[second, np.arange(B), 1] = 1
    target, mask = np.zeros((T, B)), np.zeros((T, B), bool)
    target[-1] = (x[:, :, 0] * x[:, :, 1]).sum(axis=0)
    mask[-1] = True
    return Batch(x, target, mask)


def copy(rng, T, B, length=COPY_LENGTH, symbols=COPY_SYMBOLS):
    """Read ``length`` symbols, wait, and repeat them after the signal.

    x is (T + 2 length, B, symbols + 2), one-hot: token 0 is the blank, the last token
    the signal; T - 1 blanks come before it. At every step before the repetition the
    right answer is a blank.
    Source: Arjovsky, Shah & Bengio (2016), with 10 of 8 symbols.
    """
    rng, T, B = as_generator(rng), check_size("T", T), check_size("B", B)
    length, symbols = check_size("length", length), check_size("symbols", symbols)
    said = rng.integers(1, symbols + 1, (length, B))
    tokens = np.zeros((T + 2 * length, B), int)
    tokens[:length] = said
    tokens[length + T - 1] = symbols + 1
    target = np.zeros_like(tokens)
    target[-length:] = said
    mask = np.ones_like(target, bool)
    return Batch(np.eye(symbols + 2)[tokens], target, mask)


def copy_baseline(T, length=COPY_LENGTH, symbols=COPY_SYMBOLS):
    """Return the loss [nats per step] of knowing when to speak, but not what to say: blanks are sure, symbols
    guessed."""
    return length * np.log(symbols) / (T + 2 * length)


def temporal_order(rng, T, B):
    """Say at the last step which pair was read: XX 0, XY 1, YX 2, YY 3.

    x is (T, B, 6), one-hot: tokens 0 and 1 are X and Y, 2 to 5 distractors.
    One of the pair comes between T/10 and 2T/10, the other between 5T/10 and 6T/10.
    Source: Hochreiter & Schmidhuber (1997), task 6a.
    """
    T, B = check_size("T", T), check_size("B", B)
    check_size("T // 10", T // 10)
    rng = as_generator(rng)
    tokens = rng.integers(2, 6, (T, B))
    pair = rng.integers(0, 2, (2, B))
    first = rng.integers(T // 10, 2 * T // 10, B)
    second = rng.integers(5 * T // 10, 6 * T // 10, B)
    tokens[first, np.arange(B)], tokens[second, np.arange(B)] = pair
    target, mask = np.zeros((T, B), int), np.zeros((T, B), bool)
    target[-1] = 2 * pair[0] + pair[1]
    mask[-1] = True
    return Batch(np.eye(6)[tokens], target, mask)


def counting(rng, largest, B):
    """Predict the next symbol of a…ab…b with n of each, n from 1 to ``largest``; 2 · largest steps, one-hot.

    Tokens: 0 is a, 1 is b, 2 the end. After an a the next symbol can't be known, so answers count from the
    first b on: n - 1 times b, then the end. Source: Gers & Schmidhuber (2001).
    """
    largest, B = check_size("largest", largest), check_size("B", B)
    return count_to(as_generator(rng).integers(1, largest + 1, B))


def count_to(ns):
    """Return the ``Batch`` of aⁿbⁿ for every n in ``ns`` (B,).

    x is (2 max(ns), B, 3), one-hot, padded with ends.
    """
    ns = as_whole("ns", ns)
    check_shape("ns", ns, ("B",))
    if ns.min() < 1:
        raise ValueError(f"ns should be at least 1, but holds {ns.min()}")
    ns = ns.astype(int)  # 2n need not fit in a smaller dtype
    t = np.arange(2 * ns.max())[:, None]
    tokens = np.where(t < ns, 0, np.where(t < 2 * ns, 1, 2))
    target = np.where(t + 1 < ns, 0, np.where(t + 1 < 2 * ns, 1, 2))
    return Batch(np.eye(3)[tokens], target, (t >= ns) & (t < 2 * ns))


def associative_recall(rng, pairs, B, length=None, vocabulary=128, power=0.01):
    """Read ``pairs`` of key and value, then every key again, each to be answered with its value.

    x is (length, B), tokens rather than one-hot vectors: a key is below ``vocabulary // 2``, a value is not, and within
    a sequence all keys differ and so do all values. After the pairs the places come in twos. A key may be asked for at
    the first place of a two, with a probability that falls with the distance d like d^(power - 1); every other token is
    random. ``length`` is even and at least 4 ``pairs``, which is the default.
    Source: Arora et al. (2023), multi-query associative recall, with a vocabulary of 8,192.
    """
    rng, B, half = as_generator(rng), check_size("B", B), vocabulary // 2
    length = 4 * check_size("pairs", pairs) if length is None else length
    if length % 2 or length < 4 * pairs or pairs > half:
        raise ValueError(f"{pairs} pairs need an even length of at least {4 * pairs} and a vocabulary of "
                         f"{2 * pairs}, but got {length} and {vocabulary}")  # fmt: skip
    tokens = rng.integers(0, vocabulary, (length, B))
    key, value = (rng.random((half, B)).argsort(axis=0)[:pairs] for _ in range(2))
    tokens[0 : 2 * pairs : 2], tokens[1 : 2 * pairs : 2] = key, value + half
    slots = length // 2 - pairs
    weight = np.arange(1, slots + 1) ** (power - 1.0)
    chosen = np.argsort(rng.exponential(size=(slots, B)) / weight[:, None], axis=0)[:pairs]  # without replacement
    places = 2 * (pairs + chosen)
    target, mask = np.zeros((length, B), int), np.zeros((length, B), bool)
    np.put_along_axis(tokens, places, key, axis=0)
    np.put_along_axis(target, places, value + half, axis=0)
    np.put_along_axis(mask, places, True, axis=0)
    return Batch(tokens, target, mask)


def loss(y, batch):
    """Return the loss of the answers y (T, B, V) where they count, and its gradient with respect to y.

    The mean squared error where the target holds floats (V = 1), else the cross-entropy [nats per answer].
    """
    if np.issubdtype(batch.target.dtype, np.integer):
        return cross_entropy(y, batch.target, batch.mask)
    value, gradient = mean_squared_error(y[batch.mask], batch.target[batch.mask][:, None])
    dy = np.zeros_like(y)
    dy[batch.mask] = gradient
    return value, dy


def skill(y, batch, chance):
    """Return how far the answers y (T, B, V) are from chance, 0, towards perfect, 1.

    ``chance`` is the mean squared error of a guess for amounts, and its share of right answers for classes.
    """
    if np.issubdtype(batch.target.dtype, np.integer):
        right = (y.argmax(axis=-1) == batch.target)[batch.mask].mean()
        return float((right - chance) / (1 - chance))
    return 1 - loss(y, batch)[0] / chance


def recall(batch, length=COPY_LENGTH):
    """Return the same ``Batch`` of the copy task with a mask that leaves only the repeated symbols."""
    mask = np.zeros_like(batch.mask)
    mask[-check_size("length", length) :] = True
    return batch._replace(mask=mask)


def all_right(y, batch):
    """Return for each sequence whether every answer that counts is right: (B,) of True and False."""
    return ((y.argmax(axis=-1) == batch.target) | ~batch.mask).all(axis=0)


def fit(layer, head, draw, rng, updates, lr=5e-3, max_norm=1.0):
    """Train ``layer`` and the linear ``head`` on the batches ``draw(rng)``.

    ``rng`` is a Generator or a seed.
    Adam with the rate ``lr``; the joint norm of the gradient is clipped to
    ``max_norm``. Returns the loss of every update.
    """
    rng = as_generator(rng)
    optimizer = Adam(join(layer=layer.params, head=head.params), lr=lr)
    losses = []
    for _ in range(updates):
        batch = draw(rng)
        hs, _, layer_trace = layer.forward(batch.x)
        y, head_trace = head.forward(hs)
        value, dy = loss(y, batch)
        dhs, dhead = head.backward(dy, head_trace)
        _, _, dlayer = layer.backward(dhs, layer_trace)
        grads = join(layer=dlayer, head=dhead)
        clip_grad_norm(grads, max_norm)
        optimizer.step(grads)
        losses.append(value)
    return losses


def answer(layer, head, x):
    """Return the answers y (T, B, V) to x (T, B, D)."""
    return head.forward(layer.forward(x)[0])[0]
