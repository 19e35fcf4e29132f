"""One update of a PyTorch model, for ``rnnbook.training.train``: device, autocast, clipping, several processes.

Under ``torchrun --nproc-per-node N``, after ``torch.distributed.init_process_group()``, every process takes its share
of the global batch and all make the same update; the loss curve is that of one process on the whole batch.
"""

from contextlib import nullcontext

import torch
from torch import distributed, nn


def training_step(
    model, optimizer, loss, batch, *, device=None, autocast=None, scaler=None, clip=None, batch_dims=(1, 1)
):  # fmt: skip
    """Return ``step(i)``, which makes one update and returns its loss, for ``train(step, steps)``.

    ``batch(i)`` gives the tensors (x, target) of the global batch, whose sequences lie along ``batch_dims``, 1 for (T,
    B, D); ``loss(output, target)`` is a mean over them. If the model returns a tuple, as a recurrent layer does, its
    first part is the output. ``device`` is where the tensors go; ``autocast`` a dtype such as ``torch.bfloat16``;
    ``scaler`` a ``torch.amp.GradScaler``, without which small gradients vanish in ``torch.float16`` (include it in the
    checkpoint); ``clip`` is the largest norm of the gradient. Raises ValueError if the processes cannot share out the
    batch evenly, and, before anything has changed, if a gradient is not finite, naming its parameter, or if the norm to
    be clipped overflows (with a ``scaler``, such a step is skipped instead).
    """
    device = torch.device(device) if device is not None else next(model.parameters()).device

    def step(i):
        x, target = (own_share(t, dim).to(device) for t, dim in zip(batch(i), batch_dims, strict=True))
        optimizer.zero_grad()
        with torch.autocast(device.type, dtype=autocast) if autocast is not None else nullcontext():
            output = model(x)
            output = output[0] if isinstance(output, tuple) else output
            value = loss(output, target)
        (value if scaler is None else scaler.scale(value)).backward()
        average_over_processes([p.grad for p in model.parameters() if p.grad is not None])
        if scaler is not None:
            scaler.unscale_(optimizer)
        norm = check_gradients(model, clip) if scaler is None else gradient_norm(model)
        if clip is not None:
            nn.utils.clip_grads_with_norm_(model.parameters(), clip, norm)
        if scaler is None:
            optimizer.step()
        else:
            if clip is None or norm.isfinite():
                scaler.step(optimizer)  # none if a gradient is not finite
            scaler.update()
        value = value.detach()
        average_over_processes([value])
        return value

    return step


def check_gradients(model, clip=None):
    """Return the norm of all gradients together.

    Raises ValueError, as ``in_numpy.clip_grad_norm`` does, naming the first gradient that is not finite; and, if the
    norm is to be clipped, where it overflows although every gradient is finite: clipping would make them all zero.
    """
    norm = gradient_norm(model)
    if not norm.isfinite():  # one check for all of them
        for name, p in model.named_parameters():
            if p.grad is not None and not _entries(p.grad).isfinite().all():
                raise ValueError(f"the gradients should be finite, but that of {name} is not")
        if clip is not None:
            raise ValueError("the norm of the gradients should be finite, but overflows")
    return norm


def gradient_norm(model):
    """Return the norm of all gradients together, as ``nn.utils.clip_grad_norm_`` does; sparse ones count too."""
    return nn.utils.get_total_norm([_entries(p.grad) for p in model.parameters() if p.grad is not None])


def _entries(grad):
    """The entries of a gradient; of a sparse one those that are stored, each place once."""
    return grad.coalesce().values() if grad.is_sparse else grad


def own_share(tensor, dim):
    """Return this process's share of the sequences, which lie along ``dim``; all of them if it is alone."""
    if not distributed.is_initialized():
        return tensor
    processes, rank = distributed.get_world_size(), distributed.get_rank()
    if tensor.size(dim) % processes:
        raise ValueError(
            f"the batch size should be a multiple of {processes}, the number of processes, but is {tensor.size(dim)}"
        )
    return tensor.chunk(processes, dim)[rank]


def average_over_processes(tensors):
    """Replace each tensor by its mean over all processes."""
    if distributed.is_initialized():
        for tensor in tensors:
            distributed.all_reduce(tensor)
            tensor /= distributed.get_world_size()
