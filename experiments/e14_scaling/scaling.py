"""What e14 measures: seconds, compilation and bytes of training steps, all methods taking turns."""

import functools
import logging

import keras
import numpy as np

from benchmarks.contenders import METHODS, Contender, floor, ratio, repeated, seconds, take_turns
from experiments.e14_scaling import memory
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


def warm_up(contender):
    """Seconds of two epochs, compilation included, and the bytes that the model adds by them.

    The bytes are the most that the process held during the second epoch beyond what it held before
    the model was made: weights, rows, the compiled step and its buffers, not the compiler's own.
    """
    spent = [seconds(contender.fit)]
    most = None
    if memory.measurable():
        most = memory.peak(lambda: spent.append(seconds(contender.fit)))
    else:
        spent.append(seconds(contender.fit))
    return sum(spent), most


def measure(point, optimizer, settings):
    """One point with one optimizer: its numbers, and the methods that were not run with the reason.

    Compile seconds are two first epochs less two median ones; ratios are medians over rounds of the
    quotient within a round, to backprop and to the floor.
    """
    batches, epochs = settings["epoch_batches"], settings["epochs"]
    numbers, not_run, contenders, warm = {}, {}, {}, {}
    for method in METHODS:
        deepest = settings["deepest"][method]
        if point["depth"] > deepest:
            not_run[method] = f"deeper than {deepest} layers: compiles too long"
            continue
        before = memory.resident() if memory.measurable() else None
        contender = Contender(method, optimizer, batches=batches, **point)
        warm[method], most = warm_up(contender)
        contenders[method] = contender
        name = f"{method}_{optimizer}"
        numbers[f"{name}_bytes"] = None if most is None else most - before
        numbers[f"{name}_rows_bytes"] = contender.rows_bytes()
    runs = {name: functools.partial(c.fit, epochs) for name, c in contenders.items()}
    runs["floor"] = repeated(floor(*point.values()), batches * epochs)
    runs["floor"]()  # compiles it
    times = take_turns(runs, settings["rounds"])
    for method in runs:
        name = f"{method}_{optimizer}"
        step = np.median(times[method]) / (batches * epochs)
        numbers[f"{name}_seconds"] = step
        numbers[f"{name}_floor_ratio"] = ratio(times[method], times["floor"])
        if method in warm:
            numbers[f"{name}_compile_seconds"] = warm[method] - 2 * batches * step
        if "backprop" in times:
            numbers[f"{name}_ratio"] = ratio(times[method], times["backprop"])
    return numbers, not_run
