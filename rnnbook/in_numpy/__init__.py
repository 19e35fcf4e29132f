"""The NumPy version: every equation spelled out, forward and backward. Needs only NumPy.

::

    rnn           the basic recurrent layer
    gru           the gated recurrent unit
    lstm          long short-term memory
    hopfield      an older associative memory: storage, energy, recall, softmax update
    stack         layers on top of each other, and in both directions: Stacked, Bidirectional
    attention     weights over a memory: AdditiveAttention, MultiplicativeAttention
    layers        what comes before and after a recurrent layer: Linear, Embedding, Dropout
    mixture       a last layer that answers with a density: MixtureHead
    functions     activation functions and losses
    ctc           the loss of a label sequence whose alignment is unknown, and greedy decoding
    search        a likely sequence from a model that writes symbol by symbol: greedy, beam, exact
    optimizers    SGD, Adam, clip_grad_norm
    initialisers  other initial values: orthogonal, identity, forget bias, chrono
    models        the whole flow on a small scale: LanguageModel, SequenceClassifier
    encoder_decoder  from one sequence to another: EncoderDecoder
    parameters    what the layers share: parameters drawn, joined, under torch.nn's names
    sequences     what the layers share: sequences and states checked, zero past an end
    checks        checks of the arguments of public functions
    products      what the layers share: the matrix products outside the loop over time
"""

from rnnbook.in_numpy.attention import AdditiveAttention, MultiplicativeAttention
from rnnbook.in_numpy.encoder_decoder import EncoderDecoder
from rnnbook.in_numpy.gru import GRU
from rnnbook.in_numpy.layers import Dropout, Embedding, Linear
from rnnbook.in_numpy.lstm import LSTM
from rnnbook.in_numpy.mixture import MixtureHead
from rnnbook.in_numpy.models import LanguageModel, SequenceClassifier, language_model_step
from rnnbook.in_numpy.optimizers import SGD, Adam, clip_grad_norm
from rnnbook.in_numpy.parameters import join
from rnnbook.in_numpy.rnn import RNN
from rnnbook.in_numpy.stack import Bidirectional, Stacked

__all__ = [
    "GRU",
    "LSTM",
    "RNN",
    "SGD",
    "Adam",
    "AdditiveAttention",
    "Bidirectional",
    "Dropout",
    "Embedding",
    "EncoderDecoder",
    "LanguageModel",
    "Linear",
    "MixtureHead",
    "MultiplicativeAttention",
    "SequenceClassifier",
    "Stacked",
    "clip_grad_norm",
    "join",
    "language_model_step",
]
