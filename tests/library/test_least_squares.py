"""Least squares by Gram matrices: against autodiff of the same steps and against NumPy."""

import keras
import numpy as np
import pytest
from keras import layers

import raikeras
from raikeras.losses import HalfSquaredError
from raikeras.training import least_squares

SGD = keras.optimizers.SGD
RNG = np.random.default_rng(0)
X = RNG.normal(size=(12, 6)).astype("float32")
Y = RNG.normal(size=(12, 2)).astype("float32")
IMAGES = RNG.normal(size=(10, 6, 7, 2)).astype("float32")
LABELS = RNG.normal(size=(10, 3)).astype("float32")


def plain_net():
    hidden = [layers.Dense(5, "tanh"), layers.Dense(4, "sigmoid", use_bias=False)]
    return keras.Sequential([keras.Input((6,)), *hidden, layers.Dense(2)])


def deep_net():
    """Four equal layers, which train as a chain."""
    return keras.Sequential(
        [keras.Input((6,)), *[layers.Dense(6, "tanh") for _ in range(4)], layers.Dense(2)]
    )


def shared_net():
    shared, start = layers.Dense(6, "tanh"), keras.Input((6,))
    return keras.Model(start, layers.Dense(2)(shared(shared(start))))


def conv_net():
    convolutions = [
        layers.Conv2D(4, (3, 2), padding="same", activation="tanh"),
        layers.Conv2D(3, 2, strides=(2, 1), activation="sigmoid"),
        layers.Conv2D(2, 2, dilation_rate=(1, 2), use_bias=False),
    ]
    net = [keras.Input((6, 7, 2)), *convolutions, layers.Flatten(), layers.Dense(3)]
    return keras.Sequential(net)


NETS = {"plain": plain_net, "deep": deep_net, "shared": shared_net, "conv": conv_net}


def trained(build, weight_step, optimizer=None, sample_weight=None, epochs=2, **settings):
    """Weights before and after."""
    keras.utils.set_random_seed(0)
    net = build()
    start = net.get_weights()
    settings = {
        "targets": raikeras.Gradient(2.0),
        "relax": (layers.Dense, layers.Conv2D),
        "hidden_loss": HalfSquaredError("sum_over_batch_size"),
        "deployed_every": 0,
        **settings,
    }
    model = raikeras.RelaxedModel(net, weight_step=weight_step, **settings)
    model.compile(optimizer or keras.optimizers.Adam(0.01), "mean_squared_error")
    x, y = (IMAGES, LABELS) if build is conv_net else (X, Y)
    fit = {"batch_size": len(x), "shuffle": False, "verbose": 0}
    model.fit(x, y, sample_weight=sample_weight, epochs=epochs, **fit)
    return start, net.get_weights()


@pytest.mark.parametrize(
    ("net", "loss", "weighted"),
    [
        ("plain", HalfSquaredError(), False),
        ("plain", "mean_squared_error", True),
        ("deep", HalfSquaredError("sum_over_batch_size"), True),
        ("deep", "mean_squared_error", False),
        ("shared", HalfSquaredError("mean_with_sample_weight"), True),
        ("conv", HalfSquaredError("sum_over_batch_size"), True),
        ("conv", HalfSquaredError(), False),
        ("conv", keras.losses.MeanSquaredError(), False),
        ("conv", keras.losses.MeanSquaredError("mean_with_sample_weight"), True),
    ],
)
def test_steps_by_gram_matrices_are_those_of_automatic_differentiation(
    net, loss, weighted, monkeypatch
):
    count = len(IMAGES if net == "conv" else X)
    weights = RNG.uniform(0, 2, count).astype("float32") if weighted else None
    found = []
    for pays in (True, False):
        monkeypatch.setattr(least_squares, "pays", lambda *args, pays=pays: pays)
        found.append(
            trained(
                NETS[net],
                raikeras.Local(4, proximal=0.5, lowest_rate=0.25),
                sample_weight=weights,
                hidden_loss=loss,
                hidden_weight=0.7,
            )
        )
    for start, gram, direct in zip(*found[0], found[1][1], strict=True):
        assert np.abs(direct - start).max() > 1e-3
        np.testing.assert_allclose(gram, direct, rtol=1e-5, atol=2e-6)


@pytest.mark.parametrize("frozen", ["kernel", "bias"])
@pytest.mark.parametrize(
    "weight_step", [raikeras.Local(3), raikeras.ClosedForm(0.1)], ids=["L", "C"]
)
def test_a_frozen_part_of_a_layer_stays(weight_step, frozen, monkeypatch):
    found = []
    for pays in (True, False):
        monkeypatch.setattr(least_squares, "pays", lambda *args, pays=pays: pays)

        def net():
            made = plain_net()
            getattr(made.layers[0], frozen).trainable = False
            return made

        start, after = trained(net, weight_step, SGD(0.05))
        still = ("kernel", "bias").index(frozen)
        np.testing.assert_array_equal(after[still], start[still])
        assert np.abs(after[1 - still] - start[1 - still]).max() > 1e-4
        found.append(after)
    for gram, direct in zip(*found, strict=True):
        np.testing.assert_allclose(gram, direct, rtol=1e-5, atol=2e-6)


def test_learned_targets_have_least_squares_too(monkeypatch):
    found = []
    for pays in (True, False):
        monkeypatch.setattr(least_squares, "pays", lambda *args, pays=pays: pays)
        settings = {"targets": raikeras.Learned(), "hidden_loss": "mean_squared_error"}
        found.append(trained(deep_net, raikeras.Local(3), SGD(0.1), epochs=4, **settings)[1])
    for gram, direct in zip(*found, strict=True):
        np.testing.assert_allclose(gram, direct, rtol=1e-5, atol=2e-6)


def closed_form_by_numpy(weights, x, y, step_size, eta):
    """S in float64 for tanh, sigmoid without bias, linear; mean squared error over a batch."""
    (w1, b1, w2, w3, b3) = (w.astype("float64") for w in weights)
    x, y = x.astype("float64"), y.astype("float64")
    a1 = x @ w1 + b1
    h1 = np.tanh(a1)
    a2 = h1 @ w2
    h2 = 1 / (1 + np.exp(-a2))
    a3 = h2 @ w3 + b3
    g3 = 2 * (a3 - y) / y.size
    g2 = g3 @ w3.T * h2 * (1 - h2)
    g1 = g2 @ w2.T * (1 - h1**2)
    ones, new = np.ones((len(x), 1)), []
    for inputs, weight, gradient, bias in ((x, w1, g1, b1), (h1, w2, g2, None), (h2, w3, g3, b3)):
        inputs = inputs if bias is None else np.hstack([inputs, ones])
        weight = weight if bias is None else np.vstack([weight, bias])
        target = inputs @ weight - step_size * gradient
        matrix = np.eye(len(weight)) + eta * inputs.T @ inputs
        solution = np.linalg.solve(matrix, weight + eta * inputs.T @ target)
        residual = solution - weight + eta * inputs.T @ (inputs @ solution - target)
        assert np.abs(residual).max() < 1e-12
        new += [solution] if bias is None else [solution[:-1], solution[-1]]
    return new


@pytest.mark.parametrize("eta", [0.05, 20.0])
def test_the_closed_form_solves_the_fixed_point(eta):
    start, found = trained(
        plain_net,
        raikeras.ClosedForm(eta),
        epochs=1,
        hidden_loss=HalfSquaredError(),
        targets=raikeras.Gradient(3.0),
    )
    expected = closed_form_by_numpy(start, X, Y, 3.0, eta)
    assert max(np.abs(new - old).max() for new, old in zip(expected, start, strict=True)) > 1e-3
    for new, wanted in zip(found, expected, strict=True):
        np.testing.assert_allclose(new, wanted, rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("net", ["deep", "conv", "shared"])
def test_the_closed_form_is_where_many_local_steps_lead(net):
    settings = {"epochs": 1, "hidden_loss": HalfSquaredError("sum_over_batch_size")}
    eta = 0.5
    _, found = trained(NETS[net], raikeras.ClosedForm(eta), **settings)
    local = raikeras.Local(4000, proximal=eta)
    start, expected = trained(NETS[net], local, SGD(0.02), **settings)
    for new, wanted, old in zip(found, expected, start, strict=True):
        assert np.abs(new - old).max() > 1e-4
        np.testing.assert_allclose(new, wanted, rtol=1e-4, atol=2e-5)


def test_singular_systems_stay_finite():
    """Two equal inputs and an eta beside which the identity is lost."""

    def doubled():
        first = [keras.Input((6,)), layers.Lambda(lambda x: keras.ops.concatenate([x, x], -1))]
        return keras.Sequential([*first, layers.Dense(3, "tanh"), layers.Dense(2)])

    for eta in (1e9, 1e30):
        start, found = trained(doubled, raikeras.ClosedForm(eta), epochs=3)
        for new in found:
            assert np.isfinite(new).all()
            assert np.abs(new).max() < 1e3
        assert np.abs(found[0] - start[0]).max() > 1e-4


def test_weights_outside_follow_the_compiled_optimizer():
    """The output layer is not relaxed: plain SGD on backprop's gradient, next to closed forms."""
    settings = {"relax": lambda layer: layer.name == "first", "epochs": 1}

    def named():
        first = [keras.Input((6,)), layers.Dense(5, "tanh", name="first")]
        return keras.Sequential([*first, layers.Dense(2, name="last")])

    _, found = trained(named, raikeras.ClosedForm(0.1), SGD(0.3), **settings)
    keras.utils.set_random_seed(0)
    plain = named()
    first = plain.get_weights()[:2]
    plain.compile(SGD(0.3), "mean_squared_error")
    plain.fit(X, Y, batch_size=12, verbose=0)
    assert np.abs(found[0] - first[0]).max() > 1e-4
    for new, wanted in zip(found[2:], plain.get_weights()[2:], strict=True):
        np.testing.assert_allclose(new, wanted, rtol=1e-5, atol=1e-6)


def test_the_closed_form_counts_training_steps_and_survives_saving(tmp_path):
    keras.utils.set_random_seed(0)
    decay = keras.optimizers.schedules.ExponentialDecay(0.1, 1, 0.5)
    model = raikeras.RelaxedModel(
        plain_net(), targets=raikeras.Gradient(), weight_step=raikeras.ClosedForm(decay)
    )
    model.compile("sgd", "mean_squared_error")
    model.fit(X, Y, batch_size=6, epochs=2, verbose=0)
    assert int(model.optimizer.iterations) == 4
    model.save(tmp_path / "model.keras")
    loaded = keras.saving.load_model(tmp_path / "model.keras")
    assert isinstance(loaded.weight_step, raikeras.ClosedForm)
    assert float(loaded.weight_step.eta(1)) == pytest.approx(0.05)
    loaded.fit(X, Y, batch_size=6, verbose=0)
    assert int(loaded.optimizer.iterations) == 6


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"at": "post_activation"}, "targets stand at 'post_activation'"),
        ({"hidden_loss": "huber"}, "the hidden loss is no squared error"),
        ({"relax": ()}, "no relaxed layer"),
    ],
)
def test_problems_that_are_no_least_squares_are_refused(settings, words):
    with pytest.raises(ValueError, match=f"`ClosedForm` needs.*{words}"):
        raikeras.RelaxedModel(plain_net(), weight_step=raikeras.ClosedForm(1.0), **settings)


def test_a_regularized_layer_is_refused_by_name():
    regularized = layers.Dense(2, kernel_regularizer="l2", name="held")
    net = keras.Sequential([keras.Input((6,)), regularized])
    with pytest.raises(ValueError, match="layer `held` has a regularizer"):
        raikeras.RelaxedModel(net, weight_step=raikeras.ClosedForm(1.0))


def test_half_precision_weights_are_refused_by_name():
    net = keras.Sequential([keras.Input((6,)), layers.Dense(2, dtype="bfloat16", name="coarse")])
    with pytest.raises(ValueError, match="layer `coarse` has variables of dtype bfloat16"):
        raikeras.RelaxedModel(net, weight_step=raikeras.ClosedForm(1.0))


@pytest.mark.parametrize("eta", [0.0, -1.0, float("nan"), "far", None])
def test_a_bad_eta_is_named(eta):
    with pytest.raises(ValueError, match="`eta` must be a positive float"):
        raikeras.ClosedForm(eta)
