"""The basic recurrent network in NumPy: forward, and backpropagation through time.

::

    u_t = W_ih x_t + b_ih + b_hh        the input's part; for all steps at once
    a_t = u_t + W_hh h_{t-1}            plus the memory's part; has to wait for h_{t-1}
    h_t = φ(a_t)                        φ is tanh or relu

Source: Elman (1990), in the form and with the parameter names of ``torch.nn.RNN``.
"""

from typing import NamedTuple

import numpy as np

from rnnbook.errors import check_choice, check_size
from rnnbook.in_numpy import parameters, products, sequences
from rnnbook.in_numpy.checks import check_step_number, check_trace
from rnnbook.in_numpy.functions import relu


class RNNTrace(NamedTuple):
    """What ``forward`` stores for ``backward``."""

    x: np.ndarray  # (T, B, D)
    hs: np.ndarray  # (T + 1, B, H), the initial state first
    inside: np.ndarray | None  # (T, B, 1), True while a sequence lasts

    def tail(self, k):
        """Return the trace from step k on, as if ``forward`` had begun there; 0 ≤ k < T."""
        k = check_step_number("k", k, len(self.x))
        inside = None if self.inside is None else self.inside[k:]
        return RNNTrace(self.x[k:], self.hs[k:], inside)


class RNN:
    """A basic recurrent layer, read in one direction.

    ``params`` holds ``weight_ih (H, D)``, ``weight_hh (H, H)``, ``bias_ih (H,)`` and ``bias_hh (H,)``;
    without ``bias`` only the first two. They are drawn from U(-1/√H, 1/√H) with ``rng``, a Generator
    or a seed.
    Raises TypeError or ValueError, naming the argument, for a size below one, an unknown nonlinearity or
    dtype, or a bias that is neither True nor False.
    Source: Elman (1990); the equations of ``torch.nn.RNN``.
    """

    def __init__(self, input_size, hidden_size, *, nonlinearity="tanh", bias=True, dtype=np.float32, rng=None):
        self.input_size = check_size("input_size", input_size)
        self.hidden_size = check_size("hidden_size", hidden_size)
        check_choice("nonlinearity", nonlinearity, ("tanh", "relu"))
        self.nonlinearity = nonlinearity
        self.params = parameters.initial_parameters(1, self.input_size, self.hidden_size, bias, dtype, rng)

    def forward(self, x, state=None, lengths=None):
        """Read x (T, B, D) from the state h (B, H); zeros if none is given.

        Returns h after every step (T, B, H), the last h (B, H), and the trace that
        ``backward`` needs. With ``lengths (B,)`` a sequence's outputs are zero past its
        end and its state stays as it was there. Raises TypeError or ValueError,
        naming the array, if x, state or lengths do not fit the layer.
        """
        W_ih, W_hh = self.params["weight_ih"], self.params["weight_hh"]
        b_ih, b_hh = parameters.bias_of(self.params)
        x, inside = sequences.check_sequences(x, lengths, self.input_size, W_ih.dtype)
        T, B, D = x.shape
        h = sequences.check_state("state", state, B, self.hidden_size, W_ih.dtype)
        phi = np.tanh if self.nonlinearity == "tanh" else relu

        u = x.reshape(T * B, D) @ W_ih.T + (b_ih + b_hh)  # eq-rnn-input
        u = u.reshape(T, B, -1)
        hs = np.empty((T + 1, B, self.hidden_size), x.dtype)
        hs[0] = h
        W_hh = products.laid_out(W_hh, T)
        for t in range(T):
            a = u[t] + h @ W_hh.T  # eq-rnn-preactivation
            h = phi(a)  # eq-rnn-hidden
            if inside is not None:
                h = np.where(inside[t], h, hs[t])  # its state stays past its end
            hs[t + 1] = h
        return sequences.outputs(hs, inside), h, RNNTrace(x, hs, inside)

    def backward(self, dhs, trace, dstate=None):
        """Carry the loss's gradient dhs (T, B, H) back through time.

        dhs holds the gradient with respect to every output; ``dstate (B, H)``, the
        gradient with respect to the last state, is zero unless given. Returns dx (T, B,
        D), the gradient with respect to the initial state (B, H), and ``grads``, a dict
        with the keys and shapes of ``params``. Raises TypeError or ValueError, naming
        the argument, if dhs, trace or dstate do not fit the layer.
        """
        x, hs, inside = check_trace(trace, RNNTrace, self)
        W_ih, W_hh = self.params["weight_ih"], self.params["weight_hh"]
        T, B, H = hs[1:].shape
        dhs = sequences.check_output_gradient(dhs, T, B, H, x.dtype, inside)
        dh_next = sequences.check_state("dstate", dstate, B, H, x.dtype)

        h = hs[1:]
        phi_prime = 1 - h**2 if self.nonlinearity == "tanh" else np.sign(h)
        da = np.empty_like(h)
        for t in reversed(range(T)):
            dh = dhs[t] + dh_next  # eq-rnn-back-hidden
            da[t] = phi_prime[t] * dh  # eq-rnn-back-preactivation
            dh_prev = da[t] @ W_hh  # eq-rnn-back-state
            if inside is not None:  # a kept state passes its gradient on unchanged
                da[t] = np.where(inside[t], da[t], 0)
                dh_prev = np.where(inside[t], dh_prev, dh_next)
            dh_next = dh_prev

        da, h_prev = da.reshape(T * B, H), hs[:-1].reshape(T * B, H)
        dx = (da @ W_ih).reshape(x.shape)  # eq-rnn-back-x
        dW_ih, dW_hh = da.T @ x.reshape(T * B, -1), da.T @ h_prev  # eq-rnn-back-weights
        grads = {"weight_ih": dW_ih, "weight_hh": dW_hh}
        if "bias_ih" in self.params:
            grads["bias_ih"] = da.sum(axis=0)  # eq-rnn-back-bias
            grads["bias_hh"] = grads["bias_ih"].copy()
        return dx, dh_next, grads

    def step(self, x_t, state=None):
        """Read one step x_t (B, D) of a stream; returns h (B, H) and the new state, which is h again."""
        x = sequences.check_step(x_t, self.input_size, self.params["weight_ih"].dtype)
        outputs, h, _ = self.forward(x, state)
        return outputs[0], h

    def state_dict(self):
        """Return copies of the parameters under the names of ``torch.nn.RNN``."""
        return parameters.state_dict(self.params)

    def load_state_dict(self, state):
        """Take every parameter from ``state``, under ``torch.nn.RNN``'s names, or none if one is wrong."""
        parameters.load_state_dict(self.params, state)
