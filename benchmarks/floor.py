"""The least time that one layer can take on this machine: its arithmetic, each part at its best known rate.

The products inside the loop run at the rate that the BLAS reaches at their own shape, since each has to wait for the
one before; every other product at the rate of a large square one; every sigmoid and tanh at PyTorch's rate for a long
array in the cache. Nothing else costs anything: no call, no memory, no sum.
"""

from timing import rounds_of

GATES = {"RNN": 1, "GRU": 3, "LSTM": 4}
NONLINEARITIES = {"RNN": 1, "GRU": 3, "LSTM": 5}  # of each unit at each step


def best(work, seconds, clock):
    """The least time [s] of one call."""
    return min(rounds_of({"work": work}, seconds, clock)["work"])


def product(n, k, m, seconds, clock, repeats=20):
    """The time [s] of one product (n × k)(k × m), of many made one after the other."""
    import torch  # after ``set_up`` has fixed the number of threads

    a, b, out = torch.randn(n, k), torch.randn(k, m), torch.empty(n, m)

    def work():
        for _ in range(repeats):
            torch.mm(a, b, out=out)

    return best(work, seconds, clock) / repeats


def rate(seconds, clock):
    """The floating-point operations a second of a large square product."""
    n = 1024
    return 2 * n**3 / product(n, n, n, seconds, clock, repeats=1)


def bandwidth(size, seconds, clock):
    """The bytes a second at which an array of ``size`` bytes is read, again and again, by a sum."""
    import torch

    a = torch.ones(size // 4)
    return size / best(a.sum, seconds, clock)


def nonlinearity(seconds, clock):
    """The time [s] of one tanh, of many in the cache."""
    import torch

    a = torch.randn(8192)
    out = torch.empty_like(a)
    return best(lambda: torch.tanh(a, out=out), seconds, clock) / a.numel()


def floor(layer, sizes, peak, seconds, clock):
    """Return {task: the least time [s]} for a forward pass and for a training step of one layer.

    ``peak`` is what ``rate`` returned.
    """
    T, B, D, H = sizes
    G = GATES[layer] * H
    onward = T * product(B, H, G, seconds, clock) + 2 * T * B * D * G / peak
    onward += T * B * H * NONLINEARITIES[layer] * nonlinearity(seconds, clock)
    back = T * product(B, G, H, seconds, clock) + (2 * T * B * G * (2 * D + H)) / peak  # dx, dW_ih and dW_hh
    return {"forward": onward, "train": onward + back}
