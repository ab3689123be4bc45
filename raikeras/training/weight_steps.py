"""How the weights follow the objective: `Joint`, `Local`, `ClosedForm`."""

from collections.abc import Callable
from typing import Any, Self

import keras
from keras import ops

from raikeras.backend.keras_internals import scaled_rate
from raikeras.checks import check_integer, check_positive
from raikeras.training import least_squares
from raikeras.training.step import Step
from raikeras.typing import Config, Tensor


class WeightStep:
    """How the weights follow, given their gradient of the objective.

    Attributes:
        in_sequence: Whether layers move one after another, which keeps chains from training as one.
    """

    in_sequence = False

    def check(self, model: keras.Model) -> None:
        """Raises a `ValueError` if the weights of a `RelaxedModel` cannot follow this way."""

    def training_steps(self, iterations: Tensor) -> Tensor:
        """How many training steps have been made, from the compiled optimizer's own count."""
        return iterations

    def apply(self, step: Step, gradients: list[Tensor]) -> None:
        """Updates the weights in place, constraints included.

        Args:
            step: The `raikeras.training.step.Step` in progress.
            gradients: One per trainable weight, at the present weights.
        """
        raise NotImplementedError

    def get_config(self) -> Config:
        return {}

    @classmethod
    def from_config(cls, config: Config) -> Self:
        return cls(**config)


@keras.saving.register_keras_serializable(package="raikeras")
class Joint(WeightStep):
    """One step of the compiled optimizer on the whole objective, weights and targets together.

    The gradients of all weights and rows are taken at the same point; neither sees the other's
    update. This is RAI's own step.

    Example:

    ```python
    model = raikeras.RelaxedModel(net, weight_step=raikeras.Joint())
    ```
    """

    def apply(self, step: Step, gradients: list[Tensor]) -> None:
        step.optimizer.apply(gradients, step.weights)


@keras.saving.register_keras_serializable(package="raikeras")
class Local(WeightStep):
    """Several steps of the compiled optimizer on one batch, its targets held fixed.

    The steps descend the objective of the batch with targets, fed values, dropout masks and batch
    statistics as the first of them found them, plus, if `proximal` is given,
    1 / (2 proximal) ||weights - weights before the batch||^2 over all trainable weights (LocoProp's
    local problem, Amid et al., 2022, arXiv 2106.06199). Targets that are trained follow their
    gradient at the first of the steps. Moving statistics and metrics are updated once a batch.

    The compiled optimizer's `iterations` counts local steps, and so do a learning rate schedule
    given to it and the rate that `Learned()` takes from it. Whatever this package counts in
    training steps stays in training steps (batches): `deployed_every`, the schedules of
    `hidden_weight` and of `Learned(optimizer=...)`.

    A squared error at the pre-activations of Dense and Conv2D layers makes the local problems least
    squares: where that takes fewer operations, the batch is then looked at once, and each step
    after the first costs a product of the Gram matrix of a layer's inputs with its kernel.

    Args:
        steps: Integer, number of steps per batch. `Local(1)` is `Joint()`.
        proximal: Float, how far the weights may go: the smaller, the closer they stay to where
            the batch found them. `None`: as far as the steps lead, as in LocoProp's published code.
        lowest_rate: Float of at most 1. Step i of 0, 1, ... has the optimizer's learning rate times
            `max(1 - i / steps, lowest_rate)`; 1.0: all have the same. LocoProp's code has .25.
        in_sequence: Whether layers follow one after another, each fed by the network with the
            new weights of the layers before it. By default all are fed by the old network
            and no layer waits. It needs targets that feed the forward pass, as `Gradient` does.

    Raises:
        ValueError: If `steps` is no positive integer, `proximal` is not positive or `lowest_rate`
            is not in (0, 1].

    Example:

    ```python
    model = raikeras.RelaxedModel(
        net, targets=raikeras.Gradient(), weight_step=raikeras.Local(5, proximal=1.0)
    )
    ```
    """

    def __init__(
        self,
        steps: int,
        proximal: float | None = None,
        lowest_rate: float = 1.0,
        in_sequence: bool = False,
    ) -> None:
        check_integer("steps", steps, 1)
        check_positive("proximal", proximal, optional=True)
        check_positive("lowest_rate", lowest_rate)
        if lowest_rate > 1:
            raise ValueError(
                f"`lowest_rate` must be at most 1. Received: lowest_rate={lowest_rate}"
            )
        if not isinstance(in_sequence, bool):
            raise ValueError(
                f"`in_sequence` must be True or False. Received: in_sequence={in_sequence!r}"
            )
        self.steps, self.proximal = int(steps), proximal
        self.lowest_rate, self.in_sequence = lowest_rate, in_sequence

    def training_steps(self, iterations: Tensor) -> Tensor:
        return iterations if self.steps == 1 else ops.floor_divide(iterations, self.steps)

    def apply(self, step: Step, gradients: list[Tensor]) -> None:
        if self.in_sequence:
            self._apply_in_sequence(step, gradients)
            return
        start = _copies(step.weights)
        if self.steps > 1 and step.least_squares and least_squares.pays(step, self.steps - 1):
            layers = least_squares.problems(step, gradients)

            def local() -> list[Tensor]:
                return least_squares.gradients(layers, step.weights, start)
        else:
            local = step.weight_gradients

        step.optimizer.apply(gradients, step.weights)

        def follow() -> None:
            self._follow(step, step.weights, local(), start)

        if self.steps > 1:
            step.repeat(self.steps - 1, follow)

    def _follow(
        self,
        step: Step,
        weights: list[keras.Variable],
        gradients: list[Tensor],
        start: list[Tensor],
    ) -> None:
        """One of the later steps."""
        if self.proximal is not None:
            gradients = [
                None
                if gradient is None
                else ops.convert_to_tensor(gradient) + (weight - old) / self.proximal
                for gradient, weight, old in zip(gradients, weights, start, strict=True)
            ]
        with scaled_rate(step.optimizer, self._factor(step.optimizer.iterations)):
            step.apply_if_finite(gradients, weights)

    def _factor(self, iterations: Tensor) -> Tensor | None:
        """What the learning rate of the step in progress is multiplied with; `None` for 1."""
        if self.lowest_rate == 1:
            return None
        number = ops.cast(ops.mod(iterations, self.steps), "float32")
        return ops.maximum(1.0 - number / self.steps, self.lowest_rate)

    def _apply_in_sequence(self, step: Step, gradients: list[Tensor]) -> None:
        """All local steps of a layer, then those of the next; one count of steps for all."""
        if step.targets.fed is None:
            raise ValueError(
                "`Local(in_sequence=True)` needs a target rule that feeds layers the network's own "
                f"values, such as `Gradient`. Received: targets={step.rule}"
            )
        first = ops.copy(step.optimizer.iterations)
        for weights, local in step.layers_in_sequence(gradients):
            start = _copies(weights)
            step.optimizer.iterations.assign(first)

            def follow(
                weights: list[keras.Variable] = weights,
                local: Callable[[], list[Tensor]] = local,
                start: list[Tensor] = start,
            ) -> None:
                self._follow(step, weights, local(), start)

            step.repeat(self.steps, follow)

    def get_config(self) -> Config:
        return {
            "steps": self.steps,
            "proximal": self.proximal,
            "lowest_rate": self.lowest_rate,
            "in_sequence": self.in_sequence,
        }


@keras.saving.register_keras_serializable(package="raikeras")
class ClosedForm(WeightStep):
    """The exact minimum of each relaxed layer's local problem, by one Cholesky solve.

    A layer's problem is its weighted hidden loss of the batch, a squared error at its
    pre-activations, plus `1 / (2 eta) ||weights - weights before the batch||^2`. With `Gradient`
    this is the closed form of LocoProp-S (Amid et al., 2022): for its sums over the batch and
    `HalfSquaredError()` the move is `-eta step_size dL/dW (I + eta X'X)^-1`. Weights of other
    layers take a step of the compiled optimizer, which has no part in the relaxed ones. Where
    `eta` is so large that rounding would leave a system singular, `1 / eta` counts the dtype's
    epsilon times the trace of the Gram matrix instead, so weights stay finite. Solutions are as
    exact as the products are: on a GPU ask the backend for full float32 precision, not TF32.

    Args:
        eta: Float, how far the weights may go, or a schedule of the training step. Mind the
            reduction of the hidden loss: one averaged over examples wants `eta` as many times as
            large as one summed.

    Raises:
        ValueError: If `eta` is neither positive nor callable or, in `RelaxedModel`, a local problem
            is not least squares.

    Example:

    ```python
    model = raikeras.RelaxedModel(
        net,
        targets=raikeras.Gradient(10.0),
        hidden_loss=raikeras.losses.HalfSquaredError(),
        weight_step=raikeras.ClosedForm(eta=1e-3),
    )
    ```
    """

    def __init__(self, eta: Any) -> None:
        if isinstance(eta, dict):
            eta = keras.saving.deserialize_keras_object(eta)
        if not callable(eta):
            check_positive("eta", eta)
        self.eta = eta

    def check(self, model: keras.Model) -> None:
        reason = model.relaxed.reason_not_least_squares
        if reason or not model.relaxed.network.cuts:
            raise ValueError(
                "`ClosedForm` needs local problems that are least squares: a squared error "
                "(HalfSquaredError or MeanSquaredError) at the pre-activations of Dense and Conv2D "
                f"layers without regularizers. Received: {reason or 'no relaxed layer'}"
            )

    def apply(self, step: Step, gradients: list[Tensor]) -> None:
        eta = self.eta(step.count) if callable(self.eta) else self.eta
        layers = least_squares.problems(step, gradients)
        moves = [move for layer in layers for move in layer.minimum(eta)]
        solved = [w for layer in layers for w in (layer.kernel, layer.bias) if w is not None]
        outside = [
            (gradient, weight)
            for gradient, weight in zip(gradients, step.weights, strict=True)
            if all(weight is not one for one in solved)
        ]

        def follow() -> None:
            if outside:
                step.optimizer.apply(*map(list, zip(*outside, strict=True)))
            else:
                step.optimizer.iterations.assign_add(1)
            for weight, move in zip(solved, moves, strict=True):
                weight.assign_add(move)
                if weight.constraint is not None:
                    weight.assign(weight.constraint(weight))

        step.run_if_finite(moves, follow)

    def get_config(self) -> Config:
        eta = self.eta
        return {"eta": keras.saving.serialize_keras_object(eta) if callable(eta) else eta}


def _copies(weights: list[keras.Variable]) -> list[Tensor]:
    # On TensorFlow a conversion would hand back the variable, which moves.
    return [ops.copy(weight) for weight in weights]
