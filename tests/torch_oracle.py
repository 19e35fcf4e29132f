"""What the tests of the PyTorch version share: the same layer twice, and everything it returns, with gradients."""

import torch
from torch import nn
from torch.nn.utils.rnn import PackedSequence, pack_padded_sequence

from rnnbook import in_torch
from rnnbook.in_torch.compiled import LIBRARIES

T, B, D, H = 5, 3, 2, 7  # all different, so that no transposed axis can pass unseen
FORMS = ["batched", "unbatched", "sorted", "unsorted"]
# the compiled steps are there where a C compiler was at the installation; the rest of the version is everywhere
IMPLEMENTATIONS = ["reference", "handwritten", *(["compiled"] if LIBRARIES else [])]
AUTO = IMPLEMENTATIONS[-1]  # what "auto" takes for torch.nn's equations


def pair(name, seed=0, own=None, dtype=torch.float64, **arguments):
    """The same layer, ours (with arguments of its own) and torch's, from one seed."""
    torch.manual_seed(seed)
    ours = getattr(in_torch, name)(D, H, dtype=dtype, **arguments, **(own or {}))
    torch.manual_seed(seed)
    theirs = getattr(nn, name)(D, H, dtype=dtype, **arguments)
    return ours, theirs


def data(layer, form="batched", seed=1, dtype=torch.float64):
    """A random input in one of FORMS, for a layer, and a random initial state that fits it."""
    generator = torch.Generator().manual_seed(seed)
    shape = (T, D) if form == "unbatched" else (B, T, D) if layer.batch_first else (T, B, D)
    x = torch.randn(shape, generator=generator, dtype=torch.float64).to(dtype)
    rows = layer.num_layers * (2 if layer.bidirectional else 1)
    widths = [layer.proj_size or H, H] if layer.mode == "LSTM" else [H]
    batch = () if form == "unbatched" else (B,)
    hx = [torch.randn(rows, *batch, n, generator=generator, dtype=torch.float64).to(dtype) for n in widths]
    return x, hx[0] if len(hx) == 1 else tuple(hx)


def everything(layer, x, hx=None, form="batched", seed=2):
    """All that a layer returns, and the gradient of one random weighting of all of it, by name."""
    x = x.clone().requires_grad_()
    state = [s.clone().requires_grad_() for s in (hx if isinstance(hx, tuple) else () if hx is None else (hx,))]
    layer.zero_grad()
    read = x
    if form in ("sorted", "unsorted"):
        lengths = [5, 3, 2] if form == "sorted" else [2, 5, 3]
        read = pack_padded_sequence(x, lengths, layer.batch_first, enforce_sorted=form == "sorted")
    y, last = layer(read, None if hx is None else tuple(state) if isinstance(hx, tuple) else state[0])
    found = {"y": y.data if isinstance(y, PackedSequence) else y}
    found |= dict(zip("hc", last if isinstance(last, tuple) else (last,), strict=False))
    generator = torch.Generator().manual_seed(seed)
    weights = [torch.randn(t.shape, generator=generator, dtype=torch.float64).to(t) for t in found.values()]
    torch.autograd.backward(list(found.values()), weights)
    if isinstance(y, PackedSequence):
        found |= {"batch_sizes": y.batch_sizes, "sorted": y.sorted_indices, "unsorted": y.unsorted_indices}
    found |= {"dx": x.grad} | {f"dstate{k}": s.grad for k, s in enumerate(state)}
    return found | {name: p.grad for name, p in layer.named_parameters()}


def largest_difference(ours, theirs):
    """The largest difference over all names, which have to be the same; shapes and dtypes too."""
    assert list(ours) == list(theirs)
    largest = 0.0
    for name, expected in theirs.items():
        if expected is None:
            assert ours[name] is None, name
            continue
        assert ours[name].shape == expected.shape and ours[name].dtype == expected.dtype, name
        difference = (ours[name].double() - expected.double()).abs()
        assert not difference.isnan().any(), name
        largest = max(largest, difference.max().item())
    return largest
