"""A linear MLP is one layer: its collapsed form, and what it and a truly linear model learn."""

import keras
import numpy as np

from experiments.e12_mlp import small_nets


def measure(run):
    """Metrics and curves of the topic `linear`, for `results.save`."""
    settings, seed = run["settings"], run["seed"]
    data = small_nets.digits(seed, settings)
    shapes = {
        "linear": (settings["hidden_units"], "linear"),
        "one_layer": ([], "linear"),
        "tanh": (settings["hidden_units"], "tanh"),
    }
    metrics, curves = {"integer_error": integer_error(seed, settings["hidden_units"])}, {}
    for name, shape in shapes.items():

        def build(shape=shape):
            return small_nets.classifier(*shape)

        momentum = keras.optimizers.SGD(momentum=0.9)
        nets, watched, tuned = small_nets.tune(data, build, momentum, settings, seed)
        judged = tuned.judged
        metrics[f"{name}_rate"] = tuned.rate
        metrics[f"{name}_train_loss"] = watched.train_loss[-1, judged]
        metrics[f"{name}_test_accuracy"] = watched.test_accuracy[-1, judged]
        curves["steps"] = watched.steps
        curves[f"{name}_loss"] = watched.train_loss[:, judged].round(4)
        if name == "linear":
            _compare(metrics, nets, judged, data)
    metrics["linear_gain"] = metrics["linear_test_accuracy"] - metrics["one_layer_test_accuracy"]
    metrics["tanh_gain"] = metrics["tanh_test_accuracy"] - metrics["one_layer_test_accuracy"]
    return metrics, curves, "ok"


def collapse(weights):
    """Kernel and bias of the one layer that a chain of linear layers is.

    Args:
        weights: Kernels `(inputs, units)` and biases in turn; any exact or inexact numbers.
    """
    kernel, bias = weights[0], weights[1]
    for after, shift in zip(weights[2::2], weights[3::2], strict=True):
        kernel, bias = kernel @ after, bias @ after + shift
    return kernel, bias


def integer_error(seed, hidden_units, largest=4, examples=50):
    """The largest difference between a linear net and its collapsed layer on integers: zero.

    Sums of integers below 2 ** 24 are exact in single precision, in whatever order.
    """
    net = small_nets.classifier(hidden_units, "linear")
    rng = np.random.default_rng([25, seed])
    drawn = [rng.integers(-largest, largest + 1, weight.shape) for weight in net.get_weights()]
    x = rng.integers(0, 3, (examples, 64))
    kernel, bias = collapse(drawn)
    net.set_weights([weight.astype("float32") for weight in drawn])
    found = net.predict(x.astype("float32"), verbose=0)
    return np.abs(found.astype("float64") - (x @ kernel + bias)).max()


def _compare(metrics, nets, judged, data):
    """The trained linear net against its collapsed layer on the test images."""
    weights = [np.float64(weight[judged]) for weight in nets.weights]
    kernel, bias = collapse(weights)
    logits = nets.outputs(data.x_test)[judged]
    one = data.x_test @ kernel + bias
    metrics["collapse_error"] = np.abs(logits - one).max() / np.abs(one).max()
    metrics["collapse_agreement_share"] = (logits.argmax(-1) == one.argmax(-1)).mean()
