"""A layer's numbers outside the program: in files, in the layouts of other libraries, as an ONNX file.

::

    save, load          a layer or model of either version, or of torch.nn, in a safetensors file     files
    to_keras, from_keras, to_onnx, from_onnx    weights in the layouts of Keras and ONNX              layouts
    export_onnx         a layer as an ONNX file that onnxruntime runs                                 onnx_file
    storage             arrays and plain values in one file, written all or not at all

Between ``torch.nn``, ``rnnbook.in_torch`` and ``rnnbook.in_numpy`` nothing has to be converted: the names, shapes and
gate order of a state dict are the same. Importing this imports none of them.
"""

from rnnbook.weights.files import load, save
from rnnbook.weights.layouts import from_keras, from_onnx, to_keras, to_onnx
from rnnbook.weights.onnx_file import export_onnx

__all__ = ["export_onnx", "from_keras", "from_onnx", "load", "save", "to_keras", "to_onnx"]
