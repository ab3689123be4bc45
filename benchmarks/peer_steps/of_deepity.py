"""Deepity: `SimplePCN`, its C++ engine on the CPU, no energies computed.

Its cells hold values before their activation, so the targets stand at the pre-activations: an
activation there belongs to the layer behind it. Its last move of the targets comes after the
mismatches that its weights follow: so it is asked for a step more.
"""

import os
from importlib.metadata import version

import numpy as np

# Read when its OpenMP is loaded. By default its threads spin while they wait: that slows whatever
# takes the next turn, and on a busy machine itself many times over.
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")

from deepity import Linear, SimplePCN, TanH  # noqa: E402

from peer_steps.problem import Problem  # noqa: E402

VERSION = version("pydeepity")


class Net:
    """A chain with the problem's weights.

    Args:
        problem: Sizes and rates.
        method: `"pc"`.
    """

    def __init__(self, problem: Problem, method: str):
        parts = [Linear(problem.units, problem.units)]
        for size in problem.sizes[2:]:
            parts += [Linear(problem.units, size), TanH()]
        self._net, self._steps = SimplePCN(*parts, batch_size=problem.batch), problem.steps + 1
        self._net.configure(problem.weight_rate, problem.target_rate, lmbda=0.0, seed=0)
        self._layers = self._net.layers[:-1]
        for layer, (kernel, bias) in zip(self._layers, problem.weights(), strict=True):
            layer.set_weights(np.ascontiguousarray(kernel.T))
            layer.set_biases(bias)
        self._batches = [(x.ravel(), y.ravel()) for x, y in problem.slices()]

    def run(self, epochs: int) -> None:
        """Trains, batches in their order."""
        for _ in range(epochs):
            for x, y in self._batches:
                self._net.train_step_with_projection(x, y, self._steps, False)

    def weights(self) -> list:
        """Each layer's kernel `(inputs, units)` and bias `(units,)`, in turn."""
        found = []
        for layer in self._layers:
            found += [np.array(layer.weights).T, np.array(layer.biases)]
        return found
