"""Rounding noise on every weight after every update: it stands for a processor that nobody has at hand.

Python imports this by itself where the folder is on PYTHONPATH, as in the runs ``shaken`` of tools/portable.py. SHAKEN
seeds the noise: each weight is multiplied by 1 + u eps, u uniform in [-1, 1], eps the spacing of its dtype at 1. The
optimisers of rnnbook.in_numpy and of torch.optim do so once they are imported; no other random numbers are touched.
"""

import os
import sys
from importlib.abc import Loader, MetaPathFinder
from importlib.util import find_spec

SEED = int(os.environ.get("SHAKEN", "0"))


def shake_numpy(optimizers):
    import numpy as np

    rng = np.random.default_rng(SEED)

    def shaken(step):
        def step_and_shake(self, grads):
            step(self, grads)
            for weight in self.params.values():
                weight *= 1 + np.finfo(weight.dtype).eps * rng.uniform(-1, 1, weight.shape).astype(weight.dtype)

        return step_and_shake

    for kind in (optimizers.SGD, optimizers.Adam):
        kind.step = shaken(kind.step)


def shake_torch(optimizer):
    import torch

    generators: list[torch.Generator] = []  # PyTorch has none to give while it is being imported

    @torch.no_grad()
    def shake(self, arguments, keywords):
        generator = generators[0] if generators else torch.Generator().manual_seed(SEED)
        generators[:] = [generator]
        for weight in [weight for group in self.param_groups for weight in group["params"]]:
            noise = 2 * torch.rand(weight.shape, generator=generator, dtype=weight.dtype) - 1
            weight.mul_(1 + torch.finfo(weight.dtype).eps * noise)

    optimizer.register_optimizer_step_post_hook(shake)


PATCHES = {"rnnbook.in_numpy.optimizers": shake_numpy, "torch.optim.optimizer": shake_torch}


class Then(Loader):
    """A module's own loader, and a function of the loaded module."""

    def __init__(self, loader, patch):
        self.loader, self.patch = loader, patch

    def create_module(self, spec):
        return self.loader.create_module(spec)

    def exec_module(self, module):
        self.loader.exec_module(module)
        self.patch(module)


class Watch(MetaPathFinder):
    """Finds the modules to be patched where everybody else does, once each."""

    def find_spec(self, name, path=None, target=None):
        patch = PATCHES.pop(name, None)
        if patch is None:
            return None
        spec = find_spec(name)
        if spec is not None and spec.loader is not None:
            spec.loader = Then(spec.loader, patch)
        return spec


if "SHAKEN" in os.environ:
    sys.meta_path.insert(0, Watch())
