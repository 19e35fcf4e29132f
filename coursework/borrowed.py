"""The known mistakes as answers, for a grader whose package has no solutions: taken from the whole package beside it.

A submitted cell says ``from borrowed import mistake; my_step = mistake("lstm.step", 0, "s1", "lstm", 8)``. For a moment
there are two packages of the same name; the functions keep what they need from theirs.
"""

import os
import sys
from typing import Any


def mistake(name: str, number: int, student: str, assignment: str, variants: int) -> Any:
    """Return the program of a known mistake, in the student's variant."""
    names = ("rnnbook", "coursework", "live_code")
    saved = {key: sys.modules.pop(key) for key in list(sys.modules) if key.split(".")[0] in names}
    path = list(sys.path)
    sys.path.insert(0, os.environ["RNNBOOK_WHOLE"])
    try:
        from coursework.routes import mistakes_of

        return list(mistakes_of(name, assignment, student, variants).values())[number]
    finally:
        sys.path[:] = path
        for key in [key for key in sys.modules if key.split(".")[0] in names]:
            del sys.modules[key]
        sys.modules.update(saved)
