"""The methods of e07_minibatch: targets kept, kept for a few steps or inferred, and backprop."""

import keras
import numpy as np

import raikeras
from experiments.common.minibatch import Batches, Watch
from raikeras.presets import falling, growing

MEASURED = 10  # every how many steps the deployed network is measured beside the relaxed path


def method(net, settings, steps, num_examples):
    """The compiled model that trains `net` by the run's method in `steps` steps."""
    model = net
    if settings["method"] != "bp":
        hidden = [layer.name for layer in net.layers]
        model = raikeras.RelaxedModel(
            net,
            targets=target_rule(settings, steps, num_examples),
            relax=hidden if settings["relax_output"] else hidden[:-1],
            at=settings["at"],
            hidden_weight=growth(settings, steps),
            deployed_every=MEASURED,
        )
    optimizer = keras.optimizers.Adam(falling(settings["learning_rate"], steps))
    model.compile(optimizer, keras.losses.SparseCategoricalCrossentropy(from_logits=True))
    return model


def target_rule(settings, steps, num_examples):
    """Targets kept in a row per example, or inferred afresh in every batch."""
    name, rate = settings["method"], settings["target_rate"]
    if name not in ("learned", "inferred"):
        raise ValueError(f"`method` must be bp, learned or inferred. Received: method={name!r}")
    kind = {"sgd": keras.optimizers.SGD, "adam": keras.optimizers.Adam}
    optimizer = kind[settings["target_optimizer"]]
    if settings["target_optimizer"] == "sgd":
        share = rate * settings["hidden_units"][-1] / 2  # of the mean over units, per example
        rate = share / settings["hidden_weight"]
        if name == "learned":
            rate = _over(growth(settings, steps), settings["batch_size"] * share)
    if name == "inferred":
        return raikeras.Inferred(settings["inner_steps"], None, optimizer(rate))
    return raikeras.Learned(num_examples, optimizer(rate), settings["refresh_every"])


def growth(settings, steps):
    """The hidden weight: constant, or growing geometrically to `last_weight`."""
    first, last = settings["hidden_weight"], settings["last_weight"]
    if last is None:
        return first
    return growing(first, last, steps)


def _over(weight, value):
    """`value` over the hidden weight, which may be a schedule of exponential growth."""
    if not callable(weight):
        return value / weight
    decay = keras.optimizers.schedules.ExponentialDecay
    return decay(value / weight.initial_learning_rate, weight.decay_steps, 1 / weight.decay_rate)


def train(run, net, data):
    """Trains and returns metrics, curves and status, as `results.save` takes them."""
    settings = run["settings"]
    order = settings["batch_size"], settings["repeats"], run["seed"]
    batches = Batches(*data[:2], *order, ids=settings["method"] == "learned")
    steps = len(batches) * settings["epochs"]
    model = method(net, settings, steps, len(data[0]))
    watch = Watch(run, net, data, settings["epochs"])
    model.fit(batches, shuffle=False, epochs=settings["epochs"], verbose=0, callbacks=[watch])
    last = {name: values[-1] for name, values in watch.curves.items()}
    relaxed = last["task_loss"] is not None
    metrics = {
        **{name: last[name] for name in ("train_accuracy", "test_accuracy", "test_loss")},
        "train_loss": last["deployed_loss"],
        **{name: last[name] for name in ("relaxed_loss", "task_loss", "hidden_loss")},
        "deployment_gap": last["during_loss"] - last["task_loss"] if relaxed else None,
        "store_bytes": model.store_bytes() if relaxed else 0,  # of rows and their slots
        "seconds": watch.seconds,
        "compile_seconds": watch.first,
        "epochs": last["epoch"],
        "iterations": watch.steps,
    }
    finite = all(np.isfinite(weight).all() for weight in net.get_weights())
    return metrics, watch.curves, "ok" if finite and watch.steps == steps else "diverged"
