"""What the studies of autoencoders share: net, loss, the local optimizer, LocoProp, inference."""

import keras

import raikeras
from raikeras.presets import locoprop_m, locoprop_s

LOCAL = {"locoprop_s": locoprop_s, "locoprop_m": locoprop_m}


def network(inputs, hidden_units, code_units):
    """Tanh layers down to a linear code and up again, sigmoid output; as in LocoProp's notebook."""
    start = "glorot_uniform"
    layers = [(units, "tanh") for units in hidden_units] + [(code_units, "linear")]
    layers += [(units, "tanh") for units in reversed(hidden_units)] + [(inputs, "sigmoid")]
    dense = [
        keras.layers.Dense(units, activation, kernel_initializer=start, bias_initializer=start)
        for units, activation in layers
    ]
    return keras.Sequential([keras.Input((inputs,)), *dense])


class PixelEntropy(keras.losses.Loss):
    """Binary cross-entropy in nats, summed over pixels; Keras' own is averaged over them."""

    def call(self, y_true, y_pred):
        return y_pred.shape[-1] * keras.losses.binary_crossentropy(y_true, y_pred)


def local_optimizer(rate, momentum):
    """RMSprop as in the notebook, which takes LocoProp's local steps there."""
    return keras.optimizers.RMSprop(rate, rho=0.9, momentum=momentum, epsilon=1e-5)


def locoprop(name, net, optimizer, step_size, local_steps=10, lowest_rate=0.25, eta=None):
    """LocoProp as a compiled model: local steps, or the closed form of S where `eta` is given.

    Args:
        name: `locoprop_s` or `locoprop_m`.
        net: An autoencoder of `network`.
        optimizer: The local one; with `eta` it only counts batches.
        step_size: The source's gamma: how far a target lies from the forward pass.
        local_steps, lowest_rate: Steps a batch, and the share of the rate that the last ones have.
        eta: Float or schedule of the closed form: how far the weights may go.
    """
    step = raikeras.Local(local_steps, lowest_rate=lowest_rate)
    if eta is not None:  # every weight is solved for
        step = raikeras.ClosedForm(eta)
    options = {"step_size": step_size, "weight_step": step, "deployed_every": 0}
    return LOCAL[name](net, PixelEntropy(), optimizer, **options)


def inferred(net, optimizer, target_rate, hidden_weight):
    """Targets of the hidden layers, found afresh in every batch, a step for each of them.

    Args:
        net, optimizer: As above.
        target_rate: Float or schedule, how far a step moves a target; a share `s / hidden_weight`
            removes `s` of a mismatch.
        hidden_weight: Float or schedule.
    """
    hidden = [layer.name for layer in net.layers[:-1]]
    model = raikeras.RelaxedModel(
        net,
        targets=raikeras.Inferred(len(hidden), optimizer=keras.optimizers.SGD(target_rate)),
        relax=hidden,
        hidden_loss=raikeras.losses.HalfSquaredError("sum_over_batch_size"),
        hidden_weight=hidden_weight,
        deployed_every=0,
    )
    model.compile(optimizer, PixelEntropy())
    return model
