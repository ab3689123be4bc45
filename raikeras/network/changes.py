"""What a net is made of, to notice at the next `fit` that it changed since it was wrapped."""

from typing import Any

import keras

from raikeras.backend.keras_internals import graph_of, known_variables, sublayers

# What a layer trains with, besides its weights; looked up when a step is traced, or at the start.
_SETTINGS = (
    "activation",
    "kernel_regularizer",
    "bias_regularizer",
    "activity_regularizer",
    "kernel_constraint",
    "bias_constraint",
    "scale",
    "offset",
)


class Parts:
    """The layers of a net in order, and how each is set."""

    def __init__(self, net: keras.Model) -> None:
        layers = [net, *sublayers(net)]
        # Objects are told apart by identity, so they are kept: a new one must not get an old id.
        self._objects: list[Any] = list(layers)
        self._values: list[tuple[Any, ...]] = []
        for layer in layers:
            own = vars(layer)
            self._objects += [own.get(name) for name in _SETTINGS]
            self._objects += [own.get("call"), layer.dtype_policy]
            if isinstance(layer, keras.Model):
                self._objects.append(graph_of(layer))
            flags = layer.trainable, own.get("lora_enabled"), own.get("quantization_mode")
            self._values.append(flags)

    def differ_from(self, other: "Parts") -> bool:
        """Whether a layer was added, removed, replaced or set anew."""
        return (
            len(self._objects) != len(other._objects)
            or any(a is not b for a, b in zip(self._objects, other._objects, strict=True))
            or self._values != other._values
        )


def check_known(optimizer: keras.optimizers.Optimizer, variables: list[keras.Variable]) -> None:
    """Raises a `ValueError` if an optimizer was built for other variables than are trained."""
    known = None if optimizer is None else known_variables(optimizer)
    if known is None:
        return
    ids = {id(variable) for variable in known}
    unknown = [variable.path for variable in variables if id(variable) not in ids]
    if unknown:
        raise ValueError(
            "The optimizer must have been built for the weights that are trained, and these have "
            "changed since (`trainable`, LoRA, regularizers, an optimizer shared by two models). "
            "Call `compile` again, with a new optimizer. Received: an optimizer that does not "
            f"know {len(unknown)} of {len(variables)} variables, `{unknown[0]}` for one"
        )
