"""FabricPC: `Linear` nodes of Gaussian energy, `InferenceSGD`, the step of `make_train_step`.

It has its own backprop of the same graph. Batches are on the device beforehand, which Keras'
`fit` does not get.
"""

from importlib.metadata import version

import fabricpc
import jax
import numpy as np
import optax
from fabricpc.core.activations import IdentityActivation, TanhActivation
from fabricpc.core.inference import InferenceSGD
from fabricpc.core.topology import Edge
from fabricpc.graph_assembly import TaskMap, graph
from fabricpc.graph_initialization import initialize_params
from fabricpc.nodes import Linear
from fabricpc.training import make_train_step

from peer_steps.problem import Problem

VERSION = version("fabricpc")

fabricpc.setup_jax()


class Net:
    """A chain of nodes with the problem's weights.

    Args:
        problem: Sizes and rates.
        method: `"pc"` or `"backprop"`.
    """

    def __init__(self, problem: Problem, method: str):
        last = problem.depth + 1
        acts = [IdentityActivation(), *[TanhActivation()] * problem.depth, IdentityActivation()]
        nodes = [
            Linear(shape=(size,), name=f"n{at}", activation=act)
            for at, (size, act) in enumerate(zip(problem.sizes, acts, strict=True))
        ]
        structure = graph(
            nodes=nodes,
            edges=[
                Edge(source=below, target=above.slot("in"))
                for below, above in zip(nodes, nodes[1:], strict=False)
            ],
            task_map=TaskMap(x=nodes[0], y=nodes[last]),
            inference=InferenceSGD(eta_infer=problem.target_rate, infer_steps=problem.steps),
        )
        self._key = jax.random.PRNGKey(0)
        self._names = [node.name for node in nodes[1:]]
        params = initialize_params(structure, self._key)
        for name, (kernel, bias) in zip(self._names, problem.weights(), strict=True):
            own = params.nodes[name]
            (edge,) = own.weights
            own.weights[edge] = jax.numpy.asarray(kernel)
            own.biases["b"] = jax.numpy.asarray(bias.reshape(own.biases["b"].shape))
        optimizer = optax.sgd(problem.weight_rate)
        self._state = params, optimizer.init(params)
        self._step = make_train_step(structure, optimizer, algorithm=method)
        self._batches = [dict(zip("xy", map(jax.device_put, b), strict=True))
                         for b in problem.slices()]  # fmt: skip

    def run(self, epochs: int) -> None:
        """Trains, batches in their order."""
        for _ in range(epochs):
            for batch in self._batches:
                *self._state, _, _ = self._step(*self._state, batch, self._key)
        jax.block_until_ready(self._state)

    def weights(self) -> list:
        """Each layer's kernel `(inputs, units)` and bias `(units,)`, in turn."""
        found = []
        for name in self._names:
            own = self._state[0].nodes[name]
            found += [*own.weights.values(), own.biases["b"][0]]
        return list(map(np.asarray, found))
