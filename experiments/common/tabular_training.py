"""Trains all splits and settings of a data set and a method at once, and looks on the way."""

import math
import time
from collections.abc import Callable, Iterator

import keras
import numpy as np

from experiments.common import tabular
from experiments.results import each, progress, save


def network(features, outputs, hidden_units):
    """Dense tanh layers with Keras' default start; linear outputs or logits."""
    hidden = [keras.layers.Dense(units, "tanh") for units in hidden_units]
    return keras.Sequential([keras.Input((features,)), *hidden, keras.layers.Dense(outputs)])


def loss_of(outputs):
    """The task loss: squared error for one output, cross-entropy of the logits for more."""
    if outputs == 1:
        return keras.losses.MeanSquaredError()
    return keras.losses.SparseCategoricalCrossentropy(from_logits=True)


def save_variants(results, runs, settings: dict, provenance: dict, results_of: Callable) -> None:
    """Makes and saves all runs, those of a variant after each other: the first trains all of them.

    Args:
        results, runs, settings, provenance: The script's parameters.
        results_of: `results_of(run, splits)` gives by split a pair of dicts, metrics and curves.
    """
    order = list(dict.fromkeys(run["variant"] for run in runs))
    variant, known = None, {}
    for run in each(sorted(runs, key=lambda one: order.index(one["variant"])), settings):
        run["provenance"] = provenance | run.get("provenance", {})
        if run["variant"] != variant:
            variant = run["variant"]
            known = results_of(run, [one["seed"] for one in runs if one["variant"] == variant])
        metrics, curves = known[run["seed"]]
        status = "ok" if np.isfinite(list(metrics.values())).all() else "diverged"
        save(results, run, metrics=metrics, curves=curves, status=status)


def at_checkpoints(runs, data, order_of: Callable, checkpoints, run=None) -> Iterator[tuple]:
    """Takes all steps of a sweep on the fitted rows, and looks at the nets on the way.

    Args:
        runs: The sweep.
        data: A `tabular.Parts` for each run.
        order_of: `order_of(first, last)` gives the rows of these steps' batches, integers
            `(runs, last - first, batch)`.
        checkpoints: Rising numbers of steps. All chunks are as long as their greatest common
            divisor, for each length is a compilation.
        run: As `results.each` yields it, to print progress; or `None`.

    Yields:
        At each checkpoint what the nets make of the fitted, held-out and test rows, a list of
        arrays `(runs, rows, units)`, and the median seconds of a step of all runs until now,
        without the first chunk, which is compiled; 0 if there is no other.
    """
    x, y = (
        keras.ops.convert_to_tensor(np.stack([getattr(one, key) for one in data]))
        for key in ("x_fit", "y_fit")
    )
    chunk, times, done = math.gcd(*checkpoints), [], 0
    for checkpoint in checkpoints:
        for first in range(done, checkpoint, chunk):
            started = time.perf_counter()
            runs.train(x, y, order_of(first, first + chunk), by_run=True)
            times.append(time.perf_counter() - started)
            if run:
                progress(run, first, checkpoints[-1])
        done = checkpoint
        seconds = float(np.median(times[1:])) / chunk if times[1:] else 0.0
        yield _outputs(runs, data, ("x_fit", "x_valid", "x_test")), seconds


def _outputs(runs, data, keys=("x_valid", "x_test")):
    """What the nets make of these parts: by default of the held-out and of the test rows."""
    found = []
    for key in keys:
        parts = [getattr(one, key) for one in data]
        same = all(np.shares_memory(part, parts[0]) for part in parts)  # images have one test part
        x = parts[0] if same else np.stack(parts)
        found.append(runs.outputs(x, by_run=not same).copy())
    return found


def parts_of(name, splits, settings):
    """The parts of each split; all share the test rows of images."""
    data = [
        tabular.parts(name, split, settings["held_out"], settings["image_examples"])
        for split in splits
    ]
    if name in tabular.IMAGES:
        data = [one._replace(x_test=data[0].x_test, y_test=data[0].y_test) for one in data]
    return data


def starts_of(net, splits):
    """First weights by split, the same for all methods: Keras' default start of a net like this."""
    drawn = []
    for split in splits:
        keras.utils.set_random_seed(split)
        drawn.append(keras.models.clone_model(net).get_weights())
    return drawn
