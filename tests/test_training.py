"""The training loop calls the step it is given, in order, and keeps the book of what came back."""

import io
import random
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from jupyter_client.manager import start_new_kernel

from rnnbook import training
from rnnbook.training import seed_everything, train

ROOT = Path(__file__).parents[1]


def test_every_step_is_called_once_and_in_order():
    called = []

    def step(i):
        called.append(i)
        return 0.5 * i

    history = train(step, 4)
    assert called == [0, 1, 2, 3]
    assert history.steps == [1, 2, 3, 4]
    assert history.losses == [0.0, 0.5, 1.0, 1.5]


def test_losses_are_read_only_where_they_are_logged_and_at_the_last_step():
    class Loss:
        read = []

        def __init__(self, i):
            self.i = i

        def __float__(self):
            Loss.read.append(self.i)
            return float(self.i)

    history = train(Loss, 8, log_every=3)
    assert Loss.read == [2, 5, 7]
    assert history.steps == [3, 6, 8]


def test_validation_follows_its_own_count_and_the_last_step():
    values = iter(range(10))
    history = train(float, 7, validate=lambda: next(values), validate_every=3)
    assert history.validation_steps == [3, 6, 7]
    assert history.validation_values == [0, 1, 2]


def test_validation_comes_once_at_the_end_where_no_count_is_given():
    assert train(float, 7, validate=lambda: 1).validation_steps == [7]


def test_stop_ends_the_run_after_the_loss_it_saw_and_still_validates():
    history = train(lambda i: 10.0 - i, 9, stop=lambda history: history.losses[-1] < 8, validate=lambda: 1)
    assert history.losses == [10, 9, 8, 7]
    assert history.validation_steps == [4]


def test_the_bar_counts_the_steps_and_shows_the_loss_on_stdout_alone(capsys):
    train(lambda i: 0.25, 3, progress=True)
    out, err = capsys.readouterr()
    assert "0/3" in out and err == ""
    assert out.rstrip(" ").endswith("\r")  # the bar wipes itself


def test_no_bar_where_nobody_watches(capsys):
    train(float, 3)
    assert capsys.readouterr() == ("", "")


def test_a_terminal_is_watched(monkeypatch):
    class Terminal(io.StringIO):
        def isatty(self):
            return True

    monkeypatch.setattr(sys, "stdout", Terminal())
    monkeypatch.delitem(sys.modules, "IPython", raising=False)
    assert training.somebody_watches()


def test_a_notebook_keeps_no_trace_of_the_bar_where_a_program_runs_it():
    manager, client = start_new_kernel(kernel_name="python3", cwd=str(ROOT))
    try:

        def outputs(allow_stdin):
            messages = []
            code = "from rnnbook.training import train\nhistory = train(float, 3)"
            client.execute_interactive(code, allow_stdin=allow_stdin, output_hook=messages.append, timeout=60)
            return [m["content"] for m in messages if m["msg_type"] not in ("status", "execute_input")]

        assert outputs(allow_stdin=False) == []  # nbclient and nbval
        watched = outputs(allow_stdin=True)
        assert {content["name"] for content in watched} == {"stdout"}
        assert "0/3" in "".join(content["text"] for content in watched)
    finally:
        client.stop_channels()
        manager.shutdown_kernel(now=True)


def test_a_seed_fixes_every_draw():
    import torch

    def draws():
        rng = seed_everything(3)
        return random.random(), np.random.rand(), rng.random(), torch.rand(()).item()  # noqa: NPY002

    first = draws()
    assert first == draws()
    assert first[2] == np.random.default_rng(3).random()


def test_seeding_does_not_import_torch():
    code = "import sys; from rnnbook.training import *; seed_everything(0); print('torch' in sys.modules)"
    answer = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert answer.stdout == "False\n"


@pytest.mark.parametrize("name", ["steps", "log_every", "validate_every"])
def test_a_count_below_one_is_named(name):
    arguments = {"steps": 3} | {name: 0}
    with pytest.raises(ValueError, match=f"^{name} should be at least 1, but is 0$"):
        train(float, **arguments)
