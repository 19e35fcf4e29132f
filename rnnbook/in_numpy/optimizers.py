"""From gradients to new parameters. ``params`` and ``grads`` are dicts with the same keys."""

import numpy as np


def clip_grad_norm(grads, max_norm):
    """Scale all gradients in place so that their joint Euclidean norm is at most ``max_norm``.

    Returns the norm before clipping. A norm that is not finite raises ValueError and changes nothing.
    Source: Pascanu, Mikolov & Bengio (2013); the formula of ``torch.nn.utils.clip_grad_norm_``.
    """
    if not max_norm > 0:
        raise ValueError(f"max_norm should be positive, but is {max_norm!r}")
    norm = float(np.sqrt(sum(np.sum(np.square(grad, dtype=np.float64)) for grad in grads.values())))
    if not np.isfinite(norm):
        worst = next(name for name, grad in grads.items() if not np.isfinite(grad).all())
        raise ValueError(f"the gradients should be finite, but that of {worst} is not")
    scale = min(1.0, max_norm / (norm + 1e-6))
    for grad in grads.values():
        grad *= scale
    return norm


class Adam:
    """Adam on a dict of parameters, changed in place by ``step(grads)``.

    Defaults and formula as ``torch.optim.Adam``'s. Source: Kingma & Ba (2015), algorithm 1.
    """

    def __init__(self, params, lr=1e-3, betas=(0.9, 0.999), eps=1e-8):
        self.params, self.lr, self.betas, self.eps = params, lr, betas, eps
        self.t = 0  # steps taken
        self.m = {name: np.zeros_like(value) for name, value in params.items()}  # mean of the gradients
        self.v = {name: np.zeros_like(value) for name, value in params.items()}  # mean of their squares

    def step(self, grads):
        """Move every parameter against its gradient; ValueError where the names differ."""
        if grads.keys() != self.params.keys():
            different = sorted(grads.keys() ^ self.params.keys())
            raise ValueError(f"grads should have the names of params, but {', '.join(different)} stand in one only")
        self.t += 1
        beta_1, beta_2 = self.betas
        for name, grad in grads.items():
            self.m[name] += (1 - beta_1) * (grad - self.m[name])
            self.v[name] += (1 - beta_2) * (grad**2 - self.v[name])
            m_hat = self.m[name] / (1 - beta_1**self.t)
            v_hat = self.v[name] / (1 - beta_2**self.t)
            self.params[name] -= self.lr * m_hat / (np.sqrt(v_hat) + self.eps)
