"""The PyTorch version: the layers of ``torch.nn``, as readable recurrences; CPU and GPU.

``rnn``, ``gru``, ``lstm``   the layers, each with its reference recurrence
``by_hand``                  the interface for recurrences with their own backward pass, which are:
``handwritten``              the same recurrences with a handwritten backward pass, in plain tensor operations
``compiled``                 the same in C, one call for a whole sequence, for the CPU
``kernels``                  the same recurrences as Triton kernels, for a GPU
``cells``                    one step of each, for your own loops; the layers have no ``step``
``attention``                weights over a memory, additive and multiplicative
``scan``                     linear recurrences, whose loop over time can be broken: from minGRU to the delta rule
``update``                   one update, for ``rnnbook.training.train``: device, autocast, several processes
``recurrent``                what the layers share: layers, directions, packing
``choice``                   which recurrence runs
``arguments``                the checks of the arguments

A layer takes ``torch.nn``'s arguments, followed by ``implementation``: ``"auto"``, ``"reference"``,
``"handwritten"``, ``"compiled"`` or ``"triton"``; ``layer.ran`` says which one its last forward pass used, and
``choice`` says which one ``"auto"`` takes.
"""

from rnnbook.in_torch.attention import AdditiveAttention, MultiplicativeAttention
from rnnbook.in_torch.cells import GRUCell, LSTMCell, RNNCell
from rnnbook.in_torch.gru import GRU
from rnnbook.in_torch.lstm import LSTM
from rnnbook.in_torch.rnn import RNN
from rnnbook.in_torch.scan import MinGRU, MinLSTM
from rnnbook.in_torch.update import training_step

__all__ = [
    "GRU",
    "LSTM",
    "RNN",
    "AdditiveAttention",
    "GRUCell",
    "LSTMCell",
    "MinGRU",
    "MinLSTM",
    "MultiplicativeAttention",
    "RNNCell",
    "training_step",
]
