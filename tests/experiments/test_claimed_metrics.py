"""How metrics that claims are judged by are put together, on numbers whose result is known."""

import math
from types import SimpleNamespace

import keras
import numpy as np
import pytest

if keras.backend.backend() != "jax":
    pytest.skip("the experiments run on JAX", allow_module_level=True)

from pathlib import Path

from experiments.driver.profiles import script_settings
from experiments.e03_gradients import gradients, parts, training
from experiments.e12_mlp import update_rules
from experiments.e13_approximation import approximation
from experiments.e14_scaling import scaling
from experiments.e14_scaling import schema as scaling_schema
from experiments.e16_local_steps import local_steps
from experiments.e16_local_steps import schema as steps_schema

STUDIES = Path(__file__).resolve().parents[2] / "experiments"


def settings(study, **changes):
    return script_settings(STUDIES / study / "experiment.py") | changes


# E4: what local steps cost


def test_ratios_of_local_steps_are_medians_of_quotients_within_a_round():
    times = {"backprop": np.array([1.0, 2.0, 4.0]), "s": np.array([3.0, 4.0, 12.0])}
    found = local_steps.compared(times, {"backprop": 9.0, "s": 20.0}, batches=2)
    assert found["s_ratio"] == 3.0  # of 3, 2 and 3, not 4 / 2
    assert (found["backprop_ratio"], found["backprop_seconds"]) == (1.0, 1.0)
    assert found["s_seconds"] == 2.0  # the median epoch has two batches
    assert found["s_first_seconds"] == 20.0


def test_a_run_times_all_methods_of_its_schema(monkeypatch):
    timed = dict.fromkeys(local_steps.METHODS, np.ones(1))
    monkeypatch.setattr(local_steps, "contender", lambda *_: (None, 3.0))
    monkeypatch.setattr(local_steps, "take_turns", lambda epochs, rounds: timed)
    own = settings("e16_local_steps", pixels=4, batch_size=2, epoch_batches=1)
    run = {"settings": own, "seed": 0, "started": 0.0, "printed": math.inf}
    assert set(local_steps.measured(run)) == set(steps_schema.metrics(own))


# e14: the cost of a step


class Stub:
    """A contender whose epoch takes as long as its method says."""

    SECONDS = {"backprop": 2.0, "layerwise": 3.0, "fused": 1.0}

    def __init__(self, method, optimizer, **size):
        self.method = method

    def fit(self, epochs=1):
        pass

    def rows_bytes(self):
        return 8


@pytest.fixture
def stubbed(monkeypatch):
    monkeypatch.setattr(scaling, "Contender", Stub)
    monkeypatch.setattr(scaling, "seconds", lambda fit: 10.0)
    monkeypatch.setattr(scaling, "floor", lambda *_: None)
    monkeypatch.setattr(scaling, "repeated", lambda *_: lambda: None)

    def take_turns(runs, rounds):
        scale = np.array([1.0, 3.0, 2.0])[:rounds]  # a round in which the machine was slow
        return {name: Stub.SECONDS.get(name, 0.5) * scale for name in runs}

    monkeypatch.setattr(scaling, "take_turns", take_turns)


def test_cost_of_a_step_is_the_median_and_ratios_are_within_rounds(stubbed):
    own = settings("e14_scaling", epoch_batches=4, epochs=5, rounds=3)
    point = {"depth": 10, "units": 4, "batch": 2}
    found, not_run = scaling.measure(point, "sgd", own)
    assert not_run == {}
    assert found["fused_sgd_seconds"] == 2.0 / 20  # the median of 1, 3 and 2 over 20 steps
    assert (found["fused_sgd_ratio"], found["layerwise_sgd_ratio"]) == (0.5, 1.5)
    assert (found["fused_sgd_floor_ratio"], found["floor_sgd_ratio"]) == (2.0, 0.25)
    assert found["fused_sgd_first_seconds"] == 10.0
    assert found["fused_sgd_rows_bytes"] == 8


def test_methods_are_left_out_where_they_compile_too_long(stubbed):
    own = settings("e14_scaling", deepest={"backprop": 5, "layerwise": 5, "fused": 100})
    found, not_run = scaling.measure({"depth": 10, "units": 4, "batch": 2}, "sgd", own)
    assert set(not_run) == {"backprop", "layerwise"}
    assert not {name for name in found if name.startswith(("backprop", "layerwise"))}
    assert "fused_sgd_ratio" not in found and "fused_sgd_floor_ratio" in found


def test_a_run_visits_the_centre_first_and_has_the_names_of_its_schema(stubbed):
    own = settings("e14_scaling", depths=[10, 400], widths=[8], batches=[], rounds=1)
    visited = scaling.points(own)
    assert [one["depth"] for one in visited] == [100, 10, 400, 100]
    assert [one["units"] for one in visited] == [100, 100, 100, 8]
    run = {"settings": own, "started": 0.0, "printed": math.inf}
    metrics, curves = scaling.measured(run)
    assert set(metrics) == set(scaling_schema.metrics(own))
    assert set(curves) == set(scaling_schema.curves(own))
    assert curves["backprop_sgd_ratio"] == [1.0, 1.0, None, 1.0]  # 400 layers: not run
    assert set(curves["not_run"][2]) == {"backprop", "layerwise"}


# C21e: the construction's bound


@pytest.mark.parametrize("activation", ["relu", "tanh"])
def test_share_of_the_bound_is_the_largest_and_of_relu_alone(monkeypatch, activation):
    errors = {fit: np.full((2, 2, 3), 0.5) for fit in ("solved", "trained")}
    monkeypatch.setattr(approximation, "both_fits", lambda *_: errors)
    monkeypatch.setattr(approximation, "interpolation", lambda _: ([1.0, 3.0], [4.0, 4.0]))
    own = settings("e13_approximation", activation=activation, widths=[2, 4], trained_widths=[2, 4])
    metrics, curves = approximation.measured(0, own)
    if activation == "tanh":
        assert "interpolation_share" not in metrics and "bound" not in curves
    else:
        assert metrics["interpolation_share"] == 0.75
        assert (curves["interpolation"], curves["bound"]) == ([1.0, 3.0], [4.0, 4.0])


def test_the_largest_slope_and_the_smallest_error_are_judged():
    own = {f"solved_smooth_d{d}_sup_{what}": v for d, what, v in (
        (1, "slope", -3.0), (2, "slope", -1.0), (1, "error", 0.1), (2, "error", 0.3))}  # fmt: skip
    every = dict.fromkeys(
        (f"{fit}_{target}_d{d}_{norm}_{what}" for fit in ("solved", "trained")
         for target in approximation.TARGETS for d in (1, 2) for norm in ("sup", "rms")
         for what in ("slope", "error")), 0.0)  # fmt: skip
    orders = {f"{t}_d{d}_rms_orders": float(d) for t in approximation.TARGETS for d in (1, 2)}
    found = approximation.worst(every | own | orders, [1, 2])
    assert found["solved_smooth_sup_slope"] == -1.0
    assert found["solved_smooth_sup_error"] == 0.1
    assert found["smooth_rms_orders"] == 1.5


# C20a to C20e: gradients by depth


def test_depth_rate_is_the_slope_of_the_first_layers_logarithm(monkeypatch):
    """Norms that fall tenfold in the first layer for every two layers more."""

    def norms(weights, name, x, y):
        depth = len(weights) // 2 - 1
        return 10.0 ** -(0.5 * depth + 0.1 * np.arange(depth + 1))

    monkeypatch.setattr(gradients, "layer_norms", norms)
    own = settings("e03_gradients", depths=[2, 4, 8], units=3)
    metrics, curves = gradients.at_the_start(0, own, np.ones((4, 2)), np.ones((4, 1)))
    for start in ("default", "torch", "he", "large", "isometric"):
        assert metrics[f"{start}_depth_rate"] == pytest.approx(-0.5)
        assert metrics[f"{start}_rate"] == pytest.approx(0.1)  # towards the input
        np.testing.assert_allclose(curves[f"{start}_first"], [-1.0, -2.0, -4.0])


def test_error_of_the_chain_is_the_largest_over_activations_and_lengths(monkeypatch):
    errors = iter([1e-16, 3e-15] + [0.0] * 100)
    monkeypatch.setattr(gradients, "chain_error", lambda *_: next(errors))
    metrics, curves = parts.chain(0, settings("e03_gradients", lengths=[1, 2]))
    assert metrics["chain_error"] == metrics["sigmoid_chain_error"] == 3e-15
    assert curves["sigmoid"] == [1e-16, 3e-15] and metrics["elu_chain_error"] == 0.0


# G2: gradients along training


def test_orders_compare_first_and_last_hidden_layer_in_the_second_half(monkeypatch):
    steps = [1, 2, 10, 20]
    norms = np.array([[9.0, 0, 0, 5], [9, 0, 0, 5], [-3, 0, -1, 7], [-5, 0, -1, 7]])
    monkeypatch.setattr(training, "fitted", lambda *_: (steps, norms))
    own = settings("e03_gradients", fits=["rai"], iterations=20)
    metrics, curves = training.along_training(0, own, None, None)
    assert metrics == {"rai_orders": -3.0}  # of -2 and -4; the output layer has no part
    assert curves["rai_steps"] == steps


# C17: steps of the update rules


def test_ratios_of_rules_are_of_steps_to_the_wanted_loss(monkeypatch):
    """Gradient descent arrives at step 30, momentum at 10, the others never."""
    steps = np.arange(0, 50, 10)
    reached = {"gradient": 3, "momentum": 1}
    names = iter(update_rules.RULES)

    def tune(*_):
        place = reached.get(next(names), 99)
        loss = np.where(np.arange(5) >= place, 0.05, 1.0)[:, None]
        watched = SimpleNamespace(steps=steps, train_loss=loss, test_accuracy=np.ones((5, 1)))
        return None, watched, SimpleNamespace(judged=0, rate=0.1, at_edge=False)

    monkeypatch.setattr(update_rules.small_nets, "tune", tune)
    own = settings("e12_mlp", wanted_loss=0.1, steps=40)
    metrics, _, status = update_rules.measure({"settings": own, "seed": 0})
    assert (metrics["gradient_ratio"], metrics["momentum_ratio"]) == (1.0, 10 / 30)
    assert (metrics["adam_ratio"], metrics["adam_reached_share"]) == (40 / 30, 0)
    assert status == "ok"
