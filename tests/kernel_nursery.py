"""The process that notebooks' kernels are forked from, and the one that stands for a kernel: see ``warm_kernels``.

``serve SOCKET`` imports, waits, and forks. ``SOCKET FILE`` asks for a kernel with this connection file and lives as
long as it: what ends or interrupts this process does so to the kernel.
"""

import contextlib
import importlib.util
import json
import os
import selectors
import signal
import socket
import sys


def stand_for_a_kernel(address, file):
    with socket.socket(socket.AF_UNIX) as asked:
        asked.connect(address)
        signal.signal(signal.SIGINT, lambda *_: asked.send(b"i"))
        asked.sendall(json.dumps([os.getcwd(), dict(os.environ), file]).encode() + b"\n")
        sys.exit(int(asked.makefile().readline() or 1))


def serve(address):
    del sys.path[0]  # this folder
    os.environ["MPLBACKEND"] = "module://matplotlib_inline.backend_inline"  # as the kernel sets it; read at the import
    import matplotlib.backends.backend_agg
    import matplotlib.figure
    import matplotlib.font_manager  # noqa: F401
    import numpy  # noqa: F401
    import torch  # noqa: F401
    from ipykernel import ipkernel, kernelapp  # noqa: F401

    alone = len(os.listdir("/proc/self/task")) == 1  # a thread would not be there in a child, but its locks would
    listening = socket.socket(socket.AF_UNIX)
    listening.bind(address)
    listening.listen()
    print("ready" if alone else "not alone", flush=True)
    ready, kernels = selectors.DefaultSelector(), {}  # {process: the connection of who stands for it}
    ready.register(sys.stdin, selectors.EVENT_READ)
    ready.register(listening, selectors.EVENT_READ)
    while True:
        for key, _ in ready.select(0.05 if kernels else None):
            if key.fileobj is sys.stdin:  # the tests have ended
                for pid in kernels:
                    os.kill(pid, signal.SIGKILL)
                return None
            if key.fileobj is listening:
                connection, _ = listening.accept()
                asked = json.loads(connection.makefile().readline())
                pid = os.fork()
                if not pid:
                    return become_a_kernel, asked
                kernels[pid] = connection
                ready.register(connection, selectors.EVENT_READ, pid)
            elif key.fileobj.recv(1):
                os.kill(key.data, signal.SIGINT)
            else:  # who stands for it was ended
                ready.unregister(key.fileobj)
                os.kill(key.data, signal.SIGKILL)
        for pid in list(kernels):
            ended, status = os.waitpid(pid, os.WNOHANG)
            if ended:
                connection = kernels.pop(pid)
                with contextlib.suppress(KeyError):
                    ready.unregister(connection)
                with contextlib.suppress(BrokenPipeError):
                    connection.sendall(b"%d\n" % os.waitstatus_to_exitcode(status))
                connection.close()


def become_a_kernel(folder, environment, file):
    os.setsid()
    nothing = os.open(os.devnull, os.O_RDWR)
    for stream in (0, 1, 2):
        os.dup2(nothing, stream)
    os.closerange(3, 256)
    os.environ.clear()
    os.environ.update(environment)
    os.chdir(folder)
    parent = f"--IPKernelApp.parent_handle={os.getppid()}"  # with which it ends; else read when ipykernel is imported
    sys.argv = [importlib.util.find_spec("ipykernel_launcher").origin, "-f", file, parent]
    from ipykernel import kernelapp

    kernelapp.launch_new_instance()


if __name__ == "__main__":
    if sys.argv[1] == "serve":
        found = serve(sys.argv[2])
        if found:
            found[0](*found[1])
    else:
        stand_for_a_kernel(*sys.argv[1:])
