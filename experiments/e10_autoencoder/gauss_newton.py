"""Gauss-Newton for a net with a sigmoid output: Hessian-free optimization on mini-batches.

No maintained library has a second-order optimizer that runs with this version of JAX, so this is
the baseline that C9 asks for: Martens, Deep learning via Hessian-free optimization (ICML 2010),
with a fixed number of conjugate gradient iterations and a learning rate.
"""

from typing import Any, NamedTuple

import jax
import keras
from jax import numpy as jnp
from jax.flatten_util import ravel_pytree
from jax.scipy.sparse.linalg import cg

from experiments.common.vectorised import Runs, Weights

DECAY = 0.95  # of the last direction, at which the conjugate gradients start
TRUSTED, DOUBTED = 0.75, 0.25  # ratios of the loss' true change to the model's
CHANGE = 1.5  # of the damping, where the model is better or worse than these
TOLERANCE = 1e-6  # relative: beyond it conjugate gradients divide nothing by nothing


class State(NamedTuple):
    """Of a run between steps; each array of several runs has a leading axis."""

    weights: Weights
    direction: Any  # the last one, a vector
    damping: Any
    rate: Any  # at its highest
    step: Any


class GaussNewton(Runs):
    """Runs that follow (G + damping I)^-1 times the negative gradient, G being Gauss-Newton's.

    G = J' diag(p (1 - p)) J / batch for logits with Jacobian J and outputs p. The damping is
    Levenberg and Marquardt's, changed after every step.

    Args:
        net: Keras autoencoder whose last layer is a sigmoid one.
        starts: A list of weights for each run.
        trials: For each run a dict with `rate` and `damping`, the first one.
        schedule: `schedule(rate, step)` gives the share of the direction that a step takes.
        iterations: Integer, of the conjugate gradients.
    """

    def __init__(self, net, starts, trials, schedule, iterations: int):
        logits = keras.Model(net.inputs, _before_sigmoid(net))
        variables = len(net.trainable_variables)

        def loss_of(outputs, y):
            return (jax.nn.softplus(outputs) - y * outputs).sum(-1).mean()

        def step(state: State, x, y, ids, extra):
            x, y = x[ids], y[ids]
            flat, unravel = ravel_pytree(state.weights)

            def outputs(vector):
                return logits.stateless_call(unravel(vector), [], x)[0]

            made, jvp = jax.linearize(outputs, flat)
            vjp = jax.linear_transpose(jvp, flat)
            curvature = jax.nn.sigmoid(made) * (1 - jax.nn.sigmoid(made)) / len(ids)
            loss, slope = jax.value_and_grad(loss_of)(made, y)
            gradient = vjp(slope)[0]

            def product(vector):
                return vjp(curvature * jvp(vector))[0]

            direction, _ = cg(
                lambda vector: product(vector) + state.damping * vector,
                -gradient,
                x0=DECAY * state.direction,
                tol=TOLERANCE,
                maxiter=iterations,
            )
            promised = gradient @ direction + direction @ product(direction) / 2
            ratio = (loss_of(outputs(flat + direction), y) - loss) / promised
            factor = jnp.where(ratio > TRUSTED, 1 / CHANGE, 1.0)
            factor = jnp.where(ratio < DOUBTED, CHANGE, factor)  # not a number: as it is
            weights = unravel(flat + schedule(state.rate, state.step) * direction)
            damping = state.damping * factor
            return State(weights, direction, damping, state.rate, state.step + 1), loss

        super().__init__(step, lambda state, x: logits.stateless_call(state[0], [], x)[0], False)
        stacked = [jnp.stack(each) for each in zip(*starts, strict=True)]
        size = sum(one[0].size for one in stacked)
        if len(stacked) != variables:
            raise ValueError(f"Each start must have {variables} arrays. Received: {len(stacked)}")
        self.state = State(
            stacked,
            jnp.zeros((len(starts), size)),
            jnp.asarray([one["damping"] for one in trials], "float32"),
            jnp.asarray([one["rate"] for one in trials], "float32"),
            jnp.zeros(len(starts), "int32"),
        )

    def net_weights(self, run: int) -> list:
        """The weights of one run, as `net.get_weights()` gives them."""
        return [keras.ops.convert_to_numpy(one[run]) for one in self.state.weights]


def _before_sigmoid(net):
    """The logits of a net, by the weights of its last layer."""
    last = net.layers[-1]
    return Logits(last)(net.layers[-2].output)


class Logits(keras.layers.Layer):
    """What a Dense layer makes before its activation."""

    def __init__(self, dense: keras.layers.Dense):
        super().__init__()
        self.dense = dense

    def call(self, inputs):
        return keras.ops.matmul(inputs, self.dense.kernel) + self.dense.bias
