"""How an exercise answers, on one made for the purpose: every trial, every result and every number counts."""

import numpy as np
import pytest

from rnnbook.lessons.exercises.checking import Exercise, sizes

SEED, TRIALS = 5, 3


def solution(x, k):
    return x + k, x * k


def inputs(rng):
    return {"x": rng.normal(size=(2, 3)), "k": int(rng.integers(2, 1000))}


def exercise(mistakes=None, **arguments):
    return Exercise(solution, inputs, ("sum", "product"), mistakes or {}, "Look again.", **arguments)


def at_call(number, wrong, right=solution):
    """A function that is right, but for one of its calls."""
    calls = []

    def function(x, k):
        calls.append(k)
        return wrong(x, k) if len(calls) == number + 1 else right(x, k)

    return function


def one_off(result, index=(0, 0), by=1.0):
    """A function that adds to one number of one result."""

    def function(x, k):
        results = [np.array(part) for part in solution(x, k)]
        results[result][index] += by
        return tuple(results)

    return function


def asked(seed):
    """What an exercise hands out to an attempt, trial after trial."""
    given = []

    def attempt(x, k):
        given.append((x.tolist(), k))
        return solution(x, k)

    assert exercise()(attempt, seed=seed)
    return given


def test_every_trial_and_every_seed_draw_inputs_of_their_own():
    drawn = [numbers for seed in range(4) for numbers in asked(seed)]
    assert len(drawn) == 4 * TRIALS
    assert len({k for _, k in drawn}) == len({str(x) for x, _ in drawn}) == len(drawn)
    assert asked(SEED) == asked(SEED) != asked(0)


def test_the_seed_is_zero_where_none_is_given():
    given = []
    assert exercise()(lambda x, k: (given.append(k), solution(x, k))[1])
    assert given == [k for _, k in asked(0)]


def test_there_are_as_many_trials_as_the_exercise_wants_and_the_answer_says_so():
    calls = []
    mine = exercise()
    mine.trials = 7
    verdict = mine(lambda x, k: (calls.append(k), solution(x, k))[1])
    assert len(calls) == 7
    assert verdict.passed is True
    assert repr(verdict) == verdict.message == "Right: sum and product as in the book on 7 random inputs."


@pytest.mark.parametrize("trial", range(TRIALS))
@pytest.mark.parametrize(("result", "name"), [(0, "sum"), (1, "product")])
@pytest.mark.parametrize("by", [1.0, -1.0])
def test_one_wrong_number_in_one_trial_is_wrong(trial, result, name, by):
    for index in np.ndindex(2, 3):
        verdict = exercise()(at_call(trial, one_off(result, index, by)), seed=SEED)
        assert verdict.passed is False and not verdict
        other = "product" if name == "sum" else "sum"
        assert verdict.message == (
            f"Not yet: off by up to 1 in {name}. It is none of the usual mistakes. "
            f"Already right: {other}; still wrong: {name}. It is right on 2 of the 3 inputs. Look again."
        )
        assert verdict.right == (other,)


def test_the_result_that_differs_most_is_named_with_its_difference():
    def both(x, k):
        return x + k + 3, x * k - 5

    assert exercise()(both).message.startswith("Not yet: off by up to 5 in product.")
    assert exercise()(lambda x, k: both(x, k)[:1] + (x * k,)).message.startswith("Not yet: off by up to 3 in sum.")


def test_the_tolerance_is_what_the_exercise_says():
    for tolerance, arguments in [(1e-8, {}), (0.1, {"tolerance": 0.1})]:
        mine = exercise({"it is one off": one_off(0)}, **arguments)
        assert mine(one_off(0, by=0.95 * tolerance))
        assert not mine(one_off(0, by=1.05 * tolerance))
        assert "one off" in mine(one_off(0, by=1 + 0.95 * tolerance)).message
        assert "none of the usual" in mine(one_off(0, by=1 + 1.05 * tolerance)).message


def test_a_tolerance_of_zero_lets_equal_numbers_pass():
    mine = exercise({"it is one off": one_off(0)}, tolerance=0.0)
    assert mine(solution)
    assert "one off" in mine(one_off(0)).message


def test_a_result_may_be_empty():
    mine = Exercise(lambda n: np.zeros((0, n)), lambda rng: {"n": int(rng.integers(5))}, ("nothing",), {}, "")
    assert mine(lambda n: np.ones((0, n)))


def test_a_mistake_is_named_where_all_its_numbers_agree_and_the_first_of_two():
    for trial in range(TRIALS):
        mine = exercise({"it is once right": at_call(trial, solution, one_off(1)), "it is a mistake": one_off(1)})
        assert "when it is a mistake. Look again." in mine(one_off(1)).message
    half = {"the sum alone agrees": lambda x, k: (x + k + 1, x * k), "the product alone agrees": one_off(1)}
    both = {"both agree": lambda x, k: (x + k + 1, x * k + 1)}
    assert (
        "when both agree. " in exercise(half | both | {"it is later": both["both agree"]})(both["both agree"]).message
    )
    assert "none of the usual" in exercise(half)(both["both agree"]).message


def test_a_mistake_of_another_shape_is_not_named():
    mine = exercise({"it is a number": lambda x, k: (0.0, x * k), "it is zeros": lambda x, k: (0 * x, x * k)})
    assert "when it is zeros. " in mine(lambda x, k: (0 * x, x * k)).message


def two_of(part):
    return lambda x, k: (part(x + k), x * k)


@pytest.mark.parametrize("trial", range(TRIALS))
@pytest.mark.parametrize(
    ("wrong", "sentence"),
    [
        (lambda x, k: None, "It returns None: write its body, end it with return, and run the cell again."),
        (lambda x, k: x + k, "It should return 2 (sum, product), but returns 1."),
        (lambda x, k: (x, x, x), "It should return 2 (sum, product), but returns 3."),
        (lambda x, k: 1 / 0, "It stopped with ZeroDivisionError: division by zero"),
        (two_of(lambda a: a[0]), "sum should have shape (2, 3), but has shape (3,). Look again."),
        (two_of(lambda a: a.T), "sum should have shape (2, 3), but has shape (3, 2). Look again."),
        (lambda x, k: (x + k, 1.0), "product should have shape (2, 3), but has shape (). Look again."),
        (two_of(lambda a: np.where(a == a[0, 0], np.nan, a)), "sum holds a number that is not finite. Look again."),
        (lambda x, k: (x + k, np.full_like(x, -np.inf)), "product holds a number that is not finite. Look again."),
    ],
)
def test_what_no_number_can_say_is_said_in_a_sentence(trial, wrong, sentence):
    verdict = exercise()(at_call(trial, wrong))
    assert verdict.passed is False
    assert verdict.message.startswith(sentence.removesuffix(" Look again."))
    assert verdict.message.endswith(" Look again.") == sentence.endswith(" Look again.")
    assert ("It is right on 2 of the 3 inputs." in verdict.message) == ("returns None" not in sentence)


def test_anything_but_a_function_is_told_so():
    verdict = exercise()(np.zeros(3))
    assert verdict.passed is False
    assert verdict.message == "Hand over the function itself, not what it returns (ndarray)."


def test_an_argument_that_is_written_into_is_told_and_nobody_else_sees_it():
    def writes(x, k):
        x += k
        return x, x * k

    seen = []

    def solve(x, k):
        seen.append(x.copy())
        return solution(x, k)

    drawn = inputs(np.random.default_rng([SEED, 0]))["x"]
    mine = Exercise(solve, inputs, ("sum", "product"), {}, "Look again.")
    sentence = "It writes into its argument x: build a new array instead."
    assert mine(writes, seed=SEED).message.startswith(sentence)
    np.testing.assert_array_equal(seen[0], drawn)
    assert mine(solution, seed=SEED)


def test_a_nan_among_the_inputs_is_no_change_and_a_number_stays_what_it_is():
    mine = Exercise(
        lambda x, k: np.nansum(x) * k,
        lambda rng: {"x": np.array([1, np.nan]), "k": int(rng.integers(9))},
        ("y",),
        {},
        "",
    )
    assert mine(lambda x, k: sum(x[:1]) * k if type(k) is int else None)


def test_one_result_need_not_be_a_tuple_and_may_be_of_any_type():
    mine = Exercise(lambda n: n > 2, lambda rng: {"n": int(rng.integers(5))}, ("more than two",), {}, "")
    assert mine(lambda n: float(n > 2))
    assert mine(lambda n: (np.int64(n > 2),))
    assert not mine(lambda n: n <= 2)


def test_sizes_are_different_and_any_from_three_to_eight():
    drawn = [sizes(np.random.default_rng(seed), 4) for seed in range(200)]
    assert {size for four in drawn for size in four} == set(range(3, 9))
    assert all(len(set(four)) == 4 and {type(size) for size in four} == {int} for four in drawn)
