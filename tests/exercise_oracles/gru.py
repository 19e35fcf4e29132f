"""Oracles for the chapter *The GRU*: our layer, autograd, a root that is searched."""

import numpy as np
import torch
from scipy.special import expit, logit

from exercise_oracles.ways import gradients, root, tensors
from rnnbook import data, in_numpy
from rnnbook.in_numpy.functions import cross_entropy
from rnnbook.in_numpy.models import SequenceClassifier


def gate_gradients(dh, z, n, h_prev):
    a_z, a_n = tensors(logit(z), np.arctanh(n))
    h = torch.lerp(torch.tanh(a_n), torch.tensor(h_prev), torch.sigmoid(a_z))
    return gradients((h * torch.tensor(dh)).sum(), (a_n, a_z))


def turn_z(**parameters):
    H, turned = parameters["weight_hh"].shape[1], []
    for p in parameters.values():
        r, z, n = p[:H], p[H : 2 * H], p[2 * H :]
        turned.append(np.concatenate([r, logit(1 - expit(z)), n]))  # a is linear: what holds for it holds for each part
    return tuple(turned)


def minimal_step(u_f, u_n, h_prev, W_hf, W_hn, b_hf, b_hn):
    """A GRU of 2014 whose reset gate is f and whose update gate is 1 - f."""
    H = len(b_hf)
    layer = in_numpy.GRU(2 * H, H, reset_after=False, dtype=np.float64)
    one, none = np.eye(H), np.zeros((H, H))
    layer.params["weight_ih"] = np.block([[one, none], [-one, none], [none, one]])
    layer.params["weight_hh"] = np.concatenate([W_hf, -W_hf, W_hn])
    layer.params["bias_ih"] = np.zeros(3 * H)
    layer.params["bias_hh"] = np.concatenate([b_hf, -b_hf, b_hn])
    return layer.step(np.hstack([u_f, u_n]), h_prev)[0]


def half_life(z):
    return np.array([root(lambda k, z=z: z**k - 0.5, 0, 1e4) for z in z])


def towards_one():
    return -np.expm1(10 * np.log(0.9))


def most_gradient():
    """The network of the figure, asked by autograd: the unit with the largest gradient in the middle of the name."""
    names = data.surnames()
    text = [name.lower() for name in names.names]
    letters = sorted(set("".join(text)))
    rng = np.random.default_rng(1)
    layer = in_numpy.GRU(len(letters), 8, dtype=np.float64, rng=rng)
    model = SequenceClassifier(12, layer, rng=rng)
    optimizer = in_numpy.Adam(model.params, lr=5e-3)
    train = np.flatnonzero(names.part == "train")
    for _ in range(3):
        order = rng.permutation(train)
        for rows in np.array_split(order, len(order) // 64):
            ends = np.array([len(text[row]) for row in rows])
            x = np.zeros((ends.max(), len(rows), len(letters)))
            for b, row in enumerate(rows):
                x[np.arange(ends[b]), b, [letters.index(letter) for letter in text[row]]] = 1
            x[:, :, 0] += np.arange(len(x))[:, None] >= ends  # the chapter's padding, which nothing reads
            logits, trace = model.forward(x, ends)
            grads = model.backward(cross_entropy(logits, names.labels[rows])[1], trace)
            in_numpy.clip_grad_norm(grads, 1.0)
            optimizer.step(grads)
    theirs = torch.nn.GRU(len(letters), 8, dtype=torch.float64)
    theirs.load_state_dict({name: torch.tensor(w) for name, w in layer.state_dict().items()})
    h, states = torch.zeros(1, 1, 8, dtype=torch.float64, requires_grad=True), []
    for letter in "hirvonen":
        x_t = torch.eye(len(letters), dtype=torch.float64)[letters.index(letter)][None, None]
        _, h = theirs(x_t, h)
        h.retain_grad()
        states.append(h)
    (h[0, 0] @ torch.tensor(model.params["head.weight"][names.languages.index("Finnish")])).backward()
    return f"unit {1 + states[3].grad[0, 0].abs().argmax().item()}"
