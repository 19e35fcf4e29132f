"""The training loop calls the step it is given, in order, and keeps the book of what came back."""

import copy
import functools
import io
import json
import random
import re
import signal
import subprocess
import sys
from dataclasses import asdict
from pathlib import Path

import numpy as np
import pytest
import tqdm
from jupyter_client.manager import start_new_kernel

from rnnbook import training
from rnnbook.in_numpy import GRU
from rnnbook.training import Checkpoint, seed_everything, train
from rnnbook.weights import storage

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


@pytest.fixture
def bar(monkeypatch, capsys):
    """What the bar has shown: (the count, what stands behind it) of each time it was drawn, with nothing left out."""
    monkeypatch.setattr(tqdm, "tqdm", functools.partial(tqdm.tqdm, mininterval=0))

    def shown():
        drawn = re.findall(r"(\d+/\d+) \[[^\]]*?(?:, (loss [^\]]*))?\]", capsys.readouterr().out)
        return list(dict.fromkeys(drawn))

    return shown


def test_the_bar_shows_the_last_loss_that_was_read(bar):
    train(lambda i: 1 / (i + 3), 4, log_every=2, progress=True)
    assert bar() == [("0/4", ""), ("1/4", ""), ("2/4", "loss 0.25"), ("3/4", "loss 0.25"), ("4/4", "loss 0.1667")]


def test_the_bar_of_a_resumed_run_begins_where_the_run_was(bar, tmp_path):
    def run(steps):
        train(lambda i: i + 0.5, steps, checkpoint=Checkpoint(tmp_path / "c", {}), progress=True)
        return bar()

    assert run(2) == [("0/2", ""), ("1/2", "loss 0.5"), ("2/2", "loss 1.5")]
    assert run(4) == [("2/4", ""), ("3/4", "loss 2.5"), ("4/4", "loss 3.5")]


def test_the_bar_of_a_run_that_stops_early_stops_there(bar):
    train(float, 9, stop=lambda history: history.losses[-1] == 1, progress=True)
    assert bar() == [("0/9", ""), ("1/9", "loss 0"), ("2/9", "loss 1")]


def test_of_several_processes_the_first_shows_the_bar_and_writes_the_checkpoint(bar, tmp_path, monkeypatch):
    for rank, shows in [("1", False), ("0", True)]:
        monkeypatch.setenv("RANK", rank)
        train(float, 2, checkpoint=Checkpoint(tmp_path / rank, {}), progress=True)
        assert bool(bar()) == (tmp_path / rank).exists() == shows


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


@pytest.mark.slow
def test_a_notebook_keeps_no_trace_of_the_bar_where_a_program_runs_it():
    manager, client = start_new_kernel(kernel_name="python3", cwd=str(ROOT))
    try:

        def outputs(allow_stdin):
            messages = []
            code = "from rnnbook.training import train\nhistory = train(float, 3)"
            client.execute_interactive(code, allow_stdin=allow_stdin, output_hook=messages.append, timeout=3000)
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


# Checkpoint and resume

STEPS = 12
WORKER = '''
import os, signal, sys
import numpy as np
from rnnbook.weights import storage
from rnnbook.in_numpy import LSTM, Adam, Dropout, LanguageModel, language_model_step
from rnnbook.training import Checkpoint, train


def run(path, kill=None, at=0):
    """Train with everything that has a memory: weights, Adam, the carried state's draws, dropout's draws."""
    rng = np.random.default_rng(0)
    model = LanguageModel(11, LSTM(3, 5, rng=rng), rng=rng)
    adam, noise = Adam(model.params, lr=0.05), Dropout(0.5, rng=rng)
    calls = {"step": 0, "replace": 0, "fsync": 0}

    def die_at(name, half=None):
        calls[name] += 1
        if kill == name and calls[name] == at:
            if half:
                half()
            os.kill(os.getpid(), signal.SIGKILL)

    def step(i):
        die_at("step")
        tokens = rng.integers(11, size=(8, 4))
        kept, _ = noise.forward(np.ones((7, 4)))
        mask = kept > 0
        mask[0] = True
        return language_model_step(model, adam, tokens, mask=mask, max_norm=1.0)[0]

    replace, fsync = os.replace, os.fsync
    os.replace = lambda a, b: (replace(a, b), die_at("replace"))
    os.fsync = lambda descriptor: (die_at("fsync", lambda: os.truncate(descriptor, 100)), fsync(descriptor))
    checkpoint = Checkpoint(path, {"model": model, "adam": adam, "rng": rng}, every=3)
    try:
        value = lambda: float(model.params["head.bias"].sum())
        history = train(step, 12, validate=value, validate_every=5, checkpoint=checkpoint)
    finally:
        os.replace, os.fsync = replace, fsync
    return history, model


if __name__ == "__main__":
    run(sys.argv[1], sys.argv[2], int(sys.argv[3]))
'''


@pytest.fixture
def worker(tmp_path, monkeypatch):
    path = tmp_path / "worker.py"
    path.write_text(WORKER)
    monkeypatch.syspath_prepend(str(tmp_path))
    import worker

    yield worker
    del sys.modules["worker"]


def test_a_run_killed_at_any_moment_and_resumed_has_the_uninterrupted_curve(worker, tmp_path):
    expected, model = worker.run(tmp_path / "whole.safetensors")
    assert len(set(expected.losses)) == STEPS
    path = tmp_path / "killed.safetensors"
    moments = [("step", 2), ("fsync", 1), ("step", 5), ("fsync", 2), ("replace", 1), ("step", 2)]
    for kill, at in moments:  # before the first file, in the middle of a write, after one, between two
        child = subprocess.run([sys.executable, worker.__file__, path, kill, str(at)], capture_output=True, text=True)
        assert child.returncode == -signal.SIGKILL, child.stderr
    arrays, _ = storage.read(path)
    assert 0 < arrays["/adam/t"] < STEPS
    history, resumed = worker.run(path)
    assert history == expected  # floats compared bit for bit
    for name, value in model.params.items():
        np.testing.assert_array_equal(resumed.params[name], value)


def test_a_finished_run_is_not_trained_again(worker, tmp_path):
    path = tmp_path / "run.safetensors"
    expected, _ = worker.run(path)
    written = path.read_bytes()
    history, _ = worker.run(path)
    assert history == expected and path.read_bytes() == written


def test_a_run_that_stopped_early_stays_stopped(tmp_path):
    def run():
        checkpoint = Checkpoint(tmp_path / "c", {"rng": np.random.default_rng(0)}, every=2)
        return train(float, 9, stop=lambda history: history.losses[-1] == 4, checkpoint=checkpoint)

    assert run() == run()
    assert run().losses == [0, 1, 2, 3, 4]


def test_a_run_can_be_made_longer(tmp_path):
    def run(steps):
        rng = np.random.default_rng(0)
        return train(lambda i: rng.random(), steps, checkpoint=Checkpoint(tmp_path / "c", {"rng": rng}))

    run(4)
    assert run(9).losses == np.random.default_rng(0).random(9).tolist()


def test_losses_that_are_not_finite_survive_a_checkpoint(tmp_path):
    losses = [1.0, float("inf"), float("nan")]
    checkpoint = Checkpoint(tmp_path / "c", {})
    train(lambda i: losses[i], 3, checkpoint=checkpoint)
    np.testing.assert_array_equal(checkpoint.resume().losses, losses)


def test_a_checkpoint_carries_pytorch_too(tmp_path):
    import torch

    def run(steps):
        rng = seed_everything(0)
        model = torch.nn.GRU(2, 3)
        adam = torch.optim.Adam(model.parameters(), lr=0.05)

        def step(i):
            adam.zero_grad()
            loss = model(torch.from_numpy(rng.normal(size=(4, 2))).float())[0].square().mean()
            loss.backward()
            adam.step()
            return loss.detach()

        parts = {"model": model, "adam": adam, "rng": rng}
        return train(step, steps, checkpoint=Checkpoint(tmp_path / f"{name}.safetensors", parts))

    name = "halves"
    run(3)
    halves = run(6)
    name = "whole"
    assert halves == run(6)


def test_a_checkpoint_of_other_parts_is_refused_and_nothing_changes(tmp_path):
    rng = np.random.default_rng(0)
    Checkpoint(tmp_path / "c", {"rng": rng}).save(training.History())
    with pytest.raises(ValueError, match=r"should hold rng, adam, but holds rng$"):
        Checkpoint(tmp_path / "c", {"rng": rng, "adam": rng}).resume()

    class Refuses:
        def state_dict(self):
            return {}

        def load_state_dict(self, state):
            if state:
                raise ValueError("no")

    class Lies(Refuses):
        def state_dict(self):
            return {"a": 1}

    Checkpoint(tmp_path / "c", {"rng": rng, "layer": Lies()}).save(training.History())
    rng.random(3)
    before = rng.bit_generator.state
    with pytest.raises(ValueError, match="^no$"):
        Checkpoint(tmp_path / "c", {"rng": rng, "layer": Refuses()}).resume()
    assert rng.bit_generator.state == before


def test_a_part_that_changes_before_it_fails_is_put_back(tmp_path):
    """PyTorch's modules load what fits and complain afterwards, and their ``state_dict`` shares their memory."""
    import torch

    def model(size):
        return torch.nn.Sequential(torch.nn.Linear(2, 2), torch.nn.Linear(2, size))

    first, second, rng = model(2), model(3), np.random.default_rng(0)
    Checkpoint(tmp_path / "c", {"rng": np.random.default_rng(1), "m": first}).save(training.History(done=1))
    before, drawn = copy.deepcopy(second.state_dict()), rng.bit_generator.state
    with pytest.raises(
        ValueError, match=r"c should hold a state that fits m, but does not: Error.*\s*size mismatch"
    ) as caught:
        Checkpoint(tmp_path / "c", {"rng": rng, "m": second}).resume()
    assert isinstance(caught.value.__cause__, RuntimeError) and rng.bit_generator.state == drawn
    for name, value in second.state_dict().items():
        assert torch.equal(value, before[name])


def test_a_state_of_another_kind_is_refused_with_the_part_named(tmp_path):
    Checkpoint(tmp_path / "c", {"rng": np.random.default_rng(0)}).save(training.History())

    class Unlike:
        def state_dict(self):
            return {}

        def load_state_dict(self, state):
            return state and state["weight"]

    with pytest.raises(ValueError, match="c should hold a state that fits rng, but does not: 'weight'$") as caught:
        Checkpoint(tmp_path / "c", {"rng": Unlike()}).resume()
    assert isinstance(caught.value.__cause__, KeyError)


class Holds:
    """A part whose state is what it was given."""

    def __init__(self, **state):
        self.state = state

    def state_dict(self):
        return self.state

    def load_state_dict(self, state):
        self.state = state


def test_a_part_may_be_called_history(tmp_path):
    history = training.History([1], [0.5], done=1)
    Checkpoint(tmp_path / "c", {"history": Holds(a=1)}).save(history)
    part = Holds(a=2)
    assert Checkpoint(tmp_path / "c", {"history": part}).resume() == history
    assert part.state == {"a": 1}


def test_a_checkpoint_of_version_1_0_0_is_resumed(tmp_path):
    rng, other, history = np.random.default_rng(0), np.random.default_rng(1), training.History([1], [0.5], done=1)
    nest = storage.flatten({"rng": rng.bit_generator.state, "history": asdict(history)}, {})
    storage.write(tmp_path / "c", {}, {"checkpoint": json.dumps(nest)})
    assert Checkpoint(tmp_path / "c", {"rng": other}).resume() == history
    assert other.bit_generator.state == rng.bit_generator.state


def test_parts_whose_places_read_alike_keep_their_own_arrays(tmp_path):
    def parts(*values):
        return {"a/b": Holds(x=np.array(values[0])), "a": Holds(**{"b/x": np.array(values[1])})}

    Checkpoint(tmp_path / "c", parts(1.0, 2.0)).save(training.History())
    back = parts(3.0, 4.0)
    Checkpoint(tmp_path / "c", back).resume()
    assert back["a/b"].state == {"x": 1} and back["a"].state == {"b/x": 2}


def test_a_float_that_is_no_number_is_refused_and_infinity_is_kept(tmp_path):
    import torch

    def parts():
        optimizer = torch.optim.SGD([torch.zeros(1)], lr=0.1)
        return {
            "rate": torch.optim.lr_scheduler.ReduceLROnPlateau(optimizer),
            "other": Holds(seen=[0.5, {"best": 1.0}]),
        }

    saved, back = parts(), parts()
    Checkpoint(tmp_path / "c", saved).save(training.History())
    back["rate"].best = 0.0
    Checkpoint(tmp_path / "c", back).resume()
    assert back["rate"].best == float("inf")
    before = (tmp_path / "c").read_bytes()
    saved["other"].state["seen"][1]["best"] = float("nan")
    with pytest.raises(
        ValueError, match="^other/seen/1/best should hold finite numbers, but holds NaN or infinity; .*c"
    ):
        Checkpoint(tmp_path / "c", saved).save(training.History())
    assert (tmp_path / "c").read_bytes() == before


def test_a_run_with_pytorch_goes_on_in_numpy_where_pytorch_is_not_imported(tmp_path, monkeypatch):
    import torch

    theirs, ours = torch.nn.GRU(2, 3), GRU(2, 3)
    Checkpoint(tmp_path / "c", {"layer": theirs}).save(training.History())
    monkeypatch.delitem(sys.modules, "torch")
    Checkpoint(tmp_path / "c", {"layer": ours}).resume()
    for name, value in theirs.state_dict().items():
        np.testing.assert_array_equal(ours.state_dict()[name], value.numpy())


def test_other_files_and_parts_are_refused(tmp_path):
    storage.write(tmp_path / "w", {"a": np.ones(2)})
    with pytest.raises(ValueError, match="should be a checkpoint of rnnbook.training, but holds no history$"):
        Checkpoint(tmp_path / "w", {}).resume()
    with pytest.raises(TypeError, match="^lr should be a random generator or have a state_dict, but is 0.1$"):
        Checkpoint(tmp_path / "c", {"lr": 0.1}).save(training.History())
    with pytest.raises(ValueError, match="^every should be at least 1, but is 0$"):
        train(float, 3, checkpoint=Checkpoint(tmp_path / "c", {}, every=0))
