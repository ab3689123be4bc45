"""What e09 checks: the transfer functions in double precision, their identities, LocoProp-S."""

from typing import NamedTuple

import keras
import numpy as np
from scipy.special import expit, spence, xlogy

import raikeras
from raikeras import transfer


class Exact(NamedTuple):
    """A transfer function of one unit, its integral and the integral's conjugate, in float64."""

    f: object
    integral: object
    dual: object = None  # none: softplus and the step have no inverse in closed form


def _softplus(x):
    return np.logaddexp(0, x)


def _log_cosh(x):
    return np.abs(x) + np.log1p(np.exp(-2 * np.abs(x))) - np.log(2)


def _spence(x):
    """Minus the dilogarithm of minus exp(x), by its inversion above zero."""
    below = -spence(1 + np.exp(-np.abs(x)))
    return np.where(x > 0, np.square(x) / 2 + np.pi**2 / 6 - below, below)


def _elu_integral(x):
    below = np.minimum(x, 0)
    return np.where(x > 0, np.square(x) / 2, np.expm1(below) - below)


def _elu_dual(y):
    below = np.minimum(y, 0)
    return np.where(y > 0, np.square(y) / 2, xlogy(1 + below, 1 + below) - below)


BETA = 0.2  # slope of the leaky ReLU
EXACT = {
    "step": Exact(lambda x: 1.0 * (x > 0), lambda x: np.maximum(x, 0), np.zeros_like),
    "linear": Exact(lambda x: x, lambda x: np.square(x) / 2, lambda y: np.square(y) / 2),
    "leaky_relu": Exact(
        lambda x: np.where(x > 0, x, BETA * x),
        lambda x: np.square(x) * np.where(x > 0, 1, BETA) / 2,
        lambda y: np.square(y) / np.where(y > 0, 1, BETA) / 2,
    ),
    "sigmoid": Exact(expit, _softplus, lambda y: xlogy(y, y) + xlogy(1 - y, 1 - y)),
    # Two units whose pre-activations differ by x: the first one's share, shifts being nothing.
    "softmax": Exact(expit, _softplus, lambda y: xlogy(y, y) + xlogy(1 - y, 1 - y)),
    "tanh": Exact(np.tanh, _log_cosh, lambda y: (xlogy(1 + y, 1 + y) + xlogy(1 - y, 1 - y)) / 2),
    "arctan": Exact(
        np.arctan,
        lambda x: x * np.arctan(x) - np.log1p(np.square(x)) / 2,
        lambda y: -np.log(np.cos(y)),
    ),
    "softplus": Exact(_softplus, _spence),
    "elu": Exact(
        lambda x: np.where(x > 0, x, np.expm1(np.minimum(x, 0))), _elu_integral, _elu_dual
    ),
}


# Identities


def grid(largest, points):
    """Pre-activations of either sign on a logarithmic grid without zero, as float32 has them."""
    half = np.geomspace(1e-2, largest, points // 2)
    return np.concatenate([-half[::-1], half]).astype("float32")


def divergence(exact, a, ahat):
    """D_F(ahat, a) by its definition, in float64."""
    a, ahat = np.float64(a), np.float64(ahat)
    return exact.integral(ahat) - exact.integral(a) - exact.f(a) * (ahat - a)


def units(name, x):
    """Pre-activations as the library takes them, units last: softmax has a second unit at zero."""
    return np.stack([x, np.zeros_like(x)] if name == "softmax" else [x], axis=-1)


def errors(name, settings):
    """The largest error of each identity of a transfer function; none where it does not apply.

    Those of divergences are relative to 1 + |ahat - a|^2, the others to 1 + the value's size.
    """
    exact, x = EXACT[name], grid(settings["largest"], settings["points"])
    return {
        **_function_errors(name, exact, x),
        **_divergence_errors(name, exact, x),
        "dual": _dual_error(name, exact, grid(settings["moderate"], settings["points"])),
        "convexity": _convexity_error(name, x),
    }


def _function_errors(name, exact, x):
    """f and F of the library, and whether the slope of F is f."""
    of_library, wide = transfer.get(name), np.float64(x)
    first = _array(of_library(units(name, x)))[..., 0]
    step = 1e-5 * np.maximum(1, np.abs(wide))
    slope = (exact.integral(wide + step) - exact.integral(wide - step)) / (2 * step)
    return {
        "function": _largest(first - exact.f(wide), np.abs(exact.f(wide))),
        "integral": _largest(
            _array(of_library.integral(units(name, x))) - exact.integral(wide),
            np.abs(exact.integral(wide)),
        ),
        "slope": _largest(slope - exact.f(wide), np.abs(exact.f(wide))),
    }


def _divergence_errors(name, exact, x):
    """Value, sign and zeros of the library's divergence over all pairs of a target and a value."""
    of_library = transfer.get(name)
    a, ahat = (part.ravel() for part in np.meshgrid(x, x))
    found = _array(of_library.divergence(units(name, a), units(name, ahat)))
    square = np.square(np.float64(ahat) - a)
    apart = np.abs(exact.f(np.float64(ahat)) - exact.f(np.float64(a)))
    outputs = [_array(of_library(units(name, part)))[..., 0] for part in (a, ahat)]
    same = outputs[0] == outputs[1]
    missed = np.any(found[apart > 1e-4] <= 0)  # zero where it must not be
    return {
        "divergence": _largest(found - divergence(exact, a, ahat), square),
        "negative": _largest(np.minimum(found, 0), square),
        "zero": 1.0 if missed else _largest(found[same], square[same]),
    }


def _dual_error(name, exact, x):
    """D_F(ahat, a) against D_F*(y, yhat) and against the library's loss of outputs."""
    of_library = transfer.get(name)
    a, ahat = (part.ravel() for part in np.meshgrid(x, x))
    y = of_library(units(name, a))
    found = _array(of_library.matching_loss_of_output(y, units(name, ahat)))
    wanted, square = divergence(exact, a, ahat), np.square(np.float64(ahat) - a)
    error = _largest(found - wanted, square)
    if exact.dual is None:
        return error
    a, ahat = np.float64(a), np.float64(ahat)
    y, yhat = exact.f(a), exact.f(ahat)
    conjugate = exact.dual(y) - exact.dual(yhat) - ahat * (y - yhat)
    return max(error, _largest(conjugate - wanted, square))


def _convexity_error(name, x):
    """By how much the divergence at a midpoint exceeds the mean of the ends, targets in tenths."""
    of_library = transfer.get(name)
    one, two = (part.ravel() for part in np.meshgrid(x, x))
    worst = 0.0
    for a in x[:: len(x) // 10]:
        target = units(name, np.full_like(one, a))
        parts = (one, two, (one + two) / 2)
        first, second, middle = (
            _array(of_library.divergence(target, units(name, p))) for p in parts
        )
        scale = np.square(np.float64(one) - two) + np.square(np.float64(one) - a)
        worst = max(worst, _largest(np.maximum(middle - (first + second) / 2, 0), scale))
    return worst


def _array(tensor):
    return np.asarray(keras.ops.convert_to_numpy(tensor), "float64")


def _largest(error, size):
    """The largest error relative to 1 + size; infinite where one is not a number."""
    found = np.max(np.abs(error) / (1 + size), initial=0.0)
    return float(np.nan_to_num(found, nan=np.inf))


def gallery(settings):
    """f, F and, for some targets, the divergence of each function along a line."""
    x = np.linspace(-settings["drawn"], settings["drawn"], settings["drawn_points"])
    found = {"x": x}
    for name, exact in EXACT.items():
        found |= {f"{name}_f": exact.f(x), f"{name}_integral": exact.integral(x)}
        for number, a in enumerate(settings["drawn_targets"]):
            found[f"{name}_divergence_{number}"] = divergence(exact, a, x)
    return found


# LocoProp-S


def _problem(seed, settings):
    """A net of tanh layers with a linear output, and data for it."""
    rng = np.random.default_rng(seed)
    widths, examples = settings["widths"], settings["examples"]
    keras.utils.set_random_seed(seed)
    hidden = [keras.layers.Dense(units, "tanh") for units in widths[1:-1]]
    net = keras.Sequential([keras.Input((widths[0],)), *hidden, keras.layers.Dense(widths[-1])])
    x = rng.normal(size=(examples, widths[0])).astype("float32")
    return net, x, rng.normal(size=(examples, widths[-1])).astype("float32")


def _once(model, x, y):
    model.fit(x, y, batch_size=len(x), epochs=1, verbose=0)


def backprop_error(seed, settings):
    """C7: largest difference between one local step of S and backprop's, relative to the move."""
    rate, gamma = settings["learning_rate"], settings["step_size"]
    net, x, y = _problem(seed, settings)
    twin = keras.models.clone_model(net)
    twin.set_weights(net.get_weights())
    before = net.get_weights()
    step = raikeras.Local(1)
    local = keras.optimizers.SGD(rate)
    loss = keras.losses.MeanSquaredError()
    _once(raikeras.presets.locoprop_s(net, loss, local, gamma, step), x, y)
    twin.compile(keras.optimizers.SGD(rate * gamma), loss)
    _once(twin, x, y)
    after = zip(net.get_weights(), twin.get_weights(), before, strict=True)
    return max(float(np.max(np.abs(a - b)) / np.max(np.abs(b - c))) for a, b, c in after)


def fixed_point_error(seed, settings):
    """C8: residual of the closed form's equation for W_new, relative to the move, in float64."""
    eta, gamma = settings["eta"], settings["step_size"]
    net, x, y = _problem(seed, settings)
    before = [np.float64(weight) for weight in net.get_weights()]
    step = raikeras.ClosedForm(eta)
    loss = keras.losses.MeanSquaredError()
    _once(raikeras.presets.locoprop_s(net, loss, None, gamma, step), x, y)
    after = [np.float64(weight) for weight in net.get_weights()]
    old, new = (_with_bias(weights) for weights in (before, after))
    inputs, gradients = _backprop(old, np.float64(x), np.float64(y))
    worst = 0.0
    for was, now, fed, gradient in zip(old, new, inputs, gradients, strict=True):
        target = fed @ was - gamma * gradient
        residual = now - was + eta * fed.T @ (fed @ now - target)
        worst = max(worst, float(np.max(np.abs(residual)) / np.max(np.abs(now - was))))
    return worst


def _with_bias(weights):
    """Kernels with the bias as their last row."""
    return [np.vstack(pair) for pair in zip(weights[::2], weights[1::2], strict=True)]


def _backprop(kernels, x, y):
    """What feeds each layer, a one behind it, and the loss' gradients by the pre-activations."""
    inputs, value = [], x
    for number, kernel in enumerate(kernels):
        value = value if not number else np.tanh(value)
        inputs.append(np.hstack([value, np.ones((len(x), 1))]))
        value = inputs[-1] @ kernel
    gradients = [2 * (value - y) / y.size]
    for kernel, fed in zip(kernels[:0:-1], inputs[:0:-1], strict=True):
        slope = 1 - np.square(fed[:, :-1])
        gradients.insert(0, gradients[0] @ kernel[:-1].T * slope)
    return inputs, gradients


# A run


def measured(seed, settings):
    """Metrics, curves and status of a run, for `results.save`; not finite is the largest error."""
    table = {name: errors(name, settings) for name in EXACT}
    metrics = {f"{name}_{key}": value for name, row in table.items() for key, value in row.items()}
    known = [value for row in table.values() for value in row.values() if value is not None]
    metrics["matching_error"] = max(known, key=lambda value: np.nan_to_num(value, nan=np.inf))
    metrics["backprop_error"] = backprop_error(seed, settings)
    metrics["fixed_point_error"] = fixed_point_error(seed, settings)
    finite = np.isfinite([*known, metrics["backprop_error"], metrics["fixed_point_error"]]).all()
    curves = {name: np.round(values, 5) for name, values in gallery(settings).items()}
    return metrics, curves, "ok" if finite else "diverged"
