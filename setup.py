"""What pyproject.toml cannot say: ``steps.c`` is compiled while the package is installed, once for each dtype.

Where there is no C compiler, the package is installed without, and ``rnnbook.in_torch`` runs its hand-written loops.
"""

import os
from pathlib import Path
from zlib import crc32

from setuptools import Extension, setup
from setuptools.command.bdist_wheel import bdist_wheel
from setuptools.command.build_ext import build_ext

SOURCE = "rnnbook/in_torch/compiled/steps.c"
DTYPES = {"float32": "float", "float64": "double"}
# nothing of IEEE's arithmetic is given up but flags and errno, which nobody reads: the loops become vectors
FLAGS = ["-O3", "-std=gnu11", "-fno-math-errno", "-fno-trapping-math", "-fopenmp-simd"]


class build_libraries(build_ext):
    """Libraries for ctypes: no Python module, so Python's version is no part of their names."""

    def get_ext_filename(self, fullname):
        *folders, dtype = fullname.split(".")
        return os.path.join(*folders, f"steps.{dtype}.so")


class any_python(bdist_wheel):
    """One wheel for each platform, whichever Python made it."""

    def get_tag(self):
        return "py3", "none", super().get_tag()[2]


setup(
    cmdclass={"build_ext": build_libraries, "bdist_wheel": any_python},
    ext_modules=[
        Extension(
            f"rnnbook.in_torch.compiled.{dtype}",
            [SOURCE],
            define_macros=[("real", real), ("MADE_FROM", str(crc32(Path(SOURCE).read_bytes())))],
            extra_compile_args=FLAGS,
            extra_link_args=["-pthread"],
            optional=True,
        )
        for dtype, real in DTYPES.items()
    ],
)
