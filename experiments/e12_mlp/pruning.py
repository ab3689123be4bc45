"""Pruning: what a net loses with its tiniest weights and what an iteration repairs (C19)."""

import keras
import numpy as np
from scipy.special import softmax

from experiments.common import vectorised
from experiments.e12_mlp import small_nets

ORDERS = ("tiniest", "random", "largest")


def measure(run):
    """Metrics and curves of the topic `pruning`, for `results.save`."""
    settings, seed = run["settings"], run["seed"]
    data = small_nets.digits(seed, settings)
    net = small_nets.classifier(settings["hidden_units"], settings["activation"])
    trained = [np.asarray(weight[0]) for weight in _trained(net, data, seed, settings)]
    shares, rng = settings["shares"], np.random.default_rng([24, seed])
    cuts = [masks(trained, share, order, rng) for order in ORDERS for share in shares]
    cuts = [np.stack(same).astype("float32") for same in zip(*cuts, strict=True)]
    nets = vectorised.Many(
        net,
        keras.optimizers.SGD(momentum=0.9),
        masked(net),
        [weight * cut for weight, cut in zip(trained, cuts, strict=True)],
        [settings["learning_rate"]] * (len(ORDERS) * len(shares)),
    )
    whole = softmax(np.float64(net.stateless_call(trained, [], data.x_test)[0]), -1)
    metrics = {"accuracy": float(small_nets.accuracies(whole, data.y_test))}
    curves, change = {"share": shares}, []
    change.append(_compare(nets, whole, data))
    for _ in range(settings["repairs"]):
        order = vectorised.one_epoch(rng, 1, settings["train_examples"], settings["batch_size"])
        order = np.tile(order, (len(ORDERS) * len(shares), 1, 1))
        nets.train(data.x_train, data.y_train, order, cuts)
        change.append(_compare(nets, whole, data))
    for repair, found in enumerate(change):
        for name, values in found.items():
            for order, own in zip(ORDERS, values.reshape(len(ORDERS), -1), strict=True):
                curves[f"{order}_{name}_{repair}"] = own.round(5)
    _judge(metrics, curves, settings)
    return metrics, curves, "ok"


def masked(net) -> vectorised.Objective:
    """Cross-entropy of the net whose pruned weights are held at zero by `extra`, the masks."""
    entropy = small_nets.cross_entropy(net)

    def objective(weights, x, y, extra):
        return entropy([weight * cut for weight, cut in zip(weights, extra, strict=True)], x, y, 0)

    return objective


def masks(weights, share, order, rng):
    """Ones and zeros of the weights' shapes: zeros where a kernel entry is pruned.

    Args:
        weights: Kernels and biases in turn; biases stay.
        share: Share of all kernel entries that is pruned.
        order: `tiniest` and `largest` by size over all kernels, or `random`.
    """
    if order not in ORDERS:
        raise ValueError(f"`order` must be one of {', '.join(ORDERS)}. Received: order={order!r}")
    sizes = np.concatenate([np.abs(kernel).ravel() for kernel in weights[::2]])
    rank = {"tiniest": sizes, "largest": -sizes, "random": rng.random(len(sizes))}
    keep = np.ones(len(sizes), bool)
    keep[np.argsort(rank[order], kind="stable")[: round(share * len(sizes))]] = False
    ends = np.cumsum([kernel.size for kernel in weights[::2]])[:-1]
    kernels = iter(np.split(keep, ends))
    return [
        np.ones(weight.shape, bool) if number % 2 else next(kernels).reshape(weight.shape)
        for number, weight in enumerate(weights)
    ]


def _trained(net, data, seed, settings):
    """One start, trained by momentum until the training examples are known."""

    def build():
        return small_nets.classifier(settings["hidden_units"], settings["activation"])

    nets = vectorised.Many(
        net,
        keras.optimizers.SGD(momentum=0.9),
        small_nets.cross_entropy(net),
        vectorised.starts(build, small_nets.seeds(seed, 1)),
        [settings["learning_rate"]],
    )
    nets.train(data.x_train, data.y_train, small_nets.orders(settings, seed, 1))
    return nets.weights


def _compare(nets, whole, data):
    """Accuracy, share of other decisions and mean total variation to the whole net, by run."""
    shares = softmax(np.float64(nets.outputs(data.x_test)), -1)
    return {
        "accuracy": small_nets.accuracies(shares, data.y_test),
        "changed": (shares.argmax(-1) != whole.argmax(-1)).mean(-1),
        "variation": np.abs(shares - whole).sum(-1).mean(-1) / 2,
    }


def _judge(metrics, curves, settings):
    """What C19 asks: decisions changed by a mild cut, accuracy lost by a hard one and repaired."""
    shares = settings["shares"]
    mild, hard = shares.index(settings["mild"]), shares.index(settings["hard"])
    metrics["mild_changed_share"] = curves["tiniest_changed_0"][mild]
    metrics["mild_variation"] = curves["tiniest_variation_0"][mild]
    metrics["mild_random_changed_share"] = curves["random_changed_0"][mild]
    for repair in range(settings["repairs"] + 1):
        accuracy = curves[f"tiniest_accuracy_{repair}"][hard]
        metrics[f"hard_accuracy_{repair}"] = accuracy
        metrics[f"hard_change_{repair}"] = accuracy - metrics["accuracy"]
    metrics["hard_random_accuracy_0"] = curves["random_accuracy_0"][hard]
    last = settings["repairs"]
    metrics[f"hard_random_accuracy_{last}"] = curves[f"random_accuracy_{last}"][hard]
