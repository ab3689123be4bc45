"""Which layers of a net are relaxed: what `relax` may say."""

from typing import Any

import keras

from raikeras.backend.keras_internals import sublayers
from raikeras.layers import Relaxed


def choose_layers(net: keras.Model, relax: Any) -> list[keras.Layer]:
    """The layers that `relax` names, in the order of the net.

    Args:
        net: The user's model.
        relax: A layer class, a tuple of classes, a list of layer names, or a predicate of a
            layer. Layers marked with `Relaxed` are added to any choice but the empty one.

    Raises:
        ValueError: If a name does not exist or the choice matches no layer.
        TypeError: If `relax` is none of the above.
    """
    all_layers = sublayers(net)
    marked = [layer.layer for layer in all_layers if isinstance(layer, Relaxed)]
    layers = [
        layer for layer in all_layers if not isinstance(layer, (Relaxed, keras.layers.InputLayer))
    ]
    if isinstance(relax, (tuple, list)) and not relax:
        return []
    if isinstance(relax, keras.Layer):
        raise TypeError(
            f"`relax` must name a layer: pass relax=[{relax.name!r}]. Received: the layer itself"
        )
    if isinstance(relax, type):
        relax = (relax,)
    if isinstance(relax, (tuple, list)) and all(isinstance(item, str) for item in relax):
        # The name of a mark stands for the layer that it marks.
        marks = {layer.name: layer.layer for layer in all_layers if isinstance(layer, Relaxed)}
        names = {*marks, *(layer.name for layer in layers)}
        missing = sorted(set(relax) - names)
        if missing:
            raise ValueError(
                f"`relax` must name layers of the net. Received: {missing}, which do not exist. "
                f"Layers of `{net.name}`: {sorted(names)}"
            )
        wanted = set(relax)
        chosen = [layer for layer in layers if layer.name in wanted]
        chosen += [marks[name] for name in wanted & set(marks)]
    elif isinstance(relax, tuple) and all(isinstance(item, type) for item in relax):
        chosen = [layer for layer in layers if isinstance(layer, relax)]
    elif callable(relax):
        chosen = [layer for layer in layers if relax(layer)]
    else:
        raise TypeError(
            "`relax` must be a layer class, a tuple of classes, a list of layer names, a "
            f"predicate, or () for none. Received: relax={relax!r}"
        )
    chosen = [layer for layer in layers if layer in chosen or layer in marked]
    if not chosen:
        kinds = sorted({type(layer).__name__ for layer in layers})
        raise ValueError(
            f"`relax` matches no layer of `{net.name}`. Received: relax={relax!r}; the net has "
            f"layers of the classes {kinds}. Pass relax=() to relax nothing."
        )
    return chosen
