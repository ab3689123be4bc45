"""What e11 trains: the source's net, many of them at once, and what is measured of their alphas."""

import math
import time

import jax
import keras
import numpy as np
from jax import numpy as jnp
from scipy.stats import rankdata
from sklearn.datasets import load_digits

import raikeras
from experiments.common import vectorised
from experiments.results import progress

LAYERS, CHANNELS, CLASSES = 3, 15, 10
AT_ZERO, AT_ONE = 0.05, 0.95  # the source calls an alpha of at most 0.05 "converged to zero"
CHUNK = 1000  # test images that all nets see at a time


# Data and net


def images(settings, seed):
    """x_train, y_train, x_test, y_test: images (n, side, side) in [0, 1] and labels.

    A subsample is drawn for each seed, or once for all if `subsample_seed` names it. The digits
    of scikit-learn, 8 x 8, are enlarged to 16 x 16: of less the third convolution leaves nothing.
    """
    if settings["dataset"] == "digits":
        x, y = load_digits(return_X_y=True)
        order = np.random.default_rng(0).permutation(len(x))
        x = np.kron(x.reshape(-1, 8, 8)[order] / 16, np.ones((1, 2, 2)))
        train, test = (x[:1400], y[order][:1400]), (x[1400:], y[order][1400:])
    else:
        train, test = getattr(raikeras.datasets, settings["dataset"])()
        train, test = (train[0] / 255, train[1]), (test[0] / 255, test[1])
    if settings["train_examples"]:
        own = settings["subsample_seed"]
        rng = np.random.default_rng([7, seed if own is None else own])
        chosen = rng.permutation(len(train[0]))[: settings["train_examples"]]
        train = [part[chosen] for part in train]
    return [np.asarray(part, "int32" if part.ndim == 1 else "float32") for part in (*train, *test)]


def network(side, regularizer=None):
    """The source's net on images (side, side, 1), with PyTorch's start, as a plain Keras model."""
    layers = [keras.Input((side, side, 1))]
    for channels, stride, fan_in in ((CHANNELS, 2, 4), (CHANNELS, 2, 60), (1, 1, 60)):
        layers.append(keras.layers.Conv2D(channels, 2, stride, **_uniform(fan_in)))
        layers.append(raikeras.layers.ReLUAlpha(alpha_regularizer=regularizer))
    features = (side // 4 - 1) ** 2
    layers += [keras.layers.Flatten(), keras.layers.Dense(CLASSES, **_uniform(features))]
    return keras.Sequential(layers)


def _uniform(fan_in):
    """Kernel and bias from U(+-1 / sqrt(fan_in)), PyTorch's default."""
    bound = fan_in**-0.5
    return {
        name: keras.initializers.RandomUniform(-bound, bound)
        for name in ("kernel_initializer", "bias_initializer")
    }


# The same net as a few products: a convolution whose stride is its size is a product of patches,
# and XLA is slow with convolutions whose kernels differ from run to run.


def patches(x):
    """Images (n, side, side) as (n, pixel of a patch, patch of a cell, cell): (n, 4, 4, cells).

    A patch is what the first convolution sees at a place, a cell the four patches that the second
    one sees at a place.
    """
    cells = x.shape[1] // 4
    parts = x.reshape(len(x), cells, 2, 2, cells, 2, 2)  # row: cell, patch, pixel; so columns
    return parts.transpose(0, 3, 6, 2, 5, 1, 4).reshape(len(x), 4, 4, cells * cells)


def logits(weights, x):
    """What `network` with these weights makes of images, as `patches` arranges them: (n, 10)."""
    kernels, biases, alphas = weights[0::3], weights[1::3], weights[2::3]
    count, cells = len(x), math.isqrt(x.shape[-1])
    values = x.transpose(1, 2, 0, 3).reshape(4, -1)
    values = kernels[0].reshape(4, CHANNELS).T @ values + biases[0][:, None]
    values = relu_alpha(values, alphas[0]).reshape(4 * CHANNELS, -1)  # channel, patch
    second = kernels[1].reshape(4, CHANNELS, CHANNELS).transpose(2, 1, 0)
    values = second.reshape(CHANNELS, -1) @ values + biases[1][:, None]
    values = relu_alpha(values, alphas[1])  # (channels, n * cells * cells)
    third = (kernels[2].reshape(4, CHANNELS) @ values).reshape(2, 2, count, cells, cells)
    left = cells - 1
    values = biases[2] + sum(
        third[row, column, :, row : row + left, column : column + left]
        for row in range(2)
        for column in range(2)
    )
    values = relu_alpha(values, alphas[2]).reshape(count, -1)
    return values @ kernels[3] + biases[3]


def relu_alpha(values, alpha):
    """As `raikeras.layers.ReLUAlpha` computes it."""
    return jax.nn.relu(values) - (1 - alpha) * jax.nn.relu(-values)


# Training


def penalty(kind, alphas):
    """The document's L1 norm or the code's L2 norm, not squared, of the alphas of a net."""
    if kind == "l1":
        return jnp.abs(alphas).sum()
    if kind != "norm":
        raise ValueError(f"`penalty` must be l1 or norm. Received: penalty={kind!r}")
    squares = jnp.square(alphas).sum()
    return jnp.where(squares > 0, jnp.sqrt(jnp.where(squares > 0, squares, 1.0)), 0.0)


def alphas_of(weights):
    """The alphas of one net, shape (3,)."""
    return jnp.stack(weights[2::3])


def nets(settings, seed, side):
    """Nets with their own starts, one by penalty weight, ready to train; and their first alphas."""
    seeds = [1000 * seed + number for number in range(len(settings["weights"]))]
    if settings["paired"]:
        seeds = [1000 * seed] * len(seeds)
    weights = vectorised.starts(lambda: network(side), seeds)
    grid = np.arange(0, settings["largest_start"] + 0.01, 0.05)
    alphas = [np.random.default_rng([11, one]).choice(grid, LAYERS) for one in seeds]
    weights[2::3] = list(jnp.asarray(np.stack(alphas, axis=1), "float32"))

    def objective(own, x, y, weight):
        task = keras.losses.sparse_categorical_crossentropy(y, logits(own, x), from_logits=True)
        return task.mean() + weight * penalty(settings["penalty"], alphas_of(own))

    rates = [settings["learning_rate"]] * len(seeds)
    net = network(side)
    trained = vectorised.Many(net, keras.optimizers.SGD(rates[0]), objective, weights, rates)
    return trained, np.stack(alphas)


def train(run, data):
    """Trains a net for each penalty weight, all at once, for `results.save`.

    Curves: `weight`, `start`, `final`, `test_accuracy`, `test_loss`: one entry by net; and
    `step`, `alpha`: of every net the alphas after these steps, (nets, steps, 3).
    """
    settings, weights = run["settings"], np.asarray(run["settings"]["weights"])
    trained, start = nets(settings, run["seed"], data[0].shape[1])
    began = time.perf_counter()
    notes = [(0, start), *follow(run, trained, *data[:2])]
    seconds = time.perf_counter() - began
    final = np.stack([np.asarray(one) for one in trained.weights[2::3]], axis=1)
    accuracy, loss = judge(trained.weights, *data[2:])
    curves = {"weight": weights, "start": np.round(start, 2)}
    curves |= {"final": np.round(final.astype("float64"), 5)}
    curves |= {"test_accuracy": np.round(accuracy, 4), "test_loss": np.round(loss, 5)}
    alphas = np.stack([alphas for _, alphas in notes], axis=1).astype("float64")
    curves |= {"step": [step for step, _ in notes], "alpha": np.round(alphas, 3)}
    metrics = measures(weights, start, final)
    metrics |= {"test_accuracy": accuracy.mean(), "test_loss": loss.mean(), "seconds": seconds}
    steps = len(data[0]) // settings["batch_size"] * settings["epochs"]
    metrics |= {"epochs": settings["epochs"], "iterations": steps}
    return metrics, curves, "ok" if np.isfinite(loss).all() else "diverged"


def follow(run, trained, x, y):
    """Trains all nets; yields (step, alphas of shape (nets, 3)) every `note_every` steps."""
    settings, count = run["settings"], len(run["settings"]["weights"])
    x, y = jnp.asarray(patches(x)), jnp.asarray(y)
    lambdas = jnp.asarray(settings["weights"], "float32")
    rng, step = np.random.default_rng([13, run["seed"]]), 0
    for epoch in range(settings["epochs"]):
        drawn = 1 if settings["paired"] else count
        order = vectorised.one_epoch(rng, drawn, len(x), settings["batch_size"])
        order = np.broadcast_to(order, (count, *order.shape[1:]))
        _, alphas = trained.train(x, y, order, lambdas, record=alphas_of)
        for one in alphas:
            step += 1
            if step % settings["note_every"] == 0:
                yield step, one
        progress(run, epoch + 1, settings["epochs"])


def judge(weights, x, y):
    """Accuracy and mean cross-entropy of every net, each of shape (nets,)."""
    call = jax.jit(jax.vmap(logits, (0, None)))
    parts = [call(weights, patches(x[k : k + CHUNK])) for k in range(0, len(x), CHUNK)]
    outputs = np.concatenate(parts, axis=1).astype("float64")  # (nets, n, 10)
    chosen = outputs[:, np.arange(len(y)), y]
    losses = np.logaddexp.reduce(outputs, axis=2) - chosen
    return (outputs.argmax(2) == y).mean(1), losses.mean(1)


# Measures


def measures(weights, start, final):
    """The numbers that claims are judged by, of the nets of one run.

    Args:
        weights: Penalty weights, shape (nets,).
        start, final: Alphas before and after training, shape (nets, 3).
    """
    zero = (final <= AT_ZERO).mean(1)
    between = ((final > AT_ZERO) & (final < AT_ONE)).mean(1)
    small, large = weights < 0.0225, weights > 0.0275
    drop = between[small].mean() - between[large].mean() if small.any() and large.any() else None
    return {
        "zero_share": zero.mean(),
        "zero_rank_correlation": rank_correlation(weights, zero) if len(weights) > 2 else None,
        "zero_step": _at(weights, zero, 0.025) - _at(weights, zero, 0.02),
        "third_at_one": (final[:, -1] >= AT_ONE).mean(),
        "start_rank_correlation": rank_correlation(start.ravel(), final.ravel()),
        "between_share": between.mean(),
        "between_drop": drop,
    }


def rank_correlation(first, second):
    """Spearman's correlation; 0 where one of both is constant and so has no order."""
    ranks = [rankdata(values) for values in (first, second)]
    if any(np.ptp(one) == 0 for one in ranks):
        return 0.0
    return float(np.corrcoef(ranks)[0, 1])


def _at(weights, values, weight):
    """The mean value of the nets with this penalty weight, NaN if there is none."""
    chosen = values[np.isclose(weights, weight)]
    return chosen.mean() if chosen.size else np.nan
