"""Right answers are right however they are handed in, and what is no answer is refused: for every exercise.

The table's rows are run on all exercises there are, those of later chapters too.
"""

import inspect

import numpy as np
import pytest
import torch
from test_exercises import EXERCISES, FIXED, of_each

from rnnbook.lessons.exercises import diagnosis
from rnnbook.lessons.exercises.attempt import numbers
from rnnbook.lessons.exercises.checking import Exercise
from rnnbook.lessons.exercises.trials import SINGLE, features


@pytest.fixture(autouse=True)
def no_search(monkeypatch):
    """Whether an answer is right does not depend on why it is not, and that takes longer to find."""
    monkeypatch.setattr(diagnosis, "diagnose", lambda *_: diagnosis.Diagnosis("", "unknown"))


each_exercise = pytest.mark.parametrize("name", of_each(((n,), (n,)) for n in EXERCISES))
# an argument that cannot be seen in the results, and why
UNSEEN = {
    ("bptt.check_backward", "W_ih"): "the gradients of the weights pass through W_hh alone",
    ("bptt.check_ends", "E"): "the gradients take its shape alone",
}


def results_of(exercise, arguments):
    results = exercise.solution(**arguments)
    return results if isinstance(results, tuple) else (results,)


def handed_in(change, pack=tuple):
    """The solution with every result changed, and the tuple of them packed."""

    def attempt_for(exercise):
        def attempt(**arguments):
            results = [change(np.asarray(result)) for result in results_of(exercise, arguments)]
            return results[0] if len(results) == 1 else pack(results)

        return attempt

    return attempt_for


def in_float32(exercise):
    """Computed in float32 from the beginning."""

    def attempt(**arguments):
        coarse = {n: a.astype(np.float32) if _is_float(a) else a for n, a in arguments.items()}
        results = tuple(np.asarray(result, np.float32) for result in results_of(exercise, coarse))
        return results if len(results) > 1 else results[0]

    return attempt


def in_float32_as_lists(exercise):
    def attempt(**arguments):
        results = in_float32(exercise)(**arguments)
        return [r.tolist() for r in results] if isinstance(results, tuple) else results.tolist()

    return attempt


def _is_float(value):
    return isinstance(value, np.ndarray) and value.dtype.kind == "f"


def by_position(exercise):
    """With names of its own for the arguments."""
    names = list(inspect.signature(exercise.solution).parameters)
    own = ", ".join(f"argument_{n}" for n in range(len(names)))
    return eval(f"lambda {own}: solution({own})", {"solution": exercise.solution})


def with_one_name_changed(exercise):
    """As many books call the state before: the first argument has another name."""
    names = list(inspect.signature(exercise.solution).parameters)
    own = ", ".join(["first", *names[1:]])
    return eval(f"lambda {own}: solution({own})", {"solution": exercise.solution})


def tensor(array):
    return torch.tensor(array, dtype=torch.float64 if array.dtype.kind == "f" else None)


RIGHT = {
    "float32": in_float32,
    "rounded to float32": handed_in(lambda a: a.astype(np.float32)),
    "float32 as lists": in_float32_as_lists,
    "nested lists": handed_in(lambda a: a.tolist(), pack=list),
    "a list for the tuple": handed_in(lambda a: a, pack=list),
    "tensors": handed_in(tensor),
    "tensors that ask for gradients": handed_in(lambda a: tensor(a.astype(float)).requires_grad_()),
    "float32 tensors": handed_in(lambda a: torch.tensor(a, dtype=torch.float32), pack=list),
    "lists of tensors": handed_in(lambda a: [tensor(row) for row in a] if a.ndim else tensor(a)),
    "by position": by_position,
    "by name and position": with_one_name_changed,
}


@pytest.mark.parametrize("way", RIGHT)
@each_exercise
def test_a_right_answer_is_right_in_every_way(name, way):
    for seed in range(3):
        verdict = EXERCISES[name](RIGHT[way](EXERCISES[name]), seed=seed)
        assert verdict.passed, verdict


WRONG = {
    "strings": handed_in(lambda a: a.astype(str).tolist()),
    "complex numbers": handed_in(lambda a: a + 0j),
    "true or false": handed_in(lambda a: a > 0.5),
    "objects": handed_in(lambda a: np.asarray(a, dtype=object)),
    "float16": handed_in(lambda a: np.clip(a, -6e4, 6e4).astype(np.float16)),
    "bfloat16": handed_in(lambda a: torch.tensor(a.astype(float)).to(torch.bfloat16)),
    "nothing in the tuple": handed_in(lambda a: None, pack=lambda results: tuple(results) or None),
    "nan": handed_in(lambda a: a * np.nan),
    "another axis": handed_in(lambda a: a[None]),
    "a thousandth off": handed_in(lambda a: 1.001 * a + 1e-3 * (np.max(np.abs(a)) == 0)),
    "one number in float32 off by a thousandth": handed_in(
        lambda a: (a + 1e-3 * np.max(np.abs(a)) * (np.arange(a.size) == 0).reshape(a.shape)).astype(np.float32)
    ),
}


@pytest.mark.parametrize("way", WRONG)
@each_exercise
def test_what_is_no_answer_is_refused(name, way):
    verdict = EXERCISES[name](WRONG[way](EXERCISES[name]))
    assert not verdict.passed
    assert "stopped" not in verdict.message


@each_exercise
def test_no_answer_passes_that_knows_the_sizes_or_the_numbers(name):
    """One that is right only where a size, or a number, is that of the first trial."""
    exercise = EXERCISES[name]
    for seed in range(3):
        trials = exercise.draw(seed)
        first = features(trials[0].exact)
        for key, value in first.items():
            if (name, *key) in FIXED:
                continue

            def attempt(key=key, value=value, **arguments):
                results = results_of(exercise, arguments)
                return results if features(arguments)[key] == value else tuple(0 * np.asarray(r) + 7 for r in results)

            assert not all(features(trial.exact)[key] == value for trial in trials), key
            verdict = exercise(attempt, seed=seed)
            assert not verdict.passed, key


@each_exercise
def test_no_answer_passes_that_returns_the_same_always(name):
    exercise = EXERCISES[name]
    first = exercise.draw(0)[0].expected
    assert not exercise(lambda **_: first)
    assert not exercise(lambda **arguments: tuple(0 * np.asarray(r) for r in results_of(exercise, arguments)))


@each_exercise
def test_no_answer_passes_that_leaves_an_argument_out(name):
    exercise = EXERCISES[name]
    for argument, value in exercise.inputs(np.random.default_rng(0)).items():
        if (name, argument) in UNSEEN or not _is_float(value):
            continue

        def attempt(argument=argument, **arguments):
            with np.errstate(all="ignore"):
                return exercise.solution(**arguments | {argument: np.ones_like(arguments[argument])})

        assert not exercise(attempt).passed, argument


@each_exercise
def test_no_known_mistake_is_near_what_float32_allows(name):
    exercise = EXERCISES[name]
    trials = exercise.draw(0)
    for sentence, wrong in exercise.mistakes.items():
        far = []
        for trial in trials:
            made = numbers(wrong, trial.exact)  # none where sizes do not fit
            far += [
                np.max(np.abs(m - e), initial=0.0) / allowed
                for m, e, allowed in zip(made or (), trial.expected, trial.single)
                if m.shape == e.shape and allowed
            ]
        assert not far or max(far) > 20, sentence


def test_the_tolerance_of_float32_is_measured():
    """A sum of numbers that cancel costs more than one of numbers that do not, by as much as they cancel."""

    def exercise(sign):
        return Exercise(
            lambda x: x[0] + sign * x[1], lambda rng: {"x": 1e3 + rng.uniform(size=(2, 5))}, ("y",), {}, "Look again."
        )

    plus, minus = (exercise(sign).draw()[0] for sign in (1, -1))
    relative = [trial.single[0] / np.max(np.abs(trial.expected[0])) for trial in (plus, minus)]
    assert SINGLE < relative[0] < 100 * SINGLE < 1e-4 < relative[1]
    assert plus.double == minus.double == (1e-8,)


def test_what_float32_costs_is_said_of_an_answer_in_float64():
    mine = Exercise(lambda x: x / 3, lambda rng: {"x": rng.normal(size=int(rng.integers(3, 9)))}, ("y",), {}, "Look.")
    verdict = mine(lambda x: (x / 3) * (1 + 3e-8))
    assert not verdict.passed
    assert "That is what float32 costs" in verdict.message


def test_clip_grad_norm_itself_is_right():
    def attempt(dW, db, max_norm):
        parameters = [torch.nn.Parameter(torch.zeros(a.shape, dtype=torch.float64)) for a in (dW, db)]
        for parameter, gradient in zip(parameters, (dW, db)):
            parameter.grad = torch.tensor(gradient, dtype=torch.float64)
        torch.nn.utils.clip_grad_norm_(parameters, max_norm)
        return [parameter.grad for parameter in parameters]

    for seed in range(5):
        verdict = EXERCISES["gradient_reach.check_clip"](attempt, seed=seed)
        assert verdict.passed, verdict


def test_the_exact_t_value_is_right():
    from scipy.stats import t

    def attempt(values):
        return values.mean(), t.ppf(0.975, 2) * values.std(ddof=1) / np.sqrt(3)

    for seed in range(5):
        assert EXERCISES["memory.check_interval"](attempt, seed=seed).passed


def test_what_is_forbidden_is_said():
    def one_after_another(das, h_0, hs):
        return sum(da.T @ h for da, h in zip(das, [h_0, *hs[:-1]]))

    def two_energies(W, s, i):
        turned = s.copy()
        turned[:, i] *= -1
        return -0.5 * np.sum(turned * (turned @ W), axis=1) + 0.5 * np.sum(s * (s @ W), axis=1)

    for name, attempt, word in [
        ("speed.check_weight_gradient", one_after_another, "loop"),
        ("feedback_networks.check_flip_energy", two_energies, "energy"),
    ]:
        verdict = EXERCISES[name](attempt)
        assert verdict.kind == "forbidden" and word in verdict.message
    allowed = [lambda W, s, i: 2 * s[:, i] * (s @ W)[:, i], lambda W, s, i: 2 * s[:, i] * (W[i] @ s.T)]
    assert all(EXERCISES["feedback_networks.check_flip_energy"](attempt).passed for attempt in allowed)
    assert EXERCISES["speed.check_weight_gradient"](
        lambda das, h_0, hs: np.einsum("tbg,tbh->gh", das, np.concatenate([h_0[None], hs[:-1]]))
    ).passed
