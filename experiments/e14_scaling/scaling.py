"""What e14 measures: seconds of training steps, all methods taking turns, and bytes of rows."""

import functools
import logging

import keras
import numpy as np

from benchmarks.contenders import METHODS, Contender, floor, ratio, repeated, seconds, take_turns
from experiments.results import progress


def start_up():
    """Loads and starts once what is no method's cost."""
    # TensorFlow warns that every new model is traced anew, which is what is timed here.
    logging.getLogger("tensorflow").setLevel(logging.ERROR)
    for method in METHODS:
        Contender(method, "rprop", depth=2, units=4, batch=4, batches=1).fit()


def measured(run):
    """Metrics of the centre and curves over all points of a run, for `results.save`."""
    visited, chosen = points(run["settings"]), run["settings"]["optimizers"]
    rows, not_run = [dict(point) for point in visited], [{} for _ in visited]
    for number, (row, point) in enumerate(zip(rows, visited, strict=True)):
        progress(run, number, len(visited))
        for optimizer in chosen:
            found, not_run[number] = measure(point, optimizer, run["settings"])
            row.update(found)
            keras.utils.clear_session()
    names = list(dict.fromkeys(name for row in rows for name in row))
    metrics = {name: rows[0].get(name) for name in names if name not in visited[0]}
    return metrics, {name: [row.get(name) for row in rows] for name in names} | {"not_run": not_run}


def points(settings):
    """The centre, then every other point, as (depth, units, batch)."""
    centre = {name: settings[name] for name in ("depth", "units", "batch")}
    found = [centre]
    for name, values in (("depth", "depths"), ("units", "widths"), ("batch", "batches")):
        found += [{**centre, name: value} for value in settings[values]]
    return found


def measure(point, optimizer, settings):
    """One point with one optimizer: its numbers, and the methods that were not run with the reason.

    First seconds are those of the first epoch, which compiles; ratios are medians over rounds of
    the quotient within a round, to backprop and to the floor.
    """
    batches, epochs = settings["epoch_batches"], settings["epochs"]
    numbers, not_run, contenders = {}, {}, {}
    for method in METHODS:
        deepest = settings["deepest"][method]
        if point["depth"] > deepest:
            not_run[method] = f"deeper than {deepest} layers: compiles too long"
            continue
        contender = Contender(method, optimizer, batches=batches, **point)
        contenders[method] = contender
        name = f"{method}_{optimizer}"
        numbers[f"{name}_first_seconds"] = seconds(contender.fit)
        contender.fit()  # some steps are compiled again, for the types that the first one returned
        numbers[f"{name}_rows_bytes"] = contender.rows_bytes()
    runs = {name: functools.partial(c.fit, epochs) for name, c in contenders.items()}
    runs["floor"] = repeated(floor(*point.values()), batches * epochs)
    runs["floor"]()  # compiles it
    times = take_turns(runs, settings["rounds"])
    for method in runs:
        name = f"{method}_{optimizer}"
        numbers[f"{name}_seconds"] = np.median(times[method]) / (batches * epochs)
        numbers[f"{name}_floor_ratio"] = ratio(times[method], times["floor"])
        if "backprop" in times:
            numbers[f"{name}_ratio"] = ratio(times[method], times["backprop"])
    return numbers, not_run
