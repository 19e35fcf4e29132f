"""Every exercise's solution agrees with an oracle outside ``rnnbook/lessons/exercises``: see ``exercise_oracles``."""

import pkgutil
from inspect import getmembers, isfunction

import exercise_oracles
import numpy as np
import pytest
from exercise_oracles import oracle_of
from searches import LIBRARY, SLOW
from test_exercise_kinds import OF_ANY_KIND
from test_exercises import EXERCISES

from rnnbook.lessons.exercises.checking import Exercise
from rnnbook.lessons.exercises.predict import Predict
from rnnbook.lessons.exercises.read_a_figure import ReadAFigure

FILES = ("rnnbook/lessons/exercises/*.py", "tests/exercise_oracles/*", "book/experiments/*.json")
in_part = pytest.mark.search(SLOW, *FILES, *LIBRARY)

SEEDS = range(100, 105)
# inputs that a statement allows and no exercise draws: what is changed in those that it draws
EDGES = {
    "bptt.check_backward": [
        lambda dhs, xs, hs, cs, **a: a | {"dhs": dhs[:1], "xs": xs[:1], "hs": hs[:2], "cs": cs[:1]}
    ],
    "bptt.check_step_back": [lambda alpha, value=value, **a: a | {"alpha": value} for value in (0.0, 1.0)],
    "truncation.check_equal_reach": [lambda k, value=value, **a: a | {"k": value} for value in (1, 2, 50)],
    "control.check_free_run": [lambda u, **a: a | {"u": u[:1]}],
    "control.check_pid": [lambda errors, **a: a | {"errors": errors[:1]}],
    "control.check_remaining_error": [lambda load, **a: a | {"load": 0 * load}],
    "control.check_sensitivity": [lambda k, k_other=k, **a: a | {"k": k_other} for k in (0, 5)],
    "feedback_networks.check_visit": [lambda W, **a: a | {"W": 0 * W}],
    "feedback_networks.check_softmax_update": [lambda beta, **a: a | {"beta": 1e3}],
    "frameworks.check_whole_gradient": [
        lambda gradients, sizes, max_norm: {"gradients": gradients[:1], "sizes": sizes[:1], "max_norm": max_norm},
    ],
    "language_model.check_mixture_bits": [lambda share, k=k, **a: a | {"share": k} for k in (0.0, 1.0)],
    "language_model.check_masked_mean": [
        lambda losses, lengths: {"losses": losses, "lengths": np.full_like(lengths, len(losses))},
        lambda losses, lengths: {"losses": np.where(_inside(losses, lengths), losses, np.nan), "lengths": lengths},
    ],
    "gradient_reach.check_bound": [lambda k, **a: a | {"k": 0}],
    "gradient_reach.check_clip": [lambda dW, db, max_norm: {"dW": 0 * dW, "db": 0 * db, "max_norm": max_norm}],
    "gradient_reach.check_jacobian": [lambda hs, W_hh: {"hs": hs[:1], "W_hh": W_hh}],
    "rnn.check_forward": [lambda xs, **a: a | {"xs": xs[:1]}],
    "rnn.check_read_in_pieces": [lambda whole=k, **a: a | {"k": whole} for k in (1, 50)],
    "seq2seq.check_attend": [
        lambda query, memory, lengths: {
            "query": query,
            "memory": memory,
            "lengths": np.full_like(lengths, len(memory)),
        },
        lambda query, memory, lengths: {"query": query, "memory": memory, "lengths": np.ones_like(lengths)},
        lambda query, memory, lengths: {"query": 1e3 * query, "memory": memory, "lengths": lengths},
    ],
    "seq2seq.check_score_gradient": [lambda memory, **a: a | {"memory": 0 * memory}],
    "speed.check_speed_up": [lambda share, factor: {"share": np.round(share), "factor": factor}],
    "state_space.check_delta_step": [lambda b=b, **a: a | {"beta": b} for b in (0.0, 1.0, 2.0)],
    "state_space.check_left_after": [
        lambda beta, writes: {"beta": np.round(beta), "writes": writes},
        lambda beta, writes: {"beta": beta, "writes": 0 * writes},
    ],
    "state_space.check_fading_attention": [lambda q, k, v, decay: {"q": q[:1], "k": k[:1], "v": v[:1], "decay": decay}],
    "time_series.check_responsibilities": [lambda x, **a: a | {"x": 1e4 * x}],
    "time_series.check_conformal_share": [
        lambda old, new, share: {"old": np.round(old), "new": np.round(new), "share": share},
        *(lambda old, new, share, n=n: {"old": old[:n], "new": new, "share": 0.7} for n in (9, 19)),
    ],
    "variable_length.check_ends": [lambda hs, lengths: {"hs": hs, "lengths": np.full_like(lengths, len(hs))}],
    "why_recurrence.check_windows": [lambda series, length, horizon: {"series": series, "length": 1, "horizon": 1}],
}


def _inside(x, lengths):
    return np.arange(len(x))[:, None] < lengths


def arrays(results):
    """What an oracle returns, as arrays."""
    return [np.asarray(part, np.float64) for part in (results if isinstance(results, tuple) else (results,))]


def differs(found, expected):
    """Tell whether two lists of arrays differ in number, shape or value."""
    return len(found) != len(expected) or any(
        f.shape != e.shape or not np.allclose(f, e, rtol=1e-10, atol=1e-12) for f, e in zip(found, expected)
    )


def draws(exercise, seeds=SEEDS):
    """The inputs that an exercise draws for these seeds."""
    return [exercise.inputs(np.random.default_rng([seed, trial])) for seed in seeds for trial in range(exercise.trials)]


@pytest.mark.parametrize("name", EXERCISES)
def test_the_solution_agrees_with_its_oracle(name):
    exercise, oracle = EXERCISES[name], oracle_of(name)
    assert oracle, f"{name} has no oracle"
    inputs = draws(exercise)
    for arguments in inputs + [edge(**inputs[0]) for edge in EDGES.get(name, [])]:
        found, expected = exercise._run(exercise.solution, arguments), arrays(oracle(**arguments))
        assert len(found) == len(exercise.returns)
        assert not differs(found, expected), f"{found} instead of {expected} for {arguments}"


@in_part
@pytest.mark.parametrize("name", [n for n, asked in OF_ANY_KIND.items() if isinstance(asked, Predict | ReadAFigure)])
def test_an_answer_that_is_predicted_or_read_agrees_with_its_oracle(name):
    asked, oracle = OF_ANY_KIND[name], oracle_of(name)
    assert oracle, f"{name} has no oracle"
    found, expected = asked.reference(), oracle()
    if isinstance(found, float):  # a number is read off a figure to a tenth or so
        assert found == pytest.approx(expected, rel=0.05 if isinstance(asked, ReadAFigure) else 1e-6, abs=1e-9)
    else:
        assert found == expected


def test_every_oracle_has_its_exercise():
    chapters = {name.partition(".")[0] for name in EXERCISES}
    modules = {m.name for m in pkgutil.iter_modules(exercise_oracles.__path__)}
    assert modules == chapters | {"ways"}
    for chapter in chapters:
        module = getattr(exercise_oracles, chapter)
        own = {
            n for n, f in getmembers(module, isfunction) if f.__module__ == module.__name__ and not n.startswith("_")
        }
        asked = {n for n, a in OF_ANY_KIND.items() if isinstance(a, Exercise | Predict | ReadAFigure)}
        assert {f"{chapter}.check_{name}" for name in own} == {n for n in asked if n.startswith(f"{chapter}.")}
