"""A change of a solution, as a clause: "`b_hh` is left out", and where, "in the line for `a_t`"."""

import ast


def in_words(rule: str, change: str) -> str:
    """Return what a rule changed as the clause behind "when"; ``change`` is a mutant's, "`i * g` -> `i`"."""
    old, _, new = (part.strip("`") for part in change.partition("` -> `"))
    match rule:
        case "term or factor dropped":
            return _dropped(old, new)
        case "operator exchanged":
            return _exchanged(old, new)
        case "transposition dropped":
            return f"`{new}` is not transposed"
        case "sign or not dropped":
            sign = "minus sign" if old.startswith("-") else "`~`" if old.startswith("~") else "`not`"
            return f"the {sign} before `{new}` is left out"
        case "call dropped":
            return f"`{_name_of_call(old)}` is left out"
        case "function exchanged":
            return f"`{_name_of_call(new)}` is used instead of `{_name_of_call(old)}`"
        case "arguments exchanged":
            return f"two arguments of `{_name_of_call(old)}` are swapped"
        case "argument as zeros":
            return f"an argument of `{_name_of_call(old)}` is replaced by zeros, `{new}`"
        case "neighbours exchanged":
            return f"the order is `{new}`"
        case "statement deleted":
            return f"`{old}` is left out"
        case "added nothing to":
            return "`=` is used instead of `+=`"
        case "order reversed":
            return "the loop runs in the opposite direction"
        case "variable mistaken" if new == f"{old}.T":
            return f"`{old}` is transposed"
        case "variable mistaken" if new == f"np.ones_like({old})":
            return f"`{old}` is replaced by ones"
    return f"`{new}` is used instead of `{old}`"


def place(source: str, line: int) -> str:
    """Return in which line of a function's source that is, by what the line computes."""
    statements = [node for node in ast.walk(ast.parse(source)) if isinstance(node, ast.stmt)]
    around = [node for node in statements if node.lineno <= line <= (node.end_lineno or node.lineno)]
    statement = min(around, key=lambda node: (node.end_lineno or node.lineno) - node.lineno, default=None)
    match statement:
        case ast.Assign([target]) | ast.AugAssign(target) | ast.AnnAssign(target):
            return f"in the line for `{ast.unparse(target)}`"
        case ast.Return():
            return "in the return value"
        case ast.For(target) if line == statement.lineno:
            return f"in the loop over `{ast.unparse(target)}`"
        case ast.If() | ast.While():
            return "in the condition"
    return "in the solution"


def _dropped(old, new):
    tree = ast.parse(old, mode="eval").body
    if not isinstance(tree, ast.BinOp):
        return f"`{new}` is used instead of `{old}`"
    left, right = ast.unparse(tree.left), ast.unparse(tree.right)
    kept_left = new == left
    gone = right if kept_left else left
    match tree.op:
        case ast.Add():
            return f"the term `{gone}` is left out"
        case ast.Sub():
            return f"`{gone}` is not subtracted" if kept_left else f"only `{new}` is used, not `{old}`"
        case ast.Mult() | ast.MatMult():
            return f"the factor `{gone}` is left out"
        case ast.Div() if kept_left:
            return f"the division by `{gone}` is left out"
        case ast.Pow() if kept_left:
            return f"the exponent `{gone}` of `{new}` is left out"
    return f"`{new}` is used instead of `{old}`"


def _exchanged(old, new):
    tree = ast.parse(old).body[0]
    tree = tree.value if isinstance(tree, ast.Expr) else tree
    if isinstance(tree, ast.AugAssign):
        tree = ast.BinOp(tree.target, tree.op, tree.value)
    if isinstance(tree, ast.BinOp):
        left, right = ast.unparse(tree.left), ast.unparse(tree.right)
        match tree.op:
            case ast.Add():
                return f"`{right}` is subtracted instead of added"
            case ast.Sub():
                return f"`{right}` is added instead of subtracted"
            case ast.Mult():
                return f"`{left}` is divided by `{right}` instead of multiplied"
            case ast.Div():
                return f"`{left}` is multiplied by `{right}` instead of divided"
    return f"`{new}` is used instead of `{old}`"


def _name_of_call(text):
    tree = ast.parse(text, mode="eval").body
    if isinstance(tree, ast.Call):
        return tree.func.attr if isinstance(tree.func, ast.Attribute) else ast.unparse(tree.func)
    return text
