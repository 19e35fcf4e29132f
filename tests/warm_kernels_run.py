"""What kernels from the nursery and from nothing say of themselves, as JSON: for ``test_warm_kernels``."""

import json
import os
import sys
import time

from nbval import kernel
from warm_kernels import FRESH, Nursery

ABOUT = """
import json, os, signal, sys, threading
import __main__
told = {
    "path": sys.path, "argv": sys.argv[:2], "flags": list(sys.flags), "folder": os.getcwd(), "name": __name__,
    "main": sorted(vars(__main__)), "group": os.getpgrp() == os.getpid(),
    "interrupt": str(signal.getsignal(signal.SIGINT)),
    "environment": {k: v for k, v in os.environ.items() if k not in ("JPY_PARENT_PID", "JPY_SESSION_NAME")},
    "threads": sorted(thread.name.split("-")[0] for thread in threading.enumerate()),
    "book": sorted(m for m in sys.modules if m.split(".")[0] in ("rnnbook", "pytest", "nbval", "kernel_nursery")),
}
import matplotlib, torch
told |= {"backend": matplotlib.get_backend(), "rc": {k: str(v) for k, v in matplotlib.rcParams.items()}}
told |= {"threads of torch": torch.get_num_threads()}
print(json.dumps(told))
"""


def start(nursery):
    """A kernel from the nursery, or from nothing."""
    get = lambda manager, name: nursery.warm(FRESH(manager, name)) if nursery else FRESH(manager, name)  # noqa: E731
    kernel.NbvalKernelspecManager.get_kernel_spec = get
    return kernel.RunningKernel(kernel.CURRENT_ENV_KERNEL_NAME, cwd=os.getcwd())


def said(running, code):
    """What a kernel prints."""
    asked, printed = running.execute_cell_input(code), ""
    while True:
        message = running.get_message("iopub", timeout=300)
        if message["parent_header"].get("msg_id") != asked:
            continue
        if message["msg_type"] == "status" and message["content"]["execution_state"] == "idle":
            return printed
        printed += message["content"].get("text", "")


def alive(pid):
    try:
        with open(f"/proc/{pid}/stat") as file:
            return file.read().split()[2] != "Z"
    except FileNotFoundError:
        return False


def wait(for_what):
    while not for_what():  # a busy machine makes it slower, not red
        time.sleep(0.05)


def main():
    nursery = Nursery()
    warm, fresh, other = start(nursery), start(None), start(nursery)
    found = {"ready": nursery.ready, "warm": json.loads(said(warm, ABOUT)), "fresh": json.loads(said(fresh, ABOUT))}
    said(warm, "import numpy; numpy.mine = 1")
    found["shared"] = said(other, "import numpy; print(hasattr(numpy, 'mine'))")
    pids = [said(running, "import os; print(os.getpid())") for running in (warm, other)]

    asked = warm.execute_cell_input("import time\nprint('here', flush=True)\ntime.sleep(10_000)")
    wait(lambda: warm.get_message("iopub", timeout=300)["content"].get("text") == "here\n")
    warm.interrupt()
    warm.await_reply(asked, timeout=300)
    found["after an interrupt"] = said(warm, "print(2)")
    warm.stop()
    wait(lambda: not alive(int(pids[0])))
    other.execute_cell_input("import os; os._exit(3)")
    wait(lambda: not other.is_alive())
    found["left"] = [alive(int(pid)) for pid in pids]
    last = start(nursery)
    pid = int(said(last, "import os; print(os.getpid())"))
    nursery.close()
    wait(lambda: not last.is_alive())
    found["left"] += [alive(pid)]
    print(json.dumps(found))
    sys.stdout.flush()
    fresh.stop()


if __name__ == "__main__":
    main()
