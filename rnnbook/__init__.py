"""The companion package of *Recurrent Neural Networks, Step by Step*.

::

    rnnbook.in_numpy    every equation spelled out, forward and backward; needs NumPy alone
    rnnbook.in_torch    the same layers as torch.nn.Module, drop-in for torch.nn, CPU and GPU
    rnnbook.data        real data sets as arrays, and synthetic tasks for a memory; nothing is downloaded
    rnnbook.baselines   naive and linear forecasts, to be beaten
    rnnbook.ngram       a language model that counts, to be beaten
    rnnbook.training    one training loop for both wings
    rnnbook.weights     weights in files that fit both wings and torch.nn
    rnnbook.conversions weights from and to Keras and ONNX
    rnnbook.onnx_export a layer as an ONNX file
    rnnbook.storage     arrays and plain values in one file, written all or not at all
    rnnbook.plotting    the book's figures and its one style
    rnnbook.exercises   the checks behind the book's exercises
    rnnbook.errors      the sentences for a user's mistakes

Importing ``rnnbook`` imports nothing else: import the part that you need.
"""

__version__ = "0.1.0"
