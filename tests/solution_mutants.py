"""Every rule-made mutant of every exercise's solution, held against the oracles; run by test_solution_mutants.py.

``python solution_mutants.py`` prints one JSON object: for each exercise and for both kinds, the rules of ``mutants``
and variables that are mistaken, how many were made and caught by the oracle test, and in words those that give the
solution's numbers, those that give others and are not caught, and those that the exercise itself takes for right.
From the second kind ``python solution_mutants.py 3`` takes every third.

It is a process of its own because a mutant may loop for ever or ask for all the memory there is: an alarm ends the
one, a limit the other.
"""

import ast
import copy
import inspect
import json
import resource
import signal
import sys
import warnings
from contextlib import contextmanager
from itertools import islice
from pathlib import Path

from exercise_oracles import oracle_of
from mutants import load, mutants
from test_exercise_oracles import arrays, differs, draws
from test_exercises import EXERCISES

SECONDS, BYTES = 1, 2 << 30  # of the processor for one mutant, and beyond what is there before the first
MORE = range(1000, 1020)  # seeds for the mutants that the oracle test's own draws let pass


class TooLong(BaseException):
    """No ``except Exception`` keeps a mutant alive."""


def stop(*_):
    raise TooLong


@contextmanager
def alarm():
    signal.setitimer(signal.ITIMER_PROF, SECONDS)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_PROF, 0)


def functions_of(exercise):
    """The solution's name, and those of its module's private functions that it calls."""
    tree = ast.parse(inspect.getsource(exercise.solution))
    called = {node.func.id for node in ast.walk(tree) if isinstance(node, ast.Call) and isinstance(node.func, ast.Name)}
    return {exercise.solution.__name__} | {name for name in called if name.startswith("_")}


def by_rule(exercise):
    """Yield (what was changed, the solution with the change), for all rules of ``mutants``."""
    module = inspect.getmodule(exercise.solution)
    for mutant in mutants(inspect.getsource(module), functions_of(exercise)):
        with alarm():
            changed = load(mutant.source, "mutant")
        yield f"line {mutant.line}: {mutant.rule}: {mutant.change}", getattr(changed, exercise.solution.__name__)


def by_name(exercise):
    """Yield the same with one variable transposed, set to ones, or mistaken for another one of the solution."""
    tree = ast.parse(inspect.getsource(exercise.solution))
    nodes = [node for node in ast.walk(tree) if isinstance(node, ast.Name)]
    names = {node.arg for node in ast.walk(tree) if isinstance(node, ast.arg)}
    names |= {node.id for node in nodes if isinstance(node.ctx, ast.Store)}
    for node in nodes:
        name = node.id
        if name in names and isinstance(node.ctx, ast.Load):
            for new in (f"{name}.T", f"np.ones_like({name})", *sorted(names - {name})):
                node.id = new  # unparsed and parsed again, it is the expression
                scope = dict(vars(inspect.getmodule(exercise.solution)))
                exec(ast.unparse(tree), scope)
                yield f"line {node.lineno} of it: `{name}` -> `{new}`", scope[exercise.solution.__name__]
            node.id = name


def tells(exercise, function, inputs, expected):
    """Tell whether a mutant gives other numbers than these, or stops, on any of the inputs."""
    for given, right in zip(inputs, expected, strict=True):
        try:
            with alarm():
                found = exercise._run(function, given)
        except (Exception, TooLong):
            return True
        if found is None or differs(found, right):
            return True
    return False


def takes_for_right(exercise, function):
    silent = copy.copy(exercise)
    silent.mistakes = {}  # looking for the mistake's name would take most of the time
    try:
        with alarm():
            return silent(function).passed
    except TooLong:
        return False


def judge(name, exercise, oracle, every):
    inputs, more = draws(exercise), draws(exercise, MORE)
    expected = [arrays(oracle(**given)) for given in inputs]
    solved = [arrays(exercise.solution(**given)) for given in more]
    results = {}
    for kind, made in {"rules": by_rule, "variables": by_name}.items():
        result = results[kind] = {"made": 0, "caught": 0, "equal": [], "survivors": [], "accepted": []}
        for what, function in islice(made(exercise), 0, None, every if kind == "variables" else 1):
            result["made"] += 1
            if tells(exercise, function, inputs, expected):
                result["caught"] += 1
                result["accepted"] += [f"{name}, {what}"] * takes_for_right(exercise, function)
            else:
                result["survivors" if tells(exercise, function, more, solved) else "equal"].append(f"{name}, {what}")
    return results


def limit_memory():
    if Path("/proc/self/statm").exists():
        used = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
        resource.setrlimit(resource.RLIMIT_AS, (used + BYTES, used + BYTES))


if __name__ == "__main__":
    warnings.simplefilter("ignore")
    oracles = {name: oracle_of(name) for name in EXERCISES}  # imported before memory is limited
    every = int(sys.argv[1]) if len(sys.argv) > 1 else 1
    limit_memory()
    signal.signal(signal.SIGPROF, stop)
    json.dump({name: judge(name, exercise, oracles[name], every) for name, exercise in EXERCISES.items()}, sys.stdout)
