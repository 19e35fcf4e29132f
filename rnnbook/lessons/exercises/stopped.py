"""What is said when the reader's code stops: the error, the reader's own line, and the shapes of the arrays in it."""

import ast
import linecache
import traceback

import numpy as np

from rnnbook.lessons.exercises.results import Outcome

SHOWN = 90  # characters of a line


def stopped(error: BaseException, scope: dict | None) -> Outcome:
    """Return the outcome of a call that raised ``error``; ``scope`` holds the globals of the reader's code."""
    if isinstance(error, MemoryError):
        said = "It asked for more memory than an exercise needs, so it was stopped."
        return Outcome(sentence=f"{said} {where(error, scope)}".strip(), kind="memory")
    said = f"It stopped with {type(error).__name__}: {error}"
    place = where(error, scope)
    if place:
        said += f"{'' if said.endswith(('.', '!', '?')) else '.'} {place}"
    if "torch" in type(error).__module__ or "Tensor" in str(error):
        said += " The arguments are NumPy arrays: torch.from_numpy makes tensors of them."
    return Outcome(sentence=said, kind="stopped")


def endless(error: BaseException, scope: dict | None) -> Outcome:
    """Return the outcome of a call that was ended because it did not stop."""
    said = "It did not finish, so it was stopped: is there a loop that never ends?"
    return Outcome(sentence=f"{said} {where(error, scope)}".strip(), kind="endless")


def where(error: BaseException, scope: dict | None) -> str:
    """Return a sentence with the reader's innermost line and the shapes of the arrays it names, or nothing."""
    frames = [(frame, line) for frame, line in traceback.walk_tb(error.__traceback__) if frame.f_globals is scope]
    if scope is None or not frames:
        return ""
    frame, number = frames[-1]
    text = linecache.getline(frame.f_code.co_filename, number, scope).strip()
    if not text:
        return f"It was in line {number} of your code."
    shown = text if len(text) <= SHOWN else text[: SHOWN - 2] + " …"
    shapes = [f"{name} {np.shape(frame.f_locals[name])}" for name in names_in(text) if _is_array(frame, name)]
    return f"Your line: `{shown}`" + (f", with the shapes {', '.join(shapes)}." if shapes else ".")


def names_in(text: str) -> list[str]:
    """Return the variables in a line of Python, in order; if it is not a statement, those in its beginning."""
    for source in (text, text + " pass", text.rstrip(":,([{"), text.partition(" for ")[0]):
        try:
            tree = ast.parse(source)
        except SyntaxError:
            continue
        nodes = [node for node in ast.walk(tree) if isinstance(node, ast.Name)]
        return list(dict.fromkeys(node.id for node in sorted(nodes, key=lambda n: (n.lineno, n.col_offset))))
    return []


def _is_array(frame, name):
    return hasattr(frame.f_locals.get(name), "shape") and not callable(frame.f_locals[name])
