"""The training loop with the PyTorch version: device, autocast, clipping, checkpoint and resume, several processes."""

import json
import os
import subprocess
import sys
from pathlib import Path

import distributed_run
import numpy as np
import pytest
import torch
from searches import LIBRARY, SLOW
from torch import nn

from rnnbook import in_numpy
from rnnbook.in_torch import GRU, training_step, update
from rnnbook.training import Checkpoint, train

in_part = pytest.mark.search(SLOW, *LIBRARY, "constraints.txt", "tests/distributed_run.py")

SCRIPT = Path(__file__).with_name("distributed_run.py")


@in_part
@pytest.mark.slow
def test_two_processes_have_the_loss_curve_of_one_also_after_a_resume(tmp_path):
    def losses(name):
        return json.loads((tmp_path / f"{name}.json").read_text(encoding="utf-8"))["losses"]

    command = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "2", SCRIPT]
    command += [tmp_path, "both", "12", "broken off", "5"]
    variables = os.environ | {"OMP_NUM_THREADS": "1"}
    done = subprocess.run(command, env=variables, capture_output=True, text=True, timeout=3000)
    assert done.returncode == 0, done.stderr
    distributed_run.run(tmp_path, "alone", 12)
    distributed_run.run(tmp_path, "broken off", 12)  # one process goes on where two ended
    assert np.ptp(losses("alone")) > 0.1
    np.testing.assert_allclose(losses("both"), losses("alone"), rtol=0, atol=1e-12)
    np.testing.assert_allclose(losses("broken off"), losses("alone"), rtol=0, atol=1e-12)


def problem(seed=0):
    """A small model, its optimiser and the batches, all from one seed."""
    torch.manual_seed(seed)
    model, rng = GRU(2, 4), np.random.default_rng(seed)
    batches = [torch.from_numpy(rng.normal(size=(5, 3, 2))).float() for _ in range(8)]

    def batch(i):
        return batches[i], batches[i].sum(-1, keepdim=True).expand(5, 3, 4)

    return model, torch.optim.SGD(model.parameters(), lr=0.5), batch


def test_the_loop_gives_the_curve_of_a_loop_written_out():
    model, optimizer, batch = problem()
    history = train(training_step(model, optimizer, nn.functional.mse_loss, batch, clip=0.1), 8)
    model, optimizer, batch = problem()
    expected = []
    for i in range(8):
        x, target = batch(i)
        optimizer.zero_grad()
        loss = nn.functional.mse_loss(model(x)[0], target)
        loss.backward()
        nn.utils.clip_grad_norm_(model.parameters(), 0.1)
        optimizer.step()
        expected.append(loss.item())
    assert history.losses == expected


@pytest.mark.parametrize("clip", [None, 0.1])
def test_sparse_gradients_train_as_dense_ones_do(clip):
    def curve(sparse):
        torch.manual_seed(0)
        model = nn.Sequential(nn.Embedding(5, 3, sparse=sparse), nn.Linear(3, 2))
        tokens = torch.tensor([[1, 1, 4], [4, 1, 2]])  # one token more than once, so that its gradients add up
        optimizer = torch.optim.SGD(model.parameters(), lr=0.5)
        step = training_step(
            model, optimizer, nn.functional.mse_loss, lambda i: (tokens, torch.ones(2, 3, 2)), clip=clip
        )
        return train(step, 4).losses

    np.testing.assert_allclose(curve(True), curve(False), rtol=0, atol=1e-6)


def test_a_sparse_gradient_that_is_not_finite_is_named():
    model = nn.Sequential(nn.Embedding(5, 3, sparse=True))
    optimizer = torch.optim.SGD(model.parameters(), lr=0.5)
    tokens = torch.tensor([[1, 1]])
    step = training_step(
        model, optimizer, lambda y, t: (y * t).sum(), lambda i: (tokens, torch.tensor([[[3e38], [3e38]]]))
    )
    with pytest.raises(ValueError, match="^the gradients should be finite, but that of 0.weight is not$"):
        step(0)  # each of the two is finite, their sum is not


def test_autocast_trains_close_by_and_keeps_the_weights_dtype():
    curves, seen = [], []
    for autocast in (None, torch.bfloat16):
        model, optimizer, batch = problem()
        model.register_forward_hook(lambda module, args, output: seen.append(output[0].dtype))
        curves.append(
            train(training_step(model, optimizer, nn.functional.mse_loss, batch, autocast=autocast), 8).losses
        )
        assert {p.dtype for p in model.parameters()} == {torch.float32}
    assert seen == [torch.float32] * 8 + [torch.bfloat16] * 8
    assert 0 < np.abs(np.subtract(*curves)).max() < 0.05


def test_in_float16_a_scaler_keeps_small_gradients_and_skips_the_update_that_overflows():
    def gradients(**precision):
        model, optimizer, batch = problem()
        step = training_step(model, optimizer, lambda y, target: 1e-9 * y.float().square().sum(), batch, **precision)
        step(0)
        return torch.cat([p.grad.flatten() for p in model.parameters()])

    exact = gradients()
    scaler = torch.amp.GradScaler("cpu", init_scale=2.0**20)
    assert gradients(autocast=torch.float16).abs().max() == 0 < exact.abs().max() < 2.0**-25  # half of its least number
    found = gradients(autocast=torch.float16, scaler=scaler)
    assert (found - exact).abs().max() < 0.01 * exact.abs().max()

    model, optimizer, batch = problem()
    before = [p.detach().clone() for p in model.parameters()]
    scaler = torch.amp.GradScaler("cpu", init_scale=2.0**40)
    training_step(model, optimizer, nn.functional.mse_loss, batch, autocast=torch.float16, scaler=scaler, clip=1.0)(0)
    assert all(torch.equal(p, b) for p, b in zip(model.parameters(), before, strict=True))
    assert scaler.get_scale() == 2.0**39


def test_clipping_acts_on_the_gradient_and_not_on_its_scaled_form():
    weights = []
    for scaler in (None, torch.amp.GradScaler("cpu", init_scale=2.0**10)):
        model, optimizer, batch = problem()
        training_step(model, optimizer, nn.functional.mse_loss, batch, scaler=scaler, clip=0.01)(0)
        weights.append(torch.cat([p.detach().flatten() for p in model.parameters()]))
    torch.testing.assert_close(*weights, rtol=0, atol=1e-7)


def test_a_run_with_dropout_and_a_scaler_goes_on_as_if_nothing_had_happened(tmp_path):
    def run(path, *lengths):
        for steps in lengths:
            model, optimizer, batch = problem()
            model = GRU(2, 4, 2, dropout=0.5)
            optimizer = torch.optim.Adam(model.parameters())
            scaler = torch.amp.GradScaler("cpu", init_scale=4.0, growth_interval=3)
            parts = {"model": model, "optimizer": optimizer, "scaler": scaler, "rng": torch.default_generator}
            step = training_step(model, optimizer, nn.functional.mse_loss, batch, scaler=scaler)
            history = train(step, steps, checkpoint=Checkpoint(path, parts, every=2), progress=False)
        return history.losses, scaler.get_scale(), torch.rand(1).item()

    whole, broken_off = run(tmp_path / "whole.safetensors", 8), run(tmp_path / "broken.safetensors", 4, 8)
    assert broken_off == whole
    assert whole[1] > 4


def test_the_batch_goes_to_the_device_that_is_named():
    seen = []
    model, optimizer, batch = problem()
    model.register_forward_pre_hook(lambda module, args: seen.append(args[0].device.type))
    step = training_step(model, optimizer, lambda y, target: y.sum(), batch, device="meta")
    with pytest.raises(RuntimeError, match="meta"):  # where no arithmetic is done, and the weights are not
        step(0)
    assert seen == ["meta"]


def test_each_process_takes_its_own_share_and_all_take_the_mean(monkeypatch):
    """With two processes made up; the slow test above has two real ones."""
    monkeypatch.setattr(update.distributed, "is_initialized", lambda: True)
    monkeypatch.setattr(update.distributed, "get_world_size", lambda: 2)
    monkeypatch.setattr(update.distributed, "all_reduce", lambda tensor: tensor.add_(3))  # the other process holds 3
    batch = torch.arange(24).reshape(3, 4, 2)
    for rank in (0, 1):
        monkeypatch.setattr(update.distributed, "get_rank", lambda rank=rank: rank)
        assert torch.equal(update.own_share(batch, 1), batch[:, 2 * rank : 2 * rank + 2])
        assert torch.equal(update.own_share(batch, 2), batch[:, :, rank : rank + 1])
    with pytest.raises(ValueError, match="should be a multiple of 2, the number of processes, but is 3"):
        update.own_share(batch, 0)
    tensors = [torch.tensor([1.0, 5.0]), torch.tensor(3.0)]
    update.average_over_processes(tensors)
    assert tensors[0].tolist() == [2, 4] and tensors[1].item() == 3


def test_both_wings_have_one_loss_curve():
    model, optimizer, batch = problem()
    model = model.double()
    layer = in_numpy.GRU(2, 4, dtype=np.float64)
    layer.load_state_dict(model.state_dict())

    def by_hand(i):
        x, target = (t.double().numpy() for t in batch(i))
        hs, _, trace = layer.forward(x)
        loss, dhs = in_numpy.functions.mean_squared_error(hs, target)
        for name, gradient in layer.backward(dhs, trace)[2].items():
            layer.params[name] -= 0.5 * gradient
        return loss

    step = training_step(model, optimizer, nn.functional.mse_loss, lambda i: [t.double() for t in batch(i)])
    np.testing.assert_allclose(train(step, 8).losses, train(by_hand, 8).losses, rtol=0, atol=1e-12)
