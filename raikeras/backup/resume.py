"""`fit` with a `Backup` among the callbacks: it begins where the last run was stopped."""

from collections.abc import Callable
from typing import Any

import keras

from raikeras.backend.keras_internals import build
from raikeras.backup.ordered_arrays import OrderedArrays, order_arrays
from raikeras.data.ids import is_stream
from raikeras.training.overflow import listed
from raikeras.typing import Logs


def run(
    fit: Callable[..., Any], model: keras.Model, call: dict[str, Any], backup: Any
) -> keras.callbacks.History:
    """Keras' `fit`, which begins where the last run was stopped if the backup holds one.

    Args:
        fit: `keras.Model.fit` of the model.
        model: A `RelaxedModel`, ready for training.
        call: Arguments of `fit` by name.
        backup: The `raikeras.callbacks.Backup` among its callbacks.

    Returns:
        The `History` of `fit`.
    """
    # Last, so that it sees what the others did to the model at the end of an epoch.
    call["callbacks"] = [one for one in listed(call["callbacks"]) if one is not backup] + [backup]
    start = backup.find_start()
    order = None if is_stream(call["x"]) else order_arrays(call, start["seed"])
    backup.use_order(order, by_batch=order is not None and not model.optimizer.use_ema)
    call["initial_epoch"] = max(start["epoch"], call.get("initial_epoch", 0))
    if order is None or not start["batch"]:
        return fit(**call)
    return _finish_epoch_first(fit, model, call, order, start)


def _finish_epoch_first(
    fit: Callable[..., Any],
    model: keras.Model,
    call: dict[str, Any],
    order: OrderedArrays,
    start: dict[str, Any],
) -> keras.callbacks.History:
    """Two calls of `fit` that look like one: the rest of an epoch, then the other epochs.

    Keras takes the number of batches once for all epochs.
    """
    order.epoch, order.first_batch = start["epoch"], start["batch"]
    build(model, order[0])  # the metrics, whose states are to be restored
    epochs, verbose = call.get("epochs", 1), call.get("verbose", "auto")
    callbacks = _OneRun(
        call["callbacks"],
        add_history=True,
        add_progbar=verbose != 0,
        verbose=verbose,
        epochs=epochs,
        steps=order.steps,
        model=model,
    )
    call["callbacks"] = callbacks
    callbacks.first_batch = start["batch"]
    fit(**{**call, "epochs": start["epoch"] + 1})
    callbacks.first_batch = order.first_batch = 0
    if not model.stop_training and start["epoch"] + 1 < epochs:
        fit(**{**call, "initial_epoch": start["epoch"] + 1})
    callbacks.end()
    return model.history


class _OneRun(keras.callbacks.CallbackList):
    """Callbacks to which several calls of `fit` are one; `end` ends it.

    Attributes:
        first_batch: Number of the batch that Keras takes for the first of its epoch.
    """

    first_batch = 0
    _has_begun = False
    _last_logs = None

    def on_train_begin(self, logs: Logs = None) -> None:
        if not self._has_begun:
            self._has_begun = True
            super().on_train_begin(logs)

    def on_train_end(self, logs: Logs = None) -> None:
        self._last_logs = logs

    def end(self) -> None:
        super().on_train_end(self._last_logs)

    def on_train_batch_begin(self, batch: int, logs: Logs = None) -> None:
        super().on_train_batch_begin(batch + self.first_batch, logs)

    def on_train_batch_end(self, batch: int, logs: Logs = None) -> None:
        super().on_train_batch_end(batch + self.first_batch, logs)
