"""raikeras, and Keras' own backprop on the same net, both through `fit` on JAX."""

import sys

import keras
from contenders import CALLS_A_LAYER, OTHER_CALLS

import raikeras
from peer_steps.problem import Problem

VERSION = raikeras.__version__

RULES = {"fused": True, "layer by layer": False}  # whether equal layers train as one tensor


class Net:
    """A Keras net with the problem's weights.

    Args:
        problem: Sizes and rates.
        method: `"backprop"`, `"fused"` or `"layer by layer"`; with `", pre-activation"` the targets
            stand before the tanh.
    """

    def __init__(self, problem: Problem, method: str):
        needed = CALLS_A_LAYER * problem.depth + OTHER_CALLS
        sys.setrecursionlimit(max(sys.getrecursionlimit(), needed))
        layers = keras.layers
        hidden = [layers.Dense(problem.units, "tanh") for _ in range(problem.depth)]
        inputs = keras.Input((problem.units,))
        self._net = keras.Sequential([inputs, *hidden, layers.Dense(1)])
        for layer, pair in zip(self._net.layers, problem.weights(), strict=True):
            layer.set_weights(pair)
        self._model, self._problem = self._net, problem
        # Averaged over examples, so that the weights' rate means the same as in other packages.
        loss = raikeras.losses.HalfSquaredError("sum_over_batch_size")
        rule, _, before = method.partition(", ")
        if rule != "backprop":
            self._model = raikeras.RelaxedModel(
                self._net,
                relax=[layer.name for layer in hidden],
                at="pre_activation" if before else "post_activation",
                hidden_loss=loss,
                targets=raikeras.Inferred(problem.steps, problem.target_rate),
                deployed_every=0,
                fuse=RULES[rule],
            )
        self._model.compile(keras.optimizers.SGD(problem.weight_rate), loss)
        self._data = problem.data()

    def run(self, epochs: int) -> None:
        """Trains, batches in their order, no output."""
        self._model.fit(
            *self._data,
            batch_size=self._problem.batch,
            epochs=epochs,
            shuffle=False,
            verbose=0,
        )

    def weights(self) -> list:
        """Each layer's kernel `(inputs, units)` and bias `(units,)`, in turn."""
        return self._net.get_weights()
