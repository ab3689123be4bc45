"""`Learned`: one row of targets per training example, trained with the weights."""

import os

import keras
from keras import ops

from raikeras.checks import check_integer
from raikeras.rows.layout import cast
from raikeras.rows.rules import row_rule
from raikeras.targets.base import RowTargetRule, StepView, Targets, rate_of
from raikeras.typing import Config, Tensor


@keras.saving.register_keras_serializable(package="raikeras")
class Learned(RowTargetRule):
    """RAI's targets: one row per training example, trained together with the weights.

    A row starts at the deployed forward pass the first time its example is seen and from then on
    follows the gradient of the objective by an optimizer's rule, applied to the rows of the batch
    alone: the rows of other examples and their slots stay as they are. After training the rows are
    dropped. Reference: D. Mertens, Relaxed Activation Identity.

    Args:
        num_examples: Integer, number of rows. `None` takes the number of examples in the arrays
            given to the first `fit`; a stream needs it.
        optimizer: A Keras optimizer or its name, read for its rule and settings, a learning rate
            schedule included (evaluated at the step count of the compiled optimizer). `None` takes
            the compiled optimizer and its learning rate at each step. There are rules for SGD,
            RMSprop, Adam, AdamW and Rprop.
        refresh_every: Integer, re-sets a row to the forward pass after this many updates of it,
            keeping its slots. `None`: never.
        dtype: Dtype of rows and slots. `None` takes the relaxed layers' variable dtype.
        storage: Where rows and slots are kept: `"device"`, beside the weights; `"host"`, in the
            host's memory; or the path of a file to be mapped into memory, for more than either
            holds. The file has its full size from the start and is of no use after the training.

    An example that occurs more than once in a batch has one row all the same: its copies read the
    same targets, and the row moves once, by the sum of their gradients.

    Raises:
        ValueError: For a count below 1, an unknown dtype or storage, or an optimizer without a row
            rule.

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
    ) -> None:
        super().__init__(num_examples, dtype, storage)
        check_integer("refresh_every", refresh_every, 1, optional=True)
        self.optimizer = None if optimizer is None else keras.optimizers.get(optimizer)
        self.refresh_every = refresh_every
        if self.optimizer is not None:
            row_rule(self.optimizer)
            self._schedule = rate_of(self.optimizer)

    def owner(
        self, compiled: keras.optimizers.Optimizer | None
    ) -> keras.optimizers.Optimizer | None:
        """The optimizer given, or the compiled one."""
        return compiled if self.optimizer is None else self.optimizer

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
        return Targets(rows["targets"], fresh=fresh, kept=(rows, rate))

    def moved(self, step: StepView, targets: Targets, gradient: list[Tensor]) -> None:
        rows, rate = targets.kept
        step.store.step(step.row_ids, rows, gradient, rate)

    def get_config(self) -> Config:
        optimizer = self.optimizer
        return {
            **super().get_config(),
            "optimizer": optimizer and keras.saving.serialize_keras_object(optimizer),
            "refresh_every": self.refresh_every,
        }
