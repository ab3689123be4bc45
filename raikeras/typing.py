"""Names for the types that Keras and its backends leave open: what a reader of a signature wants.

Keras ships no types, so type checkers take the first three for anything at all. What shape and
dtype a tensor has, docstrings say.
"""

import functools
from collections.abc import Callable
from typing import Any, TypeVar

# A tensor of the running backend, inside a traced step and outside; a scalar is one of no axes.
Tensor = Any
# Tensors or arrays, alone or nested in lists, tuples and dicts as `keras.tree` takes them.
Nest = Any
# The constructor's arguments by name, as `get_config` gives and `from_config` takes them.
Config = dict[str, Any]
# What Keras hands to a callback: values by the name of their column.
Logs = dict[str, Any] | None
# A method, of which a decorator gives back the same.
Method = TypeVar("Method", bound=Callable[..., Any])


def documented_as(original: Any) -> Callable[[Method], Method]:
    """Gives a method Keras' signature and docstring; for type checkers it stays what it is."""

    def decorate(method: Method) -> Method:
        return functools.wraps(original)(method)  # type: ignore[return-value]

    return decorate
