"""A pytest plugin that starts the notebooks' kernels from a process that has imported NumPy, PyTorch and Matplotlib.

Each notebook is run in a process of its own, as by any reader. Most of what such a process does first is the same for
all: it starts Jupyter's kernel and imports three large libraries, which takes three seconds. Here one process of each
test process does it once and forks for every notebook (``kernel_nursery.py``). Nothing of the book has been imported
there, and nothing has been computed. ``make thorough`` starts every kernel from nothing.

Where a process cannot fork, or has got threads from a library, kernels start from nothing too.
"""

from __future__ import annotations

import functools
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest
from nbval import kernel

NURSERY = Path(__file__).with_name("kernel_nursery.py")
FRESH = kernel.NbvalKernelspecManager.get_kernel_spec


class Nursery:
    """The process that kernels are forked from, and the folder with the socket on which they are asked for."""

    def __init__(self):
        self.folder = Path(tempfile.mkdtemp(prefix="kernels"))
        self.socket = self.folder / "socket"
        command = [sys.executable, NURSERY, "serve", self.socket]
        self.process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        self.ready = self.process.stdout.readline() == b"ready\n"

    def warm(self, spec):
        """Change how a kernel is started: from here."""
        if self.ready:
            spec.argv = [sys.executable, "-I", "-S", str(NURSERY), str(self.socket), "{connection_file}"]
        return spec

    def close(self):
        self.process.stdin.close()  # which ends it, and the kernels that are left
        self.process.wait()
        self.process.stdout.close()
        shutil.rmtree(self.folder)


@pytest.hookimpl(trylast=True)
def pytest_configure(config):
    if config.getoption("--thorough", False) or sys.platform != "linux":
        return

    @functools.cache
    def nursery():
        made = Nursery()
        config.add_cleanup(made.close)
        return made

    kernel.NbvalKernelspecManager.get_kernel_spec = lambda manager, name: nursery().warm(FRESH(manager, name))
    config.add_cleanup(lambda: setattr(kernel.NbvalKernelspecManager, "get_kernel_spec", FRESH))
