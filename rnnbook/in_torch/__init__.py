"""The PyTorch wing: the layers of ``torch.nn``, as readable recurrences; CPU and GPU.

``rnn``        the basic recurrent layer
``recurrent``  what the layers share: layers, directions, packing
``arguments``  the checks behind the arguments
"""

from rnnbook.in_torch.rnn import RNN

__all__ = ["RNN"]
