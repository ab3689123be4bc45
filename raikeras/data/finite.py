"""NaN and infinities in training data: refused where they spread to every weight."""

from collections.abc import Sequence
from typing import Any

import keras
import numpy as np

from raikeras.backend.keras_internals import graph_nodes, sublayers
from raikeras.data.contents import dense, is_sparse, sparse_parts
from raikeras.typing import Nest

ARGUMENTS = ("x", "y", "sample_weight")
# Activations that make a number of NaN; all others hand it on.
_COMPARING = ("threshold", "hard_shrink", "soft_shrink")


def check_finite(
    x: Nest, y: Nest = None, sample_weight: Nest = None, refused: Sequence[str] = ARGUMENTS
) -> list[str]:
    """Raises a `ValueError` if an array holds NaN or an infinity.

    Args:
        x, y, sample_weight: Nested arrays, `None` allowed.
        refused: The arguments that must be finite.

    Returns:
        What was found in the others, a few words for each.
    """
    found = []
    for name, tree in zip(ARGUMENTS, (x, y, sample_weight), strict=True):
        for leaf in keras.tree.flatten(tree):
            count, first = _not_finite(leaf)
            if not count:
                continue
            words = f"{count} values that are NaN or infinite, the first in example {first}"
            if name in refused:
                raise ValueError(
                    f"`{name}` must be finite: a NaN would spread to every weight. "
                    f"Received: {words}"
                )
            found.append(f"`{name}` holds {words}")
    return found


class FiniteCheck:
    """`check_finite` as a model's `fit` needs it: what must be finite is decided once.

    `y` need not be if a loss may leave some labels out, as none of Keras' own does with NaN; `x`
    need not be if something in the net may deal with it before a layer multiplies it: a class that
    is not Keras' own, a `Lambda`, a preprocessing layer, an operation outside layers.

    Args:
        model: A compiled `RelaxedModel`.

    Attributes:
        found: What was found where it is allowed, the first of each argument.
    """

    def __init__(self, model: keras.Model) -> None:
        spreads = {"x": _net_spreads(model.net), "y": _losses_spread(model)}
        self._refused = [name for name in ARGUMENTS if spreads.get(name, True)]
        self._found: dict[str, str] = {}

    @property
    def found(self) -> list[str]:
        return list(self._found.values())

    def __call__(self, x: Nest, y: Nest = None, sample_weight: Nest = None) -> None:
        for words in check_finite(x, y, sample_weight, self._refused):
            self._found.setdefault(words[:3], words)


def _not_finite(leaf: Any) -> tuple[int, int]:
    """How many numbers of an array are not finite, and the first example that has one."""
    if leaf is None:
        return 0, 0
    places = None
    if hasattr(leaf, "flat_values"):
        row, leaf = leaf.value_rowids(), leaf.flat_values
        places = dense(row)[:, None] if leaf.shape.rank == 1 else None
    elif is_sparse(leaf):
        places, leaf = sparse_parts(leaf)
    array = dense(leaf)
    if array.dtype.kind not in "fc" and array.dtype.name != "bfloat16":
        return 0, 0
    bad = ~np.isfinite(array)
    if not bad.any():
        return 0, 0
    first = np.argwhere(bad.reshape(len(array), -1).any(axis=1))[0, 0] if bad.ndim else 0
    return int(bad.sum()), int(first if places is None else places[first, 0])


def _losses_spread(model: keras.Model) -> bool:
    """Whether NaN in any label gets into the compiled loss: all outputs have a loss of Keras'."""
    losses = [loss for loss in keras.tree.flatten(model.loss) if loss is not None]
    nested = keras.tree.is_nested(model.loss)
    everywhere = len(losses) == (len(model.net.outputs) if nested else 1)
    return everywhere and _is_own(type(model).compute_loss) and all(map(_loss_spreads, losses))


def _loss_spreads(loss: Any) -> bool:
    if isinstance(loss, str):
        return True  # Keras looks up its own by name, and no others
    kind = type(loss) if isinstance(loss, keras.losses.Loss) else loss
    return _is_own(kind) and _is_own(getattr(loss, "fn", kind))


def _net_spreads(net: keras.Model) -> bool:
    """Whether NaN in the inputs of a net is sure to get into its weights' gradient."""
    called = [node.operation for _, nodes in graph_nodes(net) for node in nodes]
    return all(map(_spreads, [net, *sublayers(net), *called]))


def _spreads(operation: Any) -> bool:
    kind = type(operation)
    if not isinstance(operation, keras.Layer) or not _is_own(kind):
        return False
    names = kind.__module__.split(".")
    if names[0] == "keras" and not {"layers", "models"} & set(names):
        return False  # wrappers of other libraries' modules
    if isinstance(operation, keras.layers.Activation):
        activation = operation.activation
        return _is_own(activation) and getattr(activation, "__name__", "") not in _COMPARING
    crops = kind.__name__.startswith("Cropping")
    return not (crops or isinstance(operation, keras.layers.Lambda) or "preprocessing" in names)


def _is_own(thing: Any) -> bool:
    """Whether a class or function is Keras' or this library's."""
    return str(getattr(thing, "__module__", "")).split(".")[0] in ("keras", "raikeras")
