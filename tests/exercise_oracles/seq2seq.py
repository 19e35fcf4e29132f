"""Oracles for the chapter *From one sequence to another*: PyTorch's attention, autograd, and every number by itself."""

import math

import numpy as np
import torch
import torch.nn.functional as F

from exercise_oracles.ways import said_in


def attend(query, memory, lengths):
    q, m = (torch.from_numpy(x).transpose(0, 1) for x in (query, memory))
    mask = torch.arange(m.shape[1]) < torch.from_numpy(lengths)[:, None, None]
    context = F.scaled_dot_product_attention(q, m, m, attn_mask=mask, scale=1.0)
    eye = torch.eye(m.shape[1], dtype=m.dtype).expand(len(m), -1, -1)  # as values, they return the weights
    weights = F.scaled_dot_product_attention(q, m, eye, attn_mask=mask, scale=1.0)
    return context.transpose(0, 1).numpy(), weights.transpose(0, 1).numpy()


def score_gradient(dcontext, memory, weights):
    scores = torch.tensor(np.log(weights), requires_grad=True)
    context = scores.softmax(-1) @ torch.from_numpy(memory)
    (context * torch.from_numpy(dcontext)).sum().backward()
    return scores.grad.numpy()


def looking_weights(states, memory, W):
    eye = torch.eye(len(memory), dtype=torch.float64)
    q, keys = torch.from_numpy(states), torch.from_numpy(memory @ W.T)
    return F.scaled_dot_product_attention(q[None], keys[None], eye[None], scale=1.0)[0].numpy()


def sharper(e_1, e_2, k):
    pairs = (torch.tensor([k * a, k * b], dtype=torch.float64).softmax(0).tolist() for a, b in zip(e_1, e_2))
    return np.array([first / second for first, second in pairs])


def on_the_letters(weights, spans):
    sums = []
    for row, (start, end) in zip(weights.tolist(), spans.tolist()):
        if start < end:
            sums.append(math.fsum(row[t] for t in range(start, end)))
    return np.array(math.fsum(sums) / len(sums))


def doubled_query():
    """Attention itself, on a memory whose two rows are the scores."""
    memory = torch.tensor([[[2.0], [1.0]]], dtype=torch.float64)
    query = torch.tensor([[[2.0]]], dtype=torch.float64)
    found = torch.nn.functional.scaled_dot_product_attention(query, memory, torch.eye(2, dtype=torch.float64)[None])
    return (found[0, 0, 0] / found[0, 0, 1]).item()


def where_it_looks():
    behind = said_in("seq2seq", r"that of the first 2 is (\d) letters to the right of its frame")
    return ("the 2 of 2004", "the first 0 of 2004", "the second 0 of 2004", "the 4 of 2004")[int(behind)]
