"""Chooses a method's settings by full-length runs from starts that no run has; trains all runs."""

import time
from collections.abc import Sequence

import keras
import numpy as np

from experiments.common import autoencoder, vectorised
from experiments.e10_autoencoder import data, methods
from experiments.results import progress

TUNED_ON = (1000, 1001)  # seeds of the trials: none of the runs'


def results_of(run, seeds: Sequence[int]) -> dict[int, tuple[dict, dict]]:
    """Metrics and curves by seed, as `save_variants` takes them."""
    settings = run["settings"]
    method = methods.METHODS.get(settings["method"])
    if method is None:
        raise ValueError(
            f"`method` must be one of {', '.join(methods.METHODS)}. "
            f"Received: method={settings['method']!r}"
        )
    train, test = data.images(settings)
    floors = data.floor(train), data.floor(test)
    sizes = layer_sizes(train.shape[1], settings)
    tried = method.trials[: settings["trials"]]
    kept, _ = _trained(run, train, TUNED_ON, tried, [settings["epochs"]])
    ends = np.array([_excess(one, train, floors[0])[0] for one in kept])
    losses = ends.reshape(len(TUNED_ON), len(tried)).mean(axis=0)
    best = int(np.argmin(np.nan_to_num(losses, nan=np.inf)))
    looks = np.linspace(0, settings["epochs"], settings["checkpoints"] + 1).astype(int).tolist()
    steps = [epoch * (len(train) // settings["batch_size"]) for epoch in looks]
    kept, seconds = _trained(run, train, seeds, [tried[best]], looks)
    evaluations = methods.gradient_evaluations(settings["method"], sizes, settings["batch_size"])
    common = {
        "epoch": looks,
        "gradient_evaluations": [round(evaluations * one, 2) for one in steps],
        "seconds": [round(seconds * one, 4) for one in steps],
        "trial_values": [[*one.values()] for one in tried],
        "trial_excess": losses.tolist(),
    }
    found = {}
    for seed, weights in zip(seeds, kept, strict=True):
        curves = {
            "train_excess": _excess(weights, train, floors[0]),
            "test_excess": _excess(weights, test, floors[1]),
        }
        metrics = {
            **{name: values[-1] for name, values in curves.items()},
            "train_floor": floors[0],
            "test_floor": floors[1],
            "milliseconds": 1e3 * seconds,
            "seconds": seconds * steps[-1],
            "step_evaluations": evaluations,
            "gradient_evaluations": evaluations * steps[-1],
            "trial": best,
        }
        found[seed] = metrics, common | curves
    return found


def layer_sizes(pixels: int, settings) -> list[int]:
    """Units of the input and of each layer."""
    hidden = settings["hidden_units"]
    return [pixels, *hidden, settings["code_units"], *reversed(hidden), pixels]


def _excess(kept, rows, floor) -> list[float]:
    """Nats per image above the floor of a run at each look."""
    return [round(data.nats(weights, rows) - floor, 6) for weights in kept]


def _trained(run, train, seeds, tried, looks):
    """Every pair of a start and a trial, trained.

    Returns:
        The weights at each of these epochs, by pair (those of a start after each other); and the
        median seconds of a step.
    """
    settings, rows = run["settings"], len(train)
    batch, epochs = settings["batch_size"], settings["epochs"]
    batches, pixels = rows // batch, train.shape[1]
    kept: list = [[[] for _ in tried] for _ in seeds]
    starts, times = _starts(pixels, settings, seeds), []
    order = vectorised.shuffled(seeds, epochs, rows, batch)
    for group in _groups(tried):
        pairs = [(start, trial) for start in range(len(seeds)) for trial in group]
        chosen = [starts[start] for start, _ in pairs], [tried[trial] for _, trial in pairs]
        runs = methods.trained(pixels, settings, *chosen, batches * epochs, rows)
        own = order[[start for start, _ in pairs]]
        for epoch in range(epochs + 1):
            if epoch in looks:
                for number, (start, trial) in enumerate(pairs):
                    kept[start][trial].append(runs.net_weights(number))
            if epoch < epochs:
                started = time.perf_counter()
                runs.train(train, train, own[:, epoch * batches : (epoch + 1) * batches])
                times.append((time.perf_counter() - started) / batches / len(pairs))
                progress(run, epoch, epochs)
    return [one for of_start in kept for one in of_start], float(np.median(times))


def _starts(pixels, settings, seeds) -> list:
    """The weights that each seed starts from, the same for all methods."""
    found = []
    for seed in seeds:
        keras.utils.set_random_seed(seed)
        net = autoencoder.network(pixels, settings["hidden_units"], settings["code_units"])
        found.append(net.get_weights())
    return found


def _groups(tried) -> list[list[int]]:
    """Numbers of the trials that train in one program."""
    found: dict[tuple, list[int]] = {}
    for number, one in enumerate(tried):
        found.setdefault(tuple(one.get(name) for name in methods.FIXED), []).append(number)
    return [*found.values()]
