"""Builds the net of a description, draws its data and trains it: alike for every contender."""

import contextlib
import warnings

import keras
import numpy as np
from keras import layers

import raikeras
from raikeras.backend.keras_internals import wide_floats
from tests.library.fuzz_layers import make_layer

EXAMPLES = 7  # one batch, or batches of 4 or 3 and a short last one
CLASS_WEIGHT = {0: 0.7, 1: 1.8}


def build(case: dict) -> keras.Model:
    """The net of a description, weights and all: the same one at each call."""
    keras.utils.set_random_seed(case["seed"])  # for seed generators that layers make themselves
    inputs = [
        keras.Input(tuple(one["shape"]), name=f"in_{n}", dtype="int32" if "tokens" in one else None)
        for n, one in enumerate(case["inputs"])
    ]
    values, made, used = list(inputs), [], set()
    for number, one in enumerate(case["body"]):
        taken = [values[n] for n in one["of"]]
        used |= set(one["of"])
        if one["kind"] == "Again":
            made.append(made[one["layer"]])
        else:
            made.append(make_layer(one, f"layer_{number}"))
        several = one["kind"] == "MultiHeadAttention"
        values.append(made[-1](*taken) if several else made[-1](taken if taken[1:] else taken[0]))
    rest = [value for n, value in enumerate(values) if n not in used]
    outputs = [_head(n, one, values, rest) for n, one in enumerate(case["outputs"])]
    names = [f"head_{n}" for n in range(len(outputs))]
    if len(outputs) == 1:
        outputs = outputs[0]
    elif case["structure"] == "dict":
        outputs = dict(zip(names, outputs, strict=True))
    if len(inputs) == 1:
        inputs = inputs[0]
    elif case["structure"] == "dict":
        inputs = {value.name: value for value in inputs}
    net = keras.Model(inputs, outputs, name="net")
    _set_weights(net, np.random.default_rng(case["seed"]))
    return net


def _head(number: int, one: dict, values: list, rest: list):
    name = f"head_{number}"
    if one["of"] == "rest":
        flat = [
            value if len(value.shape) == 2 else layers.Flatten(name=f"flat_{n}")(value)
            for n, value in enumerate(rest)
        ]
        value = layers.Concatenate(name="joined")(flat) if flat[1:] else flat[0]
    else:
        value = values[one["of"]]
    if "units" in one:
        return layers.Dense(one["units"], one["activation"], name=name)(value)
    return layers.Identity(name=name)(value)


def _set_weights(net, rng) -> None:
    """Weights of a usual size; those that must be positive are."""
    for weight in net.weights:
        shape = tuple(weight.shape)
        drawn = rng.normal(size=shape)
        if weight.name in ("moving_variance", "scale"):
            drawn = 0.5 + np.abs(drawn)
        elif weight.name == "alpha":
            drawn = rng.uniform(0.1, 0.9, shape)
        elif weight.name == "gamma":
            drawn = 1 + 0.2 * drawn
        elif weight.name == "steps":
            drawn = np.zeros(shape)
        elif len(shape) > 1:
            drawn = drawn / np.sqrt(np.prod(shape[:-1]))
        else:
            drawn = 0.2 * drawn
        weight.assign(drawn.astype("float64"))


def data(case: dict, net) -> tuple:
    """Inputs, labels and sample weights, as `fit` takes them, for a net of the case."""
    rng = np.random.default_rng(case["seed"] + 100)
    floatx = keras.config.floatx()
    x = []
    for one in case["inputs"]:
        shape = (EXAMPLES, *one["shape"])
        drawn = rng.integers(1, one["tokens"], shape) if "tokens" in one else rng.normal(size=shape)
        if len(shape) == 3 or "tokens" in one:
            for row, length in enumerate(rng.integers(1, shape[1] + 1, EXAMPLES)):
                drawn[row, length:] = 0  # padding, for a mask to find
        elif len(shape) == 2:
            drawn[::3] = 0  # a mask hides whole examples
        x.append(drawn.astype("int32" if "tokens" in one else floatx))
    y = []
    for one, output in zip(case["outputs"], keras.tree.flatten(net.outputs), strict=True):
        y.append(_labels(one["loss"], (EXAMPLES, *output.shape[1:]), rng, floatx))
    weights = [rng.uniform(0.5, 2, EXAMPLES).astype(floatx) for _ in y]
    if case["sample_weight"] == "zeros":
        weights[0][::2] = 0
    kind = case["sample_weight"]
    if kind == "outputs":
        sample_weight = _structured(case, weights)
    else:
        sample_weight = weights[0] if kind in ("examples", "zeros") else None
    x = x if x[1:] else x[0]
    if case["structure"] == "dict" and isinstance(x, list):
        x = {f"in_{n}": one for n, one in enumerate(x)}
    return x, _structured(case, y), sample_weight


def _labels(loss: str, shape: tuple, rng, floatx):
    classes = rng.integers(0, shape[-1], shape[:-1])
    if loss == "sparse_categorical_crossentropy":
        return classes.astype("int32")
    if loss in ("categorical_crossentropy", "from_logits"):
        return np.eye(shape[-1], dtype=floatx)[classes]
    if loss == "binary_crossentropy":
        return rng.integers(0, 2, shape).astype(floatx)
    return rng.normal(size=shape).astype(floatx)


def _structured(case, parts: list):
    """One part per output in the structure of the outputs."""
    if len(parts) == 1:
        return parts[0]
    names = [f"head_{n}" for n in range(len(parts))]
    as_dict = "dict" in (case["structure"], case["losses_as"])
    return dict(zip(names, parts, strict=True)) if as_dict else parts


LOSSES = {
    "from_logits": lambda: keras.losses.CategoricalCrossentropy(from_logits=True),
    "summed": lambda: keras.losses.MeanSquaredError(reduction="sum"),
}
RULES = {
    "gradient": lambda: raikeras.Gradient(),
    "learned": lambda: raikeras.Learned(),
    "refreshed": lambda: raikeras.Learned(refresh_every=1),
    "inferred": lambda: raikeras.Inferred(3, 0.1),
    "multiplied": lambda: raikeras.Learned(multiplier_rate=0.1, steps=2),
    "multiplied_inferred": lambda: raikeras.Inferred(3, 0.1, multiplier_rate=0.5),
    "errors": lambda: raikeras.InferredErrors(2, 0.1),
}
WEIGHT_STEPS = {"joint": lambda: raikeras.Joint(), "local": lambda: raikeras.Local(2)}
OPTIMIZERS = {
    "sgd": lambda: keras.optimizers.SGD(0.05),
    "momentum": lambda: keras.optimizers.SGD(0.02, momentum=0.9),
    # A large epsilon: a gradient that is zero but for rounding would make full steps otherwise.
    "adam": lambda: keras.optimizers.Adam(0.01, epsilon=1e-2),
    "rmsprop": lambda: keras.optimizers.RMSprop(0.01, epsilon=1e-2),
    "rprop": lambda: raikeras.optimizers.Rprop(0.001),
}


def compile_like(case: dict, model) -> None:
    losses = [LOSSES.get(one["loss"], lambda one=one: one["loss"])() for one in case["outputs"]]
    weights = [0.5 + n for n in range(len(losses))]
    model.compile(
        OPTIMIZERS[case["optimizer"]](),
        loss=_structured(case, losses),
        loss_weights=_structured(case, weights) if case["loss_weights"] else None,
        run_eagerly=case["eager"],
    )


def fit(case: dict, model, **settings) -> dict:
    """Trains a compiled model as the case says; returns the history."""
    x, y, weight = data(case, getattr(model, "net", model))
    of_class = CLASS_WEIGHT if case["sample_weight"] == "class" else None
    settings = {"epochs": case["epochs"], "batch_size": case["batch_size"], **settings}
    return model.fit(
        x, y, sample_weight=weight, class_weight=of_class, shuffle=False, verbose=0, **settings
    ).history


def evaluate(case: dict, model) -> float:
    """The deployed network's loss on what the first step of a fit sees."""
    x, y, weight = data(case, getattr(model, "net", model))
    if case["sample_weight"] == "class":
        classes = np.argmax(y, axis=-1) if y.ndim > 1 else y
        weight = np.array([CLASS_WEIGHT[number] for number in classes])
    x, y, weight = keras.tree.map_structure(
        lambda part: part if part is None else part[: case["batch_size"]], (x, y, weight)
    )
    return model.evaluate(x, y, sample_weight=weight, verbose=0, return_dict=True)["loss"]


def predicted(case: dict, model) -> dict[str, np.ndarray]:
    """The outputs for all examples."""
    outputs = model.predict(data(case, getattr(model, "net", model))[0], verbose=0)
    return {f"output {n}": one for n, one in enumerate(keras.tree.flatten(outputs))}


class FirstLogs(keras.callbacks.Callback):
    """Keeps the logs of the first step."""

    logs: dict | None = None

    def on_train_batch_end(self, batch, logs=None):
        self.logs = self.logs or dict(logs)


def relax_of(case: dict):
    """What the model's `relax` is."""
    kernels = (layers.Dense, layers.EinsumDense, layers.Conv1D, layers.Conv2D)
    return {
        "Dense": layers.Dense,
        "kernels": kernels,
        "Relaxed": raikeras.layers.Relaxed,
        "names": case.get("names"),
        "sums": layers.Add,
        "all": lambda layer: not isinstance(layer, (layers.LSTMCell, layers.GRUCell)),
        "none": (),
    }[case["relax"]]


@contextlib.contextmanager
def settings_of(case: dict):
    """The case's floatx while it lasts; Keras' own warnings (of lost masks, ...) are let be."""
    before = keras.config.floatx()
    with contextlib.ExitStack() as stack:
        stack.callback(keras.config.set_dtype_policy, before)
        stack.callback(keras.config.set_floatx, before)
        if case["float64"] and keras.backend.backend() == "jax":
            stack.enter_context(_x64())
        if case["float64"] and keras.backend.backend() != "tensorflow":
            stack.enter_context(wide_floats())  # or plain Keras would compute in float32
        keras.config.set_floatx("float64" if case["float64"] else "float32")
        keras.config.set_dtype_policy(keras.config.floatx())
        stack.enter_context(warnings.catch_warnings())
        warnings.simplefilter("ignore")
        yield


@contextlib.contextmanager
def _x64():
    import jax

    before = jax.config.jax_enable_x64
    jax.config.update("jax_enable_x64", True)
    try:
        yield
    finally:
        jax.config.update("jax_enable_x64", before)


def numbers(tensor) -> np.ndarray:
    return np.array(keras.ops.convert_to_numpy(tensor))


def state(net) -> dict[str, np.ndarray]:
    """Everything that a net holds: weights, moving statistics, states of seed generators."""
    return {
        f"{layer.name}: {variable.name} ({number})": numbers(variable)
        for layer in net.layers
        for number, variable in enumerate(layer.variables)
    }
