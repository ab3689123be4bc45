"""`Multipliers`: the augmented Lagrangian, by which targets stop paying for the task by a mismatch.

A hidden loss alone is a penalty: its minimum trades mismatches for task loss. A multiplier a target
unit adds what the penalty's gradient would be if it were strong enough, so that mismatches vanish
and the weights' gradient is backpropagation's (Hestenes, 1969; Powell, 1969).
"""

from numbers import Real
from typing import Any, NamedTuple, Self

import keras
from keras import ops

from raikeras.backend.keras_internals import kind_of
from raikeras.rows.rules import RowRule
from raikeras.targets.base import StepView
from raikeras.typing import Tensor

SLOT = "multiplier"  # of a row


class Multipliers(NamedTuple):
    """How the scaled multipliers u of targets follow their mismatches.

    The hidden loss compares target + u with the layer's own value, and after a move of the targets
    `u <- (1 - leak) u + rate mismatch`. Mismatches of half a squared error of weight w have
    gradients w (mismatch + u), so `w u` is the Lagrange multiplier; with rate 1 it is that of the
    method of multipliers.

    Attributes:
        rate: Float of 0 or more.
        leak: Float of at least 0 and below 1.
    """

    rate: float
    leak: float = 0.0

    @classmethod
    def given(cls, rate: float | None, leak: float) -> Self | None:
        """Those of the arguments `multiplier_rate`, `multiplier_leak`; `None`: no multipliers.

        Raises:
            ValueError: If `rate` is negative, `leak` not in [0, 1), or there is a leak of nothing.
        """
        if isinstance(leak, bool) or not isinstance(leak, Real) or not 0 <= leak < 1:
            raise ValueError(
                "`multiplier_leak` must be a float of at least 0 and below 1. Received: "
                f"multiplier_leak={leak!r}"
            )
        if rate is None:
            if leak:
                raise ValueError(
                    "`multiplier_leak` is that of multipliers, which `multiplier_rate` asks for. "
                    f"Received: multiplier_leak={leak!r}, multiplier_rate=None"
                )
            return None
        if isinstance(rate, bool) or not isinstance(rate, Real) or not 0 <= rate < float("inf"):
            raise ValueError(
                "`multiplier_rate` must be a float of 0 or more, or None. Received: "
                f"multiplier_rate={rate!r}"
            )
        return cls(float(rate), float(leak))

    def follow(self, multipliers: list[Tensor], mismatches: list[Tensor]) -> list[Tensor]:
        """The multipliers after the targets' move; lists of a tensor for each group of cuts."""
        return [
            (1 - self.leak) * multiplier + self.rate * ops.cast(mismatch, multiplier.dtype)
            for multiplier, mismatch in zip(multipliers, mismatches, strict=True)
        ]


def slope(
    step: StepView, targets: list[Tensor], multipliers: list[Tensor], fresh: Any = False
) -> list[Tensor]:
    """The objective's gradient by the targets, over the hidden loss' own curvature.

    So it is mismatch + u plus what the task and the next layer add, whatever the batch size, the
    reduction and the weight of the hidden loss: at rate 1 a target alone would be at its layer's
    value at once. It is 0 where the hidden loss has no weight.

    Args:
        step: The step in progress.
        targets: A list of a tensor for each group of cuts.
        multipliers: Likewise.
        fresh: See `raikeras.targets.Targets`.
    """
    found = step.gradient(
        lambda at: step.objective(at, fresh=fresh, multipliers=multipliers), targets
    )
    return [ops.divide_no_nan(*pair) for pair in zip(found, step.curvature, strict=True)]


def descent(
    owner: str, optimizer: keras.optimizers.Optimizer | None, rate: float
) -> keras.optimizers.Optimizer:
    """What targets with multipliers follow: the optimizer given, or plain descent at a rate.

    Raises:
        ValueError: For another than SGD: steps of a size of their own do not settle, and
            multipliers add up what is left.
    """
    if optimizer is None:
        return keras.optimizers.SGD(rate)
    if kind_of(optimizer) is not keras.optimizers.SGD:
        raise ValueError(
            "Targets with multipliers must follow SGD: other rules' steps do not get small with "
            "the mismatches that multipliers add up, and they diverge. Leave `optimizer` out, for "
            f"SGD({rate}), or give keras.optimizers.SGD(rate). Received: {owner}(optimizer="
            f"{type(optimizer).__name__}, multiplier_rate=...)"
        )
    return optimizer


def with_slot(rule: RowRule) -> RowRule:
    """The rule of rows that keep multipliers as a slot, which it leaves as they are."""

    def update(
        gradient: Tensor, slots: dict[str, Any], learning_rate: Tensor
    ) -> tuple[Tensor, dict[str, Any]]:
        change, own = rule.update(gradient, slots, learning_rate)
        return change, {**own, SLOT: slots[SLOT]}

    return RowRule(f"{rule.name} multipliers", {**rule.slots, SLOT: "row"}, update)
