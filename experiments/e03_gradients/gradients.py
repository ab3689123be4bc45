"""What e03 takes from formulas: equation 23, gradients by layer at five starts, theory."""

import jax
import keras
import numpy as np
from scipy.special import expit

from experiments.common.activations import function
from raikeras.initializers import isometric_start

# Equation 23


def chain_slope(name, weights, biases, alpha, x):
    """df/dw_1 of f = alpha s(z_L), z_l = w_l s(z_{l-1}) + b_l, z_1 = w_1 x + b_1: equation 23."""
    value, slopes = x, []
    for weight, bias in zip(weights, biases, strict=True):
        z = weight * value + bias
        value = function(name).f(z)
        slopes.append(function(name).slope(z))
    return alpha * np.prod(weights[1:]) * np.prod(slopes) * x


def chain_error(name, length, draws, rng):
    """Largest relative difference between equation 23 and automatic differentiation, float64."""
    worst = 0.0
    for _ in range(draws):
        weights = rng.uniform(0.5, 1.5, length)
        biases = rng.uniform(0, 0.5, length)
        if not function(name).positive:
            weights *= rng.choice([-1, 1], length)
            biases *= rng.choice([-1, 1], length)
        alpha, x = rng.uniform(0.5, 2, 2)
        automatic = _differentiated(name, weights, biases, alpha, x)
        error = abs(chain_slope(name, weights, biases, alpha, x) - automatic) / abs(automatic)
        worst = max(worst, float(error))
    return worst


def _differentiated(name, weights, biases, alpha, x):
    with jax.enable_x64(True):

        def chain(first, others, biases):
            value = jax.numpy.asarray(x)
            for weight, bias in zip((first, *others), biases, strict=True):
                value = function(name).jax(weight * value + bias)
            return alpha * value

        return float(jax.grad(chain)(float(weights[0]), tuple(weights[1:]), tuple(biases)))


# Nets at their start


def plain_net(depth, settings):
    """`depth` hidden layers on two inputs and a logit, from Keras' default start."""
    activation = function(settings["activation"]).keras
    hidden = [keras.layers.Dense(settings["units"], activation) for _ in range(depth)]
    return keras.Sequential([keras.Input((2,)), *hidden, keras.layers.Dense(1)])


def starts(depth, settings, seed):
    """Weights in float64 by the start's name, kernels and biases in turn.

    default: Keras', Glorot uniform; torch: U(+-1/sqrt(inputs)), the source's; he: N(0, 2/inputs);
    large: the default times a gain; biased: the default with biases that hold pre-activations away
    from zero, where the functions saturate; isometric: the library's.
    """
    keras.utils.set_random_seed(seed)
    net, rng = plain_net(depth, settings), np.random.default_rng([seed, depth])
    default = [weight.astype("float64") for weight in net.get_weights()]
    bound = [kernel.shape[0] ** -0.5 for kernel in default[::2] for _ in range(2)]
    torch = [rng.uniform(-b, b, w.shape) for b, w in zip(bound, default, strict=True)]
    he = [np.zeros(w.shape) for w in default]
    he[::2] = [rng.normal(0, 2**0.5 * b, w.shape) for b, w in zip(bound, default, strict=True)][::2]
    found = {"default": default, "torch": torch, "he": he}
    found["large"] = [settings["large_gain"] * weight for weight in default]
    found["biased"] = [weight.copy() for weight in default]
    for bias in found["biased"][1:-1:2]:
        bias[:] = rng.uniform(*settings["bias_range"], bias.shape) * rng.choice([-1, 1], bias.shape)
    isometric_start(net, seed=seed)
    return found | {"isometric": [weight.astype("float64") for weight in net.get_weights()]}


def layer_norms(weights, name, x, y):
    """Norm of the gradient of the mean cross-entropy by each layer's weights, by backprop.

    Args:
        weights: Kernels and biases in turn, float64; the last layer gives the logit.
        name: The hidden layers' activation.
        x, y: Inputs `(n, inputs)` and classes `(n, 1)`.

    Returns:
        Array of shape `(layers,)`.
    """
    fed, before = [x], []
    for kernel, bias in zip(weights[:-2:2], weights[1:-2:2], strict=True):
        before.append(fed[-1] @ kernel + bias)
        fed.append(function(name).f(before[-1]))
    signal = (expit(fed[-1] @ weights[-2] + weights[-1]) - y) / len(x)
    norms = []
    for layer in range(len(before), -1, -1):
        by_kernel, by_bias = fed[layer].T @ signal, signal.sum(axis=0)
        norms.append(np.sqrt(np.sum(by_kernel**2) + np.sum(by_bias**2)))
        if layer:
            signal = signal @ weights[2 * layer].T * function(name).slope(before[layer - 1])
    return np.array(norms[::-1])


def predicted(name, variance, bias_variance, weights, depth, x):
    """log10 of the same norms up to a constant, for infinitely wide layers.

    With independent weights of variance `variance / inputs` the pre-activations are normal, their
    variance q follows q' = variance E[f(z)^2] + bias_variance, and the squared signal takes the
    factor variance E[f'(z)^2] a layer (Poole et al. 2016, Schoenholz et al. 2017).
    """
    nodes = np.linspace(-9, 9, 20_000)  # even: none at a kink in zero; fine enough for large q
    masses, units = np.exp(-(nodes**2) / 2), weights[0].shape[1]
    masses /= masses.sum()
    q = np.mean((x @ weights[0] + weights[1]) ** 2)
    sizes, factors = [np.mean(np.sum(x**2, axis=1))], []
    for _ in range(depth):
        z = np.sqrt(q) * nodes
        size = masses @ function(name).f(z) ** 2
        sizes.append(units * size)
        factors.append(variance * (masses @ function(name).slope(z) ** 2))
        q = variance * size + bias_variance
    # The signal at layer l has passed the slopes of the layers l to depth.
    signal = np.cumsum(np.log10(factors)[::-1])[::-1]
    norms = (np.log10(np.add(sizes[:depth], 1)) + signal) / 2
    return norms - norms[-1]


def rate(logarithms):
    """Change of log10 a layer towards the input, by a straight line through the hidden layers.

    The first layer, whose inputs are the data, is left out.
    """
    inner = np.asarray(logarithms)[1:]
    return _line(np.arange(len(inner)), inner, -1)


def _line(x, y, sign=1):
    """Slope of the least-squares line; NaN for one point or if a value is not finite."""
    drawn = len(x) > 1 and np.isfinite(y).all()
    return sign * float(np.polyfit(x, y, 1)[0]) if drawn else np.nan


def at_the_start(seed, settings, x, y):
    """Metrics and curves of the gradients by layer and depth, at every start."""
    name, depths, units = settings["activation"], settings["depths"], settings["units"]
    variances = {"default": (1, 0), "torch": (1 / 3, 1 / (3 * units)), "he": (2, 0)}
    variances["large"] = (settings["large_gain"] ** 2, 0)
    first, metrics, curves = {}, {}, {"depth": depths}
    for depth in depths:
        for start, weights in starts(depth, settings, seed).items():
            with np.errstate(divide="ignore"):
                norms = np.log10(layer_norms(weights, name, x, y))
            first.setdefault(start, []).append(norms[0])
            curves[f"{start}_norms"] = norms  # those of the last, deepest net stay
            metrics[f"{start}_rate"] = rate(norms[:-1])
            if start in variances:
                theory = predicted(name, *variances[start], weights, depth, x)
                curves[f"{start}_predicted"] = theory
                metrics[f"{start}_predicted_rate"] = rate(theory)
    for start, values in first.items():
        curves[f"{start}_first"] = values
        metrics[f"{start}_depth_rate"] = _line(depths, np.array(values))
    return metrics, {key: np.round(values, 4) for key, values in curves.items()}
