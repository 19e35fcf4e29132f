"""Promises of the compiled steps: exact to the edges of arithmetic; errors in sentences; planted mistakes caught."""

import ctypes
import itertools
import shutil
import subprocess
from pathlib import Path

import pytest
import torch
from torch_oracle import D, T, data, everything, largest_difference, pair

from rnnbook import in_torch
from rnnbook.in_torch import compiled
from rnnbook.in_torch.compiled import LIBRARIES

needs_compiled_steps = pytest.mark.skipif(not LIBRARIES, reason="no C compiler was at the installation")
LAYERS = [("RNN", {}), ("RNN", {"nonlinearity": "relu"}), ("GRU", {}), ("LSTM", {})]
every_layer = pytest.mark.parametrize("name, variant", LAYERS)


@needs_compiled_steps
@every_layer
@pytest.mark.parametrize("steps, batch, hidden", [(1, 1, 1), (3, 1, 5), (4, 2, 16), (2, 3, 33), (2, 40, 70)])
@pytest.mark.parametrize("dtype, tolerance", [(torch.float32, 2e-6), (torch.float64, 1e-14)])
def test_vectors_of_every_length_equal_the_reference(name, variant, steps, batch, hidden, dtype, tolerance):
    torch.manual_seed(0)
    exact = getattr(in_torch, name)(D, hidden, dtype=torch.float64, implementation="reference", **variant)
    ours = getattr(in_torch, name)(D, hidden, dtype=dtype, implementation="compiled", **variant)
    ours.load_state_dict(exact.state_dict())
    exact.load_state_dict(ours.state_dict())  # as this dtype has rounded them
    x = torch.randn(steps, batch, D, dtype=dtype)
    found, expected = everything(ours, x), everything(exact, x.double())
    for key, wanted in expected.items():
        assert (found[key].double() - wanted).abs().max() < tolerance * max(1, wanted.abs().max()), key


@needs_compiled_steps
@every_layer
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_saturated_gates_and_numbers_that_are_none_come_out_as_from_the_reference(name, variant, dtype):
    ours, _ = pair(name, dtype=dtype, own={"implementation": "compiled"}, **variant)
    x, hx = data(ours, dtype=dtype)
    x[0] *= 1e4
    x[1, 0] *= torch.finfo(dtype).max ** 0.5
    x[2, 1] = torch.nan
    found = {"compiled": ours(x, hx)[0]}
    ours.implementation = "reference"
    found["reference"] = ours(x, hx)[0]
    torch.testing.assert_close(found["compiled"], found["reference"], rtol=1e-5, atol=1e-6, equal_nan=True)
    assert found["compiled"].isnan()[:, 1].any(1).tolist() == [False, False, True, True, True]


@needs_compiled_steps
def test_what_the_compiled_steps_cannot_do_is_said():
    x = torch.zeros(T, 3, D)
    with pytest.raises(ValueError, match="reads float32 and float64, but the input is torch.bfloat16"):
        in_torch.GRU(D, 5, implementation="compiled").bfloat16()(x.bfloat16())
    with pytest.raises(ValueError, match="runs on the CPU, but the input is on meta"):
        in_torch.RNN(D, 5, implementation="compiled", device="meta")(x.to("meta"))
    with pytest.raises(ValueError, match="has no peephole; ask for 'handwritten' or 'reference'"):
        in_torch.LSTM(D, 5, implementation="compiled", peephole=True)(x)
    with pytest.raises(ValueError, match="has no reset_after=False"):
        in_torch.GRU(D, 5, implementation="compiled", reset_after=False)(x)


@pytest.mark.skipif(shutil.which("cc") is None, reason="there is no C compiler")
def test_a_compiler_at_the_installation_is_enough():
    """Else every test of the compiled steps would be left out, and nobody would notice."""
    assert LIBRARIES.keys() == compiled.DTYPES.keys() == {torch.float32, torch.float64}


def test_without_the_compiled_steps_the_others_run_and_the_reason_is_said(monkeypatch):
    monkeypatch.setattr(compiled, "LIBRARIES", {})
    layer, x = in_torch.GRU(D, 5), torch.zeros(T, 3, D)
    layer(x)
    assert layer.ran == "handwritten"
    monkeypatch.setattr(compiled, "SOURCE", Path("nowhere", "steps.c"))
    layer.implementation = "compiled"
    with pytest.raises(RuntimeError, match="needs steps.c compiled, but it is not; .* install a C compiler"):
        layer(x)


@needs_compiled_steps
def test_steps_compiled_from_another_source_are_not_run(monkeypatch, tmp_path):
    """Arrays that they do not expect would be written over without a word."""
    folder = shutil.copytree(compiled.SOURCE.parent, tmp_path / "compiled")
    monkeypatch.setattr(compiled, "SOURCE", folder / "steps.c")
    assert compiled.loaded().keys() == LIBRARIES.keys()
    compiled.SOURCE.write_text("int other;")
    assert compiled.loaded() == {}
    with pytest.raises(RuntimeError, match="it has changed since; .* then rnnbook again"):
        compiled.load(torch.float32)


def test_a_file_that_is_no_library_of_this_machine_does_not_stop_the_import(monkeypatch, tmp_path):
    for dtype in compiled.DTYPES.values():
        (tmp_path / f"steps.{dtype}.so").write_text("made elsewhere")
    monkeypatch.setattr(compiled, "SOURCE", tmp_path / "steps.c")
    assert compiled.loaded() == {}
    with pytest.raises(RuntimeError, match=r"cannot load steps.float32.so \(.*\); .* then rnnbook again"):
        compiled.load(torch.float32)


@needs_compiled_steps
@pytest.mark.parametrize(
    "name, options, dtype, runs",
    [("LSTM", {}, torch.float32, "compiled"), ("RNN", {"nonlinearity": "relu"}, torch.float64, "compiled"),
     ("GRU", {}, torch.bfloat16, "handwritten"), ("LSTM", {"peephole": True}, torch.float32, "handwritten"),
     ("GRU", {"reset_after": False}, torch.float32, "handwritten"), ("LSTM", {"proj_size": 2}, None, "reference")],
)  # fmt: skip
def test_auto_takes_the_compiled_steps_where_they_can_run(name, options, dtype, runs):
    layer = getattr(in_torch, name)(D, 5, dtype=dtype, **options)
    layer(torch.zeros(T, 3, D, dtype=dtype))
    assert layer.ran == runs


@needs_compiled_steps
def test_auto_under_autocast_goes_by_its_dtype():
    layer = in_torch.GRU(D, 5)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        layer(torch.zeros(T, 3, D))
    assert layer.ran == "handwritten"


MISTAKES = {
    "RNN": [
        ("sum = u[j] + a[j]", "sum = a[j]"),
        ("sum = u[j] + a[j]", "sum = u[j]"),
        ("h_prev[j] = h[j];\n            h[j] = u", "h[j] = u"),
        ("h[j] = u[j] = out[j] = relu", "h[j] = out[j] = relu"),
        ("h[j] = u[j] = out[j] = relu", "u[j] = out[j] = relu"),
        ("sum < 0 ? 0 : sum", "sum"),
        (": tanh_(sum)", ": sigmoid(sum)"),
        ("dh = back[j] + dh_out[j];   ", "dh = dh_out[j];   "),
        ("dh = back[j] + dh_out[j];   ", "dh = back[j];   "),
        ("h[j] > 0 ? 1 : 0", "h[j] > 0 ? 1 : 1"),
        ("1 - h[j] * h[j]", "1 - h[j]"),
        ("da[j] = da_t[j] = dh * slope", "da_t[j] = dh * slope; da[j] = dh"),
        ("da[j] = da_t[j] = dh * slope", "da[j] = dh * slope; da_t[j] = dh"),
    ],
    "GRU": [
        ("v[2 * H + j] + b_hh[2 * H + j]", "v[2 * H + j]"),
        ("gate[j] + v[j] + b_hh[j]", "gate[j] + v[j]"),
        ("gate[j] + v[j] + b_hh[j]", "v[j] + b_hh[j]"),
        ("gate[H + j] + v[H + j] + b_hh[H + j]", "gate[H + j] + v[j] + b_hh[H + j]"),
        ("tanh_(gate[2 * H + j] + r * v_n)", "tanh_(r * (gate[2 * H + j] + v_n))"),
        ("tanh_(gate[2 * H + j] + r * v_n)", "(gate[2 * H + j] + r * v_n)"),
        ("(1 - z) * n + z * h[j]", "z * n + (1 - z) * h[j]"),
        ("h_prev[j] = h[j];\n            gate", "h_prev[j] = 0;\n            gate"),
        ("v_ns[j] = v_n", "v_ns[j] = 0"),
        ("dh_next[j] + back[j] + dh_out[j]", "dh_next[j] + dh_out[j]"),
        ("dh_next[j] + back[j] + dh_out[j]", "back[j] + dh_out[j]"),
        ("dh_next[j] + back[j] + dh_out[j]", "dh_next[j] + back[j]"),
        ("dh * (1 - z) * (1 - n * n)", "dh * (1 - z)"),
        ("dh * (1 - z) * (1 - n * n)", "dh * z * (1 - n * n)"),
        ("(h_prev[j] - n) * z * (1 - z)", "(n - h_prev[j]) * z * (1 - z)"),
        ("da_n * v_ns[j] * r * (1 - r)", "da_n * r * (1 - r)"),
        ("du[j] = dv[j] = da_r", "du[j] = da_r, dv[j] = da_z"),
        ("dv[2 * H + j] = dv_n[j] = r * da_n", "dv[2 * H + j] = dv_n[j] = da_n"),
        ("dh_next[j] = z * dh", "dh_next[j] = dh"),
    ],
    "LSTM": [
        ("i = sigmoid(gate[j] + a[j])", "i = sigmoid(gate[j])"),
        ("f = sigmoid(gate[H + j] + a[H + j])", "f = sigmoid(gate[H + j] + a[j])"),
        ("g = tanh_(gate[2 * H + j]", "g = sigmoid(gate[2 * H + j]"),
        ("gate[3 * H + j] + a[3 * H + j]", "gate[2 * H + j] + a[2 * H + j]"),
        ("h_prev[j] = h[j], c_prev[j] = c[j]", "c_prev[j] = c[j]"),
        ("h_prev[j] = h[j], c_prev[j] = c[j]", "h_prev[j] = h[j]"),
        ("f * c[j] + i * g", "c[j] + i * g"),
        ("f * c[j] + i * g", "i * c[j] + f * g"),
        ("o * tanh_(c_new)", "o * c_new"),
        ("c[j] = c_new;", ""),
        ("dh = back[j] + dh_out[j];     ", "dh = dh_out[j];     "),
        ("tanh_c = tanh_(f * c_prev[j] + i * g)", "tanh_c = tanh_(c_prev[j])"),
        ("dc_next[j] + dh * o * (1 - tanh_c * tanh_c)", "dh * o * (1 - tanh_c * tanh_c)"),
        ("dc_next[j] + dh * o * (1 - tanh_c * tanh_c)", "dc_next[j] + dh * o"),
        ("dc * g * i * (1 - i)", "dc * g * i"),
        ("dc * c_prev[j] * f * (1 - f)", "dc * f * (1 - f)"),
        ("dc * i * (1 - g * g)", "dc * (1 - g * g)"),
        ("dh * tanh_c * o * (1 - o)", "dc * tanh_c * o * (1 - o)"),
        ("dc_next[j] = dc * f", "dc_next[j] = dc"),
        ("da[H + j] = da_t[H + j] =", "da_t[H + j] ="),
    ],
    "exponential": [
        ("- n * LN2_LOW", ""),
        ("WIDE ? 14 : 7", "WIDE ? 9 : 5"),
        ("(t * b + row)", "(t * b)"),
    ],
}  # fmt: skip


@needs_compiled_steps
@pytest.mark.skipif(shutil.which("cc") is None, reason="there is no C compiler")
@pytest.mark.slow
@pytest.mark.parametrize("part", MISTAKES)
def test_every_mistake_in_the_steps_is_caught(part, tmp_path, monkeypatch):
    def difference(name, variant):
        """The largest one to torch.nn, of outputs and gradients; none where it is no number."""
        ours, theirs = pair(name, own={"implementation": "compiled"}, **variant)
        x, hx = data(theirs, "unsorted")
        try:
            return largest_difference(everything(ours, x, hx, "unsorted"), everything(theirs, x, hx, "unsorted"))
        except AssertionError:
            return None

    def build(source):
        """Compile this source for float64, under a name that was not loaded before, and load it."""
        copy, built = tmp_path / "steps.c", tmp_path / f"{next(number)}.so"
        copy.write_text(source, encoding="utf-8")
        flags = ["-O1", "-std=gnu11", "-shared", "-fPIC", "-Dreal=double", "-DMADE_FROM=0"]
        subprocess.run(["cc", *flags, str(copy), "-o", str(built)], check=True)
        return ctypes.PyDLL(str(built))

    source, number, missed = compiled.SOURCE.read_text(encoding="utf-8"), itertools.count(), []
    for right, wrong in [("", ""), *MISTAKES[part]]:
        assert right in source, right
        monkeypatch.setitem(LIBRARIES, torch.float64, build(source.replace(right, wrong, 1)))
        found = [difference(name, variant) for name, variant in LAYERS]
        if right == wrong:
            assert max(found) < 1e-12  # nothing was planted
        elif all(d is not None and d < 1e-12 for d in found):
            missed.append((right, wrong))
    assert not missed
