"""`TargetRule`, `RowTargetRule`: what a `RelaxedModel` asks of the rule that sets its targets."""

import abc
import os
import warnings
from collections.abc import Callable
from typing import Any, NamedTuple, Protocol, Self

import keras

from raikeras.backend.keras_internals import schedule_of
from raikeras.checks import check_integer
from raikeras.network.relaxed_network import RelaxedNetwork
from raikeras.rows.rules import ON_WEIGHTS_ALONE, RowRule, refuse, row_rule
from raikeras.rows.storage import Store
from raikeras.rows.table import check_storage
from raikeras.typing import Config, Nest, Tensor


class Targets(NamedTuple):
    """The targets of a batch; a rule may return a plain tuple of the first one or two instead.

    Attributes:
        values: The targets, a list of a tensor for each group of cuts: `(batch, size)` for all
            cuts that stand alone, if any, then `(layers, batch, units)` for each chain of equal
            layers (see `raikeras.rows.layout`).
        fed: Likewise, what the relaxed layers hand on. `None`: their targets. Where it is given,
            weights of layers that are not relaxed follow the task loss of the network itself,
            backprop's gradient, and not the mismatches of layers that they feed.
        fresh: Booleans `(batch, 1)` or one boolean: which examples' targets are the deployed
            forward pass, so that a mismatch as small as rounding is none. With `fed`: true if that
            is the forward pass in training mode, from which the targets keep their distance.
        kept: Whatever the rule wants to find again in `moved`.
        multipliers: Likewise, scaled multipliers: the hidden loss compares the targets plus these
            with the layers' own values. `None`: there are none.
    """

    values: Any
    fed: Any = None
    fresh: Any = False
    kept: Any = None
    multipliers: Any = None

    @property
    def memory(self) -> Any:
        """What `kept` was called before 0.2: gone in 0.3."""
        warnings.warn(
            "Targets.memory is Targets.kept since 0.2; the old name goes in 0.3.",
            DeprecationWarning,
            stacklevel=2,
        )
        return self.kept


class StepView(Protocol):
    """The training step in progress, as target rules see it.

    What everything here is and does is said at `raikeras.training.step.Step`, which they are given.
    """

    x: Nest
    y: Nest
    sample_weight: Nest
    batch_size: Tensor
    ids: Tensor | None
    row_ids: Tensor | None
    count: Tensor
    dtype: str
    optimizer: keras.optimizers.Optimizer
    network: RelaxedNetwork

    @property
    def store(self) -> Store: ...

    @property
    def examples(self) -> Tensor: ...

    def values(
        self,
        needed: Any = True,
        then: Callable[[list[Tensor]], Any] | None = None,
        otherwise: Any = None,
    ) -> Any: ...

    @property
    def example_weights(self) -> Tensor | None: ...

    @property
    def curvature(self) -> list[Tensor]: ...

    def objective(
        self,
        targets: list[Tensor],
        fed: list[Tensor] | None = None,
        fresh: Any = False,
        multipliers: list[Tensor] | None = None,
    ) -> Tensor: ...

    def mismatches(
        self, targets: list[Tensor] | None = None, fresh: Any = False
    ) -> list[Tensor]: ...

    def task_gradient(self) -> tuple[list[Tensor], list[Tensor]]: ...

    def forward(self, offsets: list[Tensor]) -> tuple[Tensor, list[Tensor]]: ...

    def gradient(
        self, function: Callable[[list[Tensor]], Tensor], at: list[Tensor]
    ) -> list[Tensor]: ...


class TargetRule:
    """Where the targets come from. Subclass it to make a rule of your own.

    A rule implements `set`, which is traced once and must be written in `keras.ops`. It may ask
    the step for the deployed forward pass (`values`), for the task loss' gradient by the values at
    the cuts (`task_gradient`) and for the whole objective and its gradients (`objective`,
    `gradient`); see `raikeras.training.step.Step`. Register it with
    `keras.saving.register_keras_serializable` and give it a `get_config` to save models with it.

    Attributes:
        has_rows: Whether the rule keeps a row for each example between steps, which a
            `RowTargetRule` does. Then training data need example ids; otherwise any data do.
        has_weights: Whether the targets hold the examples' weights already, as those that follow
            the task loss' gradient do: then the hidden loss does not weigh examples again.
        follows_gradient: Whether `moved` needs the objective's gradient by the targets; overflow is
            looked for there only if it does.
        needs_squared_error: Whether the hidden loss must be a squared error.
        remedy: What helps against overflow as the rule is set, in words, if there is anything.

    Example:

    ```python
    class Sign(raikeras.TargetRule):
        def set(self, step):
            values, gradient = step.task_gradient()
            signs = [keras.ops.sign(slope) for slope in gradient]
            return [at - 0.1 * sign for at, sign in zip(values, signs)], values
    ```
    """

    has_rows: bool = False
    has_weights: bool = False
    follows_gradient: bool = True
    needs_squared_error: bool = False
    remedy: str = ""

    def check(self, compiled: keras.optimizers.Optimizer) -> None:
        """Raises a `ValueError` if the compiled optimizer cannot go with these targets."""
        if isinstance(compiled, keras.optimizers.LossScaleOptimizer):
            raise ValueError(
                "Loss scaling does not cover the targets, so the policy mixed_float16 cannot be "
                "used; mixed_bfloat16 can. Received: optimizer=LossScaleOptimizer"
            )
        refuse(compiled, ON_WEIGHTS_ALONE)

    def set(self, step: StepView) -> Any:
        """The targets of a batch.

        Args:
            step: The `raikeras.training.step.Step` in progress.

        Returns:
            A list of tensors, the tuple of two such lists (targets, fed), or a `Targets`.
        """
        raise NotImplementedError(f"`{type(self).__name__}` must implement `set(step)`.")

    def moved(self, step: StepView, targets: Targets, gradient: list[Tensor]) -> None:
        """Called after the gradient of the objective is taken, before the weights follow.

        Args:
            step: The same step as in `set`.
            targets: What `set` returned.
            gradient: List of tensors, gradient of the objective by the targets.
        """

    def get_config(self) -> Config:
        return {}

    @classmethod
    def from_config(cls, config: Config) -> Self:
        config = dict(config)
        if isinstance(config.get("optimizer"), dict):
            config["optimizer"] = keras.saving.deserialize_keras_object(config["optimizer"])
        return cls(**config)


class RowTargetRule(TargetRule, abc.ABC):
    """A target rule that keeps a row for each training example between steps: its own targets.

    A `RelaxedModel` makes the rows before it trains, by the attributes below, and gives training
    data the ids of their rows. A subclass says in `owner` which optimizer's arithmetic moves them,
    and in `set` and `moved` how they take part in a step: `step.store.gather(step.row_ids)` are the
    rows of the batch, `step.store.step(step.row_ids, rows, gradient, learning_rate)` moves them and
    writes them back, see `raikeras.rows.storage.Store`.

    Args:
        num_examples: Integer, number of rows. `None` takes the number of examples in the arrays
            given to the first `fit`; a stream needs it.
        dtype: Dtype of rows and slots. `None` takes the relaxed layers' variable dtype.
        storage: Where rows and slots are kept: `"device"`, `"host"` or the path of a file, see
            `Learned`.

    Raises:
        ValueError: For a count below 1 or an unknown dtype or storage.

    Example:

    ```python
    class Followed(raikeras.RowTargetRule):
        optimizer = keras.optimizers.SGD(0.1)

        def owner(self, compiled):
            return self.optimizer

        def set(self, step):
            rows = step.store.gather(step.row_ids)
            new = rows["age"] == 0  # the forward pass is where rows start
            pairs = zip(step.values(), rows["targets"])
            rows["targets"] = [keras.ops.where(new, start, row) for start, row in pairs]
            return raikeras.targets.Targets(rows["targets"], fresh=new, kept=rows)

        def moved(self, step, targets, gradient):
            step.store.step(step.row_ids, targets.kept, gradient, self.optimizer.learning_rate)
    ```
    """

    num_examples: int | None = None
    dtype: str | None = None
    storage: str = "device"

    has_rows = True

    def __init__(
        self,
        num_examples: int | None = None,
        dtype: str | None = None,
        storage: str | os.PathLike[str] = "device",
    ) -> None:
        check_integer("num_examples", num_examples, 1, optional=True)
        if dtype not in (None, "bfloat16", "float16", "float32", "float64"):
            raise ValueError(
                "`dtype` must be bfloat16, float16, float32, float64 or None. "
                f"Received: dtype={dtype!r}"
            )
        self.num_examples = num_examples
        self.dtype = dtype
        self.storage = check_storage(storage)

    @abc.abstractmethod
    def owner(
        self, compiled: keras.optimizers.Optimizer | None
    ) -> keras.optimizers.Optimizer | None:
        """The optimizer whose arithmetic moves the rows and whose slots they have.

        Rows start new slots whenever it is another object than before.

        Args:
            compiled: The compiled optimizer, `None` before `compile`.

        Returns:
            An optimizer, or `None` where it cannot be known before `compile`.
        """

    def rule(self, compiled: keras.optimizers.Optimizer | None) -> RowRule:
        """The owner's arithmetic for rows.

        Raises:
            ValueError: If there is none for this optimizer, or a setting of it cannot act on rows.
        """
        return row_rule(self.owner(compiled))

    def check(self, compiled: keras.optimizers.Optimizer) -> None:
        super().check(compiled)
        self.rule(compiled)

    @abc.abstractmethod
    def set(self, step: StepView) -> Any:
        """The targets of a batch, see `TargetRule`."""

    @abc.abstractmethod
    def moved(self, step: StepView, targets: Targets, gradient: list[Tensor]) -> None:
        """Moves the rows of the batch, see `TargetRule`."""

    def get_config(self) -> Config:
        return {
            "num_examples": self.num_examples,
            "dtype": self.dtype,
            "storage": self.storage,
        }


def rate_of(optimizer: keras.optimizers.Optimizer) -> Any:
    """An optimizer's learning rate as a float or as a function of the step."""
    return schedule_of(optimizer) or optimizer.get_config()["learning_rate"]
