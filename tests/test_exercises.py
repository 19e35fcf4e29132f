"""Every exercise knows its solution, and every known mistake is answered by its own sentence."""

import pkgutil
from importlib import import_module

import numpy as np
import pytest

from rnnbook.lessons import exercises
from rnnbook.lessons.exercises.checking import Exercise

MODULES = [import_module(f"rnnbook.lessons.exercises.{m.name}") for m in pkgutil.iter_modules(exercises.__path__)]
EXERCISES = {
    f"{module.__name__.rpartition('.')[2]}.{name}": value
    for module in MODULES
    for name, value in vars(module).items()
    if isinstance(value, Exercise)
}
JUDGES = [f"rnnbook/lessons/exercises/{m.name}.py" for m in pkgutil.iter_modules(exercises.__path__)
          if m.name not in exercises.chapters]  # fmt: skip


def in_part(name):
    """All that is asked of an exercise follows from its chapter's module, and from the judges'."""
    chapter = name.partition(".")[0]
    files = (f"rnnbook/lessons/exercises/{chapter}.py", *JUDGES, "rnnbook/in_numpy/*.py", "tests/test_exercises.py")
    return pytest.mark.search("exercises answered in every way", *files, group=chapter)


def of_each(exercises):
    """Parameters of a test that is made of each exercise: (name, values)."""
    return [pytest.param(*values, id="-".join(map(str, names)), marks=in_part(names[0])) for names, values in exercises]


MISTAKES = of_each(((name, said), (name, said)) for name, exercise in EXERCISES.items() for said in exercise.mistakes)
each_exercise = pytest.mark.parametrize("exercise", of_each(((n,), (e,)) for n, e in EXERCISES.items()))


def test_every_chapter_of_exercises_is_reached_from_the_package():
    chapters = {name.partition(".")[0] for name in EXERCISES}
    assert chapters == set(exercises.chapters)


@each_exercise
def test_the_solution_is_right_for_any_seed(exercise):
    for seed in range(3):
        assert exercise(exercise.solution, seed=seed).passed


@each_exercise
def test_an_unwritten_body_is_told_so(exercise):
    assert "returns None" in exercise(lambda **_: None).message


@pytest.mark.parametrize(("name", "sentence"), MISTAKES)
def test_a_known_mistake_is_named_for_any_seed(name, sentence):
    exercise = EXERCISES[name]
    for seed in range(3):
        verdict = exercise(exercise.mistakes[sentence], seed=seed)
        assert not verdict
        assert f"when {sentence}. " in verdict.message


@each_exercise
def test_an_unknown_mistake_is_told_with_its_size_and_where_to_look(exercise):
    def up_and_down(result):
        return result + np.cos(np.arange(np.size(result))).reshape(np.shape(result))

    def moved(**arguments):
        results = exercise.solution(**arguments)
        return tuple(map(up_and_down, results)) if isinstance(results, tuple) else up_and_down(results)

    message = exercise(moved).message
    assert "off by up to 1" in message
    assert "none of the usual mistakes" in message
    assert exercise.looks_at in message


@each_exercise
def test_errors_and_wrong_shapes_are_answered_in_a_sentence(exercise):
    def stops(**_):
        raise KeyError("b_hh")

    assert exercise(stops).message == "It stopped with KeyError: 'b_hh'. Your line: `raise KeyError(\"b_hh\")`."
    assert "not what it returns" in exercise(np.zeros(3)).message
    odd = np.zeros((1, 1, 1, 1, 1))
    n = len(exercise.returns)
    assert "should have shape" in exercise(lambda **_: (odd,) * n).message
    assert f"but returns {n + 1}" in exercise(lambda **_: (odd,) * (n + 1)).message


# sizes that the statement fixes: argument and axis
FIXED = {("memory.check_count", "x", 1), ("memory.check_count", "a_g", 0),
         ("memory.check_interval", "values", 0), ("seq2seq.check_on_the_letters", "spans", 1),
         ("why_recurrence.check_letters_known", "states", 1), ("why_recurrence.check_count_pairs", "x", 1),
         ("why_recurrence.check_count_with_gap", "x", 1)}  # fmt: skip


@pytest.mark.parametrize("name", EXERCISES)
def test_no_size_and_no_number_is_the_same_in_every_trial(name):
    exercise = EXERCISES[name]
    drawn = [exercise.inputs(np.random.default_rng([seed, trial])) for seed in range(5) for trial in range(3)]
    for argument, first in drawn[0].items():
        if isinstance(first, np.ndarray):
            sizes = zip(*(inputs[argument].shape for inputs in drawn), strict=True)
            same = {axis for axis, found in enumerate(sizes) if len(set(found)) == 1}
            assert same == {axis for n, a, axis in FIXED if (n, a) == (name, argument)}, argument
        else:
            assert len({inputs[argument] for inputs in drawn}) > 1, argument
