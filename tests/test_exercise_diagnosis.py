"""What an exercise says of a wrong answer: each way of finding a mistake, on an answer that needs it, and its truth."""

import functools
import sys

import numpy as np
import pytest
from searches import LIBRARY, SLOW
from test_exercises import EXERCISES

from rnnbook.lessons import exercises
from rnnbook.lessons.exercises import diagnosis, shown
from rnnbook.lessons.exercises.attempt import numbers, outcome
from rnnbook.lessons.exercises.changed import changes_of
from rnnbook.lessons.exercises.checking import Exercise, sizes

in_part = pytest.mark.search(SLOW, "rnnbook/lessons/exercises/*.py", *LIBRARY)

rnn, gru, lstm, bptt = exercises.rnn, exercises.gru, exercises.lstm, exercises.bptt


def sigmoid(a):
    return 1 / (1 + np.exp(-a))


def my_step(x_t, h_prev, W_ih, W_hh, b_ih, b_hh):
    return np.tanh(x_t @ W_ih.T + b_ih + h_prev @ W_hh.T)


def my_forward(xs, h_0, W_ih, W_hh, b_ih, b_hh):
    hs, h = [], h_0
    for x_t in xs:
        h = my_step(x_t, h, W_ih, W_hh, b_ih, b_hh)
        hs.append(h)
    return np.stack(hs)


def one_array_for_all(xs, h_0, W_ih, W_hh, b_ih, b_hh):
    hs, h = [], h_0.copy()
    for x_t in xs:
        h[:] = rnn.step(x_t, h, W_ih, W_hh, b_ih, b_hh)
        hs.append(h)
    return hs


def test_a_change_by_rule_is_told_with_the_line_it_is_in():
    verdict = rnn.check_step(lambda x, h, W, U, b, c: np.tanh(x @ W.T - b + h @ U.T + c))
    assert verdict.kind == "rule"
    assert "when `b_ih` is subtracted instead of added, in the line for `a_t`." in verdict.message


def test_a_change_in_a_function_that_the_solution_calls_is_told_as_one():
    def attempt(dhs, xs, hs, cs, W_ih, W_hh, alpha):
        dW_ih, dW_hh, db, dh_next = np.zeros_like(W_ih), np.zeros_like(W_hh), np.zeros(len(W_hh)), np.zeros_like(hs[0])
        for t in reversed(range(len(xs))):
            dh = dhs[t] + dh_next
            da = alpha * dh * (1 + cs[t] ** 2)
            dh_next = da @ W_hh + (1 - alpha) * dh
            dW_ih, dW_hh, db = dW_ih + da.T @ xs[t], dW_hh + da.T @ hs[t], db + da.sum(axis=0)
        return dW_ih, dW_hh, db, dh_next

    assert (
        "in `step_back`, `c ** 2` is added instead of subtracted, in the line for `da`"
        in bptt.check_backward(attempt).message
    )


def test_an_earlier_function_of_the_readers_is_named_and_answered():
    verdict = rnn.check_forward(my_forward)
    assert verdict.kind == "earlier function"
    assert "right once the book's `step` replaces your `my_step`" in verdict.message
    assert "the bias of the hidden side, b_hh, is left out" in verdict.message


def test_one_array_for_all_steps_and_exchanged_results_are_told():
    assert "Every entry of hs is the last one" in rnn.check_forward(one_array_for_all).message
    verdict = lstm.check_coupled_step(lambda **a: lstm.coupled_step(**a)[::-1])
    assert "They are right, but in a different order: you return c_t, h_t." in verdict.message


def test_two_mistakes_at_once_are_told():
    def two(a_f, a_g, a_o, c_prev):
        c = sigmoid(a_f) * c_prev + (1 - sigmoid(a_f)) * a_g
        return sigmoid(a_o) * c, c

    verdict = lstm.check_coupled_step(two)
    assert verdict.kind == "pair"
    assert "tanh is missing on the candidate" in verdict.message or verdict.message.count("`tanh` is left out") == 2
    both = rnn.check_count_parameters(lambda D, H, V: H * D + 2 * H + V * H)
    assert both.kind == "pair"
    assert "W_hh is left out" in both.message and "the output layer's bias is left out" in both.message
    dh = lstm.check_carry_gradients(
        lambda dh, dc_next, f, o, c: (dc_next + dh * o * (1 - np.tanh(c) ** 2), f + dc_next + dh * o)
    )
    assert "Already right: dc_t; still wrong: dc^next_{t-1}." in dh.message


def unlisted(solution=None, names="a b c"):
    """An exercise of which there is neither a list of mistakes nor a source: everything is found by running."""
    scope = {"np": np}
    exec(solution or "def f(a, b, c):\n    return np.tanh(a @ b) + c", scope)

    def inputs(rng):
        n, m, k = sizes(rng, 3)
        return {"a": rng.normal(size=(n, m)), "b": rng.normal(size=(m, k)), "c": rng.normal(size=k)}

    return Exercise(scope["f"], inputs, ("y",), {}, "Look again.")


PROBED = {
    "y is the right one with its sign reversed": lambda a, b, c: -(np.tanh(a @ b) + c),
    "y is the right one times 0.5": lambda a, b, c: 0.5 * (np.tanh(a @ b) + c),
    "y is the right one divided by the size of axis 0 of a": lambda a, b, c: (np.tanh(a @ b) + c) / len(a),
    "y is the right one plus 1": lambda a, b, c: np.tanh(a @ b) + c + 1,
    "y is the right one transposed": lambda a, b, c: (np.tanh(a @ b) + c).T,
    "y is the right one averaged over its first axis": lambda a, b, c: (np.tanh(a @ b) + c).mean(axis=0),
    "Every number in y is zero": lambda a, b, c: 0 * (a @ b),
    "does not change when `c` does": lambda a, b, c: np.tanh(2 * a @ b),
    "right when `c` is zero": lambda a, b, c: np.tanh(a @ b) + np.sin(c),
    "wrong only in its last entry along the first axis": lambda a, b, c: np.concatenate(
        [np.tanh(a[:-1] @ b) + c, np.cos(a[-1:] @ b)]
    ),
    "wrong only where the right number is negative": lambda a, b, c: np.maximum(np.tanh(a @ b) + c, 0) ** 1.0,
}


@pytest.mark.parametrize("sentence", PROBED)
def test_what_no_list_explains_is_probed(sentence):
    verdict = unlisted()(PROBED[sentence])
    assert sentence in verdict.message, verdict
    assert verdict.kind in ("relation", "probe")


def test_a_relation_that_explains_all_numbers_does_not_end_in_none_of_the_usual_mistakes():
    verdict = unlisted()(lambda a, b, c: 7 * unlisted().solution(a, b, c))
    assert "It is none of the usual mistakes, but " in verdict.message and " times 7. " in verdict.message


def test_an_answer_without_any_pattern_is_given_none():
    noise = functools.partial(np.random.default_rng(0).normal, size=1000)
    verdict = unlisted()(lambda a, b, c: np.tanh(a @ b) * noise()[: len(c)] + noise()[: len(c)] + c)
    assert verdict.kind == "unknown"
    assert verdict.message.endswith("It is none of the usual mistakes. Look again.")


def test_an_exception_is_told_with_the_line_and_the_shapes_in_it():
    def attempt(x_t, h_prev, W_ih, W_hh, b_ih, b_hh):
        a = h_prev @ W_hh.T
        return np.tanh(a + x_t.T @ W_ih)

    x, W = (rnn.check_step.draw(0)[0].exact[name].shape for name in ("x_t", "W_ih"))
    message = rnn.check_step(attempt).message
    assert message.startswith("It stopped with ValueError: ")
    shapes = f"x_t {x}, W_ih {W}."
    assert "Your line: `return np.tanh(a + x_t.T @ W_ih)`, with the shapes a " in message and shapes in message


def test_an_exception_in_another_function_of_the_readers_is_told_where_it_is():
    def attempt(x_t, h_prev, W_ih, W_hh, b_ih, b_hh):
        return my_step(x_t[0, 0], h_prev, W_ih, W_hh, b_ih, b_hh)

    message = rnn.check_step(attempt).message
    assert "Your line: `return np.tanh(x_t @ W_ih.T + b_ih + h_prev @ W_hh.T)`" in message


def endless(D, H, V):
    while True:
        D = D + 1


def endless_in_one_line(D, H, V):
    return sum(1 for _ in iter(int, 1))


def endless_and_deaf(D, H, V):
    while True:
        try:
            D = D + 1
        except Exception:
            pass


@pytest.mark.parametrize("attempt", [endless, endless_in_one_line, endless_and_deaf])
def test_an_endless_loop_ends_with_a_sentence(attempt):
    verdict = rnn.check_count_parameters(attempt)
    assert verdict.kind == "endless"
    assert verdict.message.startswith("It did not finish, so it was stopped")
    assert "Your line: `" in verdict.message
    assert sys.gettrace() is None


def test_an_endless_recursion_and_wrong_arguments_end_with_a_sentence():
    def again(D, H, V):
        return again(D, H, V)

    assert "RecursionError" in rnn.check_count_parameters(again).message
    message = rnn.check_count_parameters(lambda D, H: D).message
    assert message == "It should take 3 arguments (D, H, V), but is defined with (D, H)."


@pytest.mark.parametrize("size", [10**9, 10**14])
def test_an_exploding_allocation_ends_with_a_sentence(size):
    if size < 10**12 and not sys.platform.startswith("linux"):
        pytest.skip("8 GB may be there, and only Linux bounds what a process may have")
    verdict = rnn.check_count_parameters(lambda D, H, V: np.ones(size).sum())
    assert verdict.kind == "memory"
    assert verdict.message.startswith("It asked for more memory than an exercise needs")
    assert np.ones(10**6).sum() == 10**6


def test_nothing_that_was_not_asked_for_is_printed(capsys):
    def attempt(a, b, c):
        print("here")
        return np.cos(a @ b) + np.sin(c)

    verdict = unlisted()(attempt)
    assert capsys.readouterr().out == "here\n" * len(unlisted().draw())
    assert verdict.kind in ("probe", "unknown")


@in_part
@pytest.mark.slow
def test_a_diagnosis_is_never_false():
    """Of every fifteenth change by rule: what is named gives the same numbers on inputs that nobody has tried."""
    checked = 0
    for name, exercise in EXERCISES.items():
        trials = exercise.draw()
        for change in changes_of(exercise)[::15]:
            given = [outcome(change.function, trial.arguments, trial.rights) for trial in trials]
            said = diagnosis.diagnose(exercise, change.function, trials, given)
            if said.function is None:
                continue
            for seed in range(50, 53):
                arguments = exercise.inputs(np.random.default_rng(seed))
                mine, theirs = numbers(change.function, arguments), numbers(said.function, arguments)
                assert (mine is None) == (theirs is None), (name, change.what, said)
                for a, b in zip(mine or (), theirs or ()):
                    np.testing.assert_allclose(
                        a, b, rtol=1e-7, atol=1e-8, err_msg=f"{name} {change.what} {said.message}"
                    )
            checked += 1
    assert checked > 150


def test_a_search_ends_when_its_calls_are_used_up(monkeypatch):
    monkeypatch.setattr(diagnosis, "CALLS", 3)
    wrong = list(gru.check_minimal_step.mistakes.values())[-1]
    assert gru.check_minimal_step(wrong).kind in ("unknown", "probe")


CELLS = {
    "exercise(right)": "Right",
    "answer = exercise(right)": "Right",
    "exercise(right)\nNone": "Right",
    "print(exercise(right))": "Right",
    "exercise(right)\nexercise(none)": "Right None",
    "for attempt in (right, none):\n    exercise(attempt)": "Right None",
    "assert exercise(right)": "Right",
    "exercise(none)\nprint('behind')": "behind None",
    "print(exercise(none))\nexercise(right)": "None Right",
}


@pytest.mark.parametrize("cell", CELLS)
def test_a_verdict_shows_once_wherever_its_call_stands(cell, capsys, monkeypatch):
    from IPython.core.interactiveshell import InteractiveShell

    shell = InteractiveShell.instance()
    monkeypatch.setattr(shown, "_waiting", [])
    shell.user_ns.update(exercise=unlisted(), right=lambda a, b, c: np.tanh(a @ b) + c, none=lambda a, b, c: None)
    try:
        shell.run_cell(cell, store_history=False)
    finally:
        shell.events.unregister("post_run_cell", shown._print_unseen)
        InteractiveShell.clear_instance()
    words = capsys.readouterr().out.replace(":", " ").split()
    assert [word for word in words if word in ("Right", "None", "behind")] == CELLS[cell].split()


def test_who_has_no_notebook_can_ask_for_what_was_not_shown():
    shown.listen()
    try:
        verdict = unlisted()(lambda a, b, c: None)
        assert [v is verdict for v in shown.unseen()] == [True] and shown.unseen() == []
        print(unlisted()(lambda a, b, c: None))
        assert shown.unseen() == []
    finally:
        shown.listen(False)


def test_a_layers_last_state_beside_its_outputs_is_one_result_too_many_and_no_error():
    told = rnn.check_forward(lambda xs, h_0, *w: (rnn.forward(xs, h_0, *w), rnn.forward(xs, h_0, *w)[-1]))
    assert told.message == "It should return 1 (hs), but returns 2."


def test_one_mistake_made_twice_is_not_told_twice():
    told = gru.check_half_life(lambda z: 0.5 / z)
    assert (told.kind, told.message.count("log")) == ("pair", 1) and ", twice." in told.message


def test_a_bug_that_changes_the_shape_too_is_told_from_the_programs_by_its_shape():
    from rnnbook.lessons import exercises

    check = exercises.truncation.check_bug_in_continued
    replies = [check(letter, seed=1).message for letter in "abcdefgh"]
    assert not any("inf, but it is inf" in reply for reply in replies)
    assert any("x would have shape (8, 2, 7), but has (7, 8, 2)" in reply for reply in replies)
