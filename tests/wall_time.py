"""Which asserts of a source use a time that was measured: an interpreter of Python that knows two values, time and not.

It runs a file's statements, or a notebook's cells, in order. What a clock returns is a time, and so is whatever is
computed from one, kept in a list with one, or returned by a function that reads a clock. A shape or a length of times
is none. Where a branch or a loop may have run, a name keeps both of its values.
"""

from __future__ import annotations

import ast
from dataclasses import dataclass, field

CLOCKS = {
    "time": {"time", "perf_counter", "process_time", "thread_time", "monotonic", "clock_gettime"},
    "timeit": {"timeit", "repeat", "default_timer", "Timer", "autorange"},
    "datetime": {"now", "utcnow", "today"},
}
CLOCKS["time"] |= {f"{name}_ns" for name in CLOCKS["time"]}
ANYWHERE = (CLOCKS["time"] - {"time", "time_ns"}) | {"default_timer", "elapsed_time", "getrusage", "cpu_times"}
NO_TIME = {"len", "isinstance", "type", "callable", "hasattr", "keys", "isfinite"}  # of times, these tell no time
NO_TIME_OF_ARRAY = {"shape", "size", "ndim", "dtype", "keys"}
FILLS = {"append", "extend", "add", "insert", "update", "appendleft", "setdefault"}
FAILS = {"fail", "skip", "exit", "xfail"}
TIME, CLOCK = "a time", "what gives a time when it is called"


@dataclass
class Module:
    name: str


@dataclass
class Function:
    node: ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda
    scope: Scope
    is_method: bool = False
    is_fixture: bool = False


class Table(dict):
    """What a dict holds by key, where all of its keys are written out, or a tuple by place."""


class Scope(dict):
    """The names of a function or a module, and where to look for those that it lacks."""

    def __init__(self, parent=None):
        super().__init__()
        self.parent = parent

    def find(self, name):
        return self[name] if name in self else self.parent.find(name) if self.parent is not None else None


def join(*values):
    """What a name holds that may hold any of these."""
    values = [join(*value.values()) if isinstance(value, Table) else value for value in values]
    for kind in (TIME, CLOCK):
        if kind in values:
            return kind
    return next((value for value in values if value is not None), None)


def wall_times(*sources: str) -> list[tuple[int, int, str]]:
    """(number of the source, line, text) of each assert of the sources, cells of one notebook, that uses a time."""
    words = ("import time", "from time ", "timeit", "'time'", "datetime", *ANYWHERE)
    if not any(word in source for source in sources for word in words):
        return []
    run = Run([ast.parse(source) for source in sources])
    return [(k, line, sources[k].splitlines()[line - 1].strip()) for k, line in sorted(run.found)]


@dataclass
class Run:
    cells: list[ast.Module]
    found: set = field(default_factory=set)
    attributes: set = field(default_factory=set)  # names of attributes that hold a time somewhere
    methods: dict = field(default_factory=dict)
    running: list = field(default_factory=list)
    known: dict = field(default_factory=dict)  # what a call has returned before
    weak: int = 0  # inside a branch or a loop: a name may keep what it held
    cell: int = 0

    def __post_init__(self):
        for _ in range(2):  # an attribute may be read above the line that fills it
            scope = Scope()
            for k, cell in enumerate(self.cells):
                self.cell = k
                for statement in cell.body:
                    self.known.clear()
                    self.execute([statement], scope, [])
            for k, cell in enumerate(self.cells):  # bodies that nobody has called
                self.cell = k
                functions = [n for n in ast.walk(cell) if isinstance(n, (ast.FunctionDef, ast.AsyncFunctionDef))]
                for node in functions:
                    self.call(Function(node, scope), [])

    # statements

    def execute(self, statements, scope, returned):
        for node in statements:
            handler = getattr(self, f"_{type(node).__name__}", None)
            if handler is not None:
                handler(node, scope, returned)
            else:
                for child in ast.iter_child_nodes(node):
                    if isinstance(child, ast.expr):
                        self.value(child, scope)

    def _Import(self, node, scope, returned):
        for alias in node.names:
            if alias.name in CLOCKS:
                scope[alias.asname or alias.name] = Module(alias.name)

    def _ImportFrom(self, node, scope, returned):
        for alias in node.names:
            name = alias.asname or alias.name
            if node.module == "datetime" and alias.name in ("datetime", "date"):
                scope[name] = Module("datetime")
            else:
                scope[name] = CLOCK if alias.name in CLOCKS.get(node.module, ()) else None

    def _FunctionDef(self, node, scope, returned, is_method=False):
        marks = [ast.unparse(mark) for mark in node.decorator_list]
        function = Function(node, scope, is_method, any("fixture" in mark for mark in marks))
        if is_method:
            is_property = any("property" in mark for mark in marks)
            if is_property and self.call(function, []) == TIME:
                self.attributes.add(node.name)
            self.methods[node.name] = function
        else:
            self.bind(ast.Name(node.name), function, scope)

    _AsyncFunctionDef = _FunctionDef

    def _ClassDef(self, node, scope, returned):
        inner = Scope(scope)
        for child in node.body:
            if isinstance(child, (ast.FunctionDef, ast.AsyncFunctionDef)):
                self._FunctionDef(child, inner, returned, is_method=True)
            else:
                self.execute([child], inner, returned)

    def _Return(self, node, scope, returned):
        returned.append(self.value(node.value, scope))

    def _Assign(self, node, scope, returned):
        for target in node.targets:
            self.bind(target, self.value(node.value, scope), scope)

    def _AnnAssign(self, node, scope, returned):
        if node.value is not None:
            self.bind(node.target, self.value(node.value, scope), scope)

    def _AugAssign(self, node, scope, returned):
        old = self.value(node.target, scope)
        self.bind(node.target, join(old, self.value(node.value, scope)), scope)

    def _If(self, node, scope, returned):
        timed = self.value(node.test, scope) == TIME
        if timed and any(self.fails(child) for part in (node.body, node.orelse) for s in part for child in ast.walk(s)):
            self.found.add((self.cell, node.lineno))
        self.maybe([node.body, node.orelse], scope, returned, timed)

    def _While(self, node, scope, returned):
        timed = self.value(node.test, scope) == TIME
        self.maybe([node.body, node.body, node.orelse], scope, returned, timed)
        self.value(node.test, scope)

    def _For(self, node, scope, returned):
        self.each(node.target, node.iter, scope)
        self.maybe([node.body, node.body, node.orelse], scope, returned)

    _AsyncFor = _For

    def _With(self, node, scope, returned):
        for item in node.items:
            value = self.value(item.context_expr, scope)
            if item.optional_vars is not None:
                self.bind(item.optional_vars, value, scope)
        self.execute(node.body, scope, returned)

    _AsyncWith = _With

    def _Try(self, node, scope, returned):
        handlers = [handler.body for handler in node.handlers]
        self.maybe([node.body, *handlers, node.orelse, node.finalbody], scope, returned)

    def _Match(self, node, scope, returned):
        timed = self.value(node.subject, scope) == TIME
        self.maybe([case.body for case in node.cases], scope, returned, timed)

    def _Assert(self, node, scope, returned):
        if join(self.value(node.test, scope)) == TIME:
            self.found.add((self.cell, node.lineno))

    def maybe(self, bodies, scope, returned, timed=False):
        """Run statements that may not run; where a time decides, so it does what they assign."""
        self.weak += 1
        for body in bodies:
            self.execute(body, scope, returned)
            for node in (n for s in body for n in ast.walk(s) if timed and isinstance(n, (ast.Assign, ast.AugAssign))):
                for target in node.targets if isinstance(node, ast.Assign) else [node.target]:
                    self.bind(target, TIME, scope)
        self.weak -= 1

    @staticmethod
    def fails(node):
        return isinstance(node, ast.Raise) or (isinstance(node, ast.Call) and last_name(node.func) in FAILS)

    # what a name holds

    def bind(self, target, value, scope):
        if isinstance(target, ast.Name):
            scope[target.id] = join(value, scope.find(target.id)) if self.weak else value
        elif isinstance(target, (ast.Tuple, ast.List)):
            by_place = isinstance(value, Table) and list(value) == list(range(len(target.elts)))
            for k, part in enumerate(target.elts):
                self.bind(part, value[k] if by_place else value, scope)
        elif isinstance(target, ast.Starred):
            self.bind(target.value, value, scope)
        elif isinstance(old := self.table_of(target, scope), Table):
            scope[target.value.id] = Table({**old, target.slice.value: join(value, old.get(target.slice.value))})
        elif join(value) in (TIME, CLOCK):  # a part of something: all of it
            if isinstance(target, ast.Attribute):
                self.attributes.add(target.attr)
            self.fill(target, join(value), scope)

    @staticmethod
    def table_of(target, scope):
        """The table of ``table["key"]``, where it is one."""
        if isinstance(target, ast.Subscript) and isinstance(target.slice, ast.Constant):
            return scope.get(target.value.id) if isinstance(target.value, ast.Name) else None
        return None

    def fill(self, target, value, scope):
        """Let the name at the root of ``a.b[c]`` hold a time as well; not ``self``, whose attributes are known."""
        while isinstance(target, (ast.Attribute, ast.Subscript, ast.Call)):
            target = target.func if isinstance(target, ast.Call) else target.value
        if isinstance(target, ast.Name) and target.id != "self":
            home = scope
            while home.parent is not None and target.id not in home:
                home = home.parent
            home[target.id] = join(value, home.get(target.id))

    def each(self, target, iterable, scope):
        """Bind a loop's target, part by part where the loop goes over several things at once."""
        name = last_name(iterable.func) if isinstance(iterable, ast.Call) else ""
        parts = iterable.args if name in ("zip", "enumerate") else []
        if isinstance(target, ast.Tuple) and parts and len(target.elts) == len(parts) + (name == "enumerate"):
            values = [None] * (name == "enumerate") + [self.value(part, scope) for part in parts]
            for part, value in zip(target.elts, values, strict=True):
                self.bind(part, value, scope)
        elif isinstance(target, ast.Tuple) and name == "items" and len(target.elts) == 2:
            self.bind(target.elts[0], None, scope)
            self.bind(target.elts[1], self.value(iterable, scope), scope)
        else:
            self.bind(target, self.value(iterable, scope), scope)

    # expressions

    def value(self, node, scope):
        if node is None or isinstance(node, ast.Constant):
            return None
        handler = getattr(self, f"_{type(node).__name__}", None)
        if handler is not None:
            return handler(node, scope)
        parts = [self.value(child, scope) for child in ast.iter_child_nodes(node) if isinstance(child, ast.expr)]
        return self.together(parts)

    def together(self, parts):
        """What is made of these: a time if one of them is; a clock if calling one of them gives a time."""
        parts = [join(part) if isinstance(part, Table) else part for part in parts]
        parts = [CLOCK if self.is_clock(part) else part for part in parts]
        return join(*[part for part in parts if part in (TIME, CLOCK)])

    def is_clock(self, value):
        """Whether calling this gives a time."""
        return value == CLOCK or (isinstance(value, Function) and self.call(value, []) == TIME)

    def _Name(self, node, scope):
        return scope.find(node.id)

    def _Attribute(self, node, scope):
        base = self.value(node.value, scope)
        if isinstance(base, Module):
            if base.name == "datetime" and node.attr in ("datetime", "date"):
                return base
            return CLOCK if node.attr in CLOCKS[base.name] else None
        if node.attr in NO_TIME_OF_ARRAY:
            return None
        if node.attr in ANYWHERE:
            return CLOCK
        base = join(base) if isinstance(base, Table) else base
        if base == TIME or node.attr in self.attributes:
            return TIME
        return self.methods.get(node.attr, base if base == CLOCK else None)

    def _Subscript(self, node, scope):
        base, index = self.value(node.value, scope), self.value(node.slice, scope)
        if isinstance(base, Table):
            known = isinstance(node.slice, ast.Constant)
            base = base.get(node.slice.value) if known else join(*base.values())
        return TIME if index == TIME else base if base in (TIME, CLOCK) else None

    def _NamedExpr(self, node, scope):
        value = self.value(node.value, scope)
        self.bind(node.target, value, scope)
        return value

    def _Lambda(self, node, scope):
        return Function(node, scope)

    def _Tuple(self, node, scope):
        return Table(enumerate(self.value(part, scope) for part in node.elts))

    def _Dict(self, node, scope):
        values = [self.value(part, scope) for part in node.values]
        if all(isinstance(key, ast.Constant) for key in node.keys):
            return Table(zip([key.value for key in node.keys], values, strict=True))
        return self.together([*values, *[self.value(key, scope) for key in node.keys]])

    def by_key(self, node, scope):
        """``{key: f(value) for key, value in table.items()}``, key by key; None where it is another one."""
        (loop, *others), calls = node.generators, ast.Call
        if others or loop.ifs or not (isinstance(loop.iter, calls) and last_name(loop.iter.func) == "items"):
            return None
        table = self.value(loop.iter.func.value, scope)
        if not isinstance(table, Table) or not isinstance(loop.target, ast.Tuple):
            return None
        key, value = loop.target.elts
        if not (isinstance(node.key, ast.Name) and isinstance(key, ast.Name) and node.key.id == key.id):
            return None
        found = Table()
        for name, held in table.items():
            inner = Scope(scope)
            self.bind(value, held, inner)
            found[name] = self.value(node.value, inner)
        return found

    def comprehension(self, node, scope):
        if isinstance(node, ast.DictComp) and (table := self.by_key(node, scope)) is not None:
            return table
        inner = Scope(scope)
        for generator in node.generators:
            self.each(generator.target, generator.iter, inner)
        parts = [node.key, node.value] if isinstance(node, ast.DictComp) else [node.elt]
        tests = [test for generator in node.generators for test in generator.ifs]
        return self.together([self.value(part, inner) for part in [*parts, *tests]])

    _ListComp = _SetComp = _GeneratorExp = _DictComp = comprehension

    def _Yield(self, node, scope):
        value = self.value(node.value, scope)
        if self.running:
            self.running[-1][1].append(value)
        return None

    _YieldFrom = _Yield

    def _Call(self, node, scope):
        function = self.value(node.func, scope)
        given = [self.value(argument, scope) for argument in node.args]
        named = {keyword.arg: self.value(keyword.value, scope) for keyword in node.keywords}
        everything, name = [join(part) for part in [*given, *named.values()]], last_name(node.func)
        timed = TIME in everything
        if timed and (name.startswith(("assert", "check")) or name == "approx"):
            self.found.add((self.cell, node.lineno))
        if timed and name in FILLS and isinstance(node.func, ast.Attribute):
            self.fill(node.func.value, TIME, scope)
        if name == "run_line_magic" and any(ast.unparse(a).startswith(("'timeit", "'time")) for a in node.args):
            return TIME
        if name in NO_TIME:
            return None
        if isinstance(function, Function):
            return self.call(function, given, named)
        if function == CLOCK and name in ("items", "values", "get"):
            return CLOCK
        if function in (TIME, CLOCK):
            return TIME
        return TIME if self.together(everything) is not None else None

    def call(self, function, given, named=None):
        """What a function of the file returns for these arguments."""
        node, named = function.node, named or {}
        names = [a.arg for a in [*node.args.posonlyargs, *node.args.args]][function.is_method :]
        arguments = dict(zip(names, given, strict=False)) | {k: v for k, v in named.items() if k is not None}
        rest = join(*given[len(names) :], *(v for k, v in named.items() if k is None or k not in names))
        key = (
            id(node),
            tuple(sorted((k, str(type(v)) if isinstance(v, Function) else str(v)) for k, v in arguments.items())),
        )
        if key in self.known and not any(isinstance(v, Function) for v in arguments.values()):
            return self.known[key]
        if len(self.running) > 12 or any(id(node) == running for running, _ in self.running):
            return None
        scope = Scope(function.scope)
        for part in [*node.args.posonlyargs, *node.args.args, *node.args.kwonlyargs]:
            fixture = function.scope.find(part.arg)
            is_given = isinstance(fixture, Function) and fixture.is_fixture
            scope[part.arg] = arguments.get(part.arg, self.call(fixture, []) if is_given else None)
        for part in (node.args.vararg, node.args.kwarg):
            if part is not None:
                scope[part.arg] = rest
        returned: list = []
        weak, self.weak = self.weak, 0
        self.running.append((id(node), returned))
        if isinstance(node, ast.Lambda):
            returned.append(self.value(node.body, scope))
        else:
            self.execute(node.body, scope, returned)
        self.running.pop()
        self.weak = weak
        self.known[key] = result = returned[0] if len(returned) == 1 else join(*returned)
        return result


def last_name(node) -> str:
    """``f`` of ``f(…)``, ``a.f(…)`` and ``a[b].f(…)``."""
    return node.attr if isinstance(node, ast.Attribute) else node.id if isinstance(node, ast.Name) else ""
