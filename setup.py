"""What pyproject.toml cannot say: ``steps.c`` is compiled while the package is installed, once for each dtype.

Where there is no C compiler, the package is installed without, and ``rnnbook.in_torch`` runs its hand-written loops.
"""

from pathlib import Path
from zlib import crc32

from setuptools import Extension, setup

SOURCE = "rnnbook/in_torch/compiled/steps.c"
DTYPES = {"float32": "float", "float64": "double"}
# nothing of IEEE's arithmetic is given up but flags and errno, which nobody reads: the loops become vectors
FLAGS = ["-O3", "-std=gnu11", "-fno-math-errno", "-fno-trapping-math"]

setup(
    ext_modules=[
        Extension(
            f"rnnbook.in_torch.compiled.{dtype}",
            [SOURCE],
            define_macros=[("real", real), ("MADE_FROM", str(crc32(Path(SOURCE).read_bytes())))],
            extra_compile_args=FLAGS,
            optional=True,
        )
        for dtype, real in DTYPES.items()
    ]
)
