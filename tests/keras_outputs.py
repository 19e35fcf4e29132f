"""Run by test_keras.py in a process of its own, with KERAS_BACKEND set: Keras's outputs and messages, into files.

``python keras_outputs.py FOLDER``: cases.npz holds, for each case, its x (B, T, D), its arguments as JSON and the
arrays for ``set_weights``; outputs.npz gets y (B, T, H), and what ``get_weights`` returns. cells.json holds
{name: code}, messages.json gets {name: message}.
"""

import json
import sys
from pathlib import Path

import keras
import numpy as np
from keras_messages import message_of

FOLDER = Path(sys.argv[1])
cases, outputs = np.load(FOLDER / "cases.npz"), {}
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
np.savez(FOLDER / "outputs.npz", **outputs)

cells = json.loads((FOLDER / "cells.json").read_text())
(FOLDER / "messages.json").write_text(json.dumps({name: message_of(code) for name, code in cells.items()}))
