"""The training step on PyTorch; the same functions in the same order as `jax.py`.

A step runs without autograd; what is differentiated turns it on. Variables change in place, so what
is to outlast a change is copied.
"""

import contextlib
import contextvars
from collections.abc import Callable, Iterator
from typing import Any

import keras
import numpy as np
import torch

from raikeras.backend.keras_internals import build, wide_floats
from raikeras.backend.one_device import agreed as agreed
from raikeras.backend.one_device import is_spread as is_spread
from raikeras.backend.one_device import layers_sharding as layers_sharding
from raikeras.backend.one_device import meet as meet
from raikeras.backend.one_device import processes as processes
from raikeras.backend.one_device import whole as whole
from raikeras.typing import Nest, Tensor

CHANGES_IN_PLACE = True  # a variable's value is one tensor for good
_INSIDE = contextvars.ContextVar("inside a derivative", default=False)


def gather(tables: dict[str, Any], ids: Tensor | None) -> dict[str, Tensor]:
    """Copies of the rows `ids` of each table, without reading the rest of it; `None`: all rows."""
    if ids is None:
        return {key: table.value.clone() for key, table in tables.items()}
    if _on_host(tables):
        places = keras.ops.convert_to_numpy(ids)
        found = {key: table.gather(places) for key, table in tables.items()}
        return {key: keras.ops.convert_to_tensor(rows) for key, rows in found.items()}
    return {key: table.variable.value[_places(table, ids)] for key, table in tables.items()}


def scatter(tables: dict[str, Any], ids: Tensor | None, rows: dict[str, Tensor]) -> None:
    """Writes the rows `ids` of each table in place; `None`: all rows."""
    for key, table in tables.items():
        if ids is None:
            table.assign(rows[key])
        else:
            write(table, ids, rows[key])


def write(table: Any, ids: Tensor, rows: Tensor) -> None:
    """Writes rows outside a step, in place."""
    if table.on_host:
        table.scatter(keras.ops.convert_to_numpy(ids), keras.ops.convert_to_numpy(rows))
        return
    with torch.no_grad():
        rows = keras.ops.convert_to_tensor(rows, table.dtype)
        table.variable.value[_places(table, ids)] = rows


def wait() -> None:
    """Returns when all steps have written their rows."""


def reason_no_calls_back(model: keras.Model) -> str | None:
    """What keeps the compiled step from tables on the host, and the way out; `None`: nothing."""
    return None  # a step is not compiled


def unrolls_chains(model: keras.Model) -> bool:
    """Whether a loop over layers cannot be differentiated."""
    return False


def parts_of_products(count: int) -> int:
    """In how many parts a batch of `count` matrix products is computed fastest."""
    return 1  # on all cores


def has_accelerator() -> bool:
    return keras.ops.convert_to_tensor(0.0).device.type != "cpu"


def device_memory() -> int | None:
    """Bytes that are left on the default device, `None` if it does not tell."""
    return torch.cuda.mem_get_info()[0] if torch.cuda.is_available() else None


def stack(variables: list[keras.Variable], like: keras.Variable) -> Tensor:
    """The values of variables of one shape, stacked, for a variable of that shape."""
    return torch.stack([variable.value.detach() for variable in variables])


def unstack(stacked: Tensor, variables: list[keras.Variable]) -> None:
    """The inverse: the variables get the parts of a stack, in memory of their own."""
    for variable, part in zip(variables, stacked.detach().unbind(), strict=True):
        variable.value.data = part.clone()


def part(stacked: Tensor, index: int) -> Tensor:
    """A slice of a stack, which shares its memory."""
    return stacked[index]


def share(own: Tensor, stacked: keras.Variable, index: int) -> None:
    """Has a variable's tensor show a slice of a stacked one: modules' parameters are these."""
    own.data = stacked.value.detach()[index]


def assign_part(stacked: keras.Variable, index: int, value: Tensor) -> None:
    """Writes a slice of a stacked variable."""
    with torch.no_grad():
        stacked.value[index].copy_(value)


def out_of_reach(tensors: list[Tensor]) -> list[bool]:
    """Which tensors were made inside a loop, a condition or a map that has ended."""
    return [torch._C._functorch.is_batchedtensor(tensor) for tensor in tensors]


def gradient(function: Callable[[list[Tensor]], Tensor], at: list[Tensor]) -> list[Tensor]:
    """The gradient of a scalar function of a list of tensors; inside another one it has its own."""
    with _differentiating() as nested:
        at = keras.tree.map_structure(_alias if nested else _leaf, at)
        leaves = keras.tree.flatten(at)
        found = _gradients(function(at), leaves, create_graph=nested)
    slopes = [_or_zeros(*pair) for pair in zip(found, leaves, strict=True)]
    return keras.tree.pack_sequence_as(at, slopes)


def differentiate(
    model: keras.Model, function: Callable[[list[Tensor]], tuple[Tensor, Any]], at: list[Tensor]
) -> tuple[Any, list[Tensor], list[Tensor]]:
    """Gradients of `function(at) -> (scalar, rest)` by the weights and by a list of tensors.

    Returns:
        The rest, one gradient per trainable weight, the gradient by `at`, likewise a list.
    """
    weights = [variable.value for variable in model.trainable_variables]
    known = [number for number, weight in enumerate(weights) if weight.requires_grad]
    with _differentiating():
        at = keras.tree.map_structure(_leaf, at)
        leaves = keras.tree.flatten(at)
        value, rest = function(at)
        found = _gradients(value, [*(weights[number] for number in known), *leaves])
    by_weight: list[Tensor | None] = [None] * len(weights)  # of one that PyTorch was told to leave
    for number in known:
        by_weight[number] = found.pop(0)
    by_tensor = [_or_zeros(*pair) for pair in zip(found, leaves, strict=True)]
    by_tensor = keras.tree.pack_sequence_as(at, by_tensor)
    return keras.tree.map_structure(_detached, rest), by_weight, by_tensor


def without_trace(model: keras.Model, function: Callable[..., Any]) -> Callable[..., Any]:
    """`function(model, *args)` for what the variables hold; it changes none."""

    def run(*args: Any) -> Any:
        before = random_state()
        try:
            with _computing(), keras.StatelessScope(collect_losses=True):
                return function(model, *args)
        finally:
            set_random_state(before)

    return run


def random_state(seed: int | None = None) -> list[np.ndarray]:
    """The generators that Dropout without a seed draws from; a seed generator is a variable.

    Args:
        seed: Integer, for the state that follows from it. `None`: the present one.
    """
    if seed is not None:
        devices = ["cpu", *(["cuda"] if torch.cuda.is_available() else [])]
        made = [torch.Generator(device).manual_seed(seed) for device in devices]
        return [generator.get_state().numpy() for generator in made]
    states = [torch.get_rng_state()]
    states += [torch.cuda.get_rng_state()] if torch.cuda.is_initialized() else []
    return [state.numpy() for state in states]


def set_random_state(state: list[np.ndarray]) -> None:
    """Has random numbers follow from a `random_state`."""
    setters = [torch.set_rng_state]
    setters += [torch.cuda.set_rng_state] if torch.cuda.is_available() else []
    for setter, array in zip(setters, state, strict=False):
        setter(torch.from_numpy(np.array(array)))


def outside_trace() -> contextlib.AbstractContextManager[Any]:
    """While it lasts, what has a value is computed at once; here it always is."""
    return contextlib.nullcontext()


def fusion_barrier(tensor: Tensor) -> Tensor:
    """The tensor; for XLA one that it does not fuse otherwise for the sake of this use."""
    return tensor


def fit(tensors: list[Tensor]) -> list[Tensor]:
    """Boolean scalars, which hold if the squares of all numbers are finite, in float32 at least.

    Of matrices also the squares of their rows' sums.
    """
    return [rows_fit(tensor) for tensor in tensors]


def rows_fit(tensor: Tensor) -> Tensor:
    """Whether that holds of targets' gradients `(..., examples, units)` and of an example's sum.

    By a product with a very large number: it passes over memory once.
    """
    wide = torch.promote_types(tensor.dtype, torch.float32)
    limit = float(np.sqrt(torch.finfo(wide).max))
    rows = tensor.to(wide).reshape(-1, tensor.shape[-1] if tensor.ndim else 1)
    if tensor.ndim < 2:  # whose sum nobody takes
        return (rows.abs() < limit).all()
    return (rows @ rows.new_full((rows.shape[-1],), limit)).isfinite().all()


def run_if(
    model: keras.Model, condition: Tensor, variables: list[keras.Variable], body: Callable[[], Any]
) -> None:
    """Runs `body()`, which changes variables; where the condition is false they stay."""
    if condition:
        body()


def runs_always(model: keras.Model) -> bool:
    """Whether `run_if` runs the body whatever the condition, and chooses between the values."""
    return False


def control_barrier(tensors: list[Tensor]) -> list[Tensor]:
    """The tensors; on TensorFlow none of them ready before all are."""
    return tensors


def repeat(model: keras.Model, times: int, body: Callable[[], Any]) -> None:
    """Runs `body()`, which changes weights and optimizer, several times."""
    for _ in range(times):
        body()


@torch.compiler.disable  # Python's part of a step, of which there is much, is not for torch.compile
def train_step(model: keras.Model, run: Callable[[keras.Model, Nest], Any], data: Nest) -> Any:
    """One step of a model, `run(model, data)`. Returns the logs."""
    build(model, data)
    with _computing():
        return run(model, data)


@contextlib.contextmanager
def _computing() -> Iterator[None]:
    """Without autograd, and in float64 where that is what Keras is set to."""
    wide = keras.config.floatx() == "float64"
    with torch.no_grad(), wide_floats() if wide else contextlib.nullcontext():
        yield


@contextlib.contextmanager
def _differentiating() -> Iterator[bool]:
    """With autograd; yields whether that is inside another derivative, which goes through this."""
    nested = _INSIDE.get()
    token = _INSIDE.set(True)
    try:
        with torch.enable_grad():
            yield nested
    finally:
        _INSIDE.reset(token)


def _leaf(tensor: Tensor) -> Tensor:
    return tensor.detach().requires_grad_()


def _detached(leaf: Any) -> Any:
    return leaf.detach() if isinstance(leaf, torch.Tensor) else leaf


def _places(table: Any, ids: Any) -> Tensor:
    """Where rows lie in a table on the device: integers of other dtypes are masks, or no places."""
    return table.places(keras.ops.convert_to_tensor(ids).to(torch.int64))


def _alias(tensor: Tensor) -> Tensor:
    """The same tensor for a gradient of its own, which others can go through."""
    return tensor.view_as(tensor) if tensor.requires_grad else _leaf(tensor)


def _gradients(value: Tensor, at: list[Tensor], create_graph: bool = False) -> list[Tensor | None]:
    """The gradient of a scalar by tensors; `None` by those that it does not depend on."""
    if not value.requires_grad:
        return [None] * len(at)
    return list(torch.autograd.grad(value, at, allow_unused=True, create_graph=create_graph))


def _or_zeros(slope: Tensor | None, at: Tensor) -> Tensor:
    return torch.zeros_like(at) if slope is None else slope


def _on_host(tables: dict[str, Any]) -> bool:
    return any(table.on_host for table in tables.values())
