"""`AlphaHistory`: notes the alphas of all `ReLUAlpha` layers while a model trains."""

import keras
import numpy as np

from raikeras.backend.keras_internals import sublayers
from raikeras.checks import check_integer
from raikeras.layers import ReLUAlpha
from raikeras.typing import Logs


class AlphaHistory(keras.callbacks.Callback):
    """Keeps every alpha before the first and after every `every`-th training step.

    It holds the steps of the last `fit`, as `keras.callbacks.History` does. Reading weights between
    steps takes time, on JAX above all: note what you draw. With `steps_per_execution` the first
    step that can be seen after each `every`-th one is noted.

    Args:
        every: Integer, number of steps from one note to the next.

    Raises:
        ValueError: If `every` is no positive integer or, in `fit`, the model has no `ReLUAlpha`.

    Example:

    ```python
    history = raikeras.callbacks.AlphaHistory(every=10)
    model.fit(x, y, epochs=10, callbacks=[history])
    frame = pandas.DataFrame(history.columns())
    ```
    """

    def __init__(self, every: int = 1) -> None:
        super().__init__()
        check_integer("every", every, 1)
        self.every = int(every)
        self._steps: list[int] = []
        self._values: list[list[np.ndarray]] = []
        self._layers: list[ReLUAlpha] = []

    def columns(self) -> dict[str, np.ndarray]:
        """Everything noted, one row per step and alpha.

        Returns:
            Arrays of one length: `step` (integers, training steps made), `layer` (its name, or
            its path where a name occurs twice), `unit` (integers, the place among the layer's
            alphas in C order) and `alpha`. `pandas.DataFrame` takes it as it is.
        """
        names = [layer.name for layer in self._layers]
        names = [
            layer.path if names.count(layer.name) > 1 else layer.name for layer in self._layers
        ]
        sizes = [value.size for value in self._values[0]] if self._values else []
        count, total = len(self._steps), sum(sizes)
        units = [np.arange(size) for size in sizes]
        alphas = [np.concatenate([value.ravel() for value in row]) for row in self._values]
        return {
            "step": np.repeat(np.asarray(self._steps, "int64"), total),
            "layer": np.tile(np.repeat(np.asarray(names, "str"), sizes or 0), count),
            "unit": np.tile(np.concatenate([*units, np.arange(0)]), count),
            "alpha": np.concatenate([*alphas, np.zeros(0, "float32")]),
        }

    # For Keras

    def on_train_begin(self, logs: Logs = None) -> None:
        self._layers = [x for x in sublayers(self.model) if isinstance(x, ReLUAlpha)]
        if not self._layers:
            raise ValueError(
                "`AlphaHistory` needs a model with a layer raikeras.layers.ReLUAlpha. "
                f"Received: model={self.model.name} without one"
            )
        self._steps, self._values, self._done = [], [], 0
        if all(layer.built for layer in self._layers):  # else the first step builds them
            self._note(0)

    def on_epoch_begin(self, epoch: int, logs: Logs = None) -> None:
        self._before = self._done

    def on_train_batch_end(self, batch: int, logs: Logs = None) -> None:
        last, self._done = self._done, self._before + batch + 1
        if self._done // self.every > last // self.every:
            self._note(self._done)

    def _note(self, step: int) -> None:
        if hasattr(self.model, "jax_state_sync"):
            self.model.jax_state_sync()  # within an epoch JAX keeps the state to itself
        self._steps.append(step)
        self._values.append([keras.ops.convert_to_numpy(x.alpha.value) for x in self._layers])
