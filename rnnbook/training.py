"""One training loop for both versions: progress bar, history, checkpoint and resume, seeds.

The loop knows neither NumPy's layers nor PyTorch's. You write one function ``step(i)``, which draws a batch, runs
forward and backward, updates, and returns the loss; the loop calls it and keeps the records.
"""

import copy
import json
import os
import random
import sys
from collections.abc import Callable, Mapping
from contextlib import nullcontext
from dataclasses import asdict, dataclass, field
from pathlib import Path

import numpy as np

from rnnbook.errors import check_size
from rnnbook.weights import storage


@dataclass
class History:
    """What a training run has measured: the losses, and the validation values if there are any.

    ``steps[k]`` is the number of updates made when ``losses[k]`` was read, counted from 1;
    ``validation_steps`` and ``validation_values`` belong together in the same way.
    """

    steps: list[int] = field(default_factory=list)
    losses: list[float] = field(default_factory=list)
    validation_steps: list[int] = field(default_factory=list)
    validation_values: list[float] = field(default_factory=list)
    done: int = 0  # updates made


@dataclass
class Checkpoint:
    """A file from which a run that was killed continues as if nothing had happened.

    ``parts`` names everything that a step reads and changes: models, layers and optimisers (whatever has ``state_dict``
    and ``load_state_dict``), and the ``np.random.Generator`` or ``torch.Generator`` that it draws from (for dropout
    that is ``torch.default_generator``). The file is written after every ``every`` steps and after the last, completely
    or not at all; a state that is not finite is refused, so that a good file is kept.
    """

    path: str | Path
    parts: Mapping
    every: int = 100

    def save(self, history: History) -> None:
        """Write the parts and the history; under torchrun the first process does it for all.

        Raises ValueError, naming the place, if an array holds NaN or infinity or a float is NaN; the file stays as it
        was. A Python float may be infinite, like the best loss that ``ReduceLROnPlateau`` starts from.
        """
        if not first_process():
            return
        arrays: dict[str, np.ndarray] = {}
        states = {name: part_state(name, part) for name, part in self.parts.items()}
        nest, record = storage.flatten(states, arrays), storage.flatten(asdict(history), arrays, "/history")
        broken = [name for name, array in arrays.items() if not storage.is_finite(array)]
        broken += storage.places_of_nan(states)
        if broken:
            raise ValueError(
                f"{broken[0][1:]} should hold finite numbers, but holds NaN or infinity; {self.path} is kept"
            )
        storage.write(self.path, arrays, {"checkpoint": json.dumps(nest), "history": json.dumps(record)})

    def resume(self) -> History:
        """Restore every part from the file and return the history; an empty one if there is no file.

        Raises ValueError if the file is damaged, or was written for other parts.
        """
        if not Path(self.path).exists():
            return History()
        arrays, metadata = storage.read(self.path)
        if "checkpoint" not in metadata:
            raise ValueError(f"{self.path} should be a checkpoint of rnnbook.training, but holds no history")
        states = storage.unflatten(json.loads(metadata["checkpoint"]), arrays)
        if "history" in metadata:
            history = History(**storage.unflatten(json.loads(metadata["history"]), arrays))
        else:  # version 1.0.0 wrote it among the parts
            history = History(**states.pop("history"))
        if states.keys() != self.parts.keys():
            raise ValueError(f"{self.path} should hold {', '.join(self.parts)}, but holds {', '.join(states)}")
        before = {name: copy.deepcopy(part_state(name, part)) for name, part in self.parts.items()}
        try:
            for name, part in self.parts.items():
                set_part_state(part, states[name])
        except Exception as error:
            for other, part in self.parts.items():  # nothing is left half changed
                set_part_state(part, before[other])
            if isinstance(error, ValueError):
                raise
            raise ValueError(f"{self.path} should hold a state that fits {name}, but does not: {error}") from error
        return history


def set_part_state(part, state) -> None:
    """Restore a part of a run to what it was when ``part_state`` returned ``state``."""
    if isinstance(part, np.random.Generator):
        part.bit_generator.state = state
    elif _is_generator(part):
        part.set_state(state["state"])
    else:
        part.load_state_dict(state)


def part_state(name: str, part):
    """Return the whole state of a part of a run; TypeError for a part that has none to give."""
    if isinstance(part, np.random.Generator):
        return part.bit_generator.state
    if _is_generator(part):
        return {"state": part.get_state()}
    if not hasattr(part, "state_dict"):
        raise TypeError(f"{name} should be a random generator or have a state_dict, but is {part!r}")
    return part.state_dict()


def _is_generator(part) -> bool:
    """Whether a part is a ``torch.Generator``, recognised by its methods, since this module does not import PyTorch."""
    return hasattr(part, "get_state") and hasattr(part, "set_state")


def train(
    step: Callable[[int], float],
    steps: int,
    *,
    log_every: int = 1,
    validate: Callable[[], float] | None = None,
    validate_every: int | None = None,
    stop: Callable[[History], bool] | None = None,
    checkpoint: Checkpoint | None = None,
    progress: bool | None = None,
) -> History:
    """Call ``step(0)``, ``step(1)``, … ``step(steps - 1)`` and return the history of their losses.

    ``step(i)`` makes one update and returns its loss: a float, or anything that ``float`` reads. It is read only at
    every ``log_every``-th step and at the last, because reading a loss that is on a GPU waits for the GPU.
    ``validate()`` is called after every ``validate_every`` steps (by default after the last step only).
    ``stop(history)``, called after every loss that is read, ends the run early if it returns True. ``checkpoint`` saves
    the run as it goes, and continues from the file if there already is one. ``progress`` shows a bar, by default when
    somebody is watching. It leaves nothing in a notebook's output.
    """
    steps, log_every = check_size("steps", steps), check_size("log_every", log_every)
    validate_every = steps if validate_every is None else check_size("validate_every", validate_every)
    every = steps if checkpoint is None else check_size("every", checkpoint.every)
    history = History() if checkpoint is None else checkpoint.resume()
    if history.done and stop is not None and stop(history):
        return history  # the run had ended here
    with _progress_bar(steps, history.done, progress) as bar:
        for i in range(history.done, steps):
            loss = step(i)
            history.done = done = i + 1
            last = done == steps
            if done % log_every == 0 or last:
                history.steps.append(done)
                history.losses.append(float(loss))
                last = last or (stop is not None and bool(stop(history)))
            if validate is not None and (done % validate_every == 0 or last):
                history.validation_steps.append(done)
                history.validation_values.append(float(validate()))
            if checkpoint is not None and (done % every == 0 or last):
                checkpoint.save(history)
            if bar is not None:
                bar.set_postfix_str(f"loss {history.losses[-1]:.4g}" if history.losses else "", refresh=False)
                bar.update()
            if last:
                break
    return history


def seed_everything(seed: int) -> np.random.Generator:
    """Seed the generators of Python, NumPy and, if it is imported, PyTorch; return ``default_rng(seed)``."""
    random.seed(seed)
    np.random.seed(seed)  # noqa: NPY002 (other people's code draws from it)
    if "torch" in sys.modules:
        sys.modules["torch"].manual_seed(seed)
    return np.random.default_rng(seed)


def first_process() -> bool:
    """Return whether this process is the only one, or the first of those that torchrun has started."""
    return os.environ.get("RANK", "0") == "0"


def somebody_watches() -> bool:
    """Return whether a person sees the output now: a terminal, or a notebook that a person runs.

    Programs that run notebooks (nbclient, nbval) declare with every cell that nobody is there to type an answer.
    """
    shell = sys.modules["IPython"].get_ipython() if "IPython" in sys.modules else None
    kernel = getattr(shell, "kernel", None)
    if kernel is None:
        return sys.stdout.isatty()
    return bool(kernel.get_parent().get("content", {}).get("allow_stdin", False))


def _progress_bar(steps: int, done: int, wanted: bool | None):
    """Return tqdm's bar on stdout, or a context without one."""
    if wanted is None:
        wanted = somebody_watches()
    if not wanted or not first_process():
        return nullcontext()
    from tqdm import tqdm

    return tqdm(total=steps, initial=done, file=sys.stdout, leave=False, unit="step")
