"""Optimisers, clipping and whole training runs are PyTorch's, curve for curve."""

import numpy as np
import pytest
import torch

from rnnbook import in_numpy
from rnnbook.in_numpy import SGD, Adam, LanguageModel, SequenceClassifier, clip_grad_norm, join, language_model_step
from rnnbook.in_numpy.functions import cross_entropy
from rnnbook.training import train

T, B, D, H, V = 6, 4, 3, 5, 7
CELLS = {
    "RNN": (in_numpy.RNN, torch.nn.RNN),
    "GRU": (in_numpy.GRU, torch.nn.GRU),
    "LSTM": (in_numpy.LSTM, torch.nn.LSTM),
}
every_cell = pytest.mark.parametrize("cell, module", CELLS.values(), ids=CELLS)
OPTIMISERS = {
    "SGD": (lambda p: SGD(p, lr=0.1), lambda p: torch.optim.SGD(p, lr=0.1)),
    "momentum": (lambda p: SGD(p, lr=0.1, momentum=0.9), lambda p: torch.optim.SGD(p, lr=0.1, momentum=0.9)),
    "Adam": (
        lambda p: Adam(p, lr=0.01, betas=(0.8, 0.95), eps=1e-6),
        lambda p: torch.optim.Adam(p, lr=0.01, betas=(0.8, 0.95), eps=1e-6),
    ),
}
every_optimiser = pytest.mark.parametrize("ours, theirs", OPTIMISERS.values(), ids=OPTIMISERS)


class TorchModel(torch.nn.Module):
    """The same parts under the same names, in PyTorch."""

    def __init__(self, layer, width, classes, vocabulary=None):
        super().__init__()
        if vocabulary:
            self.embedding = torch.nn.Embedding(vocabulary, layer.input_size)
        self.layer, self.head = layer, torch.nn.Linear(width, classes)

    def take(self, ours):
        self.double()
        self.load_state_dict({name: torch.from_numpy(value) for name, value in ours.state_dict().items()})
        return self


def three_parts(rng):
    """A layer and two dense ones, whose own parameters have the same names, and the twin of all three in PyTorch."""
    sizes = {"layer": ("GRU", D, H), "one": ("Linear", H, H), "two": ("Linear", H, V)}
    parts = {name: getattr(in_numpy, kind)(*s, dtype=np.float64, rng=rng).params for name, (kind, *s) in sizes.items()}
    twin = torch.nn.ModuleDict({name: getattr(torch.nn, kind)(*s) for name, (kind, *s) in sizes.items()}).double()
    for name, params in parts.items():
        for tensor, value in zip(twin[name].parameters(), params.values(), strict=True):
            tensor.data = torch.tensor(value)
    return parts, twin


def test_joined_parameters_are_those_of_the_parts_named_and_ordered_as_a_module_does():
    parts, twin = three_parts(np.random.default_rng(0))
    params = join(**parts)
    assert list(params) == [name.removesuffix("_l0") for name, _ in twin.named_parameters()]
    arrays = [array for part in parts.values() for array in part.values()]
    assert all(joined is array for joined, array in zip(params.values(), arrays, strict=True))
    assert join() == {} and join(start={}) == {}


def test_joined_parts_are_clipped_and_updated_as_one_module():
    rng = np.random.default_rng(0)
    parts, twin = three_parts(rng)
    ours, theirs = Adam(join(**parts), lr=0.01), torch.optim.Adam(twin.parameters(), lr=0.01)
    for _ in range(5):
        grads = {part: {name: rng.normal(size=p.shape) for name, p in params.items()} for part, params in parts.items()}
        for tensor, grad in zip(twin.parameters(), [g for part in grads.values() for g in part.values()], strict=True):
            tensor.grad = torch.tensor(grad)
        joined = join(**grads)
        norm = torch.nn.utils.clip_grad_norm_(twin.parameters(), 1.0)
        assert clip_grad_norm(joined, 1.0) == pytest.approx(norm.item(), rel=1e-12)
        ours.step(joined)
        theirs.step()
    moved = [p for part in parts.values() for p in part.values()]
    for ours_now, tensor in zip(moved, twin.parameters(), strict=True):
        np.testing.assert_allclose(ours_now, tensor.detach(), rtol=0, atol=1e-12)


@every_optimiser
def test_ten_updates_equal_torch_optim(ours, theirs):
    rng = np.random.default_rng(0)
    params = {"a": rng.normal(size=(3, 2)), "b": rng.normal(size=4)}
    tensors = {name: torch.nn.Parameter(torch.tensor(value)) for name, value in params.items()}
    our_optimiser, their_optimiser = ours(params), theirs(tensors.values())
    for _ in range(10):
        grads = {name: rng.normal(size=value.shape) for name, value in params.items()}
        our_optimiser.step(grads)
        for name, tensor in tensors.items():
            tensor.grad = torch.tensor(grads[name])
        their_optimiser.step()
        for name, tensor in tensors.items():
            np.testing.assert_allclose(params[name], tensor.detach(), rtol=0, atol=1e-14)


@every_optimiser
def test_an_optimiser_resumes_from_its_state_dict(ours, theirs):
    def run(interrupted):
        rng = np.random.default_rng(1)
        params = {"a": rng.normal(size=3)}
        optimiser = ours(params)
        for k in range(6):
            if interrupted and k == 3:
                state = optimiser.state_dict()
                optimiser = ours(params)
                optimiser.load_state_dict(state)
            optimiser.step({"a": rng.normal(size=3)})
        return params["a"]

    np.testing.assert_array_equal(run(interrupted=True), run(interrupted=False))


@pytest.mark.parametrize("max_norm", [0.5, 100.0])
def test_clipping_equals_torch(max_norm):
    rng = np.random.default_rng(2)
    grads = {"a": rng.normal(size=(3, 2)), "b": rng.normal(size=4)}
    tensors = [torch.nn.Parameter(torch.zeros(grad.shape, dtype=torch.float64)) for grad in grads.values()]
    for tensor, grad in zip(tensors, grads.values(), strict=True):
        tensor.grad = torch.tensor(grad)
    expected = torch.nn.utils.clip_grad_norm_(tensors, max_norm).item()
    assert clip_grad_norm(grads, max_norm) == pytest.approx(expected, abs=1e-14)
    for tensor, grad in zip(tensors, grads.values(), strict=True):
        np.testing.assert_allclose(grad, tensor.grad, rtol=0, atol=1e-14)


@every_cell
@every_optimiser
def test_twenty_steps_of_a_language_model_equal_pytorch(cell, module, ours, theirs):
    rng = np.random.default_rng(3)
    model = LanguageModel(V, cell(D, H, dtype=np.float64, rng=rng), rng=rng)
    twin = TorchModel(module(D, H), H, V, V).take(model)
    tokens, mask = rng.integers(V, size=(20, T + 1, B)), rng.random((20, T, B)) < 0.8
    our_optimiser, their_optimiser = ours(model.params), theirs(twin.parameters())

    def step(i):
        return language_model_step(model, our_optimiser, tokens[i], mask=mask[i], max_norm=0.5)[0]

    def twin_step(i):
        logits = twin.head(twin.layer(twin.embedding(torch.tensor(tokens[i, :-1])))[0])
        counted = torch.tensor(mask[i])
        loss = torch.nn.functional.cross_entropy(logits[counted], torch.tensor(tokens[i, 1:])[counted])
        their_optimiser.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(twin.parameters(), 0.5)
        their_optimiser.step()
        return loss.detach()

    np.testing.assert_allclose(train(step, 20).losses, train(twin_step, 20).losses, rtol=0, atol=1e-10)
    for name, value in model.params.items():
        np.testing.assert_allclose(value, twin.get_parameter(name).detach(), rtol=0, atol=1e-10, err_msg=name)


@every_cell
@pytest.mark.parametrize("both", [False, True], ids=["one way", "both ways"])
@pytest.mark.parametrize("lengths", [None, [3, 6, 1, 4]], ids=str)
def test_twenty_steps_of_a_deep_classifier_equal_pytorch(cell, module, both, lengths):
    rng = np.random.default_rng(4)

    def single(size):
        return cell(size, H, dtype=np.float64, rng=rng)

    def layer(size):
        return in_numpy.Bidirectional(single(size), single(size)) if both else single(size)

    width = 2 * H if both else H
    model = SequenceClassifier(V, in_numpy.Stacked([layer(D), layer(width)]), rng=rng)
    twin = TorchModel(module(D, H, num_layers=2, bidirectional=both), width, V).take(model)
    x, target = rng.normal(size=(20, T, B, D)), rng.integers(V, size=(20, B))
    ours, theirs = Adam(model.params, lr=0.01), torch.optim.Adam(twin.parameters(), lr=0.01)

    def step(i):
        logits, trace = model.forward(x[i], lengths)
        loss, dlogits = cross_entropy(logits, target[i])
        ours.step(model.backward(dlogits, trace))
        return loss

    def twin_step(i):
        sizes = torch.tensor([T] * B if lengths is None else lengths)
        packed = torch.nn.utils.rnn.pack_padded_sequence(torch.tensor(x[i]), sizes, enforce_sorted=False)
        _, last = twin.layer(packed)
        last = last[0] if isinstance(last, tuple) else last
        ends = torch.cat([last[-2], last[-1]], dim=1) if both else last[-1]
        loss = torch.nn.functional.cross_entropy(twin.head(ends), torch.tensor(target[i]))
        theirs.zero_grad()
        loss.backward()
        theirs.step()
        return loss.detach()

    np.testing.assert_allclose(train(step, 20).losses, train(twin_step, 20).losses, rtol=0, atol=1e-10)


@every_cell
@pytest.mark.parametrize("lengths", [None, [3, 6, 1, 4]], ids=str)
def test_a_classifier_reads_each_direction_at_its_end_however_the_stacks_are_nested(cell, module, lengths):
    pair = [cell(D, H, dtype=np.float64, rng=seed) for seed in range(2)]
    x, layer, found = np.random.default_rng(2).normal(size=(T, B, D)), in_numpy.Bidirectional(*pair), []
    for _ in range(3):
        model = SequenceClassifier(V, layer, rng=0)
        logits, trace = model.forward(x, lengths)
        found.append([logits, *model.backward(logits, trace).values()])
        layer = in_numpy.Stacked([layer])
    for nested in found[1:]:
        for part, expected in zip(nested, found[0], strict=True):
            np.testing.assert_array_equal(part, expected)


@every_cell
def test_a_language_model_steps_as_it_reads(cell, module):
    rng = np.random.default_rng(5)
    model = LanguageModel(V, cell(D, H, dtype=np.float64, rng=rng), rng=rng)
    tokens = rng.integers(V, size=(T, B))
    logits, _, _ = model.forward(tokens)
    state = None
    for t in range(T):
        step_logits, state = model.step(tokens[t], state)
        np.testing.assert_allclose(step_logits, logits[t], rtol=0, atol=1e-14)


def test_the_state_goes_on_from_chunk_to_chunk():
    rng = np.random.default_rng(6)
    model = LanguageModel(V, in_numpy.GRU(D, H, dtype=np.float64, rng=rng), rng=rng)
    still = SGD(model.params, lr=0.0)
    tokens = rng.integers(V, size=(9, B))
    whole, _ = language_model_step(model, still, tokens)
    first, state = language_model_step(model, still, tokens[:5])
    second, _ = language_model_step(model, still, tokens[4:], state=state)
    assert whole == pytest.approx((first + second) / 2, abs=1e-14)


@pytest.mark.parametrize(
    "call, sentence",
    [
        (lambda: clip_grad_norm({"a": np.ones(2)}, 0), "max_norm should be positive, but is 0"),
        (
            lambda: clip_grad_norm({"a": np.ones(2), "b": np.array([np.nan])}, 1),
            "the gradients should be finite, but that of b is not",
        ),
        (
            lambda: Adam({"a": np.ones(2)}).step({"b": np.ones(2)}),
            "grads should have the names of params, but only one of them has a, b",
        ),
        (lambda: SGD({"a": np.ones(2)}).step({}), "grads should have the names of params, but only one of them has a"),
        (lambda: Adam({"a": np.ones(2)}).load_state_dict({}), "t is missing from the state dict"),
        (
            lambda: language_model_step(None, None, np.zeros(3, int)),
            "tokens should have shape (T + 1, B), but has shape (3,)",
        ),
    ],
)
def test_mistakes_are_named(call, sentence):
    with pytest.raises(ValueError) as caught:
        call()
    assert str(caught.value) == sentence


def test_a_gradient_that_is_not_finite_is_refused_and_nothing_is_scaled():
    grads = {"a": np.array([3.0, 4.0]), "b": np.array([np.inf])}
    with pytest.raises(ValueError, match="that of b is not"):
        clip_grad_norm(grads, 1)
    assert grads["a"].tolist() == [3.0, 4.0]
