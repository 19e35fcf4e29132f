"""One training loop for both wings: progress bar, history, seeds.

The loop knows neither NumPy's layers nor PyTorch's. Whoever trains writes one function ``step(i)``,
which draws a batch, goes forward, backward and updates, and returns the loss; the loop calls it, and keeps the book.
"""

import random
import sys
from collections.abc import Callable
from contextlib import nullcontext
from dataclasses import dataclass, field

import numpy as np

from rnnbook.errors import check_size


@dataclass
class History:
    """What a training run has measured: the losses, and the validation values where any were asked for.

    ``steps[k]`` is the number of updates made when ``losses[k]`` was read, counted from 1;
    ``validation_steps`` and ``validation_values`` belong together in the same way.
    """

    steps: list[int] = field(default_factory=list)
    losses: list[float] = field(default_factory=list)
    validation_steps: list[int] = field(default_factory=list)
    validation_values: list[float] = field(default_factory=list)


def train(
    step: Callable[[int], float],
    steps: int,
    *,
    log_every: int = 1,
    validate: Callable[[], float] | None = None,
    validate_every: int | None = None,
    stop: Callable[[History], bool] | None = None,
    progress: bool | None = None,
) -> History:
    """Call ``step(0)``, ``step(1)``, … ``step(steps - 1)`` and return the history of their losses.

    ``step(i)`` makes one update and returns its loss: a float, or anything that ``float`` reads. It is read
    at every ``log_every``-th step and at the last, because reading a loss that lives on a GPU waits for it.
    ``validate()`` is called after every ``validate_every`` steps (by default after the last step only).
    ``stop(history)``, asked after every loss that is read, ends the run early where it returns True.
    ``progress`` shows a bar; by default where somebody is watching. It leaves nothing in a notebook's output.
    """
    steps, log_every = check_size("steps", steps), check_size("log_every", log_every)
    validate_every = steps if validate_every is None else check_size("validate_every", validate_every)
    history = History()
    with _progress_bar(steps, progress) as bar:
        for i in range(steps):
            loss = step(i)
            done = i + 1
            last = done == steps
            if done % log_every == 0 or last:
                history.steps.append(done)
                history.losses.append(float(loss))
                last = last or (stop is not None and bool(stop(history)))
            if validate is not None and (done % validate_every == 0 or last):
                history.validation_steps.append(done)
                history.validation_values.append(float(validate()))
            if bar is not None:
                bar.set_postfix_str(f"loss {history.losses[-1]:.4g}" if history.losses else "", refresh=False)
                bar.update()
            if last:
                break
    return history


def seed_everything(seed: int) -> np.random.Generator:
    """Seed Python's, NumPy's and, where it is imported, PyTorch's draws; return ``default_rng(seed)``."""
    random.seed(seed)
    np.random.seed(seed)  # noqa: NPY002 (other people's code draws from it)
    if "torch" in sys.modules:
        sys.modules["torch"].manual_seed(seed)
    return np.random.default_rng(seed)


def somebody_watches() -> bool:
    """Tell whether a person sees the output now: a terminal, or a notebook that a person runs.

    Programs that run notebooks (nbclient, nbval) say with every cell that nobody is there to type an answer.
    """
    shell = sys.modules["IPython"].get_ipython() if "IPython" in sys.modules else None
    kernel = getattr(shell, "kernel", None)
    if kernel is None:
        return sys.stdout.isatty()
    return bool(kernel.get_parent().get("content", {}).get("allow_stdin", False))


def _progress_bar(steps: int, wanted: bool | None):
    """Return tqdm's bar on stdout, or a context without one."""
    if wanted is None:
        wanted = somebody_watches()
    if not wanted:
        return nullcontext()
    from tqdm import tqdm

    return tqdm(total=steps, file=sys.stdout, leave=False, unit="step")
