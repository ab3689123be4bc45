"""One training step of a `RelaxedModel` in three parts; the backend takes the gradient in between.

`begin` brings the batch and its rows, `objective` is what is differentiated, `finish` updates rows
and weights from gradients taken at the same point.
"""

from typing import Any, NamedTuple

import keras
from keras import ops

from raikeras import data as ids_in
from raikeras._steps.private import loss_tracker


class Batch(NamedTuple):
    """What one training step works on; `ids` is `None` where nothing is relaxed."""

    x: Any
    y: Any
    sample_weight: Any
    ids: Any
    rows: dict
    restarts: Any
    targets: Any
    learning_rate: Any


def begin(model, data) -> Batch:
    """Unpacks a batch, measures the deployed network and brings the batch's rows."""
    x, y, sample_weight = keras.utils.unpack_x_y_sample_weight(data)
    circuit, store = model.relaxed.circuit, model.relaxed.store
    if not circuit.cuts:
        x = x["inputs"] if ids_in.has_ids(x) else x
        return Batch(x, y, sample_weight, None, {}, None, ops.zeros(()), None)
    if store is None or not ids_in.has_ids(x):
        raise ValueError(
            "A training step needs the rows of its examples: train with `fit`, or, after a first "
            '`fit`, call `train_on_batch({"inputs": x, "example_id": ids}, y)`. Received: '
            + ("no rows yet" if store is None else f"x without ids ({type(x).__name__})")
        )
    ids, x = x["example_id"], x["inputs"]
    rows = store.gather(ids)
    restarts = model.target_rule.restarts(rows["age"])
    start = _deployed_pass(model, x, y, sample_weight, ops.any(restarts), ids)
    start = store.of_first_copies(ids, start)
    rows["targets"] = ops.where(restarts, start, rows["targets"])
    rate = model.target_rule.learning_rate(model.optimizer)
    return Batch(x, y, sample_weight, ids, rows, restarts, rows["targets"], rate)


def objective(model, batch: Batch, targets):
    """The whole objective on the relaxed path, and its parts for the logs."""
    outputs, pairs = model.relaxed.circuit.replay(batch.x, targets, batch.restarts)
    task = model.compute_loss(batch.x, batch.y, outputs, batch.sample_weight, training=True)
    if not pairs:
        return task, (task, ops.zeros(()), outputs)
    hidden = model.relaxed.hidden_loss(pairs, batch.sample_weight, model.optimizer.iterations)
    return task + ops.cast(hidden, task.dtype), (task, hidden, outputs)


def finish(model, batch: Batch, total, parts, gradients, target_gradient) -> dict:
    """Updates rows and weights from gradients taken at the same point; returns the logs."""
    task, hidden, outputs = parts
    count = ops.shape(keras.tree.flatten(batch.x)[0])[0]
    loss_tracker(model).update_state(total, sample_weight=count)
    if batch.ids is not None:
        model.relaxed.store.step(batch.ids, batch.rows, target_gradient, batch.learning_rate)
    model.weight_step.apply(model.optimizer, gradients, model.trainable_variables)
    if batch.ids is None:
        return model.compute_metrics(batch.x, batch.y, outputs, batch.sample_weight)
    relaxed = dict(zip(model.relaxed_columns[:2], (task, hidden), strict=True))
    for column, value in relaxed.items():
        column.update_state(value, sample_weight=count)
    logs = {column.name: column.result() for column in (loss_tracker(model), *relaxed)}
    if model.deployed_every:
        logs |= _deployed_logs(model)
    return logs


def _deployed_logs(model) -> dict:
    """Columns of the deployed network, NaN if it was not measured in this epoch."""
    column = model.relaxed_columns[2]
    logs = {column.name: column.result(), **model.get_metrics_result()}
    del logs[loss_tracker(model).name]
    if model.deployed_every == 1:
        return logs
    return {name: ops.where(column.count > 0, value, float("nan")) for name, value in logs.items()}


def _deployed_pass(model, x, y, sample_weight, any_restart, ids):
    """Feeds the deployed columns; returns the forward pass at the cuts for rows to start at.

    Both need the same forward pass, which is skipped in steps where neither is wanted.
    """
    circuit, every = model.relaxed.circuit, model.deployed_every
    dtype = model.relaxed.store.compute_dtype
    measures = every > 0 and (every == 1 or ops.equal(model.optimizer.iterations % every, 0))
    metrics = model.metrics_variables if every else []

    def run():
        old = [ops.convert_to_tensor(v.value) for v in metrics]
        state = [(v, v.value) for v in model.net.variables]
        state += zip(metrics, old, strict=True)
        with keras.StatelessScope(state, collect_losses=True) as scope:
            outputs, start = circuit.record(x)
            if every:
                loss = model.compute_loss(x, y, outputs, sample_weight, training=False)
                model.relaxed_columns[2].update_state(loss, sample_weight=ops.shape(ids)[0])
                model.compute_metrics(x, y, outputs, sample_weight)
            new = [scope.get_current_value(v) for v in metrics]
        if every > 1:  # the pass may be here for the rows' sake alone
            new = [ops.where(measures, *pair) for pair in zip(new, old, strict=True)]
        return ops.cast(start, dtype), new

    def skip():
        nothing = ops.zeros((ops.shape(ids)[0], circuit.size), dtype)
        return nothing, [ops.convert_to_tensor(v.value) for v in metrics]

    if every == 1:
        start, values = run()
    else:
        start, values = ops.cond(ops.logical_or(measures, any_restart), run, skip)
    for variable, value in zip(metrics, values, strict=True):
        variable.assign(value)
    return start
