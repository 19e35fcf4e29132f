"""Exercises of every kind: what each says of itself, and what it answers."""

import re

import numpy as np
import pytest
from searches import LIBRARY, SLOW
from test_exercises import EXERCISES, MODULES

from rnnbook.lessons import exercises
from rnnbook.lessons.exercises import bptt, state_space
from rnnbook.lessons.exercises.about import KINDS, About
from rnnbook.lessons.exercises.attempt import numbers
from rnnbook.lessons.exercises.checking import Exercise
from rnnbook.lessons.exercises.design import Design, at_least, between, some_of
from rnnbook.lessons.exercises.find_the_bug import FindTheBug
from rnnbook.lessons.exercises.misread import shown
from rnnbook.lessons.exercises.predict import Predict
from rnnbook.lessons.exercises.project import Project
from rnnbook.lessons.exercises.question import Question
from rnnbook.lessons.exercises.read_a_figure import ReadAFigure

in_part = pytest.mark.search(SLOW, "rnnbook/lessons/exercises/*.py", *LIBRARY)

OF_ANY_KIND = {
    f"{module.__name__.rpartition('.')[2]}.{name}": value
    for module in MODULES
    for name, value in vars(module).items()
    if isinstance(value, Question)
}
OTHERS = {name: asked for name, asked in OF_ANY_KIND.items() if not isinstance(asked, Exercise)}
# a *write* exercise that is on no page, since its answer is code of the chapter: it carries the bugs of another one
BASES = {id(asked.exercise) for asked in OTHERS.values() if isinstance(asked, FindTheBug)}
FOR_READERS = {n: asked for n, asked in OF_ANY_KIND.items() if asked.about or id(asked) not in BASES}
CLASSES = {
    "write": (Exercise,),
    "PyTorch": (Exercise,),
    "find the bug": (FindTheBug, Exercise),
    "predict": (Predict,),
    "read a figure": (ReadAFigure,),
    "design": (Design,),
    "project": (Project,),
}


@pytest.mark.parametrize("name", FOR_READERS)
def test_every_exercise_says_its_concept_kind_level_and_minutes(name):
    about = OF_ANY_KIND[name].about
    assert isinstance(about, About), f"{name} has no about=About(concept, kind, level, minutes)"
    assert 0 < len(about.concept) <= 30 and about.concept == about.concept.strip()
    assert isinstance(OF_ANY_KIND[name], CLASSES[about.kind])
    assert about.level in (1, 2, 3)
    assert 1 <= about.minutes <= (60 if about.level < 3 else 120)
    assert [part.strip().lower() for part in about.line.split("·")] == [
        about.kind.lower(), "★" * about.level, f"{about.minutes} minutes", about.concept.lower(),
    ]  # fmt: skip


def test_the_kinds_are_those_that_have_a_class():
    assert set(CLASSES) == set(KINDS)


@in_part
@pytest.mark.parametrize("name", [name for name, asked in OTHERS.items() if not isinstance(asked, Project)])
def test_the_books_answer_is_right_and_every_known_wrong_one_is_named(name):
    asked = OTHERS[name]
    for seed in range(3):
        assert asked(asked.reference(seed), seed).passed
        assert len(asked.wrong(seed)) >= 2
        for sentence, wrong in asked.wrong(seed).items():
            verdict = asked(wrong, seed)
            assert not verdict and verdict.mistake == sentence, verdict


@pytest.mark.parametrize("name", OTHERS)
def test_what_has_not_been_answered_is_asked_for(name):
    verdict = OTHERS[name].verdict(None)
    assert not verdict and verdict.kind == "none" and verdict.message


@pytest.mark.parametrize("name", OF_ANY_KIND)
def test_every_exercise_has_hints_and_an_answer(name):
    asked = OF_ANY_KIND[name]
    assert asked.hints() and all(hint.strip() for hint in asked.hints())
    assert asked.answer().strip()


def test_the_hint_of_shapes_shows_a_trial_in_which_the_axes_can_be_told_apart():
    assert "x_t of shape (8, 7), h_prev of shape (8, 4), W_ih of shape (4, 7)" in exercises.rnn.check_step.hints()[1]


@pytest.mark.parametrize("name", [name for name, asked in OF_ANY_KIND.items() if isinstance(asked, ReadAFigure)])
def test_a_hint_to_a_figure_adds_to_the_answer_of_a_wrong_attempt_and_does_not_give_the_right_one(name):
    asked = OF_ANY_KIND[name]
    right = re.compile(rf"(?<![\w.]){re.escape(shown(asked.right))}(?![\w.])")
    for wrong in asked.wrong().values():
        said = asked.verdict(wrong).message
        left = [hint for hint in asked.hints() if hint not in said]
        assert left and not any(right.search(hint) for hint in left)


# find the bug

ASKED = FindTheBug(state_space.check_delta_step)


def test_a_program_differs_from_the_right_one_and_its_bugs_from_each_other():
    drawn = [ASKED.program(seed) for seed in range(12)]
    assert len({program._bug for program in drawn}) > 4
    for program in drawn[:4]:
        results = [
            [numbers(bug, program.inputs(n)) for n in range(3)]
            for bug in [state_space.delta_step, *program._bugs.values()]
        ]
        for k, mine in enumerate(results):
            for other in results[:k]:
                assert not all(np.allclose(a, b, atol=1e-7) for a, b in zip(mine, other))


def test_a_program_does_not_tell_its_bug_by_its_place_or_its_name():
    places = [list(ASKED.program(seed)._bugs).index(ASKED.program(seed)._bug) for seed in range(30)]
    assert len(set(places)) > 4
    program = ASKED.program(3)
    assert repr(program).count(program._bug) == 1 and "lambda" not in repr(program)


def test_the_same_seed_is_the_same_program():
    one, two = FindTheBug(state_space.check_delta_step).program(5), ASKED.program(5)
    assert repr(one) == repr(two)
    assert np.array_equal(one(**one.inputs()), two(**two.inputs()))


def test_an_experiment_shows_by_how_much_the_program_is_wrong():
    program = ASKED.program(1)
    arguments = program.inputs(2)
    expected = np.max(np.abs(program(**arguments) - state_space.delta_step(**arguments)))
    assert program.difference(2) == pytest.approx(expected, abs=1e-15) and expected > 1e-3
    arguments["k"] = 0 * arguments["k"]
    expected = np.max(np.abs(program(**arguments) - state_space.delta_step(**arguments)))
    assert program.difference(2, k=0) == pytest.approx(expected, abs=1e-15)


def test_a_bug_is_named_by_letter_by_sentence_or_by_a_function_that_has_it():
    program = ASKED.program(2)
    letter = "abcdefgh"[list(program._bugs).index(program._bug)]
    for answer in (letter, letter.upper(), f" {letter}) ", program._bug, program._bug + ".", program):
        assert ASKED(answer, 2), answer
    others = [x for x in "abcdefgh"[: len(program._bugs)] if x != letter]
    for other in others:
        verdict = ASKED(other, 2)
        assert not verdict and "program.difference(" in verdict.message
    assert "right function" in ASKED(state_space.delta_step, 2).message
    assert "different numbers" in ASKED(lambda S, k, v, beta: 2 * S, 2).message
    assert ASKED("z", 2).kind == "form"


def test_what_is_said_of_a_wrong_name_is_true():
    """The two numbers in the answer are those that the guess and the program give."""
    program = ASKED.program(2)
    for guess, function in program._bugs.items():
        if guess == program._bug:
            continue
        said = ASKED(guess, 2).message.rpartition("program.difference(")[2]
        name = said.partition("=0")[0] if "=0)" in said else None
        arguments = program.inputs() | ({name: 0 * program.inputs()[name]} if name else {})
        right = state_space.delta_step(**arguments)
        with np.errstate(all="ignore"):  # a bug may divide by zero
            apart = [float(np.max(np.abs(f(**arguments) - right))) for f in (function, program._bugs[program._bug])]
        apart = [a if np.isfinite(a) else np.inf for a in apart]
        words = said.rstrip(".").replace(",", "").split()
        assert [float(words[k]) for k in (words.index("be") + 1, -1)] == pytest.approx(apart, rel=0.06, abs=1e-12)


@pytest.mark.slow
@in_part
def test_every_bug_of_the_backward_pass_trains_to_some_loss():
    losses = [repr(bptt.check_bug_in_backward.program(seed)).partition("program, loss")[2] for seed in range(12)]
    right = {text.partition("right, loss")[2].splitlines()[0] for text in losses}
    assert len(right) == 1 and float(right.pop().split()[-1]) < 0.5  # from 1.4
    assert len(set(losses)) > 3


def test_a_loss_curve_is_shown_for_the_program_and_for_the_right_one():
    def train(step):
        S, k, losses = np.zeros((2, 3)), np.array([0.6, 0.8]), []
        for _ in range(20):
            S = step(S, k, np.ones(3), 0.5)
            losses.append(float(np.sum((1 - k @ S) ** 2)))
        return losses

    shown = repr(FindTheBug(state_space.check_delta_step, curve=train).program(1))
    assert "update" in shown and "program, loss" in shown
    assert "wrong by up to" in shown  # the table stays
    assert f"{train(state_space.delta_step)[0]:9.2g}" in shown.partition("right, loss")[2]


# predict


def predict(right, **more):
    given = {"misreadings": {"it is taken for its square": right**2 if not isinstance(right, str | tuple) else "wide"}}
    return Predict("the result.", run=lambda: right, why="So it is.", **{**given, **more})


@pytest.mark.parametrize(
    "given, passed, said",
    [
        (4.0, True, "Right. The run gives 4. So it is."),
        (4.39, True, "Right."),
        (4.41, False, "4.41 is 0.41 too large."),
        (3.0, False, "3 is 1 too small."),
        (40, False, "40 is 10 times too large."),
        (0.4, False, "0.4 is 10 times too small."),
        (40960, False, "40960 is 10,240 times too large."),
        (1e9, False, "1e+09 is more than a million times too large."),
        (16, False, "You get that when it is taken for its square."),
        (np.float32(4.1), True, "Right"),
        ("4", False, "Answer with one number, in digits and without quotes."),
        (float("nan"), False, "Answer with one number."),
        ([4.0], False, "Answer with one number."),
        (True, False, "Answer with one number."),
        (None, False, "Write your prediction down first: the result."),
    ],
)
def test_a_predicted_number_is_told_how_far_off_it_is(given, passed, said):
    verdict = predict(4.0)(given)
    assert verdict.passed == passed and said in verdict.message


def test_a_misreading_is_named_where_the_answer_is_near_it_and_nearer_than_what_is_right():
    misreadings = {"it vanishes": 0.0, "it is ten times as much": 0.01, "it is eleven times as much": 0.011}
    asked = predict(0.001, misreadings=misreadings, tolerance=0.15)
    said = {given: asked.verdict(given).mistake for given in (0.0, 0.0001, 0.0008, 0.0012, 0.0099, 0.0108, 0.05)}
    assert list(said.values()) == ["it vanishes", "it vanishes", "", "", *list(misreadings)[1:], ""]
    between = predict(1.0, misreadings={"it is more": 1.3}, tolerance=0.2)
    assert between.verdict(1.205).mistake == "it is more" and between.verdict(1.1).passed
    assert predict(1.0, misreadings={"it is more": 1.5}, tolerance=0.2).verdict(1.21).mistake == ""


def test_a_row_is_named_and_a_wrong_one_is_not_so_much_too_small():
    assert exercises.rnn.check_least_flat(5).passed
    assert exercises.rnn.check_least_flat(3).message.startswith("Not “3”. You get that when white is ")


def test_the_program_runs_only_after_a_prediction_and_once():
    ran = []

    def run():
        ran.append(1)
        return 2.0

    asked = Predict("the result.", run=run, why="", misreadings={})
    asked(None)
    assert ran == []
    assert not asked(5) and asked(2) and ran == [1]


@pytest.mark.parametrize(
    "given, passed, said",
    [
        ((2, 3), True, "Right. The run gives (2, 3)."),
        ([2, 3], True, "Right"),
        ((3, 2), False, "Not (3, 2): axis 0 differs."),
        ((2, 3, 1), False, "the right one has 2 axes"),
        ("wide", False, "Answer with a shape of 2 sizes"),
        ((2.9, 3.9), False, "Answer with a shape of 2 sizes"),
        ((2.0, 3.0), False, "Answer with a shape of 2 sizes"),
        ((float("inf"), 3), False, "Answer with a shape of 2 sizes"),
        ((2, True), False, "Answer with a shape of 2 sizes"),
        ("23", False, "Answer with a shape of 2 sizes"),
        (np.array([2, 3]), True, "Right"),
    ],
)
def test_a_predicted_shape_is_told_which_axis_differs(given, passed, said):
    verdict = predict((2, 3), misreadings={})(given)
    assert verdict.passed == passed and said in verdict.message


@pytest.mark.parametrize(
    "given, passed, said",
    [
        ("grows", True, "Right. The run gives “grows”."),
        ("GROWS.", True, "Right"),
        ("g", True, "Right"),
        ("wide", False, "Not “wide”. You get that when it is taken"),
        ("falls", False, "Not “falls”."),
        ("blue", False, "Answer with one of these: grows; falls; wide."),
        ("", False, "Answer with one of these"),
    ],
)
def test_a_predicted_choice_is_told_its_misreading(given, passed, said):
    verdict = predict("grows", choices=["grows", "falls", "wide"])(given)
    assert verdict.passed == passed and said in verdict.message


# read a figure


def test_the_answer_of_a_figure_is_a_sentence_and_no_numbered_list_in_markdown():
    asked = ReadAFigure("fig-x", 701.0, "Seven bugs spoil dW_hh, says Markov.", {"none": 0.0}, "Look at x.")
    assert asked.answer() == "It is 701. Seven bugs spoil dW_hh, says Markov."


def test_a_number_is_read_with_a_tolerance_and_a_wrong_one_does_not_tell_the_right_one():
    asked = ReadAFigure(
        "fig", 30.0, "Both curves cross there.", {"the axis is linear": 55.0}, "Find it.", tolerance=0.1
    )
    assert asked(33).message == "Right. Both curves cross there."
    assert not asked(33.5)
    verdict = asked(55)
    assert verdict.mistake == "the axis is linear" and verdict.message.endswith("Find it.")
    assert "30" not in verdict.message and "cross" not in verdict.message
    assert "30" not in asked("many").message


# design

RUBRIC = {
    "control": (["persistence", "seasonal"], "A small error alone says nothing."),
    "seeds": (at_least(3), "One seed is luck."),
    "share": (between(0.1, 0.3), "Too little to tell, or too little to train."),
}
PLAN = Design(RUBRIC, plan={"control": "seasonal", "seeds": 5, "share": 0.2})


@pytest.mark.parametrize(
    "plan, passed, said",
    [
        ({"control": "Persistence", "seeds": 3, "share": 0.3}, True, "all 3 points"),
        ({"control": ["persistence", "seasonal"], "seeds": 9, "share": 0.1}, True, "all 3 points"),
        ({"control": "nothing", "seeds": 3, "share": 0.2}, False, "2 of 3. Look again: control. A small error"),
        ({"control": "persistence", "share": 0.2}, False, "2 of 3. Missing: seeds. One seed is luck."),
        ({"control": [], "seeds": 2, "share": "much"}, False, "0 of 3. Look again: control."),
        ({"rival": 1}, False, "There is no point rival; the points are control, seeds, share."),
        ({"control": None, "seeds": None, "share": None}, False, "No plan yet: fill in control, seeds, share."),
        (7, False, "A plan is a dict"),
    ],
)
def test_a_plan_is_told_what_is_missing_and_why(plan, passed, said):
    verdict = PLAN(plan)
    assert verdict.passed == passed and said in verdict.message


@pytest.mark.parametrize(
    "value, passed",
    [("load", True), (["none", "Load"], True), (["load", "drift"], True), ("none", False), (["load", "wind"], False),
     ([], False), (7, False)],
)  # fmt: skip
def test_some_of_a_list_will_do_and_what_may_stand_beside_it(value, passed):
    accepts = some_of("load", "drift", also=["none"])
    assert (
        Design({"trouble": (accepts, "Calm alone says nothing.")}, plan={"trouble": ["load"]})(
            {"trouble": value}
        ).passed
        == passed
    )


TICKS = Design({"a": (True, "Hold it fixed."), "b": (False, "It spoils the test."), "c": (True, "Repeat it.")})


@pytest.mark.parametrize("plan", ["ac", "c, a", ["a", "c"], {"c", "a"}, {"a": True, "c": True, "b": False}])
def test_ticks_may_be_given_in_any_form(plan):
    assert TICKS(plan).message.startswith("Right: ")


@pytest.mark.parametrize(
    ("yes", "no"),
    [("yes", "no"), (" True ", "False"), ("1", "0"), ("x", ""), (1, 0), (np.True_, np.False_), (1.0, None)],
)
def test_a_tick_in_words_is_what_it_says(yes, no):
    assert TICKS({"a": yes, "b": no, "c": yes}).passed
    assert TICKS({"a": no, "b": yes, "c": yes}).right == ("c",)


def test_what_is_no_tick_is_told_as_one_that_cannot_be_read():
    verdict = TICKS({"a": "not yet", "b": 2, "c": True})
    assert verdict.message == "a should be True or False, but is 'not yet'. b should be True or False, but is 2."
    assert verdict.kind == "form"
    assert TICKS({"a": ["x"], "b": False, "c": True}).kind == "form"
    verdict = TICKS([["a"], ["b"]])
    assert verdict.kind == "form" and verdict.message.startswith("A plan is a dict")


def test_a_tick_that_spoils_the_plan_is_told_as_one_that_is_missing():
    assert TICKS("ab").message == "1 of 3. Not this: b. It spoils the test. Missing: c. Repeat it."
    assert TICKS("ab").right == ("a",)


# in a notebook


@pytest.fixture
def fresh(monkeypatch):
    from rnnbook.lessons.exercises import hints

    monkeypatch.setattr(hints, "_given", {})
    monkeypatch.setattr(hints, "_asked", set())
    for asked in OF_ANY_KIND.values():
        monkeypatch.setattr(asked, "attempts", (), raising=False)
        monkeypatch.setattr(asked, "said", "", raising=False)


def test_hints_come_one_after_another(fresh):
    all_of_them = exercises.speed.check_flops.hints()
    first, second, third = (exercises.hint("speed.flops") for _ in range(3))
    assert first.startswith("**Hint 1 of 2**") and all_of_them[0] in first
    assert all_of_them[1] in second and third == second


def test_the_first_hint_after_an_attempt_is_none_that_the_answer_has_given(fresh):
    answer = exercises.speed.check_speed_up(lambda share, factor: share + factor).message
    first, second = exercises.speed.check_speed_up.hints()
    assert first in answer
    assert exercises.hint("speed.speed_up").endswith(second)


def test_the_solution_comes_after_an_attempt_or_at_the_second_call(fresh):
    assert exercises.solution("speed.flops").startswith("No attempt yet.")
    assert "return 2 * T * B * G * H * (D + H)" in exercises.solution("speed.flops")
    exercises.speed.check_speed_up(lambda share, factor: share)
    assert "return 1 / (" in exercises.solution("speed.speed_up")


def test_an_unwritten_body_is_no_attempt(fresh):
    exercises.speed.check_speed_up(lambda share, factor: None)
    assert exercises.solution("speed.speed_up").startswith("No attempt yet.")


def test_progress_counts_what_is_solved_and_names_what_is_not(fresh):
    assert "0 of " in exercises.progress() and "|" not in exercises.progress()
    exercises.speed.check_flops(lambda T, B, D, H, G: 0)
    exercises.speed.check_flops(exercises.speed.flops)
    exercises.speed.check_speed_up(lambda share, factor: share)
    in_all = sum(name.startswith("speed.") for name in FOR_READERS)
    assert f"| speed | 1 of {in_all} | speed_up |" in exercises.progress()
    assert f"**1 of {len(FOR_READERS)} exercises solved**" in exercises.progress()


def test_a_name_that_no_exercise_has_is_answered_with_those_there_are():
    with pytest.raises(KeyError, match=r"speed\.flops"):
        exercises.hint("speed.flop")
    with pytest.raises(KeyError, match="state_space"):
        exercises.hint("spead.flops")


def test_every_exercise_is_one_of_a_chapter():
    assert EXERCISES.keys() <= OF_ANY_KIND.keys()
    assert {name.partition(".")[0] for name in OF_ANY_KIND} == set(exercises.chapters)
