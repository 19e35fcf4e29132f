"""Small mistakes made by rule in Python source, from its syntax tree: what a test has to catch.

``mutants(source)`` gives each mistake as a whole module, ``load`` runs one. A rule takes a node of the tree and yields
nodes to stand in its place, so no mistake knows a variable's name. All but the changed statement stays as it was,
comments too. Strings, annotations, decorators and what is raised are left alone, and so is what cannot show: the
order of the axes of a sum, the numbers in an array of which only the shape is read.
"""

import ast
import sys
import types
from collections.abc import Collection, Iterator
from typing import NamedTuple

SWAPPED = {
    ast.Add: ast.Sub, ast.Sub: ast.Add, ast.Mult: ast.Div, ast.Div: ast.Mult, ast.FloorDiv: ast.Mult,
    ast.BitAnd: ast.BitOr, ast.BitOr: ast.BitAnd,
    ast.Lt: ast.LtE, ast.LtE: ast.Lt, ast.Gt: ast.GtE, ast.GtE: ast.Gt, ast.Eq: ast.NotEq, ast.NotEq: ast.Eq,
    ast.Is: ast.IsNot, ast.IsNot: ast.Is, ast.In: ast.NotIn, ast.NotIn: ast.In, ast.And: ast.Or, ast.Or: ast.And,
}  # fmt: skip
PAIRS = [("sum", "mean"), ("max", "min"), ("maximum", "minimum"), ("argmax", "argmin"), ("any", "all")]
PAIRS += [("zeros", "ones"), ("zeros_like", "ones_like"), ("sin", "cos"), ("floor", "ceil"), ("std", "var")]
EXCHANGED = dict(PAIRS) | {b: a for a, b in PAIRS}
EXCHANGED |= {"tanh": "arctan", "exp": "log1p", "log": "sqrt", "sqrt": "log", "normal": "uniform"}
DROPPED = {"abs", "astype", "clip", "copy", "cumsum", "detach", "exp", "flip", "floor", "log", "log_softmax", "max"}
DROPPED |= {"mean", "min", "relu", "reversed", "round", "sigmoid", "sign", "softmax", "sorted", "sqrt", "sum", "tanh"}
SHAPE_IS_READ = {"empty_like", "zeros_like", "ones_like", "full_like", "len"}  # and no number
LEFT_ALONE = ast.JoinedStr | ast.Raise | ast.Import | ast.ImportFrom | ast.Global | ast.Nonlocal | ast.Assert
FIELDS_LEFT_ALONE = {"annotation", "returns", "decorator_list", "bases", "type"}
BLOCK = ast.FunctionDef | ast.ClassDef | ast.For | ast.While | ast.If | ast.With | ast.Try
NO_ARRAY = ast.Constant | ast.Starred | ast.GeneratorExp | ast.ListComp | ast.Lambda


class Mutant(NamedTuple):
    """One mistake: in which function, at which line, by which rule, in words, and the whole module that has it."""

    function: str  # "GRU.forward"; "" outside all functions
    line: int
    rule: str  # "term or factor dropped"
    change: str  # "`i * g` -> `i`"
    source: str


def mutants(source: str, names: Collection[str] | None = None) -> list[Mutant]:
    """Return the mutants of a module, or those within the functions and classes of these names alone.

    A name is ``"forward"`` (in every class), ``"GRU"`` (all of it) or ``"GRU.forward"``. No two have the same source.
    """
    tree = ast.parse(source)
    _mark(tree)
    lines = source.encode().splitlines(keepends=True)
    found = {}
    for function, place, parent, field, index, node in _sites(tree):
        if names is not None and not any(f".{name}." in f".{function}." for name in names):
            continue
        for rule, new in _changes(node, parent):
            _put(parent, field, index, new)
            text = _spliced(lines, place, ast.unparse(new if place is node else place))
            _put(parent, field, index, node)
            change = f"`{ast.unparse(node)}` -> `{ast.unparse(new)}`"
            found.setdefault(text, Mutant(function, getattr(node, "lineno", place.lineno), rule, change, text))
    found.pop(source, None)
    return list(found.values())


def load(source: str, name: str, file: str = "") -> types.ModuleType:
    """Execute source as a module of its own, which no import finds; ``file`` is its ``__file__``."""
    module = types.ModuleType(name)
    module.__file__ = file or f"<{name}>"
    sys.modules[name] = module  # while it is executed: a dataclass looks for its module there
    try:
        exec(compile(source, module.__file__, "exec"), module.__dict__)
    finally:
        del sys.modules[name]
    return module


def _sites(node, function="", place=None) -> Iterator[tuple]:
    """Yield (function, place, parent, field, index, node) of every node that a rule may change.

    The place is what is written anew: the statement, or one expression in the first line of a block.
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
            yield from _sites(child, f"{function}.{child.name}".lstrip(".") if inner else function, here)


def _put(parent, field, index, node):
    if index is None:
        setattr(parent, field, node)
    else:
        getattr(parent, field)[index] = node


def _spliced(lines, place, text):
    """The source with this text in the place of one node; the tree counts columns in bytes."""
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
            node.is_method = not (isinstance(node.func.value, ast.Name) and node.func.value.id in modules)
        if not isinstance(node, ast.FunctionDef):
            continue
        bound = [argument.arg for argument in ast.walk(node.args) if isinstance(argument, ast.arg)]
        below = list(ast.walk(node))
        bound += [name.id for name in below if isinstance(name, ast.Name) and isinstance(name.ctx, ast.Store)]
        for child in below:
            if isinstance(child, ast.Assign):
                written = {name.id for target in child.targets for name in ast.walk(target) if _is_stored(name)}
                child.can_go = all(bound.count(name) > 1 for name in written)
            elif isinstance(child, ast.For) and isinstance(child.target, ast.Name) and "range" in ast.dump(child.iter):
                for name in ast.walk(child):
                    name.is_index = isinstance(name, ast.Name) and name.id == child.target.id and not _is_stored(name)


def _mark_what_cannot_show(tree):
    for node in ast.walk(tree):
        match node:
            case ast.Call(ast.Attribute(attr="reshape" | "view"), sizes):  # any negative size is the one to be found
                for inner in [inner for size in sizes for inner in ast.walk(size)]:
                    if isinstance(inner, ast.UnaryOp):
                        inner.operand.is_open = True
            case ast.Call(ast.Name("isinstance"), [_, kinds]):
                kinds.is_unordered = True
            case ast.keyword("axis" | "dim", axes):
                axes.is_unordered = True
            case ast.Assign([target], ast.Call(ast.Attribute(attr="empty"))):
                target.is_unordered = True


def _is_stored(node):
    return isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store)


def _changes(node, parent) -> Iterator[tuple[str, ast.AST]]:
    """Yield (rule, the node that stands in this one's place)."""
    match node:
        case ast.BinOp(left, op, right):
            for kept in (left, right):
                if not (isinstance(op, ast.Pow | ast.Mod | ast.FloorDiv) and kept is right):
                    yield "term or factor dropped", kept
            if type(op) in SWAPPED:
                yield "operator exchanged", ast.BinOp(left, SWAPPED[type(op)](), right)
        case ast.UnaryOp(ast.USub() | ast.Not() | ast.Invert(), operand):
            yield "sign or not dropped", operand
        case ast.Compare(left, [op], right) if type(op) in SWAPPED:
            yield "comparison exchanged", ast.Compare(left, [SWAPPED[type(op)]()], right)
        case ast.BoolOp(op, values):
            yield "and, or exchanged", ast.BoolOp(SWAPPED[type(op)](), values)
            for index in range(len(values)):
                others = values[:index] + values[index + 1 :]
                yield "clause dropped", others[0] if len(others) == 1 else ast.BoolOp(op, others)
        case ast.IfExp(_, body, orelse):
            yield "condition always true", body
            yield "condition always false", orelse
        case ast.comprehension(target, iterable, [_, *_], is_async):
            yield "condition always true", ast.comprehension(target, iterable, [], is_async)
        case ast.Attribute(value, "T" | "mT"):
            yield "transposition dropped", value
        case ast.Call():
            yield from _changes_of_call(node)
        case ast.Constant(bool(value)):
            yield "constant changed", ast.Constant(not value)
        case ast.Constant(int(value)):
            others = (value + 1, value - 1)[getattr(node, "is_open", False) :]
            yield from (("constant changed", ast.Constant(other)) for other in others)
        case ast.Constant(float(value)):
            yield "constant changed", ast.Constant(value * 0.9 if value else 1.0)
        case ast.Slice(lower, upper, step):
            one = ast.Constant(1)
            if not isinstance(lower, ast.Constant):  # a constant has a rule of its own
                yield "slice shifted", ast.Slice(ast.BinOp(lower, ast.Add(), one) if lower else one, upper, step)
            if not isinstance(upper, ast.Constant):
                shifted = ast.BinOp(upper, ast.Sub(), one) if upper else ast.UnaryOp(ast.USub(), one)
                yield "slice shifted", ast.Slice(lower, shifted, step)
            if step:
                yield "slice's step dropped", ast.Slice(lower, upper, None)
        case ast.Tuple(elements, ctx) | ast.List(elements, ctx) if not getattr(node, "is_unordered", False):
            for k in range(0 if _only_strings(elements) else len(elements) - 1):
                if ast.dump(elements[k]) != ast.dump(elements[k + 1]):
                    yield "neighbours exchanged", type(node)(_exchanged(elements, k), ctx)
        case ast.Assign() if getattr(node, "can_go", False):
            yield "statement deleted", ast.Pass()
        case ast.Expr(value) if not isinstance(value, ast.Constant):
            yield "statement deleted", ast.Pass()
        case ast.AugAssign(target, op, value):
            yield "statement deleted", ast.Pass()
            yield "added nothing to", ast.Assign([target], value, lineno=node.lineno)
            if type(op) in SWAPPED:
                yield "operator exchanged", ast.AugAssign(target, SWAPPED[type(op)](), value)
        case ast.Continue():
            yield "statement deleted", ast.Pass()
    match parent:
        case ast.If(test) if node is test:
            yield "condition always true", ast.Constant(True)
            yield "condition always false", ast.Constant(False)
        case ast.While(test) if node is test:
            yield "condition always false", ast.Constant(False)
        case ast.For(iter=ast.Call(ast.Name("range"))) if node is parent.iter:
            yield "order reversed", ast.Call(ast.Name("reversed", ast.Load()), [node], [])
        case ast.withitem(context, None) if node is context:
            yield "context dropped", ast.parse("__import__('contextlib').nullcontext()", mode="eval").body
    if getattr(node, "is_index", False) and isinstance(parent, ast.Subscript | ast.Tuple):
        yield "index shifted", ast.BinOp(node, ast.Add(), ast.Constant(1))


def _changes_of_call(call):
    function, arguments, keywords = call.func, call.args, call.keywords
    name = function.attr if isinstance(function, ast.Attribute) else getattr(function, "id", "")
    if name in EXCHANGED:
        other = EXCHANGED[name]
        new = ast.Attribute(function.value, other, ast.Load()) if isinstance(function, ast.Attribute) else None
        yield "function exchanged", ast.Call(new or ast.Name(other, ast.Load()), arguments, keywords)
    if name in DROPPED and getattr(call, "is_method", False):
        yield "call dropped", function.value
    elif name in DROPPED and arguments:
        yield "call dropped", arguments[0]
    for k, argument in enumerate(arguments):
        if k + 1 < len(arguments):
            yield "arguments exchanged", ast.Call(function, _exchanged(arguments, k), keywords)
        if name not in SHAPE_IS_READ and not isinstance(argument, NO_ARRAY):
            zero = ast.BinOp(ast.Constant(0), ast.Mult(), argument)
            yield "argument as zeros", ast.Call(function, [*arguments[:k], zero, *arguments[k + 1 :]], keywords)
    for k in range(len(keywords)):
        yield "keyword dropped", ast.Call(function, arguments, keywords[:k] + keywords[k + 1 :])


def _exchanged(elements, k):
    return [*elements[:k], elements[k + 1], elements[k], *elements[k + 2 :]]


def _only_strings(elements):
    return all(isinstance(element, ast.Constant) and isinstance(element.value, str) for element in elements)
