"""One training step of a `RelaxedModel`, the same on every backend, and what rules see of it.

The target rule sets the batch's targets, the gradients of the objective by weights and targets are
taken at one point, the rule learns of the targets' gradient, and the weight step follows.
"""

import functools
from collections.abc import Callable, Iterator
from typing import Any

import keras
from keras import ops

from raikeras.backend import load_backend
from raikeras.backend.keras_internals import loss_tracker, output_loss_variables
from raikeras.data import ids as ids_in
from raikeras.network.hidden_loss import Pair, per_example
from raikeras.network.relaxed_network import RelaxedNetwork
from raikeras.rows.layout import Group, cast, like
from raikeras.rows.storage import Store
from raikeras.targets import TargetRule, Targets
from raikeras.training import overflow
from raikeras.training.deployed import deployed_pass, state_of, step_logs
from raikeras.typing import Nest, Tensor


class Step:
    """A training step in progress, as target rules and weight steps see it.

    Attributes:
        x: The net's inputs.
        y: What the task loss compares the outputs with.
        sample_weight: Weights of the examples or `None`.
        hidden_sample_weight: Those with which the hidden loss weighs them.
        batch_size: Integer scalar, number of examples.
        ids: Integers `(batch,)`, or `None` where the data have no ids.
        row_ids: The ids by which rows are found, or `None` where the batch is all rows in order.
        count: Integer scalar, number of training steps made before.
        dtype: Dtype in which targets are computed.
        optimizer: The compiled optimizer.
        weights: The trainable weights.
        targets: The batch's `Targets`, once they are set.
        inputs: What each relaxed layer, or attached chain, was fed on the relaxed path, once the
            gradient of the objective is taken.
    """

    def __init__(self, model: keras.Model, data: Nest, in_order: bool = False) -> None:
        x, self.y, self.sample_weight = keras.utils.unpack_x_y_sample_weight(data)
        self.ids = x["example_id"] if ids_in.has_ids(x) else None
        self.row_ids = None if in_order else self.ids
        self.x = x["inputs"] if ids_in.has_ids(x) else x
        self.batch_size = ops.shape(keras.tree.flatten(self.x)[0])[0]
        self.optimizer, self.weights = model.optimizer, model.trainable_variables
        self.count = model.weight_step.training_steps(self.optimizer.iterations)
        self.network, self.hidden_loss = model.relaxed.network, model.relaxed.hidden_loss
        self.dtype = _compute_dtype(self.network)
        self.targets = Targets([])
        self.inputs: list[Tensor] = []
        self._model = model
        self.hidden_sample_weight = None if model.target_rule.has_weights else self.sample_weight
        self._start, self._random = self._state(), load_backend().random_state()
        self._recorded: tuple[Any, Any] | None = None
        self._mismatches: list[Tensor] | None = None  # of the step's own targets
        self._task: tuple[list[Tensor], list[Tensor], list[Tensor]] | None = None

    @property
    def rule(self) -> str:
        """The name of the target rule."""
        return type(self._model.target_rule).__name__

    @property
    def store(self) -> Store:
        """The rows, for a rule that keeps them."""
        if self._model.store is None or self.ids is None:
            raise ValueError(
                "A training step needs the rows of its examples: train with `fit`, or, after a "
                'first `fit`, call `train_on_batch({"inputs": x, "example_id": ids}, y)`. '
                "Received: "
                + ("no rows yet" if self._model.store is None else "x without example ids")
            )
        return self._model.store

    # For target rules

    @property
    def examples(self) -> Tensor:
        """What turns the objective's gradient by targets into that of an example's own part.

        The batch size where the hidden loss is averaged over examples (the sum of their weights, if
        it is averaged by these), 1 where it is summed.
        """
        return self.hidden_loss.examples(self.batch_size, self.hidden_sample_weight, self.dtype)

    def values(
        self,
        needed: Any = True,
        then: Callable[[list[Tensor]], Any] | None = None,
        otherwise: Any = None,
    ) -> Any:
        """The deployed forward pass at the cuts, which also measures the deployed network.

        Args:
            needed: Boolean scalar. Where it is false the pass may be left out.
            then: Function of the values, both lists of a tensor for each group of cuts. Where the
                pass is made, its result is returned in their place.
            otherwise: The result where the pass is left out, of the same shapes and dtypes.
                `None`: zeros.

        Returns:
            A list of a tensor for each group of cuts, see `raikeras.rows.layout`.
        """
        if self._recorded is None:
            self._recorded = needed, deployed_pass(self._model, self, needed, then, otherwise)
        if self._recorded[0] is not needed:
            raise ValueError("`values` must be called with one and the same `needed` in a step.")
        return self._recorded[1]

    @property
    def example_weights(self) -> Tensor | None:
        """The weights of the examples in the hidden loss, `(batch, 1)`; `None`: all weigh 1."""
        return per_example(self.hidden_sample_weight, 2)

    @property
    def curvature(self) -> list[Tensor]:
        """Of a squared hidden loss: the c for which it is the sum of c / 2 mismatch^2 over units.

        A tensor for each group of cuts, which broadcasts against its targets.
        """
        return self.hidden_loss.curvature(
            self.network.groups, self.batch_size, self.hidden_sample_weight, self.count, self.dtype
        )

    def objective(
        self,
        targets: list[Tensor],
        fed: list[Tensor] | None = None,
        fresh: Any = False,
        multipliers: list[Tensor] | None = None,
    ) -> Tensor:
        """The whole objective at the present weights, a scalar; leaves no trace in any state.

        Dropout masks and batch statistics are those of the step itself.

        Args:
            targets: A list of a tensor for each group of cuts.
            fed: Likewise, what relaxed layers hand on. `None`: their targets.
            fresh: See `raikeras.targets.Targets`.
            multipliers: Likewise.
        """
        found = Targets(targets, fed, fresh, multipliers=multipliers)
        return self._isolated(self._objective)(found)[0]

    def mismatches(self, targets: list[Tensor] | None = None, fresh: Any = False) -> list[Tensor]:
        """The targets minus the layers' own values at the present weights; leaves no trace.

        Args:
            targets: A list of a tensor for each group of cuts, which layers hand on. `None`: those
                of the step, in `moved` of a rule that has multipliers.
            fresh: See `raikeras.targets.Targets`.

        Returns:
            Likewise a list.
        """
        if targets is not None:
            pairs = self._isolated(self._replay)(Targets(targets, fresh=fresh))[1]
            return self.network.mismatches(pairs)
        if self._mismatches is None:
            raise ValueError(
                "A step knows the mismatches of its targets once the objective's gradient is "
                "taken, and where these have multipliers: call `mismatches(targets)`."
            )
        return self._mismatches

    def task_gradient(self) -> tuple[list[Tensor], list[Tensor]]:
        """The forward pass in training mode and backprop's gradient there; leaves no trace.

        Returns:
            The values at the cuts and the gradient of the task loss by them, both a list of a
            tensor for each group of cuts.
        """
        return self._task_pass()[:2]

    def forward(self, offsets: list[Tensor]) -> tuple[Tensor, list[Tensor]]:
        """The forward pass in training mode with an offset added at each cut; leaves no trace.

        Args:
            offsets: A list of a tensor for each group of cuts.

        Returns:
            The task loss, a scalar, and the values at the cuts, offsets included, likewise a list.
        """
        unroll = load_backend().unrolls_chains(self._model)

        def run() -> tuple[Tensor, list[Tensor]]:
            outputs, values = self.network.perturb(self.x, offsets, unroll)
            return self._task_loss(outputs), values

        return self._isolated(run)()

    def gradient(
        self, function: Callable[[list[Tensor]], Tensor], at: list[Tensor]
    ) -> list[Tensor]:
        """The gradient of a scalar function of a list of tensors, likewise a list."""
        return load_backend().gradient(function, at)

    # For weight steps

    @property
    def least_squares(self) -> bool:
        """Whether the weights' gradient stays that of least squares however the weights move."""
        if self._model.relaxed.reason_not_least_squares:
            return False
        layers = [block.chain or block.cut.layer for block in self.network.blocks()]
        trained = {id(weight) for weight in self.weights}
        solved = [layer for layer in layers if id(layer.kernel) in trained]
        return trained <= {id(weight) for one in solved for weight in (one.kernel, one.bias)}

    def weight_gradients(self, targets: Targets | None = None, moved: bool = True) -> list[Tensor]:
        """The weights' gradient at the present weights, targets as they are; leaves no trace.

        Args:
            targets: `None` takes those of the step.
            moved: Whether the weights have moved since the targets were set, so that no mismatch
                is mere rounding any more.
        """

        def scaled(targets: Targets) -> tuple[Tensor, Any]:
            total, parts = self._isolated(self._objective)(targets)
            return self.optimizer.scale_loss(total), parts

        targets = targets or self.targets
        targets = targets._replace(fresh=False) if moved else targets
        _, gradients, _ = load_backend().differentiate(
            self._model, lambda values: scaled(targets._replace(values=values)), targets.values
        )
        return load_backend().control_barrier(self._of_layers_outside(gradients))

    def task_weight_gradients(self) -> list[Tensor]:
        """Backprop's gradient, the task loss' by the weights, in training mode; leaves no trace."""
        return self._task_pass()[2]

    def layers_in_sequence(
        self, gradients: list[Tensor]
    ) -> Iterator[tuple[list[keras.Variable], Callable[[], list[Tensor]]]]:
        """Goes through the relaxed layers, then through all others, for weight steps in turn.

        Args:
            gradients: The gradients at the present weights, one per trainable weight.

        Yields:
            A layer's trainable weights, and a function of their gradient at the present weights
            when the layer is fed by the net as it is then. For the weights of all layers that are
            not relaxed, the gradient is the one given.
        """
        place = {id(weight): number for number, weight in enumerate(self.weights)}
        left = dict(place)
        for layer in self.network.layers:
            own = [weight for weight in layer.trainable_variables if id(weight) in left]
            for weight in own:
                del left[id(weight)]
            if own:
                fed = self._isolated(self.network.perturb)(self.x, self._no_offsets())[1]
                targets = self.targets._replace(fed=cast(fed, self.dtype))
                yield own, functools.partial(self._gradients_of, own, place, targets)
        rest = [self.weights[number] for number in left.values()]
        if rest:
            same = [gradients[place[id(weight)]] for weight in rest]
            yield rest, lambda: same

    def _gradients_of(
        self, weights: list[keras.Variable], place: dict[int, int], targets: Targets
    ) -> list[Tensor]:
        gradients = self.weight_gradients(targets)
        return [gradients[place[id(weight)]] for weight in weights]

    def apply_if_finite(self, gradients: list[Tensor], weights: list[keras.Variable]) -> None:
        """A step of the compiled optimizer, left out where a gradient is not finite."""
        self.run_if_finite(gradients, lambda: self.optimizer.apply(gradients, weights))

    def run_if_finite(self, tensors: list[Tensor], body: Callable[..., Any]) -> None:
        """Runs `body()`, which updates weights, if all the tensors are finite."""
        overflow.run_if_finite(self._model, tensors, body)

    def repeat(self, times: int, body: Callable[..., Any]) -> None:
        """Runs `body()`, which updates weights by the optimizer, several times."""
        load_backend().repeat(self._model, times, body)

    # The step itself

    def run(self) -> dict[str, Any]:
        """Sets targets, takes gradients, lets rule and weights follow; returns the logs."""
        model = self._model
        if self.network.cuts:
            self.targets = self._set_targets(model.target_rule)

        def scaled_objective(values: list[Tensor]) -> tuple[Tensor, Any]:
            total, parts = self._objective(self.targets._replace(values=values))
            return self.optimizer.scale_loss(total), (total, parts)

        (total, (*parts, passed)), gradients, by_target = load_backend().differentiate(
            model, scaled_objective, self.targets.values
        )
        self.inputs, self._mismatches = passed
        loss_tracker(model).update_state(total, sample_weight=self.batch_size)
        gradients = self._of_layers_outside(gradients)
        if not self.network.cuts:
            model.weight_step.apply(self, gradients)
            return step_logs(model, self, *parts)

        # Made once, for the guard and the rows' step: XLA would make it for each of them.
        by_target = [load_backend().fusion_barrier(one) for one in by_target]

        def follow() -> None:
            model.target_rule.moved(self, self.targets, by_target)
            model.weight_step.apply(self, gradients)

        followed = by_target if model.target_rule.follows_gradient else []
        overflow.follow_if_finite(model, self, total, followed, gradients, follow)
        return step_logs(model, self, *parts)

    def _set_targets(self, rule: TargetRule) -> Targets:
        rule.check(self.optimizer)
        targets = targets_of(self, rule.set(self))
        if self._recorded is None and self._model.deployed_every:
            self.values(needed=False)
        return targets

    def _objective(
        self, targets: Targets
    ) -> tuple[Tensor, tuple[Tensor, Tensor, Nest, tuple[list[Tensor], list[Tensor] | None]]]:
        """The whole objective on the relaxed path, and its parts for the logs.

        With them what layers were fed and, where there are multipliers, the mismatches.
        """
        outputs, pairs = self._replay(targets)
        task = self._task_loss(outputs)
        if not pairs:
            return task, (task, ops.zeros(()), outputs, ([], None))
        mismatches = None
        if targets.multipliers is not None:
            mismatches = self.network.mismatches(pairs)
            pairs = self.network.shifted(pairs, targets.multipliers)
        hidden = self.hidden_loss(pairs, self.hidden_sample_weight, self.count)
        passed = [pair.inputs for pair in pairs], mismatches
        return task + ops.cast(hidden, task.dtype), (task, hidden, outputs, passed)

    def _replay(self, targets: Targets) -> tuple[Nest, list[Pair]]:
        fresh = None
        if targets.fresh is not False and self.network.cuts:
            fresh = ops.broadcast_to(targets.fresh, (self.batch_size, 1))
        return self.network.replay(self.x, targets.values, fresh, targets.fed)

    def _task_loss(self, outputs: Nest) -> Tensor:
        """The compiled loss; the columns of single outputs are the deployed network's, not its."""
        columns = output_loss_variables(self._model) if self.network.cuts else []
        before = [ops.copy(column.value) for column in columns]
        loss = self._model.compute_loss(self.x, self.y, outputs, self.sample_weight, training=True)
        for column, value in zip(columns, before, strict=True):
            column.assign(value)
        return loss

    def _task_pass(self) -> tuple[list[Tensor], list[Tensor], list[Tensor]]:
        """Values at the cuts, the task loss' gradient by them, and its gradient by the weights."""
        if self._task is None:

            def task(offsets: list[Tensor]) -> tuple[Tensor, list[Tensor]]:
                unroll = load_backend().unrolls_chains(self._model)
                outputs, values = self.network.perturb(self.x, offsets, unroll)
                return self._task_loss(outputs), values

            values, by_weights, by_values = load_backend().differentiate(
                self._model, self._isolated(task), self._no_offsets()
            )
            self._task = cast(values, self.dtype), by_values, by_weights
        return self._task

    def _no_offsets(self) -> list[Tensor]:
        return like(self.network.groups, self.batch_size, self.dtype)

    def _of_layers_outside(self, gradients: list[Tensor]) -> list[Tensor]:
        """Backprop's gradient for weights that targets do not reach, where `fed` cuts them off."""
        if self.targets.fed is None:
            return gradients
        relaxed = {id(weight) for weight in self.network.weights}
        if all(id(weight) in relaxed for weight in self.weights):
            return gradients
        task = self._task_pass()[2]
        return [
            ours if id(weight) in relaxed else backprop
            for weight, ours, backprop in zip(self.weights, gradients, task, strict=True)
        ]

    def _state(self) -> list[tuple[keras.Variable, Tensor]]:
        """The state at the start of the step, weights apart: seeds, moving statistics, metrics."""
        variables = [*state_of(self._model), *self._model.metrics_variables]
        if isinstance(self.count, keras.Variable):
            variables.append(self.count)
        weights = {id(weight) for weight in self.weights}
        # Copies, for on TensorFlow a conversion would hand back the variable, which moves.
        return [(v, ops.copy(v.value)) for v in variables if id(v) not in weights]

    def _isolated(self, function: Callable[..., Any]) -> Callable[..., Any]:
        """The function, run on the present weights and the state at the start; it changes none."""

        def run(*args: Any) -> Any:
            state = [*self._start, *((weight, weight.value) for weight in self.weights)]
            now = load_backend().random_state()
            load_backend().set_random_state(self._random)
            try:
                with keras.StatelessScope(state, collect_losses=True):
                    return function(*args)
            finally:
                load_backend().set_random_state(now)

        return run


def run_step(model: keras.Model, data: Nest) -> dict[str, Any]:
    """One step of a `RelaxedModel` on the data of a batch. Returns the logs."""
    return Step(model, data, model.relaxed.takes_all_rows).run()


def targets_of(step: Step, found: Any) -> Targets:
    """What a target rule returned, as `Targets`.

    Raises:
        ValueError: If it is no list of a tensor for each group of cuts.
    """
    targets = Targets(*found) if isinstance(found, tuple) else Targets(found)
    groups = step.network.groups
    for part in (targets.values, targets.fed, targets.multipliers):
        shapes = [getattr(one, "shape", None) for one in part] if isinstance(part, list) else part
        if part is not None and (shapes is part or not _fit(shapes, groups)):
            wanted = [group.shape("batch") for group in groups]
            raise ValueError(
                "A target rule must return lists of a tensor for each group of cuts, of the shapes "
                f"{wanted}. Received from {step.rule}: {shapes if isinstance(part, list) else part}"
            )
    return targets


def _fit(shapes: list[Any], groups: list[Group]) -> bool:
    if len(shapes) != len(groups) or None in shapes:
        return False
    wanted = [group.shape(None) for group in groups]
    return all(
        len(shape) == len(own)
        and all(None in pair or pair[0] == pair[1] for pair in zip(shape, own, strict=True))
        for shape, own in zip(shapes, wanted, strict=True)
    )


def _compute_dtype(network: RelaxedNetwork) -> str:
    if not network.cuts:
        return keras.config.floatx()
    return "float32" if network.dtype in ("bfloat16", "float16") else network.dtype
