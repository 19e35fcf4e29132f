"""The companion package of *Recurrent Neural Networks, Step by Step*.

::

    rnnbook.in_numpy    every equation spelled out, forward and backward; needs only NumPy
    rnnbook.in_torch    the same layers as torch.nn.Module, drop-in for torch.nn, CPU and GPU
    rnnbook.training    one training loop for both, with checkpoints and resuming
    rnnbook.weights     weights saved to files, converted to the layouts of Keras and ONNX, or as an ONNX file
    rnnbook.data        real data sets as arrays, without a download, and tasks that test memory
    rnnbook.rivals      what a network has to beat: naive and linear forecasts, counting models
    rnnbook.lessons     what only the book's pages need: figures, exercises
    rnnbook.errors      the error messages, each written once

Importing ``rnnbook`` imports none of these: import the part that you need.
"""

__version__ = "1.0.0"
