"""The NumPy wing: every equation spelled out, forward and backward. Needs NumPy alone.

``rnn``         the basic recurrent layer
``gru``         the gated recurrent unit
``lstm``        long short-term memory
``stack``         layers above each other, and both ways: ``Stacked``, ``Bidirectional``
``layers``      ``Linear``: what stands before and after a recurrent layer
``functions``   activation functions and losses
``optimizers``  ``Adam``, ``clip_grad_norm``
``parameters``  what the layers share: drawing, checking, ``torch.nn``'s names
``products``    what the layers share: the matrix products outside the loop over time
"""

from rnnbook.in_numpy.gru import GRU
from rnnbook.in_numpy.layers import Linear
from rnnbook.in_numpy.lstm import LSTM
from rnnbook.in_numpy.optimizers import Adam, clip_grad_norm
from rnnbook.in_numpy.rnn import RNN
from rnnbook.in_numpy.stack import Bidirectional, Stacked

__all__ = ["GRU", "LSTM", "RNN", "Adam", "Bidirectional", "Linear", "Stacked", "clip_grad_norm"]
