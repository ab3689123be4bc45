"""The transfer functions by name: `get` finds one, `register` adds one."""

from collections.abc import Callable
from typing import Any

import keras
from keras import ops

from raikeras.transfer.base import Transfer
from raikeras.transfer.checked import check
from raikeras.transfer.functions import (
    ELU,
    Arctan,
    LeakyReLU,
    Linear,
    Sigmoid,
    Softmax,
    Softplus,
    Step,
    Tanh,
)
from raikeras.typing import Config, Tensor


def _relu() -> Transfer:
    return LeakyReLU(0.0)


# What makes the transfer function of a name; `register` adds to it.
_BY_NAME: dict[str, Callable[..., Transfer]] = {
    "step": Step,
    "linear": Linear,
    "relu": _relu,
    "leaky_relu": LeakyReLU,
    "sigmoid": Sigmoid,
    "softmax": Softmax,
    "tanh": Tanh,
    "arctan": Arctan,
    "softplus": Softplus,
    "elu": ELU,
}
# The names of functions that `get` accepts in their place.
_BY_FUNCTION: dict[Callable[..., Any], str] = {
    getattr(keras.activations, name): name for name in _BY_NAME if hasattr(keras.activations, name)
}

_DECREASES = "decreases below x = {}, so it has no convex integral and no matching loss"
_REFUSED = {
    "gelu": _DECREASES.format(-0.752),
    "silu": _DECREASES.format(-1.278),
    "swish": _DECREASES.format(-1.278),
    "mish": _DECREASES.format(-1.192),
    "hard_silu": _DECREASES.format(-1.5),
    "hard_swish": _DECREASES.format(-1.5),
    "log_softmax": "has a Jacobian that is not symmetric, so it is the gradient of no integral",
    "glu": "has half as many outputs as units, so it is the gradient of no integral",
}


def get(identifier: Any, **parameters: Any) -> Transfer:
    """The transfer function of a name, of a Keras activation, or itself.

    Args:
        identifier: A `Transfer`; a name, `"step"`, `"linear"`, `"relu"`, `"leaky_relu"`,
            `"sigmoid"`, `"softmax"`, `"tanh"`, `"arctan"`, `"softplus"`, `"elu"` or one that is
            registered; a function of `keras.activations`, with the slope that it has by default;
            a `keras.layers` activation (`Activation`, `ReLU`, `LeakyReLU`, `ELU`, `Softmax`);
            `None` for linear; or the serialized form of any of them.
        **parameters: Settings of a name, such as `beta=0.1` of `"leaky_relu"`.

    Returns:
        A `Transfer`.

    Raises:
        ValueError: If it is unknown, has no convex integral, or does not take the parameters.

    Example:

    ```python
    transfer = raikeras.transfer.get("leaky_relu", beta=0.1)
    ```
    """
    if isinstance(identifier, dict):
        identifier = keras.saving.deserialize_keras_object(identifier)
    found = _find(identifier, parameters)
    if found is None:
        raise ValueError(
            "`transfer` must be a `raikeras.transfer.Transfer`, a known name or a Keras activation "
            f"of one. Received: {identifier!r}. Known: {', '.join(_BY_NAME)}. To add a "
            "nondecreasing function of each unit alone, call raikeras.transfer.register(name, "
            "function=..., integral=...); for any other, subclass `Transfer`"
        )
    return found


def register(
    name: str,
    function: Callable[[Tensor], Tensor],
    integral: Callable[[Tensor], Tensor],
    *,
    divergence: Callable[[Tensor, Tensor], Tensor] | None = None,
    dual: Callable[[Tensor], Tensor] | None = None,
    inverse: Callable[[Tensor], Tensor] | None = None,
    low: float | None = None,
    high: float | None = None,
    overwrite: bool = False,
) -> Transfer:
    """Adds a transfer function: after it `get(name)` and `get(function)` find it.

    All functions act on each unit alone, in `keras.ops`, and are not summed. Call it where your
    module is imported, so that a process that loads a saved model has it too.

    Args:
        name: String.
        function: The transfer function f of `x`, nondecreasing.
        integral: Its integral F of `x`.
        divergence: `D_F(ahat, a)` of `(a, ahat)` in a form without cancellation; by default
            `F(ahat) - F(a) - f(a) (ahat - a)`.
        dual: The convex conjugate F* of `y`. Targets after the activation need it or `inverse`.
        inverse: The `x` with `f(x) = y`, finite on the whole range.
        low: Float, the lower end of the range; targets are clipped to it.
        high: Float, the upper end of the range.
        overwrite: Whether to replace what the name or the function stands for.

    Returns:
        The `Transfer`.

    Raises:
        ValueError: If the name is taken, `function` decreases somewhere between -5 and 5, or
            `integral` has another slope there.

    Example:

    ```python
    raikeras.transfer.register(
        "softsign",
        function=keras.activations.softsign,
        integral=lambda x: keras.ops.abs(x) - keras.ops.log1p(keras.ops.abs(x)),
        inverse=lambda y: y / keras.ops.maximum(1 - keras.ops.abs(y), 1e-6),
        low=-1.0,
        high=1.0,
    )
    ```
    """
    taken = name if name in _BY_NAME else _BY_FUNCTION.get(function)
    if taken is not None and not overwrite:
        raise ValueError(
            "`name` and `function` must be new, or `overwrite=True`. Received: "
            f"name='{name}', function={function!r}; '{taken}' is registered"
        )
    check(name, function, integral)
    transfer = Registered(name, function, integral, divergence, dual, inverse, low, high)
    for one in [one for one, other in _BY_FUNCTION.items() if other == name]:
        del _BY_FUNCTION[one]
    _BY_NAME[name] = lambda: transfer
    _BY_FUNCTION[function] = name
    return transfer


@keras.saving.register_keras_serializable(package="raikeras")
class Registered(Transfer):
    """A transfer function by its name in the registry, made of functions of each unit alone.

    It is saved as its name: the process that loads it has to register the name first.
    """

    def __init__(
        self,
        name: str,
        function: Callable[[Tensor], Tensor],
        integral: Callable[[Tensor], Tensor],
        divergence: Callable[[Tensor, Tensor], Tensor] | None = None,
        dual: Callable[[Tensor], Tensor] | None = None,
        inverse: Callable[[Tensor], Tensor] | None = None,
        low: float | None = None,
        high: float | None = None,
    ) -> None:
        self.name, self.low, self.high = name, low, high
        self.has_dual, self.has_inverse = dual is not None, inverse is not None
        self._function, self._integral = function, integral
        self._divergence, self._dual, self._inverse = divergence, dual, inverse

    def __call__(self, x: Tensor) -> Tensor:
        return self._function(x)

    def integral(self, x: Tensor) -> Tensor:
        return ops.sum(self._integral(x), axis=-1)

    def dual(self, y: Tensor) -> Tensor:
        if self._dual is None:
            return super().dual(y)
        return ops.sum(self._dual(self.clip(y)), axis=-1)

    def inverse(self, y: Tensor) -> Tensor:
        if self._inverse is None:
            return super().inverse(y)
        return self._inverse(self.clip(y))

    def divergence(self, a: Tensor, ahat: Tensor) -> Tensor:
        if self._divergence is None:
            return super().divergence(a, ahat)
        return ops.sum(self._divergence(a, ahat), axis=-1)

    def get_config(self) -> dict[str, Any]:
        return {"name": self.name}

    @classmethod
    def from_config(cls, config: Config) -> Transfer:
        return get(config["name"])


def _find(identifier: Any, parameters: dict[str, Any]) -> Transfer | None:
    """The transfer function, or `None` if it is unknown."""
    if isinstance(identifier, keras.layers.Layer):
        identifier = _of_layer(identifier)
    if isinstance(identifier, Transfer):
        return _with(identifier.name, lambda: identifier, parameters)
    name = "linear" if identifier is None else identifier
    if callable(identifier):
        name = _BY_FUNCTION.get(identifier)
        if name is None and _is_keras(identifier):
            name = identifier.__name__
    if not isinstance(name, str):
        return None
    if name in _BY_NAME:
        return _with(name, _BY_NAME[name], parameters)
    if name in _REFUSED:
        raise ValueError(f"`{name}` {_REFUSED[name]}. Received: {identifier!r}")
    return None


def _with(name: str, make: Callable[..., Transfer], parameters: dict[str, Any]) -> Transfer:
    try:
        return make(**parameters)
    except TypeError as error:
        raise ValueError(
            f"`{name}` must be given no other parameters than its own. Received: {parameters}"
        ) from error


def _is_keras(function: Any) -> bool:
    name = getattr(function, "__name__", "")
    return getattr(keras.activations, name, None) is function


def _of_layer(layer: keras.Layer) -> Any:
    """The transfer function of an activation layer, or what to look up in its place."""
    if isinstance(layer, keras.layers.Activation):
        return layer.activation
    if isinstance(layer, keras.layers.LeakyReLU):
        return LeakyReLU(float(layer.negative_slope))
    if isinstance(layer, keras.layers.ELU):
        return ELU(float(layer.alpha))
    if isinstance(layer, keras.layers.Softmax) and layer.axis == -1:
        return Softmax()
    if isinstance(layer, keras.layers.ReLU):
        if layer.max_value is None and not layer.threshold:
            return LeakyReLU(float(layer.negative_slope))
        raise ValueError(
            "A ReLU layer must have max_value=None and threshold=0 to have a matching loss. "
            f"Received: max_value={layer.max_value}, threshold={layer.threshold}"
        )
    return layer
