"""DeltaNet: a matrix state that first takes away what a key held, and then writes the new value there.

::

    S_t = (I - β_t k_t k_tᵀ) S_{t-1} + β_t k_t v_tᵀ = S_{t-1} + k_t u_tᵀ,    u_t = β_t (v_t - S_{t-1}ᵀ k_t)

The second form is linear attention with u for v, and u_t depends on the earlier u alone. Inside a chunk that is one
triangular system (I + A) U = β (V - K S), with A_ts = β_t k_tᵀk_s for s < t: solved at once, it makes the parallel
form of a recurrence whose factors are matrices. A scan over those matrices would cost K³ per step.
"""

from functools import partial

import torch
import torch.nn.functional as F
from torch import nn

from rnnbook.errors import check_flag
from rnnbook.in_torch.scan.diagonal import log_uniform_
from rnnbook.in_torch.scan.matrix import CHUNK, MatrixState, read_chunk


def solve_chunk(k, v, beta, log_a, S):
    """Return u (C, ..., V): what each of C steps writes under its key.

    ``S (..., K, V)``: the state before them.
    """
    since = log_a.cumsum(0)
    decay = (since[:, None] - since[None])[..., 0]  # (C, C, ...)
    # with steps as the last axis but one
    moved = k, v, beta, decay.movedim(1, -1)
    k, v, beta, decay = (x.movedim(0, -2) for x in moved)
    earlier = torch.ones_like(decay, dtype=torch.bool).tril(-1)
    decay = decay.masked_fill(~earlier, -torch.inf)
    A = beta * (k @ k.mT) * decay.exp()
    left = v - since.movedim(0, -2).exp() * (k @ S)
    unit_lower = {"upper": False, "unitriangular": True}
    solve = partial(torch.linalg.solve_triangular, **unit_lower)
    wide = torch.promote_types(v.dtype, torch.float32)  # no solver takes less
    A, right = A.to(wide), (beta * left).to(wide)
    u = solve(A, right)  # eq-state-space-delta-chunk
    return u.movedim(-2, 0).to(v.dtype)


def unit(x):
    """Return x / √(xᵀx), along the last axis; zero where x is, in half precision too."""
    return F.normalize(x, dim=-1, eps=max(1e-12, torch.finfo(x.dtype).tiny))


class DeltaNet(MatrixState):
    """The delta rule: S_t = α_t (I - β_t k_t k_tᵀ) S_{t-1} + β_t k_t v_tᵀ, y_t = S_tᵀ q_t / √K; k and q of length 1.

    β_t = σ(·) is between 0 and 1. With ``allow_neg_eigval`` it is twice that: the factor along k_t, 1 - β_t, is then
    between -1 and 1, and the layer can flip a sign. α_t is 1, or with ``gated`` between 0 and 1:
    log α_t = -e^a softplus(·), a and the bias starting as Mamba's. The blocks of ``weight_ih`` are q, k, v (H rows
    each), β (heads) and with ``gated`` the pre-activation of α (heads). The state is S (B, heads, K, V).
    Sources: Schlag et al. (2021); the parallel form: Yang et al. (2024); negative eigenvalues: Grazzi et al. (2025).
    """

    def __init__(self, input_size, hidden_size, bias=True, device=None, dtype=None, *, heads=1,
                 allow_neg_eigval=False, gated=False):  # fmt: skip
        self_gated = check_flag("gated", gated)
        super().__init__(input_size, hidden_size, 3, 1 + self_gated, bias, device, dtype, heads)
        self.allow_neg_eigval, self.gated = check_flag("allow_neg_eigval", allow_neg_eigval), self_gated
        self.state_shape = (self.heads, self.head_size, self.head_size)
        if gated:
            self.a_log, self.gate_bias = (
                nn.Parameter(torch.empty(self.heads, device=device, dtype=dtype)) for _ in range(2)
            )
        self.reset_parameters()

    def reset_parameters(self):
        """Draw the projection, and the gate as the authors of Mamba-2 do."""
        super().reset_parameters()
        if self.gated:
            with torch.no_grad():
                self.a_log.uniform_(1, 16).log_()
                self.gate_bias.copy_(log_uniform_(self.gate_bias, 1e-3, 1e-1).expm1().log())

    def split(self, u):
        """Return q / √K, k, v, β and log α, the last two (..., heads, 1)."""
        H, heads = self.hidden_size, self.heads
        q, k, v, beta, *gate = u.split([H, H, H, heads] + [heads] * self.gated, -1)
        q, k, v, beta = (self.by_head(part) for part in (q, k, v, beta))
        beta = torch.sigmoid(beta) * (2 if self.allow_neg_eigval else 1)
        log_a = torch.zeros_like(beta)
        if self.gated:
            log_a = -(self.a_log.exp() * F.softplus(gate[0] + self.gate_bias))[..., None]
        return unit(q) * self.head_size**-0.5, unit(k), v, beta, log_a

    def parallel(self, u, state):
        """Read all steps, chunk by chunk."""
        ys = []
        for q, k, v, beta, log_a in zip(*(x.split(CHUNK) for x in self.split(u)), strict=True):
            written = solve_chunk(k, v, beta, log_a, state)
            y, state = read_chunk(q, k, written, log_a, state)
            ys.append(y)
        return torch.cat(ys).flatten(-2), state

    def one_step(self, u_t, state):
        """Read one step."""
        q, k, v, beta, log_a = self.split(u_t)
        state = log_a.exp()[..., None] * state
        held = (k[..., None] * state).sum(-2)
        write = (beta * (v - held))[..., None, :]
        state = state + k[..., None] * write  # eq-state-space-delta
        return (q[..., None] * state).sum(-2).flatten(-2), state

    def extra_repr(self):
        """Return the sizes, a bias that is left out, the heads, and the two options where chosen."""
        options = [f", {name}=True" for name in ("allow_neg_eigval", "gated") if getattr(self, name)]
        return super().extra_repr() + "".join(options)
