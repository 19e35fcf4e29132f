"""Promises of in_torch's RNN, GRU and LSTM beside the option product: what a program built on torch.nn relies on."""

import copy
import pickle
import warnings

import numpy as np
import pytest
import torch
from searches import LIBRARY, SLOW
from torch import nn
from torch.autograd import forward_ad
from torch.nn.utils.rnn import pack_padded_sequence, pad_packed_sequence
from torch_oracle import AUTO, IMPLEMENTATIONS, B, D, H, T, data, everything, largest_difference, pair

from rnnbook import in_numpy, in_torch

in_part = pytest.mark.search(SLOW, *LIBRARY, "constraints.txt", "tests/torch_oracle.py")

NAMES = ["RNN", "GRU", "LSTM"]
LAYERS = [
    ("RNN", {}),
    ("RNN", {"nonlinearity": "relu"}),
    ("GRU", {}),
    ("GRU", {"reset_after": False}),
    ("LSTM", {}),
    ("LSTM", {"peephole": True}),
]
every_layer = pytest.mark.parametrize("name, variant", LAYERS)
every_name = pytest.mark.parametrize("name", NAMES)
OURS_ALONE = ["reset_after", "peephole"]  # variants that torch.nn and the compiled steps lack
every_computation = pytest.mark.parametrize(
    "name, variant, implementation",
    [(n, v, i) for n, v in LAYERS for i in IMPLEMENTATIONS if i != "compiled" or not v.keys() & set(OURS_ALONE)],
)


@every_computation
@pytest.mark.parametrize("bias", [True, False])
@pytest.mark.parametrize("lengths", [None, [5, 3, 2], [2, 5, 3]])
def test_outputs_and_gradients_equal_the_numpy_wing(name, variant, implementation, bias, lengths):
    rng = np.random.default_rng(0)
    theirs = getattr(in_numpy, name)(D, H, bias=bias, dtype=np.float64, rng=rng, **variant)
    ours = getattr(in_torch, name)(D, H, bias=bias, dtype=torch.float64, implementation=implementation, **variant)
    ours.load_state_dict({key: torch.from_numpy(value) for key, value in theirs.state_dict().items()})
    x, dhs = rng.normal(size=(T, B, D)), rng.normal(size=(T, B, H))
    state, dstate = (tuple(rng.normal(size=(B, H)) for _ in ours.state_names) for _ in range(2))
    single = len(state) == 1
    hs, last, trace = theirs.forward(x, state[0] if single else state, lengths)
    dx, dfirst, grads = theirs.backward(dhs, trace, dstate[0] if single else dstate)

    x_torch = torch.tensor(x, requires_grad=True)
    hx = [torch.tensor(s[None], requires_grad=True) for s in state]
    read = x_torch if lengths is None else pack_padded_sequence(x_torch, lengths, enforce_sorted=False)
    y, h = ours(read, hx[0] if single else tuple(hx))
    y = y if lengths is None else pad_packed_sequence(y)[0]
    h = (h,) if single else h
    torch.autograd.backward([y, *h], [torch.from_numpy(d) for d in (dhs, *(d[None] for d in dstate))])
    found = [y, x_torch.grad, *[s[0] for s in h], *[s.grad[0] for s in hx], *[p.grad for p in ours.parameters()]]
    last, dfirst = ((last,), (dfirst,)) if single else (last, dfirst)
    expected = [hs, dx, *last, *dfirst, *[grads[key.removesuffix("_l0")] for key, _ in ours.named_parameters()]]
    for ours_, theirs_ in zip(found, expected, strict=True):
        np.testing.assert_allclose(ours_.detach().numpy(), theirs_, rtol=0, atol=1e-12)


@in_part
@every_computation
@pytest.mark.parametrize("along_one_direction", [True, pytest.param(False, marks=pytest.mark.slow)])
def test_gradients_equal_finite_differences_and_so_do_second_derivatives(
    name, variant, implementation, along_one_direction
):
    """Along one random direction, which a wrong element has no chance to be orthogonal to; or element by element."""
    torch.manual_seed(0)
    layer = getattr(in_torch, name)(2, 3, dtype=torch.float64, implementation=implementation, **variant)
    x, hx = torch.randn(3, 2, 2, dtype=torch.float64), torch.randn(1, 2, 3, dtype=torch.float64)
    state = tuple(hx.clone() for _ in layer.state_names)
    tensors = [t.requires_grad_() for t in (x, *state, *[p.detach().clone() for p in layer.parameters()])]
    names = [key for key, _ in layer.named_parameters()]

    def outputs(x, *rest):
        state, params = rest[: len(layer.state_names)], rest[len(layer.state_names) :]
        hx = state[0] if len(state) == 1 else state
        y, last = torch.func.functional_call(layer, dict(zip(names, params, strict=True)), (x, hx))
        return y, *(last if isinstance(last, tuple) else (last,))

    assert torch.autograd.gradcheck(outputs, tensors, atol=1e-8, rtol=1e-6, fast_mode=along_one_direction)
    assert layer.ran == implementation
    assert torch.autograd.gradgradcheck(outputs, tensors, atol=1e-7, rtol=1e-5, fast_mode=along_one_direction)


@pytest.mark.parametrize(
    "name, arguments",
    [(n, a) for n in NAMES for a in ({}, {"num_layers": 2, "bidirectional": True}, {"bias": False})]
    + [("LSTM", {"proj_size": 4})],
)
def test_one_seed_draws_the_parameters_of_torch_and_prints_the_same(name, arguments):
    ours, theirs = pair(name, **arguments)
    assert largest_difference(ours.state_dict(), theirs.state_dict()) == 0
    assert repr(ours) == repr(theirs)
    theirs.load_state_dict(ours.state_dict())
    expected = [[w.shape for w in weights] for weights in theirs.all_weights]
    assert [[w.shape for w in weights] for weights in ours.all_weights] == expected
    assert ours.flatten_parameters() is None


def test_a_variant_prints_its_name():
    assert repr(in_torch.GRU(2, 3, reset_after=False)) == "GRU(2, 3, reset_after=False)"
    assert repr(in_torch.LSTM(2, 3, 2, peephole=True)) == "LSTM(2, 3, num_layers=2, peephole=True)"
    assert repr(in_torch.RNN(2, 3, implementation="reference")) == "RNN(2, 3, implementation=reference)"


@every_name
@pytest.mark.parametrize("copied", [copy.deepcopy, lambda layer: pickle.loads(pickle.dumps(layer))])
def test_a_copy_reads_and_learns_as_the_original_does(name, copied):
    ours, _ = pair(name, num_layers=2)
    x, hx = data(ours)
    twin = copied(ours)
    assert largest_difference(everything(twin, x, hx), everything(ours, x, hx)) == 0
    with torch.no_grad():
        next(twin.parameters()).add_(1)
    assert (next(twin.parameters()) - next(ours.parameters())).abs().min() > 0.9


@every_name
def test_to_moves_the_dtype_and_a_replaced_parameter_is_read(name):
    ours, theirs = pair(name, dtype=torch.float32)
    x, hx = data(theirs)
    ours, theirs = ours.to(torch.float64), theirs.to(torch.float64)
    assert largest_difference(everything(ours, x, hx), everything(theirs, x, hx)) < 1e-12
    for layer in (ours, theirs):
        layer.weight_hh_l0 = nn.Parameter(torch.full_like(layer.weight_hh_l0, 0.1))
    assert largest_difference(everything(ours, x, hx), everything(theirs, x, hx)) < 1e-12


@every_name
def test_functional_call_reads_the_parameters_that_it_is_given(name):
    ours, theirs = pair(name)
    x, _ = data(theirs)
    other = {key: p.detach() * 2 for key, p in theirs.named_parameters()}
    found = [torch.func.functional_call(layer, other, (x,))[0] for layer in (ours, theirs)]
    torch.testing.assert_close(*found, rtol=0, atol=1e-12)


@every_name
@pytest.mark.filterwarnings("ignore:`torch.jit.script` is deprecated:DeprecationWarning")  # forward mode's own
def test_transformations_of_torch_func_go_through_the_reference(name):
    ours, _ = pair(name)
    x, _ = data(ours)
    params = {key: p.detach() for key, p in ours.named_parameters()}
    found = torch.func.grad(lambda p: torch.func.functional_call(ours, p, (x,))[0].sum())(params)
    assert ours.ran == "reference"
    ours.zero_grad()
    ours(x)[0].sum().backward()
    assert ours.ran == AUTO
    assert largest_difference(found, {key: p.grad for key, p in ours.named_parameters()}) < 1e-12
    stacked = torch.func.vmap(lambda x: ours(x)[0])(torch.stack([x, -x]))
    torch.testing.assert_close(stacked, torch.stack([ours(x)[0], ours(-x)[0]]))
    _, tangent = torch.func.jvp(lambda x: ours(x)[0], (x,), (torch.ones_like(x),))
    with forward_ad.dual_level():
        dual = ours(forward_ad.make_dual(x, torch.ones_like(x)))[0]
        torch.testing.assert_close(forward_ad.unpack_dual(dual).tangent, tangent, rtol=0, atol=1e-12)
    step = (ours(x + 1e-6)[0] - ours(x - 1e-6)[0]) / 2e-6
    torch.testing.assert_close(tangent, step, rtol=0, atol=1e-8)


@every_name
@pytest.mark.parametrize("implementation", ["reference", "handwritten"])
def test_bfloat16_stays_within_its_precision(name, implementation):
    ours, theirs = pair(name, own={"implementation": implementation}, num_layers=2, bidirectional=True)
    x, hx = data(theirs)
    exact = everything(theirs, x, hx)
    ours = ours.bfloat16()
    hx = tuple(s.bfloat16() for s in hx) if isinstance(hx, tuple) else hx.bfloat16()
    found = everything(ours, x.bfloat16(), hx)
    for key, expected in exact.items():
        assert found[key].dtype == torch.bfloat16
        assert (found[key].double() - expected).abs().max() < 0.04 * max(1, expected.abs().max()), key


@every_name
def test_autocast_runs_in_its_dtype_and_leaves_gradients_in_the_parameters(name, oracle):
    ours, theirs = pair(name, dtype=torch.float32)
    x, _ = data(theirs, dtype=torch.float32)
    exact = theirs(x)[0]
    with torch.autocast("cpu", dtype=torch.bfloat16):
        y, _ = ours(x)
        expected = oracle(f"torch.nn.{name} under bfloat16 autocast", lambda: theirs(x)[0])
    assert y.dtype == torch.bfloat16
    # autocast rounds the weights and the input to bfloat16's 8 digits, and a state, below 1, at each of T steps
    rounding = T * 2.0**-8
    rounded = torch.func.functional_call(theirs, {k: p.bfloat16().float() for k, p in theirs.named_parameters()},
                                         (x.bfloat16().float(),))[0]  # fmt: skip
    assert (y - rounded).abs().max() < rounding
    assert not torch.equal(y.float(), exact)
    if expected is not None:
        assert (y - expected).abs().max() < 2 * rounding
        if (
            name != "GRU"
        ):  # torch.nn's returns float32 on the CPU, and autocast's dtype on a GPU, as this one everywhere
            assert y.dtype == expected.dtype
    y.float().sum().backward()
    assert {p.grad.dtype for p in ours.parameters()} == {torch.float32}


@in_part
@pytest.mark.slow
@every_name
@pytest.mark.filterwarnings("ignore:The .grad attribute of a Tensor that is not a leaf:UserWarning")  # Dynamo's own
def test_a_compiled_model_computes_the_same(name):
    ours, _ = pair(name)
    x, hx = data(ours)
    x = x[:2]  # the compiler reads every step of the reference, forwards and backwards
    expected = everything(ours, x, hx)
    compiled = torch.compile(nn.Sequential(ours), backend="aot_eager")
    torch.testing.assert_close(compiled(x)[0], ours(x)[0], rtol=0, atol=1e-12)
    ours.implementation = "reference"
    ours.compile(backend="aot_eager", fullgraph=True)
    assert largest_difference(everything(ours, x, hx), expected) < 1e-12


@pytest.mark.parametrize(
    "name, implementation",
    [
        pytest.param(
            name, i, marks=[pytest.mark.slow] if (name, i) not in {("RNN", "handwritten"), ("GRU", AUTO)} else []
        )
        for name in NAMES
        for i in IMPLEMENTATIONS
        if i != "reference"
    ],
)
@pytest.mark.filterwarnings("ignore:The .grad attribute of a Tensor that is not a leaf:UserWarning")  # Dynamo's own
def test_torch_compile_leaves_the_loop_over_time_alone(name, implementation):
    """It would take minutes to unroll it, and the result would be slower."""
    from torch._dynamo.utils import counters

    ours, _ = pair(name, own={"implementation": implementation})
    steps = 20
    x = torch.randn(steps, B, D, dtype=torch.float64)
    torch._dynamo.reset()
    counters.clear()
    torch.testing.assert_close(torch.compile(ours, backend="eager")(x)[0], ours(x)[0])
    assert ours.ran == implementation and counters["stats"]["calls_captured"] < steps


@in_part
@every_name
def test_export_keeps_the_batch_size_open(name):
    ours, theirs = pair(name, bidirectional=True)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # torch.export's own
        exported = torch.export.export(
            ours, (data(ours)[0][:2],), dynamic_shapes={"input": {1: torch.export.Dim("B", min=2)}}
        )
    x = torch.randn(2, 11, D, dtype=torch.float64)
    torch.testing.assert_close(exported.module()(x)[0], theirs(x)[0], rtol=0, atol=1e-12)


@every_name
def test_an_output_may_be_changed_in_place(name):
    ours, theirs = pair(name)
    x, _ = data(theirs)
    for layer in (ours, theirs):
        y = layer(x)[0] * 1 if layer is theirs else layer(x)[0].relu_()
        y.relu().sum().backward()
    mine, other = ({k: p.grad for k, p in layer.named_parameters()} for layer in (ours, theirs))
    assert largest_difference(mine, other) < 1e-12


@every_name
def test_without_gradients_nothing_is_recorded(name):
    ours, theirs = pair(name)
    x, _ = data(theirs)
    with torch.no_grad():
        y = ours(x)[0]
    assert y.grad_fn is None and not y.requires_grad
    torch.testing.assert_close(y, theirs(x)[0], rtol=0, atol=1e-12)


@every_name
def test_a_frozen_input_side_still_trains_the_rest(name):
    ours, theirs = pair(name)
    x, _ = data(theirs)
    for layer in (ours, theirs):
        layer.weight_ih_l0.requires_grad_(False)
        layer(x)[0].square().sum().backward()
    assert ours.weight_ih_l0.grad is None
    torch.testing.assert_close(ours.weight_hh_l0.grad, theirs.weight_hh_l0.grad, rtol=0, atol=1e-12)


@every_name
@pytest.mark.parametrize("implementation", ["auto", *IMPLEMENTATIONS, "triton"])
def test_an_empty_batch_gives_empty_outputs_and_gradients_of_zero(name, implementation):
    ours, theirs = pair(name, own={"implementation": implementation})
    x = torch.zeros(T, 0, D, dtype=torch.float64)
    found, expected = everything(ours, x), everything(theirs, x)
    torch.testing.assert_close(found, expected, rtol=0, atol=0)
    assert found["y"].shape == (T, 0, H) and ours.ran == "reference"


@every_name
@pytest.mark.parametrize("implementation", ["reference", "handwritten"])
def test_the_meta_device_gives_the_shapes_alone(name, implementation):
    layer = getattr(in_torch, name)(D, H, 2, bidirectional=True, device="meta", implementation=implementation)
    y, last = layer(torch.empty(T, B, D, device="meta"))
    assert y.shape == (T, B, 2 * H) and y.device.type == "meta"
    assert {s.shape for s in (last if isinstance(last, tuple) else (last,))} == {(4, B, H)}
