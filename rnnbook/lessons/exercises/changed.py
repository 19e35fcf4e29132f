"""An exercise's solution with one thing changed, as functions that can be run: a change by rule, or one wrong variable.

They are made from the solution's source, and from that of the functions of its chapter that it calls; the simplest
first.
"""

import ast
import inspect
from collections.abc import Iterator
from types import FunctionType, ModuleType
from typing import Any, NamedTuple

from rnnbook.lessons.exercises.chains import names_in
from rnnbook.lessons.exercises.mutants import mutants
from rnnbook.lessons.exercises.words import in_words, place

SIMPLEST: tuple[str, ...] = ("transposition dropped", "call dropped", "term or factor dropped", "sign or not dropped")
SIMPLEST += (
    "operator exchanged",
    "function exchanged",
    "arguments exchanged",
    "neighbours exchanged",
    "order reversed",
)
MOST = 450  # of one solution


class Change(NamedTuple):
    """The solution with one change: by which rule, what, in which line of which function's source."""

    function: FunctionType
    rule: str
    what: str  # "`i * g` -> `i`"
    line: int
    original: str  # source of the function
    source: str  # the same, changed
    name: str  # of the function

    @property
    def words(self) -> str:
        """What is wrong, as the clause behind "when"."""
        inside = "" if self.name == self.function.__name__ else f"in `{self.name}`, "
        return f"{inside}{in_words(self.rule, self.what)}, {place(self.original, self.line)}"


_made: dict[int, list[Change]] = {}


def changes_of(exercise: Any) -> list[Change]:
    """Return the changes of an exercise's solution, the simplest first; none if its source is not there."""
    if id(exercise) not in _made:
        try:
            found = list(every_change(exercise.solution))
        except (OSError, TypeError, SyntaxError, AttributeError):  # not a function, as in an answer key
            found = []
        _made[id(exercise)] = sorted(found, key=_how_simple)[:MOST]
    return _made[id(exercise)]


def _how_simple(change):
    rank = SIMPLEST.index(change.rule) if change.rule in SIMPLEST else len(SIMPLEST)
    return rank + 20 * (change.rule == "variable mistaken"), len(change.what)


def functions_of(solution: FunctionType) -> list[FunctionType]:
    """Return the solution and the functions of its module that it calls, one through another."""
    found = [solution]
    for function in found:
        for name in names_in(function.__code__):
            value = function.__globals__.get(name)
            if isinstance(value, FunctionType) and value.__module__ == solution.__module__ and value not in found:
                found.append(value)
    return found


def every_change(solution: FunctionType) -> Iterator[Change]:
    """Yield the changes by rule, and of one variable, of a solution and of the functions of its chapter it calls."""
    functions = functions_of(solution)
    for function in functions:
        source = inspect.getsource(function)
        for rule, line, what, text in [*_by_rule(function, source), *_by_variable(source)]:
            made = with_source(solution, functions, function.__name__, text)
            yield Change(made, rule, what, line, source, text, function.__name__)


def with_source(solution, functions, name, text) -> FunctionType:
    """Return the solution as it would be if one of its functions had this source."""
    scope = dict(solution.__globals__)
    for function in functions:
        new = FunctionType(function.__code__, scope, function.__name__, function.__defaults__, function.__closure__)
        new.__kwdefaults__ = function.__kwdefaults__
        scope[function.__name__] = new
    exec(compile(text, "<changed>", "exec"), scope)
    return scope[solution.__name__]


def _by_rule(function, source) -> Iterator[tuple[str, int, str, str]]:
    modules = [name for name, value in function.__globals__.items() if isinstance(value, ModuleType)]
    first = "".join(f"import {name}; " for name in modules) + "pass\n"
    for mutant in mutants(first + source, [function.__name__]):
        yield mutant.rule, mutant.line - 1, mutant.change, mutant.source.partition("\n")[2]


def _by_variable(source) -> Iterator[tuple[str, int, str, str]]:
    """Yield the function with one variable transposed, set to ones, or mistaken for another of its variables."""
    tree = ast.parse(source)
    nodes = [node for node in ast.walk(tree) if isinstance(node, ast.Name)]
    names = {node.arg for node in ast.walk(tree) if isinstance(node, ast.arg)}
    names |= {node.id for node in nodes if isinstance(node.ctx, ast.Store)}
    lists = {name for name in map(_appended_to, ast.walk(tree)) if name}  # a list inside itself would be endless
    for node in nodes:
        name = node.id
        if name in names and isinstance(node.ctx, ast.Load):
            for new in (f"{name}.T", f"np.ones_like({name})", *sorted(names - {name} - lists)):
                node.id = new  # unparsed and parsed again, it is the expression
                yield "variable mistaken", node.lineno, f"`{name}` -> `{new}`", ast.unparse(tree)
            node.id = name


def _appended_to(node):
    match node:
        case ast.Call(ast.Attribute(ast.Name(name), "append")):
            return name
    return None


def again(exercise: Any, change: Change) -> Iterator[Change]:
    """Yield the solutions with one more simple change by rule in the function that was already changed."""
    functions = functions_of(exercise.solution)
    function = next(f for f in functions if f.__name__ == change.name)
    for rule, line, what, text in _by_rule(function, change.source):
        if rule in SIMPLEST:
            made = with_source(exercise.solution, functions, change.name, text)
            yield Change(made, rule, what, line, change.source, text, change.name)
