"""Run by test_conversions.py in a process of its own, with KERAS_BACKEND set: Keras's outputs, into a file.

``python keras_outputs.py cases.npz outputs.npz``: cases holds, for each case, its x (B, T, D), its arguments as JSON
and the arrays for ``set_weights``; outputs gets y (B, T, H), and what ``get_weights`` returns.
"""

import json
import sys

import keras
import numpy as np

cases, outputs = np.load(sys.argv[1]), {}
for name in [key.removesuffix("/kind") for key in cases if key.endswith("/kind")]:
    kind, arguments = str(cases[name + "/kind"]), json.loads(str(cases[name + "/arguments"]))
    both = arguments.pop("bidirectional", False)
    layer = getattr(keras.layers, kind)(return_sequences=True, **arguments)
    layer = keras.layers.Bidirectional(layer) if both else layer
    layer.build(cases[name + "/x"].shape)
    layer.set_weights([cases[f"{name}/weight{k}"] for k in range(len(layer.weights))])
    outputs[name + "/y"] = keras.ops.convert_to_numpy(layer(cases[name + "/x"]))
    outputs |= {f"{name}/weight{k}": value for k, value in enumerate(layer.get_weights())}
outputs["backend"] = np.array(keras.backend.backend())
np.savez(sys.argv[2], **outputs)
