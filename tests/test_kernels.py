"""Promises of the Triton kernels: the reference's results, in every size and form that they accept.

With a GPU they run there, in the sizes of practice too; without one, in Triton's interpreter, in small sizes.
"""

import itertools
import json
import os
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest
import torch

if not torch.cuda.is_available():
    os.environ["TRITON_INTERPRET"] = "1"  # read when the kernels' module is imported

import triton
from torch_oracle import FORMS, data, everything, largest_difference, pair

from rnnbook import in_torch
from rnnbook.in_torch import by_hand, gru, kernels, lstm, rnn
from rnnbook.in_torch.choice import choose

DEVICE = "cuda" if torch.cuda.is_available() else "cpu"
RECURRENCES = {"RNN": rnn, "GRU": gru, "LSTM": lstm}
EXACT = {torch.float32: 2e-5, torch.bfloat16: 5e-2, torch.float16: 6e-3}  # of the largest value
SMALL = [([3] * 5, 7), ([1], 1), ([2], 16), ([17] * 3, 5), ([18, 18, 16, 3, 3, 1], 6), ([1] * 4, 13)]  # sizes, H
FILES = (
    "rnnbook/*.py",
    "rnnbook/in_torch/**/*.py",
    "tests/torch_oracle.py",
    "tests/compile_kernels.py",
    "constraints.txt",
)
in_part = pytest.mark.search("kernels in the interpreter", *FILES) if DEVICE == "cpu" else lambda test: test
slow_here = [pytest.mark.slow, in_part] if DEVICE == "cpu" else ()
LARGE = [
    ([16] * 512, 64),
    ([64] * 100, 128),
    ([33] * 200, 256),
    ([128] * 50, 512),
    ([300, 300, 7], 500),
    ([20] * 9, 1024),
]


def problem(name, sizes, H, dtype, bias=True, D=3, seed=0):
    """x, the state, the parameters and a weight for every output, float64, as the dtype rounds them."""
    generator = torch.Generator().manual_seed(seed)

    def draw(*shape, scale=1.0):
        numbers = scale * torch.randn(shape, generator=generator, dtype=torch.float64)
        return numbers.to(dtype).double().to(DEVICE)

    gates, states = {"RNN": (1, 1), "GRU": (3, 1), "LSTM": (4, 2)}[name]
    params = {"weight_ih": draw(gates * H, D, scale=H**-0.5), "weight_hh": draw(gates * H, H, scale=H**-0.5)}
    if bias:
        params |= {"bias_ih": draw(gates * H, scale=0.5), "bias_hh": draw(gates * H, scale=0.5)}
    state = tuple(draw(sizes[0], H) for _ in range(states))
    weights = [draw(sum(sizes), H), *[draw(sizes[0], H) for _ in range(states)]]
    return draw(sum(sizes), D), state, params, weights


def results(recurrence, dtype, x, state, params, weights, sizes, with_dx=True, last_only=False, **options):
    """Outputs and gradients, float64, of a recurrence in this dtype."""
    leaves = [t.to(dtype).requires_grad_() for t in (x, *state, *params.values())]
    leaves[0].requires_grad_(with_dx)
    state, rest = tuple(leaves[1 : 1 + len(state)]), leaves[1 + len(state) :]
    hs, last = recurrence(leaves[0], state, dict(zip(params, rest, strict=True)), sizes, **options)
    outputs = [hs, *last]
    assert {t.dtype for t in outputs} == {dtype}
    read, weights = (outputs[1:], weights[1:]) if last_only else (outputs, weights)
    grads = torch.autograd.grad(read, leaves if with_dx else leaves[1:], [w.to(dtype) for w in weights])
    return [t.detach().double() for t in (*outputs, *grads)]


def by_the_kernels(name):
    """The recurrence of the kernels, as a layer calls it."""
    layer = getattr(in_torch, name)

    def recurrence(x, state, params, sizes, **options):
        return by_hand.recur(layer.by_hand("triton"), layer.reference, x, state, params, sizes, options)

    return recurrence


def error(name, sizes, H, dtype, bias=True, **options):
    """The largest difference to the reference in float64, relative to the largest value, over all results."""
    given, layer = problem(name, sizes, H, dtype, bias), RECURRENCES[name]
    exact = results(layer.reference, torch.float64, *given, sizes, **options)
    found = results(by_the_kernels(name), dtype, *given, sizes, **options)
    differences = [(f - e).abs().max() / e.abs().max().clamp(min=1) for f, e in zip(found, exact, strict=True)]
    return max(d.item() for d in differences)  # NaN fails every comparison with it


@pytest.mark.parametrize("name", RECURRENCES)
@pytest.mark.parametrize("sizes, H", SMALL + (LARGE if DEVICE == "cuda" else []), ids=lambda v: str(v)[:20])
def test_float32_equals_the_reference(name, sizes, H):
    assert error(name, sizes, H, torch.float32) < EXACT[torch.float32]


@in_part
@pytest.mark.parametrize("name", RECURRENCES)
@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16])
@pytest.mark.parametrize(
    "sizes, H", [SMALL[0], SMALL[4]] + (LARGE if DEVICE == "cuda" else []), ids=lambda v: str(v)[:20]
)
def test_half_precision_equals_the_reference_within_its_own(name, dtype, sizes, H):
    assert error(name, sizes, H, dtype) < EXACT[dtype]


@in_part
@pytest.mark.parametrize("name", RECURRENCES)
@pytest.mark.parametrize(
    "dtype, sizes, H",
    [
        (torch.float32, [3, 3, 2], 16),
        pytest.param(torch.float32, [18, 18, 16, 3, 1], 40, marks=slow_here),
        *((dtype, [17, 2], 17) for dtype in EXACT),
        *(pytest.param(dtype, [17] * 3, 17, marks=slow_here) for dtype in EXACT),
    ],
    ids=str,
)
@pytest.mark.parametrize("kept", [False, True])
def test_units_that_are_spread_over_programs_give_the_same(name, kept, dtype, sizes, H, monkeypatch):
    monkeypatch.setattr(kernels, "launch", lambda *_: kernels.Launch(True, 4, 3, parts=4, tile=16, kept=kept))
    assert error(name, sizes, H, dtype) < EXACT[dtype]


@in_part
@pytest.mark.parametrize("name", RECURRENCES)
def test_programs_that_wait_for_each_other_give_the_same_each_time(name, monkeypatch):
    """Bit for bit: one that did not wait long enough would now and then read what is not there yet."""
    monkeypatch.setattr(kernels, "launch", lambda *_: kernels.Launch(True, 4, 3, units=16, parts=2))
    sizes, H, runs = ([48] * 1000, 256, 10) if DEVICE == "cuda" else ([17] * 3, 40, 2)
    given = problem(name, sizes, H, torch.float32)
    found = [results(by_the_kernels(name), torch.float32, *given, sizes) for _ in range(runs)]
    states = len(given[1])
    by_a_kernel = [0, *range(2 + states, 2 + 2 * states)]  # hs and the gradients of the state, without other products
    assert all(torch.equal(found[0][i], again[i]) for again in found for i in by_a_kernel)


@in_part
@pytest.mark.parametrize("name", RECURRENCES)
@pytest.mark.parametrize("spread", [False, True])
@pytest.mark.parametrize("sizes", [[17, 9], pytest.param([17, 17, 9, 8, 1], marks=slow_here)], ids=str)
def test_programs_of_fewer_sequences_give_the_same(name, spread, sizes, monkeypatch):
    monkeypatch.setattr(kernels, "launch", lambda *_: kernels.Launch(spread, 4, 2, rows=8))
    assert error(name, sizes, 20, torch.float32) < EXACT[torch.float32]


@pytest.mark.parametrize("name", RECURRENCES)
@pytest.mark.parametrize("spread", [False, True])
def test_without_bias_and_with_relu(name, spread, monkeypatch):
    monkeypatch.setattr(kernels, "launch", lambda *_: kernels.Launch(spread, 4, 2))
    options = {"nonlinearity": "relu"} if name == "RNN" else {}
    assert error(name, [3, 1], 20, torch.float32, bias=False, **options) < EXACT[torch.float32]


@pytest.mark.parametrize("name", RECURRENCES)
@pytest.mark.parametrize("sizes", [[3, 3, 3], [5, 3, 3, 1]], ids=str)
@pytest.mark.parametrize("spread", [False, True])
def test_the_last_state_alone_gives_gradients_and_x_may_need_none(name, sizes, spread, monkeypatch):
    monkeypatch.setattr(kernels, "launch", lambda *_: kernels.Launch(spread, 4, 2))
    assert error(name, sizes, 7, torch.float32, with_dx=False, last_only=True) < EXACT[torch.float32]


@pytest.mark.parametrize("gates", [1, 3, 4])
@pytest.mark.parametrize("way", [0, 1])
def test_weights_stay_on_chip_where_they_fit(gates, way):
    """On the GPUs of compute capability 8.0 and 9.0, and not on a smaller one."""
    chips = {48: kernels.Chip(60, 48 * 1024), 80: kernels.Chip(108, kernels.SMALLEST), 90: kernels.MEASURED_ON}
    for dtype, H in ((torch.float32, 64), (torch.bfloat16, 128), (torch.bfloat16, 256), (torch.float32, 512)):
        found = {of: kernels.rule(gates, H, 64, dtype, way, chip) for of, chip in chips.items()}
        weights = gates * H * H * dtype.itemsize * (2 if dtype == torch.float32 else 1)
        for of, how in found.items():
            assert how.spread or weights < chips[of].room
        small = H < 256 or (gates == 1 and H == 256)
        assert [found[80].spread, found[90].spread] == [not small, not small]


def test_what_was_measured_decides_on_a_chip_as_large_and_the_rule_elsewhere():
    rows = json.loads(kernels.MEASURED.read_text())["launches"]
    smaller = kernels.MEASURED_ON._replace(processors=108)
    differ = 0
    for row in rows:
        dtype = torch.float32 if row["bytes"] == 4 else torch.float16
        case = row["gates"], row["H"], row["B"], dtype, row["way"]
        found = kernels.launch(*case, kernels.MEASURED_ON)
        assert found == kernels.Launch(*row["launch"])
        assert kernels.launch(*case, smaller) == kernels.rule(*case, smaller)
        differ += found != kernels.rule(*case, kernels.MEASURED_ON)
    assert differ > len(rows) // 3
    other = 3, 200, 90, torch.float32, 0  # H up to the next power of two, B nearest on a logarithmic scale
    assert kernels.launch(*other, kernels.MEASURED_ON) == kernels.launch(3, 256, 64, *other[3:], kernels.MEASURED_ON)


def test_the_rule_lets_all_programs_run_at_once_where_the_chip_allows():
    for gates, H, B, dtype, way in itertools.product((1, 3, 4), (256, 512, 1024), (1, 16, 64), kernels.DTYPES, (0, 1)):
        how = kernels.rule(gates, H, B, dtype, way, kernels.MEASURED_ON)
        if how.spread:
            assert kernels.spread_over(H, B, how.rows, how.units) <= kernels.MEASURED_ON.processors


@pytest.mark.parametrize("name", RECURRENCES)
@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize(
    "num_layers, bidirectional", [(1, False), pytest.param(2, True, marks=slow_here)], ids=["one", "two both ways"]
)
def test_a_layer_runs_on_the_kernels_where_it_is_asked_to(name, form, num_layers, bidirectional):
    """As ``torch.nn`` on a CPU, since cuDNN is a few times 1e-5 off in float32."""
    arguments = {"num_layers": num_layers, "bidirectional": bidirectional, "dtype": torch.float32}
    ours, theirs = pair(name, own={"implementation": "triton"}, **arguments)
    x, hx = data(theirs, form, dtype=torch.float32)
    on = tuple(s.to(DEVICE) for s in hx) if isinstance(hx, tuple) else hx.to(DEVICE)
    found = everything(ours.to(DEVICE), x.to(DEVICE), on, form)
    found = {key: value.cpu() if torch.is_tensor(value) else value for key, value in found.items()}
    assert largest_difference(found, everything(theirs, x, hx, form)) < 2e-5
    assert ours.ran == "triton"


def test_a_second_derivative_goes_through_the_reference():
    given = problem("GRU", [3, 2], 4, torch.float32)
    found = []
    for recurrence in (by_the_kernels("GRU"), in_torch.GRU.reference):
        x = given[0].float().requires_grad_()
        params = {key: value.float() for key, value in given[2].items()}
        hs, _ = recurrence(x, (given[1][0].float(),), params, [3, 2])
        (dx,) = torch.autograd.grad(hs.square().sum(), x, create_graph=True)
        found.append(torch.autograd.grad(dx.square().sum(), x)[0])
    torch.testing.assert_close(*found, rtol=1e-4, atol=1e-5)


def test_auto_takes_the_kernels_on_a_gpu_for_what_they_can_do(monkeypatch):
    def chosen(H=7, dtype=torch.float32, gates=3, **options):
        on_a_gpu = SimpleNamespace(size=lambda axis: 15, device=torch.device("cuda"), dtype=dtype, is_cuda=True)
        monkeypatch.setattr("rnnbook.in_torch.choice.are_plain", lambda *tensors: True)
        return choose("auto", on_a_gpu, (), {"weight_hh": torch.empty(gates * H, H, device="meta")}, options)

    assert chosen() == chosen(dtype=torch.bfloat16) == chosen(512, reset_after=True) == "triton"
    assert chosen(kernels.LARGEST, gates=4) == chosen(kernels.LARGEST, torch.float16, gates=1) == "triton"
    assert chosen(dtype=torch.float64) == chosen(kernels.LARGEST + 1, torch.float16, gates=1) == "handwritten"
    assert chosen(peephole=True) == chosen(reset_after=False) == "handwritten"
    layer = in_torch.GRU(3, 7, device=DEVICE)
    layer(torch.zeros(5, 2, 3, device=DEVICE))
    assert (layer.ran == "triton") == (DEVICE == "cuda")


def test_what_the_kernels_cannot_do_is_said(monkeypatch):
    x = torch.zeros(2, 3, 4, device=DEVICE)
    with pytest.raises(ValueError, match="reads float32, bfloat16 and float16, but the input is torch.float64"):
        in_torch.GRU(4, 5, implementation="triton", dtype=torch.float64, device=DEVICE)(x.double())
    with pytest.raises(ValueError, match="works up to hidden_size = 1024, but it is 1025"):
        in_torch.RNN(4, 1025, implementation="triton", device=DEVICE)(x)
    with pytest.raises(ValueError, match="has no peephole; ask for 'handwritten' or 'reference'"):
        in_torch.LSTM(4, 5, implementation="triton", peephole=True, device=DEVICE)(x)
    with pytest.raises(ValueError, match="has no reset_after=False"):
        in_torch.GRU(4, 5, implementation="triton", reset_after=False, device=DEVICE)(x)
    with pytest.raises(ValueError, match="should be 'reference' where proj_size is not 0"):
        in_torch.LSTM(4, 5, implementation="triton", proj_size=2)
    monkeypatch.setattr(triton.knobs.runtime, "interpret", False)
    with pytest.raises(ValueError, match="needs a CUDA device, but the input is on cpu"):
        in_torch.GRU(4, 5, implementation="triton")(x.cpu())


@in_part
@pytest.mark.slow
def test_every_kernel_compiles_for_a_gpu_within_its_memory():
    """For compute capability 8.0 and 9.0; a GPU is not needed for it."""
    command = [sys.executable, Path(__file__).with_name("compile_kernels.py")]
    variables = os.environ | {"TRITON_INTERPRET": "0"}
    done = subprocess.run(command, env=variables, capture_output=True, text=True, timeout=3000)
    assert done.returncode == 0, done.stderr
    found = [line.split() for line in done.stdout.splitlines()]
    assert len({(name, function) for name, function, *_ in found}) == 12
    for *_, shared, room in found:
        assert 0 < int(shared) <= int(room)
