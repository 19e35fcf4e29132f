"""The recurrences with a handwritten backward pass, in plain tensor operations: ``rnn``, ``gru`` and ``lstm``.

They run where there is no C compiler, and on a GPU without Triton: the mirror of ``rnnbook.in_numpy``, in nothing but
PyTorch's operations, so that they run on every device and in every dtype, and a profiler sees what they do. Whatever
need not wait is done for all steps at once: the input's product, the factors of the gates' derivatives, and the
gradients of the weights.

The alternative was a bridge to ``in_numpy`` of 20 lines: on a CPU without a C compiler its training step would take
0.88 of ``torch.nn``'s time where this one takes 1.17 (geometric means over six sizes and three layers, one thread),
because a call of NumPy costs less than one of PyTorch. But it would be a second path beside the one for a GPU and for
half precision, with two libraries sharing memory, and all that only for machines on which the C was not compiled.
"""
