"""Row-wise update rules: the arithmetic of Keras' optimizers for the rows of a batch alone.

No stock optimizer leaves the rows of unseen examples where they are (momentum keeps moving them),
so the rules are pure functions of the gathered rows, their gradient and their own slots.
"""

from collections.abc import Callable
from typing import Any, NamedTuple

import keras
from keras import ops

from raikeras.backend.keras_internals import kind_of
from raikeras.optimizers import Rprop, rprop_update
from raikeras.typing import Tensor

# A rule's slots by name: a list of a tensor for each group, or one tensor `(batch, 1)` for all.
Slots = dict[str, Any]


class RowRule(NamedTuple):
    """How the rows of a batch follow their gradient.

    Attributes:
        name: Name of the rule and its settings; two equal names are the same rule.
        slots: Per slot its shape per row, `"row"` for one value a unit or `"scalar"` for one
            value a row. Slots start at zero.
        update: `update(gradient, slots, learning_rate) -> (change, slots)` for one group of cuts;
            the change is added to the rows. All are of the group's shape, `(batch, size)` or
            `(layers, batch, units)`, but slots of one value a row are `(batch, 1)`.
    """

    name: str
    slots: dict[str, str]
    update: Callable[[Tensor, Slots, Tensor], tuple[Tensor, Slots]]

    def move(
        self, rows: list[Tensor], gradient: list[Tensor], slots: Slots, learning_rate: Tensor
    ) -> tuple[list[Tensor], Slots]:
        """The rows and slots of all groups after a step.

        Args:
            rows: A tensor for each group.
            gradient: Likewise.
            slots: By name a list likewise, or one tensor `(batch, 1)` for all groups.
            learning_rate: Scalar.
        """
        moved: list[Tensor] = []
        new: Slots = {name: [] if kind == "row" else None for name, kind in self.slots.items()}
        for number, (row, slope) in enumerate(zip(rows, gradient, strict=True)):
            own = {
                name: slots[name][number] if kind == "row" else slots[name]
                for name, kind in self.slots.items()
            }
            change, own = self.update(slope, own, learning_rate)
            moved.append(row + change)
            for name, kind in self.slots.items():
                if kind == "row":
                    new[name].append(own[name])
                else:
                    new[name] = own[name]  # the same in every group
        return moved, new


def _sgd(optimizer: keras.optimizers.Optimizer) -> RowRule:
    momentum, nesterov = optimizer.momentum, optimizer.nesterov

    def update(gradient: Tensor, slots: Slots, learning_rate: Tensor) -> tuple[Tensor, Slots]:
        step = -learning_rate * gradient
        if not momentum:
            return step, {}
        velocity = momentum * slots["momentum"] + step
        return (momentum * velocity + step if nesterov else velocity), {"momentum": velocity}

    return RowRule(f"sgd {momentum} {nesterov}", {"momentum": "row"} if momentum else {}, update)


def _rmsprop(optimizer: keras.optimizers.Optimizer) -> RowRule:
    rho, momentum, epsilon = optimizer.rho, optimizer.momentum, optimizer.epsilon
    centered = optimizer.centered
    slots = ["velocity"] + ["average"] * bool(centered) + ["momentum"] * bool(momentum)

    def update(gradient: Tensor, slots: Slots, learning_rate: Tensor) -> tuple[Tensor, Slots]:
        new = {"velocity": rho * slots["velocity"] + (1 - rho) * ops.square(gradient)}
        spread = new["velocity"]
        if centered:
            new["average"] = rho * slots["average"] + (1 - rho) * gradient
            spread = spread - ops.square(new["average"])
        step = learning_rate * gradient / ops.sqrt(spread + epsilon)
        if momentum:
            new["momentum"] = step = momentum * slots["momentum"] + step
        return -step, new

    name = f"rmsprop {rho} {momentum} {epsilon} {centered}"
    return RowRule(name, dict.fromkeys(slots, "row"), update)


def _adam(optimizer: keras.optimizers.Optimizer) -> RowRule:
    beta_1, beta_2, epsilon = optimizer.beta_1, optimizer.beta_2, optimizer.epsilon
    if optimizer.amsgrad:
        raise ValueError(
            "Row rules do not cover `amsgrad=True`. Use `Learned(optimizer=...)` to give the "
            "targets an optimizer without it. Received: amsgrad=True"
        )

    def update(gradient: Tensor, slots: Slots, learning_rate: Tensor) -> tuple[Tensor, Slots]:
        # The count is the row's own: bias correction must not depend on other examples.
        count = slots["count"] + 1
        mean = slots["mean"] + (gradient - slots["mean"]) * (1 - beta_1)
        variance = slots["variance"] + (ops.square(gradient) - slots["variance"]) * (1 - beta_2)
        rate = learning_rate * ops.sqrt(1 - beta_2**count) / (1 - beta_1**count)
        change = -rate * mean / (ops.sqrt(variance) + epsilon)
        return change, {"mean": mean, "variance": variance, "count": count}

    slots = {"mean": "row", "variance": "row", "count": "scalar"}
    return RowRule(f"adam {beta_1} {beta_2} {epsilon}", slots, update)


def _rprop(optimizer: keras.optimizers.Optimizer) -> RowRule:
    settings = (
        optimizer.decrease,
        optimizer.increase,
        optimizer.min_step_size,
        optimizer.max_step_size,
    )

    def update(gradient: Tensor, slots: Slots, learning_rate: Tensor) -> tuple[Tensor, Slots]:
        change, step_size, previous = rprop_update(
            gradient, slots["step_size"], slots["previous"], learning_rate, *settings
        )
        return -change, {"step_size": step_size, "previous": previous}

    return RowRule(f"rprop {settings}", {"step_size": "row", "previous": "row"}, update)


# AdamW is an Adam whose decay acts on weights; targets are not weights and do not decay.
_RULES: dict[type[Any], Callable[[keras.optimizers.Optimizer], RowRule]] = {
    keras.optimizers.SGD: _sgd,
    keras.optimizers.RMSprop: _rmsprop,
    keras.optimizers.Adam: _adam,
    keras.optimizers.AdamW: _adam,
    Rprop: _rprop,
}


# Settings of the compiled optimizer that spoil the targets' step whatever their own rule.
ON_WEIGHTS_ALONE = ("gradient_accumulation_steps", "loss_scale_factor")


def row_rule(optimizer: keras.optimizers.Optimizer, owner: str = "Learned") -> RowRule:
    """The row rule with the settings of a Keras optimizer.

    Args:
        optimizer: A Keras optimizer.
        owner: The target rule that asks, for the error message.

    Raises:
        ValueError: If there is no rule for this optimizer, or if it has a setting that cannot
            act on rows (clipping, EMA, gradient accumulation, loss scaling).
    """
    make = _RULES.get(kind_of(optimizer))
    if make is None:
        names = ", ".join(sorted({kind.__name__ for kind in _RULES}))
        raise ValueError(
            f"Targets have update rules for {names}. Received: "
            f"optimizer={type(optimizer).__name__}. Keep it for the weights and give the targets "
            f"a rule of their own: `targets={owner}(optimizer=...)`."
        )
    named = ("clipnorm", "global_clipnorm", "clipvalue", "use_ema", *ON_WEIGHTS_ALONE)
    refuse(optimizer, named, owner)
    return make(optimizer)


def refuse(
    optimizer: keras.optimizers.Optimizer, settings: tuple[str, ...], owner: str = "Learned"
) -> None:
    """Raises a `ValueError` if an optimizer has one of the settings that do not reach rows."""
    for setting in settings:
        if getattr(optimizer, setting):
            raise ValueError(
                f"`{setting}` would act on weights but not on the targets. Remove it"
                + (
                    ". "
                    if setting in ON_WEIGHTS_ALONE
                    else ", or give the targets an optimizer without it: "
                    f"`targets={owner}(optimizer=...)`. "
                )
                + f"Received: {setting}={getattr(optimizer, setting)}"
            )
