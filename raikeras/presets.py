"""The named methods: RAI as coded, as written, with a growing hidden weight; LocoProp-S, -M; muPC.

Each returns a compiled `RelaxedModel`; they differ in the four choices only.
"""

from typing import Any

import keras

from raikeras.backend.keras_internals import sublayers
from raikeras.initializers import depth_mup, isometric_start, residual_parts
from raikeras.losses import HalfSquaredError, MatchingLoss
from raikeras.model import RelaxedModel
from raikeras.optimizers import Rprop
from raikeras.targets import Gradient, Inferred, Learned
from raikeras.training.weight_steps import Local, WeightStep


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
        relax=_hidden_dense(net),
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
        "relax": _hidden_dense(net),
        "hidden_weight": growing(*weight_range, steps),
    }
    model = RelaxedModel(net, **{**settings, **kwargs})
    model.compile(adam_with_decay(learning_rate, steps), loss, metrics=metrics)
    return model


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


def adam_with_decay(learning_rate: Any, steps: int) -> keras.optimizers.Adam:
    """Adam (beta_2 = .99) with a rate as `falling` has it, or with the schedule that is given."""
    if not callable(learning_rate):
        learning_rate = falling(learning_rate, steps)
    return keras.optimizers.Adam(learning_rate, beta_2=0.99)


def falling(rate: float, steps: int) -> keras.optimizers.schedules.LearningRateSchedule:
    """A rate that falls linearly to 2 % of itself over `steps`."""
    return keras.optimizers.schedules.PolynomialDecay(rate, steps, 0.02 * rate)


def growing(
    first: float, last: float, steps: int
) -> keras.optimizers.schedules.LearningRateSchedule:
    """A hidden weight that grows geometrically over `steps`, and on after them."""
    return keras.optimizers.schedules.ExponentialDecay(first, steps, last / first)


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


def _hidden_dense(net: keras.Model) -> list[str]:
    """Names of the Dense layers but the last, which is the output."""
    return [layer.name for layer in sublayers(net) if isinstance(layer, keras.layers.Dense)][:-1]
