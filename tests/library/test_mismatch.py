"""The hidden loss against NumPy: weights, schedules, sample weights, losses, reductions."""

import keras
import numpy as np
import pytest
from keras import ops

import raikeras
from raikeras.backend import load_backend
from raikeras.losses import HalfSquaredError
from raikeras.network.cut import Cut
from raikeras.network.hidden_loss import HiddenLoss, Pair

BATCH = 5
SHAPES = {"first": (4,), "conv": (3, 3, 2), "last": (1,)}
RNG = np.random.default_rng(0)
PAIRS = {
    name: (RNG.normal(size=(BATCH, *shape)), RNG.normal(size=(BATCH, *shape)))
    for name, shape in SHAPES.items()
}
SAMPLE_WEIGHT = np.array([0.5, 2.0, 0.0, 1.0, 3.0])


def cuts(names=tuple(SHAPES)):
    return [Cut(name, keras.layers.Layer(name=name), SHAPES[name]) for name in names]


def pair_at(place, target, own):
    return Pair(target, own, inputs=None, chain=None, places=(place,))


def value(loss, weight, sample_weight=None, step=0):
    pairs = [
        pair_at(place, *(ops.convert_to_tensor(part.astype("float32")) for part in pair))
        for place, pair in enumerate(PAIRS.values())
    ]
    if sample_weight is not None:
        sample_weight = ops.convert_to_tensor(np.asarray(sample_weight, "float32"))
    result = HiddenLoss(loss, weight, cuts())(pairs, sample_weight, step)
    assert result.shape == ()
    return float(result)


def per_example(power=2):
    """Mean over units of |target - own|^power, per cut an array `(batch,)`."""
    return {
        name: (np.abs(target - own) ** power).reshape(BATCH, -1).mean(axis=1)
        for name, (target, own) in PAIRS.items()
    }


def test_default_is_the_mean_over_examples_and_units_summed_over_layers():
    expected = sum(errors.mean() for errors in per_example().values())
    assert value("mean_squared_error", 1.0) == pytest.approx(expected, rel=1e-5)
    assert value("mean_squared_error", 2.5) == pytest.approx(2.5 * expected, rel=1e-5)
    assert value("mean_squared_error", np.float32(2)) == pytest.approx(2 * expected, rel=1e-5)
    assert value("mean_squared_error", 0) == 0


def test_a_dict_weighs_layers_by_name_and_the_others_1():
    errors = per_example()
    expected = 3 * errors["first"].mean() + errors["conv"].mean()
    found = value("mean_squared_error", {"first": 3.0, "last": 0.0})
    assert found == pytest.approx(expected, rel=1e-5)


@pytest.mark.parametrize("step", [0, 1, 7])
def test_schedules_are_read_at_the_step(step):
    schedule = keras.optimizers.schedules.ExponentialDecay(2.0, 5, 3.0)
    errors, growth = per_example(), 2.0 * 3.0 ** (step / 5)
    expected = growth * sum(one.mean() for one in errors.values())
    assert value("mean_squared_error", schedule, step=step) == pytest.approx(expected, rel=1e-5)
    weights = {"first": schedule, "conv": lambda step: 0.5 * step}
    expected = growth * errors["first"].mean() + 0.5 * step * errors["conv"].mean()
    expected += errors["last"].mean()
    assert value("mean_squared_error", weights, step=step) == pytest.approx(expected, rel=1e-5)


@pytest.mark.parametrize("shape", [(BATCH,), (BATCH, 1)])
@pytest.mark.parametrize("reduction", ["sum_over_batch_size", "sum"])
def test_a_sample_weight_acts_on_all_of_an_example(shape, reduction):
    loss = keras.losses.MeanSquaredError(reduction=reduction)
    expected = 0.0
    for name, errors in per_example().items():
        weighted = (SAMPLE_WEIGHT * errors).sum()
        places = np.prod(SHAPES[name][:-1])  # Keras' sum counts every place of a feature map
        expected += weighted * places if reduction == "sum" else weighted / BATCH
    found = value(loss, 1.0, SAMPLE_WEIGHT.reshape(shape))
    assert found == pytest.approx(expected, rel=1e-5)


def test_a_sample_weight_of_ones_changes_nothing():
    plain = value("mean_squared_error", 1.0)
    assert value("mean_squared_error", 1.0, np.ones(BATCH)) == pytest.approx(plain, rel=1e-6)


def test_weights_per_output_or_time_step_are_left_to_the_task_loss():
    plain = value("mean_squared_error", 1.0)
    assert value("mean_squared_error", 1.0, np.full((BATCH, 3), 9.0)) == plain
    pairs = [pair_at(0, *(ops.convert_to_tensor(p.astype("float32")) for p in PAIRS["first"]))]
    loss = HiddenLoss("mean_squared_error", 1.0, cuts(["first"]))
    by_output = {"p": ops.ones(BATCH), "q": ops.ones(BATCH)}
    assert float(loss(pairs, by_output, 0)) == pytest.approx(per_example()["first"].mean(), 1e-5)


def _huber(target, own):
    error = np.abs(target - own)
    return np.where(error <= 0.7, error**2 / 2, 0.7 * error - 0.7**2 / 2).mean(axis=-1)


@pytest.mark.parametrize(
    "loss, reference",
    [
        ("mean_absolute_error", lambda target, own: np.abs(target - own).mean(axis=-1)),
        ("mae", lambda target, own: np.abs(target - own).mean(axis=-1)),
        (keras.losses.Huber(0.7), _huber),
        (keras.losses.mean_squared_error, lambda target, own: ((target - own) ** 2).mean(axis=-1)),
        (lambda t, o: ops.sum((t - o) ** 4, -1), lambda t, o: ((t - o) ** 4).sum(axis=-1)),
    ],
    ids=["name", "short name", "object", "function", "own function"],
)
def test_any_keras_loss_measures_the_mismatch(loss, reference):
    expected = sum(reference(*pair).mean() for pair in PAIRS.values())
    assert value(loss, 1.0) == pytest.approx(expected, rel=1e-5)


def test_the_target_comes_first():
    def relative(target, own):
        return ops.mean((target - own) / target, axis=-1)

    expected = sum(np.mean((target - own) / target) for target, own in PAIRS.values())
    assert value(relative, 1.0) == pytest.approx(expected, rel=1e-4)


def test_reduction_sum_adds_over_examples():
    loss = keras.losses.MeanSquaredError(reduction="sum")
    expected = sum(
        errors.sum() * np.prod(SHAPES[name][:-1]) for name, errors in per_example().items()
    )
    assert value(loss, 1.0) == pytest.approx(expected, rel=1e-5)


def test_the_mismatch_is_measured_in_the_dtype_of_the_rows():
    """Own output in bfloat16 (mixed precision), rows in float32."""
    target, own = (part.astype("float32") for part in PAIRS["first"])
    own = ops.cast(ops.convert_to_tensor(own), "bfloat16")
    loss = HiddenLoss("mean_squared_error", 1.0, cuts(["first"]))
    found = loss([pair_at(0, ops.convert_to_tensor(target), own)], None, 0)
    expected = np.mean((target - ops.convert_to_numpy(ops.cast(own, "float32"))) ** 2)
    assert keras.backend.standardize_dtype(found.dtype) == "float32"
    assert float(found) == pytest.approx(expected, rel=1e-6)


@pytest.mark.parametrize("loss", ["nope", 3, None])
def test_an_unknown_loss_is_named(loss):
    with pytest.raises(ValueError, match=f"`hidden_loss`.*hidden_loss={loss!r}"):
        HiddenLoss(loss, 1.0, cuts())


@pytest.mark.parametrize("weight", [-1, float("nan"), "much", None, True, {"first": -2.0}])
def test_a_bad_weight_is_named(weight):
    with pytest.raises(ValueError, match="`hidden_weight` must be.*hidden_weight="):
        HiddenLoss("mean_squared_error", weight, cuts())


def test_a_weight_for_a_layer_that_is_not_relaxed_is_named():
    with pytest.raises(ValueError, match=r"`hidden_weight`.*\['second'\].*'first', 'conv', 'last'"):
        HiddenLoss("mean_squared_error", {"second": 1.0}, cuts())


CHAIN = {name: RNG.normal(size=(2, BATCH, 4)) for name in ("target", "own")}


@pytest.mark.parametrize(
    ("loss", "scale"),
    [
        ("mean_squared_error", 1 / 4 / BATCH),
        (keras.losses.mean_squared_error, 1 / 4 / BATCH),
        (keras.losses.MeanSquaredError(reduction="sum"), 1 / 4),
        (HalfSquaredError(), 1 / 2),
    ],
    ids=["name", "function", "sum", "half"],
)
def test_the_squared_errors_of_a_chain_and_their_gradient(loss, scale):
    """A gradient of its own on TensorFlow."""
    hidden = HiddenLoss(loss, {"a": 1.0, "b": 3.0}, cuts_of_chain())
    target, own = (ops.convert_to_tensor(part.astype("float32")) for part in CHAIN.values())

    def total(at):
        return hidden([Pair(*at, None, object(), (0, 1))], None, 0)

    error = CHAIN["target"] - CHAIN["own"]
    weighted = scale * np.array([1.0, 3.0])[:, None, None] * error
    assert float(total([target, own])) == pytest.approx((weighted * error).sum(), rel=1e-5)
    by_target, by_own = load_backend().gradient(total, [target, own])
    np.testing.assert_allclose(by_target, 2 * weighted, rtol=1e-5, atol=1e-7)
    np.testing.assert_allclose(by_own, -2 * weighted, rtol=1e-5, atol=1e-7)


def test_the_squared_errors_of_a_chain_fit_into_a_narrow_loss():
    loss = keras.losses.MeanSquaredError(dtype="float16")
    hidden = HiddenLoss(loss, 1.0, cuts_of_chain())
    target, own = ops.zeros((2, BATCH, 400)), ops.full((2, BATCH, 400), 15.0)
    found = float(hidden([Pair(target, own, None, object(), (0, 1))], None, 0))
    assert found == pytest.approx(2 * 15**2, rel=1e-2)  # their sum is beyond float16


def cuts_of_chain():
    return [Cut(name, keras.layers.Layer(name=name), (4,)) for name in ("a", "b")]


@pytest.mark.parametrize("fuse", [True, False])
def test_rows_that_have_just_started_feel_no_kink(fuse):
    """The slope of an absolute value at zero is 1 to JAX and 0 to the others."""
    hidden = [keras.layers.Dense(4, "tanh", name=f"hidden_{k}") for k in range(4)]
    net = keras.Sequential([keras.Input((3,)), *hidden, keras.layers.Dense(1)])
    before = net.get_weights()
    model = raikeras.RelaxedModel(
        net,
        relax=[layer.name for layer in hidden],
        hidden_loss=keras.losses.MeanAbsoluteError("sum"),
        fuse=fuse,
    )
    model.compile("sgd", "mse")
    model.fit(np.ones((8, 3), "float32"), np.ones((8, 1), "float32"), batch_size=8, verbose=0)
    moved = [(a != b).any() for a, b in zip(net.get_weights(), before, strict=True)]
    assert moved == [False] * 8 + [True] * 2
