"""The LSTM in NumPy: forward, and backpropagation through time.

::

    u_t = W_ih x_t + b_ih + b_hh        the input's part; for all steps at once
    a_t = u_t + W_hh h_{t-1}            plus the memory's part; four blocks: a_i, a_f, a_g, a_o
    i_t = σ(a_i)   f_t = σ(a_f)   g_t = tanh(a_g)   o_t = σ(a_o)
    c_t = f_t * c_{t-1} + i_t * g_t     the carry: f keeps, i writes
    h_t = o_t * tanh(c_t)               the state: as much of the carry as o shows

Source: Hochreiter & Schmidhuber (1997); the forget gate: Gers, Schmidhuber & Cummins (2000); the peephole:
Gers & Schmidhuber (2000). The form, the parameters' names and the blocks' order are ``torch.nn.LSTM``'s.
"""

from typing import NamedTuple

import numpy as np

from rnnbook.errors import check_flag, check_size
from rnnbook.in_numpy import parameters, products, sequences
from rnnbook.in_numpy.checks import check_step_number, check_trace
from rnnbook.in_numpy.functions import sigmoid


class LSTMTrace(NamedTuple):
    """What ``forward`` stores for ``backward``."""

    x: np.ndarray  # (T, B, D)
    hs: np.ndarray  # (T + 1, B, H), the initial state first
    cs: np.ndarray  # (T + 1, B, H), the initial carry first
    tanh_cs: np.ndarray  # (T, B, H)
    gates: np.ndarray  # (4, T, B, H): i, f, g, o
    inside: np.ndarray | None  # (T, B, 1), True while a sequence lasts

    def tail(self, k):
        """Return the trace from step k on, as if ``forward`` had begun there; 0 ≤ k < T."""
        k = check_step_number("k", k, len(self.x))
        inside = None if self.inside is None else self.inside[k:]
        return LSTMTrace(self.x[k:], self.hs[k:], self.cs[k:], self.tanh_cs[k:], self.gates[:, k:], inside)


class LSTM:
    """A layer of long short-term memory, read in one direction.

    ``params`` holds ``weight_ih (4H, D)``, ``weight_hh (4H, H)``, ``bias_ih (4H,)`` and ``bias_hh (4H,)``,
    in blocks i, f, g, o; without ``bias`` only the first two; with ``peephole`` also ``weight_peephole
    (3H,)``, in blocks i, f, o. They are drawn from U(-1/√H, 1/√H) with ``rng``, a Generator
    or a seed.
    Raises TypeError or ValueError, naming the argument, for a size below one, an unknown dtype or a flag
    that is neither True nor False.
    Source: Hochreiter & Schmidhuber (1997), Gers et al. (2000); the equations of ``torch.nn.LSTM``.
    """

    def __init__(self, input_size, hidden_size, *, peephole=False, bias=True, dtype=np.float32, rng=None):
        self.input_size = check_size("input_size", input_size)
        self.hidden_size = check_size("hidden_size", hidden_size)
        self.peephole = check_flag("peephole", peephole)
        sizes = self.input_size, self.hidden_size
        self.params = parameters.initial_parameters(4, *sizes, bias, dtype, rng, self.peephole)

    def forward(self, x, state=None, lengths=None):
        """Read x (T, B, D) from the state (h, c), each (B, H); zeros if none is
        given.

        Returns h after every step (T, B, H), the last (h, c), and the trace that
        ``backward`` needs. With ``lengths (B,)`` a sequence's outputs are zero past its
        end and its state stays as it was there. Raises TypeError or ValueError,
        naming the array, if x, state or lengths do not fit the layer.
        """
        W_ih, W_hh, b_ih, b_hh = products.by_gate(self.params, 4)
        x, inside = sequences.check_sequences(x, lengths, self.input_size, W_ih.dtype)
        T, B, _ = x.shape
        H = self.hidden_size
        h, c = sequences.check_state_pair("state", state, B, H, W_ih.dtype)
        if self.peephole:
            p_i, p_f, p_o = self.params["weight_peephole"].reshape(3, -1)

        gates = products.from_input(x, W_ih, b_ih + b_hh)  # eq-lstm-from-input
        hs, cs = np.empty((2, T + 1, B, self.hidden_size), x.dtype)
        tanh_cs = np.empty_like(hs[1:])
        hs[0], cs[0] = h, c
        W_hh = products.laid_out(W_hh, T)
        for t in range(T):
            gates[:, t] += h @ W_hh.mT  # eq-lstm-preactivation
            i, f, g, o = gates[:, t]  # each starts as its a and becomes the gate
            if self.peephole:
                i += p_i * c  # eq-lstm-peephole-input
                f += p_f * c  # eq-lstm-peephole-forget
            i[:] = sigmoid(i)  # eq-lstm-input
            f[:] = sigmoid(f)  # eq-lstm-forget
            g[:] = np.tanh(g)  # eq-lstm-candidate
            c = f * c + i * g  # eq-lstm-carry
            if self.peephole:
                o += p_o * c  # eq-lstm-peephole-output
            o[:] = sigmoid(o)  # eq-lstm-output
            tanh_c = np.tanh(c, out=tanh_cs[t])
            h = o * tanh_c  # eq-lstm-hidden
            if inside is not None:  # past its end a sequence keeps its state
                h, c = np.where(inside[t], h, hs[t]), np.where(inside[t], c, cs[t])
            hs[t + 1], cs[t + 1] = h, c
        trace = LSTMTrace(x, hs, cs, tanh_cs, gates, inside)
        return sequences.outputs(hs, inside), (h, c), trace

    def backward(self, dhs, trace, dstate=None):
        """Carry the loss's gradient dhs (T, B, H) back through time.

        dhs holds the gradient with respect to every output; ``dstate``, the gradient
        with respect to the last (h, c), is zero unless given. Returns dx (T, B, D), the
        gradient with respect to the initial (h, c), and ``grads``, a dict with the keys
        and shapes of ``params``. Raises TypeError or ValueError, naming the argument,
        if dhs, trace or dstate do not fit the layer.
        """
        x, hs, cs, tanh_cs, gates, inside = check_trace(trace, LSTMTrace, self)
        W_ih, W_hh, _, _ = products.by_gate(self.params, 4)
        T, B, H = tanh_cs.shape
        dhs = sequences.check_output_gradient(dhs, T, B, H, x.dtype, inside)
        dh_next, dc_next = sequences.check_state_pair("dstate", dstate, B, H, x.dtype)
        if self.peephole:
            p_i, p_f, p_o = self.params["weight_peephole"].reshape(3, -1)

        das = np.empty_like(gates)
        for t in reversed(range(T)):
            i, f, g, o = gates[:, t]
            da_i, da_f, da_g, da_o = das[:, t]
            dh = dhs[t] + dh_next  # eq-lstm-back-hidden
            da_o[:] = dh * tanh_cs[t] * o * (1 - o)  # eq-lstm-back-output
            dc = dc_next + dh * o * (1 - tanh_cs[t] ** 2)  # eq-lstm-back-carry
            if self.peephole:
                dc += p_o * da_o  # eq-lstm-peephole-back-carry
            da_i[:] = dc * g * i * (1 - i)  # eq-lstm-back-input
            da_f[:] = dc * cs[t] * f * (1 - f)  # eq-lstm-back-forget
            da_g[:] = dc * i * (1 - g**2)  # eq-lstm-back-candidate
            dc_prev = dc * f  # eq-lstm-back-carry-next
            if self.peephole:
                dc_prev += p_i * da_i + p_f * da_f  # eq-lstm-peephole-back-carry-next
            dh_prev = products.back_through(das[:, t], W_hh)  # eq-lstm-back-state
            if inside is not None:  # a kept state passes its gradient on unchanged
                das[:, t] = np.where(inside[t], das[:, t], 0)
                dh_prev, dc_prev = (
                    np.where(inside[t], dh_prev, dh_next),
                    np.where(inside[t], dc_prev, dc_next),
                )
            dh_next, dc_next = dh_prev, dc_prev

        dx = products.back_through(das, W_ih)  # eq-lstm-back-x
        weights = products.gradient_of_weights
        dW_ih, dW_hh = weights(das, x), weights(das, hs[:-1])  # eq-lstm-back-weights
        grads = {"weight_ih": dW_ih, "weight_hh": dW_hh}
        if "bias_ih" in self.params:
            grads["bias_ih"] = products.gradient_of_bias(das)  # eq-lstm-back-bias
            grads["bias_hh"] = grads["bias_ih"].copy()
        if self.peephole:
            seen = np.stack([cs[:-1], cs[:-1], cs[1:]])
            dp = das[[0, 1, 3]] * seen  # eq-lstm-peephole-back-weights
            grads["weight_peephole"] = dp.sum(axis=(1, 2)).reshape(-1)
        return dx, (dh_next, dc_next), grads

    def step(self, x_t, state=None):
        """Read one step x_t (B, D) of a stream; returns h (B, H) and the new state (h, c)."""
        x = sequences.check_step(x_t, self.input_size, self.params["weight_ih"].dtype)
        outputs, state, _ = self.forward(x, state)
        return outputs[0], state

    def state_dict(self):
        """Return copies of the parameters under the names of ``torch.nn.LSTM``."""
        return parameters.state_dict(self.params)

    def load_state_dict(self, state):
        """Take every parameter from ``state``, named as in ``torch.nn.LSTM``, or none if one is wrong."""
        parameters.load_state_dict(self.params, state)
