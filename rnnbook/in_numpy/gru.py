"""The GRU in NumPy: forward, and backpropagation through time.

::

    u_t = W_ih x_t + b_ih                   the input's part; for all steps at once
    v_t = W_hh h_{t-1} + b_hh               the memory's part; like u_t in three blocks: r, z, n
    r_t = σ(u_r + v_r)   z_t = σ(u_z + v_z)
    n_t = tanh(u_n + r_t * v_n)             the candidate: r decides how much of the memory it sees
    h_t = (1 - z_t) * n_t + z_t * h_{t-1}   z keeps, 1 - z writes

Source: Cho et al. (2014), whose reset gate acts on h_{t-1} before the product (``reset_after=False``);
after it, as above, in cuDNN, Keras and ``torch.nn.GRU``, whose names and order of blocks these are.
"""

from typing import NamedTuple

import numpy as np

from rnnbook.errors import check_flag, check_size
from rnnbook.in_numpy import parameters, products, sequences
from rnnbook.in_numpy.checks import check_step_number, check_trace
from rnnbook.in_numpy.functions import sigmoid


class GRUTrace(NamedTuple):
    """What ``forward`` stores for ``backward``."""

    x: np.ndarray  # (T, B, D)
    hs: np.ndarray  # (T + 1, B, H), the initial state first
    gates: np.ndarray  # (3, T, B, H): r, z, n
    v_ns: np.ndarray  # (T, B, H), the memory's part of the candidate; unused without reset_after
    inside: np.ndarray | None  # (T, B, 1), True while a sequence lasts

    def tail(self, k):
        """Return the trace from step k on, as if ``forward`` had begun there; 0 ≤ k < T."""
        k = check_step_number("k", k, len(self.x))
        inside = None if self.inside is None else self.inside[k:]
        return GRUTrace(self.x[k:], self.hs[k:], self.gates[:, k:], self.v_ns[k:], inside)


class GRU:
    """A layer of gated recurrent units, read in one direction.

    ``params`` holds ``weight_ih (3H, D)``, ``weight_hh (3H, H)``, ``bias_ih (3H,)`` and ``bias_hh (3H,)``, in blocks r,
    z, n; without ``bias`` only the first two. They are drawn from U(-1/√H, 1/√H) with ``rng``, a Generator or a seed.
    ``reset_after=True`` gives the GRU of PyTorch, cuDNN and Keras, ``False`` the paper's. Raises TypeError or
    ValueError, naming the argument, for a size below one, an unknown dtype or a flag that is neither True nor False.
    Source: Cho et al. (2014); the equations of ``torch.nn.GRU``.
    """

    def __init__(self, input_size, hidden_size, *, reset_after=True, bias=True, dtype=np.float32, rng=None):
        self.input_size = check_size("input_size", input_size)
        self.hidden_size = check_size("hidden_size", hidden_size)
        self.reset_after = check_flag("reset_after", reset_after)
        self.params = parameters.initial_parameters(3, self.input_size, self.hidden_size, bias, dtype, rng)

    def forward(self, x, state=None, lengths=None):
        """Read x (T, B, D) from the state h (B, H); zeros if none is given.

        Returns h after every step (T, B, H), the last h (B, H), and the trace that
        ``backward`` needs. With ``lengths (B,)`` a sequence's outputs are zero past its
        end and its state stays as it was there. Raises TypeError or ValueError,
        naming the array, if x, state or lengths do not fit the layer.
        """
        W_ih, W_hh, b_ih, b_hh = products.by_gate(self.params, 3)
        x, inside = sequences.check_sequences(x, lengths, self.input_size, W_ih.dtype)
        T, B, _ = x.shape
        h = sequences.check_state("state", state, B, self.hidden_size, W_ih.dtype)

        gates = products.from_input(x, W_ih, b_ih)  # eq-gru-from-input
        hs = np.empty((T + 1, B, self.hidden_size), x.dtype)
        v_ns = np.empty_like(hs[1:])
        hs[0] = h
        W_hh = products.laid_out(W_hh, T)
        for t in range(T):
            r, z, n = gates[:, t]  # each starts as its u and becomes the gate
            if self.reset_after:
                v_r, v_z, v_ns[t] = h @ W_hh.mT + b_hh  # eq-gru-from-hidden
            else:
                v_r, v_z = h @ W_hh[:2].mT + b_hh[:2]
            r[:] = sigmoid(r + v_r)  # eq-gru-reset
            z[:] = sigmoid(z + v_z)  # eq-gru-update
            if self.reset_after:
                n[:] = np.tanh(n + r * v_ns[t])  # eq-gru-candidate
            else:
                v_n = (r * h) @ W_hh[2].mT + b_hh[2]
                n[:] = np.tanh(n + v_n)  # eq-gru-candidate-before
            h = (1 - z) * n + z * h  # eq-gru-hidden
            if inside is not None:
                h = np.where(inside[t], h, hs[t])  # its state stays past its end
            hs[t + 1] = h
        return sequences.outputs(hs, inside), h, GRUTrace(x, hs, gates, v_ns, inside)

    def backward(self, dhs, trace, dstate=None):
        """Carry the loss's gradient dhs (T, B, H) back through time.

        dhs holds the gradient with respect to every output; ``dstate (B, H)``, the
        gradient with respect to the last state, is zero unless given. Returns dx (T, B,
        D), the gradient with respect to the initial state (B, H), and ``grads``, a dict
        with the keys and shapes of ``params``. Raises TypeError or ValueError, naming
        the argument, if dhs, trace or dstate do not fit the layer.
        """
        x, hs, gates, v_ns, inside = check_trace(trace, GRUTrace, self)
        W_ih, W_hh, _, _ = products.by_gate(self.params, 3)
        T, B, H = v_ns.shape
        dhs = sequences.check_output_gradient(dhs, T, B, H, x.dtype, inside)
        dh_next = sequences.check_state("dstate", dstate, B, H, x.dtype)

        dus = np.empty_like(gates)
        dvs = dus  # eq-gru-back-from-hidden-before
        if self.reset_after:
            dvs = np.empty_like(gates)
        for t in reversed(range(T)):
            r, z, n = gates[:, t]
            da_r, da_z, da_n = dus[:, t]
            h_prev, v_n = hs[t], v_ns[t]
            dh = dhs[t] + dh_next  # eq-gru-back-hidden
            da_n[:] = dh * (1 - z) * (1 - n**2)  # eq-gru-back-candidate
            da_z[:] = dh * (h_prev - n) * z * (1 - z)  # eq-gru-back-update
            if self.reset_after:
                da_r[:] = da_n * v_n * r * (1 - r)  # eq-gru-back-reset
                dvs[:, t] = da_r, da_z, r * da_n  # eq-gru-back-from-hidden
                dh_v = products.back_through(dvs[:, t], W_hh)
                dh_prev = z * dh + dh_v  # eq-gru-back-state
            else:
                dmemory = da_n @ W_hh[2]  # by r * h_prev
                da_r[:] = dmemory * h_prev * r * (1 - r)  # eq-gru-back-reset-before
                dh_gates = products.back_through(dus[:2, t], W_hh[:2])
                dh_prev = z * dh + r * dmemory + dh_gates  # eq-gru-back-state-before
            if inside is not None:  # a kept state passes its gradient on unchanged
                dus[:, t] = np.where(inside[t], dus[:, t], 0)
                dvs[:, t] = np.where(inside[t], dvs[:, t], 0)
                dh_prev = np.where(inside[t], dh_prev, dh_next)
            dh_next = dh_prev

        dx = products.back_through(dus, W_ih)  # eq-gru-back-x
        weights, bias = products.gradient_of_weights, products.gradient_of_bias
        dW_ih, dW_hh = weights(dus, x), weights(dvs, hs[:-1])  # eq-gru-back-weights
        if not self.reset_after:
            memory = gates[0] * hs[:-1]
            dW_hh[2 * H :] = weights(dus[2:], memory)  # eq-gru-back-weights-before
        grads = {"weight_ih": dW_ih, "weight_hh": dW_hh}
        if "bias_ih" in self.params:
            grads |= {"bias_ih": bias(dus), "bias_hh": bias(dvs)}  # eq-gru-back-bias
        return dx, dh_next, grads

    def step(self, x_t, state=None):
        """Read one step x_t (B, D) of a stream; returns h (B, H) and the new state, which is h again."""
        x = sequences.check_step(x_t, self.input_size, self.params["weight_ih"].dtype)
        outputs, h, _ = self.forward(x, state)
        return outputs[0], h

    def state_dict(self):
        """Return copies of the parameters under the names of ``torch.nn.GRU``."""
        return parameters.state_dict(self.params)

    def load_state_dict(self, state):
        """Take every parameter from ``state``, under ``torch.nn.GRU``'s names, or none if one is wrong."""
        parameters.load_state_dict(self.params, state)
