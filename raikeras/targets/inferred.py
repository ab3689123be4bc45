"""`Inferred`: targets of a batch relaxed for it alone; nothing is kept between steps."""

from typing import Any

import keras
from keras import ops

from raikeras.checks import check_integer, check_positive
from raikeras.rows.layout import examples_axis
from raikeras.rows.rules import Slots, row_rule
from raikeras.targets import curvature, multipliers
from raikeras.targets.base import StepView, TargetRule, Targets, rate_of
from raikeras.targets.multipliers import Multipliers
from raikeras.typing import Config, Tensor

RATE = 0.25  # of targets with multipliers, as in PC-ALM


@keras.saving.register_keras_serializable(package="raikeras")
class Inferred(TargetRule):
    """Targets found for each batch: from the forward pass, a few steps down the objective.

    The batch's targets start at the deployed forward pass and follow the gradient of the objective
    by them `steps` times, at fixed weights; then the weights follow the objective at the relaxed
    targets. This is the alternating minimisation of the method of auxiliary coordinates
    (Carreira-Perpinan & Wang, 2014) and the inference of predictive coding (Whittington & Bogacz,
    2017). Nothing is kept between batches: no memory, any data.

    Each step moves the targets of a layer by what its neighbours' targets were before it, so the
    task loss reaches a layer after as many steps as there are relaxed layers above it: take at
    least as many steps as there are relaxed layers. All steps see the dropout masks and batch
    statistics of the training step that follows. Where these make the training pass differ from
    the deployed one, the mismatch is not zero at the start either.

    The step is per example: with a hidden loss averaged over examples (Keras' default) the
    gradient is multiplied by the batch size, with one summed over examples it is taken as it is.
    The task loss should have the same reduction; then a target's path does not depend on the
    batch its example is in.

    With `multiplier_rate` each target unit has a scaled multiplier u, zero at the start of every
    batch: predictive coding as an augmented Lagrangian (PC-ALM, arXiv 2605.31022). The hidden loss,
    which must be a squared error, compares target + u with the layer's own value, and after each
    step but the last `u <- (1 - leak) u + rate mismatch`. Where this settles, mismatches are zero
    and the weights' gradient is backpropagation's; a hidden loss alone gets there
    only with a weight so large that it no longer moves. Signals still go one layer a step: take
    twice as many steps as relaxed layers, four times as many with a leak, which damps. The rate
    then counts in units of the hidden loss' own curvature: at 1 a target alone would be at its
    layer's value at once. It bears about 2 / (1 + s)^2, with s the largest singular value of a
    layer's Jacobian: 0.5 where signals keep their size, as from an orthogonal start, less than 0.25
    for square kernels of Keras' default start, which want 0.1. A larger hidden weight is a smaller
    nudge of the output: the targets then stay closer to the forward pass on their way.

    Without `step_size` and `optimizer` the steps follow the curvature of each example's objective:
    cut t has the rate 1 / sigma_t. Before the first step all cuts are moved along `v`, and `h`, by
    which the gradient changes, gives `sigma_t = |h_t| / |v_t|`; then `h_t`, scaled so that all cuts
    have the same `sigma_t |v_t|^2`, is the next `v_t`. This is a power iteration within each cut,
    and between cuts the symmetric scaling of a matrix (Knight, Ruiz & Ucar, 2014): at its fixed
    point `v` is an eigenvector, of eigenvalue 1, of the Hessian over sigma, of which steps bear up
    to 2. Later the gradients before and behind each step are compared, as in Malitsky & Mishchenko
    (2020): where they differ by more than the curvature allows, it is raised at the cuts that
    differ most, and a step behind which the objective rises is taken back. This costs five
    gradients a batch beside one a step, holds whatever the weight and the scale of the losses, and
    an example's path does not depend on its batch.

    With a large hidden weight, such as 100, mismatches are small and, once they have settled, the
    weights' gradient is close to backprop's. A mean over units makes narrow layers stiff, so that a
    sum over them, `HalfSquaredError("sum_over_batch_size")`, settles in a tenth of the steps. In
    float32 a mismatch is known to 1e-7 of a layer's output: beyond weights of about 1e4 training
    follows rounding, unless `keras.config.set_floatx("float64")` comes first.

    Args:
        steps: Integer, number of steps. At 0 the targets are the forward pass, the hidden
            loss has no gradient and layers before the last cut do not learn.
        step_size: Float, the rate of `optimizer`, the same for all targets. `None` takes the
            optimizer's own, and follows the curvature without one; with multipliers 0.25.
        optimizer: A Keras optimizer or its name, read for its rule and settings, a learning rate
            schedule included (evaluated at the number of training steps). Its slots start at zero
            in every batch. There are rules for SGD, RMSprop, Adam, AdamW and Rprop, with
            multipliers SGD alone. `None`: SGD with `step_size`.
        multiplier_rate: Float, how fast multipliers follow mismatches, up to 1. `None`: none.
        multiplier_leak: Float, the share of itself that a multiplier loses in a step, such as 0.01.

    Raises:
        ValueError: If `steps` is negative, `step_size` not positive, there is no rule for the
            optimizer, a multiplier rate is below 0, a leak outside of [0, 1) or, in `RelaxedModel`,
            the hidden loss of multipliers is not squared.

    Example:

    ```python
    model = raikeras.RelaxedModel(net, targets=raikeras.Inferred(steps=10))
    ```
    """

    follows_gradient = False

    def __init__(
        self,
        steps: int = 10,
        step_size: float | None = None,
        optimizer: keras.optimizers.Optimizer | str | None = None,
        multiplier_rate: float | None = None,
        multiplier_leak: float = 0.0,
    ) -> None:
        check_integer("steps", steps, 0)
        check_positive("step_size", step_size, optional=True)
        self.steps, self.step_size = int(steps), step_size
        self.optimizer = None if optimizer is None else keras.optimizers.get(optimizer)
        self.multiplier_rate, self.multiplier_leak = multiplier_rate, multiplier_leak
        self.multipliers = Multipliers.given(multiplier_rate, multiplier_leak)
        if self.multipliers is not None:
            self.needs_squared_error = True
            if step_size is None and optimizer is None:
                step_size = RATE
            multipliers.descent("Inferred", self.optimizer, RATE)
        self._follows_curvature = step_size is None and optimizer is None
        if self.multipliers is not None:
            self.remedy = "a smaller `step_size` or `multiplier_rate`, a `multiplier_leak`"
        elif not self._follows_curvature:
            self.remedy = (
                "`Inferred` without `step_size` and `optimizer`, whose steps then follow the "
                "curvature, or with a smaller step"
            )
        follows = self.optimizer or keras.optimizers.SGD()
        self._rule = row_rule(follows, owner=type(self).__name__)
        self._schedule = rate_of(follows) if step_size is None else step_size

    def set(self, step: StepView) -> Targets:
        start = step.values()
        if not self.steps:
            return Targets(start, fresh=True)
        if self.multipliers is not None:
            return self._multiplied(step, start, self.multipliers)

        def gradient(targets: list[Tensor], fresh: Tensor) -> list[Tensor]:
            found = step.gradient(lambda at: step.objective(at, fresh=fresh), targets)
            return [slope * step.examples for slope in found]

        if self._follows_curvature:
            return Targets(
                curvature.relax(gradient, start, step.network.groups, self.steps).targets
            )
        rate = self._rate(step)

        def relax(number: Tensor, state: tuple[list[Tensor], Slots]) -> tuple[list[Tensor], Slots]:
            targets, slots = state
            slope = gradient(targets, ops.equal(number, 0))
            moved, slots = self._rule.move(targets, slope, slots, rate)
            return moved, slots

        state = (start, self._slots(start))
        return Targets(ops.fori_loop(0, self.steps, relax, state)[0])

    def _multiplied(self, step: StepView, start: list[Tensor], following: Multipliers) -> Targets:
        """The targets and the multipliers with which they made their last step."""
        rate = self._rate(step)

        def relax(number: Tensor, state: tuple[Any, ...]) -> tuple[Any, ...]:
            targets, held, slots = state
            # At the start nothing mismatches. The last step's multipliers stay what they were: with
            # what mismatches then, the weights see what these would have become.
            begins = ops.equal(number, 0)
            held = following.follow(held, step.mismatches(targets, begins))
            slope = multipliers.slope(step, targets, held, begins)
            moved, slots = self._rule.move(targets, slope, slots, rate)
            return moved, held, slots

        none = [ops.zeros_like(values) for values in start]
        targets, held, _ = ops.fori_loop(0, self.steps, relax, (start, none, self._slots(start)))
        return Targets(targets, multipliers=held)

    def _rate(self, step: StepView) -> Tensor:
        rate = self._schedule(step.count) if callable(self._schedule) else self._schedule
        return ops.cast(rate, step.dtype)

    def _slots(self, start: list[Tensor]) -> Slots:
        """The rule's slots at zero."""
        examples = ops.shape(start[0])[examples_axis(start[0])]
        zeros = [ops.zeros_like(values) for values in start]
        return {
            name: zeros if kind == "row" else ops.zeros((examples, 1), start[0].dtype)
            for name, kind in self._rule.slots.items()
        }

    def get_config(self) -> Config:
        optimizer = self.optimizer
        return {
            "steps": self.steps,
            "step_size": self.step_size,
            "optimizer": optimizer and keras.saving.serialize_keras_object(optimizer),
            "multiplier_rate": self.multiplier_rate,
            "multiplier_leak": self.multiplier_leak,
        }
