"""Targets with multipliers, against a NumPy loop, closed forms of linear nets and backprop."""

import keras
import multiplied
import numpy as np
import pytest
from keras import layers, ops
from multiplied import MEAN, X, Y, chain_net, close, reference, relaxed, weight_gradients

import raikeras
from raikeras.losses import HalfSquaredError
from raikeras.rows.layout import by_cut
from raikeras.training.step import Step, targets_of


def rows(model, ids):
    """Targets and multipliers of some examples, in the order of the cuts."""
    kept = model.store.groups
    names = "targets", "slot/multiplier"
    return [
        by_cut(kept, [model.store.read(f"{name}/{k}", ids) for k in range(len(kept))])
        for name in names
    ]


def test_one_step_of_a_scalar_chain_by_hand():
    # z = 1/2 x = 1, output 2 z = 2, y = 5: the target moves by .4 * 2 * (5 - 2) = 2.4, what is left
    # of the mismatch is 2.4, a tenth of which is the multiplier; the weights see z = 3.4, u = 0.
    net = keras.Sequential(
        [keras.Input((1,)), layers.Dense(1, use_bias=False), layers.Dense(1, use_bias=False)]
    )
    net.set_weights([np.array([[0.5]]), np.array([[2.0]])])
    model = relaxed(net, raikeras.Learned(multiplier_rate=0.1), rate=0.01)
    model.fit(np.array([[2.0]]), np.array([[5.0]]), batch_size=1, verbose=0)
    (target,), (multiplier,) = rows(model, [0])
    close([target, multiplier], [[[3.4]], [[0.24]]], rtol=1e-6)
    # By the first kernel: -(z + u - 1) x = -4.8; by the second: (6.8 - 5) z = 6.12.
    close(net.get_weights(), [[[0.5 + 0.048]], [[2 - 0.0612]]], rtol=1e-6)


@pytest.mark.parametrize("at", ["pre_activation", "post_activation"])
@pytest.mark.parametrize(
    "steps, leak, refresh, weight", [(1, 0.0, None, 1.0), (3, 0.1, None, 1.0), (2, 0.0, 2, 5.0)]
)
def test_rows_with_multipliers_are_those_of_a_numpy_loop(at, steps, leak, refresh, weight):
    net = chain_net()
    rule = raikeras.Learned(
        refresh_every=refresh, multiplier_rate=0.2, multiplier_leak=leak, steps=steps
    )
    model = relaxed(net, rule, at=at, hidden_weight=weight)
    own = reference(net, at=at, weight=weight)
    for epoch in range(5):
        if epoch == 0 or (refresh and epoch % refresh == 0):
            targets = own.forward()
            multipliers = [np.zeros_like(one) for one in targets]
        for _ in range(steps):
            slopes = own.gradients(targets, multipliers)[2]
            targets = [z - 0.4 * slope for z, slope in zip(targets, slopes, strict=True)]
        by_kernel, by_bias, _ = own.gradients(targets, multipliers)
        left = own.mismatches(targets)
        multipliers = [(1 - leak) * u + 0.2 * r for u, r in zip(multipliers, left, strict=True)]
        own.kernels = [k - 0.1 * g for k, g in zip(own.kernels, by_kernel, strict=True)]
        own.biases = [b - 0.1 * g for b, g in zip(own.biases, by_bias, strict=True)]
    model.fit(X, Y, batch_size=len(X), epochs=5, verbose=0)
    found = rows(model, np.arange(len(X)))
    close(found[0] + found[1], targets + multipliers)
    trained = reference(net)
    close(trained.kernels + trained.biases, own.kernels + own.biases)


@pytest.mark.parametrize("at", ["pre_activation", "post_activation"])
@pytest.mark.parametrize("rate, leak, weight", [(1.0, 0.0, 1.0), (0.925, 0.01, 10.0)])
def test_inferred_multipliers_are_those_of_a_numpy_loop(at, rate, leak, weight):
    net = chain_net()
    rule = raikeras.Inferred(7, multiplier_rate=rate, multiplier_leak=leak)
    model = relaxed(net, rule, at=at, hidden_weight=weight)
    own = reference(net, at=at, weight=weight)
    by_kernel, by_bias, _ = own.gradients(*multiplied.inferred(own, 7, 0.25, rate, leak))
    model.fit(X, Y, batch_size=len(X), verbose=0)
    trained = reference(net)
    close(trained.kernels, [k - 0.1 * g for k, g in zip(own.kernels, by_kernel, strict=True)])
    close(trained.biases, [b - 0.1 * g for b, g in zip(own.biases, by_bias, strict=True)])


def test_gradients_of_the_reference_are_finite_differences():
    net = chain_net()
    for at in ("pre_activation", "post_activation"):
        own = reference(net, at=at, weight=3.0)
        targets = [one + np.random.default_rng(3).normal(size=one.shape) for one in own.forward()]
        multipliers = [np.random.default_rng(3).normal(size=one.shape) for one in targets]
        by_kernel, _, by_target = own.gradients(targets, multipliers)
        for arrays, found in ((own.kernels, by_kernel), (targets, by_target)):
            for array, gradient in zip(arrays, found, strict=False):
                ends = []
                for move in (1e-6, -2e-6):
                    array[2, 1] += move
                    ends.append(own.objective(targets, multipliers))
                array[2, 1] += 1e-6
                unit = 1 if arrays is own.kernels else 3.0 / len(X)
                np.testing.assert_allclose(
                    (ends[0] - ends[1]) / 2e-6, unit * gradient[2, 1], rtol=1e-5, atol=1e-9
                )


@pytest.mark.parametrize("activation", [None, "tanh"])
def test_where_multipliers_settle_the_gradient_is_backprops(activation):
    net = chain_net(activation=activation)
    linear = activation is None
    for at in ("pre_activation", "post_activation"):
        rule = raikeras.Inferred(2000, multiplier_rate=0.3)
        found, left = weight_gradients(relaxed(net, rule, at=at, hidden_weight=5.0))
        close(found, reference(net, at=at, linear=linear).backprop()[0], rtol=2e-3, atol=1e-4)
        assert max(np.abs(one).max() for one in left) < 1e-5


def test_where_the_penalty_of_a_linear_net_settles_its_gradient_is_not_backprops():
    # With P_t what follows cut t, out = y_0 + sum e_t P_t. At the minimum e_t is -(out - y) P_t'
    # over the weight: out - y = (y_0 - y) S^-1, S = I + sum P_t' P_t / weight (arXiv 2408.11979).
    net, weight = chain_net(activation=None), 2.0
    model = relaxed(net, raikeras.Inferred(400, 0.2, multiplier_rate=0.0), hidden_weight=weight)
    own = reference(net, weight=weight, linear=True)
    paths = [own.kernels[-1]]
    for kernel in own.kernels[-2:0:-1]:
        paths.insert(0, kernel @ paths[0])
    spread = np.eye(3) + sum(path.T @ path for path in paths) / weight
    missing = np.linalg.solve(spread, (own.own(own.forward())[1] - own.y).T).T
    errors = [-missing @ path.T / weight for path in paths]
    inputs = [own.x, *own.forward(errors)]
    told = [-weight * one for one in errors] + [missing]
    wanted = [a.T @ one / len(X) for a, one in zip(inputs, told, strict=True)]
    found, _ = weight_gradients(model)
    close(found, wanted, rtol=1e-3, atol=1e-5)
    assert _cosine(found[0], own.backprop()[0][0]) < 0.99


def _cosine(one, other):
    one, other = np.ravel(one), np.ravel(other)
    return one @ other / np.linalg.norm(one) / np.linalg.norm(other)


def test_a_deep_chain_has_backprops_direction_where_the_penalty_has_none():
    keras.utils.set_random_seed(0)
    hidden = [layers.Dense(32, "tanh", kernel_initializer="orthogonal") for _ in range(32)]
    net = keras.Sequential([keras.Input((6,)), *hidden, layers.Dense(3)])
    wanted = reference(net, at="post_activation").backprop()[0]
    settings = {"at": "post_activation", "hidden_weight": 10.0, "fuse": False}
    rule = raikeras.Inferred(128, multiplier_rate=0.925, multiplier_leak=0.01)
    found, _ = weight_gradients(relaxed(net, rule, **settings))
    assert min(map(_cosine, found[:-1], wanted[:-1])) > 0.95
    found, _ = weight_gradients(relaxed(net, raikeras.Inferred(64, 0.025), **settings))
    assert not found[0].any()


@pytest.mark.parametrize("reduction", ["sum", MEAN])
def test_the_targets_rate_does_not_depend_on_how_the_hidden_loss_is_put_together(reduction):
    def trained(hidden_loss, weight, loss):
        net = chain_net()
        model = relaxed(
            net,
            raikeras.Learned(multiplier_rate=0.1),
            0.0,
            hidden_loss=hidden_loss,
            hidden_weight=weight,
        )
        model.compile(keras.optimizers.SGD(0.0), loss)
        model.fit(X, Y, batch_size=5, epochs=3, verbose=0, shuffle=False)
        return sum(rows(model, np.arange(10)), [])

    wanted = trained(HalfSquaredError(MEAN), 1.0, HalfSquaredError(MEAN))
    squares = keras.losses.MeanSquaredError(reduction=reduction)
    close(trained(squares, 4.0, HalfSquaredError(reduction)), wanted)


def test_an_example_several_times_in_a_batch_is_as_once():
    def trained(ids):
        net = chain_net()
        model = relaxed(net, raikeras.Learned(10, multiplier_rate=0.1, steps=2))
        ids = np.array(ids, "int32")
        for _ in range(3):
            model.fit({"inputs": X[ids], "example_id": ids}, Y[ids], batch_size=len(ids), verbose=0)
        return sum(rows(model, [0, 1]), net.get_weights())

    close(trained([0, 1, 0, 1]), trained([0, 1]))


def test_copies_of_weight_zero_are_as_none():
    def trained(ids, weights):
        net = chain_net()
        model = relaxed(net, raikeras.Learned(10, multiplier_rate=0.1), 0.0)
        model.compile(keras.optimizers.SGD(0.0), HalfSquaredError("sum"))
        ids, weights = np.array(ids, "int32"), np.array(weights, "float32")
        data = {"inputs": X[ids], "example_id": ids}
        for _ in range(3):
            model.fit(data, Y[ids], sample_weight=weights, batch_size=len(ids), verbose=0)
        return sum(rows(model, [0, 1]), [])

    # The hidden loss is a mean over examples, so it counts the copies: three in place of two.
    once, padded = trained([0, 1, 2], [1, 1, 0]), trained([0, 1, 1], [1, 1, 0])
    close(padded, once)


@pytest.mark.parametrize("make", ["learned", "inferred", "errors"])
def test_a_batch_without_weight_moves_nothing(make):
    rule = {
        "learned": raikeras.Learned(multiplier_rate=0.1),
        "inferred": raikeras.Inferred(3, multiplier_rate=0.5),
        "errors": raikeras.InferredErrors(3),
    }[make]
    net = chain_net()
    before = net.get_weights()
    model = relaxed(net, rule, hidden_loss=HalfSquaredError("mean_with_sample_weight"))
    model.fit(X, Y, sample_weight=np.zeros(10), batch_size=5, verbose=0)
    close(net.get_weights(), before, rtol=0)


def test_layers_that_the_task_has_not_reached_do_not_train_on_rounding():
    keras.utils.set_random_seed(0)
    inputs = keras.Input((6,))
    value = layers.Rescaling(0.3)(layers.Dense(8)(inputs))
    for _ in range(6):
        branch = layers.Dense(8)(layers.Activation("tanh")(value))
        value = layers.Add()([value, layers.Rescaling(0.3)(branch)])
    net = keras.Model(inputs, layers.Dense(3)(value))
    before = net.get_weights()
    model = raikeras.RelaxedModel(
        net,
        targets=raikeras.Learned(multiplier_rate=0.1),
        relax=layers.Add,
        hidden_loss=HalfSquaredError(MEAN),
    )
    model.compile(raikeras.optimizers.Rprop(0.01), "mse")
    model.fit(X, Y, batch_size=10, verbose=0)
    moved = [np.abs(a - b).max() for a, b in zip(before, net.get_weights(), strict=True)]
    assert moved[-4] > 0 and moved[-2] > 0
    assert not any(moved[:-4])


@pytest.mark.parametrize("kind", ["host", "file", "unfused", "eager"])
def test_multipliers_are_the_same_wherever_rows_are_kept_and_however_layers_train(kind, tmp_path):
    def trained(storage="device", eager=False, **settings):
        net = chain_net(depth=5, units=6)
        rule = raikeras.Learned(multiplier_rate=0.1, multiplier_leak=0.02, storage=storage, steps=2)
        model = relaxed(net, rule, **settings)
        model.run_eagerly = eager
        if storage != "device":
            model.jit_compile = False
        model.fit(X, Y, batch_size=4, epochs=3, verbose=0, shuffle=False)
        return sum(rows(model, np.arange(10)), net.get_weights())

    changed = {
        "host": {"storage": "host"},
        "file": {"storage": str(tmp_path / "rows.bin")},
        "unfused": {"fuse": False},
        "eager": {"eager": True},
    }[kind]
    close(trained(**changed), trained(), rtol=1e-4, atol=1e-6)


def test_rows_and_multipliers_that_are_not_in_a_batch_do_not_move():
    model = relaxed(chain_net(), raikeras.Learned(10, multiplier_rate=0.1))
    model.fit(X, Y, batch_size=10, epochs=2, verbose=0)
    before = rows(model, np.arange(3, 10))
    ids = np.arange(3, dtype="int32")
    model.fit({"inputs": X[:3], "example_id": ids}, Y[:3], verbose=0)
    close(sum(rows(model, np.arange(3, 10)), []), sum(before, []), rtol=0)


def test_training_that_is_interrupted_goes_on_with_its_multipliers(tmp_path):
    def made():
        return relaxed(chain_net(), raikeras.Learned(multiplier_rate=0.1))

    whole = made()
    whole.fit(X, Y, batch_size=5, epochs=4, verbose=0, shuffle=False)

    class Interrupt(keras.callbacks.Callback):
        def on_epoch_end(self, epoch, logs=None):
            if epoch == 1:
                raise KeyboardInterrupt

    settings = {"batch_size": 5, "epochs": 4, "verbose": 0, "shuffle": False}
    backup = raikeras.callbacks.Backup(tmp_path / "backup", save_freq=0)
    with pytest.raises(KeyboardInterrupt):
        made().fit(X, Y, callbacks=[backup, Interrupt()], **settings)
    model = made()
    backup = raikeras.callbacks.Backup(tmp_path / "backup", save_freq=0)
    model.fit(X, Y, callbacks=[backup], **settings)
    wanted = sum(rows(whole, np.arange(10)), whole.net.get_weights())
    close(sum(rows(model, np.arange(10)), model.net.get_weights()), wanted, rtol=1e-6, atol=1e-7)


def test_layers_that_no_target_reaches_follow_the_whole_objective():
    # Two chains of equal layers side by side, fed by a layer without a target.
    def built():
        keras.utils.set_random_seed(2)
        inputs = keras.Input((6,))
        first = layers.Dense(5, name="outside")(inputs)
        sides = []
        for side in "ab":
            value = first
            for number in range(3):
                value = layers.Dense(5, "tanh", name=f"{side}{number}")(value)
            sides.append(value)
        return keras.Model(inputs, layers.Dense(3, name="out")(layers.Add()(sides)))

    def gradient(fuse):
        net = built()
        model = raikeras.RelaxedModel(
            net,
            targets=raikeras.Inferred(6, multiplier_rate=0.5),
            relax=[f"{side}{number}" for side in "ab" for number in range(3)],
            hidden_loss=HalfSquaredError(MEAN),
            fuse=fuse,
        )
        model.compile(keras.optimizers.SGD(1.0), HalfSquaredError(MEAN))
        kernel = net.get_layer("outside").kernel
        before = ops.convert_to_numpy(kernel)
        step = Step(model, (ops.convert_to_tensor(X), ops.convert_to_tensor(Y), None))
        targets = targets_of(step, model.target_rule.set(step))
        ends = []
        for move in (1e-2, -1e-2):
            shifted = before.copy()
            shifted[1, 2] += move
            kernel.assign(shifted)
            found = step.objective(targets.values, multipliers=targets.multipliers)
            ends.append(float(ops.stop_gradient(found)))
        kernel.assign(before)
        model.fit(X, Y, batch_size=len(X), verbose=0)
        moved = before - ops.convert_to_numpy(kernel)
        return (ends[0] - ends[1]) / 2e-2, moved

    apart, moved = gradient(fuse=False)
    np.testing.assert_allclose(moved[1, 2], apart, rtol=1e-2, atol=1e-5)
    close([gradient(fuse=True)[1]], [moved], rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize(
    "make, words",
    [
        (lambda: raikeras.Learned(multiplier_rate=-0.1), "`multiplier_rate` must be a float of 0"),
        (lambda: raikeras.Inferred(multiplier_rate=True), "`multiplier_rate` must be a float of 0"),
        (lambda: raikeras.Learned(multiplier_leak=0.1), "which `multiplier_rate` asks for"),
        (lambda: raikeras.Inferred(multiplier_rate=0.1, multiplier_leak=1.0), "below 1"),
        (lambda: raikeras.Learned(steps=2), "give a `multiplier_rate`"),
        (lambda: raikeras.Learned(optimizer="adam", multiplier_rate=0.1), "must follow SGD"),
        (lambda: raikeras.Inferred(optimizer="rmsprop", multiplier_rate=0.1), "must follow SGD"),
        (
            lambda: relaxed(
                chain_net(), raikeras.Learned(multiplier_rate=0.1), hidden_loss="matching"
            ),
            "a hidden loss that is a squared error",
        ),
        (
            lambda: relaxed(chain_net(), raikeras.InferredErrors(), hidden_loss="huber"),
            "a hidden loss that is a squared error",
        ),
    ],
)
def test_what_cannot_have_multipliers_is_refused_at_once(make, words):
    with pytest.raises(ValueError, match=words):
        make()
