"""Promises of the conversions: the same weights give the same outputs in torch.nn and onnxruntime (and in Keras)."""

import numpy as np
import pytest
import torch
from torch import nn

from rnnbook import in_numpy, in_torch, weights

T, B, D, H = 5, 3, 2, 7  # all different, so that no transposed axis can pass unseen
CLOSE = {"rtol": 0, "atol": 1e-6}  # float32

ONNX_LAYERS = [
    (kind, arguments | more)
    for kind, arguments in (
        ("RNN", {}),
        ("RNN", {"nonlinearity": "relu"}),
        ("GRU", {}),
        ("GRU", {"reset_after": False}),
        ("LSTM", {}),
        ("LSTM", {"peephole": True}),
    )
    for more in ({}, {"num_layers": 2, "bidirectional": True}, {"bias": False})
]


@pytest.mark.parametrize("kind, arguments", ONNX_LAYERS)
def test_an_exported_file_runs_in_onnxruntime_with_equal_results(tmp_path, kind, arguments):
    import onnx
    import onnxruntime

    torch.manual_seed(0)
    layer = getattr(in_torch, kind)(D, H, **arguments)
    weights.export_onnx(layer, tmp_path / "layer.onnx")
    operators = [node.op_type for node in onnx.load(tmp_path / "layer.onnx").graph.node]
    assert operators.count(kind) == layer.num_layers
    session = onnxruntime.InferenceSession(tmp_path / "layer.onnx", providers=["CPUExecutionProvider"])
    for steps, batch in ((T, B), (1, 4)):
        x = torch.randn(steps, batch, D)
        state = [torch.randn(layer.num_layers * (1 + layer.bidirectional), batch, H) for _ in layer.state_names]
        named = {"x": x.numpy()} | {f"{s}_0": h.numpy() for s, h in zip(layer.state_names, state, strict=True)}
        y, *last = session.run(None, named)
        expected, h = layer(x, state[0] if len(state) == 1 else tuple(state))
        for found, wanted in zip([y, *last], [expected, *(h if isinstance(h, tuple) else [h])], strict=True):
            np.testing.assert_allclose(found, wanted.detach().numpy(), **CLOSE)


@pytest.mark.parametrize("kind, arguments", ONNX_LAYERS)
def test_weights_return_from_onnx_and_keras_unchanged(kind, arguments):
    layer = getattr(in_torch, kind)(D, H, **arguments)
    state = {name: value.numpy() for name, value in layer.state_dict().items()}
    back = {}
    for k in range(layer.num_layers):
        back |= weights.from_onnx(weights.to_onnx(state, kind, layer=k), kind, layer=k)
    assert back.keys() == state.keys()
    for name, value in state.items():
        np.testing.assert_array_equal(back[name], value)
    if kind == "GRU" and "reset_after" not in arguments:
        again = weights.from_keras(weights.to_keras(state, kind), kind)
        for name, value in again.items():
            np.testing.assert_array_equal(state[name], value)


@pytest.mark.parametrize("kind", ["RNN", "GRU", "LSTM"])
def test_a_state_dict_passes_between_both_wings_and_torch(kind):
    rng = np.random.default_rng(0)
    first = getattr(in_numpy, kind)(D, H, rng=rng)
    second, third = getattr(in_torch, kind)(D, H), getattr(nn, kind)(D, H)
    second.load_state_dict({name: torch.from_numpy(value) for name, value in first.state_dict().items()})
    third.load_state_dict(second.state_dict())
    fourth = getattr(in_numpy, kind)(D, H, rng=rng)
    fourth.load_state_dict(third.state_dict())
    x = rng.normal(size=(T, B, D)).astype(np.float32)
    expected = first.forward(x)[0]
    for y in (second(torch.from_numpy(x))[0], third(torch.from_numpy(x))[0], torch.from_numpy(fourth.forward(x)[0])):
        np.testing.assert_allclose(y.detach().numpy(), expected, **CLOSE)


def test_a_mistake_is_named():
    state = in_torch.LSTM(D, H, peephole=True).state_dict()
    with pytest.raises(ValueError, match="no weight_peephole_l0: Keras's LSTM has none"):
        weights.to_keras(state, "LSTM")
    with pytest.raises(ValueError, match="no weight_hr_l0: ONNX's LSTM has no projection"):
        weights.to_onnx(in_torch.LSTM(D, H, proj_size=2).state_dict(), "LSTM")
    with pytest.raises(ValueError, match="should hold weight_ih_l3, but does not"):
        weights.to_keras(state, "LSTM", suffix="_l3")
    with pytest.raises(ValueError, match="kind should be one of 'RNN', 'GRU', 'LSTM', but is 'MLP'"):
        weights.to_onnx(state, "MLP")
    with pytest.raises(ValueError, match=r"weight_ih_l0 should have shape \(21, 2\), but has shape \(28, 2\)"):
        weights.to_keras(state, "GRU")
    with pytest.raises(ValueError, match=r"kernel should have shape \(D, 28\), but has shape \(2, 21\)"):
        weights.from_keras([np.zeros((2, 21)), np.zeros((7, 21))], "LSTM")
    with pytest.raises(ValueError, match=r"B should have shape \(1, 56\), but has shape \(1, 28\)"):
        weights.from_onnx({"W": np.zeros((1, 28, 2)), "R": np.zeros((1, 28, 7)), "B": np.zeros((1, 28))}, "LSTM")


@pytest.mark.parametrize("name", ["MinGRU", "MinLSTM", "GRUCell"])
def test_a_layer_that_onnx_has_no_operator_for_is_refused_and_no_file_written(name, tmp_path):
    with pytest.raises(ValueError, match=f"layer should be one of 'RNN', 'GRU', 'LSTM', but is '{name}'"):
        weights.export_onnx(getattr(in_torch, name)(2, 7), tmp_path / "layer.onnx")
    assert not list(tmp_path.iterdir())
