"""The companion package of *Recurrent Neural Networks, Step by Step*.

::

    rnnbook.in_numpy    every equation spelled out, forward and backward; needs NumPy alone
    rnnbook.in_torch    the same layers as torch.nn.Module, drop-in for torch.nn, CPU and GPU
    rnnbook.training    one training loop for both, with checkpoints and resuming
    rnnbook.weights     weights in files, in the layouts of Keras and ONNX, as an ONNX file
    rnnbook.data        real data sets as arrays, with no download; and tasks that test a memory
    rnnbook.rivals      what a network has to beat: naive and linear forecasts, models that count
    rnnbook.lessons     what only the book's pages need: figures, exercises
    rnnbook.errors      the error messages, each written once

Importing ``rnnbook`` imports nothing else: import the part that you need.
"""

__version__ = "0.1.0"
