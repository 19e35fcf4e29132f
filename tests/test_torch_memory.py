"""The memory of large traces: lent to one call at a time, kept for the next, given back beyond a limit."""

import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor

import pytest
import torch

from rnnbook import in_torch
from rnnbook.in_torch.compiled import memory

T, B, D, H = 130, 17, 5, 131  # a trace of an RNN has more than a megabyte


@pytest.fixture(autouse=True)
def nothing_kept():
    memory.release()
    yield
    memory.release()


def trained(layer, x):
    """The output and the gradients of the input and the weights, all of them new."""
    x = x.clone().requires_grad_()
    y, _ = layer(x)
    return [y.detach(), *torch.autograd.grad(y.square().sum(), [x, *layer.parameters()])]


def layer_and_input(name, dtype=torch.float32):
    torch.manual_seed(3)
    return getattr(in_torch, name)(D, H, dtype=dtype, implementation="compiled"), torch.randn(T, B, D, dtype=dtype)


@pytest.mark.parametrize("name", ["RNN", "GRU", "LSTM"])
def test_what_the_kept_memory_holds_changes_nothing(name):
    layer, x = layer_and_input(name)
    first = trained(layer, x)
    assert memory.kept() > T * B * H * 4
    for blocks in memory._free.values():
        for block in blocks:
            block[:] = b"\xff" * len(block)  # each number is NaN
    assert all(map(torch.equal, trained(layer, x), first))


def test_a_second_call_takes_the_memory_of_the_first_and_no_more():
    layer, x = layer_and_input("LSTM")
    trained(layer, x)
    after_one = memory.kept()
    for _ in range(3):
        trained(layer, x)
    assert memory.kept() == after_one


@pytest.mark.parametrize("name", ["RNN", "GRU", "LSTM"])
def test_a_trace_that_is_held_is_not_written_over(name):
    layer, x = layer_and_input(name)
    wanted = trained(layer, x)
    x = x.requires_grad_()
    y, _ = layer(x)
    trained(layer, 3 * x.detach())  # takes what there is, and gives it back
    leaves = [x, *layer.parameters()]
    found = torch.autograd.grad(y.square().sum(), leaves, retain_graph=True)
    trained(layer, -x.detach())
    again = torch.autograd.grad(y.square().sum(), leaves)
    assert all(map(torch.equal, found, wanted[1:])) and all(map(torch.equal, again, wanted[1:]))


def test_no_more_than_the_limit_is_kept_and_release_keeps_nothing(monkeypatch):
    layer, x = layer_and_input("GRU")
    trained(layer, x)
    whole = memory.kept()
    memory.release()
    assert memory.kept() == 0
    monkeypatch.setattr(memory, "KEPT", whole - 1)
    trained(layer, x)
    assert 0 < memory.kept() < whole


def test_no_output_and_no_gradient_lies_in_lent_memory(monkeypatch):
    lent = []
    make = memory._block
    monkeypatch.setattr(memory, "_block", lambda size: lent.append(make(size)) or lent[-1])
    layer, x = layer_and_input("GRU")
    given = trained(layer, x)
    seen = [tensor.clone() for tensor in given]
    assert lent
    for block in lent:
        block[:] = b"\xff" * len(block)
    assert all(map(torch.equal, given, seen))


def test_small_arrays_are_pytorchs_own():
    assert memory.lend(torch.zeros(1), 1000).untyped_storage().resizable()
    assert not memory.lend(torch.zeros(1), memory.LARGE // 4).untyped_storage().resizable()
    assert memory.lend(torch.zeros(1, dtype=torch.float64), 3, memory.LARGE // 8).shape == (3, memory.LARGE // 8)


def test_threads_do_not_get_the_same_memory():
    layer, x = layer_and_input("LSTM", torch.float64)
    inputs = [x * k for k in range(1, 5)]
    wanted = [trained(layer, x) for x in inputs]
    with ThreadPoolExecutor(4) as threads:
        for _ in range(3):
            for found, one in zip(threads.map(lambda x: trained(layer, x), inputs), wanted, strict=True):
                assert all(map(torch.equal, found, one))


@pytest.mark.slow
def test_a_forked_process_has_memory_of_its_own():
    program = f"""
import os, torch
from rnnbook.in_torch.compiled import memory
mine = memory.lend(torch.zeros(1), {memory.LARGE})
mine[0] = 1  # one number: more would wake threads, which a fork does not survive
child = os.fork()
if child == 0:
    mine[0] = 2
    os._exit(0)
os.waitpid(child, 0)
print(mine[0].item())
"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True, timeout=300)
    assert done.stdout.strip() == "1.0"


def test_where_no_block_is_to_be_had_pytorch_is_asked_for_the_memory(monkeypatch):
    layer, x = layer_and_input("GRU")
    wanted = trained(layer, x)
    memory.release()

    def refused(*arguments, **options):
        raise OSError(12, "Cannot allocate memory")

    monkeypatch.setattr(memory.mmap, "mmap", refused)
    assert all(map(torch.equal, trained(layer, x), wanted))
    with pytest.raises(RuntimeError):  # PyTorch's own, where it has none either
        memory.lend(x, 1 << 50)
