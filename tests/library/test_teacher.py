"""Distillation: a student's local problems against NumPy, and pairs that do not fit."""

import keras
import numpy as np
import pytest
from keras import layers

import raikeras

RNG = np.random.default_rng(0)
X = RNG.normal(size=(60, 5)).astype("float32")
Y = np.eye(3, dtype="float32")[RNG.integers(0, 3, 60)]


def net(seed, units=6, activation="tanh"):
    keras.utils.set_random_seed(seed)
    hidden = [layers.Dense(units, activation) for _ in range(2)]
    return keras.Sequential([keras.Input((5,)), *hidden, layers.Dense(3, "softmax")])


def distil(student, teacher, optimizer, epochs=1, **settings):
    model = raikeras.RelaxedModel(
        student, targets=raikeras.Teacher(teacher), hidden_loss="matching", **settings
    )
    model.compile(optimizer, "categorical_crossentropy")
    return model.fit(X, Y, batch_size=60, epochs=epochs, shuffle=False, verbose=0).history


def forward(weights, x):
    inputs, outputs = [x], []
    for kernel, bias in zip(weights[::2], weights[1::2], strict=True):
        own = inputs[-1] @ kernel + bias
        last = len(outputs) == 2
        soft = np.exp(own - own.max(axis=1, keepdims=True))
        outputs.append(soft / soft.sum(axis=1, keepdims=True) if last else np.tanh(own))
        inputs.append(outputs[-1])
    return inputs, outputs


@pytest.mark.parametrize("at", ["pre_activation", "post_activation"])
def test_a_step_is_that_of_each_layers_own_divergence(at):
    """The gradient is (f(ahat) - f(a)) x' in every layer, fed by the student's own pass."""
    teacher, student = net(1), net(2)
    start = [w.astype("float64") for w in student.get_weights()]
    distil(student, teacher, keras.optimizers.SGD(0.3), at=at, deployed_every=0)
    inputs, outputs = forward(start, X)
    wanted = forward([w.astype("float64") for w in teacher.get_weights()], X)[1]
    for t, (own, target) in enumerate(zip(outputs, wanted, strict=True)):
        error = (own - target) / 60
        expected = start[2 * t] - 0.3 * inputs[t].T @ error, start[2 * t + 1] - 0.3 * error.sum(0)
        for new, value in zip(student.get_weights()[2 * t : 2 * t + 2], expected, strict=True):
            np.testing.assert_allclose(new, value, rtol=1e-5, atol=1e-6)


def test_a_student_comes_to_say_what_its_teacher_says():
    teacher, student = net(1), net(2)
    before = np.abs(student.predict(X, verbose=0) - teacher.predict(X, verbose=0)).mean()
    weights = [w.copy() for w in teacher.get_weights()]
    history = distil(student, teacher, keras.optimizers.Adam(0.03), epochs=150)
    after = np.abs(student.predict(X, verbose=0) - teacher.predict(X, verbose=0)).mean()
    assert after < 0.1 * before
    assert history["hidden_loss"][-1] < 0.05 * history["hidden_loss"][0]
    for old, now in zip(weights, teacher.get_weights(), strict=True):
        np.testing.assert_array_equal(now, old)


def test_pairs_that_do_not_fit_are_refused():
    with pytest.raises(ValueError, match="the same shapes. Received: teacher=.*7,.*student=.*6,"):
        distil(net(1), net(2, units=7), "sgd")
    with pytest.raises(ValueError, match="`net` must be a built"):
        raikeras.Teacher(keras.Sequential([layers.Dense(3)]))
    model = raikeras.RelaxedModel(net(1), targets=raikeras.Teacher(net(2)))
    with pytest.raises(ValueError, match="save its `net`"):
        model.get_config()


def test_a_student_whose_equal_layers_train_as_one_learns_what_it_does_layer_by_layer():
    def deep(seed):
        keras.utils.set_random_seed(seed)
        hidden = [layers.Dense(6, "tanh") for _ in range(4)]
        return keras.Sequential([keras.Input((5,)), *hidden, layers.Dense(3, "softmax")])

    teacher, found = deep(1), []
    for fuse in (True, False):
        student = deep(2)
        distil(student, teacher, keras.optimizers.SGD(0.3), epochs=3, fuse=fuse)
        found.append(student.get_weights())
    for one, other in zip(*found, strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-5, atol=1e-6)
