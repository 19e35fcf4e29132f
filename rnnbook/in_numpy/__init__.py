"""The NumPy wing: every equation spelled out, forward and backward. Needs NumPy alone.

``rnn``         the basic recurrent layer
``layers``      ``Linear``: what stands before and after a recurrent layer
``functions``   activation functions and losses
``optimizers``  ``Adam``, ``clip_grad_norm``
``parameters``  what the layers share: drawing, checking, ``torch.nn``'s names
"""

from rnnbook.in_numpy.layers import Linear
from rnnbook.in_numpy.optimizers import Adam, clip_grad_norm
from rnnbook.in_numpy.rnn import RNN

__all__ = ["RNN", "Adam", "Linear", "clip_grad_norm"]
