"""What the layers with their own kind of state share: an input projection, checks, and a state that is passed on."""

import torch
import torch.nn.functional as F
from torch import nn

from rnnbook.errors import check_flag, check_shape, check_size
from rnnbook.in_torch.arguments import check_tensor


class Mixer(nn.Module):
    """A layer whose output y_t is read from a state that is not y_t itself.

    A subclass gives the shape of its state for one sequence, ``state_shape``, and says whether it is complex. It has
    ``parallel(u, state)`` for all steps and ``one_step(u_t, state)`` for one, with u = W_ih x + b_ih; both return
    (y, state).
    """

    state_shape: tuple[int, ...]
    is_complex = False

    def __init__(self, input_size, hidden_size, rows, bias, device, dtype):
        super().__init__()
        self.input_size, self.hidden_size = input_size, hidden_size
        self.weight_ih = nn.Parameter(torch.empty(rows, input_size, device=device, dtype=dtype))
        self.check_dtype()
        bias = nn.Parameter(torch.empty(rows, device=device, dtype=dtype)) if check_flag("bias", bias) else None
        self.register_parameter("bias_ih", bias)

    def reset_parameters(self):
        """Draw the projection from U(-1/√D, 1/√D), as ``torch.nn.Linear`` does, and set its bias to zero."""
        bound = self.input_size**-0.5
        nn.init.uniform_(self.weight_ih, -bound, bound)
        if self.bias_ih is not None:
            nn.init.zeros_(self.bias_ih)

    def check_dtype(self):
        """Raise TypeError if the state is complex and PyTorch cannot compute with complex numbers of this precision."""
        dtype = self.weight_ih.dtype
        if self.is_complex and dtype not in (torch.float32, torch.float64):
            raise TypeError(f"dtype should be torch.float32 or torch.float64 for a complex state, but is {dtype}")

    @property
    def state_size(self):
        """The number of floats in the state of one sequence; a complex number is two."""
        return (2 if self.is_complex else 1) * torch.Size(self.state_shape).numel()

    def forward(self, x, state=None):
        """Read x (T, B, D) from a state, zero if not given; returns y (T, B, H) and the state after the last step.

        Raises TypeError or ValueError if x or the state does not fit.
        """
        check_fits("x", x, ("T", "B", self.input_size))
        return self.parallel(F.linear(x, self.weight_ih, self.bias_ih), self.start(x[0], state))

    def step(self, x_t, state=None):
        """Read one step x_t (B, D) of a stream from a state; returns y_t (B, H) and the new state."""
        check_fits("x_t", x_t, ("B", self.input_size))
        return self.one_step(F.linear(x_t, self.weight_ih, self.bias_ih), self.start(x_t, state))

    def start(self, x_t, state):
        """Return the given state, checked, or zeros for x_t (B, D), in the precision of the weights."""
        self.check_dtype()  # again, since a module can be moved to another dtype
        shape, dtype = (len(x_t), *self.state_shape), self.weight_ih.dtype
        if state is None:
            return x_t.new_zeros(shape, dtype=dtype.to_complex() if self.is_complex else dtype)
        check_fits("state", state, shape)
        return state

    def extra_repr(self):
        """Return the sizes, and a missing bias."""
        return f"{self.input_size}, {self.hidden_size}" + ("" if self.bias_ih is not None else ", bias=False")


def check_fits(name, value, shape):
    """Raise TypeError unless ``value`` is a tensor, ValueError unless it has this shape."""
    check_tensor(name, value)
    check_shape(name, value, shape)


def sizes(input_size, hidden_size):
    """Return both sizes, checked."""
    return check_size("input_size", input_size), check_size("hidden_size", hidden_size)
