"""Attention as modules: the scores, weights and contexts of ``in_numpy.attention``, with the same parameters.

Arrays are time first: the memory (T, B, H), the queries (S, B, Q). A ``state_dict`` passes between the NumPy and the
PyTorch version unchanged. Source: Bahdanau, Cho & Bengio (2015); Luong, Pham & Manning (2015); Vaswani et al. (2017).
"""

import torch
import torch.nn.functional as F
from torch import nn

from rnnbook.errors import check_choice, check_flag, check_shape, check_size


class _Attention(nn.Module):
    """What both kinds share: the checks of arguments, the mask, the softmax and the weighted mean."""

    def __init__(self, query_size, memory_size):
        super().__init__()
        self.query_size = check_size("query_size", query_size)
        self.memory_size = check_size("memory_size", memory_size)

    def reset_parameters(self):
        """Draw every parameter from U(-1/√n, 1/√n), n the length of its rows."""
        for parameter in self.parameters():
            bound = parameter.size(-1) ** -0.5
            nn.init.uniform_(parameter, -bound, bound)

    def forward(self, query, memory, lengths=None):
        """Query memory (T, B, H) with query (S, B, Q); returns the contexts (S, B, H) and the weights (S, B, T).

        With ``lengths (B,)``, whole numbers from 1 to T, what is past a memory's end is never read and has weight zero.
        Raises TypeError or ValueError, naming the argument, if one does not fit.
        """
        check_shape("memory", memory, ("T", "B", self.memory_size))
        check_shape("query", query, ("S", memory.size(1), self.query_size))
        q, m = query.transpose(0, 1), memory.transpose(0, 1)
        inside = None if lengths is None else _inside(lengths, memory)
        if inside is not None:
            m = m.masked_fill(~inside[..., None], 0)
        scores = self._scores(q, m)
        if inside is not None:
            scores = scores.masked_fill(~inside[:, None], -torch.inf)
        weights = scores.softmax(-1)  # eq-attention-weights
        context = weights @ m  # eq-attention-context
        return context.transpose(0, 1), weights.transpose(0, 1)


class AdditiveAttention(_Attention):
    """Attention with the scores v · tanh(W q + U m), by a small network with one hidden layer.

    Parameters: ``weight_query (A, Q)``, ``weight_memory (A, H)``, ``weight_score (A,)``.
    Raises TypeError or ValueError, naming the argument, for a size below one.
    Source: Bahdanau, Cho & Bengio (2015), section A.1.2.
    """

    def __init__(self, query_size, memory_size, attention_size, device=None, dtype=None):
        super().__init__(query_size, memory_size)
        A = self.attention_size = check_size("attention_size", attention_size)
        options = {"device": device, "dtype": dtype}
        self.weight_query = nn.Parameter(torch.empty(A, self.query_size, **options))
        self.weight_memory = nn.Parameter(torch.empty(A, self.memory_size, **options))
        self.weight_score = nn.Parameter(torch.empty(A, **options))
        self.reset_parameters()

    def _scores(self, q, m):
        hidden = torch.tanh(F.linear(q, self.weight_query)[:, :, None] + F.linear(m, self.weight_memory)[:, None])
        return hidden @ self.weight_score  # eq-attention-additive

    def extra_repr(self):
        """Return the sizes."""
        return f"{self.query_size}, {self.memory_size}, {self.attention_size}"


class MultiplicativeAttention(_Attention):
    """Attention with the scores q · m (``score="dot"``) or q · W m (``score="general"``).

    Parameters: for "general" ``weight_memory (Q, H)``, for "dot" none. ``scaled`` divides the scores by √Q.
    Raises TypeError or ValueError, naming the argument, for a size below one, unequal sizes with "dot", an unknown
    score, or a ``scaled`` that is neither True nor False.
    Source: Luong, Pham & Manning (2015), equation 8; scaled: Vaswani et al. (2017), equation 1.
    """

    def __init__(self, query_size, memory_size, device=None, dtype=None, *, score="general", scaled=False):
        super().__init__(query_size, memory_size)
        check_choice("score", score, ("dot", "general"))
        if score == "dot" and self.query_size != self.memory_size:
            sizes = f"{self.memory_size} and query_size = {self.query_size}"
            raise ValueError(f'memory_size should equal query_size for score="dot", but memory_size = {sizes}')
        self.score, self.scaled = score, check_flag("scaled", scaled)
        shape = (self.query_size, self.memory_size)
        W = nn.Parameter(torch.empty(shape, device=device, dtype=dtype)) if score == "general" else None
        self.register_parameter("weight_memory", W)
        self.reset_parameters()

    def _scores(self, q, m):
        keys = m if self.weight_memory is None else F.linear(m, self.weight_memory)
        scale = self.query_size**-0.5 if self.scaled else 1.0
        return scale * (q @ keys.transpose(1, 2))  # eq-attention-general

    def extra_repr(self):
        """Return the sizes, the score, and whether it is scaled."""
        scaled = ", scaled=True" if self.scaled else ""
        return f"{self.query_size}, {self.memory_size}, score={self.score}{scaled}"


def _inside(lengths, memory):
    """Return (B, T), True while a memory lasts; TypeError or ValueError if lengths do not fit."""
    T, B = memory.shape[:2]
    lengths = torch.as_tensor(lengths, device=memory.device)
    if lengths.is_floating_point() or lengths.is_complex() or lengths.dtype == torch.bool:
        raise TypeError(f"lengths should hold whole numbers, but has dtype {lengths.dtype}")
    check_shape("lengths", lengths, (B,))
    ends = lengths.long()  # PyTorch has no minimum of unsigned numbers
    if ends.min() < 1 or ends.max() > T:
        raise ValueError(f"lengths should lie between 1 and T = {T}, but are {lengths.tolist()}")
    return torch.arange(T, device=memory.device) < ends[:, None]
