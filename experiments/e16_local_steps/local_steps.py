"""What e16 measures: the step times of local methods beside backprop's, all taking turns."""

import keras
import numpy as np

from benchmarks.contenders import ratio, seconds, take_turns
from experiments.common import autoencoder
from experiments.results import progress

METHODS = ("backprop", "s", "s_closed", "m", "inferred")


def measured(run):
    """Metrics of a run, for `results.save`; ratios are medians over rounds of those to backprop."""
    chosen, epochs, first = run["settings"], {}, {}
    shape = (chosen["batch_size"] * chosen["epoch_batches"], chosen["pixels"])
    images = np.random.default_rng(run["seed"]).uniform(size=shape).astype("float32")
    for number, name in enumerate(METHODS):
        progress(run, number, len(METHODS) + 1)
        epochs[name], first[name] = contender(name, chosen, images)
    metrics = compared(take_turns(epochs, chosen["rounds"]), first, chosen["epoch_batches"])
    keras.utils.clear_session()
    return metrics


def compared(times, first, batches):
    """Seconds a step, those of the first epoch and ratios to backprop.

    Args:
        times: By method the seconds of its epochs, one a round.
        first: By method the seconds of its first epoch, which compiles.
        batches: Batches of an epoch.
    """
    metrics = {}
    for name, values in times.items():
        metrics[f"{name}_seconds"] = float(np.median(values)) / batches
        metrics[f"{name}_first_seconds"] = first[name]
        metrics[f"{name}_ratio"] = ratio(values, times["backprop"])
    return metrics


def contender(name, settings, images):
    """A function that trains one epoch by a method, compiled already; what its first one took."""
    batch = settings["batch_size"]
    keras.utils.set_random_seed(0)
    model = compiled(name, images.shape[1], settings)

    def fit():
        model.fit(images, images, batch_size=batch, shuffle=False, verbose=0)

    first = seconds(fit)
    fit()  # some steps are compiled again, for the types that the first one returned
    return fit, first


def compiled(name, pixels, settings):
    """The model that trains by a method of `METHODS`."""
    net = autoencoder.network(pixels, settings["hidden_units"], settings["code_units"])
    optimizer = autoencoder.local_optimizer(settings["learning_rate"], settings["momentum"])
    if name == "backprop":
        net.compile(optimizer, autoencoder.PixelEntropy())
        return net
    if name == "inferred":
        weight = settings["hidden_weight"]
        optimizer = keras.optimizers.Adam(settings["learning_rate"])
        return autoencoder.inferred(net, optimizer, settings["target_rate"] / weight, weight)
    return autoencoder.locoprop(
        "locoprop_m" if name == "m" else "locoprop_s",
        net,
        optimizer,
        settings["step_size"],
        settings["local_steps"],
        settings["lowest_rate"],
        settings["eta"] if name == "s_closed" else None,
    )
