"""minGRU and minLSTM: recurrences whose gates do not look at h, so that the loop over time can be broken.

::

    h_t = a_t * h_{t-1} + b_t           a_t and b_t come from x_t alone

Four ways to compute it, each ``scan(a, b, h)`` with a, b (T, B, H) and the state h (B, H):

::

    sequential     T steps, one after the other
    chunked        about 3√T steps: all chunks of √T steps at once, then from chunk to chunk; the default
    hillis_steele  log₂ T rounds over the whole sequence, each doubling the reach
    log_space      cumulative sums of logarithms, the paper's form; only for numbers above zero

The gradient of the first three is the same recurrence read from the end, by the same scan; that of ``log_space``
is autograd's. In float32 the first three stay within 1e-5 of float64, relative to the largest value, at T = 4096; the
gradient of ``log_space`` is wrong by up to a tenth there, since it subtracts sums that grow with T.
Source: Feng et al. (2024); Hillis & Steele (1986); the log-space form: Heinsen (2023).
"""

import math
from functools import wraps

import torch
import torch.nn.functional as F
from torch import nn

from rnnbook.errors import check_choice, check_flag, check_shape, check_size
from rnnbook.in_torch.by_hand import are_batched


class _Scan(torch.autograd.Function):
    """h_t = a_t h_{t-1} + b_t by one of the scans; its gradient is the same recurrence from the end."""

    @staticmethod
    def forward(scan, a, b, h):
        return scan(a, b, h)

    @staticmethod
    def setup_context(ctx, inputs, output):
        ctx.scan, a, _, h = inputs
        ctx.save_for_backward(a, output, h)
        ctx.save_for_forward(a, output, h)

    @staticmethod
    def backward(ctx, dhs):
        a, hs, h = ctx.saved_tensors
        # nothing comes from beyond the last step
        a_next = torch.cat([a[1:], torch.zeros_like(a[:1])])
        h_prev = torch.cat([h[None], hs[:-1]])
        from_the_end = a_next.flip(0), dhs.flip(0), torch.zeros_like(h)
        if are_batched((dhs,)):  # many gradients at once, which the scans, writing into memory, cannot read
            db = _one_by_one(*from_the_end).flip(0)
        else:
            db = _Scan.apply(ctx.scan, *from_the_end).flip(0)  # eq-parallel-back
        return None, db * h_prev, db, a[0] * db[0]  # eq-parallel-back-parts

    @staticmethod
    def jvp(ctx, _, da, db, dh):
        """The derivative along da, db, dh is the same recurrence, which reads da * h_prev + db."""
        a, hs, h = ctx.saved_tensors
        reads = da * torch.cat([h[None], hs[:-1]]) + db
        return _Scan.apply(ctx.scan, a, reads, dh)

    @staticmethod
    def vmap(info, in_dims, scan, a, b, h):
        """Many at once are one with another axis: all is done number by number."""
        moved = []
        for x, dim, place in zip((a, b, h), in_dims[1:], (1, 1, 0), strict=True):
            x = x.unsqueeze(place) if dim is None else x.movedim(dim, place)
            moved.append(x.expand(*x.shape[:place], info.batch_size, *x.shape[place + 1 :]))
        return _Scan.apply(scan, *moved), 1


def _one_by_one(a, b, h):
    hs = []
    for a_t, b_t in zip(a, b, strict=True):
        hs.append(h := a_t * h + b_t)
    return torch.stack(hs)


def with_gradient(scan):
    """Return the scan as a function whose gradient is found by the same scan, not by going back through its steps.

    An exported program holds the operations alone: there it is the scan whose operations autograd can differentiate.
    """

    @wraps(scan)
    def run(a, b, h):
        if torch.compiler.is_exporting():
            return hillis_steele.__wrapped__(a, b, h)
        return _Scan.apply(scan, a, b, h)

    return run


@with_gradient
def sequential(a, b, h):
    """Return h after every step (T, B, H), computed one step after the other."""
    hs = torch.empty_like(b)
    for a_t, b_t, h_t in zip(a, b, hs, strict=True):
        h = torch.addcmul(b_t, a_t, h, out=h_t)
    return hs


@with_gradient
def chunked(a, b, h):
    """Return h after every step (T, B, H), in chunks of √T steps, side by side.

    First every chunk begins at zero, which tells what it adds and what it leaves of
    its beginning; then the beginnings go from chunk to chunk; then every chunk goes
    its way again, from where it does begin.
    """
    K = math.isqrt(len(a))  # steps in a chunk
    whole = len(a) // K * K
    hs = torch.empty_like(b)
    # the steps k of all chunks, (chunks, B, H) each
    a_k, b_k, h_k = (x[:whole].unflatten(0, (-1, K)).unbind(1) for x in (a, b, hs))
    added, left = b_k[0], a_k[0]
    for a_t, b_t in zip(a_k[1:], b_k[1:], strict=True):
        added, left = torch.addcmul(b_t, a_t, added), a_t * left
    first = [h]
    for left_c, added_c in zip(left, added, strict=True):
        first.append(torch.addcmul(added_c, left_c, first[-1]))
    *first, h = first
    state = torch.stack(first)
    for a_t, b_t, h_t in zip(a_k, b_k, h_k, strict=True):
        state = torch.addcmul(b_t, a_t, state, out=h_t)
    for a_t, b_t, h_t in zip(a[whole:], b[whole:], hs[whole:], strict=True):
        h = torch.addcmul(b_t, a_t, h, out=h_t)
    return hs


@with_gradient
def hillis_steele(a, b, h):
    """Return h after every step (T, B, H), in log₂ T rounds of doubled reach."""
    b = torch.cat([(a[0] * h + b[0])[None], b[1:]])
    reach = 1
    while reach < len(a):
        merged = a[reach:] * b[:-reach] + b[reach:]  # eq-parallel-merge
        b = torch.cat([b[:reach], merged])
        a = torch.cat([a[:reach], a[reach:] * a[:-reach]])
        reach *= 2
    return b


def log_space(log_a, log_b, h):
    """Return h after every step (T, B, H) from log a, log b and h (None: zero)."""
    sums = log_a.cumsum(0)
    if h is None:
        return (sums + (log_b - sums).logcumsumexp(0)).exp()
    logs = torch.cat([h.log()[None], log_b - sums])
    return (sums + logs.logcumsumexp(0)[1:]).exp()  # eq-parallel-log-space


SCANS = {"sequential": sequential, "chunked": chunked, "hillis_steele": hillis_steele, "log_space": log_space}


def positive(x):
    """Return g(x) = x + 1/2 where x is at least zero, σ(x) elsewhere: smooth, rising, above zero."""
    return torch.where(x >= 0, x + 0.5, torch.sigmoid(x))


class _MinLayer(nn.Module):
    """What both layers share: h_t = (1 - z_t) * h_{t-1} + z_t * g(n_t), z_t = σ(k_t), with k and n from x alone."""

    blocks = 2  # of hidden_size rows in weight_ih

    def __init__(self, input_size, hidden_size, bias=True, device=None, dtype=None, *, scan="chunked"):
        super().__init__()
        check_choice("scan", scan, tuple(SCANS))
        self.input_size, self.hidden_size = check_size("input_size", input_size), check_size("hidden_size", hidden_size)
        self.scan = scan
        rows = self.blocks * hidden_size
        self.weight_ih = nn.Parameter(torch.empty(rows, input_size, device=device, dtype=dtype))
        self.register_parameter(
            "bias_ih",
            nn.Parameter(torch.empty(rows, device=device, dtype=dtype)) if check_flag("bias", bias) else None,
        )
        self.reset_parameters()

    def reset_parameters(self):
        """Draw every parameter from U(-1/√H, 1/√H)."""
        bound = 1 / math.sqrt(self.hidden_size)
        for parameter in self.parameters():
            nn.init.uniform_(parameter, -bound, bound)

    def extra_repr(self):
        """Return the sizes, a bias that is left out, and the scan."""
        bias = "" if self.bias_ih is not None else ", bias=False"
        return f"{self.input_size}, {self.hidden_size}{bias}, scan={self.scan}"

    def forward(self, x, h=None):
        """Read x (T, B, D) from the state h (B, H), above zero; zero where not given.

        Returns h after every step (T, B, H) and the last h (B, H), which has no axis
        of layers: there is one, and one direction. Raises ValueError where x or h
        does not fit.
        """
        check_shape("x", x, ("T", "B", self.input_size))
        if h is not None:
            check_shape("h", h, (x.size(1), self.hidden_size))
        k, n = self._gate(F.linear(x, self.weight_ih, self.bias_ih))
        if self.scan == "log_space":
            log_g = torch.where(n >= 0, (F.relu(n) + 0.5).log(), -F.softplus(-n))
            hs = log_space(-F.softplus(k), log_g - F.softplus(-k), h)
        else:
            h = x.new_zeros(x.size(1), self.hidden_size) if h is None else h
            z = torch.sigmoid(k)
            a, b = torch.sigmoid(-k), z * positive(n)  # eq-parallel-mingru
            hs = SCANS[self.scan](a, b, h)
        return hs, hs[-1]

    def step(self, x_t, h=None):
        """Read one step x_t (B, D) of a stream from the state h (B, H); returns the new h (B, H), as a cell does."""
        return self(x_t[None], h)[1]


class MinGRU(_MinLayer):
    """The GRU without its reset gate, whose update gate looks at x alone.

    Blocks z, n in ``weight_ih (2H, D)``; ``scan`` is one of ``SCANS``. Unlike
    ``GRU``, one layer in one direction: it reads (T, B, D) alone, and its state
    is h (B, H), as a cell's is.
    Source: Feng et al. (2024), in the form with h above zero.
    """

    def _gate(self, u):
        return u.chunk(2, dim=-1)


class MinLSTM(_MinLayer):
    """The LSTM without output gate, whose f and i look at x alone and sum to 1.

    Blocks f, i, n in ``weight_ih (3H, D)``; ``scan`` is one of ``SCANS``. Unlike
    ``LSTM``, one layer in one direction: it reads (T, B, D) alone, and its state
    is h (B, H) without a carry, as a ``GRUCell``'s is.
    Source: Feng et al. (2024), in the form with h above zero.
    """

    blocks = 3

    def _gate(self, u):
        f, i, n = u.chunk(3, dim=-1)
        k = F.softplus(-f) - F.softplus(-i)  # log i - log f: σ(k) is i / (f + i)
        return k, n  # eq-parallel-minlstm
