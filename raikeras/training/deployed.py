"""Measuring the deployed network during training, and the columns of a step: used by `Step`."""

from collections.abc import Callable
from typing import Any, NamedTuple, Self

import keras
from keras import ops

from raikeras.rows.layout import cast, like
from raikeras.targets.base import StepView
from raikeras.training import overflow
from raikeras.typing import Nest, Tensor


class Columns(NamedTuple):
    """The log columns that Keras does not have, each the mean over an epoch."""

    task: keras.metrics.Mean
    hidden: keras.metrics.Mean
    deployed: keras.metrics.Mean

    @classmethod
    def new(cls) -> Self:
        return cls(*(keras.metrics.Mean(name=f"{name}_loss") for name in cls._fields))


def state_of(model: keras.Model) -> list[keras.Variable]:
    """Variables that a forward pass may read: all of the model's but the rows."""
    rows = {id(variable) for variable in model.store.variables} if model.store else set()
    return [variable for variable in model.variables if id(variable) not in rows]


def step_logs(
    model: keras.Model, step: StepView, task: Tensor, hidden: Tensor, outputs: Nest
) -> dict[str, Any]:
    """Feeds the relaxed path's columns and collects all of them."""
    if not step.network.cuts:
        return model.compute_metrics(step.x, step.y, outputs, step.sample_weight)
    columns = model.relaxed_columns
    columns.task.update_state(task, sample_weight=step.batch_size)
    columns.hidden.update_state(hidden, sample_weight=step.batch_size)
    logs = {"loss": overflow.shown_loss(model)}
    logs |= {column.name: column.result() for column in (columns.task, columns.hidden)}
    if model.deployed_every:
        logs[columns.deployed.name] = columns.deployed.result()
        logs |= {k: v for k, v in model.get_metrics_result().items() if k != "loss"}
    return logs


def deployed_pass(
    model: keras.Model,
    step: StepView,
    needed: Any,
    then: Callable[[list[Tensor]], Any] | None,
    otherwise: Any,
) -> Any:
    """Feeds the deployed columns; returns the forward pass at the cuts for the target rule.

    Both need the same forward pass, which is skipped in steps where neither is wanted. What the
    rule makes of it is part of the same condition, lest its result be copied on the way out of it.
    """
    network, every = step.network, model.deployed_every
    deployed = model.relaxed_columns.deployed
    first = ops.equal(deployed.count, 0)  # of an epoch
    measures = every > 0 and (every == 1 or ops.logical_or(first, ops.equal(step.count % every, 0)))
    metrics = model.metrics_variables if every else []

    def run() -> tuple[Any, list[Tensor]]:
        old = [ops.convert_to_tensor(v.value) for v in metrics]
        state = [(v, v.value) for v in state_of(model)]
        state += zip(metrics, old, strict=True)
        with keras.StatelessScope(state, collect_losses=True) as scope:
            outputs, start = network.record(step.x)
            if every:
                loss = model.compute_loss(
                    step.x, step.y, outputs, step.sample_weight, training=False
                )
                deployed.update_state(loss, sample_weight=step.batch_size)
                model.compute_metrics(step.x, step.y, outputs, step.sample_weight)
            new = [scope.get_current_value(v) for v in metrics]
        if every > 1:  # the pass may be here for the rule's sake alone
            new = [ops.where(measures, *pair) for pair in zip(new, old, strict=True)]
        start = cast(start, step.dtype)
        return start if then is None else then(start), new

    def skip() -> tuple[Any, list[Tensor]]:
        nothing = otherwise
        if otherwise is None:
            nothing = like(network.groups, step.batch_size, step.dtype)
        return nothing, [ops.convert_to_tensor(v.value) for v in metrics]

    if every == 1 or needed is True:
        start, values = run()
    else:
        start, values = ops.cond(ops.logical_or(measures, needed), run, skip)
    for variable, value in zip(metrics, values, strict=True):
        variable.assign(value)
    return start
