"""Promises of the socket for recurrences with a backward by hand: a short way to the equation, gradients in form."""

import ast
import sys
from pathlib import Path

import pytest
import torch
from torch_oracle import IMPLEMENTATIONS, B, D, H, T, data, pair

import rnnbook.in_torch
from rnnbook import in_torch
from rnnbook.in_torch import compiled

FOLDER = Path(rnnbook.in_torch.__file__).parent
every_name = pytest.mark.parametrize("name", ["RNN", "GRU", "LSTM"])
every_implementation = pytest.mark.parametrize("implementation", IMPLEMENTATIONS)


def way_to(name, implementation):
    """The functions of ours, one inside the other, from ``forward`` to the one that computes a training step."""
    layer = getattr(in_torch, name)(D, H, implementation=implementation)
    x, chain, longest = torch.zeros(T, B, D), [], []

    def watch(frame, event, argument):
        if not frame.f_code.co_filename.startswith(str(FOLDER)):
            return
        if event == "call":
            file = Path(frame.f_code.co_filename).relative_to(FOLDER).as_posix()
            chain.append(f"{file} {frame.f_code.co_name}")
            computing = file.partition("/")[0] in (implementation, "kernels") and frame.f_code.co_name == "forward"
            if computing or frame.f_code.co_name == "reference":
                longest[:] = chain
        elif event == "return":
            chain.pop()

    sys.setprofile(watch)
    try:
        layer(x)
    finally:
        sys.setprofile(None)
    return longest


@every_name
@every_implementation
def test_the_code_that_computes_is_at_most_six_functions_away(name, implementation):
    way = way_to(name, implementation)
    assert way[0] == "recurrent.py forward" and len(way) <= 6
    file = "{}.py reference" if implementation == "reference" else implementation + "/{}.py forward"
    assert way[-1] == file.format(name.lower())


def test_no_module_is_found_by_a_name_in_a_string():
    found = []
    for path in FOLDER.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if getattr(node, "id", getattr(node, "attr", "")) in ("import_module", "__import__", "getattr_module"):
                found.append(path.name)
    assert found == []


def trained(layer, x, hx=None):
    """The gradients of everything that a training step finds, by name; x and hx are leaves."""
    x = x.clone().requires_grad_()
    states = [s.clone().requires_grad_() for s in (hx if isinstance(hx, tuple) else (hx,))]
    layer.zero_grad()
    y, last = layer(x, tuple(states) if isinstance(hx, tuple) else states[0])
    (y.sum() + sum(s.square().sum() for s in (last if isinstance(last, tuple) else (last,)))).backward()
    leaves = {"x": x} | {f"state{k}": s for k, s in enumerate(states)} | dict(layer.named_parameters())
    return leaves, {name: leaf.grad for name, leaf in leaves.items()}


@every_name
@pytest.mark.parametrize("cache", [0, 1 << 20])
@pytest.mark.skipif(not compiled.LIBRARIES, reason="no C compiler was at the installation")
def test_no_two_gradients_share_memory_whoever_multiplies(name, cache, monkeypatch):
    monkeypatch.setattr(compiled, "CACHE", cache)  # without one, the products of all steps are the BLAS's
    layer, _ = pair(name, own={"implementation": "compiled"})
    x = data(layer)[0].clone().requires_grad_()
    # ``backward`` would copy what it is given twice
    grads = torch.autograd.grad(layer(x)[0].sum(), [x, *layer.parameters()])
    assert all(grad.is_contiguous() for grad in grads)
    assert len({grad.untyped_storage().data_ptr() for grad in grads}) == len(grads)


@every_name
@every_implementation
@pytest.mark.parametrize("bidirectional", [False, True])
def test_gradients_are_contiguous_and_no_two_share_memory(name, implementation, bidirectional):
    layer, _ = pair(name, own={"implementation": implementation}, bidirectional=bidirectional)
    _, grads = trained(layer, *data(layer))
    assert [name for name, grad in grads.items() if not grad.is_contiguous()] == []
    assert len({grad.untyped_storage().data_ptr() for grad in grads.values()}) == len(grads)
    before = {name: grad.clone() for name, grad in grads.items()}
    torch._foreach_mul_(list(grads.values()), 2)
    for name, grad in grads.items():
        torch.testing.assert_close(grad, 2 * before[name], rtol=0, atol=0)


@every_name
@every_implementation
def test_the_memory_of_what_a_user_gives_and_gets_may_be_resized(name, implementation):
    """``fully_shard`` frees the weights' memory after use; a tensor that NumPy has seen cannot be freed."""
    layer, _ = pair(name, own={"implementation": implementation})
    leaves, grads = trained(layer, *data(layer))
    with torch.no_grad():
        outputs = layer(leaves["x"])[0]
    for tensor in (*leaves.values(), *grads.values(), outputs):
        tensor.untyped_storage().resize_(0)


@every_name
@every_implementation
def test_one_tensor_in_two_places_has_the_gradient_of_both(name, implementation):
    """Both biases, and the initial state of both directions; also where the gradient has a graph."""
    found = []
    for layer in pair(name, own={"implementation": implementation}):
        layer.bias_hh_l0 = layer.bias_ih_l0
        x, _ = data(layer)
        y = layer(x)[0]
        for create_graph in (True, False):
            (bias,) = torch.autograd.grad(y.square().sum(), [layer.bias_ih_l0], create_graph=create_graph)
            found.append(bias.detach())
    for bias in found[1:]:
        torch.testing.assert_close(bias, found[0], rtol=0, atol=1e-12)


def sum_of_squares(layer, name):
    """A number, as a function of x and of one parameter, from a layer and its tensors."""

    def function(x, weight):
        return torch.func.functional_call(layer, {name: weight}, (x,))[0].square().sum()

    return function


@every_name
@every_implementation
def test_many_gradients_at_once_are_those_found_one_by_one(name, implementation):
    """``jacobian(vectorize=True)``, ``hessian(vectorize=True)``, ``is_grads_batched``, ``check_batched_grad``."""
    layer, theirs = pair(name, own={"implementation": implementation})
    x, _ = data(layer)
    weight = layer.weight_hh_l0.detach()
    jacobian, hessian = torch.autograd.functional.jacobian, torch.autograd.functional.hessian
    inputs = x[:2, :2], weight
    for ours, other in zip(
        jacobian(lambda x, w: torch.func.functional_call(layer, {"weight_hh_l0": w}, (x,))[0], inputs, vectorize=True),
        jacobian(lambda x, w: torch.func.functional_call(theirs, {"weight_hh_l0": w}, (x,))[0], inputs),
        strict=True,
    ):
        torch.testing.assert_close(ours, other, rtol=0, atol=1e-12)
    small = in_torch.__dict__[name](1, 2, implementation=implementation, dtype=torch.float64)
    tensors = torch.randn(2, 1, 1, dtype=torch.float64), small.weight_hh_l0.detach()
    function = sum_of_squares(small, "weight_hh_l0")
    found, expected = hessian(function, tensors, vectorize=True), hessian(function, tensors)
    torch.testing.assert_close(found, expected, rtol=0, atol=1e-12)
    leaf = x.clone().requires_grad_()
    y = layer(leaf)[0]
    weights = torch.randn(4, *y.shape, dtype=y.dtype)
    (batch,) = torch.autograd.grad(y, leaf, weights, is_grads_batched=True, retain_graph=True)
    each = [torch.autograd.grad(y, leaf, w, retain_graph=True)[0] for w in weights]
    torch.testing.assert_close(batch, torch.stack(each), rtol=0, atol=1e-12)
    leaf = x[:2, :1].clone().requires_grad_()
    assert torch.autograd.gradcheck(lambda x: layer(x)[0], leaf, check_batched_grad=True, fast_mode=True)


@every_name
@pytest.mark.parametrize("grad", [True, False])
def test_what_records_or_fakes_the_operations_gets_them(name, grad):
    """``make_fx`` with and without gradients, ``FakeTensorMode``, a subclass: memory is read of plain tensors alone."""
    from torch._subclasses import FakeTensorMode
    from torch.fx.experimental.proxy_tensor import make_fx

    layer, theirs = pair(name)
    x, _ = data(layer)
    with torch.set_grad_enabled(grad):
        traced = make_fx(lambda x: layer(x)[0])(torch.zeros_like(x))
        torch.testing.assert_close(traced(x), theirs(x)[0], rtol=0, atol=1e-12)
        with FakeTensorMode(allow_non_fake_inputs=True) as mode:
            assert layer(mode.from_tensor(x))[0].shape == (T, B, H)
        seen = x.as_subclass(type("Seen", (torch.Tensor,), {}))
        torch.testing.assert_close(layer(seen)[0].as_subclass(torch.Tensor), theirs(x)[0], rtol=0, atol=1e-12)
    assert layer.ran == "reference"


@every_name
def test_what_was_asked_for_and_cannot_run_there_says_so(name):
    x = torch.zeros(T, B, D)
    for implementation in [*IMPLEMENTATIONS[1:], "triton"]:
        layer = getattr(in_torch, name)(D, H, implementation=implementation)
        with pytest.raises(
            RuntimeError, match=f"implementation='{implementation}' cannot run in a transformation, .*'r"
        ):
            torch.func.vmap(lambda x, layer=layer: layer(x)[0])(torch.stack([x, x]))


@pytest.mark.slow
@every_name
@pytest.mark.filterwarnings("ignore:The .grad attribute of a Tensor that is not a leaf:UserWarning")  # Dynamo's own
def test_a_compiled_model_is_not_compiled_again_for_another_length(name):
    """The layer is left alone as a whole, so that nothing of it is read for each length, nor for each batch size."""
    from torch._dynamo.utils import counters

    class Model(torch.nn.Module):
        def __init__(self):
            super().__init__()
            self.layer, self.dense = getattr(in_torch, name)(D, H, 2, bidirectional=True), torch.nn.Linear(2 * H, 1)

        def forward(self, x):
            return self.dense(self.layer(x.relu())[0])

    model = Model()
    torch._dynamo.reset()
    counters.clear()
    compiled, frames = torch.compile(model, backend="eager"), []
    for steps in (5, 6, 7, 8, 9, 12, 20):
        x = torch.randn(steps, B, D)
        torch.testing.assert_close(compiled(x), model(x))
        frames.append(counters["frames"]["ok"])
    assert len(set(frames[1:])) == 1 and model.layer.ran == IMPLEMENTATIONS[-1]  # at the second length it is left open
    assert counters["stats"]["calls_captured"] < 10


@every_name
@every_implementation
def test_a_checkpoint_recomputes_a_layer_with_the_same_gradients(name, implementation):
    layer, x = getattr(in_torch, name)(D, H, implementation=implementation), torch.randn(T, B, D, requires_grad=True)
    wanted = [x, *layer.parameters()]

    def gradients(y):
        return torch.autograd.grad(y.square().sum(), wanted)

    found = gradients(torch.utils.checkpoint.checkpoint(layer, x, use_reentrant=False)[0])
    torch.testing.assert_close(found, gradients(layer(x)[0]), rtol=0, atol=0)


@every_name
@every_implementation
def test_what_is_saved_for_the_backward_pass_is_unpacked_once(name, implementation):
    layer, counts = getattr(in_torch, name)(D, H, implementation=implementation), {"packed": 0, "unpacked": 0}

    def count(what):
        def hook(tensor):
            counts[what] += 1
            return tensor

        return hook

    with torch.autograd.graph.saved_tensors_hooks(count("packed"), count("unpacked")):
        layer(torch.randn(T, B, D, requires_grad=True))[0].sum().backward()
    assert 0 < counts["unpacked"] <= counts["packed"]
