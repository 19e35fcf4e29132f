"""From gradients to new parameters. ``params`` and ``grads`` are dicts with the same keys."""

import numpy as np

from rnnbook.errors import check_number, check_shape, described
from rnnbook.in_numpy.checks import at_least_zero, check_arrays
from rnnbook.in_numpy.parameters import load_arrays


def clip_grad_norm(grads, max_norm):
    """Scale all gradients in place so that their joint Euclidean norm is at most ``max_norm``.

    Returns the norm before clipping. A norm that is not finite raises ValueError and changes nothing.
    Source: Pascanu, Mikolov & Bengio (2013); the formula of ``torch.nn.utils.clip_grad_norm_``.
    """
    check_number("max_norm", max_norm, "be positive", lambda max_norm: max_norm > 0)
    check_arrays("grads", grads)
    with np.errstate(over="ignore"):  # reported below
        norm = float(np.sqrt(sum(np.sum(np.square(grad, dtype=np.float64)) for grad in grads.values())))
    if not np.isfinite(norm):
        for name, grad in grads.items():
            if not np.isfinite(grad).all():
                raise ValueError(f"the gradients should be finite, but that of {name} is not")
        raise ValueError("the norm of the gradients should be finite, but overflows")
    scale = min(1.0, max_norm / (norm + 1e-6))
    for grad in grads.values():
        grad *= scale
    return norm


class SGD:
    """Stochastic gradient descent on a dict of parameters, changed in place by ``step(grads)``.

    With ``momentum`` m every parameter keeps a velocity v = m v + gradient, and moves against it by the rate
    ``lr``. Formula as ``torch.optim.SGD``'s. Source: Polyak (1964).
    Raises TypeError or ValueError, naming the argument, for a rate or a momentum below 0 or not finite.
    """

    def __init__(self, params, lr=1e-2, momentum=0.0):
        check_arrays("params", params)
        self.params, self.lr, self.momentum = params, at_least_zero("lr", lr), at_least_zero("momentum", momentum)
        self.v = {name: np.zeros_like(value) for name, value in params.items()}

    def step(self, grads):
        """Move every parameter against its gradient; if one does not fit, TypeError or ValueError, and none moves."""
        check_grads(grads, self.params)
        for name, grad in grads.items():
            self.v[name] *= self.momentum
            self.v[name] += grad
            self.params[name] -= self.lr * self.v[name]

    def state_dict(self):
        """Return copies of everything that later steps depend on, apart from the parameters."""
        return {f"v.{name}": value.copy() for name, value in self.v.items()}

    def load_state_dict(self, state):
        """Load what ``state_dict`` returned, or nothing if one array does not fit."""
        load_arrays({f"v.{name}": value for name, value in self.v.items()}, state)


class Adam:
    """Adam on a dict of parameters, changed in place by ``step(grads)``.

    Defaults and formula as ``torch.optim.Adam``'s. Source: Kingma & Ba (2015), algorithm 1.
    Raises TypeError or ValueError, naming the argument, for a rate or eps below 0 or not finite, or betas outside
    0 to 1.
    """

    def __init__(self, params, lr=1e-3, betas=(0.9, 0.999), eps=1e-8):
        check_arrays("params", params)
        self.params, self.lr, self.betas = params, at_least_zero("lr", lr), check_betas(betas)
        self.eps = at_least_zero("eps", eps)
        self.t = np.zeros(())  # steps taken
        self.m = {name: np.zeros_like(value) for name, value in params.items()}  # mean of the gradients
        self.v = {name: np.zeros_like(value) for name, value in params.items()}  # mean of their squares

    def step(self, grads):
        """Move every parameter against its gradient; if one does not fit, TypeError or ValueError, and none moves."""
        check_grads(grads, self.params)
        self.t += 1
        beta_1, beta_2 = self.betas
        for name, grad in grads.items():
            self.m[name] += (1 - beta_1) * (grad - self.m[name])
            self.v[name] += (1 - beta_2) * (grad**2 - self.v[name])
            m_hat = self.m[name] / (1 - beta_1 ** float(self.t))
            v_hat = self.v[name] / (1 - beta_2 ** float(self.t))
            self.params[name] -= self.lr * m_hat / (np.sqrt(v_hat) + self.eps)

    def state_dict(self):
        """Return copies of everything that later steps depend on, apart from the parameters."""
        return {name: value.copy() for name, value in self._arrays().items()}

    def load_state_dict(self, state):
        """Load what ``state_dict`` returned, or nothing if one array does not fit."""
        load_arrays(self._arrays(), state)

    def _arrays(self):
        means = {f"m.{name}": value for name, value in self.m.items()}
        return {"t": self.t} | means | {f"v.{name}": value for name, value in self.v.items()}


def check_betas(betas):
    """Return Adam's pair of numbers, each at least 0 and below 1; TypeError or ValueError for anything else."""
    if not isinstance(betas, (tuple, list)) or len(betas) != 2:
        given = f"{len(betas)} of them" if isinstance(betas, (tuple, list)) else described(betas)
        raise TypeError(f"betas should be a pair of numbers, but is {given}")
    rule = "be at least 0 and below 1"
    first, second = (check_number(f"betas[{k}]", beta, rule, lambda b: 0 <= b < 1) for k, beta in enumerate(betas))
    return first, second


def check_grads(grads, params):
    """Raise TypeError or ValueError unless ``grads`` has an array of the right shape for every one of ``params``."""
    check_arrays("grads", grads)
    if grads.keys() != params.keys():
        different = sorted(grads.keys() ^ params.keys())
        raise ValueError(f"grads should have the names of params, but only one of them has {', '.join(different)}")
    for name, grad in grads.items():
        check_shape(f"grads[{name!r}]", grad, params[name].shape)
