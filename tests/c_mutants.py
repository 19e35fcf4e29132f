"""The small mistakes of ``mutants.py`` in the statements of a C source that compute numbers.

Such a statement without its type is Python, but for ``a ? b : c`` and casts. An index is exchanged only for another one
that the function uses in the same array: it stays within the row.
"""

import ast
import re
from collections.abc import Iterator
from typing import NamedTuple

from rnnbook.lessons.exercises.mutants import mutants

COMMENT = re.compile(r"/\*.*?\*/", re.DOTALL)
FUNCTION = re.compile(
    r"^(?:static inline \w+|INLINE void) (\w+)\([^{]*\) \{.*?\}(?=\n(?:\n|static|INLINE|\Z))", re.DOTALL | re.MULTILINE
)
STATEMENT = re.compile(r"(?<=[;{}\n])\s*(real |return )?([^;{}#\n]*);")
NO_EQUATION = re.compile(r"restrict|ROW_OF|STATE|TRACE|memcpy|for \(|uint64_t|^\s*\w+( \w+)?\s*$|^\s*\w+_\w+\(")
SUBSCRIPT = re.compile(r"(\w+)\[([^][]*)\]")
MACROS = "#define CHOOSE(c, a, b) ((c) ? (a) : (b))\n#define AS_REAL(x) ((real)(x))\n"  # what a mutant is written in


class Mutant(NamedTuple):
    """One mistake: the function, what was changed, and the function's whole text, which needs ``MACROS``."""

    function: str
    change: str
    text: str


def functions(source: str) -> dict[str, str]:
    """Return the functions of a C source's first part by name, without comments: all that compute one step."""
    return {found[1]: found[0] for found in FUNCTION.finditer(COMMENT.sub("", source.partition("/* Part two")[0]))}


def mutants_in_c(source: str) -> list[Mutant]:
    """Return the mutants of every function; no two have the same text."""
    found, helpers = {}, []
    for name, text in functions(source).items():
        used = set(SUBSCRIPT.findall(text))
        for statement in STATEMENT.finditer(text):
            if NO_EQUATION.search(statement[2]):
                continue
            for change, new in _of_statement(statement[1] or "", statement[2], used, helpers):
                changed = f"{text[: statement.start()]}\n{new};{text[statement.end() :]}"
                found.setdefault(changed, Mutant(name, change, changed))
        helpers += [name] if text.startswith("static inline real") else []  # none is called above it, nor by itself
    return list(found.values())


def _of_statement(begin, text, used, helpers) -> Iterator[tuple[str, str]]:
    """Yield (change in words, new statement without its semicolon)."""
    parts = _split(text, ",")
    for k, part in enumerate(parts):
        for change, new in _of_assignment(part.strip(), begin, used, helpers):
            rest = [*parts[:k], *([new] if new else []), *parts[k + 1 :]]
            yield change, begin + ", ".join(rest)


def _of_assignment(text, begin, used, helpers):
    *targets, value = re.split(r"(?<![<>=]) = ", text)
    if not begin:  # nothing is declared here
        for k in range(len(targets)):
            others = targets[:k] + targets[k + 1 :]
            yield f"{targets[k]} not written in `{text}`", " = ".join([*others, value]) if others else ""
    python = f"y = {_to_python(value)}"
    for mutant in mutants(python):
        if mutant.rule != "neighbours exchanged":
            new = _to_c(mutant.source)
            if new is not None and set(SUBSCRIPT.findall(new)) <= used:
                yield f"{mutant.change} in `{text}`", " = ".join([*targets, new])
    for call in re.finditer(rf"\b({'|'.join(helpers) or '!'})\(", text):
        for other in sorted({*helpers, ""} - {call[1]}):
            yield f"{call[1]} -> {other} in `{text}`", f"{text[: call.start()]}{other}{text[call.end(1) :]}"
    for place in SUBSCRIPT.finditer(text):
        for array, index in sorted(used):
            if array == place[1] and index != place[2]:
                new = f"{text[: place.start(2)]}{index}{text[place.end(2) :]}"
                yield f"{place[0]} -> {array}[{index}] in `{text}`", new


def _to_python(text):
    """Translate a C expression: the innermost brackets first, then ``a ? b : c``."""
    text = re.sub(r"\(real\)\s*(-?[\w.]+)", r"AS_REAL(\1)", text)
    pieces = re.split(r"(\((?:[^()]|\((?:[^()]|\([^()]*\))*\))*\))", text)
    text = "".join(f"({_to_python(piece[1:-1])})" if piece[:1] == "(" else piece for piece in pieces)
    condition, *answers = _split(text, "?")
    if not answers:
        return text
    yes, no = _split(answers[0], ":")
    return f"({yes.strip()} if {condition.strip()} else {no.strip()})"


class _Chooses(ast.NodeTransformer):
    def visit_IfExp(self, node):
        self.generic_visit(node)
        return ast.Call(ast.Name("CHOOSE", ast.Load()), [node.test, node.body, node.orelse], [])


def _to_c(source):
    """The value that ``y = …`` gives to y, in C; None where the statement is none."""
    statement = _Chooses().visit(ast.parse(source)).body[0]
    return ast.unparse(statement.value) if isinstance(statement, ast.Assign) else None


def _split(text, mark):
    """Split at a mark that stands outside all brackets."""
    depth, parts = 0, [""]
    for letter in text:
        depth += (letter in "([") - (letter in ")]")
        if letter == mark and depth == 0:
            parts.append("")
        else:
            parts[-1] += letter
    return parts
