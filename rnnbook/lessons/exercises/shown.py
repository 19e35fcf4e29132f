"""A verdict is shown wherever its call stands in a cell, and once.

The last line of a cell is shown by the notebook itself. What else was answered in the cell is printed at its end: the
verdicts that nobody has looked at.
"""

import sys
from typing import Any

_waiting: list = []
_listening: list = [False]


def listen(on: bool = True) -> None:
    """Keep verdicts for ``unseen`` where there is no notebook: a page's worker asks for it."""
    _listening[0] = on


def wait(verdict: Any) -> None:
    """Remember a verdict that is to be shown, where there is somebody who will: a notebook, or who listens."""
    shell = _shell()
    if shell is not None and _print_unseen not in shell.events.callbacks["post_run_cell"]:
        shell.events.register("post_run_cell", _print_unseen)
    if shell is not None or _listening[0]:
        _waiting.append(verdict)


def seen(verdict: Any) -> None:
    """Forget a verdict, which is being shown; in a notebook, those that were given before it are printed first."""
    place = next((n for n, other in enumerate(_waiting) if other is verdict), None)
    if place is not None:
        before, _waiting[:] = _waiting[:place], _waiting[place + 1 :]
        if _shell() is None:
            _waiting[:0] = before
        else:
            for other in before:
                print(other.message)


def unseen() -> list:
    """Return the verdicts that were given and not shown, in their order, and forget them."""
    rest = list(_waiting)
    _waiting.clear()
    return rest


def _print_unseen(*_: Any) -> None:
    for verdict in unseen():
        print(verdict.message)


def _shell() -> Any:
    module = sys.modules.get("IPython")
    return module.get_ipython() if module is not None else None
