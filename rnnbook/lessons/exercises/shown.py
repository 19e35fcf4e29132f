"""A verdict is shown wherever its call is in a cell, and only once.

The notebook itself shows the last line of a cell. The other verdicts of the cell, which nobody has looked at, are
printed at its end.
"""

import sys
from typing import Any

_waiting: list = []
_listening: list = [False]


def listen(on: bool = True) -> None:
    """Keep verdicts for ``unseen`` when there is no notebook: a page's worker calls this."""
    _listening[0] = on


def wait(verdict: Any) -> None:
    """Remember a verdict to be shown, if somebody will show it: a notebook or a listener."""
    shell = _shell()
    if shell is not None and _print_unseen not in shell.events.callbacks["post_run_cell"]:
        shell.events.register("post_run_cell", _print_unseen)
    if shell is not None or _listening[0]:
        _waiting.append(verdict)


def seen(verdict: Any) -> None:
    """Forget a verdict that is being shown; in a notebook, print the ones given before it first."""
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
