"""How large the loss gradient is, by layer: `gradient_norms` and the callback `GradientNorms`."""

import contextlib
import inspect
import math
from collections.abc import Callable
from typing import Any

import keras
import numpy as np
from keras import ops

from raikeras.backend import load_backend
from raikeras.backend.keras_internals import build, sublayers
from raikeras.checks import check_integer
from raikeras.data.ids import has_ids
from raikeras.model import RelaxedModel
from raikeras.training.step import Step, targets_of
from raikeras.typing import Logs, Nest, Tensor

PREFIX = "gradient_norm/"


def gradient_norms(
    model: keras.Model, x: Nest, y: Nest, sample_weight: Nest = None
) -> dict[str, float]:
    """The Euclidean norm of the loss gradient by each layer's trainable weights.

    Of a plain Keras model it is the gradient that a training step on these examples would take:
    that of the compiled loss with the model's own regularisation, in training mode. Nothing is
    changed by it, no weight, metric, moving statistic or seed.

    Of a `RelaxedModel` it is the gradient of its objective at the targets of its rule, which is
    what its weights follow: a relaxed layer's gradient is local, that of its own mismatch (and of
    the task loss, for layers behind the last cut). Rows need example ids, as in `fit`. Backprop's
    gradient of the same network is that of the compiled `net` itself.

    Args:
        model: A compiled Keras model.
        x: The model's inputs, arrays of `n` examples, taken in one piece; for a `RelaxedModel`
            with rows `{"inputs": x, "example_id": ids}`. Arrays that `fit` was given have the ids
            0, 1, ... in their order.
        y: What the loss compares the outputs with, `n` examples.
        sample_weight: Weights of the examples or `None`.

    Returns:
        Dict from layer name (its path, where several layers share the name) to float, in the
        model's order; layers without trainable weights are left out.

    Raises:
        ValueError: If `model` is not compiled, `y` is missing, the numbers of examples differ or
            a `RelaxedModel` with rows gets no ids.
    """
    _check_arrays(x, y, sample_weight)
    return _Probe(model, x, y, sample_weight).norms()


class GradientNorms(keras.callbacks.Callback):
    """Watches the loss gradient of each layer during `fit`, on examples of your choice.

    Works in the `fit` of any Keras model; what is measured is said at `gradient_norms`. The norms
    are added to the logs as `gradient_norm/LAYER`, so that `History` holds them, and so does every
    callback behind this one: put `keras.callbacks.TensorBoard` there and it writes them, as
    `epoch_gradient_norm/LAYER`.

    Args:
        x: Inputs of the examples on which gradients are taken, arrays. The same ones throughout,
            a few hundred at most: they are taken in one piece.
        y: What the loss compares the outputs with.
        sample_weight: Weights of the examples or `None`.
        every: `"epoch"`, at the end of each, or an integer, a number of training steps; then the
            logs of an epoch have what was measured last.

    Attributes:
        history: Dict with `step`, the number of training steps before each measurement (0 first),
            and one list of norms for each `gradient_norm/LAYER`; of the last `fit`.

    Raises:
        ValueError: If `y` is missing, the numbers of examples differ or `every` is no positive
            integer and not `"epoch"`.

    Example:

    ```python
    norms = raikeras.callbacks.GradientNorms(x[:200], y[:200])
    history = model.fit(x, y, callbacks=[norms])
    history.history["gradient_norm/dense"]
    ```
    """

    def __init__(
        self, x: Nest, y: Nest = None, sample_weight: Nest = None, every: str | int = "epoch"
    ) -> None:
        super().__init__()
        if every != "epoch":
            if isinstance(every, str):
                raise ValueError(
                    '`every` must be "epoch" or a number of training steps. '
                    f"Received: every={every!r}"
                )
            check_integer("every", every, 1)
        _check_arrays(x, y, sample_weight)
        self.every = every
        self._apart = None if every == "epoch" else int(every)
        self.history: dict[str, list[float]] = {}
        self._examples = x, y, sample_weight
        self._probe: Any = None
        self._step = self._before = self._measured = 0

    def on_train_begin(self, logs: Logs = None) -> None:
        self.history = {}
        self._step = self._before = 0
        self._probe = _Probe(self.model, *self._examples)
        self._measure()

    def on_epoch_begin(self, epoch: int, logs: Logs = None) -> None:
        self._before = self._step

    def on_train_batch_end(self, batch: int, logs: Logs = None) -> None:
        self._step = self._before + batch + 1
        apart = self._apart
        if apart and self._step // apart > self._measured // apart:  # steps_per_execution skips
            self._measure()
            self._add_to(logs)

    def on_epoch_end(self, epoch: int, logs: Logs = None) -> None:
        if self._apart is None:
            self._measure()
        self._add_to(logs)

    def on_train_end(self, logs: Logs = None) -> None:
        self._probe = None  # it holds a compiled function of variables that may be replaced

    def _measure(self) -> None:
        if hasattr(self.model, "jax_state_sync"):
            self.model.jax_state_sync()  # within an epoch JAX keeps the state to itself
        norms = self._probe.norms()
        for name, value in {"step": self._step, **_prefixed(norms)}.items():
            self.history.setdefault(name, []).append(value)
        self._measured = self._step

    def _add_to(self, logs: Logs) -> None:
        if logs is not None:
            logs.update({name: v[-1] for name, v in self.history.items() if name != "step"})


class _Probe:
    """The gradient on given examples, compiled when it is first asked for."""

    def __init__(self, model: keras.Model, x: Nest, y: Nest, sample_weight: Nest = None) -> None:
        if not getattr(model, "compiled", False):
            raise ValueError(
                "`model` must be compiled, for the loss is the compiled one. "
                f"Received: model={getattr(model, 'name', model)!r}, not compiled"
            )
        self._model, self._relaxed = model, isinstance(model, RelaxedModel)
        has_rows = self._relaxed and model.target_rule.has_rows and model.relaxed.network.cuts
        if has_rows and not has_ids(x):
            raise ValueError(
                'Targets that are rows need example ids: `x={"inputs": x, "example_id": ids}`, '
                "with the ids 0, 1, ... in the order of the arrays given to `fit`. "
                f"Received: x of type {type(x).__name__} without example ids"
            )
        self._data = keras.tree.map_structure(_tensor, (x, y, sample_weight))
        self._run: Any = None

    def norms(self) -> dict[str, float]:
        """Norm by layer name at the present weights."""
        model = self._model
        # Chains of equal layers attached, as in `fit`: the optimizer may be built here.
        with model._fused() if self._relaxed else contextlib.nullcontext():
            if self._run is None:
                build(model, keras.utils.pack_x_y_sample_weight(*self._data))
                gradients = _of_objective if self._relaxed else _of_loss
                self._run = load_backend().without_trace(model, gradients)
            found = self._run(*self._data)
            return _by_layer(model, [_array(gradient) for gradient in found])


def _of_loss(model: keras.Model, x: Nest, y: Nest, sample_weight: Nest) -> list[Tensor]:
    """The gradient of the compiled loss, one per trainable variable."""

    def loss(_: Tensor) -> tuple[Tensor, tuple[()]]:
        # Keras asks the scope for the weights that regularizers see: it has to know all of them.
        state = [(v, v.value) for v in [*model.variables, *model.metrics_variables]]
        with keras.StatelessScope(state, collect_losses=True):
            outputs = model(x, **_in_training(model.call))
            training = _in_training(model.compute_loss)
            return model.compute_loss(x, y, outputs, sample_weight, **training), ()

    return load_backend().differentiate(model, loss, ops.zeros(()))[1]


def _of_objective(model: keras.Model, x: Nest, y: Nest, sample_weight: Nest) -> list[Tensor]:
    """The gradient of a `RelaxedModel`'s objective at its rule's targets."""
    step = Step(model, (x, y, sample_weight))
    if not step.network.cuts:
        return _of_loss(model, x, y, sample_weight)
    step.targets = targets_of(step, model.target_rule.set(step))
    if step.targets.fed is not None:
        return step.weight_gradients(moved=False)

    def objective(values: list[Tensor]) -> tuple[Tensor, tuple[()]]:
        return step.objective(values, fresh=step.targets.fresh), ()

    return load_backend().differentiate(model, objective, step.targets.values)[1]


def _by_layer(model: keras.Model, gradients: list[np.ndarray]) -> dict[str, float]:
    """Norms by layer name, given one array per trainable variable; of a chain a stack of them."""
    owners = _owners(model)
    parts = {id(variable): [variable] for variable in model.trainable_variables}
    if isinstance(model, RelaxedModel):
        for chain in model.relaxed.attached_chains():
            for stacked, own in zip(chain.variables, chain.own_variables, strict=True):
                parts[id(stacked)] = own
    squares = dict.fromkeys(owners.values(), 0.0)
    for variable, gradient in zip(model.trainable_variables, gradients, strict=True):
        own = parts[id(variable)]
        for part, values in zip(own, gradient if len(own) > 1 else [gradient], strict=True):
            squares[owners[id(part)]] += float(np.sum(np.square(values)))
    return {name: math.sqrt(value) for name, value in squares.items()}


def _owners(model: keras.Model) -> dict[int, str]:
    """The name of the innermost layer that owns each trainable variable, by the variable's id."""
    layers, owners = [model, *sublayers(model)], {}
    for place, layer in enumerate(layers):  # from the outside in
        for variable in layer.trainable_variables:
            owners[id(variable)] = place
    if isinstance(model, RelaxedModel):
        for chain in model.relaxed.attached_chains():
            for stacked in chain.variables:
                owners.pop(id(stacked), None)
    names = [layers[place].name for place in set(owners.values())]
    return {
        key: layers[place].name if names.count(layers[place].name) == 1 else layers[place].path
        for key, place in sorted(owners.items(), key=lambda item: item[1])
    }


def _in_training(function: Callable[..., Any]) -> dict[str, Any]:
    """`training=True` for a function that takes it."""
    return {"training": True} if "training" in inspect.signature(function).parameters else {}


def _prefixed(norms: dict[str, float]) -> dict[str, float]:
    return {PREFIX + name: value for name, value in norms.items()}


def _check_arrays(x: Nest, y: Nest, sample_weight: Nest) -> None:
    if y is None:
        raise ValueError(
            "`y` must be given: the gradient is that of the loss of the outputs to it. "
            "Received: y=None"
        )
    trees = {"x": x, "y": y, "sample_weight": sample_weight}
    shapes = [
        (name, tuple(np.shape(leaf)))
        for name, tree in trees.items()
        for leaf in keras.tree.flatten(tree)
        if leaf is not None
    ]
    if len({shape[:1] for _, shape in shapes}) > 1 or () in dict(shapes).values():
        raise ValueError(
            "`x`, `y` and `sample_weight` must be arrays of the same number of examples. Received: "
            + ", ".join(f"{name} of shape {shape}" for name, shape in shapes)
        )


def _tensor(leaf: Any) -> Any:
    """An array as `fit` hands it to the model: floats in floatx, all others as they are."""
    if leaf is None:
        return None
    array = np.asarray(leaf)
    return ops.convert_to_tensor(array, keras.config.floatx() if array.dtype.kind == "f" else None)


def _array(gradient: Tensor | None) -> np.ndarray:
    """A gradient in float64, in which no square underflows; zero where the loss reaches nothing."""
    if gradient is None:
        return np.zeros(())
    return np.asarray(ops.convert_to_numpy(gradient), dtype="float64")
