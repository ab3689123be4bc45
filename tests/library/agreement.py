"""Twenty trainings whose numbers every backend must find, from starts and data that NumPy draws.

`python -m tests.library.agreement` records those of the running backend.
"""

import json
from pathlib import Path

import keras
import numpy as np

import raikeras
from raikeras.layers import ReLUAlpha
from raikeras.losses import HalfSquaredError
from raikeras.optimizers import Rprop

FILE = Path(__file__).parent / "data" / "agreement.json"
UNITS, DEPTH, COUNT, BATCH, EPOCHS = 6, 4, 24, 8, 3
sgd, adam = keras.optimizers.SGD, keras.optimizers.Adam
half = {"hidden_loss": HalfSquaredError("sum_over_batch_size")}


def learned(optimizer=None, **settings):
    return {"targets": raikeras.Learned(optimizer=optimizer or sgd(0.3), **settings)}


def backprop(**settings):
    return {"targets": raikeras.Gradient(0.5), "hidden_loss": HalfSquaredError(), **settings}


# Arguments of RelaxedModel by name; `activation`, `optimizer` and `net` are the net's.
CASES = {
    "learned sgd": lambda: learned(sgd(0.3, momentum=0.5)),
    "learned rmsprop": lambda: learned(keras.optimizers.RMSprop(0.01)),
    "learned adam": lambda: learned(adam(0.01)),
    "learned rprop": lambda: learned(Rprop(0.01)) | {"optimizer": Rprop(0.001)},
    "multipliers": lambda: learned(sgd(0.3), multiplier_rate=0.1) | half,
    "layer by layer": lambda: learned() | {"fuse": False},
    "host": lambda: learned(storage="host"),
    "refreshed": lambda: learned(refresh_every=2),
    "after the activation": lambda: learned() | {"at": "post_activation"},
    "matching": lambda: learned() | {"hidden_loss": "matching", "activation": "sigmoid"},
    "absolute": lambda: learned() | {"hidden_loss": keras.losses.MeanAbsoluteError("sum")},
    "inferred": lambda: {"targets": raikeras.Inferred(5)},
    "inferred multipliers": lambda: {"targets": raikeras.Inferred(8, multiplier_rate=1.0)} | half,
    "errors": lambda: {"targets": raikeras.InferredErrors(3, 0.01)} | half,
    "gradient": backprop,
    "local": lambda: backprop(weight_step=raikeras.Local(3)),
    "closed form": lambda: backprop(weight_step=raikeras.ClosedForm(0.1)),
    "residual": lambda: {"targets": raikeras.Inferred(4, 0.1), "net": residual} | half,
    "alphas": lambda: learned() | {"net": alphas, "relax": keras.layers.Dense},
    "nothing relaxed": lambda: {"relax": ()},
}


def plain(activation="tanh"):
    hidden = [keras.layers.Dense(UNITS, activation, name=f"hidden_{k}") for k in range(DEPTH)]
    return keras.Sequential([keras.Input((3,)), *hidden, keras.layers.Dense(1, name="last")])


def residual(activation="tanh"):
    x = keras.Input((3,))
    h = keras.layers.Dense(UNITS, name="first")(x)
    for k in range(DEPTH):
        branch = keras.layers.Dense(UNITS)(keras.layers.Activation(activation)(h))
        h = keras.layers.Add(name=f"hidden_{k}")([h, branch])
    return keras.Model(x, keras.layers.Dense(1, name="last")(h))


def alphas(activation="tanh"):
    hidden = [x for _ in range(2) for x in (keras.layers.Dense(UNITS), ReLUAlpha())]
    return keras.Sequential([keras.Input((3,)), *hidden, keras.layers.Dense(1, name="last")])


def trained(case: str) -> list[float]:
    """The first three numbers of every weight of the trained net, and its outputs' mean."""
    rng, settings = np.random.default_rng(0), CASES[case]()
    net = settings.pop("net", plain)(settings.pop("activation", "tanh"))
    net.set_weights(
        [
            rng.normal(scale=w.shape[0] ** -0.5, size=w.shape) if w.ndim else np.array(0.8)
            for w in net.get_weights()
        ]
    )
    optimizer = settings.pop("optimizer", None) or sgd(0.1)
    names = [one.name for one in net.layers if one.name.startswith("hidden")]
    model = raikeras.RelaxedModel(net, **{"relax": names, **settings})
    model.compile(optimizer, "mean_squared_error")
    x = rng.normal(size=(COUNT, 3)).astype("float32")
    y = np.sin(x.sum(axis=1, keepdims=True))
    model.fit(x, y, batch_size=BATCH, epochs=EPOCHS, shuffle=False, verbose=0)
    found = [number for weight in net.get_weights() for number in weight.ravel()[:3]]
    return [*map(float, found), float(net.predict(x, verbose=0).mean())]


if __name__ == "__main__":
    FILE.write_text(json.dumps({case: trained(case) for case in CASES}, indent=1) + "\n", "utf-8")
