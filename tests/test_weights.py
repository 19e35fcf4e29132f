"""A weight file fits both versions and ``torch.nn``, and a damaged one changes nothing."""

import json
import os
import sys
from textwrap import dedent
from unittest.mock import Mock

import numpy as np
import pytest
import torch
from safetensors.numpy import save_file

from rnnbook import in_numpy, weights
from rnnbook.weights import storage

D, H = 2, 7
CELLS = {
    "RNN": (in_numpy.RNN, torch.nn.RNN),
    "GRU": (in_numpy.GRU, torch.nn.GRU),
    "LSTM": (in_numpy.LSTM, torch.nn.LSTM),
}


def deep(cell, seed=0):
    rng = np.random.default_rng(seed)
    sizes = [D, 2 * H]
    return in_numpy.Stacked([in_numpy.Bidirectional(cell(size, H, rng=rng), cell(size, H, rng=rng)) for size in sizes])


def assert_same(a, b):
    assert list(a) == list(b)
    for name, value in a.items():
        np.testing.assert_array_equal(value, b[name], err_msg=name)


@pytest.mark.parametrize("cell, module", CELLS.values(), ids=CELLS)
def test_a_file_goes_round_through_torch_nn(cell, module, tmp_path):
    ours, back, theirs = deep(cell), deep(cell, seed=1), module(D, H, num_layers=2, bidirectional=True)
    weights.save(ours, tmp_path / "ours.safetensors")
    assert weights.load(theirs, tmp_path / "ours.safetensors") is theirs
    weights.save(theirs, tmp_path / "theirs.safetensors")
    weights.load(back, tmp_path / "theirs.safetensors")
    assert_same(back.state_dict(), ours.state_dict())
    x = np.random.default_rng(2).normal(size=(5, 3, D)).astype(np.float32)
    expected = theirs(torch.from_numpy(x))[0].detach()
    np.testing.assert_allclose(ours.forward(x)[0], expected, rtol=0, atol=1e-6)


@pytest.mark.parametrize(
    "make",
    [
        lambda rng: in_numpy.Linear(3, 4, rng=rng),
        lambda rng: in_numpy.Embedding(3, 4, rng=rng),
        lambda rng: in_numpy.LSTM(3, 4, peephole=True, dtype=np.float64, rng=rng),
        lambda rng: in_numpy.LanguageModel(9, in_numpy.GRU(3, 4, rng=rng), rng=rng),
        lambda rng: in_numpy.SequenceClassifier(9, in_numpy.RNN(3, 4, rng=rng), rng=rng),
    ],
)
def test_every_layer_and_model_comes_back_bit_for_bit(make, tmp_path):
    one, other = (make(np.random.default_rng(seed)) for seed in range(2))
    weights.save(one, tmp_path / "a file")
    assert_same(weights.load(other, tmp_path / "a file").state_dict(), one.state_dict())


def damaged(arrays, how):
    arrays = dict(arrays)
    if how == "missing":
        del arrays["bias_ih_l0"]
    if how == "extra":
        arrays["weight_hr_l0"] = np.zeros(3, np.float32)
    if how == "shape":
        arrays["weight_hh_l0"] = arrays["weight_hh_l0"].T
    if how in ("nan", "inf", "-inf"):  # one number of them
        arrays["bias_hh_l0"] = np.where(np.arange(3 * H) == 2 * H, np.float32(how), arrays["bias_hh_l0"])
    return {name: np.ascontiguousarray(array) for name, array in arrays.items()}


@pytest.mark.parametrize(
    "how, sentence",
    [
        ("missing", "{path} should hold the tensor bias_ih_l0, but does not"),
        ("extra", "{path} holds the tensor weight_hr_l0, which the layer does not have"),
        ("shape", "weight_hh_l0 should have shape (21, 7), but has shape (7, 21) in {path}"),
        ("nan", "bias_hh_l0 should hold finite numbers, but holds NaN or infinity in {path}"),
        ("inf", "bias_hh_l0 should hold finite numbers, but holds NaN or infinity in {path}"),
        ("-inf", "bias_hh_l0 should hold finite numbers, but holds NaN or infinity in {path}"),
    ],
)
@pytest.mark.parametrize("make", [lambda: in_numpy.GRU(D, H), lambda: torch.nn.GRU(D, H)], ids=["numpy", "torch"])
def test_a_wrong_tensor_is_named_and_nothing_changes(make, how, sentence, tmp_path):
    path = tmp_path / "wrong.safetensors"
    save_file(damaged(in_numpy.GRU(D, H).state_dict(), how), path)
    layer = make()
    before = {name: storage.as_array(value).copy() for name, value in layer.state_dict().items()}
    with pytest.raises(ValueError) as caught:
        weights.load(layer, path)
    assert str(caught.value) == sentence.format(path=path)
    assert_same({name: storage.as_array(value) for name, value in layer.state_dict().items()}, before)


def test_a_file_cut_off_names_the_tensor(tmp_path):
    path, layer = tmp_path / "cut.safetensors", in_numpy.GRU(D, H)
    weights.save(layer, path)
    whole = path.read_bytes()
    order = sorted((v["data_offsets"], name) for name, v in storage._header(whole).items())
    path.write_bytes(whole[: len(whole) - 5])
    with pytest.raises(ValueError) as caught:
        weights.load(layer, path)
    announced = f"{len(whole) - 5} bytes, {len(whole)} announced"
    tail = f"but ends inside the tensor {order[-1][1]}: {announced}"
    assert str(caught.value) == f"{path} should be a whole safetensors file, {tail}"


@pytest.mark.parametrize("content", [b"", b"abc", b"\x80\x04\x95pickle", (10**9).to_bytes(8, "little") + b"{}"])
def test_what_is_no_safetensors_file_is_refused(content, tmp_path):
    path = tmp_path / "other.bin"
    path.write_bytes(content)
    with pytest.raises(
        ValueError, match="should be a whole safetensors file, but (its head cannot be read|Error while)"
    ):
        weights.load(in_numpy.RNN(D, H), path)


def test_a_file_that_is_not_there_is_named(tmp_path):
    with pytest.raises(FileNotFoundError, match="nowhere.safetensors"):
        weights.load(in_numpy.RNN(D, H), tmp_path / "nowhere.safetensors")


def test_a_failed_write_leaves_the_old_file_alone(tmp_path, monkeypatch):
    path = tmp_path / "w.safetensors"
    weights.save(in_numpy.RNN(D, H), path)
    before = path.read_bytes()
    monkeypatch.setattr("os.fsync", lambda descriptor: (_ for _ in ()).throw(OSError("the disk is full")))
    with pytest.raises(OSError, match="the disk is full"):
        weights.save(in_numpy.RNN(D, H), path)
    assert path.read_bytes() == before and [file.name for file in tmp_path.iterdir()] == ["w.safetensors"]


def test_a_nest_of_values_and_arrays_goes_round():
    nest = {
        "a": [1, 2.5, None, True, "text", float("inf"), 2**100],
        0: {"step": torch.tensor(3.0), "rows": np.arange(6).reshape(2, 3)},
        "betas": (0.9, 0.999),
        "empty": {"dict": {}, "list": []},
    }
    arrays = {}
    text = json.dumps(storage.flatten(nest, arrays))
    back = storage.unflatten(json.loads(text), arrays)
    assert list(back) == list(nest) and back["a"] == nest["a"] and back["betas"] == nest["betas"]
    assert back["empty"] == nest["empty"] and type(back["betas"]) is tuple
    assert torch.equal(back[0]["step"], torch.tensor(3.0))
    np.testing.assert_array_equal(back[0]["rows"], nest[0]["rows"])


def test_places_that_read_alike_keep_their_own_arrays():
    nest = {
        0: np.array(1),
        "0": np.array(2),
        "a/b": {"x": np.array(3)},
        "a": {"b/x": np.array(4), "b": {"x": np.array(5)}},
    }
    arrays = {}
    back = storage.unflatten(json.loads(json.dumps(storage.flatten(nest, arrays))), arrays)
    assert len(arrays) == 5 and back == nest


def test_a_key_that_would_not_come_back_is_named():
    with pytest.raises(TypeError) as caught:
        storage.flatten({"model": {(0, 1): 2}}, {})
    assert str(caught.value) == "the key of model/(0, 1) should be a string or a number, but is a tuple"


LAYOUTS = {
    "turned": lambda a: a.T,
    "turned, three axes": lambda a: a.reshape(2, 3, 4).transpose(2, 0, 1),
    "by columns": np.asfortranarray,
    "every second": lambda a: a[:, ::2],
    "backwards": lambda a: a[::-1, ::-1],
    "one number": lambda a: a[1, 2],
    "no axis": lambda a: np.asarray(a[1, 2]),
    "repeated": lambda a: np.broadcast_to(a[0], (3, 4)),
    "nothing in it": lambda a: a[:0],
}


@pytest.mark.parametrize("layout", LAYOUTS.values(), ids=LAYOUTS)
@pytest.mark.parametrize("dtype", [np.float32, np.float64, np.float16, np.int64, np.uint8, bool])
def test_an_array_in_any_layout_of_memory_comes_back_as_it_was(layout, dtype, tmp_path):
    array = layout(np.arange(24).reshape(6, 4).astype(dtype) % 7)
    storage.write(tmp_path / "a", {"a": array}, {"said": "ä"})
    back, said = storage.read(tmp_path / "a")
    assert back["a"].dtype == array.dtype and back["a"].shape == array.shape and said == {"said": "ä"}
    np.testing.assert_array_equal(back["a"], array)


@pytest.mark.parametrize("layout", [lambda t: t.T, lambda t: t[:, ::2], lambda t: t[0].expand(3, 4)])
def test_a_tensor_in_any_layout_of_memory_comes_back_as_it_was(layout, tmp_path):
    tensor, arrays = layout(torch.arange(24.0).reshape(6, 4)), {}
    nest = storage.flatten({"t": tensor}, arrays)
    storage.write(tmp_path / "t", arrays)
    assert torch.equal(storage.unflatten(nest, storage.read(tmp_path / "t")[0])["t"], tensor)


def test_all_is_on_the_disk_before_the_file_takes_its_name(tmp_path, monkeypatch):
    seen = []
    monkeypatch.setattr("os.fsync", lambda descriptor: seen.append(os.fstat(descriptor).st_size))
    replace = os.replace
    monkeypatch.setattr("os.replace", lambda a, b: (seen.append("named"), replace(a, b)))
    weights.save(in_numpy.RNN(D, H), tmp_path / "w")
    assert seen == [(tmp_path / "w").stat().st_size, "named"]


@pytest.mark.parametrize("stored", [np.float16, np.float32, np.float64])
@pytest.mark.parametrize("own", [np.float32, np.float64])
def test_a_layer_of_numpy_takes_a_file_of_any_precision_in_its_own(stored, own, tmp_path):
    layer = in_numpy.LSTM(2, 3, dtype=own, rng=0)
    arrays = {name: array.astype(stored) for name, array in in_numpy.LSTM(2, 3, rng=1).state_dict().items()}
    storage.write(tmp_path / "lstm.safetensors", arrays)
    weights.load(layer, tmp_path / "lstm.safetensors")
    for name, array in layer.state_dict().items():
        assert array.dtype == own
        np.testing.assert_array_equal(array, arrays[name].astype(own))


@pytest.mark.parametrize(
    "make, own, stored, large",
    [
        (torch.nn.GRU, torch.float16, np.float32, 1e5),
        (torch.nn.GRU, torch.float32, np.float64, -1e300),
        (torch.nn.GRU, torch.bfloat16, np.float32, 3.4e38),  # bfloat16's largest is 3.39e38
        (in_numpy.GRU, np.float32, np.float64, -1e300),
    ],
)
def test_a_number_too_large_for_the_layers_precision_is_named_and_nothing_changes(make, own, stored, large, tmp_path):
    layer = make(D, H, dtype=own)
    arrays = {name: array.astype(stored) for name, array in in_numpy.GRU(D, H).state_dict().items()}
    arrays["bias_hh_l0"][H] = large
    storage.write(tmp_path / "w", arrays)
    before = {name: storage.as_array(value).copy() for name, value in layer.state_dict().items()}
    with pytest.raises(ValueError) as caught:
        weights.load(layer, tmp_path / "w")
    fits = f"bias_hh_l0 should hold numbers that fit in {layer.state_dict()['bias_hh_l0'].dtype}"
    assert str(caught.value) == f"{fits}, but holds {arrays['bias_hh_l0'][H]} in {tmp_path / 'w'}"
    assert_same({name: storage.as_array(value) for name, value in layer.state_dict().items()}, before)


@pytest.mark.parametrize(
    "own, stored",
    [
        (torch.int8, np.array([-128, 127, 300])),
        (torch.uint8, np.array([0, 255, -1])),
        (torch.int32, np.array([1, 2, -(2**31) - 1])),
        (torch.int64, np.array([1, 2, 2**63], np.uint64)),
        (torch.bool, np.array([0, 1, 2], np.uint8)),
    ],
    ids=str,
)
def test_a_whole_number_too_large_for_the_layers_dtype_is_named_and_nothing_changes(own, stored, tmp_path):
    layer = torch.nn.Module()
    layer.register_buffer("steps", torch.zeros(3, dtype=own))
    storage.write(tmp_path / "w", {"steps": stored})
    with pytest.raises(ValueError) as caught:
        weights.load(layer, tmp_path / "w")
    fits = f"steps should hold numbers that fit in {own}"
    assert str(caught.value) == f"{fits}, but holds {stored[2]} in {tmp_path / 'w'}"
    assert layer.steps.tolist() == [0, 0, 0]
    stored[2] = 1
    storage.write(tmp_path / "w", {"steps": stored})
    assert weights.load(layer, tmp_path / "w").steps.tolist() == stored.tolist()  # what fits is taken


def test_complex_numbers_are_not_loaded_as_whole_ones(tmp_path):
    layer = torch.nn.Module()
    layer.register_buffer("a", torch.zeros(2, dtype=torch.int64))
    storage.write(tmp_path / "w", {"a": np.array([1 + 2j, 3], np.complex64)})
    with pytest.raises(ValueError, match="^a should hold numbers like int64, but holds complex64 in .*w$"):
        weights.load(layer, tmp_path / "w")


def test_a_layer_of_numpy_is_filled_without_pytorch(tmp_path, monkeypatch):
    one, other = in_numpy.RNN(D, H), in_numpy.RNN(D, H)
    weights.save(one, tmp_path / "w")
    monkeypatch.delitem(sys.modules, "torch")
    assert_same(weights.load(other, tmp_path / "w").state_dict(), one.state_dict())


def test_bfloat16_is_stored_without_loss():
    tensor = torch.tensor([1.5, -3e38], dtype=torch.bfloat16, requires_grad=True)
    assert torch.equal(torch.from_numpy(storage.as_array(tensor)).bfloat16(), tensor.detach())


def test_the_example_of_the_docstring_fills_the_layers_of_torch_and_keras(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    layer, theirs, keras_layer = in_numpy.GRU(2, 16, rng=0), [], Mock()
    monkeypatch.setattr(torch.nn, "GRU", lambda *sizes, make=torch.nn.GRU: theirs.append(make(*sizes)) or theirs[0])
    exec(dedent(weights.__doc__.split("Keras's::\n\n")[1].split("\n\n")[0]), globals() | locals())
    assert_same(theirs[0].state_dict(), layer.state_dict())
    (given,) = keras_layer.set_weights.call_args.args
    assert_same(weights.from_keras(given, "GRU"), layer.state_dict())
