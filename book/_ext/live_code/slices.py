"""What a cell needs from the cells before it: a backward slice of the notebook, statement by statement.

``y = f(x)`` needs the statements that made ``f`` and ``x``, these what they need, and so on. A statement that may
change a value in place (``x[0] = 1``, ``x += 1``, ``layer.train()``) counts as one that makes it. The slice is not told
what a call does to its arguments, so it may lack a statement: the tests run each slice and compare what it prints.
"""

from __future__ import annotations

import ast
import builtins
import functools
from collections.abc import Iterable, Sequence
from itertools import groupby

BUILTINS = set(dir(builtins))


@functools.cache  # each cell is read again for every later one; nothing changes the nodes
def statements(source: str) -> tuple[ast.stmt, ...]:
    """Return the statements of a cell; none where it is not plain Python, as a cell with a magic is."""
    try:
        return tuple(ast.parse(source).body)
    except SyntaxError:
        return ()


def needs(nodes: Iterable[ast.AST]) -> set[str]:
    """Return the names that statements read and that no earlier one of them has made."""
    read: set[str] = set()
    made: set[str] = set()
    for node in nodes:
        read |= _reads(node) - made
        made |= _own(node)
    return read - BUILTINS


@functools.cache
def _reads(node: ast.AST) -> set[str]:
    """Return the names that one statement reads, also where it makes them itself afterwards."""
    if isinstance(node, ast.For | ast.While | ast.If | ast.With | ast.Try):
        blocks = [getattr(node, field, []) for field in ("body", "orelse", "finalbody")]
        blocks += [handler.body for handler in getattr(node, "handlers", [])]
        inside = {id(n) for block in blocks for statement in block for n in ast.walk(statement)}
        head = [n for n in ast.walk(node) if isinstance(n, ast.Name) and id(n) not in inside]
        targets = {n.id for n in head if isinstance(n.ctx, ast.Store)}
        return {n.id for n in head if isinstance(n.ctx, ast.Load)} | set().union(*map(needs, blocks)) - targets
    loads = {n.id for n in ast.walk(node) if isinstance(n, ast.Name) and isinstance(n.ctx, ast.Load)}
    if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
        return loads - _own(node)
    if isinstance(node, ast.AugAssign) and isinstance(node.target, ast.Name):
        loads.add(node.target.id)
    inner = [n for n in ast.walk(node) if isinstance(n, ast.comprehension | ast.Lambda | ast.NamedExpr)]
    return loads - set().union(*map(_own, inner))


@functools.cache
def _own(node: ast.AST) -> set[str]:
    """Return the names that a statement makes anywhere in it: targets, parameters, functions, imports."""
    found: set[str] = set()
    for n in ast.walk(node):
        if isinstance(n, ast.Name) and isinstance(n.ctx, ast.Store):
            found.add(n.id)
        elif isinstance(n, ast.arg):
            found.add(n.arg)
        found |= _bound(n)
    return found


def _bound(node: ast.AST) -> set[str]:
    """Names that a statement makes anew, whatever they were: an import, a definition."""
    if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
        return {node.name}
    if isinstance(node, ast.Import | ast.ImportFrom):
        return {(alias.asname or alias.name).split(".")[0] for alias in node.names}
    return set()


def makes(node: ast.stmt, modules: set[str]) -> set[str]:
    """Return the names that a statement binds, or whose value it may change in place."""
    if isinstance(node, ast.FunctionDef | ast.ClassDef):  # what its body does is done when it is called
        return {node.name}
    return _changes(node) - modules - {""}


@functools.cache
def _changes(node: ast.stmt) -> set[str]:
    found = _bound(node)
    for n in ast.walk(node):
        if isinstance(n, ast.Name) and isinstance(n.ctx, ast.Store):
            found.add(n.id)
        elif isinstance(n, ast.Subscript | ast.Attribute) and isinstance(n.ctx, ast.Store):
            found.add(_root(n))
        elif isinstance(n, ast.Call) and isinstance(n.func, ast.Attribute):
            found.add(_root(n.func))
    return found


def _root(node: ast.expr) -> str:
    while isinstance(node, ast.Attribute | ast.Subscript | ast.Call):
        node = node.func if isinstance(node, ast.Call) else node.value
    return node.id if isinstance(node, ast.Name) else ""


def replaces(node: ast.stmt) -> set[str]:
    """Return the names that have nothing left of what they were: nothing earlier is needed for them."""
    if isinstance(node, ast.Assign):
        whole = [n for target in node.targets for n in (target.elts if isinstance(target, ast.Tuple) else [target])]
        return {n.id for n in whole if isinstance(n, ast.Name)}
    return _bound(node)


def setup_for(
    source: str, earlier: Sequence[str], allowed: Sequence[str], also: frozenset[str] = frozenset()
) -> list[tuple[int, str]] | None:
    """Return what a cell needs of the earlier cells: pairs of a cell's index and its lines, in order.

    None where the browser cannot run them. ``allowed``: the modules that may be imported; ``"a.b"`` allows everything
    below it as well. ``also``: names that the cell shall have although it does not use them.
    """
    before = [(k, statement) for k, cell in enumerate(earlier) for statement in statements(cell)]
    modules = set().union(*(_bound(s) for _, s in before if isinstance(s, ast.Import | ast.ImportFrom)))
    own = statements(source)
    if not own or not _importable(own, allowed):
        return None
    wanted = needs(own) | also
    kept: list[tuple[int, str]] = []
    for k, statement in reversed(before):
        made = makes(statement, modules if not isinstance(statement, ast.Import | ast.ImportFrom) else set()) & wanted
        if not made:
            continue
        if isinstance(statement, ast.Import | ast.ImportFrom):
            statement = _only(statement, made)
        if not _importable([statement], allowed):
            return None
        kept.append((k, ast.unparse(statement)))
        wanted = (wanted - replaces(statement)) | needs([statement])
    if wanted:
        return None
    return [(k, "\n".join(line for _, line in lines)) for k, lines in groupby(reversed(kept), key=lambda pair: pair[0])]


def _only(node: ast.Import | ast.ImportFrom, names: set[str]) -> ast.Import | ast.ImportFrom:
    """Return an import of these names alone."""
    kept = [alias for alias in node.names if (alias.asname or alias.name).split(".")[0] in names]
    if isinstance(node, ast.Import):
        return ast.Import(names=kept)
    return ast.ImportFrom(module=node.module, names=kept, level=node.level)


def _importable(nodes: Sequence[ast.stmt], allowed: Sequence[str]) -> bool:
    names = (name for node in nodes for name in _imports(node))
    return all(any(name == a or name.startswith(a + ".") for a in allowed) for name in names)


@functools.cache
def _imports(statement: ast.stmt) -> tuple[str, ...]:
    """Return all that a statement imports, also within: ``a.b`` for ``from a import b``."""
    names = []
    for node in ast.walk(statement):
        if isinstance(node, ast.Import):
            names += [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            names += [f"{node.module}.{alias.name}" for alias in node.names]
    return tuple(names)


def importable_names(earlier: Sequence[str], allowed: Sequence[str]) -> frozenset[str]:
    """Return the names that the earlier cells import and the browser can import too: an answer may use them."""
    found: set[str] = set()
    for statement in (s for cell in earlier for s in statements(cell) if isinstance(s, ast.Import | ast.ImportFrom)):
        found |= {name for name in _bound(statement) if _importable([_only(statement, {name})], allowed)}
    return frozenset(found)
