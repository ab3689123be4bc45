"""The training step on JAX; the same functions in the same order as `tensorflow.py`."""

import contextlib
import functools
import os
from collections.abc import Callable
from typing import Any

import jax
import keras
import numpy as np
from jax import numpy as jnp
from jax.experimental import io_callback, multihost_utils
from jax.sharding import NamedSharding, PartitionSpec

from raikeras.backend.keras_internals import wide_floats
from raikeras.backend.names import LAYERS
from raikeras.backend.seeded import random_state as random_state
from raikeras.backend.seeded import set_random_state as set_random_state
from raikeras.typing import Nest, Tensor

CHANGES_IN_PLACE = False  # a variable gets another array for each value
# Gradients that one reduction reads: a kernel of a GPU takes no more than some arguments.
LOOKED_AT_TOGETHER = 32


def gather(tables: dict[str, Any], ids: Tensor | None) -> dict[str, Tensor]:
    """The rows `ids` of each table, without reading the rest of it; `None`: all rows."""
    if ids is None:
        return {key: table.value for key, table in tables.items()}
    if not _on_host(tables):
        # The default mode would compare every number's place with the table's end: a pass more.
        return {key: _taken(table, ids) for key, table in tables.items()}
    shapes = {
        key: jax.ShapeDtypeStruct((*table.shape[:-2], ids.shape[0], table.shape[-1]), table.dtype)
        for key, table in tables.items()
    }
    return io_callback(functools.partial(_read, tables), shapes, ids, ordered=True)


def scatter(tables: dict[str, Any], ids: Tensor | None, rows: dict[str, Tensor]) -> None:
    """Writes the rows `ids` of each table; in place under jit, which is given the state.

    `None`: all rows. Ids beyond the table are left out.
    """
    if _on_host(tables):
        io_callback(functools.partial(_write, tables), None, ids, rows, ordered=True)
        return
    for key, table in tables.items():
        if ids is None:
            table.assign(rows[key])
        elif _spread(table):
            table.assign(table.value.at[:, ids].set(rows[key], mode="drop"))
        else:
            old = table.variable.value
            table.variable.assign(old.at[table.places(ids)].set(rows[key], mode="drop"))


def _taken(table: Any, ids: Tensor) -> Tensor:
    if _spread(table):
        return jnp.take(table.value, ids, axis=1, mode="clip")
    return jnp.take(table.variable.value, table.places(ids), axis=0, mode="clip")


def _spread(table: Any) -> bool:
    """Whether layers' rows lie on several devices: no place is counted over all of them then."""
    return len(table.shape) > 2 and layers_sharding() is not None


def write(table: Any, ids: Tensor, rows: Tensor) -> None:
    """Writes rows outside a step, in place."""
    if table.on_host:
        table.scatter(ids, rows)
    elif _spread(table):
        table.assign(table.value.at[:, ids].set(jnp.asarray(rows, table.dtype)))
    else:
        rows = jnp.asarray(rows, table.dtype)
        table.variable.assign(_set_rows(table.variable.value, table.places(ids), rows))


def wait() -> None:
    """Returns when all steps have written their rows."""
    jax.effects_barrier()


def reason_no_calls_back(model: keras.Model) -> str | None:
    """What keeps the compiled step from tables on the host, and the way out; `None`: nothing."""
    threads = int(os.environ.get("NPROC") or 0) or usable_cores()
    if threads > 1:
        return None
    # The one thread would run the call and copy its arguments: seen with jax 0.10, large batches.
    return "JAX on one core would wait for itself. Set the environment variable NPROC=2"


def unrolls_chains(model: keras.Model) -> bool:
    """Whether a loop over layers cannot be differentiated."""
    return False


def parts_of_products(count: int) -> int:
    """In how many parts a batch of `count` matrix products is computed fastest.

    XLA on processors (jax 0.10) computes a batch on one core, and gives the others work only where
    more than eight operations wait.
    """
    cores = usable_cores() if layers_sharding() is None else 1
    return min(count, max(10, cores)) if count > 8 and cores > 1 and not has_accelerator() else 1


def layers_sharding() -> Any:
    """The mesh over whose axis `LAYERS` chains are spread, `None` if there is none."""
    mesh = getattr(keras.distribution.distribution(), "device_mesh", None)
    if mesh is None or LAYERS not in mesh.axis_names:
        return None
    return mesh.backend_mesh if mesh.backend_mesh.shape[LAYERS] > 1 else None


def scan_in_stages(
    own: Callable[[Tensor, list[Tensor]], Tensor],
    handed: Callable[[Tensor], Tensor],
    inputs: Tensor,
    stacked: list[Tensor],
) -> tuple[Tensor, Tensor]:
    """A loop over layers that lie on several devices, some in a row on each.

    A device goes through its own layers when it is its turn and hands the value on to the next:
    no weights move.

    Args:
        own: `own(taken, parts)` gives a layer's value.
        handed: `handed(value)` gives what the next layer takes.
        inputs: Tensor `(batch, units)`, what the first layer takes.
        stacked: The layers' parts: tensors whose first axis is the layers.

    Returns:
        The last layer's value, and the values of all.
    """
    mesh = layers_sharding()
    devices, spread, whole = mesh.shape[LAYERS], PartitionSpec(LAYERS), PartitionSpec()
    following = [(device, (device + 1) % devices) for device in range(devices)]

    def run(inputs: Tensor, parts: list[Tensor]) -> tuple[Tensor, Tensor]:
        here = jax.lax.axis_index(LAYERS)
        first = (jnp.arange(len(parts[0])) == 0) & (here == 0)

        def layer(value: Tensor, one: tuple[Tensor, list[Tensor]]) -> tuple[Tensor, Tensor]:
            is_first, parts = one
            value = own(jnp.where(is_first, inputs, handed(value)), parts)
            return value, value

        def mine(value: Tensor, kept: Tensor) -> tuple[Tensor, Tensor]:
            return jax.lax.scan(layer, value, (first, parts))

        def stage(carry: tuple[Tensor, Tensor], number: Tensor) -> tuple[Any, None]:
            last, kept = jax.lax.cond(number == here, mine, lambda *same: same, *carry)
            return (jax.lax.ppermute(last, LAYERS, following), kept), None

        like = jax.eval_shape(own, inputs, [part[0] for part in parts])
        shapes = like.shape, (len(parts[0]), *like.shape)
        carry = tuple(jnp.zeros(shape, like.dtype) for shape in shapes)
        (last, kept), _ = jax.lax.scan(stage, carry, jnp.arange(devices))
        # The last device has handed its value on to the first.
        return jax.lax.psum(jnp.where(here == 0, last, 0), LAYERS), kept

    staged = jax.shard_map(
        run,
        mesh=mesh,
        in_specs=(whole, [spread] * len(stacked)),
        out_specs=(whole, spread),
        axis_names={LAYERS},
        check_vma=False,
    )
    return staged(inputs, stacked)


def has_accelerator() -> bool:
    return jax.default_backend() != "cpu"


def device_memory() -> int | None:
    """Bytes that are left on the default device, `None` if it does not tell."""
    statistics = jax.devices()[0].memory_stats() or {}
    if "bytes_limit" not in statistics:
        return None
    return statistics["bytes_limit"] - statistics.get("bytes_in_use", 0)


def out_of_reach(tensors: list[Tensor]) -> list[bool]:
    """Which tensors were made inside a loop, a condition or a map that has ended."""
    here = jnp.negative(jnp.zeros(()))
    # JAX itself complains only when the whole trace ends, and does not say of which tensor.
    return [isinstance(x, jax.core.Tracer) and x._trace is not here._trace for x in tensors]


def gradient(function: Callable[[list[Tensor]], Tensor], at: list[Tensor]) -> list[Tensor]:
    """The gradient of a scalar function of a list of tensors."""
    return jax.grad(function)(at)


def differentiate(
    model: keras.Model, function: Callable[[list[Tensor]], tuple[Tensor, Any]], at: list[Tensor]
) -> tuple[Any, list[Tensor], list[Tensor]]:
    """Gradients of `function(at) -> (scalar, rest)` by the weights and by a list of tensors.

    Returns:
        The rest, one gradient per trainable weight, the gradient by `at`, likewise a list.
    """
    weights, *others = _groups(model)
    others = [variable for group in others for variable in group]

    def run(values: list[Tensor], at: list[Tensor]) -> tuple[Tensor, Any]:
        with _scope(weights, values, others, before) as scope:
            value, rest = function(at)
        return value, (rest, _values(others, scope))

    before = _values(others)
    (gradients, by_tensor), (rest, after) = jax.grad(run, argnums=(0, 1), has_aux=True)(
        _values(weights), at
    )
    _assign(others, after)
    return rest, gradients, by_tensor


def without_trace(model: keras.Model, function: Callable[..., Any]) -> Callable[..., Any]:
    """`function(model, *args)`, compiled once for what the variables hold; it changes none."""
    variables = [variable for group in _groups(model) for variable in group]

    def run(values: list[Tensor], *args: Any) -> Any:
        pairs = list(zip(variables, values, strict=True))
        with keras.StatelessScope(state_mapping=pairs, collect_losses=True):
            return function(model, *args)

    compiled = run if model.run_eagerly else jax.jit(run)
    return lambda *args: compiled(_values(variables), *args)


def outside_trace() -> contextlib.AbstractContextManager[Any]:
    """While it lasts, what has a value is computed at once, in the middle of a trace too."""
    return jax.ensure_compile_time_eval()


def fusion_barrier(tensor: Tensor) -> Tensor:
    """The tensor for a use that must not change how XLA fuses, and so rounds, its other uses."""
    return jax.lax.optimization_barrier(tensor)


def stack(variables: list[keras.Variable], like: keras.Variable) -> Tensor:
    """The values of variables of one shape, stacked, for a variable of that shape.

    Where its layers lie on several devices, a process stacks those of its own alone.
    """
    if layers_sharding() is None:
        return np.stack([np.asarray(variable.value) for variable in variables])
    layout = like._layout.backend_layout
    # Read by all processes in one order, for a value that lies elsewhere is read by all together.
    values = [variable.value for variable in variables]
    return jax.make_array_from_callback(
        like.shape, layout, lambda at: np.stack([np.asarray(value) for value in values[at[0]]])
    )


def unstack(stacked: Tensor, variables: list[keras.Variable]) -> None:
    """The inverse: writes the parts of a stack into the variables."""
    if layers_sharding() is not None:
        for index, variable in enumerate(variables):
            variable.assign(part(stacked, index))
        return
    for variable, own in zip(variables, np.asarray(stacked), strict=True):
        variable.assign(own)


def part(stacked: Tensor, index: int) -> Tensor:
    """A slice of a stack; outside a step on every device, whichever holds it."""
    if layers_sharding() is None or isinstance(stacked, jax.core.Tracer):
        return stacked[index]
    return _part(layers_sharding())(stacked, index)


def share(own: Any, stacked: keras.Variable, index: int) -> None:
    """On torch what makes a variable's own tensor show a slice; here it has gone."""


def assign_part(stacked: keras.Variable, index: int, value: Tensor) -> None:
    """Writes a slice of a stacked variable, outside a step."""
    if layers_sharding() is not None:
        whole = stacked._value
        value = jnp.asarray(value, whole.dtype)
        stacked._value = _with_part(whole.sharding)(whole, index, value)
        return
    if not isinstance(stacked._value, np.ndarray):
        stacked._value = np.array(stacked._value)  # one copy for all slices
    stacked._value[index] = value


def is_spread(variable: keras.Variable) -> bool:
    """Whether devices hold some layers of a variable each."""
    layout = getattr(variable, "_layout", None)
    mesh = layers_sharding()
    return mesh is not None and layout is not None and LAYERS in layout.axes


def whole(tensor: Tensor) -> Tensor:
    """A tensor that every process can read, whichever devices it is spread over."""
    if not isinstance(tensor, jax.Array) or tensor.is_fully_addressable:
        return tensor
    return tensor if tensor.is_fully_replicated else _whole(layers_sharding())(tensor)


def processes() -> tuple[int, int]:
    """Which process this is, and of how many that train one model."""
    return jax.process_index(), jax.process_count()


def meet(where: str) -> None:
    """Returns when all processes have come here."""
    if jax.process_count() > 1:
        multihost_utils.sync_global_devices(f"raikeras {where}")


def agreed(choice: bool) -> bool:
    """What the first process chose, in all of them."""
    if jax.process_count() == 1:
        return choice
    return bool(multihost_utils.broadcast_one_to_all(np.array(choice)))


@functools.cache
def _part(mesh: Any) -> Callable[[Tensor, int], Tensor]:
    return jax.jit(
        lambda stacked, index: jax.lax.dynamic_index_in_dim(stacked, index, keepdims=False),
        out_shardings=NamedSharding(mesh, PartitionSpec()),
    )


@functools.cache
def _with_part(sharding: Any) -> Callable[[Tensor, int, Tensor], Tensor]:
    return jax.jit(
        lambda stacked, index, value: stacked.at[index].set(value), out_shardings=sharding
    )


@functools.cache
def _whole(mesh: Any) -> Callable[[Tensor], Tensor]:
    return jax.jit(lambda tensor: tensor, out_shardings=NamedSharding(mesh, PartitionSpec()))


def constant(array: np.ndarray, dtype: str) -> Tensor:
    """The tensor of a NumPy array, which outlasts a function that is being traced.

    TensorFlow has no need of it: there variables always hold their values.
    """
    with jax.ensure_compile_time_eval():
        return jnp.array(array, dtype)


def fit(tensors: list[Tensor]) -> list[Tensor]:
    """Boolean scalars, which hold if the squares of all numbers are finite, in float32 at least.

    One for some tensors of one shape: one for each of a deep net's would take longest of all to
    compile.
    """
    alike: dict[tuple[Any, ...], list[Tensor]] = {}
    for tensor in tensors:
        alike.setdefault((tensor.shape, tensor.dtype), []).append(tensor)
    return [
        jnp.all(jnp.abs(jnp.stack(some[first : first + LOOKED_AT_TOGETHER])) < _largest_root(dtype))
        for (_, dtype), some in alike.items()
        for first in range(0, len(some), LOOKED_AT_TOGETHER)
    ]


def rows_fit(tensor: Tensor) -> Tensor:
    """Whether that holds of targets' gradients `(..., examples, units)` and of an example's sum.

    By a product, whose operand is there once: XLA would do all that makes the tensor a second time
    for the sake of a look at it, which is a third of a step.
    """
    wide = tensor.astype(jnp.promote_types(tensor.dtype, "float32"))
    limits = jnp.full(wide.shape[-1], _largest_root(wide.dtype), wide.dtype)
    return jnp.all(jnp.isfinite(wide.reshape(-1, wide.shape[-1]) @ limits))


def _largest_root(dtype: Any) -> float:
    """The root of the largest number of a dtype, float32's of one with as many exponents."""
    return float(np.sqrt(jnp.finfo(jnp.promote_types(dtype, "float32")).max))


def run_if(
    model: keras.Model, condition: Tensor, variables: list[keras.Variable], body: Callable[[], Any]
) -> None:
    """Runs `body()`, which changes variables; where the condition is false they stay."""
    before = _values(variables)
    body()
    for variable, old in zip(variables, before, strict=True):
        if variable.value is not old:  # fused with the update, so that nothing is copied
            variable.assign(jnp.where(condition, variable.value, old))


def runs_always(model: keras.Model) -> bool:
    """Whether `run_if` runs the body whatever the condition, and chooses between the values."""
    return True


def control_barrier(tensors: list[Tensor]) -> list[Tensor]:
    """The tensors; on TensorFlow none of them ready before all are."""
    return tensors


def repeat(model: keras.Model, times: int, body: Callable[[], Any]) -> None:
    """Runs `body()`, which changes weights and optimizer, several times in one loop."""
    weights, fixed, slots, metrics = _groups(model)
    changed, others = [*weights, *slots], [*fixed, *metrics]
    before = _values(others)

    def run(_: Tensor, values: list[Tensor]) -> list[Tensor]:
        with _scope(changed, values, others, before) as scope:
            body()
        return _values(changed, scope)

    _assign(changed, jax.lax.fori_loop(0, times, run, _values(changed)))


def train_step(
    model: keras.Model,
    run: Callable[[keras.Model, Nest], Any],
    state: tuple[list[Tensor], ...],
    data: Nest,
) -> tuple[Any, tuple[list[Tensor], ...]]:
    """One step of a model, `run(model, data)`, without side effects. Returns logs and state."""
    wide = jax.config.jax_enable_x64 and keras.config.floatx() == "float64"
    groups = _groups(model)
    pairs = [pair for group in zip(groups, state, strict=True) for pair in zip(*group, strict=True)]
    with wide_floats() if wide else contextlib.nullcontext():
        with keras.StatelessScope(state_mapping=pairs, collect_losses=True) as scope:
            logs = run(model, data)
    return logs, tuple(_values(group, scope) for group in groups)


def _groups(model: keras.Model) -> tuple[list[keras.Variable], ...]:
    """All variables of a step, in the order of Keras' training state."""
    return (
        model.trainable_variables,
        model.non_trainable_variables,
        model.optimizer.variables,
        model.metrics_variables,
    )


def _scope(
    changed: list[keras.Variable],
    values: list[Tensor],
    others: list[keras.Variable],
    before: list[Tensor],
) -> keras.StatelessScope:
    pairs = [*zip(changed, values, strict=True), *zip(others, before, strict=True)]
    return keras.StatelessScope(state_mapping=pairs, collect_losses=True)


def _values(
    variables: list[keras.Variable], scope: keras.StatelessScope | None = None
) -> list[Tensor]:
    """Values in a scope that has ended, or present ones."""
    return [scope.get_current_value(v) if scope else v.value for v in variables]


def _assign(variables: list[keras.Variable], values: list[Tensor]) -> None:
    for variable, value in zip(variables, values, strict=True):
        variable.assign(value)


def _on_host(tables: dict[str, Any]) -> bool:
    return any(table.on_host for table in tables.values())


def _read(tables: dict[str, Any], ids: np.ndarray) -> dict[str, np.ndarray]:
    return {key: table.gather(ids) for key, table in tables.items()}


def _write(tables: dict[str, Any], ids: np.ndarray, rows: dict[str, np.ndarray]) -> None:
    for key, table in tables.items():
        table.scatter(ids, rows[key])


@functools.partial(jax.jit, donate_argnums=0)
def _set_rows(table: Tensor, places: Tensor, rows: Tensor) -> Tensor:
    return table.at[places].set(rows)


def usable_cores() -> int:
    """Cores that this process may run on."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1
