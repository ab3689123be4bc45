"""Trains the net of the published trajectory through the public API and prints its losses as JSON.

A process of its own, because floatx and JAX's x64 mode must be set before anything is built:
`python parity_run.py float64`.
"""

import json
import os
import sys
from pathlib import Path

floatx = sys.argv[1]
os.environ["JAX_ENABLE_X64"] = "1" if floatx == "float64" else "0"

import keras  # noqa: E402
import numpy as np  # noqa: E402

import raikeras  # noqa: E402

keras.config.set_floatx(floatx)
reference = np.load(Path(__file__).parent / "data" / "rai_depth10_sigmoid.npz")
widths = reference["widths"].tolist()
net = keras.Sequential([keras.Input((widths[0],))])
for units in widths[1:]:
    net.add(keras.layers.Dense(units, "sigmoid"))
for number, layer in enumerate(net.layers):
    layer.set_weights([reference[f"kernel_{number}"], reference[f"bias_{number}"]])

model = raikeras.RelaxedModel(net)
model.compile(raikeras.optimizers.Rprop(0.1), "binary_crossentropy")
epochs = 300 if floatx == "float64" else 50
history = model.fit(
    reference["x"], reference["y"], batch_size=71, shuffle=False, epochs=epochs, verbose=0
)
print(json.dumps({key: history.history[key] for key in ("loss", "task_loss", "hidden_loss")}))
