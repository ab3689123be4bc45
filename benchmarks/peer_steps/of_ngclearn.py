"""ngc-learn: rate cells, Gaussian error cells and Hebbian synapses.

Its cells hold values before their activation, so the targets stand at the pre-activations. They
start from a forward pass in plain products, which costs less than the second net that its examples
project with, and a training step is one jitted function of its compiled processes.
"""

import contextlib
import logging
import os
from importlib.metadata import version

import jax
import numpy as np
from jax import numpy as jnp

with contextlib.redirect_stdout(open(os.devnull, "w")):  # it warns that it has no settings file
    from ngclearn import Context, MethodProcess
from ngclearn.components import DenseSynapse, GaussianErrorCell, HebbianSynapse, RateCell
from ngcsimlib.global_state import stateManager

from peer_steps.problem import Problem

VERSION = version("ngclearn")

logging.disable(logging.WARNING)


class Net:
    """A chain of cells with the problem's weights.

    Args:
        problem: Sizes and rates.
        method: `"pc"`.
    """

    def __init__(self, problem: Problem, method: str):
        depth, batch = problem.depth, problem.batch
        self._problem = problem
        pairs, zeros = problem.weights(), jnp.zeros
        given = {"weight_init": lambda shape, key: zeros(shape), "batch_size": batch}
        rates = {"eta": problem.weight_rate / batch, "sign_value": -1.0, "w_bound": 0.0}
        tau = 1 / problem.target_rate
        with Context("peer"):
            self.below = [
                HebbianSynapse(f"W{at}", kernel.shape, bias_init=lambda shape, key: zeros(shape),
                               **rates, **given)
                for at, (kernel, _) in enumerate(pairs)
            ]  # fmt: skip
            # Hand the errors back, by the transposed kernels of the layers above the first.
            self.back = [
                DenseSynapse(f"E{at}", pairs[at][0].T.shape, **given) for at in range(1, depth + 1)
            ]
            sizes = problem.sizes[1:]
            self.cells = [
                RateCell(f"z{at}", size, tau_m=tau, act_fx="tanh", batch_size=batch)
                for at, size in enumerate(sizes[:-1])
            ]
            self.errors = [
                GaussianErrorCell(f"e{at}", size, batch_size=batch) for at, size in enumerate(sizes)
            ]
            for at, (synapse, error) in enumerate(zip(self.below, self.errors, strict=True)):
                if at:
                    self.cells[at - 1].zF >> synapse.inputs
                    self.cells[at - 1].zF >> synapse.pre
                synapse.outputs >> error.mu
                error.dmu >> synapse.post
            for at, (cell, synapse) in enumerate(zip(self.cells, self.back, strict=True)):
                cell.z >> self.errors[at].target
                self.errors[at].dtarget >> cell.j_td
                self.errors[at + 1].dmu >> synapse.inputs
                synapse.outputs >> cell.j
            see = MethodProcess("see", use_jit=False)
            for part in (*self.below, *self.errors):
                see >> part.advance_state
            settle = MethodProcess("settle", use_jit=False)
            for part in (*self.back, *self.cells, *self.below, *self.errors):
                settle >> part.advance_state
            learn = MethodProcess("learn", use_jit=False)
            for part in self.below:
                learn >> part.evolve
        for synapse, (kernel, bias) in zip(self.below, pairs, strict=True):
            synapse.weights.set(jnp.asarray(kernel))
            synapse.biases.set(jnp.asarray(bias)[None])
        self._step = jax.jit(self._stepping(see, settle, learn))
        self._state = dict(stateManager.state)
        self._batches = [tuple(map(jax.device_put, pair)) for pair in problem.slices()]

    def _stepping(self, see, settle, learn):
        """The training step: of all compartments and a batch, the compartments behind it."""
        go, settled, learned = (one.run.compiled for one in (see, settle, learn))
        times = {name: one.pack_keywords(**{key: 1.0 for key in one.get_keywords()})
                 for name, one in (("see", see), ("settle", settle), ("learn", learn))}  # fmt: skip
        first, last = self.below[0], self.errors[-1]

        def step(state, x, y):
            state = {**state, first.inputs.root: x, first.pre.root: x, last.target.root: y}
            h = x
            for cell, synapse in zip(self.cells, self.below, strict=False):
                z = h @ state[synapse.weights.root] + state[synapse.biases.root]
                h = jnp.tanh(z)
                state |= {cell.z.root: z, cell.zF.root: h}
            for synapse, above in zip(self.back, self.below[1:], strict=True):
                state[synapse.weights.root] = state[above.weights.root].T
            state, _ = go(state, times["see"])
            state = jax.lax.fori_loop(
                0, self._problem.steps, lambda _, now: settled(now, times["settle"])[0], state
            )
            return learned(state, times["learn"])[0]

        return step

    def run(self, epochs: int) -> None:
        """Trains, batches in their order."""
        for _ in range(epochs):
            for batch in self._batches:
                self._state = self._step(self._state, *batch)
        jax.block_until_ready(self._state)

    def weights(self) -> list:
        """Each layer's kernel `(inputs, units)` and bias `(units,)`, in turn."""
        found = []
        for synapse in self.below:
            found += [self._state[synapse.weights.root], self._state[synapse.biases.root][0]]
        return list(map(np.asarray, found))
