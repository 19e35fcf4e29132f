"""Run by test_kernels.py without the interpreter: compile every kernel for a GPU; print its shared memory in bytes."""

from importlib import import_module

import torch
import triton
from triton.backends.compiler import GPUTarget
from triton.compiler import ASTSource

from rnnbook.in_torch import kernels

FLOATS = {"cs", "dh_next", "dc_next"}  # float32 whatever the weights are
WHOLE = {"starts", "sizes", "befores"}

for name in ("rnn", "gru", "lstm"):
    # one with weights read in tiles, one with weights that stay on chip
    for function, dtype, kind, H in (
        ("_forward", torch.float32, "fp32", 256),
        ("_backward", torch.bfloat16, "bf16", 128),
    ):
        kernel = getattr(import_module(f"rnnbook.in_torch.kernels.{name}"), function)
        _, meta = kernels.settings(H, 16, dtype)
        options = {key: meta.pop(key) for key in ("num_warps", "num_stages", "enable_fp_fusion")}
        fixed = meta | ({"RELU": False} if name == "rnn" else {})
        signature = {}
        for argument in kernel.arg_names:
            of = "i64" if argument in WHOLE else "fp32" if argument in FLOATS else kind
            plain = "i32" if argument in ("T", "B", "H") else "*" + of
            signature[argument] = "constexpr" if argument in fixed else plain
        fixed = {(kernel.arg_names.index(key),): value for key, value in fixed.items()}
        compiled = triton.compile(
            ASTSource(kernel, signature, fixed), target=GPUTarget("cuda", 80, 32), options=options
        )
        print(name, function, kind, H, compiled.metadata.shared)
