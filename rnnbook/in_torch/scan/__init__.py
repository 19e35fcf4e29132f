"""Linear recurrences, whose loop over time can be broken: h_t = a_t * h_{t-1} + b_t, with a and b from x alone.

::

    scans       the four ways to compute it: SCANS, sequential, chunked, hillis_steele, log_space
    minimal     MinGRU, MinLSTM: gates that do not look at h; the state is the output
    diagonal    LRU, S4D, Selective: state-space models, one factor for each number of the state
    matrix      LinearAttention, RWKV, MLSTM: the state is a matrix that stores pairs of key and value
    delta       DeltaNet: a matrix state that erases what a key held before it writes

Every layer reads x (T, B, D) from a state and returns (y, state); ``step`` reads one x_t (B, D) and returns the same
(MinGRU and MinLSTM, whose state is the output: the state alone). ``state_size`` is the number of floats in the state of
one sequence. ``forward`` is the parallel form and ``step`` the recurrence of the paper; a test holds that they agree.
"""

from rnnbook.in_torch.scan.delta import DeltaNet
from rnnbook.in_torch.scan.diagonal import LRU, S4D, Selective
from rnnbook.in_torch.scan.matrix import MLSTM, RWKV, LinearAttention
from rnnbook.in_torch.scan.minimal import MinGRU, MinLSTM, positive
from rnnbook.in_torch.scan.scans import SCANS, chunked, hillis_steele, log_space, sequential, with_gradient

__all__ = [
    "LRU",
    "MLSTM",
    "RWKV",
    "S4D",
    "SCANS",
    "DeltaNet",
    "LinearAttention",
    "MinGRU",
    "MinLSTM",
    "Selective",
    "chunked",
    "hillis_steele",
    "log_space",
    "positive",
    "sequential",
    "with_gradient",
]
