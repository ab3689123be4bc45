"""`Learned`: one row of targets per training example, trained with the weights."""

import os
from typing import Any

import keras
from keras import ops

from raikeras.checks import check_integer
from raikeras.rows.layout import cast
from raikeras.rows.rules import RowRule, row_rule
from raikeras.targets import multipliers
from raikeras.targets.base import RowTargetRule, StepView, Targets, rate_of
from raikeras.targets.multipliers import SLOT, Multipliers
from raikeras.typing import Config, Tensor

RATE = 0.4  # of targets with multipliers: .25 to .4 trained best, see experiments


@keras.saving.register_keras_serializable(package="raikeras")
class Learned(RowTargetRule):
    """RAI's targets: one row per training example, trained together with the weights.

    A row starts at the deployed forward pass the first time its example is seen and from then on
    follows the gradient of the objective by an optimizer's rule, applied to the rows of the batch
    alone: the rows of other examples and their slots stay as they are. After training the rows are
    dropped. Reference: D. Mertens, Relaxed Activation Identity.

    A hidden loss is a penalty: targets buy task loss with mismatches, and what the deployed network
    then lacks is the deployment gap. With `multiplier_rate` a row has a scaled multiplier u of each
    target unit beside it, the augmented Lagrangian of the same objective: the hidden loss, which
    must be a squared error, compares target + u with the layer's own value, and u follows what is
    left of the mismatch, `u <- (1 - leak) u + rate mismatch`. Where nothing changes any more,
    mismatches are zero and the weights' gradient is backpropagation's. In each step the targets
    then move first, `steps` times, and the weights follow the objective there; the multipliers
    follow last. The targets' rate counts in units of the hidden loss' own curvature: at 1 a target
    alone would be at its layer's value at once, whatever the batch size, weight and reduction. It
    bears about 2 / (1 + s)^2, with s the largest singular value of a layer's Jacobian: 0.5 where
    signals keep their size, less than 0.25 for square kernels of Keras' default start, s near 2.

    Args:
        num_examples: Integer, number of rows. `None` takes the number of examples in the arrays
            given to the first `fit`; a stream needs it.
        optimizer: A Keras optimizer or its name, read for its rule and settings, a learning rate
            schedule included (evaluated at the step count of the compiled optimizer). `None` takes
            the compiled optimizer and its learning rate at each step. There are rules for SGD,
            RMSprop, Adam, AdamW and Rprop. With multipliers SGD alone; `None`: SGD(0.4).
        refresh_every: Integer, re-sets a row to the forward pass after this many updates of it,
            keeping its slots but for the multiplier. `None`: never.
        dtype: Dtype of rows and slots. `None` takes the relaxed layers' variable dtype.
        storage: Where rows and slots are kept: `"device"`, beside the weights; `"host"`, in the
            host's memory; or the path of a file to be mapped into memory, for more than either
            holds. The file has its full size from the start and is of no use after the training.
        multiplier_rate: Float, how fast multipliers follow mismatches, such as 0.1. `None`: none.
            0: none either, but targets move before the weights as they would with multipliers.
        multiplier_leak: Float, the share of itself that a multiplier loses in a step.
        steps: Integer, with multipliers the number of moves of the targets before the weights'.

    An example that occurs more than once in a batch has one row all the same: its copies read the
    same targets, and the row moves once, by the sum of their gradients.

    Raises:
        ValueError: For a count below 1, an unknown dtype or storage, an optimizer without a row
            rule, a multiplier rate below 0, a leak outside of [0, 1), several `steps` without
            multipliers, or, in `RelaxedModel`, multipliers of a hidden loss that is not squared.

    Example:

    ```python
    targets = raikeras.Learned(optimizer=keras.optimizers.Adam(0.03))
    model = raikeras.RelaxedModel(net, targets=targets)
    ```
    """

    def __init__(
        self,
        num_examples: int | None = None,
        optimizer: keras.optimizers.Optimizer | str | None = None,
        refresh_every: int | None = None,
        dtype: str | None = None,
        storage: str | os.PathLike[str] = "device",
        multiplier_rate: float | None = None,
        multiplier_leak: float = 0.0,
        steps: int = 1,
    ) -> None:
        super().__init__(num_examples, dtype, storage)
        check_integer("refresh_every", refresh_every, 1, optional=True)
        check_integer("steps", steps, 1)
        self.optimizer = None if optimizer is None else keras.optimizers.get(optimizer)
        self.refresh_every, self.steps = refresh_every, int(steps)
        self.multiplier_rate, self.multiplier_leak = multiplier_rate, multiplier_leak
        self.multipliers = Multipliers.given(multiplier_rate, multiplier_leak)
        if self.multipliers is not None:
            self.follows_gradient, self.needs_squared_error = False, True
            self.remedy = "a smaller rate of the targets or `multiplier_rate`"
            self.optimizer = multipliers.descent("Learned", self.optimizer, RATE)
        elif self.steps > 1:
            raise ValueError(
                "Targets move together with the weights unless they have multipliers: give a "
                "`multiplier_rate` (0 for moves in turn without any). Received: "
                f"steps={steps}, multiplier_rate=None"
            )
        if self.optimizer is not None:
            row_rule(self.optimizer)
            self._schedule = rate_of(self.optimizer)

    def owner(
        self, compiled: keras.optimizers.Optimizer | None
    ) -> keras.optimizers.Optimizer | None:
        """The optimizer given, or the compiled one."""
        return compiled if self.optimizer is None else self.optimizer

    def rule(self, compiled: keras.optimizers.Optimizer | None) -> RowRule:
        """The owner's arithmetic for rows, with multipliers as a slot if there are any."""
        rule = super().rule(compiled)
        return rule if self.multipliers is None else multipliers.with_slot(rule)

    def learning_rate(self, compiled: keras.optimizers.Optimizer, count: Tensor) -> Tensor:
        """The targets' rate after `count` training steps, a scalar."""
        if self.optimizer is None:
            return compiled.learning_rate
        return self._schedule(count) if callable(self._schedule) else self._schedule

    def fresh(self, age: Tensor) -> Tensor:
        """Which rows start at the forward pass in this step: booleans `(batch, 1)`."""
        if self.refresh_every is None:
            return ops.equal(age, 0)
        return ops.equal(age % self.refresh_every, 0)

    def set(self, step: StepView) -> Targets:
        rows = step.store.gather(step.row_ids)
        fresh = self.fresh(rows["age"])
        targets = rows["targets"]

        def started(values: list[Tensor]) -> list[Tensor]:
            values = cast(values, targets[0].dtype)
            first = step.store.of_first_copies(step.row_ids, values)
            return [ops.where(fresh, *pair) for pair in zip(first, targets, strict=True)]

        any_fresh = ops.any(fresh)
        rows["targets"] = step.values(needed=any_fresh, then=started, otherwise=targets)
        rate = self.learning_rate(step.optimizer, step.count)
        if self.multipliers is None:
            return Targets(rows["targets"], fresh=fresh, kept=(rows, rate))
        return self._relaxed(step, rows, fresh, rate)

    def _relaxed(
        self, step: StepView, rows: dict[str, Any], fresh: Tensor, rate: Tensor
    ) -> Targets:
        """The rows' targets and multipliers after the targets' own moves."""
        zero = [ops.zeros_like(one) for one in rows["slot/" + SLOT]]
        pairs = zip(zero, rows["slot/" + SLOT], strict=True)
        rows["slot/" + SLOT] = held = [ops.where(fresh, *pair) for pair in pairs]

        def move(number: Tensor, rows: dict[str, Any]) -> dict[str, Any]:
            begins = ops.logical_and(fresh, ops.equal(number, 0))
            slope = multipliers.slope(step, rows["targets"], held, begins)
            slope = step.store.mean_over_copies(step.row_ids, slope, step.example_weights)
            return step.store.moved(step.row_ids, rows, slope, rate)

        rows = move(0, rows) if self.steps == 1 else ops.fori_loop(0, self.steps, move, rows)
        # Cuts that the task has not reached yet are at the forward pass still.
        started = ops.equal(rows["age"], 0)
        multiplied = rows["slot/" + SLOT]
        return Targets(rows["targets"], fresh=started, kept=(rows, rate), multipliers=multiplied)

    def moved(self, step: StepView, targets: Targets, gradient: list[Tensor]) -> None:
        rows, rate = targets.kept
        if self.multipliers is None:
            step.store.step(step.row_ids, rows, gradient, rate)
            return
        left = step.store.mean_over_copies(step.row_ids, step.mismatches())
        followed = self.multipliers.follow(rows["slot/" + SLOT], left)
        step.store.put(step.row_ids, {**rows, "slot/" + SLOT: followed})

    def get_config(self) -> Config:
        optimizer = self.optimizer
        return {
            **super().get_config(),
            "optimizer": optimizer and keras.saving.serialize_keras_object(optimizer),
            "refresh_every": self.refresh_every,
            "multiplier_rate": self.multiplier_rate,
            "multiplier_leak": self.multiplier_leak,
            "steps": self.steps,
        }
