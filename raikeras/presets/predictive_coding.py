"""Predictive coding: with multipliers, by errors, and in deep residual nets."""

from typing import Any

import keras

from raikeras.initializers import depth_mup, residual_parts
from raikeras.losses import HalfSquaredError
from raikeras.model import RelaxedModel
from raikeras.presets.common import hidden_dense, summed_over_units
from raikeras.targets import Inferred, InferredErrors


def pc_alm(
    net: keras.Model,
    loss: Any = "sparse_categorical_crossentropy",
    learning_rate: Any = 1e-3,
    steps: int | None = None,
    step_size: float = 0.25,
    metrics: Any = None,
    **kwargs: Any,
) -> RelaxedModel:
    """Predictive coding as an augmented Lagrangian (PC-ALM, arXiv 2605.31022).

    Targets at the layers' outputs and a multiplier each are inferred for every batch from the
    forward pass; multipliers follow at 0.925 with a leak of 0.01. The output
    layer is not relaxed. Any data, no rows. The hidden weight is 10, a gentle nudge: at 1, the
    source's, targets of 100 layers go so far that the weights' gradient loses backprop's direction.

    Args:
        net: A built Sequential or Functional model whose last Dense layer is its output.
        loss: The task loss, averaged over examples.
        learning_rate: The rate of Adam, which weights follow.
        steps: Integer, number of steps of the targets. `None`: four times the hidden Dense layers.
        step_size: Float, their rate, see `Inferred`: 0.25 for nets whose signals keep their size,
            0.1 for Keras' default start.
        metrics: Metrics of the deployed network.
        **kwargs: Handed to `RelaxedModel`.

    Returns:
        A compiled `RelaxedModel`.
    """
    steps = 4 * max(1, len(hidden_dense(net))) if steps is None else steps
    targets = Inferred(steps, step_size, multiplier_rate=0.925, multiplier_leak=0.01)
    optimizer = keras.optimizers.Adam(learning_rate)
    kwargs = {"at": "post_activation", "hidden_weight": 10.0, **kwargs}
    return summed_over_units(net, targets, optimizer, loss, metrics, kwargs)


def epc(
    net: keras.Model,
    loss: Any = "sparse_categorical_crossentropy",
    learning_rate: Any = 1e-3,
    steps: int = 5,
    step_size: float = 0.01,
    metrics: Any = None,
    **kwargs: Any,
) -> RelaxedModel:
    """Error-based predictive coding (ePC, Goemaere et al., 2025): a baseline, see `InferredErrors`.

    Args:
        net: A built Sequential or Functional model whose last Dense layer is its output.
        loss: The task loss, averaged over examples.
        learning_rate: The rate of Adam, which weights follow.
        steps: Integer, number of steps of the errors.
        step_size: Float, their rate.
        metrics: Metrics of the deployed network.
        **kwargs: Handed to `RelaxedModel`.

    Returns:
        A compiled `RelaxedModel`.
    """
    optimizer = keras.optimizers.Adam(learning_rate)
    targets = InferredErrors(steps, step_size)
    return summed_over_units(net, targets, optimizer, loss, metrics, kwargs)


def mu_pc(
    net: keras.Model,
    loss: Any = None,
    learning_rate: Any = 0.1,
    steps: int | None = None,
    step_size: float | None = 0.2,
    seed: int | None = None,
    metrics: Any = None,
    start: str | None = "depth_mup",
    **kwargs: Any,
) -> RelaxedModel:
    """muPC (Innocenti et al., 2025, arXiv 2505.13124): predictive coding in deep residual nets.

    The net gets the Depth-muP start and scales unless it keeps its own. Targets are the values of
    the residual stream: behind the first Rescaling and behind each block's Add. The energy is half
    the squared error, summed over units and layers and averaged over examples. Targets start at
    the forward pass and follow its gradient, then the weights take a step of Adam.

    Adam's rate is that of the source's code (thebuckleylab/jpc, whose scripts have 8 hidden layers
    of 512 units without biases and 8 inference steps). Its rate of inference, .5 on the mean over
    64 examples, moves an example's targets by less than one percent of their gradient; the rate
    here is an example's own, and from .5 on inference was seen to overshoot once weights had grown.
    On digits, with 128 blocks of 64 units, 20 steps served nearly as well as 129.

    Args:
        net: A built Functional model as `raikeras.initializers.depth_mup` wants it.
        loss: The task loss. `None`: half the squared error, summed over outputs.
        learning_rate: Float, Adam's rate.
        steps: Integer, number of inference steps. `None`: as many as there are targets.
        step_size: Float, the rate of inference. `None`: that which the curvature allows.
        seed: Integer, seed of the start.
        metrics: Metrics of the deployed network.
        start: `"depth_mup"`, which replaces the net's weights and scales, or `None`, which keeps
            them.
        **kwargs: Handed to `RelaxedModel`.

    Returns:
        A compiled `RelaxedModel`.

    Raises:
        ValueError: If `net` is no such net, or for another `start`.
    """
    if start not in ("depth_mup", None):
        raise ValueError(f'`start` must be "depth_mup" or None. Received: start={start!r}')
    parts = residual_parts(net)
    if start:
        depth_mup(net, seed)
    hidden = [parts.first[1].name, *(block.layer.name for block in parts.blocks)]
    energy = HalfSquaredError("sum_over_batch_size")
    targets = Inferred(len(hidden) if steps is None else steps, step_size)
    settings = {"targets": targets, "relax": hidden, "hidden_loss": energy}
    model = RelaxedModel(net, **{**settings, **kwargs})
    model.compile(keras.optimizers.Adam(learning_rate), loss or energy, metrics=metrics)
    return model
