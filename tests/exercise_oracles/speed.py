"""Oracles for the chapter *How fast can it go?*: PyTorch's count of operations, autograd, a harmonic mean."""

import torch
from scipy.stats import hmean
from torch.utils.flop_counter import FlopCounterMode

from exercise_oracles.ways import gradients, tensors
from rnnbook.lessons import figures


def flops(T, B, D, H, G):
    """Do the products with tensors that hold no numbers, and let PyTorch count."""
    x_t, h, W_ih, W_hh = (torch.empty(s, device="meta") for s in [(B, D), (B, H), (D, G * H), (H, G * H)])
    with FlopCounterMode(display=False) as counter:
        for _ in range(T):
            x_t @ W_ih, h @ W_hh
    return counter.get_total_flops()


def weight_gradient(das, h_0, hs):
    (W_hh,) = tensors(0 * das[0, 0, :, None] * h_0[0])
    h, loss = torch.tensor(h_0), 0
    for da, after in zip(torch.tensor(das), torch.tensor(hs), strict=True):
        loss = loss + (da * torch.nn.functional.linear(h, W_hh)).sum()
        h = after
    return gradients(loss, (W_hh,))[0]


def speed_up(share, factor):
    """The harmonic mean of all parts' speeds, weighted by their times; what is left has the speed 1."""
    return hmean([1, *factor], weights=[1 - sum(share), *share])


def half_of_it():
    """Ten jobs of equal length, five of them sped up."""
    return 10 / sum([1.0] * 5 + [0.1] * 5)


def calls_of_a_sequence():
    """What stands in the second strip: the boxes of two drawings whose numbers of steps differ by one."""
    two, three = (
        sum((patch.get_gid() or "").endswith("-1") for patch in figures.calls_on_each_rung(steps).axes[0].patches)
        for steps in (2, 3)
    )
    return two + 98 * (three - two)
