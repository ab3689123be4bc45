"""RAI on the smallest tasks of e12: EXOR and the digits, beside backprop with the same Rprop."""

import keras
import numpy as np

import raikeras
from experiments.e12_mlp import gates, small_nets


def measure(run):
    """Metrics and curves of the topic `relaxed`, for `results.save`."""
    settings, seed = run["settings"], run["seed"]
    data = small_nets.digits(seed, settings)
    metrics, curves = {}, {}
    for method in ("rai", "bp"):
        for coding in gates.CODINGS:
            metrics[f"{method}_exor_{coding}_share"] = exor(method, coding, seed, settings)
        keras.utils.set_random_seed(seed)
        net = small_nets.classifier(settings["hidden_units"], settings["activation"])
        curves[f"{method}_loss"] = fit_digits(method, net, data, settings)
        metrics[f"{method}_test_accuracy"] = _accuracy(net, data)
    constant = small_nets.classifier(
        settings["hidden_units"], settings["activation"], lambda: keras.initializers.Constant(0.1)
    )
    fit_digits("rai", constant, data, settings)
    kernel = constant.get_weights()[0]
    metrics["rai_constant_spread"] = np.ptp(kernel, axis=1).max()
    metrics["rai_constant_test_accuracy"] = _accuracy(constant, data)
    return metrics, curves, "ok"


def exor(method, coding, seed, settings):
    """1 if four tanh units learn EXOR, else 0: the deployed net is judged."""
    keras.utils.set_random_seed(seed)
    net = keras.Sequential(
        [keras.Input((2,)), keras.layers.Dense(4, "tanh"), keras.layers.Dense(1)]
    )
    x = np.array(gates.points(coding), "float32")
    y = np.array(gates.GATES["exor"], "float32")[:, None]
    _fit(method, net, x, y, keras.losses.BinaryCrossentropy(from_logits=True), settings)
    return int(np.all((_outputs(net, x) > 0) == (y > 0)))


def fit_digits(method, net, data, settings):
    """Trains full batch and returns the loss of the objective after each epoch."""
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    return _fit(method, net, data.x_train, data.y_train, loss, settings)


def _fit(method, net, x, y, loss, settings):
    model = raikeras.RelaxedModel(net, deployed_every=0) if method == "rai" else net
    model.compile(raikeras.optimizers.Rprop(settings["learning_rate"]), loss)
    history = model.fit(
        x, y, batch_size=len(x), epochs=settings["epochs"], shuffle=False, verbose=0
    )
    return np.round(history.history["loss"], 5)


def _outputs(net, x):
    return net.predict(x, batch_size=len(x), verbose=0)


def _accuracy(net, data):
    return small_nets.accuracies(_outputs(net, data.x_test), data.y_test)
