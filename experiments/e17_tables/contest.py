"""Trains all splits and settings of a method on a data set at once, and scores checkpoints."""

import numpy as np
from sklearn.linear_model import LogisticRegression, Ridge

from experiments.common import tabular, vectorised
from experiments.common.tabular_training import at_checkpoints, parts_of, starts_of
from experiments.e17_tables import scores
from experiments.e17_tables.methods import METHODS, Method, compiled

STRENGTHS = (1e-2, 1e-1, 1.0, 10.0, 30.0, 100.0, 300.0, 1000.0)  # of the linear model's penalty


def results_of(run, splits):
    """Metrics and curves by seed, all splits being trained at once.

    Args:
        run: As `results.each` yields it.
        splits: The seeds; split and start are `first_split` later.
    """
    chosen = run["settings"]
    linear = chosen["method"] == "linear"
    trials = [{"strength": one} for one in STRENGTHS] if linear else _method(chosen).trials
    data = parts_of(chosen["dataset"], [one + chosen["first_split"] for one in splits], chosen)
    lengths = chosen["lengths"]
    if linear:
        made, extra = dict.fromkeys(lengths, _linear(chosen["dataset"], data)), _costs(data)
    else:
        made, extra = _of_lengths(data, splits, run)
    found = {}
    for number, (split, one) in enumerate(zip(splits, data, strict=True)):
        metrics, curves = scores.result({steps: made[steps][number] for steps in lengths})
        rows = len(one.x_fit)
        more = {
            **extra,
            "best_epochs": metrics["best_steps"] * extra["batch"] / rows,
            "fit_rows": rows,
            "test_rows": len(one.x_test),
        }
        found[split] = {**metrics, **more}, {**curves, "trials": trials}
    return found


def _method(chosen) -> Method:
    if chosen["method"] not in METHODS:
        known = ", ".join(("linear", *METHODS))
        raise ValueError(f"`method` must be one of {known}. Received: {chosen['method']!r}")
    return METHODS[chosen["method"]]


def _of_lengths(data, splits, run):
    """What `_trained` gives by the length of a run, and what the longest one costs."""
    made, extra = {}, {}
    for steps in run["settings"]["lengths"]:
        made[steps], extra = _trained(data, splits, run, steps)
    return made, extra


def _trained(data, splits, run, steps):
    """Scores by split and the checkpoints they belong to, and cost."""
    chosen, method = run["settings"], _method(run["settings"])
    name = chosen["dataset"]
    rows, trials = len(data[0].x_fit), method.trials
    shape = data[0].x_fit.shape[1], tabular.CLASSES.get(name, 1), chosen["hidden_units"]
    batch = min(chosen["batch_size"], rows) if method.mini_batches else rows
    model = compiled(chosen["method"], shape, steps)
    seeds = [one + chosen["first_split"] for one in splits]
    starts = [start for start in starts_of(model.net, seeds) for _ in trials]
    runs = vectorised.Sweep(model, starts, [*trials] * len(seeds), rows)
    looks = scores.checkpoints(steps, chosen["first_checkpoint"], chosen["checkpoints"])
    repeated = [one for one in data for _ in trials]
    kept, times = [], [0.0]
    order = _order(seeds, len(trials), rows, steps, batch)
    for outputs, seconds in at_checkpoints(runs, repeated, order, looks, run):
        times.append(seconds)
        nets = zip(repeated, *outputs, strict=True)
        kept.append([scores.of_outputs(name, made, one) for one, *made in nets])
    number = len(trials)
    made = [(_stacked(kept, slice(k * number, (k + 1) * number)), looks) for k in range(len(seeds))]
    return made, {"seconds": times[-1] / len(starts), "batch": batch}


def _order(seeds, trials, rows, steps, batch):
    """`order_of` of `at_checkpoints`: the same batches for all trials of a split."""
    if batch == rows:
        return lambda first, last: vectorised.full_batch(len(seeds) * trials, last - first, rows)
    epochs = -(-steps // (rows // batch))
    shuffled = vectorised.shuffled(seeds, epochs, rows, batch)
    return lambda first, last: np.repeat(shuffled[:, first:last], trials, axis=0)


def _linear(name, data):
    """The same of a linear model in closed form, as Keras' own would be without steps."""
    kept = [[_fitted(name, one, strength) for strength in STRENGTHS] for one in data]
    return [(_stacked([each], slice(None)), [0]) for each in kept]


def _costs(data):
    """What takes no steps costs none."""
    return {"seconds": 0.0, "batch": len(data[0].x_fit)}


def _fitted(name, data, strength):
    """Scores of one linear model."""
    if name in tabular.CLASSES:
        model = LogisticRegression(C=1 / strength, max_iter=1000).fit(data.x_fit, data.y_fit)
        made = [model.predict_log_proba(x) for x in (data.x_fit, data.x_valid, data.x_test)]
    else:
        model = Ridge(strength).fit(data.x_fit, data.y_fit[:, 0])
        made = [model.predict(x)[:, None] for x in (data.x_fit, data.x_valid, data.x_test)]
    return scores.of_outputs(name, made, data)


def _stacked(kept, trials):
    """Scores `(trials, checkpoints)` by (part, score), from a list by checkpoint and run."""
    cut = [one[trials] for one in kept]
    return {key: np.array([[net[key] for net in one] for one in cut]).T for key in cut[0][0]}
