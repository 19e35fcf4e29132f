"""Weights saved to files, converted to the layouts of Keras and ONNX, or as an ONNX file.

::

    files        save, load: whatever has a state dict, of in_numpy, in_torch or torch.nn, in a safetensors file
    layouts      to_keras, from_keras, to_onnx, from_onnx: one layer's weights in the layouts of Keras and ONNX
    onnx_file    export_onnx: an RNN, GRU or LSTM as an ONNX file that onnxruntime runs
    storage      arrays and plain values in one file, written completely or not at all

A layer's weights written to a file, loaded into ``torch.nn``'s layer, and set in Keras's::

    weights.save(layer, "gru.safetensors")
    weights.load(torch.nn.GRU(2, 16), "gru.safetensors")
    keras_layer.set_weights(weights.to_keras(layer.state_dict(), "GRU"))

Between ``torch.nn``, ``rnnbook.in_torch`` and ``rnnbook.in_numpy`` there is nothing to convert: the names, shapes and
gate order of a state dict are the same. Importing this module imports none of them.
"""

from rnnbook.weights.files import load, save
from rnnbook.weights.layouts import from_keras, from_onnx, to_keras, to_onnx
from rnnbook.weights.onnx_file import export_onnx

__all__ = ["export_onnx", "from_keras", "from_onnx", "load", "save", "to_keras", "to_onnx"]
