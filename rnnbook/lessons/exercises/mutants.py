"""Small mistakes made by rule in Python source, from its syntax tree.

``mutants(source)`` gives each mistake made by the rules of ``rules`` as a whole module; ``load`` runs one. Everything
but the changed statement stays as it was, including comments. Strings, annotations, decorators and what is raised are
left alone.
"""

import ast
import sys
import types
from collections.abc import Collection, Iterator
from typing import Any, NamedTuple

from rnnbook.lessons.exercises.rules import changes

LEFT_ALONE = ast.JoinedStr | ast.Raise | ast.Import | ast.ImportFrom | ast.Global | ast.Nonlocal | ast.Assert
FIELDS_LEFT_ALONE = {"annotation", "returns", "decorator_list", "bases", "type"}
BLOCK = ast.FunctionDef | ast.ClassDef | ast.For | ast.While | ast.If | ast.With | ast.Try


class Mutant(NamedTuple):
    """One mistake: its function, its line, its rule, its description, and the whole module that has it."""

    function: str  # "GRU.forward"; "" outside all functions
    line: int
    rule: str  # "term or factor dropped"
    change: str  # "`i * g` -> `i`"
    source: str


def mutants(source: str, names: Collection[str] | None = None) -> list[Mutant]:
    """Return the mutants of a module, or only those within the functions and classes of these names.

    A name is ``"forward"`` (in every class), ``"GRU"`` (all of it) or ``"GRU.forward"``. No two have the same source.
    """
    tree = ast.parse(source)
    _mark(tree)
    lines = source.encode().splitlines(keepends=True)
    found: dict[str, Mutant] = {}
    for function, place, parent, field, index, node in _sites(tree):
        if names is not None and not any(f".{name}." in f".{function}." for name in names):
            continue
        for rule, new in changes(node, parent):
            _put(parent, field, index, new)
            text = _spliced(lines, place, ast.unparse(new if place is node else place))
            _put(parent, field, index, node)
            change = f"`{ast.unparse(node)}` -> `{ast.unparse(new)}`"
            found.setdefault(text, Mutant(function, getattr(node, "lineno", place.lineno), rule, change, text))
    found.pop(source, None)
    return list(found.values())


def load(source: str, name: str, file: str = "") -> types.ModuleType:
    """Execute source as a separate module that no import finds; ``file`` is its ``__file__``."""
    module = types.ModuleType(name)
    module.__file__ = file or f"<{name}>"
    sys.modules[name] = module  # while it is executed: a dataclass looks for its module there
    try:
        exec(compile(source, module.__file__, "exec"), module.__dict__)
    finally:
        del sys.modules[name]
    return module


def _sites(node: Any, function="", place=None) -> Iterator[tuple]:
    """Yield (function, place, parent, field, index, node) of every node that a rule may change.

    The place is what is rewritten: the statement, or one expression in the first line of a block.
    """
    for field, value in ast.iter_fields(node):
        if field in FIELDS_LEFT_ALONE or (field == "keywords" and isinstance(node, ast.ClassDef)):
            continue
        for index, child in enumerate(value) if isinstance(value, list) else [(None, value)]:
            if not isinstance(child, ast.AST) or isinstance(child, LEFT_ALONE | ast.expr_context | ast.operator):
                continue
            starts = place is None and isinstance(child, ast.expr | ast.stmt) and not isinstance(child, BLOCK)
            here = child if starts else place
            if here is not None:
                yield function, here, node, field, index, child
            inner = isinstance(child, ast.FunctionDef | ast.ClassDef)
            yield from _sites(child, f"{function}.{vars(child)['name']}".lstrip(".") if inner else function, here)


def _put(parent, field, index, node):
    if index is None:
        setattr(parent, field, node)
    else:
        getattr(parent, field)[index] = node


def _spliced(lines, place, text):
    """The source with this text in place of one node; the tree counts columns in bytes."""
    first, last = place.lineno - 1, place.end_lineno - 1
    before, after = lines[first][: place.col_offset], lines[last][place.end_col_offset :]
    return b"".join([*lines[:first], before, text.encode(), after, *lines[last + 1 :]]).decode()


def _mark(tree):
    """Mark in the tree what a single node does not show: modules, indices of loops, values that are overwritten."""
    _mark_what_cannot_show(tree)
    imports = [node for node in ast.walk(tree) if isinstance(node, ast.Import | ast.ImportFrom)]
    modules = {(alias.asname or alias.name).split(".")[0] for node in imports for alias in node.names}
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
            vars(node).update(is_method=not (isinstance(node.func.value, ast.Name) and node.func.value.id in modules))
        if not isinstance(node, ast.FunctionDef):
            continue
        bound = [argument.arg for argument in ast.walk(node.args) if isinstance(argument, ast.arg)]
        below = list(ast.walk(node))
        bound += [name.id for name in below if isinstance(name, ast.Name) and isinstance(name.ctx, ast.Store)]
        for child in below:
            if isinstance(child, ast.Assign):
                written = {
                    vars(name)["id"] for target in child.targets for name in ast.walk(target) if _is_stored(name)
                }
                vars(child).update(can_go=all(bound.count(name) > 1 for name in written))
            elif isinstance(child, ast.For) and isinstance(child.target, ast.Name) and "range" in ast.dump(child.iter):
                for name in ast.walk(child):
                    vars(name).update(
                        is_index=isinstance(name, ast.Name) and name.id == child.target.id and not _is_stored(name)
                    )


def _mark_what_cannot_show(tree):
    for node in ast.walk(tree):
        match node:
            case ast.Call(ast.Attribute(attr="reshape" | "view"), sizes):  # any negative size is the one to be inferred
                for inner in [inner for size in sizes for inner in ast.walk(size)]:
                    if isinstance(inner, ast.UnaryOp):
                        vars(inner.operand).update(is_open=True)
            case ast.Call(ast.Name("isinstance"), [_, kinds]):
                vars(kinds).update(is_unordered=True)
            case ast.keyword("axis" | "dim", axes):
                vars(axes).update(is_unordered=True)
            case ast.Assign([target], ast.Call(ast.Attribute(attr="empty"))):
                vars(target).update(is_unordered=True)


def _is_stored(node):
    return isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store)
