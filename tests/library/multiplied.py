"""A tanh chain with an output layer that is not relaxed: in Keras, and as a NumPy reference.

Half a squared error, summed over outputs and averaged over examples, is the task loss; half the
squared mismatch, likewise, times `weight` the hidden loss. Gradients are made by hand.
"""

import keras
import numpy as np
from keras import layers, ops

import raikeras
from raikeras.backend import load_backend
from raikeras.losses import HalfSquaredError
from raikeras.training.step import Step, targets_of

RNG = np.random.default_rng(0)
X = RNG.normal(size=(10, 6)).astype("float32")
Y = RNG.normal(size=(10, 3)).astype("float32")
MEAN = "sum_over_batch_size"


def chain_net(depth=3, units=8, activation="tanh", seed=1):
    keras.utils.set_random_seed(seed)
    hidden = [
        layers.Dense(units, activation, bias_initializer="random_normal") for _ in range(depth)
    ]
    return keras.Sequential([keras.Input((6,)), *hidden, layers.Dense(3)])


def relaxed(net, targets, rate=0.1, compiled=None, **settings):
    hidden = [layer.name for layer in net.layers[:-1]]
    settings = {"relax": hidden, "hidden_loss": HalfSquaredError(MEAN), **settings}
    model = raikeras.RelaxedModel(net, targets=targets, **settings)
    model.compile(keras.optimizers.SGD(rate), HalfSquaredError(MEAN), **(compiled or {}))
    return model


def reference(net, x=X, y=Y, at="pre_activation", weight=1.0, linear=False):
    arrays = [layer.get_weights() for layer in net.layers]
    kernels, biases = ([np.array(one[k], "float64") for one in arrays] for k in (0, 1))
    x, y = x.astype("float64"), y.astype("float64")
    return Chain(kernels, biases, x, y, at == "pre_activation", weight, linear)


def weight_gradients(model, x=X, y=Y):
    """Gradient of the objective by the net's kernels, and the layers' mismatches."""

    def gradients(model, x, y):
        step = Step(model, (x, y, None))
        step.targets = targets_of(step, model.target_rule.set(step))
        found = step.weight_gradients(step.targets, moved=False)
        return found, step.mismatches(step.targets.values)

    run = load_backend().without_trace(model, gradients)
    found, left = run(ops.convert_to_tensor(x), ops.convert_to_tensor(y))
    kernels = {id(layer.kernel): place for place, layer in enumerate(model.net.layers)}
    by_kernel = [None] * len(kernels)
    for weight, gradient in zip(model.trainable_variables, found, strict=True):
        if id(weight) in kernels:
            by_kernel[kernels[id(weight)]] = ops.convert_to_numpy(gradient)
    return by_kernel, [ops.convert_to_numpy(one) for one in left]


def close(found, wanted, **tolerance):
    for one, other in zip(found, wanted, strict=True):
        np.testing.assert_allclose(one, other, **(tolerance or {"rtol": 2e-4, "atol": 2e-6}))


class Chain:
    """The chain at given weights and data.

    Args:
        kernels, biases: Lists, one for each layer, the output's last.
        x, y: Arrays `(n, inputs)`, `(n, outputs)`.
        before: Whether targets stand before the activation.
        weight: The hidden weight.
        linear: Whether there is no activation.
    """

    def __init__(self, kernels, biases, x, y, before=True, weight=1.0, linear=False):
        self.kernels, self.biases, self.x, self.y = kernels, biases, x, y
        self.before, self.weight, self.linear = before, weight, linear

    def act(self, value):
        return value if self.linear else np.tanh(value)

    def slope(self, output):
        return np.ones_like(output) if self.linear else 1 - output**2

    def inputs(self, targets):
        return [self.x, *(self.act(one) if self.before else one for one in targets)]

    def own(self, targets):
        """The layers' own values where the targets stand, and the net's output."""
        values = [
            a @ kernel + bias
            for a, kernel, bias in zip(self.inputs(targets), self.kernels, self.biases, strict=True)
        ]
        hidden = values[:-1] if self.before else [self.act(value) for value in values[:-1]]
        return hidden, values[-1]

    def forward(self, errors=None):
        """The values at the cuts with errors added there."""
        targets, handed = [], self.x
        for t, (kernel, bias) in enumerate(zip(self.kernels[:-1], self.biases[:-1], strict=True)):
            value = handed @ kernel + bias
            value = value if self.before else self.act(value)
            targets.append(value + (0 if errors is None else errors[t]))
            handed = self.act(targets[-1]) if self.before else targets[-1]
        return targets

    def mismatches(self, targets):
        return [target - own for target, own in zip(targets, self.own(targets)[0], strict=True)]

    def objective(self, targets, multipliers):
        hidden, output = self.own(targets)
        parts = zip(targets, multipliers, hidden, strict=True)
        total = sum(np.sum((z + u - own) ** 2) for z, u, own in parts)
        return (np.sum((output - self.y) ** 2) + self.weight * total) / 2 / len(self.x)

    def gradients(self, targets, multipliers):
        """By kernels, by biases, and by targets in units of the hidden loss' curvature."""
        inputs, (hidden, output) = self.inputs(targets), self.own(targets)
        # What each layer's pre-activation is told, over the hidden weight.
        told = []
        for target, multiplier, own in zip(targets, multipliers, hidden, strict=True):
            error = -(target + multiplier - own)
            told.append(error if self.before else error * self.slope(own))
        told.append((output - self.y) / self.weight)
        by_target = []
        for t, (target, multiplier) in enumerate(zip(targets, multipliers, strict=True)):
            passed = told[t + 1] @ self.kernels[t + 1].T
            if self.before:
                passed = passed * self.slope(inputs[t + 1])
            by_target.append(target + multiplier - hidden[t] + passed)
        scale = self.weight / len(self.x)
        by_kernel = [scale * a.T @ one for a, one in zip(inputs, told, strict=True)]
        return by_kernel, [scale * one.sum(axis=0) for one in told], by_target

    def backprop(self):
        """The task loss' gradient by kernels, by biases and by what stands at the cuts."""
        targets = self.forward()
        inputs, (_, output) = self.inputs(targets), self.own(targets)
        told, by_value = [(output - self.y) / len(self.x)], []
        for t in reversed(range(len(targets))):
            passed = told[0] @ self.kernels[t + 1].T
            slope = self.slope(inputs[t + 1])
            by_value.insert(0, passed * slope if self.before else passed)
            told.insert(0, passed * slope)
        by_kernel = [a.T @ one for a, one in zip(inputs, told, strict=True)]
        return by_kernel, [one.sum(axis=0) for one in told], by_value


def inferred(chain, steps, step_size, rate, leak=0.0):
    """Targets and multipliers of `Inferred`: the latter have not seen the last mismatches."""
    targets = chain.forward()
    multipliers = [np.zeros_like(one) for one in targets]
    for _ in range(steps):
        left = chain.mismatches(targets)
        multipliers = [(1 - leak) * u + rate * r for u, r in zip(multipliers, left, strict=True)]
        slopes = chain.gradients(targets, multipliers)[2]
        targets = [z - step_size * slope for z, slope in zip(targets, slopes, strict=True)]
    return targets, multipliers
