"""The teacher's kit as a command; ``python -m coursework --help`` lists what it does."""

import argparse
import sys
from pathlib import Path

from coursework import bare, figures, keys, nbgrader, plain, release, routes, rubric, scores, seeds, statements
from rnnbook.lessons.exercises.answer_key import AnswerKey

OUT = statements.ROOT / "_build" / "coursework"
GRADERS = statements.ROOT / ".venv-grading" / "bin" / "python"


def main(arguments: list[str] | None = None) -> int:
    """Run the command; returns its exit status."""
    options = _parser().parse_args(arguments)
    try:
        return options.run(options) or 0
    except (ValueError, RuntimeError, FileNotFoundError) as error:
        print(f"coursework {options.command}: {error}", file=sys.stderr)
        return 1


def make_release(options) -> None:
    """Write the releases of each chapter, or of the exercises of one chapter."""
    found = rubric.read(options.rubric)
    secret = seeds.secret_in(options.secret or options.out / "private" / "secret.txt")
    whole = [n for n in options.names or statements.chapters() if "." not in n]
    single = [n for n in options.names if "." in n]
    for names in [*([name] for name in whole), *([single] if single else [])]:
        assignment = release.assignment_of(names, found, options.variants)
        release.release(assignment, options.out, secret)
        kinds = [keys.kind_of(s.exercise) for s in assignment.asked]
        most = sum(found.points_of(s) for s in assignment.asked)
        print(
            f"{assignment.name}: {len(kinds)} exercises, {most:g} points, {kinds.count('paper')} for a person to read"
        )
    print(f"Students get {options.out / 'student'} and nothing else. {options.out / 'private'} is yours alone.")


def grade(options) -> int:
    """Grade notebooks, STUDENT.ipynb or STUDENT/NAME.ipynb, against a hidden key, and write the score files; 1 if one
    could not be graded.
    """
    key = AnswerKey(options.key)
    students = scores.roster(options.roster) if options.roster else {}
    handed_in: dict[str, list[Path]] = {}
    for path in sorted(options.folder.rglob("*.ipynb")):
        if ".ipynb_checkpoints" not in path.parts:
            student = path.stem if path.parent == options.folder else path.relative_to(options.folder).parts[0]
            handed_in.setdefault(student, []).append(path)
    if not handed_in:
        raise ValueError(f"there is no notebook in {options.folder}")
    found, failures = {}, 0
    for student, paths in handed_in.items():
        try:
            found[student] = plain.graded(_the_one(paths, student, options.folder), options.key, student)
        except (ValueError, RuntimeError) as error:  # one student's notebook must not cost the others their grades
            print(f"coursework grade: {student}: {error}", file=sys.stderr)
            found[student] = plain.failed(key, str(error).splitlines()[0])
            failures += 1
    name = options.name or options.key.resolve().parent.name
    for path in scores.write(options.out / "scores" / name, name, found, students, options.canvas)[:3]:
        print(path)
    return int(failures > 0)


def from_nbgrader(options) -> None:
    """Write the score files from nbgrader's gradebook and autograded notebooks."""
    assignment = release.assignment_of([options.name], rubric.read(options.rubric))
    found = nbgrader.grades_with_messages(options.folder, assignment)
    students = scores.roster(options.roster) if options.roster else {}
    for path in scores.write(options.out / "scores" / options.name, options.name, found, students, options.canvas)[:3]:
        print(path)


def make_bare(options) -> None:
    """Write the tree without solutions; build the wheel and the pages from it."""
    tree = options.out / "bare"
    for sentence in bare.bare(tree):
        print(sentence)
    print(tree)
    if options.wheel:
        print(bare.wheel(tree, options.out / "dist"))
    if options.pages:
        print(bare.pages(tree))


def compare(options) -> int:
    """Grade the reference, the empty release and all known mistakes in four ways; 1 if they differ."""
    differ = 0
    for name in options.names:
        assignment = release.assignment_of([name], rubric.read(options.rubric), options.variants)
        found = routes.compared(assignment, options.out / name, str(options.python), not options.without_page)
        print(f"\n{routes.table(found)}\n")
        bad = routes.wrong(found)
        print(f"{name}: {len(found)} answers, {len(bad)} of them graded otherwise than the rubric says")
        with routes.environment(options.out / name, str(options.python), build=False):
            print(routes.feedback_shows_no_test(options.out / name, assignment, str(options.python)))
        print(routes.lacks_numpy_is_refused(options.out / name, str(options.python)))
        differ += len(bad)
    return int(differ > 0)


def make_figures(options) -> None:
    """Write the figures of chapters as SVG."""
    for path in figures.written(options.names or statements.chapters(), options.out / "figures"):
        print(path)


def _the_one(paths, student, folder):
    """A student's only notebook; ValueError if there are several."""
    if len(paths) > 1:
        names = " and ".join(str(path.relative_to(folder)) for path in paths)
        raise ValueError(f"{student} should hand in one notebook, but handed in {names}.")
    return paths[0]


def _parser():
    parser = argparse.ArgumentParser(prog="python -m coursework", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)

    def command(name, run, *, names=None):
        made = commands.add_parser(name, help=run.__doc__)
        made.set_defaults(run=run)
        made.add_argument("--out", type=Path, default=OUT, help="the folder to write into")
        if names:
            made.add_argument("names", nargs=names, help="chapters (lstm), or exercises of one chapter (lstm.step)")
        return made

    def graded(made):
        made.add_argument("--roster", type=Path, help=f"CSV with the columns {', '.join(scores.Student._fields)}")
        made.add_argument("--canvas", default="", help="the assignment's number in Canvas, if it exists there")
        return made

    def ruled(made):
        made.add_argument("--rubric", type=Path, default=rubric.DEFAULT, help="points and shares")
        return made

    made = ruled(command("release", make_release, names="*"))
    made.add_argument("--secret", type=Path, help="the file of the course's secret; it is made if there is none")
    made.add_argument("--variants", type=int, default=8, help="how many variants there are to draw from")
    made = graded(command("grade", grade))
    made.add_argument("folder", type=Path, help="the submissions: STUDENT.ipynb, or STUDENT/NAME.ipynb")
    made.add_argument("key", type=Path, help="private/NAME/hidden.json.gz")
    made.add_argument("--name", default="", help="the assignment, if not the key's folder")
    made = ruled(graded(command("nbgrader", from_nbgrader)))
    made.add_argument("name", help="the assignment")
    made.add_argument("folder", type=Path, help="nbgrader's course folder")
    made = command("bare", make_bare)
    made.add_argument("--wheel", action="store_true", help="build the wheel")
    made.add_argument("--pages", action="store_true", help="build the pages")
    made = ruled(command("routes", compare, names="+"))
    made.add_argument("--python", type=Path, default=GRADERS, help="the interpreter with nbgrader and otter")
    made.add_argument("--variants", type=int, default=8, help="how many variants there are to draw from")
    made.add_argument("--without-page", action="store_true", help="without a browser")
    command("figures", make_figures, names="*")
    return parser


if __name__ == "__main__":
    sys.exit(main())
