"""LocoProp-S and LocoProp-M."""

from typing import Any

import keras

from raikeras.losses import HalfSquaredError, MatchingLoss
from raikeras.model import RelaxedModel
from raikeras.targets import Gradient
from raikeras.training.weight_steps import Local, WeightStep


def locoprop_s(
    net: keras.Model,
    loss: Any = "binary_crossentropy",
    optimizer: Any = None,
    step_size: float = 10.0,
    weight_step: WeightStep | None = None,
    metrics: Any = None,
    **kwargs: Any,
) -> RelaxedModel:
    """LocoProp-S (Amid et al., 2022): local squared losses at the pre-activations.

    The target of a layer is its pre-activation minus `step_size` times the task loss' gradient by
    it; half the squared error is summed over units and examples. The defaults are those of the
    published notebook, whose task loss is a sum over outputs and a mean over examples: Keras'
    `"binary_crossentropy"` is a mean over outputs too, so with `n` of them `step_size` wants to be
    `n` times as large, or the loss multiplied by `n`.

    Args:
        net: A built Sequential or Functional model; its Dense and Conv2D layers are relaxed.
        loss: The task loss.
        optimizer: The local optimizer, whose state is kept between batches. `None`: RMSprop at
            1e-5 with momentum .999 (rho .9, epsilon 1e-5), as in the notebook.
        step_size: Float, the source's gamma.
        weight_step: `None`: `Local(10, lowest_rate=0.25)`, ten local steps without a proximal
            term. `ClosedForm(eta)` solves the local problems instead.
        metrics: Metrics of the deployed network.
        **kwargs: Handed to `RelaxedModel`.

    Returns:
        A compiled `RelaxedModel`.
    """
    settings = {"at": "pre_activation", "hidden_loss": HalfSquaredError(), **kwargs}
    return _locoprop(net, loss, optimizer, step_size, weight_step, metrics, settings)


def locoprop_m(
    net: keras.Model,
    loss: Any = "binary_crossentropy",
    optimizer: Any = None,
    step_size: float = 10.0,
    weight_step: WeightStep | None = None,
    metrics: Any = None,
    **kwargs: Any,
) -> RelaxedModel:
    """LocoProp-M (Amid et al., 2022): local matching losses, each convex in its layer's weights.

    The target of a layer is its output minus `step_size` times the task loss' gradient by its
    pre-activation, a step of mirror descent; targets outside the activation's range count as its
    nearest end. Matching losses are summed over units and examples. For `step_size` and the task
    loss see `locoprop_s`.

    Args:
        net: A built Sequential or Functional model; its Dense and Conv2D layers are relaxed.
        loss: The task loss.
        optimizer: The local optimizer, as in `locoprop_s`.
        step_size: Float, the source's gamma.
        weight_step: `None`: `Local(10, lowest_rate=0.25)`.
        metrics: Metrics of the deployed network.
        **kwargs: Handed to `RelaxedModel`.

    Returns:
        A compiled `RelaxedModel`.
    """
    settings = {"at": "post_activation", "hidden_loss": MatchingLoss(reduction="sum"), **kwargs}
    return _locoprop(net, loss, optimizer, step_size, weight_step, metrics, settings)


def _locoprop(
    net: keras.Model,
    loss: Any,
    optimizer: Any,
    step_size: float,
    weight_step: WeightStep | None,
    metrics: Any,
    settings: dict[str, Any],
) -> RelaxedModel:
    model = RelaxedModel(
        net,
        **{
            "targets": Gradient(step_size),
            "relax": (keras.layers.Dense, keras.layers.Conv2D),
            "weight_step": weight_step or Local(10, lowest_rate=0.25),
            **settings,
        },
    )
    if optimizer is None:
        optimizer = keras.optimizers.RMSprop(1e-5, rho=0.9, momentum=0.999, epsilon=1e-5)
    model.compile(optimizer, loss, metrics=metrics)
    return model
