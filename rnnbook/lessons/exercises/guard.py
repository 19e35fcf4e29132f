"""Running a function within bounds of lines and memory; it also works in a browser's worker.

Lines are counted by ``sys.settrace``, in code that shares the function's globals; that needs no thread and no signal.
Memory is bounded by the system where it can be (Linux); elsewhere, whatever asks for too much hits the machine's own
limit, as a ``MemoryError``.
"""

import contextlib
import io
import sys
import warnings
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

LINES, BYTES = 300_000, 1 << 30


class TooLong(BaseException):
    """More lines than any answer needs; no ``except Exception`` of the function's own keeps it going."""


def scope_of(function: Callable) -> dict | None:
    """Return the globals of a function's code, None if it has none of its own."""
    code: Any = getattr(function, "__func__", function)
    if callable(getattr(code, "forward", None)):  # a module of PyTorch, whose call is PyTorch's own code
        return scope_of(code.forward)
    if hasattr(code, "func"):  # functools.partial
        return scope_of(code.func)
    if hasattr(code, "__globals__"):
        return code.__globals__
    return getattr(getattr(type(function), "__call__", None), "__globals__", None)  # noqa: B004


def bounded(
    call: Callable[[], Any],
    scope: dict | None,
    lines: int = LINES,
    used: list[int] | None = None,
) -> Any:
    """Return ``call()``; raise TooLong after so many lines of code whose globals are ``scope``.

    Their number is appended to ``used``. Under a debugger, which itself uses tracing, nothing is counted.
    """
    if scope is None or sys.gettrace() is not None:
        return call()
    left = lines

    def count(frame, event, argument):
        nonlocal left
        left -= 1
        if left < 0:
            raise TooLong
        return count

    def enter(frame, event, argument):
        return count(frame, event, argument) if frame.f_globals is scope else None

    sys.settrace(enter)
    try:
        return call()
    finally:
        sys.settrace(None)
        if used is not None:
            used.append(lines - left)


@contextlib.contextmanager
def memory(more: int = BYTES) -> Iterator[None]:
    """Let the process have no more than so many additional bytes, where the system can enforce that."""
    try:
        import resource

        with open("/proc/self/statm", encoding="ascii") as file:
            used = int(file.read().split()[5]) * resource.getpagesize()
        soft, hard = resource.getrlimit(resource.RLIMIT_DATA)
        limits = [limit for limit in (soft, hard, used + more) if limit != resource.RLIM_INFINITY]
        resource.setrlimit(resource.RLIMIT_DATA, (min(limits), hard))
    except (ImportError, OSError, ValueError, AttributeError):
        yield
        return
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_DATA, (soft, hard))


@contextlib.contextmanager
def quietly() -> Iterator[None]:
    """Hide what is printed and warned about: for code that the reader has not asked to run."""
    with contextlib.redirect_stdout(io.StringIO()), warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("ignore")
        yield
