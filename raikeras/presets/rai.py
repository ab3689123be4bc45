"""RAI as coded, as written, with a growing hidden weight and with multipliers."""

from typing import Any

import keras

from raikeras.initializers import isometric_start
from raikeras.model import RelaxedModel
from raikeras.optimizers import Rprop
from raikeras.presets.common import adam_with_decay, growing, hidden_dense, summed_over_units
from raikeras.targets import Learned


def rai_as_code(
    net: keras.Model,
    loss: Any = "binary_crossentropy",
    learning_rate: Any = 0.1,
    metrics: Any = None,
    **kwargs: Any,
) -> RelaxedModel:
    """RAI as its author's code runs it: every default of `RelaxedModel`, with Rprop.

    Args:
        net: A built Sequential or Functional model.
        loss: The task loss.
        learning_rate: Float, Rprop's initial step size.
        metrics: Metrics of the deployed network.
        **kwargs: Handed to `RelaxedModel`.

    Returns:
        A compiled `RelaxedModel`.
    """
    model = RelaxedModel(net, **kwargs)
    model.compile(Rprop(learning_rate), loss, metrics=metrics)
    return model


def rai_as_document(
    net: keras.Model, loss: Any = None, learning_rate: Any = 0.1, metrics: Any = None, **kwargs: Any
) -> RelaxedModel:
    """RAI as its document states it (eq. 4): the output layer is not relaxed.

    The targets are the layers' outputs (post-activation), and both losses are sums over examples:
    the squared error is averaged over units and summed over examples.

    Args:
        net: A built Sequential or Functional model whose last Dense layer is its output.
        loss: The task loss, summed over examples. `None`: binary cross-entropy.
        learning_rate: Float, Rprop's initial step size.
        metrics: Metrics of the deployed network.
        **kwargs: Handed to `RelaxedModel`.

    Returns:
        A compiled `RelaxedModel`.
    """
    model = RelaxedModel(
        net,
        relax=hidden_dense(net),
        at="post_activation",
        hidden_loss=keras.losses.MeanSquaredError(reduction="sum"),
        **kwargs,
    )
    loss = loss or keras.losses.BinaryCrossentropy(reduction="sum")
    model.compile(Rprop(learning_rate), loss, metrics=metrics)
    return model


def rai_growing(
    net: keras.Model,
    steps: int,
    loss: Any = "binary_crossentropy",
    weight_range: tuple[float, float] = (3.9, 1.6e4),
    learning_rate: Any = 3.9e-4,
    target_learning_rate: Any = 2.9e-2,
    gain: float | None = None,
    seed: int | None = None,
    metrics: Any = None,
    num_examples: int | None = None,
    start: str | None = "isometric",
    **kwargs: Any,
) -> RelaxedModel:
    """RAI that ends where the deployed network is: the hidden weight grows during training.

    The net gets the isometric start unless it keeps its own; the output layer is not relaxed. The
    hidden weight grows geometrically over `steps`, so that targets are free at first and bound to
    the forward pass at the end (the penalty method of Carreira-Perpinan & Wang, 2014). Weights and
    targets follow Adam (beta_2 = .99) with rates of their own, both falling linearly to 2 %. The
    defaults were found on 100 layers of 100 sigmoid units and 1,000 full-batch steps; much smaller
    nets and fewer steps want larger rates.

    The task reaches one layer more with each step: in `steps` steps only the last `steps` hidden
    layers move, the others stay at their start. For a thousand layers and more, the gain
    `1 + sqrt(3 / depth)`, rates 1e-3 and 2e-2 and 500 steps were found on layers of 64 units.

    Args:
        net: A built Sequential or Functional model of Dense layers.
        steps: Integer, number of training steps of the whole schedule.
        loss: The task loss.
        weight_range: First and last hidden weight.
        learning_rate: Float, initial rate of the weights, or a schedule in place of its fall.
        target_learning_rate: The same of the targets.
        gain: Float, gain of the isometric start. `None`: the one that it takes for the depth.
        seed: Integer, seed of the isometric start.
        metrics: Metrics of the deployed network.
        num_examples: Integer, number of training examples, for a stream.
        start: `"isometric"`, which replaces the net's weights, or `None`, which keeps them.
        **kwargs: Handed to `RelaxedModel`, such as another `hidden_weight`.

    Returns:
        A compiled `RelaxedModel`.

    Raises:
        ValueError: For another `start`.
    """
    if start not in ("isometric", None):
        raise ValueError(f'`start` must be "isometric" or None. Received: start={start!r}')
    if start:
        isometric_start(net, gain, seed)
    settings = {
        "targets": Learned(num_examples, optimizer=adam_with_decay(target_learning_rate, steps)),
        "relax": hidden_dense(net),
        "hidden_weight": growing(*weight_range, steps),
    }
    model = RelaxedModel(net, **{**settings, **kwargs})
    model.compile(adam_with_decay(learning_rate, steps), loss, metrics=metrics)
    return model


def rai_multipliers(
    net: keras.Model,
    steps: int,
    loss: Any = "binary_crossentropy",
    learning_rate: Any = 3e-3,
    target_learning_rate: Any = 0.4,
    multiplier_rate: float = 0.1,
    metrics: Any = None,
    num_examples: int | None = None,
    **kwargs: Any,
) -> RelaxedModel:
    """RAI whose targets end at the forward pass without a growing weight: by multipliers.

    Rows with a scaled multiplier of each target unit (see `Learned`), half a squared error summed
    over units and weighed by 0.1, the output layer not relaxed. Weights follow Adam with a rate
    that falls linearly to 2 % over `steps`. With a small hidden weight targets move far for the
    task and training is fast; multipliers make up for it. Made for full batches: with mini-batches
    multipliers follow weights that have moved since an example was last seen.

    Args:
        net: A built Sequential or Functional model of Dense layers.
        steps: Integer, number of training steps of the whole schedule.
        loss: The task loss, averaged over examples.
        learning_rate: Float, initial rate of the weights, or a schedule in place of its fall. Nets
            of 30 layers want 3e-4 to 1e-3.
        target_learning_rate: Float, the targets' rate in units of the hidden loss' curvature, or a
            schedule of it.
        multiplier_rate: Float, how fast multipliers follow mismatches.
        metrics: Metrics of the deployed network.
        num_examples: Integer, number of training examples, for a stream.
        **kwargs: Handed to `RelaxedModel`.

    Returns:
        A compiled `RelaxedModel`.
    """
    descent = keras.optimizers.SGD(target_learning_rate)
    targets = Learned(num_examples, optimizer=descent, multiplier_rate=multiplier_rate)
    optimizer = adam_with_decay(learning_rate, steps)
    kwargs = {"hidden_weight": 0.1, **kwargs}
    return summed_over_units(net, targets, optimizer, loss, metrics, kwargs)
