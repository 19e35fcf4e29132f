"""The recurrences with a backward by hand, in plain tensors: ``rnn``, ``gru`` and ``lstm``, each a pair for the socket.

They are what runs without a C compiler, and on a GPU without Triton: the mirror of ``rnnbook.in_numpy``, in PyTorch's
operations alone, so that they run on every device and in every dtype, and a profiler sees what they do. What needs no
waiting is done for all steps at once: the input's product before the loop, what the gates' derivatives are made of, and
the weights' gradients after it.

A bridge to ``in_numpy`` was the alternative, of 20 lines: on a CPU without a C compiler its training step would take
0.88 of ``torch.nn``'s time where this one takes 1.17 (geometric means over six sizes and three layers, one thread),
because a call of NumPy costs less than one of PyTorch. It would be a second way beside the one for a GPU and the half
precisions, in two libraries that see one memory, and all that for machines on which the C was not compiled.
"""
