"""`InferredErrors`: errors are added to the forward pass and follow the whole gradient."""

import keras
from keras import ops

from raikeras.checks import check_integer, check_positive
from raikeras.rows.layout import like
from raikeras.targets.base import StepView, TargetRule, Targets
from raikeras.typing import Config, Tensor


@keras.saving.register_keras_serializable(package="raikeras")
class InferredErrors(TargetRule):
    """Error-based predictive coding (ePC): the errors are relaxed, and not the targets.

    A target is its layer's own value, fed by the target before, plus an error e. From zero, for
    each batch, the errors follow the gradient of the objective by them, `e <- e - step_size (e +
    dL/de)` for half a squared error of weight 1, in which L is the task loss of the forward pass
    with all errors added. So a signal passes all layers in each step, by backpropagation: this is a
    baseline, and no layer-parallel method. The weights then follow their own layer's error. The
    minimum is that of `Inferred`; from few small steps the weights' gradient has backpropagation's
    direction and nearly nothing of its size in hidden layers. Reference: Goemaere et al.,
    ePC: Overcoming Exponential Signal Decay in Deep Predictive Coding Networks
    (2025, arXiv 2505.20137).

    The step counts in units of the hidden loss' own curvature, whatever its weight and reduction:
    an error that the task does not need is gone after one step of 1. Beyond 2 over the largest
    curvature steps diverge.

    Args:
        steps: Integer, number of steps.
        step_size: Float, their rate.

    Raises:
        ValueError: If `steps` is negative, `step_size` not positive or, in `RelaxedModel`, the
            hidden loss is no squared error.

    Example:

    ```python
    model = raikeras.RelaxedModel(
        net,
        targets=raikeras.InferredErrors(steps=5, step_size=0.01),
        hidden_loss=raikeras.losses.HalfSquaredError("sum_over_batch_size"),
    )
    ```
    """

    follows_gradient = False
    needs_squared_error = True
    remedy = "a smaller `step_size`"

    def __init__(self, steps: int = 5, step_size: float = 0.01) -> None:
        check_integer("steps", steps, 0)
        check_positive("step_size", step_size)
        self.steps, self.step_size = int(steps), step_size

    def set(self, step: StepView) -> Targets:
        curvature = step.curvature

        def relax(_: Tensor, errors: list[Tensor]) -> list[Tensor]:
            slope = step.gradient(lambda at: step.forward(at)[0], errors)
            return [
                error - self.step_size * (error + ops.divide_no_nan(slope, own))
                for error, slope, own in zip(errors, slope, curvature, strict=True)
            ]

        errors = like(step.network.groups, step.batch_size, step.dtype)
        errors = ops.fori_loop(0, self.steps, relax, errors)
        return Targets(step.forward(errors)[1])

    def get_config(self) -> Config:
        return {"steps": self.steps, "step_size": self.step_size}
