"""The few private names of Keras that the project needs, each with its reason."""

import contextlib

from keras.src.backend.common import dtypes


def sublayers(model) -> list:
    """All layers below a model, those inside wrappers and nested models too.

    `Model.layers` stops at the first level, and Keras has no public walk.
    """
    return list(model._flatten_layers(include_self=False))


def loss_tracker(model):
    """The metric behind the log column `loss`: a custom step has to feed it itself."""
    return model._loss_tracker


def is_tf_distributed(model) -> bool:
    """Whether a TensorFlow model was created under a distribution strategy."""
    return getattr(model, "_distribute_strategy", None) is not None


def build(model, data) -> None:
    """Builds metrics, loss and optimizer from a batch's shapes, if they are not built.

    TensorFlow's `fit` leaves this to the traced step, too late for metrics fed inside a `cond`.
    """
    model._symbolic_build(data_batch=data)


@contextlib.contextmanager
def wide_floats():
    """Lets Keras' operations keep float64, as long as it lasts.

    On JAX its type promotion turns float64 into float32, and with it every mean, even where the
    user enabled both (`keras.config.set_floatx("float64")` and JAX's x64 mode).
    """
    narrow = dtypes.BIT64_TO_BIT32_DTYPE
    before = narrow["float64"]
    narrow["float64"] = "float64"
    try:
        yield
    finally:
        narrow["float64"] = before
