"""Variables that show slices of a stacked one while a chain trains, and until they are read."""

import functools
from typing import Any

import keras
import numpy as np
from keras import ops

from raikeras.backend import load_backend
from raikeras.backend.keras_internals import in_stateless_scope
from raikeras.typing import Tensor


def make_views(stacked: keras.Variable, variables: list[keras.Variable]) -> None:
    """Turns variables into views of the slices of a stacked one, until `release_views`.

    A view shows what the stack holds whenever it is looked at, inside a traced step and outside,
    and what is assigned to it goes into the stack.
    """
    released = _released_together(variables)
    if released is None:
        stacked.assign(load_backend().stack(variables, stacked))
    else:
        stacked.assign(released.stack)
        for variable in variables:
            _make_plain(variable, type(variable).__bases__[0], None)
    for index, variable in enumerate(variables):
        own = variable.__dict__.pop("_value")
        # Functions that TensorFlow traced earlier, and torch's modules, hold on to what changes.
        variable.__dict__["_own_value"] = own if load_backend().CHANGES_IN_PLACE else None
        load_backend().share(own, stacked, index)
        variable.__dict__["_slice_of"] = (stacked, index)
        kind: Any = type(variable)
        variable.__class__ = _view_of(kind)


def release_views(variables: list[keras.Variable], stacked: keras.Variable) -> None:
    """Makes plain variables of views again, with values of their own.

    On JAX, whose arrays do not change, each takes its value when it is first looked at: most are
    not before the next `train_on_batch`, and no device needs to hold the layers of all others.
    Not so where the value depends on when that is: float64 on whether JAX allows it then, one that
    all devices have on its layout.
    """
    stack = stacked._value
    lost = stack is None  # as Keras leaves all weights when a step fails on JAX
    laid_out = any(getattr(variable, "_layout", None) is not None for variable in variables)
    copied = laid_out and load_backend().layers_sharding() is None
    at_once = lost or copied or load_backend().CHANGES_IN_PLACE or stack.dtype.itemsize > 4
    later = None if at_once else Released(stack)
    for index, variable in enumerate(variables):
        kind: Any = type(variable).__bases__[0]
        variable.__class__ = kind
        del variable.__dict__["_slice_of"]
        variable.__dict__["_value"] = variable.__dict__.pop("_own_value")
        if later:
            variable.__dict__["_slice_of_released"] = (later, index)
            variable.__class__ = _unread(kind)
    if at_once and not lost:
        load_backend().unstack(stack, variables)


class Released:
    """The values of a chain's weights after training, until each variable has taken its own."""

    def __init__(self, stack: Tensor) -> None:
        self.stack = stack

    def value(self, index: int, dtype: str) -> Tensor:
        """The value of a variable, on every device where there are several."""
        if load_backend().layers_sharding() is not None:
            return load_backend().part(self.stack, index)
        return load_backend().constant(self._values[index], dtype)

    @functools.cached_property
    def _values(self) -> np.ndarray:
        return np.asarray(self.stack)  # once for all slices


def _released_together(variables: list[keras.Variable]) -> Released | None:
    """What just these variables were released from, if none has got another value since."""
    kept = [variable.__dict__.get("_slice_of_released", (None, None)) for variable in variables]
    released = kept[0][0]
    if released is None or len(released.stack) != len(variables):
        return None
    same = all(one is released and place == index for index, (one, place) in enumerate(kept))
    return released if same else None


def _make_plain(variable: keras.Variable, kind: type[Any], value: Tensor) -> None:
    # In this order, for other threads may be looking.
    variable.__dict__["_value"] = value
    variable.__class__ = kind
    variable.__dict__.pop("_slice_of_released", None)


@functools.cache
def _unread(kind: type[Any]) -> type[Any]:
    class Unread(kind):
        """A variable that has not been looked at since `release_views`."""

        @property
        def _value(self) -> Tensor:
            kept = self.__dict__.get("_slice_of_released")
            if kept is None:  # another thread was faster
                return self.__dict__["_value"]
            released, index = kept
            value = released.value(index, self._dtype)
            _make_plain(self, kind, value)
            return value

        @_value.setter
        def _value(self, value: Tensor) -> None:
            _make_plain(self, kind, value)

        def __reduce_ex__(self, protocol: Any) -> Any:
            _make_plain(self, kind, self._value)  # a class that pickle can find
            return self.__reduce_ex__(protocol)

    return Unread


@functools.cache
def _view_of(kind: type[Any]) -> type[Any]:
    class View(kind):
        """A variable whose value is a slice of another one's."""

        @property
        def _value(self) -> Tensor:
            stacked, index = self._slice_of
            if stacked._value is None and not in_stateless_scope():
                raise RuntimeError(
                    "The weights are inside a training step. In a callback at the end of a batch "
                    "call `model.jax_state_sync()` first."
                )
            return load_backend().part(ops.convert_to_tensor(stacked.value), index)

        @_value.setter
        def _value(self, value: Tensor) -> None:
            if value is not None:  # what Keras does to save memory, on JAX
                self._direct_assign(value)

        @property
        def regularizer(self) -> None:
            return None  # the stack is regularised as a whole

        @property
        def trainable(self) -> bool:
            return self._trainable

        @trainable.setter
        def trainable(self, value: bool) -> None:
            self._trainable = bool(value)  # torch's would also tell the slice, which has no say

        def _direct_assign(self, value: Tensor) -> None:
            load_backend().assign_part(*self._slice_of, value)

    return View
