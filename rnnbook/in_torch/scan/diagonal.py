"""State-space layers: a linear recurrence with one factor for each number of the state, and a linear read-out.

::

    LRU         h_t = λ h_{t-1} + γ B x_t                       λ complex, learned, the same at every step
    S4D         h_t = e^{ΔA} h_{t-1} + (e^{ΔA} - 1)/A u_t       λ = e^{ΔA}: a differential equation, sampled
    Selective   h_t = e^{Δ_t A} h_{t-1} + Δ_t B_t u_t           Δ_t, B_t and C_t from x_t

The gates, convolutions and normalisations around the recurrence in a published block are not part of these layers. The
parallel form is the associative scan: the state is as large as what it is computed from, so nothing is wasted.
"""

import math

import torch
import torch.nn.functional as F
from torch import nn

from rnnbook.errors import check_choice, check_size
from rnnbook.in_torch.scan.mixer import Mixer, sizes
from rnnbook.in_torch.scan.scans import SCANS

ANY_NUMBERS = ("sequential", "chunked", "hillis_steele")  # log_space needs positive ones


class Diagonal(Mixer):
    """A layer whose state is scanned number by number; ``scan`` is one of ``ANY_NUMBERS``.

    A subclass has ``factors(u)``, the a and b of h_t = a h_{t-1} + b, and ``read(h, u)``.
    """

    def __init__(self, input_size, hidden_size, rows, bias, device, dtype, scan):
        check_choice("scan", scan, ANY_NUMBERS)
        super().__init__(input_size, hidden_size, rows, bias, device, dtype)
        self.scan = scan

    def parallel(self, u, state):
        """Read all steps, by the scan."""
        a, b = self.factors(u)
        hs = SCANS[self.scan](a.expand_as(b), b, state)  # eq-state-space-recurrence
        return self.read(hs, u), hs[-1].clone()  # a copy, so that hs can be freed

    def one_step(self, u_t, state):
        """Read one step, by the equation."""
        a, b = self.factors(u_t)
        h = a * state + b
        return self.read(h, u_t), h

    def extra_repr(self):
        """Return the sizes, a missing bias, and the scan."""
        return f"{super().extra_repr()}, scan={self.scan}"


def log_uniform_(x, low, high):
    """Fill x with numbers whose logarithm is uniform between those of ``low`` and ``high``; return it."""
    return x.uniform_(math.log(low), math.log(high)).exp_()


class LRU(Diagonal):
    """The linear recurrent unit: h_t = λ h_{t-1} + γ B x_t, y_t = Re(C h_t) + D x_t + b_ih.

    Its state is h (B, H), complex. λ = exp(-e^ν + i e^θ) lies inside the unit circle whatever ν and θ are. The blocks
    of ``weight_ih (3H, D)`` are D, and the real and the imaginary part of B. Starts: abs(λ)² even between 0 and 1, the
    phase even between 0 and 2π, γ = √(1 - abs(λ)²), so that every unit begins with about the same variance.
    Source: Orvieto et al. (2023).
    """

    is_complex = True

    def __init__(self, input_size, hidden_size, bias=True, device=None, dtype=None, *, scan="chunked"):
        D, H = sizes(input_size, hidden_size)
        super().__init__(D, H, 3 * H, bias, device, dtype, scan)
        self.state_shape = (H,)
        where = {"device": device, "dtype": dtype}
        self.nu, self.theta, self.gamma_log = (nn.Parameter(torch.empty(H, **where)) for _ in range(3))
        self.C = nn.Parameter(torch.empty(2, H, H, **where))  # a real and an imaginary part
        self.reset_parameters()

    def reset_parameters(self):
        """Draw everything as the authors do; the bias, which they do not have, is zero."""
        super().reset_parameters()
        H, D = self.hidden_size, self.input_size
        with torch.no_grad():
            squared = torch.rand_like(self.nu).clamp(1e-6, 1 - 1e-6)
            self.nu.copy_((-0.5 * squared.log()).log())
            self.theta.copy_((2 * math.pi * torch.rand_like(self.theta)).clamp(min=1e-6).log())
            self.gamma_log.copy_(0.5 * torch.log1p(-squared))
            self.weight_ih[H:].normal_(std=(2 * D) ** -0.5)
            self.C.normal_(std=H**-0.5)

    def factors(self, u):
        """Return λ (H,) and γ B x."""
        exponent = torch.complex(-self.nu.exp(), self.theta.exp())
        a = torch.exp(exponent)  # eq-state-space-lru
        # under autocast u may be bfloat16, which torch.complex does not take
        _, real, imaginary = u.to(self.nu.dtype).chunk(3, -1)
        return a, self.gamma_log.exp() * torch.complex(real, imaginary)

    def read(self, h, u):
        """Return y (..., H)."""
        real, imaginary = self.C
        return F.linear(h.real, real) - F.linear(h.imag, imaginary) + u.chunk(3, -1)[0]


class S4D(Diagonal):
    """The diagonal state-space layer: for each of H channels a differential equation h' = A h + u, sampled every Δ.

    u = W_ih x + b_ih; h_t = e^{ΔA} h_{t-1} + (e^{ΔA} - 1)/A u_t, exact for an input that is held during a step (zero
    order hold); y_t = 2 Re(C h_t) + D u_t. The state is h (B, H, N/2), complex: one of each pair of conjugates, hence
    the 2. Starts (S4D-Lin): A_n = -1/2 + iπn, Δ log-uniform between 0.001 and 0.1, C normal.
    Source: Gu et al. (2022).
    """

    is_complex = True

    def __init__(self, input_size, hidden_size, bias=True, device=None, dtype=None, *, d_state=16, scan="chunked"):
        D, H = sizes(input_size, hidden_size)
        if check_size("d_state", d_state) % 2:
            raise ValueError(f"d_state should be even, since it counts pairs of conjugates, but is {d_state}")
        super().__init__(D, H, H, bias, device, dtype, scan)
        self.d_state, self.state_shape = d_state, (H, d_state // 2)
        where = {"device": device, "dtype": dtype}
        self.A_log, self.A_imag = (nn.Parameter(torch.empty(H, d_state // 2, **where)) for _ in range(2))
        self.delta_log, self.D = (nn.Parameter(torch.empty(H, **where)) for _ in range(2))
        self.C = nn.Parameter(torch.empty(2, H, d_state // 2, **where))  # a real and an imaginary part
        self.reset_parameters()

    def reset_parameters(self):
        """Draw everything as the authors do."""
        super().reset_parameters()
        with torch.no_grad():
            self.A_log.fill_(math.log(0.5))
            self.A_imag.copy_(math.pi * torch.arange(self.d_state // 2))
            self.delta_log.copy_(log_uniform_(self.delta_log, 1e-3, 1e-1).log())
            self.C.normal_(std=0.5**0.5)
            self.D.normal_()

    def factors(self, u):
        """Return e^{ΔA} (H, N/2) and (e^{ΔA} - 1)/A u."""
        A = torch.complex(-self.A_log.exp(), self.A_imag)
        a = torch.exp(self.delta_log.exp()[:, None] * A)  # eq-state-space-zoh
        return a, (a - 1) / A * u[..., None]

    def read(self, h, u):
        """Return y (..., H)."""
        real, imaginary = self.C
        return 2 * (h.real * real - h.imag * imaginary).sum(-1) + self.D * u

    def extra_repr(self):
        """Return the sizes, a missing bias, the scan, and d_state."""
        return f"{super().extra_repr()}, d_state={self.d_state}"


class Selective(Diagonal):
    """The selective scan of Mamba: the step size Δ_t, and how the state is written and read, depend on the input.

    From x: u, Δ_t (H each), B_t, C_t (N each), the blocks of ``weight_ih (2H + 2N, D)``. h_t = e^{Δ_t A} h_{t-1} +
    Δ_t B_t u_t, with Euler's step for B as in the authors' code; y_t = C_t h_t + D u_t. The state is h (B, H, N), real.
    Mamba makes Δ_t by a matrix of low rank; here it has full rank. Starts: A_n = -n for n = 1 … N, the bias of Δ such
    that softplus(bias) is log-uniform between 0.001 and 0.1, D = 1.
    Source: Gu & Dao (2023).
    """

    def __init__(self, input_size, hidden_size, bias=True, device=None, dtype=None, *, d_state=16, scan="chunked"):
        D, H = sizes(input_size, hidden_size)
        N = check_size("d_state", d_state)
        super().__init__(D, H, 2 * H + 2 * N, bias, device, dtype, scan)
        self.d_state, self.state_shape = N, (H, N)
        where = {"device": device, "dtype": dtype}
        self.A_log = nn.Parameter(torch.empty(H, N, **where))
        self.delta_bias, self.D = (nn.Parameter(torch.empty(H, **where)) for _ in range(2))
        self.reset_parameters()

    def reset_parameters(self):
        """Draw everything as the authors do."""
        super().reset_parameters()
        with torch.no_grad():
            self.A_log.copy_(torch.arange(1, self.d_state + 1).log())
            delta = log_uniform_(self.delta_bias, 1e-3, 1e-1)
            self.delta_bias.copy_(delta.expm1().log())  # the inverse of softplus
            self.D.fill_(1)

    def split(self, u):
        """Return u, the pre-activation of Δ, B and C."""
        H, N = self.state_shape
        return u.split([H, H, N, N], -1)

    def factors(self, u):
        """Return e^{Δ_t A} and Δ_t B_t u_t, (..., H, N) each."""
        u, delta, B, _ = self.split(u)
        delta = F.softplus(delta + self.delta_bias)
        a = torch.exp(delta[..., None] * -self.A_log.exp())  # eq-state-space-selective
        return a, (delta * u)[..., None] * B[..., None, :]

    def read(self, h, u):
        """Return y (..., H)."""
        u, _, _, C = self.split(u)
        return (h * C[..., None, :]).sum(-1) + self.D * u

    def extra_repr(self):
        """Return the sizes, a missing bias, the scan, and d_state."""
        return f"{super().extra_repr()}, d_state={self.d_state}"
