"""The training step on TensorFlow; the same functions in the same order as `jax.py`."""

import functools
from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from raikeras.backend.keras_internals import build
from raikeras.backend.one_device import agreed as agreed
from raikeras.backend.one_device import is_spread as is_spread
from raikeras.backend.one_device import layers_sharding as layers_sharding
from raikeras.backend.one_device import meet as meet
from raikeras.backend.one_device import processes as processes
from raikeras.backend.one_device import whole as whole
from raikeras.backend.seeded import random_state as random_state
from raikeras.backend.seeded import set_random_state as set_random_state
from raikeras.typing import Nest, Tensor

CHANGES_IN_PLACE = True  # a variable's value is one tf.Variable for good


def gather(tables: dict[str, Any], ids: Tensor | None) -> dict[str, Tensor]:
    """The rows `ids` of each table, without reading the rest of it; `None`: all rows."""
    if ids is None:
        return {key: tf.convert_to_tensor(table.value) for key, table in tables.items()}
    if not _on_host(tables):
        return {key: _rows(table, ids) for key, table in tables.items()}
    read = functools.partial(_read, tuple(tables.values()))
    found = tf.numpy_function(read, [ids], [tf.as_dtype(t.dtype) for t in tables.values()])
    rows = dict(zip(tables, found, strict=True))
    for key, table in tables.items():
        rows[key].set_shape((*table.shape[:-2], ids.shape[0], table.shape[-1]))
    return rows


def scatter(tables: dict[str, Any], ids: Tensor | None, rows: dict[str, Tensor]) -> None:
    """Writes the rows `ids` of each table in place.

    `None`: all rows. Ids beyond the table are left out, by XLA: elsewhere there are none.
    """
    if _on_host(tables):
        write = functools.partial(_write, tuple(tables.values()))
        tf.numpy_function(write, [ids, *(rows[key] for key in tables)], [])
        return
    for key, table in tables.items():
        if ids is None:
            table.assign(rows[key])
        else:
            _set_rows(table, ids, rows[key])


def write(table: Any, ids: Tensor, rows: Tensor) -> None:
    """Writes rows outside a step, in place."""
    if table.on_host:
        table.scatter(ids, rows)
    else:
        _set_rows(table, ids, tf.convert_to_tensor(rows, table.dtype))


def wait() -> None:
    """Returns when all steps have written their rows."""


def reason_no_calls_back(model: keras.Model) -> str | None:
    """What keeps the compiled step from tables on the host, and the way out; `None`: nothing."""
    if model.run_eagerly or not model.jit_compile:
        return None
    return "XLA on TensorFlow cannot call back to Python. Compile with jit_compile=False"


def unrolls_chains(model: keras.Model) -> bool:
    """Whether a loop over layers cannot be differentiated: XLA needs to know its length."""
    return bool(model.jit_compile) and not model.run_eagerly


def parts_of_products(count: int) -> int:
    """In how many parts a batch of `count` matrix products is computed fastest."""
    return 1  # on all cores


def has_accelerator() -> bool:
    return bool(tf.config.list_logical_devices("GPU"))


def device_memory() -> int | None:
    """TensorFlow does not tell what is left."""
    return None


def stack(variables: list[keras.Variable], like: keras.Variable) -> Tensor:
    """The values of variables of one shape, stacked, for a variable of that shape."""
    return tf.stack([variable.value for variable in variables])


def unstack(stacked: Tensor, variables: list[keras.Variable]) -> None:
    """The inverse: writes the parts of a stack into the variables."""
    parts = tf.unstack(tf.convert_to_tensor(stacked))
    for variable, part in zip(variables, parts, strict=True):
        own = variable.value
        if isinstance(own, tf.distribute.DistributedValues):
            own.assign(part)
        else:  # without the checks of `assign`, which take longer than a training step
            tf.raw_ops.AssignVariableOp(resource=own.handle, value=part)


def part(stacked: Tensor, index: int) -> Tensor:
    """A slice of a stack."""
    return tf.convert_to_tensor(stacked)[index]


def share(own: Any, stacked: keras.Variable, index: int) -> None:
    """On torch what makes a variable's own tensor show a slice; here nothing looks at it."""


def assign_part(stacked: keras.Variable, index: int, value: Tensor) -> None:
    """Writes a slice of a stacked variable."""
    stacked.value[index].assign(value)


def out_of_reach(tensors: list[Tensor]) -> list[bool]:
    """Which tensors were made inside a loop, a condition or a map that has ended."""
    here = tf.compat.v1.get_default_graph()
    seen: dict[Any, bool] = {}
    return [tensor.graph is not here or _in_map(tensor.op, seen) for tensor in tensors]


def gradient(function: Callable[[list[Tensor]], Tensor], at: list[Tensor]) -> list[Tensor]:
    """The gradient of a scalar function of a list of tensors."""
    with tf.GradientTape() as tape:
        tape.watch(at)
        value = function(at)
    return tape.gradient(value, at, unconnected_gradients="zero")


def differentiate(
    model: keras.Model, function: Callable[[list[Tensor]], tuple[Tensor, Any]], at: list[Tensor]
) -> tuple[Any, list[Tensor], list[Tensor]]:
    """Gradients of `function(at) -> (scalar, rest)` by the weights and by a list of tensors.

    Returns:
        The rest, one gradient per trainable weight, the gradient by `at`, likewise a list.
    """
    weights = model.trainable_variables
    with tf.GradientTape() as tape:
        tape.watch(at)
        value, rest = function(at)
    gradients, by_tensor = tape.gradient(value, [weights, at])
    flat = zip(tf.nest.flatten(by_tensor), tf.nest.flatten(at), strict=True)
    by_tensor = [tf.zeros_like(one) if slope is None else slope for slope, one in flat]
    return rest, gradients, tf.nest.pack_sequence_as(at, by_tensor)


def without_trace(model: keras.Model, function: Callable[..., Any]) -> Callable[..., Any]:
    """`function(model, *args)`, compiled once for what the variables hold; it changes none."""

    def run(*args: Any) -> Any:
        with keras.StatelessScope(collect_losses=True):
            return function(model, *args)

    return run if model.run_eagerly else tf.function(run, autograph=False)


def outside_trace() -> AbstractContextManager[Any]:
    """While it lasts, what has a value is computed at once, in the middle of a trace too."""
    return tf.init_scope()


def fusion_barrier(tensor: Tensor) -> Tensor:
    """The tensor for a use that must not change how XLA fuses, and so rounds, its other uses."""
    return tf.identity(tensor)


def fit(tensors: list[Tensor]) -> list[Tensor]:
    """Boolean scalars, which hold if the squares of all numbers are finite, in float32 at least.

    Of float32 and float64 matrices also the squares of their rows' sums.
    """
    return [_fits(getattr(tensor, "values", tensor)) for tensor in tensors]


def _fits(tensor: Tensor) -> Tensor:
    wanted = tensor.dtype in (tf.float32, tf.float64) and tensor.shape.is_fully_defined()
    if wanted and tensor.shape.rank > 1:
        return rows_fit(tensor)  # passes over memory once
    wide = tf.float64 if tensor.dtype == tf.float64 else tf.float32
    limit = np.sqrt(np.finfo(wide.as_numpy_dtype).max)
    if tensor.dtype == tf.float16:
        return tf.reduce_all(tf.math.is_finite(tensor))
    return tf.reduce_all(tf.abs(tensor) < tf.cast(limit, tensor.dtype))


def rows_fit(tensor: Tensor) -> Tensor:
    """Whether that holds of targets' gradients `(..., examples, units)` and of an example's sum.

    By a product, whose operand is there once: see `jax.py`. Of matrices: TensorFlow takes longer
    for a batch of them.
    """
    wide = tf.float64 if tensor.dtype == tf.float64 else tf.float32
    limit = np.sqrt(np.finfo(wide.as_numpy_dtype).max)
    units = tensor.shape[-1]
    limits = tf.fill((units, 1), tf.constant(limit, wide))
    rows = tf.reshape(tf.cast(tensor, wide), (-1, units))
    return tf.reduce_all(tf.math.is_finite(tf.matmul(rows, limits)))


def run_if(
    model: keras.Model, condition: Tensor, variables: list[keras.Variable], body: Callable[[], Any]
) -> None:
    """Runs `body()`, which changes variables; where the condition is false they stay."""

    def run() -> Tensor:
        body()
        return tf.zeros(())

    if not runs_always(model):
        tf.cond(condition, run, lambda: tf.zeros(()))
        return
    before = [tf.identity(variable.value) for variable in variables]
    body()
    for variable, old in zip(variables, before, strict=True):
        variable.assign(tf.where(condition, variable.value, old))


def runs_always(model: keras.Model) -> bool:
    """Whether `run_if` runs the body whatever the condition, and chooses between the values.

    That is better where XLA fuses the choice with the update.
    """
    return bool(model.jit_compile) and not model.run_eagerly


def control_barrier(tensors: list[Tensor]) -> list[Tensor]:
    """The tensors, none of them ready before all are: nothing may be assigned in between.

    In the body of a loop TensorFlow (2.21) lets an assignment overtake the reading of the same
    variable if the assigned value does not depend on it.
    """
    return tf.tuple(tensors)


def repeat(model: keras.Model, times: int, body: Callable[[], Any]) -> None:
    """Runs `body()`, which changes weights and optimizer, several times in one loop."""

    def run(count: Tensor) -> tuple[Tensor]:
        body()
        return (count + 1,)

    tf.while_loop(lambda count: count < times, run, (0,), parallel_iterations=1)


def train_step(model: keras.Model, run: Callable[[keras.Model, Nest], Any], data: Nest) -> Any:
    """One step of a model, `run(model, data)`. Returns the logs."""
    with tf.init_scope():
        build(model, data)
    return run(model, data)


def _in_map(operation: Any, seen: dict[Any, bool]) -> bool:
    """Whether an operation follows from the place in a vectorized map, which is traced in place."""
    waiting = [operation]
    while waiting:
        one = waiting[-1]
        inputs = [tensor.op for tensor in one.inputs]
        unknown = [each for each in inputs if each not in seen]
        if unknown:
            waiting += unknown
        else:
            mapped = one.type == "PlaceholderWithDefault"  # what TensorFlow makes for the place
            seen[waiting.pop()] = mapped or any(seen[each] for each in inputs)
    return seen[operation]


def _rows(table: Any, ids: Tensor) -> Tensor:
    """Some examples' rows of a table on the device.

    Of the variable itself: reading all of it would have the next update copy it.
    """
    return tf.gather(table.variable.value, table.places(ids))


def _set_rows(table: Any, ids: Tensor, rows: Tensor) -> None:
    table.variable.value.scatter_update(tf.IndexedSlices(rows, table.places(ids)))


def _on_host(tables: dict[str, Any]) -> bool:
    return any(table.on_host for table in tables.values())


def _read(tables: tuple[Any, ...], ids: np.ndarray) -> list[np.ndarray]:
    return [table.gather(ids) for table in tables]


def _write(tables: tuple[Any, ...], ids: np.ndarray, *rows: np.ndarray) -> None:
    for table, new in zip(tables, rows, strict=True):
        table.scatter(ids, new)
