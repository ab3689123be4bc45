"""What e13 fits: three targets on [0, 1]^d, least squares, training, a construction."""

import functools

import jax
import keras
import numpy as np
from scipy.linalg import lstsq, qr
from scipy.stats import qmc

from experiments.common.activations import function
from experiments.common.vectorised import Many, repeat

TARGETS = ("smooth", "kinked", "step")
CENTRE, RADIUS = 0.4, 0.3
CUTOFFS = (1e-13, 1e-7)  # of the largest pivot
SMALLEST = 1e-8  # errors below are rounding and leave the fitted line


def radius(x):
    """Root mean square distance of points `(n, d)` from the centre."""
    return np.sqrt(np.mean((x - CENTRE) ** 2, axis=1))


def targets(x):
    """The three functions at points `(n, d)`: an array `(n, 3)`.

    smooth: cos(4 pi r^2); kinked: |sin(2 pi (r - 0.3))|; step: 1 where r > 0.3.
    """
    r = radius(x)
    kinked = np.abs(np.sin(2 * np.pi * (r - RADIUS)))
    return np.stack([np.cos(4 * np.pi * r**2), kinked, 1.0 * (r > RADIUS)], axis=1)


def judged(dimension, settings):
    """Points on which errors are taken, their targets, and how many of them are not at the step.

    A grid of equal steps in one dimension, a Sobol sequence in more. Behind them stand pairs of
    points on either side of the step, at a distance far below any width of a net's slope: between
    them no continuous function errs by less than one half.
    """
    if dimension == 1:
        x = np.linspace(0, 1, settings["grid_points"])[:, None]
    else:
        x = qmc.Sobol(dimension, scramble=False).random_base2(settings["sample_power"])
    rng = np.random.default_rng(0)
    way = rng.normal(size=(settings["edge_points"], dimension))
    way /= np.sqrt(np.mean(way**2, axis=1, keepdims=True))
    edge = [CENTRE + (RADIUS + sign * settings["edge"]) * way for sign in (-1, 1)]
    inside = np.logical_and.reduce([((0 <= e) & (e <= 1)).all(axis=1) for e in edge])
    points = np.vstack([x, *(e[inside] for e in edge)])
    y = targets(points)
    y[len(x) :, 2] = np.repeat([0.0, 1.0], inside.sum())  # not what rounding makes of the radius
    return points, y, len(x)


def errors(values, y, regular):
    """Largest and root mean square error of values `(n, targets)`: two arrays `(targets,)`."""
    error = np.abs(values - y)
    return error.max(axis=0), np.sqrt(np.mean(error[:regular] ** 2, axis=0))


# The hidden layer


def hidden(dimension, width, steepness, rng):
    """Kernel `(d, width)` and bias `(width,)`: normal slopes, bends uniform in the cube."""
    if width < 1:
        raise ValueError(f"`width` must be a positive integer. Received: width={width!r}")
    kernel = rng.normal(0, steepness, (dimension, width))
    return kernel, -np.sum(kernel * rng.uniform(size=(width, dimension)).T, axis=0)


def features(x, kernel, bias, name):
    """A column of ones and what the hidden layer gives: `(n, 1 + width)`, float64."""
    return np.hstack([np.ones((len(x), 1)), function(name).f(x @ kernel + bias)])


def solved(fed, y, widths, held, cutoffs=CUTOFFS):
    """Output weights `(1 + width, targets)` with the least squared error, for the first units.

    One orthogonal factor serves all widths. Each small triangular system is solved with pivots,
    which leave out directions below a cutoff; of two cutoffs each target takes the one that errs
    less on the points held out, for what rounding allows swings between the points of a step.

    Args:
        fed, y: Features `(n, 1 + width)` and targets at the points of the fit.
        widths: Numbers of units.
        held: Features and targets at the points held out.
    """
    size = fed.shape[1]
    triangle = qr(np.hstack([fed, y]), mode="r", check_finite=False)[0]
    for width in widths:
        own = slice(1 + width)
        found = [
            lstsq(triangle[own, own], triangle[own, size:], cond=cutoff, lapack_driver="gelsy")[0]
            for cutoff in cutoffs
        ]
        wrong = [np.mean((held[0][:, own] @ out - held[1]) ** 2, axis=0) for out in found]
        best = np.argmin(wrong, axis=0)
        yield np.stack([found[choice][:, place] for place, choice in enumerate(best)], axis=1)


def interpolant(f, width):
    """A ReLU layer of `width` units that meets f at equal knots: kernel, bias, output weights.

    Between the knots k / width it is linear, so its error is at most max|f''| / (8 width^2).
    """
    knots = np.arange(width + 1) / width
    slopes = np.diff(f(knots)) * width
    out = np.append(f(knots[:1]), np.diff(slopes, prepend=0))
    return np.ones((1, width)), -knots[:-1], out[:, None]


def interpolation(settings):
    """The construction's largest error and its bound, by width, for the smooth target."""
    x = np.linspace(0, 1, settings["grid_points"])[:, None]
    u = np.linspace(-CENTRE, 1 - CENTRE, settings["grid_points"])
    turn, bend = 4 * np.pi * u**2, 8 * np.pi
    # The second derivative of cos(4 pi u^2).
    most = np.abs(bend * np.sin(turn) + (bend * u) ** 2 * np.cos(turn)).max()
    found, bounds = [], []
    for width in settings["widths"]:
        kernel, bias, out = interpolant(lambda t: targets(t[:, None])[:, 0], width)
        values = features(x, kernel, bias, "relu") @ out
        found.append(np.abs(values[:, 0] - targets(x)[:, 0]).max())
        bounds.append(most / (8 * width**2))
    return found, bounds


# Training


@functools.cache
def _runner(name, dimension, width, steps, rate):
    """The nets of all targets, which every seed uses again: compiled once."""
    net = keras.Sequential(
        [
            keras.Input((dimension,)),
            keras.layers.Dense(width, function(name).keras),
            keras.layers.Dense(1),
        ]
    )

    def objective(weights, x, y, target):
        out = net.stateless_call(weights, [], x)[0][:, 0]
        return jax.numpy.mean((out - jax.numpy.take(y, target, axis=1)) ** 2)

    schedule = keras.optimizers.schedules.CosineDecay(rate, steps)
    weights = repeat([weight.value[None] for weight in net.trainable_variables], len(TARGETS))
    return Many(net, keras.optimizers.Adam(schedule), objective, weights, [rate] * len(TARGETS))


def trained(name, kernel, bias, x, y, settings, rng):
    """Nets trained from this hidden layer, one a target, all at once; Adam, the mean square error.

    Returns:
        Kernel, bias and output weights of each, float64; the output starts near zero.
    """
    dimension, width = kernel.shape
    runner = _runner(name, dimension, width, settings["steps"], settings["learning_rate"])
    out = rng.normal(0, 0.1 / width, (width, 1))
    start = (kernel, bias, out, np.zeros(1))
    runner.restart(repeat([jax.numpy.float32(one)[None] for one in start], len(TARGETS)))
    rows = rng.integers(0, len(x), (settings["steps"], settings["batch_size"]), dtype="int32")
    order = np.broadcast_to(rows, (len(TARGETS), *rows.shape))
    runner.train(np.float32(x), np.float32(y), order, np.arange(len(TARGETS), dtype="int32"))
    kernels, biases, outs, ends = (np.float64(weight) for weight in runner.weights)
    outs = np.concatenate([ends[:, None], outs], axis=1)  # (targets, 1 + width, 1)
    return list(zip(kernels, biases, outs, strict=True))


# A run


def both_fits(dimension, seed, settings):
    """Errors by width, of least squares and of training: `{fit: (widths, sup, rms)}`.

    A net of `width` units has the first `width` of one draw of features, for both fits.
    """
    name, widths = settings["activation"], settings["widths"]
    rng = np.random.default_rng([2026, seed, dimension])
    x, other = (rng.uniform(size=(settings["train_examples"], dimension)) for _ in range(2))
    y = targets(x)
    kernel, bias = hidden(dimension, max(widths), settings["steepness"], rng)
    points, true, regular = judged(dimension, settings)
    fed, far, held = (features(each, kernel, bias, name) for each in (x, points, other))
    found = {"solved": [], "trained": []}
    for out in solved(fed, y, widths, (held, targets(other))):
        found["solved"].append(errors(far[:, : len(out)] @ out, true, regular))
    for width in settings["trained_widths"]:
        nets = trained(name, kernel[:, :width], bias[:width], x, y, settings, rng)
        values = [features(points, k, b, name) @ out for k, b, out in nets]
        found["trained"].append(errors(np.hstack(values), true, regular))
    return {fit: np.array(pairs) for fit, pairs in found.items()}  # (widths, sup and rms, targets)


def slope(widths, values):
    """Exponent of the width in the errors, by least squares in logarithms, above rounding."""
    widths, values = np.asarray(widths), np.asarray(values)
    used = values > SMALLEST
    if used.sum() < 2:
        return np.nan
    return float(np.polyfit(np.log(widths[used]), np.log(values[used]), 1)[0])


def measured(seed, settings):
    """Metrics and curves of a run: every dimension, target, norm and fit."""
    metrics, curves = {}, {}
    by_fit = {"solved": settings["widths"], "trained": settings["trained_widths"]}
    common = settings["widths"].index(settings["trained_widths"][-1])
    for dimension in settings["dimensions"]:
        found = both_fits(dimension, seed, settings)
        for place, target in enumerate(TARGETS):
            for number, norm in enumerate(("sup", "rms")):
                name = f"{target}_d{dimension}_{norm}"
                for fit, widths in by_fit.items():
                    values = found[fit][:, number, place]
                    curves[f"{fit}_{name}"] = [float(f"{value:.4g}") for value in values]
                    metrics[f"{fit}_{name}_slope"] = slope(widths, values)
                    metrics[f"{fit}_{name}_error"] = values[-1]
                behind = found["trained"][-1] / found["solved"][common]
                metrics[f"{name}_orders"] = float(np.log10(behind[number, place]))
    metrics |= worst(metrics, settings["dimensions"])
    if settings["activation"] == "relu":  # whose construction has a bound
        found, bounds = interpolation(settings)
        curves |= {"interpolation": found, "bound": bounds}
        metrics["interpolation_share"] = float(np.max(np.divide(found, bounds)))
    return metrics, curves


def worst(metrics, dimensions):
    """The largest slope and the smallest error over the dimensions, by fit, target and norm."""
    found = {}
    for fit in ("solved", "trained"):
        for target in TARGETS:
            for norm in ("sup", "rms"):
                names = [f"{fit}_{target}_d{d}_{norm}" for d in dimensions]
                found[f"{fit}_{target}_{norm}_slope"] = max(metrics[f"{n}_slope"] for n in names)
                found[f"{fit}_{target}_{norm}_error"] = min(metrics[f"{n}_error"] for n in names)
    for target in TARGETS:
        behind = [metrics[f"{target}_d{d}_rms_orders"] for d in dimensions]
        found[f"{target}_rms_orders"] = float(np.mean(behind))
    return found
