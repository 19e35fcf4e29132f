"""Every rule-made mutant of every exercise's solution, held against the oracles; run by test_solution_mutants.py.

``python solution_mutants.py`` prints one JSON object: for each exercise and for both kinds, the rules of ``mutants``
and variables that are mistaken, how many were made and caught by the oracle test, and in words those that give the
solution's numbers, those that give others and are not caught, those that the exercise itself takes for right, and those
whose mistake it names, localises, or does not know; those that stop are told with their line.
From the second kind ``python solution_mutants.py 3`` takes every third; names behind the 3 are the exercises to judge.

It is a process of its own because a mutant may loop for ever or ask for all the memory there is: an alarm ends the
one, a limit the other.
"""

import ast
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
from test_exercise_oracles import arrays, differs, draws
from test_exercises import EXERCISES

from rnnbook.lessons.exercises.changed import every_change

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


def made_by(kind, exercise):
    """Yield (what was changed, the solution with the change): by the rules, or with one variable mistaken."""
    for change in every_change(exercise.solution):
        is_variable = change.rule == "variable mistaken"
        if kind == "variables" and is_variable and change.name == exercise.solution.__name__:
            yield f"line {change.line} of it: {change.what}", change.function
        if kind == "rules" and not is_variable and change.name in functions_of(exercise):
            yield f"{change.name}, line {change.line}: {change.rule}: {change.what}", change.function


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


def answer(exercise, function):
    """What the exercise says of a mutant that is not right; "stopped" where it gives no numbers to compare."""
    verdict = exercise.verdict(function)
    if verdict.passed:
        return "accepted"
    if verdict.kind in ("known", "rule", "pair", "earlier function"):
        return "named"
    if verdict.kind in ("relation", "probe"):
        return "localised"
    return "stopped" if verdict.kind in ("stopped", "count", "no number", "endless", "memory") else "unknown"


def judge(name, exercise, oracle, every):
    inputs, more = draws(exercise), draws(exercise, MORE)
    expected = [arrays(oracle(**given)) for given in inputs]
    solved = [arrays(exercise.solution(**given)) for given in more]
    results = {}
    for kind in ("rules", "variables"):
        result = results[kind] = {"made": 0, "caught": 0, "equal": [], "survivors": [], "accepted": []}
        result |= {"named": [], "localised": [], "stopped": [], "unknown": []}
        for what, function in islice(made_by(kind, exercise), 0, None, every if kind == "variables" else 1):
            result["made"] += 1
            if tells(exercise, function, inputs, expected):
                result["caught"] += 1
                result[answer(exercise, function)].append(f"{name}, {what}")
            else:
                result["survivors" if tells(exercise, function, more, solved) else "equal"].append(f"{name}, {what}")
    return results


def limit_memory():
    if Path("/proc/self/statm").exists():
        used = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
        resource.setrlimit(resource.RLIMIT_AS, (used + BYTES, used + BYTES))


if __name__ == "__main__":
    warnings.simplefilter("ignore")
    every = int(sys.argv[1]) if len(sys.argv) > 1 else 1
    oracles = {name: oracle_of(name) for name in sys.argv[2:] or EXERCISES}  # imported before memory is limited
    limit_memory()
    signal.signal(signal.SIGPROF, stop)
    json.dump({name: judge(name, EXERCISES[name], oracle, every) for name, oracle in oracles.items()}, sys.stdout)
