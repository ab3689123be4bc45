"""Batches: the error of a batch's gradient, batches kept against redrawn, full against single."""

import jax
import keras
import numpy as np

from experiments.common import vectorised
from experiments.e12_mlp import small_nets


def measure(run):
    """Metrics and curves of the topic `batches`, for `results.save`."""
    settings, seed = run["settings"], run["seed"]
    data = small_nets.digits(seed, settings)
    metrics, curves = {}, {}
    for watched, name, judged, rate in (
        *by_size(data, seed, settings),
        *kept(data, seed, settings),
    ):
        metrics[f"{name}_rate"] = rate
        metrics[f"{name}_train_loss"] = watched.train_loss[-1, judged]
        metrics[f"{name}_test_accuracy"] = watched.test_accuracy[-1, judged]
        curves[f"{name}_loss"] = watched.train_loss[:, judged].round(4)
        curves[f"{name}_epoch"] = np.arange(len(watched.steps))
    metrics["redrawn_gain"] = metrics["redrawn_test_accuracy"] - metrics["kept_test_accuracy"]
    noise = gradient_errors(data, seed, settings)
    curves |= {name: np.asarray(values) for name, values in noise.items()}
    sizes = noise["sizes"]
    metrics["slope"] = np.polyfit(np.log(sizes), np.log(noise["with_replacement"]), 1)[0]
    ratios = np.array(noise["with_replacement"]) / noise["with_theory"]
    metrics["theory_error"] = np.abs(ratios - 1).max()
    ratios = np.array(noise["without_replacement"][:-1]) / noise["without_theory"][:-1]
    metrics["finite_theory_error"] = np.abs(ratios - 1).max()
    return metrics, curves, "ok"


def _net(settings):
    return small_nets.classifier(settings["hidden_units"], settings["activation"])


def by_size(data, seed, settings):
    """Full batch, mini-batch and single examples for as many epochs, each with its best rate."""
    examples = settings["train_examples"]
    sizes = {"full": examples, "mini": settings["batch_size"], "single": 1}
    rng = np.random.default_rng([19, seed])
    for name, size in sizes.items():
        order = _epochs(rng, settings["starts"], examples, size, settings["epochs"])
        yield _tuned(name, order, examples // size, data, seed, settings)


def kept(data, seed, settings):
    """Batches fixed once against batches redrawn in every epoch."""
    examples, size = settings["train_examples"], settings["batch_size"]
    order = _epochs(
        np.random.default_rng([20, seed]), settings["starts"], examples, size, settings["epochs"]
    )
    first = order[:, : examples // size]
    for name, one in (("redrawn", order), ("kept", np.tile(first, (1, settings["epochs"], 1)))):
        yield _tuned(name, one, examples // size, data, seed, settings)


def _epochs(rng, runs, examples, batch, epochs):
    return small_nets.batches(rng, runs, examples, batch, epochs * (examples // batch))


def _tuned(name, order, every, data, seed, settings):
    """Trains with all rates, measured after each epoch: `(watched, name, judged run, rate)`."""
    _, watched, tuned = small_nets.tune(
        data,
        lambda: _net(settings),
        keras.optimizers.SGD(),
        settings,
        seed,
        order=order,
        every=every,
    )
    return watched, name, tuned.judged, tuned.rate


# The error of a batch's gradient


def gradient_errors(data, seed, settings):
    """Root mean square error of batch gradients, relative to the full gradient's length, at the
    start.

    Beside each what theory says, see `shrinkage`.
    """
    (weights,) = zip(
        *vectorised.starts(lambda: _net(settings), small_nets.seeds(seed, 1)), strict=True
    )
    gradients = per_example(_net(settings), weights, data.x_train, data.y_train)
    examples, full = len(gradients), gradients.mean(0)
    trace = np.square(gradients - full).sum(1).mean()
    rng = np.random.default_rng([18, seed])
    sizes = sorted({2**k for k in range(int(np.log2(examples)) + 1)} | {examples})
    found = {"sizes": sizes}
    for name in ("with", "without"):
        drawn = [_error(rng, name, gradients, full, b, settings["draws"]) for b in sizes]
        theory = np.sqrt([trace * shrinkage(name, b, examples) for b in sizes])
        found[f"{name}_replacement"] = np.array(drawn) / np.linalg.norm(full)
        found[f"{name}_theory"] = theory / np.linalg.norm(full)
    return found


def shrinkage(name, batch, examples):
    """Mean square error of a mean of `batch` draws over that of one: 1 / B with replacement,
    without (the name) that times (n - B) / (n - 1).
    """
    return 1 / batch if name == "with" else (examples - batch) / (examples - 1) / batch


def per_example(net, weights, x, y):
    """Gradient of each example's loss, float64 of shape `(examples, weights)`."""
    objective = small_nets.cross_entropy(net)
    one = jax.grad(lambda weights, x, y: objective(weights, x[None], y[None], None))
    found = jax.jit(jax.vmap(one, (None, 0, 0)))(list(weights), x, y)
    return np.concatenate([np.float64(part).reshape(len(x), -1) for part in found], axis=1)


def _error(rng, name, gradients, full, batch, draws):
    examples = len(gradients)
    if name == "with":
        counts = rng.multinomial(batch, np.full(examples, 1 / examples), size=draws)
    else:
        counts = rng.permuted(np.tile(np.arange(examples) < batch, (draws, 1)), axis=1)
    errors = counts.astype("float64") @ gradients / batch - full
    return np.sqrt(np.square(errors).sum(1).mean())
