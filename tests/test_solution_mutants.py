"""Every mistake that is made by rule in an exercise's solution, and changes a number, is caught by the oracle test.

And the exercise names or localises most of them: at least 60 % in every chapter. See ``searches`` for which exercises.
"""

import inspect
import json
import os
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest
import searches
import test_exercise_oracles
from test_exercises import EXERCISES

from rnnbook.lessons import exercises

SAID = [("named", "localised"), ("unknown", "accepted")]  # of those that give numbers
ROOT = Path(__file__).resolve().parents[1]
# how many mutants of a solution give its numbers on all inputs, and why
EQUIVALENT = {
    "applications.check_decide": (6, "the first step begins a run, whatever was before it; streams in any order"),
    "applications.check_forward_step": (4, "any number may be taken out of the logarithm of a sum"),
    "applications.check_seen_before": (8, "two strands in any order, words in any order; a word cut short is no word"),
    "bptt.check_backward": (4, "hs[0] serves for its shape, twice; the two gradients are added; dx is not used"),
    "control.check_sensitivity": (1, "before step k every s is zero"),
    "feedback_networks.check_flip_energy": (1, "a state is 1 or -1: dividing by it is multiplying with it"),
    "frameworks.check_whole_gradient": (1, "the smaller of two numbers, in any order"),
    "gru.check_turn_z": (1, "dividing by -1 is multiplying with it"),
    "gradient_reach.check_clip": (1, "the larger of two numbers, in any order"),
    "limits.check_cells_per_wave": (1, "a layer and a step are added, in any order"),
    "rnn.check_forward": (1, "the two biases are added"),
    "rnn.check_flat_share": (1, "no slope is equal to the limit"),
    "rnn.check_read_in_pieces": (1, "the two biases are added"),
    "why_recurrence.check_count_pairs": (3, "a unit more is read by nobody; two units are added and the larger of two "
                                            "numbers is taken in any order"),
    "why_recurrence.check_count_with_gap": (3, "as in check_count_pairs"),
    "rnn.check_batch_first": (3, "the two biases are added; two axes change places in any order, twice"),
    "pronunciation.check_written": (1, "the last step of a run has the same symbol as its first"),
    "parallel.check_many_in_one": (1, "a start counts as 1, and what is none as 0, in whichever way it is written"),
    "state_space.check_fading_attention": (2, "the larger of two numbers, in any order; the future has no weight"),
    "speed.check_weight_gradient": (1, "T B is B T"),
    "time_series.check_responsibilities": (1, "the second softmax divides by the first one's sum again"),
    "truncation.check_equal_reach": (2, "losses are added in any order; the larger of two numbers, in any order"),
}  # fmt: skip


def sources():
    """Of each exercise, a digest of all that its mutants and their judgement follow from."""
    folder, tests = Path(exercises.__file__).parent, ROOT / "tests"
    judges = [path for path in sorted(folder.glob("*.py")) if path.stem not in exercises.chapters]
    judges += [tests / "solution_mutants.py", tests / "exercise_oracles/ways.py"]
    draws = [inspect.getsource(getattr(test_exercise_oracles, name)) for name in ("arrays", "differs", "draws")]
    common, found = searches.digest(*judges, *draws, str(test_exercise_oracles.SEEDS)), {}
    for name in EXERCISES:
        chapter = name.partition(".")[0]
        own = [folder / f"{chapter}.py", tests / f"exercise_oracles/{chapter}.py", str(EQUIVALENT.get(name))]
        found[name] = searches.digest(common, *own)
    return found


@pytest.mark.slow
def test_every_mutant_of_a_solution_is_caught(request):
    # one takes two seconds: of those that have not changed a few will do
    choice = searches.choose(
        "exercises whose solution's mutants are judged", EXERCISES, sources(), one_in=lambda _: 2 * searches.ONE_IN
    )
    choice.tell(request.node)
    path = os.pathsep.join([str(ROOT), os.environ.get("PYTHONPATH", "")])
    command = [sys.executable, str(ROOT / "tests" / "solution_mutants.py"), "3", *choice.items]
    done = subprocess.run(command, env=os.environ | {"PYTHONPATH": path}, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    judged = json.loads(done.stdout)
    assert judged.keys() == set(choice.items)
    count = table(judged)
    print(count)
    for kinds in judged.values():
        for result in kinds.values():
            assert not result["survivors"], f"not caught: {result['survivors']}\n{count}"
            assert not result["accepted"], f"taken for right by the exercise: {result['accepted']}\n{count}"
    equal = {name: kinds["rules"]["equal"] for name, kinds in judged.items()}
    unexplained = {name: found for name, found in equal.items() if len(found) != EQUIVALENT.get(name, (0,))[0]}
    assert not unexplained, f"the solution's numbers, and no reason in EQUIVALENT: {unexplained}\n{count}"
    in_part = {name.partition(".")[0] for name in EXERCISES.keys() - judged.keys()}
    for chapter in sorted({name.partition(".")[0] for name in judged} - in_part):
        rules = [kinds["rules"] for name, kinds in judged.items() if name.startswith(f"{chapter}.")]
        said, unsaid = (sum(len(result[a]) + len(result[b]) for result in rules) for a, b in SAID)
        assert said >= 0.6 * (said + unsaid), f"{chapter}: too few are named\n{count}"
    assert min(kinds["rules"]["made"] for kinds in judged.values()) >= 3, count


def table(judged):
    """The counts of each chapter, and their sum, as text."""
    rows: dict[str, Counter] = {}
    for name, kinds in judged.items():
        for kind, result in kinds.items():
            counts = {key: value if isinstance(value, int) else len(value) for key, value in result.items()}
            for row in (f"{name.partition('.')[0]}, {kind}", f"all, {kind}"):
                rows.setdefault(row, Counter()).update(counts)
    return "\n".join(f"{row}: {dict(counts)}" for row, counts in sorted(rows.items()))
