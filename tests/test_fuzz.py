"""Random small nets, trained by raikeras and by plain Keras or in two ways that must agree.

`FUZZ_EXAMPLES` is the number of nets a test tries: a few fixed ones by default, as many random ones
as wanted with `make fuzz`, which names the seed and stops at the first net that differs.

What stands in `KNOWN` is left out.
"""

import collections
import os

import hypothesis
import keras
import numpy as np
import pytest
from hypothesis import given

import raikeras
from tests import fuzz_build as fuzz
from tests.fuzz_nets import cases

EXAMPLES = int(os.environ.get("FUZZ_EXAMPLES", "12"))
SETTINGS = hypothesis.settings(
    max_examples=EXAMPLES,
    derandomize="FUZZ_EXAMPLES" not in os.environ,
    database=None,
    deadline=None,
    suppress_health_check=list(hypothesis.HealthCheck),
    report_multiple_bugs=False,
    print_blob=False,
)
COUNT: collections.Counter = collections.Counter()


def kinds(case: dict) -> set:
    found = set()
    for one in case["body"]:
        found |= {one["kind"], *(inner["kind"] for inner in one.get("body", []))}
        found |= {"mask"} if one["kind"] == "Masking" or one.get("mask_zero") else set()
        found |= {"marked"} if one.get("marked") else set()
    return found


# Faults that are known and not mended yet, each with what tells such a case.
KNOWN = {
    "a mask in front of a fused chain is lost": lambda case: case["fuse"] and "mask" in kinds(case),
    "a subclass of Dense with a call of its own": lambda case: "TripleDense" in kinds(case),
    "TimeDistributed(Dense) has a cut per time step": lambda case: "TimeDistributed" in kinds(case),
    "layers inside a recurrent layer": lambda case: case["relax"] == "all"
    and {"LSTM", "GRU", "SimpleRNN", "Bidirectional"} & kinds(case),
    "dict losses for list outputs": lambda case: case["losses_as"] == "dict"
    and case["structure"] == "list",
    "training calls a relaxed layer another number of times": lambda case: "Twice" in kinds(case),
}


class Refused(Exception):
    """A setting that the library does not take, with a sentence that says so."""


def refusal(error: Exception) -> Refused:
    """Fails unless the message says what was received or which layer it is about."""
    words = str(error)
    if type(error) not in (ValueError, TypeError) or not (
        "Received" in words or "layer" in words.lower()
    ):
        raise error
    return Refused(words)


def wrapped(case, net, **settings):
    """The case's model; a refusal is an exception of its own."""
    rules = {
        "gradient": lambda: raikeras.Gradient(),
        "learned": lambda: raikeras.Learned(),
        "refreshed": lambda: raikeras.Learned(refresh_every=1),
        "inferred": lambda: raikeras.Inferred(3, 0.1),
    }
    steps = {"joint": raikeras.Joint, "local": lambda: raikeras.Local(2)}
    try:
        model = raikeras.RelaxedModel(
            net,
            **{
                "targets": rules[case["rule"]](),
                "relax": fuzz.relax_of(case),
                "at": case["at"],
                "weight_step": steps[case["weight_step"]](),
                "fuse": case["fuse"],
                "deployed_every": 1,
                **settings,
            },
        )
    except (ValueError, TypeError) as error:
        raise refusal(error) from error
    fuzz.compile_like(case, model)
    return model


def tried(test):
    """Counts the nets of a test; leaves out known faults and what is refused."""

    def run(case):
        known = next((name for name, tells in KNOWN.items() if tells(case)), None)
        if known:
            COUNT[f"left out: {known}"] += 1
            return
        with fuzz.settings_of(case):
            try:
                test(case)
                COUNT["tried"] += 1
            except Refused as error:
                COUNT["refused"] += 1
                hypothesis.event(f"refused: {str(error)[:60]}")

    run.__name__, run.__doc__ = test.__name__, test.__doc__
    return run


def tolerance() -> float:
    """A few steps of rate 0.05 carry rounding of 1e-7 (1e-16) on by a small factor each."""
    return 1e-9 if keras.config.floatx() == "float64" else 2e-5


def assert_close(found: dict, expected: dict, bound: float) -> None:
    assert list(found) == list(expected)
    for key, value in expected.items():
        scale = max(1.0, np.abs(value).max(initial=0.0))
        np.testing.assert_allclose(
            found[key], value, rtol=bound, atol=bound * scale, equal_nan=True, err_msg=key
        )


def trained_plainly(case):
    """The net as Keras trains it, and its history; what Keras cannot train says nothing."""
    plain = fuzz.build(case)
    fuzz.compile_like(case, plain)
    try:
        history = fuzz.fit(case, plain)
    except Exception as error:
        COUNT["that plain Keras refuses"] += 1
        hypothesis.event(f"plain Keras: {str(error)[:60]}")
        hypothesis.reject()
    hypothesis.assume(np.isfinite(history["loss"]).all())
    return plain, history


def half():
    return raikeras.losses.HalfSquaredError()


@SETTINGS
@given(cases())
@tried
def test_backprop_as_a_target_rule_is_plain_keras(case):
    plain, expected = trained_plainly(case)
    relaxed = fuzz.build(case)
    history = fuzz.fit(case, wrapped(case, relaxed, hidden_loss=half()))
    assert_close(fuzz.state(relaxed), fuzz.state(plain), tolerance())
    # On the relaxed path layers are fed by the network's own values, dropout and all.
    assert_close({"loss": history["task_loss"]}, {"loss": expected["loss"]}, tolerance())


@SETTINGS
@given(
    cases(
        optimizers=("sgd", "momentum", "adam", "rmsprop"),
        rules=("learned", "gradient", "inferred", "refreshed"),
        weight_steps=("joint", "joint", "local"),
    )
)
@tried
def test_fused_is_layer_by_layer(case):
    results = []
    for fuse in (True, False):
        net = fuzz.build(case)
        model = wrapped({**case, "fuse": fuse}, net)
        if not model.relaxed.circuit.chains and fuse:
            COUNT["without a chain"] += 1
            return
        history = fuzz.fit(case, model)
        rows = model.targets(np.arange(fuzz.EXAMPLES)) if model.target_rule.has_rows else {}
        results.append({**fuzz.state(net), **history, **rows})
    assert_close(*results, 10 * tolerance())


@SETTINGS
@given(cases(optimizers=("sgd", "adam", "rmsprop")))
@tried
def test_nothing_relaxed_is_plain_keras(case):
    plain, expected = trained_plainly(case)
    relaxed = fuzz.build(case)
    history = fuzz.fit(case, wrapped({**case, "relax": "none"}, relaxed))
    assert_close(history, expected, tolerance())
    assert_close(fuzz.state(relaxed), fuzz.state(plain), tolerance())


@SETTINGS
@given(cases())
@tried
def test_wrapping_leaves_the_net_as_it_is(case):
    net = fuzz.build(case)
    before = fuzz.state(net)
    model = wrapped(case, net)
    assert_close(fuzz.state(net), before, 0)
    x, y, weight = fuzz.data(case, net)
    fuzz.compile_like(case, net)
    arguments = dict(sample_weight=weight, batch_size=4, verbose=0, return_dict=True)
    expected = net.evaluate(x, y, **arguments)
    assert_close(model.evaluate(x, y, **arguments), expected, tolerance())
    pairs = [keras.tree.flatten(one.predict(x, verbose=0)) for one in (model, net)]
    for found, value in zip(*pairs, strict=True):
        np.testing.assert_allclose(found, value, rtol=tolerance(), atol=tolerance())
    assert_close(fuzz.state(net), before, 0)


CASES = {
    "test_backprop_as_a_target_rule_is_plain_keras": cases(),
    "test_wrapping_leaves_the_net_as_it_is": cases(),
    "test_nothing_relaxed_is_plain_keras": cases(optimizers=("sgd", "adam", "rmsprop")),
    "test_fused_is_layer_by_layer": cases(optimizers=("sgd", "momentum", "adam", "rmsprop"),rules=("learned", "gradient", "inferred", "refreshed"),weight_steps=("joint", "joint", "local")),
}


@pytest.fixture(scope="module", autouse=True)
def _said(request):
    """Says at the end how many nets were tried."""
    yield
    reporter = request.config.pluginmanager.get_plugin("terminalreporter")
    if reporter is not None:
        reporter.write_line("")
        for words, count in sorted(COUNT.items()):
            reporter.write_line(f"fuzz: {count} nets {words}")
