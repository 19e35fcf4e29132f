"""The checks of the layers' arguments: the exceptions of ``torch.nn``, in sentences that say what came."""

import torch


def check_sizes(input_size, hidden_size, num_layers=1, bias=True, batch_first=False, proj_size=0):
    """Raise TypeError or ValueError, as ``torch.nn``'s constructors do, naming the argument."""
    for name, value in (("bias", bias), ("batch_first", batch_first)):
        if not isinstance(value, bool):
            raise TypeError(f"{name} should be of type bool, but is {value!r}")
    for name, value in (("input_size", input_size), ("hidden_size", hidden_size), ("num_layers", num_layers)):
        if not isinstance(value, int) or isinstance(value, bool):
            raise TypeError(f"{name} should be of type int, but is {value!r}")
        if value < 1:
            raise ValueError(f"{name} should be at least 1, but is {value}")
    if not 0 <= proj_size < hidden_size:
        raise ValueError(f"proj_size should lie between 0 and {hidden_size - 1}, but is {proj_size}")


def autocasts(device):
    """Whether autocast is on for this type of device; some, as ``meta``, have none."""
    return torch.amp.is_autocast_available(device) and torch.is_autocast_enabled(device)


def check_input(layer, x, packed):
    """Raise what ``torch.nn`` raises where the data x do not fit the layer: dimensions, size, dtype."""
    D = layer.input_size
    first = "B, T" if layer.batch_first else "T, B"
    form = f"(N, {D}) in a PackedSequence" if packed else f"({first}, {D}) or (T, {D})"
    sentence = f"input should have shape {form}, but has shape {tuple(x.shape)}"
    if x.dim() not in ((2,) if packed else (2, 3)):
        raise RuntimeError(sentence) if packed else ValueError(sentence)
    if x.size(-1) != D:
        raise RuntimeError(sentence)
    if x.size(1 if layer.batch_first and x.dim() == 3 else 0) == 0:
        raise RuntimeError(f"input should have at least one step, but has shape {tuple(x.shape)}")
    weight = layer.weight_ih_l0
    if x.dtype != weight.dtype and not autocasts(x.device.type):
        raise ValueError(f"input should have the weights' dtype {weight.dtype}, but has dtype {x.dtype}")
    if x.device != weight.device:
        raise RuntimeError(f"input should be on the weights' device {weight.device}, but is on {x.device}")


def check_initial_state(hx, shapes, x, batched):
    """Return the states in ``hx`` as a list; RuntimeError where one does not have its shape or dtype."""
    names = list(shapes)
    if len(names) == 1:
        states = [hx]
    else:
        if not isinstance(hx, (tuple, list)) or len(hx) != len(names):
            raise RuntimeError(f"hx should be the pair ({', '.join(names)}), but is a {type(hx).__name__}")
        states = list(hx)
    for name, s in zip(names, states, strict=True):
        called = "hx" if len(names) == 1 else f"{name} in hx"
        if not isinstance(s, torch.Tensor):
            raise TypeError(f"{called} should be a tensor, but is a {type(s).__name__}")
        shape = shapes[name] if batched else (shapes[name][0], shapes[name][2])
        if tuple(s.shape) != shape:
            raise RuntimeError(f"{called} should have shape {shape}, but has shape {tuple(s.shape)}")
        if s.dtype != x.dtype and not autocasts(x.device.type):
            raise RuntimeError(f"{called} should have the input's dtype {x.dtype}, but has dtype {s.dtype}")
        if s.device != x.device:
            raise RuntimeError(f"{called} should be on the input's device {x.device}, but is on {s.device}")
    return states


def check_cell(cell, x, hx):
    """Return the list of states of a cell's step; ValueError or RuntimeError where x or hx is wrong."""
    D, H = cell.input_size, cell.hidden_size
    sentence = f"input should have shape (B, {D}) or ({D},), but has shape {tuple(x.shape)}"
    if x.dim() not in (1, 2):
        raise ValueError(sentence)
    if x.size(-1) != D:
        raise RuntimeError(sentence)
    shape = (*x.shape[:-1], H)
    if hx is None:
        return [x.new_zeros(shape) for _ in cell.state_names]
    states = [hx] if len(cell.state_names) == 1 else list(hx)
    for name, s in zip(cell.state_names, states, strict=True):
        called = "hx" if len(states) == 1 else f"{name} in hx"
        if tuple(s.shape) != shape:
            error = RuntimeError if s.dim() in (1, 2) else ValueError
            raise error(f"{called} should have shape {shape}, but has shape {tuple(s.shape)}")
    return states
