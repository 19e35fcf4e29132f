"""Run a cell as a notebook would, and say what came of it. This runs in the browser."""

import ast
import contextlib
import io
import linecache
import traceback

HERE = "<your cell>"
MOST = 20_000  # characters of output that a page shows


def run(before, code):
    """Run the texts ``before``, without showing what they print, then ``code``; returns a dict for the page.

    ``output``: what the cell printed, the value of its last expression, and every verdict, wherever it stands;
    ``passed``: of the last verdict, or None where there was none; ``error``: a traceback of the cell's own lines.
    """
    space = {"__name__": "__main__"}
    shown = io.StringIO()
    try:
        for text in before:
            with contextlib.redirect_stdout(io.StringIO()):
                exec(_compiled(text, "<an earlier cell>"), space)
    except BaseException as error:
        return {"output": "", "passed": None, "error": "What runs before this cell stopped.\n" + told(error)}
    passed = None
    try:
        with contextlib.redirect_stdout(shown):
            nodes = ast.parse(_remembered(code, HERE), HERE).body
            for node in nodes:
                if isinstance(node, ast.Expr):
                    value = eval(compile(ast.Expression(node.value), HERE, "eval"), space)
                    if value is not None and (node is nodes[-1] or hasattr(value, "passed")):
                        print(repr(value))
                    passed = getattr(value, "passed", passed)
                else:
                    exec(compile(ast.Module([node], []), HERE, "exec"), space)
    except BaseException as error:
        return {"output": cut(shown.getvalue()), "passed": None, "error": told(error)}
    return {"output": cut(shown.getvalue()), "passed": passed, "error": None}


def _remembered(code, name):
    linecache.cache[name] = (len(code), None, code.splitlines(keepends=True), name)  # for the lines of a traceback
    return code


def _compiled(code, name):
    return compile(_remembered(code, name), name, "exec")


def told(error):
    """The traceback without the frames that are not the reader's own; a SyntaxError always with its line."""
    if isinstance(error, SyntaxError) and error.text is None and error.lineno:  # a return outside a function has none
        error.text = linecache.getline(error.filename or "", error.lineno) or None
    report = traceback.TracebackException.from_exception(error)
    report.stack = traceback.StackSummary.from_list([f for f in report.stack if f.filename.startswith("<")])
    return cut("".join(report.format(chain=False)).strip())


def cut(text):
    return text if len(text) <= MOST else text[:MOST] + f"\n... and {len(text) - MOST:,} characters more"
