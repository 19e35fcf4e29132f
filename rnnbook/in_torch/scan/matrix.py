"""Layers whose state is a matrix S (K, V) that stores values under keys: S_t = a_t S_{t-1} + k_t v_tᵀ, y_t = S_tᵀ q_t.

::

    LinearAttention   a_t = 1; keys and queries made positive, the sum of weights divided out
    RWKV              a_t = Diag(w_t), a factor a row; the newest pair is read with a bonus u
    MLSTM             a_t and the weight of a pair by exponential gates, kept in range by a running maximum

The associative scan would form all T states, K V numbers each. The parallel form here never does: inside a chunk of C
steps it compares every query with every earlier key, a C x C matrix as in attention, and there is a state only between
chunks. Each head has its own matrix, (K, V) = (H / heads, H / heads), plus an extra column that some layers need.
"""

import math

import torch
import torch.nn.functional as F
from torch import nn

from rnnbook.errors import check_size, described
from rnnbook.in_torch.scan.mixer import Mixer, check_fits, sizes

CHUNK = 64


def read_chunk(q, k, v, log_a, S, before=False):
    """Return y (C, ..., V) and the state after C steps of S = a S + k vᵀ, y = Sᵀ q,
    from the state S (..., K, V).

    q, k (C, ..., K), v (C, ..., V); log a (C, ..., 1) for one factor per step, or
    (C, ..., K) for one per row of S. ``before``: y_t is read from the state before
    step t.
    """
    since = log_a.cumsum(0)  # the logarithm of all factors so far
    until = since - log_a if before else since
    # (C, C, ..., 1 or K): what step t still keeps of step s
    weights = until[:, None] - since[None]
    past = torch.ones(len(q), len(q), dtype=torch.bool, device=q.device)
    more = [1] * (weights.dim() - 2)
    past = past.tril(-1 if before else 0).view(len(q), len(q), *more)
    weights = weights.masked_fill(~past, -torch.inf).exp()
    if log_a.size(-1) == 1:
        scores = torch.einsum("t...k,s...k->ts...", q, k) * weights[..., 0]
    else:
        scores = torch.einsum("t...k,s...k,ts...k->ts...", q, k, weights)
    asked = q * until.exp()
    y = torch.einsum("t...k,...kv->t...v", asked, S)  # eq-state-space-chunk
    y = y + torch.einsum("ts...,s...v->t...v", scores, v)
    left = (since[-1] - since).exp()  # of each step, at the end of the chunk
    added = torch.einsum("s...k,s...v->...kv", left * k, v)
    return y, since[-1].exp()[..., None] * S + added


def read_chunks(q, k, v, log_a, S, before=False, chunk=CHUNK):
    """Return y and the last state, as ``read_chunk``, for any number of steps."""
    ys = []
    for parts in zip(*(x.split(chunk) for x in (q, k, v, log_a)), strict=True):
        y, S = read_chunk(*parts, S, before)
        ys.append(y)
    return torch.cat(ys), S


class MatrixState(Mixer):
    """What the layers have in common: heads, and the rows of W_ih x: blocks of H, then some gates for each head."""

    def __init__(self, input_size, hidden_size, blocks, gates, bias, device, dtype, heads):
        D, H = sizes(input_size, hidden_size)
        heads = check_size("heads", heads)
        if H % heads:
            raise ValueError(f"heads should divide hidden_size, {H}, but is {heads}")
        super().__init__(D, H, blocks * H + gates * heads, bias, device, dtype)
        self.heads, self.head_size = heads, H // heads

    def by_head(self, u):
        """Return (..., heads, n) from (..., heads n)."""
        return u.unflatten(-1, (self.heads, -1))

    def extra_repr(self):
        """Return the sizes, a missing bias, and the heads."""
        return f"{super().extra_repr()}, heads={self.heads}"


def with_one(v):
    """Return v with a last column of ones, under which the state sums the weights."""
    return torch.cat([v, torch.ones_like(v[..., :1])], -1)


def phi(x):
    """Return x + 1 where x is above zero, e^x elsewhere: elu(x) + 1 without the cancellation, and never zero.

    Far below zero it is constant, so that neither a product of two of them nor its reciprocal leaves the dtype's range.
    """
    lowest = 0.4 * math.log(torch.finfo(x.dtype).tiny)
    return torch.where(x > 0, x + 1, x.clamp(lowest, 0).exp())


class LinearAttention(MatrixState):
    """Attention without the softmax: y_t = Sᵀφ(q_t) / zᵀφ(q_t).

    S_t = S_{t-1} + φ(k_t) v_tᵀ and z_t = z_{t-1} + φ(k_t), with φ(x) = elu(x) + 1, see ``phi``. The blocks of
    ``weight_ih (3H, D)`` are q, k, v. The state is S with z as its last column, (B, heads, K, V + 1).
    Source: Katharopoulos et al. (2020).
    """

    def __init__(self, input_size, hidden_size, bias=True, device=None, dtype=None, *, heads=1):
        super().__init__(input_size, hidden_size, 3, 0, bias, device, dtype, heads)
        self.state_shape = (self.heads, self.head_size, self.head_size + 1)
        self.reset_parameters()

    def qkv(self, u):
        """Return φ(q), φ(k), and v with its column of ones."""
        q, k, v = (self.by_head(part) for part in u.chunk(3, -1))
        return phi(q), phi(k), with_one(v)

    def parallel(self, u, state):
        """Read all steps, chunk by chunk."""
        q, k, v = self.qkv(u)
        y, state = read_chunks(q, k, v, torch.zeros_like(q[..., :1]), state)
        return (y[..., :-1] / y[..., -1:]).flatten(-2), state

    def one_step(self, u_t, state):
        """Read one step."""
        q, k, v = self.qkv(u_t)
        pair = k[..., None] * v[..., None, :]
        state = state + pair  # eq-state-space-linear-attention
        y = (q[..., None] * state).sum(-2)
        return (y[..., :-1] / y[..., -1:]).flatten(-2), state


class RWKV(MatrixState):
    """The recurrence of RWKV-6: y_t = (S_{t-1} + Diag(u) k_t v_tᵀ)ᵀ q_t / √K, then S_t = Diag(w_t) S_{t-1} + k_t v_tᵀ.

    The blocks of ``weight_ih (4H, D)`` are q (the paper's receptance r), k, v and the pre-activation d of the decay
    w_t = exp(-exp(min(d, 4))); below the 4 a row is gone in one step, and sums of log w_t stay exact. RWKV-5 is the
    layer whose d does not depend on x. The state is S (B, heads, K, V). Starts: the bias of d even from -6 to -1 over
    the rows, so that a row keeps for 400 down to 3 steps; u even from 0 to 1.
    Sources: Peng et al. (2023), Peng et al. (2024).
    """

    def __init__(self, input_size, hidden_size, bias=True, device=None, dtype=None, *, heads=1):
        super().__init__(input_size, hidden_size, 4, 0, bias, device, dtype, heads)
        self.state_shape = (self.heads, self.head_size, self.head_size)
        shape = self.heads, self.head_size
        self.decay, self.bonus = (nn.Parameter(torch.empty(shape, device=device, dtype=dtype)) for _ in range(2))
        self.reset_parameters()

    def reset_parameters(self):
        """Draw the projection; space decays and bonuses evenly."""
        super().reset_parameters()
        with torch.no_grad():
            self.decay.copy_(torch.linspace(-6, -1, self.head_size).expand_as(self.decay))
            self.bonus.copy_(torch.linspace(0, 1, self.head_size).expand_as(self.bonus))

    def qkvw(self, u):
        """Return q / √K, k, v, log w."""
        q, k, v, d = (self.by_head(part) for part in u.chunk(4, -1))
        return q * self.head_size**-0.5, k, v, -(d + self.decay).clamp(max=4).exp()

    def parallel(self, u, state):
        """Read all steps, in short chunks: with a factor per row a chunk takes C x C x K numbers."""
        q, k, v, log_w = self.qkvw(u)
        y, state = read_chunks(q, k, v, log_w, state, before=True, chunk=CHUNK // 4)
        return (y + (q * self.bonus * k).sum(-1, keepdim=True) * v).flatten(-2), state

    def one_step(self, u_t, state):
        """Read one step."""
        q, k, v, log_w = self.qkvw(u_t)
        pair = k[..., None] * v[..., None, :]
        read = state + self.bonus[..., None] * pair
        y = (q[..., None] * read).sum(-2)  # eq-state-space-rwkv
        return y.flatten(-2), log_w.exp()[..., None] * state + pair


class MLSTM(MatrixState):
    """The matrix LSTM of xLSTM: C_t = f'C_{t-1} + i'k_t v_tᵀ, y_t = o_t Cᵀq_t / max(abs(nᵀq_t), e^{-m_t}).

    f' = exp(log σ(f) + m_{t-1} - m_t) and i' = exp(i - m_t), with m_t = max(log σ(f) + m_{t-1}, i): the largest weight
    so far is 1. The numbers y do not depend on m, which is there so that exp(i) does not overflow. The blocks of
    ``weight_ih (4H + 2 heads, D)`` are q, k (divided by √K), v, o, i, f. The state is the pair of C, with n as its last
    column, (B, heads, K, V + 1), and m (B, heads). Starts: i and f do not depend on x, the bias of i is near 0, that of
    f even from 3 to 6 over the heads.
    Source: Beck et al. (2024).
    """

    def __init__(self, input_size, hidden_size, bias=True, device=None, dtype=None, *, heads=1):
        super().__init__(input_size, hidden_size, 4, 2, bias, device, dtype, heads)
        self.state_shape = (self.heads, self.head_size, self.head_size + 1)
        self.reset_parameters()

    @property
    def state_size(self):
        """The number of floats in the state of one sequence, including the maxima of the heads."""
        return super().state_size + self.heads

    def reset_parameters(self):
        """Draw the projection, and the gates as the authors do; without a bias the gates are drawn like the rest."""
        super().reset_parameters()
        if self.bias_ih is not None:
            with torch.no_grad():
                self.weight_ih[-2 * self.heads :].zero_()
                self.bias_ih[-2 * self.heads : -self.heads].normal_(std=0.1)
                self.bias_ih[-self.heads :].copy_(torch.linspace(3, 6, self.heads))

    def start(self, x_t, state):
        """Return the given state (C, m), checked, or zeros for x_t (B, D)."""
        shape = (len(x_t), self.heads)
        if state is None:
            return super().start(x_t, None), x_t.new_zeros(shape, dtype=self.weight_ih.dtype)
        if not isinstance(state, (tuple, list)) or len(state) != 2:
            raise TypeError(f"state should be the pair (C, m), but is {described(state)}")
        C, m = state
        check_fits("m", m, shape)
        return super().start(x_t, C), m

    def split(self, u):
        """Return q, k, v with its ones, o, i, log f."""
        *parts, i, f = u.split([self.hidden_size] * 4 + [self.heads] * 2, -1)
        q, k, v, o = (self.by_head(part) for part in parts)
        return q, k * self.head_size**-0.5, with_one(v), torch.sigmoid(o), i, F.logsigmoid(f)

    def read(self, y, m, o):
        """Return o y / max(abs(nᵀq), e^{-m}); the last column of y is nᵀq.

        e^{-m} is kept within the dtype's range: if it were ∞, its gradient would be NaN; if it were 0, y would be 0 / 0
        where q is zero.
        """
        most = 0.9 * math.log(torch.finfo(m.dtype).max)
        least = (-m).clamp(-most, most).exp()[..., None]
        return (o * y[..., :-1] / torch.maximum(y[..., -1:].abs(), least)).flatten(-2)

    def parallel(self, u, state):
        """Read all steps; the running maximum comes first, by one cumulative maximum."""
        q, k, v, o, i, log_f = self.split(u)
        C, m_0 = state
        since = log_f.cumsum(0)
        m = since + torch.maximum(m_0, (i - since).cummax(0).values)
        log_a = log_f + torch.cat([m_0[None], m[:-1]]) - m
        y, C = read_chunks(q, k * (i - m).exp()[..., None], v, log_a[..., None], C)
        return self.read(y, m, o), (C, m[-1].clone())

    def one_step(self, u_t, state):
        """Read one step."""
        q, k, v, o, i, log_f = self.split(u_t)
        C, m_prev = state
        m = torch.maximum(log_f + m_prev, i)
        f, i = torch.exp(log_f + m_prev - m), torch.exp(i - m)
        pair = (i[..., None] * k)[..., None] * v[..., None, :]
        C = f[..., None, None] * C + pair  # eq-state-space-mlstm
        return self.read((q[..., None] * C).sum(-2), m, o), (C, m)
