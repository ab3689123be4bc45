"""The few private names of Keras that the project needs, each with its reason."""

import contextlib
import functools
import types
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import keras
from keras import ops
from keras.src.backend import compute_output_spec
from keras.src.backend import in_stateless_scope as in_stateless_scope
from keras.src.backend.common import dtypes
from keras.src.backend.common.masking import get_keras_mask, set_keras_mask
from keras.src.trainers import data_adapters
from keras.src.trainers.data_adapters.data_adapter import (
    DataAdapter as DataAdapter,  # the base class of what `fit` reads data with
)

from raikeras.typing import Nest, Tensor


def sublayers(model: keras.Layer) -> list[keras.Layer]:
    """All layers below a model in its order, those inside wrappers and nested models too.

    `Model.layers` stops at the first level, and Keras has no public walk; its private one goes
    through nested models backwards.
    """
    found: dict[int, Any] = {}

    def walk(layer: keras.Layer) -> None:
        for below in layer._layers:
            if id(below) not in found:
                found[id(below)] = below
                walk(below)

    walk(model)
    return list(found.values())


def loss_tracker(model: keras.Model) -> keras.metrics.Mean:
    """The metric behind the log column `loss`: a custom step has to feed it itself."""
    return model._loss_tracker


def losses_are_given(model: keras.Model) -> bool:
    """Whether a JAX step has put in the losses that the forward pass collected."""
    return bool(model._losses_override)


def output_loss_variables(model: keras.Model) -> list[keras.Variable]:
    """The state of the log columns that are the losses of single outputs."""
    columns = model._compile_loss.metrics if model._compile_loss is not None else []
    return [variable for column in columns for variable in column.variables]


def is_tf_distributed(model: keras.Model) -> bool:
    """Whether a TensorFlow model was created under a distribution strategy."""
    return getattr(model, "_distribute_strategy", None) is not None


def build(model: keras.Model, data: Nest) -> None:
    """Builds metrics, loss and optimizer from a batch's shapes, if they are not built.

    TensorFlow's `fit` leaves this to the traced step, too late for metrics fed inside a `cond`.
    """
    model._symbolic_build(data_batch=data)


def build_for(model: keras.Model, iterator: Any, data: Nest) -> None:
    """The same before TensorFlow traces a step: one that makes variables is traced twice.

    Args:
        model: The model.
        iterator: Keras' reader of the data of `fit` or `evaluate`, of which no batch is taken.
        data: A batch where there is no reader.
    """
    metrics, loss = model._compile_metrics, model._compile_loss
    if all(each is None or each.built for each in (metrics, loss, model.optimizer)):
        return
    data = data if iterator is None else iterator._distributed_dataset.element_spec
    shapes = [getattr(one, "shape", None) for one in keras.tree.flatten(data) if one is not None]
    if all(shape is not None and getattr(shape, "rank", 0) is not None for shape in shapes):
        build(model, data)  # else in the trace, where a batch is at hand


@contextlib.contextmanager
def wide_floats() -> Iterator[None]:
    """Lets Keras' operations keep float64, as long as it lasts.

    On JAX its type promotion turns float64 into float32, and with it every mean, even where the
    user enabled both (`keras.config.set_floatx("float64")` and JAX's x64 mode).
    """
    narrow = dtypes.BIT64_TO_BIT32_DTYPE
    before = narrow["float64"]
    narrow["float64"] = "float64"
    try:
        yield
    finally:
        narrow["float64"] = before


def check_compiled(model: keras.Model, method: str) -> None:
    """Raises Keras' own error unless the model is compiled."""
    model._assert_compile_called(method)


def kind_of(optimizer: keras.optimizers.Optimizer) -> type[Any]:
    """An optimizer's public class: for torch Keras puts one of the backend in its place."""
    kind = type(optimizer)
    if kind.__module__.startswith("keras.src.backend."):
        return getattr(keras.optimizers, kind.__name__)
    return kind


def excluded_from_decay(optimizer: keras.optimizers.Optimizer) -> Any:
    """The variables that an optimizer's weight decay leaves out, if any."""
    return getattr(optimizer, "_exclude_from_weight_decay", None)


def place_of(optimizer: keras.optimizers.Optimizer, variable: keras.Variable) -> int:
    """Where a variable stands among those that an optimizer was built for.

    On TensorFlow `update_step` gets the backend's variable and not Keras'.
    """
    return optimizer._get_variable_index(variable)


def schedule_of(
    optimizer: keras.optimizers.Optimizer,
) -> keras.optimizers.schedules.LearningRateSchedule | None:
    """An optimizer's learning rate schedule, of which Keras only gives the value; or `None`."""
    rate = optimizer._learning_rate
    return rate if isinstance(rate, keras.optimizers.schedules.LearningRateSchedule) else None


@contextlib.contextmanager
def scaled_rate(optimizer: keras.optimizers.Optimizer, factor: Tensor | None) -> Iterator[None]:
    """Multiplies an optimizer's learning rate, a schedule's too, while it lasts; `None`: by 1.

    Keras reads the rate in one place, but a rate that changes within a loop has no variable.
    """
    if factor is None:
        yield
        return
    read = optimizer._get_current_learning_rate

    def scaled() -> Tensor:
        rate = ops.convert_to_tensor(read())
        return rate * ops.cast(factor, rate.dtype)

    optimizer.__dict__["_get_current_learning_rate"] = scaled
    try:
        yield
    finally:
        del optimizer.__dict__["_get_current_learning_rate"]


def traced(function: Callable[..., Any], inputs: Nest) -> Nest:
    """What `function(inputs)` returns for tensors known by shape and dtype; no state changes.

    Args:
        function: A function of backend tensors.
        inputs: A nest of `keras.KerasTensor`.

    Returns:
        The function's result, a `keras.KerasTensor` in the place of every tensor.
    """
    return compute_output_spec(function, inputs)


def graph_of(model: keras.Layer) -> keras.Model | None:
    """The Functional graph that a model runs, or `None`: that of a Sequential model is its own."""
    graph = getattr(model, "_functional", None) or model
    return graph if getattr(graph, "_nodes_by_depth", None) else None


def graph_nodes(net: keras.Model) -> list[tuple[keras.Model, list[Any]]]:
    """Every Functional graph of a net, nested ones included, with its nodes in order."""
    found: dict[int, tuple[keras.Model, list[Any]]] = {}
    for model in [net, *sublayers(net)]:
        graph = graph_of(model)
        if graph is not None and id(graph) not in found:
            nodes = graph._nodes_by_depth
            order = [node for depth in sorted(nodes, reverse=True) for node in nodes[depth]]
            order = [node for node in order if node.operation and not node.is_input]
            found[id(graph)] = graph, order
    return list(found.values())


def known_variables(optimizer: keras.optimizers.Optimizer) -> list[keras.Variable] | None:
    """The variables for which an optimizer was built; `None` before."""
    return list(optimizer._trainable_variables) if optimizer.built else None


@contextlib.contextmanager
def shortened(
    graph: keras.Model, runs: Sequence[tuple[list[Any], Callable[[Tensor], Tensor]]]
) -> Iterator[None]:
    """While it lasts, each run of a graph's nodes is one call.

    Args:
        graph: A Functional model.
        runs: Pairs of (nodes of a run in order, function of the first one's input).
    """
    heads = {id(nodes[0]): (nodes, function) for nodes, function in runs}
    dropped = {id(node) for nodes, _ in runs for node in nodes[1:]}

    def kept(node: Any) -> Any:
        if id(node) not in heads:
            return node
        nodes, function = heads[id(node)]
        return types.SimpleNamespace(
            operation=functools.partial(_masked_as_its_input, function),
            is_input=False,
            input_tensors=node.input_tensors,
            arguments=node.arguments,
            outputs=nodes[-1].outputs,
        )

    before = graph._nodes_by_depth
    # Out of sight of Keras' attribute tracking, which would keep every value.
    graph.__dict__["_nodes_by_depth"] = {
        depth: [kept(node) for node in nodes if id(node) not in dropped]
        for depth, nodes in before.items()
    }
    try:
        yield
    finally:
        graph.__dict__["_nodes_by_depth"] = before


def _masked_as_its_input(function: Callable[[Tensor], Tensor], inputs: Tensor) -> Tensor:
    """A function's output with the mask of its input, as Keras' layers hand it on."""
    outputs, mask = function(inputs), get_keras_mask(inputs)
    if mask is not None:
        set_keras_mask(outputs, mask)
    return outputs


def forget_traces(*models: keras.Model) -> None:
    """Drops what TensorFlow traced for `predict` and `evaluate`: it holds on to variables."""
    if keras.backend.backend() == "tensorflow":
        for model in models:
            for each in [model, *sublayers(model)]:
                if isinstance(each, keras.Model):
                    each.predict_function = each.test_function = None


def data_adapter(stream: Any) -> DataAdapter:
    """Keras' reader of a stream; `fit` takes one as its `x`, but there is no public way to it."""
    return data_adapters.get_data_adapter(stream)
