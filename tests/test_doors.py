"""Promises of the doors of ``weights`` and ``training``: number, dtype and sort are checked, not the shapes alone."""

import numpy as np
import pytest
import torch
from safetensors.torch import save_file
from torch import nn

from rnnbook import in_numpy, in_torch, training, weights
from rnnbook.weights import storage

D, H = 2, 7


def keras_arrays(G=3, bias=(2, 21)):
    return [np.zeros((D, G * H)), np.zeros((H, G * H)), np.zeros(bias)]


@pytest.mark.parametrize(
    "arrays, kind, sentence",
    [
        (keras_arrays() * 2, "GRU", "are 6 arrays; those of a Bidirectional are two such lists, one after the other"),
        (keras_arrays()[:1], "GRU", "kernel, recurrent kernel and bias, or the first two, but are 1 arrays"),
        (
            [a.astype(int) for a in keras_arrays()],
            "GRU",
            "kernel should hold floating-point numbers, but has dtype int64",
        ),
        ([*keras_arrays()[:2], np.zeros((2, 21), complex)], "GRU", "bias should hold floating-point .* complex128"),
        (keras_arrays(4, (2, 28)), "LSTM", r"bias should have shape \(28,\), but has shape \(2, 28\)"),
        ([np.zeros((D, 21)), np.zeros(21)], "GRU", r"kernel should have shape \(D, 63\)"),
        ([np.zeros((D, 21)), np.float32(1)], "GRU", r"should have shape"),
    ],
)
def test_what_keras_did_not_give_is_refused(arrays, kind, sentence):
    with pytest.raises(ValueError, match=sentence):
        weights.from_keras(arrays, kind)


@pytest.mark.parametrize("convert", [weights.to_keras, weights.to_onnx])
@pytest.mark.parametrize("name", ["bias_ih_l0", "bias_hh_l0", "weight_ih_l0"])
def test_a_parameter_that_is_missing_is_named_and_none_is_dropped(convert, name):
    state = in_torch.GRU(D, H).state_dict()
    del state[name]
    with pytest.raises(ValueError, match=f"the state dict should hold {name}, but does not"):
        convert(state, "GRU")


@pytest.mark.parametrize("missing", ["weight_ih", "weight_hh", "bias_ih", "bias_hh", "weight_peephole"])
@pytest.mark.parametrize("suffix", ["_l1", "_l1_reverse"])
def test_a_parameter_that_one_direction_lacks_is_named_and_no_direction_dropped(missing, suffix):
    state = in_torch.LSTM(D, H, 2, bidirectional=True, peephole=True).state_dict()
    del state[missing + suffix]
    with pytest.raises(ValueError, match=f"^the state dict should hold {missing}{suffix}, but does not$"):
        weights.to_onnx(state, "LSTM", layer=1)
    weights.to_onnx(state, "LSTM", layer=0)


def test_biases_that_one_direction_lacks_are_not_dropped():
    state = in_torch.GRU(D, H, bidirectional=True).state_dict()
    del state["bias_ih_l0_reverse"], state["bias_hh_l0_reverse"]
    with pytest.raises(ValueError, match="^the state dict should hold bias_ih_l0_reverse, but does not$"):
        weights.to_onnx(state, "GRU")


@pytest.mark.parametrize(
    "changed, sentence",
    [
        (
            {"initial_h": np.zeros((1, 1, 7))},
            "inputs should be W and R, with B and P if the layer has them, but are W, R, init",
        ),
        ({"R": None}, "inputs should be W and R"),
        ({"R": np.zeros((21, 7))}, r"R should have shape \(1, 21, 7\), but has shape \(21, 7\)"),
        ({"W": np.zeros((1, 21, 2), int)}, "W should hold floating-point numbers, but has dtype int64"),
    ],
)
def test_what_onnx_did_not_give_is_refused(changed, sentence):
    inputs = {"W": np.zeros((1, 21, D)), "R": np.zeros((1, 21, H))} | changed
    with pytest.raises(ValueError, match=sentence):
        weights.from_onnx({name: value for name, value in inputs.items() if value is not None}, "GRU")


@pytest.mark.parametrize("form", [dict, lambda named: {name: p.detach() for name, p in named}])
@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_parameters_and_bfloat16_are_converted_as_a_state_dict_is(form, dtype):
    layer = in_torch.GRU(D, H, dtype=dtype)
    expected = {name: value.float().numpy() for name, value in layer.state_dict().items()}
    given = form(layer.named_parameters())
    for there, back in ((weights.to_keras, weights.from_keras), (weights.to_onnx, weights.from_onnx)):
        found = back(there(given, "GRU"), "GRU")
        assert found.keys() == expected.keys()
        for name, value in found.items():
            np.testing.assert_array_equal(value, expected[name])


def test_a_file_in_bfloat16_fills_every_layer(tmp_path):
    theirs = nn.GRU(D, H, dtype=torch.bfloat16)
    save_file(theirs.state_dict(), tmp_path / "w")
    for layer in (in_torch.GRU(D, H), in_torch.GRU(D, H, dtype=torch.bfloat16), in_numpy.GRU(D, H)):
        weights.load(layer, tmp_path / "w")
        for name, value in layer.state_dict().items():
            np.testing.assert_array_equal(storage.as_array(value), theirs.state_dict()[name].float().numpy())


@pytest.mark.parametrize("dtype", [torch.float64, torch.float16, torch.int64, torch.uint8, torch.bool, torch.complex64])
def test_every_dtype_of_a_file_comes_back(dtype, tmp_path):
    tensor = torch.arange(6).reshape(2, 3).to(dtype)
    save_file({"a": tensor, "none": tensor[:0]}, tmp_path / "w")
    arrays, _ = storage.read(tmp_path / "w")
    assert torch.equal(torch.from_numpy(arrays["a"]), tensor) and arrays["none"].shape == (0, 3)


def test_a_dtype_that_numpy_lacks_is_named(tmp_path):
    save_file({"a": torch.zeros(2).to(torch.float8_e4m3fn)}, tmp_path / "w")
    with pytest.raises(ValueError, match="a should have a dtype of NumPy, or bfloat16, but has F8_E4M3 in .*w"):
        storage.read(tmp_path / "w")


def test_a_file_of_another_kind_of_number_is_refused(tmp_path):
    layer = in_torch.RNN(D, H)
    save_file({name: value.long() for name, value in layer.state_dict().items()}, tmp_path / "w")
    with pytest.raises(ValueError, match="_l0 should hold numbers like float32, but holds int64 in .*w"):
        weights.load(layer, tmp_path / "w")


@pytest.mark.parametrize("value", [float("inf"), float("nan")])
@pytest.mark.parametrize("wing", [in_numpy, in_torch])
def test_a_broken_layer_is_not_saved_over_a_good_one(value, wing, tmp_path):
    layer = wing.RNN(D, H)
    weights.save(layer, tmp_path / "w")
    before = (tmp_path / "w").read_bytes()
    if wing is in_numpy:
        layer.params["weight_hh"][1, 2] = value
    else:
        layer.weight_hh_l0.data[1, 2] = value
    with pytest.raises(ValueError, match="weight_hh_l0 should hold finite numbers, but holds NaN or infinity"):
        weights.save(layer, tmp_path / "w")
    assert (tmp_path / "w").read_bytes() == before


def masked(last=-torch.inf):
    model = nn.Linear(2, 2)
    model.register_buffer("mask", torch.tensor([0.0, last]))
    return model


def test_the_infinity_of_a_mask_passes_and_no_other(tmp_path):
    weights.save(masked(), tmp_path / "w")
    assert weights.load(masked(), tmp_path / "w").mask[1] == -torch.inf
    with pytest.raises(ValueError, match="mask should hold finite numbers"):
        weights.load(masked(0.0), tmp_path / "w")
    state = {name: value.double().numpy() for name, value in masked().state_dict().items()}
    storage.write(tmp_path / "w", state | {"mask": np.array([0, -1e300])})
    with pytest.raises(ValueError, match=r"mask should hold numbers that fit in torch.float32, but holds -1e\+300 in"):
        weights.load(masked(), tmp_path / "w")


class Wrapper(nn.Module):
    """A module called as a layer is."""


@pytest.mark.parametrize(
    "layer, sentence",
    [
        (nn.Sequential(in_torch.GRU(D, H)), "layer should be one of 'RNN', 'GRU', 'LSTM', but is 'Sequential'"),
        (in_numpy.Stacked([in_numpy.GRU(D, H)]), "but is 'Stacked'"),
        (in_torch.LSTMCell(D, H), "but is 'LSTMCell'"),
        (in_torch.MinLSTM(D, H), "but is 'MinLSTM'"),
        (type("GRU", (Wrapper,), {})(), "layer should have the weights of torch.nn's GRU, but has none"),
    ],
)
def test_what_is_no_layer_is_not_exported_and_no_file_is_written(layer, sentence, tmp_path):
    with pytest.raises(ValueError, match=sentence):
        weights.export_onnx(layer, tmp_path / "layer.onnx")
    assert not list(tmp_path.iterdir())


def test_a_layer_in_bfloat16_is_exported_in_float32(tmp_path):
    onnxruntime = pytest.importorskip("onnxruntime")
    layer = in_torch.GRU(D, H, dtype=torch.bfloat16)
    weights.export_onnx(layer, tmp_path / "layer.onnx")
    x = torch.randn(5, 3, D)
    session = onnxruntime.InferenceSession(tmp_path / "layer.onnx", providers=["CPUExecutionProvider"])
    y, _ = session.run(None, {"x": x.numpy(), "h_0": np.zeros((1, 3, H), np.float32)})
    np.testing.assert_allclose(y, layer.float()(x)[0].detach().numpy(), rtol=0, atol=1e-6)


def nan_at(step):
    """A model, its optimiser and a step of training whose loss is no number at one of the steps."""
    torch.manual_seed(0)
    model = in_torch.GRU(D, H)
    optimizer = torch.optim.Adam(model.parameters())
    x = torch.randn(5, 3, D)

    def batch(i):
        return x * (float("nan") if i == step else 1), torch.zeros(5, 3, H)

    return model, optimizer, in_torch.training_step(model, optimizer, nn.functional.mse_loss, batch, clip=1.0)


def test_a_gradient_that_is_not_finite_is_named_and_nothing_has_changed():
    """The sentence of ``in_numpy.clip_grad_norm``: one mistake, one answer in both wings."""
    model, _, step = nan_at(1)
    step(0)
    before = {name: value.clone() for name, value in model.state_dict().items()}
    with pytest.raises(ValueError) as ours:
        step(1)
    with pytest.raises(ValueError) as theirs:
        in_numpy.clip_grad_norm({"weight_ih_l0": np.array([np.nan])}, 1.0)
    assert str(ours.value) == str(theirs.value) == "the gradients should be finite, but that of weight_ih_l0 is not"
    for name, value in model.state_dict().items():
        assert torch.equal(value, before[name])


def overflowing(**options):
    """A model whose gradients are finite and their squares are not, a step of training, and the weights before it."""
    model = nn.Linear(2, 1, dtype=torch.float64)
    optimizer = torch.optim.AdamW(model.parameters())  # moves the weights, even by a gradient of zero
    batch = torch.full((3, 2), 1e200, dtype=torch.float64), torch.zeros(3, 1, dtype=torch.float64)
    step = in_torch.training_step(
        model, optimizer, lambda y, _: y.mean(), lambda i: batch, batch_dims=(0, 0), **options
    )
    return model, step, [p.detach().clone() for p in model.parameters()]


def test_a_norm_that_overflows_is_not_clipped_to_nothing_in_both_wings():
    model, step, before = overflowing(clip=1.0)
    grads = {"a": np.array([3.0, 4.0]), "b": np.array([1e200])}
    with pytest.raises(ValueError) as ours:
        step(0)
    with pytest.raises(ValueError) as theirs:
        in_numpy.clip_grad_norm(grads, 1.0)
    assert str(ours.value) == str(theirs.value) == "the norm of the gradients should be finite, but overflows"
    assert grads["a"].tolist() == [3, 4] and grads["b"].tolist() == [1e200]
    assert all(torch.equal(p, b) for p, b in zip(model.parameters(), before, strict=True))
    assert model.weight.grad.tolist() == [[1e200, 1e200]]


def test_a_norm_that_overflows_is_skipped_with_a_scaler_and_passes_where_nothing_is_clipped():
    scaler = torch.amp.GradScaler("cpu", init_scale=2.0)
    for options, moved in [({"clip": 1.0, "scaler": scaler}, False), ({"scaler": scaler}, True), ({}, True)]:
        model, step, before = overflowing(**options)
        step(0)
        step(1)
        assert model.weight.equal(before[0]) != moved


def test_no_checkpoint_of_a_broken_state_replaces_a_good_one(tmp_path):
    model, optimizer, step = nan_at(None)
    checkpoint = training.Checkpoint(tmp_path / "run", {"model": model, "optimizer": optimizer}, every=1)
    training.train(step, 2, checkpoint=checkpoint)
    before = (tmp_path / "run").read_bytes()

    def breaks(i):
        model.weight_hh_l0.data[0, 0] = torch.nan
        return 0.0

    with pytest.raises(
        ValueError, match="model/weight_hh_l0 should hold finite numbers, but holds NaN or infinity; .*k"
    ):
        training.train(breaks, 3, checkpoint=checkpoint)
    assert (tmp_path / "run").read_bytes() == before
    assert checkpoint.resume().done == 2 and model.weight_hh_l0.isfinite().all()
