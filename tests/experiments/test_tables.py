"""e17: checkpoints, the choice by held-out rows, budgets, overfitting, and a run of each method."""

from pathlib import Path

import keras
import numpy as np
import pytest
from sklearn.linear_model import Ridge

if keras.backend.backend() != "jax":
    pytest.skip("the sweep maps JAX programs", allow_module_level=True)

import raikeras
from experiments.common import tabular, vectorised
from experiments.common import tabular_training as training
from experiments.driver import profiles
from experiments.e17_tables import contest, methods, schema, scores
from experiments.results.schema import names

SETTINGS = {"dataset": "diabetes", "lengths": [2, 4], "first_split": 2, "checkpoints": 3}
SETTINGS |= {"first_checkpoint": 1, "hidden_units": [4, 4], "held_out": 0.2, "batch_size": 50}
SETTINGS |= {"image_examples": 0}


def run(method, **changed):
    """A run as `results.each` yields it."""
    chosen = {**SETTINGS, "method": method, **changed}
    return {"settings": chosen, "variant": method, "seed": 0, "printed": np.inf, "started": 0.0}


def test_checkpoints_are_spaced_in_the_logarithm():
    found = scores.checkpoints(10_000, 10, 20)
    assert found[0] == 10 and found[-1] == 10_000
    assert all(one % 10 == 0 for one in found) and 15 <= len(found) <= 20
    ratios = np.divide(found[6:], found[5:-1])
    assert ratios.max() < 1.6  # 10 ** (3 / 19) is 1.44
    assert scores.checkpoints(200, 10, 2) == [10, 200]
    assert scores.checkpoints(4, 1, 3) == [1, 2, 4]


def found_of(train, valid, test):
    """Scores of two trials at checkpoints."""
    parts = zip(schema.PARTS, (train, valid, test), strict=True)
    return {(part, "rmse"): np.array(values, float) for part, values in parts}


def test_held_out_rows_choose_the_trial_at_the_end_of_a_length_and_the_point_of_all():
    short = found_of([[1, 2], [4, 5]], [[5, 2], [4, np.nan]], [[7, 8], [0, 2]])
    long = found_of([[1, 2, 3], [4, 5, 6]], [[5, 4, 3], [4, 9, 1.5]], [[7, 6, 9], [5, 4, 3]])
    runs = {20: (short, [10, 20]), 40: (long, [10, 20, 40])}
    metrics, curves = scores.result(runs)
    assert metrics["20_trial"] == 0 and metrics["20_test_rmse"] == 8
    assert metrics["40_trial"] == 1 and metrics["40_train_rmse"] == 6
    assert metrics["best_trial"] == 1 and metrics["best_steps"] == 40
    assert metrics["best_test_rmse"] == metrics["last_test_rmse"] == 3
    assert curves["20_steps"] == [10, 20] and curves["40_steps"] == [10, 20, 40]
    assert curves["40_test_rmse"] == [[7, 6, 9], [5, 4, 3]]
    short["valid", "rmse"][0, 1] = 1.0
    metrics, _ = scores.result(runs)
    assert metrics["best_steps"] == metrics["best_length"] == 20
    assert metrics["best_test_rmse"] == 8
    assert metrics["last_test_rmse"] == 9  # the end of the longest length, same trial


def test_classes_are_chosen_by_accuracy_and_then_by_likelihood():
    found = {
        (part, score): np.zeros((3, 1)) for part in schema.PARTS for score in ("accuracy", "nll")
    }
    found["valid", "accuracy"][:, 0] = 0.9, 0.95, 0.95
    found["valid", "nll"][:, 0] = 0.1, 3.0, 2.0
    metrics, _ = scores.result({10: (found, [10])})
    assert metrics["best_trial"] == metrics["10_trial"] == 2


def test_curves_keep_four_digits_and_what_is_not_finite():
    assert scores.rounded(np.array([[123456.0, 0.00123456]])) == [[123500.0, 0.001235]]
    assert np.isnan(scores.rounded(np.array([np.nan])))


def test_checkpoints_see_the_nets_of_keras_own_fit():
    """Backprop on full batches after 2 and 4 steps, and in mini-batches, of a plain model."""
    for method in ("bp_full", "bp"):
        (metrics, curves) = contest.results_of(run(method, lengths=[4]), [0, 1])[1]
        data = tabular.parts("diabetes", 3, 0.2)  # split 1 + 2
        rows = len(data.x_fit)
        every = [np.arange(rows)] * 4
        if method == "bp":
            every = vectorised.shuffled([3], 1, rows, 50)[0][:4]
        assert curves["4_steps"] == [1, 2, 4] and len(curves["trials"]) == 8
        for trial in (2, 4):
            model = training.network(10, 1, [4, 4])
            keras.utils.set_random_seed(3)
            net = keras.models.clone_model(model)
            rate = curves["trials"][trial]["rate"]
            falling = keras.optimizers.schedules.PolynomialDecay(rate, 4, 0.02 * rate)
            net.compile(keras.optimizers.Adam(falling, beta_2=0.99), "mean_squared_error")
            for number, at in enumerate(every, 1):
                net.train_on_batch(data.x_fit[at], data.y_fit[at])
                if number in (2, 4):
                    made = net.predict(data.x_test, verbose=0)
                    rmse = data.scale * np.sqrt(np.mean(np.square(made - data.y_test)))
                    kept = curves["4_test_rmse"][trial][1 if number == 2 else 2]
                    assert kept == pytest.approx(rmse, rel=1e-3)
        assert metrics["batch"] == (50 if method == "bp" else rows)
        epochs = metrics["best_steps"] * metrics["batch"] / rows
        assert metrics["best_epochs"] == pytest.approx(epochs)


def test_linear_model_is_ridge_on_the_fitted_rows():
    metrics, curves = contest.results_of(run("linear"), [0])[0]
    data = tabular.parts("diabetes", 2, 0.2)
    errors = []
    for trial in curves["trials"]:
        made = Ridge(trial["strength"]).fit(data.x_fit, data.y_fit[:, 0]).predict(data.x_valid)
        errors.append(data.scale * np.sqrt(np.mean(np.square(made - data.y_valid[:, 0]))))
    assert np.ravel(curves["4_valid_rmse"]) == pytest.approx(errors, rel=1e-3)
    assert metrics["best_trial"] == metrics["4_trial"] == np.argmin(errors)


@pytest.mark.parametrize("method", ["linear", *methods.METHODS])
def test_a_tiny_run_of_each_method_has_the_names_of_the_schema(method):
    chosen = run(method)
    metrics, curves = contest.results_of(chosen, [0])[0]
    assert {*metrics} == {*schema.metrics(chosen["settings"])}
    assert {*curves} == {*schema.curves(chosen["settings"])}
    assert np.isfinite([*metrics.values()]).all() and metrics["seconds"] >= 0
    assert len(curves["trials"]) == 8  # the same number for all
    for length in (2, 4):
        steps = len(curves[f"{length}_steps"])
        for name in names(f"{length}", schema.PARTS, "rmse"):
            assert np.shape(curves[name]) == (8, steps)
    if method != "linear":  # settings are knobs that reach the step
        ends = [[row[-1] for row in curves[f"4_{part}_rmse"]] for part in schema.PARTS]
        assert len({*zip(*ends, strict=True)}) == 8


def test_multipliers_are_the_presets():
    x = np.random.default_rng(0).normal(size=(6, 3)).astype("float32")
    y = x[:, :1] * x[:, 1:2]
    keras.utils.set_random_seed(0)
    net = training.network(3, 1, [4, 4])
    start = net.get_weights()
    weight, rate = 0.1, 0.01
    model = raikeras.presets.rai_multipliers(
        net, 5, "mean_squared_error", rate, hidden_weight=weight
    )
    model.fit(x, y, batch_size=6, epochs=5, shuffle=False, verbose=0)
    mine = methods.compiled("multipliers", (3, 1, [4, 4]), 5)
    runs = vectorised.Sweep(mine, [start], [{"rate": rate, "weight": weight}], 6)
    runs.train(x, y, vectorised.full_batch(1, 5, 6))
    np.testing.assert_allclose(runs.outputs(x)[0], net.predict(x, verbose=0), rtol=1e-4, atol=1e-5)


def test_an_unknown_method_is_refused():
    with pytest.raises(ValueError, match="must be one of linear, bp, .*Received: 'sgd'"):
        contest.results_of(run("sgd"), [0])


def test_friedmans_function_is_scikit_learns():
    x, y = tabular.SKLEARN["friedman1"](return_X_y=True)
    assert x.shape == (768, 8)
    exact = 10 * np.sin(np.pi * x[:, 0] * x[:, 1]) + 20 * (x[:, 2] - 0.5) ** 2
    exact += 10 * x[:, 3] + 5 * x[:, 4]
    assert np.std(y - exact) == pytest.approx(0.1, rel=0.1)


def test_every_variant_of_the_profiles_is_a_method():
    entries = profiles.read(Path(__file__).resolve().parents[2])
    named = [name for name in entries if name.startswith("e17_")]
    assert len(named) == 7
    for name in named:
        variants = entries[name][1]["variants"]
        assert {one["method"] for one in variants.values()} == {"linear", *methods.METHODS}
