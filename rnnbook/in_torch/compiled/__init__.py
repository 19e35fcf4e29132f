"""The hand-written recurrences with the work between two products in C: ``steps.c``, one call for each step.

``compiled.rnn``, ``compiled.gru`` and ``compiled.lstm`` have the two functions of their twins in
``rnnbook.in_torch.handwritten``, with the same signatures. They run where they are asked for,
``implementation="compiled"``, since they need a C compiler (``cc``, or what the variable CC names): it is called once
in a process for each dtype, takes about half a second, and leaves no file. On the CPU, in float32 and float64.
"""

import ctypes
import os
import platform
import shlex
import shutil
import subprocess
import tempfile
from functools import cache, partial
from itertools import accumulate, groupby
from pathlib import Path

import numpy as np
import torch

from rnnbook.in_torch.handwritten.arrays import empty
from rnnbook.in_torch.handwritten.products import add_product, transposed

SOURCE = Path(__file__).with_name("steps.c")
REAL = {torch.float32: "float", torch.float64: "double"}
# nothing of IEEE's arithmetic is given up but flags and errno, which nobody reads: the loops become vectors
FLAGS = ["-O3", "-fno-math-errno", "-fno-trapping-math", "-std=gnu11", "-shared", "-fPIC"]
if platform.machine() in ("x86_64", "AMD64"):
    FLAGS.append("-march=native")  # else no vectors longer than those of 2003; elsewhere the common ones will do


def check(x, **variant):
    """Raise ValueError, naming the limit, where the compiled steps cannot read x (N, D)."""
    if x.device.type != "cpu":
        raise ValueError(f"implementation='compiled' runs on the CPU, but the input is on {x.device}")
    if x.dtype not in REAL:
        raise ValueError(f"implementation='compiled' reads float32 and float64, but the input is {x.dtype}")
    for name, value in variant.items():
        if value:
            raise ValueError(f"implementation='compiled' has no {name}; ask for 'handwritten' or 'reference'")


def compiler():
    """The command of the C compiler, a list of words: the variable CC, or cc."""
    return shlex.split(os.environ.get("CC", "")) or ["cc"]


@cache
def library(dtype):
    """Compile ``steps.c`` for this dtype and load it; RuntimeError where there is no compiler, or it fails."""
    command = compiler()
    if shutil.which(command[0]) is None:
        raise RuntimeError(f"implementation='compiled' needs a C compiler, but there is no command {command[0]!r}")
    with tempfile.TemporaryDirectory() as folder:
        built = Path(folder, "steps.so")
        command += [*FLAGS, f"-Dreal={REAL[dtype]}", str(SOURCE), "-o", str(built)]
        done = subprocess.run(command, capture_output=True, text=True)
        if done.returncode:
            raise RuntimeError(f"implementation='compiled' could not be compiled: {done.stderr}")
        return ctypes.PyDLL(str(built))  # once loaded, it does not need its file


def step_of(name, b, H, *arrays):
    """Return a function of t that makes step t of ``name`` on these arrays, which stay where they are."""
    function = getattr(library(arrays[0].dtype), name)
    function.argtypes, function.restype = [ctypes.c_void_p, *[ctypes.c_long] * 3], None
    assert all(a.is_contiguous() for a in arrays), "steps.c reads rows that stand one behind the other"
    table = (ctypes.c_void_p * len(arrays))(*[a.data_ptr() for a in arrays])
    bound = partial(function, ctypes.addressof(table), b, H)
    bound.keeps = table, arrays
    return bound


def groups(sizes):
    """The runs of steps with one batch size b: [(rows, b, steps), ...]."""
    runs = [(b, len(list(steps))) for b, steps in groupby(sizes)]
    ends = accumulate(b * count for b, count in runs)
    return [(slice(end - b * count, end), b, count) for end, (b, count) in zip(ends, runs, strict=True)]


def input_gradient(das, W_ih):
    """Return das (N, G·H) W_ih, the gradient by x (N, D)."""
    return torch.mm(das, W_ih, out=empty(np, das, len(das), W_ih.size(1)))


def parameter_gradients(das, x, h_prevs, params):
    """Return the gradients by name, for a layer whose two products of a step are added up: das (N, G·H) serves both."""
    grads = {"weight_ih": add_product(None, das, x), "weight_hh": add_product(None, das, h_prevs)}
    if "bias_ih" in params:
        grads["bias_ih"] = grads["bias_hh"] = das.sum(0)
    return transposed(grads)
