"""The rules by which a small mistake is made in one node of a syntax tree: see ``mutants``.

A rule takes a node and yields nodes to replace it, so no mistake depends on a variable's name. Changes that cannot show
are left out: the order of the axes of a sum, the numbers in an array of which only the shape is read.
"""

import ast
from collections.abc import Iterator
from typing import Any

SWAPPED: dict[Any, Any] = {
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
NO_ARRAY = ast.Constant | ast.Starred | ast.GeneratorExp | ast.ListComp | ast.Lambda


def changes(node: Any, parent: Any) -> Iterator[tuple[str, ast.AST]]:
    """Yield (rule, the node that replaces this one); ``parent`` is the node that holds it."""
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
            for other in (value + 1, value - 1)[getattr(node, "is_open", False) :]:
                yield "constant changed", ast.Constant(other)
        case ast.Constant(float(number)):
            yield "constant changed", ast.Constant(number * 0.9 if number else 1.0)
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
