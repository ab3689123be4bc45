"""`Gradient`: targets one gradient step from the forward pass; nothing is kept between steps."""

import keras

from raikeras.checks import check_positive
from raikeras.targets.base import StepView, TargetRule, Targets
from raikeras.typing import Config


@keras.saving.register_keras_serializable(package="raikeras")
class Gradient(TargetRule):
    """LocoProp's targets: the forward pass, moved against the task loss' gradient.

    A target is the value at the cut minus `step_size` times the task loss' gradient by it, from one
    backward pass. Every relaxed layer is fed by the forward pass itself, so its weights follow its
    own hidden loss and no other layer's; weights of layers that are not relaxed follow backprop's
    gradient of the task loss (with `Local`, the same one at each of its steps). Nothing is kept
    between batches: any data will do. Reference: Amid et al., LocoProp (2022, arXiv 2106.06199).

    The step is per example, as in `Inferred`: with a hidden loss averaged over examples (Keras'
    default) the gradient is multiplied by the batch size, with one summed over examples it is
    taken as it is. So with `hidden_loss=raikeras.losses.HalfSquaredError()`, summed or averaged,
    and one step of SGD the weights of relaxed layers move as by backprop at `step_size` times the
    rate; other hidden losses, other optimizers and `weight_step=Local(...)` make the difference.
    Several local steps want the averaged loss: the curvature of a sum grows with the batch.
    Sample weights act by the task loss alone: a target of weight 0 stays at the forward pass,
    unless its example reaches others' losses, by batch statistics for one.

    Forward and backward pass run in training mode. The relaxed path sees the same dropout masks
    and batch statistics, so that the mismatch is the gradient step alone; moving statistics are
    updated once a batch. Both are otherwise treated as any layer: BatchNormalization's own
    weights follow backprop's gradient.

    Args:
        step_size: Float, how far targets lie from the forward pass.

    Raises:
        ValueError: If `step_size` is not positive.

    Example:

    ```python
    model = raikeras.RelaxedModel(
        net,
        targets=raikeras.Gradient(step_size=1.0),
        hidden_loss=raikeras.losses.HalfSquaredError("sum_over_batch_size"),
        weight_step=raikeras.Local(5),
    )
    ```
    """

    has_weights = True
    follows_gradient = False

    def __init__(self, step_size: float = 1.0) -> None:
        check_positive("step_size", step_size)
        self.step_size = step_size

    def set(self, step: StepView) -> Targets:
        values, gradient = step.task_gradient()
        far = self.step_size * step.examples
        targets = [at - far * slope for at, slope in zip(values, gradient, strict=True)]
        return Targets(targets, fed=values, fresh=True)

    def get_config(self) -> Config:
        return {"step_size": self.step_size}
