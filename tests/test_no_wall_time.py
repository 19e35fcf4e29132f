"""No assert uses a time that was measured: another processor, or a busy one, has others.

What a time stands for can be asserted: calls, imported modules, allocated bytes, counted operations.
"""

import ast
import json

import pytest
from conftest import ROOT
from IPython.core.inputtransformer2 import TransformerManager
from wall_time import wall_times

PATTERNS = ["tests/*.py", "rnnbook/**/*.py", "benchmarks/*.py", "tools/*.py", "book/**/*.py", "book/*.ipynb"]
SOURCES = sorted(path for pattern in PATTERNS for path in ROOT.glob(pattern) if "_build" not in path.parts)


def sources_of(path):
    """A file's source, or those of a notebook's code cells, with its magics as calls."""
    text = path.read_text(encoding="utf-8")
    if path.suffix == ".py":
        return [text]
    cells = [cell["source"] for cell in json.loads(text)["cells"] if cell["cell_type"] == "code"]
    return [TransformerManager().transform_cell("".join(source)) for source in cells]


@pytest.mark.parametrize("folder", ["tests", "rnnbook", "benchmarks", "tools", "book"])
def test_no_assert_uses_a_measured_time(folder):
    paths = [path for path in SOURCES if path.relative_to(ROOT).parts[0] == folder]
    assert paths
    found = [
        f"{path.relative_to(ROOT)}, {f'cell {k}, ' if path.suffix == '.ipynb' else ''}line {line}: {text}"
        for path in paths
        for k, line, text in wall_times(*sources_of(path))
    ]
    assert not found, "\n".join(found)


CAUGHT = {
    "a difference of two readings": """
import time
start = time.perf_counter()
work()
assert time.perf_counter() - start < 1
""",
    "a name for the difference": """
import time
start = time.time()
taken = time.time() - start
assert taken < 1, "slow"
""",
    "a clock under another name": """
from time import process_time as clock
a = clock()
b = a - clock()
assert b < 0
""",
    "a module under another name": """
import timeit as t
assert t.timeit(work, number=3) < 1
""",
    "the least of several": """
from timeit import repeat
best = min(repeat(work, number=1, repeat=5))
assert best < 1
""",
    "an order of two ways": """
from timeit import repeat
def seconds(way):
    return min(repeat(way, number=1))
ratio = seconds(slow) / seconds(fast)
assert ratio > 2
""",
    "through two functions": """
import time
def once(run):
    start = time.thread_time()
    run()
    return time.thread_time() - start
def best(run):
    return min(once(run) for _ in range(5))
def test_it():
    assert best(fast) < best(slow)
""",
    "a function inside a function": """
import time
def seconds(run):
    def once():
        start = time.thread_time()
        run()
        return time.thread_time() - start
    return min(once() for _ in range(7))
assert seconds(a) < 0.5 * seconds(b)
""",
    "a loop that fills a list": """
import time
taken = []
for run in runs:
    start = time.perf_counter()
    run()
    taken.append(time.perf_counter() - start)
assert sorted(taken) == taken
""",
    "a loop that fills a dict": """
import time
seconds = {}
for name, run in runs.items():
    seconds[name] = time_of(run) + time.perf_counter()
assert seconds["a"] < seconds["b"]
""",
    "a comprehension over names": """
import time
def once(n):
    return time.process_time()
rounds = [[once(n) for n in sizes] for _ in range(7)]
slope = fit(np.log(sizes), np.log(np.min(rounds, axis=0)))
assert 0.7 < slope < 1.3
""",
    "one key of a table": """
import time
measured = {"time": time.perf_counter(), "memory": 3}
slope = {name: value / 2 for name, value in measured.items()}
assert slope["time"] < 1
""",
    "a key that is not written out": """
import time
measured = {"time": time.perf_counter(), "memory": 3}
for name in measured:
    assert measured[name] < 1
""",
    "map": """
import time
def once(n):
    return time.perf_counter()
best, = map(once, [3])
assert best < 1
""",
    "a part of a tuple": """
import time
def timed(run):
    start = time.perf_counter()
    return run(), time.perf_counter() - start
result, seconds = timed(run)
assert seconds < 1
""",
    "an assignment in an expression": """
import time
start = time.monotonic()
assert (taken := time.monotonic() - start) < 3
""",
    "a comparison of NumPy's": """
import time
np.testing.assert_array_less(time.perf_counter() - start, 3)
""",
    "pytest's comparison": """
import time
result = 3 == pytest.approx(time.perf_counter() - start, rel=0.2)
""",
    "a check of an exercise": """
import time
exercises.speed.check_it(time.perf_counter() - start)
""",
    "a failure by hand": """
import time
if time.perf_counter() - start > 3:
    pytest.fail("slow")
""",
    "an error by hand": """
import time
seconds = time.perf_counter() - start
if seconds > 3:
    raise AssertionError("slow")
""",
    "a flag": """
import time
slow = False
if time.perf_counter() - start > 3:
    slow = True
assert not slow
""",
    "how far a loop comes in a time": """
import time
rounds = 0
while time.perf_counter() < end:
    rounds += 1
assert rounds > 100
""",
    "an attribute": """
import time
class Watch:
    def __enter__(self):
        self.start = time.perf_counter()
        return self
    def __exit__(self, *error):
        self.seconds = time.perf_counter() - self.start
with Watch() as watch:
    work()
assert watch.seconds < 1
""",
    "a method": """
import time
class Watch:
    def read(self):
        return time.perf_counter()
assert Watch().read() < 1
""",
    "a clock as an argument": """
import time
def difference(clock):
    start = clock()
    return clock() - start
assert difference(time.perf_counter) < 1
""",
    "a fixture": """
import time
@pytest.fixture
def seconds():
    return time.perf_counter()
def test_it(seconds):
    assert seconds < 1
""",
    "a generator": """
import time
def rounds():
    yield time.perf_counter()
for seconds in rounds():
    assert seconds < 1
""",
    "an argument of a function that asserts": """
import time
def hold(value):
    assert value < 1
hold(time.perf_counter())
""",
    "a timer": """
from timeit import Timer
seconds, number = min(Timer(work).repeat(3, 1)), 1
assert seconds < 1
""",
    "a magic": """
result = get_ipython().run_line_magic('timeit', '-o work()')
assert result.best < 1
""",
    "CUDA's events": """
assert start.elapsed_time(end) < 3
""",
    "a date": """
from datetime import datetime
start = datetime.now()
assert (datetime.now() - start).total_seconds() < 3
""",
}
LET_PASS = {
    "a time that is printed": """
import time
start = time.perf_counter()
y = work()
print(time.perf_counter() - start)
assert y == 3
""",
    "a time in the message": """
import time
start = time.perf_counter()
assert work() == 3, f"wrong after {time.perf_counter() - start}"
""",
    "itertools' and NumPy's repeat": """
from itertools import repeat
assert list(repeat(1, 2)) == [1, 1] and np.repeat(1, 2).sum() == 2
""",
    "an axis called time": """
import time
x = series.time
assert x.shape == (3,) and time.strftime("%Y") and time.sleep(1) is None
""",
    "a name that held a time before": """
import time
start = time.perf_counter()
start = 3
assert start == 3
""",
    "how many times were measured": """
import time
seconds = [time.perf_counter() for _ in range(3)]
assert len(seconds) == 3 and np.array(seconds).shape == (3,)
""",
    "the names beside the times": """
import time
seconds = {"a": time.perf_counter(), "b": time.perf_counter()}
assert seconds.keys() == {"a", "b"}
for name, value in seconds.items():
    assert name in ("a", "b")
""",
    "the memory beside the time": """
import time
measured = {"time": time.perf_counter(), "memory": 3}
slope = {name: value / 2 for name, value in measured.items()}
assert slope["memory"] < 2
""",
    "the result beside the time": """
import time
def timed(run):
    start = time.perf_counter()
    result = run()
    print(time.perf_counter() - start)
    return result
assert timed(run) == 3
""",
    "the other part of a tuple": """
import time
def timed(run):
    start = time.perf_counter()
    return run(), time.perf_counter() - start
result, seconds = timed(run)
one, other = 3, seconds
assert result == one
""",
    "a stored time": """
rows = json.loads(path.read_text())["microseconds_per_step"]
assert rows[0]["compiled"] < rows[0]["reference"]
""",
    "a counted operation": """
from timeit import repeat
seconds = min(repeat(work))
counter = Counter()
assert counter["calls"] == 3
""",
    "the same name in another function": """
import time
def one():
    x = time.perf_counter()
def two():
    x = 3
    assert x == 3
""",
}


@pytest.mark.parametrize("source", CAUGHT.values(), ids=CAUGHT)
def test_a_planted_time_is_caught(source):
    assert len(wall_times(source)) == 1


@pytest.mark.parametrize("source", LET_PASS.values(), ids=LET_PASS)
def test_what_is_no_time_passes(source):
    assert wall_times(source) == []


def test_a_notebooks_cells_hear_of_each_other_and_the_cell_is_told():
    cells = ["import time\nstart = time.time()", "taken = time.time() - start", "x = 1\nassert x and taken < 3"]
    assert wall_times(*cells) == [(2, 2, "assert x and taken < 3")]


@pytest.mark.parametrize("line", ["%timeit work()", "t = %timeit -o work()", "%%time\nwork()"])
def test_a_notebooks_magics_can_be_read(tmp_path, line):
    path = tmp_path / "a.ipynb"
    cells = [{"cell_type": "code", "source": [line]}, {"cell_type": "markdown", "source": ["assert"]}]
    path.write_text(json.dumps({"cells": cells}))
    (source,) = sources_of(path)
    ast.parse(source)
