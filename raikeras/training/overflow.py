"""The guard against overflow: steps that are not finite are left out, and `fit` stops and says why.

`Step` asks it whether a step may be made; `RelaxedModel.fit` has it watch the logs and explain.
"""

import contextlib
from collections.abc import Callable, Sequence
from typing import Any, Self

import keras
import numpy as np
from keras import ops

from raikeras.backend import load_backend
from raikeras.backend.keras_internals import loss_tracker
from raikeras.data import ids as ids_in
from raikeras.data.contents import first_rows
from raikeras.network.cut import Cut
from raikeras.rows.layout import by_cut
from raikeras.targets.base import StepView
from raikeras.typing import Logs, Nest, Tensor

BATCHES = 50  # between two looks at the loss within an epoch
EXAMPLES = 256  # that an explanation looks at
ROWS = 4096  # read at once in search of the largest target


class Overflowed(keras.metrics.Metric):
    """Whether a step was left out since metrics were reset, so that all later ones are.

    It belongs to an epoch as the log columns do, and is none of them: the column `loss` is NaN.

    Attributes:
        flag: Boolean variable of no axes.
    """

    def __init__(self) -> None:
        super().__init__(name="overflowed")
        self.flag = self.add_variable((), "zeros", dtype="bool", name="overflowed")

    def result(self) -> Tensor:
        return ops.convert_to_tensor(self.flag)


def shown_loss(model: keras.Model) -> Tensor:
    """The column `loss`: the mean objective of the epoch, NaN once a step was left out."""
    mean = loss_tracker(model).result()
    return ops.where(model.relaxed.overflowed.result(), ops.cast(float("nan"), mean.dtype), mean)


def follow_if_finite(
    model: keras.Model,
    step: StepView,
    total: Tensor,
    by_target: list[Tensor],
    gradients: list[Tensor],
    body: Callable[[], Any],
) -> None:
    """Runs `body()`, after which rows and weights have followed, unless something overflowed.

    That is so where the objective, its sum over the epoch, a gradient or the square of one, which
    optimizers keep, is not finite, or was in an earlier step of the epoch. Then weights, slots and
    rows stay as they were (moving statistics follow the forward pass as ever), and `Overflowed`
    says so. Where all is finite the step is the same as without.

    Args:
        model: The `RelaxedModel`.
        step: The `raikeras.training.step.Step` in progress.
        total: The objective.
        by_target: Its gradient by the targets, a list of a tensor for each group of cuts.
        gradients: Its gradients by the weights.
        body: A function without arguments.
    """
    backend, mean = load_backend(), loss_tracker(model).total
    # Computed once, for the log and the condition: XLA would do so for each of them.
    mean.assign(backend.fusion_barrier(mean.value))
    iterations, count = model.optimizer.iterations, model.weight_step.training_steps
    overflowed = model.relaxed.overflowed.flag
    flags = [
        ops.logical_not(overflowed.value),
        ops.isfinite(ops.cast(mean.value, step.dtype)),
        ops.isfinite(total),
    ]
    finite = _all_hold([*flags, *map(backend.rows_fit, by_target), *_fit(model, gradients)])
    before = ops.copy(iterations.value)
    moving = _moving(model)
    with contextlib.ExitStack() as stack:
        if model.store is not None and step.row_ids is None:
            moving += model.store.variables
        elif model.store is not None and backend.runs_always(model):
            stack.enter_context(model.store.writing_if(finite))
        backend.run_if(model, finite, moving, body)
    done = finite
    if model.trainable_variables:  # without any, optimizers do not count
        # Fewer were counted where a weight step, in the middle, had to leave out its own.
        done = count(iterations.value) > count(before)
    overflowed.assign(ops.logical_not(done))


def run_if_finite(model: keras.Model, tensors: list[Tensor], body: Callable[[], Any]) -> None:
    """Runs `body()`, which updates weights, if all tensors and their squares are finite."""
    load_backend().run_if(model, _all_hold(_fit(model, tensors)), _moving(model), body)


def _all_hold(flags: list[Tensor]) -> Tensor:
    """Whether all boolean scalars hold, as a product, which XLA computes once.

    Whatever costs less it computes anew in each operation that reads it: so the sum of all layers'
    losses would be compiled, and run, with every variable's update.
    """
    if not flags:
        return ops.convert_to_tensor(True)
    count = len(flags)
    return ops.matmul(ops.cast(ops.stack(flags), "float32"), ops.ones(count, "float32")) == count


def _fit(model: keras.Model, tensors: list[Tensor]) -> list[Tensor]:
    """Flags that hold if all numbers' squares are finite; `None` stands for no tensor.

    For an optimizer that clips norms their sum too: such a norm makes NaN of what it divides.
    """
    tensors = [tensor for tensor in tensors if tensor is not None]
    fit = load_backend().fit(tensors)
    optimizer = model.optimizer
    if optimizer.clipnorm is not None or optimizer.global_clipnorm is not None:
        fit.append(ops.isfinite(sum(_squared_norm(tensor) for tensor in tensors)))
    return fit


def _squared_norm(tensor: Tensor) -> Tensor:
    values = getattr(tensor, "values", None)
    if values is not None and not callable(values):  # TensorFlow's slices of an embedding
        tensor = values
    dtype = keras.backend.standardize_dtype(tensor.dtype)
    return ops.cast(
        ops.sum(ops.square(ops.cast(tensor, "float32" if "16" in dtype else dtype))), "float32"
    )


def _moving(model: keras.Model) -> list[keras.Variable]:
    """The variables that weight steps change."""
    return [*model.trainable_variables, *model.optimizer.variables]


def listed(callbacks: Any) -> list[Any]:
    """The callbacks of a call of `fit`, which takes one, nested lists, a `CallbackList` or none."""
    if isinstance(callbacks, keras.callbacks.CallbackList):
        callbacks = callbacks.callbacks
    return keras.tree.flatten(callbacks or [])


class Guard(keras.callbacks.Callback):
    """Stops training once a step was left out; `RelaxedModel.fit` adds it by itself.

    It looks at the logs, for within an epoch the state is inside the compiled step.
    """

    async_safe = True  # so that batches need not wait for it

    def __init__(self) -> None:
        super().__init__()
        self.stopped = False

    @classmethod
    def added_to(cls, call: dict[str, Any]) -> Self:
        """A new guard among the callbacks of a call of `fit`."""
        guard, callbacks = cls(), call.get("callbacks")
        if isinstance(callbacks, keras.callbacks.CallbackList):
            callbacks.append(guard)
        else:
            call["callbacks"] = [*listed(callbacks), guard]
        return guard

    def on_train_batch_end(self, batch: int, logs: Logs = None) -> None:
        if batch % BATCHES == BATCHES - 1:
            self._look(logs)

    def on_epoch_end(self, epoch: int, logs: Logs = None) -> None:
        self._look(logs)

    def _look(self, logs: Logs) -> None:
        if not np.isfinite((logs or {}).get("loss", 0.0)):
            self.stopped = self.model.stop_training = True


def explain(model: keras.Model, x: Nest, not_finite: Sequence[str] = ()) -> str:
    """Says where a training that was stopped overflowed, and what helps.

    Args:
        model: The `RelaxedModel`, after `fit`.
        x: What `fit` was given, with ids or without; of a stream nothing is looked at.
        not_finite: A few words for each argument of `fit` that holds NaN or infinities.
    """
    number = int(model.weight_step.training_steps(model.optimizer.iterations)) + 1
    found = [_first_overflow(model, x), *_largest(model)]
    if not_finite:
        # An output that is NaN because its input is says nothing more.
        found = [f"The data were not finite: {' and '.join(not_finite)}", *_largest(model)]
    remedy = f"{model.target_rule.remedy}, " if model.target_rule.remedy else ""
    return (
        f"Training stopped: the objective or its gradient was not finite in training step {number}."
        " The step was left out, so weights and targets are those before it. "
        + " ".join(f"{words}." for words in found if words)
        + f" What helps: {remedy}a smaller learning rate or hidden weight, a start that keeps the "
        "size of activations (raikeras.initializers.isometric_start, he_normal for ReLU), fewer "
        'relaxed layers (`relax`), or keras.config.set_floatx("float64").'
    )


def _largest(model: keras.Model) -> list[str]:
    """The largest weight and the largest target, each with its layer."""
    cuts = model.relaxed.network.cuts
    weights = [
        (max(float(np.abs(w).max(initial=0)) for w in cut.layer.get_weights()), cut.layer.name)
        for cut in cuts
        if cut.layer.weights
    ]
    words = []
    if weights:
        words.append("The largest weight is {:.2g}, in layer `{}`".format(*max(weights)))
    if model.store is not None:
        words.append("the largest target {:.2g}, of layer `{}`".format(*_largest_target(model)))
    return ["; ".join(words)]


def _largest_target(model: keras.Model) -> tuple[float, str]:
    store, cuts = model.store, model.relaxed.network.cuts
    largest = np.zeros(len(cuts))
    for first in range(0, store.num_examples, ROWS):
        rows = store.targets(np.arange(first, min(first + ROWS, store.num_examples)))
        parts = [np.abs(part.astype("float64")) for part in by_cut(store.groups, rows)]
        largest = np.maximum(largest, [part.max(initial=0) for part in parts])
    place = int(np.argmax(largest))
    return float(largest[place]), cuts[place].name


def _first_overflow(model: keras.Model, x: Nest) -> str | None:
    """The first layer whose output or squared mismatch is not finite, among some examples."""
    if ids_in.is_stream(x):
        return None
    ids = x["example_id"][:EXAMPLES] if ids_in.has_ids(x) else None
    x = keras.tree.map_structure(
        lambda part: first_rows(part, EXAMPLES), x["inputs"] if ids is not None else x
    )
    for cut, own, target in _values(model, x, ids):
        name = own.dtype.name
        limit = float(np.sqrt(np.finfo(np.promote_types(name, "float32")).max))
        size = np.abs(own.astype("float64")).max(initial=0)
        far = np.abs(own.astype("float64") - target).max(initial=0)
        if not np.isfinite(size):
            return f"Layer `{cut.name}` is the first whose output overflows {name}"
        if not far < limit:
            return (
                f"Layer `{cut.name}` is the first whose mismatch, {far:.2g} at most, has a square "
                f"that overflows {name}; its output reaches {size:.2g}"
            )
    return (
        "No layer's output or squared mismatch overflows in the examples looked at, so it is a "
        "gradient or its square, which optimizers keep"
    )


def _values(
    model: keras.Model, x: Nest, ids: np.ndarray | None
) -> list[tuple[Cut, np.ndarray, np.ndarray]]:
    """By cut: the layer's own value and its target, or 0 where there is none, as arrays."""
    network, store = model.relaxed.network, model.store
    started = store is not None and (store.read("age", ids) > 0).all()
    with keras.StatelessScope(collect_losses=True):
        if started:
            targets = [ops.convert_to_tensor(part) for part in store.targets(ids)]
            pairs = network.replay(x, targets, None)[1]
            found = [(pair.own, pair.target) for pair in pairs]
        else:
            values = [ops.convert_to_numpy(part) for part in network.record(x)[1]]
            found = [(own, 0.0) for own in by_cut(network.groups, values)]
    to_numpy = ops.convert_to_numpy
    return [
        (cut, np.asarray(to_numpy(own)), np.asarray(to_numpy(target), "float64"))
        for cut, (own, target) in zip(network.cuts, found, strict=True)
    ]
