"""Run by test_kernels.py without the interpreter: compile every kernel for a GPU, and print the bytes of its shared
memory and how many it may have."""

from importlib import import_module

import torch
import triton
from triton.backends.compiler import GPUTarget
from triton.compiler import ASTSource

from rnnbook.in_torch import kernels

FLOATS = {"cs", "dh_next", "dc_next"}  # float32 whatever the weights are
WHOLE = {"starts", "sizes", "befores"}
NUMBERS = {"begin", "end", "first", "part", "T", "B", "H"}
KINDS = {torch.float32: "fp32", torch.bfloat16: "bf16"}
CHIPS = {80: kernels.Chip(108, 163 * 1024), 90: kernels.MEASURED_ON}  # by compute capability
CASES = [
    (0, torch.float32, 64, 80),
    (1, torch.bfloat16, 128, 90),
    (0, torch.bfloat16, 512, 90),
    (1, torch.float32, 512, 80),
]


def compile_one(name, way, dtype, H, capability, packed):
    """Compile the kernel that ``kernels.launch`` chooses for 64 sequences; returns its name and the result."""
    gates = {"rnn": 1, "gru": 3, "lstm": 4}[name]
    how = kernels.launch(gates, H, 64, dtype, way, CHIPS[capability])
    function = ("_forward", "_backward")[way] + ("_spread" if how.spread else "")
    kernel = getattr(import_module(f"rnnbook.in_torch.kernels.{name}"), function)
    tile = triton.next_power_of_2((gates * H if way else H) // how.parts) if how.kept else how.tile
    fixed = {"ROWS": how.rows, "SIDE": triton.next_power_of_2(H), "UNITS": how.units, "PARTS": how.parts, "TILE": tile}
    fixed |= {"STAGES": how.stages, "PRECISION": kernels.precision(dtype), "RELU": False, "PACKED": packed}
    fixed |= {"KEPT": how.kept, "TOGETHER": True} | ({} if packed else dict.fromkeys(WHOLE))
    signature, attributes = {}, {}
    for index, argument in enumerate(kernel.arg_names):
        of = "i64" if argument in WHOLE else "fp32" if argument in FLOATS else KINDS[dtype]
        of = "i32" if argument == "arrived" else of
        plain = "i32" if argument in NUMBERS else "*" + of
        signature[argument] = "constexpr" if argument in fixed else plain
        if signature[argument].startswith("*") or argument in ("H", "part"):  # what a launch finds out about them
            attributes[(index,)] = [["tt.divisibility", 16]]
    fixed = {(kernel.arg_names.index(key),): value for key, value in fixed.items() if key in kernel.arg_names}
    source = ASTSource(kernel, signature, fixed, attributes)
    options = {"num_warps": how.warps, "num_stages": how.stages, "enable_fp_fusion": True}
    return function, triton.compile(source, target=GPUTarget("cuda", capability, 32), options=options)


if __name__ == "__main__":
    for name in ("rnn", "gru", "lstm"):
        for number, (way, dtype, H, capability) in enumerate(CASES):
            function, compiled = compile_one(name, way, dtype, H, capability, packed=number % 2 == 0)
            print(
                name,
                function,
                KINDS[dtype],
                H,
                capability,
                compiled.metadata.shared,
                CHIPS[capability].room,
                flush=True,
            )
