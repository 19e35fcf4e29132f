"""What is cut out of a chapter's module: a solution with everything that it calls, or how inputs are drawn without
it."""

import ast
import inspect
import textwrap
from types import FunctionType, ModuleType
from typing import Any

from coursework.statements import Statement

EMPTY = "...  # your lines here"


def module_of(exercise: Any) -> ModuleType:
    """Return the module of an exercise's solution."""
    module = inspect.getmodule(exercise.solution)
    assert module is not None
    return module


def needed(code: str, module: ModuleType) -> list[ast.stmt]:
    """Return the top statements of a module that a piece of code needs, directly or through others, in order."""
    body = ast.parse(inspect.getsource(module)).body
    wanted, kept, waiting = set[str](), list[ast.stmt](), _names(ast.parse(code))
    while waiting:
        wanted |= waiting
        found = [node for node in body if node not in kept and _defines(node) & waiting]
        kept += found
        waiting = set().union(*map(_names, found)) - wanted
    return [_only(node, wanted) for node in sorted(kept, key=lambda node: node.lineno)]


def _names(node):
    """The names that a statement reads from its surroundings."""
    read, own = set[str](), set[str]()
    for n in ast.walk(node):
        if isinstance(n, ast.Name):
            (read if isinstance(n.ctx, ast.Load) else own).add(n.id)
        elif isinstance(n, ast.arg):
            own.add(n.arg)
    return read - own


def _defines(node):
    """The names that a top-level statement defines."""
    if isinstance(node, ast.FunctionDef | ast.ClassDef):
        return {node.name}
    if isinstance(node, ast.Import | ast.ImportFrom):
        return {(alias.asname or alias.name).split(".")[0] for alias in node.names}
    targets = node.targets if isinstance(node, ast.Assign) else [node.target] if isinstance(node, ast.AnnAssign) else []
    return {n.id for target in targets for n in ast.walk(target) if isinstance(n, ast.Name)}


def _only(node, names):
    """An import reduced to these names; every other statement as it is."""
    if isinstance(node, ast.Import | ast.ImportFrom):
        kept = [alias for alias in node.names if (alias.asname or alias.name).split(".")[0] in names]
        return ast.Import(kept) if isinstance(node, ast.Import) else ast.ImportFrom(node.module, kept, node.level)
    return node


def prohibitions(exercise: Any, check: str) -> str:
    """Return a program that defines ``forbids``, with no solution in it; "" if an exercise forbids nothing."""
    if not exercise.forbids:
        return ""
    module = module_of(exercise)
    call = _call_that_makes(check, module)
    code = f"forbids = {ast.unparse(next(k.value for k in call.keywords if k.arg == 'forbids'))}"
    nodes = needed(code, module)
    if told := set().union(*map(_defines, nodes)) & {solution.__name__ for solution in solutions_of(module)}:
        raise ValueError(f"{module.__name__}.{check}: what it forbids calls a solution ({', '.join(sorted(told))})")
    return "\n".join([*map(ast.unparse, nodes), code, ""])


def function_source(function: FunctionType) -> tuple[str, dict[str, Any]]:
    """Return a program that defines ``function`` as this one, and the values that it needs from its surroundings."""
    tree = ast.parse(textwrap.dedent(inspect.getsource(function)))
    names = list(inspect.signature(function).parameters)
    made = [
        n
        for n in ast.walk(tree)
        if isinstance(n, ast.Lambda | ast.FunctionDef) and [a.arg for a in n.args.args] == names
    ]
    around = inspect.getclosurevars(function)
    imports = [
        f"import {value.__name__} as {name}" for name, value in around.globals.items() if isinstance(value, ModuleType)
    ]
    if len(made) != 1 or len(imports) != len(around.globals):
        raise ValueError(f"a function among the arguments cannot be written down: {ast.unparse(tree)[:80]!r}")
    node = made[0]
    code = (
        f"function = {ast.unparse(node)}"
        if isinstance(node, ast.Lambda)
        else f"{ast.unparse(node)}\nfunction = {node.name}"
    )
    return "\n".join([*imports, code, ""]), dict(around.nonlocals)


def solutions_of(module: ModuleType) -> list[FunctionType]:
    """Return the solutions that a chapter's module holds."""
    found = [getattr(value, "solution", None) for value in vars(module).values()]
    return [solution for solution in found if isinstance(solution, FunctionType)]


def _call_that_makes(name, module):
    for node in ast.parse(inspect.getsource(module)).body:
        if isinstance(node, ast.Assign) and isinstance(node.value, ast.Call):
            if any(isinstance(target, ast.Name) and target.id == name for target in node.targets):
                return node.value
    raise ValueError(f"{module.__name__} does not make {name} by a call")


def solved(asked: Statement, begin: str = "", end: str = "", takes: tuple[str, ...] = (), first: str = "") -> str:
    """Return a student's cell with the book's solution in it, between the lines ``begin`` and ``end``.

    ``takes``: the parameters, if they are not the book's; ``first``: the line that turns them into the book's. If the
    cell comes with a buggy function, that is below the solution and is not reached.
    """
    if not asked.is_function:
        right = f"{asked.answer} = {right_answer(asked.exercise)!r}"
        return "\n".join(part for part in (asked.stub, begin, right, end) if part)
    solution = asked.exercise.solution
    before, head, names, given = _parts(asked, takes)
    nodes = needed(solution.__name__, module_of(asked.exercise))
    if takes or list(inspect.signature(solution).parameters) == names:  # its body can go there, below what it calls
        nodes = [n for n in nodes if not (isinstance(n, ast.FunctionDef) and n.name == solution.__name__)]
        last = body_of(solution)
    else:
        last = f"return {solution.__name__}({', '.join(names)})"
    body = "\n".join(
        part for part in (begin, *map(ast.unparse, nodes), first, last, end, given if begin else "") if part
    )
    return f"{before}{head}\n{textwrap.indent(body, '    ')}"


def emptied(asked: Statement, takes: tuple[str, ...] = ()) -> str:
    """Return a student's cell with nothing filled in beyond what the exercise gives."""
    if not asked.is_function:
        return asked.stub
    before, head, _, given = _parts(asked, takes)
    body = "\n".join(part for part in (EMPTY, given) if part)
    return f"{before}{head}\n{textwrap.indent(body, '    ')}"


def given_in(asked: Statement) -> str:
    """Return the lines that a function's cell gives: those of a bug to fix; "" if the function is to be written."""
    return _parts(asked, ())[3]


def right_answer(exercise: Any) -> Any:
    """Return the right number, shape or choice of an exercise that asks for one."""
    right = exercise.right
    return right if isinstance(right, str | tuple) else float(right)


def _parts(asked, takes):
    """What comes before the function to hand in, its first line, its parameters, and the body that is given."""
    made = [n for n in ast.parse(asked.stub).body if isinstance(n, ast.FunctionDef) and n.name == asked.answer]
    if len(made) != 1:
        raise ValueError(f"the cell of {asked.name} does not define {asked.answer}")
    lines = asked.stub.splitlines(keepends=True)
    before = "".join(lines[: made[0].lineno - 1]).strip()
    given = textwrap.dedent("".join(lines[made[0].body[0].lineno - 1 : made[0].end_lineno])).strip()
    if ast.unparse(made[0].body[-1]) in ("return None", "pass", "...") and len(made[0].body) == 1:
        given = ""
    parameters = ", ".join(takes) or ast.unparse(made[0].args)
    names = [argument.arg for argument in made[0].args.args]
    return f"{before}\n\n\n" if before else "", f"def {asked.answer}({parameters}):", names, given


def body_of(function: FunctionType) -> str:
    """Return the lines of a function's body, comments too, without its docstring."""
    source = textwrap.dedent(inspect.getsource(function))
    node = ast.parse(source).body[0]
    assert isinstance(node, ast.FunctionDef)
    nodes = node.body[1:] if ast.get_docstring(node) is not None else node.body
    return textwrap.dedent("\n".join(source.splitlines()[nodes[0].lineno - 1 :]))
