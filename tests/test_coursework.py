"""The teacher's kit: students get no solution, every key grades as the rubric says, and always the same."""

import ast
import contextlib
import gzip
import inspect
import io
import json
import re
import subprocess
import sys
from types import SimpleNamespace

import numpy as np
import pytest
from conftest import ROOT
from searches import LIBRARY, SLOW

from coursework import bare, keys, nbgrader, otter, page, plain, prerequisites, programs, rubric, seeds, statements
from coursework.__main__ import main
from coursework.markdown import DIRECTIVE, ROLE, equation
from coursework.markdown import plain as plain_text
from coursework.notebooks import answers_of, handed_in, parts, simple
from coursework.release import assignment_of, release
from coursework.variants import VARIATIONS, variation_of, varied
from rnnbook.lessons.exercises import grading
from rnnbook.lessons.exercises.answer_key import AnswerKey, KeyedAnswer, make, variant_of
from rnnbook.lessons.exercises.grading import grade, share_of

FILES = ("coursework/**/*", "book/text/*", "book/references.bib", "_*.yml", "book/_ext/live_code/*.py")
in_part = pytest.mark.search(SLOW, *FILES, "rnnbook/lessons/exercises/*.py", *LIBRARY)

ALL = [s for chapter in statements.chapters() for s in statements.statements(chapter)]
FUNCTIONS = [s for s in ALL if keys.kind_of(s.exercise) == "function"]
SECRET = "no course has this secret"
each = pytest.mark.parametrize("asked", ALL, ids=lambda s: s.name)
each_function = pytest.mark.parametrize("asked", FUNCTIONS, ids=lambda s: s.name)


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """The release of a chapter in which one exercise has conventions of its own."""
    folder = tmp_path_factory.mktemp("release")
    assignment = assignment_of(["lstm"], rubric.read(), variants=4)
    return assignment, folder, release(assignment, folder, SECRET)


def key_of(asked, tmp_path, variants=1, secret=SECRET, rules=None):
    path = tmp_path / "key.json.gz"
    keys.write(path, keys.key(asked.chapter, [asked], rules or rubric.read(), secret, variants))
    return AnswerKey(path, "s1")


def test_every_exercise_of_the_package_is_in_the_kit():
    package = {f"{c}.{n.removeprefix('check_')}" for c, m in bare.chapters().items() for n in bare.checks_of(m)}
    stated = {s.name: s.exercise for s in ALL if s.exercise is not None}
    carriers = [e.exercise for e in stated.values() if hasattr(e, "program")]  # their solutions carry the bugs to find
    assert set(stated) <= package
    for name in package - set(stated):
        chapter, _, own = name.partition(".")
        assert any(bare.chapters()[chapter].__dict__[f"check_{own}"] is carrier for carrier in carriers), name


@each
def test_a_statement_is_plain_markdown(asked):
    text = plain_text(asked.chapter, asked.body)
    assert len(text) > 40
    assert not ROLE.search(text)
    assert not DIRECTIVE.search(text)
    assert asked.title


def test_an_equation_is_quoted_where_a_statement_refers_to_it():
    label = next(m for s in ALL for m in re.findall(r"\{eq\}`([\w-]+)`", s.body))
    asked = next(s for s in ALL if f"{{eq}}`{label}`" in s.body)
    text = plain_text(asked.chapter, asked.body)
    assert "equation (1)" in text
    assert f"{equation(asked.chapter, label)} \\tag{{1}}" in text


@pytest.mark.parametrize("text", ["{nothing}`here`", ":::{mermaid}\na --> b\n:::", "{cite:p}`nobody1900nothing`"])
def test_what_has_no_plain_form_stops_the_release(text):
    with pytest.raises(ValueError):
        plain_text("lstm", text)


@in_part
@pytest.mark.slow
@each_function
def test_the_key_gives_the_solution_all_points_and_each_mistake_what_the_rubric_says(asked, tmp_path):
    """The solution as the solution notebook has it, alone; the mistakes named as the page names them."""
    key, rules = key_of(asked, tmp_path), rubric.read()
    space = {"__name__": "__main__"}
    variation = variation_of(asked.name, asked.exercise)
    exercise = asked.exercise
    takes, first = (), ""
    if variation:
        convention = variation.conventions[0]
        exercise, takes, first = varied(exercise, variation, convention), variation.parameters, convention.code
    exec(f"{asked.before}\n{programs.solved(asked, takes=takes, first=first)}", space)
    most = rules.points_of(asked)
    assert grade(key, asked.name, space[asked.answer])[:2] == (most, most)
    space = {"__name__": "__main__"}
    exec(f"{asked.before}\n{programs.emptied(asked, takes)}", space)
    assert grade(key, asked.name, space[asked.answer]).points == 0
    for sentence, wrong in exercise.mistakes.items():
        found = grade(key, asked.name, wrong)
        assert found.points == key[asked.name].shares["mistakes"].get(sentence, 0.5) * most
        assert found.mistake == sentence
        assert sentence in found.message


@pytest.mark.slow
@in_part
def test_the_key_and_the_whole_check_give_the_same_share():
    """Also of answers that the whole check explains by rule, and the key does not."""
    rules = rubric.read()
    for asked in FUNCTIONS[:: max(1, len(FUNCTIONS) // 4)]:
        exercise = asked.exercise
        key = make(asked.name, {**keys.entries(asked, rules, "x" * 16, 1)[0]})
        if variation_of(asked.name, exercise):
            continue
        for attempt in (moved(exercise), lambda *a, **b: 3.0):
            ours, theirs = (share_of(e.verdict(attempt), key.shares, len(key.returns)) for e in (key, exercise))
            assert ours == theirs, asked.name


def moved(exercise):
    """The solution with its last result moved."""

    def attempt(**arguments):
        results = exercise.solution(**arguments)
        results = results if isinstance(results, tuple) else (results,)
        results = (*results[:-1], results[-1] + np.cos(np.arange(np.size(results[-1]))).reshape(np.shape(results[-1])))
        return results if len(results) > 1 else results[0]

    return attempt


def test_a_result_that_is_right_counts(tmp_path):
    asked = next(s for s in FUNCTIONS if len(s.exercise.returns) == 2 and not variation_of(s.name, s.exercise))
    found = grade(key_of(asked, tmp_path), asked.name, moved(asked.exercise))
    assert found.points == 0.25 * found.most


def test_a_mistakes_own_share_counts(tmp_path):
    asked = next(s for s in FUNCTIONS if s.exercise.mistakes and not variation_of(s.name, s.exercise))
    sentence, wrong = next(iter(asked.exercise.mistakes.items()))
    rules = rubric.read()._replace(exercises={asked.name: {"points": 20, "mistakes": {sentence: 0.75}}})
    assert grade(key_of(asked, tmp_path, rules=rules), asked.name, wrong)[:2] == (15, 20)


def test_a_rubric_that_does_not_fit_is_refused(tmp_path):
    text = rubric.DEFAULT.read_text()
    for old, new, said in [
        ("known = 0.5", "known = 0.3", "a share should be"),
        ("part = 0.5", "", "should have points"),
        ("[shares]", '[exercises."rnn.step".mistakes]\n"nobody makes it" = 0.5\n\n[shares]', "has no mistake"),
    ]:
        assert old in text
        path = tmp_path / "rubric.toml"
        path.write_text(text.replace(old, new, 1))
        with pytest.raises(ValueError, match=said):
            rubric.read(path)


@pytest.mark.slow
@in_part
def test_a_release_is_the_same_for_the_same_secret_and_no_other(made, tmp_path):
    assignment, folder, hidden = made
    again = release(assignment, tmp_path, SECRET)
    files = sorted(p.relative_to(folder) for p in folder.rglob("*") if p.is_file())
    assert files == sorted(p.relative_to(tmp_path) for p in tmp_path.rglob("*") if p.is_file())
    assert all((folder / name).read_bytes() == (tmp_path / name).read_bytes() for name in files)
    other = release(assignment, tmp_path, SECRET + "!")
    assert other.read_bytes() != hidden.read_bytes() == again.read_bytes() or again == other


def test_a_students_folder_holds_no_solution_no_hidden_input_and_no_secret(made):
    assignment, folder, hidden = made
    place = folder / "student" / assignment.name
    assert sorted(p.name for p in place.iterdir()) == [f"{assignment.name}.ipynb", "practice.json.gz"]
    notebook = json.loads((place / f"{assignment.name}.ipynb").read_text())
    source = "\n".join("".join(cell["source"]) for cell in notebook["cells"] if cell["cell_type"] == "code")
    practice = gzip.decompress((place / "practice.json.gz").read_bytes()).decode()
    for asked in assignment.asked:
        for line in lines_of(asked.exercise.solution) if keys.kind_of(asked.exercise) == "function" else ():
            assert line not in source
            assert line not in practice
    inputs = [
        set(re.findall(r'"data": "([^"]{40,})"', gzip.decompress(p.read_bytes()).decode()))
        for p in (place / "practice.json.gz", hidden)
    ]
    assert inputs[0] and inputs[1] and not inputs[0] & inputs[1]
    assert SECRET not in practice + source


def lines_of(solution):
    """The lines of a solution's body that say something."""
    node = ast.parse(inspect.getsource(solution)).body[0]
    body = node.body[1:] if ast.get_docstring(node) else node.body
    return [line for n in body for line in ast.unparse(n).splitlines() if len(line) > 12]


def test_the_search_for_solutions_finds_them_in_the_teachers_notebook(made):
    assignment, folder, _ = made
    notebook = json.loads((folder / "private" / assignment.name / f"{assignment.name}.ipynb").read_text())
    source = "\n".join(
        ast.unparse(ast.parse("".join(c["source"]))) for c in notebook["cells"] if c["cell_type"] == "code"
    )
    for asked in assignment.asked:
        if keys.kind_of(asked.exercise) == "function":
            assert all(line.strip() in source for line in lines_of(asked.exercise.solution))


@pytest.mark.parametrize("chapter", statements.chapters())
def test_the_notebooks_have_the_same_cells_with_and_without_solutions(chapter):
    assignment = assignment_of([chapter], rubric.read())
    empty, solved = (json.loads(simple(assignment, student))["cells"] for student in (None, "reference"))
    assert [cell["cell_type"] for cell in empty] == [cell["cell_type"] for cell in solved]
    assert [cell["id"] for cell in empty] == [f"cell-{n}" for n in range(len(empty))]
    differ = [n for n, (a, b) in enumerate(zip(empty, solved)) if a["source"] != b["source"]]
    assert len(differ) == 1 + len(assignment.asked)  # the id, and every answer
    for cell in empty:
        if cell["cell_type"] == "code":
            ast.parse(cell["source"])


def test_a_handed_in_notebook_is_graded_without_any_grader(made, tmp_path):
    assignment, folder, hidden = made
    private = folder / "private" / assignment.name
    found = plain.graded(private / f"{assignment.name}.ipynb", hidden, "reference")
    assert set(found) == {s.name for s in assignment.asked if keys.kind_of(s.exercise) != "paper"}
    assert all(g.points == g.most > 0 for g in found.values())
    found = plain.graded(folder / "student" / assignment.name / f"{assignment.name}.ipynb", hidden, "s1")
    assert all(g.points == 0 for g in found.values())


@pytest.mark.slow
@pytest.mark.parametrize("name", VARIATIONS)
def test_each_convention_leads_to_the_books_numbers_and_another_ones_are_told(name):
    exercise = statements.statement(name).exercise
    variation = variation_of(name, exercise)
    assert variation is not None, "the exercise no longer takes what its variation is made for"
    rng = np.random.default_rng(3)
    for convention in variation.conventions:
        arguments = exercise.inputs(rng)
        theirs = convention.from_book(arguments)
        assert tuple(theirs) == variation.parameters
        back = convention.to_book(theirs)
        assert set(back) == set(arguments)
        assert all(np.array_equal(back[n], arguments[n]) for n in arguments)
        own = varied(exercise, variation, convention)
        assert own(own.solution).passed
        for other in variation.conventions:
            verdict = own.verdict(varied(exercise, variation, other).solution)
            assert verdict.passed == (other is convention)
            assert other is convention or "not the one of your sheet" in verdict.mistake


def test_a_students_variant_follows_from_the_id_alone():
    ids = [f"s{n}" for n in range(400)]
    found = [variant_of("lstm", student, 8) for student in ids]
    assert found == [variant_of("lstm", f" {student.upper()} ", 8) for student in ids]
    assert min(np.bincount(found, minlength=8)) > 25
    assert found != [variant_of("gru", student, 8) for student in ids]


def test_nobody_is_told_a_convention_before_the_id_is_there(made):
    assignment, folder, _ = made
    practice = folder / "student" / assignment.name / "practice.json.gz"
    assert "write it into the first cell" in AnswerKey(practice)["lstm.peephole_step"].told
    assert "In your version" in AnswerKey(practice, "s1")["lstm.peephole_step"].told


ANSWER = SimpleNamespace(right=0.25, misreadings={"it is doubled": 0.5}, tolerance=0.1, choices=())
CHOICE = SimpleNamespace(right="the GRU", misreadings={"m": "the RNN"}, tolerance=0, choices=("the GRU", "the RNN"))
SHAPE = SimpleNamespace(right=(3, 4), misreadings={"m": (4, 3)}, tolerance=0, choices=())


@pytest.mark.parametrize(
    ("exercise", "right", "wrong"), [(ANSWER, 0.26, 0.5), (CHOICE, "The GRU.", "the r"), (SHAPE, [3, 4], (4, 3))]
)
def test_a_single_answer_is_graded_and_never_told(exercise, right, wrong):
    asked = statements.Statement("lstm.asked", "t", "l", "b", "mine = None", "mine", "", exercise)
    assert keys.kind_of(exercise) == "answer"
    entry = json.loads(json.dumps(keys.entries(asked, rubric.read(), SECRET, 3)))[0]
    keyed = make("lstm.asked", entry)
    assert keyed.verdict(right).passed
    verdict = keyed.verdict(wrong)
    assert (verdict.kind, verdict.mistake) == ("known", next(iter(exercise.misreadings)))
    assert str(exercise.right) not in verdict.message
    for nothing in (None, ..., "no", [1], object(), "0.25", (3.9, 4.9), (float("inf"), 4), "34"):
        assert not keyed.verdict(nothing).passed
    practice = keys.entries(asked, rubric.read(), seeds.PRACTICE, 3)[0]
    assert practice["kind"] == "paper" and "right" not in practice
    space = {}
    exec(programs.solved(asked), space)
    assert keyed.verdict(space["mine"]).passed


@pytest.mark.parametrize(
    ("right", "given"),
    [(1.0, True), (1.0, "1"), (1.0, np.inf), ([3, 4], (3.9, 4.9)), ([3, 4], "34"), ([1, 4], (True, 4))],
)
def test_a_single_answer_of_another_form_is_told_so(right, given):
    entry = {"points": 4, "shares": {}, "told": "", "right": right, "mistakes": [], "share": 0.1, "choices": []}
    keyed = KeyedAnswer("lstm.asked", entry)
    verdict = keyed.verdict(given)
    assert verdict.kind == "form" and verdict.message.startswith("Answer with ")
    assert keyed.verdict(right).passed


def test_what_needs_a_person_is_on_the_rubric_sheet_alone():
    asked = statements.Statement("lstm.asked", "t", "l", "b", "", "", "", SimpleNamespace(answer=lambda: "Because."))
    assert keys.kind_of(asked.exercise) == "paper"
    assert keys.entries(asked, rubric.read(), SECRET, 3)[0]["kind"] == "paper"


def test_a_hidden_test_of_nbgrader_prints_the_mistake_and_nothing_on_stderr(made, monkeypatch, tmp_path):
    assignment, _, hidden = made
    monkeypatch.setenv("RNNBOOK_KEY", str(hidden))
    place = tmp_path / "autograded" / "s7" / "lstm"
    place.mkdir(parents=True)
    monkeypatch.chdir(place)
    exercise = AnswerKey(hidden, "s7")["lstm.peephole_step"]

    def noisy(**arguments):
        print("here", file=sys.stderr)
        np.exp(np.array([1e4]))
        return next(iter(exercise.mistakes.values()))(**arguments)

    out, error = io.StringIO(), io.StringIO()
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(error):
        found = grading.points("lstm.peephole_step", noisy)
    assert found == 0.5 * exercise.points
    assert next(iter(exercise.mistakes)) in out.getvalue()
    assert error.getvalue() == ""
    with pytest.raises(AssertionError, match=f"{found:g} of {exercise.points:g} points"):
        grading.reaches("lstm.peephole_step", noisy, 0.75)
    grading.reaches("lstm.peephole_step", noisy, 0.5)


def test_an_answer_cannot_stop_the_grading(made):
    _, _, hidden = made
    key = AnswerKey(hidden, "s1")

    class Odd:
        def __call__(self, *_):
            raise SystemExit

        def __getattr__(self, name):
            raise RuntimeError(name)

    for answer in (Odd(), lambda: None, np.zeros, 3, "step", lambda *a: (_ for _ in ()).throw(KeyboardInterrupt())):
        with contextlib.suppress(KeyboardInterrupt):
            assert grade(key, "lstm.peephole_step", answer).points == 0


def test_nbgraders_source_has_marks_around_every_solution_and_points_on_every_exercise(made):
    assignment, *_ = made
    cells = json.loads(nbgrader.source(assignment))["cells"]
    marked = [cell["metadata"]["nbgrader"] for cell in cells if "nbgrader" in cell["metadata"]]
    names = [mark["grade_id"] for mark in marked]
    assert len(set(names)) == len(names)
    most = sum(assignment.rubric.points_of(s) for s in assignment.asked)
    assert sum(mark["points"] for mark in marked if mark["grade"]) == most
    for cell in cells:
        mark = cell["metadata"].get("nbgrader", {})
        if cell["cell_type"] == "code" and mark.get("solution"):
            assert nbgrader.BEGIN in cell["source"] and nbgrader.END in cell["source"]
        if mark.get("grade") and cell["cell_type"] == "code":
            _, hidden, _ = re.split(r"### (?:BEGIN|END) HIDDEN TESTS", cell["source"])
            assert hidden.count("points(") == 1


def test_otters_source_has_a_hidden_test_for_each_quarter(made):
    assignment, *_ = made
    cells = json.loads(otter.source(assignment))["cells"]
    raw = [cell["source"].splitlines()[0] for cell in cells if cell["cell_type"] == "raw"]
    graded = [s for s in assignment.asked if keys.kind_of(s.exercise) != "paper"]
    for what, count in {
        "QUESTION": len(assignment.asked),
        "SOLUTION": len(assignment.asked),
        "TESTS": len(graded),
    }.items():
        assert raw.count(f"# BEGIN {what}") == raw.count(f"# END {what}") == count
    tests = [cell["source"] for cell in cells if "BEGIN TEST CONFIG" in cell["source"]]
    assert len(tests) == grading.QUARTERS * len(graded)
    assert all("hidden: true" in test for test in tests)
    points = [float(re.search(r"points: (\S+)", test)[1]) for test in tests]
    assert sum(points) == sum(assignment.rubric.points_of(s) for s in graded)


@in_part
@pytest.mark.parametrize("lacks", ["numpy", ""])
def test_nbgrader_refuses_an_environment_without_numpy(lacks, tmp_path, monkeypatch):
    """The course's configuration, run as nbgrader runs it, where the kernel's interpreter cannot import NumPy."""
    (tmp_path / "numpy.py").write_text("raise ImportError('No module named numpy')")
    monkeypatch.setenv("PYTHONPATH", f"{tmp_path}:{ROOT}" if lacks else str(ROOT))
    (tmp_path / "nbgrader_config.py").write_text(nbgrader.CONFIG)
    run = "import sys; from unittest.mock import MagicMock as M; import jupyter_client.kernelspec as k\n"
    run += "k.KernelSpecManager = lambda: M(get_kernel_spec=lambda n: M(argv=[sys.executable]))\n"
    path = str(tmp_path / "nbgrader_config.py")
    run += f"exec(compile(open({path!r}).read(), {path!r}, 'exec'), dict(get_config=M, __file__={path!r}))"
    done = subprocess.run([sys.executable, "-c", run], capture_output=True, text=True, check=False, cwd=ROOT)
    assert (done.returncode != 0) == bool(lacks), done.stderr
    assert ("REFUSED" in done.stderr) == bool(lacks)


@pytest.fixture(scope="module")
def without(tmp_path_factory):
    """The tree without solutions."""
    folder = tmp_path_factory.mktemp("bare") / "tree"
    bare.bare(folder)
    return folder


@pytest.mark.slow
def test_the_tree_without_solutions_has_none_and_answers_all_the_same(without):
    assert bare.leaks(without) == []
    assert not (without / "tests").exists() and not (without / "coursework").exists()
    for path in [*(without / "book").glob("*.ipynb"), *(without / "book" / "text").glob("*.md")]:
        assert "{solution}" not in path.read_text()
    code = """
import json, rnnbook
from rnnbook.lessons import exercises
found = {}
for chapter in exercises.__all__:
    module = getattr(exercises, chapter)
    for name, check in vars(module).items():
        if hasattr(check, "verdict"):
            found[chapter + "." + name] = str(check(lambda *a, **b: None))
print(json.dumps([rnnbook.__version__, found]))
try:
    exercises.lstm.step
except AttributeError as error:
    print(error)
"""
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=without, env={"PYTHONPATH": str(without)}, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    version, found = json.loads(done.stdout.splitlines()[0])
    assert version.endswith("+bare")
    assert set(found) == {f"{c}.{n}" for c, m in bare.chapters().items() for n in bare.checks_of(m)}
    assert "no solutions" in done.stdout.splitlines()[1]
    sizes = [path.stat().st_size for path in (without / bare.HERE / "keys").iterdir()]
    assert max(sizes) < 100_000  # larger files are not given to a browser


@pytest.mark.slow
def test_a_solution_that_was_left_in_is_found(without):
    path = without / bare.HERE / "planted.py"
    solution = statements.statement("lstm.peephole_step").exercise.solution
    path.write_text(inspect.getsource(solution).replace("peephole_step", "renamed"))
    assert bare.leaks(without) == ["rnnbook.lessons.exercises.lstm.peephole_step"]
    path.unlink()


def test_solutions_and_exam_answers_are_taken_out_of_a_page(tmp_path):
    path = tmp_path / "page.md"
    fence = ":::{solution} ex-a\n:class: dropdown\n```{literalinclude} ../rnnbook/lessons/exercises/rnn.py\n```\n:::\n"
    exam = "1. Why?\n\n   :::{dropdown} Answer\n   42\n   :::\n\n"
    path.write_text(f"before\n\n{fence}\nbetween\n\n:::{{dropdown}} Answer\n42\n:::\n\n{exam}after\n")
    assert bare.text_without(path) == "before\n\nbetween\n\n1. Why?\n\nafter\n"
    assert "Answer" in PAGE and "Answer" not in bare.text_without(ROOT / "book" / "teaching.md")
    path.write_text("```{literalinclude} ../rnnbook/lessons/exercises/rnn.py\n```\n")
    with pytest.raises(ValueError, match="outside"):
        bare.text_without(path)


def test_a_cell_that_holds_nothing_but_a_label_stays_in_the_notebook(tmp_path):
    path = tmp_path / "page.ipynb"
    cells = [
        {"cell_type": "markdown", "source": "", "metadata": {"myst": "(here)="}},
        {"cell_type": "markdown", "source": "", "metadata": {}},
    ]
    path.write_text(json.dumps({"cells": cells}))
    assert json.loads(bare.text_without(path))["cells"] == cells[:1]


def test_the_page_that_grades_is_told_all_that_the_books_extension_asks_for():
    import live_code

    asked = []
    app = SimpleNamespace(add_config_value=lambda name, *_: asked.append(name))
    with contextlib.suppress(AttributeError):  # it goes on to register what this stand-in does not have
        live_code.setup(app)
    assert "live_code_package" in asked
    assert set(asked) <= set(page.settings()) | {"live_code_python"}


def test_a_secret_is_made_once_and_short_ones_are_refused(tmp_path):
    path = tmp_path / "a" / "secret.txt"
    assert seeds.secret_in(path) == seeds.secret_in(path)
    path.write_text("short")
    with pytest.raises(ValueError, match="16"):
        seeds.secret_in(path)
    assert (
        seeds.seed("s", "lstm.peephole_step", 1)
        != seeds.seed("s", "lstm.peephole_step", 2)
        != seeds.seed("t", "lstm.peephole_step", 2)
    )


def test_the_graders_environment_is_pinned_and_has_no_pytorch():
    lines = [x for x in (ROOT / "coursework" / "constraints.txt").read_text().splitlines() if not x.startswith("#")]
    assert all(re.fullmatch(r"[\w.\-]+==[\w.+]+", line) for line in lines)
    names = {line.partition("==")[0].lower() for line in lines}
    assert {"nbgrader", "otter-grader", "numpy", "ipykernel"} <= names
    assert not {name for name in names if "torch" in name or "nvidia" in name}


A = np.array


def small(names, values):
    """Arguments of one sequence and one unit."""
    return {name: A([[float(value)]]) for name, value in zip(names.split(), values, strict=True)}


POLLS = {  # number: the check, its arguments, and which result is asked for
    1: ("rnn.count_parameters", dict(D=2, H=3, V=4), 0),
    2: ("bptt.step_back", small("dh_out dh_next c W_ih W_hh", [1, 2, 0.5, 1, 4]) | {"alpha": 1.0}, 0),
    3: ("limits.bound", dict(W_hh=A([[0.0, 3], [1, 0]]), k=2, slope=0.5), 0),
    5: ("gru.half_life", dict(z=A([0.9])), 0),
    8: ("language_model.masked_mean", dict(losses=A([[4.0, 2], [1, 2], [1, 2]]), lengths=A([1, 3])), 0),
    9: ("memory.interval", dict(values=A([1.0, 2, 3])), 1),
    10: ("speed.speed_up", dict(share=A([0.5]), factor=A([4.0])), 0),
    12: ("state_space.left_after", dict(beta=A([1.5]), writes=A([3.0])), 0),
}  # fmt: skip
PAGE = (ROOT / "book" / "teaching.md").read_text(encoding="utf-8")


def exercise_named(name):
    """The exercise, also if it has moved to another chapter since."""
    chapter, _, own = name.partition(".")
    found = {s.name: s.exercise for s in ALL}
    return found.get(name) or next(e for n, e in found.items() if n.partition(".")[2] == own)


@pytest.mark.parametrize("number", POLLS)
def test_a_polls_right_option_is_right_and_each_other_one_a_known_mistake(number):
    name, arguments, part = POLLS[number]
    exercise = exercise_named(name)
    text = re.search(rf"^### Poll {number}: .*?(?=^##)", PAGE, re.S | re.M)[0]
    options = {
        letter: float(value.replace("−", "-")) for letter, value in re.findall(r"^- ([A-D])\. ([−\d.]+)", text, re.M)
    }
    right = re.search(r"^\*\*([A-D])\.\*\*", text, re.M)[1]
    assert len(options) == 4
    assert f"check_{name.partition('.')[2]}" in text

    def gives(function):
        with np.errstate(all="ignore"), contextlib.suppress(IndexError, ValueError):
            results = function(**arguments)
            results = results if isinstance(results, tuple) else (results,)
            return float(np.asarray(results[part]).ravel()[0])

    mistakes = [gives(wrong) for wrong in exercise.mistakes.values()]
    for letter, value in options.items():
        candidates = [gives(exercise.solution)] if letter == right else mistakes
        assert any(c is not None and abs(c - value) <= 0.03 * abs(value) for c in candidates), (
            letter,
            value,
            candidates,
        )


POLLS_BY_FORMULA = {  # number: the right answer, then what the answer says that each other option comes from
    4: (1 / 4 * 1 + 3 / 4 * -1, {"A": 3 / 4 * 1 + 1 / 4 * -1, "C": 1 / 4 * 1, "D": 1 / 4 * 50 + 3 / 4 * -1}),
    6: (1 / 4 * 4 + 1 / 2 * 1, {"B": 1 / 2 * 4 + 1 / 4 * 1, "C": 4 + 1 / 2 * 1, "D": 1 / 4 * 4 + (1 - 1 / 4) * 1}),
    7: ((1 / 2 * 1 / 8) ** -0.5, {"A": 1 / ((1 / 2 + 1 / 8) / 2), "C": (2 + 8) / 2, "D": (1 / 2 * 1 / 8) ** 0.5}),
    11: (3 * 1 + 4, {"A": 2 * 4 + 1, "B": 1 + 4, "D": 3 * (1 + 4)}),
}  # fmt: skip


@pytest.mark.parametrize("number", POLLS_BY_FORMULA)
def test_each_option_of_the_polls_without_an_exercise_is_what_its_answer_says(number):
    value, others = POLLS_BY_FORMULA[number]
    text = re.search(rf"^### Poll {number}: .*?(?=^##)", PAGE, re.S | re.M)[0]
    options = {k: float(v.replace("−", "-")) for k, v in re.findall(r"^- ([A-D])\. ([−\d.]+)", text, re.M)}
    right = re.search(r"^\*\*([A-D])\.\*\*", text, re.M)[1]
    assert options == pytest.approx({right: value} | others)
    assert len(set(options.values())) == 4 and "check_" not in text


def test_the_exam_questions_numbers_are_right():
    assert np.log(0.5) / np.log(0.9) == pytest.approx(6.6, abs=0.05)
    f = 2 ** (-1 / 100)
    assert (2.0**-100, f, np.log(f / (1 - f))) == pytest.approx((8e-31, 0.9931, 4.97), rel=2e-2)
    assert 1.2 / np.log(2) / 4.5 == pytest.approx(0.385, abs=5e-4)
    assert (4 * 512**2 * 4, 2 * 4 * 512**2, 4 * 512**2 * 4 / 20e9) == pytest.approx((4.2e6, 2.1e6, 0.21e-3), rel=0.01)
    k_1, k_2, v_1, v_2 = A([1.0, 0]), A([0.6, 0.8]), A([2.0, 3]), A([5.0, 7])
    S = np.outer(k_1, v_1)
    S = S + np.outer(k_2, v_2 - k_2 @ S)
    assert np.allclose(k_2 @ S, v_2) and np.allclose(k_1 @ S, (1 - 0.6**2) * v_1 + 0.6 * v_2)


def test_the_graph_of_prerequisites_has_every_chapter_and_is_drawn_from_its_table():
    assert set(statements.chapters()) <= set(prerequisites.CHAPTERS)
    assert prerequisites.PATH.read_text() == prerequisites.drawing()
    at = prerequisites.places()
    assert len({row for _, row in at.values()}) == len(at)
    for name, (_, before) in prerequisites.CHAPTERS.items():
        assert not before or (at[before][0] == at[name][0] - 1 and at[before][1] < at[name][1])


def test_every_command_of_the_page_on_teaching_exists():
    from coursework.__main__ import _parser

    for line in re.findall(r"^python -m coursework (.*)$", PAGE, re.M):
        _parser().parse_args(line.split())
    targets = re.findall(r"^(\w+):", (ROOT / "Makefile").read_text(), re.M)
    assert {a or b for a, b in re.findall(r"`make (\w+)|^make (\w+)", PAGE, re.M)} <= set(targets)


@pytest.mark.parametrize("grader", [nbgrader, otter], ids=["nbgrader", "otter"])
def test_answers_find_their_cells_in_a_graders_release(grader, made, tmp_path):
    """Solutions are cut out as the grader does it, and its own mark is put in their place."""
    assignment, _, hidden = made
    content = json.loads(grader.source(assignment))
    for cell in content["cells"]:
        source = re.sub(rf"{grader.BEGIN}\n.*?{grader.END}", "...", cell["source"], flags=re.S)
        cell["source"] = source if cell["cell_type"] == "code" else cell["source"]
    path = tmp_path / "release.ipynb"
    path.write_text(json.dumps(content))
    answers = answers_of(assignment, lambda asked: parts(assignment, asked, student="s3").answer["source"])
    handed_in(path, answers, "s3", tmp_path / "s3" / "lstm.ipynb")
    (tmp_path / "s3" / "practice.json.gz").write_bytes(hidden.with_name("practice.json.gz").read_bytes())
    found = plain.graded(tmp_path / "s3" / "lstm.ipynb", hidden, "s3")
    assert found and all(g.points == g.most for g in found.values())
    with pytest.raises(ValueError, match="has no cell"):
        handed_in(path, {"def nobody_asks():": "1"}, "s3", tmp_path / "s4" / "lstm.ipynb")


def in_notebook(path, *cells):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps({"cells": [{"cell_type": "code", "source": cell} for cell in cells]}))
    return path


@pytest.fixture
def asked_for(tmp_path):
    """A key with one number to hand in: mine = 0.25 is worth 4 points."""
    entry = {"kind": "answer", "answer": "mine", "points": 4, "told": "", "right": 0.25, "mistakes": [], "share": 0.1}
    entry |= {"choices": [], "shares": {"right": 1, "known": 0.5, "forbidden": 0.5, "part": 0, "mistakes": {}}}
    content = {"format": 1, "assignment": "lstm", "variants": 1, "exercises": {"lstm.asked": [entry]}}
    keys.write(tmp_path / "lstm" / "hidden.json.gz", content)
    return tmp_path / "lstm" / "hidden.json.gz"


FAILS = {
    "endless": ("while True: pass", "should finish within 3 seconds, but did not"),
    "dies": ("import os; os._exit(3)", "its process ended with status 3"),
    "dies quietly": ("import os; os._exit(0)", "before the grades were there"),
    "says something else": ("import os; os.write(1, b'[1, 2]\\n\\xff'); os._exit(0)", "before the grades were there"),
    "is no notebook": (None, "its process ended with status 1"),
}


@pytest.mark.parametrize("how", FAILS)
def test_a_notebook_that_cannot_be_graded_is_a_runtime_error(how, asked_for, tmp_path, monkeypatch):
    monkeypatch.setattr(plain, "SECONDS", 3 if how == "endless" else 60)
    code, sentence = FAILS[how]
    path = in_notebook(tmp_path / "class" / "bob.ipynb", code or "")
    if code is None:
        path.write_text("{")
    with pytest.raises(RuntimeError, match=f"bob.ipynb could not be graded: .*{sentence}"):
        plain.graded(path, asked_for, "bob")


def test_one_students_notebook_does_not_cost_the_class_its_grades(asked_for, tmp_path, capsys):
    folder = tmp_path / "class"
    in_notebook(folder / "anna" / "answers.ipynb", "mine = 0.25")
    in_notebook(folder / "anna" / "scratch.ipynb", "x = 1")
    in_notebook(folder / "bob.ipynb", "import os; os._exit(3)")
    in_notebook(folder / "cleo" / "answers.ipynb", "input()", "mine = 0.25")
    in_notebook(folder / "cleo" / ".ipynb_checkpoints" / "answers.ipynb", "mine = 1")
    assert main(["grade", "--out", str(tmp_path), str(folder), str(asked_for)]) == 1
    found = json.loads((tmp_path / "scores" / "lstm" / "scores.json").read_text())
    assert {s["id"]: s["points"] for s in found["students"]} == {"anna": 0, "bob": 0, "cleo": 4}
    assert found["points"] == 4
    said = {s["id"]: s["exercises"]["lstm.asked"]["message"] for s in found["students"]}
    two = "anna should hand in one notebook, but handed in anna/answers.ipynb and anna/scratch.ipynb."
    assert said == {
        "anna": two,
        "bob": "bob.ipynb could not be graded: its process ended with status 3.",
        "cleo": "Right.",
    }
    told = capsys.readouterr().err
    assert all(f"coursework grade: {name}: {said[name]}" in told for name in ("anna", "bob"))


def test_grading_ends_with_status_0_where_every_notebook_was_graded(asked_for, tmp_path):
    in_notebook(tmp_path / "class" / "anna.ipynb", "mine = 7")
    assert main(["grade", "--out", str(tmp_path), str(tmp_path / "class"), str(asked_for)]) == 0


def test_a_key_or_a_roster_that_is_not_there_is_told_before_anything_is_graded(asked_for, tmp_path, monkeypatch):
    in_notebook(tmp_path / "class" / "anna.ipynb", "mine = 0.25")
    monkeypatch.setattr(plain, "graded", lambda *_: pytest.fail("it is graded"))
    common = ["grade", "--out", str(tmp_path), str(tmp_path / "class")]
    assert main([*common, str(tmp_path / "no.json.gz")]) == 1
    assert main([*common, str(asked_for), "--roster", str(tmp_path / "no.csv")]) == 1
    assert not (tmp_path / "scores").exists()


@pytest.mark.parametrize(
    "cell",
    [
        "%matplotlib inline\nmine = 0.25",
        "!echo here\nmine = 0.25\n?mine\nmine?\n",
        "%%time\nmine = 0.25",
        "if True:\n    %timeit 1\nmine = (3\n    % 2) / 4",
        "files = !ls\nmine = (0.25 if 1\n    != 2 else 7)\n",
        "display(1)\nmine = 0.25",
    ],
)
def test_lines_that_only_ipython_reads_cost_no_points(cell, asked_for, tmp_path):
    found = plain.grades(in_notebook(tmp_path / "anna.ipynb", cell), AnswerKey(asked_for))
    assert found["lstm.asked"].points == 4


def test_the_lines_of_a_cell_keep_their_numbers_and_a_cell_in_another_language_is_not_run(asked_for, tmp_path):
    space = {}
    exec(plain.compiled("%pylab\n!ls\ndef f(): pass", "<cell 1>"), space)
    assert space["f"].__code__.co_firstlineno == 3
    path = in_notebook(tmp_path / "anna.ipynb", "mine = 0.25", "%%script false\nmine = 7")
    assert plain.grades(path, AnswerKey(asked_for))["lstm.asked"].points == 4


@pytest.mark.parametrize(
    ("cells", "message"),
    [
        (
            ["x = 1", "mine = 1 / 0"],
            "There is no answer: code cell 2 stopped with ZeroDivisionError: division by zero.",
        ),
        (["1 / 0", "mine = )"], "There is no answer: code cell 2 stopped with SyntaxError: unmatched ')'"),
        (["1 / 0", "x = 1"], "There is no answer: code cell 1 stopped with ZeroDivisionError: division by zero."),
        (["x = 1"], "There is no answer: no cell defines mine."),
        (["mine = None"], "No answer yet: write yours down first."),
        (["1 / 0", "mine = 7"], "That is not it."),
    ],
)
def test_a_missing_answer_is_told_with_the_cell_that_stopped(cells, message, asked_for, tmp_path):
    found = plain.grades(in_notebook(tmp_path / "anna.ipynb", *cells), AnswerKey(asked_for))["lstm.asked"]
    assert found.points == 0 and found.message.startswith(message)
