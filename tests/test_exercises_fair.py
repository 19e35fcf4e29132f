"""Right answers are right however they are handed in, and what is no answer is refused: for every exercise.

The table's rows are run on all exercises there are, those of later chapters too.
"""

import functools
import inspect
import operator

import numpy as np
import pytest
import torch
from test_exercises import EXERCISES, FIXED, of_each

from rnnbook.lessons.exercises import diagnosis
from rnnbook.lessons.exercises.attempt import WrongArguments, bind, numbers
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


def behind_a_wrapper(exercise):
    """Behind one that passes on whatever it gets, to a function with names of its own."""
    return wrapped(by_position(exercise))


def wrapped(function):
    def wrapper(*args, **kwargs):
        return function(*args, **kwargs)

    return wrapper


def behind_a_wrapper_by_position(exercise):
    """Behind one that has the function's signature, and takes no names."""

    @functools.wraps(exercise.solution)
    def wrapper(*args):
        return exercise.solution(*args)

    return wrapper


def in_a_module(exercise):
    class Module(torch.nn.Module):
        forward = staticmethod(by_position(exercise))

    return Module()


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
    "behind a wrapper": behind_a_wrapper,
    "behind a wrapper that takes no names": behind_a_wrapper_by_position,
    "in a module of PyTorch": in_a_module,
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


def previous(h_0, hs):
    return np.concatenate([h_0[None], hs[:-1]])


def in_blocks(das, h_0, hs):
    parts = [np.einsum("tbg,tbh->gh", das[k : k + 5], previous(h_0, hs)[k : k + 5]) for k in range(0, len(das), 5)]
    return np.sum(parts, axis=0)


def after_a_branch(das, h_0, hs):
    if len(das) > 20:
        das = 1.0 * das
    return np.einsum("tbg,tbh->gh", das, previous(h_0, hs))


LOOPS = {
    "map": lambda das, h_0, hs: functools.reduce(np.add, map(np.matmul, das.swapaxes(1, 2), previous(h_0, hs))),
    "@": lambda das, h_0, hs: sum(map(operator.matmul, das.swapaxes(1, 2), [h_0, *hs[:-1]])),
    "dot": lambda das, h_0, hs: (
        sum(map(np.dot, np.split(das[:, 0].T, len(das), 1), previous(h_0, hs)[:, :1]))
        + np.einsum("tbg,tbh->gh", das[:, 1:], previous(h_0, hs)[:, 1:])
    ),
    "vectorize": lambda das, h_0, hs: np.vectorize(np.matmul, signature="(g,b),(b,h)->(g,h)")(
        das.swapaxes(1, 2), previous(h_0, hs)
    ).sum(0),
    "in blocks": in_blocks,
}
ONE_PRODUCT = {
    "einsum": lambda das, h_0, hs: np.einsum("tbg,tbh->gh", das, np.stack([h_0, *hs[:-1]]), optimize=True),
    "after a branch": after_a_branch,
    "tensordot": lambda das, h_0, hs: np.tensordot(das, previous(h_0, hs), axes=([0, 1], [0, 1])),
    "@": lambda das, h_0, hs: (das.swapaxes(1, 2) @ np.array([h_0, *hs[:-1]])).sum(axis=0),
    "reshape": lambda das, h_0, hs: np.vstack(das).T.dot(np.vstack([h_0, *hs[:-1]])),
    "PyTorch": lambda das, h_0, hs: torch.einsum(
        "tbg,tbh->gh", torch.from_numpy(das), torch.cat([torch.from_numpy(h_0)[None], torch.tensor(hs[:-1])])
    ),
}


@pytest.mark.parametrize("way", LOOPS)
def test_a_loop_over_time_is_found_in_c_too(way):
    verdict = EXERCISES["speed.check_weight_gradient"](LOOPS[way])
    assert verdict.kind == "forbidden", verdict


@pytest.mark.parametrize("way", ONE_PRODUCT)
def test_one_product_is_no_loop_however_it_is_written(way):
    verdict = EXERCISES["speed.check_weight_gradient"](ONE_PRODUCT[way])
    assert verdict.passed, verdict


def test_an_endless_loop_in_a_module_of_pytorch_is_stopped():
    class Module(torch.nn.Module):
        def forward(self, das, h_0, hs):
            while True:
                pass

    assert EXERCISES["speed.check_weight_gradient"](Module()).kind == "endless"


def test_an_argument_by_name_alone_and_the_others_by_position():
    assert bind(lambda *args, b, **kwargs: 0, {"a": 1, "b": 2, "c": 3}) == ([1, 3], {"b": 2})
    assert bind(lambda c, *args, **kwargs: 0, {"a": 1, "b": 2, "c": 3}) == ([3, 1, 2], {})
    assert bind(lambda own, *, b: 0, {"a": 1, "b": 2}) == ([1], {"b": 2})
    assert bind(lambda own=0, **kwargs: 0, {"a": 1, "b": 2}) == ([], {"a": 1, "b": 2})
    with pytest.raises(WrongArguments, match="It should take 2 arguments"):
        bind(lambda *, b: 0, {"a": 1, "b": 2})
