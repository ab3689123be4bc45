"""Trains all splits and settings of a data set and a method at once and judges the chosen ones.

Used by e05 and e06, which look at the nets in the end, and by e17, which looks on the way, too.
"""

import math
import time
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

import keras
import numpy as np

from experiments.common import tabular, vectorised
from experiments.results import each, progress, save

CHUNK = 50  # steps in one call: bounds the memory of their order, and how often a run may stop


class Plan(NamedTuple):
    """How a method is trained.

    Attributes:
        trials: Dicts of knobs, of which held-out rows choose on every split.
        build: `build(shape, steps, settings)` gives the compiled model; `shape` is features,
            outputs and hidden units.
        full_batch: The setting that holds the steps of full batches; `None`: mini-batches.
        always_full: Whether it wants full batches where there are many rows, too.
        stops_early: Whether a run keeps the net that was best on held-out rows while it trained.
    """

    trials: list[dict[str, float]]
    build: Callable
    full_batch: str | None = None
    always_full: bool = False
    stops_early: bool = False


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
    """Makes and saves all runs; the first of a variant trains the splits of all of its runs.

    Args:
        results, runs, settings, provenance: The script's parameters.
        results_of: `results_of(run, splits)` gives metrics and curves by split, as `on_sets` does.
    """
    known = {}
    for run in each(runs, settings):
        run["provenance"] = provenance | run.get("provenance", {})
        if run["variant"] not in known:
            splits = [one["seed"] for one in runs if one["variant"] == run["variant"]]
            known[run["variant"]] = results_of(run, splits)
        metrics, curves = known[run["variant"]][run["seed"]]
        status = "ok" if np.isfinite(list(metrics.values())).all() else "diverged"
        save(results, run, metrics=metrics, curves=curves, status=status)


def on_sets(plan: Plan, names: list[str], splits: list[int], run: dict) -> dict:
    """Metrics and curves of a method on several data sets, by split; see `contest`.

    Args:
        plan: The method.
        names: The data sets.
        splits: Integers, trained at once on each data set.
        run: As `results.each` yields it.

    Returns:
        By split a pair of dicts (metrics, curves); the curves hold the plan's trials, too.
    """
    found: dict[int, tuple[dict, dict]] = {s: ({}, {"trials": plan.trials}) for s in splits}
    for name in names:
        judged = contest(plan, name, splits, run["settings"], run)
        for split, (metrics, curves) in zip(splits, judged, strict=True):
            found[split][0].update(metrics)
            found[split][1].update(curves)
    return found


def contest(plan: Plan, name: str, splits: list[int], settings: dict, run: Any = None) -> list:
    """Metrics and reliability curves of every split.

    All settings are tried on every split, from the same start, and judged on its held-out rows;
    the net of the best one, as it was trained, is judged on the test rows.

    Args:
        plan: The method.
        name: The data set.
        splits: Integers.
        settings: The run's settings.
        run: As `results.each` yields it, to print progress; or `None`.

    Returns:
        A list of pairs of dicts (metrics, curves), one a split.
    """
    started = time.perf_counter()
    data = parts_of(name, splits, settings)
    shape = data[0].x_fit.shape[1], tabular.CLASSES.get(name, 1), settings["hidden_units"]
    steps, batch = _length(plan, name, len(data[0].x_fit), settings)
    model = plan.build(shape, steps, settings)
    starts = [start for start in starts_of(model.net, splits) for _ in plan.trials]
    runs = vectorised.Sweep(model, starts, [*plan.trials] * len(splits), len(data[0].x_fit))
    repeated = [one for one in data for _ in plan.trials]
    order = _order(splits, len(plan.trials), len(data[0].x_fit), steps, batch)
    outputs = train(runs, repeated, order, name if plan.stops_early else None, run)
    seconds = (time.perf_counter() - started) / len(starts)
    extra = {"seconds": round(seconds, 4), "steps": steps, "batch": batch}
    cut = len(plan.trials)
    return [
        _chosen(name, one, [part[k * cut : (k + 1) * cut] for part in outputs], extra)
        for k, one in enumerate(data)
    ]


def train(runs, data, order, early=None, run=None):
    """Takes all steps of a sweep on the fitted rows, in chunks.

    Args:
        runs: The sweep.
        data: A `tabular.Parts` for each run.
        order: Integers `(runs, steps, batch)`.
        early: The data set's name, if each run keeps its best net on held-out rows.
        run: See `contest`.

    Returns:
        What the nets make of the held-out and of the test rows, `(runs, rows, units)` each.
    """
    x, y = (np.stack([getattr(one, key) for one in data]) for key in ("x_fit", "y_fit"))
    best, kept = np.full(len(data), np.inf), None
    for first in range(0, order.shape[1], CHUNK):
        runs.train(x, y, order[:, first : first + CHUNK], by_run=True)
        if early:
            now = _outputs(runs, data)
            scores = np.array([_score(early, *pair) for pair in zip(now[0], data, strict=True)])
            kept = kept or now
            for old, new in zip(kept, now, strict=True):
                old[scores < best] = new[scores < best]
            best = np.minimum(best, scores)
        if run:
            progress(run, first, order.shape[1])
    return kept or _outputs(runs, data)


def at_checkpoints(runs, data, order_of: Callable, checkpoints, run=None) -> Iterator[tuple]:
    """Takes all steps of a sweep on the fitted rows, and looks at the nets on the way.

    Args:
        runs: The sweep.
        data: A `tabular.Parts` for each run.
        order_of: `order_of(first, last)` gives the rows of these steps' batches, integers
            `(runs, last - first, batch)`.
        checkpoints: Rising numbers of steps. All chunks are as long as their greatest common
            divisor, for each length is a compilation.
        run: See `contest`.

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


def _length(plan, name, rows, settings):
    """Steps of a run and rows of a batch."""
    many = rows > settings["full_batch_rows"] or name in tabular.IMAGES
    if plan.full_batch and (plan.always_full or not many):
        return settings["many_rows_steps" if many else plan.full_batch], rows
    return settings["steps"], min(settings["batch_size"], rows)


def _order(splits, trials, rows, steps, batch):
    """Rows of every step's batch, `(runs, steps, batch)`: the same for all trials of a split."""
    if batch == rows:
        return vectorised.full_batch(len(splits) * trials, steps, rows)
    epochs = -(-steps // (rows // batch))
    return np.repeat(vectorised.shuffled(splits, epochs, rows, batch)[:, :steps], trials, axis=0)


def starts_of(net, splits):
    """First weights by split, the same for all methods: Keras' default start of a net like this."""
    drawn = []
    for split in splits:
        keras.utils.set_random_seed(split)
        drawn.append(keras.models.clone_model(net).get_weights())
    return drawn


def _chosen(name, data, outputs, extra):
    """Metrics and curves of the trial that is best on held-out rows."""
    valid, test = outputs
    best = int(np.argmin([_score(name, one, data) for one in valid]))
    judged = tabular.judge(name, test[best], data.y_test, data.scale)
    metrics = {**judged, "trial": best, "test_rows": len(data.x_test), **extra}
    curves = {}
    if name in tabular.CLASSES:
        logs = tabular.log_softmax(test[best])
        found = tabular.reliability(logs, data.y_test)
        keys = ("bin_count", "bin_confidence", "bin_right")
        curves = {key: np.round(v, 4) for key, v in zip(keys, found, strict=True)}
    return [{f"{name}_{key}": v for key, v in part.items()} for part in (metrics, curves)]


def _score(name, outputs, data):
    """What the choice minimises on held-out rows."""
    return tabular.score(tabular.judge(name, outputs, data.y_valid, data.scale))
