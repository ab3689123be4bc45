"""Gradients on chosen examples, compiled once and sorted by layer; used by the gradient callbacks.

The method's gradient is what a training step follows, of a plain model or of a `RelaxedModel`.
"""

import contextlib
import inspect
from collections.abc import Callable
from typing import Any

import keras
import numpy as np
from keras import ops

from raikeras.backend import load_backend
from raikeras.backend.keras_internals import build, sublayers
from raikeras.data.ids import has_ids
from raikeras.model import RelaxedModel
from raikeras.training.step import Step, targets_of
from raikeras.typing import Nest, Tensor

# By the model and a batch, x, y and sample weights: one or more gradients, each a list of one
# tensor per trainable variable.
Gradients = Callable[[keras.Model, Nest, Nest, Nest], tuple[list[Tensor], ...]]


class Probe:
    """Gradients of a model on given examples, compiled when they are first asked for.

    Args:
        gradients: Which ones, `of_method` or `of_method_and_backprop`.
        model: A compiled Keras model.
        x, y, sample_weight: The examples, arrays.

    Raises:
        ValueError: If `model` is not compiled, or a `RelaxedModel` with rows gets no ids.
    """

    def __init__(
        self, gradients: Gradients, model: keras.Model, x: Nest, y: Nest, sample_weight: Nest = None
    ) -> None:
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
        self._gradients = gradients
        self._data = keras.tree.map_structure(_tensor, (x, y, sample_weight))
        self._run: Any = None

    def by_layer(self) -> dict[str, list[tuple[np.ndarray, ...]]]:
        """The gradients at the present weights.

        Returns:
            Dict from layer name to a list with a tuple for each of the layer's trainable variables:
            the gradients by it, float64 arrays.
        """
        model = self._model
        # Chains of equal layers attached, as in `fit`: the optimizer may be built here.
        with model._fused() if self._relaxed else contextlib.nullcontext():
            if self._run is None:
                build(model, keras.utils.pack_x_y_sample_weight(*self._data))
                self._run = load_backend().without_trace(model, self._gradients)
            return _sorted(model, self._run(*self._data))


def check_arrays(x: Nest, y: Nest, sample_weight: Nest) -> None:
    """Raises a `ValueError` unless they are arrays of the same number of examples."""
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


def of_method(
    model: keras.Model, x: Nest, y: Nest, sample_weight: Nest
) -> tuple[list[Tensor], ...]:
    """The gradient that training follows: the loss', or the objective's at its rule's targets."""
    if not _has_cuts(model):
        return (_of_loss(model, x, y, sample_weight),)
    return (_at_targets(model, x, y, sample_weight).weight_gradients(moved=False),)


def of_method_and_backprop(
    model: keras.Model, x: Nest, y: Nest, sample_weight: Nest
) -> tuple[list[Tensor], ...]:
    """That gradient and the loss', which are one where nothing is relaxed."""
    if not _has_cuts(model):
        gradients = _of_loss(model, x, y, sample_weight)
        return gradients, gradients
    step = _at_targets(model, x, y, sample_weight)
    return step.weight_gradients(moved=False), step.task_weight_gradients()


def _has_cuts(model: keras.Model) -> bool:
    return isinstance(model, RelaxedModel) and bool(model.relaxed.network.cuts)


def _at_targets(model: keras.Model, x: Nest, y: Nest, sample_weight: Nest) -> Step:
    """The training step of a `RelaxedModel` on a batch, its targets set."""
    step = Step(model, (x, y, sample_weight))
    step.targets = targets_of(step, model.target_rule.set(step))
    return step


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


def _in_training(function: Callable[..., Any]) -> dict[str, Any]:
    """`training=True` for a function that takes it."""
    return {"training": True} if "training" in inspect.signature(function).parameters else {}


def _sorted(
    model: keras.Model, gradients: tuple[list[Tensor], ...]
) -> dict[str, list[tuple[np.ndarray, ...]]]:
    """Gradients by layer name, given lists of one per trainable variable; of a chain a stack."""
    owners = _owners(model)
    parts = {id(variable): [variable] for variable in model.trainable_variables}
    if isinstance(model, RelaxedModel):
        for chain in model.relaxed.attached_chains():
            for stacked, own in zip(chain.variables, chain.own_variables, strict=True):
                parts[id(stacked)] = own
    found: dict[str, list[tuple[np.ndarray, ...]]] = {name: [] for name in owners.values()}
    for variable, *each in zip(model.trainable_variables, *gradients, strict=True):
        own = parts[id(variable)]
        arrays = [_array(gradient, variable) for gradient in each]
        stacks = arrays if len(own) > 1 else [[array] for array in arrays]
        for part, *values in zip(own, *stacks, strict=True):
            found[owners[id(part)]].append(tuple(values))
    return found


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


def _tensor(leaf: Any) -> Any:
    """An array as `fit` hands it to the model: floats in floatx, all others as they are."""
    if leaf is None:
        return None
    array = np.asarray(leaf)
    return ops.convert_to_tensor(array, keras.config.floatx() if array.dtype.kind == "f" else None)


def _array(gradient: Tensor | None, variable: keras.Variable) -> np.ndarray:
    """A gradient in float64, in which no square underflows; zero where the loss reaches nothing."""
    if gradient is None:
        return np.zeros(variable.shape)
    return np.asarray(ops.convert_to_numpy(gradient), dtype="float64")
