"""minGRU and minLSTM: recurrences whose gates do not look at h, so that the loop over time can be broken.

Source: Feng et al. (2024).
"""

import math

import torch
import torch.nn.functional as F
from torch import nn

from rnnbook.errors import check_choice, check_flag, check_size
from rnnbook.in_torch.scan.mixer import check_fits
from rnnbook.in_torch.scan.scans import SCANS, log_space


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
        """Return the sizes, a missing bias, and the scan."""
        bias = "" if self.bias_ih is not None else ", bias=False"
        return f"{self.input_size}, {self.hidden_size}{bias}, scan={self.scan}"

    def forward(self, x, h=None):
        """Read x (T, B, D) from the state h (B, H), above zero; zero if not given.

        Returns h after every step (T, B, H) and the last h (B, H), which has no axis
        of layers: there is one, and one direction. Raises TypeError or ValueError if x
        or h does not fit.
        """
        check_fits("x", x, ("T", "B", self.input_size))
        if h is not None:
            check_fits("h", h, (x.size(1), self.hidden_size))
        k, n = self._gate(F.linear(x, self.weight_ih, self.bias_ih))
        if self.scan == "log_space":
            log_g = torch.where(n >= 0, (F.relu(n) + 0.5).log(), -F.softplus(-n))
            hs = log_space(-F.softplus(k), log_g - F.softplus(-k), h)
        else:
            h = x.new_zeros(x.size(1), self.hidden_size) if h is None else h
            z = torch.sigmoid(k)
            a, b = torch.sigmoid(-k), z * positive(n)  # eq-parallel-mingru
            hs = SCANS[self.scan](a, b, h)
        return hs, hs[-1].clone()  # a copy, so that hs can be freed

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
