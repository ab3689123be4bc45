"""`GradientCallback`: when gradients are measured in `fit`; the base of the gradient callbacks."""

import abc
from typing import Any

import keras

from raikeras.checks import check_integer
from raikeras.diagnostics.probe import Gradients, Probe, check_arrays
from raikeras.typing import Logs, Nest


class GradientCallback(keras.callbacks.Callback, abc.ABC):
    """Measures gradients on the same examples before `fit` and at intervals, for logs and history.

    A subclass says which gradients in `gradients` and what is made of them in `columns`.

    Args:
        x, y, sample_weight: The examples, arrays.
        every: `"epoch"` or an integer, a number of training steps.

    Raises:
        ValueError: If `y` is missing, the numbers of examples differ or `every` is no positive
            integer and not `"epoch"`.
    """

    gradients: Gradients

    def __init__(
        self, x: Nest, y: Nest = None, sample_weight: Nest = None, every: str | int = "epoch"
    ) -> None:
        super().__init__()
        if every != "epoch":
            if isinstance(every, str):
                raise ValueError(
                    '`every` must be "epoch" or a number of training steps. '
                    f"Received: every={every!r}"
                )
            check_integer("every", every, 1)
        check_arrays(x, y, sample_weight)
        self.every = every
        self._apart = None if every == "epoch" else int(every)
        self.history: dict[str, list[float]] = {}
        self._examples = x, y, sample_weight
        self._probe: Any = None
        self._step = self._before = self._measured = 0

    @abc.abstractmethod
    def columns(self, by_layer: dict[str, Any]) -> dict[str, float]:
        """What the logs get of the gradients that `Probe.by_layer` found."""

    # For Keras

    def on_train_begin(self, logs: Logs = None) -> None:
        self.history = {}
        self._step = self._before = 0
        self._probe = Probe(self.gradients, self.model, *self._examples)
        self._measure()

    def on_epoch_begin(self, epoch: int, logs: Logs = None) -> None:
        self._before = self._step

    def on_train_batch_end(self, batch: int, logs: Logs = None) -> None:
        self._step = self._before + batch + 1
        apart = self._apart
        if apart and self._step // apart > self._measured // apart:  # steps_per_execution skips
            self._measure()
            self._add_to(logs)

    def on_epoch_end(self, epoch: int, logs: Logs = None) -> None:
        if self._apart is None:
            self._measure()
        self._add_to(logs)

    def on_train_end(self, logs: Logs = None) -> None:
        self._probe = None  # it holds a compiled function of variables that may be replaced

    def _measure(self) -> None:
        if hasattr(self.model, "jax_state_sync"):
            self.model.jax_state_sync()  # within an epoch JAX keeps the state to itself
        columns = self.columns(self._probe.by_layer())
        for name, value in {"step": self._step, **columns}.items():
            self.history.setdefault(name, []).append(value)
        self._measured = self._step

    def _add_to(self, logs: Logs) -> None:
        if logs is not None:
            logs.update({name: v[-1] for name, v in self.history.items() if name != "step"})
