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
KINDS = {torch.float32: "fp32", torch.bfloat16: "bf16"}
ROOM = {80: 163 * 1024, 90: 227 * 1024}  # by compute capability
CASES = [
    (0, torch.float32, 64, 80),
    (1, torch.bfloat16, 128, 90),
    (0, torch.bfloat16, 512, 90),
    (1, torch.float32, 512, 80),
]


def compile_one(name, way, dtype, H, capability, packed):
    """Compile the kernel that ``kernels.launch`` chooses; returns its name and the result."""
    how = kernels.launch({"rnn": 1, "gru": 3, "lstm": 4}[name], H, dtype, way, ROOM[capability])
    function = ("_forward", "_backward")[way] + ("" if how.resident else "_tiled")
    kernel = getattr(import_module(f"rnnbook.in_torch.kernels.{name}"), function)
    fixed = {"ROWS": how.rows, "SIDE": triton.next_power_of_2(H), "TILE_IN": how.tile_in, "TILE_OUT": how.tile_out}
    fixed |= {"STAGES": how.stages, "PRECISION": kernels.precision(dtype), "RELU": False, "PACKED": packed}
    fixed |= {} if packed else dict.fromkeys(WHOLE)
    signature, attributes = {}, {}
    for index, argument in enumerate(kernel.arg_names):
        of = "i64" if argument in WHOLE else "fp32" if argument in FLOATS else KINDS[dtype]
        plain = "i32" if argument in ("T", "B", "H") else "fp32" if argument == "nothing" else "*" + of
        signature[argument] = "constexpr" if argument in fixed else plain
        if signature[argument].startswith("*") or argument == "H":  # what a launch finds out about its arguments
            attributes[(index,)] = [["tt.divisibility", 16]]
    fixed = {(kernel.arg_names.index(key),): value for key, value in fixed.items() if key in kernel.arg_names}
    source = ASTSource(kernel, signature, fixed, attributes)
    options = {"num_warps": how.warps, "num_stages": how.stages, "enable_fp_fusion": True}
    return function, triton.compile(source, target=GPUTarget("cuda", capability, 32), options=options)


if __name__ == "__main__":
    for name in ("rnn", "gru", "lstm"):
        for number, (way, dtype, H, capability) in enumerate(CASES):
            function, compiled = compile_one(name, way, dtype, H, capability, packed=number % 2 == 0)
            print(name, function, KINDS[dtype], H, capability, compiled.metadata.shared, ROOM[capability], flush=True)
