"""Conventions that differ from student to student, so that a copied answer shows: the order of the gates.

Each student has inputs of different sizes and numbers anyway. Here the arguments themselves mean something else, and
the feedback says if an answer follows another student's convention, or the book's.
"""

import inspect
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

from rnnbook.lessons.exercises.attempt import numbers
from rnnbook.lessons.exercises.checking import Exercise

Arguments = dict[str, Any]


class Convention(NamedTuple):
    """What the student is told, how arguments go from the book's convention to this one and back, and that in code."""

    told: str
    code: str
    from_book: Callable[[Arguments], Arguments]
    to_book: Callable[[Arguments], Arguments]


class Variation(NamedTuple):
    """The conventions of one exercise; ``takes``: the book's arguments, ``parameters``: the student's."""

    takes: tuple[str, ...]
    parameters: tuple[str, ...]
    conventions: tuple[Convention, ...]
    note: str  # goes under the statement, for everyone


def _blocks(order: str) -> Convention:
    """The pre-activations of an LSTM's gates stacked in one array, in this order; the other arguments as they are."""

    def from_book(arguments):
        stacked = np.concatenate([arguments[f"a_{gate}"] for gate in order], axis=1)
        return {"a": stacked} | {name: v for name, v in arguments.items() if name[:2] != "a_"}

    def to_book(arguments):
        blocks = np.split(arguments["a"], len(order), axis=1)
        rest = {name: v for name, v in arguments.items() if name != "a"}
        return {f"a_{gate}": blocks[order.index(gate)] for gate in sorted(order)} | rest

    code = f"{', '.join(f'a_{gate}' for gate in order)} = np.split(a, {len(order)}, axis=1)"
    return Convention(
        f"In your version the blocks of `a` are in the order {', '.join(order)}.", code, from_book, to_book
    )


def _stacked(takes: str, *orders: str) -> Variation:
    names = tuple(takes.split())
    note = f"Here the pre-activations come stacked along the last axis, in one array `a` $(B, {len(orders[0])}H)$. "
    note += "The order of the blocks is your own: the cell below says which it is."
    parameters = ("a", *(name for name in names if name[:2] != "a_"))
    return Variation(names, parameters, tuple(_blocks(order) for order in orders), note)


VARIATIONS = {
    "lstm.coupled_step": _stacked("a_f a_g a_o c_prev", "fgo", "ogf", "gof", "fog"),
    "lstm.peephole_step": _stacked("a_i a_f a_g a_o c_prev p_i p_f p_o", "ifgo", "iofg", "ogif", "gofi"),
}


def variation_of(name: str, exercise: Any) -> Variation | None:
    """Return the variation of an exercise, if it has one and still takes the arguments that it is made for."""
    found = VARIATIONS.get(name)
    if found is None or tuple(inspect.signature(exercise.solution).parameters) != found.takes:
        return None
    return found


def varied(exercise: Exercise, variation: Variation, convention: Convention) -> Exercise:
    """Return the exercise in one convention; following a different one is a known mistake."""
    mistakes: dict[str, Callable] = {}
    for other in variation.conventions:
        if other is not convention:
            told = "the convention is not the one of your sheet"
            mistakes[f"{told} ({_short(other)})"] = _in(variation, other, exercise.solution)
    for sentence, wrong in exercise.mistakes.items():
        known = _in(variation, convention, wrong)
        if not any(_alike(known, other, exercise, convention) for other in mistakes.values()):
            mistakes[sentence] = known
    return Exercise(
        _in(variation, convention, exercise.solution),
        _drawn(convention, exercise.inputs),
        exercise.returns,
        mistakes,
        exercise.looks_at,
        exercise.tolerance,
        [_drawn(convention, more) for more in exercise.also],
        exercise.forbids,
    )


def _alike(one, other, exercise, convention):
    """Whether two mistakes are the same."""
    arguments = convention.from_book(exercise.inputs(np.random.default_rng(0)))
    made = [numbers(function, arguments) for function in (one, other)]
    return all(made) and all(a.shape == b.shape and np.allclose(a, b) for a, b in zip(*made))


def _drawn(convention, inputs):
    return lambda rng: convention.from_book(inputs(rng))


def _short(convention):
    return (
        convention.told.removeprefix("In your version").strip(" ,.").replace("`", "").replace("*", "").replace("$", "")
    )


def _in(variation, convention, function):
    """A function of the book's arguments as one of the student's."""

    def follows(**arguments):
        return function(**convention.to_book(arguments))

    parameters = [inspect.Parameter(p, inspect.Parameter.POSITIONAL_OR_KEYWORD) for p in variation.parameters]
    follows.__signature__ = inspect.Signature(parameters)  # type: ignore[attr-defined]
    return follows
