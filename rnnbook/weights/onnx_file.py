"""A recurrent layer as an ONNX file: one operator for each layer, for onnxruntime and similar programs.

Needs the package ``onnx``. ``torch.onnx.export`` writes our layers too, but unrolls the loop over time.
"""

import numpy as np

from rnnbook.errors import check_choice
from rnnbook.weights.layouts import ONNX, to_onnx
from rnnbook.weights.storage import as_array


def export_onnx(layer, path):
    """Write a layer of either version, or of ``torch.nn``, to ``path``, for any number of steps and sequences.

    The file's inputs are x (T, B, D) and h_0, and c_0 for the LSTM, each (layers · directions, B, H); its outputs y (T,
    B, directions · H), h_n and c_n. Raises ValueError for any layer but an RNN, GRU or LSTM (write each layer of a
    model or a ``Stacked`` separately; use the layer in place of a cell; the scans have no operator), and for a
    projection, which ONNX does not have. bfloat16 becomes float32.
    """
    import onnx

    kind = type(layer).__name__
    check_choice("layer", kind, tuple(ONNX))
    state = {name: as_array(value) for name, value in layer.state_dict().items()}
    if "weight_ih" not in state and "weight_ih_l0" not in state:
        raise ValueError(f"layer should have the weights of torch.nn's {kind}, but has {', '.join(state) or 'none'}")
    states = ["h", "c"] if kind == "LSTM" else ["h"]
    layers = sum(name.startswith("weight_ih_l") and not name.endswith("_reverse") for name in state)
    directions = 2 if "weight_ih_l0_reverse" in state else 1
    D, H = state["weight_ih_l0"].shape[1], state["weight_hh_l0"].shape[1]
    nodes, weights = _operators(onnx.helper.make_node, layer, state, kind, states, layers, directions)

    def shaped(name, *shape):
        element = onnx.helper.np_dtype_to_tensor_dtype(state["weight_ih_l0"].dtype)
        return onnx.helper.make_tensor_value_info(name, element, shape)

    inputs = [shaped("x", "T", "B", D), *[shaped(f"{s}_0", layers * directions, "B", H) for s in states]]
    outputs = [shaped("y", "T", "B", directions * H)]
    outputs += [shaped(f"{s}_n", layers * directions, "B", H) for s in states]
    tensors = [onnx.numpy_helper.from_array(value, name) for name, value in weights.items()]
    graph = onnx.helper.make_graph(nodes, kind, inputs, outputs, tensors)
    model = onnx.helper.make_model(graph, opset_imports=[onnx.helper.make_opsetid("", 18)], ir_version=10)
    onnx.checker.check_model(model, full_check=True)
    onnx.save(model, path)


def _operators(make_node, layer, state, kind, states, layers, directions):
    """The nodes of the graph, layer by layer, and the arrays that they read, by name."""
    variant: dict = {"direction": "bidirectional"} if directions == 2 else {}
    if kind == "RNN":
        variant["activations"] = [layer.nonlinearity.capitalize()] * directions
    if kind == "GRU":
        variant["linear_before_reset"] = int(getattr(layer, "reset_after", True))
    arrays = {"rows": np.array([0, 0, -1])}  # (T, B, directions, H) to (T, B, directions · H)
    nodes = [make_node("Split", [f"{s}_0"], [f"{s}_0_{k}" for k in range(layers)], num_outputs=layers) for s in states]
    read = "x"
    for k in range(layers):
        found = to_onnx(state, kind, layer=k)
        arrays |= {f"{name}_{k}": value for name, value in found.items()}
        inputs = [read, f"W_{k}", f"R_{k}", f"B_{k}" if "B" in found else "", "", *[f"{s}_0_{k}" for s in states]]
        inputs += [f"P_{k}"] if "P" in found else []
        outputs = [f"Y_{k}", *[f"{s}_n_{k}" for s in states]]
        H = state[f"weight_hh_l{k}"].shape[1]
        nodes.append(make_node(kind, inputs, outputs, hidden_size=H, **variant))
        nodes.append(make_node("Transpose", [f"Y_{k}"], [f"turned_{k}"], perm=[0, 2, 1, 3]))
        read = "y" if k == layers - 1 else f"y_{k}"
        nodes.append(make_node("Reshape", [f"turned_{k}", "rows"], [read]))
    nodes += [make_node("Concat", [f"{s}_n_{k}" for k in range(layers)], [f"{s}_n"], axis=0) for s in states]
    return nodes, arrays
