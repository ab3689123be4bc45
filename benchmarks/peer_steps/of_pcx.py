"""pcx: `Linear` layers, a `Vode` behind each, its own gradients, optimizers and `scan`.

Its newest release wants JAX before 0.5, so it runs in an environment of its own, on an older XLA.
"""

from importlib.metadata import version

import jax
import numpy as np
import optax
import pcx.functional as pxf
import pcx.nn as pxnn
import pcx.predictive_coding as pxc
import pcx.utils as pxu

from peer_steps.problem import Problem

VERSION = version("pcx")


class Chain(pxc.EnergyModule):
    """Tanh layers and a linear one; the last vode is held at what is to be learned."""

    def __init__(self, problem: Problem):
        super().__init__()
        sizes = zip(problem.sizes, problem.sizes[1:], strict=False)
        self.layers = [pxnn.Linear(below, above) for below, above in sizes]
        self.vodes = [pxc.Vode() for _ in self.layers]
        self.vodes[-1].h.frozen = True
        for layer, (kernel, bias) in zip(self.layers, problem.weights(), strict=True):
            layer.nn.weight.set(jax.numpy.asarray(kernel.T))
            layer.nn.bias.set(jax.numpy.asarray(bias))

    def __call__(self, x, y=None):
        for layer, vode in zip(self.layers[:-1], self.vodes[:-1], strict=True):
            x = vode(jax.nn.tanh(layer(x)))
        self.vodes[-1](self.layers[-1](x))
        if y is not None:
            self.vodes[-1].set("h", y)
        return self.vodes[-1].get("u")


VALUES = pxc.VodeParam | pxc.VodeParam.Cache


@pxf.vmap(pxu.M(VALUES).to((None, 0)), in_axes=(0, 0), out_axes=0)
def forward(x, y, *, model):
    return model(x, y)


@pxf.vmap(pxu.M(VALUES).to((None, 0)), in_axes=(0,), out_axes=None, axis_name="batch")
def energy(x, *, model):
    model(x)
    return jax.lax.psum(model.energy(), "batch")


class Net:
    """A `Chain` and what trains it.

    Args:
        problem: Sizes and rates.
        method: `"pc"`.
    """

    def __init__(self, problem: Problem, method: str):
        self._model, self._problem = Chain(problem), problem
        self._batches = [tuple(map(jax.device_put, pair)) for pair in problem.slices()]
        with pxu.step(self._model, pxc.STATUS.INIT, clear_params=pxc.VodeParam.Cache):
            forward(*self._batches[0], model=self._model)
            free = pxu.M_hasnot(pxc.VodeParam, frozen=True)(self._model)
            self._to_values = pxu.Optim(lambda: optax.sgd(problem.target_rate), free)
        layers = pxu.M(pxnn.LayerParam)(self._model)
        self._to_weights = pxu.Optim(lambda: optax.sgd(problem.weight_rate), layers)
        self._step = pxf.jit()(self._stepped)

    def _stepped(self, x, y, *, model, to_values, to_weights):
        free = pxu.M_hasnot(pxc.VodeParam, frozen=True).to([False, True])
        kinds = {"has_aux": False}
        with pxu.step(model, (pxc.STATUS.INIT, None), clear_params=pxc.VodeParam.Cache):
            forward(x, y, model=model)

        def settle(_, x, *, model, to_values):
            with pxu.step(model, clear_params=pxc.VodeParam.Cache):
                _, found = pxf.value_and_grad(free, **kinds)(energy)(x, model=model)
            to_values.step(model, found["model"])
            return x, None

        pxf.scan(settle, length=self._problem.steps)(x, model=model, to_values=to_values)
        with pxu.step(model, clear_params=pxc.VodeParam.Cache):
            of_layers = pxu.M(pxnn.LayerParam).to([False, True])
            _, found = pxf.value_and_grad(of_layers, **kinds)(energy)(x, model=model)
        to_weights.step(model, found["model"], scale_by=1.0 / len(x))

    def run(self, epochs: int) -> None:
        """Trains, batches in their order."""
        parts = {"model": self._model, "to_values": self._to_values, "to_weights": self._to_weights}
        for _ in range(epochs):
            for batch in self._batches:
                self._step(*batch, **parts)
        jax.block_until_ready([layer.nn.weight.get() for layer in self._model.layers])

    def weights(self) -> list:
        """Each layer's kernel `(inputs, units)` and bias `(units,)`, in turn."""
        found = []
        for layer in self._model.layers:
            found += [layer.nn.weight.get().T, layer.nn.bias.get()]
        return list(map(np.asarray, found))
