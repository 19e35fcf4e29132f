"""A whole character model on one page, in NumPy: it learns to write like any text.

    python book/experiments/character_rnn.py A-TEXT-FILE

Source: Karpathy's min-char-rnn.py (2015); added are parallel streams, Adam, and a
rate that decays.
"""

import sys
from pathlib import Path

import numpy as np

T, B, D, H = 32, 16, 16, 128  # steps, streams, embedding, hidden units
RATE, CLIP = 5e-3, 1.0


def parameters(V, rng):
    sizes = {"E": (V, D), "W_ih": (H, D), "W_hh": (H, H), "b_h": (H,)}
    sizes |= {"W_hy": (V, H), "b_y": (V,)}
    p = {}
    for name, shape in sizes.items():
        p[name] = rng.uniform(-1, 1, shape) / np.sqrt(H)
    return p | {"E": rng.normal(size=(V, D))}


def loss_and_gradients(p, x, target, h):
    """Read x (T, B) from the state h (B, H); loss [nats], gradients, last state."""
    e, hs = p["E"][x], [h]
    for u_t in e @ p["W_ih"].T + p["b_h"]:
        hs.append(np.tanh(u_t + hs[-1] @ p["W_hh"].T))
    hs = np.stack(hs)
    y = hs[1:] @ p["W_hy"].T + p["b_y"]
    y -= y.max(axis=-1, keepdims=True)  # the same softmax, and no overflow
    log_p = y - np.log(np.exp(y).sum(axis=-1, keepdims=True))
    loss = -np.take_along_axis(log_p, target[..., None], axis=-1).mean()

    dy = (np.exp(log_p) - np.eye(len(p["b_y"]))[target]) / target.size
    dhs, da, dh_next = dy @ p["W_hy"], np.empty_like(hs[1:]), 0
    for t in reversed(range(len(x))):
        da[t] = (dhs[t] + dh_next) * (1 - hs[t + 1] ** 2)
        dh_next = da[t] @ p["W_hh"]
    steps_and_streams = ([0, 1], [0, 1])
    g = {
        "E": np.zeros_like(p["E"]),
        "W_ih": np.tensordot(da, e, steps_and_streams),
        "W_hh": np.tensordot(da, hs[:-1], steps_and_streams),
        "b_h": da.sum(axis=(0, 1)),
        "W_hy": np.tensordot(dy, hs[1:], steps_and_streams),
        "b_y": dy.sum(axis=(0, 1)),
    }
    np.add.at(g["E"], x, da @ p["W_ih"])  # adds up what is read twice
    return loss, g, hs[-1]


def train(p, tokens, updates, say=lambda update, loss: None):
    """Change p in place: Adam with clipping, its rate falling along a cosine."""
    S = len(tokens) // B
    columns = tokens[: S * B].reshape(B, S).T  # every column is a stream
    m, v = ({name: np.zeros_like(w) for name, w in p.items()} for _ in range(2))
    h, k = np.zeros((B, H)), 0
    for i in range(1, updates + 1):
        if k + T + 1 > S:  # the text is over: begin again
            h, k = np.zeros((B, H)), 0
        x, target = columns[k : k + T], columns[k + 1 : k + T + 1]
        loss, g, h = loss_and_gradients(p, x, target, h)
        k += T
        norm = np.sqrt(sum((w**2).sum() for w in g.values()))
        rate = RATE * (1 + np.cos(np.pi * i / updates)) / 2
        for name, w in g.items():
            w *= min(1, CLIP / norm)
            m[name] += 0.1 * (w - m[name])
            v[name] += 0.001 * (w**2 - v[name])
            m_i, v_i = m[name] / (1 - 0.9**i), v[name] / (1 - 0.999**i)
            p[name] -= rate * (m_i / (np.sqrt(v_i) + 1e-8))
        say(i, loss)


def sample(p, token, length, rng):
    """Draw tokens one after the other; each that was drawn is read next."""
    h, drawn = np.zeros(H), []
    for _ in range(length):
        h = np.tanh(p["W_ih"] @ p["E"][token] + p["W_hh"] @ h + p["b_h"])
        y = p["W_hy"] @ h + p["b_y"]
        share = np.exp(y - y.max()).cumsum()
        token = min(np.searchsorted(share, share[-1] * rng.random()), len(y) - 1)
        drawn.append(token)
    return drawn


if __name__ == "__main__":
    text = Path(sys.argv[1]).read_text(encoding="utf-8")
    vocabulary, rng = sorted(set(text)), np.random.default_rng(0)
    tokens = np.searchsorted(vocabulary, list(text))
    p = parameters(len(vocabulary), rng)
    for _ in range(10):
        train(p, tokens, 500)
        written = sample(p, tokens[0], 200, rng)
        print("".join(vocabulary[k] for k in written), "\n---")
