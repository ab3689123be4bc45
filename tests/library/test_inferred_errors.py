"""`InferredErrors` against a NumPy loop, backpropagation and `Inferred`'s minimum."""

import numpy as np
import pytest
from multiplied import MEAN, X, Y, chain_net, close, reference, relaxed, weight_gradients

import raikeras
from raikeras.losses import HalfSquaredError
from raikeras.rows.layout import by_cut


@pytest.mark.parametrize("at", ["pre_activation", "post_activation"])
def test_errors_are_those_of_a_numpy_loop(at):
    net, weight = chain_net(), 2.0
    own = reference(net, at=at, weight=weight)
    errors = [np.zeros_like(one) for one in own.forward()]
    for _ in range(4):
        by_error = _task_gradient(own, errors)
        errors = [
            error - 0.3 * (error + len(X) / weight * slope)
            for error, slope in zip(errors, by_error, strict=True)
        ]
    targets = own.forward(errors)
    still = [np.zeros_like(one) for one in targets]
    model = relaxed(net, raikeras.InferredErrors(4, 0.3), at=at, hidden_weight=weight)
    found, left = weight_gradients(model)
    close(found, own.gradients(targets, still)[0], rtol=1e-3, atol=1e-5)
    close(
        by_cut(model.relaxed.network.groups, left),
        errors,
        rtol=1e-3,
        atol=1e-5,
    )


def _task_gradient(own, errors):
    """By finite differences, of the forward pass with errors added."""

    def task():
        output = own.own(own.forward(errors))[1]
        return np.sum((output - own.y) ** 2) / 2 / len(own.x)

    found = []
    for error in errors:
        gradient = np.zeros_like(error)
        for place in np.ndindex(error.shape):
            ends = []
            for move in (1e-5, -2e-5):
                error[place] += move
                ends.append(task())
            error[place] += 1e-5
            gradient[place] = (ends[0] - ends[1]) / 2e-5
        found.append(gradient)
    return found


def test_one_step_from_zero_is_backprop_at_the_step_size():
    net, step_size = chain_net(), 3e-4
    found, _ = weight_gradients(relaxed(net, raikeras.InferredErrors(1, step_size)))
    wanted = reference(net).backprop()[0]
    # All but for what the values have moved, and for mismatches known to 1e-7 of a value.
    close([one / step_size for one in found[:-1]], wanted[:-1], rtol=2e-2, atol=1e-3)
    close(found[-1:], wanted[-1:], rtol=2e-2, atol=3e-3)


def test_errors_end_where_targets_with_the_same_penalty_do():
    settings = {"hidden_loss": HalfSquaredError(MEAN), "hidden_weight": 2.0}
    errors, _ = weight_gradients(relaxed(chain_net(), raikeras.InferredErrors(60, 0.3), **settings))
    penalty = raikeras.Inferred(600, multiplier_rate=0.0)
    targets, _ = weight_gradients(relaxed(chain_net(), penalty, **settings))
    close(errors, targets, rtol=1e-3, atol=1e-5)


@pytest.mark.parametrize("fuse", [True, False])
def test_errors_train(fuse):
    net = chain_net(depth=4)
    model = relaxed(net, raikeras.InferredErrors(5, 0.1), rate=0.3, fuse=fuse)
    history = model.fit(X, Y, batch_size=5, epochs=60, verbose=0).history["deployed_loss"]
    assert history[-1] < 0.6 * history[0]
