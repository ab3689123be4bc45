"""Random small nets, trained by raikeras and by plain Keras, or in two ways that must agree.

`FUZZ_EXAMPLES` is how many nets each test tries: a few fixed ones by default, as many random ones
as are wanted with `make fuzz`, which names the seed and stops at the first net that differs.
"""

import collections
import functools
import os

import hypothesis
import keras
import numpy as np
import pytest
from hypothesis import given

import raikeras
from tests.library import fuzz_build as fuzz
from tests.library.fuzz_nets import cases

# JAX compiles every operation for every shape that it has not met.
FEW = 8 if keras.backend.backend() == "tensorflow" else 4
SETTINGS = hypothesis.settings(
    max_examples=int(os.environ.get("FUZZ_EXAMPLES", FEW)),
    derandomize="FUZZ_EXAMPLES" not in os.environ,
    database=None,
    deadline=None,
    suppress_health_check=list(hypothesis.HealthCheck),
    report_multiple_bugs=False,
)
COUNT: collections.Counter = collections.Counter()


class Refused(Exception):
    """A setting that the library does not take, with a sentence that says so."""


def fuzzed(**choices):
    """A test of one case: counted, with the case's settings, refusals left out."""

    def decorate(test):
        def run(case):
            try:
                with fuzz.settings_of(case):
                    test(case)
            except Refused as error:
                COUNT[f"refused: {' '.join(str(error).split())[:90]}"] += 1
                return
            except AssertionError:
                if case["float64"]:
                    raise
                # Some nets make much of little, as two normalizations in a row do. A difference
                # that is rounding alone is gone in float64.
                with fuzz.settings_of({**case, "float64": True}):
                    test(case)
                COUNT["ill-conditioned in float32"] += 1
            COUNT["tried"] += 1

        run.__name__, run.__doc__, run.strategy = test.__name__, test.__doc__, cases(**choices)
        return SETTINGS(given(run.strategy)(run))

    return decorate


def may_refuse(function):
    """A `ValueError` or `TypeError` that says what was received is a refusal; no other is."""

    @functools.wraps(function)
    def run(case, *args, **settings):
        try:
            return function(case, *args, **settings)
        except (ValueError, TypeError) as error:
            words = str(error)
            if "Received" not in words or "Exception encountered" in words:
                raise
            raise Refused(words) from error

    return run


@may_refuse
def wrapped(case, net, **settings):
    """The case's model, compiled."""
    settings = {
        "targets": fuzz.RULES[case["rule"]](),
        "relax": fuzz.relax_of(case),
        "at": case["at"],
        "weight_step": fuzz.WEIGHT_STEPS[case["weight_step"]](),
        "fuse": case["fuse"],
        "deployed_every": 1,
        **settings,
    }
    model = raikeras.RelaxedModel(net, **settings)
    fuzz.compile_like(case, model)
    return model


@may_refuse
def fit(case, model, **settings):
    """The history of a fit; whoever refuses must do so before a step is made."""
    try:
        return fuzz.fit(case, model, **settings)
    except (ValueError, TypeError) as error:
        if model.optimizer.built and int(model.optimizer.iterations):
            raise AssertionError("refused after training had begun") from error
        raise


def trained_plainly(case):
    """The net as Keras trains it, and its history; what Keras cannot train says nothing."""
    plain = fuzz.build(case)
    fuzz.compile_like(case, plain)
    try:
        history = fuzz.fit(case, plain)
    except Exception:  # whatever a backend raises
        COUNT["that plain Keras refuses"] += 1
        hypothesis.reject()
    hypothesis.assume(np.isfinite(history["loss"]).all())
    return plain, history


def tolerance() -> float:
    """A few steps of rate 0.05 carry rounding of 1e-7 (1e-16) on by a small factor each."""
    return 1e-9 if keras.config.floatx() == "float64" else 2e-5


def assert_close(found: dict, expected: dict, bound: float) -> None:
    assert set(found) == set(expected)
    for key, value in expected.items():
        if np.asarray(value).dtype.kind in "iu":  # states of seed generators
            np.testing.assert_array_equal(found[key], value, err_msg=key)
            continue
        scale = max(1.0, np.abs(value).max(initial=0.0))
        np.testing.assert_allclose(
            found[key], value, rtol=bound, atol=bound * scale, equal_nan=True, err_msg=key
        )


@fuzzed()
def test_backprop_as_a_target_rule_is_plain_keras(case):
    plain, expected = trained_plainly(case)
    relaxed = fuzz.build(case)
    model = wrapped(case, relaxed, hidden_loss=raikeras.losses.HalfSquaredError())
    start = fuzz.evaluate(case, model)
    first = fuzz.FirstLogs()
    history = fit(case, model, callbacks=[first])
    assert_close(fuzz.state(relaxed), fuzz.state(plain), tolerance())
    # On the relaxed path layers are fed by the network's own values, dropout and all.
    assert_close({"loss": history["task_loss"]}, {"loss": expected["loss"]}, tolerance())
    # The first step has measured the network as it was, in inference mode.
    assert_close({"loss": first.logs["deployed_loss"]}, {"loss": start}, tolerance())


@fuzzed(
    optimizers=("sgd", "momentum", "adam", "rmsprop", "rprop"),
    rules=tuple(fuzz.RULES),
    weight_steps=("joint", "joint", "local"),
    chained=True,
)
def test_fused_is_layer_by_layer(case):
    results = []
    for fuse in (True, False):
        net = fuzz.build(case)
        model = wrapped({**case, "fuse": fuse}, net)
        if fuse and not model.relaxed.network.chains:
            COUNT["without a chain"] += 1
            return
        history = fit(case, model)
        hypothesis.assume(np.isfinite(history["loss"]).all())
        rows = model.targets(np.arange(fuzz.EXAMPLES)) if model.target_rule.has_rows else {}
        results.append({**fuzz.state(net), **history, **rows})
    # Targets and weights move each other, so that rounding grows faster than in plain training.
    assert_close(*results, 5 * tolerance())


@fuzzed(optimizers=("sgd", "adam", "rmsprop"))
def test_nothing_relaxed_is_plain_keras(case):
    plain, expected = trained_plainly(case)
    relaxed = fuzz.build(case)
    history = fit(case, wrapped({**case, "relax": "none"}, relaxed))
    assert_close(history, expected, tolerance())
    assert_close(fuzz.state(relaxed), fuzz.state(plain), tolerance())


@fuzzed()
def test_wrapping_leaves_the_net_as_it_is(case):
    net = fuzz.build(case)
    before = fuzz.state(net)
    model = wrapped(case, net)
    assert_close(fuzz.state(net), before, 0)
    fuzz.compile_like(case, net)
    found, expected = ({"loss": fuzz.evaluate(case, one)} for one in (model, net))
    assert_close(found, expected, tolerance())
    assert_close(fuzz.predicted(case, model), fuzz.predicted(case, net), tolerance())
    assert_close(fuzz.state(net), before, 0)


@pytest.fixture(scope="module")
def _file(tmp_path_factory):
    return tmp_path_factory.mktemp("fuzz") / "model.keras"


_saved = {}


@pytest.fixture(autouse=True)
def _path(_file):
    _saved["path"] = _file


@fuzzed(rules=tuple(fuzz.RULES), weight_steps=("joint", "local"))
def test_a_saved_model_is_the_same_when_loaded(case):
    net = fuzz.build(case)
    model = wrapped(case, net)
    model.save(_saved["path"])
    loaded = keras.saving.load_model(_saved["path"])
    assert loaded.get_config().keys() == model.get_config().keys()
    assert_close(fuzz.predicted(case, loaded), fuzz.predicted(case, net), tolerance())
    cuts = [[cut.name for cut in one.relaxed.network.cuts] for one in (model, loaded)]
    assert cuts[0] == cuts[1]


@pytest.fixture(scope="module", autouse=True)
def _said(request):
    """Says at the end how many nets were tried."""
    yield
    plugins = request.config.pluginmanager
    reporter = plugins.get_plugin("terminalreporter")
    with plugins.get_plugin("capturemanager").global_and_fixture_disabled():
        reporter.write_line("")
        for words, count in sorted(COUNT.items()):
            reporter.write_line(f"fuzz: {count} nets {words}")
